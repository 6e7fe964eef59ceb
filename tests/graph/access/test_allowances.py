"""What a consumer may use: never more than allowed with several workers or several machines, and never a query less for it."""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from graph.access.allowances import Meter
from graph.access.ledger import MINUTE, SLICE_SECONDS, Ledger
from graph.access.minute import ANSWER_SECONDS, LEFT_ALONE_SECONDS, SharedMinute
from graph.access.registry import Allowances, Consumer
from graph.access.usage import Usage
from graph.access_settings import AccessSettings, QuerySettings
from graph.errors import SettingsWrong, TooCostly
from graph.loading.budget import Budget
from tests.redis_server import RedisServer, redis_running
from tests.servers import free_port

# Whether the machine of a test is busy is not what most of them are about.
PATIENT = 10.0


class Clock:
    """A clock that a test turns."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def consumer(name: str = "office", **allowances: int) -> Consumer:
    return Consumer(
        name=name, organisation="An office", kind="state", purposes={}, priority="caseworker", allowances=Allowances(**allowances)
    )


class Metered:
    """A meter with all that it stands on."""

    def __init__(self, folder: Path, *, shared: SharedMinute | None = None, **settings: Any) -> None:
        self.clock = Clock()
        self.usage = Usage()
        self.ledger = Ledger(folder / "allowances", self.clock)
        self.meter = Meter(AccessSettings(**settings), self.ledger, self.usage, shared)

    def draw(self, who: Consumer | None, cost: int) -> TooCostly | None:
        drawn = self.meter.account(who).draw(cost)
        assert not isinstance(drawn, Awaitable)
        return drawn


# ── one process ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_consumer_runs_no_more_operations_at_once_than_it_may(tmp_path: Path) -> None:
    metered, who = Metered(tmp_path), consumer(concurrent=2)
    assert metered.meter.account(who).begin() is None
    assert metered.meter.account(who).begin() is None
    refusal = metered.meter.account(who).begin()
    assert isinstance(refusal, TooCostly)
    assert refusal.extensions() == {"code": "COST_EXCEEDED", "retryable": True, "retryAfterMs": 1_000}
    assert metered.meter.account(consumer("another", concurrent=1)).begin() is None
    metered.meter.account(who).end()
    assert metered.meter.account(who).begin() is None
    assert metered.usage.consumers["office"].beyond == {"concurrent": 1}


def test_no_minute_holds_more_cost_than_is_allowed_and_the_error_says_when_there_is_room(tmp_path: Path) -> None:
    metered, who = Metered(tmp_path), consumer(cost_per_minute=100)
    assert metered.draw(who, 60) is None
    metered.clock.now += 20
    assert metered.draw(who, 40) is None
    refusal = metered.draw(who, 50)
    assert isinstance(refusal, TooCostly)
    assert refusal.retry_after_ms is not None
    assert metered.usage.consumers["office"].cost == 100
    metered.clock.now += refusal.retry_after_ms / 1_000
    assert metered.draw(who, 50) is None


def test_a_query_that_no_minute_has_room_for_is_not_worth_trying_again(tmp_path: Path) -> None:
    refusal = Metered(tmp_path).draw(consumer(cost_per_minute=100), 101)
    assert isinstance(refusal, TooCostly)
    assert refusal.extensions()["retryable"] is False


def test_whoever_is_not_known_has_what_a_citizen_has_all_of_them_together(tmp_path: Path) -> None:
    metered = Metered(tmp_path, classes={"citizen": QuerySettings(cost_per_minute=10)})
    assert metered.draw(None, 6) is None
    assert isinstance(metered.draw(None, 6), TooCostly)
    assert metered.usage.consumers["anonymous"].cost == 6


def test_what_its_own_entry_says_goes_before_its_class(tmp_path: Path) -> None:
    meter = Metered(tmp_path, classes={"caseworker": QuerySettings(cost=7, persons=8)}).meter
    assert (meter.account(consumer(cost=3)).allowed.cost, meter.account(consumer(cost=3)).allowed.persons) == (3, 8)
    assert meter.account(consumer()).allowed.cost == 7


def test_a_query_that_may_cost_too_much_or_names_too_many_people_is_refused_with_estimate_and_limit(tmp_path: Path) -> None:
    meter, who = Metered(tmp_path).meter, consumer(cost=100, persons=2)
    assert meter.account(who).judged(100, 2) is None
    costly, crowded = meter.account(who).judged(101, 2), meter.account(who).judged(1, 3)
    assert str(costly) == "This query is estimated at 101, and at most 100 is allowed"
    assert str(crowded) == "This query is about 3 people, and at most 2 are allowed"


def test_the_budget_of_a_query_is_what_its_consumer_may_have(tmp_path: Path) -> None:
    metered = Metered(tmp_path)
    left = metered.meter.account(consumer(keys=3, calls=2)).budget()
    assert (left.keys, left.calls, left.enforced) == (3, 2, True)
    left.beyond.update({"keys", "calls"})
    metered.meter.account(consumer()).ended(left)
    assert metered.usage.consumers["office"].beyond == {"keys": 1, "calls": 1}


def test_where_limits_are_only_measured_nothing_is_refused_and_everything_counted(tmp_path: Path) -> None:
    metered = Metered(tmp_path, cost="measure")
    meter, who = metered.meter, consumer(concurrent=1, cost_per_minute=10, cost=5, persons=1)
    assert [meter.account(who).begin(), meter.account(who).begin()] == [None, None]
    assert metered.ledger.running("office") == 2
    assert [metered.draw(who, 8), metered.draw(who, 8)] == [None, None]
    assert meter.account(who).judged(6, 2) is None
    assert not meter.account(who).budget().enforced
    figures = metered.usage.consumers["office"]
    assert figures.beyond == {"concurrent": 1, "cost_per_minute": 1, "cost": 1, "persons": 1}
    assert figures.cost == 16


def test_a_changed_registry_counts_at_once(tmp_path: Path) -> None:
    metered = Metered(tmp_path)
    assert metered.draw(consumer(cost_per_minute=10), 10) is None
    assert isinstance(metered.draw(consumer(cost_per_minute=15), 10), TooCostly)
    assert metered.draw(consumer(cost_per_minute=20), 10) is None


# ── the file that workers share ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", range(20))
def test_no_minute_ever_holds_more_than_is_allowed_however_the_draws_come(tmp_path: Path, seed: int) -> None:
    random, clock = Random(seed), Clock()  # noqa: S311 - data of a test
    ledger = Ledger(tmp_path / "allowances", clock)
    drawn: list[tuple[float, int]] = []
    for _ in range(400):
        clock.now += random.choice([0.0, 0.1, 1.0, 7.0, random.random() * 30])
        cost = random.randint(1, 40)
        waits = ledger.draw("office", cost, 100)
        if not waits:
            drawn.append((clock.now, cost))
        assert sum(amount for at, amount in drawn if clock.now - MINUTE < at) <= 100
        if waits and random.random() < 0.3:
            clock.now += waits
            assert ledger.draw("office", cost, 100) == 0.0
            drawn.append((clock.now, cost))
    assert sum(amount for _, amount in drawn) > 100
    ledger.close()


def test_what_was_drawn_before_is_free_again_within_a_minute_and_a_slice(tmp_path: Path) -> None:
    clock = Clock()
    ledger = Ledger(tmp_path / "allowances", clock)
    assert ledger.draw("office", 100, 100) == 0.0
    assert 0 < ledger.draw("office", 1, 100) <= MINUTE + SLICE_SECONDS
    clock.now += MINUTE + SLICE_SECONDS
    assert ledger.draw("office", 100, 100) == 0.0


def test_a_clock_that_is_put_back_frees_nothing(tmp_path: Path) -> None:
    clock = Clock()
    first = Ledger(tmp_path / "allowances", clock)
    assert first.draw("office", 100, 100) == 0.0
    clock.now -= 3_600
    assert Ledger(tmp_path / "allowances", clock).draw("office", 1, 100) > 0


def test_consumers_are_told_apart_however_many_there_are(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "allowances", Clock())
    names = [f"consumer {number}" for number in range(3_000)]
    assert all(ledger.draw(name, 10, 10) == 0.0 for name in names)
    assert all(ledger.draw(name, 1, 10) > 0.0 for name in names)


def test_a_worker_that_is_begun_again_forgets_the_operations_of_the_one_that_died(tmp_path: Path) -> None:
    first, second = (Ledger(tmp_path / "allowances", Clock(), worker=number, workers=2) for number in range(2))
    assert [first.begin("office", 3), second.begin("office", 3), second.begin("office", 3)] == [True, True, True]
    assert first.begin("office", 3) is False
    Ledger(tmp_path / "allowances", Clock(), worker=1, workers=2)
    assert first.running("office") == 1


def test_more_workers_than_have_a_place_in_the_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at most 64 workers"):
        Ledger(tmp_path / "allowances", Clock(), worker=64, workers=65)


def _draw_all(file: Path, worker: int, rounds: int) -> int:
    ledger = Ledger(file, Clock(), worker=worker, workers=3)
    return sum(ledger.draw("office", 1, 2_000) == 0.0 for _ in range(rounds))


def test_several_workers_together_draw_exactly_what_is_allowed(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        drawn = pool.starmap(_draw_all, [(tmp_path / "allowances", worker, 1_500) for worker in range(3)])
    assert sum(drawn) == 2_000


# ── several machines ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_running() as running:
        yield running


class Told:
    """What was told of the shared counter."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def __call__(self, name: str, /, **_fields: Any) -> None:
        self.events.append(name)


