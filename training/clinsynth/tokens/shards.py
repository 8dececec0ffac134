"""Tokens on disk: one stream of all documents, memory-mapped, and where each document starts.

``tokens.bin`` is little-endian uint16, or uint32 for vocabularies over 65,536; ``documents.npy`` holds the
int64 start of each document and, last, the number of tokens. The two together tell the width of a token, so
a file that was cut short is noticed when it is opened.
"""

from __future__ import annotations

import os
import shutil
from array import array
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from clinsynth.errors import FolderError
from clinsynth.folders import refuse_existing
from clinsynth.tokens.order import Permutation

TOKENS: Final = "tokens.bin"
DOCUMENTS: Final = "documents.npy"
_BUFFER_BYTES: Final = 1 << 20


class TokenWriter:
    """Writes documents one by one; the folder takes its name when the writer is closed without an error.

    Args:
        folder: must not exist, or be empty.
        vocabulary_size: ids are smaller than this; decides the width of a token.

    Raises:
        FolderError: something stands at ``folder``.
    """

    def __init__(self, folder: Path, vocabulary_size: int) -> None:
        refuse_existing(folder)
        self._folder = folder
        self._vocabulary_size = vocabulary_size
        self._type: np.dtype[np.unsignedinteger] = np.dtype("<u2" if vocabulary_size <= 1 << 16 else "<u4")
        self._starts = array("q", [0])
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._temporary = folder.parent / f".{folder.name}.writing-{os.getpid()}"
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir()
        self._stream = (self._temporary / TOKENS).open("wb", buffering=_BUFFER_BYTES)

    @property
    def documents(self) -> int:
        """Documents written so far."""
        return len(self._starts) - 1

    @property
    def tokens(self) -> int:
        """Tokens written so far."""
        return self._starts[-1]

    def append(self, ids: Sequence[int] | npt.NDArray[np.integer]) -> None:
        """Writes one document: ids in ``[0, vocabulary_size)``, at least one."""
        tokens = np.asarray(ids, dtype=np.int64)
        assert tokens.ndim == 1, tokens.shape
        assert tokens.size > 0, "a document without tokens"
        assert 0 <= tokens.min() <= tokens.max() < self._vocabulary_size, (tokens.min(), tokens.max())
        self._stream.write(tokens.astype(self._type).tobytes())
        self._starts.append(self._starts[-1] + tokens.size)

    def close(self) -> None:
        """Finishes the files and gives the folder its name."""
        self._stream.close()
        np.save(self._temporary / DOCUMENTS, np.asarray(self._starts, dtype="<i8"), allow_pickle=False)
        if self._folder.exists():
            self._folder.rmdir()  # empty, as the constructor saw
        self._temporary.rename(self._folder)

    def abort(self) -> None:
        """Removes what was written."""
        self._stream.close()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


class TokenShards:
    """Reads what ``TokenWriter`` wrote. Both files are memory-mapped: processes of a machine share them.

    Args:
        vocabulary_size: if given, tokens outside it are an error when they are read.

    Raises:
        FolderError: a file is missing, cut short, or not what the other one says.
    """

    def __init__(self, folder: Path, vocabulary_size: int | None = None) -> None:
        self.folder = folder
        self._vocabulary_size = vocabulary_size
        self.documents = _read_documents(folder)
        self._tokens = _map_tokens(folder, int(self.documents[-1]))

    def __len__(self) -> int:
        """Number of tokens."""
        return int(self.documents[-1])

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each document, shape [documents]."""
        return np.diff(self.documents)

    def read(self, start: int, end: int) -> npt.NDArray[np.int64]:
        """Tokens ``start`` to ``end`` (exclusive) of the stream, as a copy of its own."""
        assert 0 <= start <= end <= len(self), (start, end, len(self))
        tokens = self._tokens[start:end].astype(np.int64)
        if self._vocabulary_size is not None and tokens.size and tokens.max() >= self._vocabulary_size:
            raise FolderError(
                f"{self.folder / TOKENS} holds token {tokens.max()}, past the vocabulary "
                f"({self._vocabulary_size}): it is damaged or belongs to another tokenizer"
            )
        return tokens

    def document(self, index: int) -> npt.NDArray[np.int64]:
        """Tokens of one document, shape [its length]."""
        return self.read(int(self.documents[index]), int(self.documents[index + 1]))

    def rows(self, length: int) -> int:
        """How many rows of ``length`` the stream gives; what is left over at its end is not read."""
        return max(0, (len(self) - 1) // length)

    def row(self, index: int, length: int) -> npt.NDArray[np.int64]:
        """Row ``index`` of the stream cut every ``length`` tokens, shape [length + 1].

        Inputs are ``row[:-1]``, targets ``row[1:]``. Rows cut documents: ``packing`` has those that don't.
        """
        assert 0 <= index < self.rows(length), (index, self.rows(length))
        return self.read(index * length, (index + 1) * length + 1)

    def order(self, length: int, seed: int, epoch: int = 0) -> Permutation:
        """The order in which an epoch reads the rows of ``length``."""
        return Permutation(self.rows(length), seed, epoch)


def _read_documents(folder: Path) -> npt.NDArray[np.int64]:
    path = folder / DOCUMENTS
    try:
        starts = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise FolderError(f"{path} is missing: {folder} holds no tokens") from None
    except (OSError, ValueError, EOFError):
        raise FolderError(f"{path} is damaged: it is not an array of numpy") from None
    if starts.ndim != 1 or starts.dtype != np.dtype("<i8") or not starts.size:
        raise FolderError(f"{path} is damaged: expected a list of int64 offsets")
    if starts[0] != 0 or (np.diff(starts) <= 0).any():
        raise FolderError(f"{path} is damaged: the offsets of documents do not rise from 0")
    offsets: npt.NDArray[np.int64] = starts.astype(np.int64, copy=False)
    return offsets


def _map_tokens(folder: Path, total: int) -> npt.NDArray[np.unsignedinteger]:
    path = folder / TOKENS
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise FolderError(f"{path} is missing") from None
    if size not in (2 * total, 4 * total):
        raise FolderError(
            f"{path} has {size:,} bytes, but {DOCUMENTS} counts {total:,} tokens: it is damaged"
        )
    width: np.dtype[np.unsignedinteger] = np.dtype("<u2" if size == 2 * total else "<u4")
    return (
        np.memmap(path, dtype=width, mode="r") if total else np.zeros(0, width)
    )  # nothing can't be mapped
