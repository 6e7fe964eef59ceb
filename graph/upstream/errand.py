"""One errand to a system: for whom it is run, until when, and what has to be asked before each message of it."""

import math
from collections.abc import Callable
from typing import NamedTuple


def _unmetered() -> None:
    """Let a message go: nobody counts it."""


class Errand(NamedTuple):
    """What stands behind one call of a batch function.

    `official` is the official who asks, by personal id, `issue` the case that it is about, `represented` the body on whose behalf it is
    asked; None where the caller names none. `ends_at` is a moment of the event loop's clock: nothing of the errand goes on after it.
    `metered` is called before each message, and raises what stands against it.
    """

    official: str | None = None
    issue: str | None = None
    represented: str | None = None
    ends_at: float = math.inf
    metered: Callable[[], None] = _unmetered


NOBODYS = Errand()
