"""Documents: refused while that is cheap, kept within bounds, planned once."""

import os
from typing import Any

import pytest
import strawberry
from graphql import DocumentNode

from graph.context import RequestContext
from graph.execution.bounds import Limits, bounded
from graph.execution.documents import Documents
from graph.execution.schema import FastSchema
from graph.loading.loaders import Loaders, Sources
from tests.graph.execution.compare import pair

MANY = 100_000 if int(os.environ.get("MOTCUA_EXAMPLES", "1")) > 1 else 3_000


@strawberry.type
class Query:
    name: str = "x"

    @strawberry.field
    def inner(self) -> "Query":
        return Query()

    @strawberry.field
    def said(self, word: str | None = None) -> str | None:
        return word


SCHEMA = FastSchema(Query)


class Anything:
    """Permits of their own, which refuse nothing."""

    def refusal(self, _parent: str, _field: str) -> None:
        """Refuse nothing."""

    def screens(self, _coordinates: Any) -> dict[Any, Any]:
        """Look at nothing."""
        return {}


class Untouchable:
    """A schema that must not be looked at."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the schema was asked for {name}")


def guarded(**limits: int) -> Documents:
    """Make documents whose schema fails whoever validates against it."""
    schema: Any = Untouchable()
    return Documents(schema, Limits(**limits))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{ " + "name " * 2_000 + "}", "Document contains more than 2000 tokens"),
        ("{ inner " * 21 + "{ name }" + " }" * 21, "nested more than 20 levels deep"),
        ("{ " + " ".join(f"a{number}: name" for number in range(51)) + " }", "51 aliases"),
        ("{ name " + "@skip(if: false) " * 51 + "}", "51 directives"),
        ("{ ...A } fragment A on Query { inner { ...B } } fragment B on Query { inner { ...A } }", "lead back to themselves"),
        ("{ ...A } fragment A on Query { ...A }", "lead back to themselves"),
        ("{ " + "... { " * 600 + "name" + " }" * 600 + " }", None),
        ("{ name(x: " + "[" * 900 + "]" * 900 + ") }", None),
        ("{", "Syntax Error"),
        ("\x00", "Syntax Error"),
    ],
)  # fmt: skip
def test_a_hostile_document_never_reaches_validation(text: str, message: str | None) -> None:
    if message is None:  # large, but within the bounds: it is validated, or refused as too deep, and nothing breaks
        assert FastSchema(Query).documents.document(text) is not None
        return
    found = guarded().document(text)

    assert found.node is None
    assert [message in error.message for error in found.errors] == [True]


def test_a_document_within_the_bounds_is_validated() -> None:
    with pytest.raises(AssertionError, match="the schema was asked"):
        guarded().document("{ name }")


def test_fragments_that_double_with_every_level_are_measured_in_no_time() -> None:
    pieces = [
        "{ ...F0 }",
        *(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(150)),
        "fragment F150 on Query { name }",
    ]
    node = SCHEMA.documents.document("{ name }").node
    assert isinstance(node, DocumentNode)

    assert bounded(node, Limits()) is None
    assert (
        guarded(tokens=10_000, aliases=0, depth=0, fragments=1_000)
        .document(" ".join(pieces))
        .errors[0]
        .message.startswith("The document is nested more")
    )


def test_a_fragment_is_as_deep_as_where_it_stands() -> None:
    text = "{ inner { ...A } } fragment A on Query { inner { name } }"

    assert guarded(depth=2).document(text).errors
    assert FastSchema(Query).documents.document(text).errors == []


def test_the_caches_never_grow_beyond_their_bounds() -> None:
    made = FastSchema(Query)
    made.configure(limits=Limits(documents=16, plans=8))
    for number in range(MANY):
        result = made.execute_sync if number % 100 == 0 else None
        made.documents.document(f"{{ a{number}: name }}")
        if result is not None:
            result(f"{{ b{number}: name }}", root_value=Query())

    assert len(made.documents) == 16
    assert made.documents.plans <= 8


async def test_texts_without_end_leave_no_more_than_the_bounds() -> None:
    made = FastSchema(Query)
    made.configure(limits=Limits(documents=4, plans=3))
    for number in range(20):
        assert (await made.execute(f"{{ a{number}: name }}", root_value=Query())).data == {f"a{number}": "x"}

    assert (len(made.documents), made.documents.plans) == (4, 3)
    figures = made.documents.figures
    assert (figures.document_hits, figures.document_misses, figures.plan_hits, figures.plan_misses) == (0, 20, 0, 20)


async def test_a_plan_is_made_once_for_all_values_that_do_not_steer_it() -> None:
    made = FastSchema(Query)
    text = "query($a: Boolean!, $b: Boolean = true) { name @skip(if: $a) inner @include(if: $b) { name } }"
    for a, b in [(True, True), (True, False), (True, True), (False, True), (True, False)]:
        result = await made.execute(text, {"a": a, "b": b}, root_value=Query())
        assert result.data == ({} if a else {"name": "x"}) | ({"inner": {"name": "x"}} if b else {})

    figures = made.documents.figures
    assert (figures.document_misses, figures.document_hits, figures.plan_misses, figures.plan_hits) == (1, 4, 3, 2)


async def test_a_kept_plan_holds_no_value_of_the_request_that_made_it() -> None:
    made = FastSchema(Query)
    text = "query($if: Boolean!, $who: String = null) { name @skip(if: $if) said(word: $who) }"
    assert (await made.execute(text, {"if": True, "who": "somebody"}, root_value=Query())).data == {"said": "somebody"}

    [(_, plan)] = made.documents._plans.values()
    assert plan.root.fields[0].planner.variables.coerced == {"if": True}
    assert plan.root.fields[0].planner.variables.sources.keys() == {"if"}


async def test_callers_who_may_not_see_the_same_share_no_plan() -> None:
    made = FastSchema(Query)
    some, others = Anything(), Anything()
    for allowed in (some, others, some):
        context = RequestContext(Loaders(Sources({}, {})), allowed=allowed)
        assert (await made.execute("{ name }", context_value=context, root_value=Query())).data == {"name": "x"}

    assert (made.documents.figures.plan_misses, made.documents.figures.plan_hits) == (2, 1)


async def test_a_refused_document_is_remembered_and_refused_alike() -> None:
    fast, reference = pair(lambda: FastSchema(Query))
    for made in (fast, reference):
        first, second = [await made.execute("{ nobody }") for _ in range(2)]
        assert first.data is second.data is None
        assert [error.message for error in first.errors or []] == ["Cannot query field 'nobody' on type 'Query'."]
        assert [error.message for error in second.errors or []] == [error.message for error in first.errors or []]


async def test_configuring_anew_forgets_what_was_kept() -> None:
    made = FastSchema(Query)
    await made.execute("{ name }", root_value=Query())
    made.configure(engine="reference")

    assert (len(made.documents), made.documents.plans) == (0, 0)
    assert (await made.execute("{ name }", root_value=Query())).data == {"name": "x"}
    assert made.documents.plans == 0
