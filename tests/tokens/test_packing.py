"""Rows of whole documents."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsynth.errors import FolderError
from clinsynth.tokens.packing import IGNORED, PackedRows, Row, _best_fit
from clinsynth.tokens.shards import TokenShards, TokenWriter

PAD = 777


def packed(folder: Path, documents: list[list[int]], length: int, seed: int = 0) -> PackedRows:
    with TokenWriter(folder, 1_000) as writer:
        for document in documents:
            writer.append(document)
    return PackedRows(TokenShards(folder), length, seed, PAD)


def documents_of(row: Row) -> list[list[int]]:
    return [row.input_ids[row.segments == s].tolist() for s in range(1, row.segments.max() + 1)]


def random_documents(count: int, longest: int, seed: int = 0) -> list[list[int]]:
    rng = random.Random(seed)
    return [[1, *rng.choices(range(10, 1_000), k=rng.randrange(longest)), 3] for _ in range(count)]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=40), st.integers(2, 20), st.integers(0, 5))
def test_an_epoch_holds_every_token_once_and_cuts_only_what_is_too_long(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], length: int, seed: int
) -> None:
    documents = [[100 + i] * size for i, size in enumerate(sizes)]
    rows = packed(tmp_path_factory.mktemp("t") / "t", documents, length, seed)
    found = [d for i in range(len(rows)) for d in documents_of(rows.row(i))]
    pieces = [d[i : i + length] for d in documents for i in range(0, len(d), length)]
    assert sorted(found) == sorted(pieces)
    assert rows.fill == sum(sizes) / (len(rows) * length)
    learned = [int((rows.row(i).targets != IGNORED).sum()) for i in range(len(rows))]
    assert [rows.targets_of(i) for i in range(len(rows))] == learned
    assert rows.targets == sum(learned)


def test_a_row_letter_by_letter(tmp_path: Path) -> None:
    row = packed(tmp_path / "t", [[1, 10, 3], [1, 20, 21, 3]], 9).row(0)
    assert row.input_ids.tolist() == [1, 10, 3, 1, 20, 21, 3, PAD, PAD]
    assert row.labels.tolist() == [IGNORED, 10, 3, IGNORED, 20, 21, 3, IGNORED, IGNORED]
    assert row.targets.tolist() == [10, 3, IGNORED, 20, 21, 3, IGNORED, IGNORED, IGNORED]
    assert row.positions.tolist() == [0, 1, 2, 0, 1, 2, 3, 0, 0]
    assert row.segments.tolist() == [1, 1, 1, 2, 2, 2, 2, 0, 0]
    assert "20" not in repr(row)


def test_best_fit_leaves_little_empty(tmp_path: Path) -> None:
    rows = packed(tmp_path / "t", random_documents(2_000, 500), 512)
    assert rows.fill > 0.97


def test_rows_are_a_function_of_seed_and_sample(tmp_path: Path) -> None:
    rows = packed(tmp_path / "t", random_documents(200, 60), 64, seed=5)
    shards = TokenShards(tmp_path / "t")
    again, other = PackedRows(shards, 64, 5, PAD), PackedRows(shards, 64, 6, PAD)
    samples = range(3 * len(rows))
    first = [rows.row(i).input_ids.tolist() for i in samples]
    # read from the end, as a resumed or another rank would jump about
    assert first == [again.row(i).input_ids.tolist() for i in reversed(samples)][::-1]
    assert first != [other.row(i).input_ids.tolist() for i in samples]


def test_each_epoch_has_the_same_rows_in_another_order(tmp_path: Path) -> None:
    rows = packed(tmp_path / "t", random_documents(200, 60), 64)
    n = len(rows)
    epochs = [[rows.row(e * n + i).input_ids.tolist() for i in range(n)] for e in range(3)]
    assert epochs[0] != epochs[1] != epochs[2]
    assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(epochs[2])


def test_labels_are_what_hugging_face_expects(tmp_path: Path) -> None:
    """The loss with ``labels`` equals the plain cross-entropy with ``targets``."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    row = packed(tmp_path / "t", random_documents(20, 20), 32).row(0)
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=1_000, **shape))
    ids, labels, targets = (torch.tensor(a)[None] for a in (row.input_ids, row.labels, row.targets))
    with torch.no_grad():
        out = model(input_ids=ids, labels=labels)
    expected = torch.nn.functional.cross_entropy(out.logits[0], targets[0], ignore_index=IGNORED)
    assert out.loss.item() == pytest.approx(expected.item(), rel=1e-6)


def test_nothing_to_pack(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="holds no tokens: the source is empty"):
        packed(tmp_path / "t", [], 8)


def one_by_one(sizes: list[int], length: int) -> list[list[int]]:
    """Best fit as books have it: the sizes in each row."""
    rows: list[list[int]] = []
    for size in sorted(sizes, reverse=True):
        fitting = [row for row in rows if length - sum(row) >= size]
        best = min(fitting, key=lambda row: length - sum(row), default=None)
        if best is None:
            rows.append([size])
        else:
            best.append(size)
    return rows


@given(st.lists(st.integers(1, 30), min_size=1, max_size=120), st.integers(30, 70), st.integers(0, 5))
def test_pieces_placed_at_once_fill_rows_as_if_placed_one_by_one(
    sizes: list[int], length: int, seed: int
) -> None:
    rows = _best_fit(np.array(sizes, np.int32), length, seed)
    # Which of two equally full rows a piece goes to is open.
    assert sorted(np.bincount(rows, sizes)) == sorted(map(sum, one_by_one(sizes, length)))


def test_many_documents_pack_within_the_row() -> None:
    sizes = np.random.default_rng(0).integers(5, 512, 300_000).astype(np.int32)
    rows = _best_fit(sizes, 512, 0)
    assert np.bincount(rows, sizes).max() <= 512
