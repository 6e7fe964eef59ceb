"""Admission: whether a system may be called now, and if not, why not and until when.

Asked in this order: does anybody still want it (the collector knows), has an operator taken the system out, is it open by its calendar, did
it ask for a pause, is there quota left, does the breaker let the operation through, is there a place among its calls at once; and for
whatever is asked beyond need, is there anything left in the purse. One object for each system, one set of figures, one event for each
change of state.
"""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from graph.errors import (
    MotcuaError,
    OutOfTime,
    Shed,
    SystemThrottled,
    SystemTimedOut,
    SystemUnavailable,
    Theirs,
)
from graph.system_settings import SystemSettings
from graph.upstream.breaker import Breaker, Draw, Went
from graph.upstream.budget import Budget
from graph.upstream.calendar import Calendar
from graph.upstream.concurrency import Limit
from graph.upstream.figures import Breaking, SystemFigures
from graph.upstream.priority import Priority
from graph.upstream.quota import Quota
from graph.upstream.turns import Turns

OK: Final = "OK"
# A place opens within so many seconds: then it is worth waiting for, and else better said.
WORTH_WAITING_SECONDS: Final = 2.0
LONGEST_PAUSE_SECONDS: Final = 3_600.0
# Of each so many places that slow nobody down one is left free for people who wait.
KEPT_FREE: Final = 8
# What nobody waits for at a screen is sent away from a standing queue after so many usual calls, or so many seconds.
PATIENCE_CALLS, PATIENCE_SECONDS = 4.0, 1.0


class Tell(Protocol):
    """Takes note of a change of state."""

    def __call__(self, name: str, /, **fields: Any) -> None:
        """Take note of an event by its name."""


def loop_time() -> float:
    """Read the clock of the event loop; before one runs the clock that it will go by."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return time.monotonic()


def untold(_name: str, /, **_fields: Any) -> None:
    """Tell nobody."""


class Wait:
    """Not now: a turn comes when a place is free, or in so many seconds."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds


class Refusal(NamedTuple):
    """Not at all: why, in a word for figures, and the error for who asks."""

    why: str
    error: MotcuaError


class Ticket:
    """A place among the calls to a system, held until it is given back; its first message is counted already."""

    __slots__ = ("_admission", "_counted", "_released", "operation", "priority", "probe", "used")

    def __init__(self, admission: "Admission", operation: str, priority: Priority, *, probe: bool) -> None:
        self._admission = admission
        self._counted = True
        self._released = False
        self.used = False
        self.operation = operation
        self.priority = priority
        self.probe = probe

    def metered(self) -> None:
        """Count a message against the quota; SystemThrottled where none is left, and then it must not be sent."""
        if self._counted:
            self._counted = False
        elif waits := self._admission.quota.take(interactive=self.priority.interactive):
            raise self._admission.out_of_quota(waits)

    def again(self, *, retry: bool, calls: int = 1) -> bool:
        """Ask for calls beyond need: to try again, or to find a bad key. A probe gets none, nor who is not let through any more."""
        admission = self._admission
        if self.probe or admission.stands_against(self.operation, self.priority) is not None:
            return False
        if not (admission.budget.retry(calls) if retry else admission.budget.spend(calls)):
            return False
        admission.counts.retries += calls if retry else 0
        admission.counts.extra_calls += 0 if retry else calls
        return True

    def ended(self, keys: int, seconds: float, error: BaseException | None, *, telling: bool = True) -> None:
        """Count one call that was made with it, answered or not; `telling` says that it tells how the system is."""
        self.used = True
        self._admission.ended(self, keys, seconds, error, telling=telling)

    def release(self) -> None:
        """Give the place back, once."""
        if not self._released:
            self._released = True
            self._admission.released(self)


