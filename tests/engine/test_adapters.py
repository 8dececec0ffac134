"""Adapters beside their model in the real engine: the tokens of the merged model; others are refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.adapters import make_adapter
from tests.engine.greedy import CONFIG, check_greedy, written

from clinsynth.engine import BulkEngine, Request, Sampling
from clinsynth.engine.adapters import Adapter, adapter_arguments, open_adapters
from clinsynth.errors import EngineError, FolderError, UsageError
from clinsynth.folders import file_sha256


@pytest.mark.slow
def test_model_and_adapters_answer_side_by_side(
    tiny_model_dir: Path, tiny_adapter_dir: Path, tmp_path: Path
) -> None:
    from clinsynth.train.lora.merge import merge

    more = make_adapter(tmp_path, tiny_model_dir, "clinic", rank=12, rslora=True, targets=["q_proj"])
    merge(tiny_adapter_dir, tiny_model_dir, tmp_path / "ward-merged")
    merge(more, tiny_model_dir, tmp_path / "clinic-merged")
    adapters = {"ward": tiny_adapter_dir, "clinic": more}
    with BulkEngine(tiny_model_dir, CONFIG, adapters) as engine:
        check_greedy(written(engine), tiny_model_dir)
        check_greedy(written(engine, "ward"), tmp_path / "ward-merged")
        check_greedy(written(engine, "clinic"), tmp_path / "clinic-merged")
        assert written(engine) != written(engine, "ward") != written(engine, "clinic")

        assert list(engine.infos) == ["tiny-llama", "ward", "clinic"]
        assert engine.info.model == "tiny-llama"
        assert engine.infos["ward"].card_sha256 == file_sha256(tiny_adapter_dir / "card.json")

        greedy = Sampling(temperature=0, max_tokens=8)
        mixed = [Request(f"{name}", "Known", greedy, adapter=name) for name in (None, "ward", "clinic")]
        alone = [c.token_ids for one in mixed for c in engine.generate([one])]
        together = {c.id: c.token_ids for c in engine.generate(mixed)}
        assert [together[one.id] for one in mixed] == alone, "one batch, three models"

        [refused] = engine.generate([Request("x", "secret", greedy, adapter="surgery")])
        assert refused.error == "model: this engine has no such adapter"


@pytest.mark.slow
def test_an_architecture_without_adapters_in_vllm_is_refused(tiny_gpt2_dir: Path, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path, tiny_gpt2_dir, "ward")
    with pytest.raises(EngineError, match=r"no adapter beside a GPT2LMHeadModel: .*clinsynth merge"):
        BulkEngine(tiny_gpt2_dir, CONFIG, {"ward": adapter})


Change = Callable[[dict[str, Any]], None]


def _changed(adapter: Path, folder: Path, change: Change) -> Path:
    """A copy with other PEFT settings, and a manifest that agrees."""
    copy = Path(shutil.copytree(adapter, folder / "adapter"))
    settings = json.loads((copy / "adapter_config.json").read_text())
    change(settings)
    (copy / "adapter_config.json").write_text(json.dumps(settings))
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"]["adapter_config.json"] = file_sha256(copy / "adapter_config.json")
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return copy


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: s.update(use_dora=True), "it is a DoRA"),
        (lambda s: s.update(modules_to_save=["lm_head"]), "it trained lm_head whole"),
        (lambda s: s.update(bias="all"), "it trained biases"),
    ],
)
def test_what_vllm_lacks_is_named_before_it_starts(
    tiny_model_dir: Path, tiny_adapter_dir: Path, tmp_path: Path, change: Change, says: str
) -> None:
    folder = _changed(tiny_adapter_dir, tmp_path, change)
    with pytest.raises(FolderError, match=f"since {says}: .*clinsynth merge") as error:
        open_adapters(tiny_model_dir, {"ward": folder})
    assert "\n" not in str(error.value)


def test_an_adapter_of_another_model_is_refused(tiny_gpt2_dir: Path, tiny_adapter_dir: Path) -> None:
    with pytest.raises(FolderError, match="an adapter fits no other model"):
        open_adapters(tiny_gpt2_dir, {"ward": tiny_adapter_dir})


def test_an_adapter_with_the_models_name_is_refused(tiny_model_dir: Path, tiny_adapter_dir: Path) -> None:
    with pytest.raises(UsageError, match="NAME=DIR"):
        open_adapters(tiny_model_dir, {"tiny-llama": tiny_adapter_dir})


def test_room_for_the_largest_rank() -> None:
    adapters = [Adapter("a", Path("a"), 1, 4), Adapter("b", Path("b"), 2, 17)]
    assert adapter_arguments(adapters) == {"enable_lora": True, "max_loras": 2, "max_lora_rank": 32}
    assert adapter_arguments([]) == {}
    with pytest.raises(EngineError, match="rank 9999, more than vLLM takes"):
        adapter_arguments([Adapter("a", Path("a"), 1, 9999)])
