"""CoNLL, BRAT and text folders; the public CoNLL files where they are at hand."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsynth.corpus import Note, Span
from clinsynth.corpus.readers import ReadOptions, ReadStats, read_notes
from clinsynth.corpus.readers.spacing import Joiner
from clinsynth.errors import DataError

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is not there: public data")

PTT = {
    "Disease_disorder": "PROBLEM",
    "Sign_symptom": "PROBLEM",
    "Diagnostic_procedure": "TEST",
    "Medication": "TREATMENT",
    "Therapeutic_procedure": "TREATMENT",
}


def conll(tmp_path: Path, content: str, stats: ReadStats | None = None) -> list[Note]:
    path = tmp_path / "notes.conll"
    path.write_text(content, "utf-8")
    return list(read_notes(path, stats=stats))


def labelled(note: Note) -> list[tuple[str, str]]:
    return [(note.text[s.start : s.end], s.label) for s in note.entities]


def test_documents_begin_at_docstart_and_take_its_id(tmp_path: Path) -> None:
    first, second, third = conll(
        tmp_path,
        "-DOCSTART-\tcase 1\n\nHe\tO\nhad\tO\nchest\tB-P\npain\tI-P\n.\tO\n\n\nNo\tO\nfever\tB-P\n\n"
        "-DOCSTART- -X- O O\n\nWell\tO\n\n-DOCSTART-\n\nGone\tO\n",
    )
    assert (first.id, first.text) == ("case 1", "He had chest pain.\nNo fever")
    assert labelled(first) == [("chest pain", "P"), ("fever", "P")]
    assert (second.id, second.text, third.id, third.text) == ("notes-2", "Well", "notes-3", "Gone")


def test_without_documents_each_sentence_is_a_note(tmp_path: Path) -> None:
    notes = conll(tmp_path, "Fever B-P\n. O\n\nNo O\ncough B-P")
    assert [(n.id, n.text) for n in notes] == [("notes-1", "Fever."), ("notes-2", "No cough")]


@pytest.mark.parametrize(
    ("tags", "expected", "repairs"),
    [
        ("O B-A I-A O", ["b c:A"], 0),
        ("B-A B-A O O", ["a:A", "b:A"], 0),
        ("B-A I-B O O", ["a:A", "b:B"], 1),
        ("I-A I-A O I-A", ["a b:A", "d:A"], 2),  # IOB1
        ("S-A O B-B E-B", ["a:A", "c d:B"], 0),  # BIOES
        ("U-A L-A O O", ["a:A", "b:A"], 0),  # BILOU; an L- that closes nothing stands alone
        ("O O O O", [], 0),
    ],
)
def test_schemes_of_tags(tmp_path: Path, tags: str, expected: list[str], repairs: int) -> None:
    stats = ReadStats()
    lines = "\n".join(f"{token} NN {tag}" for token, tag in zip("abcd", tags.split()))
    (note,) = conll(tmp_path, lines, stats)
    assert [f"{text}:{label}" for text, label in labelled(note)] == expected
    assert stats.repaired["bio_without_begin"] == repairs


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        ("a O\nb\n", 2, "expected a token and its tag"),
        ("a O\nb PROBLEM\n", 2, "tag 'PROBLEM' is not O, B-LABEL or I-LABEL"),
        ("a O\nb X-P\n", 2, "tag 'X-P'"),
        ("a O\nb B-\n", 2, "tag 'B-'"),
        ("a\tO\n\tB-P\n", 2, "expected a token and its tag"),
        ("a O\n\n-DOCSTART-\n", 3, "holds no"),
        ("a O\n-DOCSTART-\nb O\n", 2, "after sentences that belong to no document"),
        ("-DOCSTART-\tx\na O\n-DOCSTART-\tx\nb O\n", 3, "its id stands in an earlier row"),
        ("\n\n", None, "holds no notes"),
    ],
)
def test_what_is_wrong_in_conll(tmp_path: Path, content: str, line: int | None, problem: str) -> None:
    if problem == "holds no":  # a document without a sentence is dropped like any note without text
        stats = ReadStats()
        assert len(conll(tmp_path, content, stats)) == 1
        assert stats.dropped == {"empty_text": 1}
        return
    with pytest.raises(DataError, match=problem) as error:
        conll(tmp_path, content)
    place = f"{tmp_path / 'notes.conll'}" + (f", line {line}: " if line else ": ")
    assert str(error.value).startswith(place)


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("He had chest pain , then fever .", "He had chest pain, then fever."),
        ("a 34 - yr - old man ( smoker ) .", "a 34-yr-old man (smoker)."),
        ("pH 7 . 32 , Na 130 / 140", "pH 7.32, Na 130/140"),
        ("platelets 21 , 000 and 10 , 20", "platelets 21,000 and 10, 20"),
        ("the patient ' s wife 's car", "the patient's wife's car"),
        ('he said " no pain " twice', 'he said "no pain" twice'),
        ("the 3 rd day , 95 % on < 2 L", "the 3rd day, 95% on <2 L"),
        ("Fig . 1", "Fig. 1"),
        ("- 5 kg", "- 5 kg"),
    ],
)
def test_spaces_between_tokens(tokens: str, text: str) -> None:
    joiner = Joiner()
    for token in tokens.split():
        joiner.add(token)
    assert joiner.text == text


@given(st.lists(st.lists(st.sampled_from([*"ab12.,-('\"%", "mg", "…"]), min_size=1), min_size=1))
def test_tokens_stand_where_the_joiner_says(sentences: list[list[str]]) -> None:
    joiner = Joiner()
    places = []
    for sentence in sentences:
        places += [(token, joiner.add(token)) for token in sentence]
        joiner.end_sentence()
    assert all(joiner.text[a:b] == token for token, (a, b) in places)
    assert joiner.text.split("\n") == [line for line in joiner.text.split("\n") if line]
    assert "".join(joiner.text.split()) == "".join("".join(s) for s in sentences)


@needs_shared
@pytest.mark.parametrize(("split", "notes", "spans"), [("train", 135, 7875), ("dev", 21, 1382)])
def test_the_labels_of_our_config_give_the_mapped_form_of_maccrobat(
    split: str, notes: int, spans: int
) -> None:
    options = ReadOptions(where={"split": split}, labels=PTT)
    jsonl = list(read_notes(SHARED / "maccrobat" / "maccrobat.jsonl.gz", options))
    mapped = list(read_notes(SHARED / "maccrobat" / f"maccrobat_ptt_{split}.conll"))
    assert [n.id for n in jsonl] == [n.id for n in mapped]
    assert len(jsonl) == notes
    assert sum(len(n.entities) for n in jsonl) == sum(len(n.entities) for n in mapped) == spans

    def bag(found: list[Note]) -> Counter[tuple[str, str, str]]:
        return Counter(("".join(t.split()), label, n.id) for n in found for t, label in labelled(n))

    assert (bag(jsonl) & bag(mapped)).total() >= 0.995 * spans


@needs_shared
def test_the_text_rebuilt_from_tokens_is_nearly_the_original() -> None:
    options = ReadOptions(where={"split": "dev"})
    original = {
        n.id: n.text.split() for n in read_notes(SHARED / "maccrobat" / "maccrobat.jsonl.gz", options)
    }
    same = total = 0
    for note in read_notes(SHARED / "maccrobat" / "maccrobat_ptt_dev.conll"):
        words = Counter(note.text.split())
        same += (words & Counter(original[note.id])).total()
        total += len(original[note.id])
    assert same / total > 0.98


@needs_shared
@pytest.mark.parametrize("name", ["bc5cdr/bc5cdr_dev.conll", "ncbi_disease/ncbi_disease_dev.conll"])
def test_conll_without_documents_of_other_corpora(name: str) -> None:
    content = (SHARED / name).read_text("utf-8")
    stats = ReadStats()
    found = list(read_notes(SHARED / name, stats=stats))
    assert len(found) == len([part for part in content.split("\n\n") if part.strip()])
    begun = content.count("\tB-") + stats.repaired["bio_without_begin"]
    assert sum(len(n.entities) for n in found) == begun > 500


def brat(tmp_path: Path, text: str, annotations: str) -> list[Note]:
    (tmp_path / "b").mkdir(exist_ok=True)
    (tmp_path / "b" / "n.txt").write_bytes(text.encode())
    (tmp_path / "b" / "n.ann").write_text(annotations, "utf-8")
    return list(read_notes(tmp_path / "b"))


def test_brat_keeps_text_bound_annotations(tmp_path: Path) -> None:
    (note,) = brat(
        tmp_path,
        "had chest\r\npain and rash",  # offsets count the carriage return
        "T1\tProblem 4 15\tchest  pain\nR1\tRel Arg1:T1 Arg2:T2\nT2\tProblem 20 24\trash\n"
        "#1\tNote T1\tx\n\nA1\tNegated T2\n*\tEquiv T1 T2\n",
    )
    assert note.id == "n"
    assert note.entities == (Span(4, 15, "Problem"), Span(20, 24, "Problem"))


def test_brat_annotations_in_fragments_are_dropped_and_counted(tmp_path: Path) -> None:
    brat(tmp_path, "left and right arm", "T1\tSite 9 14\tright\nT2\tSite 0 4;15 18\tleft arm\n")
    stats = ReadStats()
    (note,) = read_notes(tmp_path / "b", stats=stats)
    assert note.entities == (Span(9, 14, "Site"),)
    assert stats.spans_dropped["discontinuous"] == 1


@pytest.mark.parametrize(
    ("annotations", "problem"),
    [
        ("T1 Problem 0 4 rash\n", "expected: T1, tab"),
        ("T1\tProblem 0 four\trash\n", "expected: T1, tab"),
        ("T1\tProblem 0 3\trash\n", "does not hold what the annotation says"),
        ("T1\tProblem 30 34\trash\n", "does not hold what the annotation says"),
    ],
)
def test_what_is_wrong_in_brat(tmp_path: Path, annotations: str, problem: str) -> None:
    with pytest.raises(DataError, match=problem) as error:
        brat(tmp_path, "rash on arm", annotations)
    assert str(error.value).startswith(f"{tmp_path / 'b' / 'n.ann'}, line 1: ")


def test_brat_wants_both_files(tmp_path: Path) -> None:
    brat(tmp_path, "rash", "")
    (tmp_path / "b" / "m.txt").write_text("alone")
    with pytest.raises(DataError, match=r"m\.txt: m\.ann is missing"):
        list(read_notes(tmp_path / "b"))


def test_text_folders_are_read_in_order_and_line_breaks_stay(tmp_path: Path) -> None:
    (tmp_path / "ward").mkdir()
    for name, data in (("ward/2.txt", b"two\r\nlines"), ("1.txt", b"\xef\xbb\xbfone"), ("3.md", b"no")):
        (tmp_path / name).write_bytes(data)
    assert [(n.id, n.text) for n in read_notes(tmp_path)] == [("1", "one"), ("ward/2", "two\r\nlines")]
    (note,) = read_notes(tmp_path / "1.txt")
    assert note.text == "one"


def test_a_text_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("fine")
    (tmp_path / "b.txt").write_bytes("Übelkeit".encode("latin-1"))
    with pytest.raises(DataError, match=r"b\.txt: not utf-8 text \(byte 1\)"):
        list(read_notes(tmp_path))
