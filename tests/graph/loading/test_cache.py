"""The resolver cache: an answer is served for its time, counted from the start of its fetch, and every knob counts at once."""

import asyncio
from typing import Any

import msgspec
import pytest

from graph.errors import SystemRefused, SystemThrottled, SystemTimedOut, SystemUnavailable, Theirs
from graph.loading.batch import batch_many
from graph.loading.cache import MISSING, Partition, ResolverCache
from graph.loading.sharing import EVERYBODY
from graph.settings import BatchSettings
from graph.shared.packing import Kept, packer
from tests import virtual
from tests.graph.loading.register import REGISTER, Door, Person, Register, Row, down


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def kept(clock: Clock, **knobs: Any) -> Partition[Any, Any]:
    """Make an empty cache and return what everybody has of it."""
    return Partition(ResolverCache(Register().batch, BatchSettings(**{"jitter": 0, **knobs}), clock), EVERYBODY)


def row(code: str, name: str = "name") -> Row:
    return Row(code=Person(code), name=name, partner=None)


def test_an_answer_is_served_until_its_time_is_over() -> None:
    clock = Clock()
    cache = kept(clock, ttl_seconds=60)
    cache.keep("a", row("a"), started=clock.now)

    clock.now += 59.9
    assert cache.get("a") == row("a")
    clock.now += 0.2
    assert cache.get("a") is MISSING


def test_time_counts_from_the_start_of_the_fetch() -> None:
    clock = Clock()
    cache = kept(clock, ttl_seconds=60)

    cache.keep("a", row("a"), started=clock.now - 59)
    cache.keep("b", row("b"), started=clock.now - 61)

    assert cache.get("b") is MISSING
    clock.now += 2
    assert cache.get("a") is MISSING


def test_an_older_answer_that_comes_late_does_not_replace_a_younger_one() -> None:
    clock = Clock()
    cache = kept(clock)
    cache.keep("a", row("a", "young"), started=clock.now - 1)
    cache.keep("a", row("a", "old"), started=clock.now - 5)

    assert cache.get("a") == row("a", "young")


def test_jitter_only_ever_shortens_a_life() -> None:
    clock = Clock()
    cache = kept(clock, ttl_seconds=100, jitter=0.1)
    for number in range(500):
        cache.keep(str(number), row(str(number)), started=clock.now)

    clock.now += 89.9
    assert all(cache.get(str(number)) is not MISSING for number in range(500))
    clock.now += 5.1
    assert 100 < sum(cache.get(str(number)) is not MISSING for number in range(500)) < 400
    clock.now += 5.1
    assert all(cache.get(str(number)) is MISSING for number in range(500))


def test_that_there_is_nothing_is_kept_for_a_time_of_its_own() -> None:
    @batch_many(REGISTER, max_keys=10)
    async def rows_by_owner(_upstream: Any, _owners: Any) -> "dict[str, tuple[Row, ...]]":
        return {}

    clock = Clock()
    settings = BatchSettings(ttl_seconds=60, negative_ttl_seconds=5, jitter=0)
    one, many = (Partition(ResolverCache(batch, settings, clock), EVERYBODY) for batch in (Register().batch, rows_by_owner))
    one.keep("a", None, started=clock.now)
    many.keep("a", (), started=clock.now)

    assert one.get("a") is None
    assert many.get("a") == ()
    assert one.cache.figures.negative_hits == 1
    clock.now += 5.1
    assert one.get("a") is MISSING
    assert many.get("a") is MISSING


def test_a_time_of_nought_keeps_nothing() -> None:
    cache = kept(Clock(), ttl_seconds=0)
    cache.keep("a", row("a"), started=1_000_000.0)

    assert cache.get("a") is MISSING
    assert len(cache.cache) == 0


@pytest.mark.parametrize("eviction", ["s3fifo", "lru", "lfu"])
def test_entries_weigh_no_more_together_than_allowed(eviction: str) -> None:
    cache = kept(Clock(), max_bytes=100_000, eviction=eviction)
    for number in range(1_000):
        cache.keep(str(number), row(str(number)), started=1_000_000.0)

    figures = cache.cache.report()
    assert 50_000 < figures.bytes <= 100_000
    assert figures.entries + figures.evictions == 1_000
    cache.cache.clear()
    assert len(cache.cache) == 0


def test_an_entry_that_is_too_large_is_not_kept_and_takes_its_older_self_with_it() -> None:
    clock = Clock()
    cache = kept(clock, max_entry_bytes=10_000)
    cache.keep("a", row("a"), started=clock.now - 1)
    cache.keep("a", row("a", "x" * 20_000), started=clock.now)

    assert cache.get("a") is MISSING
    assert cache.cache.figures.too_large == 1


