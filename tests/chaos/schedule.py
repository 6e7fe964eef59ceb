"""What goes wrong and when: for a seed always the same faults, bounds, orders of operators and purges, over all systems at once."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, Literal, NamedTuple

from tests.chaos.truth import Town, chance
from tests.servers import SYSTEMS

ROUND_SECONDS: Final = 57.0
STATUSES: Final = (400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 501, 502, 503, 504)
USUAL_BOUND: Final = {"slots": 12, "per_call_ms": 8}
"""What each system is bounded to as long as nothing else is said, so that half of its capacity is less than is wanted."""

What = Literal["fault", "heal", "bound", "drain", "resume", "purge"]
# A capacity has no share of calls that are hit, and those of certain keys are few as they are.
WITHOUT_SHARE: Final = frozenset({"half_capacity", "capacity_share", "poison", "undecodable"})


class Step(NamedTuple):
    """One change, so many seconds after the beginning; the system is "" where it concerns none."""

    at: float
    what: What
    system: str
    spec: Mapping[str, Any]


def schedule(seed: int, seconds: float, town: Town, kinds: Mapping[str, Sequence[str]]) -> list[Step]:
    """Draw all steps, in their order: each system meets each of its kinds of fault at least once, in an order of its own."""
    draws = {name: chance(f"{name} of {seed}") for name in (*SYSTEMS, "operators")}
    faults = (_faults(system, kinds[system], draws[system], seconds, town) for system in SYSTEMS)
    return sorted(chain(*faults, _operators(draws["operators"], seconds, town)), key=lambda step: (step.at, step.system, step.what))


def _faults(system: str, kinds: Sequence[str], draws: random.Random, seconds: float, town: Town) -> Iterator[Step]:
    rounds = max(1, round(seconds / ROUND_SECONDS))
    for number in range(rounds):
        at, each = number * seconds / rounds, seconds / rounds / len(kinds)
        for place, kind in enumerate(draws.sample(kinds, len(kinds))):
            begins = at + (place + draws.uniform(0.0, 0.3)) * each
            ends = at + (place + draws.uniform(0.7, 0.98)) * each
            if draws.random() < 0.4:
                yield Step(begins, "resume", system, {})
            yield Step(begins + 0.001, "fault", system, _fault(kind, draws, town.keys_at(system)))
            yield Step(ends, "heal", system, {})


def _fault(kind: str, draws: random.Random, keys: Any) -> dict[str, Any]:
    parameters = PARAMETERS.get(kind, _none)(draws, keys)
    share = {"share": round(draws.uniform(0.2, 0.9), 2)} if kind not in WITHOUT_SHARE and draws.random() < 0.6 else {}
    return {"kind": kind, **parameters, **share}


def _none(_draws: random.Random, _keys: Any) -> dict[str, Any]:
    return {}


def _status(draws: random.Random, _keys: Any) -> dict[str, Any]:
    code = draws.choice(STATUSES)
    return {"code": code, **({"retry_after": draws.choice((0, 1, 2))} if code in {429, 503} and draws.random() < 0.7 else {})}


def _flapping(draws: random.Random, _keys: Any) -> dict[str, Any]:
    up, down = (round(draws.uniform(0.1, 0.6), 3) for _ in range(2))
    return {"up_seconds": up, "down_seconds": down, "by": draws.choice(("status", "reset"))}


def _keyed(draws: random.Random, keys: Any) -> dict[str, Any]:
    return {"keys": draws.sample(keys, min(len(keys) // 2, 60))}


PARAMETERS: Final[Mapping[str, Callable[[random.Random, Any], dict[str, Any]]]] = {
    "delay": lambda draws, _: {"seconds": round(draws.uniform(0.05, 1.6), 3)},
    "status": _status,
    "flapping": _flapping,
    "reset": lambda draws, _: draws.choice(({}, {"after": draws.randint(0, 200)})),
    "cut_body": lambda draws, _: {"chunked": draws.random() < 0.5},
    "huge_body": lambda draws, _: {"bytes": draws.randint(300_000, 1_000_000)},
    "poison": lambda draws, keys: {**_keyed(draws, keys), "code": draws.choice((400, 422, 500))},
    "undecodable": _keyed,
    "capacity_share": lambda draws, _: {"share": round(draws.uniform(0.1, 0.6), 2)},
}


def _operators(draws: random.Random, seconds: float, town: Town) -> Iterator[Step]:
    """Now and then a system is taken out of service and put back, another is bounded, or something is purged."""
    at = 0.0
    while (at := at + draws.expovariate(1.0)) < seconds:
        system, until = draws.choice(SYSTEMS), min(seconds, at + draws.uniform(0.3, 1.5))
        drawn = draws.random()
        if drawn < 0.25:
            yield from (Step(at, "drain", system, {}), Step(until, "resume", system, {}))
        elif drawn < 0.55:
            bound = {"slots": draws.randint(1, 4), "per_call_ms": draws.randint(10, 120)}
            yield from (Step(at, "bound", system, bound), Step(until, "bound", system, USUAL_BOUND))
        else:
            yield Step(at, "purge", "", draws.choice(({"system": system}, {"person": draws.choice(town.people)})))
