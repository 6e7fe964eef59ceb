"""What several processes share comes back as it was, for as long as it is of use."""

import dataclasses
import time
from random import Random

import pytest
from redis.asyncio import Redis

from graph.settings import SharedSettings
from graph.shared import tier as shared
from graph.shared.packing import Kept, packer
from graph.shared.sealing import Sealer
from graph.shared.tier import SharedTier
from graph.upstream.record import Provenance, Record, stamp, wire
from tests.graph.shared.sharing import (
    BY_NAME,
    CITIZENS,
    OTHER,
    PERIODS,
    PERSON,
    SHARE,
    SYSTEMS,
    a_citizen,
    a_key,
    an_answer,
    held_by,
    put,
    typed,
)
from tests.redis_server import RedisServer


class NoLifetime:
    def age(self, started: float) -> float:
        return time.time() - started

    def is_stale(self, started: float, *, negative: bool) -> bool:
        return self.age(started) < 0 and negative


@pytest.mark.parametrize("name", sorted(BY_NAME))
async def test_answers_of_every_batch_function_come_back_equal_and_of_the_same_classes(
    name: str, settings: SharedSettings, sealer: Sealer
) -> None:
    batch, random = BY_NAME[name], Random(name)  # noqa: S311 - a draw that can be repeated
    answers = {a_key(batch, random): an_answer(batch, random) for _ in range(20)}
    answers[batch.key_type(*"z" * len(getattr(batch.key_type, "_fields", "z")))] = batch.absent()
    began = time.time()
    async with SharedTier(settings, sealer) as writer, SharedTier(settings, sealer) as reader:
        put(writer, batch, answers, started=began)
        await writer.settled()
        found = await reader.get(batch, SHARE, [*answers, "unknown"])

    assert {key: kept.value for key, kept in found.items()} == answers
    assert {key: typed(kept.value) for key, kept in found.items()} == {key: typed(value) for key, value in answers.items()}
    assert {(kept.started, kept.cost, kept.message_id) for kept in found.values()} == {(began, 0.25, "message-1")}
    assert (reader.gets, reader.hits, reader.errors, reader.unreadable) == (len(answers) + 1, len(answers), 0, 0)
    assert writer.dropped == 0
    assert reader.bytes == writer.bytes > 0


def test_the_records_of_all_six_systems_are_among_those_that_go_there_and_back() -> None:
    assert {batch.system.name for batch in BY_NAME.values()} == {system.__name__.rpartition(".")[2] for system in SYSTEMS}


async def test_where_a_record_comes_from_is_not_stored(settings: SharedSettings, sealer: Sealer) -> None:
    record = a_citizen(PERSON, "Nguyễn Thị Thử")
    stamp([record], Provenance("population", time.time(), NoLifetime(), "message-1"))
    async with SharedTier(settings, sealer) as tier:
        put(tier, CITIZENS, {PERSON: record})
        await tier.settled()
        kept = (await tier.get(CITIZENS, SHARE, [PERSON]))[PERSON]

    assert kept.value == record
    assert kept.value.provenance is None
    assert record.provenance is not None


async def test_callers_who_may_not_share_do_not_find_each_others_answers(settings: SharedSettings, sealer: Sealer) -> None:
    async with SharedTier(settings, sealer) as tier:
        put(tier, CITIZENS, {PERSON: None})
        await tier.settled()

        assert await tier.get(CITIZENS, ("consumer", "purpose", "official"), [PERSON]) == {}
        assert await tier.get(CITIZENS, ("consumer", None, "purpose"), [PERSON]) == {}
        assert set(await tier.get(CITIZENS, SHARE, [PERSON])) == {PERSON}


async def test_keys_whose_parts_read_alike_are_told_apart(settings: SharedSettings, sealer: Sealer) -> None:
    batch = dataclasses.replace(PERIODS, key_type=tuple)
    keys = [("a/b", "c"), ("a", "b/c"), ("a/b/c",), "a/b/c"]
    async with SharedTier(settings, sealer) as tier:
        put(tier, batch, {keys[0]: ()})
        await tier.settled()

        assert set(await tier.get(batch, SHARE, keys)) == {keys[0]}


