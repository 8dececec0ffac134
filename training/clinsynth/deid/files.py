"""De-identifies a file or folder of notes: several processes, order kept, memory flat, whole or nothing."""

from __future__ import annotations

import gzip
import itertools
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal

from clinsynth.corpus import Note, Span
from clinsynth.corpus.readers import read_notes
from clinsynth.corpus.writers import NoteWriter
from clinsynth.deid.config import DeidConfig
from clinsynth.deid.detector import Detector
from clinsynth.deid.ner.load import check_model
from clinsynth.deid.surrogates import to_surrogates
from clinsynth.deid.tags import to_tags
from clinsynth.pool import map_ordered, warm_up
from clinsynth.progress import Progress

Mode = Literal["spans", "tags", "surrogates"]

CHUNK_NOTES: Final = 32


@dataclass(frozen=True, slots=True, repr=False)
class Job:
    """What a worker process has to know.

    Args:
        key: of the surrogates; empty in the other modes.
    """

    mode: Mode
    detector: DeidConfig
    key: str = ""


def deidentify(source: Path, out: Path, job: Job, *, workers: int) -> Counter[str]:
    """Writes the notes of ``source`` to ``out`` without their identifiers, or with their places.

    What a note's own ``phi`` marks is taken as found, beside what the detector finds.

    Returns:
        Identifiers by label, and ``notes``.

    Raises:
        DataError: a note cannot be read.
        GateError: the detector failed; nothing is written.
    """
    check_model(job.detector)
    if workers > 1:
        warm_up(["clinsynth.deid.files", "clinsynth.deid.watched", "clinsynth.deid.recognizers"])
    counts: Counter[str] = Counter()
    chunks = _chunks(read_notes(source))
    results = map_ordered(_work, chunks, workers=workers, start=_start, arguments=(job,))
    with _writer(out, job.mode) as writer, Progress("de-identifying") as progress:
        for notes in results:
            for note in notes:
                writer.write(note)
                counts.update(span.label for span in note.phi)
            counts["notes"] += len(notes)
            progress.advance(len(notes))
    return counts


_worker: tuple[Job, Detector] | None = None


def _start(job: Job) -> None:
    global _worker
    _worker = job, Detector(job.detector)


def _work(notes: list[Note]) -> list[Note]:
    assert _worker is not None, "the process was not started with _start"
    job, detector = _worker
    found = detector.detect_batch([note.text for note in notes])
    assert len(found) == len(notes), (len(found), len(notes))
    return [_treat(note, spans, job) for note, spans in zip(notes, found)]


def _treat(note: Note, spans: list[Span], job: Job) -> Note:
    if job.mode == "spans":
        return Note(id=note.id, text=note.text, phi=tuple(spans))
    tagged = to_tags(note, [*spans, *note.phi])
    return tagged if job.mode == "tags" else to_surrogates(tagged, job.key)


def _chunks(notes: Iterable[Note]) -> Iterator[list[Note]]:
    stream = iter(notes)
    while chunk := list(itertools.islice(stream, CHUNK_NOTES)):
        yield chunk


class _SpanRows:
    """Rows ``{"id", "text", "phi": [{"start", "end", "label"}]}``, offsets into the input text."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, note: Note) -> None:
        phi = [{"start": s.start, "end": s.end, "label": s.label} for s in note.phi]
        row: dict[str, Any] = {"id": note.id, "text": note.text, "phi": phi}
        self._stream.write(json.dumps(row, ensure_ascii=False) + "\n")


@contextmanager
def _writer(out: Path, mode: Mode) -> Iterator[NoteWriter | _SpanRows]:
    if mode != "spans":
        with NoteWriter(out) as writer:
            yield writer
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.parent / f".{out.name}.writing-{os.getpid()}"
    try:
        with temporary.open("wb") as raw:
            with gzip.open(raw, "wt", encoding="utf-8") if out.suffix == ".gz" else _text(raw) as stream:
                yield _SpanRows(stream)
            raw.flush()
            os.fsync(raw.fileno())
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _text(raw: IO[bytes]) -> Iterator[IO[str]]:
    import io

    stream = io.TextIOWrapper(raw, "utf-8")
    yield stream
    stream.flush()
    stream.detach()
