"""The resolver cache: an answer is served for its time, counted from the start of its fetch, and no longer."""

from collections.abc import Mapping, Sequence

from graph.loading.batch import batch_many, batch_one
from graph.loading.cache import MISSING, ResolverCache
from graph.settings import BatchSettings
from graph.upstream.connection import Upstream
from graph.upstream.record import Record, wire
from tests.lines import REGISTER


class Row(Record):
    code: str = wire("MA")


@batch_one(REGISTER, max_keys=10)
async def row_by_code(_upstream: Upstream, _codes: Sequence[str]) -> Mapping[str, Row]:
    return {}


@batch_many(REGISTER, max_keys=10)
async def rows_by_owner(_upstream: Upstream, _owners: Sequence[str]) -> Mapping[str, tuple[Row, ...]]:
    return {}


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_an_answer_is_served_until_its_time_is_over() -> None:
    clock = Clock()
    cache = ResolverCache(row_by_code, BatchSettings(ttl_seconds=60), clock)
    cache.keep("a", Row(code="a"), fetched_at=clock.now)

    clock.now += 59.9
    assert cache.get("a") == Row(code="a")
    clock.now += 0.2
    assert cache.get("a") is MISSING


def test_time_counts_from_the_start_of_the_fetch() -> None:
    clock = Clock()
    cache = ResolverCache(row_by_code, BatchSettings(ttl_seconds=60), clock)

    cache.keep("a", Row(code="a"), fetched_at=clock.now - 59)
    cache.keep("b", Row(code="b"), fetched_at=clock.now - 61)

    assert cache.get("b") is MISSING
    clock.now += 2
    assert cache.get("a") is MISSING


def test_that_there_is_nothing_is_kept_for_a_time_of_its_own() -> None:
    clock = Clock()
    settings = BatchSettings(ttl_seconds=60, negative_ttl_seconds=5)
    one, many = ResolverCache(row_by_code, settings, clock), ResolverCache(rows_by_owner, settings, clock)
    one.keep("a", None, fetched_at=clock.now)  # type: ignore[arg-type]
    many.keep("a", (), fetched_at=clock.now)

    assert one.get("a") is None
    assert many.get("a") == ()
    clock.now += 5.1
    assert one.get("a") is MISSING
    assert many.get("a") is MISSING


def test_a_time_of_nought_keeps_nothing() -> None:
    cache = ResolverCache(row_by_code, BatchSettings(ttl_seconds=0), Clock())
    cache.keep("a", Row(code="a"), fetched_at=1_000.0)

    assert cache.get("a") is MISSING
    assert len(cache) == 0


def test_the_number_of_entries_is_bounded() -> None:
    cache = ResolverCache(row_by_code, BatchSettings(max_entries=3), Clock())
    for n in range(10):
        cache.keep(str(n), Row(code=str(n)), fetched_at=1_000.0)

    assert len(cache) == 3
    cache.clear()
    assert len(cache) == 0
