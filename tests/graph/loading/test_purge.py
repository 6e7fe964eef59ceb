"""T-C4: what was fetched before a purge is not served after it, wherever it was and however it was on its way."""

import asyncio
import random
from typing import Any

import pytest

from graph.loading.figures import Purge
from graph.loading.sharing import Caller
from tests import virtual
from tests.graph.loading.register import Door, Person, Register, said


def purge(**scope: str) -> Purge:
    return Purge(id="p", at=virtual.clock(), **scope)


def forget(door: Door, **scope: str) -> int:
    """Purge in one process: the barrier first, then what is there."""
    wanted = purge(**scope)
    door.barriers.raise_for(wanted)
    return door.cache.forget()


SCOPES: list[dict[str, str]] = [
    {"person": "a"}, {"batch": "row_by_code"}, {"batch": "row_by_code", "key": "a"}, {"system": "register"}, {"tag": "first:a"},
]  # fmt: skip


def tagged(key: str, _row: Any) -> tuple[str, ...]:
    return (f"first:{key[0]}",)


@pytest.mark.parametrize("scope", SCOPES)
def test_what_is_kept_is_gone(scope: dict[str, str]) -> None:
    async def story() -> None:
        register = Register(tags=tagged)
        door = Door(register)
        await door.ask("a", "b")
        register.versions = {"a": 1, "b": 1}
        await asyncio.sleep(1)
        everything = scope in ({"batch": "row_by_code"}, {"system": "register"})
        assert forget(door, **scope) == (2 if everything else 1)
        assert await door.names("a", "b") == ["a v1", "b v1" if everything else "b v0"]

    virtual.run(story())


@pytest.mark.parametrize("scope", SCOPES)
def test_what_is_on_its_way_is_fetched_again_for_all_who_wait(scope: dict[str, str]) -> None:
    async def story() -> None:
        register = Register(seconds=2.0, tags=tagged)
        door = Door(register)
        before = asyncio.create_task(door.names("a"))
        await asyncio.sleep(1)
        forget(door, **scope)
        after = asyncio.create_task(door.names("a"))
        register.versions["a"] = 1
        # The answer that was on its way shows what the register said when it was asked, so it must not reach anybody.
        assert await before == await after == ["a v1"]
        assert register.asked("a") == 2
        assert await door.names("a") == ["a v1"]
        assert register.asked("a") == 2

    virtual.run(story())


def test_a_person_is_forgotten_also_where_others_records_name_them() -> None:
    async def story() -> None:
        register = Register()
        register.partners = {"b": "a"}
        door = Door(register)
        await door.ask("a", "b", "c")
        assert forget(door, person="a") == 2

    virtual.run(story())


def test_a_purge_reaches_every_partition() -> None:
    async def story() -> None:
        register = Register()
        door = Door(register)
        for purpose in ("tax", "pension"):
            await door.ask("a", caller=Caller("ministry", purpose))
        assert forget(door, person="a") == 2

    virtual.run(story())


def test_a_refresh_under_way_does_not_put_purged_data_back() -> None:
    async def story() -> None:
        register = Register(seconds=2.0)
        door = Door(register, ttl_seconds=10, jitter=0, stale_while_revalidate_seconds=100)
        await door.ask("a")
        await asyncio.sleep(11)
        assert await door.names("a") == ["a v0"]
        await asyncio.sleep(1)
        forget(door, person="a")
        register.versions["a"] = 1
        assert await door.names("a") == ["a v1"]

    virtual.run(story())


def test_a_stale_answer_that_was_purged_does_not_come_back_in_an_outage() -> None:
    async def story() -> None:
        register = Register()
        door = Door(register, ttl_seconds=10, stale_if_error_seconds=1_000)
        await door.ask("a")
        await asyncio.sleep(11)
        forget(door, person="a")
        register.down = TimeoutError()
        assert await door.names("a") == ["TimeoutError"]

    virtual.run(story())


def test_what_may_not_be_shared_is_also_refused_when_it_was_purged_on_its_way() -> None:
    async def story() -> None:
        register = Register(seconds=2.0, sharing="none")
        door = Door(register)
        asking = asyncio.create_task(door.names("a"))
        await asyncio.sleep(1)
        forget(door, person="a")
        await asking
        assert register.asked("a") == 2

    virtual.run(story())


@pytest.mark.parametrize("seed", range(30))
def test_tc4_nothing_older_than_a_purge_is_served_after_it_in_random_histories(seed: int) -> None:  # noqa: C901 - four actors
    """Each record tells when the register answered it; a read that begins after a purge must show something younger."""

    async def story() -> None:
        drawn = random.Random(seed)  # noqa: S311 - a repeatable test
        register = Register(max_keys=5, seconds=0.5, tags=tagged)
        door = Door(register, ttl_seconds=4, stale_while_revalidate_seconds=4, stale_if_error_seconds=10)
        loop, purged_at = asyncio.get_running_loop(), dict.fromkeys("abcdefgh", -1.0)
        register.row = lambda code: Register.row(register, code)  # type: ignore[method-assign]  # the time is the version

        async def turn_of_time() -> None:
            while True:
                register.versions = dict.fromkeys("abcdefgh", int(loop.time() * 1_000))
                await asyncio.sleep(0.01)

        async def reader() -> None:
            for _ in range(60):
                await asyncio.sleep(drawn.random())
                codes = drawn.sample("abcdefgh", 3)
                begun = dict(purged_at)
                for code, row in zip(codes, await door.ask(*codes), strict=True):
                    # The register stamps at the end of a call that takes half a second: its fetch began that much earlier.
                    assert int(said(row).split("v")[1]) / 1_000 - 0.5 > begun[code] - 0.02

        async def purger() -> None:
            for _ in range(40):
                await asyncio.sleep(drawn.random())
                code = drawn.choice("abcdefgh")
                forget(door, **drawn.choice([{"person": code}, {"batch": "row_by_code", "key": code}, {"tag": f"first:{code}"}]))
                purged_at[code] = loop.time()

        async def troubles() -> None:
            for _ in range(20):
                await asyncio.sleep(drawn.random() * 2)
                register.poison = {drawn.choice("abcdefgh")} if drawn.random() < 0.3 else set()

        time_goes_on = asyncio.create_task(turn_of_time())
        await asyncio.gather(*(reader() for _ in range(6)), purger())
        time_goes_on.cancel()

    virtual.run(story())


def test_a_barrier_is_dropped_when_nothing_older_can_be_left() -> None:
    async def story() -> None:
        door = Door(Register())
        for number in range(10):
            forget(door, person=str(number))
        await asyncio.sleep(3_700)
        forget(door, tag="x")
        assert len(door.barriers) == 1
        assert Person("a") == "a"

    virtual.run(story())
