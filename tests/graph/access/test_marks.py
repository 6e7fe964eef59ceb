"""Marks: each directive is found where it stands, and nowhere else."""

import enum
from typing import NewType

import strawberry
from strawberry.schema.config import StrawberryConfig

from graph.access.directives import (
    Authenticated,
    Fee,
    ListSize,
    Mask,
    MaskForm,
    Personal,
    PersonalClass,
    Policy,
    Refused,
    RequiresScopes,
    Subject,
)
from graph.access.marks import marks_of
from graph.execution.schema import FastSchema
from graph.seam import field
from schema import schema as product

Code = NewType("Code", str)


@strawberry.enum(directives=[Policy(policies=[["a"]])])
class Shade(enum.Enum):
    DARK = "dark"


def _told() -> str:
    return "told"


@strawberry.interface(directives=[Authenticated()])
class Named:
    name: str = field("Name.", marks=[Personal()])


@strawberry.type(directives=[Personal(class_=PersonalClass.SENSITIVE), Subject(field="code", refused=Refused.ABSENT)])
class Person(Named):
    code: Code = field("Code.", marks=[Mask(as_=MaskForm.LAST_FOUR), Fee(vnd=1_000)])
    shades: list[Shade] = field("Shades.", marks=[ListSize(assumed_size=3)])

    told: str = strawberry.field(resolver=_told, directives=[RequiresScopes(scopes=[["s"], ["t", "u"]])])


@strawberry.type
class Query:
    person: Person | None


SCALARS: dict[object, object] = {Code: strawberry.scalar(name="Code", serialize=str, directives=[RequiresScopes(scopes=[])])}
MARKS = marks_of(FastSchema(Query, config=StrawberryConfig(scalar_map=SCALARS))._schema)  # type: ignore[arg-type]  # scalars alone


def test_directives_of_objects_interfaces_scalars_and_enums_are_found() -> None:
    assert MARKS.of_type("Person") == (Personal(class_=PersonalClass.SENSITIVE), Subject(field="code", refused=Refused.ABSENT))
    assert MARKS.of_type("Named") == (Authenticated(),)
    assert MARKS.of_type("Shade") == (Policy(policies=[["a"]]),)
    assert MARKS.of_type("Code") == (RequiresScopes(scopes=[]),)
    assert MARKS.of_type("Query") == MARKS.of_type("Nobody") == ()


def test_directives_of_plain_and_of_resolved_fields_are_found() -> None:
    assert MARKS.of_field("Person.code") == (Mask(as_=MaskForm.LAST_FOUR), Fee(vnd=1_000))
    assert MARKS.of_field("Person.told") == (RequiresScopes(scopes=[["s"], ["t", "u"]]),)
    assert MARKS.of_field("Named.name") == (Personal(),)
    assert MARKS.of_field("Query.person") == MARKS.of_field("Person.nothing") == ()


def test_a_field_that_is_inherited_keeps_its_directives() -> None:
    assert MARKS.of_field("Person.name") == (Personal(),)


def test_what_a_directive_says_is_read_and_its_absence_too() -> None:
    assert (MARKS.mask("Person.code"), MARKS.mask("Person.told")) == (MaskForm.LAST_FOUR, None)
    assert (MARKS.fee("Person.code"), MARKS.fee("Person.told")) == (1_000, 0)
    assert (MARKS.list_size("Person.shades"), MARKS.list_size("Person.code")) == (ListSize(assumed_size=3), None)
    assert (MARKS.subject("Person"), MARKS.subject("Named")) == (Subject(field="code", refused=Refused.ABSENT), None)


def test_directives_are_printed_in_the_schema() -> None:
    printed = product.as_str()

    assert '@subject(field: "members.personalId", refused: ERROR)' in printed
    assert 'bloodGroup: String @personal(class: SENSITIVE) @requiresScopes(scopes: [["citizen:sensitive"]])' in printed


def test_every_personal_type_of_the_product_says_about_whom_it_is_or_stands_in_one_that_does() -> None:
    core = product.documents.schema
    marks = marks_of(core)
    personal = {name for name in core.type_map if any(isinstance(mark, Personal) for mark in marks.of_type(name))}

    # An address is part of a person's or a household's record, a period of a book, and an event holds its parties.
    assert {name for name in personal if marks.subject(name) is None} == {"Address", "InsurancePeriod", "CivilStatusEvent"}
