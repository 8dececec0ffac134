"""Where the model's training notes come from."""

from __future__ import annotations

from pathlib import Path

from clinsynth.corpus import PHI_LABELS, Note
from clinsynth.corpus.writers import NoteWriter
from clinsynth.deid.ner.config import NerSource
from clinsynth.deid.ner.data import described, source_notes


def test_identifiers_are_put_into_a_source_and_are_the_same_each_time(tmp_path: Path) -> None:
    with NoteWriter(tmp_path / "notes.jsonl") as writer:
        for i in range(40):
            writer.write(Note(f"n{i}", "The patient was seen for pain in the chest and was given aspirin."))
    source = NerSource.model_validate(
        {"path": str(tmp_path / "notes.jsonl"), "inject": {"split": "train", "seed": 7}}
    )
    notes = list(source_notes(source, 0))
    assert {span.label for note in notes for span in note.phi} == set(PHI_LABELS)
    assert notes == list(source_notes(source, 0))
    assert described(source) | {"sha256": ""} == {
        "name": "notes.jsonl", "sha256": "", "inject.split": "train", "inject.seed": "7"
    }  # fmt: skip


def test_simulated_notes_keep_their_own_identifiers_beside_those_put_in() -> None:
    source = NerSource.model_validate({"simulate": {"notes": 5, "seed": 1}, "inject": {"split": "dev"}})
    plain = NerSource.model_validate({"simulate": {"notes": 5, "seed": 1}})
    for with_more, without in zip(source_notes(source, 0), source_notes(plain, 0), strict=True):
        assert len(with_more.phi) > len(without.phi)
