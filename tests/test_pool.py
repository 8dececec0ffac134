"""Work in other processes comes back in order, and what goes wrong there comes back too."""

import multiprocessing
import os
from collections.abc import Iterator

import pytest

from clinsynth.errors import ClinsynthError, DataError
from clinsynth.pool import map_ordered

_offset = 0


def start(offset: int) -> None:
    global _offset
    _offset = offset


def work(item: int) -> int:
    if item == 13:
        raise DataError.at("notes.jsonl", item, "wrong")
    if item == 99:
        os._exit(1)
    return item + _offset


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers: int) -> None:
    pulled = []

    def items() -> Iterator[int]:
        for i in range(8):
            pulled.append(i)
            yield i

    results = map_ordered(work, items(), workers=workers, start=start, arguments=(100,))
    assert next(results) == 100
    assert len(pulled) <= 2 * workers + 1  # not the whole stream at once
    assert list(results) == [*range(101, 108)]
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_come_through(workers: int) -> None:
    with pytest.raises(DataError, match=r"notes\.jsonl, line 13: wrong"):
        list(map_ordered(work, range(10, 30), workers=workers, start=start, arguments=(0,)))
    assert not multiprocessing.active_children()


def test_a_worker_that_dies_is_told() -> None:
    with pytest.raises(ClinsynthError, match="a worker process died"):
        list(map_ordered(work, [99], workers=2, start=start, arguments=(0,)))
