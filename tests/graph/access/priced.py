"""A schema with prices on it, and plans of queries for it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import strawberry
from graphql import GraphQLError

from graph.access.directives import Cost, Fee, ListSize, Subject
from graph.access.marks import marks_of
from graph.execution.plan import Plan
from graph.execution.schema import FastSchema
from graph.seam import Record, Upstream, batch_one, field, link, link_each, wire
from tests.lines import REGISTER


class PersonRecord(Record):
    code: str = wire("MA")


@batch_one(REGISTER, max_keys=20)
async def person_by_code(_upstream: Upstream, codes: Sequence[str]) -> Mapping[str, PersonRecord]:
    return {code: PersonRecord(code=code) for code in codes}


def own(_root: None, code: str) -> str:
    return code


def several(_root: None, codes: list[str]) -> list[str]:
    return codes


@strawberry.input
class Filter:
    first: int | None = None
    town: str | None = None


@strawberry.type(directives=[Cost(weight="0.5")])
class Light:
    name: str = "light"


@strawberry.type
class User:
    name: str = "x"
    age: int = strawberry.field(default=1, directives=[Cost(weight="2.0")])
    light: Light = strawberry.field(default_factory=Light)


@strawberry.type
class Heavy:
    name: str = "x"
    parts: list[User] = strawberry.field(default_factory=list, directives=[ListSize(assumed_size=50)])


@strawberry.type
class Edge:
    node: User | None = None


@strawberry.type
class Connection:
    edges: list[Edge] = strawberry.field(default_factory=list)
    others: list[Edge] = strawberry.field(default_factory=list)


@strawberry.type(directives=[Subject(field="code")])
class Person:
    code: str = field("Code.")
    name: str = strawberry.field(default="", directives=[Fee(vnd=300)])
    names: list[str] = strawberry.field(default_factory=list, directives=[Fee(vnd=10), ListSize(assumed_size=4)])
    father: "Person | None" = link(person_by_code, key="code", description="Father.")


def users(max: int | None = None) -> list[User]:  # noqa: A002 - the argument's name
    return [User()] * (max or 0)


def either(first: int | None = None, last: int | None = None) -> list[User]:
    return users(first or last)


def usual(first: int = 3) -> list[User]:
    return users(first)


def named(ids: list[int]) -> list[User]:
    return users(len(ids))


def filtered(filter: Filter) -> list[User]:  # noqa: A002 - the argument's name
    return users(filter.first)


def connection(first: int) -> Connection:
    return Connection(edges=[Edge()] * first)


def top(
    dear: Annotated[int | None, strawberry.argument(directives=[Cost(weight="15.0")])] = None,
    rough: Annotated[bool | None, strawberry.argument(directives=[Cost(weight="-3.0")])] = None,
    hasty: Annotated[bool | None, strawberry.argument(directives=[Cost(weight="-30.0")])] = None,
) -> str:
    return f"{dear} {rough} {hasty}"


def either_kind() -> User | Heavy:
    return Heavy()


def grid() -> list[list[User]]:
    return [users(10)]


def anybody() -> User | Person:
    return User()


def crowd() -> list[Person]:
    return []


@strawberry.type
class Query:
    person: Person | None = link(person_by_code, key=own, description="A person.")
    people: list[Person | None] | None = link_each(person_by_code, keys=several, description="People.")
    users: list[User] = strawberry.field(resolver=users, directives=[ListSize(slicing_arguments=["max"])])
    either: list[User] = strawberry.field(
        resolver=either, directives=[ListSize(slicing_arguments=["first", "last"], require_one_slicing_argument=False, assumed_size=7)]
    )
    usual: list[User] = strawberry.field(resolver=usual, directives=[ListSize(slicing_arguments=["first"])])
    named: list[User] = strawberry.field(resolver=named, directives=[ListSize(slicing_arguments=["ids"])])
    filtered: list[User] = strawberry.field(resolver=filtered, directives=[ListSize(slicing_arguments=["filter.first"])])
    connection: Connection = strawberry.field(
        resolver=connection, directives=[ListSize(slicing_arguments=["first"], sized_fields=["edges"])]
    )
    top: str = strawberry.field(resolver=top, directives=[Cost(weight="5.0")])
    either_kind: User | Heavy = strawberry.field(resolver=either_kind)
    grid: list[list[User]] = strawberry.field(resolver=grid)
    anybody: User | Person = strawberry.field(resolver=anybody)
    crowd: list[Person] = strawberry.field(resolver=crowd, directives=[ListSize(assumed_size=60)])


SCHEMA = FastSchema(query=Query)
MARKS = marks_of(SCHEMA._schema)


def planned(schema: FastSchema, text: str, given: dict[str, Any] | None = None) -> tuple[Plan, Any]:
    document = schema.documents.document(text)
    assert not document.errors, document.errors
    operation = document.operation(None)
    assert not isinstance(operation, GraphQLError)
    variables = document.variables_of(operation, schema._schema).coerce(given)
    assert not isinstance(variables, list), variables
    return schema.documents.plan(document, operation, variables), variables
