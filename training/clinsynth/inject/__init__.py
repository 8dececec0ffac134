"""Gold by injection: identifiers of every Safe Harbor class put into real notes at known offsets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsynth.lazy import lazily

if TYPE_CHECKING:
    from clinsynth.inject.injector import PER_NOTE, Injector
    from clinsynth.inject.vocabulary import SPLITS
else:
    __getattr__ = lazily(__name__, {"injector": ("PER_NOTE", "Injector"), "vocabulary": ("SPLITS",)})

__all__ = ["PER_NOTE", "SPLITS", "Injector"]
