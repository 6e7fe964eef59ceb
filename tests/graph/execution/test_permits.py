"""Permits: a refused field is null with an error in its place, nothing is asked for it, and both engines say the same."""

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError

from graph.context import RequestContext
from graph.errors import ForbiddenField
from graph.execution.explain import explained
from graph.execution.explanation import Explanation
from graph.execution.permits import Permits
from graph.execution.plan import Plan
from graph.execution.schema import FastSchema
from graph.loading.loaders import Loaders, Sources
from tests.graph.execution.compare import agree, drained, pair
from tests.graph.execution.kitchen_sink import kitchen_sink
from tests.graph.execution.product import context as records
from tests.graph.execution.product import product
from tests.graph.execution.rows import context as row_context
from tests.graph.execution.rows import root
from tests.graph.execution.test_differential import RATES, UNWARNED, composed
from tests.graph.execution.world import Context, World

SINK, SINK_REFERENCE = pair(kitchen_sink)
PRODUCT, PRODUCT_REFERENCE = pair(product)
CASES = 300
pytestmark = [
    pytest.mark.filterwarnings(UNWARNED),
    pytest.mark.filterwarnings("ignore:coroutine '(Executor|GraphQLCoreConverter).*was never awaited:RuntimeWarning"),
]


class Refusing(Permits):
    """Refuses some fields, and remembers for which ones it was asked to make screens."""

    def __init__(self, *refused: str) -> None:
        self.refused = frozenset(refused)
        self.screened: list[frozenset[str] | None] = []

    def refusal(self, parent: str, field: str) -> ForbiddenField | None:
        return ForbiddenField(f"{parent}.{field} is refused") if self.refuses(f"{parent}.{field}") else None

    def refuses(self, coordinate: str) -> bool:
        return coordinate in self.refused

    def screens(self, coordinates: Collection[str] | None) -> dict[Any, Any]:
        self.screened.append(None if coordinates is None else frozenset(coordinates))
        return {}


class Drawn(Refusing):
    """Refuses a share of all fields, the same ones for the same seed."""

    def __init__(self, seed: int, share: float) -> None:
        super().__init__()
        self.seed = seed
        self.share = share

    def refuses(self, coordinate: str) -> bool:
        return Random(f"{self.seed} {coordinate}").random() < self.share  # noqa: S311 - a draw that can be repeated


@dataclass
class Held(Context):
    """What a request over a world carries, and what its caller may read."""

    allowed: Permits


# ── both engines ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


async def sink_run(schema: FastSchema, text: str, variables: dict[str, Any], seed: int) -> tuple[Any, World]:
    random = Random(f"permits {seed}")  # noqa: S311 - data of a test
    world = World(seed, random.choice(RATES), slow=random.random() < 0.5)
    rows = row_context(world)
    before = asyncio.all_tasks()
    context = Held(rows.loaders, world, Drawn(seed, random.choice([0.05, 0.2, 0.5])))
    result = await schema.execute(text, variables, context, root(world))
    await drained(before)
    return result, world


async def product_run(schema: FastSchema, text: str, variables: dict[str, Any], seed: int) -> Any:
    random = Random(f"permits {seed}")  # noqa: S311 - data of a test
    world = World(seed, random.choice(RATES), slow=random.random() < 0.5)
    context = records(world)
    context.allowed = Drawn(seed, random.choice([0.05, 0.2, 0.5]))
    before = asyncio.all_tasks()
    result = await schema.execute(text, variables, context)
    await drained(before)
    return result


def refused(result: Any) -> bool:
    return any(isinstance(error.original_error, ForbiddenField) for error in result.errors or ())


def test_random_permits_are_kept_alike_over_the_kitchen_sink(runner: asyncio.Runner) -> None:
    found = 0
    for seed in range(CASES):
        text, variables = composed(SINK._schema, seed)
        fast, world = runner.run(sink_run(SINK, text, variables, seed))
        reference, other = runner.run(sink_run(SINK_REFERENCE, text, variables, seed))
        agree(fast, reference, waited=world.waited or other.waited)
        assert world.log == other.log  # nothing was called for what is refused
        found += refused(fast)

    assert found > CASES / 3


def test_random_permits_are_kept_alike_over_the_product(runner: asyncio.Runner) -> None:
    found = 0
    for seed in range(CASES):
        text, variables = composed(PRODUCT._schema, seed)
        fast = runner.run(product_run(PRODUCT, text, variables, seed))
        reference = runner.run(product_run(PRODUCT_REFERENCE, text, variables, seed))
        # graphql-core waits for every link, so it comes upon what is refused under one later than upon what stands beside it.
        agree(fast, reference, waited=True)
        found += refused(fast)

    assert found > CASES / 3


# ── one schema ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@strawberry.interface
class Side:
    code: str


@strawberry.type
class Left(Side):
    only: str | None = None
    across: Side | None = None


@strawberry.type
class Right(Side):
    only: int | None = None
    secret: str = "s"


def _called() -> str:
    raise AssertionError("what is refused is not called")


def _side() -> Side:
    return Left(code="l", only="x", across=Right(code="r"))


def _sides() -> list[Side]:
    return [Left(code="l"), Right(code="r")]


@strawberry.type
class Query:
    name: str = "n"
    sure: str = "s"
    called: str | None = strawberry.field(resolver=_called)
    side: Side | None = strawberry.field(resolver=_side)
    sides: list[Side] | None = strawberry.field(resolver=_sides)


SCHEMA, REFERENCE = pair(lambda: FastSchema(Query, types=[Left, Right]))
ENGINES = pytest.mark.parametrize("schema", [SCHEMA, REFERENCE], ids=["fast", "reference"])


