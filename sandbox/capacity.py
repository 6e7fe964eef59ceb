"""How many calls an agency works on at once, where a test has bounded it: the others queue."""

import asyncio
from typing import Final, NamedTuple

from sandbox.latency import PER_KEY, Latency, Sleep

_LIMITS: Final = {"slots": (1, 10_000), "per_call_ms": (0, 60_000)}


class CapacitySpecError(ValueError):
    """The description of a capacity makes no sense; the message says why."""


class Capacity(NamedTuple):
    """So many calls at once, each of which takes so long, and half a millisecond more for each key."""

    slots: int
    seconds: float


def read_capacity(spec: object) -> Capacity:
    """Turn a JSON description into a capacity, or raise CapacitySpecError."""
    if not isinstance(spec, dict) or spec.keys() != _LIMITS.keys():
        message = f"a capacity is a JSON object with {' and '.join(_LIMITS)}."
        raise CapacitySpecError(message)
    for name, (low, high) in _LIMITS.items():
        value = spec[name]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            message = f"{name} is a whole number from {low} to {high}."
            raise CapacitySpecError(message)
    return Capacity(spec["slots"], spec["per_call_ms"] / 1_000)


class Pace:
    """Lets each call take its time: as its agency's capacity says, and where it has none, as the latency profile says."""

    def __init__(self, latency: Latency, sleep: Sleep) -> None:
        self._latency = latency
        self._sleep = sleep
        self._bounded: dict[str, tuple[Capacity, asyncio.Semaphore]] = {}

    def bound(self, system: str, capacity: Capacity) -> None:
        """Bound a system, instead of any bound it had; calls that queue already stay in the old queue."""
        self._bounded[system] = capacity, asyncio.Semaphore(capacity.slots)

    def unbound(self, system: str | None = None) -> None:
        """Let one system, or all, work on any number of calls at once again."""
        if system is None:
            self._bounded.clear()
        else:
            self._bounded.pop(system, None)

    async def wait(self, system: str, keys: int) -> None:
        """Wait as long as this call takes, queueing included; whoever came first is served first."""
        if system not in self._bounded:
            await self._latency.wait(system, keys)
            return
        capacity, slots = self._bounded[system]
        async with slots:
            await self._sleep(capacity.seconds + PER_KEY * keys)
