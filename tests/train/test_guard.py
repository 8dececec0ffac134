"""What counts as a spike, when it stops a run, and that a run which goes on judges as if it had not stopped."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsynth.train.config import GuardConfig
from clinsynth.train.guard import Guard

CONFIG = GuardConfig(spike=6, window=16, patience=3)


def noisy(count, level=3.0, seed=0):
    rng = random.Random(seed)
    return [level * math.exp(rng.gauss(0, 0.02)) for _ in range(count)]


def verdicts(losses, config=CONFIG, history=()):
    guard = Guard(config, history)
    return [guard.judge(loss, 1.0) for loss in losses]


def stopped_at(losses, config=CONFIG):
    return next((at for at, verdict in enumerate(verdicts(losses, config)) if verdict), None)


@pytest.mark.parametrize(
    ("losses", "stops_at"),
    [
        (noisy(500), None),
        ([8 * math.exp(-step / 100) + 2 for step in range(500)], None),  # a run that learns
        ([3.0] * 100, None),  # nothing moves: the deviation has a floor
        ([3.0] * 100 + [3.02] * 100, None),  # less than 1 % above is never a spike
        ([*noisy(50), 9.0, *noisy(50, seed=1)], None),  # a lone spike passes
        ([*noisy(50), 9.0, 9.0, *noisy(50, seed=1)], None),
        (noisy(50) + [9.0, 9.0, 3.0] * 5, None),  # not three in a row
        ([*noisy(50), 9.0, 9.0, 9.0], 52),
        (noisy(50) + [4.0] * 3, 52),  # a third above, where 2 % is usual
        ([*noisy(50), 9.0, 9.0, 3.0, 9.0, 9.0, 9.0], 55),
        ([9.0] * 100, None),  # nothing else is known to be usual
        (noisy(50) + [1.0] * 50, None),  # falling is no trouble
    ],
)
def test_a_run_stops_at_the_last_of_enough_spikes_in_a_row(losses, stops_at):
    assert stopped_at(losses) == stops_at


def test_spikes_do_not_move_what_is_usual():
    losses = noisy(50) + [9.0, 9.0, 3.0] * 100 + [9.0, 9.0, 9.0]
    assert stopped_at(losses) == len(losses) - 1


@pytest.mark.parametrize("config", [CONFIG, GuardConfig(spike=None)])
@pytest.mark.parametrize(
    ("loss", "norm"),
    [(math.nan, 1.0), (math.inf, 1.0), (3.0, math.nan), (3.0, math.inf), (math.nan, math.nan)],
)
@pytest.mark.parametrize("before", [0, 1, 50])
def test_what_is_no_number_stops_at_once(config, loss, norm, before):
    guard = Guard(config, noisy(before))
    verdict = guard.judge(loss, norm)
    assert verdict is not None
    assert f"the loss is {loss:.4g}" in verdict
    assert guard.spikes == 1


def test_the_guard_can_be_off():
    assert stopped_at(noisy(50) + [900.0] * 50, GuardConfig(spike=None)) is None


def test_the_verdict_says_what_was_usual():
    verdict = verdicts([3.0] * 50 + [9.0] * 3)[-1]
    assert verdict == (
        "the loss is 9, spike 3 in a row; usual was 3 (median of 16 steps), a spike is more than 3.186"
    )


losses = st.lists(st.floats(0.5, 12), min_size=0, max_size=120)


@settings(max_examples=200)
@given(losses=losses, cut=st.integers(0, 120))
def test_a_run_that_goes_on_judges_as_if_it_had_not_stopped(losses, cut):
    assert verdicts(losses)[cut:] == verdicts(losses[cut:], history=losses[:cut])


@settings(max_examples=200)
@given(losses=losses, factor=st.sampled_from([0.25, 0.5, 2, 4]))
def test_the_unit_of_the_loss_does_not_matter(losses, factor):
    assert stopped_at(losses) == stopped_at([factor * loss for loss in losses])


@settings(max_examples=200)
@given(losses=losses, more=st.integers(1, 5))
def test_more_patience_never_stops_earlier(losses, more):
    patient = CONFIG.model_copy(update={"patience": CONFIG.patience + more})
    at, later = stopped_at(losses), stopped_at(losses, patient)
    assert later is None or (at is not None and at + more <= later)
