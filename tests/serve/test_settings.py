"""Who may reach the server, and with what."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from clinsynth.config import load_config
from clinsynth.errors import UsageError
from clinsynth.serve.settings import ServeConfig, Settings, check_key, is_exposed

KEY = "0123456789abcdef"
_CONFIGS = Path(__file__).parents[2] / "configs" / "serve"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_this_machine_is_not_exposed(host: str) -> None:
    assert not is_exposed(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "ward-7.example.org", "localhost.evil"])
def test_others_can_reach_it(host: str) -> None:
    assert is_exposed(host)


def test_a_short_key_is_no_key() -> None:
    check_key(None)
    check_key(KEY)
    with pytest.raises(UsageError, match="at least 16"):
        check_key(KEY[:-1])


def test_secrets_do_not_show() -> None:
    settings = Settings(Path("model"), api_key=KEY, database_url="postgresql://a:hidden@host/b")
    assert KEY not in repr(settings)
    assert "hidden" not in repr(settings)


def test_the_environment_goes_before_the_config() -> None:
    config = ServeConfig(database="sqlite:///config")
    assert Settings(Path("m"), config).database == "sqlite:///config"
    assert Settings(Path("m"), config, database_url="sqlite:///env").database == "sqlite:///env"


@pytest.mark.parametrize("path", sorted(_CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_config_of_the_repository_loads(path: Path) -> None:
    assert load_config(path, ServeConfig).max_attempts >= 1


def test_there_are_configs() -> None:
    assert {path.stem for path in _CONFIGS.glob("*.yaml")} >= {"default", "demo", "mtsamples"}


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "serve.yaml"
    path.write_text("gate:\n  max_copied_word: 3\n")
    with pytest.raises(UsageError, match=r"gate\.max_copied_word: did you mean max_copied_words"):
        load_config(path, ServeConfig)


def test_the_default_file_says_the_defaults() -> None:
    text = (_CONFIGS / "default.yaml").read_text("utf-8")
    written, defaults = yaml.safe_load(text), ServeConfig().model_dump(mode="json")
    shown = written["gate"]  # the keys that an operator may want to change; not the lists of gate.deid
    assert shown
    defaults["gate"] = {key: value for key, value in defaults["gate"].items() if key in shown}
    for key in [key for key, value in shown.items() if value is None]:  # the preset's, in a comment
        shown[key] = yaml.safe_load(re.search(rf"\b{key}: null +# (\w\S*?)[;\n]", text)[1])  # type: ignore[index]
    assert written == defaults, "a key or a default is out of date"
