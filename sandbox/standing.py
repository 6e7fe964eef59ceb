"""The faults in force: which calls they hit, by draws that can be repeated, and when they end by themselves."""

import time
from collections.abc import Callable, Sequence

from sandbox.faults import CAPACITY_FAULTS, Fault
from sandbox.mixing import Stream

Clock = Callable[[], float]
_DRAWS = 1 << 64
# What stands in the report otherwise, or is nobody's business: keys are people's.
_UNSAID = frozenset({"times", "for_seconds", "keys", "size"})


class Standing:
    """One fault in force, with the calls that it met and those that it hit."""

    def __init__(self, fault: Fault, since: float, stream: Stream) -> None:
        self.fault = fault
        self._since = since
        self._stream = stream
        self.met = 0
        self.hits = 0

    def is_over(self, now: float) -> bool:
        """Tell whether it has hit often enough or lasted long enough."""
        fault = self.fault
        return (fault.times is not None and self.hits >= fault.times) or self.seconds_left(now) == 0

    def hits_next(self, now: float) -> bool:
        """Draw whether it hits the next call that it meets, and count that."""
        # The draw belongs to the number of the call alone, so that a flapping agency, whose phases are time, spends the same draws.
        drawn = self._stream.at(self.met) < self.fault.share * _DRAWS
        self.met += 1
        hit = drawn and not self.fault.is_up(now - self._since)
        self.hits += hit
        return hit

    def seconds_left(self, now: float) -> float | None:
        """Say how long it lasts yet, or None where it does not end by time."""
        lasting = self.fault.for_seconds
        return None if lasting is None else max(0, self._since + lasting - now)

    def report(self, now: float) -> dict[str, object]:
        """Describe it: its kind, what was set apart from the defaults, and how it stands."""
        plain = Fault(self.fault.kind)._asdict()
        given = {name: value for name, value in self.fault._asdict().items() if name not in _UNSAID and value != plain[name]}
        if self.fault.keys:
            given["keys"] = len(self.fault.keys)
        if self.fault.size:
            given["bytes"] = self.fault.size
        if self.fault.times is not None:
            given["times_left"] = self.fault.times - self.hits
        if (left := self.seconds_left(now)) is not None:
            given["seconds_left"] = round(left, 3)
        return {"kind": self.fault.kind, **given, "calls": self.met, "hits": self.hits}


class Faults:
    """The faults in force, at most one for each system; the same seed and the same order of calls hit the same calls."""

    def __init__(self, seed: int = 0, clock: Clock = time.monotonic) -> None:
        self._seed = seed
        self._clock = clock
        self._standing: dict[str, Standing] = {}

    def put(self, system: str, fault: Fault) -> None:
        """Make a system faulty, instead of any fault it had; the draws begin anew."""
        seed = self._seed if fault.seed is None else fault.seed
        self._standing[system] = Standing(fault, self._clock(), Stream(seed, f"fault {system} {fault.kind}"))

    def clear(self, system: str | None = None) -> None:
        """Heal one system, or all."""
        if system is None:
            self._standing.clear()
        else:
            self._standing.pop(system, None)

    def take(self, system: str, operation: str, keys: Sequence[str]) -> Fault | None:
        """Return the fault that hits this call, and count it off."""
        standing = self._in_force(system)
        if standing is None or standing.fault.kind in CAPACITY_FAULTS | {"expired_certificate"}:
            return None
        hit = standing.fault.concerns(operation, keys) and standing.hits_next(self._clock())
        return standing.fault if hit else None

    def expires(self, system: str) -> bool:
        """Tell whether the next connection to a system is shown an expired certificate, and count that off."""
        standing = self._in_force(system)
        return standing is not None and standing.fault.kind == "expired_certificate" and standing.hits_next(self._clock())

    def share_of_capacity(self, system: str) -> float | None:
        """Say on which share of the usual number of calls a system works at once, or None where it works as usual."""
        standing = self._in_force(system)
        return standing.fault.share if standing is not None and standing.fault.kind in CAPACITY_FAULTS else None

    def report(self) -> dict[str, dict[str, object]]:
        """Describe what is in force, by system."""
        standing = {system: self._in_force(system) for system in list(self._standing)}
        return {system: found.report(self._clock()) for system, found in standing.items() if found is not None}

    def _in_force(self, system: str) -> Standing | None:
        standing = self._standing.get(system)
        if standing is not None and standing.is_over(self._clock()):
            del self._standing[system]
            return None
        return standing
