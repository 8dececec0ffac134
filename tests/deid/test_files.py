"""``deidentify`` over files and folders of every format: one file for each, parts, going on, refusals."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path

import pytest

from clinsynth.corpus import PHI_LABELS, Note
from clinsynth.corpus.readers import read_notes
from clinsynth.corpus.writers import NoteWriter
from clinsynth.deid import DeidConfig, Detector, files, plan
from clinsynth.deid.files import Job, deidentify
from clinsynth.deid.plan import make_plan
from clinsynth.deid.tags import tag_places
from clinsynth.errors import DataError, FolderError, GateError, UsageError
from clinsynth.folders import read_manifest
from clinsynth.simulate import simulate_notes
from clinsynth.unfinished import unfinished_folder

TAGS = Job("tags", DeidConfig())


def job(mode: str, key: str = "") -> Job:
    return Job(mode, DeidConfig(), key)  # type: ignore[arg-type]


def write(path: Path, notes: list[Note]) -> Path:
    with NoteWriter(path) as writer:
        for note in notes:
            writer.write(note)
    return path


def simulated(count: int, start: int = 0) -> list[Note]:
    return list(simulate_notes(count, seed=11, start=start))


def tree(folder: Path) -> dict[str, bytes]:
    """Bytes by path; of the manifest what does not change from run to run."""
    found = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
    manifest = json.loads(found.pop("manifest.json").read_text("utf-8"))
    manifest.pop("created")
    return {name: p.read_bytes() for name, p in found.items()} | {
        "manifest.json": json.dumps(manifest).encode()
    }


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder of rows in three formats, one of them below another folder."""
    source = tmp_path / "notes"
    write(source / "a.jsonl", simulated(3))
    write(source / "more" / "b.jsonl.gz", simulated(2, start=10))
    (source / "c.csv").write_text("id,text\nz,Mr. John Okonkwo came on 3/14/2019.\n", "utf-8")
    return source


def test_a_folder_becomes_a_folder_with_a_file_for_each(mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = deidentify(mixed, out, TAGS, workers=1)
    made = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    assert made == ["a.jsonl.gz", "c.jsonl.gz", "manifest.json", "more/b.jsonl.gz"]
    assert [note.id for note in read_notes(out / "a.jsonl.gz")] == [note.id for note in simulated(3)]
    manifest = read_manifest(out, "deidentified", verify=True)
    assert manifest.counts == report.as_dict()
    assert manifest.counts["notes"] == 6
    assert set(manifest.inputs) == {"a", "more/b", "c"}
    assert manifest.config["detector"] == Detector().describe()
    assert not unfinished_folder(out).exists()
    tagged = next(read_notes(out / "c.jsonl.gz"))
    assert (tagged.text.count("<|"), "Okonkwo" in tagged.text) == (2, False)


def test_parquet_stays_parquet_and_text_folders_become_one_file(tmp_path: Path) -> None:
    write(tmp_path / "in" / "data" / "train-0.parquet", simulated(2))
    deidentify(tmp_path / "in", tmp_path / "out", TAGS, workers=1)
    assert (tmp_path / "out" / "data" / "train-0.parquet").is_file()
    deidentify(tmp_path / "in", tmp_path / "spans", job("spans"), workers=1)
    with gzip.open(tmp_path / "spans" / "data" / "train-0.jsonl.gz", "rt", encoding="utf-8") as rows:
        assert {"id", "text", "phi"} == set(json.loads(next(rows)))
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "one.txt").write_text("Dr. Ada Okonkwo called.", "utf-8")
    (texts / "two.txt").write_text("Nobody.", "utf-8")
    deidentify(texts, tmp_path / "of-texts", TAGS, workers=1)
    assert [n.id for n in read_notes(tmp_path / "of-texts" / "notes.jsonl.gz")] == ["one", "two"]


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".parquet"])
def test_parts_join_to_what_one_part_holds(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "notes.jsonl", simulated(40))
    secret = job("surrogates", "key")
    deidentify(source, tmp_path / f"whole{suffix}", secret, workers=1)
    monkeypatch.setattr(plan, "PART_NOTES", 7)
    report = deidentify(source, tmp_path / f"joined{suffix}", secret, workers=1)
    whole, joined = (list(read_notes(tmp_path / f"{name}{suffix}")) for name in ("whole", "joined"))
    assert whole == joined
    assert report.notes == 40
    for label in PHI_LABELS:
        assert report.identifiers[label] == sum(s.label == label for note in whole for s in note.phi)
        assert report.notes_with[label] == sum(any(s.label == label for s in n.phi) for n in whole)
    if suffix == ".jsonl":
        assert (tmp_path / "whole.jsonl").read_bytes() == (tmp_path / "joined.jsonl").read_bytes()


