"""Barriers: what was fetched before a purge is never served again, whether it is kept, shared, or still on its way."""

import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from graph.loading.batch import Batch
from graph.loading.figures import Purge
from graph.loading.labels import SOMEBODY, person_label, tag_label, written

# Clocks of machines differ. An answer that another process fetched counts as fetched this many seconds earlier than it says.
SKEW_SECONDS = 1.0


class Barriers:
    """The purges that still matter, each as a moment before which nothing of its scope may have begun to be fetched."""

    def __init__(self, longest_seconds: float, clock: Callable[[], float] = time.time) -> None:
        """Keep a barrier for as long as any answer may live; `clock` gives seconds since 1970."""
        self.longest_seconds = longest_seconds
        self.clock = clock
        self._moments: dict[tuple[str, ...], float] = {}
        self._people = 0.0

    def __len__(self) -> int:
        """Count them."""
        return len(self._moments)

    def raise_for(self, purge: Purge) -> None:
        """Take a purge in; the barrier stands now at the earliest, because what this process fetched until now may be older data."""
        now = self.clock()
        for scope in [scope for scope, moment in self._moments.items() if moment < now - self.longest_seconds]:
            del self._moments[scope]
        for scope in scopes(purge):
            self._moments[scope] = max(self._moments.get(scope, 0.0), purge.at, now)

    def raise_for_people(self) -> None:
        """Stand before everything about people that began to be fetched until now."""
        self._people = self.clock()

    def covers(self, batch: Batch[Any, Any], key: Hashable, labels: Sequence[str], started: float) -> bool:
        """Tell whether an answer whose fetch began at `started` was purged."""
        if started <= self._people and batch.personal:
            return True
        if not self._moments:
            return False
        moment = self._moments.get
        if started <= max(moment(("system", batch.system.name), 0.0), moment(("batch", batch.name), 0.0)):
            return True
        return any(started <= moment(("label", label), 0.0) for label in labels) or (
            started <= moment(("key", batch.name, written(key)), 0.0)
        )


def scopes(purge: Purge) -> list[tuple[str, ...]]:
    """Say what a purge is about; one of a person also takes answers of which nobody can say whom they are about."""
    found: list[tuple[str, ...]] = []
    if purge.system is not None:
        found.append(("system", purge.system))
    if purge.batch is not None:
        found.append(("batch", purge.batch) if purge.key is None else ("key", purge.batch, purge.key))
    if purge.tag is not None:
        found.append(("label", tag_label(purge.tag)))
    if purge.person is not None:
        found += [("label", person_label(purge.person)), ("label", SOMEBODY)]
    return found
