"""What a consumer may use: operations at once, cost in a minute, and how much one query may cost and hold; and the refusals beyond it."""

from collections.abc import Awaitable
from typing import Final

import msgspec

from graph.access.ledger import Ledger
from graph.access.minute import SharedMinute, Unreachable
from graph.access.registry import Consumer
from graph.access.usage import ANONYMOUS, Limit, Usage
from graph.access_settings import AccessSettings, QuerySettings
from graph.errors import TooCostly
from graph.loading.budget import Budget

# Who runs too much at once may try again as soon as something of it has ended, which is soon.
SOON_MS: Final = 1_000


class Meter:
    """Counts what consumers use, and refuses what is too much; where the settings only measure, that is counted and let through."""

    def __init__(self, settings: AccessSettings, ledger: Ledger, usage: Usage, shared: SharedMinute | None = None) -> None:
        """Take where it is counted; `shared` is what several machines share."""
        self._settings = settings
        self._enforced = settings.cost == "enforce"
        self._ledger = ledger
        self._usage = usage
        self._shared = shared
        self._allowed: dict[str, tuple[Consumer | None, QuerySettings]] = {}

    def allowed(self, consumer: Consumer | None) -> QuerySettings:
        """Return what a consumer may use, as `bounds_of` says; looked up while its entry stays the same."""
        name = _name(consumer)
        known = self._allowed.get(name)
        if known is None or known[0] is not consumer:
            known = self._allowed[name] = (consumer, bounds_of(consumer, self._settings))
        return known[1]

    def begin(self, consumer: Consumer | None) -> TooCostly | None:
        """Let an operation begin, which must be ended; or say why it may not."""
        name, most = _name(consumer), self.allowed(consumer).concurrent
        if self._ledger.begin(name, most):
            return None
        refusal = self._beyond(name, "concurrent", f"This consumer already runs {most} operations, as many as it may at once", SOON_MS)
        if refusal is None:
            self._ledger.begin(name, most=2**31)
        return refusal

    def end(self, consumer: Consumer | None) -> None:
        """Note that an operation has ended."""
        self._ledger.end(_name(consumer))

    def draw(self, consumer: Consumer | None, cost: int) -> TooCostly | Awaitable[TooCostly | None] | None:
        """Draw the cost of a query from the consumer's minute, or say when to come again."""
        shared = self._shared
        if shared is not None and shared.answers:
            return self._drawn_together(shared, consumer, cost)
        name, most = _name(consumer), self.allowed(consumer).cost_per_minute
        return self._drawn(name, cost, most, self._ledger.draw(name, cost, most))

    async def _drawn_together(self, shared: SharedMinute, consumer: Consumer | None, cost: int) -> TooCostly | None:
        name, most = _name(consumer), self.allowed(consumer).cost_per_minute
        try:
            waits = await shared.draw(name, cost, most)
        except Unreachable:
            waits = self._ledger.draw(name, cost, most)
        return self._drawn(name, cost, most, waits)

    def _drawn(self, name: str, cost: int, most: int, waits: float) -> TooCostly | None:
        if waits:
            more = None if cost > most else max(1, round(waits * 1_000))
            words = f"This query is estimated at {cost}, and less than that is left of the {most} that this consumer may use in a minute"
            if (refusal := self._beyond(name, "cost_per_minute", words, more)) is not None:
                return refusal
        self._usage.spent(name, cost)
        return None

    def judged(self, consumer: Consumer | None, cost: int, persons: int) -> TooCostly | None:
        """Refuse a query that may cost too much, or names too many people."""
        allowed, name = self.allowed(consumer), _name(consumer)
        if cost > allowed.cost:
            words = f"This query is estimated at {cost}, and at most {allowed.cost} is allowed"
            if (refusal := self._beyond(name, "cost", words)) is not None:
                return refusal
        if persons > allowed.persons:
            return self._beyond(name, "persons", f"This query is about {persons} people, and at most {allowed.persons} are allowed")
        return None

    def budget(self, consumer: Consumer | None) -> Budget:
        """Make the budget of one query."""
        allowed = self.allowed(consumer)
        return Budget(keys=allowed.keys, keys_per_system=allowed.keys_per_system, calls=allowed.calls, enforced=self._enforced)

    def ended(self, consumer: Consumer | None, budget: Budget) -> None:
        """Count what a query wanted beyond its budget."""
        if budget.beyond:
            self._usage.beyond(_name(consumer), sorted(budget.beyond))

    def _beyond(self, name: str, limit: Limit, words: str, retry_after_ms: int | None = None) -> TooCostly | None:
        self._usage.beyond(name, (limit,))
        return TooCostly(words, retry_after_ms=retry_after_ms) if self._enforced else None


def bounds_of(consumer: Consumer | None, settings: AccessSettings) -> QuerySettings:
    """Say what a consumer may use: what its entry says, and else what its class has; without one, the class of citizens."""
    if consumer is None:
        return settings.of_class("citizen")
    usual, own = settings.of_class(consumer.priority), consumer.allowances
    said = {name: value for name in own.__struct_fields__ if (value := getattr(own, name)) is not None}
    return msgspec.structs.replace(usual, **said)


def _name(consumer: Consumer | None) -> str:
    return ANONYMOUS if consumer is None else consumer.name
