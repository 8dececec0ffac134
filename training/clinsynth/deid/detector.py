"""Finds identifiers with recognisers of Presidio, offline, and never returns less than it looked for."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from clinsynth.corpus import Span
from clinsynth.deid.config import DeidConfig
from clinsynth.deid.ner.load import load_model, model_version
from clinsynth.deid.normal import seen_through
from clinsynth.deid.resolve import resolve
from clinsynth.deid.tags import TAG, has_word, outside, tag_spans
from clinsynth.errors import GateError

_MASK: Final = "\x00"  # neither a letter nor a blank: no rule matches it
_MOST_LOOKS: Final = 16  # more than one is rare, more than two are contrived
_LONG: Final = 40  # characters of a finding
_NO_RULES: Final = frozenset(
    {
        "command.py", "group.py", "train.py", "surrogates", "files.py", "inputs.py", "plan.py", "report.py",
        "span_rows.py", "joining.py",
    }
)  # fmt: skip


class Detector:
    """The de-identifier's eyes: rules for all classes of Safe Harbor, as recognisers of Presidio, and
    beside them a model, if ``config.ner`` names one.

    Both look at the same text; their findings are joined by the priorities of ``ner.join`` and
    ``resolve``: a form, or a word that tells, beats the model, and the model beats nothing but what lies
    within its finding. What was found once, by either, is then found everywhere in the note.

    May be shared by threads. Pickles as its configuration, so that each process of a pool makes its own (in
    under a second, most of it the import of Presidio; with a model some seconds, most of them torch's).

    Args:
        config: what to look for.
        recognizers: recognisers of Presidio in the place of ours.

    Raises:
        GateError: no recogniser looks for one of ``config.labels``.
        FolderError: ``config.ner`` cannot be loaded.
        MissingExtraError: it needs torch, which is not installed.
    """

    def __init__(self, config: DeidConfig | None = None, recognizers: Sequence[Any] | None = None) -> None:
        from clinsynth.deid.watched import WatchedAnalyzer

        self.config = config or DeidConfig()
        self._own = recognizers is None
        families = _families(self.config) if recognizers is None else recognizers
        self._analyzer = WatchedAnalyzer(families, self.config.labels, self.config.score_threshold)
        self._allowed = frozenset(word.casefold() for word in self.config.allow)
        self._model = load_model(self.config)

    def __reduce__(self) -> tuple[Any, ...]:
        assert self._own, "a detector with recognisers of others does not pickle"
        return type(self), (self.config,)

    @property
    def version(self) -> str:
        """Changes with the rules, the lists of words, the libraries and the model; for manifests."""
        return detector_version(self.config)

    def describe(self) -> dict[str, Any]:
        """What a manifest records of the de-identification; labels that were not looked for stand in it."""
        looked_for = self.config.labels
        return {
            "version": self.version,
            "labels": list(looked_for),
            "labels_off": [label for label in DeidConfig().labels if label not in looked_for],
            "score_threshold": self.config.score_threshold,
            "denied_words": {label: len(words) for label, words in self.config.deny.items()},
            "allowed_words": len(self.config.allow),
            "ner": None if self._model is None else self._model.describe(),
        }

    def detect(self, text: str) -> list[Span]:
        """The identifiers in ``text``, sorted, not overlapping. Tags are no identifiers.

        Raises:
            GateError: a recogniser or the model failed. What the others found is not returned.
        """
        return self.detect_batch([text])[0]

    def detect_batch(self, texts: Iterable[str]) -> list[list[Span]]:
        """``detect`` for each of ``texts``; the model sees them all at once, which is quicker.

        Raises:
            GateError: a recogniser or the model failed on one of them.
        """
        texts = list(texts)
        return [self._guarded(text, more) for text, more in zip(texts, self._seen(texts), strict=True)]

    def _seen(self, texts: Sequence[str]) -> Sequence[Sequence[Span]]:
        """What the model sees in each text; nothing where there is none."""
        return [()] * len(texts) if self._model is None else self._model.find([_untagged(t) for t in texts])

    def _guarded(self, text: str, more: Sequence[Span]) -> list[Span]:
        try:
            return seen_through(
                text, lambda plain: self._detect(plain, more if plain == text else self._seen([plain])[0])
            )
        except GateError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the note must not pass
            # The error's own message may quote the note: its type has to do.
            raise GateError(f"the detector failed ({type(error).__name__}): the note is withheld") from None

    def _detect(self, text: str, more: Sequence[Span]) -> list[Span]:
        """What the rules find, joined with what the model has found (``more``).

        What is written against an identifier ("Alderbrook94-year-old") is seen once that is out of the way:
        there is another look, so that de-identifying the result finds nothing new.
        """
        tags = tag_spans(text)
        masked = TAG.sub(lambda match: _MASK * len(match[0]), text) if tags else text
        spans = new = self._looked(masked, more)
        for _ in range(_MOST_LOOKS):
            if not any(_is_tied(masked, span) for span in new):
                break
            masked = _without(masked, new)
            new = self._looked(masked, ())
            spans = resolve(text, [*spans, *new])
        if not tags:
            return spans
        return [p for s in spans for p in outside(s, tags) if has_word(text, p.start, p.end)]

    def _looked(self, masked: str, more: Sequence[Span]) -> list[Span]:
        from clinsynth.deid.edges import to_edges
        from clinsynth.deid.engine import Tokens
        from clinsynth.deid.ner.join import joined
        from clinsynth.deid.repeats import bridged, nicknamed, repeats

        tokens = Tokens(masked)
        results = self._analyzer.analyze(tokens)
        scored = [(Span(start, end, label), score) for label, start, end, score in results]
        found = joined(masked, scored, more)
        if self._allowed:
            found = [
                span for span in found if masked[span.start : span.end].casefold() not in self._allowed
            ]
        found += [*repeats(tokens, found), *nicknamed(masked, found)]
        return bridged(masked, to_edges(masked, resolve(masked, found)))


def _is_tied(text: str, span: Span) -> bool:
    """Does a letter, a digit or a mark with a digit touch it, or may a pattern have ended at its limit?"""
    start, end = span.start, span.end
    return (
        end - start > _LONG
        or text[max(start - 1, 0) : start].isalnum()
        or text[end : end + 1].isalnum()
        or (text[max(start - 2, 0) : max(start - 1, 0)].isdigit() and not text[start - 1].isspace())
        or (text[end + 1 : end + 2].isdigit() and not text[end].isspace())
    )


def _without(text: str, spans: Sequence[Span]) -> str:
    """The text with masks in the place of spans (sorted, apart)."""
    parts, done = [], 0
    for span in spans:
        parts += [text[done : span.start], _MASK * (span.end - span.start)]
        done = span.end
    return "".join([*parts, text[done:]])


def _untagged(text: str) -> str:
    """The text with blanks in the place of tags: as long, and the model takes them for nothing."""
    return TAG.sub(lambda match: " " * len(match[0]), text)


def _families(config: DeidConfig) -> list[Any]:
    from clinsynth.deid import recognizers

    families: list[Any] = [family() for family in recognizers.FAMILIES]
    if any(config.deny.values()):
        families.append(recognizers.DeniedWordRecognizer(config.deny))
    return families


def detector_version(config: DeidConfig) -> str:
    """``Detector(config).version``, without one.

    Raises:
        FolderError: the model of ``config.ner`` is not there.
    """
    model = model_version(config)
    return rules_version() if model is None else f"{rules_version()}-{model}"


@cache
def rules_version() -> str:
    """Twelve hexadecimal digits over the files of this package and the versions of its libraries."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in sorted(
        p
        for p in here.rglob("*")
        if p.suffix in {".py", ".txt"} and _NO_RULES.isdisjoint(p.relative_to(here).parts)
    ):
        digest.update(f"{path.relative_to(here).as_posix()}\0".encode() + path.read_bytes())
    for library in ("presidio-analyzer", "faker"):
        digest.update(f"{library} {importlib.metadata.version(library)}\n".encode())
    return digest.hexdigest()[:12]
