"""A fine-tuned token classifier, over many notes at once.

A note gets the same spans in whatever company, on one machine and number of threads. The libraries behind
torch choose by its shape how to sum a product, so a window is padded to a length that depends on nothing
but itself, and all batches of one length have the same number of rows, filled up by repeats.
"""

# Shape letters: B windows of a batch, L pieces of its longest window, C classes, W words of a window.
# ruff: noqa: N806
from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from clinsynth.corpus import Span
from clinsynth.errors import FolderError
from clinsynth.tagging.encoding import EncodedNotes, Window
from clinsynth.tagging.labels import OUTSIDE, Ints, Labels

_BATCH_PIECES: Final = 512  # larger ones are no faster on a CPU
_LENGTH_STEP: Final = 32  # windows are padded to a multiple of so many pieces

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tagger:
    """A fine-tuned token classifier.

    Args:
        pad: id of the padding piece.
        capitals: the model is told how each word is written (``Window.capitals``) by its type embeddings.
    """

    model: Any
    labels: Labels
    device: torch.device
    pad: int
    capitals: bool = False

    def predict(self, notes: EncodedNotes, least: float | None = None) -> list[list[Span]]:
        """Entity spans of every note.

        Args:
            least: a word belongs to an entity from this probability that it is not outside, under the
                likeliest label; lower finds more and errs more. None: the likeliest class of all.

        Raises:
            FloatingPointError: the model's answer is not finite.
        """
        classes = [np.full(len(d.starts), OUTSIDE, np.int64) for d in notes.documents]
        for window, logits_WC in self._logits(notes.windows):
            chances_WC = _softmax(logits_WC)
            best_W = chances_WC.argmax(-1)
            if least is not None:
                inside_W = 1 - chances_WC[:, OUTSIDE] >= least
                best_W = np.where(inside_W, chances_WC[:, 1:].argmax(-1) + 1, OUTSIDE)
            place = slice(window.first, window.first + len(best_W))
            classes[window.document][place] = _one_beginning_a_piece(best_W, window.heads)
        return [self.labels.decode(c, d.starts, d.ends) for c, d in zip(classes, notes.documents)]

    def _logits(self, windows: Sequence[Window]) -> Iterator[tuple[Window, Floats]]:
        """Each window with the logits of its words, [words, classes]."""
        self.model.eval()
        with torch.inference_mode(), autocast(self.device, self.model.dtype):
            for batch, rows in _batches(windows):
                filled = [batch[i % len(batch)] for i in range(rows)]
                inputs = model_inputs(filled, self.pad, self.capitals, self.device, step=_LENGTH_STEP)
                logits_BLC = self.model(**inputs).logits.float().cpu().numpy()
                if logits_BLC.shape[:2] != tuple(inputs["input_ids"].shape):
                    raise ValueError("the model answered with another number of pieces")
                for window, logits_LC in zip(batch, logits_BLC):
                    logits_WC = logits_LC[window.heads]
                    if not np.isfinite(logits_WC).all():
                        raise FloatingPointError("the model's answer is not finite")
                    yield window, logits_WC


def load_tagger(folder: Path, labels: Labels, *, pad: int, capitals: bool) -> Tagger:
    """A token classifier from a folder, ready to predict.

    Raises:
        FolderError: it has other classes, or does not load from safetensors without code of its own.
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise FolderError(f"{folder}: config.json does not load ({type(error).__name__})") from None
    if config.id2label != dict(enumerate(labels.class_names())):
        raise FolderError(f"{folder}: the classes in config.json are not those of the labels in its card")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = load_classifier(folder, labels, None)
    dtype = torch.bfloat16 if fast_bfloat16(device) else torch.float32
    return Tagger(model.to(device=device, dtype=dtype).eval(), labels, device, pad, capitals)


def load_classifier(folder: Path, labels: Labels, attention: str | None) -> Any:
    """A token classifier over the encoder in a folder, float32; one that lies there already is read whole.

    Raises:
        FolderError: the folder holds no encoder that can be one, or its weights do not fit.
    """
    import transformers

    names = labels.class_names()
    with _quiet(transformers):
        try:
            return transformers.AutoModelForTokenClassification.from_pretrained(
                str(folder),
                num_labels=labels.classes,
                id2label=dict(enumerate(names)),
                label2id={name: i for i, name in enumerate(names)},
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,  # a classifier of another task may lie in the folder
                dtype=torch.float32,
                attn_implementation=attention,
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise FolderError(f"encoder {folder}: no token classifier ({type(error).__name__})") from None


def model_inputs(
    batch: Sequence[Window], pad: int, capitals: bool, device: torch.device, *, step: int = 1
) -> dict[str, torch.Tensor]:
    """What the model is called with: ids and mask, and how words are written; all [B, L].

    Args:
        step: L is a multiple of it.
    """
    longest = -(-max(len(w.pieces) for w in batch) // step) * step
    ids_BL = np.full((len(batch), longest), pad, np.int64)
    mask_BL = np.zeros((len(batch), longest), np.int64)
    written_BL = np.zeros((len(batch), longest), np.int64)
    for row, window in enumerate(batch):
        ids_BL[row, : len(window.pieces)] = window.pieces
        mask_BL[row, : len(window.pieces)] = 1
        written_BL[row, : len(window.pieces)] = window.capitals
    arrays = {"input_ids": ids_BL, "attention_mask": mask_BL}
    if capitals:
        arrays["token_type_ids"] = written_BL
    return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Multiplies a float32 model's matrices in bfloat16 where that is faster; else changes nothing."""
    enabled = dtype == torch.float32 and fast_bfloat16(device)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


def fast_bfloat16(device: torch.device) -> bool:
    """Has the device instructions for bfloat16? Without, it is slower than float32."""
    if device.type != "cpu":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _batches(windows: Sequence[Window]) -> Iterator[tuple[list[Window], int]]:
    """Windows of the same padded length, with the number of rows of such batches."""
    by_length: dict[int, list[Window]] = {}
    for window in windows:
        by_length.setdefault(-(-len(window.pieces) // _LENGTH_STEP) * _LENGTH_STEP, []).append(window)
    for length, alike in sorted(by_length.items()):
        rows = max(1, _BATCH_PIECES // length)
        for start in range(0, len(alike), rows):
            yield alike[start : start + rows], rows


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    chances: Floats = powers / powers.sum(-1, keepdims=True)
    return chances


def _one_beginning_a_piece(classes: Ints, heads: Ints) -> Ints:
    """Words that share a piece share its class, but only the first of them can begin an entity."""
    shared = np.concatenate([[False], heads[1:] == heads[:-1]])
    return np.where(shared & (classes % 2 == 1), classes + 1, classes)


@contextlib.contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """No notice that the classifier is new: that is the point of fine-tuning."""
    before = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.logging.set_verbosity(before)
        transformers.logging.enable_progress_bar()
