"""Links: one request for all keys of a level, no level waiting for another, nothing waited for that is known."""

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest
import strawberry
from graphql import OperationType
from strawberry import relay

from graph.context import RequestContext
from graph.execution.run import Run
from graph.execution.schema import FastSchema
from graph.loading.loaders import Loaders
from graph.seam import link, link_each
from tests.graph.execution.compare import both, pair, told
from tests.graph.execution.memory import Item, Memory, item_by_id, items_of, other_by_id


@strawberry.type
class Thing:
    id: int
    name: str
    next: "Thing | None" = link(item_by_id, key="next_id", description="")
    other: "Thing | None" = link(other_by_id, key="next_id", description="")
    proven: "Thing | None" = link(item_by_id, key="next_id", proves="id", description="")
    sure: "Thing" = link(other_by_id, key="next_id", description="")


def _key(_root: None, id: int | None = 1) -> int | None:  # noqa: A002 - the argument's name
    return id


def _keys(_root: None, ids: list[int | None]) -> list[int | None]:
    if len(ids) > 5:
        raise ValueError("too many")
    return ids


def _ten_times(_root: None, number: strawberry.Maybe[int] = None) -> int:
    return 5 if number is None else number.value * 10


def _global(_root: None, id: relay.GlobalID) -> int:  # noqa: A002 - the argument's name
    return int(id.node_id)


def _name(_root: None, name: str) -> str:
    return name


@strawberry.type
class Query:
    thing: Thing | None = link(item_by_id, key=_key, description="")
    other: Thing | None = link(other_by_id, key=_key, description="")
    proven: Thing | None = link(item_by_id, key=_key, proves="id", description="")
    things: list[Thing | None] | None = link_each(item_by_id, keys=_keys, description="")
    ten_times: Thing | None = link(item_by_id, key=_ten_times, description="")
    by_global_id: Thing | None = link(item_by_id, key=_global, description="")
    listed: list[Thing] | None = link(items_of, key=_name, description="")

    @strawberry.field
    def odd(self) -> Thing | None:
        return Item(id=0, name="odd", next_id=[1], hidden="x")  # type: ignore[arg-type,return-value]  # a key that cannot be one


def schema() -> FastSchema:
    return FastSchema(Query)


def at_once(start: Callable[[], Any]) -> Any:
    """Run a coroutine that must not wait for anything."""
    with pytest.raises(StopIteration) as done:
        start().send(None)
    return done.value.value


async def test_all_keys_of_a_level_go_out_in_one_request() -> None:
    memory = Memory()
    text = '{ listed(name: "10") { next { next { name } } again: next { id } } thing(id: 20) { id } }'
    result = await schema().execute(text, context_value=memory.context())

    assert result.errors is None
    assert memory.asked[:2] == [("items", ["10"]), ("item", [20])]
    # The keys of the second level are those of the list, and the third asks for what the second did not.
    assert memory.asked[2:] == [("item", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), ("item", [11])]


async def test_a_record_is_completed_once_however_often_it_stands_there() -> None:
    result = await schema().execute('{ listed(name: "20") { id next { name } } }', context_value=Memory().context())

    assert result.data is not None
    answers = result.data["listed"]
    assert len(answers) == 20
    assert all(answers[number] == answers[number + 10] for number in range(10))
    cached = await schema().execute("{ things(ids: [1, 2, 1]) { id name } }", context_value=Memory().context())
    assert cached.data is not None
    first, _, third = cached.data["things"]
    assert first is third


async def test_one_record_in_two_places_has_its_errors_in_both() -> None:
    memory = Memory()
    memory.down = {3}
    result = await both(schema, "{ things(ids: [2, 5, 2]) { sure { id } } }", context=memory.context, waited=True)

    assert result.data == {"things": [None, {"sure": {"id": 6}}, None]}
    assert [told(error)[0] for error in result.errors] == [("things", 0, "sure"), ("things", 2, "sure")]


