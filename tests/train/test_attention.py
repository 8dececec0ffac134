"""Attention inside documents, against plain masked attention and against reading each document alone."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from clinsynth.train.attention import (
    Documents,
    DocumentsOf,
    document_mask,
    document_positions,
    documents_attention,
)

ROWS = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=6), min_size=1, max_size=3)


def segments_of(rows):
    """Rows of documents of the given lengths, padded with 0 behind."""
    longest = max(map(sum, rows)) + 2
    filled = [[i for i, length in enumerate(row, 1) for _ in range(length)] for row in rows]
    return torch.tensor([row + [0] * (longest - len(row)) for row in filled])


@given(rows=ROWS)
def test_positions_begin_anew_with_each_document(rows):
    segments = segments_of(rows)
    for row, places in zip(segments.tolist(), document_positions(segments).tolist()):
        expected = [len([1 for s in row[:i] if s == row[i]]) for i in range(len(row))]
        assert places == expected


@given(rows=ROWS)
def test_a_token_sees_its_document_up_to_itself(rows):
    segments = segments_of(rows)
    mask = document_mask(segments)
    tokens = segments.shape[1]
    assert mask.shape == (len(rows), 1, tokens, tokens)
    for row in range(len(rows)):
        for i in range(tokens):
            seen = [j for j in range(tokens) if mask[row, 0, i, j]]
            assert seen == [j for j in range(i + 1) if segments[row, j] == segments[row, i]]


@given(rows=ROWS)
def test_lengths_are_those_of_the_documents_and_fill_every_row(rows):
    segments = segments_of(rows)
    tokens = segments.shape[1]
    expected = [[*row, tokens - sum(row)] for row in rows]
    assert Documents(segments).lengths == expected


class Layer:
    """What an attention layer of Hugging Face hands over besides tensors."""

    training = True


@pytest.mark.parametrize("window", [None, 4])
@pytest.mark.parametrize("kv_heads", [4, 2])
def test_values_and_gradients_are_those_of_masked_attention(kv_heads, window):
    segments = segments_of([[5, 1, 9], [3, 3, 2, 2]])
    tokens = segments.shape[1]
    generator = torch.Generator().manual_seed(1)
    made = [torch.randn(2, n, tokens, 8, generator=generator) for n in (4, kv_heads, kv_heads)]
    query, key, value = (tensor.requires_grad_() for tensor in made)
    mask = document_mask(segments)
    if window is not None:
        mask = mask & (torch.arange(tokens)[:, None] - torch.arange(tokens) < window)
    expected = scaled_dot_product_attention(query, key, value, mask, scale=0.3, enable_gqa=True)
    wanted = torch.autograd.grad(expected.square().sum(), (query, key, value))
    found, _ = documents_attention(
        Layer(), query, key, value, Documents(segments), scaling=0.3, sliding_window=window
    )
    torch.testing.assert_close(found.transpose(1, 2), expected)
    torch.testing.assert_close(torch.autograd.grad(found.square().sum(), (query, key, value)), wanted)


def test_blocks_of_one_micro_batch_share_what_is_computed():
    documents_of, segments = DocumentsOf(), segments_of([[3, 2]])
    first = documents_of(segments)
    assert documents_of(segments) is first
    assert documents_of(segments.clone()) is not first
