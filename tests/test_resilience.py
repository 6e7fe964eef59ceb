"""Slow, broken and limited agencies, on the whole stack in virtual time: what each may cost, and how soon it is over (T-R1 to T-R6)."""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine
from itertools import cycle, islice
from typing import Any

import msgspec
import pytest

from graph.system_settings import CalendarSettings, QuotaSettings, SystemSettings
from sandbox import personas
from sandbox.families import FATHER, SEATS
from sandbox.world import World
from tests import virtual
from tests.stack import NOTHING_KEPT, Heard, Stack, percentile, stack

CITIZEN = "query($id: PersonalId!) { citizen(id: $id) { personalId fullName } }"
BUSINESS = "query($code: BusinessCode!) { business(code: $code) { code name } }"
NEARLY_NOTHING = msgspec.structs.replace(NOTHING_KEPT, ttl_seconds=1e-9)


def people(count: int) -> list[str]:
    """Name fathers of different families."""
    world = World(2026)
    return [world.people.personal_id(family * SEATS + FATHER) for family in islice(range(20_000), count)]


class Arrivals:
    """Citizens, and others, who come by chance and do not wait for one another; everybody asks for somebody else."""

    def __init__(self, stack: Stack, seed: int = 1) -> None:
        self.stack = stack
        self.draws = random.Random(seed)  # noqa: S311 - load is drawn, nothing is guarded by it
        self.ids = cycle(people(5_000))
        self.heard: list[tuple[float, str, Heard]] = []

    async def come(self, per_second: float, seconds: float, **headers: str) -> None:
        """Let requests come for a while, and wait until all are answered."""
        loop = asyncio.get_running_loop()
        until, waiting = loop.time() + seconds, []
        while loop.time() < until:
            await asyncio.sleep(self.draws.expovariate(per_second))
            waiting.append(asyncio.ensure_future(self._one(loop.time(), headers)))
        await asyncio.gather(*waiting)

    async def _one(self, at: float, headers: dict[str, Any]) -> None:
        personal_id = next(self.ids)
        heard = await self.stack.ask(CITIZEN, {"id": personal_id}, **headers)
        who = headers.get("x_priority", "citizen")
        self.heard.append((at, who, heard))
        told = heard.answer.get("data") and heard.answer["data"]["citizen"]
        assert told is None or told["personalId"] == personal_id

    def since(self, moment: float, who: str = "citizen") -> list[Heard]:
        """Return what those heard who came after a moment."""
        return [heard for at, whose, heard in self.heard if whose == who and at >= moment]


def answered(heard: list[Heard]) -> float:
    """Return the share of requests that were answered in full."""
    return sum(one.status == 200 and "errors" not in one.answer for one in heard) / len(heard)


def roomy(system: SystemSettings) -> SystemSettings:
    """Let a system have as many connections as the population system."""
    return msgspec.structs.replace(system, max_connections=64)


def run(story: Coroutine[Any, Any, None]) -> None:
    virtual.run(story)


@pytest.mark.parametrize("fault", [{"kind": "status", "code": 500}, {"kind": "hang"}, {"kind": "reset"}])
def test_tr1_a_system_that_fails_altogether_is_asked_hardly_more_than_without_retries_and_is_back_soon(fault: dict[str, Any]) -> None:
    async def story() -> None:
        async with stack(latency="office", systems=roomy) as all_of_it:
            arrivals, loop = Arrivals(all_of_it), asyncio.get_running_loop()
            await arrivals.come(8, 20)
            await all_of_it.fault("population", **fault)
            began = all_of_it.admissions["population"].report()
            calls, extra = began.calls, began.retries + began.extra_calls
            outage = asyncio.ensure_future(arrivals.come(8, 300))
            await asyncio.sleep(300)
            after = all_of_it.admissions["population"].report()
            made, beyond = after.calls - calls, after.retries + after.extra_calls - extra
            assert made / (made - beyond) <= 1.11
            assert made <= 0.2 * 8 * 300
            await all_of_it.heal("population")
            healed = loop.time()
            await asyncio.gather(outage, arrivals.come(8, 60))
            assert answered(arrivals.since(healed + 30)) >= 0.95
            assert {code for heard in arrivals.since(0) for code in heard.codes} <= {
                "UPSTREAM_UNAVAILABLE", "UPSTREAM_TIMEOUT", "DEADLINE_EXCEEDED", "SHED"
            }  # fmt: skip

    run(story())


