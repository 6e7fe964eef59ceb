"""What one query may ask for: so many keys, so many of one system, so many calls; the rest is answered, and others notice nothing."""

import asyncio
from random import Random
from typing import Any

import pytest

from graph.errors import SystemUnavailable, TooCostly
from graph.loading.budget import Budget
from graph.loading.loaders import Loaders
from tests import virtual
from tests.graph.loading.register import Door, Person, Register, said

PLENTY = 1_000


def budget(*, keys: int = PLENTY, keys_per_system: int = PLENTY, calls: int = PLENTY, enforced: bool = True) -> Budget:
    return Budget(keys=keys, keys_per_system=keys_per_system, calls=calls, enforced=enforced)


def request(door: Door, left: Budget | None) -> Loaders:
    loaders = door.request()
    loaders.budget = left
    return loaders


async def names(loaders: Loaders, door: Door, codes: Any) -> list[Any]:
    return [said(row) for row in await loaders.load_many(door.register.batch, [Person(code) for code in codes])]


def test_keys_beyond_the_budget_are_refused_in_their_own_place_and_the_rest_is_answered() -> None:
    async def story() -> None:
        door = Door(Register())
        left = budget(keys=2)
        assert await names(request(door, left), door, "abcd") == ["a v0", "b v0", "TooCostly", "TooCostly"]
        assert [call.keys for call in door.register.calls] == [("a", "b")]
        assert left.beyond == {"keys"}

    virtual.run(story())


def test_a_key_that_the_request_has_already_is_not_counted_again() -> None:
    async def story() -> None:
        door = Door(Register())
        loaders = request(door, budget(keys=2))
        assert await names(loaders, door, "abab") == ["a v0", "b v0", "a v0", "b v0"]
        assert await names(loaders, door, "ba") == ["b v0", "a v0"]

    virtual.run(story())


def test_keys_from_the_cache_count_too_but_not_for_their_system() -> None:
    async def story() -> None:
        door = Door(Register(), ttl_seconds=60)
        await door.ask(*"abc")
        left = budget(keys=4, keys_per_system=1)
        assert await names(request(door, left), door, "abcdef") == ["a v0", "b v0", "c v0", "d v0", "TooCostly", "TooCostly"]
        assert left.beyond == {"keys"}

    virtual.run(story())


def test_one_system_is_asked_for_so_many_keys_and_the_error_names_it() -> None:
    async def story() -> None:
        door = Door(Register())
        loaders = request(door, budget(keys_per_system=1))
        _first, second = await loaders.load_many(door.register.batch, [Person("a"), Person("b")])
        assert isinstance(second, TooCostly)
        assert second.extensions() == {"code": "COST_EXCEEDED", "retryable": False, "system": "register"}

    virtual.run(story())


def test_when_its_calls_are_used_up_no_further_call_leaves_for_a_request() -> None:
    async def story() -> None:
        door = Door(Register(max_keys=2, seconds=1.0))
        loaders = request(door, budget(calls=1))
        assert await names(loaders, door, "abcd") == ["a v0", "b v0", "TooCostly", "TooCostly"]
        assert await names(loaders, door, "e") == ["TooCostly"]
        assert [call.keys for call in door.register.calls] == [("a", "b")]

    virtual.run(story())


def test_a_call_that_another_request_pays_for_carries_what_both_want() -> None:
    async def story() -> None:
        door = Door(Register(max_keys=1, seconds=1.0))
        poor, rich = request(door, budget(calls=1)), request(door, budget())
        assert list(await asyncio.gather(names(poor, door, "abc"), names(rich, door, "bd"))) == [
            ["a v0", "b v0", "TooCostly"],
            ["b v0", "d v0"],
        ]
        assert [call.keys for call in door.register.calls] == [("a",), ("b",), ("d",)]

    virtual.run(story())


def test_what_is_under_way_for_another_is_joined_without_a_call_of_its_own() -> None:
    async def story() -> None:
        door = Door(Register(seconds=1.0))
        other = asyncio.ensure_future(door.names("a"))
        await asyncio.sleep(0.5)
        assert await names(request(door, budget(calls=0)), door, "ab") == ["a v0", "TooCostly"]
        assert await other == ["a v0"]

    virtual.run(story())


def test_a_key_is_refused_when_the_only_one_who_could_pay_for_it_leaves() -> None:
    async def story() -> None:
        door = Door(Register(max_keys=1, seconds=1.0, slots=1))
        first = asyncio.ensure_future(door.names("z"))
        await asyncio.sleep(0.1)
        rich, poor = request(door, budget()), request(door, budget(calls=0))
        rich.load(door.register.batch, Person("a"))
        waiting = asyncio.ensure_future(names(poor, door, "a"))
        await asyncio.sleep(0.1)
        rich.leave()
        assert await waiting == ["TooCostly"]
        assert await first == ["z v0"]
        assert door.register.asked("a") == 0

    virtual.run(story())


def test_calls_to_try_again_are_not_counted() -> None:
    async def story() -> None:
        door = Door(Register(seconds=1.0))
        door.register.down = SystemUnavailable("register", "is down")
        loaders, left = door.request(), budget(calls=1)
        loaders.budget = left
        coming = asyncio.ensure_future(names(loaders, door, "a"))
        await asyncio.sleep(1.01)
        door.register.down = None
        assert await coming == ["a v0"]
        assert (len(door.register.calls), left.calls) == (2, 0)

    virtual.run(story())


def test_a_budget_that_is_only_measured_refuses_nothing_and_notes_what_it_would_have() -> None:
    async def story() -> None:
        door = Door(Register(max_keys=1))
        left = budget(keys=2, keys_per_system=1, calls=1, enforced=False)
        assert await names(request(door, left), door, "abc") == ["a v0", "b v0", "c v0"]
        assert left.beyond == {"keys", "keys_per_system", "calls"}

    virtual.run(story())


@pytest.mark.parametrize("seed", range(60))
def test_no_budget_changes_what_another_request_gets_and_nobody_waits_for_ever(seed: int) -> None:
    async def story() -> None:
        random = Random(seed)  # noqa: S311 - a story that can be told again
        door = Door(Register(max_keys=random.randint(1, 4), seconds=0.5, slots=random.randint(1, 3)), ttl_seconds=random.choice([0, 60]))

        async def client(*, bounded: bool) -> None:
            await asyncio.sleep(random.random() * 2)
            codes = random.choices("abcdefghijkl", k=random.randint(1, 8))
            left = budget(keys=random.randint(0, 8), keys_per_system=random.randint(0, 8), calls=random.randint(0, 3)) if bounded else None
            loaders = request(door, left)
            if bounded and random.random() < 0.2:
                loaders.load_many(door.register.batch, [Person(code) for code in codes]).cancel()
                await asyncio.sleep(random.random())
                loaders.leave()
                return
            got = await names(loaders, door, codes)
            right = [f"{code} v0" for code in codes]
            assert all(is_ in ({should, "TooCostly"} if bounded else {should}) for is_, should in zip(got, right, strict=True))
            loaders.leave()

        await asyncio.wait_for(asyncio.gather(*(client(bounded=number % 2 == 0) for number in range(12))), timeout=60)
        assert door.admission.waiting == 0
        assert door.admission.under_way == 0

    virtual.run(story())
