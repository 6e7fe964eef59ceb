"""Virtual time: it jumps from one timer to the next, also where some were cancelled."""

import asyncio
import time

from tests import virtual


def test_time_passes_at_once_although_earlier_timers_were_cancelled() -> None:
    async def story() -> float:
        loop = asyncio.get_running_loop()
        for number in range(3):
            loop.call_later(1 + number, loop.stop).cancel()
        await asyncio.sleep(5)
        return loop.time()

    began = time.monotonic()

    assert virtual.run(story()) == 5.0
    assert time.monotonic() - began < 1.0


def test_a_timer_that_was_cancelled_is_counted_out_once() -> None:
    async def story() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        first, second, third = (loop.call_later(seconds, loop.stop) for seconds in (1, 7, 9))
        first.cancel()
        third.cancel()
        await asyncio.sleep(5)
        counted: tuple[int, int] = vars(loop)["_timer_cancelled_count"], len(vars(loop)["_scheduled"])
        second.cancel()
        return counted

    assert virtual.run(story()) == (1, 2)
