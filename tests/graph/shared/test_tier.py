"""T-C3 and T-C4 over a real Redis: processes share answers and purges, and losing the tier costs calls, never a query."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Self

import pytest

from graph.loading.cache import wall_clock
from graph.loading.caches import Caches
from graph.loading.figures import Purge
from graph.loading.loaders import Loaders, Sources
from graph.settings import BatchSettings, SharedSettings
from graph.shared.caches import SharedCaches
from tests.graph.loading.register import Person, Register, said
from tests.lines import lines
from tests.redis_server import RedisServer

SECRET = {"SECRET": "0123456789abcdefghijklmnopqrstuvwxyz"}


class Process:
    """One process of a gateway, joined to the others by the tier."""

    def __init__(self, register: Register, settings: SharedSettings, **knobs: Any) -> None:
        self.register = register
        self.caches = Caches({"row_by_code": register.batch}, {"row_by_code": BatchSettings(ttl_seconds=3_600, **knobs)})
        self.shared = SharedCaches(settings, SECRET, self.caches, "motcua.toml")
        self.sources = Sources(lines({"register": register}), self.caches, self.shared)

    async def __aenter__(self) -> Self:
        await self.shared.__aenter__()
        await until(lambda: not self.caches.named("row_by_code").suspended)
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.sources.close()
        await self.shared.__aexit__(None, None, None)

    async def names(self, *codes: str) -> list[Any]:
        """Ask, in a request of its own."""
        return [said(row) for row in await Loaders(self.sources).load_many(self.register.batch, [Person(code) for code in codes])]


async def until(happened: Callable[[], bool]) -> None:
    """Wait for something that will happen soon."""
    async with asyncio.timeout(10):
        while not happened():  # noqa: ASYNC110 - what happens is in another task, a server or another process
            await asyncio.sleep(0.01)


async def test_what_one_process_fetched_another_finds(settings: SharedSettings) -> None:
    register = Register()
    async with Process(register, settings) as one, Process(register, settings) as other:
        register.absent = {"nobody"}
        assert await one.names("a", "nobody") == ["a v0", None]
        await one.shared.tier.settled()
        assert await other.names("a", "nobody", "b") == ["a v0", None, "b v0"]
        assert [call.keys for call in register.calls] == [("a", "nobody"), ("b",)]
        [row] = await Loaders(other.sources).load_many(register.batch, [Person("a")])
        assert (row.provenance.system, row.provenance.stale) == ("register", False)


async def test_tc4_a_purge_in_one_process_is_true_in_all_when_it_is_confirmed(settings: SharedSettings) -> None:
    register = Register()
    async with Process(register, settings) as one, Process(register, settings) as other:
        for process in (one, other):
            await process.names("a", "b")
        await one.shared.tier.settled()
        register.versions = {"a": 1, "b": 1}

        purge = Purge(id="p1", at=wall_clock(), person="a")
        await one.caches.forget(purge)
        assert await one.shared.forget(purge) == 1
        for process in (other, one):
            assert await process.names("a", "b") == ["a v1", "b v0"]
        async with Process(register, settings) as later:
            assert await later.names("b") == ["b v0"]
            assert (await later.names("a"))[0] == "a v1"


@pytest.mark.parametrize("trouble", ["kill", "pause"])
async def test_tc3_without_the_tier_every_query_is_answered_and_nothing_purgeable_is_served_after_a_second(
    trouble: str, server: RedisServer
) -> None:
    settings = SharedSettings(url=server.url, keys=("env:SECRET",), connect_seconds=0.5, operation_seconds=0.05)
    register = Register()
    async with Process(register, settings) as process:
        await process.names("a")
        assert await process.names("a") == ["a v0"]
        assert register.asked("a") == 1

        getattr(server, trouble)()
        lost_at = time.monotonic()
        answers = []
        while time.monotonic() - lost_at < 2.5:
            register.versions["a"] = register.versions.get("a", 0) + 1
            version, began = register.versions["a"], time.monotonic()
            [name] = await process.names("a")
            answers.append((began - lost_at, name == f"a v{version}"))
            await asyncio.sleep(0.02)

        assert all(fresh for moment, fresh in answers if moment > 1.5)
        assert any(not fresh for moment, fresh in answers if moment < 0.3)


async def test_tc3_when_the_tier_comes_back_empty_what_may_have_been_purged_is_forgotten_and_then_kept_again(server: RedisServer) -> None:
    settings = SharedSettings(url=server.url, keys=("env:SECRET",), connect_seconds=0.5, operation_seconds=0.5)
    register = Register()
    async with Process(register, settings) as process:
        await process.names("a")
        server.kill()
        await until(lambda: process.caches.named("row_by_code").suspended)
        await asyncio.sleep(0)
        server.restart()
        await until(lambda: not process.caches.named("row_by_code").suspended)
        register.versions["a"] = 1
        assert await process.names("a") == ["a v1"]
        assert await process.names("a") == ["a v1"]
        assert register.asked("a") == 2


async def test_a_purge_that_cannot_reach_the_others_is_not_confirmed(server: RedisServer, settings: SharedSettings) -> None:
    async with Process(Register(), settings) as process:
        server.kill()
        assert await process.shared.forget(Purge(id="p1", at=wall_clock(), person="a")) is None
