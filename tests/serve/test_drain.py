"""The end of a server: what is under way may end, and what is left is told so."""

from __future__ import annotations

import asyncio

import pytest

from clinsynth.serve.drain import LAST_WORDS, Drain


def test_what_ends_in_time_is_left_alone() -> None:
    async def walk() -> str:
        drain = Drain()
        drain.enter()
        drain.begin(LAST_WORDS + 0.2)
        assert drain.has_begun
        await asyncio.sleep(0.05)
        drain.leave()
        await asyncio.sleep(0.3)
        assert drain.is_over
        return "ended"

    assert asyncio.run(walk()) == "ended"


def test_what_is_left_is_cut_off_and_may_say_so() -> None:
    async def request(drain: Drain) -> str:
        drain.enter()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            assert drain.cut_off_me()
            await asyncio.sleep(0.01)  # the last words can be sent: the cancelling was taken back
            return "told"
        finally:
            drain.leave()
        return "slept"

    async def walk() -> list[str]:
        drain = Drain()
        tasks = [asyncio.ensure_future(request(drain)) for _ in range(3)]
        await asyncio.sleep(0.01)
        drain.begin(0)
        drain.begin(100)
        return await asyncio.gather(*tasks)

    assert asyncio.run(walk()) == ["told"] * 3


def test_another_s_cancelling_is_not_ours() -> None:
    async def request(drain: Drain) -> None:
        drain.enter()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            assert not drain.cut_off_me()
            raise

    async def walk() -> None:
        drain = Drain()
        task = asyncio.ensure_future(request(drain))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(walk())
