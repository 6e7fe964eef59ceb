"""Batch functions: many keys in, a mapping from key to record out, and the check that a system answered what it was asked."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from graph.errors import ContractBroken
from graph.upstream.connection import Upstream
from graph.upstream.record import Record, item_of
from graph.upstream.system import System

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")
Fetch = Callable[[Upstream, Sequence[K]], Awaitable[Mapping[K, R]]]


@dataclass(frozen=True, eq=False)
class Batch(Generic[K, R]):
    """One batch function of one system. `many` tells whether a key has a list of records (empty when there are none) or at most one."""

    system: System
    name: str
    fetch: Fetch[K, R]
    max_keys: int
    many: bool
    key_type: Any
    record: type[Record]

    async def __call__(self, upstream: Upstream, keys: Sequence[K]) -> Mapping[K, R]:
        """Make one call for at most `max_keys` keys; a key that is not in the mapping has no record.

        Raises ContractBroken where the system answered for a key that it was not asked for: then nothing of that answer can be trusted.
        """
        found = await self.fetch(upstream, keys)
        if not found.keys() <= set(keys):
            raise ContractBroken(self.system.name, "sent records that were not asked for")
        return found

    def absent(self) -> R:
        """Return what a key without a record gives."""
        nothing: Any = () if self.many else None
        return nothing  # type: ignore[no-any-return]  # R is tuple[record, ...] or an optional record

    def chunks(self, keys: Sequence[K]) -> Iterable[Sequence[K]]:
        """Split keys into as few calls as the system allows."""
        return (keys[start : start + self.max_keys] for start in range(0, len(keys), self.max_keys))


def batch_one(system: System, *, max_keys: int) -> Callable[[Fetch[K, R]], Batch[K, R]]:
    """Declare a batch function that finds at most one record for each key."""
    return _declare(system, max_keys, many=False)


def batch_many(system: System, *, max_keys: int) -> Callable[[Fetch[K, R]], Batch[K, R]]:
    """Declare a batch function that finds a list of records for each key."""
    return _declare(system, max_keys, many=True)


def _declare(system: System, max_keys: int, *, many: bool) -> Callable[[Fetch[K, R]], Batch[K, R]]:
    def declared(fetch: Fetch[K, R]) -> Batch[K, R]:
        key_type, value_type = get_args(get_type_hints(fetch)["return"])
        record = item_of(value_type) if many else value_type
        if not (isinstance(record, type) and issubclass(record, Record)):
            message = f"{fetch.__qualname__} must return Mapping[key, {'tuple[record, ...]' if many else 'record'}]"
            raise TypeError(message)
        return Batch(system=system, name=fetch.__name__, fetch=fetch, max_keys=max_keys, many=many, key_type=key_type, record=record)

    return declared


def keyed(system: System, records: Iterable[R], key: Callable[[R], K | None]) -> dict[K, R]:
    """Build the mapping of a batch function by each record's own key; a key that comes twice breaks the contract."""
    found: dict[K, R] = {}
    for record in records:
        its_key = key(record)
        if its_key is None or its_key in found:
            raise ContractBroken(system.name, "sent two records for one key" if its_key is not None else "sent a record without its key")
        found[its_key] = record
    return found


def counted(system: System, promised: int | None, rows: Sequence[object]) -> None:
    """Check a row count that stands beside the rows; a difference means that some were lost or added on the way."""
    if promised is not None and promised != len(rows):
        raise ContractBroken(system.name, f"promised {promised} rows and sent {len(rows)}")
