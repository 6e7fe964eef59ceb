"""Resilience: what admission costs while all is well, and what it saves when a system hangs, fails altogether or is asked for too much."""

import resource
from itertools import islice
from typing import NamedTuple

from bench import keys
from bench.added import added
from bench.figures import Section
from bench.flood import CHANGES, River, flood
from bench.hanging import Askers, hanging
from bench.outage import outage
from bench.processes import Load, gateway_running, load_running, sandbox_running
from sandbox.world import World

ROUNDS = 5
# A run of less than so many seconds only tries the bench out, with one round.
SHORTEST = 5.0
# The share of the time for a cell and round of the hang, and how many of the million people the flood asks for.
HANG = 0.08
PEOPLE = 40_000


class Size(NamedTuple):
    """How much is measured."""

    rounds: int
    seconds: float


def measured(seconds: float) -> Section:
    """Measure for about eight times so many seconds; RuntimeError where queries fail from the start."""
    world = World(keys.SEED)
    size = Size(ROUNDS if seconds >= SHORTEST else 1, seconds)
    _may_connect_often()
    with load_running() as load, load_running() as second:
        parts = _parts(world, (load, second), size)
    return Section("resilience", {"rounds": size.rounds}, (), [], sum(part.failures for part in parts), parts)


def _parts(world: World, loads: tuple[Load, Load], size: Size) -> tuple[Section, ...]:
    """Measure each part with gateways of its own, so that what one suffers does not meet another."""
    people = keys.citizens_with_parents(world)
    with sandbox_running() as sandbox:
        first = added(sandbox, loads[0], people, size.rounds, size.seconds)
        with gateway_running(sandbox) as gateway:
            second = hanging(sandbox, Askers(gateway, *loads, world), size.rounds, size.seconds * HANG)
        third = outage(sandbox, loads[0], people, size.seconds)
        with gateway_running(sandbox, CHANGES) as gateway:
            flooded = list(islice(keys.insured_citizens(world), PEOPLE))
            fourth = flood(River(sandbox, gateway, loads, flooded), size.seconds)
    return first, second, third, fourth


def _may_connect_often() -> None:
    """Let load and gateway have as many connections as the machine allows: who waits keeps one each."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
