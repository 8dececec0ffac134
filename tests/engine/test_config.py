"""What a user may ask of the engine."""

from __future__ import annotations

import pytest

from clinsynth.config import parse_config
from clinsynth.engine import EngineConfig, Sampling
from clinsynth.engine.vllm_setup import load_vllm
from clinsynth.errors import MissingExtraError, UsageError


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"dtype": "float64"}, "dtype"),
        ({"max_model_len": 4}, "max_model_len"),
        ({"kv_cache_gib": 0}, "kv_cache_gib"),
        ({"max_num_seqs": 0}, "max_num_seqs"),
        ({"tensor_parallel_size": 0}, "tensor_parallel_size"),
        ({"max_num_seq": 3}, "did you mean max_num_seqs"),
    ],
)
def test_an_engine_that_cannot_be_is_refused_by_name(data: dict[str, object], field: str) -> None:
    with pytest.raises(UsageError, match=field):
        parse_config(data, EngineConfig, source="engine.yaml")


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
        ({"min_p": 2}, "min_p"),
        ({"top_k": -1}, "top_k"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"seed": -1}, "seed"),
    ],
)
def test_sampling_out_of_range_is_refused_by_name(data: dict[str, object], field: str) -> None:
    with pytest.raises(UsageError, match=field):
        parse_config(data, Sampling, source="run.yaml")


def test_the_edges_of_sampling_are_inside() -> None:
    Sampling(temperature=0, top_p=1, min_p=0, top_k=0, max_tokens=1, seed=2**31 - 1)


def test_without_vllm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "vllm", None)
    with pytest.raises(MissingExtraError, match=r"clinsynth\[cpu\]"):
        load_vllm()
