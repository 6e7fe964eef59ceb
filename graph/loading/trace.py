"""The trace of one request: how many keys each link asked for, and which calls carried them. What comes out are figures, never keys."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from graph.loading.batch import Batch
from graph.loading.calls import CallRecord
from graph.loading.loaders import Loaders


@dataclass
class LinkTrace:
    """What one link asked for: `known` keys were there already for another link, `cached` ones in the resolver cache."""

    batch: Batch[Any, Any]
    began: float = field(default_factory=perf_counter)
    ended: float = 0.0
    keys: int = 0
    known: int = 0
    cached: int = 0
    distinct: set[Hashable] = field(default_factory=set)
    missing: set[Hashable] = field(default_factory=set)


@dataclass
class TracedLoaders(Loaders):
    """Loaders that remember who asked for what, while one request is being analysed."""

    links: dict[Hashable, LinkTrace] = field(default_factory=dict)
    carried: dict[tuple[Batch[Any, Any], Hashable], CallRecord] = field(default_factory=dict)

    def note(self, link: Hashable, batch: Batch[Any, Any], keys: Sequence[Any]) -> None:
        """Count the keys of a link just before they are loaded."""
        trace = self.links.get(link)
        if trace is None:
            trace = self.links[link] = LinkTrace(batch)
        loads = self.of(batch)
        for key in keys:
            if key is None or isinstance(key, Exception):
                continue
            trace.keys += 1
            if key in trace.distinct:
                continue
            trace.distinct.add(key)
            if key in loads.known:
                trace.known += 1
            elif key not in loads.coming and loads.is_kept(key):
                trace.cached += 1
            else:
                trace.missing.add(key)
        trace.ended = perf_counter()

    def calls_of(self, trace: LinkTrace) -> list[CallRecord]:
        """List the calls that carried keys of a link; a call may carry keys of several."""
        found = {id(call): call for key in trace.missing if (call := self.carried.get((trace.batch, key))) is not None}
        return list(found.values())

    def carried_by(self, batch: Batch[Any, Any], key: Hashable, call: CallRecord) -> None:
        """Remember the call that carries a key."""
        self.carried[batch, key] = call
