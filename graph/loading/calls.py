"""Calls: what a collector stands on to make them, what is wanted of them, and what is known of each afterwards."""

import asyncio
import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from graph.loading.batch import Batch
from graph.loading.budget import Budget
from graph.upstream.admission import Admission
from graph.upstream.connection import Upstream
from graph.upstream.priority import Priority

OK: Final = "OK"


@dataclass(slots=True)
class CallRecord:
    """One call: when it began and ended (seconds of `time.perf_counter`; `began_at` on the loop's clock), and how; never which keys."""

    batch: Batch[Any, Any]
    keys: int
    began: float
    began_at: float = 0.0
    ended: float = 0.0
    outcome: str = OK


class Listener(Protocol):
    """A request that wants a key: how urgent it is, until when it waits (on the loop's clock), and what it wants to know."""

    @property
    def priority(self) -> Priority:
        """How urgent it is."""

    @property
    def ends_at(self) -> float:
        """Until when it waits, on the loop's clock."""

    @property
    def budget(self) -> Budget | None:
        """What it may still ask for; None where that is not bounded."""

    def note(self, key: Hashable, call: CallRecord) -> None:
        """Take note of the call that carries a key; a key may be carried by several calls, one after the other."""

    def expects_more(self) -> bool:
        """Tell whether keys like the one that it wants now are sure to follow soon."""


class Flight:
    """A call under way, and who of those whose keys it carries still waits for it: when nobody does, it is ended."""

    __slots__ = ("end", "wanted")

    def __init__(self, wanted: int, end: Callable[[], object]) -> None:
        self.wanted = wanted
        self.end = end

    def unwanted(self) -> None:
        """Note that one of its keys is wanted by nobody any more."""
        self.wanted -= 1
        if not self.wanted:
            self.end()


class Wanted:
    """A key that somebody waits for, or that is fetched anew beside the way; `since` is a moment of the loop's clock.

    Only an answer whose fetch began after `newer_than` will do (seconds since 1970). One that is fetched `beside` the way is fetched even
    when nobody waits for it.
    """

    __slots__ = ("_left", "beside", "call", "ends_at", "flight", "future", "key", "line", "listeners", "newer_than", "priority", "since")

    def __init__(self, key: Any, future: "asyncio.Future[Any]", since: float) -> None:
        self.key = key
        self.future = future
        self.since = since
        self.call: CallRecord | None = None
        self.flight: Flight | None = None
        self.listeners: list[Listener] = []
        self.newer_than = 0.0
        self.priority = Priority.REFRESH
        self.ends_at = 0.0
        self.beside = False
        self.line: Priority | None = None  # where it stands in a waiting room
        self._left = False

    def listen(self, listener: Listener) -> None:
        """Let one more request wait for the key, and tell it of the call that carries it, now or when it is sent."""
        if self._left and self.flight is not None:
            self.flight.wanted += 1
        self._left = False
        self.listeners.append(listener)
        self.priority = min(self.priority, listener.priority)
        self.ends_at = max(self.ends_at, listener.ends_at)
        if self.call is not None:
            listener.note(self.key, self.call)

    def leave(self, listener: Listener) -> bool:
        """Let a request wait no more; tells whether now nobody does, where anybody did. A call only for such keys is ended."""
        if listener not in self.listeners:
            return False
        self.listeners.remove(listener)
        if self.listeners or self.beside or self.future.done():
            return False
        self._left = True
        if self.flight is not None:
            self.flight.unwanted()
        return True

    def payers(self) -> list[Budget]:
        """List what is left to those of its listeners for whom calls are counted."""
        return [listener.budget for listener in self.listeners if listener.budget is not None]

    def is_paid(self) -> bool:
        """Tell whether a call may be made for it: one of its listeners may have one, or it is fetched for nobody in particular."""
        payers = self.payers()
        return self.beside or len(payers) < len(self.listeners) or any(budget.pays for budget in payers)

    def left(self, now: float) -> float:
        """Return for how many seconds anybody still waits for it; one that is fetched beside the way has time."""
        return self.ends_at - now if self.listeners else math.inf

    def sent(self, call: CallRecord) -> None:
        """Note the call that carries the key."""
        self.call = call
        for listener in self.listeners:
            listener.note(self.key, call)


class Pace:
    """How long a call of one batch function usually takes, in seconds; 0 until one came back."""

    __slots__ = ("typical",)

    def __init__(self) -> None:
        self.typical = 0.0

    def took(self, seconds: float) -> None:
        """Take one more call into account."""
        self.typical = seconds if not self.typical else self.typical + 0.1 * (seconds - self.typical)


@dataclass(frozen=True)
class Line:
    """The way to one system, which all its batch functions share: the line itself, and who says whether it may be used."""

    upstream: Upstream
    admission: Admission