async def drawn(metered: Metered, who: Consumer, cost: int) -> TooCostly | None:
    found = metered.meter.account(who).draw(cost)
    return await found if isinstance(found, Awaitable) else found


async def test_machines_that_share_a_redis_draw_from_one_allowance(server: RedisServer, tmp_path: Path) -> None:
    who = consumer(cost_per_minute=100)
    async with SharedMinute(server.url, seconds=PATIENT) as one, SharedMinute(server.url, seconds=PATIENT) as other:
        first, second = Metered(tmp_path / "1", shared=one), Metered(tmp_path / "2", shared=other)
        assert await drawn(first, who, 60) is None
        assert await drawn(second, who, 40) is None
        refusals = [await drawn(metered, who, 30) for metered in (first, second)]
    assert all(isinstance(refusal, TooCostly) and 0 < (refusal.retry_after_ms or 0) <= 61_000 for refusal in refusals)


async def test_an_allowance_in_redis_is_two_numbers_however_much_is_drawn(server: RedisServer, tmp_path: Path) -> None:
    async with SharedMinute(server.url, seconds=PATIENT) as shared:
        metered = Metered(tmp_path, shared=shared)
        assert await drawn(metered, consumer(cost_per_minute=5_000_000), 4_000_000) is None
        assert isinstance(await drawn(metered, consumer(cost_per_minute=5_000_000), 2_000_000), TooCostly)


