"""What one request has of one batch function: the records that it knows, those that are coming, and the way to the others."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from graph.errors import OutOfTime
from graph.loading.batch import Batch
from graph.loading.cache import MISSING, Missing
from graph.loading.calls import CallRecord
from graph.loading.collector import Collector
from graph.upstream.priority import Priority

if TYPE_CHECKING:
    from graph.loading.loaders import Loaders


class BatchLoads:
    """What one request has of one batch function: the records that it knows, those that are coming, and the way to the others."""

    __slots__ = (
        "_asked", "_collector", "_last", "_tasks", "batch", "budget", "cached", "calls", "coming", "hits", "keys", "known", "loaders",
        "partition", "pending",
    )  # fmt: skip

    def __init__(self, batch: Batch[Any, Any], loaders: "Loaders") -> None:
        self.batch = batch
        self.loaders = loaders
        self.partition = loaders.sources.partition(batch, loaders.caller)
        self.budget = loaders.budget
        self.known: dict[Hashable, Any] = {}
        self.coming: dict[Hashable, asyncio.Future[Any]] = {}
        look: Callable[[Any], Any] = self.partition.get if batch.splits is None else self._cached_parts
        self.cached = look if self.budget is None else self.budget.cached(batch.system.name, look, self.coming)
        self.pending = self.calls = self.keys = self.hits = 0
        self._asked: list[Hashable] = []
        self._tasks: list[asyncio.Future[Any]] = []
        self._collector: Collector | None = None
        self._last: CallRecord | None = None

    @property
    def priority(self) -> Priority:
        """How urgent the request is."""
        return self.loaders.priority

    @property
    def ends_at(self) -> float:
        """Until when the request waits, on the event loop's clock."""
        return self.loaders.ends_at

    def future(self, key: Hashable) -> "asyncio.Future[Any]":
        """Return the future of a key that is neither known nor kept; the same one however often this request asks.

        It is this request's own: it ends with the request's time, and nobody else waits for it.
        """
        own = self.coming.get(key)
        if own is None:
            if self.loaders.expired:
                return self._too_late(key)
            self.loaders.waits()
            shared = self._shared(key)
            own = self._own(key)
            if shared.done():
                self._came(own, shared)
            else:
                shared.add_done_callback(partial(self._came, own))
        return own

    def _too_late(self, key: Hashable) -> "asyncio.Future[Any]":
        """Answer a key that is wanted only after the request's time."""
        own = self._own(key)
        self.expire()
        return own

    def _own(self, key: Hashable) -> "asyncio.Future[Any]":
        """Make the future of a key; it is pending until those who wait for it go on."""
        own = self.coming[key] = asyncio.get_running_loop().create_future()
        self.pending += 1
        own.add_done_callback(self._settled)
        return own

    def _settled(self, _own: "asyncio.Future[Any]") -> None:
        self.pending -= 1

    def _shared(self, key: Hashable) -> "asyncio.Future[Any]":
        """Return the future of what is under a key, which others may wait for as well."""
        parts = (key,) if self.batch.splits is None else self.batch.splits(key)
        return self._wanted(key) if len(parts) == 1 else self._task(self._joined(parts))

    def _task(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Future[Any]":
        task = asyncio.ensure_future(work)
        self._tasks.append(task)
        return task

    def _came(self, own: "asyncio.Future[Any]", shared: "asyncio.Future[Any]") -> None:
        """Pass on what came, unless the request has stopped waiting."""
        error = asyncio.CancelledError() if shared.cancelled() else shared.exception()
        if own.done():
            return
        if error is None:
            own.set_result(shared.result())
        else:
            _fail(own, error)

    def expire(self) -> None:
        """Answer what is still waited for: with what is kept, where that may be served although it is old, and else that time is over."""
        for key, own in self.coming.items():
            if not own.done():
                error = OutOfTime(self.batch.system.name)
                instead = self._instead(key, error)
                if instead is MISSING:
                    instead = error
                if isinstance(instead, BaseException):
                    _fail(own, instead)
                else:
                    own.set_result(instead)

    def _instead(self, key: Hashable, error: BaseException) -> Any:
        """Return what may be given although it could not be waited for, or MISSING."""
        return self.partition.instead_of(key, error)

    def leave(self) -> None:
        """Wait no more; what only this request waited for is not asked for any further."""
        for own in self.coming.values():
            own.cancel()
        for task in self._tasks:
            task.cancel()
        if self._collector is not None:
            for key in self._asked:
                self._collector.leave(key, self)

    def raw(self, key: Hashable) -> Any:
        """Return what is there of a key as its system sent it, what went wrong with it as a value, or MISSING."""
        value = self.known.get(key, MISSING)
        if value is not MISSING:
            return value
        own = self.coming.get(key)
        if own is not None:
            return outcome_of(own) if own.done() else MISSING
        value = self.cached(key)
        if value is not MISSING:
            self.known[key] = value
            self.hits += 1
        return value

    def raw_future(self, key: Hashable) -> "asyncio.Future[Any]":
        """Return the future of a key as its system sends it."""
        return self.future(key)

    def is_kept(self, key: Hashable) -> bool:
        """Tell whether the cache could answer a key now, without counting it as asked."""
        entry = self.partition.entry(key)
        return entry is not None and self.partition.cache.fresh_for(entry) > 0

    def expects_more(self) -> bool:
        """Tell whether records like the one that led here are still to come."""
        return self.loaders.siblings > 0

    def note(self, key: Hashable, call: CallRecord) -> None:
        """Count a call that carries a key of this request."""
        self.keys += 1
        if call is not self._last:
            self._last = call
            self.calls += 1
            self.loaders.calls.append(call)
        self.loaders.carried_by(self.batch, key, call)

    def _wanted(self, key: Hashable) -> "asyncio.Future[Any]":
        collector = self._collector
        if collector is None:
            collector = self._collector = self._found()
        if self.budget is not None and (error := self.budget.asks(self.batch.system.name)) is not None:
            return collector.failed(error)
        self.partition.missed(key)
        self._asked.append(key)
        return collector.want(key, self)

    def _found(self) -> Collector:
        """Find the collector, and let it know when no call more may be made for this request."""
        collector = self.loaders.sources.collector(self.partition, self.loaders.caller)
        collector.arrived()
        if self.budget is not None:
            self.budget.when_used_up(lambda: collector.used_up(self._asked))
        return collector

    async def _joined(self, parts: Sequence[Hashable]) -> tuple[Any, ...]:
        """Join the lists of the parts of a key, in their order; one that cannot be had is missing from no list unseen: it raises."""
        values = [self.cached_or_coming(part) for part in parts]
        lists = [await asyncio.shield(value) if isinstance(value, asyncio.Future) else value for value in values]
        return tuple(record for listed in lists for record in listed)

    def cached_or_coming(self, key: Hashable) -> Any:
        """Return what the cache has of a part of a key, or its future."""
        value = self.partition.get(key)
        return self._wanted(key) if value is MISSING else value

    def _cached_parts(self, key: Hashable) -> Any:
        """Return what the cache holds of a key that may consist of parts; MISSING where any part is."""
        parts = self.batch.splits(key) if self.batch.splits is not None else (key,)
        lists: list[Any] = []
        for part in parts:
            value: Any | Missing = self.partition.get(part)
            if value is MISSING:
                return MISSING
            lists.append(value)
        return tuple(record for listed in lists for record in listed)


def _fail(own: "asyncio.Future[Any]", error: BaseException) -> None:
    """End a future with an error; looked at, so that asyncio does not report it where nobody listens any more."""
    if isinstance(error, asyncio.CancelledError):
        own.cancel()
    else:
        own.set_exception(error)
        own.exception()


def outcome_of(future: "asyncio.Future[Any]") -> Any:
    """Return what a future came to, its error as a value."""
    if future.cancelled():
        return asyncio.CancelledError()
    return future.exception() or future.result()
