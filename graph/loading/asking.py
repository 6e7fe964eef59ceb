"""Asking: one call for some keys, each answered by its own key; and where that fails, once more, or the search for the key to blame.

What failed because the system was slow, unreachable or in trouble is tried again after a pause, in halves where it was slow. A call that
fails as a whole, in a way for which a single key may be to blame, is divided into halves until the bad keys stand alone: each then fails by
itself and the others are answered. All of that comes out of the system's purse for calls beyond need, and none of it is done for who has no
time left. A bad key among good ones is not sent again for a while.
"""

import asyncio
import math
import random
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cachetools import LRUCache

from graph.errors import MotcuaError, OutOfTime, SystemTimedOut, SystemUnavailable, Theirs
from graph.loading.cache import MISSING, Partition
from graph.loading.calls import CallRecord, Line, Pace, Wanted
from graph.upstream.admission import Ticket
from graph.upstream.errand import Errand
from graph.upstream.priority import Priority
from graph.upstream.record import Provenance, stamp

QUARANTINED_AT_MOST: Final = 1_024


@dataclass
class Division:
    """What came of a call that is being divided: whether any key was answered, and which failed standing alone."""

    answered: bool = False
    alone: list[tuple[Wanted, Theirs]] = field(default_factory=list)


class Asker:
    """Asks one system for keys of one batch function, for callers who share.

    `settled` is called once for each key, with its value or its error; `outdated` instead, where it was purged while it was on its way.
    """

    def __init__(
        self, partition: Partition[Any, Any], line: Line, pace: Pace, official: str | None, settled: Callable[[Wanted, Any], None]
    ) -> None:
        self.partition = partition
        self.line = line
        self.pace = pace
        self.official = official
        self.batch = partition.cache.batch
        self._settled = settled
        self._draw = random.random
        self._quarantine: LRUCache[Hashable, tuple[float, Theirs]] = LRUCache(QUARANTINED_AT_MOST)

    def quarantined(self, key: Hashable) -> Theirs | None:
        """Return what is wrong with a key that is not sent for now."""
        if not self._quarantine or (found := self._quarantine.get(key)) is None:
            return None
        until, error = found
        if self.partition.cache.clock() < until:
            self.partition.cache.figures.quarantined += 1
            return error
        del self._quarantine[key]
        return None

    async def ask(self, wanted: Sequence[Wanted], ticket: Ticket, *, revalidates: bool = False) -> None:
        """Ask for keys, at most as many as one call may carry; when this returns each of them is settled."""
        error = await self._call(wanted, ticket, revalidates=revalidates)
        if error is None:
            return
        division = Division()
        if is_passing(error):
            await self._tried_again(wanted, error, division, ticket)
        else:
            await self._divided(wanted, error, division, ticket)
        self._separate(division)

    async def _tried_again(self, wanted: Sequence[Wanted], error: BaseException, division: Division, ticket: Ticket) -> None:
        """Ask again after a pause, as often as may be; what still fails may be the fault of a single key."""
        retries = self.line.admission.settings.retries
        times = retries.times if ticket.priority < Priority.BATCH else retries.times_for_batch
        for _ in range(times):
            parts = _halves(wanted) if isinstance(error, SystemTimedOut) else [wanted]
            pause = retries.shortest_pause_seconds + self._draw() * (retries.longest_pause_seconds - retries.shortest_pause_seconds)
            if not self._has_time(wanted, pause) or not ticket.again(retry=True, calls=len(parts)):
                break
            await asyncio.sleep(pause)
            failed = [(part, trouble) for part in parts if (trouble := await self._extra(part, ticket)) is not None]
            division.answered = division.answered or len(failed) < len(parts)
            if not failed:
                return
            wanted, error = [one for part, _ in failed for one in part], failed[0][1]
            if not is_passing(error):
                break
        if isinstance(error, SystemTimedOut):  # never divided to the leaves: each of them would be waited for as long
            self._failed(wanted, error)
        else:
            await self._divided(wanted, error, division, ticket)

    async def _divided(self, wanted: Sequence[Wanted], error: BaseException, division: Division, ticket: Ticket) -> None:
        """Ask again in two halves, as long as a single key may be to blame and the purse allows it."""
        if not (isinstance(error, Theirs) and error.divisible):
            self._failed(wanted, error)
        elif len(wanted) == 1:
            division.alone.append((wanted[0], error))
        elif not self._has_time(wanted) or not ticket.again(retry=False, calls=2):
            self._failed(wanted, error)
        else:
            for part in _halves(wanted):
                failed = await self._extra(part, ticket, seeking=True)
                if failed is None:
                    division.answered = True
                else:
                    await self._divided(part, failed, division, ticket)

    def _has_time(self, wanted: Sequence[Wanted], pause: float = 0.0) -> bool:
        """Tell whether one more call may come back before nobody waits for it any more."""
        ends_at = max((one.ends_at for one in wanted), default=0.0)
        return not ends_at or asyncio.get_running_loop().time() + pause + self.pace.typical < ends_at

    async def _extra(self, wanted: Sequence[Wanted], ticket: Ticket, *, seeking: bool = False) -> BaseException | None:
        self.partition.cache.figures.extra_calls += 1
        return await self._call(wanted, ticket, seeking=seeking)

    def _separate(self, division: Division) -> None:
        """Settle the keys that failed alone. Only beside keys that were answered are they to blame, and not the system."""
        cache = self.partition.cache
        for one, error in division.alone:
            if division.answered:
                self._quarantine[one.key] = (cache.clock() + cache.settings.quarantine_seconds, error)
            self._failed([one], error)

    async def _call(
        self, wanted: Sequence[Wanted], ticket: Ticket, *, revalidates: bool = False, seeking: bool = False
    ) -> BaseException | None:
        """Make one call and settle what it answers; returns why it failed, and then nothing is settled.

        One that is only `seeking` a bad key, and finds it, says nothing of how the system is.
        """
        cache, keys = self.partition.cache, [one.key for one in wanted]
        call = self.line.upstream.call(self._errand(wanted, ticket), revalidates=revalidates)
        started = cache.clock()
        record = CallRecord(self.batch, len(keys), time.perf_counter(), asyncio.get_running_loop().time())
        for one in wanted:
            one.sent(record)
        cache.figures.calls += 1
        cache.figures.call_keys += len(keys)
        try:
            answers = await self.batch(call, keys)
        except asyncio.CancelledError:
            # The end of the process, or nobody waits for it any more; the collector has told those who might.
            record.outcome = OutOfTime.code
            self._ended(ticket, record, OutOfTime(self.batch.system.name))
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to these keys and not to others
            record.outcome = error.code if isinstance(error, MotcuaError) else MotcuaError.code
            cache.figures.failed_calls += 1
            self._ended(ticket, record, error, telling=not (seeking and isinstance(error, Theirs) and error.divisible))
            return error
        self._ended(ticket, record, None)
        took = cache.clock() - started
        self.pace.took(took)
        if call.not_modified:
            cache.figures.not_modified += 1
        provenance = Provenance(self.batch.system.name, started, cache.times, call.message_id)
        absent = self.batch.absent()
        for one in wanted:
            value = answers.get(one.key, absent)
            if value:
                stamp(value if self.batch.many else (value,), provenance)
            fresh = self.partition.keep(one.key, value, started=started, cost=took)
            self._settled(one, value if fresh else MISSING)
        return None

    def _errand(self, wanted: Sequence[Wanted], ticket: Ticket) -> Errand:
        share = self.partition.share
        ends_at = max(one.ends_at for one in wanted)
        return Errand(self.official, share.issue, share.represented, ends_at or math.inf, ticket.metered)

    def _ended(self, ticket: Ticket, record: CallRecord, error: BaseException | None, *, telling: bool = True) -> None:
        record.ended = time.perf_counter()
        ticket.ended(record.keys, asyncio.get_running_loop().time() - record.began_at, error, telling=telling)

    def _failed(self, wanted: Sequence[Wanted], error: BaseException) -> None:
        for one in wanted:
            instead = self.partition.instead_of(one.key, error)
            self._settled(one, error if instead is MISSING else instead)


def is_passing(error: BaseException) -> bool:
    """Tell whether a call failed in a way that may be over in a moment; not where the system itself said when to come again.

    A call whose time was over is asked again only for who joined it with more time than it was begun with.
    """
    if isinstance(error, OutOfTime):
        return True
    return isinstance(error, SystemTimedOut | SystemUnavailable) and error.retry_after_ms is None


def _halves(wanted: Sequence[Wanted]) -> list[Sequence[Wanted]]:
    middle = len(wanted) // 2
    return [wanted[:middle], wanted[middle:]] if middle else [wanted]