async def test_without_its_redis_a_machine_counts_by_itself_and_says_so_once(tmp_path: Path) -> None:
    told, clock = Told(), Clock()
    shared = SharedMinute(f"redis://127.0.0.1:{free_port()}/0", clock=clock, tell=told)
    metered, who = Metered(tmp_path, shared=shared), consumer(cost_per_minute=100)
    async with shared:
        assert await drawn(metered, who, 60) is None
        assert metered.draw(who, 40) is None  # for a while it is not even asked
        clock.now += LEFT_ALONE_SECONDS
        assert isinstance(await drawn(metered, who, 40), TooCostly)
    assert told.events == ["allowances_alone"]


async def test_when_its_redis_stands_still_no_query_waits_for_it_and_when_it_is_back_it_counts_again(
    server: RedisServer, tmp_path: Path
) -> None:
    told, clock = Told(), Clock()
    async with SharedMinute(server.url, clock=clock, tell=told) as shared:
        metered, who = Metered(tmp_path, shared=shared), consumer(cost_per_minute=100)
        server.pause()
        async with asyncio.timeout(10 * ANSWER_SECONDS + 5):
            assert await drawn(metered, who, 10) is None
        server.resume()
        clock.now += LEFT_ALONE_SECONDS
        for _ in range(50):  # on a busy machine a server may take longer to answer than a gateway waits for it
            await drawn(metered, who, 0)
            clock.now += LEFT_ALONE_SECONDS
            if "allowances_shared" in told.events:
                break
        assert await drawn(metered, who, 10) is None
    assert told.events == ["allowances_alone", "allowances_shared"]


def test_an_address_that_cannot_be_one_stops_the_start() -> None:
    with pytest.raises(SettingsWrong, match=r"access\.limits_url"):
        SharedMinute("nowhere")


def test_a_budget_that_is_made_for_a_query_holds_nothing_of_another(tmp_path: Path) -> None:
    meter = Metered(tmp_path).meter
    one, other = meter.account(None).budget(), meter.account(None).budget()
    assert isinstance(one, Budget)
    one.asks("register")
    assert other.keys == one.keys + 1
