"""Who asks, as the rest of the gateway sees it: for whom answers are kept, what may be read, and how urgent it is."""

from typing import Final, NamedTuple

from graph.access.registry import Consumer
from graph.execution.permits import EVERYTHING, Permits
from graph.loading.sharing import ANYBODY, Caller
from graph.upstream.priority import NAMED, Priority


class Asker(NamedTuple):
    """One consumer with one purpose, as it asks; `consumer` is None for somebody unknown, who may read what is open.

    `explorer` may send queries of its own, look at the schema, and be told which names are like those that do not exist.
    """

    caller: Caller
    permits: Permits
    priority: Priority
    consumer: Consumer | None = None
    explorer: bool = False


# The gateway itself, and those who test a schema: nobody on the other side of a connection is ever taken for it.
OURSELVES: Final = Asker(ANYBODY, EVERYTHING, Priority.CITIZEN, explorer=True)


def priority_of(consumer: Consumer | None) -> Priority:
    """Say how urgent a consumer's requests are at most."""
    return Priority.CITIZEN if consumer is None else NAMED[consumer.priority]
