"""JSON objects as tokens and keys are written in, read so strictly that nobody else can read something different in the same bytes."""

import json
from typing import Any, NoReturn


def object_in(raw: bytes) -> dict[str, Any]:
    """Read one object in UTF-8; ValueError where it is none, where a member stands in it twice, or a number that JSON does not know."""
    try:
        found = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 - to the caller it is one more thing that is wrong with the bytes
    return found


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse what would be read in two ways: some readers take the first of two members with one name, some the last."""
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a member stands there twice")
    return found


def _no_number(_text: str) -> NoReturn:
    raise ValueError("not a number")
