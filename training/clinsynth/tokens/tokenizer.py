"""Byte-level BPE over training text, with the special tokens in front; or that of an existing model.

Every byte is a token, so nothing is out of vocabulary and ``decode(encode(text)) == text`` for any text.
Digits stand alone: a laboratory value is the same tokens wherever it stands, and no number of a patient's
can earn a token of its own. Nothing is added at encoding: what the template writes is what the model sees.
What holds for the vocabulary of an existing model, ``adopt`` says.

The folder it saves loads in ``transformers.AutoTokenizer`` and in vLLM.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from clinsynth.errors import DataError, FolderError, UsageError
from clinsynth.folders import write_json
from clinsynth.tokens.special import (
    END,
    ENTITY_LABELS,
    NOTE,
    PAD,
    SPECIAL_COUNT,
    TEXT,
    TOKEN,
    check_entity_labels,
    special_tokens,
)

FORMAT_VERSION: Final = 1
SETTINGS: Final = "clinsynth_tokens.json"
FILES: Final = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", SETTINGS)
"""What a tokenizer folder holds; copy all of them into a model folder."""

SMALLEST_VOCABULARY: Final = SPECIAL_COUNT + 256

# A piece is: an English contraction's tail; a word with the space or sign before it; one digit; signs with
# the line breaks after them; line breaks; spaces but the last before a word; spaces.
_PIECES: Final = (
    r"(?i:'(?:[sdmt]|ll|ve|re))|[^\r\n\p{L}\p{M}\p{N}]?[\p{L}\p{M}]+|\p{N}"
    r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_TRAIN_BATCH = (
    1_000  # fragments handed over at once: crossing into Rust one by one costs more than the work
)


@dataclass(frozen=True, slots=True)
class Base:
    """The tokenizer of an existing model that another one was made from.

    Args:
        vocabulary: its number of ids; the same ids mean the same here, what was added stands behind them.
        sha256: of its ``tokenizer.json``.
    """

    vocabulary: int
    sha256: str


class NoteTokenizer:
    """A tokenizer and the entity labels it has tokens for.

    Args:
        backend: what ``tokenizers`` made.
        base: None: the vocabulary was learned from a corpus.
    """

    def __init__(self, backend: Tokenizer, entity_labels: Sequence[str], base: Base | None = None) -> None:
        self.entity_labels = tuple(entity_labels)
        self.base = base
        self._backend = backend

    @functools.cached_property
    def _plain(self) -> Tokenizer:
        # Special tokens are recognised or not for a whole tokenizer: text from outside gets one of its own.
        plain = Tokenizer.from_str(self._backend.to_str())
        plain.encode_special_tokens = True
        return plain

    @functools.cached_property
    def vocabulary_size(self) -> int:
        """Number of ids; smaller than asked for when the corpus was too small to fill it."""
        return int(self._backend.get_vocab_size())

    @property
    def pad_id(self) -> int:
        """Id of ``<|pad|>``."""
        return self.token_id(PAD)

    @property
    def note_id(self) -> int:
        """Id of ``<|note|>``, with which every document begins."""
        return self.token_id(NOTE)

    @property
    def text_id(self) -> int:
        """Id of ``<|text|>``, with which every prompt ends."""
        return self.token_id(TEXT)

    @property
    def end_id(self) -> int:
        """Id of ``<|end|>``, on which generation stops."""
        return self.token_id(END)

    def token_id(self, token: str) -> int:
        """Id of one token, ``<|PROBLEM|>`` for instance.

        Raises:
            UsageError: the vocabulary has no such token.
        """
        found = self._backend.token_to_id(token)
        if found is None:
            raise UsageError(f"the tokenizer has no token {token}; entity labels: {self.entity_labels}")
        return int(found)

    def encode(self, text: str) -> list[int]:
        """Ids of rendered text or of a prompt; special tokens in it count as such."""
        return list(self._backend.encode(text, add_special_tokens=False).ids)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of many rendered texts, on all cores unless ``TOKENIZERS_PARALLELISM`` is false."""
        return [list(e.ids) for e in self._backend.encode_batch_fast(list(texts), add_special_tokens=False)]

    def encode_text(self, text: str) -> list[int]:
        """Ids of text from outside: nothing in it becomes a special token, whatever it looks like."""
        return list(self._plain.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, special tokens included; undoes ``encode`` exactly."""
        return str(self._backend.decode(list(ids), skip_special_tokens=False))

    def save(self, folder: Path) -> None:
        """Writes ``FILES`` into ``folder``."""
        save_tokenizer(self, folder)

    def to_json(self) -> str:
        """The content of ``tokenizer.json``."""
        return str(self._backend.to_str(pretty=True))


def train_tokenizer(
    texts: Iterable[str], vocabulary: int, entity_labels: Sequence[str] = ENTITY_LABELS
) -> NoteTokenizer:
    """A tokenizer for rendered texts (see ``template.render``).

    Args:
        texts: streamed; only counts of distinct pieces are kept.
        vocabulary: ids wanted, special tokens and bytes included.
        entity_labels: each gets an opening mark.

    Raises:
        UsageError: the vocabulary cannot hold the special tokens and the bytes, or a label is unfit.
        DataError: there is no text.
    """
    if vocabulary < SMALLEST_VOCABULARY:
        raise UsageError(
            f"vocabulary is {vocabulary}: it must hold {SPECIAL_COUNT} special tokens and 256 bytes, "
            f"so at least {SMALLEST_VOCABULARY}"
        )
    special = special_tokens(entity_labels)
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in special],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    seen = _Seen()
    backend.train_from_iterator(seen.batches(texts), trainer)
    if not seen.fragments:
        raise DataError("the tokenizer has no text to learn from: the corpus is empty")
    return NoteTokenizer(backend, check_entity_labels(entity_labels))


class _Seen:
    """Counts what passes, since an empty stream trains without complaint."""

    fragments = 0

    def batches(self, texts: Iterable[str]) -> Iterator[list[str]]:
        """Text between special tokens, which the trainer would otherwise learn piece by piece."""
        batch: list[str] = []
        for text in texts:
            # TOKEN has one group, so every second part is the name of a token.
            batch += [fragment for fragment in TOKEN.split(text)[::2] if fragment]
            if len(batch) >= _TRAIN_BATCH:
                self.fragments += len(batch)
                yield batch
                batch = []
        self.fragments += len(batch)
        if batch:
            yield batch


def save_tokenizer(tokenizer: NoteTokenizer, folder: Path) -> None:
    """Writes ``FILES`` into ``folder``, which is made if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(tokenizer.to_json(), "utf-8")
    named = {"bos_token": NOTE, "eos_token": END, "pad_token": PAD}
    write_json(folder / "special_tokens_map.json", named)
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **named,
        # Neither library may add to a prompt: the template has written <|note|> already.
        "add_bos_token": False,
        "add_eos_token": False,
        "clean_up_tokenization_spaces": False,
        "padding_side": "left",
        "model_input_names": ["input_ids", "attention_mask"],
    }
    write_json(folder / "tokenizer_config.json", config)
    settings = {"format_version": FORMAT_VERSION, "entity_labels": list(tokenizer.entity_labels)}
    if tokenizer.base is not None:
        settings |= {"base_vocabulary": tokenizer.base.vocabulary, "base_sha256": tokenizer.base.sha256}
    write_json(folder / SETTINGS, settings)


