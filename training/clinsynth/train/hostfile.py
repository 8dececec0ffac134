"""Starts a run on the machines of a hostfile, through DeepSpeed's own launcher.

It starts the processes through pdsh and ssh, or directly where the only machine is this one, and hands back
their exit code. It passes on no signal, though: it kills. So what asks this process to stop becomes the
file ``stop`` in the run folder, which the run's first process watches; all machines share that folder.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

from clinsynth.errors import ClinsynthError, UsageError
from clinsynth.train.launch import environment
from clinsynth.train.stopping import FILE, SIGNALS

if TYPE_CHECKING:
    from clinsynth.train.config import TrainConfig

_LINE: Final = re.compile(r"(\S+)\s+slots=(\d+)\s*(#.*)?")
_POLL_SECONDS: Final = 0.05
_GRACE_SECONDS: Final = 40.0  # DeepSpeed gives its processes 30


def read_hostfile(path: Path) -> dict[str, int]:
    """Processes by host, from lines such as ``dgx-01 slots=8``.

    Raises:
        UsageError: names the line.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"--hostfile {path}: {error.strerror or error}") from None
    hosts: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None or not int(match[2]):
            raise UsageError(
                f"{path}, line {number}: write a host and its processes as in `dgx-01 slots=8`"
            )
        if match[1] in hosts:
            raise UsageError(f"{path}, line {number}: host {match[1]} is there twice")
        hosts[match[1]] = int(match[2])
    return hosts


def check_hosts(path: Path, hosts: Mapping[str, int], config: TrainConfig) -> None:
    """The hosts have as many slots as the layout has processes.

    Raises:
        UsageError: they have not.
    """
    slots = sum(hosts.values())
    if slots != config.layout.processes:
        raise UsageError(
            f"layout has {config.layout.processes} processes (tp x pp x dp), {path} has {slots} slots "
            f"on {len(hosts)} hosts: change one of the two"
        )


def command_line(
    path: Path, hosts: Mapping[str, int], train: Sequence[str], more: Sequence[str]
) -> list[str]:
    """The call of DeepSpeed's launcher that runs ``clinsynth train`` in every process.

    Args:
        train: arguments of ``clinsynth train``.
        more: further options of DeepSpeed's launcher.
    """
    where: list[str] = []
    if is_here(hosts):  # DeepSpeed would ask over ssh for this machine's address
        where = ["--no_ssh_check", "--master_addr", "127.0.0.1", "--master_port", str(_free_port())]
    elif len(hosts) == 1:  # else it runs on this machine instead, without a word
        where = ["--force_multi"]
    options = ["--quiet", "--hostfile", str(path), *where, *more]
    launcher = [sys.executable, "-m", "deepspeed.launcher.runner", *options, "--no_local_rank", "--module"]
    return [*launcher, "clinsynth.cli", "train", *train]


def launch_on_hosts(config: TrainConfig, hosts: Mapping[str, int], command: Sequence[str]) -> None:
    """Runs the call of DeepSpeed's launcher and returns when the run is done.

    Raises:
        SystemExit: with the processes' exit code; the first one has said why.
        ClinsynthError: the launcher itself failed.
    """
    surroundings = environment(hosts[next(iter(hosts))])
    if not is_here(hosts):
        del surroundings["GLOO_SOCKET_IFNAME"]
    config.folder.mkdir(parents=True, exist_ok=True)
    stop = config.folder / FILE
    stop.unlink(missing_ok=True)
    code = _run(command, {**os.environ, **surroundings}, stop)
    if code == 1 or code < 0:
        raise ClinsynthError(
            f"DeepSpeed's launcher ended with code {code}; what the processes said is above"
        )
    if code:
        sys.exit(code)


def is_here(hosts: Mapping[str, int]) -> bool:
    """Whether this machine is the only one."""
    return len(hosts) == 1 and next(iter(hosts)) in ("localhost", "127.0.0.1", socket.gethostname())


def _run(command: Sequence[str], surroundings: Mapping[str, str], stop: Path) -> int:
    came: list[int] = []
    asked = False

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    previous = {number: signal.signal(number, note) for number in SIGNALS}
    # A session of its own: Ctrl-C reaches this process alone.
    process = subprocess.Popen(command, env=surroundings, start_new_session=True)
    try:
        while (code := process.poll()) is None:
            time.sleep(_POLL_SECONDS)
            if came and not asked:
                asked = True
                stop.touch()
            if len([number for number in came if number != signal.SIGUSR1]) > 1:
                return 128 + came[-1]
        return code
    finally:
        _end(process)
        stop.unlink(missing_ok=True)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends DeepSpeed's launcher and what it started, where they have not ended by themselves."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
