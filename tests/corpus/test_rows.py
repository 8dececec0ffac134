"""JSONL, CSV and Parquet: what is read, and the one line that tells what is wrong and where."""

import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsynth.config import parse_config
from clinsynth.corpus import Attributes, Note, Span, to_dict
from clinsynth.corpus.readers import ReadOptions, ReadStats, read_notes
from clinsynth.errors import DataError, UsageError

ROW = {"id": "a", "text": "chest pain since May"}


def write_rows(path: Path, *rows: Any) -> Path:
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def read_one(path: Path, **options: Any) -> Note:
    (note,) = read_notes(path, ReadOptions(**options))
    return note


@pytest.mark.parametrize("name", ["n.jsonl", "n.ndjson", "n.jsonl.gz", "N.JSONL"])
def test_jsonl_gives_every_field(tmp_path: Path, name: str) -> None:
    note = Note(
        "x",
        "had fever",
        Attributes("progress note", "ICU", "male", "60-69", ("sepsis", "gout")),
        (Span(4, 9, "PROBLEM"),),
        (Span(0, 3, "NAME"),),
        "p1",
        {"seed": "3"},
    )
    assert read_one(write_rows(tmp_path / name, to_dict(note))) == note


def test_attributes_may_stand_at_the_top_level_and_be_written_as_others_write_them(tmp_path: Path) -> None:
    row = {
        **ROW,
        "note_type": [" SOAP ", "Other"],
        "sex": "F",
        "age_band": 64,
        "diagnoses": "gout; sepsis ;",
    }
    note = read_one(write_rows(tmp_path / "n.jsonl", row))
    assert note.attributes == Attributes("SOAP", None, "female", "60-69", ("gout", "sepsis"))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"sex": "Unknown", "age_band": ""}, Attributes()),
        ({"sex": "m", "age_band": "93"}, Attributes(sex="male", age_band="90+")),
        ({"note_type": [], "specialty": None}, Attributes()),
        ({"attributes": {"sex": "female"}, "sex": "male"}, Attributes(sex="female")),
    ],
)
def test_values_of_attributes(tmp_path: Path, values: dict[str, Any], expected: Attributes) -> None:
    assert read_one(write_rows(tmp_path / "n.jsonl", {**ROW, **values})).attributes == expected


def test_fields_map_columns_also_within_objects_and_leave_columns_out(tmp_path: Path) -> None:
    row = {"key": 7, "body": "stable", "meta": {"gender": "f", "mrn": 12}, "specialty": "ICU"}
    options = {
        "id": "key",
        "text": "body",
        "sex": "meta.gender",
        "patient_id": "meta.mrn",
        "specialty": None,
    }
    note = read_one(write_rows(tmp_path / "n.jsonl", row), fields=options, id_prefix="w-")
    assert (note.id, note.text, note.patient_id) == ("w-7", "stable", "12")
    assert note.attributes == Attributes(sex="female")


def test_rows_can_be_numbered(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "n.jsonl", {"text": "a b"}, {"text": "c d"})
    assert [n.id for n in read_notes(path, ReadOptions(fields={"id": "#"}, id_prefix="r"))] == ["r1", "r2"]


def test_where_limit_and_labels_keep_and_count(tmp_path: Path) -> None:
    spans = [{"start": 0, "end": 5, "label": "Sign"}, {"start": 6, "end": 10, "label": "Age"}]
    rows = [{"id": str(i), "text": "fever 1990", "year": i % 2, "entities": spans} for i in range(10)]
    stats = ReadStats()
    options = ReadOptions(where={"year": ["1", 3]}, labels={"Sign": "PROBLEM"}, limit=3)
    notes = list(read_notes(write_rows(tmp_path / "n.jsonl", *rows), options, stats))
    assert [n.id for n in notes] == ["1", "3", "5"]
    assert {s for n in notes for s in n.entities} == {Span(0, 5, "PROBLEM")}
    assert stats.as_dict() == {
        "read": 6,
        "kept": 3,
        "dropped": {"where": 3},
        "spans_dropped": {"label_not_listed": 3},
        "repaired": {},
    }


def test_of_overlapping_entities_the_longer_stays_and_identifiers_merge(tmp_path: Path) -> None:
    def spans(*places: tuple[int, int, str]) -> list[dict[str, Any]]:
        return [{"start": a, "end": b, "label": label} for a, b, label in places]

    row = {
        **ROW,
        "entities": spans((6, 10, "A"), (0, 10, "B"), (12, 14, "C"), (12, 14, "C")),
        "phi": spans((0, 7, "NAME"), (5, 8, "DATE"), (12, 14, "AGE")),
    }
    stats = ReadStats()
    (note,) = read_notes(write_rows(tmp_path / "n.jsonl", row), stats=stats)
    assert note.entities == (Span(0, 10, "B"), Span(12, 14, "C"))
    assert note.phi == (Span(0, 8, "NAME"), Span(12, 14, "AGE"))
    assert stats.spans_dropped["overlapping"] == 2
    assert stats.repaired["phi_merged"] == 1


