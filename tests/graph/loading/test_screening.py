"""What one request knows of a screened batch function is only what its screen has seen: from a cache, from a call, late or too late."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import pytest

from graph.errors import ForbiddenField
from graph.loading.cache import MISSING
from graph.loading.loaders import Loaders
from graph.loading.masked import Masked, key_of
from tests import virtual
from tests.graph.loading.register import Door, Person, Register, Row, down, said


class Looking:
    """A screen that refuses some, masks others, and wants to know of the partner of each whether they are called Secret."""

    def __init__(self, door: Door, *, refused: str = "", consults: bool = False, asks: bool = False) -> None:
        self.facts = door.register.batch if asks else None
        self.consults = consults or bool(refused)
        self._looks_up = consults
        self.refused = refused
        self.looked_up: list[str] = []
        self.seen: list[str] = []

    def is_free(self, _value: Any) -> bool:
        return False

    def unsettled(self, key: Any, _value: Any) -> Callable[[], Awaitable[None]] | None:
        return None if str(key) in self.looked_up or not self._looks_up else lambda: self._look(key)

    async def _look(self, key: Any) -> None:
        await asyncio.sleep(0.5)
        self.looked_up.append(str(key))

    def before(self, key: Any) -> Any:
        return ForbiddenField("no") if str(key) in self.refused else MISSING

    def people(self, value: Any) -> list[Person]:
        return [] if value is None or value.partner is None else [value.partner]

    def given(self, value: Any, facts: Mapping[Any, Any]) -> Any:
        if value is None:
            return None
        self.seen.append(value.code)
        partner = facts.get(value.partner)
        if isinstance(partner, Exception):
            return partner
        return value if partner is None else Masked(value, {"name": f"with {partner.name}"})


def asked(work: Callable[[Register], Coroutine[Any, Any, None]], **declared: Any) -> Register:
    """Tell a story about a register in virtual time."""
    register = Register(**declared)
    virtual.run(work(register))
    return register


def request(door: Door, screen: Looking) -> Loaders:
    return Loaders(door.sources, screens={door.register.batch: screen})


async def names(loaders: Loaders, door: Door, *codes: str) -> list[Any]:
    return [said(row) for row in await loaders.load_many(door.register.batch, [Person(code) for code in codes])]


def test_records_from_a_call_and_from_the_cache_are_both_looked_at() -> None:
    async def story(register: Register) -> None:
        door = Door(register)
        for _ in range(2):
            screen = Looking(door)
            assert await names(request(door, screen), door, "a", "b") == ["a v0", "b v0"]
            assert sorted(screen.seen) == ["a", "b"]

    assert len(asked(story).calls) == 1


def test_a_key_that_may_not_be_asked_for_is_not_asked_for_even_if_it_is_known() -> None:
    async def story(register: Register) -> None:
        door = Door(register)
        await door.ask("b")
        assert await names(request(door, Looking(door, refused="ab")), door, "a", "b", "c") == ["ForbiddenField", "ForbiddenField", "c v0"]

    assert asked(story).asked("a") == 0


@pytest.mark.parametrize("is_warm", [False, True])
def test_what_must_be_looked_up_first_is_waited_for_before_anything_is_asked(is_warm: bool) -> None:  # noqa: FBT001 - a parameter
    async def story(register: Register) -> None:
        door = Door(register)
        if is_warm:
            await door.ask("a", "b")
        screen = Looking(door, consults=True, refused="b")
        assert await names(request(door, screen), door, "a", "b") == ["a v0", "ForbiddenField"]
        assert sorted(screen.looked_up) == ["a", "b"]

    assert asked(story).asked("b") == int(is_warm)


def test_a_record_that_is_wanted_for_itself_and_to_judge_another_is_asked_for_once_and_given_screened() -> None:
    async def story(register: Register) -> None:
        register.partners = {"a": "b", "b": "c"}
        door = Door(register)
        loaders = request(door, Looking(door, asks=True))
        assert await names(loaders, door, "a", "b") == ["with b v0", "with c v0"]
        assert loaders.tallies()["register"].keys == 3

    register = asked(story)
    assert [register.asked(code) for code in "abc"] == [1, 1, 1]


def test_facts_that_the_cache_holds_cost_no_call_and_no_turn_of_the_loop() -> None:
    async def story(register: Register) -> None:
        register.partners = {"a": "b"}
        door = Door(register)
        await door.ask("a", "b")
        (value,), coming = request(door, Looking(door, asks=True)).fetch(register.batch, [Person("a")])
        assert (said(value), coming) == ("with b v0", {})

    assert len(asked(story).calls) == 1


def test_facts_that_cannot_be_had_refuse_what_depends_on_them_alone() -> None:
    async def story(register: Register) -> None:
        register.partners = {"a": "b"}
        door = Door(register)
        await door.ask("a", "c")
        register.down = down()
        assert await names(request(door, Looking(door, asks=True)), door, "a", "c") == ["SystemUnavailable", "c v0"]

    asked(story)


def test_a_request_whose_time_is_over_is_given_what_is_kept_only_where_it_can_be_judged() -> None:
    async def story(register: Register) -> None:
        register.partners = {"a": "b"}
        door = Door(register, ttl_seconds=10.0, stale_if_error_seconds=1_000.0, stale_if_error_on=("timeout",))
        await door.ask("a", "b", "c")
        await asyncio.sleep(100)
        register.seconds = 60.0
        loaders = request(door, Looking(door, asks=True))
        waiting = asyncio.ensure_future(names(loaders, door, "a", "c"))
        await asyncio.sleep(1)
        loaders.expire()
        assert await waiting == ["OutOfTime", "c v0"]
        assert await names(loaders, door, "z") == ["OutOfTime"]
        loaders.leave()

    asked(story)


def test_what_is_wanted_to_judge_another_is_given_back_when_the_request_leaves() -> None:
    async def story(register: Register) -> None:
        register.partners = {"a": "b"}
        door = Door(register)
        await door.ask("a")
        loaders = request(door, Looking(door, asks=True))
        loaders.load(register.batch, Person("a")).add_done_callback(lambda future: future.cancelled() or future.exception())
        await asyncio.sleep(0.1)
        loaders.leave()
        await asyncio.sleep(5)
        assert door.admission.under_way == door.admission.waiting == 0

    asked(story, seconds=1.0)


def test_without_a_screen_nothing_stands_between_a_request_and_the_cache() -> None:
    async def story(register: Register) -> None:
        door = Door(register)
        loads = door.request().of(register.batch)
        assert loads.cached == loads.partition.get

    asked(story)


# ── masked records ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_masked_record_is_the_record_but_for_what_stands_instead() -> None:
    row = Row(code=Person("a"), name="x", partner=Person("b"))
    masked = Masked(row, {"name": "*", "partner": ForbiddenField("no")})

    assert (masked.code, masked.name) == ("a", "*")
    with pytest.raises(ForbiddenField):
        _ = masked.partner
    with pytest.raises(AttributeError):
        _ = masked.nothing_of_the_kind


def test_an_error_that_is_raised_often_does_not_grow() -> None:
    error = ForbiddenField("no")
    masked = Masked(None, {"name": error})
    lengths = set()
    for _ in range(5):
        with pytest.raises(ForbiddenField):
            _ = masked.name
        depth, trace = 0, error.__traceback__
        while trace is not None:
            depth, trace = depth + 1, trace.tb_next
        lengths.add(depth)

    assert len(lengths) == 1


def test_the_key_of_a_link_comes_from_the_record_itself_unless_the_link_is_masked_or_refused() -> None:
    row = Row(code=Person("a"), name="x", partner=Person("b"))

    def key(record: Any, more: str = "") -> str:
        return str(record.code) + more

    hidden = {"code": "*", "masked_link": None, "refused_link": ForbiddenField("no")}
    assert key_of(row, "link", key, {"more": "!"}) == key_of(Masked(row, hidden), "link", key, {"more": "!"}) == "a!"
    assert not isinstance(key_of(Masked(row, hidden), "masked_link", key, {}), str)
    with pytest.raises(ForbiddenField):
        key_of(Masked(row, hidden), "refused_link", key, {})
