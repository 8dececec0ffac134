"""A function over a stream in several processes; results in order, memory flat."""

from __future__ import annotations

import itertools
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver
from typing import Final, TypeVar

from clinsynth.errors import ClinsynthError

Item = TypeVar("Item")
Result = TypeVar("Result")

# Not forked from this process, whose libraries may have started threads that hold locks, nor started anew,
# since imports can take longer than the work: forked from a server that has imported them once.
_CONTEXT: Final = multiprocessing.get_context("forkserver")
_AHEAD: Final = 2  # items handed out for each process


def warm_up(modules: Sequence[str]) -> None:
    """Begins to import ``modules`` for processes to come, beside the work of this one."""
    _CONTEXT.set_forkserver_preload(list(modules))
    forkserver.ensure_running()


def map_ordered(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    start: Callable[..., None],
    arguments: tuple[object, ...] = (),
) -> Iterator[Result]:
    """``function(item)`` for each item, in order.

    Args:
        workers: processes; with 1 the work is done in this one.
        start: called with ``arguments`` once in each process before its first item.

    Raises:
        ClinsynthError: a process died (the system's memory may have run out).
        Exception: what ``function`` raises, when its item's turn comes.
    """
    if workers == 1:
        start(*arguments)
        yield from map(function, items)
        return
    pool = ProcessPoolExecutor(workers, _CONTEXT, initializer=start, initargs=arguments)
    waiting: deque[Future[Result]] = deque()
    try:
        stream = iter(items)
        for item in itertools.islice(stream, workers * _AHEAD):
            waiting.append(pool.submit(function, item))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(function, item) for item in itertools.islice(stream, 1))
            yield result
    except BrokenProcessPool:
        raise ClinsynthError("a worker process died: was memory short? Try fewer workers") from None
    finally:
        pool.shutdown(cancel_futures=True)
