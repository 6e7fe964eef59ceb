"""Batch functions: many keys in, a mapping from key to record out, and the check that a system answered what it was asked."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypedDict, TypeVar, Unpack, get_args, get_type_hints

from graph.errors import ContractBroken
from graph.upstream.connection import Upstream
from graph.upstream.record import Record, item_of
from graph.upstream.system import System

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")
Fetch = Callable[[Upstream, Sequence[K]], Awaitable[Mapping[K, R]]]
Sharing = Literal["shared", "purpose", "caller", "none"]
Tags = Callable[[K, R], Iterable[str]]


@dataclass(frozen=True)
class SubjectFacts:
    """What the records of a batch function tell of the people who are its keys: the attributes that say who is protected, and when born.

    `protected` is true or false; `born` is a date as YYYY, YYYY-MM or YYYY-MM-DD, or None where it is not known.
    """

    protected: str
    born: str


@dataclass(frozen=True, eq=False)
class Batch(Generic[K, R]):
    """One batch function of one system. `many` tells whether a key has a list of records (empty when there are none) or at most one.

    `sharing` says who may be given the same answer, wait for the same call and stand in the same call: everybody (`shared`), the same
    consumer with the same purpose (`purpose`), the same official of theirs (`caller`), or nobody beyond one request (`none`, which also
    keeps nothing). `personal` says that answers may be about people. `revalidates` says that the system answers "not modified" where
    nothing changed. `tags` gives names under which an answer can be purged, for a key and what is under it. `max_text` is how many
    characters the keys of one call may have together, each with a separator. `splits` cuts a key that is more than the system answers at
    once (a span of days) into several, whose lists of records are then joined in order. `provisional` tells of a record that the system
    is still working on what it says: such an answer is kept no longer than "there is none", and never served past its time. `facts`
    says that its records decide what is given about people, also by other systems; one batch function of a schema has that.
    """

    system: System
    name: str
    fetch: Fetch[K, R]
    max_keys: int
    many: bool
    key_type: Any
    record: type[Record]
    sharing: Sharing = "purpose"
    personal: bool = True
    revalidates: bool = False
    tags: Tags[K, R] | None = None
    max_text: int | None = None
    splits: Callable[[K], Sequence[K]] | None = None
    provisional: Callable[[Any], bool] | None = None
    facts: SubjectFacts | None = None

    def __post_init__(self) -> None:
        """Refuse what would let one caller's answer confirm another's."""
        if self.revalidates and self.sharing != "shared":
            message = f"{self.name}: only a shared batch function may revalidate"
            raise TypeError(message)
        if self.splits is not None and not self.many:
            message = f"{self.name}: only a batch function with lists of records may split its keys"
            raise TypeError(message)

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

    def is_provisional(self, answer: R) -> bool:
        """Tell whether a record of an answer is one that its system is still working on."""
        if self.provisional is None or not answer:
            return False
        records: Any = answer if self.many else (answer,)
        return any(map(self.provisional, records))

    def chunks(self, keys: Sequence[K]) -> Iterable[Sequence[K]]:
        """Split keys into as few calls as the system allows."""
        return (keys[start : start + self.max_keys] for start in range(0, len(keys), self.max_keys))


class Declared(TypedDict, total=False):
    """What a batch function may declare beside `max_keys`; `Batch` says what each means."""

    sharing: Sharing
    personal: bool
    revalidates: bool
    tags: Any
    max_text: int
    splits: Any
    provisional: Any
    facts: SubjectFacts | None


def batch_one(system: System, *, max_keys: int, **declared: Unpack[Declared]) -> Callable[[Fetch[K, R]], Batch[K, R]]:
    """Declare a batch function that finds at most one record for each key."""
    return _declare(system, max_keys, many=False, declared=declared)


def batch_many(system: System, *, max_keys: int, **declared: Unpack[Declared]) -> Callable[[Fetch[K, R]], Batch[K, R]]:
    """Declare a batch function that finds a list of records for each key."""
    return _declare(system, max_keys, many=True, declared=declared)


def _declare(system: System, max_keys: int, *, many: bool, declared: Declared) -> Callable[[Fetch[K, R]], Batch[K, R]]:
    def made(fetch: Fetch[K, R]) -> Batch[K, R]:
        key_type, value_type = get_args(get_type_hints(fetch)["return"])
        record = item_of(value_type) if many else value_type
        if not (isinstance(record, type) and issubclass(record, Record)):
            message = f"{fetch.__qualname__} must return Mapping[key, {'tuple[record, ...]' if many else 'record'}]"
            raise TypeError(message)
        return Batch(system, fetch.__name__, fetch, max_keys, many=many, key_type=key_type, record=record, **declared)

    return made


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
