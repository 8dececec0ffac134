"""What the gate looks for, and what it does when it finds it."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from clinsynth.config import Config
from clinsynth.deid import DeidConfig
from clinsynth.gate.presets import Preset, with_preset
from clinsynth.overlap.neighbours import LEAST_THRESHOLD


class GateConfig(Config):
    """The policy of the gate. The defaults suit notes of ordinary length.

    Keys that a preset sets (``presets``) may be left out or null: then the preset decides.

    Args:
        preset: ``recall_first``, ``balanced`` (the defaults below) or ``precision_first``.
        deid: which identifiers to look for. Leaving some out is for experiments.
        copied: look for stretches copied from the training text. Needs ``overlap/ngrams.npy`` in the model
            folder; only ``false`` lets the gate start without it.
        max_copied_words: longest stretch of training text, in words, that a note may hold. The index knows
            stretches of 13 words and more.
        neighbours: look for notes that are alike, as a whole, to one training note. Needs
            ``overlap/neighbours.npy`` in the model folder; only ``false`` lets the gate start without it.
        max_similarity: a note whose 5-word shingles are as alike to those of a training note, or more, is
            withheld (Jaccard similarity, 0.5 to 1), with a probability of at least 99 %. It is an estimate
            that is looked at, and lesser neighbours are withheld with it: see ``overlap.neighbours``.
        min_characters: shortest note.
        max_characters: longest note; a longer one is not looked at any further.
        min_words: fewest words.
        min_entities: fewest marked entities, for corpora whose labels are what is wanted.
        max_repeated_lines: largest share of lines that stood in the note before (blank lines apart).
        max_repeated_ngrams: largest share of 6-word stretches that stood in the note before: loops.
        on_identifier: what to do with an identifier that stands as text: ``repair`` puts its tag in its
            place, ``reject`` withholds the note.
        max_identifiers: a note with more of them is rejected in any case: what writes so many is not to be
            trusted with the next one.
        allowed_problems: problems of the markup (``tokens.template.Parsed.problems``) to let pass, such as
            ``truncated``.
        stream: what leaves before a note has ended. ``whole``: nothing, so that a stream gives what the
            whole text would. ``settled``: what two looks in a row agree on; what comes later may withdraw
            it, and the stream then ends with an error (docs/decisions/044).
        timeout_seconds: longest time that one look by the detector or an index may take. A note that
            takes longer is withheld.
    """

    preset: Preset = "balanced"
    deid: DeidConfig = DeidConfig()
    copied: bool = True
    max_copied_words: int = Field(default=30, ge=1)
    neighbours: bool = True
    max_similarity: float = Field(default=0.8, ge=LEAST_THRESHOLD, le=1)
    min_characters: int = Field(default=20, ge=1)
    max_characters: int = Field(default=60_000, ge=1)
    min_words: int = Field(default=5, ge=1)
    min_entities: int = Field(default=0, ge=0)
    max_repeated_lines: float = Field(default=0.5, ge=0, le=1)
    max_repeated_ngrams: float = Field(default=0.5, ge=0, le=1)
    on_identifier: Literal["repair", "reject"] = "repair"
    max_identifiers: int = Field(default=20, ge=0)
    allowed_problems: tuple[str, ...] = ()
    stream: Literal["whole", "settled"] = "whole"
    timeout_seconds: float = Field(default=20.0, gt=0)

    @classmethod
    def named(cls, preset: Preset, **keys: Any) -> Self:
        """The policy of that name, with ``keys`` of one's own."""
        return cls.model_validate({**keys, "preset": preset})

    @model_validator(mode="before")
    @classmethod
    def _by_preset(cls, given: Any) -> Any:
        return with_preset(given) if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _limits_agree(self) -> Self:
        if self.min_characters > self.max_characters:
            raise ValueError(
                f"min_characters is {self.min_characters}, above max_characters ({self.max_characters})"
            )
        return self
