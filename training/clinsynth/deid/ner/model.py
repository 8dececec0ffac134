"""The trained model at work: many texts at once, and never an answer that is less than whole."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from clinsynth.corpus import PHI_LABELS, Span
from clinsynth.deid.ner.card import CARD, PROFESSION, NerCard, checked_card
from clinsynth.errors import GateError
from clinsynth.folders import file_sha256
from clinsynth.tagging import Labels, Tagger, encode, load_tagger, load_tokenizer


class NerModel:
    """A model of the de-identifier. May be shared by threads: tokenising is locked, the model is only read.

    Args:
        threshold: a word belongs to an identifier from this probability that it does, whatever its label:
            lower finds more and errs more.
        professions: find professions too, as ``OTHER_ID``.
        labels: those to find.
        card_sha256: of the folder's ``card.json``.
    """

    def __init__(
        self,
        tagger: Tagger,
        tokenizer: Any,
        card: NerCard,
        *,
        threshold: float,
        professions: bool,
        labels: Sequence[str] = PHI_LABELS,
        card_sha256: str = "",
    ) -> None:
        self.card, self.card_sha256, self.threshold = card, card_sha256, threshold
        self._tagger, self._tokenizer = tagger, tokenizer
        names = {name: name for name in card.labels if name in labels}
        if professions and PROFESSION in card.labels and "OTHER_ID" in labels:
            names[PROFESSION] = "OTHER_ID"
        self._names = names
        self._lock = threading.Lock()

    @classmethod
    def load(
        cls, folder: Path, *, threshold: float, professions: bool, labels: Sequence[str] = PHI_LABELS
    ) -> NerModel:
        """The model in a folder.

        In a process of a pool torch gets one thread: the pool has a process for each core.

        Raises:
            FolderError: the folder is missing, damaged, not what its card says, or holds pickles or code.
        """
        card = checked_card(folder)
        if multiprocessing.parent_process() is not None:
            torch.set_num_threads(1)
        tokenizer = load_tokenizer(folder)
        pad = int(tokenizer.pad_token_id or 0)
        tagger = load_tagger(folder, Labels(card.labels), pad=pad, capitals=card.capitals)
        return cls(
            tagger, tokenizer, card, threshold=threshold, professions=professions, labels=labels,
            card_sha256=file_sha256(folder / CARD),
        )  # fmt: skip

    def describe(self) -> dict[str, Any]:
        """What a manifest records."""
        return {
            "card_sha256": self.card_sha256,
            "threshold": self.threshold,
            "labels": sorted(set(self._names.values())),
            "professions": PROFESSION in self._names,
        }

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        """Spans of each text, sorted, not overlapping; labels are those of identifiers.

        Raises:
            GateError: the model failed, or gave fewer answers than there are texts.
        """
        try:
            with self._lock:  # a fast tokenizer is not safe for several threads
                notes = encode(texts, self._tokenizer, self.card.max_pieces)
            found = self._tagger.predict(notes, self.threshold)
        except Exception as error:  # noqa: BLE001 - whatever it is, the notes must not pass
            raise GateError(f"the model failed ({type(error).__name__}): the note is withheld") from None
        if len(found) != len(texts):
            raise GateError(f"the model answered for {len(found)} of {len(texts)} notes: all are withheld")
        return [
            [Span(s.start, s.end, self._names[s.label]) for s in spans if s.label in self._names]
            for spans in found
        ]
