"""A function over a stream in several processes; results in order, memory flat."""

from __future__ import annotations

import itertools
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Final, TypeVar

from clinsynth.errors import ClinsynthError

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD: Final = 2  # items handed out for each process


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
    # A fresh interpreter: forking this one would copy the locks of threads that its libraries started.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=start, initargs=arguments)
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
        raise ClinsynthError("a worker process died: was memory short? Try deid.workers=1") from None
    finally:
        pool.shutdown(cancel_futures=True)
