"""The product's own schema over drawn records: nothing is called, some keys come later, some fail, some have nothing."""

import asyncio
import enum
import typing
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from strawberry.schema.config import StrawberryConfig

from graph.context import RequestContext
from graph.errors import SystemUnavailable
from graph.execution.schema import FastSchema
from graph.loading.batch import Batch
from graph.loading.cache import MISSING, ResolverCache
from graph.loading.link import Link
from graph.loading.loaders import Loaders, Sources
from graph.loading.loads import BatchLoads
from graph.settings import BatchSettings
from graph.upstream.record import fields_of, is_record, item_of, optional
from graph.wiring import links_of
from schema import schema as served
from schema.query import Query
from schema.scalars import SCALARS
from tests.graph.execution.world import World
from tests.lines import StandIn, lines

IDS = ["001085012345", "001085012346", "079185000001"]
TEXTS: dict[str, list[str]] = {
    "PersonalId": IDS,
    "OldIdNumber": ["012345678"],
    "BusinessCode": ["0100109106", "0300588569"],
    "TaxCode": ["0100109106", *IDS],
    "InsuranceNumber": ["0123456789", "0123456780"],
    "ProvinceCode": ["01", "79"],
    "CommuneCode": ["00001", "26734"],
    "CaseId": ["G22.99-260115-0001", "H01-250101-0002"],
    "PartialDate": ["1985-02-14", "1985-02", "1985"],
    "Money": ["5000000000", "1234.5"],
}


def product() -> FastSchema:
    """Make the product's schema once more."""
    return FastSchema(query=Query, config=StrawberryConfig(scalar_map=SCALARS))


def _links() -> Iterator[Link]:
    for kind in served.schema_converter.type_map.values():
        if hasattr(kind.definition, "fields"):
            yield from (made for _, made in links_of(kind.definition))  # type: ignore[arg-type]  # an object type, or one without links


LINKS = list(_links())
BATCHES = {link.batch for link in LINKS}
# The attribute that equals the key, by batch function; such a function always finds what it is asked for.
PROVEN = {link.batch: link.proves for link in LINKS if link.proves is not None}


def recorded(annotation: Any, random: Random) -> Any:
    """Draw a value for an annotation of a record."""
    inner, nullable = optional(annotation)
    if nullable and random.random() < 0.3:
        return None
    if (item := item_of(inner)) is not None:
        return tuple(recorded(item, random) for _ in range(random.randrange(3)))
    if is_record(inner):
        hints = typing.get_type_hints(inner)
        return inner(**{name: recorded(hints[name], random) for name in fields_of(inner)})
    if inner is bool or issubclass(inner, enum.Enum):
        return random.choice([True, False] if inner is bool else list(inner))
    if issubclass(inner, int | float):
        return inner(random.randrange(4))
    return inner(random.choice(TEXTS.get(inner.__name__, ["a", "b"])))


class DrawnLoads(BatchLoads):
    """Knows the records of one batch function: some are kept, the others come after a while, and some of those with an error."""

    __slots__ = ("world",)
    world: World

    def kept(self, key: Any) -> Any:
        """Tell what is kept, or MISSING."""
        is_kept = not self.world.slow or self.world.random("kept", self.batch.name, key).random() < 0.5
        return self.answer(key) if is_kept else MISSING

    def future(self, key: Hashable) -> "asyncio.Future[Any]":
        """Let a key come later, the same one however often it is asked for."""
        if key not in self.coming:
            self.coming[key] = asyncio.ensure_future(self._comes(key))
        return self.coming[key]

    async def _comes(self, key: Hashable) -> Any:
        await self.world.tick(self.world.random("call", self.batch.name))
        if self.batch not in PROVEN and self.world.is_odd(self.world.random("fails", self.batch.name, key)):
            raise SystemUnavailable(self.batch.system.name, "is down")
        return self.answer(key)

    def answer(self, key: Any) -> Any:
        """Draw the answer for a key: what there is, or that there is nothing."""
        random = self.world.random(self.batch.name, key)
        if self.batch.many:
            return tuple(recorded(self.batch.record, random) for _ in range(random.randrange(3)))
        if self.batch not in PROVEN and self.world.is_odd(random):
            return None
        made = recorded(self.batch.record, random)
        if (proven := PROVEN.get(self.batch)) is not None:
            made = type(made)(**{name: getattr(made, name) for name in fields_of(type(made))} | {proven: key})
        return made


@dataclass(slots=True)
class DrawnLoaders(Loaders):
    """Loaders over a world instead of caches and calls."""

    world: World = field(default_factory=lambda: World(0))

    def of(self, batch: Batch[Any, Any]) -> BatchLoads:
        """Return what this request has of a batch function."""
        if batch not in self.loads:
            drawn = self.loads[batch] = DrawnLoads(batch, self)
            drawn.world, drawn.cached = self.world, drawn.kept
        return self.loads[batch]


def context(world: World) -> RequestContext:
    """Make what a request over a world carries."""
    caches = {batch: ResolverCache(batch, BatchSettings()) for batch in BATCHES}
    nowhere = lines({batch.system.name: StandIn() for batch in BATCHES})
    return RequestContext(DrawnLoaders(Sources(nowhere, caches), world=world))
