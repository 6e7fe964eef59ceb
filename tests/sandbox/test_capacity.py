"""An agency can be bounded to so many calls at once; nothing here sleeps, the sleeper holds each call until it is let go."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox import personas
from sandbox.app import agencies
from sandbox.capacity import USUAL_SLOTS, Slots
from tests.sandbox.wire import get_list, post_books, post_tax


class Work:
    """Holds every call that is being worked on, and knows how long each would have taken."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.begun = asyncio.Semaphore(0)
        self.enough = asyncio.Semaphore(0)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.begun.release()
        await self.enough.acquire()


@pytest.fixture
async def work() -> Work:
    return Work()


@pytest.fixture
async def client(work: Work) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=agencies(sleep=work))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def bound(client: httpx.AsyncClient, system: str, slots: int, per_call_ms: int) -> None:
    response = await client.put(f"/_sandbox/capacity/{system}", json={"slots": slots, "per_call_ms": per_call_ms})
    assert response.status_code == 204, response.text


async def test_calls_beyond_the_capacity_queue(client: httpx.AsyncClient, work: Work) -> None:
    await bound(client, "tax", 2, 150)
    asked = [asyncio.create_task(post_tax(client, [personas.THU, personas.MAI])) for _ in range(5)]
    for _ in range(2):
        await work.begun.acquire()
    others = await post_books(client, [personas.THU])
    while (await client.get("/_sandbox/calls")).json()["tax"]["calls"] < 5:
        pass
    begun_at_once = list(work.seconds)
    for _ in range(5):
        work.enough.release()
    answers = await asyncio.gather(*asked)

    assert others.status_code == 200
    assert begun_at_once == pytest.approx([0.151] * 2)
    assert work.seconds == pytest.approx([0.151] * 5)
    assert [answer.status_code for answer in answers] == [200] * 5


async def test_a_bound_can_be_taken_from_one_system_or_from_all(client: httpx.AsyncClient, work: Work) -> None:
    for system in ("tax", "code_lists", "insurance"):
        await bound(client, system, 1, 5)
    one = await client.delete("/_sandbox/capacity/tax")
    await post_tax(client, [personas.THU])
    all_of_them = await client.delete("/_sandbox/capacity")
    await get_list(client, "Category/madantoc?code=01")

    assert (one.status_code, all_of_them.status_code) == (204, 204)
    assert work.seconds == []


@pytest.mark.parametrize(
    ("system", "spec", "status", "error"),
    [
        ("land", {"slots": 1, "per_call_ms": 1}, 404, "There is no system land"),
        ("tax", {"slots": 1}, 400, "a capacity is a JSON object with slots and per_call_ms."),
        ("tax", [], 400, "a capacity is a JSON object"),
        ("tax", {"slots": 0, "per_call_ms": 1}, 400, "slots is a whole number from 1 to 10000."),
        ("tax", {"slots": True, "per_call_ms": 1}, 400, "slots is a whole number"),
        ("tax", {"slots": 1, "per_call_ms": -1}, 400, "per_call_ms is a whole number from 0 to 60000."),
    ],
)
async def test_a_capacity_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, system: str, spec: object, status: int, error: str
) -> None:
    response = await client.put(f"/_sandbox/capacity/{system}", json=spec)

    assert response.status_code == status
    assert response.json()["error"].startswith(error)


async def ask(client: httpx.AsyncClient, calls: int) -> list["asyncio.Task[httpx.Response]"]:
    """Ask the tax system so many times at once, and wait until all calls have arrived."""
    counted = (await client.get("/_sandbox/calls")).json()["tax"]["calls"]
    asked = [asyncio.create_task(post_tax(client, [personas.THU])) for _ in range(calls)]
    while (await client.get("/_sandbox/calls")).json()["tax"]["calls"] < counted + calls:  # noqa: ASYNC110 - the sandbox sets no event
        await asyncio.sleep(0)
    return asked


async def put(client: httpx.AsyncClient, kind: str, **parameters: float) -> None:
    response = await client.put("/_sandbox/faults/tax", json={"kind": kind, **parameters})
    assert response.status_code == 204, response.text


