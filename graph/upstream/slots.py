"""The slots of one system: how many calls it is sent at once, and who goes next when one is free."""

from collections import deque
from collections.abc import Callable

Again = Callable[[], None]


class Slots:
    """So many calls at once; who finds none free is told when one is, in the order of asking."""

    __slots__ = ("limit", "used", "waiting")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.waiting: deque[Again] = deque()

    def take(self) -> bool:
        """Take a slot; False where none is free."""
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    def when_free(self, again: Again) -> None:
        """Call `again` once, when a slot is free; it has to take it itself, and may be late."""
        self.waiting.append(again)

    def release(self) -> None:
        """Give a slot back, and tell those who wait, as far as there are slots for them."""
        self.used -= 1
        while self.waiting and self.used < self.limit:
            self.waiting.popleft()()


class Allowance:
    """How many calls beyond the needed ones a system may be asked for: some at first, then a share of its calls."""

    __slots__ = ("left", "most", "share")

    def __init__(self, share: float = 0.1, most: float = 100.0, first: float = 20.0) -> None:
        self.share = share
        self.most = most
        self.left = first

    def earn(self) -> None:
        """Count a call that was needed."""
        self.left = min(self.most, self.left + self.share)

    def spend(self, calls: int) -> bool:
        """Take so many extra calls; False, and none taken, where there are not so many left."""
        if self.left < calls:
            return False
        self.left -= calls
        return True
