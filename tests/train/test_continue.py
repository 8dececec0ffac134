"""An open model with a tokenizer of its own is continued: its tokens mean what they meant, ours are new."""

from __future__ import annotations

import pytest
import torch
from benchmarks._plain import make_corpus
from click.testing import CliRunner
from tests.tokens import foreign

from clinsynth.errors import UsageError
from clinsynth.tokens.adopt import adopt_tokenizer
from clinsynth.train.command import train

ROWS = 448
"""Rows of the embedding: some stand behind the tokenizer's tokens, as in models that pad their vocabulary."""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A small GPT-NeoX with random weights and a byte-level tokenizer, as from a hub."""
    from transformers import AutoConfig, AutoModelForCausalLM

    folder = foreign.save(foreign.neox(), tmp_path_factory.mktemp("open") / "neox")
    torch.manual_seed(5)
    config = AutoConfig.for_model(
        "gpt_neox",
        vocab_size=ROWS,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        initializer_range=0.3,
        bos_token_id=0,
        eos_token_id=0,
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def adopted(base, tmp_path_factory):
    """A corpus in the model's own tokens."""
    tokenizer = adopt_tokenizer(base, ())
    assert tokenizer.vocabulary_size > ROWS, "or nothing has to grow"
    return make_corpus(tmp_path_factory.mktemp("corpus") / "corpus", tokenizer=tokenizer), tokenizer


@pytest.mark.slow
def test_known_tokens_mean_what_they_meant_and_new_ones_begin_in_their_middle(
    base, adopted, write_run, launch, tmp_path
):
    from transformers import AutoModelForCausalLM

    corpus, tokenizer = adopted
    path = write_run(
        tmp_path,
        corpus=str(corpus),
        init_from=str(base),
        steps=1,
        layout={"tp": 2, "oversubscribe": True},
        optimizer={"lr": 1e-12, "weight_decay": 0.0},
    )
    done = launch(path)
    assert done.code == 0, done.error
    before = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
    after = AutoModelForCausalLM.from_pretrained(done.out, dtype=torch.float32).eval()
    assert after.config.vocab_size == tokenizer.vocabulary_size
    ids = torch.tensor([tokenizer.encode_text("acute chest pain, denies fever")])
    assert ids.max() < ROWS
    with torch.no_grad():
        torch.testing.assert_close(after(ids).logits[..., :ROWS], before(ids).logits, atol=1e-4, rtol=0)
    known = before.get_input_embeddings().weight
    for row in after.get_input_embeddings().weight[ROWS:]:
        torch.testing.assert_close(row, known.mean(0), atol=1e-6, rtol=0)


def test_a_corpus_in_other_tokens_is_refused(base, corpus, write_run, tmp_path):
    path = write_run(tmp_path, corpus=str(corpus), init_from=str(base), steps=1)
    result = CliRunner().invoke(train, [str(path)])
    assert isinstance(result.exception, UsageError)
    assert "prepared with another tokenizer than the model's" in str(result.exception)
    assert f"tokenizer.from: {base}" in str(result.exception)
    assert not (tmp_path / "model").exists()
