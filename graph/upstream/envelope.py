"""A JSON envelope with XML in a string inside, and the status inside HTTP 200: how the civil status system and its like answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from graph.errors import ContractBroken, SystemRefused, SystemUnavailable, Theirs
from graph.upstream import xml
from graph.upstream.record import decoder


@dataclass(frozen=True)
class Codes:
    """What a system's codes mean: `absent` nothing was found, `refused` our fault (with what it rejects), any other trouble of its own."""

    absent: frozenset[int] = frozenset()
    refused: Mapping[int, str] = field(default_factory=dict)


class Envelope(msgspec.Struct, frozen=True):
    """The outer JSON: `status` 1 for an answer, 0 with a `code` for anything else."""

    status: int
    code: int = 0
    data: str | None = None


def decode(system: str, body: bytes, returns: Any, codes: Codes) -> Any:
    """Open the envelope and read its XML into a record; None for a code that means "nothing found"."""
    outer = msgspec.json.decode(body, type=Envelope)
    if outer.status != 1:
        if outer.code in codes.absent:
            return None
        raise _trouble(system, outer.code, codes)
    if not outer.data:
        raise ContractBroken(system, "sent an envelope without data")
    into = decoder(returns)
    return into.builtins(xml.builtins(xml.parse(outer.data.encode()), into.shape))


def _trouble(system: str, code: int, codes: Codes) -> Theirs:
    if code in codes.refused:
        return SystemRefused(system, f"rejects {codes.refused[code]} (code {code})")
    return SystemUnavailable(system, f"reports trouble of its own (code {code})", divisible=True)
