"""REST as the agencies speak it: repeated query names, JSON bodies, a bearer token."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

from graph.upstream.record import decoder

JSON = frozenset({"application/json"})
Query = Mapping[str, str | int | Sequence[str]]


def bearer(token: str) -> dict[str, str]:
    """Make the header that carries a bearer token."""
    return {"authorization": f"Bearer {token}"}


def written(query: Query) -> str:
    """Write a query; a sequence repeats its name, once for each value."""
    return "&".join(_pairs(query))


def _pairs(query: Query) -> Iterator[str]:
    for name, value in query.items():
        start = f"{quote_plus(name)}="
        if isinstance(value, str | int):
            yield start + _quoted(str(value))
        else:
            for each in value:
                yield start + _quoted(str(each))


def _quoted(value: str) -> str:
    """Write a value; codes and numbers, which are nearly all, need no look at each character."""
    return value if value.isascii() and value.isalnum() else quote_plus(value)


def decode(body: bytes, returns: Any) -> Any:
    """Decode a JSON body into a record or a list of records."""
    return decoder(returns).json(body)
