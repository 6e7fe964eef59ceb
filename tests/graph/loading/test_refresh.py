"""Refreshing: beside the way, before the end where several processes share, and in chunks that a system can confirm."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from graph.loading.cache import Partition
from graph.loading.refresh import Chunks
from graph.upstream.errand import NOBODYS, Errand
from tests import virtual
from tests.graph.loading.register import Door, Register


class MemoryTier:
    """What several processes share, in memory: when an answer was fetched, what it took, and what it says."""

    def __init__(self) -> None:
        self.kept: dict[Any, tuple[Any, float, float]] = {}

    async def fetch(self, partition: Partition[Any, Any], keys: Sequence[Any]) -> None:
        """Put what is there into the partition."""
        await asyncio.sleep(0.0005)
        for key in keys:
            if key in self.kept:
                value, started, cost = self.kept[key]
                partition.keep(key, value, started=started, cost=cost)

    def store(self, partition: Partition[Any, Any], keys: Sequence[Any]) -> None:
        """Take what the partition has."""
        for key in keys:
            entry = partition.entry(key)
            if entry is not None:
                self.kept[key] = (entry.value, entry.started, entry.cost)


def test_tc1_four_processes_with_a_busy_key_fetch_it_seldom_and_nobody_waits_longer_than_a_fetch() -> None:
    """32 tasks in each of 4 processes ask for one key, fifty times a second in all, ten minutes long."""
    random.seed(2026)

    async def story() -> None:
        register, tier, ttl = Register(seconds=1.0), MemoryTier(), 60.0
        doors = [Door(register, tier=tier, ttl_seconds=ttl, jitter=0) for _ in range(4)]
        for door in doors:
            door.cache.shared_tier = True
        loop, waits = asyncio.get_running_loop(), []

        async def task(door: Door, number: int) -> None:
            await asyncio.sleep(number * 0.08)
            while loop.time() < 600:
                began = loop.time()
                await door.ask("a")
                waits.append(loop.time() - began)
                await asyncio.sleep(2.56)

        await asyncio.gather(*(task(door, number) for door in doors for number in range(32)))
        fetched = len(register.calls)
        assert fetched <= 3 * 600 / ttl
        assert max(waits) <= 1.0 + 0.01
        assert sum(wait > 0.1 for wait in waits[128:]) <= 0.002 * len(waits)

    virtual.run(story())


def test_a_process_takes_what_another_has_fetched() -> None:
    async def story() -> None:
        register, tier = Register(), MemoryTier()
        one, other = Door(register, tier=tier), Door(register, tier=tier)
        await one.ask("a", "b")
        assert await other.names("a", "b", "c") == ["a v0", "b v0", "c v0"]
        assert [call.keys for call in register.calls] == [("a", "b"), ("c",)]
        assert other.cache.figures.shared_hits == 2

    virtual.run(story())


def test_a_tier_that_fails_in_an_unforeseen_way_costs_a_call_and_leaves_nobody_waiting() -> None:
    class Broken(MemoryTier):
        async def fetch(self, partition: Partition[Any, Any], keys: Sequence[Any]) -> None:
            del partition, keys
            raise ZeroDivisionError

    async def story() -> None:
        assert await Door(Register(), tier=Broken()).names("a", "b") == ["a v0", "b v0"]

    virtual.run(story())


class Lists(Register):
    """A register that says "not modified" for a question that it was asked before and whose answer is the same."""

    def __init__(self, **declared: Any) -> None:
        super().__init__(sharing="shared", revalidates=True, **declared)
        self.answered: dict[tuple[str, ...], tuple[int, ...]] = {}
        self.revalidates = False
        self.refreshes = Counter[bool]()

    def call(self, errand: Errand = NOBODYS, *, revalidates: bool = False) -> "Lists":
        """Remember whether the next call may be answered so."""
        self.revalidates = revalidates
        return super().call(errand)

    async def arrive(self, codes: Sequence[str], official: str | None) -> None:
        """Compare with what was said before."""
        await super().arrive(codes, official)
        versions = tuple(self.versions.get(code, 0) for code in codes)
        self.not_modified = self.revalidates and self.answered.get(tuple(codes)) == versions
        if self.revalidates:
            self.answered[tuple(codes)] = versions
            self.refreshes[self.not_modified] += 1


def test_tc6_refreshes_come_in_chunks_that_the_system_confirms_and_renew_all_members() -> None:
    async def story() -> None:
        register = Lists(max_keys=20)
        door = Door(register, ttl_seconds=60, jitter=0.1, stale_while_revalidate_seconds=600)
        codes = [str(number) for number in range(300)]
        await door.ask(*codes)
        for turn in range(60):
            await asyncio.sleep(61)
            if turn % 20 == 10:
                register.versions[codes[turn]] = turn
            for start in range(0, 300, 7):
                await door.ask(*codes[start : start + 7])
        confirmed, changed = register.refreshes[True], register.refreshes[False]
        assert confirmed / (confirmed + changed) >= 0.9
        assert door.cache.figures.not_modified == confirmed

        await asyncio.sleep(1)
        asked = len(register.calls)
        names = await door.names(*codes)
        assert len(register.calls) == asked
        assert names[codes.index("30")] == "30 v30"
        assert max(row.provenance.age_seconds for row in await door.ask(*codes)) <= 62

    virtual.run(story())


def test_a_key_of_a_chunk_that_somebody_fetches_just_now_does_not_change_the_question() -> None:
    async def story() -> None:
        register = Lists(
            max_keys=10,
        )
        register.seconds = 1.0
        door = Door(register, ttl_seconds=10, jitter=0, stale_while_revalidate_seconds=15)
        await door.ask("a", "b", "c")
        await asyncio.sleep(12)
        await door.ask("a")
        await asyncio.sleep(0.1)
        assert await door.names("b", "c") == ["b v0", "c v0"]
        await asyncio.sleep(30)
        assert await door.names("a", "b", "c") == ["a v0", "b v0", "c v0"]
        assert register.asked("a") == 3

    virtual.run(story())


def test_chunks_divide_as_keys_come_and_forget_those_that_left() -> None:
    chunks = Chunks(lambda: 10)
    for number in range(1_000):
        chunks.add(str(number))

    calls = [tuple(keys) for number in range(1_000) for keys in chunks.together(str(number), lambda _key: True)]
    assert {key for keys in calls for key in keys} == {str(number) for number in range(1_000)}
    assert all(len(keys) <= 10 and list(keys) == sorted(keys) for keys in calls)
    assert chunks.together("5", lambda key: key == "5") == [["5"]]


@pytest.mark.parametrize("patience", [0.0, 1.0])
def test_a_refresh_under_way_is_joined_by_those_who_miss(patience: float) -> None:
    async def story() -> None:
        register = Register(seconds=1.0)
        door = Door(register, ttl_seconds=10, jitter=0, stale_while_revalidate_seconds=5, patience=patience)
        await door.ask("a")
        await asyncio.sleep(13.5)
        await door.ask("a")
        await asyncio.sleep(0.8)
        door.cache.clear()
        assert await door.names("a") == ["a v0"]
        assert register.asked("a") == 2

    virtual.run(story())
