"""What a link is: a field that leads to the records of a batch function."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graph.loading.batch import Batch


@dataclass(frozen=True)
class Link:
    """From which batch function, under which key (or, with `each`, which keys) a field gets its records.

    `proves` names the attribute of the record that equals the key, where the parent's having the key proves that the record exists.
    `at_most` is how many keys it takes at once; more are refused.
    """

    batch: Batch[Any, Any]
    key: Callable[..., Any]
    each: bool
    proves: str | None = None
    at_most: int | None = None
