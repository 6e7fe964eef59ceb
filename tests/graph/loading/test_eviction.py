"""Tests of the caches that make room: what S3-FIFO keeps, and that all three are caches of cachetools."""

import copy
from collections.abc import Sequence
from typing import Any, get_args

import pytest
from cachetools import Cache, LFUCache, LRUCache
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.traces import TRACES, Trace, weight_of
from graph.loading.eviction import EvictingCache, Policy, S3FIFOCache, moved, new_cache

POLICIES: tuple[Policy, ...] = get_args(Policy)


def length(text: str) -> int:
    return len(text)


def itself(value: int) -> int:
    return value


def simulated(cache: EvictingCache[Any, Any], keys: Sequence[int]) -> float:
    hits = 0
    for key in keys:
        if cache.get(key) is None:
            cache[key] = key
        else:
            hits += 1
    return hits / len(keys)


class Reference:
    """S3-FIFO as its authors describe it, in lists that are searched, the oldest first."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.small: list[int] = []
        self.main: list[int] = []
        self.ghosts: list[int] = []
        self.count: dict[int, int] = {}

    def weight(self, queue: list[int]) -> int:
        return sum(map(weight_of, queue))

    def ask(self, key: int) -> bool:
        if key in self.count:
            self.count[key] = min(3, self.count[key] + 1)
            return True
        while self.used + weight_of(key) > self.room:
            self.evict()
        if key in self.ghosts:
            self.ghosts.remove(key)
            self.main.append(key)
        else:
            self.small.append(key)
            self.small_used += weight_of(key)
        self.used += weight_of(key)
        self.count[key] = 0
        return False

    used = 0
    small_used = 0

    def evict(self) -> None:
        if self.small and (self.small_used >= self.room / 10 or not self.main):
            self.leave_small()
        else:
            self.leave_main()

    def leave_small(self) -> None:
        key = self.small.pop(0)
        self.small_used -= weight_of(key)
        if self.count[key] >= 2:
            self.main.append(key)
            self.count[key] = 0
            return
        self.used -= weight_of(key)
        del self.count[key]
        self.ghosts.append(key)
        self.ghosts = self.ghosts[max(0, len(self.ghosts) - len(self.main)) :]

    def leave_main(self) -> None:
        key = self.main.pop(0)
        if self.count[key] > 0:
            self.count[key] -= 1
            self.main.append(key)
            return
        self.used -= weight_of(key)
        del self.count[key]


@pytest.mark.parametrize("trace", TRACES, ids=[trace.name for trace in TRACES])
def test_tc8_the_hit_ratio_is_that_of_a_slow_and_plain_simulator(trace: Trace) -> None:
    keys, room = trace.draw(30_000), trace.entries * 100
    reference = Reference(room)

    expected = sum(reference.ask(key) for key in keys) / len(keys)

    assert reference.used == reference.weight(reference.small) + reference.weight(reference.main) <= room
    assert simulated(S3FIFOCache(room, weight_of), keys) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("trace", TRACES, ids=[trace.name for trace in TRACES])
def test_tc8_only_drifting_popularity_in_a_large_cache_is_served_much_better_by_lru(trace: Trace) -> None:
    keys, room = trace.draw(), trace.entries * 100
    ours, lru = (simulated(new_cache(policy, room, weight_of), keys) for policy in ("s3fifo", "lru"))

    assert (ours < lru - 0.02) == (trace.name == "drifting, 2,000 entries")


@pytest.mark.parametrize("policy", POLICIES)
def test_a_cache_is_one_of_cachetools(policy: Policy) -> None:
    cache = new_cache(policy, 10, length)
    cache["a"] = "one"
    cache.update(b="two", c="four")

    assert isinstance(cache, Cache)
    assert isinstance(cache, {"s3fifo": S3FIFOCache, "lru": LRUCache, "lfu": LFUCache}[policy])
    assert (cache.maxsize, cache.currsize, len(cache)) == (10, 10, 3)
    assert dict(cache) == {"a": "one", "b": "two", "c": "four"}
    assert cache.pop("a") == "one"
    assert "a" not in cache
    assert cache.pop("a", "none") == "none"
    assert cache.get("a") is None
    assert cache.setdefault("b", "other") == "two"
    with pytest.raises(KeyError):
        cache["a"]
    with pytest.raises(KeyError):
        del cache["a"]
    assert sorted([cache.popitem(), cache.popitem()]) == [("b", "two"), ("c", "four")]
    with pytest.raises(KeyError):
        cache.popitem()
    cache["d"] = "five"
    cache.clear()
    assert (cache.currsize, list(cache), cache.get("d")) == (0, [], None)


@pytest.mark.parametrize("policy", POLICIES)
def test_an_entry_that_is_heavier_than_the_whole_cache_is_refused_and_costs_no_other(policy: Policy) -> None:
    cache = new_cache(policy, 10, length)
    cache["a"] = "one"

    with pytest.raises(ValueError, match="too large"):
        cache["b"] = "more than ten"
    with pytest.raises(ValueError, match="too large"):
        cache["a"] = "more than ten"

    assert dict(cache.items()) == {"a": "one"}


def test_a_weight_below_nothing_is_refused() -> None:
    cache: S3FIFOCache[str, int] = S3FIFOCache(10, itself)
    with pytest.raises(ValueError, match="negative"):
        cache["a"] = -1


def test_a_cache_without_a_way_to_weigh_counts_entries() -> None:
    cache: S3FIFOCache[int, str] = S3FIFOCache(2)
    cache.update({1: "a", 2: "b", 3: "c"})
    assert (len(cache), cache.evictions) == (2, 1)
    assert "2 entries" in repr(cache)


def test_a_cache_is_not_copied() -> None:
    with pytest.raises(TypeError):
        copy.copy(S3FIFOCache(2))


@pytest.mark.parametrize("policy", POLICIES)
def test_evictions_are_counted_once_and_deletions_not(policy: Policy) -> None:
    cache = new_cache(policy, 10, itself)
    for key in range(12):
        cache[key] = 1
    del cache[11]
    cache.pop(10)
    cache.clear()

    assert cache.evictions == 2


@pytest.mark.parametrize("policy", POLICIES)
def test_looking_without_use_does_not_keep_an_entry(policy: Policy) -> None:
    cache = new_cache(policy, 10, itself)
    for key in range(10):
        cache[key] = 1
    for _ in range(3):
        assert cache.peek(0) == 1
        assert list(cache.items()) == [(key, 1) for key in range(10)]
        assert list(cache.values()) == [1] * 10
    assert cache.peek("nothing") is None
    cache["new"] = 1

    assert cache.peek(0) is None


def test_an_entry_used_twice_outlives_a_scan_and_one_used_once_does_not() -> None:
    cache = new_cache("s3fifo", 100, itself)
    for key in ("twice", "once"):
        cache[key] = 1
    for key in ("twice", "once", "twice"):
        assert cache[key] == 1
    for number in range(1_000):
        cache[number] = 1

    assert (cache.peek("twice"), cache.peek("once")) == (1, None)


def test_an_entry_that_comes_back_soon_goes_to_the_main_queue() -> None:
    cache = new_cache("s3fifo", 20, itself)
    for key in range(20):
        cache[key] = 1
        assert (cache.get(key), cache.get(key)) == (1, 1)
    cache["back"] = 1
    cache["first"], cache["second"] = 1, 1
    assert "back" not in cache
    cache["back"] = 1
    for key in range(1_000, 1_010):
        cache[key] = 1

    assert "back" in cache


def test_an_entry_that_grows_keeps_its_uses_and_makes_others_leave() -> None:
    cache = new_cache("s3fifo", 10, length)
    cache["big"] = "a"
    cache.update({str(number): "a" for number in range(9)})
    assert (cache["big"], cache["big"]) == ("a", "a")
    cache["big"] = "aaaaa"
    for number in range(100, 110):
        cache[f"{number}"] = "a"

    assert cache.peek("big") == "aaaaa"
    assert cache.currsize <= 10


def test_entries_that_come_and_go_leave_nothing_behind() -> None:
    cache: S3FIFOCache[int, int] = S3FIFOCache(1_000, itself)
    for key in range(10_000):
        cache[key] = 1
        cache.pop(key)

    assert len(cache._small) < 200


@pytest.mark.parametrize("old", POLICIES)
@pytest.mark.parametrize("policy", POLICIES)
def test_a_smaller_cache_takes_over_what_is_used_most(old: Policy, policy: Policy) -> None:
    cache = new_cache(old, 1_000, itself)
    for key in range(100):
        cache[key] = 10
    for _ in range(3):
        for key in range(0, 100, 5):
            assert cache[key] == 10
    smaller = moved(cache, policy, 400, itself)

    assert (smaller.currsize, len(smaller), smaller.evictions, len(cache)) == (400, 40, 60, 0)
    assert all(key in smaller for key in range(0, 100, 5))
    smaller["new"] = 10
    assert sum(key in smaller for key in range(0, 100, 5)) == 20


@pytest.mark.parametrize("policy", POLICIES)
def test_a_larger_cache_takes_over_everything(policy: Policy) -> None:
    cache = new_cache(policy, 1_000, itself)
    for key in range(100):
        cache[key] = 10
    larger = moved(cache, policy, 2_000, itself)

    assert dict(larger.items()) == dict.fromkeys(range(100), 10)
    assert larger.evictions == 0


Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "put", "put", "use", "pop", "evict"]), st.integers(0, 12), st.integers(0, 12)), max_size=150
)


@pytest.mark.parametrize("policy", POLICIES)
@given(steps=STEPS)
@settings(max_examples=150, deadline=None)
def test_weights_add_up_and_what_is_there_is_what_was_put_last(policy: Policy, steps: list[Step]) -> None:
    cache = new_cache(policy, 30, itself)
    model: dict[int, int] = {}
    for action, key, weight in steps:
        if action == "put":
            cache[key], model[key] = weight, weight
            assert cache.peek(key) == weight
        elif action == "use":
            assert cache.get(key) in {None, model.get(key)}
        elif action == "pop":
            assert cache.pop(key, None) in {None, model.pop(key, None)}
        elif len(cache):
            gone, value = cache.popitem()
            assert model.pop(gone) == value
        kept = dict(cache.items())
        assert kept.items() <= model.items()
        assert sum(kept.values()) == cache.currsize <= cache.maxsize
