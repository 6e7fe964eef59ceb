"""Policy: from who asks and what for to what may be read, decided once for each consumer and purpose and looked up from then on."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

from graphql import GraphQLSchema

from graph.access.marks import marks_of
from graph.access.registry import Consumer, Identity, Purpose, Registry, Required
from graph.access.rights import Guards, Rights
from graph.access.screens import Screening
from graph.errors import PurposeRequired, Unauthenticated
from graph.loading.batch import Batch

MOST_KEPT: Final = 4_096
NEVER: Final = float("inf")


class Told(NamedTuple):
    """What a request says beside its purpose: the official who asks, the case it is for, and on whose behalf."""

    official: str | None
    issue: str | None
    represented: str | None


# Where each stands in `Told`, and the header that says it.
HEADERS: Final[dict[Required, tuple[int, str]]] = {
    "official": (0, "X-Road-UserId"),
    "case": (1, "X-Road-Issue"),
    "represented": (2, "X-Road-Represented-Party"),
}

Key = tuple[str, str | None, frozenset[str]]


class Policy:
    """What anybody may read, under the registry as it is now."""

    def __init__(
        self, schema: GraphQLSchema, batches: Iterable[Batch[Any, Any]], registry: Callable[[], Registry],
        screening: Screening | None = None, *, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """Read the directives of the schema; without `screening`, nobody is known to have consented to anything."""
        marks = marks_of(schema)
        self._guards = Guards(schema, marks)
        self._screening = Screening(marks, schema, batches, None, clock) if screening is None else screening
        self._registry = registry
        self._clock = clock
        self._begin_anew(registry())

    def rights(self, identity: Identity | None, purpose: str | None, told: Told) -> Rights:
        """Return what somebody may read for a purpose, without one for the consumer's usual purpose; nobody's is what is open.

        Raises PurposeRequired where there is no such purpose for this consumer, where it is over, or where a header that it asks for is
        missing. The same object comes back as long as the registry stays the same.
        """
        registry = self._registry()
        if registry.digest != self._digest:
            self._begin_anew(registry)
        if identity is None:
            return self._nobody
        key = (identity.consumer.name, purpose, identity.scopes)
        known = self._known.get(key)
        found, required = self._found(registry, key) if known is None else known
        if found.until != NEVER and self._clock() >= found.until:
            raise PurposeRequired(f"The purpose {_name(found)} is over for this consumer")
        for place, header in required:
            if not told[place]:
                raise PurposeRequired(f"The purpose {_name(found)} asks for the header {header}")
        return found

    def _begin_anew(self, registry: Registry) -> None:
        self._digest = registry.digest
        self._known: dict[Key, tuple[Rights, tuple[tuple[int, str], ...]]] = {}
        self._nobody = Rights(self._guards, readable=registry.open)

    def _found(self, registry: Registry, key: Key) -> tuple[Rights, tuple[tuple[int, str], ...]]:
        """Decide what a consumer may read, and keep it; of what is kept, the oldest goes first."""
        name, given, scopes = key
        consumer = registry.consumers.get(name)
        if consumer is None:
            raise Unauthenticated("This consumer is not registered any more")
        purpose = _purpose(registry, consumer, given)
        screens = self._screening.of(consumer, purpose)
        until = min(_moment(purpose.expires), _moment(consumer.purposes[purpose.name]))
        rights = Rights(self._guards, consumer, purpose, scopes=scopes & consumer.scopes, until=until, screens=screens)
        if len(self._known) >= MOST_KEPT:
            del self._known[next(iter(self._known))]
        self._known[key] = made = (rights, tuple(HEADERS[each] for each in sorted(purpose.requires)))
        return made


def _purpose(registry: Registry, consumer: Consumer, given: str | None) -> Purpose:
    """Find the purpose of a request; what was sent is not repeated, because anything may stand in it."""
    name = consumer.default_purpose if given is None else given
    if name is None:
        raise PurposeRequired("Expected the header X-Purpose: this consumer has no usual purpose")
    found = registry.purposes.get(name) if name in consumer.purposes else None
    if found is None:
        raise PurposeRequired("X-Purpose: expected one of the purposes of this consumer")
    return found


def _moment(when: datetime | None) -> float:
    return NEVER if when is None else when.timestamp()


def _name(found: Rights) -> str:
    return "" if found.purpose is None else found.purpose.name
