"""Limits of a document: each is reached exactly, said clearly, and found out in time that grows no faster than the document."""

import gc
import sys
import time
from collections.abc import Callable

import pytest
import strawberry
from graphql import GraphQLError, parse
from graphql.execution.values import VariableValues

from graph.execution.bounds import MOST_ERRORS, Limits, bounded, read
from graph.execution.documents import Documents
from graph.execution.schema import FastSchema

NOTHING = VariableValues({}, {})
WIDE = Limits(10**6, 10**6, 10**3, 10**6, 10**6, 10**6, 10**6, 10**6, 10**6)


@strawberry.type
class Query:
    name: str = "x"

    @strawberry.field
    def inner(self) -> "Query":
        return Query()

    @strawberry.field
    def said(self, word: str | None = None) -> str | None:
        return word


def documents(**limits: int) -> Documents:
    made = FastSchema(Query)
    made.configure(limits=Limits(**limits))
    return made.documents


def refusal(text: str, **limits: int) -> str | None:
    errors = documents(**limits).document(text).errors
    return errors[0].message if errors else None


def many(what: str, count: int) -> str:
    return " ".join(what.replace("#", str(number)) for number in range(count))


def nested(depth: int) -> str:
    return "{ inner " * (depth - 1) + "{ name }" + " }" * (depth - 1)


def fragments(count: int) -> str:
    return "{ " + many("...F#", count) + " } " + many("fragment F# on Query { name }", count)


# ── each limit, exactly ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("limit", "made", "message"),
    [
        ("bytes", lambda most: "{ name #".ljust(most - 2, "x") + "\n}", "The document is longer than {most} bytes."),
        ("bytes", lambda most: '{ said(word: "é") #'.ljust(most - 3, "x") + "\n}", "The document is longer than {most} bytes."),
        ("tokens", lambda most: "{ " + "name " * (most - 2) + "}", "Document contains more than {most} tokens"),
        ("depth", nested, "The document is nested more than {most} levels deep"),
        ("aliases", lambda most: f"{{ {many('a#: name', most)} }}", "The document has {over} aliases; at most {most} are allowed."),
        ("directives", lambda most: "{ inner { " + many("name @skip(if: false) ... on Query @skip(if: true) { name }", most // 2) + " } }",
         "The document has {over} directives; at most {most} are allowed."),
        ("fields", lambda most: "{ inner { " + "name " * (most - 1) + "} }", "The operation has more than {most} fields"),
        ("root_fields", lambda most: "{ ...A } fragment A on Query { " + "name " * most + "}",
         "The operation has {over} fields at the top; at most {most} are allowed."),
        ("operations", lambda most: many("query Q# { name }", most), "The document has {over} operations; at most {most} are allowed."),
        ("fragments", fragments, "The document has {over} fragments; at most {most} are allowed."),
    ],
)  # fmt: skip
def test_what_reaches_a_limit_is_read_and_what_goes_beyond_it_by_one_is_refused(
    limit: str, made: Callable[[int], str], message: str
) -> None:
    most = 30

    assert refusal(made(most), **{limit: most}) is None
    step = 2 if limit == "directives" else 1
    said = refusal(made(most + step), **{limit: most})
    assert said is not None
    assert message.format(most=most, over=most + step) in said


def test_the_fields_at_the_top_are_counted_for_each_operation() -> None:
    text = "query A { ...F name } query B { ...F } fragment F on Query { name inner { name name name } }"

    assert refusal(text, root_fields=3) is None
    assert refusal(text, root_fields=2) == "The operation has 3 fields at the top; at most 2 are allowed."


def test_fields_count_as_often_as_fragments_write_them_out() -> None:
    text = "{ ...A inner { ...A } } fragment A on Query { ...B inner { ...B } } fragment B on Query { name }"

    assert refusal(text, fields=7) is None
    assert refusal(text, fields=6) == "The operation has more than 6 fields when its fragments are written out."


@pytest.mark.parametrize(
    "text",
    [
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "{ inner { ...A } } fragment A on Query { inner { ...B } name } fragment B on Query { ... { ... on Query { inner { ...A } } } }",
        "{ name ...A } fragment A on Query { ...B ...C } fragment B on Query { ...C } fragment C on Query { ...B }",
    ],
)
def test_fragments_that_lead_back_to_themselves_are_refused_before_validation(text: str) -> None:
    found = documents().document(text)

    assert found.node is None
    assert "lead back to themselves" in found.errors[0].message


def test_a_fragment_that_only_meets_itself_beside_is_no_circle() -> None:
    assert refusal("{ ...A ...B } fragment A on Query { ...C } fragment B on Query { ...C } fragment C on Query { name }") is None


def test_a_fragment_that_leads_out_of_a_circle_is_measured_rightly_for_others() -> None:
    """What was measured while a circle was being followed must not be taken for what it is outside of it."""
    text = "query A { ...L } query B { ...M } fragment L on Query { ...M } fragment M on Query { ...L inner { name } }"

    assert "lead back to themselves" in str(refusal(text))


@pytest.mark.parametrize("text", ['{ said(word: "\ud800") }', "{ name } # \udfff", "\ud83d", "{ \ud800 }"])
def test_a_lone_surrogate_breaks_nothing(text: str) -> None:
    said = refusal(text)

    assert said is None or "Syntax Error" in said


def test_only_so_many_errors_are_reported() -> None:
    found = documents().document("{ inner { " + many("nothing#", 40) + " } }")

    assert len(found.errors) == MOST_ERRORS + 1
    assert found.errors[-1].message == "Too many validation errors, error limit reached. Validation aborted."


