"""What leaves a full cache: three ways to choose, each a cache of cachetools that is weighed in bytes."""

from abc import abstractmethod
from collections import OrderedDict, deque
from collections.abc import Callable, ItemsView, Iterator, ValuesView
from typing import Any, Final, Literal, TypeVar

from cachetools import Cache, LFUCache, LRUCache

K = TypeVar("K")
V = TypeVar("V")
Policy = Literal["s3fifo", "lru", "lfu"]
Weigh = Callable[[Any], int]

SMALL_SHARE: Final = 0.1
MOST_TOUCHES: Final = 3
TOUCHES_TO_STAY: Final = 2
SPARE: Final = 64
GONE, SMALL, MAIN = 0, 1, 2


class EvictingCache(Cache[K, V]):
    """A cache that counts in `evictions` what `popitem` took out, which is also how a full cache makes room.

    Reading an entry by its key counts as a use. `peek`, `items` and `values` do not.
    """

    def __init__(self, max_bytes: float, weigh: Weigh | None = None) -> None:
        """Make an empty cache for entries of so many bytes together; without `weigh` each weighs 1."""
        super().__init__(max_bytes, weigh)
        self.evictions = 0

    def popitem(self) -> tuple[K, V]:
        """Take out the entry that is the least likely to be used again; KeyError where there is none."""
        item: tuple[K, V] = super().popitem()
        self.evictions += 1
        return item

    @abstractmethod
    def peek(self, key: K) -> V | None:
        """Return an entry without using it; None where there is none."""

    def items(self) -> ItemsView[K, V]:
        """View the entries without using them."""
        return _UnusedItems(self)

    def values(self) -> ValuesView[V]:
        """View the values without using them."""
        return _UnusedValues(self)

    def fill(self, worst_first: list[tuple[K, V]]) -> None:
        """Put in as many of these as there is room for, the last ones above all; what has no room counts as evicted."""
        room, first = self.maxsize - self.currsize, len(worst_first)
        while first and (weight := self.getsizeof(worst_first[first - 1][1])) <= room:
            room -= weight
            first -= 1
        self.evictions += first
        self._admit(worst_first[first:])

    def _admit(self, worst_first: list[tuple[K, V]]) -> None:
        for key, value in worst_first:
            self[key] = value


class _UnusedItems(ItemsView[K, V]):
    def __init__(self, cache: EvictingCache[K, V]) -> None:
        super().__init__(cache)
        self._cache = cache

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return zip(self._cache, self._cache.values(), strict=True)


class _UnusedValues(ValuesView[V]):
    def __init__(self, cache: EvictingCache[Any, V]) -> None:
        super().__init__(cache)
        self._cache = cache

    def __iter__(self) -> Iterator[V]:
        peek: Callable[[Any], Any] = self._cache.peek
        return map(peek, self._cache)


class LeastRecent(EvictingCache[K, V], LRUCache[K, V]):
    """The entry that has not been used for longest leaves first."""

    def peek(self, key: K) -> V | None:
        """Return an entry without using it."""
        return Cache.__getitem__(self, key) if key in self else None


class LeastFrequent(EvictingCache[K, V], LFUCache[K, V]):
    """The entry that has been used least often leaves first."""

    def peek(self, key: K) -> V | None:
        """Return an entry without using it."""
        return Cache.__getitem__(self, key) if key in self else None


class _Slot:
    """Where an entry is: its queue (GONE once it left), how often it was used there, and what it weighs."""

    __slots__ = ("key", "queue", "touches", "value", "weight")

    def __init__(self, key: Any, value: Any, weight: float, queue: int, touches: int = 0) -> None:
        self.key = key
        self.value = value
        self.weight = weight
        self.queue = queue
        self.touches = touches


