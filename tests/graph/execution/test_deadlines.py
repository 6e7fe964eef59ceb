"""Resolvers written by hand end with the time of the request too."""

import asyncio
from typing import Any

import strawberry

from graph.access.asker import OURSELVES
from graph.execution.schema import FastSchema
from graph.gateway import GraphQLRequest, Urgency
from graph.loading.loaders import Sources
from tests import virtual
from tests.doors import open_gateway

ENDED: list[str] = []


@strawberry.type
class Query:
    @strawberry.field
    async def slow(self) -> str | None:
        try:
            await asyncio.sleep(60)
        finally:
            ENDED.append("slow")
        return "done"

    @strawberry.field
    async def quick(self) -> str | None:
        await asyncio.sleep(0.1)
        return "done"


def answer(query: str, seconds: float) -> tuple[dict[str, Any], float]:
    """Ask with so much time, and say how long it took."""

    async def story() -> tuple[dict[str, Any], float]:
        loop = asyncio.get_running_loop()
        urgency = Urgency(ends_at=loop.time() + seconds)
        answered = await open_gateway(FastSchema(Query), Sources({}, {})).answer(
            GraphQLRequest(query), request_id="r", asker=OURSELVES, urgency=urgency
        )
        return answered.payload, loop.time()

    return virtual.run(story())


def test_a_resolver_that_takes_too_long_costs_only_its_own_field() -> None:
    ENDED.clear()
    payload, took = answer("{ slow quick }", 0.5)
    assert payload["data"] == {"slow": None, "quick": "done"}
    [error] = payload["errors"]
    assert (error["path"], error["extensions"]) == (["slow"], {"code": "DEADLINE_EXCEEDED", "retryable": True})
    assert took == 0.5
    assert ENDED == ["slow"]


def test_one_that_is_quick_enough_is_answered() -> None:
    assert answer("{ quick }", 0.5) == ({"data": {"quick": "done"}}, 0.1)
