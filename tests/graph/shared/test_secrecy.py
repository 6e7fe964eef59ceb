"""Whoever reads the store learns nothing, and whoever writes to it is not believed."""

import asyncio
import base64
import time
from random import Random

import msgspec
from redis.asyncio import Redis

from graph.loading.figures import Purge
from graph.settings import SharedSettings
from graph.shared.feed import Feed
from graph.shared.sealing import Sealer
from graph.shared.tier import SharedTier
from tests.graph.shared.sharing import (
    CITIZENS,
    OTHER,
    OTHER_SECRET,
    PERSON,
    SECRET,
    SHARE,
    a_citizen,
    eventually,
    held_by,
    put,
)
from tests.redis_server import RedisServer


async def test_tc7_a_dump_of_the_store_holds_none_of_a_thousand_ids_and_names(
    settings: SharedSettings, sealer: Sealer, server: RedisServer
) -> None:
    random = Random(7)  # noqa: S311 - likewise
    people = [CITIZENS.key_type(f"099{random.randrange(10**9):09}") for _ in range(1_000)]
    names = [f"Nguyễn Thị {''.join(random.choices('aăâeêioôơuư', k=9))}" for _ in people]
    purges = [Purge(id=f"purge of {person}", at=time.time(), person=person) for person in people[:20]]
    async with (
        SharedTier(settings, sealer) as tier,
        Feed(settings, sealer, longest_seconds=60, applied=lambda _purge: None, lost=lambda: None) as feed,
    ):
        put(tier, CITIZENS, {person: a_citizen(person, name) for person, name in zip(people, names, strict=True)})
        await tier.settled()
        await eventually(lambda: feed.alive)
        assert all([await feed.publish(purge) for purge in purges])
        await feed.confirmed(purges[-1].id)
        held = await held_by(server)
        found = await tier.get(CITIZENS, SHARE, people)

    assert len(held.under("motcua:1:entry")) == len(found) == len(set(people))
    assert len(held.under("motcua:1:label")) >= len(set(people))
    assert len(held.by_key[b"motcua:1:purges"]) == 2 * len(purges)
    assert held.under("motcua:1:acknowledged")
    assert held.holds_any([form for text in [*people, *names, "purge of"] for form in _forms(text)]) == set()
    assert held.holds_any([b"citizen_by_id", b"no such thing"]) == {b"citizen_by_id"}


def _forms(text: str) -> list[bytes]:
    plain = text.encode()
    return [plain, plain.hex().encode(), base64.b64encode(plain).rstrip(b"=")[:-1], text.encode("utf-16-le")]


async def test_tc7_a_value_that_is_moved_to_another_key_or_changed_is_not_believed(
    settings: SharedSettings, sealer: Sealer, server: RedisServer
) -> None:
    async with SharedTier(settings, sealer) as tier, Redis.from_url(server.url) as client:
        put(tier, CITIZENS, {PERSON: a_citizen(PERSON, "A"), OTHER: a_citizen(OTHER, "B")})
        await tier.settled()
        one, two = (await held_by(server)).under("motcua:1:entry")
        await client.restore(two, 0, await client.dump(one) or b"", replace=True)
        found = await tier.get(CITIZENS, SHARE, [PERSON, OTHER])

        assert [kept.value.personal_id for kept in found.values()] == list(found)
        assert len(found) == 1
        assert tier.unreadable == 1

        await client.setrange(one, 20, b"\0\0\0")
        await client.set(two, b"")
        assert await tier.get(CITIZENS, SHARE, [PERSON, OTHER]) == {}
        assert tier.unreadable == 3


async def test_what_opens_but_is_no_answer_is_not_believed(settings: SharedSettings, sealer: Sealer, server: RedisServer) -> None:
    async with SharedTier(settings, sealer) as tier, Redis.from_url(server.url) as client:
        put(tier, CITIZENS, {PERSON: None})
        await tier.settled()
        (name,) = (await held_by(server)).under("motcua:1:entry")
        for nonsense in (b"", b"\xc1", msgspec.msgpack.encode({"a": 1}), msgspec.msgpack.encode([{}, 1.0, 1.0, None])):
            await client.set(name, sealer.seal(nonsense, name))
            assert await tier.get(CITIZENS, SHARE, [PERSON]) == {}
        await client.delete(name)
        await client.rpush(name, "a list")
        assert await tier.get(CITIZENS, SHARE, [PERSON]) == {}
        assert tier.unreadable == 4


async def test_while_a_secret_is_changed_all_processes_find_what_any_stored(settings: SharedSettings) -> None:
    before, changed, after = ([SECRET], [OTHER_SECRET, SECRET], [OTHER_SECRET])
    async with (
        SharedTier(settings, Sealer(before)) as old,
        SharedTier(settings, Sealer(changed)) as both,
        SharedTier(settings, Sealer(after)) as new,
    ):
        put(old, CITIZENS, {PERSON: None})
        put(both, CITIZENS, {OTHER: None})
        await asyncio.gather(old.settled(), both.settled())

        assert set(await both.get(CITIZENS, SHARE, [PERSON, OTHER])) == {PERSON, OTHER}
        assert set(await new.get(CITIZENS, SHARE, [PERSON, OTHER])) == {OTHER}
        assert await both.forget(Purge(id="1", at=time.time(), person=PERSON)) == 1
        assert await old.get(CITIZENS, SHARE, [PERSON]) == {}
