"""Every wrong run: one clear line, the right exit code, nothing written. None of these starts a process."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml

from clinsynth.train import checkpoints

LLAMA = {"architecture": "llama", "hidden_size": 32, "layers": 2, "heads": 4, "kv_heads": 2}
GOOD = {"steps": 2, "model": LLAMA}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stepz": 3}, "unknown key stepz: did you mean steps?"),
        ({"optimizer.lrr": 3}, "unknown key optimizer.lrr: did you mean lr?"),
        ({"model.hidden": 3}, "unknown key model.hidden: did you mean hidden_size?"),
        ({"steps": 0}, "key steps: input should be greater than or equal to 1"),
        ({"steps": "many"}, "key steps: input should be a valid integer"),
        ({"model": "demoo"}, "presets are demo, small-12m"),
        ({"model": None}, "give model (from scratch) or init_from"),
        ({"init_from": "somewhere"}, "give model (from scratch) or init_from"),
        ({"model.architecture": "rwkv"}, "known are llama, mistral, qwen2, qwen3, gpt_neox, gpt2"),
        ({"model.heads": 5}, "hidden_size 32 is not a multiple of heads 5"),
        ({"model.kv_heads": 3}, "heads 4 is not a multiple of kv_heads 3"),
        ({"model.architecture": "gpt2"}, "GPT-2 has as many key and value heads as heads"),
        ({"layout.tp": 3, "layout.oversubscribe": True}, "layout.tp 3 does not divide heads 4"),
        ({"layout.tp": 4, "layout.oversubscribe": True}, "layout.tp 4 does not divide kv_heads 2"),
        (
            {"layout.tp": 2, "layout.oversubscribe": True, "model.intermediate_size": 33},
            "layout.tp 2 does not divide intermediate_size 33",
        ),
        ({"layout.pp": 3, "layout.oversubscribe": True}, "layout.pp 3 is more than the 2 layers"),
        ({"layout.dp": 4096, "batch.rows": 8192}, "layout has 4096 processes (tp x pp x dp), this machine"),
        ({"batch.rows": 9}, "batch.rows 9 is not a multiple of batch.micro_rows x layout.dp (2 x 1)"),
        ({"batch.rows": 8, "layout.dp": 8}, "batch.rows 8 is not a multiple of"),
        ({"mixture": {"nots": 1}}, "mixture: the corpus has no tokens of a source nots; it has notes"),
        ({"mixture": {}}, "mixture: source notes has no weight; 0 leaves it out"),
        ({"mixture": {"notes": 0}}, "mixture: every weight is 0"),
        ({"mixture.notes": -1}, "key mixture.notes: input should be greater than or equal to 0"),
        ({"precision": "fp8"}, "key precision: input should be 'bf16' or 'fp32'"),
        ({"resume": "step-00000007"}, "has no whole checkpoint step-00000007; there are: none"),
    ],
)
def test_a_wrong_key_is_named(refused, tmp_path, write_run, change, message):
    path = write_run(tmp_path, **GOOD)
    run = yaml.safe_load(path.read_text())
    for key, value in change.items():
        *parents, last = key.split(".")
        node = run
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    path.write_text(yaml.safe_dump(run))
    error = refused(path)
    assert message in str(error)
    assert "\n" not in str(error)
    assert error.exit_code == 2
    assert [p.name for p in tmp_path.iterdir()] == ["run.yaml"], "nothing may be written"


def change_manifest(corpus, **values):
    path = corpus / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_missing_config_is_named(refused, tmp_path):
    assert "nowhere.yaml" in str(refused(tmp_path / "nowhere.yaml"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda corpus: shutil.rmtree(corpus), "corpus: no such folder"),
        (lambda corpus: (corpus / "manifest.json").unlink(), "has no manifest.json"),
        (lambda corpus: shutil.rmtree(corpus / "tokens" / "valid"), "is missing"),
        (lambda corpus: change_manifest(corpus, format_version=1), "run clinsynth prepare again"),
        (lambda corpus: (corpus / "tokenizer" / "tokenizer.json").unlink(), "tokenizer.json"),
    ],
)
def test_a_damaged_corpus_is_named(refused, tmp_path, corpus, write_run, damage, message):
    copy = tmp_path / "corpus"
    shutil.copytree(corpus, copy)
    damage(copy)
    error = refused(write_run(tmp_path, corpus=str(copy), **GOOD))
    assert message in str(error)
    assert error.exit_code == 4
    assert not (tmp_path / "model").exists()


def test_an_existing_model_is_not_overwritten(refused, tmp_path, write_run):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "precious").touch()
    assert "model exists" in str(refused(write_run(tmp_path, **GOOD)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (None, "has no config.json"),
        ("{", "is not JSON"),
        (
            {"model_type": "llama", "vocab_size": 7},
            "the model has 7 tokens, the corpus 353: prepare the corpus with tokenizer.from: ",
        ),
        (
            {"model_type": "mamba", "vocab_size": 353},
            "models of type 'mamba' cannot be trained: Hugging Face has no",
        ),
        ({"model_type": "mixtral", "vocab_size": 353}, "by 'packed_colwise', which is not known"),
        ({"model_type": "nothing", "vocab_size": 353}, "models of type 'nothing' are not known to this"),
    ],
)
def test_a_model_that_cannot_be_continued_is_named(refused, tmp_path, write_run, settings, message):
    base = tmp_path / "base"
    base.mkdir()
    if settings is not None:
        text = settings if isinstance(settings, str) else json.dumps(settings)
        (base / "config.json").write_text(text)
    error = refused(write_run(tmp_path, steps=2, init_from=str(base)))
    assert message in str(error)


@pytest.fixture
def cut_off(tmp_path, write_run):
    """A run with two checkpoints of the right kind, steps 10 and 20."""
    from clinsynth.config import load_config
    from clinsynth.folders import file_sha256, write_json
    from clinsynth.train.checks import identity
    from clinsynth.train.config import TrainConfig

    path = write_run(tmp_path, **GOOD)
    run = identity(load_config(path, TrainConfig))
    for step in (10, 20):
        folder = tmp_path / "train" / checkpoints.FOLDER / checkpoints.name_of(step)
        folder.mkdir(parents=True)
        file = folder / "layer_00-model_states.pt"
        file.write_bytes(b"weights" * step)
        files = {file.name: (file.stat().st_size, file_sha256(file))}
        layout = {"tp": 1, "pp": 1, "dp": 1, "zero": 1}
        record = {"step": step, "tokens": 5, "run": run, "layout": layout, "files": files}
        write_json(folder / checkpoints.RECORD, record)
    return path


def newest(path):
    return path.parent / "train" / checkpoints.FOLDER / checkpoints.name_of(20)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda folder: (folder / "layer_00-model_states.pt").unlink(),
            "layer_00-model_states.pt is missing",
        ),
        (lambda folder: (folder / "layer_00-model_states.pt").write_bytes(b"w"), "has 1 bytes, not 140"),
        (lambda folder: (folder / checkpoints.RECORD).write_text("{"), "record.json is damaged"),
    ],
)
def test_a_damaged_checkpoint_is_named_and_the_one_before_offered(refused, cut_off, damage, message):
    damage(newest(cut_off))
    error = refused(cut_off)
    assert message in str(error)
    assert "resume=step-00000010" in str(error)


def test_changed_bytes_are_found_before_loading(cut_off):
    file = newest(cut_off) / "layer_00-model_states.pt"
    record = checkpoints.read_record(newest(cut_off))
    assert checkpoints.check_contents(newest(cut_off), record, slice(0, None, 1)) is None
    file.write_bytes(b"W" + file.read_bytes()[1:])
    problem = checkpoints.check_contents(newest(cut_off), record, slice(0, None, 1))
    assert problem is not None
    assert "does not match its checksum" in problem
    assert "resume=step-00000010" in problem


def test_a_checkpoint_that_was_never_finished_is_passed_over(cut_off):
    (newest(cut_off) / checkpoints.RECORD).unlink()
    found = checkpoints.find(cut_off.parent / "train", "auto")
    assert found is not None
    assert found.name == checkpoints.name_of(10)


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("seed=2", "seed is 2, but step-00000020 was written with 1"),
        ("context=32", "context is 32"),
        ("mixture.notes=2", 'mixture is {"notes": 2.0}, but step-00000020 was written with null'),
        ("model.layers=1", "model is"),
        ("batch.rows=4", "batch.rows is 4"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(refused, cut_off, override, key):
    error = refused(cut_off, override)
    assert key in str(error)
    assert "--overwrite" in str(error)
    assert error.exit_code == 2


def test_a_checkpoint_of_another_stage_is_refused(refused, cut_off):
    error = refused(cut_off, "layout.zero=3")
    assert "layout is tp 1, pp 1, dp 1, zero 3, but step-00000020 was written with tp 1" in str(error)


def test_a_checkpoint_of_another_corpus_is_refused(refused, cut_off, corpus, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(corpus, other)
    manifest = json.loads((other / "manifest.json").read_text())
    (other / "manifest.json").write_text(json.dumps(manifest | {"created": "2001-01-01T00:00:00Z"}))
    assert "corpus is" in str(refused(cut_off, f"corpus={other}"))


def test_a_layout_that_was_not_started_is_refused(refused, tmp_path, write_run, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert "layout has 1 processes (tp x pp x dp), 3 started" in str(refused(write_run(tmp_path, **GOOD)))
