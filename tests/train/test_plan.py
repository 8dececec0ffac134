"""The plan's counts against Hugging Face, torch and DeepSpeed themselves, and the laws of its arithmetic."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsynth.errors import UsageError
from clinsynth.train.config import ShapeConfig
from clinsynth.train.families import FAMILIES, family_of
from clinsynth.train.plan.activations import block_bytes, copied_weights
from clinsynth.train.plan.anatomy import anatomy_of
from clinsynth.train.plan.hardware import GPUS, Cluster
from clinsynth.train.plan.job import Job, Layout, zero_stages
from clinsynth.train.plan.layouts import search
from clinsynth.train.plan.memory import GIB, moments, peak, stage_peak
from clinsynth.train.plan.speed import bubble_share, reached_mfu, step_time, token_flops
from clinsynth.train.plan.stages import balanced, stages_of
from clinsynth.train.plan.traffic import traffic
from clinsynth.train.plan.zero import states
from clinsynth.train.presets import PRESETS

SIZES = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 6, "intermediate_size": 80}
GROUPED = {**SIZES, "num_key_value_heads": 2, "vocab_size": 353}
MODELS = {
    "llama, tied": ("llama", {**GROUPED, "tie_word_embeddings": True}),
    "llama, untied": ("llama", {**GROUPED, "tie_word_embeddings": False}),
    "llama, biased": ("llama", {**GROUPED, "attention_bias": True, "mlp_bias": True}),
    "llama, wide heads": ("llama", {**GROUPED, "head_dim": 16}),
    "mistral": ("mistral", {**GROUPED, "head_dim": 8}),
    "qwen2": ("qwen2", GROUPED),
    "qwen3": ("qwen3", {**GROUPED, "head_dim": 16}),
    "gpt_neox": ("gpt_neox", {**SIZES, "vocab_size": 353}),
    "gpt_neox, no bias": ("gpt_neox", {**SIZES, "vocab_size": 353, "attention_bias": False}),
    "gpt2": ("gpt2", {"n_embd": 48, "n_layer": 3, "n_head": 6, "vocab_size": 353, "n_positions": 70}),
    "gpt2, untied": (
        "gpt2",
        {
            "n_embd": 48,
            "n_layer": 3,
            "n_head": 6,
            "n_inner": 100,
            "vocab_size": 353,
            "n_positions": 70,
            "tie_word_embeddings": False,
        },
    ),
}


def on_meta(architecture, settings):
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    special = {"bos_token_id": 0, "eos_token_id": 0}
    config = AutoConfig.for_model(architecture, **settings, **special)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config, attn_implementation="eager")


def job(architecture="llama", *, rows=64, context=128, vocabulary=1000, precision="bf16", **shape):
    shape = ShapeConfig(
        **{"architecture": architecture, "hidden_size": 256, "layers": 8, "heads": 8, **shape}
    )
    family = family_of(architecture)
    settings = family.settings(shape, vocabulary, context)
    return Job(
        anatomy=anatomy_of(architecture, settings),
        context=context,
        rows=rows,
        steps=100,
        precision=precision,
        divisors=tuple(family.divisors(settings).items()),
    )


def cluster(nodes=1, gpu="h100", **changes):
    kind = GPUS[gpu]
    whole = Cluster(kind, nodes, 8, 0.4, kind.memory, kind.nvlink, kind.network)
    return dataclasses.replace(whole, **changes)


JOBS = st.builds(
    job,
    st.sampled_from(["llama", "gpt2"]),
    rows=st.sampled_from([64, 96]),
    vocabulary=st.integers(10, 3000),
    precision=st.sampled_from(["bf16", "fp32"]),
    layers=st.integers(4, 13),
    tied=st.booleans(),
)
POWERS = st.sampled_from([1, 2, 4])
LAYOUTS = st.builds(
    Layout,
    tp=POWERS,
    pp=POWERS,
    dp=st.sampled_from([1, 2, 4, 8]),
    micro_rows=POWERS,
    checkpointing=st.booleans(),
)


@pytest.mark.parametrize("name", MODELS)
def test_parameters_are_those_that_hugging_face_counts(name):
    architecture, settings = MODELS[name]
    anatomy = anatomy_of(architecture, settings)
    model = on_meta(architecture, settings)
    assert anatomy.parameters == sum(p.numel() for p in model.parameters())
    assert anatomy.embedding == model.get_input_embeddings().weight.numel()
    blocks = getattr(model.base_model, "h", None) or model.base_model.layers
    assert anatomy.layers * anatomy.block == sum(p.numel() for p in blocks.parameters())


@pytest.mark.parametrize("name", FAMILIES)
def test_every_architecture_that_can_be_trained_can_be_planned(name):
    shape = ShapeConfig(architecture=name, hidden_size=64, layers=3, heads=8, tied=False)
    settings = family_of(name).settings(shape, 353, 128)
    assert anatomy_of(name, settings).parameters == on_meta(name, settings).num_parameters()


@pytest.mark.parametrize("vocabulary", [1, 127, 128, 129, 50257])
@pytest.mark.parametrize("tp", [1, 2, 3, 8])
def test_the_vocabulary_is_padded_as_the_trainer_pads_it(vocabulary, tp):
    from clinsynth.train.layers import padded_vocabulary

    assert job(vocabulary=vocabulary).anatomy.padded_vocabulary(tp) == padded_vocabulary(vocabulary, tp)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_count_as_hugging_face_counts_them(name):
    shape = ShapeConfig(**PRESETS[name])
    settings = family_of(shape.architecture).settings(shape, 50257, 2048)
    model = on_meta(shape.architecture, settings)
    assert anatomy_of(shape.architecture, settings).parameters == model.num_parameters()


@pytest.mark.parametrize(
    ("preset", "vocabulary", "billions"),
    [
        ("gatortrongpt-345m", 50257, 0.355),
        ("gpt2-1.3b", 50257, 1.3),
        ("llama-1.3b", 32000, 1.345),
        ("gatortrongpt-5b", 50257, 5),
        ("gatortrongpt-20b", 50257, 20),
    ],
)
def test_large_presets_have_the_sizes_they_are_called(preset, vocabulary, billions):
    shape = ShapeConfig(**PRESETS[preset])
    settings = family_of(shape.architecture).settings(shape, vocabulary, 2048)
    found = anatomy_of(shape.architecture, settings).parameters
    assert found / 1e9 == pytest.approx(billions, rel=0.02)


@pytest.mark.parametrize("name", ["llama, untied", "qwen3", "gpt_neox", "gpt2"])
def test_flops_are_those_that_torch_counts(name):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    architecture, settings = MODELS[name]
    model, tokens = on_meta(architecture, settings), 64
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, tokens, dtype=torch.long, device="meta"))
    planned = Job(anatomy_of(architecture, settings), tokens, 1, 1, "bf16", ())
    # Backward takes twice what forward takes.
    assert token_flops(planned) * tokens == pytest.approx(3 * counter.get_total_flops(), rel=0.01)


def test_flops_are_those_of_narayanan_et_al():
    width, layers, context, vocabulary = 6144, 44, 2048, 50257
    planned = job(
        "gpt2", hidden_size=width, layers=layers, heads=48, context=context, vocabulary=vocabulary
    )
    terms = 1 + context / (6 * width) + vocabulary / (12 * width * layers)
    assert token_flops(planned) == pytest.approx(72 * layers * width**2 * terms, rel=1e-9)


def test_stages_are_dealt_as_deepspeed_deals_them():
    from deepspeed.runtime.utils import partition_balanced

    for layers in range(1, 15):
        for before in (1, 2):
            for parts in range(1, layers + 1):
                weights = (0,) * before + (1,) * layers + (0, 0)
                assert list(balanced(weights, parts)) == partition_balanced(list(weights), parts)


@given(JOBS, POWERS, POWERS)
def test_stages_sum_to_the_whole(planned, tp, pp):
    anatomy = planned.anatomy
    stages = stages_of(anatomy, pp)
    assert sum(stage.blocks for stage in stages) == anatomy.layers
    assert [stage.first for stage in stages] == [True] + [False] * (pp - 1)
    assert [stage.last for stage in stages] == [False] * (pp - 1) + [True]
    tables = 1 if anatomy.tied and pp == 1 else 2
    padding = tables * (anatomy.padded_vocabulary(1) - anatomy.vocabulary) * anatomy.width
    copy = anatomy.embedding if anatomy.tied and pp > 1 else 0
    assert sum(stage.held(anatomy, 1) for stage in stages) == anatomy.parameters + padding + copy
    # What tensor parallelism does not split stands on each of its processes.
    rows = sum(linear.outputs for linear in anatomy.linears if linear.bias and linear.split == "rows")
    whole = anatomy.layers * (anatomy.block_norms + rows) + anatomy.norm + anatomy.position_table
    shared = sum(stage.held(anatomy, tp) for stage in stages)
    assert tp * shared == sum(stage.held(anatomy, 1) for stage in stages) + (tp - 1) * whole


@given(JOBS, LAYOUTS)
def test_more_processes_never_need_more_of_the_model(planned, layout):
    """Weights, gradients and optimizer fall with tp, and with dp; activations fall with tp."""
    if planned.misfit(layout) is not None:
        return
    doubled = dataclasses.replace(layout, tp=2 * layout.tp)
    for stage in stages_of(planned.anatomy, layout.pp):
        for here, there in zip(moments(planned, layout, stage), moments(planned, doubled, stage)):
            assert there.weights < here.weights
            assert there.optimizer < here.optimizer
            assert there.gradients <= here.gradients
            assert there.activations <= here.activations
            assert there.copies <= here.copies
    for zero in (1, 2, 3):
        small, large = (states(zero, 10**6, dp) for dp in (layout.dp, 2 * layout.dp))
        assert large.optimizer < small.optimizer
        assert large.weights <= small.weights


@given(parameters=st.integers(1000, 10**10), dp=st.integers(2, 512), accumulated=st.booleans())
def test_a_higher_stage_of_zero_keeps_less(parameters, dp, accumulated):
    kept = [states(zero, parameters, dp, accumulated=accumulated) for zero in (1, 2, 3)]
    sums = [state.weights + state.gradients + state.optimizer for state in kept]
    assert sums == sorted(sums, reverse=True)
    # By hand: 4 bytes a weight, 4 a gradient, 12 a master copy with two moments.
    assert sums[0] == pytest.approx(parameters * (8 + 12 / dp))


@given(JOBS, LAYOUTS)
def test_memory_grows_with_rows_and_falls_with_checkpointing(planned, layout):
    if planned.misfit(dataclasses.replace(layout, micro_rows=2 * layout.micro_rows)) is not None:
        return
    for stage in stages_of(planned.anatomy, layout.pp):
        again, _ = moments(planned, dataclasses.replace(layout, checkpointing=True), stage)
        kept, _ = moments(planned, dataclasses.replace(layout, checkpointing=False), stage)
        # With a block or two there is nothing to save: one is always there as a whole, with its gradients.
        if stage.blocks * stage.under_way(planned.micro_batches(layout)) > 3:
            assert again.total < kept.total
    # As many micro-batches of twice the rows.
    twice = dataclasses.replace(planned, rows=2 * planned.rows)
    more = dataclasses.replace(layout, micro_rows=2 * layout.micro_rows)
    assert peak(twice, more).total >= peak(planned, layout).total


def test_an_early_stage_holds_all_micro_batches_under_way():
    planned, layout = job(layers=8, rows=64), Layout(1, 4, 1, micro_rows=1)
    stages = stages_of(planned.anatomy, 4)
    heights = [moments(planned, layout, stage)[0] for stage in stages]
    two_blocks = 2 * copied_weights(planned, 1)
    assert [height.copies / two_blocks for height in heights[:3]] == [4, 3, 2]
    first, second = (height.activations for height in heights[:2])
    assert first - second >= 2 * 128 * block_bytes(planned, 1).kept * 0.9
    assert [stage.under_way(2) for stage in stages] == [2, 2, 2, 1]


def test_a_tied_head_stands_in_the_last_stage_again():
    planned = job(tied=True, vocabulary=4096, layers=4)
    first, last = stages_of(planned.anatomy, 2)
    tables = planned.anatomy.held_table(1)
    assert first.held(planned.anatomy, 1) - 2 * planned.anatomy.block == tables
    assert last.held(planned.anatomy, 1) - 2 * planned.anatomy.block == tables + planned.anatomy.norm


@given(JOBS, LAYOUTS, st.integers(1, 64))
def test_nothing_travels_along_an_axis_of_one(planned, layout, nodes):
    if planned.misfit(layout) is not None:
        return
    for stage in stages_of(planned.anatomy, layout.pp):
        sent = traffic(planned, layout, stage, cluster(nodes))
        assert (sent.tensor.wire == "") == (layout.tp == 1)
        assert (sent.data.wire == "") == (layout.dp == 1)
        assert (sent.pipeline.wire == "") == (layout.pp == 1)
        assert sent.tensor.wire in ("", "NVLink")
        if layout.dp > 1:
            assert (sent.data.wire == "NVLink") == (layout.tp * layout.dp <= 8)
    time = step_time(planned, layout, cluster(nodes))
    assert (time.bubble == 0) == (layout.pp == 1)
    assert 0 < reached_mfu(planned, layout, cluster(nodes), time) <= 0.4 * (1 + 1e-9)


def test_bytes_of_a_small_layout_by_hand():
    """GPT-2: two sums forward and two backward in each of two blocks, the embedding's and the head's."""
    planned = job("gpt2", layers=2, hidden_size=64, heads=8, rows=4, context=16, vocabulary=256)
    layout = Layout(tp=2, pp=1, dp=2, micro_rows=2)
    (stage,) = stages_of(planned.anatomy, 1)
    sent = traffic(planned, layout, stage, cluster())
    states_bytes = 2 * 16 * 64 * 2  # rows x tokens x width, bf16
    assert sent.tensor.per_micro == (2 * 4 + 2 + 1) * states_bytes
    held = stage.held(planned.anatomy, 2)
    assert sent.data.per_step == 4 * held * (1 + 1 / 2)
    assert sent.pipeline.total(1) == 0


@given(st.integers(1, 64), st.integers(1, 512))
def test_the_bubble_shrinks_with_micro_batches(pp, micro_batches):
    layout = Layout(1, pp, 1)
    share = bubble_share(layout, micro_batches)
    assert 0 <= share < 1
    assert bubble_share(layout, micro_batches + 1) <= share
    assert (share == 0) == (pp == 1)


@pytest.mark.parametrize("nodes", [1, 3])
def test_every_layout_fits_or_is_left_out_for_a_reason(nodes):
    planned = job(kv_heads=4, rows=96, layers=5)
    there = cluster(nodes, memory=3.0)
    found = search(planned, there)
    totals = [each.time.total for each in found.fitting]
    assert totals == sorted(totals)
    for each in found.fitting:
        assert planned.misfit(each.layout) is None
        assert each.layout.gpus == there.gpus
        assert each.memory.total <= there.usable * GIB
        assert each.memory == peak(planned, each.layout)
    assert found.refused["tp 8"] == "does not divide kv_heads 4"
    seen = {(each.layout.tp, each.layout.pp, each.layout.zero) for each in found.fitting}
    out = " ".join(found.refused)
    for tp in (1, 2, 4):
        for pp in range(1, 6):
            if (8 * nodes) % (tp * pp) == 0:
                dp = 8 * nodes // (tp * pp)
                divides = 96 % dp == 0
                for zero in zero_stages(pp):
                    name = f"tp {tp}, pp {pp}, dp {dp}, ZeRO-{zero}"
                    assert divides == (((tp, pp, zero) in seen) != (name in out)), name


def test_a_small_gpu_is_refused_with_what_it_would_take():
    found = search(job(layers=8), cluster(memory=1.0))
    assert found.fitting == ()
    assert all("GiB at least, 1 are usable" in why for why in found.refused.values())


def test_the_largest_micro_batch_of_equal_ones_is_shown():
    planned = job(rows=64)
    (best,) = (
        each for each in search(planned, cluster()).fitting if (each.layout.dp, each.layout.zero) == (8, 1)
    )
    assert best.layout.micro_rows == 8, "without a pipeline all micro-batches take the same time"
    single = dataclasses.replace(best.layout, micro_rows=1)
    assert step_time(planned, single, cluster()).total == pytest.approx(best.time.total)


@pytest.mark.parametrize(
    ("layout", "reason"),
    [
        (Layout(8, 1, 1), "tp 8 does not divide kv_heads 4"),
        (Layout(1, 9, 1), "pp 9 is more than the 8 layers"),
        (Layout(1, 2, 1, zero=2), "ZeRO-2 goes with pp 1 only"),
        (Layout(1, 1, 3), "dp 3 does not divide batch.rows 64"),
        (Layout(1, 1, 32, micro_rows=4), "dp 32 x micro_rows 4 does not divide batch.rows 64"),
        (Layout(4, 2, 8, micro_rows=4), None),
    ],
)
def test_what_does_not_divide_is_named(layout, reason):
    assert job(kv_heads=4).misfit(layout) == reason


def test_an_unknown_architecture_is_named():
    with pytest.raises(UsageError, match="'rwkv' cannot be planned: known are llama"):
        anatomy_of("rwkv", {})
    with pytest.raises(UsageError, match="the model's config has no 'vocab_size'"):
        anatomy_of("gpt2", {"n_embd": 4, "n_head": 2})


def test_the_heaviest_stage_is_the_peak():
    planned, layout = job(layers=8, rows=64), Layout(2, 4, 1, micro_rows=4)
    every = [stage_peak(planned, layout, stage).total for stage in stages_of(planned.anatomy, 4)]
    assert peak(planned, layout).total == max(every)
