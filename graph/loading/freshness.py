"""Freshness of a whole answer: for how long, and by whom, it may be kept outside the gateway."""

import math
from typing import Literal, NamedTuple

from graph.loading.loaders import Loaders
from graph.loading.loads import BatchLoads

Scope = Literal["public", "private"]


class Freshness(NamedTuple):
    """Who may keep an answer; the age of its oldest part and for how long its shortest-lived part is fresh, in whole seconds."""

    scope: Scope
    age: int
    left: int


def freshness(loaders: Loaders) -> Freshness | None:
    """Tell how fresh an answer is, as its least fresh part; None where a part may not be kept, or nothing was asked of any system."""
    loads = list(loaders.loads.values())
    scopes = {each.partition.cache.client_cache for each in loads}
    if not loads or "never" in scopes:
        return None
    age, left = 0.0, math.inf
    for each in loads:
        part_age, part_left = _of_batch(each)
        age, left = max(age, part_age), min(left, part_left)
    return Freshness("private" if "private" in scopes else "public", int(age), max(0, int(min(left, 31_536_000.0))))


def _of_batch(loads: BatchLoads) -> tuple[float, float]:
    """Return the greatest age and the shortest rest of the keys that were answered; one that is not kept has no rest."""
    cache, ages, rests = loads.partition.cache, [0.0], [math.inf]
    for key in {**loads.known, **loads.coming}:
        entry = loads.partition.entry(key)
        ages.append(0.0 if entry is None else cache.times.age(entry.started))
        rests.append(0.0 if entry is None else cache.fresh_for(entry))
    return max(ages), min(rests)
