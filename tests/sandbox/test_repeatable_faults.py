"""Faults that hit some calls only: by draws that can be repeated, for a while, or in phases; the clock is turned by hand."""

from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox import personas
from sandbox.app import SYSTEMS, agencies
from sandbox.personas import AN_PHAT
from tests.sandbox.test_faults import ASKS, put
from tests.sandbox.wire import get_businesses, get_representatives


class Clock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def client(clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=agencies(clock=clock))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def statuses(client: httpx.AsyncClient, calls: int) -> list[int]:
    """Ask for a business so many times."""
    return [(await get_businesses(client, [AN_PHAT])).status_code for _ in range(calls)]


async def in_force(client: httpx.AsyncClient) -> dict[str, dict[str, object]]:
    """List the faults in force."""
    listed: dict[str, dict[str, object]] = (await client.get("/_sandbox/faults")).json()
    return listed


@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_storm_is_http_500_in_the_agencys_own_style(client: httpx.AsyncClient, system: str) -> None:
    await put(client, system, "status", code=500)
    told = await ASKS[system](client)
    await put(client, system, "storm")
    storm = await ASKS[system](client)

    assert (storm.status_code, storm.headers["content-type"], storm.content) == (500, told.headers["content-type"], told.content)


async def test_a_storm_hits_its_share_of_the_calls(client: httpx.AsyncClient) -> None:
    await put(client, "business", "storm", share=0.3)
    came = await statuses(client, 400)

    assert set(came) == {200, 500}
    assert came.count(500) == pytest.approx(120, abs=30)


async def test_the_same_seed_and_the_same_order_of_calls_hit_the_same_calls(client: httpx.AsyncClient) -> None:
    outcomes = []
    for seed in (7, 7, 8, None, None):
        await put(client, "business", "storm", share=0.5, **({} if seed is None else {"seed": seed}))
        outcomes.append(await statuses(client, 40))
    seventh, again, eighth, of_the_sandbox, once_more = outcomes

    assert seventh == again
    assert of_the_sandbox == once_more
    assert len({tuple(outcome) for outcome in (seventh, eighth, of_the_sandbox)}) == 3


async def test_another_sandbox_of_the_same_seed_draws_the_same(client: httpx.AsyncClient) -> None:
    await put(client, "business", "storm", share=0.5)
    here = await statuses(client, 40)
    there = []
    for seed in (2026, 2027):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=agencies(seed=seed)), base_url="http://127.0.0.1") as other:
            await put(other, "business", "storm", share=0.5)
            there.append(await statuses(other, 40))

    assert there[0] == here
    assert there[1] != here


async def test_each_system_draws_for_itself(client: httpx.AsyncClient) -> None:
    outcomes = []
    for system in ("business", "code_lists"):
        await put(client, system, "storm", share=0.5)
        outcomes.append([(await ASKS[system](client)).status_code for _ in range(40)])

    assert outcomes[0] != outcomes[1]


async def test_any_kind_can_hit_only_a_share_of_the_calls(client: httpx.AsyncClient) -> None:
    await put(client, "business", "status", code=429, retry_after=2, share=0.5)
    limited = await statuses(client, 40)
    await put(client, "business", "garbage", share=0.5)
    garbage = ["not a document" in (await get_businesses(client, [AN_PHAT])).text for _ in range(40)]
    await put(client, "business", "storm", share=0)

    assert set(limited) == {200, 429}
    assert set(garbage) == {True, False}
    assert await statuses(client, 40) == [200] * 40


async def test_only_calls_that_are_hit_count_off_times(client: httpx.AsyncClient) -> None:
    await put(client, "business", "storm", share=0.5, times=3)
    came = await statuses(client, 60)

    assert came.count(500) == 3
    assert await in_force(client) == {}


async def test_calls_that_are_not_meant_spend_no_draws(client: httpx.AsyncClient) -> None:
    await put(client, "business", "storm", share=0.5, operation="enterprises")
    operations = (await client.get("/_sandbox/faults")).json()["business"]["operation"]
    alone = await statuses(client, 20)
    await put(client, "business", "storm", share=0.5, operation="enterprises")
    between = []
    for _ in range(20):
        await get_representatives(client, [personas.THU])
        between += await statuses(client, 1)

    assert operations == "enterprises"
    assert set(alone) == {200, 500}
    assert between == alone


