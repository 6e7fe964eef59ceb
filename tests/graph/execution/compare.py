"""Runs of one document on both engines, and what it means that they agree."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from graphql import GraphQLError, Undefined

from graph.execution.documents import Limits
from graph.execution.schema import FastSchema

WIDE = Limits(
    bytes=1_000_000, tokens=100_000, depth=200, aliases=10_000, directives=10_000, fields=10_000, root_fields=10_000, fragments=1_000
)
Found = tuple[tuple[Any, ...], str, tuple[tuple[int, int], ...]]


def pair(make: Callable[[], FastSchema], limits: Limits = WIDE) -> tuple[FastSchema, FastSchema]:
    """Make a schema twice: once for the engine, once for graphql-core."""
    fast, reference = make(), make()
    fast.configure(limits=limits)
    reference.configure(engine="reference", limits=limits)
    reference.documents = fast.documents  # reading and validating a document costs more than running it
    return fast, reference


def told(error: GraphQLError) -> Found:
    """Say of an error what a client is told of it."""
    places = tuple((place.line, place.column) for place in error.locations or ())
    return tuple(error.path or ()), error.message, places


def written(data: Any) -> str:
    """Write an answer as JSON, in the order of its fields."""
    return json.dumps(data, default=lambda value: f"{type(value).__name__} {value!r}" if value is not Undefined else "Undefined")


async def drained(before: "set[asyncio.Task[Any]]") -> None:
    """Wait until nothing that a run left behind is still under way."""
    while left := asyncio.all_tasks() - before:
        await asyncio.wait(left)


def nulled_at(data: Any, path: tuple[Any, ...]) -> tuple[Any, ...]:
    """Find the place that an error made null: the first null on its path."""
    for length, step in enumerate(path):
        if data is None:
            return path[:length]
        data = data[step]
    return path


def by_place(data: Any, errors: list[Found]) -> dict[tuple[Any, ...], list[Found]]:
    """Sort errors by the place that they made null."""
    places: dict[tuple[Any, ...], list[Found]] = defaultdict(list)
    for error in errors:
        places[nulled_at(data, error[0])].append(error)
    return places


def agree(fast: Any, reference: Any, *, waited: bool) -> None:
    """Assert that two results are the same.

    Where something was waited for, which errors are found under a null that moved up is a matter of time: then each null must have an
    error on both sides, and all other errors must be the same.
    """
    assert written(fast.data) == written(reference.data)
    ours, theirs = [told(error) for error in fast.errors or ()], [told(error) for error in reference.errors or ()]
    if not waited:
        assert ours == theirs
        return
    our_places, their_places = by_place(fast.data, ours), by_place(reference.data, theirs)
    assert our_places.keys() == their_places.keys()
    for place, mine in our_places.items():
        other = their_places[place]
        if all(error[0] == place for error in (*mine, *other)):
            assert sorted(mine) == sorted(other)


async def both(
    make: Callable[[], FastSchema],
    text: str,
    variables: dict[str, Any] | None = None,
    *,
    root: Any = None,
    context: Any = None,
    waited: bool = False,
) -> Any:
    """Run a document on both engines, assert that they agree, and return what the engine gave; `context` makes one for each."""
    fast, reference = pair(make)
    document = fast.documents.document(text)
    assert all(fast.runs_fast(document, operation) for operation in document.operations.values())
    before = asyncio.all_tasks()
    mine, other = [await schema.execute(text, variables, context and context(), root) for schema in (fast, reference)]
    await drained(before)
    agree(mine, other, waited=waited)
    return mine
