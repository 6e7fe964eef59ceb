"""Consent: what a person has allowed a consumer to read for a purpose, until when, and since when no longer.

Nothing that a store says is put into the caches of records: whether somebody still consents is looked at each time something about them is
given, so a withdrawal counts at once and has nothing to purge.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, Self

import msgspec

from graph.access.subjects import SOMEBODY
from graph.errors import ConsentRequired
from graph.loading.cache import MISSING, Missing

EVERYTHING: Final = "*"
FIELD: Final = re.compile(r"\*|[A-Za-z_]\w*\.(\*|[A-Za-z_]\w*)", re.ASCII)


class ConsentUnknown(ConsentRequired):
    """Whether somebody has consented could not be looked up; so it is as if they had not."""

    retryable = True


class Consent(msgspec.Struct, frozen=True):
    """One consent; never whose. Times are seconds since 1970. `reference` says where the proof of it is kept.

    `fields` are coordinates such as `Citizen.fullName` or `Citizen.*`; `*` is all that the purpose covers.
    """

    id: str
    consumer: str
    purpose: str
    fields: tuple[str, ...]
    given_at: float
    expires: float | None = None
    withdrawn_at: float | None = None
    reference: str = ""

    def is_live(self, now: float) -> bool:
        """Tell whether it holds now."""
        return self.withdrawn_at is None and self.given_at <= now and (self.expires is None or now < self.expires)


class Coverage(NamedTuple):
    """What the consents of one person cover now; `unreadable` where it could not be looked up, and then they cover nothing."""

    fields: frozenset[str] = frozenset()
    unreadable: bool = False

    def covers(self, coordinate: str) -> bool:
        """Tell whether a field is covered."""
        return coordinate in self.fields or EVERYTHING in self.fields or f"{coordinate.partition('.')[0]}.*" in self.fields


NOTHING: Final = Coverage()
UNREADABLE: Final = Coverage(unreadable=True)


class Coverages(Protocol):
    """Where it can be looked up what people have consented to."""

    def known(self, person: str, consumer: str, purpose: str, *, again: bool = False) -> Coverage | Missing:
        """Return what is covered, or MISSING where that has to be looked up first; never raises.

        `again` says that it was known a moment ago, in this turn of the event loop; then it is still.
        """

    async def look(self, people: Collection[str], consumer: str, purpose: str) -> None:
        """Look up what is not known; what cannot be looked up is known to be unreadable for a while."""


class Consents(Coverages, Protocol):
    """A store of consents that several processes may use; entered before it is asked. A withdrawal counts everywhere within a second."""

    async def __aenter__(self) -> Self:
        """Open it; SettingsWrong where it cannot be."""

    async def __aexit__(self, *_: object) -> None:
        """Close it."""

    async def add(self, person: str, consent: Consent) -> None:
        """Keep a consent; raises ConsentUnknown where it cannot be."""

    async def withdraw(self, consent_id: str, now: float) -> Consent | None:
        """Withdraw a consent and return it as it is then; None where there is none of that id. It stays withdrawn since the first time."""

    async def found(self, *, person: str | None = None, consumer: str | None = None, purpose: str | None = None) -> Sequence[Consent]:
        """List consents, the latest first, at most MOST_LISTED."""


MOST_LISTED: Final = 1_000


def coverage_of(consents: Iterable[Consent], now: float) -> Coverage:
    """Add up what consents cover now."""
    return Coverage(frozenset(name for consent in consents if consent.is_live(now) for name in consent.fields))


class ConsentRules:
    """What the consent of people means for one consumer with one purpose."""

    def __init__(self, consents: Coverages | None, consumer: str, purpose: str, ground: str) -> None:
        """Take the store; without one nobody has consented."""
        self._consents = consents
        self._consumer = consumer
        self._purpose = purpose
        self._ground = ground

    def coverage(self, person: Any) -> Coverage:
        """Return what the consents of a person cover; of somebody who is not named, nothing."""
        if self._consents is None or person is SOMEBODY:
            return NOTHING
        known = self._consents.known(str(person), self._consumer, self._purpose, again=True)
        return UNREADABLE if isinstance(known, Missing) else known

    def unsettled(self, people: Collection[Any]) -> Callable[[], Awaitable[None]] | None:
        """Return what looks up what these people have consented to; None where it is known."""
        if self._consents is None:
            return None
        known, consumer, purpose = self._consents.known, self._consumer, self._purpose
        unknown = {str(person) for person in people if known(str(person), consumer, purpose) is MISSING}
        return partial(self._consents.look, unknown, consumer, purpose) if unknown else None

    def refusal(self, coverages: Sequence[Coverage], coordinates: Collection[str]) -> ConsentRequired | None:
        """Refuse a record altogether, where nothing of it is covered by the consent of everybody; None where anything is."""
        if any(coverage.unreadable for coverage in coverages):
            return ConsentUnknown("Whether the person has consented could not be looked up", ground=self._ground)
        if any(not coverage.fields for coverage in coverages):
            return self.refused()
        covered = any(all(coverage.covers(coordinate) for coverage in coverages) for coordinate in coordinates)
        return None if covered or not coordinates else self.refused()

    def refused(self) -> ConsentRequired:
        """Make the error; the same whether there is no consent, one that is over, or no such person."""
        return ConsentRequired(f"This takes the person's consent to the purpose {self._purpose}", ground=self._ground)


class Joined:
    """Joins look-ups of one turn of the event loop into one question."""

    def __init__(self, ask: Callable[[Collection[Any]], Any]) -> None:
        """Take what asks for several things at once."""
        self._ask = ask
        self._wanted: set[Any] = set()
        self._task: asyncio.Task[None] | None = None

    async def want(self, wanted: Iterable[Any]) -> None:
        """Ask for these, together with what others want in this turn."""
        self._wanted.update(wanted)
        if self._task is None:
            self._task = asyncio.create_task(self._asked())
        await asyncio.shield(self._task)

    async def _asked(self) -> None:
        wanted, self._wanted, self._task = self._wanted, set(), None
        await self._ask(wanted)
