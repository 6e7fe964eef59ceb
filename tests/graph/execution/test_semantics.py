"""What a query means, case by case: the engine does what graphql-core does, and the answer is what the specification says."""

import enum
from typing import Any, NewType

import pytest
import strawberry
from graphql import get_introspection_query
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError

from graph.execution.schema import FastSchema
from tests.graph.execution.compare import both, pair, told
from tests.graph.execution.kitchen_sink import kitchen_sink
from tests.graph.execution.product import product


class Bad(Exception):
    """What goes wrong in these tests."""


def shouted(value: Any) -> str:
    if value == "hush":
        raise Bad("it will not be shouted")
    return str(value).upper()


Loud = NewType("Loud", str)
CONFIG = StrawberryConfig(scalar_map={Loud: strawberry.scalar(name="Loud", serialize=shouted, parse_value=str)})


@strawberry.enum
class Size(enum.Enum):
    SMALL = "s"
    LARGE = strawberry.enum_value("l", name="HUGE")


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Person(Named):
    age: int | None = None


@strawberry.type
class Firm(Named):
    seats: list[list[int | None]] | None = None
    boss: Person | None = None


@strawberry.input
class Filter:
    text: str = "any"
    sizes: list[Size] = strawberry.field(default_factory=lambda: [Size.SMALL])
    inner: "Filter | None" = None


@strawberry.input(one_of=True)
class By:
    name: strawberry.Maybe[str]
    number: strawberry.Maybe[int]


def by(resolver: Any) -> Any:
    return strawberry.field(resolver=resolver)


def bad() -> Any:
    raise Bad("it went wrong")


@strawberry.type
class Query:
    person: Person | None = by(lambda: Person(name="An", age=30))
    named: list[Named] = by(lambda: [Person(name="An", age=30), Firm(name="Co", seats=[[1, None], []])])
    either: list[Person | Firm | None] = strawberry.field(
        resolver=lambda: [Firm(name="Co", boss=Person(name="Ba")), None, Person(name="Em")]
    )
    size: Size = by(lambda: Size.LARGE)
    no_size: Size | None = by(lambda: "xl")
    loud: Loud | None = by(lambda: "word")
    silent: Loud | None = by(lambda: "hush")
    failing: str | None = by(bad)
    failing_list: list[int] | None = by(lambda: [1, "x", 3])
    holey_list: list[int | None] = by(lambda: [1, "x", None, Bad("an item")])
    stubborn: int = by(bad)

    @strawberry.field
    def found(self, text: str = "nothing", filter: Filter | None = None, by: By | None = None) -> str:  # noqa: A002 - the argument's name
        return repr((text, filter, by))

    @strawberry.field
    async def later(self, info: strawberry.Info, x: int = 1) -> str:
        raw = info._raw_info
        return f"{raw.path.as_list()} {raw.parent_type} {[node.name.value for node in raw.field_nodes]} {raw.variable_values} {x}"


def schema() -> FastSchema:
    return FastSchema(Query, types=[Person, Firm], config=CONFIG)


async def answer(text: str, **variables: Any) -> Any:
    result = await both(schema, text, variables)
    assert result.errors is None, result.errors
    return result.data


async def errors(text: str, **variables: Any) -> tuple[Any, list[Any]]:
    result = await both(schema, text, variables)
    return result.data, [told(error) for error in result.errors]


async def test_aliases_and_merged_fields_stand_in_the_order_of_the_query() -> None:
    data = await answer("{ b: person { age } person { name } b: person { name age } a: size }")

    assert list(data) == ["b", "person", "a"]
    assert data == {"b": {"age": 30, "name": "An"}, "person": {"name": "An"}, "a": "HUGE"}


async def test_fragments_apply_where_their_type_does() -> None:
    data = await answer("""
        { named { ...N ... on Firm { seats } ... { __typename } } either { ...P ... on Firm { boss { ...P } } } }
        fragment N on Named { name ...P }
        fragment P on Person { age }
    """)

    assert data["named"] == [
        {"name": "An", "age": 30, "__typename": "Person"},
        {"name": "Co", "seats": [[1, None], []], "__typename": "Firm"},
    ]
    assert data["either"] == [{"boss": {"age": None}}, None, {"age": None}]


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("include", [True, False])
async def test_skip_and_include_obey_their_variables(*, skip: bool, include: bool) -> None:
    text = (
        "query($s: Boolean!, $i: Boolean = true) { size person @skip(if: $s) { name age @include(if: $i) } ... @include(if: $i) { loud } }"
    )
    data = await answer(text, s=skip, i=include)

    person = {"name": "An", "age": 30} if include else {"name": "An"}
    assert data == {"size": "HUGE"} | ({} if skip else {"person": person}) | ({"loud": "WORD"} if include else {})


async def test_a_selection_that_is_skipped_wholly_leaves_an_empty_object() -> None:
    assert await answer("query($s: Boolean!) { person @skip(if: false) { name @skip(if: $s) } }", s=True) == {"person": {}}
    assert await answer("query($s: Boolean!) { size @skip(if: $s) }", s=True) == {}


