"""Screening: what is looked at each time a record is given to a request, after the caches, because it depends on what the record says."""

from typing import Any, Protocol


class Screen(Protocol):
    """Decides, for the records of one batch function and one kind of caller, what of them is given."""

    def given(self, key: Any, value: Any) -> Any:
        """Return what is given of a value (a record, or a tuple of records)."""
