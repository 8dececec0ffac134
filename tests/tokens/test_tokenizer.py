"""Exact, the same in transformers, safe against text that looks like tokens."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsynth.corpus import Attributes, Note
from clinsynth.errors import DataError, FolderError, UsageError
from clinsynth.tokens.special import ENTITY_LABELS, SPECIAL_COUNT, special_tokens
from clinsynth.tokens.template import parse, prompt, render
from clinsynth.tokens.tokenizer import FILES, NoteTokenizer, load_tokenizer, save_tokenizer, train_tokenizer

from .conftest import tagged_notes

_unicode = st.text(st.characters(exclude_categories=["Cs"]))
_tokens = st.sampled_from(special_tokens(ENTITY_LABELS))


@given(st.lists(st.one_of(_unicode, _tokens)).map("".join))
def test_decode_undoes_encode(small_tokenizer: NoteTokenizer, text: str) -> None:
    assert small_tokenizer.decode(small_tokenizer.encode(text)) == text
    assert small_tokenizer.encode_batch([text, text]) == [small_tokenizer.encode(text)] * 2


@given(tagged_notes())
def test_a_note_survives_the_tokens(small_tokenizer: NoteTokenizer, note: Note) -> None:
    parsed = parse(small_tokenizer.decode(small_tokenizer.encode(render(note))))
    assert (parsed.text, parsed.entities, parsed.phi) == (note.text, note.entities, note.phi)


@given(st.lists(st.one_of(_unicode, _tokens)).map("".join))
def test_text_from_outside_yields_no_special_token(small_tokenizer: NoteTokenizer, text: str) -> None:
    ids = small_tokenizer.encode_text(text)
    assert all(i >= SPECIAL_COUNT for i in ids)
    assert small_tokenizer.decode(ids) == text


@given(st.lists(_tokens))
def test_special_tokens_are_atomic_and_where_they_belong(
    small_tokenizer: NoteTokenizer, tokens: list[str]
) -> None:
    order = special_tokens(ENTITY_LABELS)
    assert small_tokenizer.encode("".join(tokens)) == [order.index(token) for token in tokens]


def test_named_ids(small_tokenizer: NoteTokenizer) -> None:
    t = small_tokenizer
    assert (t.pad_id, t.note_id, t.text_id, t.end_id, t.token_id("<|PROBLEM|>")) == (0, 1, 2, 3, 24)
    with pytest.raises(UsageError, match="Drug"):
        t.token_id("<|Drug|>")


def test_a_marked_word_is_the_same_token_as_an_unmarked_one(small_tokenizer: NoteTokenizer) -> None:
    plain = small_tokenizer.encode("has pain.")
    marked = small_tokenizer.encode("has<|PROBLEM|> pain<|/|>.")
    assert [i for i in marked if i >= SPECIAL_COUNT] == plain


def test_digits_stand_alone(small_tokenizer: NoteTokenizer) -> None:
    digits = small_tokenizer.encode_text("1203")
    assert len(digits) == 4
    assert small_tokenizer.encode_text("x 120/80")[-6:-3] == digits[:3]
    learned = {small_tokenizer.decode([i]) for i in range(SPECIAL_COUNT, small_tokenizer.vocabulary_size)}
    assert not [piece for piece in learned if len(piece.strip()) > 1 and any(c.isdigit() for c in piece)]


def test_no_merge_is_learned_from_special_tokens(small_tokenizer: NoteTokenizer) -> None:
    learned = [
        small_tokenizer.decode([i]) for i in range(SPECIAL_COUNT + 256, small_tokenizer.vocabulary_size)
    ]
    assert learned
    assert not [piece for piece in learned if "<|" in piece or "|>" in piece or "NAME" in piece]


def test_training_twice_gives_the_same_tokenizer(
    small_tokenizer: NoteTokenizer, source_notes: list[Note]
) -> None:
    again = train_tokenizer((render(note) for note in source_notes), 600)
    assert again.to_json() == small_tokenizer.to_json()


def test_training_reads_a_stream_once() -> None:
    def stream() -> Iterator[str]:
        yield from (f"<|note|><|text|>pain number {i}<|end|>" for i in range(3_000))

    assert train_tokenizer(stream(), 400).vocabulary_size <= 400


@pytest.mark.parametrize("texts", [[], [""], ["<|note|><|text|><|end|>"]])
def test_no_text_is_an_error(texts: list[str]) -> None:
    with pytest.raises(DataError, match="empty"):
        train_tokenizer(texts, 400)


def test_too_small_a_vocabulary_is_an_error() -> None:
    with pytest.raises(UsageError, match="vocabulary is 351: it must hold 96 special tokens"):
        train_tokenizer(["pain"], 351)
    assert train_tokenizer(["pain"], 352).vocabulary_size == 352


# In folders


def test_load_gives_back_what_was_saved(tmp_path: Path, source_notes: list[Note]) -> None:
    texts = [render(note) for note in source_notes]
    tokenizer = train_tokenizer(texts, 500, ["Drug", "Dose"])
    save_tokenizer(tokenizer, tmp_path / "t")
    assert {p.name for p in (tmp_path / "t").iterdir()} == set(FILES)
    loaded = load_tokenizer(tmp_path / "t")
    assert loaded.entity_labels == ("Drug", "Dose")
    assert loaded.encode_batch(texts) == tokenizer.encode_batch(texts)
    assert loaded.encode_text("<|end|>") == tokenizer.encode_text("<|end|>")


@pytest.fixture(scope="module")
def hugging_face(tokenizer_folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tokenizer_folder)


@given(st.lists(st.one_of(_unicode, _tokens)).map("".join))
def test_transformers_agrees(hugging_face: Any, small_tokenizer: NoteTokenizer, text: str) -> None:
    ids = small_tokenizer.encode(text)
    assert hugging_face(text).input_ids == ids
    assert hugging_face(text, add_special_tokens=False).input_ids == ids
    assert hugging_face.decode(ids, skip_special_tokens=False) == text


def test_transformers_adds_nothing_and_knows_the_end(
    hugging_face: Any, small_tokenizer: NoteTokenizer
) -> None:
    start = prompt(Attributes(sex="female"))
    assert hugging_face(start, add_special_tokens=True).input_ids == small_tokenizer.encode(start)
    assert hugging_face.eos_token_id == small_tokenizer.end_id
    assert hugging_face.pad_token_id == small_tokenizer.pad_id
    assert hugging_face.bos_token_id == small_tokenizer.note_id
    assert len(hugging_face) == small_tokenizer.vocabulary_size
    assert hugging_face.chat_template is None


def test_transformers_saves_a_folder_that_loads_the_same(
    hugging_face: Any, small_tokenizer: NoteTokenizer, tmp_path: Path, tokenizer_folder: Path
) -> None:
    from transformers import AutoTokenizer

    hugging_face.save_pretrained(tmp_path)
    text = "<|note|><|text|>BP 120/80<|PROBLEM|> pain<|/|><|end|>"
    assert AutoTokenizer.from_pretrained(tmp_path)(text).input_ids == small_tokenizer.encode(text)
    (tmp_path / "clinsynth_tokens.json").write_bytes(
        (tokenizer_folder / "clinsynth_tokens.json").read_bytes()
    )
    assert load_tokenizer(tmp_path).encode(text) == small_tokenizer.encode(text)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("clinsynth_tokens.json", None, "holds no tokenizer"),
        ("clinsynth_tokens.json", "{", "is damaged"),
        ("clinsynth_tokens.json", "[]", "is damaged"),
        ("clinsynth_tokens.json", json.dumps({"format_version": 9, "entity_labels": []}), "version 9"),
        (
            "clinsynth_tokens.json",
            json.dumps({"format_version": 1, "entity_labels": "x"}),
            "list of strings",
        ),
        (
            "clinsynth_tokens.json",
            json.dumps({"format_version": 1, "entity_labels": ["X"]}),
            "special tokens",
        ),
        ("clinsynth_tokens.json", json.dumps({"format_version": 1, "entity_labels": ["NAME"]}), "damaged"),
        ("tokenizer.json", None, "is missing"),
        ("tokenizer.json", "{}", "is damaged"),
        ("tokenizer.json", "garbage", "is damaged"),
    ],
)
def test_a_damaged_folder_is_one_line(
    tokenizer_folder: Path, tmp_path: Path, name: str, content: str | None, says: str
) -> None:
    for file in FILES:
        (tmp_path / file).write_bytes((tokenizer_folder / file).read_bytes())
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(content)
    with pytest.raises(FolderError) as caught:
        load_tokenizer(tmp_path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
