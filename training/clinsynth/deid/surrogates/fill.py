"""A note with surrogates: each identifier's value found, text and spans moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from clinsynth.corpus import Note, Span
from clinsynth.corpus.moves import Moves
from clinsynth.deid.normal import normal
from clinsynth.deid.surrogates.cast import Cast
from clinsynth.deid.surrogates.dates import Calendar, shift_days
from clinsynth.deid.surrogates.keyed import Keyed
from clinsynth.deid.surrogates.written import replaced
from clinsynth.deid.tags import has_word, neutralise, tag_places, tag_spans
from clinsynth.errors import UsageError


def to_surrogates(note: Note, key: bytes | str) -> Note:
    """The note with an invented value in the place of each tag, and of each span of ``phi`` that is no tag.

    Args:
        key: the only secret. The same key gives a note, and the notes of a patient, the same values again.

    What was written gets a surrogate of its form, the same for all notes of the patient (of the note, where
    it has no ``patient_id``), and never itself; nor does it come back when the surrogates are replaced
    once more. An age over 89 becomes the band ``90+``, which stays. What has no value becomes a tag.
    Dates of a patient move together; a day of the week beside a moved date goes with it. Tags that stand in
    the text are filled in by the words around them.

    ``phi`` of the result lies on the values and the tags left, as ``to_tags`` would place it. Entities move
    along; those that a written identifier crosses are clipped, those of which it leaves no word dropped.

    Raises:
        UsageError: the key is empty.
        ValueError: a span of ``phi`` has a label that is not in ``PHI_LABELS``.
    """
    secret = key.encode() if isinstance(key, str) else bytes(key)
    if not secret:
        raise UsageError("the key of the surrogates is empty: give at least one character")
    tags = set(tag_spans(note.text))
    pieces = tag_places(note.text, note.phi)
    written = [piece for piece in pieces if piece not in tags]
    values = _values(note, pieces, tags, Keyed(secret, note.patient_id or note.id))
    # Days of the week beside dates are replaced as well, and are no identifiers.
    places = sorted(values)
    moves = Moves(places, [values[place] for place in places])
    rest = Moves(written, [""] * len(written)).rest
    entities = (
        moves.span(entity, note.text)
        for entity in note.entities
        if any(has_word(note.text, *part) for part in rest(entity))
    )
    found = set(pieces)
    return replace(
        note,
        text=moves.text(note.text, between=neutralise),
        entities=tuple(entity for entity in entities if entity is not None),
        phi=tuple(value for place, value in zip(places, moves.values()) if place in found),
    )


def _values(note: Note, pieces: Sequence[Span], tags: set[Span], keyed: Keyed) -> dict[Span, str]:
    """The new text at every place that changes."""
    cast, calendar = Cast(keyed, note), _calendar(note, pieces, tags, keyed)
    values: dict[Span, str] = {}
    for piece in pieces:
        if piece in tags:
            values[piece] = cast.value(piece)
            continue
        original = normal(
            note.text[piece.start : piece.end]
        ).text  # a hidden character makes no other person
        if piece.label == "DATE":
            value = calendar.moved(original, piece.start)
        else:
            value = replaced(piece.label, original, keyed)
        values[piece] = f"<|{piece.label}|>" if value is None else value
        if piece.label == "DATE" and value is not None:
            values |= dict(_weekdays(note.text, piece, calendar, pieces))
    return values


def _calendar(note: Note, pieces: Sequence[Span], tags: set[Span], keyed: Keyed) -> Calendar:
    dates = [piece for piece in pieces if piece.label == "DATE" and piece not in tags]
    return Calendar.of(note.text, dates, shift_days(keyed) if dates else 0)


def _weekdays(
    text: str, date: Span, calendar: Calendar, pieces: Sequence[Span]
) -> Iterator[tuple[Span, str]]:
    """Days of the week just before and behind a date, as far as they are no part of an identifier."""
    for found in (calendar.weekday_before(text, date.start), calendar.weekday_behind(text, date.end)):
        if found is None:
            continue
        start, end, value = found
        if not any(start < piece.end and piece.start < end for piece in pieces):
            yield Span(start, end, "WEEKDAY"), value
