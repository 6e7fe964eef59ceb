"""The waiting room of a collector: keys that wait to be sent, who of them goes next, and who has waited too long."""

from itertools import accumulate
from operator import attrgetter
from typing import Any, Final

from graph.errors import Shed
from graph.loading.cache import ResolverCache
from graph.loading.calls import Wanted
from graph.loading.labels import written
from graph.upstream.admission import Admission
from graph.upstream.priority import Priority

LOOK_SECONDS: Final = 0.01
PRIORITY: Final = attrgetter("priority")


class Room:
    """Keys in the order in which they came; the admission of their system is told how many there are."""

    __slots__ = ("_admission", "_cache", "_looked_at", "_waiting")

    def __init__(self, cache: ResolverCache[Any, Any], admission: Admission) -> None:
        self._cache = cache
        self._admission = admission
        self._waiting: list[Wanted] = []
        self._looked_at = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def since(self) -> float:
        """Since when the oldest waits, on the loop's clock."""
        return self._waiting[0].since

    @property
    def is_full(self) -> bool:
        """Whether there are as many keys as one call may carry."""
        return len(self._waiting) >= self._cache.max_keys

    def priority(self) -> Priority:
        """Return the priority of the most urgent."""
        most_urgent: Priority = min(map(PRIORITY, self._waiting))
        return most_urgent

    def enter(self, *new: Wanted) -> None:
        """Let keys wait."""
        self._waiting += new
        self._admission.waiting += len(new)

    def leave(self, gone: list[Wanted]) -> None:
        """Let keys wait no more, as far as they are here."""
        names = set(map(id, gone))
        before = len(self._waiting)
        self._waiting = [one for one in self._waiting if id(one) not in names]
        self._admission.waiting -= before - len(self._waiting)

    def portion(self, priority: Priority) -> list[Wanted]:
        """Take the most urgent, as many as one call may carry: the oldest, but of people's in a queue that stands the youngest."""
        count, most = self._cache.max_keys, self._cache.batch.max_text
        waiting = self._waiting
        if len(waiting) > count:
            order = reversed(waiting) if priority.interactive and self._admission.turns.standing else waiting
            waiting = sorted(order, key=PRIORITY)
        if most is not None:
            lengths = accumulate(len(written(one.key)) + 1 for one in waiting[:count])
            count = max(1, sum(length <= most + 1 for length in lengths))
        portion = waiting[:count]
        self.leave(portion)
        return portion

    def late(self, now: float) -> list[tuple[Wanted, Shed]]:
        """Take those who have waited too long in a queue that stands; looked for now and then only, because they may be many."""
        if not self._waiting or not self._admission.turns.standing or now - self._looked_at < LOOK_SECONDS:
            return []
        self._looked_at = now
        late = [(one, error) for one in self._waiting if (error := self._admission.sends_away(one.priority, now - one.since))]
        if late:
            self.leave([one for one, _ in late])
        return late
