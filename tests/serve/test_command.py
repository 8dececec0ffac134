"""``clinsynth serve`` refuses early and in one line."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from clinsynth.errors import ClinsynthError, FolderError, UsageError
from clinsynth.serve.command import serve


def _refusal(*arguments: str) -> ClinsynthError:
    result = CliRunner().invoke(serve, arguments)
    assert isinstance(result.exception, ClinsynthError), result.output
    assert "\n" not in str(result.exception)
    return result.exception


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CLINSYNTH_API_KEY", raising=False)
    monkeypatch.setenv("CLINSYNTH_DATABASE_URL", f"sqlite:///{tmp_path}/state/serve.sqlite")


def test_a_model_folder_that_is_not_there(tmp_path: Path) -> None:
    error = _refusal("--model", str(tmp_path / "nothing"), "--port", "0")
    assert isinstance(error, FolderError)
    assert "no such folder" in str(error)


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("card.json", "card.json"),
        ("overlap/ngrams.npy", "ngrams.npy"),
        ("overlap/neighbours.npy", "neighbours.npy"),
        ("clinsynth_tokens.json", "clinsynth_tokens.json"),
    ],
)
def test_a_model_that_cannot_answer_for_itself(
    tiny_model_dir: Path, tmp_path: Path, missing: str, says: str
) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_model_dir, model)
    (model / missing).unlink()
    error = _refusal("--model", str(model), "--port", "0")
    assert isinstance(error, FolderError)
    assert says in str(error)


def test_an_adapter_of_another_model(tiny_gpt2_dir: Path, tiny_adapter_dir: Path) -> None:
    error = _refusal("--model", str(tiny_gpt2_dir), "--adapter", str(tiny_adapter_dir), "--port", "0")
    assert isinstance(error, FolderError)
    assert "fits no other model" in str(error)


@pytest.mark.parametrize("names", [("", ""), ("a=", "a="), ("=",)])
def test_adapters_need_different_names(
    tiny_model_dir: Path, tiny_adapter_dir: Path, names: tuple[str, ...]
) -> None:
    adapters = [part for name in names for part in ("--adapter", f"{name}{tiny_adapter_dir}")]
    error = _refusal("--model", str(tiny_model_dir), *adapters)
    assert isinstance(error, UsageError)
    assert "use NAME=DIR" in str(error)


def test_an_open_address_needs_a_key(tiny_model_dir: Path) -> None:
    error = _refusal("--model", str(tiny_model_dir), "--host", "0.0.0.0", "--port", "0")
    assert isinstance(error, UsageError)
    assert "CLINSYNTH_API_KEY" in str(error)
    assert "clinsynth keys create" in str(error)


def test_a_port_in_use_is_found_before_the_engine_starts(tiny_model_dir: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        error = _refusal("--model", str(tiny_model_dir), "--port", port)
    assert isinstance(error, UsageError)
    assert f"--port {port}" in str(error)


def test_a_host_that_does_not_exist(tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLINSYNTH_API_KEY", "0123456789abcdef")
    error = _refusal("--model", str(tiny_model_dir), "--host", "no-such-host.invalid", "--port", "0")
    assert "no-such-host.invalid" in str(error)


def test_a_config_that_is_wrong(tiny_model_dir: Path, tmp_path: Path) -> None:
    config = tmp_path / "serve.yaml"
    config.write_text("max_attempt: 2\n")
    error = _refusal("--model", str(tiny_model_dir), "--config", str(config))
    assert "did you mean max_attempts" in str(error)
    config.write_text("max_attempts: 2\n")
    error = _refusal("--model", str(tiny_model_dir), "--config", str(config), "max_n=0")
    assert "max_n" in str(error)


def test_overrides_without_a_config(tiny_model_dir: Path) -> None:
    assert "--config" in str(_refusal("--model", str(tiny_model_dir), "max_n=3"))


def test_help_teaches() -> None:
    shown = CliRunner().invoke(serve, ["--help"]).output
    for word in ("POST /v1/notes", "curl", "CLINSYNTH_API_KEY", "/readyz", "keys create"):
        assert word in shown
    assert "\\b" not in shown
