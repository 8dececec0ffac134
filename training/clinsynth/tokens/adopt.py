"""The tokenizer of an existing model, made to carry our text: for corpora that continue the model.

Ids of the model's own tokens stay what they are, and our special tokens stand behind them; one of the same
spelling is used again. What would spoil text is taken out of the file:

- The model's special tokens (``<|endoftext|>``, ``<s>``) and others written in brackets are no longer
  looked for in text. They keep their ids, but nothing that stands in a note can become one.
- Unicode composition (NFC) and a space put before the text: what is decoded must be what was encoded, or
  spans of entities would be off. Tokens put at the beginning or the end: the template writes its own.

What is left must give every text back, or the tokenizer is refused. One exception: SentencePiece writes a
space as U+2581, so its vocabularies give that character back as a space.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer

from clinsynth.errors import FolderError, UsageError
from clinsynth.folders import file_sha256
from clinsynth.tokens.special import CLOSE, NOTE, TEXT, check_entity_labels, special_tokens
from clinsynth.tokens.tokenizer import SETTINGS, Base, NoteTokenizer, load_tokenizer

_FILE: Final = "tokenizer.json"
_BRACKETED: Final = re.compile(r"\s*[<\[{].*[>\]}]\s*", re.DOTALL)
_SPACE_MARK: Final = "\u2581"
_DROPPED_NORMALIZERS: Final = ("NFC", "Prepend")
_SPACES_TO_MARKS: Final = {"type": "Replace", "pattern": {"String": " "}, "content": _SPACE_MARK}

# What tokenizers lose: letter case, spaces at the edges and in rows, line breaks, letters that could be
# composed or written in a simpler way, characters without a token.
_PROBES: Final = (
    "Chest pain",
    " leading",
    "trailing ",
    "two  spaces\n\n\tand lines\r\n",
    "e\u0301 \u00e9 \ufb01 \u00bd \u00b2",
    "\U0001f600 \u4e2d\u6587 \u05e2\u05d1\u05e8\u05d9\u05ea \u2028\ufeff",
    "".join(map(chr, range(0x700))),
)


def find_tokenizer_file(folder: Path) -> Path:
    """The ``tokenizer.json`` of a corpus folder, a tokenizer folder or a model folder.

    Raises:
        UsageError: there is none.
    """
    for place in (folder, folder / "tokenizer"):
        if (place / _FILE).is_file():
            return place / _FILE
    raise UsageError(
        f"tokenizer.from: {folder} has no {_FILE}: give a corpus folder, or a Hugging Face folder with a "
        "fast tokenizer"
    )


def adopt_tokenizer(folder: Path, entity_labels: Sequence[str]) -> NoteTokenizer:
    """The tokenizer in ``folder`` for a corpus with ``entity_labels``.

    Args:
        folder: a corpus folder or one with our tokenizer: taken as it is. Any other folder with a
            ``tokenizer.json`` of BPE: taken as the top of this file says.

    Raises:
        UsageError: there is no tokenizer, it has no mark for a label, or it would spoil text.
        FolderError: the file is damaged.
    """
    labels = check_entity_labels(entity_labels)
    path = find_tokenizer_file(folder)
    if not (path.parent / SETTINGS).is_file():
        return _extended(path, labels)
    tokenizer = load_tokenizer(path.parent)
    for label in labels:
        if label not in tokenizer.entity_labels:
            known = ", ".join(tokenizer.entity_labels) or "none"
            raise UsageError(
                f"tokenizer.from: {folder} has no mark for the entity label {label}; it knows {known}"
            )
    return tokenizer


def _extended(path: Path, labels: Sequence[str]) -> NoteTokenizer:
    try:
        file = json.loads(path.read_text("utf-8"))
        ids = _ids(file)
        problem = _unfit(file, ids)
        silent = frozenset(token["content"] for token in _added(file) if not _is_text(token))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FolderError(f"{path} is damaged ({type(error).__name__})") from None
    if problem is None:
        special = special_tokens(labels)
        base = Base(len(ids), file_sha256(path))
        tokenizer = NoteTokenizer(_build(_rewritten(file, ids, silent, special), path), labels, base)
        problem = _moved(tokenizer, ids) or _spoils(tokenizer, silent.union(special))
    if problem is not None:
        raise UsageError(f"tokenizer.from: {path}: {problem}")
    return tokenizer


def _build(file: Any, path: Path) -> Tokenizer:
    try:
        return Tokenizer.from_str(json.dumps(file))
    except Exception as error:  # noqa: BLE001 - tokenizers raises bare Exception
        raise FolderError(f"{path} is damaged ({type(error).__name__})") from None


# What the file says


def _added(file: Any) -> list[dict[str, Any]]:
    """The tokens that are looked for in text before all others."""
    return list(file.get("added_tokens") or ())


def _ids(file: Any) -> dict[str, int]:
    """Every token -> its id."""
    vocabulary = file["model"]["vocab"]
    learned = vocabulary if isinstance(vocabulary, dict) else {}  # Unigram has a list, and is refused
    return {**learned, **{token["content"]: token["id"] for token in _added(file)}}


def _is_text(added: dict[str, Any]) -> bool:
    """Whether an added token is a word or spaces, not something with a meaning of its own."""
    return not added["special"] and not _BRACKETED.fullmatch(added["content"])


def _unfit(file: Any, ids: dict[str, int]) -> str | None:
    """Why the tokenizer cannot be used, as far as the file tells."""
    kind = file["model"].get("type", "BPE" if "merges" in file["model"] else "unknown")
    if kind != "BPE":
        return f"it is a {kind} tokenizer; BPE is supported"
    if sorted(ids.values()) != list(range(len(ids))):
        return f"its {len(ids):,} tokens do not have the ids from 0 on, each once"
    for normalizer in _parts(file.get("normalizer"), "normalizers"):
        if normalizer["type"] not in _DROPPED_NORMALIZERS and normalizer != _SPACES_TO_MARKS:
            return f"its normalizer {normalizer['type']} changes text, which would not come back as it was"
    return None


def _parts(node: Any, key: str) -> list[Any]:
    """The parts of a sequence, or the one part that there is."""
    if node is None:
        return []
    return [part for child in node[key] for part in _parts(child, key)] if key in node else [node]


# What becomes of it


def _rewritten(
    file: dict[str, Any], ids: dict[str, int], silent: Collection[str], special: Sequence[str]
) -> dict[str, Any]:
    """The file with our special tokens, the model's ``silent`` ones only as ids, and no loss of text."""
    kept = [
        {**token, "lstrip": False, "rstrip": False}
        for token in _added(file)
        if token["content"] not in silent and token["content"] not in special
    ]
    normalizers = _parts(file.get("normalizer"), "normalizers")
    return {
        **file,
        "model": {**file["model"], "vocab": ids, "dropout": None},
        "added_tokens": sorted([*kept, *_ours(special, ids)], key=lambda token: token["id"]),
        "normalizer": next((n for n in normalizers if n["type"] not in _DROPPED_NORMALIZERS), None),
        "pre_tokenizer": _without_prefix(file.get("pre_tokenizer")),
        "decoder": _without_prefix(file.get("decoder")),
        "post_processor": None,
        "truncation": None,
        "padding": None,
    }


