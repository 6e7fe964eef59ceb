"""The loaders of one request: a key is asked for once, calls run side by side, a failure stays with its own keys."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from graph.errors import SystemUnavailable
from graph.loading.batch import Batch, batch_one
from graph.loading.cache import ResolverCache
from graph.loading.loaders import Loaders, Sources
from graph.settings import BatchSettings
from graph.upstream.connection import Upstream
from graph.upstream.record import Record, wire
from tests.lines import REGISTER, line, lines


class Row(Record):
    code: str = wire("MA")


class Register:
    """A register in memory that notes how it was asked."""

    def __init__(self, max_keys: int = 3) -> None:
        self.asked: list[list[str]] = []
        self.down: set[str] = set()
        self.open = asyncio.Event()
        self.open.set()
        self.reached = asyncio.Event()

        @batch_one(REGISTER, max_keys=max_keys)
        async def row_by_code(_upstream: Upstream, codes: Sequence[str]) -> Mapping[str, Row]:
            self.asked.append(list(codes))
            self.reached.set()
            await self.open.wait()
            if self.down & set(codes):
                raise SystemUnavailable("register", "is down")
            return {code: Row(code=code) for code in codes if code != "nobody"}

        self.batch: Batch[str, Row] = row_by_code
        self.upstream = line(lambda _request: pytest.fail("no call was expected"))
        cache = ResolverCache(self.batch, BatchSettings())
        self.sources = Sources(lines({"register": self.upstream}), {self.batch: cache})


async def test_a_key_is_asked_for_once_however_often_it_is_named() -> None:
    register = Register()
    loaders = Loaders(register.sources)

    rows = await asyncio.gather(*(loaders.load(register.batch, code) for code in "abaab"))

    assert [row.code for row in rows] == list("abaab")
    assert register.asked == [["a", "b"]]


async def test_many_keys_go_out_in_as_few_calls_as_allowed() -> None:
    register = Register(max_keys=3)
    loaders = Loaders(register.sources)

    rows = await loaders.load_many(register.batch, list("abcdefg"))

    assert [row.code for row in rows] == list("abcdefg")
    assert sorted(map(len, register.asked)) == [1, 3, 3]
    assert (loaders.tallies()["register"].calls, loaders.tallies()["register"].keys) == (3, 7)


async def test_what_does_not_exist_is_none() -> None:
    register = Register()

    assert await Loaders(register.sources).load(register.batch, "nobody") is None


async def test_the_next_request_is_answered_from_the_cache_also_that_there_is_nothing() -> None:
    register = Register()
    await Loaders(register.sources).load_many(register.batch, ["a", "nobody"])

    loaders = Loaders(register.sources)
    assert await loaders.load_many(register.batch, ["a", "nobody"]) == [Row(code="a"), None]
    assert len(register.asked) == 1
    assert (loaders.tallies()["register"].calls, loaders.tallies()["register"].cached) == (0, 2)


async def test_a_call_that_fails_takes_nothing_from_the_others() -> None:
    register = Register(max_keys=1)
    register.down = {"b"}
    loaders = Loaders(register.sources)

    a, b, c = await loaders.load_many(register.batch, list("abc"))

    assert (a, c) == (Row(code="a"), Row(code="c"))
    assert isinstance(b, SystemUnavailable)


async def test_a_failure_is_never_kept() -> None:
    register = Register()
    register.down = {"a"}
    with pytest.raises(SystemUnavailable):
        await Loaders(register.sources).load(register.batch, "a")

    register.down = set()
    assert await Loaders(register.sources).load(register.batch, "a") == Row(code="a")


@pytest.mark.parametrize("leaves", [0, 1, 2])
async def test_one_who_stops_waiting_takes_nothing_from_the_others(leaves: int) -> None:
    register = Register()
    register.open.clear()
    loaders = Loaders(register.sources)

    async def wait() -> Row:
        row: Row = await loaders.load(register.batch, "a")
        return row

    waiting = [asyncio.create_task(wait()) for _ in range(3)]
    await register.reached.wait()
    waiting[leaves].cancel()
    register.open.set()
    rows = await asyncio.gather(*waiting, return_exceptions=True)

    assert [isinstance(row, asyncio.CancelledError) for row in rows] == [n == leaves for n in range(3)]
    assert await loaders.load(register.batch, "a") == Row(code="a")


async def test_a_fault_in_a_batch_function_reaches_those_who_asked() -> None:
    register = Register()

    async def broken(_upstream: Upstream, _codes: Sequence[str]) -> Mapping[str, Row]:
        raise KeyError("x")

    batch = Batch(REGISTER, "broken", broken, 3, many=False, key_type=str, record=Row)
    sources = Sources(lines({"register": register.upstream}), {batch: ResolverCache(batch, BatchSettings())})

    with pytest.raises(KeyError):
        await Loaders(sources).load(batch, "a")