def stop_after(monkeypatch: pytest.MonkeyPatch, notes: int) -> None:
    """Lets the detector fail from the given note on."""
    seen = itertools.count(1)
    treat = files._treat

    def failing(*arguments: object) -> Note:
        if next(seen) > notes:
            raise GateError("the detector failed: the note is withheld")
        return treat(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(files, "_treat", failing)


def test_a_run_goes_on_where_it_failed_and_redoes_what_was_damaged(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        stop_after(patch, 4)
        with pytest.raises(GateError):
            deidentify(mixed, out, TAGS, workers=1)
    assert not out.exists()
    assert list(make_plan(mixed, out, TAGS).lines())[-1].endswith("2 of them finished by a run before")
    with pytest.raises(FolderError, match="another run"):
        deidentify(mixed, out, job("surrogates", "key"), workers=1)
    (unfinished_folder(out) / "parts" / "000000.jsonl.gz").write_bytes(b"torn")
    with monkeypatch.context() as patch:
        stop_after(patch, 5)  # three of the damaged part and two of the one that was not done
        deidentify(mixed, out, TAGS, workers=1)
    deidentify(mixed, tmp_path / "unbroken", TAGS, workers=1)
    assert tree(out) == tree(tmp_path / "unbroken")


def test_nothing_is_left_of_a_run_that_finished_nothing(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after(monkeypatch, 1)
    with pytest.raises(GateError):
        deidentify(mixed, tmp_path / "out", TAGS, workers=1)
    assert list(tmp_path.iterdir()) == [mixed]


def test_another_key_is_another_run_and_is_not_kept(mixed: Path, tmp_path: Path) -> None:
    one, two = (make_plan(mixed, tmp_path / "out", job("surrogates", key)) for key in ("one", "two"))
    assert one.fingerprint != two.fingerprint
    deidentify(mixed, tmp_path / "out", job("surrogates", "my secret"), workers=1)
    assert not any(b"my secret" in data for data in tree(tmp_path / "out").values())


def test_what_cannot_be_is_refused(mixed: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lies in"):
        deidentify(mixed, mixed / "out", TAGS, workers=1)
    (mixed / "readme.txt").write_text("hello", "utf-8")
    with pytest.raises(DataError, match="holds both"):
        deidentify(mixed, tmp_path / "out", TAGS, workers=1)
    (mixed / "readme.txt").unlink()
    write(mixed / "c.jsonl", simulated(1, start=90))
    with pytest.raises(UsageError, match="two files c of different formats"):
        deidentify(mixed, tmp_path / "out", TAGS, workers=1)
    (mixed / "c.jsonl").unlink()
    write(mixed / "d.jsonl", simulated(1))
    with pytest.raises(DataError, match="ids must be unique"):
        deidentify(mixed, tmp_path / "out", TAGS, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_identifiers_that_a_source_marks_get_surrogates_of_their_form(tmp_path: Path) -> None:
    source = write(tmp_path / "notes.jsonl", simulated(60))
    report = deidentify(source, tmp_path / "out.jsonl", job("surrogates", "key"), workers=1)
    detector = Detector()
    for raw, note in zip(simulated(60), read_notes(tmp_path / "out.jsonl"), strict=True):
        places = tag_places(raw.text, [*detector.detect(raw.text), *raw.phi])
        for place, span in zip(places, note.phi, strict=True):
            assert place.label == span.label
            assert raw.text[place.start : place.end] != note.text[span.start : span.end]
    assert report.left_as_tags.total() <= 0.01 * report.identifiers.total(), report.left_as_tags
