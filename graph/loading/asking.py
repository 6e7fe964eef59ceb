"""Asking: one call for some keys, each answered by its own key; and where that fails, the search for the key that is to blame.

A call that fails as a whole, in a way for which a single key may be to blame, is divided into halves until the bad keys stand alone: each
then fails by itself and the others are answered. What only may be to blame on the system's own trouble is first asked once more as
it was. All of that has to fit into the system's allowance of extra calls. A bad key among good ones is not sent again for a while.
"""

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cachetools import LRUCache

from graph.errors import MotcuaError, SystemUnavailable, Theirs
from graph.loading.cache import MISSING, Partition
from graph.loading.calls import CallRecord, Line, Pace, Wanted
from graph.upstream.errand import Errand
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

    async def ask(self, wanted: Sequence[Wanted], *, revalidates: bool = False) -> None:
        """Ask for keys, at most as many as one call may carry; when this returns each of them is settled."""
        self.line.allowance.earn()
        error = await self._call(wanted, revalidates=revalidates)
        if error is None:
            return
        if not (isinstance(error, Theirs) and error.divisible) or len(wanted) == 1:
            self._failed(wanted, error)
            return
        division = Division()
        if isinstance(error, SystemUnavailable):
            await self._divided(wanted, error, division, parts=1)
        else:
            await self._divided(wanted, error, division, parts=2)
        self._separate(division)

    async def _divided(self, wanted: Sequence[Wanted], error: Theirs, division: Division, *, parts: int) -> None:
        """Ask again, in one piece or in two halves, as long as that fits into the allowance."""
        if not self.line.allowance.spend(parts):
            self._failed(wanted, error)
            return
        middle = len(wanted) // 2
        for part in (wanted,) if parts == 1 else (wanted[:middle], wanted[middle:]):
            self.partition.cache.figures.extra_calls += 1
            failed = await self._call(part)
            if failed is None:
                division.answered = True
            elif not (isinstance(failed, Theirs) and failed.divisible):
                self._failed(part, failed)
            elif len(part) == 1:
                division.alone.append((part[0], failed))
            else:
                await self._divided(part, failed, division, parts=2)

    def _separate(self, division: Division) -> None:
        """Settle the keys that failed alone. Only beside keys that were answered are they to blame, and not the system."""
        cache = self.partition.cache
        for one, error in division.alone:
            if division.answered:
                self._quarantine[one.key] = (cache.clock() + cache.settings.quarantine_seconds, error)
            self._failed([one], error)

    async def _call(self, wanted: Sequence[Wanted], *, revalidates: bool = False) -> BaseException | None:
        """Make one call and settle what it answers; returns why it failed, and then nothing is settled."""
        cache, keys = self.partition.cache, [one.key for one in wanted]
        call = self.line.upstream.call(Errand(self.official), revalidates=revalidates)
        started = cache.clock()
        record = CallRecord(self.batch, len(keys), time.perf_counter())
        for one in wanted:
            one.sent(record)
        cache.figures.calls += 1
        cache.figures.call_keys += len(keys)
        try:
            answers = await self.batch(call, keys)
        except asyncio.CancelledError:
            # Only the end of the process cancels a call; who waits for it must not hang.
            stopping = SystemUnavailable(self.batch.system.name, "was not waited for: the gateway is stopping")
            record.outcome = stopping.code
            self._failed(wanted, stopping)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to these keys and not to others
            record.outcome = error.code if isinstance(error, MotcuaError) else MotcuaError.code
            cache.figures.failed_calls += 1
            return error
        finally:
            record.ended = time.perf_counter()
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

    def _failed(self, wanted: Sequence[Wanted], error: BaseException) -> None:
        for one in wanted:
            instead = self.partition.instead_of(one.key, error)
            self._settled(one, error if instead is MISSING else instead)
