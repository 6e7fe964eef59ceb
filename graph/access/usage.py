"""What consumers have used, counted in each worker and added up over all: requests, cost, fees, and what was refused to them."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, Literal

import msgspec

from graph.errors import ConsentRequired, ForbiddenField, NotTrusted, PurposeRequired, TooCostly, Unauthenticated

# Consumers come from the registry, so there are few; one who has left it keeps its figures until the process ends.
CONSUMERS_AT_MOST: Final = 1_000
OTHER, ANONYMOUS = "other", "anonymous"
# The codes of errors that say that something was refused, and not that it went wrong.
REFUSALS: Final = frozenset(
    error.code for error in (Unauthenticated, PurposeRequired, ForbiddenField, ConsentRequired, NotTrusted, TooCostly)
)

# What a consumer or one of its queries may have too much of.
Limit = Literal["cost", "persons", "concurrent", "cost_per_minute", "keys", "keys_per_system", "calls"]


class ConsumerFigures(msgspec.Struct):
    """One consumer: requests by outcome, their cost, errors by code, fees by system in VND, and how often it went beyond which limit."""

    outcomes: dict[str, int] = {}
    cost: int = 0
    refused: dict[str, int] = {}
    fees: dict[str, int] = {}
    beyond: dict[str, int] = {}

    def note(self, outcome: str, codes: Collection[str] = ()) -> None:
        """Count a request that has ended; of the codes of its errors those that stand for a refusal."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        if codes:
            _add(self.refused, {code: 1 for code in codes if code in REFUSALS})

    def charged(self, fees: Mapping[str, int]) -> None:
        """Count fees, by system."""
        if fees:
            _add(self.fees, fees)

    def went_beyond(self, limits: Iterable[Limit]) -> None:
        """Count what was too much, whether it was refused or only measured."""
        _add(self.beyond, dict.fromkeys(limits, 1))

    def add(self, other: "ConsumerFigures") -> None:
        """Take in what another worker counted."""
        self.cost += other.cost
        for name in ("outcomes", "refused", "fees", "beyond"):
            _add(getattr(self, name), getattr(other, name))


class Usage(msgspec.Struct):
    """The figures of each consumer, by its name; those who ask without one stand under `anonymous`."""

    consumers: dict[str, ConsumerFigures] = {}

    def of(self, consumer: str | None) -> ConsumerFigures:
        """Return the figures of a consumer."""
        name = consumer or ANONYMOUS
        found = self.consumers.get(name)
        if found is None:
            name = name if len(self.consumers) < CONSUMERS_AT_MOST else OTHER
            found = self.consumers.setdefault(name, ConsumerFigures())
        return found

    def add(self, other: "Usage") -> None:
        """Take in what another worker counted."""
        for name, figures in other.consumers.items():
            if self.consumers.setdefault(name, figures) is not figures:
                self.consumers[name].add(figures)


def _add(mine: dict[str, int], its: Mapping[str, int]) -> None:
    for name, count in its.items():
        mine[name] = mine.get(name, 0) + count
