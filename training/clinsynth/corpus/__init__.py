"""The one record and how corpora are read, cleaned, split and written.

The Arrow schema is imported when first asked for: many parts need the record alone, and the command line
looks into them for its list of commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from clinsynth.lazy import lazily

if TYPE_CHECKING:
    from clinsynth.corpus.schema import SCHEMA, from_dict, from_table, to_dict, to_table
else:
    __getattr__ = lazily(__name__, {"schema": ("SCHEMA", "from_dict", "from_table", "to_dict", "to_table")})

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
