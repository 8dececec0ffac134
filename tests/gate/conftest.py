"""Gates with a policy of the test's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.gate.gate_texts import TRAINED, RuleDetector

from clinsynth.gate import Gate, GateConfig
from clinsynth.overlap import NeighbourIndex, NgramIndex


@pytest.fixture
def make_gate() -> Callable[..., Gate]:
    """``make_gate(detector, max_copied_words=..., ...)``."""
    index, neighbours = NgramIndex.build([TRAINED]), NeighbourIndex.build([TRAINED])

    def make(detector: object = None, **policy: object) -> Gate:
        config = GateConfig.model_validate(policy)
        return Gate(
            config,
            detector or RuleDetector(),  # type: ignore[arg-type]
            index if config.copied else None,
            neighbours if config.neighbours else None,
        )

    return make
