"""Folders are believed only while their checksums hold."""

import json

import pytest
from tests.measure.handmade import handmade_notes, write_corpus, write_export, write_notes

from clinsynth.corpus import Note
from clinsynth.errors import FolderError, UsageError
from clinsynth.measure import open_inputs
from clinsynth.measure.inputs import whose


@pytest.fixture
def folders(tmp_path):
    corpus = write_corpus(tmp_path / "corpus", *(handmade_notes(n, n) for n in (6, 4, 3)))
    export = write_export(tmp_path / "export", handmade_notes(5, 9))
    return corpus, export


def test_a_corpus_and_an_export_bring_everything(folders):
    inputs = open_inputs(*folders)
    assert inputs.test is not None
    assert inputs.holdout is not None
    sources = (inputs.train, inputs.synthetic, inputs.test, inputs.holdout)
    assert [len(s.take(None)) for s in sources] == [6, 5, 4, 3]
    assert set(inputs.described) == {"real", "synthetic"}


def test_limit_and_own_gold(folders, tmp_path):
    gold = write_notes(tmp_path / "gold.parquet", handmade_notes(8, 3))
    inputs = open_inputs(*folders, test=gold, limit=2)
    assert inputs.test is not None
    assert inputs.test.paths == (gold,)
    assert [len(s.take(None)) for s in (inputs.train, inputs.synthetic, inputs.test)] == [2, 2, 2]


def test_files_stand_in_for_folders(tmp_path):
    real, synthetic, gold = (
        write_notes(tmp_path / f"{name}.parquet", handmade_notes(3, i)) for i, name in enumerate("abc")
    )
    inputs = open_inputs(real, synthetic, gold)
    assert inputs.holdout is inputs.test
    without = open_inputs(real, synthetic)
    with pytest.raises(UsageError, match="ner_parity needs gold notes: give --test"):
        without.need_test("ner_parity")
    with pytest.raises(UsageError, match="copied_spans needs real notes that the generator never saw"):
        without.need_holdout("copied_spans")


def shard(export):
    return next((export / "data").glob("*.parquet"))


def change_a_byte(export):
    data = bytearray(shard(export).read_bytes())
    data[len(data) // 2] ^= 1
    shard(export).write_bytes(bytes(data))


def change_sums(export):
    sums = export / "SHA256SUMS"
    sums.write_text("0" * 64 + sums.read_text()[64:])
    change_manifest(export, lambda files: files.pop("SHA256SUMS"))


def change_manifest(export, change):
    manifest = export / "manifest.json"
    data = json.loads(manifest.read_text())
    change(data["files"])
    manifest.write_text(json.dumps(data))


TAMPERED = {
    "a byte of a shard": (change_a_byte, "does not match its checksum"),
    "a shard taken out": (lambda e: shard(e).unlink(), "is missing"),
    "a shard put in": (
        lambda e: write_notes(e / "data" / "train-00009-of-00002.parquet", handmade_notes(1, 1)),
        "not in the manifest",
    ),
    "sums that differ": (change_sums, "does not match its line in SHA256SUMS"),
    "no sums": (
        lambda e: ((e / "SHA256SUMS").unlink(), change_manifest(e, lambda f: f.pop("SHA256SUMS"))),
        "SHA256SUMS is missing",
    ),
    "no manifest": (lambda e: (e / "manifest.json").unlink(), "not a export folder|has no manifest"),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_tampered_export_is_refused(folders, how):
    corpus, export = folders
    change, message = TAMPERED[how]
    change(export)
    with pytest.raises(FolderError, match=message):
        open_inputs(corpus, export)


def test_a_corpus_is_no_export(folders):
    corpus, _ = folders
    with pytest.raises(FolderError, match="is a corpus folder, not a export folder"):
        open_inputs(corpus, corpus)


@pytest.mark.parametrize("option", ["real", "synthetic", "test"])
def test_a_path_that_is_not_there_is_named(folders, tmp_path, option):
    corpus, export = folders
    paths = {"real": corpus, "synthetic": export, "test": None} | {option: tmp_path / "nowhere"}
    with pytest.raises(UsageError, match=rf"--{option} .*nowhere: no such file or folder"):
        open_inputs(**paths)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"patient_id": "p", "provenance": {"piece_of": "d"}}, "p"),
        ({"provenance": {"piece_of": "d"}}, "d"),
        ({}, "n"),
    ],
)
def test_whose_a_note_is(fields, expected):
    assert whose(Note("n", "text", **fields)) == expected