def load_tokenizer(folder: Path) -> NoteTokenizer:
    """The tokenizer of a ``tokenizer/`` folder or of a model folder.

    Raises:
        FolderError: a file is missing or damaged, or a special token is missing.
    """
    labels, base = _read_settings(folder)
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise FolderError(f"{path} is missing")
    try:
        backend = Tokenizer.from_str(path.read_text("utf-8"))
        special = special_tokens(labels)
    except Exception as error:  # noqa: BLE001 - tokenizers raises bare Exception
        raise FolderError(f"{path} is damaged ({type(error).__name__})") from None
    if any(backend.token_to_id(token) is None for token in special):
        raise FolderError(f"{path}: the special tokens are not those that {SETTINGS} lists")
    return NoteTokenizer(backend, labels, base)


def _read_settings(folder: Path) -> tuple[list[str], Base | None]:
    path = folder / SETTINGS
    try:
        settings = json.loads(path.read_text("utf-8"))
        labels = settings["entity_labels"]
        version = settings["format_version"]
    except FileNotFoundError:
        raise FolderError(f"{path} is missing: {folder} holds no tokenizer of clinsynth") from None
    except (ValueError, KeyError, TypeError):
        raise FolderError(f"{path} is damaged") from None
    if version != FORMAT_VERSION:
        raise FolderError(f"{path} has format version {version}, this release reads {FORMAT_VERSION}")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise FolderError(f"{path}: entity_labels is not a list of strings")
    vocabulary, sha256 = settings.get("base_vocabulary"), settings.get("base_sha256")
    if vocabulary is None and sha256 is None:
        return labels, None
    if not isinstance(vocabulary, int) or not isinstance(sha256, str):
        raise FolderError(f"{path}: base_vocabulary or base_sha256 is damaged")
    return labels, Base(vocabulary, sha256)
