"""A preset sets what nobody else has set, and says so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from clinsynth.config import load_config
from clinsynth.deid import DeidConfig
from clinsynth.gate import PRESETS, GateConfig, Preset
from clinsynth.gate import presets as module

CONFIGS = Path(__file__).parents[2] / "configs"


def flat(keys: dict[str, Any]) -> dict[str, Any]:
    """``deid`` keys as ``deid.KEY``."""
    rest = {key: value for key, value in keys.items() if key != "deid"}
    return rest | {f"deid.{key}": value for key, value in keys.get("deid", {}).items()}


def test_the_default_is_balanced() -> None:
    assert set(PRESETS) == set(get_args(Preset))
    assert GateConfig() == GateConfig.named("balanced") == GateConfig(preset="balanced")
    assert GateConfig().deid == DeidConfig()


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_its_keys_and_no_other(name: Preset) -> None:
    policy, default = GateConfig.named(name).model_dump(), GateConfig().model_dump()
    changed = {key: value for key, value in flat(policy).items() if value != flat(default)[key]}
    changed.pop("preset", None)
    assert changed == {k: v for k, v in flat(dict(PRESETS[name])).items() if v != flat(default)[k]}


@pytest.mark.parametrize("name", PRESETS)
def test_the_table_says_what_is_set(name: Preset) -> None:
    lines = [line.split() for line in (module.__doc__ or "").splitlines() if line.startswith("    ")]
    head, *rows = lines
    column = head.index(name)
    for row in rows:
        assert str(flat(GateConfig.named(name).model_dump())[row[0]]) == row[column]
    assert {row[0] for row in rows} == {key for keys in PRESETS.values() for key in flat(dict(keys))}


def test_recall_first_is_never_laxer_and_precision_first_never_stricter() -> None:
    recall, balanced, precision = (GateConfig.named(name) for name in get_args(Preset))
    for key in ("max_identifiers", "max_copied_words", "max_similarity"):
        assert getattr(recall, key) < getattr(balanced, key) < getattr(precision, key)
    assert recall.deid.score_threshold < balanced.deid.score_threshold < precision.deid.score_threshold
    assert recall.on_identifier == "reject"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"max_copied_words": 40}, {"max_copied_words": 40, "max_similarity": 0.6}),
        (
            {"max_copied_words": None, "max_similarity": None},
            {"max_copied_words": 20, "max_similarity": 0.6},
        ),
        ({"deid": {"score_threshold": 0.3}}, {"deid.score_threshold": 0.3, "max_identifiers": 0}),
        ({"deid": {"score_threshold": None, "allow": ["May"]}}, {"deid.score_threshold": 0.0}),
        ({"deid": DeidConfig(labels=("NAME",))}, {"deid.score_threshold": 0.0, "deid.labels": ("NAME",)}),
        ({"deid": DeidConfig(score_threshold=0.4)}, {"deid.score_threshold": 0.4}),
        ({"deid": None}, {"deid.score_threshold": 0.0}),
    ],
)
def test_keys_of_ones_own_win(given: dict[str, Any], expected: dict[str, Any]) -> None:
    policy = flat(GateConfig.named("recall_first", **given).model_dump())
    assert {key: policy[key] for key in expected} == expected


@pytest.mark.parametrize("name", PRESETS)
def test_a_policy_comes_back_from_a_manifest(name: Preset) -> None:
    policy = GateConfig.named(name, max_copied_words=33)
    assert GateConfig.model_validate(policy.model_dump(mode="json")) == policy
    assert GateConfig.model_validate(policy) is policy


def test_a_preset_can_be_given_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text("max_copied_words: null\nmax_similarity: 0.7\n")
    policy = load_config(tmp_path / "gate.yaml", GateConfig, ["preset=precision_first"])
    assert (policy.max_copied_words, policy.max_similarity) == (50, 0.7)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("export/*.yaml")), ids=lambda path: path.stem)
def test_what_a_run_leaves_to_its_preset_is_told_beside_it(path: Path) -> None:
    text = path.read_text("utf-8")
    gate = yaml.safe_load(text)["gate"]
    resolved = flat(GateConfig.model_validate(gate).model_dump())
    left = {key for key, value in flat(gate).items() if value is None} - {"deid.ner"}  # null: no model
    assert left == {key for keys in PRESETS.values() for key in flat(dict(keys))}
    for key in left:
        [told] = re.findall(rf"\b{key.rpartition('.')[2]}: null +# (\S+)", text)
        assert told == str(resolved[key])
