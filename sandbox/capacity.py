"""How many calls an agency works on at once, where a test has bounded or narrowed it: the others queue."""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final, NamedTuple

from sandbox.latency import PER_KEY, Latency, Sleep

USUAL_SLOTS: Final = 16
"""What an agency without a bound is taken to work on at once while its capacity is narrowed."""

_LIMITS: Final = {"slots": (1, 10_000), "per_call_ms": (0, 60_000)}
Share = Callable[[str], float | None]


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


class Slots:
    """A queue before a counter: whoever came first is let in first, as long as fewer are inside than may be there now."""

    def __init__(self, limit: Callable[[], float]) -> None:
        self._limit = limit
        self._busy = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    def admit(self) -> None:
        """Let in whoever may come in; to be called when the limit has risen, too."""
        while self._queue and self._busy < self._limit():
            turn = self._queue.popleft()
            if not turn.done():
                self._busy += 1
                turn.set_result(None)

    async def __aenter__(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        self.admit()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # let in at the moment of leaving
                self._leave()
            raise

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._leave()

    def _leave(self) -> None:
        self._busy -= 1
        self.admit()


def _unchanged(_: str) -> float | None:
    return None


class Pace:
    """Lets each call take its time: as its agency's capacity says, and where it has none, as the latency profile says.

    `share` says to which share a system's capacity is narrowed at the moment, and None where it is not.
    """

    def __init__(self, latency: Latency, sleep: Sleep, share: Share = _unchanged) -> None:
        self._latency = latency
        self._sleep = sleep
        self._share = share
        self._bounded: dict[str, tuple[Capacity, Slots]] = {}
        self._unbounded: dict[str, Slots] = {}

    def bound(self, system: str, capacity: Capacity) -> None:
        """Bound a system, instead of any bound it had; calls that queue already stay in the old queue."""
        self._bounded[system] = capacity, Slots(lambda: self._narrowed(system, capacity.slots, capacity.slots))

    def unbound(self, system: str | None = None) -> None:
        """Let one system, or all, work on any number of calls at once again."""
        if system is None:
            self._bounded.clear()
        else:
            self._bounded.pop(system, None)

    def renew(self) -> None:
        """Let in whoever may come in, because shares may have changed."""
        for slots in (*(slots for _, slots in self._bounded.values()), *self._unbounded.values()):
            slots.admit()

    async def wait(self, system: str, keys: int) -> None:
        """Wait as long as this call takes, queueing included; whoever came first is served first."""
        if system not in self._bounded:
            async with self._usual(system):
                await self._latency.wait(system, keys)
            return
        capacity, slots = self._bounded[system]
        async with slots:
            await self._sleep(capacity.seconds + PER_KEY * keys)

    def _usual(self, system: str) -> Slots:
        return self._unbounded.setdefault(system, Slots(lambda: self._narrowed(system, USUAL_SLOTS, math.inf)))

    def _narrowed(self, system: str, slots: int, otherwise: float) -> float:
        share = self._share(system)
        return otherwise if share is None else max(1, math.floor(slots * share))