def test_notes_without_text_are_dropped_and_counted(tmp_path: Path) -> None:
    stats = ReadStats()
    path = write_rows(tmp_path / "n.jsonl", {"id": "a", "text": " \n"}, ROW)
    assert len(list(read_notes(path, stats=stats))) == 1
    assert stats.dropped == {"empty_text": 1}


def spanned(**changes: Any) -> dict[str, Any]:
    return {**ROW, "entities": [{"start": 0, "end": 5, "label": "X"} | changes]}


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        ('{"id": "b", "text": "x"', "not JSON"),
        ('["b"]', "expected an object, found a list"),
        (json.dumps({"id": "b"}), "field text is missing"),
        (json.dumps({"text": "x"}), "field id is missing"),
        (json.dumps({"id": "b", "text": 3}), "field text is a int, not a string"),
        (json.dumps({"id": ["b"], "text": "x"}), "field id is a list"),
        (json.dumps({"id": "", "text": "x"}), "field id is missing"),
        (json.dumps(ROW), "its id stands in an earlier row"),
        (
            json.dumps({**spanned(end=21), "id": "b"}),
            "entities[0].end is 21, past the text (20 characters)",
        ),
        (json.dumps({**spanned(start=-1), "id": "b"}), "entities[0] is -1-5"),
        (json.dumps({**spanned(start=5), "id": "b"}), "entities[0] is 5-5"),
        (json.dumps({**spanned(start="0"), "id": "b"}), "entities[0].start is a str"),
        (json.dumps({**spanned(label=None), "id": "b"}), "entities[0] has no label"),
        (json.dumps({**ROW, "id": "b", "entities": [[0, 5, "X"]]}), "entities[0] is not an object"),
        (json.dumps({**ROW, "id": "b", "phi": {}}), "field phi is not a list"),
        (json.dumps({**ROW, "id": "b", "sex": "X1"}), "sex is 'x1'"),
        (json.dumps({**ROW, "id": "b", "age_band": "old"}), "age_band is 'old'"),
        (json.dumps({**ROW, "id": "b", "attributes": "x"}), "field attributes is a str"),
        (json.dumps({**ROW, "id": "b", "diagnoses": 3}), "field diagnoses is not a list"),
        (json.dumps({**ROW, "id": "b", "provenance": 3}), "field provenance is a int"),
        ('{"id": "b", "text": "pain \\ud800"}', "text[5] is half of a surrogate pair"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_what_is_wrong_in_jsonl_is_told_with_its_line(tmp_path: Path, second: str, problem: str) -> None:
    path = tmp_path / "n.jsonl"
    path.write_text(json.dumps(ROW) + "\n\n" + second + "\n", "utf-8")
    with pytest.raises(DataError) as error:
        list(read_notes(path))
    assert str(error.value).startswith(f"{path}, line 3: ")
    assert problem in str(error.value)
    assert "chest" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"", None, "holds no notes"),
        (b"\n \n", None, "holds no notes"),
        (b'{"id": "a", "text": "caf\xe9"}\n', 1, "not utf-8 text"),
        (b'{"id": "a", "text": "a"}\n{"id": "b", "text": "\xff\xfe"}\n', 2, "not utf-8 text"),
    ],
)
def test_what_is_wrong_with_a_file(tmp_path: Path, content: bytes, line: int | None, problem: str) -> None:
    path = tmp_path / "n.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=problem) as error:
        list(read_notes(path))
    assert str(error.value).startswith(f"{path}: " if line is None else f"{path}, line {line}: ")


def test_a_gzip_stream_that_was_cut_short_is_told(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "n.jsonl.gz", *({**ROW, "id": str(i)} for i in range(5_000)))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match="gzip stream is damaged or cut short"):
        list(read_notes(path))


def test_encodings_can_be_named_and_a_byte_order_mark_is_left_out(tmp_path: Path) -> None:
    latin, marked, wide = (tmp_path / f"{name}.jsonl" for name in ("latin", "marked", "wide"))
    latin.write_bytes('{"id": "a", "text": "é"}\n'.encode("latin-1"))
    marked.write_bytes(b"\xef\xbb\xbf" + b'{"id": "a", "text": "e"}\n')
    wide.write_bytes('{"id": "a", "text": "ਊ"}\n'.encode("utf-16"))  # U+0A0A holds two line-break bytes
    assert read_one(latin, encoding="latin-1").text == "é"
    assert read_one(marked).text == "e"
    assert read_one(wide, encoding="utf-16").text == "ਊ"