def test_tr2_when_a_system_works_on_four_calls_at_once_instead_of_twenty_the_limit_follows_and_nothing_is_lost_by_it() -> None:
    async def story() -> None:
        async with stack(systems=roomy) as all_of_it:
            arrivals, limit = Arrivals(all_of_it), all_of_it.admissions["population"].limit
            await all_of_it.bound("population", 20, 150)
            await arrivals.come(10, 10)
            await arrivals.come(100, 20)
            await all_of_it.bound("population", 4, 150)
            flood = asyncio.ensure_future(arrivals.come(40, 60))
            await asyncio.sleep(30)
            assert limit.now <= 12
            before = await all_of_it.calls("population")
            await asyncio.sleep(30)
            done = await all_of_it.calls("population") - before
            assert limit.now <= 12
            assert done >= 0.9 * 4 * 30 / 0.1505
            await flood

    run(story())


def test_tr3_jobs_of_the_night_twelve_times_as_many_as_can_be_done_cost_citizens_hardly_anything() -> None:
    async def story() -> None:
        async with stack(systems=roomy) as all_of_it:
            await all_of_it.bound("population", 16, 150)
            alone = Arrivals(all_of_it)
            await alone.come(10, 20)
            usual = percentile([heard.seconds for heard in alone.since(5)], 0.99)
            arrivals, began = Arrivals(all_of_it, seed=2), asyncio.get_running_loop().time()
            jobs = Arrivals(all_of_it, seed=3)
            flood = asyncio.ensure_future(jobs.come(12 * 16 / 0.15 / 4, 30, x_priority="batch"))
            await arrivals.come(10, 30)
            citizens = arrivals.since(began + 3)
            assert answered(citizens) >= 0.999
            assert percentile([heard.seconds for heard in citizens], 0.99) <= 1.5 * usual
            await flood
            sent_away = [heard for heard in jobs.since(0, "batch") if "errors" in heard.answer]
            assert sent_away
            assert {code for heard in sent_away for code in heard.codes} <= {"SHED", "DEADLINE_EXCEEDED"}
            healthy = Arrivals(all_of_it, seed=4)
            await asyncio.sleep(5)
            await healthy.come(10, 10)
            assert answered(healthy.since(0)) == 1.0

    run(story())


def test_tr4_a_system_that_hangs_costs_the_others_nothing() -> None:
    async def story() -> None:
        async with stack(latency="office") as all_of_it:
            world = World(2026)
            codes = [world.companies.code(number) or personas.AN_PHAT for number in range(2_000)]

            async def businesses(count: int) -> list[float]:
                took = []
                for number in range(count):
                    heard = await all_of_it.ask(BUSINESS, {"code": codes[number]})
                    assert "errors" not in heard.answer
                    took.append(heard.seconds)
                return took

            usual = await businesses(300)
            await all_of_it.fault("population", "hang")
            arrivals = Arrivals(all_of_it)
            hanging = asyncio.ensure_future(arrivals.come(20, 60))
            beside = await businesses(300)
            await hanging
            assert sorted(beside)[-4] <= 1.05 * max(usual)
            assert percentile(beside, 0.5) <= 1.05 * percentile(usual, 0.5)
            assert answered(arrivals.since(0)) == 0.0
            assert max(heard.seconds for heard in arrivals.since(0)) <= 10.05
            assert all_of_it.admissions["population"].under_way <= 16

    run(story())


@pytest.mark.parametrize("seed", range(3))
def test_tr5_no_call_starts_or_ends_after_the_time_of_all_who_wait_for_it(seed: int) -> None:
    async def story() -> None:
        draws = random.Random(seed)  # noqa: S311 - requests are drawn, nothing is guarded by it
        async with stack(latency="bad") as all_of_it:
            loop, ids = asyncio.get_running_loop(), people(12)
            until: dict[str, float] = {}
            late: list[str] = []

            async def one() -> None:
                await asyncio.sleep(draws.random() * 20)
                personal_id, seconds = draws.choice(ids), draws.choice([0.05, 0.3, 1.0, 2.5])
                until[personal_id] = max(until.get(personal_id, 0.0), loop.time() + seconds)
                leaves = draws.choice([None, None, seconds / 2])
                heard = await all_of_it.ask(CITIZEN, {"id": personal_id}, leaves_after=leaves, x_request_timeout=str(seconds))
                assert heard.seconds <= seconds + 0.05
                if heard.status == 200 and heard.answer["data"]["citizen"] is None:
                    assert heard.codes <= {"DEADLINE_EXCEEDED", "SHED", "UPSTREAM_UNAVAILABLE", "UPSTREAM_TIMEOUT"}

            async def watch() -> None:
                """Look whether anything goes on that nobody has time for any more."""
                while True:
                    await asyncio.sleep(0.01)
                    under_way = all_of_it.admissions["population"].under_way
                    if under_way and all(moment + 0.05 < loop.time() for moment in until.values()):
                        late.append(f"{under_way} at {loop.time()}")

            watching = asyncio.ensure_future(watch())
            await asyncio.gather(*(one() for _ in range(150)))
            await asyncio.sleep(1)
            watching.cancel()
            assert late == []
            assert all_of_it.admissions["population"].under_way == 0
            assert all_of_it.admissions["population"].waiting == 0

    run(story())


