"""How often each operation was asked for, how that ended and how long it took: counted in each worker, and added up over all of them."""

import time
from collections.abc import Callable, Iterable
from typing import Final, Literal

import msgspec

from graph.telemetry import may_be_told
from graph.upstream.figures import Durations

Outcome = Literal["ok", "partial", "failed", "refused"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("ok", "partial", "failed", "refused")
# Clients choose the names of their operations: so many are told apart, the others are counted together.
NAMES_AT_MOST: Final = 200
OTHER, ANONYMOUS = "other", "anonymous"


class OperationFigures(msgspec.Struct):
    """The requests for one operation: by outcome, by error code (each once a request), and how long they took.

    `since` is when it was asked for the first time (seconds since 1970).
    """

    since: float
    outcomes: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    errors: dict[str, int] = {}
    took: Durations = msgspec.field(default_factory=Durations)

    def add(self, other: "OperationFigures") -> None:
        """Take in what another worker counted, or what was counted under another name."""
        self.since = min(self.since, other.since)
        for mine, its in ((self.outcomes, other.outcomes), (self.errors, other.errors)):
            for key, count in its.items():
                mine[key] = mine.get(key, 0) + count
        self.took.add(other.took)


class Requests(msgspec.Struct):
    """The figures of each operation, by its name: those that came first under their own, all further ones as `other`."""

    operations: dict[str, OperationFigures] = {}

    def note(self, name: str, outcome: Outcome, seconds: float, codes: Iterable[str] = (), clock: Callable[[], float] = time.time) -> None:
        """Count a request that has ended, with the codes of its errors."""
        found = self.operations.get(name)
        if found is None:
            found = self._begun(name, clock())
        found.outcomes[outcome] += 1
        found.took.note(seconds)
        for code in codes:
            found.errors[code] = found.errors.get(code, 0) + 1

    def add(self, other: "Requests") -> None:
        """Take in what another worker counted."""
        for name, figures in other.operations.items():
            mine = self.operations.get(name)
            if mine is None:
                self.operations[name] = figures
            else:
                mine.add(figures)

    def bounded(self) -> "Requests":
        """Return no more names than are told apart: those that came first, so that none of them goes when a further one comes."""
        named = [(figures.since, name) for name, figures in self.operations.items() if name not in {OTHER, ANONYMOUS}]
        beyond = {name for _, name in sorted(named)[NAMES_AT_MOST:]}
        found = Requests({name: figures for name, figures in self.operations.items() if name not in beyond})
        for name in sorted(beyond):
            found.add(Requests({OTHER: self.operations[name]}))
        return found

    def _begun(self, name: str, now: float) -> OperationFigures:
        if name != ANONYMOUS and (len(self.operations) >= NAMES_AT_MOST or not may_be_told(name)):
            name = OTHER
        return self.operations.setdefault(name, OperationFigures(now))


def told(name: str) -> str:
    """Return what an operation is called in spans and in the log, where there is no bound on how many there are."""
    return name if may_be_told(name) else OTHER
