"""The hostfile, and the call of DeepSpeed's launcher. A run through it is in test_stopping."""

from __future__ import annotations

import socket

import pytest
from click.testing import CliRunner

from clinsynth.errors import UsageError
from clinsynth.train.command import train
from clinsynth.train.hostfile import command_line, is_here, read_hostfile

LLAMA = {"architecture": "llama", "hidden_size": 32, "layers": 2, "heads": 4}


@pytest.fixture(autouse=True)
def not_a_rank(monkeypatch):
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def hostfile(tmp_path):
    def write(text):
        path = tmp_path / "hosts"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("dgx-01 slots=8\ndgx-02 slots=8\n", {"dgx-01": 8, "dgx-02": 8}),
        ("# rack 3\n\n  dgx-01\tslots=4  # half of it\n", {"dgx-01": 4}),
        ("10.0.0.1 slots=1\r\n", {"10.0.0.1": 1}),
    ],
)
def test_hosts_are_read(hostfile, text, hosts):
    assert read_hostfile(hostfile(text)) == hosts


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("dgx-01\n", "hosts, line 1: write a host and its processes"),
        ("dgx-01 slots=8\ndgx-02 slots=eight\n", "hosts, line 2: write"),
        ("dgx-01 slots=0\n", "hosts, line 1: write"),
        ("dgx-01 slots=8\n# twice\ndgx-01 slots=8\n", "hosts, line 3: host dgx-01 is there twice"),
        ("", "layout has 1 processes (tp x pp x dp), {} has 0 slots on 0 hosts"),
        ("a slots=2\nb slots=2\n", "layout has 1 processes (tp x pp x dp), {} has 4 slots on 2 hosts"),
    ],
)
def test_a_wrong_hostfile_is_named(hostfile, write_run, tmp_path, text, problem):
    path = hostfile(text)
    run = write_run(tmp_path, steps=2, model=LLAMA)
    result = CliRunner().invoke(train, [str(run), "--hostfile", str(path)])
    assert isinstance(result.exception, UsageError)
    assert problem.format(path) in str(result.exception)
    assert not (tmp_path / "train").exists()


def test_a_missing_hostfile_is_named(write_run, tmp_path):
    run = write_run(tmp_path, steps=2, model=LLAMA)
    result = CliRunner().invoke(train, [str(run), "--hostfile", "nowhere"])
    assert str(result.exception) == "--hostfile nowhere: No such file or directory"


@pytest.mark.parametrize(
    ("hosts", "has", "lacks"),
    [
        (["localhost"], ["--no_ssh_check", "127.0.0.1"], ["--force_multi"]),
        ([socket.gethostname()], ["--no_ssh_check", "127.0.0.1"], ["--force_multi"]),
        (["elsewhere"], ["--force_multi"], ["--no_ssh_check", "127.0.0.1"]),
        (["localhost", "elsewhere"], [], ["--no_ssh_check", "--force_multi", "127.0.0.1"]),
    ],
)
def test_ssh_is_asked_where_another_machine_takes_part(hostfile, hosts, has, lacks):
    slots = dict.fromkeys(hosts, 2)
    call = command_line(hostfile(""), slots, ["my.yaml", "steps=3"], ["--master_port", "29601"])
    options, arguments = call[: call.index("clinsynth.cli")], call[call.index("clinsynth.cli") :]
    assert arguments == ["clinsynth.cli", "train", "my.yaml", "steps=3"]
    assert {*has, "--no_local_rank", "--module", "29601"} <= set(options)
    assert not set(lacks) & set(options)
    assert is_here(slots) == ("--no_ssh_check" in options)


def test_deepspeed_understands_the_call(hostfile):
    from deepspeed.launcher.runner import parse_args

    call = command_line(hostfile(""), {"elsewhere": 2}, ["my.yaml", "--overwrite"], ["--ssh_port", "2222"])
    parsed = parse_args(call[call.index("deepspeed.launcher.runner") + 1 :])
    assert (parsed.user_script, parsed.user_args) == ("clinsynth.cli", ["train", "my.yaml", "--overwrite"])
    assert (parsed.module, parsed.no_local_rank, parsed.force_multi, parsed.ssh_port) == (
        True,
        True,
        True,
        2222,
    )


def test_deepspeed_options_go_with_a_hostfile(write_run, tmp_path):
    run = write_run(tmp_path, steps=2, model=LLAMA)
    result = CliRunner().invoke(train, [str(run), "--deepspeed-args", "--ssh_port 22"])
    assert str(result.exception) == "--deepspeed-args goes with --hostfile"
