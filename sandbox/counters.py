"""How often each system was called, with how many keys, for what, and how often it had nothing new to say."""

from collections import Counter, defaultdict
from collections.abc import Iterable


class Counters:
    """Counts since the start or the last reset; refused calls count too."""

    def __init__(self, systems: Iterable[str]) -> None:
        self._systems = tuple(systems)
        self.reset()

    def reset(self) -> None:
        """Begin again at zero."""
        self._calls: Counter[str] = Counter()
        self._keys: Counter[str] = Counter()
        self._not_modified: Counter[str] = Counter()
        self._operations: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def count(self, system: str, operation: str, keys: int) -> None:
        """Count one call; one that names no operation counts under none."""
        self._calls[system] += 1
        self._keys[system] += keys
        if operation:
            self._operations[system][operation] += 1

    def count_not_modified(self, system: str) -> None:
        """Count one answer that said that nothing has changed; its call is counted already."""
        self._not_modified[system] += 1

    def report(self) -> dict[str, dict[str, object]]:
        """Return the counts of every system, called or not."""
        return {system: self._counts(system) for system in self._systems}

    def _counts(self, system: str) -> dict[str, object]:
        return {
            "calls": self._calls[system],
            "keys": self._keys[system],
            "not_modified": self._not_modified[system],
            "operations": dict(self._operations[system]),
        }
