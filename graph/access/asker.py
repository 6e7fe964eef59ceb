"""Who asks, as the rest of the gateway sees it: for whom answers are kept, what may be read, how urgent it is, how much it may be."""

from typing import Final, NamedTuple

from graph.access.registry import Consumer
from graph.access_settings import AccessSettings, QuerySettings
from graph.execution.permits import EVERYTHING, Permits
from graph.loading.sharing import ANYBODY, Caller
from graph.upstream.priority import NAMED, Priority

UNBOUNDED: Final = QuerySettings(
    cost=10_000_000, persons=10_000_000, keys=10_000_000, keys_per_system=10_000_000, calls=10_000_000, concurrent=10_000_000,
    cost_per_minute=10_000_000,
)  # fmt: skip


class Asker(NamedTuple):
    """One consumer with one purpose, as it asks; `consumer` is None for somebody unknown, who may read what is open.

    `explorer` may send queries of its own, look at the schema, and be told which names are like those that do not exist.
    """

    caller: Caller
    permits: Permits
    priority: Priority
    bounds: QuerySettings
    consumer: Consumer | None = None
    explorer: bool = False


# The gateway itself, and those who test a schema: nobody on the other side of a connection is ever taken for it.
OURSELVES: Final = Asker(ANYBODY, EVERYTHING, Priority.CITIZEN, UNBOUNDED, explorer=True)


def bounds_of(consumer: Consumer | None, settings: AccessSettings) -> QuerySettings:
    """Say how much a consumer may ask for: what its class has, and where it has allowances of its own, those."""
    if consumer is None:
        return settings.of_class("citizen")
    usual, own = settings.of_class(consumer.priority), consumer.allowances
    given = {name: value for name in own.__struct_fields__ if (value := getattr(own, name)) is not None}
    return QuerySettings(**{**{name: getattr(usual, name) for name in usual.__struct_fields__}, **given})


def priority_of(consumer: Consumer | None) -> Priority:
    """Say how urgent a consumer's requests are at most."""
    return Priority.CITIZEN if consumer is None else NAMED[consumer.priority]
