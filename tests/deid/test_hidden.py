"""A module is hidden from one thread, for a while, when it is not loaded."""

from __future__ import annotations

import importlib
import sys
import threading
from pathlib import Path

import pytest

from clinsynth.deid.hidden import hidden


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = "invented_for_hiding"
    (tmp_path / f"{name}.py").write_text("here = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


def test_hidden_and_there_again(module: str) -> None:
    finders = list(sys.meta_path)
    with hidden(module), pytest.raises(ModuleNotFoundError) as error:
        importlib.import_module(module)
    assert error.value.name == module
    assert sys.meta_path == finders
    assert importlib.import_module(module).here


def test_another_thread_finds_it_meanwhile(module: str) -> None:
    found = []
    with hidden(module):
        thread = threading.Thread(target=lambda: found.append(importlib.import_module(module).here))
        thread.start()
        thread.join()
    assert found == [True]


def test_what_is_loaded_is_not_hidden(module: str) -> None:
    importlib.import_module(module)
    with hidden(module):
        assert importlib.import_module(module).here
