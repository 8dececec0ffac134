"""What is measured: real notes to train on, gold, a hold-out, synthetic notes, notes with identifiers.

A corpus folder brings the first three; an export folder is the fourth. Files of notes in any corpus format
stand in for each; the last are always such a file, since a corpus holds no identifiers any more. Folders
are checked against their checksums first: numbers of a release that was changed after the gate had seen it
would be about another release.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clinsynth.corpus import Note
from clinsynth.errors import FolderError, UsageError
from clinsynth.folders import MANIFEST, Manifest, file_sha256, input_sha256, read_manifest


@dataclass(frozen=True, slots=True)
class NoteSource:
    """Notes that can be read again and again, in file order, one at a time.

    Args:
        name: what messages call it ("the synthetic notes").
        paths: files in any corpus format, read one after the other.
        limit: read at most so many notes.
    """

    name: str
    paths: tuple[Path, ...]
    limit: int | None = None

    def __iter__(self) -> Iterator[Note]:
        from clinsynth.corpus.readers import read_notes

        notes = itertools.chain.from_iterable(read_notes(path) for path in self.paths)
        return itertools.islice(notes, self.limit)

    def take(self, most: int | None) -> list[Note]:
        """The first ``most`` notes, or all."""
        return list(itertools.islice(self, most))


def whose(note: Note) -> str:
    """The patient or document that a note belongs to: what a resample of real notes draws as one.

    Notes of a patient, and the pieces that ``prepare`` cut a long document into, resemble each other; to
    take them for independent would make every interval too narrow.
    """
    return note.patient_id or note.provenance.get("piece_of") or note.id


@dataclass(frozen=True, slots=True)
class Inputs:
    """The notes of one evaluation.

    Args:
        train: real notes that the generator may have learned from; the real arm trains on them. Like the
            synthetic notes, there for tasks that need them (``Task.needs``).
        synthetic: the notes that are judged.
        test: gold; nothing was trained on it.
        holdout: real notes that the generator never saw: what "no copying" looks like.
        identified: notes whose identifiers stand as text and are marked in ``phi``.
        described: input name -> path as given and SHA-256.
    """

    train: NoteSource | None
    synthetic: NoteSource | None
    test: NoteSource | None
    holdout: NoteSource | None
    identified: NoteSource | None
    described: dict[str, dict[str, str]]

    @property
    def needed_train(self) -> NoteSource:
        """The training notes, in a task that ``needs`` them."""
        assert self.train is not None, "the task does not say that it needs real notes"
        return self.train

    @property
    def needed_synthetic(self) -> NoteSource:
        """The synthetic notes, in a task that ``needs`` them."""
        assert self.synthetic is not None, "the task does not say that it needs synthetic notes"
        return self.synthetic

    @property
    def needed_identified(self) -> NoteSource:
        """The notes with identifiers, in a task that ``needs`` them."""
        assert self.identified is not None, "the task does not say that it needs notes with identifiers"
        return self.identified

    def need_test(self, task: str) -> NoteSource:
        """The gold notes.

        Raises:
            UsageError: there are none.
        """
        if self.test is None:
            raise UsageError(f"{task} needs gold notes: give --test FILE, or a corpus folder as --real")
        return self.test

    def need_holdout(self, task: str) -> NoteSource:
        """The control.

        Raises:
            UsageError: there is none.
        """
        if self.holdout is None:
            raise UsageError(
                f"{task} needs real notes that the generator never saw: give a corpus folder as --real, "
                "or --test FILE"
            )
        return self.holdout


def open_inputs(
    real: Path | None,
    synthetic: Path | None,
    test: Path | None = None,
    limit: int | None = None,
    *,
    identified: Path | None = None,
) -> Inputs:
    """Finds and checks the inputs of an evaluation.

    Args:
        real: a corpus folder, or notes in any corpus format (then ``test`` is gold and control).
        synthetic: an export folder, or notes in any corpus format.
        identified: notes as text with their identifiers marked, in any corpus format.
        limit: take at most so many notes of each.

    Raises:
        UsageError: a path does not exist.
        FolderError: a folder is damaged, of the wrong kind, or holds files that its manifest doesn't list.
    """
    given = {"real": real, "synthetic": synthetic, "test": test, "identified": identified}
    for name, path in given.items():
        if path is not None and not path.exists():
            raise UsageError(f"--{name} {path}: no such file or folder")
    described = {
        name: {"path": str(path), "sha256": input_sha256(path)}
        for name, path in given.items()
        if path is not None
    }
    gold = None if test is None else NoteSource("the gold notes", (test,), limit)
    judged = None if synthetic is None else _synthetic(synthetic, limit)
    marked = None if identified is None else NoteSource("the notes with identifiers", (identified,), limit)
    if real is None:
        return Inputs(None, judged, gold, gold, marked, described)
    if (real / MANIFEST).is_file():
        read_manifest(real, "corpus", verify=True)
        train = NoteSource("the real notes", (real / "train.parquet",), limit)
        holdout: NoteSource | None = NoteSource("the hold-out notes", (real / "holdout.parquet",), limit)
        gold = gold or NoteSource("the gold notes", (real / "test.parquet",), limit)
    else:
        train = NoteSource("the real notes", (real,), limit)
        holdout = gold
    return Inputs(train, judged, gold, holdout, marked, described)


def _synthetic(path: Path, limit: int | None) -> NoteSource:
    if not path.is_dir():
        return NoteSource("the synthetic notes", (path,), limit)
    manifest = read_manifest(path, "export", verify=True)
    shards = tuple(sorted((path / "data").glob("*.parquet")))
    for shard in shards:
        if shard.relative_to(path).as_posix() not in manifest.files:
            raise FolderError(f"{shard} is not in the manifest: it was added after the export was finished")
    if not shards:
        raise FolderError(f"{path} holds no notes: data/ has no Parquet file")
    _check_sums(path, manifest)
    return NoteSource("the synthetic notes", shards, limit)


def _check_sums(path: Path, manifest: Manifest) -> None:
    sums = path / "SHA256SUMS"
    if not sums.is_file():
        raise FolderError(f"{sums} is missing: an export has one")
    for number, line in enumerate(sums.read_text("utf-8").splitlines(), 1):
        digest, _, name = line.partition("  ")
        name = name.removeprefix("*")
        file = path / name
        if not name or not file.is_file():
            raise FolderError(f"{sums}, line {number}: names no file of the export")
        if digest != (manifest.files.get(name) or file_sha256(file)):
            raise FolderError(f"{file} does not match its line in SHA256SUMS")
