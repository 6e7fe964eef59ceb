"""The waiting room of a collector: keys that wait to be sent, who of them goes next, and who has waited too long.

Each priority has a line of its own. A key that leaves, or becomes more urgent, only says so; its old place in line is passed over when it
comes up, so that nothing here takes longer the more wait.
"""

from collections import deque
from typing import Any, Final

from graph.errors import Shed
from graph.loading.cache import ResolverCache
from graph.loading.calls import Wanted
from graph.loading.labels import written
from graph.upstream.admission import Admission
from graph.upstream.priority import Priority

LOOK_SECONDS: Final = 0.01


class Room:
    """Keys in the order in which they came; the admission of their system is told how many there are."""

    __slots__ = ("_admission", "_cache", "_count", "_lines", "_looked_at")

    def __init__(self, cache: ResolverCache[Any, Any], admission: Admission) -> None:
        self._cache = cache
        self._admission = admission
        self._lines: tuple[deque[Wanted], ...] = tuple(deque() for _ in Priority)
        self._count = 0
        self._looked_at = 0.0

    def __len__(self) -> int:
        return self._count

    def since(self) -> float:
        """Return since when the oldest waits, on the loop's clock; IndexError where nobody does."""
        return min(line[0].since for priority, line in enumerate(self._lines) if self._head(priority) is not None)

    def is_full(self) -> bool:
        """Tell whether there are as many keys as one call may carry."""
        return self._count >= self._cache.max_keys

    def priority(self) -> Priority:
        """Return the priority of the most urgent; StopIteration where nobody waits."""
        return next(priority for priority in Priority if self._head(priority) is not None)

    def enter(self, one: Wanted) -> None:
        """Let a key wait."""
        one.line = one.priority
        self._lines[one.priority].append(one)
        self._count += 1
        self._admission.waiting += 1

    def hurry(self, one: Wanted) -> None:
        """Let a key that waits stand in the line of its priority, where that has changed."""
        if one.line is not None and one.line != one.priority:
            one.line = one.priority
            self._lines[one.priority].append(one)

    def leave(self, one: Wanted) -> None:
        """Let a key wait no more, if it does."""
        if one.line is not None:
            one.line = None
            self._count -= 1
            self._admission.waiting -= 1

    def portion(self) -> list[Wanted]:
        """Take the most urgent, as many as one call may carry: the oldest, but of people's in a queue that stands the youngest."""
        count, room = self._cache.max_keys, self._cache.batch.max_text
        taken: list[Wanted] = []
        for priority in Priority:
            line, youngest = self._lines[priority], priority.interactive and self._admission.turns.standing
            while line and len(taken) < count:
                one = line.pop() if youngest else line.popleft()
                if one.line != priority:
                    continue
                if room is not None and (room := room - len(written(one.key)) - 1) < -1 and taken:
                    line.append(one) if youngest else line.appendleft(one)
                    return taken
                self.leave(one)
                taken.append(one)
        return taken

    def late(self, now: float) -> list[tuple[Wanted, Shed]]:
        """Take those who have waited too long in a queue that stands; looked for now and then only, and from the front of each line."""
        if not self._count or not self._admission.turns.standing or now - self._looked_at < LOOK_SECONDS:
            return []
        self._looked_at = now
        late: list[tuple[Wanted, Shed]] = []
        for priority in Priority:
            while (one := self._head(priority)) is not None and (
                error := self._admission.sends_away(priority, now - one.since, one.left(now))
            ):
                self.leave(one)
                late.append((one, error))
        return late

    def _head(self, priority: int) -> Wanted | None:
        """Return who is first in a line, past those who are there no more."""
        line = self._lines[priority]
        while line and line[0].line != priority:
            line.popleft()
        return line[0] if line else None