async def test_a_slow_link_does_not_hold_back_its_siblings() -> None:
    memory = Memory()
    memory.gates = {1: asyncio.Event()}
    text = "{ other(id: 1) { id next { id } } thing(id: 10) { next { next { id } } } }"
    running = asyncio.create_task(schema().execute(text, context_value=memory.context()))
    await memory.was_asked("item", [12])  # the third level of the fast chain

    assert not running.done()
    assert ("item", [2]) not in memory.asked
    memory.gates[1].set()
    result = await running
    assert result.data == {"other": {"id": 1, "next": {"id": 2}}, "thing": {"next": {"next": {"id": 12}}}}


async def test_a_failure_does_not_cancel_a_call_that_others_share() -> None:
    memory = Memory()
    memory.gates = {7: asyncio.Event()}
    memory.down = {3}
    loaders = Loaders(memory.sources())
    first = asyncio.create_task(
        schema().execute("{ thing(id: 2) { sure { id } } other(id: 7) { id } }", context_value=RequestContext(loaders))
    )
    second = asyncio.create_task(schema().execute("{ other(id: 7) { name } }", context_value=RequestContext(loaders)))
    await memory.was_asked("other", [3])
    memory.gates[7].set()

    assert (await first).data == {"thing": None, "other": {"id": 7}}
    assert (await second).data == {"other": {"name": "item 7"}}
    assert memory.asked.count(("other", [7])) == 1


async def test_one_who_leaves_takes_nothing_from_those_who_share_his_call() -> None:
    memory = Memory()
    memory.gates = {7: asyncio.Event()}
    loaders = Loaders(memory.sources())
    leaving, staying = [
        asyncio.create_task(schema().execute("{ other(id: 7) { name } }", context_value=RequestContext(loaders))) for _ in range(2)
    ]
    await memory.reached.wait()
    leaving.cancel()
    memory.gates[7].set()

    assert (await staying).data == {"other": {"name": "item 7"}}
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_what_the_caches_hold_is_answered_without_the_event_loop() -> None:
    memory, made = Memory(), schema()
    sources = memory.sources()
    text = '{ listed(name: "3") { id next { name next { id } } } things(ids: [1, null, -1]) { name } other(id: 4) { sure { id } } }'
    cold = await made.execute(text, context_value=RequestContext(Loaders(sources)))
    asked = len(memory.asked)

    warm = at_once(lambda: made.execute(text, context_value=RequestContext(Loaders(sources))))

    assert warm.data == cold.data
    assert warm.errors is None
    assert len(memory.asked) == asked


def test_what_the_caches_hold_is_answered_where_there_is_no_event_loop_at_all() -> None:
    memory, made = Memory(), schema()
    sources = memory.sources()
    text = "{ thing(id: 1) { next { name } } }"
    asyncio.run(made.execute(text, context_value=RequestContext(Loaders(sources))))

    assert made.execute_sync(text, context_value=RequestContext(Loaders(sources))).data == {"thing": {"next": {"name": "item 2"}}}


@pytest.mark.filterwarnings("ignore:coroutine 'Executor.*was never awaited:RuntimeWarning")
async def test_what_would_have_to_be_waited_for_is_refused_where_nothing_can_wait() -> None:
    for made in pair(schema):
        result = made.execute_sync("{ thing(id: 1) { name } }", context_value=Memory().context())
        await asyncio.sleep(0)

        assert result.data is None
        assert [error.message for error in result.errors or []] == ["GraphQL execution failed to complete synchronously."]
        gc.collect()  # graphql-core leaves coroutines behind that never began


async def test_a_key_that_proves_its_record_costs_no_call() -> None:
    memory = Memory()
    result = await schema().execute(
        "{ proven(id: 5) { id __typename key: id } absent: proven(id: null) { id } }", context_value=memory.context()
    )

    assert result.data == {"proven": {"id": 5, "__typename": "Thing", "key": 5}, "absent": None}
    assert memory.asked == []
    more = await schema().execute("{ proven(id: 5) { id name } thing(id: 6) { proven { id } } }", context_value=memory.context())
    assert more.data == {"proven": {"id": 5, "name": "item 5"}, "thing": {"proven": {"id": 7}}}
    assert memory.asked == [("item", [5, 6])]


