"""Models outside the compared families: those whose plans say all of them are trained, others are refused."""

from __future__ import annotations

import pytest
import torch
from benchmarks._plain import VOCABULARY, train_plainly

from clinsynth.config import load_config
from clinsynth.train.config import TrainConfig
from clinsynth.train.families.planned import by_its_plans
from clinsynth.train.rehearsal import small_copy

pytestmark = pytest.mark.slow


def make_base(folder, architecture, **settings):
    """A small model with random weights, as Hugging Face saves it."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(4)
    config = AutoConfig.for_model(
        architecture,
        vocab_size=VOCABULARY,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=48,
        max_position_embeddings=64,
        initializer_range=0.2,
        pad_token_id=0,
        bos_token_id=0,
        eos_token_id=0,
        **settings,
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


# norms without weights; biases everywhere, dropout in the blocks, tied
@pytest.mark.parametrize("architecture", ["olmo", "starcoder2"])
def test_a_model_that_nobody_listed_is_continued_as_hugging_face_would(
    tmp_path, write_run, launch, architecture
):
    from transformers import AutoModelForCausalLM

    base = make_base(tmp_path / "base", architecture)
    path = write_run(
        tmp_path,
        steps=4,
        init_from=str(base),
        layout={"tp": 2, "pp": 2, "dp": 1, "oversubscribe": True},
    )
    done = launch(path)
    assert done.code == 0, done.error
    config = load_config(path, TrainConfig)
    plain = train_plainly(config, AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32))
    ids = torch.arange(40)[None]
    with torch.no_grad():
        found = AutoModelForCausalLM.from_pretrained(done.out, dtype=torch.float32)(ids).logits
        torch.testing.assert_close(found, plain.model.eval()(ids).logits, atol=1e-4, rtol=0)


# scales its embedding; scales its logits
@pytest.mark.parametrize(("architecture", "settings"), [("gemma", {"head_dim": 8}), ("cohere", {})])
def test_a_model_whose_code_does_more_is_refused_before_a_step(
    tmp_path, write_run, launch, architecture, settings
):
    base = make_base(tmp_path / "base", architecture, **settings)
    done = launch(write_run(tmp_path, steps=4, init_from=str(base)))
    assert done.code == 2
    assert (
        f"models of type '{architecture}' cannot be trained: the loss of a small copy is" in done.last_line
    )
    assert "Hugging Face's" in done.last_line
    assert not done.out.exists()


def test_a_small_copy_keeps_a_layer_of_each_kind_and_lists_of_the_right_length():
    kinds = ["sliding_attention"] * 3 + ["full_attention"] + ["sliding_attention"] * 4
    settings = {"model_type": "qwen3", "layer_types": kinds, "sliding_window": 4096, "num_hidden_layers": 8}
    family = by_its_plans(settings | {"attention_dropout": 0.5})
    config = family.config({key: value for key, value in settings.items() if key != "model_type"})
    small = small_copy(family, config, tp=4, pp=1)
    assert small.layer_types == kinds[:4]
    assert small.num_hidden_layers == 4
    assert small.sliding_window in (None, 16)
    assert small.num_attention_heads == 8
    assert small.attention_dropout == 0
    assert small.vocab_size == config.vocab_size
