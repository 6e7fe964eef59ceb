"""How long a whole answer may be kept outside: as long as its shortest-lived part, and never where it is about people."""

import asyncio
from typing import Any

from graph.loading.freshness import Freshness, freshness
from tests import virtual
from tests.graph.loading.register import Door, Person, Register


def public(**knobs: Any) -> Door:
    return Door(Register(sharing="shared", personal=False), jitter=0, **knobs)


async def asked(door: Door, *codes: str) -> Freshness | None:
    loaders = door.request()
    await loaders.load_many(door.register.batch, [Person(code) for code in codes])
    return freshness(loaders)


def test_the_least_fresh_part_counts() -> None:
    async def story() -> None:
        door = public(ttl_seconds=600, negative_ttl_seconds=60)
        door.register.absent = {"nobody"}
        assert await asked(door, "a") == Freshness("public", 0, 599)
        await asyncio.sleep(100)
        assert await asked(door, "a", "b") == Freshness("public", 100, 499)
        assert await asked(door, "a", "b", "nobody") == Freshness("public", 100, 59)

    virtual.run(story())


def test_personal_data_may_not_be_kept_unless_that_is_allowed_and_then_by_the_caller_alone() -> None:
    async def story() -> None:
        assert await asked(Door(Register()), "a") is None
        assert await asked(Door(Register(), client_cache="private", jitter=0), "a") == Freshness("private", 0, 59)

    virtual.run(story())


def test_what_is_not_kept_here_may_not_be_kept_outside_either() -> None:
    async def story() -> None:
        assert await asked(public(ttl_seconds=0), "a") == Freshness("public", 0, 0)
        assert freshness(public().request()) is None

    virtual.run(story())


def test_a_stale_answer_is_not_fresh() -> None:
    async def story() -> None:
        door = public(ttl_seconds=60, stale_while_revalidate_seconds=600)
        await door.ask("a")
        await asyncio.sleep(100)
        assert await asked(door, "a") == Freshness("public", 100, 0)

    virtual.run(story())
