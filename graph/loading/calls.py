"""Calls: what a collector stands on to make them, what is wanted of them, and what is known of each afterwards."""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from graph.loading.batch import Batch
from graph.upstream.connection import Upstream
from graph.upstream.slots import Allowance, Slots

OK: Final = "OK"


@dataclass(slots=True)
class CallRecord:
    """One call: when it began and ended (seconds of `time.perf_counter`), and how; never which keys."""

    batch: Batch[Any, Any]
    keys: int
    began: float
    ended: float = 0.0
    outcome: str = OK


class Listener(Protocol):
    """A request that wants to know which call carried its key."""

    def note(self, key: Hashable, call: CallRecord) -> None:
        """Take note of it; a key may be carried by several calls, one after the other."""

    def expects_more(self) -> bool:
        """Tell whether keys like the one that it wants now are sure to follow soon."""


class Wanted:
    """A key that somebody waits for, or that is fetched anew beside the way; `since` is a moment of the loop's clock.

    Only an answer whose fetch began after `newer_than` will do (seconds since 1970).
    """

    __slots__ = ("call", "future", "key", "listeners", "newer_than", "since")

    def __init__(self, key: Any, future: "asyncio.Future[Any]", since: float) -> None:
        self.key = key
        self.future = future
        self.since = since
        self.call: CallRecord | None = None
        self.listeners: list[Listener] = []
        self.newer_than = 0.0

    def listen(self, listener: Listener) -> None:
        """Tell a request of the call that carries the key, now or when it is sent."""
        self.listeners.append(listener)
        if self.call is not None:
            listener.note(self.key, self.call)

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
    """The way to one system, which all its batch functions share: the line itself, its slots, and what it may be asked beyond need."""

    upstream: Upstream
    slots: Slots
    allowance: Allowance
