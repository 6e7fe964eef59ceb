"""A small register for tests of access: a schema with people, firms and places in it, and a file of consumers that fits it."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import strawberry
from graphql import GraphQLSchema

from graph.access.coordinates import Coordinates
from graph.access.directives import Authenticated, Mask, MaskForm, Personal, Policy, PurposeIn, RequiresScopes, Subject
from graph.access.editing import RegistryFile
from graph.execution.schema import FastSchema

HASH: Final = "sha256:" + "0a" * 32
OTHER_HASH: Final = "sha256:" + "0b" * 32
THUMBPRINT: Final = "sha256:" + "0c" * 32

GOOD: Final = f"""\
# The consumers of the small register.
version = 3

[groups]
person = ["Person.*"]  # all of a person
names = ["Person.name", "@place"]
place = ["Place.code", "Query.place"]

[open]
fields = ["@place"]

[purposes.registration]
title = "Đăng ký"
legal_basis = "statutory"
ground = "Luật Hộ tịch 60/2014/QH13"
fields = ["@names", "Query.person"]
masked = ["Person.born", "Person.name"]
requires = ["case"]
min_age = 14
expires = 2030-01-01

[purposes.account]
title = "Mở tài khoản"
legal_basis = "consent"
ground = "Luật 91/2025/QH15, Điều 9"
consent = true
fields = ["@person"]

[consumers.office]  # the first office
organisation = "UBND phường"
kind = "state"
purposes = ["registration"]
default_purpose = "registration"
certificates = ["{THUMBPRINT}"]
allowances = {{ cost = 10, persons = 2 }}

[[consumers.office.tokens]]
issuer = "https://id.example.vn"
client_id = "office"

[consumers.office.keys.first]
hash = "{HASH}"
made = 2026-01-01T00:00:00Z

[consumers.bank]
organisation = "Ngân hàng"
kind = "private"
purposes = {{ account = 2027-01-01T00:00:00+07:00 }}
priority = "service"
scopes = ["person:read"]
policies = ["own-clients"]
"""


@strawberry.type(directives=[Personal(), Subject(field="name")])
class Person:
    """Everything about a person is personal; so few live here that they are told apart by their names."""

    name: str
    born: str = strawberry.field(directives=[Mask(as_=MaskForm.YEAR)])


@strawberry.type
class Place:
    """A place is nobody, but not all of it is for everybody."""

    code: str
    plan: str = strawberry.field(directives=[Authenticated()])
    scoped: str = strawberry.field(directives=[RequiresScopes(scopes=[["plans"]])])
    judged: str = strawberry.field(directives=[Policy(policies=[["plans"]])])
    meant: str = strawberry.field(directives=[PurposeIn(purposes=["planning"])])


@strawberry.type
class Query:
    """Where a query begins."""

    person: Person | None
    people: list[Person] | None
    place: Place | None


schema = FastSchema(Query)


def small_schema() -> GraphQLSchema:
    """Return the schema as graphql-core has it."""
    return schema._schema


def written(folder: Path, text: str = GOOD) -> Path:
    """Write the file of consumers."""
    file = folder / "consumers.toml"
    file.write_text(text, "utf-8")
    return file


def replaced(file: Path, change: Callable[[str], str]) -> None:
    """Change the file as careful people do: beside, and then put in its place."""
    made = file.with_suffix(".new")
    made.write_text(change(file.read_text("utf-8")), "utf-8")
    made.replace(file)


def small_file(file: Path) -> RegistryFile:
    """Open the file for changes."""
    return RegistryFile(file, Coordinates(small_schema()), demo=False)
