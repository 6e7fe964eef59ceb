"""A memory for proofs that were checked: of bounded size, and each only for a while."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Memo(Generic[T]):
    """Values by a digest, each until a moment; where there are too many, those that nobody has asked for longest are forgotten.

    It keeps two generations: once the younger is full, it becomes the elder, and the former elder is forgotten. So a look-up costs
    little more than in a dictionary; to keep the order of use would double it.
    """

    def __init__(self, most: int) -> None:
        """Hold at most so many."""
        self._half = most // 2
        self._younger: dict[bytes, tuple[T, float]] = {}
        self._elder: dict[bytes, tuple[T, float]] = {}

    def __len__(self) -> int:
        return len(self._younger) + len(self._elder)

    def get(self, digest: bytes, now: float) -> T | None:
        """Return what is remembered, where its time is not over."""
        found = self._younger.get(digest)
        if found is None:
            found = self._elder.pop(digest, None)
            if found is None:
                return None
            self._put(digest, found)
        return found[0] if now < found[1] else None

    def keep(self, digest: bytes, value: T, until: float) -> None:
        """Remember a value until a moment."""
        self._elder.pop(digest, None)
        self._put(digest, (value, until))

    def clear(self) -> None:
        """Forget all."""
        self._younger, self._elder = {}, {}

    def _put(self, digest: bytes, held: tuple[T, float]) -> None:
        if len(self._younger) >= self._half and digest not in self._younger:
            self._younger, self._elder = {}, self._younger
        self._younger[digest] = held
