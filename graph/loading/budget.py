"""The budget of one query: how many keys it may walk over, how many it may ask each system for, and how many calls may be made for it.

Every key counts that the query did not have before, from a cache or not: so much of the world it can see. Of one system those count that
have to be asked for beyond the caches. A call counts for each query whose keys it carries; calls to try again, or to find a bad key, are
the system's own affair.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from graph.errors import TooCostly
from graph.loading.cache import MISSING

Bound = Literal["keys", "keys_per_system", "calls"]


class Budget:
    """What is left to one query. What goes `beyond` it is refused or, where it is not `enforced`, only noted."""

    __slots__ = ("_asked", "_most_of_system", "_used_up", "beyond", "calls", "enforced", "keys")

    def __init__(self, *, keys: int, keys_per_system: int, calls: int, enforced: bool = True) -> None:
        self.keys = keys
        self.calls = calls
        self.enforced = enforced
        self.beyond: set[Bound] = set()
        self._most_of_system = keys_per_system
        self._asked: dict[str, int] = {}
        self._used_up: list[Callable[[], None]] = []

    def cached(self, system: str, look: Callable[[Any], Any], asked: Mapping[Any, Any]) -> Callable[[Any], Any]:
        """Let a look into a cache count each key that is found there; one too many gives the error in its place.

        What was `asked` for was counted then, as is what is not found.
        """

        def counted(key: Any) -> Any:
            value = look(key)
            if value is MISSING or (asked and key in asked):
                return value
            self.keys -= 1
            return value if self.keys >= 0 else self._over("keys", system) or value

        return counted

    def asks(self, system: str) -> TooCostly | None:
        """Count a key that a system has to be asked for, or say why it may not be."""
        self.keys -= 1
        self._asked[system] = asked = self._asked.get(system, 0) + 1
        if self.keys < 0:
            return self._over("keys", system)
        return self._over("keys_per_system", system) if asked > self._most_of_system else None

    @property
    def pays(self) -> bool:
        """Tell whether one call more may be made for it."""
        return self.calls > 0 or not self.enforced

    def when_used_up(self, then: Callable[[], None]) -> None:
        """Call something when no call more may be made for it."""
        self._used_up.append(then)

    def paid(self) -> None:
        """Count a call."""
        self.calls -= 1
        if self.calls < 0:
            self.beyond.add("calls")
        if not self.pays:
            for then in self._used_up:
                then()

    def no_call(self, system: str) -> TooCostly:
        """Make the error of a key for which no call is left."""
        self.beyond.add("calls")
        return TooCostly(f"The {system} system was not asked: this query may make no more calls", system=system)

    def _over(self, bound: Bound, system: str) -> TooCostly | None:
        self.beyond.add(bound)
        if not self.enforced:
            return None
        whose = "" if bound == "keys" else f" of the {system} system"
        return TooCostly(f"The {system} system was not asked: this query may ask for no more keys{whose}", system=system)
