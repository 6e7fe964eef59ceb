"""The collector: keys that one batch function is asked for, gathered while its calls are under way, and sent in as few calls as possible.

When does a batch leave? As soon as its system has a free slot and

- it is full, or
- no call of this collector is under way, or
- hardly anybody else is to be expected: fewer than COMPANY requests come in the time that a call usually takes, or
- its oldest key has waited as long as a call usually takes, times the knob `patience`.

Where a request follows records that come one by one and more of them are on their way, more keys like the one that just came are likely.
Then the first of them waits LINGER_SECONDS for those that come with it, and the others gather while a call is under way, until the last
has come. That costs the request nothing: it is not complete before its last record has led on anyway.

A lone caller never waits, because his next request comes only after his calls have come back. Under load the calls fill up, as the
commits of a busy database do, and nobody waits for company longer than one call takes.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Coroutine, Hashable, Sequence
from math import exp
from typing import Any, Final, Protocol

from aiodataloader import DataLoader

from graph.errors import OutOfTime, SystemUnavailable
from graph.loading.asking import Asker
from graph.loading.cache import MISSING, Partition
from graph.loading.calls import Flight, Line, Listener, Pace, Wanted
from graph.loading.refresh import Chunks
from graph.loading.room import Room
from graph.upstream.admission import Refusal, Ticket, Wait
from graph.upstream.priority import Priority

COMPANY: Final = 3.0
LINGER_SECONDS: Final = 0.02


class Tier(Protocol):
    """A tier of the cache that several processes share."""

    async def fetch(self, partition: Partition[Any, Any], keys: Sequence[Any]) -> None:
        """Put what the tier has of some keys into the partition, as far as that is younger; never fails."""

    def store(self, partition: Partition[Any, Any], keys: Sequence[Any]) -> None:
        """Put what the partition has of some keys into the tier, beside the way."""


class Collector(DataLoader[Any, Any]):
    """Gathers, joins and sends the keys of one batch function for callers who may share, for as long as the process lives.

    Its cache map holds the keys that are wanted now, each with the one future that all who want it wait for; an answered key leaves.
    Futures are shared: listen to them or shield them, never cancel them.
    """

    def __init__(
        self, partition: Partition[Any, Any], line: Line, pace: Pace, *, official: str | None = None, tier: Tier | None = None,
        chunks: Chunks | None = None,
    ) -> None:  # fmt: skip
        """Collect for a partition of a cache over the line to its system; RuntimeError where no event loop runs."""
        super().__init__(cache_map={}, loop=asyncio.get_running_loop())
        self.partition = partition
        self.line = line
        self.pace = pace
        self.tier = tier
        self.chunks = chunks
        self.under_way = 0
        self._admission = line.admission
        self._operation = partition.cache.batch.name
        self._asker = Asker(partition, line, pace, official, self._settle)
        self._wanted: dict[Hashable, Wanted] = {}
        self._new: list[Wanted] = []
        self._room = Room(partition.cache, self._admission)
        self._chunks: deque[list[Wanted]] = deque()
        self._in_line: Priority | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._company = 0.0
        self._arrived_at = 0.0
        self._more_until = 0.0

    # ── wanting ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def arrived(self) -> None:
        """Count a request that wants anything of this collector at all."""
        now = self.loop.time()
        self._company = self._company_at(now) + 1.0
        self._arrived_at = now

    def want(self, key: Hashable, listener: Listener) -> "asyncio.Future[Any]":
        """Return the future of a key's answer; it may be one that others wait for already."""
        figures = self.partition.cache.figures
        self._more_until = self.loop.time() + max(self.pace.typical, LINGER_SECONDS) if listener.expects_more() else 0.0
        if key in self._wanted:
            figures.joined += 1
        elif listener.budget is not None and not listener.budget.pays:
            return self.failed(listener.budget.no_call(self._admission.name))
        elif self._admission.is_full(listener.priority):
            return self._sent_away(key)
        else:
            figures.fetched += 1
        future = self.load(key)
        if (wanted := self._wanted.get(key)) is not None:
            wanted.listen(listener)
            self._room.hurry(wanted)
        return future

    def leave(self, key: Hashable, listener: Listener) -> None:
        """Let a request wait for a key no more; what nobody waits for is not sent, and ended where it is under way."""
        wanted = self._wanted.get(key)
        if wanted is None:
            return
        if wanted.leave(listener) and wanted.flight is None:
            self._room.leave(wanted)
            self._admission.refused("late")
            self._settle(wanted, OutOfTime(self._admission.name))
        else:
            self.unpaid(wanted)

    def used_up(self, keys: Sequence[Hashable]) -> None:
        """Let no call leave any more for those of some keys that nobody may pay for."""
        for key in keys:
            if (wanted := self._wanted.get(key)) is not None:
                self.unpaid(wanted)

    def unpaid(self, wanted: Wanted) -> None:
        """Answer a key that waits for a call, where nobody who waits for it may have one."""
        if wanted.flight is None and not wanted.future.done() and wanted.listeners and not wanted.is_paid():
            self._room.leave(wanted)
            self._settle(wanted, wanted.payers()[0].no_call(self._admission.name))

    def _sent_away(self, key: Hashable) -> "asyncio.Future[Any]":
        """Answer a key at once where too many wait already."""
        self._admission.refused("shed")
        error = self._admission.too_many()
        instead = self.partition.instead_of(key, error)
        if instead is MISSING:
            return self.failed(error)
        future: asyncio.Future[Any] = self.loop.create_future()
        future.set_result(instead)
        return future

    def failed(self, error: Exception) -> "asyncio.Future[Any]":
        """Answer with an error at once."""
        future: asyncio.Future[Any] = self.loop.create_future()
        future.add_done_callback(_seen)
        future.set_exception(error)
        return future

    def do_resolve_reject(self, key: Hashable, future: "asyncio.Future[Any]") -> None:
        """Take a key that nobody wants yet; it leaves with the others of this turn of the loop at the earliest."""
        future.add_done_callback(_seen)
        error = self._asker.quarantined(key)
        if error is not None:
            self.clear(key)
            future.set_exception(error)
            return
        wanted = self._wanted[key] = Wanted(key, future, self.loop.time())
        self._new.append(wanted)
        if len(self._new) == 1:
            self.loop.call_soon(self._gathered)

    def refresh(self, key: Hashable) -> None:
        """Fetch a key anew beside the way, with the others of its chunk where the system can say that they have not changed."""
        if key in self._wanted or self.loop.is_closed():
            return
        self.partition.cache.figures.refreshes += 1
        if self.chunks is not None:
            for keys in self.chunks.together(key, lambda other: self.partition.entry(other) is not None):
                self._chunks.append([self._beside(other) for other in keys])
            self.loop.call_soon(self.pump)
            return
        known = self.partition.entry(key)
        self.load(key)
        if (wanted := self._wanted.get(key)) is not None:
            wanted.beside = True
            wanted.newer_than = known.started if known is not None else 0.0

    def _beside(self, key: Hashable) -> Wanted:
        """Want a key of a chunk; one that is wanted already is fetched all the same, because a chunk is always asked for whole."""
        future = self.loop.create_future()
        future.add_done_callback(_seen)
        wanted = Wanted(key, future, self.loop.time())
        wanted.beside = True
        if key not in self._wanted:
            self._wanted[key] = wanted
            self.prime_with(key, future)
        return wanted

    def prime_with(self, key: Hashable, future: "asyncio.Future[Any]") -> None:
        """Let others who want a key wait for this future."""
        self._cache[key] = future

    # ── gathering ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _gathered(self) -> None:
        new = [one for one in self._new if self._wanted.get(one.key) is one]
        self._new.clear()
        if self.tier is None:
            for one in new:
                self._room.enter(one)
            if self._in_line is None or any(one.priority < self._in_line for one in new):
                self.pump()
        elif new:
            self._start(self._through_tier(self.tier, new))

    async def _through_tier(self, tier: Tier, new: list[Wanted]) -> None:
        """Take what the shared tier has that is young enough; the rest is asked for, also where taking it fails in an unforeseen way."""
        with contextlib.suppress(Exception):
            await tier.fetch(self.partition, [one.key for one in new])
        cache = self.partition.cache
        for one in new:
            entry = None if cache.suspended else self.partition.entry(one.key)
            if entry is not None and entry.started > one.newer_than and cache.fresh_for(entry) > 0:
                cache.figures.shared_hits += 1
                self._settle(one, entry.value)
            elif self._wanted.get(one.key) is one:
                self._room.enter(one)
        self.pump()

    def pump(self) -> None:
        """Send what may leave now, as far as the system may be called."""
        room = self._room
        while len(room) or self._chunks:
            for late, shed in room.late(self.loop.time()):
                self._refuse([late], Refusal("shed", shed))
            is_due = len(room) > 0 and self._is_due()
            if not is_due and not self._chunks:
                if len(room):
                    self._wake_at(self._waits_until())
                return
            priority = room.priority() if is_due else Priority.REFRESH
            entry = self._admission.enter(self._operation, priority)
            if isinstance(entry, Wait):
                self._stand_in_line(priority, entry.seconds)
                return
            portion = room.portion() if is_due else self._chunks.popleft()
            if isinstance(entry, Refusal):
                self._refuse(portion, entry)
            else:
                self._send(portion, entry, revalidates=not is_due)

    def _refuse(self, portion: list[Wanted], refusal: Refusal) -> None:
        """Answer keys that are not asked for: with what is kept of them, where that is allowed, and else with the reason."""
        self._admission.refused(refusal.why, len(portion))
        for one in portion:
            instead = self.partition.instead_of(one.key, refusal.error)
            self._settle(one, refusal.error if instead is MISSING else instead)

    def _is_due(self) -> bool:
        now = self.loop.time()
        if self._room.is_full() or now >= self._waits_until():
            return True
        if now < self._more_until:
            return False
        return not self.under_way or self._company_at(now) < COMPANY

    def _waits_until(self) -> float:
        """Return until when the oldest key waits for company at most, on the loop's clock."""
        since, patience = self._room.since(), self.partition.cache.settings.patience
        if not patience:
            return since
        for_company = patience * self.pace.typical if self.under_way else 0.0
        return since + max(for_company, LINGER_SECONDS if self._more_until else 0.0)

    def _company_at(self, now: float) -> float:
        """Estimate how many requests come in the time that a call usually takes: those counted, forgotten at just that pace."""
        typical = self.pace.typical
        return self._company * exp((self._arrived_at - now) / typical) if typical else 0.0

    def _wake_at(self, until: float) -> None:
        if self._timer is not None and self._timer_at > until:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer, self._timer_at = self.loop.call_at(until, self._waited), until

    def _waited(self) -> None:
        self._timer = None
        self.pump()

    def _stand_in_line(self, priority: Priority, seconds: float | None) -> None:
        """Come again when there is a place, or in so many seconds."""
        if seconds is not None:
            self._wake_at(self.loop.time() + seconds)
        elif self._in_line is None or priority < self._in_line:
            self._in_line = priority
            self._admission.in_turn(priority, self._turn_has_come, self._room.since() if len(self._room) else self.loop.time())

    def _turn_has_come(self) -> None:
        self._in_line = None
        self.pump()

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _send(self, portion: list[Wanted], ticket: Ticket, *, revalidates: bool) -> None:
        self.under_way += 1
        now, waits = self.loop.time(), self._admission.counts.waits
        task = self._start(self._carry(portion, ticket, revalidates=revalidates))
        task.add_done_callback(lambda _task: self._landed(portion, ticket))
        flight = Flight(len(portion), lambda: self._end(task, portion))
        for one in portion:
            waits.note(now - one.since)
            one.flight = flight
        for budget in {id(budget): budget for one in portion for budget in one.payers() if budget.pays}.values():
            budget.paid()

    def _end(self, task: "asyncio.Task[None]", portion: list[Wanted]) -> None:
        """End a call that nobody waits for; who wants one of its keys from now on asks anew."""
        for one in portion:
            if not one.future.done():
                self._settle(one, OutOfTime(self._admission.name))
        task.cancel()

    async def _carry(self, portion: list[Wanted], ticket: Ticket, *, revalidates: bool) -> None:
        """Ask for a portion in the place that was taken for it; whatever happens, everybody is answered."""
        try:
            await self._asker.ask(portion, ticket, revalidates=revalidates)
        except Exception as error:  # noqa: BLE001 - a fault of our own must not leave anybody waiting
            for one in portion:
                self._settle(one, error)

    def _landed(self, portion: list[Wanted], ticket: Ticket) -> None:
        """Give the place back, however the call ended, be it before it began."""
        self.under_way -= 1
        ticket.release()
        self.pump()
        if self.tier is not None:
            self.tier.store(self.partition, [one.key for one in portion])

    def _settle(self, wanted: Wanted, value: Any) -> None:
        """Answer a key. MISSING says that it was purged while it was on its way: then it is asked for again, for all who wait."""
        if value is MISSING:
            self._again(wanted)
            return
        if self._wanted.get(wanted.key) is wanted:
            del self._wanted[wanted.key]
            self.clear(wanted.key)
        if self.chunks is not None:
            self.chunks.add(wanted.key)
        if wanted.future.done():
            return
        if isinstance(value, BaseException):
            wanted.future.set_exception(value)
        else:
            wanted.future.set_result(value)

    def _again(self, wanted: Wanted) -> None:
        wanted.since = self.loop.time()
        wanted.flight = None
        if self._wanted.get(wanted.key) is wanted:
            self._room.enter(wanted)
            self.loop.call_soon(self.pump)
        elif not wanted.future.done():
            wanted.future.set_result(None)  # a chunk's own copy, for which nobody waits

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def batch_load_fn(self, keys: list[Any]) -> list[Any]:
        """Load keys as aiodataloader would for its own batches; here `do_resolve_reject` decides when they leave, so nothing calls this."""
        return [await self.load(key) for key in keys]

    def close(self) -> None:
        """End what is under way; who still waits for it is told that the gateway is stopping."""
        if self._timer is not None:
            self._timer.cancel()
        stopping = SystemUnavailable(self._admission.name, "was not waited for: the gateway is stopping")
        for one in list(self._wanted.values()):
            self._settle(one, stopping)
        for task in self._tasks:
            task.cancel()


def _seen(future: "asyncio.Future[Any]") -> None:
    """Look at an error that nobody may be waiting for any more, so that asyncio does not report it as forgotten."""
    if not future.cancelled():
        future.exception()
