"""What was once answered otherwise than by graphql-core, kept so that it stays mended."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NewType

import pytest
import strawberry
from graphql import Undefined
from strawberry.schema.config import StrawberryConfig

from graph.execution.schema import FastSchema
from tests.graph.execution.compare import WIDE, both, pair, told


class Masked(str):
    """A string that is never shown."""

    __slots__ = ()

    def __str__(self) -> str:
        return "***"


Text = NewType("Text", object)
CONFIG = StrawberryConfig(
    scalar_map={
        Text: strawberry.scalar(name="Text", serialize=str, parse_value=str),
        Masked: strawberry.scalar(name="Masked", serialize=str, parse_value=Masked),
    }
)


class Troubled(Exception):
    """An exception with the attributes of a type."""

    name = "not to be read"
    children: Sequence[Any] = ()


class Later:
    """An awaitable with the attributes of a type."""

    name = "not to be read"

    def __await__(self) -> Any:
        yield from ()
        return Node("awaited")

    def __repr__(self) -> str:
        return "later"


class Node:
    """An object with whatever it is given."""

    def __init__(self, name: Any = "node", child: Any = None, children: Any = (), **more: Any) -> None:
        self.name = name
        self.child = child
        self.children = children
        self.__dict__.update(more)


@strawberry.type
class Tree:
    name: str | None
    child: "Tree | None"
    children: "list[Tree] | None"
    text: Text | None
    masked: Masked | None
    ratio: float | None
    amount: int | None
    flag: bool | None


@strawberry.type
class Query:
    tree: Tree | None
    trees: list[Tree | None]


def schema() -> FastSchema:
    return FastSchema(Query, config=CONFIG)


class Root:
    def __init__(self, *trees: Any) -> None:
        self.tree = trees[0]
        self.trees = trees


async def answer(text: str, *trees: Any, waited: bool = False) -> Any:
    return await both(schema, text, root=Root(*trees), waited=waited)


async def test_an_exception_is_never_read_as_an_object() -> None:
    result = await answer(
        "{ tree { child { name } } bare: tree { child { __typename } } trees { children { name } } }",
        Node(child=Troubled("t"), children=[Troubled("u")]),
    )

    assert result.data == {"tree": {"child": None}, "bare": {"child": None}, "trees": [{"children": None}]}
    assert [told(error)[0] for error in result.errors] == [("tree", "child"), ("bare", "child"), ("trees", 0, "children", 0)]


async def test_an_awaitable_is_never_read_as_an_object() -> None:
    result = await answer("{ tree { child { name } } trees { child { __typename } } }", Node(child=Later()), waited=True)

    assert result.data == {"tree": {"child": {"name": "awaited"}}, "trees": [{"child": {"__typename": "Tree"}}]}


async def test_undefined_is_null_for_every_type() -> None:
    nothing = Node(name=Undefined, child=Undefined, children=Undefined, text=Undefined)
    result = await answer("{ tree { name text child { __typename } children { __typename } } }", nothing)

    assert result.data == {"tree": {"name": None, "text": None, "child": None, "children": None}}


async def test_a_scalar_that_is_written_by_str_is_written_by_its_own_str() -> None:
    result = await answer("{ tree { masked } }", Node(masked=Masked("secret")))

    assert result.data["tree"]["masked"] == "***"
    assert type(result.data["tree"]["masked"]) is str


async def test_lists_may_be_nested_deeper_than_python_allows_loops() -> None:
    tree: Any = Node("leaf")
    for number in range(40):
        tree = Node(f"level {number}", children=[tree])
    text = "{ name }"
    for _ in range(40):
        text = f"{{ name children {text} }}"
    result = await answer(f"{{ tree {text} }}", tree)

    assert result.errors is None
    found = result.data["tree"]
    while "children" in found:
        [found] = found["children"]
    assert found == {"name": "leaf"}


async def test_a_null_for_a_variable_of_skip_or_include_is_an_error_of_graphql() -> None:
    for text in (
        "query($x: Boolean = true) { tree { name } trees @skip(if: $x) { name } }",
        "query($x: Boolean = true) { tree { child { name @include(if: $x) } } trees { name } }",
    ):
        result = await both(schema, text, {"x": None}, root=Root(Node(child=Node())))
        assert result.errors


@pytest.mark.parametrize("value", [True, 3.0, "12", "x", Decimal(4), 2**31, -(2**31), 2**70, float("nan"), float("inf"), [1], {}, b"1"])
@pytest.mark.parametrize("name", ["ratio", "amount", "flag", "name"])
async def test_a_value_of_another_class_is_converted_or_refused_as_the_type_wants(name: str, value: Any) -> None:
    await answer(
        f"{{ tree {{ {name} }} trees {{ {name} child {{ {name} }} }} }}", Node(**{"name": "n", name: value}, child=Node(**{name: value}))
    )


async def test_one_field_that_fails_leaves_its_siblings_as_they_are() -> None:
    class Half(Node):
        @property
        def ratio(self) -> float:
            raise ValueError("no ratio")

    result = await answer("{ trees { name ratio amount } }", Node(ratio=1.5, amount=1), Half(amount="x"), None)

    assert result.data == {"trees": [{"name": "node", "ratio": 1.5, "amount": 1}, {"name": "node", "ratio": None, "amount": None}, None]}
    assert [told(error)[0] for error in result.errors] == [("trees", 1, "ratio"), ("trees", 1, "amount")]


async def test_a_document_wider_than_any_is_answered() -> None:
    fields = " ".join(f"a{number}: name" for number in range(2_000))
    fast, reference = pair(schema, WIDE)
    text = f"{{ tree {{ {fields} }} }}"
    results = [await made.execute(text, root_value=Root(Node())) for made in (fast, reference)]

    assert results[0].data == results[1].data


@strawberry.input
class Change:
    """An input of which a part may be left out, but not be null."""

    name: strawberry.Maybe[str]


@strawberry.type
class Asking:
    @strawberry.field
    def change(self, change: Change) -> str:
        return repr(change)


async def test_what_may_be_left_out_but_not_be_null_is_refused_before_anything_runs() -> None:
    text = "{ change(change: {name: null}) }"
    theirs = await strawberry.Schema(Asking).execute(text)
    mine = await both(lambda: FastSchema(Asking), text)

    assert [str(error) for error in mine.errors] == [str(error) for error in theirs.errors or []]
