"""The limit of calls at once against an agency that works on only so many: found, kept, and found again when it changes."""

import heapq
import random

import pytest

from graph.upstream.concurrency import Limit


class Agency:
    """Works on `slots` calls at once, each for about `seconds`; the others queue. Everything happens on its own clock."""

    def __init__(self, slots: int, seconds: float, *, most: int = 200, spread: float = 0.3, seed: int = 7) -> None:
        self.slots = slots
        self.seconds = seconds
        self.now = 0.0
        self.done = 0
        self.draws = random.Random(seed)  # noqa: S311 - load is drawn, nothing is guarded by it
        self.spread = spread
        self.limit = Limit(8, 2, most, lambda: self.now)
        self._free: list[float] = []
        self._under_way: list[tuple[float, float]] = []

    def work(self, seconds: float, *, demand: int = 1_000) -> int:
        """Send as many calls as the limit allows (or as are wanted) for a while; return how many were answered."""
        until, before = self.now + seconds, self.done
        while self.now < until:
            while len(self._under_way) < min(self.limit.now, demand):
                self._begin()
            ends, began = heapq.heappop(self._under_way)
            self.now = max(self.now, ends)
            self.done += 1
            self.limit.answered("row_by_code", 1, self.now - began, len(self._under_way) + 1)
        return self.done - before

    def _begin(self) -> None:
        takes = self.seconds * self.draws.lognormvariate(0.0, self.spread)
        while len(self._free) > self.slots:  # slots that were taken away: their work is done by the others
            heapq.heappop(self._free)
        starts = self.now if len(self._free) < self.slots else max(self.now, heapq.heappop(self._free))
        heapq.heappush(self._free, starts + takes)
        heapq.heappush(self._under_way, (starts + takes, self.now))


@pytest.mark.parametrize("slots", [4, 10, 30])
def test_it_finds_what_an_agency_takes(slots: int) -> None:
    agency = Agency(slots, 0.15)
    agency.work(10, demand=3)
    agency.work(60)
    answered = agency.work(60)
    assert slots <= agency.limit.now <= 2 * slots
    assert answered >= 0.9 * slots * 60 / (0.15 * 1.05)


def test_tr2_when_an_agency_loses_most_of_its_capacity_the_limit_comes_down_within_half_a_minute() -> None:
    agency = Agency(20, 0.15)
    agency.work(10, demand=3)
    agency.work(60)
    assert agency.limit.now >= 20
    agency.slots = 4
    agency.work(30)
    assert agency.limit.now <= 9
    answered = agency.work(300)
    assert agency.limit.now <= 9
    assert answered >= 0.9 * 4 * 300 / (0.15 * 1.05)
    agency.slots = 20
    agency.work(30)
    assert agency.work(30) >= 0.9 * 20 * 30 / (0.15 * 1.05)


def test_it_does_not_grow_while_it_is_not_used() -> None:
    agency = Agency(50, 0.1)
    agency.work(120, demand=3)
    assert agency.limit.now == 8


def test_it_never_falls_below_two_nor_rises_over_the_contract() -> None:
    now = 0.0
    limit = Limit(8, 2, 16, lambda: now)
    for _ in range(100):
        now += 1.1
        limit.dropped()
    assert limit.now == 2
    agency = Agency(100, 0.05, most=16)
    agency.work(30)
    assert agency.limit.now == 16


def test_many_calls_that_time_out_together_are_one_step_down() -> None:
    limit = Limit(10, 2, 16, lambda: 5.0)
    for _ in range(10):
        limit.dropped()
    assert limit.now == 9


def test_an_agency_that_becomes_slow_for_good_is_taken_as_it_is() -> None:
    agency = Agency(20, 0.1)
    agency.work(10, demand=3)
    agency.work(60)
    agency.seconds = 0.4
    agency.work(180)
    assert agency.work(60) >= 0.9 * 20 * 60 / (0.4 * 1.05)


def test_large_calls_are_compared_with_large_ones() -> None:
    now = 0.0
    limit = Limit(8, 2, 100, lambda: now)
    for _ in range(40):
        for keys, seconds in ((1, 0.1), (100, 1.0)):
            for _ in range(20):
                now += 0.02
                limit.answered("row_by_code", keys, seconds, 8)
    assert limit.now > 8
