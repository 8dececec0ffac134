"""The vocabulary of an existing model: its ids stay, ours come behind, text comes back, nothing is forged."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

from clinsynth.corpus import Note
from clinsynth.engine.vllm_setup import load_vllm
from clinsynth.errors import FolderError, UsageError
from clinsynth.folders import file_sha256
from clinsynth.tokens.adopt import adopt_tokenizer
from clinsynth.tokens.special import ENTITY_LABELS, special_tokens
from clinsynth.tokens.template import parse, render
from clinsynth.tokens.tokenizer import FILES, NoteTokenizer, load_tokenizer, save_tokenizer

from . import foreign
from .conftest import tagged_notes

OURS = special_tokens(ENTITY_LABELS)
THEIRS = (
    "<|endoftext|>", "<|padding|>", "<|late|>", "<|begin_of_text|>", "<|eot_id|>", "<|im_start|>",
    "<tool_call>", "[THINK]", "<s>", "</s>", "<unk>", "<0x41>", "<|assistant|>",
)  # fmt: skip


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("bases")
    return {name: foreign.save(make(), root / name) for name, make in foreign.MAKERS.items()}


@pytest.fixture(scope="module")
def adopted(bases: dict[str, Path]) -> dict[str, NoteTokenizer]:
    return {name: adopt_tokenizer(folder, ENTITY_LABELS) for name, folder in bases.items()}


@pytest.fixture(scope="module")
def saved(adopted: dict[str, NoteTokenizer], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("saved")
    for name, tokenizer in adopted.items():
        save_tokenizer(tokenizer, root / name)
    return {name: root / name for name in adopted}


@pytest.fixture(scope="module")
def hugging_face(saved: dict[str, Path]) -> dict[str, Any]:
    from transformers import AutoTokenizer

    return {name: AutoTokenizer.from_pretrained(folder) for name, folder in saved.items()}


every = pytest.mark.parametrize("name", foreign.MAKERS)
_unicode = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\u2581"))
_pieces = st.lists(st.one_of(_unicode, st.sampled_from((*OURS, *THEIRS, "  ", "    ", "e\u0301"))))
_text = _pieces.map("".join)


@every
@given(text=_text)
def test_decode_undoes_encode(adopted: dict[str, NoteTokenizer], name: str, text: str) -> None:
    tokenizer = adopted[name]
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.encode_batch([text]) == [tokenizer.encode(text)]


@every
@given(note=tagged_notes().filter(lambda note: "\u2581" not in render(note)))
def test_a_note_survives_the_tokens(adopted: dict[str, NoteTokenizer], name: str, note: Note) -> None:
    tokenizer = adopted[name]
    parsed = parse(tokenizer.decode(tokenizer.encode(render(note))))
    assert (parsed.text, parsed.entities, parsed.phi) == (note.text, note.entities, note.phi)


@every
@given(text=_text)
def test_text_becomes_no_special_token_of_either_side(
    adopted: dict[str, NoteTokenizer], bases: dict[str, Path], name: str, text: str
) -> None:
    tokenizer = adopted[name]
    file = json.loads((bases[name] / "tokenizer.json").read_text())
    theirs = {t["id"] for t in file["added_tokens"] if t["content"].strip()}
    ours = {tokenizer.token_id(token) for token in OURS}
    ids = tokenizer.encode_text(text)
    assert not (theirs | ours).intersection(ids)
    assert tokenizer.decode(ids) == text
    assert not (theirs - ours).intersection(tokenizer.encode(text)), "nor where ours are read"


@every
@given(text=_text)
def test_transformers_agrees(
    adopted: dict[str, NoteTokenizer], hugging_face: dict[str, Any], name: str, text: str
) -> None:
    ids, theirs = adopted[name].encode(text), hugging_face[name]
    assert theirs(text).input_ids == ids
    assert theirs.decode(ids, skip_special_tokens=False) == text
    assert theirs.eos_token_id == adopted[name].end_id
    assert theirs.pad_token_id == adopted[name].pad_id
    assert len(theirs) == adopted[name].vocabulary_size


@pytest.mark.slow
def test_vllm_agrees(adopted: dict[str, NoteTokenizer], saved: dict[str, Path]) -> None:
    load_vllm()
    from vllm.tokenizers import get_tokenizer

    text = (
        "<|note|>sex: female\n<|text|>Denies<|PROBLEM|> chest pain<|/|>, <s> e\u0301 😀  BP 120/80.<|end|>"
    )
    for name, tokenizer in adopted.items():
        theirs = get_tokenizer(str(saved[name]))
        assert theirs.encode(text, add_special_tokens=False) == tokenizer.encode(text), name
        assert theirs.decode(tokenizer.encode(text), skip_special_tokens=False) == text, name


@every
def test_ids_of_the_model_stay_and_ours_stand_behind(
    adopted: dict[str, NoteTokenizer], bases: dict[str, Path], name: str
) -> None:
    tokenizer, file = adopted[name], bases[name] / "tokenizer.json"
    base = Tokenizer.from_file(str(file)).get_vocab()
    assert {token: tokenizer.token_id(token) for token in base} == base
    new = [token for token in OURS if token not in base]
    assert [tokenizer.token_id(token) for token in new] == list(range(len(base), len(base) + len(new)))
    assert tokenizer.vocabulary_size == len(base) + len(new)
    assert tokenizer.base is not None
    assert (tokenizer.base.vocabulary, tokenizer.base.sha256) == (len(base), file_sha256(file))


def test_a_token_of_the_same_spelling_is_used_again(adopted: dict[str, NoteTokenizer]) -> None:
    tokenizer = adopted["phi3"]
    assert tokenizer.base is not None
    assert tokenizer.end_id == tokenizer.base.vocabulary - 1
    assert tokenizer.decode(tokenizer.encode("<|end|>  x")) == "<|end|>  x", "it takes no spaces with it"


@every
def test_plain_text_has_the_models_own_tokens(
    adopted: dict[str, NoteTokenizer], bases: dict[str, Path], name: str
) -> None:
    base = Tokenizer.from_file(str(bases[name] / "tokenizer.json"))
    # SentencePiece puts a space before the text; inside of it there is no difference.
    text = " denies chest pain, BP 120/80 mmHg.\n\nPlan: two weeks"
    expected = base.encode(
        text.strip() if name in foreign.SENTENCEPIECE else text, add_special_tokens=False
    )
    assert adopted[name].encode_text(text) == expected.ids
    assert len(expected.ids) < len(text) / 1.5, "it must have merged something, or equality says little"


def test_runs_of_spaces_keep_the_models_tokens(
    adopted: dict[str, NoteTokenizer], bases: dict[str, Path]
) -> None:
    base = Tokenizer.from_file(str(bases["neox"] / "tokenizer.json"))
    text = "x" + " " * 8 + "y" + " " * 6
    assert adopted["neox"].encode(text) == base.encode(text).ids
    assert base.token_to_id(" " * 8) in base.encode(text).ids


@every
def test_a_saved_tokenizer_loads_the_same(
    adopted: dict[str, NoteTokenizer], saved: dict[str, Path], name: str
) -> None:
    assert {path.name for path in saved[name].iterdir()} == set(FILES)
    loaded = load_tokenizer(saved[name])
    text = "<|note|><|text|>BP 120/80<|PROBLEM|> pain<|/|><s> </s> <|endoftext|><|end|>"
    assert loaded.encode(text) == adopted[name].encode(text)
    assert loaded.base == adopted[name].base
    again = adopt_tokenizer(saved[name], ["TEST"])
    assert (again.encode(text), again.base) == (loaded.encode(text), loaded.base), "ours is taken as it is"


def test_a_corpus_shares_its_vocabulary(tokenizer_folder: Path, small_tokenizer: NoteTokenizer) -> None:
    shared = adopt_tokenizer(tokenizer_folder.parent, ["PROBLEM"])
    assert shared.entity_labels == ENTITY_LABELS
    assert shared.base is None
    assert shared.to_json() == small_tokenizer.to_json()
    with pytest.raises(
        UsageError, match=r"no mark for the entity label Drug; it knows PROBLEM, TEST, TREAT"
    ):
        adopt_tokenizer(tokenizer_folder.parent, ["PROBLEM", "Drug"])


def without_bytes() -> Tokenizer:
    tokenizer = foreign.sentencepiece()
    tokenizer.model = models.BPE(tokenizer.get_vocab(), [], unk_token="<unk>", byte_fallback=False)
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    return tokenizer


def spelled_special() -> Tokenizer:
    """Its special token is also what merging its letters gives."""
    tokenizer = foreign.gpt2()
    tokenizer.add_special_tokens([AddedToken("Ġpain", special=True, normalized=False)])
    return tokenizer


def with_normalizer(normalizer: Any) -> Tokenizer:
    tokenizer = foreign.gpt2()
    tokenizer.normalizer = normalizer
    return tokenizer


def with_pre_tokenizer(pre_tokenizer: Any) -> Tokenizer:
    tokenizer = foreign.gpt2()
    tokenizer.pre_tokenizer = pre_tokenizer
    return tokenizer


def with_gap(tokenizer: Tokenizer) -> Tokenizer:
    file = json.loads(tokenizer.to_str())
    file["added_tokens"][-1]["id"] += 1
    file["model"]["vocab"].pop(file["added_tokens"][-1]["content"], None)
    return file


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]")), "it is a WordPiece"),
        (lambda: Tokenizer(models.Unigram([("a", 0.0), ("b", -1.0)])), "it is a Unigram tokenizer; BPE"),
        (lambda: with_normalizer(normalizers.Lowercase()), "its normalizer Lowercase changes text"),
        (
            lambda: with_normalizer(normalizers.Sequence([normalizers.NFC(), normalizers.NFKC()])),
            "its normalizer NFKC changes text",
        ),
        (lambda: with_pre_tokenizer(pre_tokenizers.WhitespaceSplit()), "text does not come back as it was"),
        (without_bytes, "text does not come back as it was"),
        (spelled_special, "text that spells its token Ġpain becomes that token"),
        (lambda: with_gap(foreign.llama3()), "tokens do not have the ids from 0 on, each once"),
    ],
)
def test_a_tokenizer_that_would_spoil_text_is_refused_in_one_line(
    tmp_path: Path, make: Any, problem: str
) -> None:
    made, path = make(), tmp_path / "tokenizer.json"
    path.write_text(json.dumps(made) if isinstance(made, dict) else made.to_str())
    with pytest.raises(UsageError) as caught:
        adopt_tokenizer(tmp_path, ENTITY_LABELS)
    assert f"tokenizer.from: {path}: " in str(caught.value)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"model": {"type": "BPE"}}'])
def test_a_damaged_file_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(FolderError, match=r"tokenizer\.json is damaged \(\w+\)$"):
        adopt_tokenizer(tmp_path, ())


def test_a_folder_without_a_fast_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"tokenizer\.from: .* has no tokenizer\.json: give a corpus folder"
    ):
        adopt_tokenizer(tmp_path, ())
