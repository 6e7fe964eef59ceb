"""Labels: the names under which an answer can be found again to be forgotten, above all the people whom it is about."""

import typing
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import cache
from typing import Any, Protocol

from graph.loading.batch import Batch
from graph.upstream.record import fields_of, is_record, item_of, optional

# Stands for a person whom neither key nor record names: a purge of any person takes such an answer, too.
SOMEBODY = "person:"

Find = Callable[[Any], Iterable[str]]
Labeller = Callable[[Any, Any], tuple[str, ...]]


class NamesPerson(Protocol):
    """An identifier that may be a person's: `person` is their personal id, None where it is nobody's."""

    @property
    def person(self) -> str | None:
        """The personal id."""


def person_label(person: str) -> str:
    """Return the label of everything about a person."""
    return SOMEBODY + person


def tag_label(tag: str) -> str:
    """Return the label of everything with a tag."""
    return f"tag:{tag}"


def written(key: Hashable) -> str:
    """Write a key as operators do: as text, the parts of a compound key joined by "/" (an absent part is empty)."""
    if isinstance(key, tuple):
        return "/".join("" if part is None else str(part) for part in key)
    return str(key)


@cache
def labeller(batch: Batch[Any, Any]) -> Labeller:
    """Make the function from a key and what is under it to the labels of that answer."""
    in_key, in_record, tags = _finder(batch.key_type), _finder(batch.record), batch.tags

    def labels(key: Any, value: Any) -> tuple[str, ...]:
        records = value if batch.many else () if value is None else (value,)
        found: list[str] = []
        if batch.personal:
            people = set(in_key(key))
            for record in records:
                people.update(in_record(record))
            found = [SOMEBODY + person for person in people] or [SOMEBODY]
        if tags is not None and records:
            found += [tag_label(tag) for tag in tags(key, value)]
        return tuple(found)

    return labels


def _finder(annotation: Any) -> Find:
    return _find(annotation) or _nobody


def _nobody(_value: Any) -> Iterable[str]:
    return ()


@cache
def _find(annotation: Any) -> Find | None:
    """Make the function that finds the people in a value; None where a value of that type never names any."""
    inner, _ = optional(annotation)
    if (item := item_of(inner)) is not None:
        found = _find(item)
        return None if found is None else lambda values: [person for value in values for person in found(value)]
    if is_record(inner):
        return _in_fields(inner, fields_of(inner))
    if isinstance(inner, type) and issubclass(inner, tuple) and hasattr(inner, "_fields"):
        return _in_fields(inner, inner._fields)
    if isinstance(inner, type) and hasattr(inner, "person"):
        return _own
    return None


def _own(identifier: NamesPerson) -> Iterable[str]:
    person = getattr(identifier, "person", None)  # a plain text that stands for an identifier names nobody that we could know
    return () if person is None else (person,)


def _in_fields(kind: Any, names: Iterable[str]) -> Find | None:
    hints = typing.get_type_hints(kind)
    finders = [(name, found) for name in names if (found := _find(hints[name])) is not None]

    def found_in(value: Any) -> Iterator[str]:
        for name, find in finders:
            part = getattr(value, name)
            if part is not None:
                yield from find(part)

    return found_in if finders else None