def context_of(permits: Permits) -> RequestContext:
    return RequestContext(Loaders(Sources({}, {})), allowed=permits)


async def asked(schema: FastSchema, permits: Permits, text: str) -> tuple[Any, list[tuple[Any, str]]]:
    result = await schema.execute(text, context_value=context_of(permits), root_value=Query())
    return result.data, [(error.path, error.message) for error in result.errors or ()]


def planned(permits: Permits, text: str) -> Plan:
    document = SCHEMA.documents.document(text)
    operation = document.operation(None)
    assert not isinstance(operation, GraphQLError)
    variables = document.variables_of(operation, SCHEMA._schema).coerce({})
    assert not isinstance(variables, list)
    return SCHEMA.documents.plan(document, operation, variables, permits)


@ENGINES
async def test_a_refused_field_is_null_and_says_so_and_its_resolver_is_not_called(schema: FastSchema) -> None:
    data, errors = await asked(schema, Refusing("Query.called"), "{ name called again: called }")

    assert data == {"name": "n", "called": None, "again": None}
    assert errors == [(["called"], "Query.called is refused"), (["again"], "Query.called is refused")]


@ENGINES
async def test_a_refused_field_that_cannot_be_null_takes_away_what_holds_it(schema: FastSchema) -> None:
    data, errors = await asked(schema, Refusing("Right.secret"), "{ sides { ... on Right { secret } code } name }")
    assert (data, errors) == ({"sides": None, "name": "n"}, [(["sides", 1, "secret"], "Right.secret is refused")])

    assert await asked(schema, Refusing("Query.sure"), "{ name sure }") == (None, [(["sure"], "Query.sure is refused")])


@ENGINES
async def test_a_field_is_refused_on_the_object_types_that_it_is_refused_on(schema: FastSchema) -> None:
    data, errors = await asked(schema, Refusing("Left.code"), "{ side { __typename ... on Left { across { code } } } }")
    assert (data, errors) == ({"side": {"__typename": "Left", "across": {"code": "r"}}}, [])

    data, errors = await asked(schema, Refusing("Left.code"), "{ side { code } }")
    assert (data, errors) == ({"side": None}, [(["side", "code"], "Left.code is refused")])


@ENGINES
async def test_the_schema_can_be_kept_from_a_caller(schema: FastSchema) -> None:
    data, errors = await asked(schema, Refusing("Query.__type"), '{ name __type(name: "Query") { name } }')

    assert (data, errors) == ({"name": "n", "__type": None}, [(["__type"], "Query.__type is refused")])


@ENGINES
async def test_an_operation_that_the_engine_does_not_take_is_refused_alike(schema: FastSchema) -> None:
    text = "query($skip: Boolean = true) { called @skip(if: $skip) again: called @include(if: $skip) name }"
    assert await asked(schema, Refusing("Query.called"), text) == (
        {"again": None, "name": "n"}, [(["again"], "Query.called is refused")],
    )  # fmt: skip


async def test_screens_are_made_once_a_plan_for_what_may_be_read_of_it() -> None:
    permits = Refusing("Query.called")
    for _ in range(2):
        await asked(SCHEMA, permits, "{ called side { code } }")

    assert permits.screened == [frozenset({"Query.side", "Left.code", "Right.code"})]
    await asked(REFERENCE, permits, "{ name }")
    assert permits.screened[1:] == [None]


# ── plans ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_plan_names_what_it_reads_behind_interfaces_before_any_object_was_met() -> None:
    plan = planned(
        Refusing(), "{ side { code ... on Left { across { ... on Right { secret } } } ...more } } fragment more on Right { only }"
    )

    assert plan.coordinates == {"Query.side", "Left.code", "Right.code", "Left.across", "Right.secret", "Right.only"}
    assert plan.refused == ()


def test_a_plan_names_what_is_refused_once_and_nothing_below_it() -> None:
    plan = planned(
        Refusing("Left.across", "Query.sides", "Right.code"),
        "{ a: sides { code } b: sides { code } side { code ... on Left { across { code } } } }",
    )

    assert sorted(coordinate for coordinate, _ in plan.refused) == ["Left.across", "Query.sides", "Right.code"]
    assert plan.coordinates == {"Query.sides", "Query.side", "Left.code", "Right.code", "Left.across"}
    assert [found.kind for found in plan.root.fields] == ["refused", "refused", "resolver"]


def test_interfaces_in_one_another_are_looked_behind_in_no_more_time_than_they_are_long() -> None:
    deep = "{ code ... on Left { across " * 18 + "{ code }" + " } }" * 18
    plan = planned(Refusing(), "{ side " + deep + " }")

    assert plan.coordinates == {"Query.side", "Left.code", "Right.code", "Left.across"}


def test_what_is_explained_is_what_the_caller_may_read() -> None:
    found = explained(SCHEMA, "{ name side { code } }", permits=Refusing("Query.side"))

    assert isinstance(found, Explanation)
    assert found.refused == ("Query.side",)
    assert "refused, so not planned: Query.side" in found.text()
    everything = explained(SCHEMA, "{ name side { code } }")
    assert isinstance(everything, Explanation)
    assert everything.refused == ()


async def test_a_refused_link_asks_no_system_and_its_arguments_are_not_looked_at() -> None:
    data = await PRODUCT.execute(
        "query($id: PersonalId!) { citizen(id: $id) { fullName } provinces { code } }",
        {"id": "001085012345"},
        context_of(Refusing("Query.citizen", "Query.provinces")),
    )

    assert data.data == {"citizen": None, "provinces": None}
    assert [error.message for error in data.errors or ()] == ["Query.citizen is refused", "Query.provinces is refused"]
