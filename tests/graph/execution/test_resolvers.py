"""Hand-written parts: resolvers, permissions, field extensions, mutations, types that say what is theirs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission
from strawberry.schema.config import StrawberryConfig

from graph.execution.schema import FastSchema
from tests.graph.execution.compare import both, pair, told


class Never(BasePermission):
    message = "never"

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:  # noqa: ARG002 - the signature is Strawberry's
        return False


class NeverLater(BasePermission):
    message = "never, as was found later"

    async def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:  # noqa: ARG002 - the signature is Strawberry's
        await asyncio.sleep(0)
        return False


class Loud(FieldExtension):
    def resolve(self, next_: Any, source: Any, info: Any, **kwargs: Any) -> Any:
        return str(next_(source, info, **kwargs)).upper()


@strawberry.type
class Item:
    name: str = "x"
    secret: str | None = strawberry.field(default="hidden", permission_classes=[Never])
    secret_later: str | None = strawberry.field(default="hidden", permission_classes=[NeverLater])
    loud: str = strawberry.field(default="quiet", extensions=[Loud()])

    @strawberry.field
    def place(self, info: strawberry.Info) -> str:
        return ".".join(map(str, info.path.as_list()))

    @strawberry.field
    def broken(self) -> int:
        raise GraphQLError("broken", extensions={"code": "BROKEN"})


def by(resolver: Any) -> Any:
    return strawberry.field(resolver=resolver)


def broken_off() -> Iterator[Any]:
    yield 1
    yield "x"
    raise ValueError("broke off")


async def later() -> AsyncIterator[int]:
    for number in range(3):
        await asyncio.sleep(0)
        yield number


async def later_broken_off() -> AsyncIterator[Any]:
    yield 1
    yield "x"
    raise ValueError("broke off")


async def awaited(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


@strawberry.type
class Query:
    item: Item = by(Item)
    items: list[list[Item]] = by(lambda: [[Item(), Item()], [], [Item()]])
    maybe: list[Item | None] = by(lambda: [Item(), None, 3])
    broken_off: list[int | None] | None = by(broken_off)
    later: list[int] = by(later)
    later_broken_off: list[int | None] | None = by(later_broken_off)
    promised: list[int] = by(lambda: [awaited(1), 2, awaited(3)])
    twice: int | None = by(lambda: awaited(Again()))
    iterated: list[int] | None = by(lambda: (later(),)[0])
    no_list: list[int] | None = by(lambda: {"a": 1})


class Again:
    """Something that could be awaited once more, and must not be."""

    def __await__(self) -> Any:
        return awaited(3).__await__()


def schema() -> FastSchema:
    return FastSchema(Query, Mutation)


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def note(self, info: strawberry.Info, text: str) -> str:
        await asyncio.sleep(0)
        info.context.append(text)
        await asyncio.sleep(0)
        info.context.append(f"{text} done")
        return text

    @strawberry.mutation
    def at_once(self, info: strawberry.Info, text: str) -> Item | None:
        info.context.append(text)
        return None if text == "none" else Item()

    @strawberry.mutation
    async def fail(self, info: strawberry.Info) -> int:
        info.context.append("fail")
        await asyncio.sleep(0)
        raise ValueError("failed")


async def test_a_permission_guards_a_field_that_has_no_resolver() -> None:
    result = await both(schema, "{ item { name secret secretLater } }", waited=True)

    assert result.data == {"item": {"name": "x", "secret": None, "secretLater": None}}
    assert {error.message for error in result.errors} == {"never", "never, as was found later"}


async def test_an_extension_works_on_a_field_that_has_no_resolver() -> None:
    assert (await both(schema, "{ item { loud } }")).data == {"item": {"loud": "QUIET"}}


async def test_a_resolver_under_lists_of_lists_knows_its_own_path() -> None:
    assert (await both(schema, "{ items { place } }")).data == {
        "items": [[{"place": "items.0.0.place"}, {"place": "items.0.1.place"}], [], [{"place": "items.2.0.place"}]]
    }


async def test_an_error_keeps_what_its_resolver_gave_it() -> None:
    result = await both(schema, "{ maybe { name broken } }")

    assert result.data == {"maybe": [None, None, None]}
    assert [told(error)[:2] for error in result.errors] == [
        (("maybe", 0, "broken"), "broken"), (("maybe", 2, "name"), "'int' object has no attribute 'name'"),
    ]  # fmt: skip
    assert result.errors[0].extensions == {"code": "BROKEN"}


@pytest.mark.parametrize("name", ["brokenOff", "laterBrokenOff"])
async def test_a_list_that_breaks_off_tells_also_of_the_items_before(name: str) -> None:
    result = await both(schema, f"{{ {name} }}", waited=True)

    assert result.data == {name: None}
    assert [told(error)[0] for error in result.errors] == [(name, 1), (name,)]


async def test_lists_may_come_later_and_so_may_their_items() -> None:
    assert (await both(schema, "{ later promised }", waited=True)).data == {"later": [0, 1, 2], "promised": [1, 2, 3]}


async def test_what_was_awaited_is_not_awaited_again() -> None:
    result = await both(schema, "{ twice }", waited=True)

    assert result.data == {"twice": None}
    assert result.errors[0].message == "Int cannot represent non-integer value: <Again instance>"


async def test_a_mapping_is_no_list() -> None:
    assert "Expected Iterable" in (await both(schema, "{ noList }")).errors[0].message


def test_what_has_to_be_waited_for_is_refused_without_an_event_loop() -> None:
    result = schema().execute_sync("{ item { name } later promised }")

    assert result.data is None
    assert [error.message for error in result.errors or []] == ["GraphQL execution failed to complete synchronously."]


def test_a_list_that_comes_later_cannot_be_had_without_waiting() -> None:
    fast, reference = pair(schema)
    for made in (fast, reference):
        result = made.execute_sync("{ iterated }")
        assert result.data == {"iterated": None}
        assert [told(error)[1] for error in result.errors or []] == ["Expected Iterable, but did not find one for field 'Query.iterated'."]


async def test_mutations_are_made_one_after_the_other() -> None:
    logs: list[list[str]] = []

    def log() -> list[str]:
        logs.append([])
        return logs[-1]

    text = (
        'mutation { a: note(text: "a") atOnce(text: "b") { name place } __typename c: note(text: "c") none: atOnce(text: "none") { name } }'
    )
    result = await both(schema, text, context=log, waited=True)

    assert list(result.data) == ["a", "atOnce", "__typename", "c", "none"]
    assert logs[0] == logs[1] == ["a", "a done", "b", "c", "c done", "none"]


async def test_a_mutation_that_nulls_the_answer_stops_the_rest() -> None:
    logs: list[list[str]] = []

    def log() -> list[str]:
        logs.append([])
        return logs[-1]

    result = await both(schema, 'mutation { atOnce(text: "b") { secret } fail c: note(text: "c") }', context=log, waited=True)

    assert result.data is None
    assert logs[0] == logs[1] == ["b", "fail"]
    assert [told(error)[0] for error in result.errors] == [("atOnce", "secret"), ("fail",)]


async def test_a_default_resolver_of_ones_own_reads_the_fields() -> None:
    def make() -> FastSchema:
        return FastSchema(OfMappings, config=StrawberryConfig(default_resolver=lambda source, name: source.get(name)))

    assert (await both(make, "{ name inner { name } }", root={"name": "a", "inner": {"name": "b"}})).data == {
        "name": "a",
        "inner": {"name": "b"},
    }


@strawberry.type
class OfMappings:
    name: str
    inner: "OfMappings | None"
