"""Requests that stop waiting: what only they waited for is not asked, or ended; what others wait for goes on."""

import asyncio
from typing import Any

import pytest

from graph.upstream.priority import Priority
from tests import virtual
from tests.graph.loading.register import Door, Person, Register
from tests.lines import settings


def wait(door: Door, code: str, priority: Priority = Priority.CITIZEN) -> Any:
    """Begin a request that wants one key, and let it wait."""
    request = door.request()
    request.priority = priority
    request.ends_at = 100.0
    request.load(door.register.batch, Person(code)).add_done_callback(lambda future: future.cancelled() or future.exception())
    return request


def one_at_a_time(**declared: Any) -> Register:
    register = Register(seconds=1.0, max_keys=1, **declared)
    register.settings = settings(max_connections=1)
    return register


def test_a_key_that_nobody_waits_for_any_more_is_never_sent() -> None:
    async def story() -> None:
        door = Door(one_at_a_time())
        wait(door, "a")
        gone = wait(door, "b")
        wait(door, "c")
        await asyncio.sleep(0.5)
        gone.leave()
        await asyncio.sleep(5)
        assert [call.keys for call in door.register.calls] == [("a",), ("c",)]
        assert door.admission.waiting == door.admission.under_way == 0
        assert door.admission.report().refused == {"late": 1}

    virtual.run(story())


def test_a_call_that_nobody_waits_for_any_more_is_ended_and_its_place_is_free_at_once() -> None:
    async def story() -> None:
        door = Door(one_at_a_time())
        gone = wait(door, "a")
        wait(door, "b")
        await asyncio.sleep(0.25)
        gone.leave()
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        assert door.register.at_once == 1
        assert [(call.at, call.keys) for call in door.register.calls] == [(0.0, ("a",)), (0.25, ("b",))]

    virtual.run(story())


def test_a_call_goes_on_as_long_as_anybody_waits_for_any_of_its_keys() -> None:
    async def story() -> None:
        door = Door(Register(seconds=1.0))
        first, second = wait(door, "a"), wait(door, "b")
        both = asyncio.ensure_future(door.names("a"))
        await asyncio.sleep(0.5)
        first.leave()
        second.leave()
        assert await both == ["a v0"]
        assert len(door.register.calls) == 1

    virtual.run(story())


def test_who_joins_a_call_that_all_others_have_left_but_one_keeps_it_going() -> None:
    async def story() -> None:
        door = Door(Register(seconds=1.0))
        first, second = wait(door, "a"), wait(door, "b")
        await asyncio.sleep(0.2)
        first.leave()
        joined = asyncio.ensure_future(door.names("a"))
        await asyncio.sleep(0.2)
        second.leave()
        assert await joined == ["a v0"]
        assert len(door.register.calls) == 1

    virtual.run(story())


def test_who_wants_the_key_of_a_call_that_was_ended_asks_anew() -> None:
    async def story() -> None:
        door = Door(Register(seconds=1.0))
        gone = wait(door, "a")
        await asyncio.sleep(0.5)
        gone.leave()
        assert await door.names("a") == ["a v0"]
        assert [call.at for call in door.register.calls] == [0.0, 0.5]

    virtual.run(story())


def test_a_call_that_is_ended_before_it_began_gives_its_place_back() -> None:
    async def story() -> None:
        door = Door(one_at_a_time())
        gone = wait(door, "a")
        turns = 0
        while not door.admission.under_way and turns < 100:
            turns += 1
            await asyncio.sleep(0)
        gone.leave()
        await asyncio.sleep(0.01)
        assert door.admission.under_way == 0
        assert await door.names("b") == ["b v0"]

    virtual.run(story())


def test_a_refresh_beside_the_way_is_not_ended_by_who_leaves() -> None:
    async def story() -> None:
        door = Door(Register(seconds=1.0), ttl_seconds=60, clock=virtual.clock, stale_while_revalidate_seconds=600, jitter=0)
        assert await door.names("a") == ["a v0"]
        door.register.versions["a"] = 1
        await asyncio.sleep(61)
        assert await door.names("a") == ["a v0"]
        request = door.request()
        loads = request.of(door.register.batch)
        loads.future(Person("a"))
        await asyncio.sleep(0.1)
        request.leave()
        await asyncio.sleep(2)
        assert await door.names("a") == ["a v1"]

    virtual.run(story())


