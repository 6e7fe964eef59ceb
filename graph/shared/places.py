"""Places: the names under which answers stand in the shared store, which tell neither key nor person nor tag to whoever reads them.

An entry is `motcua:1:entry:<system>:<batch function>:<shape>:<key>:<whose>`, a list of entries is `motcua:1:label:<label>`; key, whose and
label are HMACs. While a secret is being changed everything has a name by each secret; what is written has the name by the first one.
"""

from collections.abc import Hashable
from typing import Any, Final

from graph.loading.barriers import scopes
from graph.loading.batch import Batch
from graph.loading.figures import Purge
from graph.loading.labels import written
from graph.shared.packing import packed, packer
from graph.shared.sealing import Sealer

ENTRY: Final = "motcua:1:entry"
LABEL: Final = "motcua:1:label"


class Places:
    """Names places by the secrets of a sealer."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def of_entry(self, batch: Batch[Any, Any], share: tuple[str | None, ...], key: Hashable) -> list[str]:
        """Name an entry: one part finds it by its key as operators write it, the last one says exactly what it is and whose."""
        prefix = f"{ENTRY}:{batch.system.name}:{batch.name}:{packer(batch).shape}"
        exact = self._sealer.names(b"entry " + packed((share, key)))
        return [f"{prefix}:{by_key}:{by_all}" for by_key, by_all in zip(self._of_key(written(key)), exact, strict=True)]

    def _of_key(self, key: str) -> tuple[str, ...]:
        return self._sealer.names(b"key " + key.encode())

    def of_label(self, label: str) -> list[str]:
        """Name the list of the entries with a label."""
        return [f"{LABEL}:{name}" for name in self._sealer.names(b"label " + label.encode())]

    def sought(self, purge: Purge) -> tuple[list[str], list[str]]:
        """Say in which lists the entries of a purge stand, and by which patterns the others have to be sought."""
        lists: list[str] = []
        patterns: list[str] = []
        for kind, *rest in scopes(purge):
            if kind == "label":
                lists += self.of_label(rest[0])
            elif kind == "system":
                patterns.append(f"{ENTRY}:{rest[0]}:*")
            elif kind == "batch":
                patterns.append(f"{ENTRY}:*:{rest[0]}:*")
            else:
                patterns += [f"{ENTRY}:*:{rest[0]}:*:{name}:*" for name in self._of_key(rest[1])]
        return lists, patterns