def test_every_knob_counts_at_once_also_for_what_is_there() -> None:
    clock = Clock()
    cache = kept(clock, ttl_seconds=60)
    for number in range(100):
        cache.keep(str(number), row(str(number)), started=clock.now)

    def turn(**knobs: Any) -> None:
        cache.cache.retune(msgspec.structs.replace(cache.cache.settings, **knobs))

    clock.now += 100
    turn(ttl_seconds=200)
    assert cache.get("1") is not MISSING
    turn(longest_ttl_seconds=50)
    assert cache.get("1") is MISSING
    turn(longest_ttl_seconds=1_000)
    cache.keep("1", row("1"), started=clock.now - 100)
    for eviction in ("lru", "lfu", "s3fifo"):
        turn(eviction=eviction)
        assert cache.get("1") is not MISSING
    turn(max_bytes=65_536)
    turn(jitter=0.5, ttl_seconds=100.0)
    assert sum(cache.get(str(number)) is not MISSING for number in range(100)) == 0


def test_an_answer_past_its_time_is_served_while_it_is_fetched_anew() -> None:
    async def story() -> None:
        register = Register(seconds=1.0)
        door = Door(register, ttl_seconds=60, jitter=0, stale_while_revalidate_seconds=30)
        await door.ask("a")
        register.versions["a"] = 1
        await asyncio.sleep(70)

        began = asyncio.get_running_loop().time()
        [stale] = await door.ask("a")
        assert (stale.name, stale.provenance.stale) == ("a v0", True)
        assert asyncio.get_running_loop().time() == began
        await door.ask("a")
        await asyncio.sleep(1.1)
        [fresh] = await door.ask("a")
        assert (fresh.name, fresh.provenance.stale, fresh.provenance.age_seconds) == ("a v1", False, 1)
        assert len(register.calls) == 2
        assert (door.cache.figures.stale_hits, door.cache.figures.refreshes) == (2, 1)

        await asyncio.sleep(95)
        assert await door.names("a") == ["a v1"]
        assert len(register.calls) == 3
        assert door.cache.figures.stale_hits == 2

    virtual.run(story())


OUTCOMES: list[tuple[type[Theirs], bool]] = [
    (SystemTimedOut, True),
    (SystemUnavailable, True),
    (SystemThrottled, True),
    (SystemRefused, False),
]


@pytest.mark.parametrize(("error", "serves"), OUTCOMES)
def test_tc5_in_an_outage_a_stale_answer_is_served_for_allowed_outcomes_and_ages_alone(error: type[Theirs], *, serves: bool) -> None:
    async def story() -> None:
        register = Register()
        door = Door(register, ttl_seconds=60, jitter=0, stale_if_error_seconds=900)
        register.absent = {"nobody"}
        await door.ask("a", "nobody")
        register.down = down(error)
        await asyncio.sleep(61)
        assert await door.names("a", "nobody", "b") == ["a v0" if serves else error.__name__, error.__name__, error.__name__]
        if serves:
            [stale] = await door.ask("a")
            assert stale.provenance.stale
        await asyncio.sleep(890)
        assert await door.names("a") == ["a v0" if serves else error.__name__]
        await asyncio.sleep(20)
        assert await door.names("a") == [error.__name__]

    virtual.run(story())


def test_tc5_an_outcome_that_the_settings_leave_out_serves_nothing_stale() -> None:
    async def story() -> None:
        register = Register()
        door = Door(register, ttl_seconds=60, stale_if_error_seconds=900, stale_if_error_on=("timeout",))
        await door.ask("a")
        register.down = down(SystemUnavailable)
        await asyncio.sleep(61)
        assert await door.names("a") == ["SystemUnavailable"]
        register.down = down(SystemTimedOut)
        assert await door.names("a") == ["a v0"]
        assert door.cache.figures.stale_on_error == 1

    virtual.run(story())


def test_tc5_that_there_is_nothing_is_the_systems_answer_and_takes_the_stale_record_with_it() -> None:
    async def story() -> None:
        register = Register()
        door = Door(register, ttl_seconds=60, negative_ttl_seconds=1, stale_if_error_seconds=900)
        await door.ask("a")
        register.absent = {"a"}
        await asyncio.sleep(61)
        assert await door.names("a") == [None]
        await asyncio.sleep(2)
        register.down = down()
        assert await door.names("a") == ["SystemUnavailable"]

    virtual.run(story())


def test_provenance_tells_system_age_and_message() -> None:
    async def story() -> None:
        register = Register(seconds=2.0)
        register.message_id = "m-1"
        door = Door(register)
        [first] = await door.ask("a")
        await asyncio.sleep(10)
        [again] = await door.ask("a")
        assert again is first
        told = again.provenance
        assert (told.system, told.message_id, told.age_seconds, told.stale) == ("register", "m-1", 12, False)
        assert told.fetched_at.timestamp() == 1_000_000.0

    virtual.run(story())


def test_where_a_record_comes_from_does_not_make_it_another_record() -> None:
    async def story() -> None:
        [one], [other] = [await Door(Register()).ask("a") for _ in range(2)]
        assert one.provenance is not other.provenance
        assert one == other == row("a", "a v0")
        assert one != row("a", "a v1")

    virtual.run(story())