def test_a_filter_that_nothing_passes_is_an_error(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "n.jsonl", {**ROW, "split": "train"})
    with pytest.raises(DataError, match=r"none of its 1 rows makes a note \(dropped: where 1\)"):
        list(read_notes(path, ReadOptions(where={"split": "trian"})))


def test_a_column_that_no_row_has_is_an_error(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "n.jsonl", ROW)
    with pytest.raises(DataError, match=r"no row has gender \(fields\.sex\)"):
        list(read_notes(path, ReadOptions(fields={"sex": "gender"})))


@pytest.mark.parametrize("distance", [1, 70_000])
def test_a_repeated_id_is_found_however_far_away(tmp_path: Path, distance: int) -> None:
    ids = [*map(str, range(distance)), "0"]
    path = tmp_path / "n.jsonl"
    path.write_text("".join(f'{{"id": "{i}", "text": "x"}}\n' for i in ids))
    with pytest.raises(DataError, match=f"line {distance + 1}: its id stands in an earlier row"):
        list(read_notes(path))


def test_reading_streams(tmp_path: Path) -> None:
    path = tmp_path / "n.jsonl"
    path.write_text(json.dumps(ROW) + "\n" + json.dumps({**ROW, "id": "b"}) + "\nbroken\n")
    notes = list(itertools.islice(read_notes(path), 2))  # the third row is not looked at
    assert [note.id for note in notes] == ["a", "b"]


def test_csv_holds_line_breaks_long_fields_and_lists(tmp_path: Path) -> None:
    long = "word " * 40_000
    path = tmp_path / "n.csv"
    path.write_text(
        "id,text,sex,patient_id,entities\r\n"
        'a,"first ""line""\nsecond",M,,"[{""start"": 0, ""end"": 5, ""label"": ""X""}]"\r\n'
        f"b,{long},,p,\r\n"
    )
    first, second = read_notes(path)
    assert first.text == 'first "line"\nsecond'
    assert first.entities == (Span(0, 5, "X"),)
    assert (first.patient_id, first.attributes.sex) == (None, "male")
    assert (second.text, second.patient_id, second.attributes.sex) == (long, "p", None)


def test_tsv_is_parted_by_tabs(tmp_path: Path) -> None:
    (tmp_path / "n.tsv").write_text("note\tid\na, b\t1\n")
    assert read_one(tmp_path / "n.tsv", fields={"text": "note"}).text == "a, b"


@pytest.mark.parametrize(
    ("content", "options", "line", "problem"),
    [
        ("id,body\n1,x\n", {}, 1, "no column text"),
        ("key,text\n1,x\n", {}, 1, "no column id"),
        ("id,text\n1,x\n", {"fields": {"sex": "gender"}}, 1, r"no column gender \(fields.sex\)"),
        ("id,text\n1,x\n", {"where": {"year": 1}}, 1, r"no column year \(where.year\)"),
        ("id,text,id\n1,x,2\n", {}, 1, "the header names column 'id' twice"),
        ("id,text\n1,x\n2\n", {}, 3, "1 fields, but the header names 2"),
        ('id,text\n1,"a\nb"\n2,c,d\n', {}, 4, "3 fields, but the header names 2"),
        ('id,text\n1,x\n2,"never closed\n', {}, 3, "not CSV"),
        ('id,text\n1,"a"b\n', {}, 2, "not CSV"),
        ('id,text,entities\n1,a,"{"\n', {}, 2, "field entities is a string that is not JSON"),
    ],
)
def test_what_is_wrong_in_csv_is_told_with_its_line(
    tmp_path: Path, content: str, options: dict[str, Any], line: int, problem: str
) -> None:
    path = tmp_path / "n.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=problem) as error:
        list(read_notes(path, ReadOptions(**options)))
    assert str(error.value).startswith(f"{path}, line {line}: ")


@pytest.mark.parametrize("content", ["", "id,text\n"])
def test_csv_without_notes_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "n.csv").write_text(content)
    with pytest.raises(DataError, match="holds no notes"):
        list(read_notes(tmp_path / "n.csv"))


