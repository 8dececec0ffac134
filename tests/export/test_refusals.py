"""What an export cannot do is one clear line, before the engine starts, and leaves nothing behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from clinsynth.config import load_config
from clinsynth.errors import FolderError, UsageError
from clinsynth.export import ExportConfig, prepare_export
from clinsynth.export.command import export
from clinsynth.export.journal import open_workplace
from clinsynth.unfinished import unfinished_folder

CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "export").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_committed_configs_are_right_and_name_every_key(path: Path) -> None:
    import yaml

    config = load_config(path, ExportConfig)
    given = yaml.safe_load(path.read_text("utf-8"))
    assert given.keys() == ExportConfig.model_fields.keys()
    for section in ("conditions", "sampling", "engine"):
        assert given[section].keys() == type(getattr(config, section)).model_fields.keys()
    assert given["gate"].keys() == type(config.gate).model_fields.keys()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["note=5"], "unknown key note: did you mean notes"),
        (["notes=0"], "key notes: "),
        (["notes=many"], "key notes: "),
        (["gate.max_copied_word=3"], "did you mean max_copied_words"),
        (["mode=names"], "key mode: "),
        (["sampling.seed=4"], "sampling.seed is not set here"),
        (["mode=tags", "key_env=KEY"], "key_env is the key of surrogates"),
        (["conditions.source=corpus"], "source corpus needs corpus"),
        (["conditions.source=list"], "source list needs cells"),
        (["conditions.source=uniform", "conditions.values={sex: [f]}"], "'f' is none of"),
        (["conditions.source=uniform", "conditions.values={mood: [good]}"], "'mood' is none of"),
        (["conditions.values={sex: [male]}"], "values is read only when source is uniform"),
        (["id_prefix=a/b"], "key id_prefix"),
        (["shard_notes=-1"], "key shard_notes"),
    ],
)
def test_bad_keys(overrides: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        load_config(CONFIGS[0], ExportConfig, ["model=m", "out=o", *overrides])
    assert "\n" not in str(error.value)


@pytest.fixture
def model(tiny_model_dir: Path, tmp_path: Path) -> Path:
    """A copy that may be broken."""
    return Path(shutil.copytree(tiny_model_dir, tmp_path / "model"))


def test_a_model_without_card_is_refused(model: Path, tmp_path: Path) -> None:
    (model / "card.json").unlink()
    with pytest.raises(FolderError, match="no card"):
        prepare_export(ExportConfig(model=model, out=tmp_path / "out"))
    assert not unfinished_folder(tmp_path / "out").exists()


@pytest.mark.parametrize(("index", "key"), [("ngrams", "copied"), ("neighbours", "neighbours")])
def test_a_model_without_index_is_refused_unless_the_config_says_so(
    model: Path, tmp_path: Path, index: str, key: str
) -> None:
    (model / "overlap" / f"{index}.npy").unlink()
    config = ExportConfig(model=model, out=tmp_path / "out")
    with pytest.raises(FolderError, match=f"overlap/{index}.*gate.{key}=false"):
        prepare_export(config)
    gate = config.gate.model_copy(update={key: False})
    assert prepare_export(config.model_copy(update={"gate": gate})).shards == 1


def test_an_adapter_of_another_model_is_refused(
    tiny_gpt2_dir: Path, tiny_adapter_dir: Path, tmp_path: Path
) -> None:
    config = ExportConfig(model=tiny_gpt2_dir, adapter=tiny_adapter_dir, out=tmp_path / "out")
    with pytest.raises(FolderError, match="fits no other model"):
        prepare_export(config)


def test_a_place_that_is_taken_is_refused(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("do not touch")
    config = ExportConfig(model=model, out=out)
    with pytest.raises(FolderError, match="exists"):
        prepare_export(config)
    with pytest.raises(FolderError, match="no manifest"):
        prepare_export(config, overwrite=True)


def test_a_missing_key_is_refused(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(UsageError, match="NO_SUCH_KEY is not set"):
        prepare_export(ExportConfig(model=model, out=tmp_path / "out", key_env="NO_SUCH_KEY"))


def test_two_runs_at_once_and_work_of_another_run_are_refused(model: Path, tmp_path: Path) -> None:
    config = ExportConfig(model=model, out=tmp_path / "out", notes=20)
    plan, other = prepare_export(config), prepare_export(config.model_copy(update={"notes": 21}))
    with open_workplace(plan) as place:
        (place.folder / "trace").write_text("kept")
        with pytest.raises(FolderError, match="another process"), open_workplace(plan):
            pass
    with pytest.raises(FolderError, match="another run"), open_workplace(other):
        pass
    with open_workplace(plan) as place:
        assert (place.folder / "trace").exists(), "a refusal touches nothing"
    with open_workplace(other, overwrite=True) as place:
        assert not (place.folder / "trace").exists()


def test_what_may_change_between_a_run_and_its_continuation(
    export_config: Callable[..., ExportConfig], tmp_path: Path
) -> None:
    base = prepare_export(export_config(tmp_path / "a")).fingerprint
    same = [{"max_attempts": 99}, {"on_short": "finish"}, {"gate_workers": 3}]
    other = [{"seed": 4}, {"notes": 45}, {"mode": "tags"}, {"sampling": {"temperature": 0.5}}]
    for changes in same:
        assert prepare_export(export_config(tmp_path / "b", **changes)).fingerprint == base
    for changes in other:
        assert prepare_export(export_config(tmp_path / "a", **changes)).fingerprint != base


def test_dry_run_prints_the_plan_and_writes_nothing(model: Path, tmp_path: Path) -> None:
    arguments = ["--model", str(model), "--out", str(tmp_path / "out"), "--notes", "2500", "--dry-run"]
    asked = "conditions={source: list, cells: [{sex: male, share: 3}, {note_type: clinic letter}]}"
    result = CliRunner().invoke(export, [asked, *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    assert "2,500 notes in 3 shards of 1,000" in result.output
    assert "1,875  male" in result.output
    assert "625  clinic letter" in result.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model"]


@pytest.mark.parametrize("arguments", [[], ["--model", "m"], ["seed=1"]])
def test_the_command_says_what_is_missing(arguments: list[str]) -> None:
    with pytest.raises(UsageError, match=r"--(model|out) is missing"):
        CliRunner().invoke(export, arguments, catch_exceptions=False)


def test_a_damaged_shard_in_the_workplace_is_drawn_again(model: Path, tmp_path: Path) -> None:
    from clinsynth.corpus import Note

    plan = prepare_export(ExportConfig(model=model, out=tmp_path / "out", notes=2, shard_notes=1))
    with open_workplace(plan) as place:
        for shard in (0, 1):
            place.write_shard(shard, [Note(plan.note_id(shard), "Well.")], [], {}, 1.0)
        (place.content / "data" / plan.shard_name(1)).write_bytes(b"half")
    with open_workplace(plan) as place:
        assert sorted(place.entries) == [0]
    journal = (unfinished_folder(tmp_path / "out") / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["shard"] for line in journal] == [0]