async def test_many_keys_take_one_round_trip(settings: SharedSettings, sealer: Sealer, server: RedisServer) -> None:
    people = {CITIZENS.key_type(f"099085{number:06}"): None for number in range(300)}
    async with SharedTier(settings, sealer) as tier, Redis.from_url(server.url) as client:
        put(tier, CITIZENS, people)
        await tier.settled()
        await client.config_resetstat()

        assert set(await tier.get(CITIZENS, SHARE, list(people))) == set(people)
        assert (await client.info("commandstats"))["cmdstat_mget"]["calls"] == 3
        assert (await client.info("stats"))["total_reads_processed"] < 30
        assert await tier.get(CITIZENS, SHARE, []) == {}


class _Before(Record):
    name: str = wire("TEN")


class _After(Record):
    name: str | None = wire("TEN")


def test_another_release_with_other_fields_or_types_reads_nothing_of_it() -> None:
    _After.__name__ = _Before.__name__
    before, after = (dataclasses.replace(CITIZENS, record=record) for record in (_Before, _After))

    assert packer(before).shape != packer(after).shape
    assert packer(before).shape != packer(dataclasses.replace(before, many=True)).shape
    assert packer(before).shape == packer(dataclasses.replace(before)).shape
    assert len({packer(batch).shape for batch in BY_NAME.values()}) >= len({batch.record for batch in BY_NAME.values()})


async def test_an_answer_lives_from_the_start_of_its_fetch_and_its_lists_no_shorter(
    settings: SharedSettings, sealer: Sealer, server: RedisServer
) -> None:
    async with SharedTier(settings, sealer) as tier, Redis.from_url(server.url) as client:
        put(tier, CITIZENS, {PERSON: None}, started=time.time() - 40, keep=100)
        await tier.settled()
        put(tier, PERIODS, {PERIODS.key_type("0990000001", 2024): ()}, keep=10)
        put(tier, CITIZENS, {OTHER: None}, started=time.time() - 40, keep=30)
        await tier.settled()
        lives = sorted([await client.pttl(key) for key in (await held_by(server)).under("motcua:1:entry")])
        lists = [await client.pttl(key) for key in (await held_by(server)).under("motcua:1:label")]

        assert len(lives) == 2
        assert 8_000 < lives[0] <= 10_000
        assert 58_000 < lives[1] <= 60_000
        assert all(live > 8_000 for live in lists)
        assert await tier.get(CITIZENS, SHARE, [OTHER]) == {}


async def test_a_list_of_entries_drops_those_that_are_dead(settings: SharedSettings, sealer: Sealer, server: RedisServer) -> None:
    now = [time.time()]
    key, another = (PERIODS.key_type("0990000001", year) for year in (2023, 2024))
    async with SharedTier(settings, sealer, clock=lambda: now[0]) as tier:
        put(tier, PERIODS, {key: ()}, started=now[0], keep=10)
        await tier.settled()
        now[0] += 11
        put(tier, PERIODS, {another: ()}, started=now[0], keep=10)
        await tier.settled()
        held = await held_by(server)

    assert [len(held.by_key[index]) for index in held.under("motcua:1:label")] == [1]


async def test_too_large_an_answer_is_not_stored(settings: SharedSettings, sealer: Sealer) -> None:
    async with SharedTier(settings, sealer) as tier:
        put(tier, CITIZENS, {PERSON: a_citizen(PERSON, "Thử" * 400_000), OTHER: None})
        await tier.settled()

        assert set(await tier.get(CITIZENS, SHARE, [PERSON, OTHER])) == {OTHER}
        assert tier.too_large == 1


async def test_what_cannot_be_written_down_is_not_stored_and_does_not_stop_the_rest(settings: SharedSettings, sealer: Sealer) -> None:
    async with SharedTier(settings, sealer) as tier:
        tier.put(CITIZENS, SHARE, {PERSON: Kept(object(), time.time())}, 60, {})
        put(tier, CITIZENS, {OTHER: None})
        await tier.settled()

        assert set(await tier.get(CITIZENS, SHARE, [PERSON, OTHER])) == {OTHER}
        assert await tier.get(CITIZENS, SHARE, [object()]) == {}
        assert tier.errors == 2


async def test_puts_beyond_what_may_wait_are_dropped_and_counted(settings: SharedSettings, sealer: Sealer) -> None:
    async with SharedTier(settings, sealer) as tier:
        many = {CITIZENS.key_type(f"099{number:09}"): Kept(None, time.time()) for number in range(shared.WAITING_AT_MOST + 7)}
        tier.put(CITIZENS, SHARE, many, 60, {})

        assert tier.dropped == 7
