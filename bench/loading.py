"""Loading: what collecting, joining and batching bring, beside a gateway as most teams would write it, for keys that are new."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple, Self

from bench import keys
from bench.contest import Contest, Question, Side
from bench.door import Bench
from bench.figures import Section
from bench.lone import lone
from bench.overload import CHANGES, overload
from bench.processes import Changes, Load, Sandbox, batches, gateway_running, load_running, sandbox_running, textbook_running
from bench.textbook_systems import CONNECTIONS
from sandbox.app import SYSTEMS
from sandbox.world import World

CLIENTS, ROUNDS = 64, 3
# A run of less than so many seconds only tries the bench out, with fewer clients and one round.
SHORTEST, FEW_CLIENTS = 5.0, 8
# Shares of the time for a cell and round, and for a table without rounds; together they are about three times the time given.
OFFICE, SAME, LONE, AT_ONCE, OVERLOAD = 0.1, 0.06, 0.4, 0.05, 1.0
CITIZEN = """query($id: PersonalId!) {
  citizen(id: $id) {
    fullName father { fullName } mother { fullName }
    insurance { number status } businesses { code name tax { status debt } }
  }
}"""
BUSINESS = """query($code: BusinessCode!, $number: InsuranceNumber!) {
  business(code: $code) { name status legalRepresentatives { fullName } headOffice { commune { name } } }
  insuranceBook(number: $number) { number status monthsPaid }
}"""
# Each side may open as many connections to a system as the others.
CONNECTED: Changes = {"systems": {system: {"max_connections": CONNECTIONS} for system in SYSTEMS}}
NO_COMPANY: Changes = {"patience": 0}
NOTHING_KEPT: Changes = {"ttl_seconds": 0, "negative_ttl_seconds": 0}


class Size(NamedTuple):
    """How much is measured."""

    clients: int
    rounds: int
    seconds: float


class Ground:
    """A sandbox, the load, and the gateways that are started in front of them, until it is left."""

    def __init__(self, latency: str, load: Load, size: Size) -> None:
        self._running = ExitStack()
        self._load = load
        self._clients = size.clients
        self.sandbox: Sandbox = self._running.enter_context(sandbox_running(latency))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def gateway(self, batch_changes: Changes | None = None) -> Bench:
        """Start a gateway with some settings changed for all batch functions."""
        changes = {**CONNECTED, "batches": dict.fromkeys(batches(), batch_changes or {})}
        return Bench(self.sandbox, self._running.enter_context(gateway_running(self.sandbox, changes)), self._load, self._clients)

    def textbook(self) -> Bench:
        """Start the yardstick."""
        return Bench(self.sandbox, self._running.enter_context(textbook_running(self.sandbox)), self._load, self._clients)

    def overload(self, world: World, seconds: float) -> Section:
        """Start a gateway for the overload, and measure it."""
        gateway = self._running.enter_context(gateway_running(self.sandbox, CHANGES))
        return overload(self.sandbox, gateway, self._load, world, seconds)


def measured(seconds: float) -> Section:
    """Measure for about three times so many seconds; RuntimeError where queries fail from the start, or the sides do not agree."""
    world = World(keys.SEED)
    citizens = ({"id": key} for key in keys.citizens_with_parents(world))
    size = Size(CLIENTS, ROUNDS, seconds) if seconds >= SHORTEST else Size(FEW_CLIENTS, 1, seconds)
    with load_running() as load:
        parts = (*_at_offices(load, citizens, size), *_at_once(load, citizens, world, size))
    conditions: dict[str, str | float] = {"clients": size.clients, "rounds": size.rounds, "connections to a system": CONNECTIONS}
    return Section("loading", conditions, (), [], sum(part.failures for part in parts), parts)


def _at_offices(load: Load, citizens: Iterator[Question], size: Size) -> list[Section]:
    """Measure against systems that are as slow as offices."""
    with Ground("office", load, size) as ground:
        patient, textbook = Side(ground.gateway(), CITIZEN), Side(ground.textbook(), _plain(CITIZEN))
        hasty, forgetful = Side(ground.gateway(NO_COMPANY), CITIZEN), Side(ground.gateway(NOTHING_KEPT), CITIZEN)
        new = {"gateway": patient, "gateway, patience 0": hasty, "textbook": textbook}
        same = {"gateway, nothing kept": forgetful, "textbook": textbook}
        return [
            Contest("a new citizen each time, latency office", citizens, new, size.rounds, size.seconds * OFFICE).section(),
            Contest(
                "the same citizen for all, latency office", citizens, same, size.rounds, size.seconds * SAME, same_for_all=True
            ).section(),
            lone(patient, citizens, size.seconds * LONE),
        ]


def _at_once(load: Load, citizens: Iterator[Question], world: World, size: Size) -> list[Section]:
    """Measure against systems that answer at once, and against one that has little room."""
    pairs = zip(keys.businesses(world), keys.insurance_numbers(world), strict=False)
    firms = ({"code": code, "number": number} for code, number in pairs)
    with Ground("none", load, size) as ground:
        gateway, textbook = ground.gateway(), ground.textbook()
        of_citizens = {"gateway": Side(gateway, CITIZEN), "textbook": Side(textbook, _plain(CITIZEN))}
        of_firms = {"gateway": Side(gateway, BUSINESS), "textbook": Side(textbook, _plain(BUSINESS))}
        return [
            Contest("a new citizen each time, latency none", citizens, of_citizens, size.rounds, size.seconds * AT_ONCE).section(),
            Contest("a new business and book each time, latency none", firms, of_firms, size.rounds, size.seconds * AT_ONCE).section(),
            ground.overload(world, size.seconds * OVERLOAD),
        ]


def _plain(document: str) -> str:
    """Write a query for a schema whose identifiers are plain texts."""
    return re.sub(r": \w+!", ": String!", document)
