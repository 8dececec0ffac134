"""The gate of a model folder: the detector, and the index of the text that the model was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from clinsynth.errors import FolderError, GateError
from clinsynth.gate.config import GateConfig
from clinsynth.gate.gate import Gate
from clinsynth.overlap import NEIGHBOURS, NGRAMS, NeighbourIndex, NgramIndex

if TYPE_CHECKING:
    from clinsynth.deid import Detector

_PROBE: Final = "Pt seen in clinic, call 555-0100 or write to a.b@example.org with questions."


def load_gate(
    model_dir: Path, config: GateConfig | None = None, *, detector: Detector | None = None
) -> Gate:
    """A gate that has been tried once.

    Args:
        detector: one by ``config.deid``, as ``load_detector`` gives it; by default it is built anew.

    Raises:
        FolderError: the model folder has no index of its training text, or a damaged one, and the policy
            asks for it.
        GateError: the detector cannot be built, or misses what it must find in a line made up for it.
    """
    config = config or GateConfig()
    check_index(model_dir, config)
    index = NgramIndex.load(model_dir / NGRAMS) if config.copied else None
    neighbours = NeighbourIndex.load(model_dir / NEIGHBOURS) if config.neighbours else None
    return Gate(config, detector or load_detector(config), index, neighbours)


def load_detector(config: GateConfig) -> Detector:
    """The detector of a gate. Many gates may share it.

    Raises:
        GateError: it cannot be built, or misses what it must find in a line made up for it.
    """
    from clinsynth.deid import Detector

    detector = Detector(config.deid)
    found = {span.label for span in detector.detect(_PROBE)}
    if "EMAIL" in config.deid.labels and "EMAIL" not in found:
        raise GateError("the detector finds no e-mail address where there is one: nothing would be safe")
    return detector


def check_index(model_dir: Path, config: GateConfig) -> None:
    """Cheap, before anything heavy is loaded.

    Raises:
        FolderError: the policy asks for an index and there is none.
    """
    for key, asked, index, unseen in (
        ("copied", config.copied, NGRAMS, "what is copied from the training text"),
        ("neighbours", config.neighbours, NEIGHBOURS, "which training note is alike as a whole"),
    ):
        if asked and not (model_dir / index).is_file():
            raise FolderError(
                f"{model_dir} has no {index}: the gate cannot see {unseen}. Prepare the corpus and train "
                f"the model anew, or set gate.{key}=false and answer for it"
            )
