"""What the lint finds in schemas and in queries, and what it leaves alone."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import pytest
import strawberry

from graph.execution.schema import FastSchema
from graph.lint import Finding, lint_document, lint_schema
from graph.pages import load_examples
from graph.seam import (
    Authenticated,
    ListSize,
    Personal,
    Record,
    Subject,
    Upstream,
    batch_many,
    batch_one,
    field,
    link,
    link_each,
    wire,
)
from schema import schema as project
from tests.lines import REGISTER
from tests.servers import PROJECT


class RowRecord(Record):
    code: str = wire("MA")


@batch_one(REGISTER, max_keys=1)
async def row_alone(_upstream: Upstream, _codes: Sequence[str]) -> Mapping[str, RowRecord]:
    return {}


@batch_one(REGISTER, max_keys=50)
async def row_by_code(_upstream: Upstream, _codes: Sequence[str]) -> Mapping[str, RowRecord]:
    return {}


@batch_many(REGISTER, max_keys=50)
async def rows_by_code(_upstream: Upstream, _codes: Sequence[str]) -> Mapping[str, tuple[RowRecord, ...]]:
    return {}


def own(_root: None, code: Annotated[str, strawberry.argument(description="Code.")]) -> str:
    return code


def first_of(_root: None, first: Annotated[int, strawberry.argument(description="How many.")]) -> str:
    return str(first)


def several(_root: None, codes: Annotated[list[str], strawberry.argument(description="Codes.")]) -> list[str]:
    return codes


def undescribed(_root: None, code: str) -> str:
    return code


@strawberry.interface(description="A side.", directives=[Authenticated()])
class Side:
    code: str = field("Code.", marks=[Personal()])


@strawberry.type(description="A row with a side.")
class Sided(Side):
    pass


@strawberry.type(description="A row with lists.")
class Placed:
    told: list[str] = field("A few words.", marks=[ListSize(assumed_size=4)])
    endless: list[str] = field("Words.")


@strawberry.type(description="Says something about it is not said whom.", directives=[Personal()])
class Nobody:
    code: str = field("Code.")


@strawberry.type(description="Says something about somebody.", directives=[Personal(), Subject(field="code")])
class Somebody:
    code: str = field("Code.")


async def asked_for_each() -> str:
    return "late"


@strawberry.type(description="A row.")
class Row:
    code: str = field("Code.")


@strawberry.type(description="A row with links.")
class Linked:
    code: str = field("Code.")
    alone: Row | None = link(row_alone, key="code", description="One key a call.")
    known: Row | None = link(row_alone, key="code", proves="code", description="One key a call, where one is needed.")
    batched: Row | None = link(row_by_code, key="code", description="Many keys a call.")
    rows: list[Row] | None = link(rows_by_code, key="code", description="Any number of rows.")
    waited: str = strawberry.field(resolver=asked_for_each, description="Asks somebody for each object.")


def query_type(**fields: object) -> type:
    """Make a root type with these fields."""
    annotations = {name: found[0] for name, found in fields.items() if isinstance(found, tuple)}
    values = {name: found[1] for name, found in fields.items() if isinstance(found, tuple)}
    return strawberry.type(type("Query", (), {**values, "__annotations__": annotations}), description="The root.")


def lint(**fields: object) -> list[Finding]:
    return lint_schema(FastSchema(query=query_type(**fields)))


def told(found: list[Finding]) -> list[tuple[str, str, str]]:
    return [(each.severity, each.code, each.message.partition(":")[0]) for each in found]


QUERY = FastSchema(
    query=query_type(
        one=(Linked | None, link(row_by_code, key=own, description="One.")),
        several=(list[Linked | None] | None, link_each(row_by_code, keys=several, at_most=9, description="Several.")),
    )
)


def lint_query(text: str) -> list[tuple[str, str, int]]:
    return [(found.severity, found.code, found.line) for found in lint_document(QUERY, "q.graphql", text)]


# ── the schema ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_schema_that_is_well_is_left_alone() -> None:
    assert lint(row=(Row | None, link(row_by_code, key=own, description="A row."))) == []


def test_a_batch_function_of_one_key_is_told_once_with_the_fields_that_it_makes_costly() -> None:
    found = lint(
        some=(list[Linked | None] | None, link_each(row_by_code, keys=several, at_most=9, description="Several.")),
        alone=(list[Row | None] | None, link_each(row_alone, keys=several, at_most=9, description="Several.")),
    )

    [unbatched] = [each for each in found if each.severity == "info"]
    assert unbatched.code == "unbatched"
    assert "row_alone takes one key a call" in unbatched.message
    assert "Linked.alone, Linked.known, Query.alone" in unbatched.message
    assert unbatched.file.endswith("test_lint.py")


def test_a_batch_function_of_one_key_is_fine_where_no_list_is_above_it() -> None:
    assert lint(row=(Row | None, link(row_alone, key=own, description="A row."))) == []


def test_a_resolver_that_waits_under_a_list_is_a_warning() -> None:
    found = lint(some=(list[Linked | None] | None, link_each(row_by_code, keys=several, at_most=9, description="Several.")))

    assert ("warning", "unbatched", "Linked.waited") in told(found)
    single = lint(one=(Linked | None, link(row_by_code, key=own, description="One.")))
    assert ("warning", "unbatched", "Linked.waited") not in told(single)


def test_a_list_that_nothing_bounds_is_a_warning() -> None:
    found = lint(
        rows=(list[Row] | None, link(rows_by_code, key=own, description="Rows.")),
        bounded=(list[Row] | None, link(rows_by_code, key=first_of, description="Rows.")),
        listed=(list[Row | None] | None, link_each(row_by_code, keys=several, description="Several.")),
        at_most=(list[Row | None] | None, link_each(row_by_code, keys=several, at_most=9, description="Several.")),
    )

    assert set(told(found)) == {("warning", "unbounded-list", "Query.listed"), ("warning", "unbounded-list", "Query.rows")}


@pytest.mark.parametrize(
    "made", [(Row, link(row_by_code, key=own, description="A row.")), (list[Row], link(rows_by_code, key=first_of, description="Rows."))]
)
def test_tr7_a_link_that_cannot_be_null_is_an_error(made: object) -> None:
    assert told(lint(row=made)) == [("error", "nonnull-link", "Query.row")]


def test_what_has_no_description_is_a_warning() -> None:
    @strawberry.type
    class Bare:
        code: str

    found = lint(bare=(Bare | None, link(row_by_code, key=undescribed, description="Bare.")))

    assert {(each.code, each.message) for each in found} == {
        ("no-description", "Bare: has no description"),
        ("no-description", "Bare.code: has no description"),
        ("no-description", "Query.bare: its argument code has no description"),
    }


def test_a_finding_is_one_line_that_names_the_place_of_the_declaration() -> None:
    [listed] = lint(row=(Placed | None, link(row_by_code, key=own, description="A row.")))
    line = (PROJECT / "tests" / "graph" / "test_lint.py").read_text("utf-8").splitlines()[listed.line - 1]

    assert line.strip().startswith("endless:")
    assert str(listed).startswith(f"tests/graph/test_lint.py:{listed.line}:5 warning unbounded-list Placed.endless: ")


def test_a_list_whose_length_is_said_is_left_alone() -> None:
    found = lint(
        rows=(list[Row] | None, link(rows_by_code, key=own, description="Rows.", marks=[ListSize(assumed_size=4)])),
        placed=(Placed | None, link(row_by_code, key=own, description="A row.")),
    )

    assert told(found) == [("warning", "unbounded-list", "Placed.endless")]


def test_a_rule_about_who_may_read_an_interface_is_an_error() -> None:
    found = lint(row=(Sided | None, link(row_by_code, key=own, description="A row.")))

    assert [(each.severity, each.code) for each in found] == [("error", "guarded-interface")] * 2
    assert {each.message.partition(":")[0] for each in found} == {"Side", "Side.code"}


def test_personal_records_that_name_nobody_are_a_warning() -> None:
    found = lint(
        nobody=(Nobody | None, link(row_by_code, key=own, description="A row.")),
        somebody=(Somebody | None, link(row_by_code, key=own, description="A row.")),
    )

    assert told(found) == [("warning", "no-subject", "Nobody")]


def test_the_projects_own_schema_and_examples_have_no_errors() -> None:
    found = [
        *lint_schema(project),
        *(found for example in load_examples(PROJECT / "examples") for found in lint_document(project, example.name, example.query)),
    ]

    assert [each for each in found if each.severity == "error"] == []
    assert [each for each in found if each.code in {"no-description", "literal"}] == []


# ── documents ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_query_that_is_well_is_left_alone() -> None:
    assert lint_query("query($code: String!) { one(code: $code) { alone { code } batched { code } } }") == []


@pytest.mark.parametrize("text", ["{\n  one }", "{\n nothing }", "{\n", "query {\n one(code: 1) { code } }"])
def test_a_query_that_is_not_valid_is_an_error(text: str) -> None:
    assert ("error", "invalid") in {found[:2] for found in lint_query(text)}


def test_an_invalid_query_is_not_quoted() -> None:
    [found] = lint_document(project, "q.graphql", '{ citizen(id: "personal") { fullName } }')

    assert found.code == "invalid"
    assert "personal" not in found.message


def test_a_link_of_one_key_under_a_list_is_a_warning() -> None:
    query = "query($codes: [String!]!) {\n several(codes: $codes) {\n alone { code }\n batched { code } } }"

    assert lint_query(query) == [("warning", "unbatched", 3)]


def test_a_link_that_needs_no_call_is_fine_under_a_list() -> None:
    assert lint_query("query($codes: [String!]!) { several(codes: $codes) { known { code } } }") == []


def test_a_list_that_nothing_bounds_is_information_and_under_a_list_a_warning() -> None:
    assert lint_query("query($code: String!) { one(code: $code) { rows { code } } }") == [("info", "unbounded-list", 1)]
    assert lint_query("query($codes: [String!]!) { several(codes: $codes) { rows { code } } }") == [("warning", "unbounded-list", 1)]


@pytest.mark.parametrize("text", ['{ one(code: "a") { code } }', '{ one(code: """a""") { code } }', '{ several(codes: ["a"]) { code } }'])
def test_a_value_in_the_query_itself_is_a_warning(text: str) -> None:
    [found] = lint_query(text)

    assert found == ("warning", "literal", 1)


def test_a_value_that_is_only_a_default_is_fine() -> None:
    assert lint_query('query($code: String! = "a", $with: Boolean! = true) { one(code: $code) @include(if: $with) { code } }') == []


def test_an_identifier_in_the_query_itself_is_a_warning_that_does_not_repeat_it() -> None:
    [found] = lint_document(project, "q.graphql", '{ citizen(id: "099085000002") { fullName } }')

    assert (found.severity, found.code, found.column) == ("warning", "literal", 15)
    assert "099085000002" not in str(found)


def test_every_operation_and_fragment_of_a_document_is_looked_at() -> None:
    text = (
        "query A($codes: [String!]!) { several(codes: $codes) { ...Alone } }\n"
        "query B($codes: [String!]!) { several(codes: $codes) { ...Alone batched { code } } }\n"
        "fragment Alone on Linked { alone { code } }\n"
    )

    found = lint_document(QUERY, "q.graphql", text)

    assert {(each.code, each.line) for each in found} == {("unbatched", 3)}