def test_tr6_a_system_never_gets_more_calls_in_a_minute_than_its_contract_allows() -> None:
    def metered(system: SystemSettings) -> SystemSettings:
        return msgspec.structs.replace(system, quota=QuotaSettings(per_minute=30, kept_for_interactive=0.5))

    async def story() -> None:
        async with stack(systems=metered) as all_of_it:
            arrivals, jobs = Arrivals(all_of_it), Arrivals(all_of_it, seed=9)
            await asyncio.gather(arrivals.come(2, 20), jobs.come(4, 20, x_priority="batch"))
            # Quotas go by the clock on the wall, which stands still in virtual time: all of this is one window.
            assert await all_of_it.calls("population") == 30
            figures = all_of_it.admissions["population"].report()
            assert [(quota.allowed, quota.used) for quota in figures.quotas] == [(30, 30)]
            refused = Counter(code for heard in jobs.since(0, "batch") for code in heard.codes)
            assert refused.keys() == {"UPSTREAM_THROTTLED"}
            assert answered(jobs.since(0, "batch")) <= 15 / len(jobs.heard)

    run(story())


def test_a_client_that_leaves_frees_what_only_it_was_waiting_for() -> None:
    async def story() -> None:
        async with stack() as all_of_it:
            await all_of_it.fault("population", "hang")
            admission = all_of_it.admissions["population"]
            first = asyncio.ensure_future(all_of_it.ask(CITIZEN, {"id": personas.THU}, leaves_after=1.0))
            both = asyncio.ensure_future(all_of_it.ask(CITIZEN, {"id": personas.MAI}, leaves_after=1.0))
            stays = asyncio.ensure_future(all_of_it.ask(CITIZEN, {"id": personas.MAI}, x_request_timeout="3"))
            await asyncio.sleep(0.5)
            assert admission.under_way == 2
            assert [heard.status for heard in await asyncio.gather(first, both)] == [0, 0]
            await asyncio.sleep(0.01)
            assert admission.under_way == 1
            heard = await stays
            assert heard.codes == {"DEADLINE_EXCEEDED"}
            assert heard.seconds == pytest.approx(3.0, abs=0.01)
            await asyncio.sleep(0.01)
            assert admission.under_way == 0
            assert admission.report().outcomes == {"DEADLINE_EXCEEDED": 2}

    run(story())


def test_what_is_kept_is_served_where_time_is_over_or_a_system_is_left_alone() -> None:
    async def story() -> None:
        keeps = msgspec.structs.replace(NEARLY_NOTHING, stale_if_error_seconds=3_600)
        async with stack(keeps=keeps) as all_of_it:
            ask = "query($id: PersonalId!) { citizen(id: $id) { fullName provenance { stale } } }"
            fresh = await all_of_it.ask(ask, {"id": personas.THU})
            for fault in ({"kind": "hang"}, {"kind": "status", "code": 500}):
                await all_of_it.fault("population", **fault)
                heard = await all_of_it.ask(ask, {"id": personas.THU}, x_request_timeout="0.5")
                assert "errors" not in heard.answer
                assert heard.answer["data"]["citizen"] == {**fresh.answer["data"]["citizen"], "provenance": {"stale": True}}
            all_of_it.admissions["population"].drain()
            drained = await all_of_it.ask(ask, {"id": personas.THU})
            assert drained.answer["data"]["citizen"]["provenance"] == {"stale": True}

    run(story())


def test_a_closed_system_says_when_it_opens_and_the_rest_is_answered() -> None:
    def closed(system: SystemSettings) -> SystemSettings:
        return msgspec.structs.replace(system, calendar=CalendarSettings(maintenance=("daily 00:00-00:00",)))

    async def story() -> None:
        async with stack(systems=lambda system: closed(system) if "population" in system.url else system) as all_of_it:
            both = "query($id: PersonalId!, $code: BusinessCode!) { citizen(id: $id) { fullName } business(code: $code) { code } }"
            heard = await all_of_it.ask(both, {"id": personas.THU, "code": personas.AN_PHAT})
            assert heard.answer["data"] == {"citizen": None, "business": {"code": personas.AN_PHAT}}
            [error] = heard.answer["errors"]
            assert error["message"] == "The population system is closed at this hour"
            assert error["extensions"]["retryable"] is True
            assert error["extensions"]["retryAfterMs"] > 0
            assert await all_of_it.calls("population") == 0

    run(story())