def _ours(special: Sequence[str], ids: dict[str, int]) -> list[dict[str, Any]]:
    """Our special tokens as the file lists them: at the id of the same spelling, or behind all others."""
    new = itertools.count(len(ids))
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return [{"id": ids[t] if t in ids else next(new), "content": t, **flags} for t in special]


def _without_prefix(node: Any) -> Any:
    """A pre-tokenizer or decoder that puts no space before the text and takes none away."""
    if node is None or node["type"] == "Strip":
        return None
    for key in ("pretokenizers", "decoders"):
        if key in node:
            return {**node, key: [part for part in map(_without_prefix, node[key]) if part is not None]}
    if node["type"] == "Metaspace":
        return {**{k: v for k, v in node.items() if k != "add_prefix_space"}, "prepend_scheme": "never"}
    return {**node, "add_prefix_space": False} if node["type"] == "ByteLevel" else node


# Whether that worked


def _moved(tokenizer: NoteTokenizer, ids: dict[str, int]) -> str | None:
    """The first token of the model that is not where it was."""
    moved = (token for token, number in ids.items() if tokenizer.token_id(token) != number)
    return next((f"its token {token!r} has two ids" for token in moved), None)


def _spoils(tokenizer: NoteTokenizer, meant: Iterable[str]) -> str | None:
    """What the tokenizer does to text that it must not do.

    Args:
        meant: tokens that text must never become.
    """
    for text in (*_PROBES, f"{NOTE}type: x\n{TEXT} a{CLOSE} b{CLOSE}c"):
        back = tokenizer.decode(tokenizer.encode(text))
        if back != text:
            at = next((i for i, (a, b) in enumerate(zip(text, back)) if a != b), min(len(text), len(back)))
            return f"text does not come back as it was: {text[at : at + 8]!r} as {back[at : at + 8]!r}"
    tokens = sorted(meant)
    forbidden = {tokenizer.token_id(token) for token in tokens}
    for token in tokens:
        read = tokenizer.decode([tokenizer.token_id(token)])  # marks of spaces in it are spaces
        spelled = (token, f" {token} a", f"a{token}", read)
        if any(forbidden.intersection(tokenizer.encode_text(text)) for text in spelled):
            return f"text that spells its token {token} becomes that token"
    return None
