"""Every architecture that can be trained can be served: by a class of vLLM's own, or through Transformers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.engine.greedy import check_greedy

from clinsynth.train.families import FAMILIES

pytestmark = pytest.mark.slow


def test_vllm_gives_the_tokens_of_transformers(tiny_other_dir: Path) -> None:
    # In a process of its own: its Transformers backend changes the classes of Transformers where it runs.
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.greedy", str(tiny_other_dir)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.strip().splitlines()[-1])
    assert said["backend"] == FAMILIES[tiny_other_dir.name.removeprefix("tiny-")].vllm
    check_greedy(said["tokens"], tiny_other_dir)