@pytest.mark.parametrize(
    ("kind", "parameters", "slots"),
    [
        ("half_capacity", {}, 3),
        ("half_capacity", {"share": 0.35}, 2),
        ("capacity_share", {"share": 0.9}, 5),
        ("capacity_share", {"share": 0}, 1),
    ],
)
async def test_a_narrowed_agency_works_on_a_share_of_its_calls_at_once(
    client: httpx.AsyncClient, work: Work, kind: str, parameters: dict[str, float], slots: int
) -> None:
    await bound(client, "tax", 6, 150)
    await put(client, kind, **parameters)
    asked = await ask(client, 9)
    begun = len(work.seconds)
    for _ in asked:
        work.enough.release()
    answers = await asyncio.gather(*asked)

    assert begun == slots
    assert [answer.status_code for answer in answers] == [200] * 9


async def test_calls_that_queue_are_let_in_as_soon_as_the_agency_is_healed(client: httpx.AsyncClient, work: Work) -> None:
    await bound(client, "tax", 6, 150)
    await put(client, "half_capacity")
    asked = await ask(client, 9)
    narrowed = len(work.seconds)
    await client.delete("/_sandbox/faults/tax")
    for _ in range(6):
        await work.begun.acquire()
    healed = len(work.seconds)
    for _ in asked:
        work.enough.release()

    assert (narrowed, healed) == (3, 6)
    assert [answer.status_code for answer in await asyncio.gather(*asked)] == [200] * 9


async def test_an_agency_without_a_bound_works_on_half_of_the_usual_number(work: Work) -> None:
    transport = httpx.ASGITransport(app=agencies(latency="office", sleep=work))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        await put(client, "half_capacity")
        asked = await ask(client, USUAL_SLOTS + 2)
        narrowed = len(work.seconds)
        await client.delete("/_sandbox/faults")
        for _ in asked:
            await work.begun.acquire()
            work.enough.release()
        await asyncio.gather(*asked)

    assert narrowed == USUAL_SLOTS // 2
    assert len(work.seconds) == USUAL_SLOTS + 2


async def test_capacity_comes_back_by_itself_when_its_time_is_over(work: Work) -> None:
    now = [0.0]
    transport = httpx.ASGITransport(app=agencies(sleep=work, clock=lambda: now[0]))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        await bound(client, "tax", 4, 150)
        await put(client, "capacity_share", share=0.25, for_seconds=30)
        asked = await ask(client, 3)
        narrowed = len(work.seconds)
        now[0] = 30.0
        asked += await ask(client, 1)
        for _ in range(4):
            await work.begun.acquire()
        restored = len(work.seconds)
        for _ in asked:
            work.enough.release()
        await asyncio.gather(*asked)

    assert (narrowed, restored) == (1, 4)


async def test_who_leaves_the_queue_takes_no_slot_along() -> None:
    slots, inside = Slots(lambda: 1), asyncio.Semaphore(0)

    async def enter() -> None:
        async with slots:
            inside.release()
            await asyncio.Event().wait()

    first, second, third = (asyncio.create_task(enter()) for _ in range(3))
    await inside.acquire()
    second.cancel()  # while it queues
    first.cancel()
    await inside.acquire()
    third.cancel()
    async with asyncio.timeout(1), slots:
        pass

    assert [task.cancelled() for task in await _ended(first, second, third)] == [True] * 3


async def test_who_leaves_at_the_moment_of_being_let_in_frees_the_slot() -> None:
    slots = Slots(lambda: 1)
    await slots.__aenter__()
    second = asyncio.create_task(slots.__aenter__())
    await asyncio.sleep(0)
    await slots.__aexit__(None, None, None)  # the second is let in, but has not run yet
    second.cancel()
    await _ended(second)
    async with asyncio.timeout(1), slots:
        pass

    assert second.cancelled()


async def _ended(*tasks: "asyncio.Task[None]") -> tuple["asyncio.Task[None]", ...]:
    await asyncio.gather(*tasks, return_exceptions=True)
    return tasks
