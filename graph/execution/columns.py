"""Columns: values of one field for many objects, and the places in the answer where they go.

A place is a container and a slot: a field's answers are dicts with one slot for all (its name), a list's items go to lists, each to its
own index.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache
from types import GeneratorType
from typing import Any

from graphql import Undefined
from graphql.pyutils import Path

Slots = str | Sequence[int]
Paths = list[Path | None] | None


class Places:
    """Where the values of a column go, and, where somebody may ask, under which path each of them stands."""

    __slots__ = ("answers", "paths", "slots")

    def __init__(self, answers: Sequence[Any], slots: Slots, paths: Paths) -> None:
        self.answers = answers
        self.slots = slots
        self.paths = paths

    def put(self, values: Sequence[Any]) -> None:
        """Put a column of values into their places."""
        slots = self.slots
        if isinstance(slots, str):
            for answer, value in zip(self.answers, values, strict=True):
                answer[slots] = value
        else:
            for answer, slot, value in zip(self.answers, slots, values, strict=True):
                answer[slot] = value

    def put_one(self, index: int, value: Any) -> None:
        """Put one value of a column into its place."""
        self.answers[index][self.slots if isinstance(self.slots, str) else self.slots[index]] = value

    def part(self, indices: Sequence[int]) -> "Places":
        """Take some of the places."""
        slots, paths = self.slots, self.paths
        return Places(
            [self.answers[index] for index in indices],
            slots if isinstance(slots, str) else [slots[index] for index in indices],
            None if paths is None else [paths[index] for index in indices],
        )

    def path(self, index: int) -> Path | None:
        """Return the path of one place; None where none are kept."""
        return None if self.paths is None else self.paths[index]


class Items:
    """The items of several lists as one column, each with its place in the list that it belongs to."""

    def __init__(self, outer: Places) -> None:
        self.outer = outer
        self.values: list[Any] = []
        self._lists: list[list[Any]] = []
        self._indices: list[int] = []
        self._paths: list[Path | None] = []

    def add(self, index: int, listed: Sequence[Any]) -> list[Any]:
        """Put an empty list into an outer place, and its items into the column; returns that list."""
        place: list[Any] = [None] * len(listed)
        self.outer.put_one(index, place)
        self.values += listed
        self._lists += [place] * len(listed)
        self._indices += range(len(listed))
        if self.outer.paths is not None:
            self._paths += [Path(self.outer.paths[index], number, None) for number in range(len(listed))]
        return place

    def places(self) -> Places:
        """Return where the items go."""
        return Places(self._lists, self._indices, None if self.outer.paths is None else self._paths)


class BrokenOff:
    """A list that ended in an exception, and the items that came before."""

    __slots__ = ("error", "items")

    def __init__(self, items: list[Any], error: Exception) -> None:
        self.items = items
        self.error = error


@lru_cache(maxsize=4_096)
def is_special(kind: type) -> bool:
    """Tell whether values of a class need a look of their own: nulls, exceptions, and what may have to be waited for."""
    return kind is type(None) or kind is type(Undefined) or issubclass(kind, Exception) or may_wait(kind)  # type: ignore[arg-type]  # a class is hashable


@lru_cache(maxsize=4_096)
def may_wait(kind: type) -> bool:
    """Tell whether values of a class may be awaitable."""
    return hasattr(kind, "__await__") or issubclass(kind, GeneratorType)


def attempt(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call a function; what it raises is returned, and so takes the place of its value."""
    try:
        return function(*arguments, **named)
    except Exception as error:  # noqa: BLE001 - it belongs to one place of the answer
        return error


def hashable(key: Any) -> Any:
    """Return a key, or what is wrong with it in its place."""
    return attempt(lambda: (hash(key), key)[1])


def outcome(future: "asyncio.Future[Any]") -> Any:
    """Return what a future came to: its value, or its exception as a value; a cancelled one raises."""
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, Exception):
        return error
    raise error


def close(awaitables: Sequence[Any]) -> None:
    """Close coroutines that nobody will wait for."""
    for awaitable in awaitables:
        if asyncio.iscoroutine(awaitable):
            awaitable.close()