class S3FIFOCache(EvictingCache[K, V]):
    """New entries wait in a small queue; those used twice meanwhile move to the main one, the others leave.

    What left the small queue is remembered by the hash of its key, as many keys as the main queue has: who comes back from there goes
    to the main queue. An entry of the main queue goes round as often as it was used, at most three times. So a scan passes through a
    tenth of the cache only. (S3-FIFO: Yang and others, SOSP 2023; here with weights.)
    """

    def __init__(self, max_bytes: float, weigh: Weigh | None = None) -> None:
        """Make an empty cache; a single entry of more than `max_bytes` is refused with ValueError."""
        super().__init__(max_bytes, weigh)
        self._slots: dict[K, _Slot] = {}
        # What is deleted stays in its queue, marked as gone, until the queue reaches it or most of the queue is gone.
        self._small: deque[_Slot] = deque()
        self._main: deque[_Slot] = deque()
        self._ghosts: OrderedDict[int, int] = OrderedDict()
        self._small_count = self._gone = 0
        self._max_bytes = max_bytes
        self._small_share = max_bytes * SMALL_SHARE
        self._weight: float = 0
        self._small_weight: float = 0

    @property
    def currsize(self) -> float:
        """What the entries weigh together."""
        return self._weight

    def __getitem__(self, key: K) -> V:
        slot = self._slots[key]  # a second place to look, cachetools' `__missing__`, would make each miss several times as dear
        if slot.touches < 3:  # noqa: PLR2004 - MOST_TOUCHES; looking the name up would cost a tenth of the whole
            slot.touches += 1
        kept: V = slot.value
        return kept

    def get(self, key: K, default: Any = None) -> Any:
        """Return an entry, which counts as a use, or `default`."""
        slot = self._slots.get(key)
        if slot is None:
            return default
        if slot.touches < MOST_TOUCHES:
            slot.touches += 1
        return slot.value

    def peek(self, key: K) -> V | None:
        """Return an entry without using it."""
        slot = self._slots.get(key)
        return None if slot is None else slot.value

    def __contains__(self, key: object) -> bool:
        return key in self._slots

    def __iter__(self) -> Iterator[K]:
        return iter(self._slots)

    def __len__(self) -> int:
        return len(self._slots)

    def __repr__(self) -> str:
        return f"S3FIFOCache({len(self)} entries, maxsize={self.maxsize!r}, currsize={self.currsize!r})"

    def __copy__(self) -> "S3FIFOCache[K, V]":
        raise TypeError("an S3FIFOCache is not copied: its entries would be counted twice")

    def __setitem__(self, key: K, value: V) -> None:
        weight, most = self.getsizeof(value), self._max_bytes
        if weight > most:
            raise ValueError("value too large")
        if weight < 0:
            raise ValueError("value size must be non-negative")
        slot = self._slots.get(key)
        if slot is None:
            queue, touches = self._queue_of_new(key), 0
        elif self._weight - slot.weight + weight <= most:
            self._replace(slot, value, weight)
            return
        else:
            queue, touches = slot.queue, slot.touches
            del self[key]
        while self._weight + weight > most:
            self.popitem()
        self._add(_Slot(key, value, weight, queue, touches))

    def __delitem__(self, key: K) -> None:
        self._leave(self._slots[key])
        self._gone += 1
        if self._gone > len(self._slots) + SPARE:
            self._small = deque(slot for slot in self._small if slot.queue)
            self._main = deque(slot for slot in self._main if slot.queue)
            self._gone = 0

    def popitem(self) -> tuple[K, V]:
        """Take out the next entry of the small queue where that has its share, else of the main one; KeyError where there is none."""
        if not self._slots:
            raise KeyError("S3FIFOCache is empty")
        while True:
            slot = self._next()
            if slot.queue == GONE:
                self._gone -= 1
            elif not self._stays(slot):
                value = slot.value
                self._leave(slot)
                self.evictions += 1
                return slot.key, value

    def _next(self) -> _Slot:
        """Take the next entry out of its queue, as it is that queue's turn."""
        if self._small_count and (self._small_weight >= self._small_share or self._small_count == len(self._slots)):
            return self._small.popleft()
        return self._main.popleft()

    def clear(self) -> None:
        """Take everything out, and forget what was in before."""
        self._slots.clear()
        self._small.clear()
        self._main.clear()
        self._ghosts.clear()
        self._small_count = self._gone = 0
        self._weight = self._small_weight = 0

    def _admit(self, worst_first: list[tuple[K, V]]) -> None:
        for key, value in worst_first:
            queue = SMALL if self._small_weight < self._small_share else MAIN
            self._add(_Slot(key, value, self.getsizeof(value), queue))

    def _queue_of_new(self, key: K) -> int:
        return self._ghosts.pop(hash(key), SMALL)

    def _add(self, slot: _Slot) -> None:
        self._slots[slot.key] = slot
        self._weight += slot.weight
        if slot.queue == SMALL:
            self._small.append(slot)
            self._small_count += 1
            self._small_weight += slot.weight
        else:
            self._main.append(slot)

    def _replace(self, slot: _Slot, value: V, weight: float) -> None:
        self._weight += weight - slot.weight
        if slot.queue == SMALL:
            self._small_weight += weight - slot.weight
        slot.value, slot.weight = value, weight

    def _stays(self, slot: _Slot) -> bool:
        """Decide on an entry at the end of its queue: True where it went on to the main one."""
        if slot.queue == SMALL:
            if slot.touches < TOUCHES_TO_STAY:
                self._remember(slot.key)
                return False
            slot.queue, slot.touches = MAIN, 0
            self._small_count -= 1
            self._small_weight -= slot.weight
        elif slot.touches:
            slot.touches -= 1
        else:
            return False
        self._main.append(slot)
        return True

    def _remember(self, key: K) -> None:
        ghosts = self._ghosts
        ghosts[hash(key)] = MAIN
        while len(ghosts) > len(self._slots) - self._small_count:
            ghosts.popitem(last=False)

    def _leave(self, slot: _Slot) -> None:
        del self._slots[slot.key]
        self._weight -= slot.weight
        if slot.queue == SMALL:
            self._small_count -= 1
            self._small_weight -= slot.weight
        slot.queue, slot.value = GONE, None


POLICIES: Final[dict[Policy, type[EvictingCache[Any, Any]]]] = {"s3fifo": S3FIFOCache, "lru": LeastRecent, "lfu": LeastFrequent}


def new_cache(policy: Policy, max_bytes: float, weigh: Weigh) -> EvictingCache[Any, Any]:
    """Make an empty cache; `weigh` gives the bytes of a value, and is called once when it is put in."""
    return POLICIES[policy](max_bytes, weigh)


def moved(old: EvictingCache[Any, Any], policy: Policy, max_bytes: float, weigh: Weigh) -> EvictingCache[Any, Any]:
    """Make a cache with the entries of another, as far as there is room, the likeliest to be used above all; the other is empty then."""
    new = new_cache(policy, max_bytes, weigh)
    # What a cache takes out by itself comes in the order of its own opinion, the worst first.
    new.fill([old.popitem() for _ in range(len(old))])
    return new