def test_a_document_whose_check_would_take_too_long_says_so() -> None:
    found = documents(fields=10_000, tokens=10_000).document("{ inner { " + "inner { name } " * 300 + "} }")

    assert found.errors[-1].message.startswith("The document is too intricate to be checked")


def test_a_large_document_of_a_person_is_far_from_all_limits() -> None:
    """Twenty blocks of twenty fields, each with a fragment of its own and one that all share."""
    block = "b#: inner { ...Own# ...Shared inner { name said } }"
    text = (
        "{ " + many(block, 20) + " } fragment Shared on Query { name inner { name said } } "
        + many("fragment Own# on Query { " + "name said inner { name said } " * 3 + "}", 20)
    )  # fmt: skip

    assert refusal(text) is None


# ── time and room ────────────────────────────────────────────────────────────────────────────────────────────────────────


def doubling(count: int) -> str:
    links = " ".join(f"fragment F{n} on Query {{ a: inner {{ ...F{n + 1} }} b: inner {{ ...F{n + 1} }} }}" for n in range(count))
    return f"{{ ...F0 }} {links} fragment F{count} on Query {{ name }}"


def mutual(count: int) -> str:
    every = " ".join(f"fragment F{n} on Query {{ name {' '.join(f'...F{m}' for m in range(n + 1, count))} }}" for n in range(count))
    return "{ " + many("...F#", count) + " } " + every


SHAPES: dict[str, Callable[[int], str]] = {
    "aliases": lambda size: f"{{ {many('a#: name', size)} }}",
    "directives": lambda size: "{ name " + "@skip(if: false) " * size + "}",
    "fragments side by side": fragments,
    "fragments that double": doubling,
    "inline fragments": lambda size: "{ " + "... { name " * (size // 10) + "name" + " }" * (size // 10) + " }",
    "the same field": lambda size: "{ " + "name " * size + "}",
    "operations": lambda size: many("query Q# { ...F }", size) + " fragment F on Query { name }",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_measuring_takes_time_in_proportion_to_the_document(shape: str) -> None:
    """Eight times the size takes less than twenty times the time: what is quadratic would take sixty-four."""

    def took(size: int) -> float:
        node = parse(SHAPES[shape](size))
        times = []
        for _ in range(5):
            began = time.thread_time()
            bounded(node, WIDE)
            times.append(time.thread_time() - began)
        return min(times)

    assert took(800) < 20 * took(100) + 0.002


def processor_seconds(text: str) -> float:
    kept = documents()
    began = time.thread_time()
    kept.document(text)
    return time.thread_time() - began


@pytest.mark.parametrize("shape", [*SHAPES, "mutual fragments", "unknown names", "block string", "variables"])
def test_whatever_is_in_a_document_it_is_refused_or_read_within_fifty_milliseconds(shape: str) -> None:
    more: dict[str, Callable[[int], str]] = {
        "mutual fragments": mutual,
        "unknown names": lambda size: "{ inner { " + many("naem#", size) + " } }",
        "block string": lambda size: '{ said(word: """' + "\n   x\t" * size + '""") }',
        "variables": lambda size: f"query({many('$v#: Int', size)}) {{ name }}",
    }
    made = {**SHAPES, **more}[shape]
    for size in (40, 200, 500, 900):
        text = made(size)
        # The best of five: what else the machine does meanwhile is no fault of the document.
        least = min(processor_seconds(text) for _ in range(5))
        assert least < 0.05, f"{size} of {shape}: {least * 1_000:.0f} ms"


def test_a_text_that_is_too_long_is_not_even_read() -> None:
    text = "{ " + "name " * 2_000_000 + "}"
    began = time.thread_time()
    with pytest.raises(GraphQLError, match="longer than 16384 bytes"):
        read(text, Limits())

    assert time.thread_time() - began < 0.005


# ── what is kept ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_refused_documents_drive_out_none_that_may_be_run() -> None:
    kept = documents(documents=64)
    kept.document("{ name }")
    for number in range(500):
        kept.document(f"{{ nothing{number} }}")
        kept.document(f"{{ broken{number}")

    misses = kept.figures.document_misses
    assert kept.document("{ name }").errors == []
    assert kept.figures.document_misses == misses
    assert len(kept) <= 64 + 8


def test_registered_documents_and_their_plans_are_driven_out_by_no_others() -> None:
    kept = documents(documents=8, plans=8)
    kept.trusted = frozenset({"{ registered: name }"})
    first = kept.document("{ registered: name }")
    plan = kept.plan(first, first.operations[None], NOTHING)
    for number in range(100):
        other = kept.document(f"{{ a{number}: name }}")
        kept.plan(other, other.operations[None], NOTHING)

    assert kept.document("{ registered: name }") is first
    assert kept.plan(first, first.operations[None], NOTHING) is plan
    assert not kept.document("{ a99: name }").trusted


def test_long_documents_take_the_place_of_several() -> None:
    kept = documents(documents=16)
    for number in range(50):
        kept.document(f"{{ a{number}: name #{'x' * 8_192}\n}}")

    assert len(kept) == 4


def test_a_flood_of_documents_leaves_no_memory_behind() -> None:
    kept = documents(documents=16, plans=16)

    def flood(start: int) -> int:
        for number in range(start, start + 400):
            kept.document(f"{{ a{number}: name }}")
            kept.document(f"{{ nothing{number} }}")
        gc.collect()
        return sys.getallocatedblocks()

    flood(0)
    before, after = flood(1_000), flood(2_000)
    assert after < before + 2_000
