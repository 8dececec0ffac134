"""Documents in, the same tokens out; damage is noticed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsynth.errors import FolderError
from clinsynth.tokens.shards import TokenShards, TokenWriter

DOCUMENTS = [[1, 5, 9, 3], [1, 3], [1, 7, 7, 7, 8, 3]]


def write(folder: Path, documents: list[list[int]], vocabulary: int = 100) -> Path:
    with TokenWriter(folder, vocabulary) as writer:
        for document in documents:
            writer.append(document)
    return folder


@given(st.lists(st.lists(st.integers(0, 99_999), min_size=1, max_size=20), max_size=20))
@pytest.mark.parametrize("small", [True, False])
def test_what_goes_in_comes_out(
    tmp_path_factory: pytest.TempPathFactory, small: bool, documents: list[list[int]]
) -> None:
    if small:
        documents = [[i % 100 for i in d] for d in documents]
    folder = write(tmp_path_factory.mktemp("t") / "tokens", documents, 100 if small else 100_000)
    shards = TokenShards(folder)
    flat = [i for d in documents for i in d]
    assert len(shards) == len(flat)
    assert shards.lengths.tolist() == [len(d) for d in documents]
    assert [shards.document(i).tolist() for i in range(len(documents))] == documents
    assert (folder / "tokens.bin").read_bytes() == np.asarray(flat, "<u2" if small else "<u4").tobytes()


@pytest.mark.parametrize(("vocabulary", "width"), [(65_536, 2), (65_537, 4)])
def test_width_of_a_token_at_the_limit(tmp_path: Path, vocabulary: int, width: int) -> None:
    folder = write(tmp_path / "t", [[vocabulary - 1]], vocabulary)
    assert (folder / "tokens.bin").stat().st_size == width
    assert TokenShards(folder).read(0, 1).tolist() == [vocabulary - 1]


def test_rows_cover_the_stream_and_overlap_by_the_target(tmp_path: Path) -> None:
    shards = TokenShards(write(tmp_path / "t", [list(range(23))]))
    rows = [shards.row(i, 5) for i in range(shards.rows(5))]
    assert [r.tolist() for r in rows] == [list(range(i * 5, i * 5 + 6)) for i in range(4)]
    assert rows[0].dtype == np.int64
    assert rows[0].flags.writeable
    assert shards.rows(22) == 1
    assert shards.rows(23) == 0
    order = shards.order(5, seed=1, epoch=2)
    assert sorted(order[i] for i in range(4)) == [0, 1, 2, 3]


def test_counts_while_writing(tmp_path: Path) -> None:
    with TokenWriter(tmp_path / "t", 10) as writer:
        writer.append([1, 2])
        writer.append(np.array([3]))
        assert (writer.documents, writer.tokens) == (2, 3)
        assert not (tmp_path / "t").exists()
    assert (tmp_path / "t").is_dir()


def test_nothing_stays_when_writing_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with TokenWriter(tmp_path / "t", 10) as writer:
            writer.append([1])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ids", [[10], [-1], [], [[1]]])
def test_the_programmer_hears_of_wrong_ids(tmp_path: Path, ids: list[int]) -> None:
    with pytest.raises(AssertionError), TokenWriter(tmp_path / "t", 10) as writer:
        writer.append(ids)


def test_a_folder_in_the_way_stays(tmp_path: Path) -> None:
    write(tmp_path / "t", DOCUMENTS)
    with pytest.raises(FolderError, match="exists"):
        TokenWriter(tmp_path / "t", 10)
    assert len(TokenShards(tmp_path / "t")) == 12


def _cut(path: Path, by: int) -> None:
    path.write_bytes(path.read_bytes()[:-by])


def _starts(*values: int, dtype: str = "<i8") -> np.ndarray:
    return np.asarray(values, dtype)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda f: (f / "tokens.bin").unlink(), "tokens.bin is missing"),
        (lambda f: (f / "documents.npy").unlink(), "holds no tokens"),
        (lambda f: _cut(f / "tokens.bin", 1), "12 tokens: it is damaged"),
        (lambda f: _cut(f / "tokens.bin", 12), "12 tokens: it is damaged"),
        (lambda f: _cut(f / "documents.npy", 8), "damaged"),
        (lambda f: (f / "documents.npy").write_bytes(b""), "damaged"),
        (lambda f: (f / "documents.npy").write_bytes(b"junk" * 40), "damaged"),
        (lambda f: np.save(f / "documents.npy", _starts(0, 4, 4, 12)), "do not rise"),
        (lambda f: np.save(f / "documents.npy", _starts(1, 12)), "do not rise"),
        (lambda f: np.save(f / "documents.npy", _starts(0, 12, dtype="<i4")), "int64"),
        (lambda f: np.save(f / "documents.npy", _starts()), "int64"),
        (lambda f: np.save(f / "documents.npy", np.zeros((2, 2), "<i8")), "int64"),
        (lambda f: np.save(f / "documents.npy", np.array([{}]), allow_pickle=True), "damaged"),
    ],
)
def test_damage_is_one_line(tmp_path: Path, damage: object, says: str) -> None:
    folder = write(tmp_path / "t", DOCUMENTS)
    damage(folder)  # type: ignore[operator]
    with pytest.raises(FolderError) as caught:
        TokenShards(folder)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tokens_of_another_tokenizer_are_noticed(tmp_path: Path) -> None:
    shards = TokenShards(write(tmp_path / "t", DOCUMENTS), vocabulary_size=9)
    assert shards.document(1).tolist() == [1, 3]
    with pytest.raises(FolderError, match="token 9, past the vocabulary"):
        shards.document(0)
