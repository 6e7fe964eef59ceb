"""The budget of a query on both engines, cold and warm: what is beyond it is null with an error in its place, the rest is answered."""

from typing import Any

import pytest

from graph.context import RequestContext
from graph.errors import TooCostly
from graph.execution.schema import Engine
from graph.loading.budget import Budget
from graph.loading.loaders import Loaders, Sources
from tests.graph.execution.memory import Memory
from tests.graph.execution.test_links import schema

PLENTY = 1_000


async def run(
    sources: Sources, text: str, engine: Engine = "fast", *, keys: int = PLENTY, keys_per_system: int = PLENTY, calls: int = PLENTY
) -> Any:
    made = schema()
    made.configure(engine=engine)
    loaders = Loaders(sources, budget=Budget(keys=keys, keys_per_system=keys_per_system, calls=calls))
    result = await made.execute(text, context_value=RequestContext(loaders))
    refused = [error for error in result.errors or () if isinstance(error.original_error, TooCostly)]
    assert refused == (result.errors or [])
    return result.data, [tuple(error.path or ()) for error in refused]


@pytest.mark.parametrize("engine", ["fast", "reference"])
@pytest.mark.parametrize("warm", [False, True])
async def test_keys_beyond_the_budget_are_null_with_an_error_whether_they_are_cached_or_not(engine: Engine, warm: bool) -> None:  # noqa: FBT001 - a parameter of the test
    sources = Memory().sources()
    text = "{ things(ids: [1, 2, 3]) { id next { id } } }"
    if warm:
        await run(sources, text)
    data, refused = await run(sources, text, engine, keys=3)
    # 2 and 3 are known by then; only 4 is new
    assert data == {"things": [{"id": 1, "next": {"id": 2}}, {"id": 2, "next": {"id": 3}}, {"id": 3, "next": None}]}
    assert refused == [("things", 2, "next")]


@pytest.mark.parametrize("engine", ["fast", "reference"])
@pytest.mark.parametrize("warm", [False, True])
async def test_a_single_link_beyond_the_budget_is_null_with_an_error(engine: Engine, warm: bool) -> None:  # noqa: FBT001 - a parameter of the test
    sources = Memory().sources()
    text = "{ thing(id: 1) { next { next { next { id } } } } }"
    if warm:
        await run(sources, text)
    data, refused = await run(sources, text, engine, keys=2)
    assert data == {"thing": {"next": {"next": None}}}
    assert refused == [("thing", "next", "next")]


@pytest.mark.parametrize("engine", ["fast", "reference"])
async def test_a_query_whose_calls_are_used_up_gets_what_they_brought(engine: Engine) -> None:
    memory = Memory()
    data, refused = await run(memory.sources(), "{ thing(id: 1) { name next { name next { name } } } }", engine, calls=2)
    assert data == {"thing": {"name": "item 1", "next": {"name": "item 2", "next": None}}}
    assert refused == [("thing", "next", "next")]
    assert memory.asked == [("item", [1]), ("item", [2])]


async def test_calls_are_counted_over_all_batch_functions_of_a_query() -> None:
    memory = Memory()
    data, refused = await run(memory.sources(), "{ other(id: 1) { name } thing(id: 1) { name } }", calls=1)
    assert sorted(map(bool, data.values())) == [False, True]
    assert len(refused) == len(memory.asked) == 1


async def test_a_query_that_the_caches_answer_needs_no_calls() -> None:
    sources = Memory().sources()
    text = '{ listed(name: "10") { next { name } } }'
    whole = await run(sources, text)
    assert await run(sources, text, calls=0, keys_per_system=0) == whole
