"""When systems lose rows that their protocol does not count: then, and only then, may a row be absent without an error."""

from typing import Final

UNCOUNTED: Final = frozenset({"population", "civil_status"})
"""The systems whose answers do not say how many rows there should be (docs/systems.md)."""


class Losses:
    """The times at which such systems had the fault `missing`; each lasts until the calls that met it have come back."""

    def __init__(self, lingering: float) -> None:
        self._lingering = lingering
        self._since: dict[str, float] = {}
        self._until: dict[str, float] = {}

    def begin(self, system: str, now: float) -> None:
        """Note that a system is about to lose rows."""
        if system in UNCOUNTED:
            self._since.setdefault(system, now)

    def end(self, system: str, now: float) -> None:
        """Note that it has been healed."""
        if self._since.pop(system, None) is not None:
            self._until[system] = now + self._lingering

    def may_have_met(self, system: str, began: float) -> bool:
        """Tell whether a request that began then may have met a loss."""
        return system in self._since or began <= self._until.get(system, -1.0)
