"""What a system may be asked beyond need: retries, and the calls that find a bad key, out of one purse."""


class Budget:
    """Some calls at first, then a share of those that were needed; and none for retries while most calls fail.

    Each failure takes as much trust as ten answers give, and below half of it nothing is tried again: a system that fails altogether gets a
    handful of calls too many, and no more.
    """

    __slots__ = ("_trust", "left", "most", "share")

    TRUST = 6.0

    def __init__(self, share: float = 0.1, most: float = 100.0, first: float = 20.0) -> None:
        self.share = share
        self.most = most
        self.left = min(first, most)
        self._trust = self.TRUST

    def earn(self) -> None:
        """Count a call that was needed."""
        self.left = min(self.most, self.left + self.share)

    def answered(self) -> None:
        """Count a call that was answered."""
        self._trust = min(self.TRUST, self._trust + self.share)

    def failed(self) -> None:
        """Count a call that the system failed."""
        self._trust = max(0.0, self._trust - 1.0)

    def spend(self, calls: int) -> bool:
        """Take so many extra calls; False, and none taken, where there are not so many left."""
        if self.left < calls:
            return False
        self.left -= calls
        return True

    def retry(self, calls: int = 1) -> bool:
        """Take so many calls to ask again what failed; False where that would only add to the trouble."""
        return self._trust > self.TRUST / 2 and self.spend(calls)
