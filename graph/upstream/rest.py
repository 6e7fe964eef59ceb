"""REST as the agencies speak it: repeated query names, JSON bodies, a bearer token."""

from collections.abc import Mapping, Sequence
from typing import Any

from graph.upstream.record import decoder

JSON = frozenset({"application/json"})


def bearer(token: str) -> dict[str, str]:
    """Make the header that carries a bearer token."""
    return {"authorization": f"Bearer {token}"}


def pairs(query: Mapping[str, str | int | Sequence[str]]) -> list[tuple[str, str]]:
    """Flatten a query: a sequence repeats its name, once for each value."""
    flat: list[tuple[str, str]] = []
    for name, value in query.items():
        values = [str(value)] if isinstance(value, str | int) else value
        flat.extend((name, str(each)) for each in values)
    return flat


def decode(body: bytes, returns: Any) -> Any:
    """Decode a JSON body into a record or a list of records."""
    return decoder(returns).json(body)
