"""A register in memory whose calls are counted, held back, slowed down and spoiled, with gateways over it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from graph.errors import ContractBroken, SystemRefused, SystemUnavailable
from graph.loading.barriers import Barriers
from graph.loading.batch import Batch, batch_many, batch_one
from graph.loading.cache import ResolverCache
from graph.loading.calls import Line
from graph.loading.collector import Tier
from graph.loading.loaders import Loaders, Sources
from graph.loading.sharing import Caller
from graph.settings import BatchSettings
from graph.system_settings import ConcurrencySettings
from graph.upstream.budget import Budget
from graph.upstream.record import Record, wire
from graph.upstream.system import System
from tests import virtual
from tests.lines import StandIn, admission, settings

REGISTER = System("register", title="A register", owner="An agency", protocol="REST")


class Person(str):
    """An identifier of a person, of the shape that a test likes."""

    __slots__ = ()

    @property
    def person(self) -> str:
        """The person whom it names."""
        return str(self)


class Row(Record):
    """What the register says of a person."""

    code: Person = wire("MA")
    name: str = wire("TEN")
    partner: Person | None = wire("BAN")


class Call(NamedTuple):
    """A call as it arrived."""

    at: float
    keys: tuple[str, ...]
    official: str | None


class Register(StandIn):
    """The register; `seconds` is how long a call takes, `versions` what it says now, `poison` which keys it cannot stand."""

    def __init__(self, *, max_keys: int = 10, seconds: float = 0.0, slots: int = 16, **declared: Any) -> None:
        self.settings = settings(max_connections=slots, concurrency=ConcurrencySettings(adaptive=False))
        self.seconds = seconds
        self.calls: list[Call] = []
        self.versions: dict[str, int] = {}
        self.partners: dict[str, str] = {}
        self.absent: set[str] = set()
        self.poison: set[str] = set()
        self.refusal: type[Exception] = SystemRefused
        self.down: Exception | None = None
        self.foreign: list[Row] = []
        self.at_once = self.most_at_once = 0

        @batch_one(REGISTER, max_keys=max_keys, **declared)
        async def row_by_code(upstream: Any, codes: Sequence[Person]) -> Mapping[Person, Row]:
            await self.arrive(codes, upstream.official)
            return {row.code: row for row in [*self.foreign, *(self.row(code) for code in codes if code not in self.absent)]}

        self.batch: Batch[Any, Any] = row_by_code

    async def arrive(self, codes: Sequence[str], official: str | None) -> None:
        """Take a call: count it, take its time, and fail where it has to."""
        self.calls.append(Call(asyncio.get_running_loop().time(), tuple(codes), official))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.at_once -= 1
        if self.down is not None:
            raise self.down
        if self.poison & set(codes):
            if self.refusal is ContractBroken:
                raise ContractBroken("register", "sent a value that cannot be read", divisible=True)
            raise self.refusal("register", "rejects the request", divisible=True)  # type: ignore[call-arg]  # one of Theirs

    def row(self, code: str) -> Row:
        """Say what the register has now."""
        partner = self.partners.get(code)
        return Row(code=Person(code), name=f"{code} v{self.versions.get(code, 0)}", partner=Person(partner) if partner else None)

    def asked(self, code: str) -> int:
        """Count the calls that carried a key."""
        return sum(code in call.keys for call in self.calls)


class Door:
    """One process of a gateway over a register, in virtual time."""

    def __init__(
        self, register: Register, *, tier: Tier | None = None, allowance: float = 20.0, clock: Any = virtual.clock,
        admitted: dict[str, Any] | None = None, **knobs: Any,
    ) -> None:  # fmt: skip
        self.register = register
        self.barriers = Barriers(3_600.0, clock)
        self.cache: ResolverCache[Any, Any] = ResolverCache(register.batch, BatchSettings(**knobs), clock, self.barriers)
        self.admission = admission("register", register.settings, **(admitted or {}))
        self.admission.budget = Budget(first=allowance)
        self.sources = Sources({"register": Line(register, self.admission)}, {register.batch: self.cache}, tier)  # type: ignore[arg-type]  # stands in for a line

    def request(self, caller: Caller = Caller()) -> Loaders:  # noqa: B008 - a value
        """Begin a request."""
        return Loaders(self.sources, caller)

    async def ask(self, *codes: str, caller: Caller = Caller()) -> list[Any]:  # noqa: B008 - a value
        """Ask in a request of its own; what went wrong with a key stands in its place."""
        return await self.request(caller).load_many(self.register.batch, [Person(code) for code in codes])

    async def names(self, *codes: str, caller: Caller = Caller()) -> list[Any]:  # noqa: B008 - a value
        """Ask, and take the names, None where there is nobody, the kind of error where there is one."""
        return [said(row) for row in await self.ask(*codes, caller=caller)]


def said(row: Any) -> Any:
    """Put an answer in short."""
    return type(row).__name__ if isinstance(row, Exception) else None if row is None else row.name


def down(kind: type[Exception] = SystemUnavailable) -> Exception:
    """Make the error of a register that is down."""
    return kind("register", "is down")


__all__ = ["REGISTER", "Call", "Door", "Person", "Register", "Row", "batch_many", "down", "said"]