def test_a_system_that_names_a_time_is_not_called_before() -> None:
    async def story() -> None:
        async with stack() as all_of_it:
            await all_of_it.fault("population", "status", code=429, retry_after=60, times=1)
            first = await all_of_it.ask(CITIZEN, {"id": personas.THU})
            second = await all_of_it.ask(CITIZEN, {"id": personas.MAI})
            assert first.codes == second.codes == {"UPSTREAM_THROTTLED"}
            assert 59_000 < second.answer["errors"][0]["extensions"]["retryAfterMs"] <= 60_000
            assert await all_of_it.calls("population") == 1
            await asyncio.sleep(60)
            assert "errors" not in (await all_of_it.ask(CITIZEN, {"id": personas.THU})).answer

    run(story())


def test_more_requests_than_a_process_answers_at_once_are_told_to_come_later() -> None:
    async def story() -> None:
        async with stack(max_requests=10) as all_of_it:
            await all_of_it.fault("population", "delay", seconds=1)
            heard = await asyncio.gather(*(all_of_it.ask(CITIZEN, {"id": personal_id}) for personal_id in people(15)))
            assert Counter(one.status for one in heard) == {200: 10, 503: 5}
            refused = next(one for one in heard if one.status == 503)
            assert refused.codes == {"SHED"}
            assert refused.headers["retry-after"] == "1"
            assert "errors" not in (await all_of_it.ask(CITIZEN, {"id": personas.THU})).answer

    run(story())


def test_a_failure_that_is_over_at_once_is_not_noticed_by_clients() -> None:
    async def story() -> None:
        async with stack() as all_of_it:
            for kind in ({"kind": "status", "code": 502}, {"kind": "reset"}):
                await all_of_it.fault("population", times=1, **kind)
                heard = await all_of_it.ask(CITIZEN, {"id": personas.THU})
                assert "errors" not in heard.answer
                assert heard.seconds <= 0.6

    run(story())


@pytest.mark.parametrize(
    ("asked", "seconds"), [("0.5", 0.5), ("500ms", 0.5), ("2s", 2.0), (None, 10.0), ("500", 60.0), ("0", 0.01)]
)  # fmt: skip
def test_a_request_has_as_long_as_it_says_within_bounds(asked: str | None, seconds: float) -> None:
    async def story() -> None:
        patient = lambda system: msgspec.structs.replace(system, read_seconds=100.0, total_seconds=100.0)  # noqa: E731 - short
        async with stack(systems=patient) as all_of_it:
            await all_of_it.fault("population", "hang")
            headers: dict[str, Any] = {} if asked is None else {"x_request_timeout": asked}
            heard = await all_of_it.ask(CITIZEN, {"id": personas.THU}, **headers)
            assert heard.codes == {"DEADLINE_EXCEEDED"}
            assert heard.seconds == pytest.approx(seconds, abs=0.02)

    run(story())


@pytest.mark.parametrize("asked", ["soon", "-1", "1e3", "5m", "١"])
def test_a_time_that_is_none_is_refused(asked: str) -> None:
    async def story() -> None:
        async with stack() as all_of_it:
            heard = await all_of_it.ask(CITIZEN, {"id": personas.THU}, x_request_timeout=asked)
            assert heard.status == 400
            assert "X-Request-Timeout" in heard.answer["errors"][0]["message"]

    run(story())


def test_after_a_flood_of_citizens_those_who_come_are_answered_as_if_nothing_had_been() -> None:
    async def story() -> None:
        async with stack(systems=roomy) as all_of_it:
            await all_of_it.bound("population", 8, 100)
            before = Arrivals(all_of_it)
            await before.come(20, 10)
            usual = percentile([heard.seconds for heard in before.since(0)], 0.99)
            flood = Arrivals(all_of_it, seed=2)
            flooding = asyncio.ensure_future(flood.come(12 * 80 / 2, 20))
            await asyncio.sleep(20)
            assert answered(flood.since(0)) * len(flood.heard) >= 0.9 * 80 * 18
            await asyncio.sleep(2)
            after = Arrivals(all_of_it, seed=3)
            await after.come(20, 10)
            assert answered(after.since(0)) >= 0.999
            assert percentile([heard.seconds for heard in after.since(0)], 0.99) <= 3 * usual
            await flooding
            assert all_of_it.admissions["population"].breakers["citizen_by_id"].opened == 0

    run(story())
