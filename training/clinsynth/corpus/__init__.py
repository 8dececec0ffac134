"""The one record and how corpora are read, cleaned, split and written."""

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
