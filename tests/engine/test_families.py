"""Every architecture that can be trained can be served: by a class of vLLM's own, or through Transformers."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.engine.greedy import CONFIG, check_greedy

from clinsynth.engine import BulkEngine
from clinsynth.train.families import FAMILIES

pytestmark = pytest.mark.slow


def test_vllm_gives_the_tokens_of_transformers(tiny_other_dir: Path) -> None:
    family = FAMILIES[tiny_other_dir.name.removeprefix("tiny-")]
    with BulkEngine(tiny_other_dir, CONFIG) as engine:
        assert engine.info.backend == family.vllm
        check_greedy(engine, tiny_other_dir)