# ── "not yet" ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_first(record: Row) -> bool:
    """Take a record for provisional until the register has said something else."""
    return record.name.endswith("v0")


def test_a_provisional_answer_is_kept_no_longer_than_there_is_none() -> None:
    async def story() -> None:
        register = Register(provisional=is_first)
        door = Door(register, ttl_seconds=60, negative_ttl_seconds=5, jitter=0)
        assert await door.names("a") == ["a v0"]
        await asyncio.sleep(4.9)
        assert await door.names("a") == ["a v0"]
        assert len(register.calls) == 1

        register.versions["a"] = 1
        await asyncio.sleep(0.2)
        assert await door.names("a") == ["a v1"]
        await asyncio.sleep(59)
        assert await door.names("a") == ["a v1"]
        assert len(register.calls) == 2

    virtual.run(story())


def test_a_provisional_answer_lives_no_longer_than_any_other() -> None:
    async def story() -> None:
        register = Register(provisional=is_first)
        door = Door(register, ttl_seconds=2, negative_ttl_seconds=60, jitter=0)
        await door.ask("a")
        await asyncio.sleep(2.1)
        await door.ask("a")
        assert len(register.calls) == 2

    virtual.run(story())


def test_a_provisional_answer_is_never_served_past_its_time() -> None:
    async def story() -> None:
        register = Register(provisional=is_first)
        door = Door(
            register, ttl_seconds=60, negative_ttl_seconds=5, jitter=0, stale_while_revalidate_seconds=900, stale_if_error_seconds=900
        )
        register.versions["lasting"] = 1
        await door.ask("a", "lasting")
        await asyncio.sleep(61)
        register.versions["a"] = 1
        register.down = down()

        assert await door.names("a", "lasting") == ["SystemUnavailable", "lasting v1"]
        register.down = None
        [ready] = await door.ask("a")
        assert (ready.name, ready.provenance.stale) == ("a v1", False)

    virtual.run(story())


def test_a_provisional_answer_is_an_answer_and_no_there_is_none() -> None:
    async def story() -> None:
        door = Door(Register(provisional=is_first))
        await door.ask("a")
        [pending] = await door.ask("a")
        assert (door.cache.figures.hits, door.cache.figures.negative_hits) == (1, 0)
        assert not pending.provenance.stale

    virtual.run(story())


def test_a_list_is_provisional_when_one_of_its_records_is() -> None:
    @batch_many(REGISTER, max_keys=10, provisional=is_first)
    async def rows_by_owner(_upstream: Any, _owners: Any) -> "dict[str, tuple[Row, ...]]":
        return {}

    assert rows_by_owner.is_provisional((row("a", "v1"), row("b", "v0")))
    assert not rows_by_owner.is_provisional((row("a", "v1"),))
    assert not rows_by_owner.is_provisional(())


def test_what_came_after_a_provisional_answer_says_nothing_about_how_often_records_change() -> None:
    clock = Clock()
    batch = Register(provisional=is_first).batch
    cache = Partition(ResolverCache(batch, BatchSettings(jitter=0), clock), EVERYBODY)
    for name in ("v0", "v0", "v1", "v1", "v2"):
        clock.now += 1
        cache.keep("a", row("a", name), started=clock.now)

    changes = cache.cache.whatif.curves().changes
    assert (changes.unchanged, sum(changes.changed)) == (1, 1)


class Pouch:
    """A shared tier in memory that keeps answers as the real one packs them."""

    def __init__(self) -> None:
        self.packed: dict[Any, bytes] = {}

    async def fetch(self, partition: Partition[Any, Any], keys: Any) -> None:
        for key in keys:
            if key in self.packed:
                kept = packer(partition.cache.batch).unpack(self.packed[key])
                partition.keep(key, kept.value, started=kept.started, cost=kept.cost)

    def store(self, partition: Partition[Any, Any], keys: Any) -> None:
        entries = {key: entry for key in keys if (entry := partition.entry(key)) is not None}
        self.packed |= {key: packer(partition.cache.batch).pack(Kept(entry.value, entry.started)) for key, entry in entries.items()}


def test_a_provisional_answer_of_another_process_is_provisional_here_as_well() -> None:
    async def story() -> None:
        register, pouch = Register(provisional=is_first), Pouch()
        one, other = (Door(register, tier=pouch, ttl_seconds=60, negative_ttl_seconds=5, jitter=0, early_refresh=0) for _ in range(2))
        await one.ask("a")
        await asyncio.sleep(3)
        assert await other.names("a") == ["a v0"]
        assert len(register.calls) == 1

        register.versions["a"] = 1
        await asyncio.sleep(3)
        assert await other.names("a") == ["a v1"]
        assert len(register.calls) == 2

    virtual.run(story())