async def test_no_key_gives_nothing_and_no_record_gives_null() -> None:
    result = await both(
        schema,
        "{ none: thing(id: null) { id } absent: thing(id: -3) { id } things(ids: [null, -1, 2]) { id } empty: things(ids: []) { id } }",
        context=Memory().context, waited=True,
    )  # fmt: skip

    assert result.data == {"none": None, "absent": None, "things": [None, None, {"id": 2}], "empty": []}
    assert result.errors is None


async def test_a_key_that_cannot_be_had_is_an_error_of_its_own_field() -> None:
    result = await both(
        schema, "{ odd { name next { id } } things(ids: [1, 2, 3, 4, 5, 6]) { id } thing { id } }", context=Memory().context, waited=True
    )

    assert result.data == {"odd": {"name": "odd", "next": None}, "things": None, "thing": {"id": 1}}
    assert {(error.message, tuple(error.path)) for error in result.errors} == {
        ("unhashable type: 'list'", ("odd", "next")), ("too many", ("things",)),
    }  # fmt: skip


async def test_a_call_that_fails_is_an_error_in_each_place_that_wanted_it() -> None:
    memory = Memory()
    memory.down = {"item"}
    result = await both(schema, '{ listed(name: "2") { id next { id } } thing { id } }', context=memory.context, waited=True)

    assert result.data == {"listed": [{"id": 0, "next": None}, {"id": 1, "next": None}], "thing": None}
    assert len(result.errors) == 3


async def test_arguments_from_variables_are_new_in_every_run_of_a_plan() -> None:
    made, memory = schema(), Memory()
    text = "query($id: Int, $ids: [Int]!) { thing(id: $id) { id } things(ids: $ids) { id } same: thing { id } }"
    for number in (3, 4):
        result = await made.execute(text, {"id": number, "ids": [number, 9]}, memory.context())
        assert result.data == {"thing": {"id": number}, "things": [{"id": number}, {"id": 9}], "same": {"id": 1}}
    assert (await made.execute(text, {"ids": []}, memory.context())).data == {"thing": {"id": 1}, "things": [], "same": {"id": 1}}
    assert (made.documents.figures.plan_hits, made.documents.figures.plan_misses) == (2, 1)


@pytest.mark.parametrize("given", [{}, {"n": None}, {"n": 3}])
async def test_an_argument_that_may_be_left_out_is_given_as_strawberry_gives_it(given: dict[str, Any]) -> None:
    result = await both(schema, "query($n: Int) { tenTimes(number: $n) { id } }", given, context=Memory().context, waited=True)

    assert result.data == {"tenTimes": None if None in given.values() else {"id": given.get("n", 0.5) * 10}}


@pytest.mark.parametrize("given", [str(relay.GlobalID("Thing", "7")), "no such id"])
async def test_a_global_id_is_read_before_a_key_is_made_of_it(given: str) -> None:
    result = await both(schema, "query($id: ID!) { byGlobalId(id: $id) { id } }", {"id": given}, context=Memory().context, waited=True)

    assert result.data == {"byGlobalId": None if given == "no such id" else {"id": 7}}


async def test_a_fault_of_the_engine_itself_reaches_the_caller() -> None:
    made = schema()
    document = made.documents.document("{ thing { next { id } } }")
    operation: Any = document.operation(None)
    variables: Any = document.variables_of(operation, made._schema).coerce(None)
    run = Run(
        made.documents.plan(document, operation, variables),
        made._schema,
        variables,
        root=None,
        context=None,
        executor=lambda: pytest.fail("not needed"),
    )

    assert operation.operation is OperationType.QUERY
    with pytest.raises(AttributeError):
        run.start()
