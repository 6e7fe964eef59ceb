"""Overload: how many requests are answered at once, and who is sent away first when the process itself does not keep up."""

import asyncio
from typing import Final

from graph.errors import Shed
from graph.settings import GatewaySettings
from graph.upstream.admission import Tell, untold
from graph.upstream.priority import Priority

RETRY_AFTER_MS: Final = 1_000
# The process does not keep up when for so many looks in a row the event loop came to each of them later than this.
LOOK_SECONDS, LATE_SECONDS, LOOKS = 0.05, 0.1, 4
# What is sent away at each step, the most urgent class of it: nothing, jobs by night, other services too, officials too; citizens never.
STEPS: Final = (Priority.REFRESH, Priority.BATCH, Priority.SERVICE, Priority.CASEWORKER)


class Overload:
    """Counts the requests under way by class, and watches how late the event loop comes to what is due."""

    def __init__(self, settings: GatewaySettings, tell: Tell = untold) -> None:
        """Take the limits of each class, and of all."""
        self._most = settings.max_requests
        self._most_of = {
            priority: settings.of_class(priority.name.lower()).max_requests for priority in Priority if priority < Priority.REFRESH
        }
        self._tell = tell
        self.under_way = dict.fromkeys(Priority, 0)
        self.total = 0
        self.shed = dict.fromkeys(Priority, 0)
        self.step = 0
        self._late = self._punctual = 0
        self._due_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, priority: Priority) -> Shed | None:
        """Count a request in, or say that it has to come later."""
        if self.total >= self._most or self.under_way[priority] >= self._most_of[priority] or (self.step and priority >= STEPS[self.step]):
            self.shed[priority] += 1
            return Shed("More is asked here than can be answered", retry_after_ms=RETRY_AFTER_MS * (1 + priority))
        self.total += 1
        self.under_way[priority] += 1
        return None

    def end(self, priority: Priority) -> None:
        """Count a request out."""
        self.total -= 1
        self.under_way[priority] -= 1

    def watch(self) -> None:
        """Begin to look how late the event loop is."""
        loop = asyncio.get_running_loop()
        self._due_at = loop.time() + LOOK_SECONDS
        self._timer = loop.call_at(self._due_at, self._look)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self.noticed(asyncio.get_running_loop().time() - self._due_at)
        self.watch()

    def noticed(self, late: float) -> None:
        """Take in how late the loop was; after some looks in a row one step more is sent away, or one less."""
        self._late, self._punctual = (self._late + 1, 0) if late > LATE_SECONDS else (0, self._punctual + 1)
        if self._late >= LOOKS and self.step < len(STEPS) - 1:
            self._go(self.step + 1)
        elif self._punctual >= LOOKS and self.step:
            self._go(self.step - 1)

    def _go(self, step: int) -> None:
        if not (self.step and step):
            self._tell("shedding_began" if step else "shedding_ended", reason="the process does not keep up")
        self.step = step
        self._late = self._punctual = 0
