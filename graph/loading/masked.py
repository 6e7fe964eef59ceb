"""Masked: a record of which not everything is given; it looks like the record, with other values or errors in some places."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from graph.loading.cache import MISSING


class NotGiven:
    """The type of NOT_GIVEN."""


# Stands for the key of a link that is masked: there is null under it, which does not say that there is nothing.
NOT_GIVEN: Final = NotGiven()


class Masked:
    """Stands in for a record: an attribute is the one that is given instead, raises what refuses it, or is the record's own."""

    __slots__ = ("_instead", "_record")

    def __init__(self, record: Any, instead: Mapping[str, Any]) -> None:
        self._record = record
        self._instead = instead

    def __getattr__(self, name: str) -> Any:
        value = self._instead.get(name, MISSING)
        if value is MISSING:
            return getattr(self._record, name)
        if isinstance(value, Exception):
            # One error may be raised in many places; it must not gather a traceback from each of them.
            raise value.with_traceback(None)
        return value

    def key(self, name: str, key: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
        """Compute the key of a link: from the record itself, NOT_GIVEN where the link is masked; raises what refuses it.

        The record that a link leads to is looked at in its own right, so its key needs no mask.
        """
        value = self._instead.get(name, MISSING)
        if isinstance(value, Exception):
            raise value.with_traceback(None)
        return key(self._record, **arguments) if value is MISSING else NOT_GIVEN


class Sieved(tuple[Any, ...]):
    """A list of records in which errors stand in the places of some, so that it is completed place by place."""

    __slots__ = ()


def key_of(source: Any, name: str, key: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Compute the key of a link called `name` from a record, or from what stands in for one."""
    return source.key(name, key, arguments) if source.__class__ is Masked else key(source, **arguments)
