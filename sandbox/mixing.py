"""Where the simulated world gets its chance from: the same seed always gives the same draw, on every machine."""

from math import gcd

_WORD = (1 << 64) - 1


def mix(value: int) -> int:
    """Spread a number over 64 bits so that neighbours look unrelated (the finishing steps of splitmix64)."""
    value = (value + 0x9E3779B97F4A7C15) & _WORD
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _WORD
    return value ^ (value >> 31)


class Stream:
    """One endless row of 64-bit draws on one topic, any of which can be looked up directly."""

    __slots__ = ("_key",)

    def __init__(self, seed: int, topic: str) -> None:
        key = mix(seed & _WORD)
        for byte in topic.encode():
            key = mix(key ^ byte)
        self._key = key

    def at(self, index: int) -> int:
        """Return the draw that belongs to this index."""
        return mix(self._key + index * 0xD1342543DE82EF95)


class Shuffle:
    """A rearrangement of the numbers below `size` that can be undone, so that an id leads back to its person."""

    __slots__ = ("_back", "_factor", "_shift", "_size")

    def __init__(self, size: int, stream: Stream) -> None:
        factor = stream.at(0) % size | 1
        while gcd(factor, size) != 1:
            factor += 2
        self._size = size
        self._factor = factor
        self._shift = stream.at(1) % size
        self._back = pow(factor, -1, size)

    def place(self, index: int) -> int:
        """Say where the number `index` goes."""
        return (index * self._factor + self._shift) % self._size

    def index(self, place: int) -> int:
        """Say which number went to `place`."""
        return (place - self._shift) * self._back % self._size