async def test_arguments_take_their_defaults_and_inputs_theirs() -> None:
    text = "query($f: Filter, $t: String) { found bare: found(text: $t) given: found(filter: {inner: {}}) all: found(filter: $f) }"
    data = await answer(text, f={"sizes": ["HUGE"], "text": "x"})

    assert data["found"] == data["bare"] == "('nothing', None, None)"
    assert "inner=Filter(text='any', sizes=[<Size.SMALL: 's'>], inner=None)" in data["given"]
    assert "text='x', sizes=[<Size.LARGE: 'l'>]" in data["all"]


async def test_exactly_one_of_several_inputs_is_given() -> None:
    assert (await answer("{ found(by: {number: 3}) }"))["found"].endswith("By(name=None, number=Some(3)))")
    assert (await answer("query($b: By) { found(by: $b) }", b={"name": "x"}))["found"].endswith("By(name=Some('x'), number=None))")
    refused: list[tuple[str, dict[str, Any]]] = [
        ('{ found(by: {number: 3, name: "x"}) }', {}),
        ("{ found(by: {}) }", {}),
        ("query($n: Int) { found(by: {number: $n}) }", {"n": 1}),
        ("query($b: By) { found(by: $b) }", {"b": {"name": "x", "number": 1}}),
    ]
    for text, variables in refused:
        result = await both(schema, text, variables)
        assert result.data is None
        assert result.errors


async def test_typename_is_told_also_of_the_root() -> None:
    assert await answer("{ __typename kind: __typename person { __typename } }") == {
        "__typename": "Query", "kind": "Query", "person": {"__typename": "Person"},
    }  # fmt: skip


@pytest.mark.parametrize("make", [schema, kitchen_sink, product])
async def test_introspection_is_complete(make: Any) -> None:
    text = get_introspection_query(specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True, one_of=True)
    result = await both(make, text)

    assert result.errors is None
    assert len(result.data["__schema"]["types"]) > 10


async def test_one_type_can_be_asked_for_by_name() -> None:
    assert (await answer('{ __type(name: "Size") { enumValues { name } } none: __type(name: "Nobody") { name } }')) == {
        "__type": {"enumValues": [{"name": "SMALL"}, {"name": "HUGE"}]}, "none": None,
    }  # fmt: skip


async def test_a_value_that_a_scalar_or_enum_refuses_is_an_error_in_its_place() -> None:
    data, found = await errors("{ silent loud noSize }")

    assert data == {"silent": None, "loud": "WORD", "noSize": None}
    assert [(path, places) for path, _, places in found] == [(("silent",), ((1, 3),)), (("noSize",), ((1, 15),))]
    assert found[0][1] == "it will not be shouted"


async def test_a_null_moves_up_to_where_it_may_stand() -> None:
    data, found = await errors("{ failingList holeyList failing }")

    assert data == {"failingList": None, "holeyList": [1, None, None, None], "failing": None}
    assert [path for path, _, _ in found] == [("failingList", 1), ("holeyList", 1), ("holeyList", 3), ("failing",)]


async def test_a_null_that_reaches_the_root_nulls_the_whole_answer() -> None:
    data, found = await errors("{ failing stubborn size }")

    assert data is None
    assert [path for path, _, _ in found] == [("failing",), ("stubborn",)]


async def test_merged_fields_tell_all_their_places_in_an_error() -> None:
    _, found = await errors("{ failing ... { failing } }")

    assert found == [(("failing",), "it went wrong", ((1, 3), (1, 17)))]


async def test_a_resolver_is_told_where_it_is() -> None:
    result = await both(schema, "query($x: Int = 4) { a: later(x: $x) ... { a: later(x: $x) } }", waited=True)

    assert result.data == {"a": "['a'] Query ['later', 'later'] {'x': 4} 4"}


async def test_an_operation_is_chosen_by_name() -> None:
    fast, reference = pair(schema)
    text = "query A { size } query B { loud }"
    for made in (fast, reference):
        assert (await made.execute(text, operation_name="B")).data == {"loud": "WORD"}
        with pytest.raises(CannotGetOperationTypeError):
            await made.execute(text, operation_name="C")
        assert (await made.execute(text)).errors


@pytest.mark.parametrize("given", [{}, {"x": None}, {"x": "four"}, {"x": 2**31}, {"x": 1.5}, {"x": [1]}])
async def test_a_variable_of_the_wrong_kind_is_refused_before_anything_runs(given: dict[str, Any]) -> None:
    result = await both(schema, "query($x: Int!) { later(x: $x) }", given)

    assert result.data is None
    assert [told(error)[0] for error in result.errors] == [()]


async def test_an_argument_that_cannot_be_had_is_an_error_of_its_field() -> None:
    data, found = await errors('query($t: String = "x") { failing found(text: $t) }', t=None)

    assert data is None
    assert [path for path, _, _ in found] == [("failing",), ("found",)]
