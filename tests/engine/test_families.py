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


def test_a_short_first_prompt_in_bfloat16_does_not_end_the_process(tiny_model_dir: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from clinsynth.engine import *\n"
        "config = EngineConfig(dtype='bfloat16', kv_cache_gib=0.1)\n"
        "with BulkEngine(Path(sys.argv[1]), config) as engine:\n"
        "    [done] = engine.generate([Request('a', (5,), Sampling(max_tokens=3, ignore_end=True))])\n"
        "    print(len(done.token_ids))"
    )
    command = [sys.executable, "-c", script, str(tiny_model_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "3"
