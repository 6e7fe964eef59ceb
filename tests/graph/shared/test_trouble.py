"""A store that is slow, away or started again never costs a query anything but a little time."""

import asyncio
import dataclasses
import time

import msgspec
import pytest

from graph.errors import SettingsWrong
from graph.settings import SharedSettings
from graph.shared.places import Places
from graph.shared.sealing import Sealer
from graph.shared.tier import SharedTier
from graph.upstream.system import System
from tests.graph.shared.sharing import (
    CITIZENS,
    OTHER,
    PERSON,
    SHARE,
    a_citizen,
    eventually,
    put,
)
from tests.redis_server import RedisServer


@pytest.fixture
def strict(server: RedisServer) -> SharedSettings:
    """Have the limits that the gateway has."""
    return SharedSettings(url=server.url, keys=("env:SECRET",))


async def test_tc3_without_a_store_nothing_is_found_and_nothing_fails(sealer: Sealer, server: RedisServer, strict: SharedSettings) -> None:
    server.kill()
    async with SharedTier(strict, sealer) as tier:
        for _ in range(20):
            put(tier, CITIZENS, {PERSON: None})
            assert await tier.get(CITIZENS, SHARE, [PERSON]) == {}
        await tier.settled()

        assert tier.open
        assert tier.errors >= 5
        assert tier.dropped == 20


async def test_tc3_a_store_that_hangs_costs_no_more_than_its_limits_and_then_nothing(
    sealer: Sealer, server: RedisServer, strict: SharedSettings
) -> None:
    async with SharedTier(strict, sealer) as tier:
        await tier.get(CITIZENS, SHARE, [PERSON])
        server.pause()
        longest, took = 0.0, 0.0
        for _ in range(5):
            began = time.perf_counter()
            assert await tier.get(CITIZENS, SHARE, [PERSON]) == {}
            took = time.perf_counter() - began
            longest = max(longest, took)
        assert tier.open
        assert tier.timeouts == 5
        began = time.perf_counter()
        for _ in range(100):
            assert await tier.get(CITIZENS, SHARE, [PERSON]) == {}
        assert time.perf_counter() - began < 0.1
        # 10 ms for an operation, 20 ms for a connection; the rest is the machine's.
        assert longest < 0.03 + 0.12


async def test_many_at_once_do_not_wait_one_after_another_for_a_store_that_hangs(
    sealer: Sealer, server: RedisServer, strict: SharedSettings
) -> None:
    async with SharedTier(strict, sealer) as tier:
        server.pause()
        began = time.perf_counter()
        answers = await asyncio.gather(*(tier.get(CITIZENS, SHARE, [PERSON]) for _ in range(500)))

        assert answers == [{}] * 500
        assert time.perf_counter() - began < 1.0


async def test_the_store_is_used_again_soon_after_it_comes_back(sealer: Sealer, server: RedisServer, strict: SharedSettings) -> None:
    async with SharedTier(strict, sealer) as tier:
        put(tier, CITIZENS, {PERSON: None})
        await tier.settled()
        server.pause()
        for _ in range(6):
            assert await tier.get(CITIZENS, SHARE, [PERSON]) == {}
        states = [tier.open]
        server.resume()
        await _found_again(tier)
        states.append(tier.open)
        assert states == [True, False]

        server.restart()
        assert await tier.get(CITIZENS, SHARE, [PERSON]) == {}
        put(tier, CITIZENS, {PERSON: None})
        await _found_again(tier)


async def _found_again(tier: SharedTier) -> None:
    until = time.monotonic() + 10
    while not await tier.get(CITIZENS, SHARE, [PERSON]):
        assert time.monotonic() < until
        await asyncio.sleep(0.01)


async def test_tc3_no_query_fails_while_the_store_is_killed_hung_and_started_again(
    sealer: Sealer, server: RedisServer, strict: SharedSettings
) -> None:
    people = [CITIZENS.key_type(f"099085{number:06}") for number in range(50)]
    answered = [0] * 4

    async def queries(tier: SharedTier, which: int) -> None:
        while True:
            found = await tier.get(CITIZENS, SHARE, people)
            assert all(kept.value.personal_id == key for key, kept in found.items())
            put(tier, CITIZENS, {person: a_citizen(person, "Thử") for person in people[:5]})
            answered[which] += 1
            await asyncio.sleep(0)

    async with SharedTier(strict, sealer) as tier:
        running = [asyncio.create_task(queries(tier, which)) for which in range(len(answered))]
        for trouble in (server.pause, server.resume, server.kill, server.restart):
            await asyncio.to_thread(trouble)
            answered[:] = [0] * len(answered)
            await eventually(lambda: min(answered) > 5)
        assert not any(query.done() for query in running)
        for query in running:
            query.cancel()
        await asyncio.wait(running)


async def test_a_reply_that_came_while_the_process_was_busy_came_in_time(sealer: Sealer, strict: SharedSettings) -> None:
    async with SharedTier(msgspec.structs.replace(strict, connect_seconds=1.0), sealer) as tier:
        put(tier, CITIZENS, {PERSON: None})
        await tier.settled()
        for turns in range(1, 6):
            asked = asyncio.create_task(tier.get(CITIZENS, SHARE, [PERSON]))
            for _ in range(turns):
                await asyncio.sleep(0)
            _keep_busy(2 * strict.operation_seconds)
            assert set(await asked) == {PERSON}
        assert tier.timeouts == 0


def _keep_busy(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


async def test_a_caller_who_goes_away_leaves_the_line_in_order(settings: SharedSettings, sealer: Sealer) -> None:
    async with SharedTier(settings, sealer) as tier:
        put(tier, CITIZENS, {PERSON: a_citizen(PERSON, "A"), OTHER: a_citizen(OTHER, "B")})
        await tier.settled()
        for turns in range(12):
            asked = asyncio.create_task(tier.get(CITIZENS, SHARE, [PERSON]))
            for _ in range(turns):
                await asyncio.sleep(0)
            asked.cancel()
            await asyncio.wait({asked})
            found = await tier.get(CITIZENS, SHARE, [OTHER])
            assert found[OTHER].value.personal_id == OTHER
        assert not tier.open


async def test_stopping_stores_what_waits(settings: SharedSettings, sealer: Sealer) -> None:
    async with SharedTier(settings, sealer) as tier:
        put(tier, CITIZENS, {PERSON: None})
    put(tier, CITIZENS, {OTHER: None})
    async with SharedTier(settings, sealer) as another:
        assert set(await another.get(CITIZENS, SHARE, [PERSON, OTHER])) == {PERSON}
    assert tier.dropped == 1


def test_an_address_that_is_none_is_refused_at_the_start(sealer: Sealer) -> None:
    with pytest.raises(SettingsWrong, match=r"shared\.url: expected an address"):
        SharedTier(SharedSettings(url="http://somewhere", keys=("env:A",)), sealer)


def test_a_system_of_the_same_name_is_needed_to_find_an_answer(sealer: Sealer) -> None:
    other = dataclasses.replace(CITIZENS, system=System("elsewhere", title="t", owner="o", protocol="REST"))
    assert Places(sealer).of_entry(other, SHARE, PERSON) != Places(sealer).of_entry(CITIZENS, SHARE, PERSON)
