"""What can be counted of one connected system: in each worker for itself, and added up over all of them."""

from bisect import bisect_left
from typing import Literal, Self

import msgspec

# Upper bounds, in seconds, of the classes that durations are counted in; what is longer than the last falls into a class of its own.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
Breaking = Literal["closed", "half_open", "open"]
WORST: tuple[Breaking, ...] = ("closed", "half_open", "open")


class Durations(msgspec.Struct):
    """How often something took how long: a count for each class of BOUNDS and one for longer, and the sum in seconds."""

    counts: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def note(self, seconds: float) -> None:
        """Count one more."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def add(self, other: Self) -> None:
        """Take in what another worker counted."""
        self.counts = [mine + its for mine, its in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


class QuotaFigures(msgspec.Struct):
    """How much of a quota is used now: calls allowed in the window (`seconds` long) and calls made; all workers share one quota."""

    seconds: int
    allowed: int
    used: int


class SystemFigures(msgspec.Struct):
    """One system: counts since the start (`calls`, `keys`, `outcomes` ...), and how it stands now (`waiting`, `limit`, `breakers` ...).

    `outcomes` counts calls by error code, OK for those that were answered; `refused` counts keys that were not asked for, by why: `late`,
    `drained`, `closed` (calendar), `paused` (the system named a time), `quota`, `breaker`, `shed`. `by_operation` counts calls by batch
    function. `limit` is how many calls at once the workers allow themselves together.
    """

    name: str
    calls: int = 0
    keys: int = 0
    retries: int = 0
    extra_calls: int = 0
    outcomes: dict[str, int] = {}
    by_operation: dict[str, int] = {}
    refused: dict[str, int] = {}
    latency: Durations = msgspec.field(default_factory=Durations)
    waits: Durations = msgspec.field(default_factory=Durations)
    waiting: int = 0
    under_way: int = 0
    limit: int = 0
    breakers: dict[str, Breaking] = {}
    opened: int = 0
    quotas: list[QuotaFigures] = []
    retries_left: float = 0.0
    drained: bool = False
    closed_until: float | None = None

    def add(self, other: Self) -> None:
        """Take in the figures of another worker; of what all workers share the larger is kept."""
        for name in ("calls", "keys", "retries", "extra_calls", "waiting", "under_way", "limit", "opened", "retries_left"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, its in ((self.outcomes, other.outcomes), (self.by_operation, other.by_operation), (self.refused, other.refused)):
            for key, count in its.items():
                mine[key] = mine.get(key, 0) + count
        self.latency.add(other.latency)
        self.waits.add(other.waits)
        for operation, state in other.breakers.items():
            self.breakers[operation] = max(state, self.breakers.get(operation, "closed"), key=WORST.index)
        for mine_quota, its_quota in zip(self.quotas, other.quotas, strict=False):
            mine_quota.used = max(mine_quota.used, its_quota.used)
        self.drained = self.drained or other.drained
        self.closed_until = self.closed_until or other.closed_until
