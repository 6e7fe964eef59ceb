"""Screening: what is looked at each time a record is given to a request, after the caches, because it depends on what the record says.

Caches hold what a system said, never what a policy made of it. So a policy that changed, or a consent that was withdrawn, counts at once,
and what somebody gets is the same whether it came from a cache or from a call.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

from graph.errors import OutOfTime
from graph.loading.batch import Batch
from graph.loading.cache import MISSING
from graph.loading.loads import BatchLoads, outcome_of

if TYPE_CHECKING:
    from graph.loading.loaders import Loaders

NO_FACTS: Final[Mapping[Any, Any]] = {}


class Screen(Protocol):
    """Decides, for the records of one batch function and one kind of caller, what of them is given."""

    # The batch function whose records say what has to be known about people; None where nothing has to.
    facts: Batch[Any, Any] | None
    # Whether anything is looked up elsewhere, or a key may be refused; where not, `unsettled` and `before` need not be asked.
    consults: bool

    def is_free(self, value: Any) -> bool:
        """Tell at once that a value is given as it is, where nothing has to be consulted; false where that takes a longer look."""

    def unsettled(self, key: Any, value: Any) -> Callable[[], Awaitable[None]] | None:
        """Return what has to be looked up first, None where nothing; a value of MISSING asks whether the key may be asked for."""

    def before(self, key: Any) -> Any:
        """Return MISSING where a key may be asked for, and else what is given in its place, be it an error."""

    def people(self, value: Any) -> Collection[Any]:
        """Name the people of whom facts must be known to decide about a value; none where it says all itself."""

    def given(self, value: Any, facts: Mapping[Any, Any]) -> Any:
        """Return what is given of a value (a record, or a tuple of records), or the error that is given in its place."""


class ScreenedLoads(BatchLoads):
    """What one request has of a batch function whose records are looked at: known and given is only what the screen has seen."""

    __slots__ = ("_kept", "_sent", "_under_way", "screen")

    def __init__(self, batch: Batch[Any, Any], loaders: "Loaders", screen: Screen) -> None:
        super().__init__(batch, loaders)
        self.screen = screen
        self._kept: Callable[[Any], Any] = self.cached
        self._sent: dict[Hashable, Any] = {}
        self._under_way: dict[Hashable, asyncio.Future[Any]] = {}
        self.cached = self._at_once

    def raw(self, key: Hashable) -> Any:
        """Return what is there of a key as its system sent it, what went wrong with it as a value, or MISSING."""
        value = self._sent.get(key, MISSING)
        if value is MISSING:
            future = self._under_way.get(key)
            value = self._kept(key) if future is None else outcome_of(future) if future.done() else MISSING
            if value is not MISSING:
                self._sent[key] = value
        return value

    def raw_future(self, key: Hashable) -> "asyncio.Future[Any]":
        """Return the future of a key as its system sends it; the screened one waits for the same."""
        found = self._under_way.get(key)
        if found is None:
            self.loaders.waits()
            found = self._late() if self.loaders.expired else super()._shared(key)
            self._under_way[key] = found
        return found

    def _late(self) -> "asyncio.Future[Any]":
        late: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        late.set_exception(OutOfTime(self.batch.system.name))
        late.exception()
        return late

    def _at_once(self, key: Hashable) -> Any:
        """Return what is given of a key where all that decides about it is at hand, else MISSING."""
        screen = self.screen
        if screen.consults:
            if screen.unsettled(key, MISSING) is not None:
                return MISSING
            instead = screen.before(key)
            if instead is not MISSING:
                return instead
        value = self.raw(key)
        if not screen.consults and screen.is_free(value):
            return value
        return value if value is MISSING or isinstance(value, BaseException) else self._decided(key, value)

    def _decided(self, key: Hashable, value: Any) -> Any:
        """Decide about a value, where all that must be known of people is at hand; else MISSING."""
        screen = self.screen
        if screen.consults and screen.unsettled(key, value) is not None:
            return MISSING
        people = screen.people(value)
        if not people or screen.facts is None:
            return screen.given(value, NO_FACTS)
        raw = self.loaders.of(screen.facts).raw
        facts = {person: raw(person) for person in people}
        return MISSING if any(fact is MISSING for fact in facts.values()) else screen.given(value, facts)

    def _shared(self, key: Hashable) -> "asyncio.Future[Any]":
        # The key is wanted in this turn of the loop, with the others of its column, unless it is not known yet whether it may be.
        may_ask = self.screen.unsettled(key, MISSING) is None and self.screen.before(key) is MISSING
        if may_ask and self.raw(key) is MISSING:
            self.raw_future(key)
        return self._task(self._given_later(key))

    async def _given_later(self, key: Hashable) -> Any:
        """Wait for whatever decides about a key; what is refused raises."""
        screen = self.screen
        while (waits := screen.unsettled(key, MISSING)) is not None:
            await waits()
        given = screen.before(key)
        if given is MISSING:
            value = self.raw(key)
            if value is MISSING:
                value = await asyncio.shield(self.raw_future(key))
            if isinstance(value, BaseException):
                raise value
            given = await self._decided_later(key, value)
        if isinstance(given, BaseException):
            raise given
        return given

    async def _decided_later(self, key: Hashable, value: Any) -> Any:
        """Wait for what must be known of people, and decide."""
        while (given := self._decided(key, value)) is MISSING:
            if (waits := self.screen.unsettled(key, value)) is not None:
                await waits()
            coming = self._facts_coming(value)
            if coming:
                await asyncio.wait(coming)
        return given

    def _facts_coming(self, value: Any) -> "list[asyncio.Future[Any]]":
        """Ask for what is not known yet of the people of a value."""
        if self.screen.facts is None:
            return []
        told = self.loaders.of(self.screen.facts)
        return [told.raw_future(person) for person in self.screen.people(value) if told.raw(person) is MISSING]

    def _instead(self, key: Hashable, error: BaseException) -> Any:
        """Return what may be given although it could not be waited for: kept records, where what decides about them is at hand, too."""
        value = super()._instead(key, error)
        if value is MISSING or self.screen.unsettled(key, MISSING) is not None:
            return MISSING
        instead = self.screen.before(key)
        return self._decided(key, value) if instead is MISSING else instead
