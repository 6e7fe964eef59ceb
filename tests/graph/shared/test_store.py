"""The breaker, by a clock of its own, and the time limit."""

import asyncio
import time

import pytest

from graph.shared.store import Breaker, Within


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock, draw=lambda: 1.0)
    for _ in range(5):
        assert breaker.allows()
        breaker.failed()
    return breaker


def test_five_failures_in_a_row_open_the_breaker_and_fewer_do_not() -> None:
    breaker = Breaker(Clock())
    for _ in range(3):
        for _ in range(4):
            breaker.failed()
        breaker.succeeded()

    assert not breaker.open
    assert opened(Clock()).open


def test_the_wait_doubles_to_half_a_minute_and_one_try_at_a_time_decides() -> None:
    clock = Clock()
    breaker = opened(clock)
    waited = []
    for _ in range(8):
        began = clock.now
        while not breaker.allows():
            clock.now += 0.25
        waited.append(clock.now - began)
        assert not breaker.allows()
        breaker.failed()

    assert waited == [0.5, 1, 2, 4, 8, 16, 30, 30]
    clock.now += 30
    assert breaker.allows()
    breaker.succeeded()
    assert breaker.allows()
    assert not breaker.open


def test_half_of_the_wait_is_drawn() -> None:
    clock = Clock()
    breaker = Breaker(clock, draw=lambda: 0.0)
    for _ in range(5):
        breaker.failed()

    assert not breaker.allows()
    clock.now += 0.25
    assert breaker.allows()


def test_failures_of_tries_that_began_before_do_not_prolong_the_wait() -> None:
    clock = Clock()
    breaker = opened(clock)
    for _ in range(20):
        breaker.failed()
    clock.now += 0.5

    assert breaker.allows()


def test_a_try_that_nobody_waited_for_leaves_room_for_another() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 0.5
    assert breaker.allows()
    breaker.given_up()

    assert breaker.allows()


async def test_a_limit_strikes_what_never_comes() -> None:
    began = time.perf_counter()
    with pytest.raises(TimeoutError):
        async with Within(0.01):
            await asyncio.Event().wait()
    assert time.perf_counter() - began >= 0.01


async def test_a_limit_that_is_kept_strikes_nothing_later() -> None:
    async with Within(0.0):
        pass
    for _ in range(20):
        await asyncio.sleep(0)
    async with Within(0.0):
        await asyncio.sleep(0)
