"""A purge reaches every process within a second, and a process that may have missed one knows it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis

from graph.loading.figures import Purge
from graph.settings import SharedSettings
from graph.shared import feed as feeds
from graph.shared.feed import Feed
from graph.shared.packing import packed
from graph.shared.sealing import Sealer
from tests.graph.shared.sharing import OTHER_SECRET, SECRET, eventually
from tests.redis_server import RedisServer

LONGEST_SECONDS = 600.0


class Process:
    """What one process hears, as if it were one."""

    def __init__(self, settings: SharedSettings, secrets: list[bytes], clock: Callable[[], float] = time.monotonic) -> None:
        self.heard: list[Purge] = []
        self.lost = 0
        self.refuses = False
        self.feed = Feed(
            settings, Sealer(secrets), longest_seconds=LONGEST_SECONDS, applied=self.applied, lost=self.loses, clock=clock
        )  # fmt: skip

    def applied(self, purge: Purge) -> None:
        if self.refuses:
            raise RuntimeError
        self.heard.append(purge)

    def loses(self) -> None:
        self.lost += 1

    def ids(self) -> list[str]:
        return [purge.id for purge in self.heard]


@contextlib.asynccontextmanager
async def processes(settings: SharedSettings, number: int = 1, *, secrets: list[bytes] | None = None) -> AsyncIterator[list[Process]]:
    """Run processes until all of them hear."""
    async with contextlib.AsyncExitStack() as running:
        started = [Process(settings, secrets or [SECRET]) for _ in range(number)]
        for process in started:
            await running.enter_async_context(process.feed)
        await eventually(lambda: all(process.feed.alive for process in started))
        yield started


def purge(name: str) -> Purge:
    return Purge(id=name, at=time.time(), person="099085000001", tag="household:1", batch="citizen_by_id", key="a")


async def test_a_purge_reaches_every_process_as_it_was_said_within_a_second(settings: SharedSettings) -> None:
    async with processes(settings, 3) as (one, two, three):
        said = purge("1")
        began = time.monotonic()
        assert await one.feed.publish(said)
        await eventually(lambda: all(process.heard == [said] for process in (one, two, three)))

        assert time.monotonic() - began < 1.0
        assert [process.lost for process in (one, two, three)] == [0, 0, 0]


async def test_all_living_processes_acknowledge_a_purge_and_are_counted(settings: SharedSettings) -> None:
    async with processes(settings, 3) as (one, two, three):
        await one.feed.publish(purge("1"))
        assert await one.feed.confirmed("1") == (3, 3)
        assert await two.feed.confirmed("another", within=0.0) == (0, 3)

        three.refuses = True
        await two.feed.publish(purge("2"))
        assert (await two.feed.confirmed("2", within=0.3))[0] == 2
        await three.feed.stop()
        await one.feed.publish(purge("3"))
        assert await one.feed.confirmed("3") == (2, 2)


async def test_a_purge_that_could_not_be_applied_is_read_again_and_nothing_is_served_meanwhile(settings: SharedSettings) -> None:
    async with processes(settings) as (one,):
        one.refuses = True
        await one.feed.publish(purge("1"))
        await eventually(lambda: not one.feed.alive)
        one.refuses = False
        await eventually(lambda: one.feed.alive)

        assert one.ids() == ["1"]
        assert await one.feed.confirmed("1") == (1, 1)


async def test_a_process_that_starts_later_hears_what_still_matters(settings: SharedSettings, server: RedisServer) -> None:
    async with processes(settings) as (one,), Redis.from_url(server.url) as client:
        old = f"{int(1000 * (time.time() - LONGEST_SECONDS - 5))}-0"
        body = Sealer([SECRET]).seal(b"nobody reads this any more", b"motcua:1:purges")
        await client.delete("motcua:1:purges")
        await client.xadd("motcua:1:purges", {"purge": body}, id=old)
        await one.feed.publish(purge("1"))
        await one.feed.publish(purge("2"))
        async with processes(settings) as (later,):
            assert later.ids() == ["1", "2"]
            assert (later.lost, later.feed.unreadable) == (0, 0)


async def test_hundreds_of_purges_are_all_heard_in_order(settings: SharedSettings) -> None:
    async with processes(settings) as (one,):
        names = [str(number) for number in range(2 * feeds.READ_TOGETHER + 1)]
        for name in names:
            assert await one.feed.publish(purge(name))
        async with processes(settings) as (later,):
            assert later.ids() == names
        await eventually(lambda: one.ids() == names)


async def test_a_process_catches_up_when_a_cut_line_is_there_again(settings: SharedSettings, server: RedisServer) -> None:
    async with processes(settings, 2) as (one, two):
        await one.feed.publish(purge("1"))
        await one.feed.confirmed("1")
        async with Redis.from_url(server.url) as client:
            for number in range(20):
                await client.client_kill_filter(_type="normal", skipme=True)
                assert await one.feed.publish(purge(f"again {number}")) or await one.feed.publish(purge(f"again {number}"))
        await eventually(lambda: {f"again {number}" for number in range(20)} <= set(two.ids()) & set(one.ids()))

        assert [one.lost, two.lost] == [0, 0]
        await eventually(lambda: one.feed.alive and two.feed.alive)


@pytest.mark.parametrize("trouble", ["kill", "pause"])
async def test_a_process_knows_within_a_second_that_it_hears_no_more(trouble: str, settings: SharedSettings, server: RedisServer) -> None:
    async with processes(settings) as (one,):
        getattr(server, trouble)()
        began = time.monotonic()
        await eventually(lambda: not one.feed.alive)

        assert time.monotonic() - began < 1.0
        assert time.monotonic() - one.feed.last_heard < 1.3
        assert not await one.feed.publish(purge("1"))
        assert await one.feed.confirmed("1", within=0.1) == (0, 0)
        server.resume()


async def test_a_process_whose_reads_do_not_return_is_not_alive(settings: SharedSettings) -> None:
    now = [0.0]
    process = Process(settings, [SECRET], clock=lambda: now[0])
    async with process.feed:
        await eventually(lambda: process.feed.alive)
        now[0] += 2 * settings.feed_seconds + feeds.MARGIN_SECONDS + 0.01
        assert not process.feed.alive


async def test_a_paused_store_that_goes_on_has_lost_nothing(settings: SharedSettings, server: RedisServer) -> None:
    async with processes(settings, 2) as (one, two):
        await one.feed.publish(purge("1"))
        server.pause()
        await eventually(lambda: not one.feed.alive and not two.feed.alive)
        server.resume()
        await eventually(lambda: one.feed.alive and two.feed.alive)
        await one.feed.publish(purge("2"))
        await eventually(lambda: one.ids() == two.ids() == ["1", "2"])

        assert [one.lost, two.lost] == [0, 0]


async def test_purges_count_as_lost_when_the_store_comes_back_empty(settings: SharedSettings, server: RedisServer) -> None:
    async with processes(settings, 2) as (one, two):
        await one.feed.publish(purge("1"))
        await one.feed.confirmed("1")
        await asyncio.to_thread(server.restart)
        async with Redis.from_url(server.url) as client:
            await client.xadd("motcua:1:purges", {"purge": Sealer([SECRET]).seal(b"", b"elsewhere")})
        await eventually(lambda: one.lost > 0 and two.lost > 0)
        await eventually(lambda: one.feed.alive and two.feed.alive)
        await one.feed.publish(purge("2"))
        await eventually(lambda: one.ids()[-1] == two.ids()[-1] == "2")


@pytest.mark.parametrize("command", [("FLUSHALL",), ("DEL", "motcua:1:purges")], ids=["all", "stream"])
async def test_purges_count_as_lost_when_the_stream_is_deleted(
    command: tuple[str, ...], settings: SharedSettings, server: RedisServer
) -> None:
    async with processes(settings, 2) as (one, two), Redis.from_url(server.url) as client:
        await client.execute_command(*command)  # type: ignore[no-untyped-call]  # the library leaves it so
        await eventually(lambda: one.lost == two.lost == 1)
        await eventually(lambda: one.feed.alive and two.feed.alive)
        await one.feed.publish(purge("1"))
        assert await one.feed.confirmed("1") == (2, 2)
        assert [one.lost, two.lost] == [1, 1]


async def test_purges_count_as_lost_when_more_were_said_than_are_kept(settings: SharedSettings, server: RedisServer) -> None:
    async with processes(settings) as (one,), Redis.from_url(server.url) as client:
        await one.feed.publish(purge("1"))
        await one.feed.confirmed("1")
        one.refuses = True
        await one.feed.publish(purge("2"))
        await eventually(lambda: not one.feed.alive)
        body = Sealer([SECRET]).seal(packed(purge("many")), b"motcua:1:purges")
        async with client.pipeline(transaction=False) as many:
            for _ in range(feeds.KEPT_AT_MOST + 200):
                many.xadd("motcua:1:purges", {"purge": body}, maxlen=feeds.KEPT_AT_MOST, approximate=True)
            await many.execute()
        assert one.lost == 0 or not one.feed.alive
        one.refuses = False
        await eventually(lambda: one.lost > 0 and one.feed.alive)


async def test_purges_count_as_lost_when_the_stream_falls_back_to_an_older_state(settings: SharedSettings, server: RedisServer) -> None:
    async with processes(settings) as (one,), Redis.from_url(server.url) as client:
        older = await client.dump("motcua:1:purges")
        assert older is not None
        await one.feed.publish(purge("1"))
        await one.feed.confirmed("1")
        await client.restore("motcua:1:purges", 0, older, replace=True)
        await eventually(lambda: one.lost == 1)
        await eventually(lambda: one.feed.alive)

        assert one.lost == 1


async def test_a_purge_that_cannot_be_read_counts_as_lost(settings: SharedSettings) -> None:
    async with processes(settings) as (one,), processes(settings, secrets=[OTHER_SECRET]) as (stranger,):
        await stranger.feed.publish(purge("1"))
        await eventually(lambda: one.lost == 1)
        await eventually(lambda: stranger.ids() == ["1"])

        assert one.ids() == []
        assert one.feed.unreadable == 1
        await eventually(lambda: one.feed.alive)


async def test_processes_hear_each_other_while_the_secret_is_changed(settings: SharedSettings) -> None:
    async with processes(settings, secrets=[SECRET, OTHER_SECRET]) as (one,), processes(settings, secrets=[OTHER_SECRET, SECRET]) as (two,):
        await one.feed.publish(purge("1"))
        await eventually(lambda: one.ids() == two.ids() == ["1"])
        await two.feed.publish(purge("2"))
        await eventually(lambda: one.ids() == two.ids() == ["1", "2"])

        assert await one.feed.confirmed("1") == (2, 2)
        assert await two.feed.confirmed("2") == (2, 2)


async def test_a_feed_starts_and_stops_without_a_store_and_hears_once_there_is_one(settings: SharedSettings, server: RedisServer) -> None:
    server.kill()
    process = Process(settings, [SECRET])
    async with process.feed:
        assert not process.feed.alive
        assert not await process.feed.publish(purge("1"))
        await asyncio.to_thread(server.restart)
        await eventually(lambda: process.feed.alive)
        assert await process.feed.publish(purge("2"))
        await eventually(lambda: process.ids() == ["2"])
        server.kill()
    assert not process.feed.alive
    assert process.lost == 0


async def test_a_store_that_is_full_does_not_keep_anybody_from_hearing(settings: SharedSettings, server: RedisServer) -> None:
    async with processes(settings) as (one,), Redis.from_url(server.url) as client:
        await client.config_set("maxmemory", 1)
        before = one.feed.last_heard
        await eventually(lambda: one.feed.last_heard > before + 2 * settings.feed_seconds)

        assert one.feed.alive
        assert one.lost == 0
        assert not await one.feed.publish(purge("1"))
