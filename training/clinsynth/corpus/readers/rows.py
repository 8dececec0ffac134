"""One row of any format as a ``Note``: names of columns, filters, values as other people write them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from clinsynth.corpus.note import Attributes, Note, age_band
from clinsynth.corpus.readers.options import ReadOptions, ReadStats, Scalar
from clinsynth.corpus.readers.spans import entity_spans, phi_spans
from clinsynth.corpus.schema import ATTRIBUTE_NAMES
from clinsynth.errors import DataError

ROW_NUMBER: Final = "#"
"""``fields: {id: "#"}``: the number of the row is the id."""

_SEXES: Final = {"f": "female", "w": "female", "woman": "female", "m": "male", "man": "male"}
_UNKNOWN: Final = frozenset({"", "u", "unknown", "unk", "na", "n/a", "none", "other", "undifferentiated"})


@dataclass(frozen=True, slots=True)
class Row:
    """Values by column name, and the place they stand at, for messages. ``line`` counts from 1."""

    path: Path
    line: int | None
    values: Mapping[str, Any]

    def __repr__(self) -> str:
        """The place, never the values."""
        return f"Row({self.path}, line {self.line})"


def require_columns(columns: Collection[str], path: Path, line: int | None, options: ReadOptions) -> None:
    """Checks the header of a format that has one.

    Raises:
        DataError: a column that the options name, or one that a note needs, is not there.
    """
    listed = ", ".join(sorted(columns)[:20])
    for name, column in options.fields.items():
        if (
            column not in (None, ROW_NUMBER)
            and str(column).split(".")[0] not in columns
            and column not in columns
        ):
            raise DataError.at(path, line, f"no column {column} (fields.{name}); columns: {listed}")
    for column in options.where:
        if column.split(".")[0] not in columns and column not in columns:
            raise DataError.at(path, line, f"no column {column} (where.{column}); columns: {listed}")
    for name in ("id", "text"):
        if name not in columns and not options.fields.get(name):
            raise DataError.at(path, line, f"no column {name}; {_hint(name)}; columns: {listed}")


class RowReader:
    """Makes notes of rows."""

    def __init__(self, options: ReadOptions, stats: ReadStats) -> None:
        self._options, self._stats = options, stats
        self._unseen = {c for c in options.fields.values() if c not in (None, ROW_NUMBER)}
        self._where = {
            column: {_as_text(v) for v in (value if isinstance(value, list) else [value])}
            for column, value in options.where.items()
        }
        self._row_number = 0

    def note(self, row: Row) -> Note | None:
        """The note of a row, or None where it is dropped (and counted).

        Raises:
            DataError: at the row's place.
        """
        self._row_number += 1
        if not all(self._matches(row.values, column) for column in self._where):
            self._stats.dropped["where"] += 1
            return None
        try:
            return self._build(row.values)
        except ValueError as error:
            raise DataError.at(row.path, row.line, str(error)) from None

    def check_columns(self, path: Path) -> None:
        """After the last row: a column that the options name and that no row had is an error."""
        if self._unseen and self._stats.kept:
            column = min(str(c) for c in self._unseen)
            name = next(n for n, c in self._options.fields.items() if c == column)
            raise DataError.at(path, None, f"no row has {column} (fields.{name})")

    def _build(self, values: Mapping[str, Any]) -> Note | None:
        text = self._value(values, "text")
        if text is None:
            raise ValueError(f"field text is missing; {_hint('text')}")
        if not isinstance(text, str):
            raise ValueError(f"field text is a {type(text).__name__}, not a string")
        if not text.strip():
            self._stats.dropped["empty_text"] += 1
            return None
        _check_characters(text)
        patient = self._value(values, "patient_id")
        return Note(
            id=self._id(values),
            text=text,
            attributes=self._attributes(values),
            entities=entity_spans(
                self._value(values, "entities"), len(text), self._options.labels, self._stats
            ),
            phi=phi_spans(self._value(values, "phi"), len(text), self._stats),
            patient_id=None if patient is None or patient == "" else str(patient),
            provenance=_provenance(self._value(values, "provenance")),
        )

    def _id(self, values: Mapping[str, Any]) -> str:
        if self._options.fields.get("id") == ROW_NUMBER:
            return f"{self._options.id_prefix}{self._row_number}"
        value = self._value(values, "id")
        if value is None or value == "":
            raise ValueError(f"field id is missing; {_hint('id')}")
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise ValueError(f"field id is a {type(value).__name__}, not a string")
        return f"{self._options.id_prefix}{value}"

    def _value(self, values: Mapping[str, Any], name: str) -> Any:
        if name not in self._options.fields:
            return values.get(name)
        column = self._options.fields[name]
        if column is None:
            return None
        if column in self._unseen and _has(values, column):
            self._unseen.discard(column)
        return _look_up(values, column)

    def _attributes(self, values: Mapping[str, Any]) -> Attributes:
        nested = values.get("attributes")
        if nested is not None and not isinstance(nested, Mapping):
            raise ValueError(f"field attributes is a {type(nested).__name__}, not an object")
        found = {
            name: self._value(values, name)
            if nested is None or name in self._options.fields
            else nested.get(name)
            for name in ATTRIBUTE_NAMES
        }
        if not any(found.values()):
            return _NO_ATTRIBUTES
        return Attributes(
            note_type=_plain("note_type", found["note_type"]),
            specialty=_plain("specialty", found["specialty"]),
            sex=_sex(found["sex"]),
            age_band=_age_band(found["age_band"]),
            diagnoses=_diagnoses(found["diagnoses"]),
        )

    def _matches(self, values: Mapping[str, Any], column: str) -> bool:
        value = _look_up(values, column)
        candidates = value if isinstance(value, list) else [value]
        return any(_as_text(candidate) in self._where[column] for candidate in candidates)


_NO_ATTRIBUTES: Final = Attributes()


def _hint(name: str) -> str:
    other = 'fields: {id: "#"} numbers the rows' if name == "id" else "fields: {text: COLUMN} names it"
    return f"another name? {other}" if name == "text" else f"fields: {{id: COLUMN}} names it, {other}"


def _has(values: Mapping[str, Any], column: str) -> bool:
    return column in values or _look_up(values, column) is not None


def _look_up(values: Mapping[str, Any], column: str) -> Any:
    if column in values or "." not in column:
        return values.get(column)
    value: Any = values
    for part in column.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _as_text(value: Scalar | None) -> str | None:
    # 2020 in YAML and "2020" in CSV are meant to be the same.
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def _check_characters(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"text[{error.start}] is half of a surrogate pair: no file can hold it") from None


def _plain(name: str, value: Any) -> str | None:
    if isinstance(value, list):
        value = value[0] if value else None  # the first of several is the main one
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"field {name} is a {type(value).__name__}, not a string")
    return " ".join(value.split()) or None


def _sex(value: Any) -> str | None:
    text = _plain("sex", value)
    if text is None or text.lower() in _UNKNOWN:
        return None
    return _SEXES.get(text.lower(), text.lower())


def _age_band(value: Any) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return None if value != value else age_band(value)
    text = _plain("age_band", value)
    if text is None or text.lower() in _UNKNOWN:
        return None
    return age_band(int(text)) if text.isdecimal() else text


def _diagnoses(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        value = value.split(";")
    if not isinstance(value, list | tuple):
        raise ValueError("field diagnoses is not a list of strings")
    return tuple(text for text in (str(item).strip() for item in value) if text)


def _provenance(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise ValueError("field provenance is a string that is not JSON") from None
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"field provenance is a {type(value).__name__}, not an object")
    return {str(k): str(v) for k, v in value.items()}
