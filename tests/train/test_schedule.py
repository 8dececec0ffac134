"""The laws of the learning rate, whatever the numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clinsynth.train.config import OptimizerConfig
from clinsynth.train.schedule import learning_rate

PEAK = 1e-3
optimizers = st.builds(
    OptimizerConfig,
    lr=st.just(PEAK),
    schedule=st.sampled_from(["cosine", "wsd", "constant"]),
    warmup_steps=st.integers(0, 60),
    decay_share=st.floats(0.01, 1),
    decay_shape=st.sampled_from(["1-sqrt", "linear"]),
    final_lr=st.floats(0, 1, allow_subnormal=False),
)
wsd = optimizers.map(lambda optimizer: optimizer.model_copy(update={"schedule": "wsd"}))


def rates(steps, optimizer):
    return [learning_rate(step, steps, optimizer) for step in range(steps)]


@given(steps=st.integers(1, 500), optimizer=optimizers)
def test_it_rises_to_the_peak_and_never_again(steps, optimizer):
    found = rates(steps, optimizer)
    warmup = min(optimizer.warmup_steps, steps)
    assert found[:warmup] == sorted(found[:warmup])
    assert found[warmup:] == sorted(found[warmup:], reverse=True)
    assert max(found) <= PEAK * (1 + 1e-12)
    if warmup:
        assert found[warmup - 1] == pytest.approx(PEAK)


@given(steps=st.integers(3, 500), optimizer=optimizers)
def test_the_last_step_has_the_final_share(steps, optimizer):
    assume(steps > optimizer.warmup_steps + 1)
    share = 1 if optimizer.schedule == "constant" else optimizer.final_lr
    assert rates(steps, optimizer)[-1] == pytest.approx(share * PEAK, abs=1e-15)


@given(steps=st.integers(1, 300), more=st.integers(0, 300), optimizer=wsd)
def test_a_longer_wsd_run_begins_as_the_shorter_one_until_that_decays(steps, more, optimizer):
    assume(steps > optimizer.warmup_steps)
    stable = steps - max(1, round(optimizer.decay_share * (steps - optimizer.warmup_steps)))
    short, long = rates(steps, optimizer), rates(steps + more, optimizer)
    assert short[:stable] == long[:stable]


@given(steps=st.integers(20, 400), share=st.floats(0.05, 1), final=st.floats(0, 0.9))
def test_wsd_decays_over_its_share_of_the_steps(steps, share, final):
    optimizer = OptimizerConfig(
        lr=PEAK, schedule="wsd", warmup_steps=0, decay_share=share, final_lr=final, decay_shape="linear"
    )
    falling = [rate for rate in rates(steps, optimizer) if rate < PEAK]
    assert len(falling) == max(1, round(share * steps))
    gaps = {round((a - b) / PEAK, 9) for a, b in zip(falling, falling[1:])}
    assert len(gaps) <= 2, "the same fall each step"


@given(steps=st.integers(20, 400), optimizer=wsd)
def test_one_minus_sqrt_lies_below_the_line(steps, optimizer):
    curved = rates(steps, optimizer.model_copy(update={"decay_shape": "1-sqrt"}))
    straight = rates(steps, optimizer.model_copy(update={"decay_shape": "linear"}))
    assert all(low <= high * (1 + 1e-12) for low, high in zip(curved, straight))


def test_one_minus_sqrt_by_hand():
    optimizer = OptimizerConfig(lr=1.0, schedule="wsd", warmup_steps=0, decay_share=0.4, final_lr=0)
    expected = [1] * 6 + [1 - math.sqrt(part) for part in (0.25, 0.5, 0.75, 1)]
    assert rates(10, optimizer) == pytest.approx(expected)
