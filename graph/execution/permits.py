"""What a caller may read, as far as the engine must know it: which fields are refused, and what looks at records before they are given."""

from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol

from graph.errors import MotcuaError
from graph.loading.batch import Batch
from graph.loading.screening import Screen


class Permits(Protocol):
    """What one kind of caller may read. Plans are kept for each; so it is compared by identity and lives as long as its policy does."""

    def refusal(self, parent: str, field: str) -> MotcuaError | None:
        """Say why a field of an object type may not be read; None where it may. `__typename` is never asked about."""

    def screens(self, coordinates: Collection[str] | None) -> Mapping[Batch[Any, Any], Screen]:
        """Return what looks at the records of which batch functions, where these fields (`Type.field`) are read; None stands for any."""


class _Everything:
    """All fields, as the systems sent them."""

    def refusal(self, parent: str, field: str) -> None:
        """Refuse nothing."""

    def screens(self, coordinates: Collection[str] | None) -> Mapping[Batch[Any, Any], Screen]:  # noqa: ARG002 - the protocol's
        """Look at nothing."""
        return {}


EVERYTHING: Final[Permits] = _Everything()
