"""What is written is read back; nothing half-written ever has a name."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinsynth.corpus import AGE_BANDS, SCHEMA, SEXES, Attributes, Note, Span
from clinsynth.corpus.readers import read_notes
from clinsynth.corpus.writers import NoteWriter
from clinsynth.errors import UsageError

SUFFIXES = ["jsonl", "jsonl.gz", "parquet"]
words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
# A header value that is only white space is read as unknown, and white space within it as one space.
lines = st.none() | st.sampled_from(["progress note", "ICU"])


@st.composite
def any_note(draw: st.DrawFn, number: int = 0) -> Note:
    text = draw(words.filter(lambda t: bool(t.strip())))
    edges = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    spans = tuple(Span(a, b, "X") for a, b in zip(edges[::2], edges[1::2]))
    return Note(
        draw(words),
        text,
        Attributes(
            draw(lines),
            draw(lines),
            draw(st.none() | st.sampled_from(SEXES)),
            draw(st.none() | st.sampled_from(AGE_BANDS)),
            draw(st.sampled_from([(), ("gout",), ("gout", "sepsis, severe")])),
        ),
        spans,
        spans[:1],
        draw(st.none() | words),
        draw(st.dictionaries(words, words, max_size=2)),
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(notes=st.lists(any_note(), min_size=1, max_size=4, unique_by=lambda n: n.id))
def test_notes_come_back_as_they_were(tmp_path: Path, suffix: str, notes: list[Note]) -> None:
    path = tmp_path / f"n.{suffix}"
    with NoteWriter(path) as writer:
        for note in notes:
            writer.write(note)
    assert writer.written == len(notes)
    assert list(read_notes(path)) == notes


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_error_leaves_what_stood_there_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"n.{suffix}"
    with NoteWriter(path) as writer:
        writer.write(Note("old", "x"))
    before = path.read_bytes()

    def half() -> None:
        with NoteWriter(path) as writer:
            writer.write(Note("new", "y"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_notes_are_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    for name in ("a", "b"):
        with NoteWriter(tmp_path / f"{name}.{suffix}") as writer:
            writer.write(Note("x", "text", provenance={"b": "1", "a": "2"}))
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_patients_can_be_left_out(tmp_path: Path) -> None:
    for name in ("n.parquet", "n.jsonl"):
        with NoteWriter(tmp_path / name, patient_id=False) as writer:
            writer.write(Note("x", "text", patient_id="p"))
    assert pq.read_schema(tmp_path / "n.parquet").names == [n for n in SCHEMA.names if n != "patient_id"]
    assert "patient_id" not in json.loads((tmp_path / "n.jsonl").read_text())


def test_parquet_is_written_in_row_groups(tmp_path: Path) -> None:
    with NoteWriter(tmp_path / "n.parquet") as writer:
        for i in range(5_000):
            writer.write(Note(str(i), "x"))
    file = pq.ParquetFile(tmp_path / "n.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [4096, 904]
    assert file.schema_arrow.equals(SCHEMA)


@pytest.mark.parametrize("name", ["n.csv", "n.txt", "n", "n.json", "n.parquet.gz"])
def test_formats_that_are_not_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"notes are written as \.jsonl, \.jsonl\.gz, \.parquet"):
        NoteWriter(tmp_path / name)
