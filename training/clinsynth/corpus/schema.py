"""The one Arrow schema, and the way between it, plain dictionaries (JSON) and ``Note``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from clinsynth.corpus.note import Attributes, Note, Span

SPAN: Final = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("label", pa.string())])

SCHEMA: Final = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field(
            "attributes",
            pa.struct(
                [
                    ("note_type", pa.string()),
                    ("specialty", pa.string()),
                    ("sex", pa.string()),
                    ("age_band", pa.string()),
                    ("diagnoses", pa.list_(pa.string())),
                ]
            ),
        ),
        pa.field("entities", pa.list_(SPAN)),
        pa.field("phi", pa.list_(SPAN)),
        pa.field("patient_id", pa.string()),
        # JSON in a string: `datasets` cannot load Arrow maps.
        pa.field("provenance", pa.string()),
    ]
)
"""Every Parquet file of notes has these columns; exports leave out ``patient_id``."""

ATTRIBUTE_NAMES: Final = ("note_type", "specialty", "sex", "age_band", "diagnoses")


def to_dict(note: Note) -> dict[str, Any]:
    """A note as JSON-ready data; ``from_dict`` undoes it exactly."""
    a = note.attributes
    return {
        "id": note.id,
        "text": note.text,
        "attributes": {
            "note_type": a.note_type,
            "specialty": a.specialty,
            "sex": a.sex,
            "age_band": a.age_band,
            "diagnoses": list(a.diagnoses),
        },
        "entities": [_span_to_dict(s) for s in note.entities],
        "phi": [_span_to_dict(s) for s in note.phi],
        "patient_id": note.patient_id,
        "provenance": dict(note.provenance),
    }


def from_dict(row: Mapping[str, Any]) -> Note:
    """A note from JSON data or an Arrow row; attribute names may also stand at the top level.

    Raises:
        ValueError: names the field that is missing, of the wrong type or out of range.
    """
    return Note(
        id=_text(row, "id"),
        text=_text(row, "text"),
        attributes=_attributes(row),
        entities=_spans(row, "entities"),
        phi=_spans(row, "phi"),
        patient_id=_optional_text(row, "patient_id"),
        provenance=_provenance(row.get("provenance")),
    )


def to_table(notes: Iterable[Note]) -> pa.Table:
    """Notes as one Arrow table in ``SCHEMA``."""
    rows = []
    for note in notes:
        row = to_dict(note)
        row["provenance"] = json.dumps(row["provenance"], sort_keys=True)
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def from_table(table: pa.Table | pa.RecordBatch) -> list[Note]:
    """Notes of an Arrow table; columns beside the schema's are ignored, missing optional ones are empty."""
    return [from_dict(row) for row in table.to_pylist()]


def _span_to_dict(span: Span) -> dict[str, Any]:
    return {"start": span.start, "end": span.end, "label": span.label}


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        raise ValueError(f"field {name} is missing")
    if not isinstance(value, str):
        raise ValueError(f"field {name} is a {type(value).__name__}, not a string")
    return value


def _optional_text(row: Mapping[str, Any], name: str) -> str | None:
    return None if row.get(name) is None else _text(row, name)


def _attributes(row: Mapping[str, Any]) -> Attributes:
    nested = row.get("attributes")
    source: Mapping[str, Any] = row if nested is None else nested
    if not isinstance(source, Mapping):
        raise ValueError(f"field attributes is a {type(source).__name__}, not an object")
    diagnoses = source.get("diagnoses") or ()
    if not isinstance(diagnoses, Sequence) or isinstance(diagnoses, str):
        raise ValueError("field diagnoses is not a list of strings")
    return Attributes(
        note_type=_optional_text(source, "note_type"),
        specialty=_optional_text(source, "specialty"),
        sex=_optional_text(source, "sex"),
        age_band=_optional_text(source, "age_band"),
        diagnoses=tuple(str(d) for d in diagnoses),
    )


def _spans(row: Mapping[str, Any], name: str) -> tuple[Span, ...]:
    value = row.get(name)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ValueError(f"field {name} is not a list of spans")
    spans = []
    for i, item in enumerate(value):
        try:
            spans.append(Span(int(item["start"]), int(item["end"]), str(item["label"])))
        except KeyError as missing:
            raise ValueError(f"{name}[{i}] has no {missing.args[0]}") from None
        except TypeError:
            raise ValueError(f"{name}[{i}] is not an object with start, end, label") from None
        except ValueError as error:
            raise ValueError(f"{name}[{i}]: {error}") from None
    return tuple(spans)


def _provenance(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if isinstance(value, str):
        value = json.loads(value)
    if not isinstance(value, Mapping):
        raise ValueError("field provenance is not an object")
    return {str(k): str(v) for k, v in value.items()}
