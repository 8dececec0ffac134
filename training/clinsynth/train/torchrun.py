"""torchrun that tells its caller how the processes ended, and lets them save: ``python -m
clinsynth.train.torchrun``.

Takes torchrun's options. torchrun itself leaves with 1 whatever its processes left with, and kills them
half a minute after a signal. Here the exit code is that of the process that failed by itself, and SIGTERM,
SIGUSR1 and SIGINT are
only passed on: the processes save in their own time and leave with ``StoppedError.exit_code``.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Sequence
from types import FrameType

from clinsynth.errors import StoppedError
from clinsynth.train.stopping import SIGNALS
from clinsynth.train.worker import PEER_LOST


def main(arguments: Sequence[str]) -> None:
    """Runs torchrun with ``arguments``.

    Raises:
        SystemExit: a process failed or was asked to stop.
    """
    for number in SIGNALS:
        signal.signal(number, _pass_on)
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous import RendezvousConnectionError

    try:
        run.main(["--signals-to-handle", "SIGHUP,SIGQUIT", *arguments])
    except ChildFailedError as error:
        sys.exit(exit_code(failure.exitcode for failure in error.failures.values()))
    except RendezvousConnectionError:  # on its way out, or because it crashed
        sys.stderr.write("torchrun: the first node has left\n")
        sys.exit(PEER_LOST)


def exit_code(codes: Iterable[int]) -> int:
    """One for those of several processes: stopped comes before failed, failed before left alone."""
    there = sorted(codes)
    if StoppedError.exit_code in there:
        return StoppedError.exit_code
    own = [code for code in there if code > 0 and code != PEER_LOST]
    return own[0] if own else 1


def _pass_on(number: int, _frame: FrameType | None) -> None:
    import psutil

    processes = psutil.Process().children()
    if not processes:
        sys.exit(StoppedError.exit_code)
    for process in processes:
        process.send_signal(number)


if __name__ == "__main__":
    main(sys.argv[1:])
