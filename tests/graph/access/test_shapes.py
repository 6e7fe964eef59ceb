"""What the schema says about people is held to, or the start is refused: nothing that is marked can be reached past the screens."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import pytest
import strawberry

from graph.access.directives import Mask, MaskForm, Subject
from graph.access.marks import marks_of
from graph.access.screens import Screening
from graph.errors import SettingsWrong
from graph.execution.schema import FastSchema
from graph.loading.batch import Batch, SubjectFacts, batch_one
from graph.seam import link
from graph.upstream.record import Record, wire
from tests.lines import REGISTER


class Row(Record):
    code: str = wire("code")


def batch(**declared: Any) -> Batch[str, Row]:
    @batch_one(REGISTER, max_keys=1, **declared)
    async def row_by_code(_upstream: Any, _codes: Sequence[str]) -> Mapping[str, Row]:
        return {}

    return row_by_code


def key(_root: None, code: str) -> str:
    return code


def made_up() -> str:
    return "x"


def led_to(kind: Any, by: Batch[str, Row], **more: Any) -> FastSchema:
    """Make a schema whose root leads to a type."""
    fields = {"it": link(by, key=key, description="x"), **more}
    annotations = dict.fromkeys(fields, kind | None)
    return FastSchema(query=strawberry.type(type("Query", (), {"__annotations__": annotations, **fields})))


def refusal(schema: FastSchema, *batches: Batch[Any, Any]) -> str:
    with pytest.raises(SettingsWrong) as refused:
        Screening(marks_of(schema._schema), schema._schema, batches)
    return refused.value.message


def masked(form: MaskForm, **more: Any) -> Any:
    return strawberry.field(directives=[Mask(as_=form)], **more)


def test_a_mask_of_nothing_stands_on_a_field_that_may_be_nothing() -> None:
    @strawberry.type
    class Kind:
        code: str = masked(MaskForm.NULL)

    assert refusal(led_to(Kind, batch())) == "schema: Kind.code: @mask(as: NULL): expected a field that may be null"


def test_a_mask_does_not_stand_on_what_a_resolver_makes() -> None:
    @strawberry.type
    class Kind:
        code: str = masked(MaskForm.LAST_FOUR, resolver=made_up)

    assert refusal(led_to(Kind, batch())).startswith("schema: Kind.code: @mask: expected a plain field or a link")


def test_only_plain_values_have_a_masked_form() -> None:
    @strawberry.type
    class Inner:
        code: str

    @strawberry.type
    class Kind:
        inner: Inner | None = masked(MaskForm.YEAR)

    assert refusal(led_to(Kind, batch())).startswith("schema: Kind.inner: @mask: expected the form NULL")


@pytest.mark.parametrize("path", ["nothing", "made", "code.more"])
def test_a_subject_is_a_plain_field(path: str) -> None:
    @strawberry.type(directives=[Subject(field=path)])
    class Kind:
        code: str
        made: str = strawberry.field(resolver=made_up)

    assert refusal(led_to(Kind, batch())).startswith("schema: Kind: @subject: expected")


@pytest.mark.parametrize("unless", ["nothing", "made"])
def test_what_says_that_a_record_is_about_no_person_is_a_plain_field(unless: str) -> None:
    @strawberry.type(directives=[Subject(field="code", unless=unless)])
    class Kind:
        code: str
        made: str = strawberry.field(resolver=made_up)

    assert refusal(led_to(Kind, batch())).startswith("schema: Kind: @subject: expected a plain field")


def test_records_with_people_are_delivered_as_one_type() -> None:
    @strawberry.type(directives=[Subject(field="code")])
    class Person:
        code: str

    @strawberry.type
    class Thing:
        code: str

    rows = batch()

    @strawberry.type
    class Query:
        person: Person | None = link(rows, key=key, description="x")
        thing: Thing | None = link(rows, key=key, description="x")

    assert (
        refusal(FastSchema(query=Query)) == "schema: row_by_code delivers Person and Thing; expected one type, because people stand in it"
    )


def test_records_with_people_do_not_come_from_a_resolver() -> None:
    @strawberry.type(directives=[Subject(field="code")])
    class Person:
        code: str

    def first() -> Person:
        return Person(code="x")

    schema = led_to(Person, batch(), first=strawberry.field(resolver=first))

    assert refusal(schema).startswith("schema: Query.first: expected a link, or a plain field of one type")


def test_records_do_not_stand_in_one_another_without_end() -> None:
    schema = led_to(Node, batch())

    assert refusal(schema) == "schema: Node > Node: expected records that do not stand in one another"


@strawberry.type
class Node:
    inner: Annotated["Node", strawberry.lazy("tests.graph.access.test_shapes")] | None


def test_one_batch_function_tells_of_people() -> None:
    @strawberry.type
    class Kind:
        code: str

    facts = SubjectFacts(protected="code", born="code")

    assert "both declare facts" in refusal(led_to(Kind, batch(facts=facts)), batch(facts=facts))