def test_parquet_of_other_people(tmp_path: Path) -> None:
    table = pa.table({"note_id": [1, 2], "body": ["a b", "c d"], "sex": ["F", None], "huge": [b"x", b"y"]})
    pq.write_table(table, tmp_path / "n.parquet")
    notes = list(read_notes(tmp_path / "n.parquet", ReadOptions(fields={"id": "note_id", "text": "body"})))
    assert [(n.id, n.text, n.attributes.sex) for n in notes] == [("1", "a b", "female"), ("2", "c d", None)]


def test_what_is_wrong_in_parquet_is_told(tmp_path: Path) -> None:
    path = tmp_path / "n.parquet"
    path.write_bytes(b"PAR1 this is none PAR1")
    with pytest.raises(DataError, match=r"n\.parquet: not a Parquet file"):
        list(read_notes(path))
    pq.write_table(pa.table({"id": ["a"], "note": ["x"]}), path)
    with pytest.raises(DataError, match=r"n\.parquet: no column text; .*columns: id, note"):
        list(read_notes(path))
    pq.write_table(pa.table({"id": ["a", None], "text": ["x", "y"]}), path)
    with pytest.raises(DataError, match=r"n\.parquet, line 2: field id is missing"):
        list(read_notes(path))
    damaged = bytearray(path.read_bytes())
    damaged[4:40] = bytes(36)
    path.write_bytes(damaged)
    with pytest.raises(DataError, match=r"n\.parquet: "):
        list(read_notes(path))


def test_folders_of_parquet_are_read_in_the_order_of_their_splits(tmp_path: Path) -> None:
    def put(path: Path, name: str) -> None:
        path.parent.mkdir(exist_ok=True, parents=True)
        pq.write_table(pa.table({"id": [name], "text": ["x"]}), path)

    for name in ("valid", "holdout", "train", "test"):
        put(tmp_path / "corpus" / f"{name}.parquet", name)
    for shard in (1, 0):
        put(tmp_path / "export" / "data" / f"train-0000{shard}-of-00002.parquet", f"s{shard}")
    put(tmp_path / "export" / "other.parquet", "no")
    assert [n.id for n in read_notes(tmp_path / "corpus")] == ["train", "valid", "test", "holdout"]
    assert [n.id for n in read_notes(tmp_path / "export")] == ["s0", "s1"]


@pytest.mark.parametrize(
    ("make", "options", "problem"),
    [
        (None, {}, "no such file or folder"),
        ("n.docx", {}, r"its suffix names no known format"),
        ("n", {}, r"its suffix names no known format"),
        ("folder/x.doc", {}, "holds no notes: no .parquet, .txt or .ann file"),
        ("folder/x.jsonl", {"format": "jsonl"}, "format jsonl reads one file"),
        ("n.txt", {"format": "brat"}, "format brat reads a folder"),
    ],
)
def test_paths_that_hold_no_corpus(
    tmp_path: Path, make: str | None, options: dict[str, Any], problem: str
) -> None:
    path = tmp_path / (make or "missing.jsonl")
    if make is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    with pytest.raises(DataError, match=problem):  # at the call, not at the first note
        read_notes(path.parent if make is not None and "/" in make else path, ReadOptions(**options))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"fields": {"note": "body"}}, "a note has no field note"),
        ({"encoding": "utf-99"}, "'utf-99' is no encoding"),
        ({"format": "docx"}, "key format"),
        ({"limit": -1}, "key limit"),
        ({"wher": {}}, "did you mean where"),
    ],
)
def test_wrong_options_name_the_key(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        parse_config(options, ReadOptions, source="c.yaml")


def test_nothing_that_holds_text_shows_it(tmp_path: Path) -> None:
    from clinsynth.corpus.readers.rows import Row

    assert "secret" not in repr(Row(tmp_path, 1, {"text": "secret"}))


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(lambda t: bool(t.strip()))


@settings(max_examples=50, deadline=None)
@given(texts, st.lists(st.tuples(st.integers(0, 39), st.integers(1, 40)), max_size=6))
def test_entities_that_are_read_never_overlap_and_no_longer_one_was_lost(
    text: str, places: list[tuple[int, int]]
) -> None:
    from clinsynth.corpus.readers.spans import entity_spans

    wanted = [{"start": a, "end": b, "label": "X"} for a, b in places if a < b <= len(text)]
    stats = ReadStats()
    kept = entity_spans(wanted, len(text), None, stats)
    Note("a", text, entities=kept)  # would raise if two overlapped
    assert len(kept) + stats.spans_dropped["overlapping"] == len(wanted)
    for span in wanted:
        blocking = [k for k in kept if k.start < span["end"] and span["start"] < k.end]
        assert max(k.end - k.start for k in blocking) >= span["end"] - span["start"]
