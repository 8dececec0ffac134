"""The one record and how corpora are read, cleaned, split and written.

The Arrow schema is imported when first asked for: many parts need the record alone, and the command line
looks into them for its list of commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clinsynth.corpus.note import (
    AGE_BANDS,
    NOTE_TYPES,
    PHI_LABELS,
    SAFE_HARBOR,
    SEXES,
    Attributes,
    Note,
    Span,
    age_band,
)

if TYPE_CHECKING:
    from clinsynth.corpus.schema import SCHEMA, from_dict, from_table, to_dict, to_table

__all__ = [
    "AGE_BANDS",
    "NOTE_TYPES",
    "PHI_LABELS",
    "SAFE_HARBOR",
    "SCHEMA",
    "SEXES",
    "Attributes",
    "Note",
    "Span",
    "age_band",
    "from_dict",
    "from_table",
    "to_dict",
    "to_table",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from clinsynth.corpus import schema

    return getattr(schema, name)
