"""The figures of one batch function, as operators see them, and what there is to say of a purge."""

import msgspec


class CacheFigures(msgspec.Struct, kw_only=True):
    """Counts since the start of the process; those of several processes can be added.

    `lookups` are keys that requests asked for: a hit was answered from the process's own cache (fresh or stale), a miss was found in the
    shared tier, `joined` a call that was under way, or was `fetched`. `calls` carried `call_keys` keys to the system, refreshes and extra
    calls included.
    """

    name: str
    system: str
    hits: int = 0
    misses: int = 0
    stale_hits: int = 0
    negative_hits: int = 0
    shared_hits: int = 0
    joined: int = 0
    fetched: int = 0
    stale_on_error: int = 0
    calls: int = 0
    call_keys: int = 0
    failed_calls: int = 0
    extra_calls: int = 0
    not_modified: int = 0
    refreshes: int = 0
    quarantined: int = 0
    entries: int = 0
    bytes: int = 0
    evictions: int = 0
    too_large: int = 0
    purged: int = 0
    seconds: float = 0.0

    @property
    def lookups(self) -> int:
        """How many keys requests asked for."""
        return self.hits + self.misses

    def copy(self) -> "CacheFigures":
        """Copy them as they are now."""
        return msgspec.structs.replace(self)

    def add(self, other: "CacheFigures") -> "CacheFigures":
        """Add the figures of another process; both count the same batch function, over about the same time."""
        summed = {
            name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__ if name not in {"name", "system", "seconds"}
        }
        return CacheFigures(name=self.name, system=self.system, seconds=max(self.seconds, other.seconds), **summed)


class Purge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to forget: everything of a `system`, of a `batch` function, one `key` of a batch function (as text), a `tag`, or a `person`.

    `at` is the moment (seconds since 1970): whatever began to be fetched before it is never served again.
    """

    id: str
    at: float
    system: str | None = None
    batch: str | None = None
    key: str | None = None
    tag: str | None = None
    person: str | None = None


class Purged(msgspec.Struct, kw_only=True):
    """What one process forgot: entries by batch function. What was on its way is not counted: it is refused when it arrives."""

    entries: dict[str, int] = {}
