"""The engine against graphql-core on documents that nobody thought of: the same data in the same order, the same errors in the same places.

`MOTCUA_EXAMPLES` multiplies how many documents are run.
"""

import asyncio
import gc
import os
import warnings
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from graphql import GraphQLSchema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import mutations, nodes, queries

from graph.execution.schema import FastSchema
from tests.graph.execution.author import SCALARS, Author
from tests.graph.execution.compare import agree, drained, pair
from tests.graph.execution.kitchen_sink import kitchen_sink
from tests.graph.execution.product import TEXTS, product
from tests.graph.execution.product import context as records
from tests.graph.execution.rows import context, root
from tests.graph.execution.variation import Variation
from tests.graph.execution.world import World

TIMES = int(os.environ.get("MOTCUA_EXAMPLES", "1"))
SINK, SINK_REFERENCE = pair(kitchen_sink)
PRODUCT, PRODUCT_REFERENCE = pair(product)
SEEDS = st.integers(0, 2**32)
RATES = [0.0, 0.0, 0.03, 0.1, 0.4]
Run = tuple[Any, World]

# graphql-core cancels what it no longer waits for, and some of that never began, nor did the resolvers' coroutines inside it. Where the
# garbage collector comes upon them while a named tuple is being made, whose code has no builtins, Python cannot even warn and says that.
UNWARNED = "ignore:Exception ignored in. <coroutine object (Executor|GraphQLCoreConverter):pytest.PytestUnraisableExceptionWarning"
pytestmark = [
    pytest.mark.filterwarnings(UNWARNED),
    pytest.mark.filterwarnings("ignore:coroutine '(Executor|GraphQLCoreConverter).*was never awaited:RuntimeWarning"),
    pytest.mark.timeout(300 * TIMES),
]


def times(count: int) -> Callable[[Any], Any]:
    """Run a property for so many examples, in CI always the same ones."""
    return settings(
        max_examples=count * TIMES, deadline=None, derandomize=TIMES == 1, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )  # fmt: skip


def literals(known: dict[str, list[Any]]) -> dict[str, st.SearchStrategy[Any]]:
    return {name: st.sampled_from(values).map(nodes.String) for name, values in known.items()}


def composed(schema: GraphQLSchema, seed: int) -> tuple[str, dict[str, Any]]:
    """Let the author write a document; every fifth seed a mutation, where the schema has any."""
    random = Random(seed)  # noqa: S311 - data of a test
    scalars = SCALARS | {name: list(values) for name, values in TEXTS.items()}
    author = Author(
        schema, random, depth=random.choice([2, 4, 6]), width=random.choice([2, 3]), scalars=scalars, budget=random.choice([10, 40])
    )
    operation = "mutation" if schema.mutation_type and seed % 5 == 0 else "query"
    return author.document(operation), author.variables


def varied(text: str, seed: int) -> tuple[str, dict[str, Any]]:
    variation = Variation(Random(seed))  # noqa: S311 - data of a test
    return variation.of(text), dict(variation.variables)


async def sink_run(schema: FastSchema, text: str, variables: dict[str, Any], seed: int) -> Run:
    random = Random(f"world {seed}")  # noqa: S311 - data of a test
    world = World(seed, random.choice(RATES), slow=random.random() < 0.5)
    before = asyncio.all_tasks()
    result = await schema.execute(text, variables, context(world, keep=random.random() < 0.3), root(world))
    await drained(before)
    return result, world


async def product_run(schema: FastSchema, text: str, variables: dict[str, Any], seed: int) -> Run:
    random = Random(f"world {seed}")  # noqa: S311 - data of a test
    world = World(seed, random.choice(RATES), slow=random.random() < 0.5)
    before = asyncio.all_tasks()
    result = await schema.execute(text, variables, records(world))
    await drained(before)
    return result, world


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made
    gc.collect()  # what graphql-core left behind is told of here, where it is known


def compare_sinks(runner: asyncio.Runner, text: str, variables: dict[str, Any], seed: int) -> None:
    fast, world = runner.run(sink_run(SINK, text, variables, seed))
    reference, other = runner.run(sink_run(SINK_REFERENCE, text, variables, seed))
    agree(fast, reference, waited=world.waited or other.waited)
    assert world.log == other.log


def compare_products(runner: asyncio.Runner, text: str, variables: dict[str, Any], seed: int) -> None:
    fast, world = runner.run(product_run(PRODUCT, text, variables, seed))
    reference, other = runner.run(product_run(PRODUCT_REFERENCE, text, variables, seed))
    agree(fast, reference, waited=world.waited or other.waited)


@times(1_000)
@given(seed=SEEDS)
def test_what_the_author_writes_for_the_kitchen_sink_is_answered_alike(runner: asyncio.Runner, seed: int) -> None:
    compare_sinks(runner, *composed(SINK._schema, seed), seed)


@times(300)
@given(text=queries(SINK._schema, custom_scalars=literals({"Picky": ["fine", "good"], "Code": ["c1"]})), seed=SEEDS)
def test_what_hypothesis_asks_of_the_kitchen_sink_is_answered_alike(runner: asyncio.Runner, text: str, seed: int) -> None:
    compare_sinks(runner, *varied(text, seed), seed)


@times(100)
@given(text=mutations(SINK._schema, custom_scalars=literals({"Picky": ["fine", "good"], "Code": ["c1"]})), seed=SEEDS)
def test_what_hypothesis_changes_in_the_kitchen_sink_is_changed_alike(runner: asyncio.Runner, text: str, seed: int) -> None:
    compare_sinks(runner, *varied(text, seed), seed)


@times(300)
@given(seed=SEEDS)
def test_what_the_author_asks_of_the_product_is_answered_alike(runner: asyncio.Runner, seed: int) -> None:
    compare_products(runner, *composed(PRODUCT._schema, seed), seed)


@times(200)
@given(text=queries(PRODUCT._schema, custom_scalars=literals(TEXTS)), seed=SEEDS)
def test_what_hypothesis_asks_of_the_product_is_answered_alike(runner: asyncio.Runner, text: str, seed: int) -> None:
    compare_products(runner, *varied(text, seed), seed)


def test_the_engine_itself_leaves_nothing_unawaited(runner: asyncio.Runner) -> None:
    gc.collect()
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        for seed in range(300 * TIMES):
            text, variables = composed(SINK._schema, seed)
            runner.run(sink_run(SINK, text, variables, seed))
        gc.collect()

    assert [str(complaint.message) for complaint in complaints] == []
