"""The fixed places of special tokens."""

import pytest

from clinsynth.corpus import PHI_LABELS
from clinsynth.errors import UsageError
from clinsynth.tokens.special import (
    ENTITY_LABELS,
    MAX_ENTITY_LABELS,
    SPECIAL_COUNT,
    TOKEN,
    special_tokens,
    tag,
)


def test_ids_are_frozen() -> None:
    """Model folders in use depend on these: a change here needs a new format version."""
    tokens = special_tokens(ENTITY_LABELS)
    assert len(tokens) == len(set(tokens)) == SPECIAL_COUNT == 96
    assert tokens[:5] == ("<|pad|>", "<|note|>", "<|text|>", "<|end|>", "<|/|>")
    assert tokens[5:24] == tuple(map(tag, PHI_LABELS))
    assert tokens[24:28] == ("<|PROBLEM|>", "<|TEST|>", "<|TREATMENT|>", "<|reserved_0|>")
    assert tokens[-1] == "<|reserved_68|>"


def test_other_labels_move_no_other_id() -> None:
    assert special_tokens(["Drug"])[:24] == special_tokens(ENTITY_LABELS)[:24]
    assert special_tokens([])[24] == "<|reserved_0|>"
    assert len(special_tokens([f"L{i}" for i in range(MAX_ENTITY_LABELS)])) == SPECIAL_COUNT


def test_every_special_token_has_the_form_of_one() -> None:
    assert all(TOKEN.fullmatch(token) for token in special_tokens(ENTITY_LABELS))


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (["NAME"], "NAME is the label of an identifier"),
        (["end"], "control token"),
        (["reserved_1"], "control token"),
        (["A", "A"], "twice"),
        (["has space"], "letters, digits"),
        (["a|>"], "letters, digits"),
        (["1st"], "start with a letter"),
        ([""], "letters, digits"),
        (["é"], "letters, digits"),
        (["x" * 49], "48 characters"),
        ([f"L{i}" for i in range(MAX_ENTITY_LABELS + 1)], "at most 64"),
    ],
)
def test_unfit_labels_are_named(labels: list[str], says: str) -> None:
    with pytest.raises(UsageError, match="entity_labels") as caught:
        special_tokens(labels)
    assert says in str(caught.value)