class Admission:
    """The admission of one system, in one process."""

    def __init__(  # noqa: PLR0913 - clocks and chance come from outside, so that tests can turn them
        self, name: str, settings: SystemSettings, quota: Quota, *, clock: Callable[[], float] | None = None,
        wall: Callable[[], float] = time.time, draw: Draw = random.random, tell: Tell = untold, workers: int = 1,
    ) -> None:  # fmt: skip
        """Take the settings of a system; of `workers` processes each has its part of the calls at once.

        The clock is the event loop's, as that of deadlines is.
        """
        self.name = name
        self.settings = settings
        self.quota = quota
        self.clock = clock = clock or loop_time
        self.draw = draw
        self._wall = wall
        self._tell = tell
        self.calendar = Calendar(settings.calendar.timezone, settings.calendar.hours, settings.calendar.maintenance)
        most = max(1, settings.max_connections // workers)
        how = settings.concurrency
        self.limit = Limit(how.initial if how.adaptive else most, how.smallest if how.adaptive else most, most, clock)
        self.budget = Budget(settings.retries.share, first=settings.retries.at_first)
        self.breakers: dict[str, Breaker] = {}
        self.turns = Turns(clock)
        self.counts = SystemFigures(name=name)
        self.under_way = 0
        self.waiting = 0
        self.typical = 0.0
        self.drained = False
        self._paused_until = 0.0
        self._waking = False
        self._said: dict[str, bool] = {}

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def enter(self, operation: str, priority: Priority) -> Ticket | Wait | Refusal:
        """Let a call in now, or say when to ask again, or why it cannot be."""
        against = self.stands_against(operation, priority)
        if against is not None:
            return against
        if not self._has_place(priority):
            return Wait()
        if waits := self.quota.take(interactive=priority.interactive):
            return self._no_quota(waits)  # another worker was quicker
        if not self._waking and not len(self.turns):
            self.turns.went_at_once()
        self.under_way += 1
        self.budget.earn()
        return Ticket(self, operation, priority, probe=self._breaker(operation).begin())

    def stands_against(self, operation: str, priority: Priority) -> Wait | Refusal | None:
        """Say what stands against any call of an operation now, whether or not there is a place for it."""
        return self._not_in_service() or self._not_wanted_yet(priority) or self._left_alone(operation)

    def _not_in_service(self) -> Refusal | None:
        if self.drained:
            return Refusal("drained", SystemUnavailable(self.name, "was taken out of service by an operator"))
        now = self._wall()
        until = self.calendar.closed_until(now)
        self._say("calendar", changed=until is not None)
        if until is None:
            return None
        return Refusal("closed", SystemUnavailable(self.name, "is closed at this hour", retry_after_ms=_milliseconds(until - now)))

    def _not_wanted_yet(self, priority: Priority) -> Wait | Refusal | None:
        """Keep to the time that the system itself named, and to its contract."""
        paused = self._paused_until - self.clock()
        if paused > 0:
            if paused <= WORTH_WAITING_SECONDS and priority is not Priority.REFRESH:
                return Wait(paused)
            return Refusal("paused", SystemThrottled(self.name, "asks to be called less often", retry_after_ms=_milliseconds(paused)))
        if waits := self.quota.free_in(interactive=priority.interactive):
            return self._no_quota(waits)
        self._say("quota", changed=False)
        return None

    def _left_alone(self, operation: str) -> Refusal | None:
        closed = self._breaker(operation).closed_for()
        if closed <= 0:
            return None
        words = "is left alone for a while, because it failed too often"
        return Refusal("breaker", SystemUnavailable(self.name, words, retry_after_ms=_milliseconds(closed)))

    def _no_quota(self, waits: float) -> Wait | Refusal:
        self._say("quota", changed=True)
        return Wait(waits) if waits <= WORTH_WAITING_SECONDS else Refusal("quota", self.out_of_quota(waits))

    def out_of_quota(self, seconds: float) -> SystemThrottled:
        """Make the error of a call for which there is no quota."""
        return SystemThrottled(self.name, "was called as often as its quota allows", retry_after_ms=_milliseconds(seconds))

    def refused(self, why: str, keys: int = 1) -> None:
        """Count keys that are not asked for."""
        self.counts.refused[why] = self.counts.refused.get(why, 0) + keys

    # ── waiting for a place ──────────────────────────────────────────────────────────────────────────────────────────────

    def in_turn(self, priority: Priority, again: Callable[[], None], since: float) -> None:
        """Call `again` once, when there is a place; it has to take it itself, and may be late. `since` is when the oldest key came."""
        self.turns.wait(priority, again, since)

    def sends_away(self, priority: Priority, waited: float, left: float) -> Shed | None:
        """Say that a key has waited too long in a queue that stands.

        A human being decides himself how long he waits; he is told as soon as a call would not come back within the time that is `left`.
        """
        if not self.turns.standing:
            return None
        if left >= self.typical and (priority.interactive or waited < max(PATIENCE_SECONDS, PATIENCE_CALLS * self.typical)):
            return None
        return self.too_many()

    def is_full(self, priority: Priority) -> bool:
        """Tell whether no more keys may wait; half of the room is for those whom a human being waits for."""
        most = self.settings.concurrency.max_waiting
        return self.waiting >= (most if priority.interactive else most // 2)

    def too_many(self) -> Shed:
        """Make the error of a key for which the system has no time."""
        return Shed(
            f"The {self.name} system is asked for more than it can answer",
            retry_after_ms=_milliseconds(2 * self.typical + 1),
            system=self.name,
        )

    # ── afterwards ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def ended(self, ticket: Ticket, keys: int, seconds: float, error: BaseException | None, *, telling: bool) -> None:
        """Learn from a call: how it went, and how long it took."""
        outcome = OK if error is None else error.code if isinstance(error, MotcuaError) else MotcuaError.code
        counts = self.counts
        counts.calls += 1
        counts.keys += keys
        counts.outcomes[outcome] = counts.outcomes.get(outcome, 0) + 1
        counts.by_operation[ticket.operation] = counts.by_operation.get(ticket.operation, 0) + 1
        counts.latency.note(seconds)
        went = self._went(seconds, error) if telling else "unknown"
        self._breaker(ticket.operation).end(went, probe=ticket.probe)
        if went == "failed":
            self.budget.failed()
        elif went != "unknown":
            self.budget.answered()
        if isinstance(error, SystemTimedOut | SystemThrottled) or (isinstance(error, Theirs) and error.retry_after_ms is not None):
            self._limited()
        elif error is None:
            self.typical = seconds if not self.typical else self.typical + 0.1 * (seconds - self.typical)
            if self.settings.concurrency.adaptive:
                self.limit.answered(ticket.operation, keys, seconds, self.under_way)
        if isinstance(error, Theirs) and error.retry_after_ms is not None:
            self._pause(error.retry_after_ms / 1_000)

    def released(self, ticket: Ticket) -> None:
        """Give places that are free to those whose turn it is."""
        if ticket.probe and not ticket.used:
            self._breaker(ticket.operation).end("unknown", probe=True)
        self.under_way -= 1
        self.wake()

    def wake(self) -> None:
        """Let those in whose turn it is, as far as there are places."""
        for _ in range(len(self.turns)):
            again = self.turns.next(self._has_place, self.typical)
            if again is None:
                return
            self._waking = True
            try:
                again()
            finally:
                self._waking = False

    def report(self) -> SystemFigures:
        """Return the figures as they are now."""
        counts = self.counts
        counts.waiting, counts.under_way, counts.limit = self.waiting, self.under_way, self.limit.now
        counts.breakers = {name: breaker.state for name, breaker in sorted(self.breakers.items())}
        counts.opened = sum(breaker.opened for breaker in self.breakers.values())
        counts.quotas = self.quota.figures()
        counts.retries_left = self.budget.left
        counts.drained = self.drained
        counts.closed_until = self.calendar.closed_until(self._wall())
        return counts

    # ── by hand ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def drain(self) -> None:
        """Make no more calls; those under way come to their end."""
        self.drained = True
        self._say("drained", changed=True)
        self.wake()

    def resume(self) -> None:
        """Make calls again, as if nothing had been wrong."""
        self.drained = False
        self._say("drained", changed=False)
        self._paused_until = 0.0
        for breaker in self.breakers.values():
            breaker.reset()
        self.limit.recovered()
        self.wake()

    def _has_place(self, priority: Priority) -> bool:
        if priority < Priority.BATCH:
            return self.under_way < self.limit.now
        quiet = min(self.limit.now, self.limit.quiet)
        return self.under_way < (quiet if quiet < KEPT_FREE // 2 else quiet - max(1, quiet // KEPT_FREE))

    def _breaker(self, operation: str) -> Breaker:
        found = self.breakers.get(operation)
        if found is None:

            def changed(state: Breaking, reason: str) -> None:
                self._tell(f"breaker_{state if state != 'open' else 'opened'}", system=self.name, operation=operation, reason=reason)
                if state == "closed":
                    self.limit.recovered()

            found = self.breakers[operation] = Breaker(self.settings.breaker, self.clock, self.draw, changed)
        return found

    def _went(self, seconds: float, error: BaseException | None) -> Went:
        slow = seconds >= self.settings.breaker.slow_seconds
        if isinstance(error, SystemTimedOut | SystemUnavailable):
            return "failed"
        if isinstance(error, OutOfTime):
            return "slow" if slow or (self.typical and seconds >= max(PATIENCE_SECONDS, PATIENCE_CALLS * self.typical)) else "unknown"
        if error is not None and not isinstance(error, Theirs):
            return "unknown"
        return "slow" if slow else "well"

    def _limited(self) -> None:
        if self.settings.concurrency.adaptive:
            self.limit.dropped()

    def _pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, self.clock() + min(seconds, LONGEST_PAUSE_SECONDS))

    def _say(self, what: str, *, changed: bool) -> None:
        """Tell of a state once, when it begins and when it ends."""
        if self._said.get(what, False) is not changed:
            self._said[what] = changed
            self._tell(EVENTS[what, changed], system=self.name)


EVENTS: Final = {
    ("quota", True): "quota_exhausted",
    ("quota", False): "quota_available",
    ("calendar", True): "calendar_closed",
    ("calendar", False): "calendar_opened",
    ("drained", True): "system_drained",
    ("drained", False): "system_resumed",
}


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1_000))
