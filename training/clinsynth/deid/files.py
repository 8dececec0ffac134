"""De-identifies a file or folder of notes: several processes, order kept, memory flat, nothing done twice.

The work goes in parts of some thousand notes. A finished part is flushed to disk and entered in a journal
(``clinsynth.unfinished``), so a run that was killed goes on from there; at the end the parts are joined,
and OUT appears whole.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from clinsynth.corpus import Note, Span
from clinsynth.corpus.readers import read_notes
from clinsynth.corpus.writers import NoteWriter
from clinsynth.deid.detector import Detector
from clinsynth.deid.joining import join_files
from clinsynth.deid.ner.load import check_model
from clinsynth.deid.plan import Job, Mode, Part, Plan, make_plan, suffix_of
from clinsynth.deid.report import Report
from clinsynth.deid.span_rows import SpanRows, span_writer
from clinsynth.deid.surrogates import to_surrogates
from clinsynth.deid.tags import tag_places, to_tags
from clinsynth.errors import DataError
from clinsynth.folders import Manifest, file_sha256, finish_folder, refuse_existing
from clinsynth.pool import map_ordered, warm_up
from clinsynth.progress import Progress
from clinsynth.unfinished import Unfinished, fsync, open_unfinished

__all__ = ["Job", "Mode", "deidentify"]

CHUNK_NOTES: Final = 32
_NEEDED: Final = ("clinsynth.deid.files", "clinsynth.deid.watched", "clinsynth.deid.recognizers")


def deidentify(source: Path, out: Path, job: Job, *, workers: int, overwrite: bool = False) -> Report:
    """Writes the notes of ``source`` to ``out`` without their identifiers, or with their places.

    What a note's own ``phi`` marks is taken as found, beside what the detector finds.

    Args:
        out: a file, over whatever stands there; or, where the name has none of the suffixes, a folder with
            a file for each input and a manifest.
        overwrite: replace a folder, and clear away what another run left unfinished.

    Raises:
        DataError: a note cannot be read.
        GateError: the detector failed; what was finished before is kept for another try.
        FolderError: a folder stands at ``out``, or another run's unfinished work beside it.
        UsageError: ``out`` cannot be.
    """
    plan = plan_and_warm_up(source, out, job, workers=workers)
    return run_plan(plan, workers=workers, overwrite=overwrite)


def plan_and_warm_up(source: Path, out: Path, job: Job, *, workers: int) -> Plan:
    """The plan, while what the processes need is imported beside."""
    check_model(job.detector)
    if workers > 1:
        warm_up(_NEEDED)
    return make_plan(source, out, job)


def run_plan(plan: Plan, *, workers: int, overwrite: bool = False) -> Report:
    """Works through the parts that are not finished yet, and joins all; see ``deidentify``."""
    if plan.is_folder:
        refuse_existing(plan.out, overwrite=overwrite)
    with open_unfinished(plan.out, plan.fingerprint, overwrite=overwrite) as work:
        finished = _finished(plan, work)
        try:
            _work_through(plan, work, finished, workers)
        except BaseException:
            if not finished:  # there is nothing to go on from
                work.remove()
            raise
        report = Report()
        for part in plan.parts:
            report.add(finished[part.number])
        _seal(plan, work, report, overwrite)
        work.remove()
        return report


def _finished(plan: Plan, work: Unfinished) -> dict[int, Report]:
    """Reports of the parts that lie there as they were entered, by number."""
    kept: dict[int, dict[str, Any]] = {}
    for entry in work.entries():
        path = _place(plan.parts[entry["part"]], work)
        if path.is_file() and file_sha256(path) == entry["sha256"]:
            kept[entry["part"]] = entry
    work.keep(kept.values())
    return {number: Report.from_dict(entry["counts"]) for number, entry in kept.items()}


def _place(part: Part, work: Unfinished) -> Path:
    return work.folder / "parts" / f"{part.number:06}{suffix_of(part.output)}"


def _work_through(plan: Plan, work: Unfinished, finished: dict[int, Report], workers: int) -> None:
    left = [part for part in plan.parts if part.number not in finished]
    if not left:
        return
    chunks = _chunks(left)
    results = map_ordered(_work, chunks, workers=workers, start=_start, arguments=(plan.job,))
    with Progress("de-identifying", plan.notes) as progress:
        progress.resume_from(sum(report.notes for report in finished.values()))
        for part in left:
            path = _place(part, work)
            counts = Report()
            with _writer(path, plan.job.mode) as writer:
                while counts.notes < part.notes:
                    if (notes := next(results, None)) is None:
                        raise DataError.at(part.source.path, None, "was changed while it was read")
                    for note in notes:
                        writer.write(note)
                    counts.add(Report.of(notes, surrogates=plan.job.mode == "surrogates"))
                    progress.advance(len(notes))
            fsync(path.parent)
            work.enter({"part": part.number, "sha256": file_sha256(path), "counts": counts.as_dict()})
            finished[part.number] = counts


def _chunks(parts: Sequence[Part]) -> Iterator[list[Note]]:
    """The notes of ``parts``, in order; a chunk belongs to one part."""
    for source, of_source in itertools.groupby(parts, key=lambda part: part.source):
        notes = read_notes(source.path)
        at = 0
        for part in of_source:
            wanted = itertools.islice(notes, part.first - at, part.first - at + part.notes)
            yield from _in_chunks(wanted)
            at = part.first + part.notes


def _in_chunks(notes: Iterable[Note]) -> Iterator[list[Note]]:
    stream = iter(notes)
    while chunk := list(itertools.islice(stream, CHUNK_NOTES)):
        yield chunk


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
    if job.mode == "tags":
        return to_tags(note, [*spans, *note.phi])
    marked = replace(note, phi=tuple(tag_places(note.text, [*spans, *note.phi])))
    return to_surrogates(marked, job.key)


def _writer(path: Path, mode: Mode) -> AbstractContextManager[NoteWriter | SpanRows]:
    return span_writer(path) if mode == "spans" else NoteWriter(path)


def _seal(plan: Plan, work: Unfinished, report: Report, overwrite: bool) -> None:
    """Joins the parts; they themselves stay until OUT stands."""
    content = work.folder / "content"
    for output, parts in plan.outputs.items():
        join_files([_place(part, work) for part in parts], content / output)
    if not plan.is_folder:
        fsync(content / plan.out.name)
        (content / plan.out.name).replace(plan.out)
        fsync(plan.out.parent)
        return
    manifest = Manifest(
        "deidentified",
        config={"mode": plan.job.mode, "detector": Detector(plan.job.detector).describe()},
        inputs={one.name: one.sha256 for one in plan.inputs},
        counts=report.as_dict(),
    )
    finish_folder(content, plan.out, manifest, overwrite=overwrite)
