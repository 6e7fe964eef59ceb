"""What the engine leaves to graphql-core: nothing of it is lost."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import strawberry
from graphql import ExperimentalIncrementalExecutionResults
from strawberry.directive import DirectiveLocation, DirectiveValue
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.graphql import OperationType

from graph.execution.schema import FastSchema


@strawberry.type
class Item:
    name: str = "x"

    @strawberry.field
    async def slow(self) -> str:
        await asyncio.sleep(0)
        return "slow"


@strawberry.type
class Query:
    item: Item = strawberry.field(resolver=Item)
    items: list[Item] = strawberry.field(resolver=lambda: [Item(name="a"), Item(name="b"), Item(name="c")])


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number


@strawberry.directive(locations=[DirectiveLocation.FIELD])
def loud(value: DirectiveValue[str]) -> str:
    return value.upper()


def schema(*extensions: Any, **more: Any) -> FastSchema:
    return FastSchema(Query, None, Subscription, extensions=extensions, **more)


async def test_a_directive_of_the_schema_changes_the_values() -> None:
    result = await schema(directives=[loud]).execute("{ item { name @loud slow @loud } items { name } }")

    assert result.data == {"item": {"name": "X", "slow": "SLOW"}, "items": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}


async def test_the_resolve_hook_of_an_extension_is_called_for_each_field() -> None:
    seen: list[str] = []

    class Watching(SchemaExtension):
        def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(".".join(map(str, info.path.as_list())))
            return _next(root, info, *args, **kwargs)

    result = await schema(Watching).execute("{ items { name } item { slow } }")

    assert result.data is not None
    assert sorted(seen) == ["item", "item.slow", "items", "items.0.name", "items.1.name", "items.2.name"]


async def test_the_other_hooks_of_an_extension_are_called_around_the_engine() -> None:
    seen: list[str] = []

    class Watching(SchemaExtension):
        def on_operation(self) -> Any:
            seen.append("operation")
            yield
            seen.append(f"answered {self.execution_context.result.data}")  # type: ignore[union-attr]

        def on_parse(self) -> Any:
            seen.append("parse")
            yield

        def on_validate(self) -> Any:
            seen.append("validate")
            yield

        def on_execute(self) -> Any:
            seen.append("execute")
            yield

        def get_results(self) -> dict[str, Any]:
            return {"seen": len(seen)}

    made = schema(Watching)
    result = await made.execute("{ item { name slow } }")

    assert seen == ["operation", "parse", "validate", "execute", "answered {'item': {'name': 'x', 'slow': 'slow'}}"]
    assert result.extensions == {"seen": 5}
    assert made.documents.figures.plan_misses == 1
    seen.clear()
    assert made.execute_sync("{ item { name } }").data == {"item": {"name": "x"}}
    assert len(seen) == 5


async def test_a_subscription_yields_all_that_comes() -> None:
    stream = await schema().subscribe("subscription { count(to: 3) }")

    assert [result.data async for result in stream] == [{"count": 0}, {"count": 1}, {"count": 2}]


async def test_a_query_over_a_stream_gives_one_answer() -> None:
    stream = await schema().stream("{ item { name slow } }")

    assert [result.data async for result in stream] == [{"item": {"name": "x", "slow": "slow"}}]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "late"),
    [
        ("{ item { name ... @defer { slow } } }", {"slow": "slow"}),
        ("{ items @stream(initialCount: 1) { name } }", {"name": "b"}),
    ],
)
async def test_what_is_deferred_or_streamed_comes_later_and_completely(text: str, late: dict[str, str]) -> None:
    made = schema(config=StrawberryConfig(enable_experimental_incremental_execution=True))
    result: Any = await made.execute(text)

    assert isinstance(result, ExperimentalIncrementalExecutionResults)
    assert result.initial_result.has_next
    assert result.initial_result.data is not None
    assert late not in result.initial_result.data.values()
    parts = [part async for part in result.subsequent_results]
    told = [getattr(found, "data", None) or getattr(found, "items", [None])[0] for part in parts for found in part.incremental or ()]
    assert late in told
    assert not parts[-1].has_next
    plain = await made.execute("{ item { name } }")
    assert plain.data == {"item": {"name": "x"}}


@strawberry.directive(locations=[DirectiveLocation.QUERY], name="traced")
def traced(value: DirectiveValue[str]) -> str:
    return value


async def test_a_directive_on_the_operation_goes_to_graphql_core() -> None:
    made = schema(directives=[traced])

    assert (await made.execute("query @traced { item { name } }")).data == {"item": {"name": "x"}}
    document = made.documents.document("query @traced { item { name } }")
    operation: Any = document.operation(None)
    assert made.reason_for_reference(document, operation) == "a directive on the operation"
    assert (await schema().execute("query @undeclared { item { name } }")).errors


async def test_an_execution_context_of_ones_own_is_used() -> None:
    class Own(StrawberryGraphQLCoreExecutionContext):
        used = 0

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            Own.used += 1

    result = await schema(execution_context_class=Own).execute("{ item { slow } }")

    assert result.data == {"item": {"slow": "slow"}}
    assert Own.used == 1


async def test_a_kind_of_operation_that_is_not_allowed_is_refused() -> None:
    with pytest.raises(InvalidOperationTypeError):
        await schema().execute("subscription { count(to: 1) }", allowed_operation_types=[OperationType.QUERY])


def test_execute_sync_answers_on_the_engine() -> None:
    made = schema()

    assert made.execute_sync("{ items { name } }").data == {"items": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}
    assert made.documents.figures.plan_misses == 1
