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


class Account:
    """What one consumer may use and has used. What is too much is refused or, where that is not `enforced`, only counted."""

    __slots__ = ("_enforced", "_ledger", "_name", "_shared", "allowed", "consumer", "figures")

    def __init__(
        self, consumer: Consumer | None, allowed: QuerySettings, ledger: Ledger, usage: Usage, *,
        shared: SharedMinute | None, enforced: bool,
    ) -> None:  # fmt: skip
        self.consumer = consumer
        self.allowed = allowed
        self._name = _name(consumer)
        self._ledger = ledger
        self.figures = usage.of(self._name)
        self._shared = shared
        self._enforced = enforced

    def begin(self) -> TooCostly | None:
        """Let an operation begin, which must be ended; or say why it may not."""
        most = self.allowed.concurrent
        if self._ledger.begin(self._name, most):
            return None
        refusal = self._beyond("concurrent", f"This consumer already runs {most} operations, as many as it may at once", SOON_MS)
        if refusal is None:
            self._ledger.begin(self._name, most=2**31)
        return refusal

    def end(self) -> None:
        """Note that an operation has ended."""
        self._ledger.end(self._name)

    def judged(self, cost: int, persons: int) -> TooCostly | None:
        """Refuse a query that may cost too much, or names too many people."""
        allowed = self.allowed
        if cost > allowed.cost:
            words = f"This query is estimated at {cost}, and at most {allowed.cost} is allowed"
            if (refusal := self._beyond("cost", words)) is not None:
                return refusal
        if persons > allowed.persons:
            return self._beyond("persons", f"This query is about {persons} people, and at most {allowed.persons} are allowed")
        return None

    def draw(self, cost: int) -> TooCostly | Awaitable[TooCostly | None] | None:
        """Draw the cost of a query from the consumer's minute, or say when to come again."""
        if self._shared is not None and self._shared.answers:
            return self._drawn_together(self._shared, cost)
        waits = self._ledger.draw(self._name, cost, self.allowed.cost_per_minute)
        return self._drawn(cost, waits)

    async def _drawn_together(self, shared: SharedMinute, cost: int) -> TooCostly | None:
        most = self.allowed.cost_per_minute
        try:
            waits = await shared.draw(self._name, cost, most)
        except Unreachable:
            waits = self._ledger.draw(self._name, cost, most)
        return self._drawn(cost, waits)

    def _drawn(self, cost: int, waits: float) -> TooCostly | None:
        if waits:
            most = self.allowed.cost_per_minute
            more = None if cost > most else max(1, round(waits * 1_000))
            words = f"This query is estimated at {cost}, and less than that is left of the {most} that this consumer may use in a minute"
            if (refusal := self._beyond("cost_per_minute", words, more)) is not None:
                return refusal
        self.figures.cost += cost
        return None

    def budget(self) -> Budget:
        """Make the budget of one query."""
        allowed = self.allowed
        return Budget(keys=allowed.keys, keys_per_system=allowed.keys_per_system, calls=allowed.calls, enforced=self._enforced)

    def ended(self, budget: Budget) -> None:
        """Count what a query wanted beyond its budget."""
        if budget.beyond:
            self.figures.went_beyond(sorted(budget.beyond))

    def _beyond(self, limit: Limit, words: str, retry_after_ms: int | None = None) -> TooCostly | None:
        self.figures.went_beyond((limit,))
        return TooCostly(words, retry_after_ms=retry_after_ms) if self._enforced else None


class Meter:
    """Keeps the accounts of all consumers."""

    def __init__(self, settings: AccessSettings, ledger: Ledger, usage: Usage, shared: SharedMinute | None = None) -> None:
        """Take where it is counted; `shared` is what several machines share."""
        self._settings = settings
        self._ledger = ledger
        self._usage = usage
        self._shared = shared
        self._accounts: dict[str, Account] = {}

    def account(self, consumer: Consumer | None) -> Account:
        """Return the account of a consumer, anew where its entry is not the same any more; all whom nobody knows have one together."""
        name = _name(consumer)
        known = self._accounts.get(name)
        if known is not None and known.consumer is consumer:
            return known
        allowed, enforced = bounds_of(consumer, self._settings), self._settings.cost == "enforce"
        made = self._accounts[name] = Account(consumer, allowed, self._ledger, self._usage, shared=self._shared, enforced=enforced)
        return made


def bounds_of(consumer: Consumer | None, settings: AccessSettings) -> QuerySettings:
    """Say what a consumer may use: what its entry says, and else what its class has; without one, the class of citizens."""
    if consumer is None:
        return settings.of_class("citizen")
    usual, own = settings.of_class(consumer.priority), consumer.allowances
    said = {name: value for name in own.__struct_fields__ if (value := getattr(own, name)) is not None}
    return msgspec.structs.replace(usual, **said)


def _name(consumer: Consumer | None) -> str:
    return ANONYMOUS if consumer is None else consumer.name