async def test_a_fault_can_end_by_itself(client: httpx.AsyncClient, clock: Clock) -> None:
    await put(client, "business", "status", code=503, for_seconds=10)
    came = await statuses(client, 1)
    clock.now += 9.9
    came += await statuses(client, 1)
    clock.now += 0.1
    came += await statuses(client, 1)

    assert came == [503, 503, 200]
    assert await in_force(client) == {}


async def test_a_flapping_agency_is_up_and_down_in_turn_from_when_it_began(client: httpx.AsyncClient, clock: Clock) -> None:
    clock.now += 3
    await put(client, "business", "flapping", up_seconds=2, down_seconds=3)
    came = []
    for _ in range(11):
        came += await statuses(client, 1)
        clock.now += 1

    assert came == [200, 200, 503, 503, 503, 200, 200, 503, 503, 503, 200]


async def test_faults_in_force_are_listed_with_what_they_did(client: httpx.AsyncClient, clock: Clock) -> None:
    nothing = await in_force(client)
    await put(client, "business", "status", code=503, times=5, for_seconds=30)
    await put(client, "tax", "poison", keys=[personas.MAI])
    await put(client, "insurance", "wrong_order")
    await put(client, "code_lists", "half_capacity")
    await put(client, "population", "huge_body", bytes=5_000)
    await statuses(client, 2)
    clock.now += 10

    assert nothing == {}
    assert await in_force(client) == {
        "business": {"kind": "status", "code": 503, "times_left": 3, "seconds_left": 20, "calls": 2, "hits": 2},
        "tax": {"kind": "poison", "code": 400, "keys": 1, "calls": 0, "hits": 0},
        "insurance": {"kind": "reorder", "calls": 0, "hits": 0},
        "code_lists": {"kind": "half_capacity", "share": 0.5, "calls": 0, "hits": 0},
        "population": {"kind": "huge_body", "bytes": 5_000, "calls": 0, "hits": 0},
    }


@pytest.mark.parametrize(("name", "kind"), [("wrong_order", "reorder"), ("foreign_rows", "foreign")])
async def test_further_names_mean_the_same(client: httpx.AsyncClient, name: str, kind: str) -> None:
    answers = []
    for either in (name, kind):
        await put(client, "business", either)
        answers.append((await ASKS["business"](client)).json()["Data"])

    assert answers[0] == answers[1]


async def test_without_a_connection_a_reset_is_an_error_of_the_transport(client: httpx.AsyncClient) -> None:
    await put(client, "business", "reset")

    with pytest.raises(ConnectionResetError):
        await get_businesses(client, [AN_PHAT])


async def test_an_expired_certificate_needs_a_sandbox_that_speaks_tls(client: httpx.AsyncClient) -> None:
    response = await client.put("/_sandbox/faults/tax", json={"kind": "expired_certificate"})

    assert response.status_code == 400
    assert response.json() == {"error": "expired_certificate needs a sandbox that speaks TLS: start it with --tls-port and --tls-folder."}
    assert (await client.get("/_sandbox/tls")).json() == {"ports": {}}


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ({"kind": "storm", "share": 1.5}, "share is a number from 0 to 1."),
        ({"kind": "storm", "share": "half"}, "share is a number from 0 to 1."),
        ({"kind": "storm", "seed": -1}, "seed is a number from 0 to"),
        ({"kind": "storm", "code": 503}, "storm has no parameter code."),
        ({"kind": "hang", "for_seconds": 0}, "for_seconds is a number from 0.001 to 86400."),
        ({"kind": "flapping", "up_seconds": 1}, "flapping needs down_seconds."),
        ({"kind": "flapping", "up_seconds": 1, "down_seconds": 0}, "down_seconds is a number from 0.001 to 3600."),
        ({"kind": "flapping", "up_seconds": 1, "down_seconds": 1, "by": "fire"}, "by is status or reset."),
        ({"kind": "flapping", "up_seconds": 1, "down_seconds": 1, "by": ["reset"]}, "by is status or reset."),
        ({"kind": "reset", "after": -1}, "after is a number from 0 to 65536."),
        ({"kind": "capacity_share"}, "capacity_share needs share."),
        ({"kind": "half_capacity", "times": 3}, "half_capacity has no parameter times."),
        ({"kind": "expired_certificate", "operation": "TraCuuNNT"}, "expired_certificate has no parameter operation."),
    ],
)
async def test_what_makes_no_sense_is_refused_with_a_reason(client: httpx.AsyncClient, spec: object, error: str) -> None:
    response = await client.put("/_sandbox/faults/tax", json=spec)

    assert response.status_code == 400
    assert response.json()["error"].startswith(error)
