"""Asked to stop: by SIGTERM, SIGUSR1 or SIGINT to any process of the run, or by a file ``stop`` in its
folder.

While steps run, a signal only raises a flag; at the end of the step all processes agree, save together and
leave with ``StoppedError.exit_code``. Before the first step and after the last a signal ends its process at
once, with the same
code: what there is to save is saved. Asking twice changes nothing here; who started the processes may kill
them.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Final, Self

from clinsynth.errors import StoppedError

SIGNALS: Final = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
"""What asks a run to stop: a launcher or SLURM at the end of its time, SLURM's ``--signal``, Ctrl-C."""
FILE: Final = "stop"


def leave_on_signals(*, speaks: bool) -> None:
    """From here on a signal ends this process at once, but while a ``StopFlag`` is up.

    Args:
        speaks: whether this process says so in a line.
    """

    def leave(number: int, _frame: FrameType | None) -> None:
        _install(signal.SIG_IGN)  # asked again, nothing shall cut off the way out
        if speaks:
            name = signal.Signals(number).name
            sys.stderr.write(
                f"{StoppedError.label}: {name} came while no steps ran; the same command goes on\n"
            )
        sys.exit(StoppedError.exit_code)

    _install(leave)


class StopFlag:
    """Up once a signal came or the file is there. For use in a ``with`` block.

    Args:
        folder: the run folder; None when this process does not watch for the file.
    """

    def __init__(self, folder: Path | None) -> None:
        self._file = None if folder is None else folder / FILE
        self._signal: int | None = None
        self._agreed = False
        self._previous: dict[int, Any] = {}

    @property
    def reason(self) -> str | None:
        """What asked this process to stop; None when nothing did."""
        if self._signal is not None:
            return signal.Signals(self._signal).name
        if self._file is not None and self._file.exists():
            return f"the file {self._file}"
        return None

    def agree(self) -> None:
        """All processes have agreed to stop: from here on signals are ignored, and nothing is cut off."""
        self._agreed = True
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self._previous = _install(self._raise)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, signal.SIG_IGN if self._agreed else handler)

    def _raise(self, number: int, _frame: FrameType | None) -> None:
        self._signal = self._signal or number


def _install(handler: Any) -> dict[int, Any]:
    return {number: signal.signal(number, handler) for number in SIGNALS}
