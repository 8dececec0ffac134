"""The Dockerfile does what ``make setup`` does, from files that exist, and not as root.

No daemon is needed: the file is parsed, and each stage is looked at with all it inherits.
"""

import fnmatch
import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@dataclass
class Stage:
    """A stage: its base, and its instructions after those of the stages it stands on."""

    name: str
    image: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def last(self, instruction: str) -> str:
        return [argument for name, argument in self.steps if name == instruction][-1]


def parse(text: str) -> dict[str, Stage]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    stages: dict[str, Stage] = {}
    current: Stage | None = None
    for line in joined.splitlines():
        name, argument = line.split(maxsplit=1)
        if name == "FROM":
            base, _, stage = argument.split()
            below = stages.get(base)
            current = Stage(stage, below.image if below else base, list(below.steps) if below else [])
            stages[stage] = current
        else:
            assert current is not None, "an instruction before the first FROM"
            current.steps.append((name, argument))
    return stages


STAGES = parse((REPOSITORY / "Dockerfile").read_text("utf-8"))
IGNORE = [
    line
    for line in (REPOSITORY / ".dockerignore").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
COPIES = sorted(
    {
        source
        for stage in STAGES.values()
        for name, argument in stage.steps
        if name == "COPY" and "--from" not in argument
        for source in argument.split()[:-1]
    }
)


def in_context(source: str) -> bool:
    """Whether .dockerignore lets a path at the top into the build; the last line that matches decides."""
    kept = True
    for pattern in IGNORE:
        if fnmatch.fnmatch(source, pattern.removeprefix("!")):
            kept = pattern.startswith("!")
    return kept


def test_the_parser_reads_what_stages_inherit() -> None:
    stages = parse("FROM x:1 AS a\nENV A=1 \\\n  B=2\n# no\nFROM a AS b\nUSER 5\n")
    assert stages["b"] == Stage("b", "x:1", [("ENV", "A=1 B=2"), ("USER", "5")])


def test_both_targets_stand_on_a_tagged_python() -> None:
    assert {"train", "serve"} <= set(STAGES)
    assert {stage.image for stage in STAGES.values()} == {"python:3.11-slim"}


@pytest.mark.parametrize("source", COPIES)
def test_what_is_copied_exists_and_is_not_ignored(source: str) -> None:
    assert (REPOSITORY / source).exists()
    assert in_context(source)


@pytest.mark.parametrize("path", [".git", ".venv", "runs", "tests", "docs", ".env"])
def test_nothing_else_gets_into_an_image(path: str) -> None:
    assert not in_context(path)


def test_sources_come_after_the_install_so_that_a_change_installs_nothing_anew() -> None:
    assert not {"training", "serving", "eval"} & set(
        " ".join(argument for name, argument in STAGES["environment"].steps if name == "COPY").split()
    )


def test_the_install_step_is_that_of_the_makefile() -> None:
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    python = re.search(r"^PYTHON \?= (\S+)$", makefile, re.MULTILINE)
    step = re.search(r"^\t(bash requirements/install\.sh .*)$", makefile, re.MULTILINE)
    assert python is not None
    assert step is not None
    wanted = shlex.split(step[1].replace("$(PYTHON)", python[1]))
    commands = [
        shlex.split(command)
        for name, argument in STAGES["environment"].steps
        if name == "RUN"
        for command in argument.split("&&")
    ]
    assert wanted in commands


def environment(stage: Stage) -> dict[str, str]:
    words = [word for name, argument in stage.steps if name == "ENV" for word in shlex.split(argument)]
    return dict(word.split("=", 1) for word in words)


@pytest.mark.parametrize("target", ["train", "serve"])
def test_a_target_is_offline_like_make(target: str) -> None:
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    exported = dict(re.findall(r"^export (\w+) \??:?= (\S+)$", makefile, re.MULTILINE))
    assert exported["HF_HUB_OFFLINE"] == "1"
    assert exported.items() <= environment(STAGES[target]).items()


@pytest.mark.parametrize("target", ["train", "serve"])
def test_a_target_runs_as_nobody_in_particular(target: str) -> None:
    user = STAGES[target].last("USER")
    assert user.isdigit(), "Kubernetes can check runAsNonRoot only for a number"
    assert int(user) > 0


def test_serve_is_asked_for_its_health_where_it_listens() -> None:
    stage = STAGES["serve"]
    command = json.loads(stage.last("CMD"))
    port = stage.last("EXPOSE")
    check = stage.last("HEALTHCHECK")
    assert command[command.index("--port") + 1] == port
    assert f"http://127.0.0.1:{port}/readyz" in check
    code = json.loads(check[check.index("CMD") + 3 :])
    compile(code[code.index("-c") + 1], "HEALTHCHECK", "exec")
    assert not [name for name, _ in STAGES["train"].steps if name == "HEALTHCHECK"]


@pytest.mark.parametrize("target", ["train", "serve"])
def test_a_target_starts_a_command_that_exists_with_options_it_has(target: str) -> None:
    entry, command = (json.loads(STAGES[target].last(name)) for name in ("ENTRYPOINT", "CMD"))
    assert entry == ["clinsynth"]
    run = subprocess.run(
        [sys.executable, "-m", "clinsynth.cli", command[0], "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    options = [word for word in command if word.startswith("--")]
    assert [option for option in options if option not in run.stdout] == []