def test_time_that_is_over_answers_what_is_waited_for_and_what_is_wanted_later() -> None:
    async def story() -> None:
        door = Door(Register(seconds=5.0))
        request = door.request()
        waiting = asyncio.ensure_future(request.load_many(door.register.batch, [Person("a"), Person("b")]))
        await asyncio.sleep(1)
        request.expire()
        early = await waiting
        late = await request.load_many(door.register.batch, [Person("c")])
        assert [type(error).__name__ for error in (*early, *late)] == ["OutOfTime"] * 3
        assert [call.keys for call in door.register.calls] == [("a", "b")]

    virtual.run(story())


def test_citizens_keys_go_before_those_of_jobs_by_night() -> None:
    async def story() -> None:
        door = Door(one_at_a_time())
        for number in range(5):
            wait(door, f"job {number}", Priority.BATCH)
        await asyncio.sleep(0.5)
        wait(door, "citizen")
        await asyncio.sleep(10)
        assert [call.keys[0] for call in door.register.calls][:3] == ["job 0", "citizen", "job 1"]

    virtual.run(story())


@pytest.mark.parametrize("priority", [Priority.BATCH, Priority.SERVICE])
def test_in_a_queue_that_stands_jobs_are_sent_away_and_people_are_not(priority: Priority) -> None:
    async def story() -> None:
        door = Door(one_at_a_time())
        people = [asyncio.ensure_future(door.names(f"person {number}")) for number in range(4)]
        await asyncio.sleep(0.5)
        requests = [door.request() for _ in range(40)]
        jobs = []
        for number, request in enumerate(requests):
            request.priority = priority
            jobs.append(asyncio.ensure_future(request.load_many(door.register.batch, [Person(f"job {number}")])))
        told = [type((await job)[0]).__name__ for job in jobs]
        assert told.count("Shed") >= 30
        assert [(await person)[0] for person in people] == [f"person {number} v0" for number in range(4)]
        assert door.admission.report().refused["shed"] == told.count("Shed")

    virtual.run(story())


def test_too_many_waiting_keys_are_refused_at_once() -> None:
    async def story() -> None:
        register = one_at_a_time()
        register.settings = settings(max_connections=1, concurrency=type(register.settings.concurrency)(max_waiting=10))
        door = Door(register)
        asked = [asyncio.ensure_future(door.names(f"{number}")) for number in range(20)]
        await asyncio.sleep(0.5)
        more = await door.names("one more")
        assert more == ["Shed"]
        await asyncio.gather(*asked)
        assert await door.names("one more") == ["one more v0"]

    virtual.run(story())


class SlowTier:
    """A shared tier that has nothing, and takes its time to say so."""

    async def fetch(self, _partition: Any, _keys: Any) -> None:
        """Find nothing."""
        await asyncio.sleep(1)

    def store(self, _partition: Any, _keys: Any) -> None:
        """Keep nothing."""


@pytest.mark.parametrize("after", [0.0, 0.5])
def test_who_leaves_before_the_shared_tier_has_answered_is_not_asked_for(after: float) -> None:
    async def story() -> None:
        door = Door(Register(seconds=1.0), tier=SlowTier())
        gone, stays = wait(door, "a"), asyncio.ensure_future(door.names("b"))
        await asyncio.sleep(after)
        gone.leave()
        assert await stays == ["b v0"]
        assert [call.keys for call in door.register.calls] == [("b",)]
        assert door.admission.waiting == 0

    virtual.run(story())


def test_who_leaves_in_the_very_turn_in_which_they_came_is_never_sent_nor_counted_as_waiting() -> None:
    async def story() -> None:
        door = Door(one_at_a_time())
        wait(door, "a").leave()
        assert door.admission.waiting == 0
        await asyncio.sleep(5)
        assert door.register.calls == []
        assert door.admission.waiting == door.admission.under_way == 0
        assert await door.names("b") == ["b v0"]

    virtual.run(story())
