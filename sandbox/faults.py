"""What can be made to go wrong at an agency, and how a test says so."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from sandbox.agency import Found

ROW_FAULTS: Final = frozenset({"reorder", "duplicate", "missing", "foreign", "foreign_extra"})
CAPACITY_FAULTS: Final = frozenset({"half_capacity", "capacity_share"})
_NAMES: Final = {"wrong_order": "reorder", "foreign_rows": "foreign"}
"""Further names of some kinds."""

_NONE: Final[frozenset[str]] = frozenset()
_PARAMETERS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "delay": (frozenset({"seconds"}), _NONE),
    "hang": (_NONE, _NONE),
    "status": (frozenset({"code"}), frozenset({"retry_after"})),
    "storm": (_NONE, _NONE),
    "flapping": (frozenset({"up_seconds", "down_seconds"}), frozenset({"by"})),
    "fault_in_200": (_NONE, _NONE),
    "reset": (_NONE, frozenset({"after"})),
    "cut_body": (_NONE, frozenset({"chunked"})),
    "wrong_content_type": (_NONE, _NONE),
    "garbage": (_NONE, _NONE),
    "huge_body": (frozenset({"bytes"}), _NONE),
    "poison": (frozenset({"keys"}), frozenset({"code"})),
    "undecodable": (frozenset({"keys"}), _NONE),
    **dict.fromkeys(sorted(ROW_FAULTS), (_NONE, _NONE)),
    "half_capacity": (_NONE, frozenset({"share"})),
    "capacity_share": (frozenset({"share"}), _NONE),
    "expired_certificate": (_NONE, _NONE),
}
"""For each kind, the parameters it must have and those it may have."""

KINDS: Final = tuple(_PARAMETERS)
_COMMON: Final = frozenset({"kind", "operation", "times", "share", "seed", "for_seconds"})
# How much an agency works on at once and which certificate it shows concern no single call: there is no operation yet, or never a call.
_COMMON_TO: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(sorted(CAPACITY_FAULTS), frozenset({"kind", "for_seconds"})),
    "expired_certificate": _COMMON - {"operation"},
}
_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "seconds": (0, 3600),
    "up_seconds": (0.001, 3600),
    "down_seconds": (0.001, 3600),
    "for_seconds": (0.001, 86_400),
    "share": (0, 1),
    "code": (400, 599),
    "retry_after": (0, 86_400),
    "bytes": (1, 1 << 30),
    "after": (0, 1 << 16),
    "times": (1, 1_000_000),
    "seed": (0, (1 << 63) - 1),
}
_FRACTIONS: Final = frozenset({"seconds", "up_seconds", "down_seconds", "for_seconds", "share"})
_CODES: Final = {"poison": 400, "flapping": 503}
_SHARES: Final = {"half_capacity": 0.5}


class FaultSpecError(ValueError):
    """The description of a fault makes no sense; the message says why."""


class Fault(NamedTuple):
    """One thing going wrong; without an operation at all of them, without times or `for_seconds` until it is taken away."""

    kind: str
    operation: str | None = None
    times: int | None = None
    share: float = 1
    seed: int | None = None
    for_seconds: float | None = None
    seconds: float = 0
    up_seconds: float = 0
    down_seconds: float = 0
    by: str = "status"
    code: int = 500
    retry_after: int | None = None
    after: int | None = None
    size: int = 0
    chunked: bool = False
    keys: frozenset[str] = frozenset()

    def concerns(self, operation: str, keys: Sequence[str]) -> bool:
        """Tell whether a call can be hit; a fault with keys hits only calls that ask for any of them."""
        return self.operation in {None, operation} and (not self.keys or not self.keys.isdisjoint(keys))

    def is_up(self, seconds: float) -> bool:
        """Tell whether the agency works at that many seconds after the fault began, because a flapping one is just up."""
        return self.kind == "flapping" and seconds % (self.up_seconds + self.down_seconds) < self.up_seconds


def read_fault(spec: object) -> Fault:
    """Turn a JSON description into a fault, or raise FaultSpecError."""
    if not isinstance(spec, dict):
        raise FaultSpecError(_sentence("a fault is a JSON object with a kind"))
    kind = _kind(spec)
    _check_names(kind, spec)
    operation, chunked, by = spec.get("operation"), spec.get("chunked", False), spec.get("by", "status")
    if not isinstance(operation, str | None) or not isinstance(chunked, bool):
        raise FaultSpecError(_sentence("operation is a text and chunked is true or false"))
    if by not in ("status", "reset"):
        raise FaultSpecError(_sentence("by is status or reset"))
    number = {name: _number(spec, name) for name in _RANGES if name in spec}
    whole = {name: int(value) for name, value in number.items() if name not in _FRACTIONS}
    return Fault(
        kind,
        operation,
        whole.get("times"),
        number.get("share", _SHARES.get(kind, 1)),
        whole.get("seed"),
        number.get("for_seconds"),
        number.get("seconds", 0),
        number.get("up_seconds", 0),
        number.get("down_seconds", 0),
        by,
        whole.get("code", _CODES.get(kind, 500)),
        whole.get("retry_after"),
        whole.get("after"),
        whole.get("bytes", 0),
        chunked,
        _keys(spec),
    )


def _kind(spec: Mapping[object, object]) -> str:
    given = spec.get("kind")
    kind = _NAMES.get(given, given) if isinstance(given, str) else None
    if kind is None or kind not in _PARAMETERS:
        raise FaultSpecError(_sentence(f"unknown kind {given!r}; there are {', '.join(sorted(KINDS))}"))
    return kind


def _check_names(kind: str, spec: Mapping[object, object]) -> None:
    required, optional = _PARAMETERS[kind]
    if missing := sorted(required - spec.keys()):
        raise FaultSpecError(_sentence(f"{kind} needs {', '.join(missing)}"))
    if unknown := sorted(str(name) for name in spec.keys() - required - optional - _COMMON_TO.get(kind, _COMMON)):
        raise FaultSpecError(_sentence(f"{kind} has no parameter {', '.join(unknown)}"))


def _keys(spec: Mapping[object, object]) -> frozenset[str]:
    keys = spec.get("keys", [])
    if "keys" in spec and (not isinstance(keys, list) or not keys or not all(isinstance(key, str) for key in keys)):
        raise FaultSpecError(_sentence("keys is a list of texts, and not empty"))
    return frozenset(keys) if isinstance(keys, list) else frozenset()


def _number(spec: Mapping[object, object], name: str) -> float:
    value = spec[name]
    low, high = _RANGES[name]
    allowed = int | float if name in _FRACTIONS else int
    if isinstance(value, bool) or not isinstance(value, allowed) or not low <= value <= high:
        raise FaultSpecError(_sentence(f"{name} is a number from {low} to {high}"))
    return value


def _sentence(text: str) -> str:
    return f"{text}."


def disturb(kind: str, found: Found, foreign: bytes) -> Found:
    """Change the rows of an honest answer; only an added row is also counted in the envelope."""
    rows, total = found
    if kind == "reorder":
        return Found(rows[::-1], total)
    if kind == "duplicate":
        return Found(rows[:1] + rows, total)
    if kind == "missing":
        return Found(rows[1:], total)
    if kind == "foreign":
        return Found([foreign, *rows[1:]] if rows else rows, total)
    return Found([*rows, foreign], total + 1)
