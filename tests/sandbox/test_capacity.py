"""An agency can be bounded to so many calls at once; nothing here sleeps, the sleeper holds each call until it is let go."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox import personas
from sandbox.app import agencies
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
