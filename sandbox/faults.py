"""What can be made to go wrong at an agency, and for how long it stays wrong."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from sandbox.agency import Found

ROW_FAULTS: Final = frozenset({"reorder", "duplicate", "missing", "foreign", "foreign_extra"})
_PARAMETERS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "delay": (frozenset({"seconds"}), frozenset()),
    "hang": (frozenset(), frozenset()),
    "status": (frozenset({"code"}), frozenset({"retry_after"})),
    "fault_in_200": (frozenset(), frozenset()),
    "cut_body": (frozenset(), frozenset({"chunked"})),
    "wrong_content_type": (frozenset(), frozenset()),
    "garbage": (frozenset(), frozenset()),
    "huge_body": (frozenset({"bytes"}), frozenset()),
    "poison": (frozenset({"keys"}), frozenset({"code"})),
    "undecodable": (frozenset({"keys"}), frozenset()),
    **dict.fromkeys(sorted(ROW_FAULTS), (frozenset(), frozenset())),
}
"""For each kind, the parameters it must have and those it may have."""

KINDS: Final = tuple(_PARAMETERS)
_COMMON: Final = frozenset({"kind", "operation", "times"})
_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "seconds": (0, 3600),
    "code": (400, 599),
    "retry_after": (0, 86_400),
    "bytes": (1, 1 << 30),
    "times": (1, 1_000_000),
}


class FaultSpecError(ValueError):
    """The description of a fault makes no sense; the message says why."""


class Fault(NamedTuple):
    """One thing going wrong; without an operation at all of them, without times until it is taken away."""

    kind: str
    operation: str | None = None
    times: int | None = None
    seconds: float = 0
    code: int = 500
    retry_after: int | None = None
    size: int = 0
    chunked: bool = False
    keys: frozenset[str] = frozenset()

    def hits(self, operation: str, keys: Sequence[str]) -> bool:
        """Tell whether it goes wrong for a call; one with keys only for calls that ask for any of them."""
        return self.operation in {None, operation} and (not self.keys or not self.keys.isdisjoint(keys))


def read_fault(spec: object) -> Fault:
    """Turn a JSON description into a fault, or raise FaultSpecError."""
    if not isinstance(spec, dict):
        raise FaultSpecError(_sentence("a fault is a JSON object with a kind"))
    kind = spec.get("kind")
    if not isinstance(kind, str) or kind not in _PARAMETERS:
        raise FaultSpecError(_sentence(f"unknown kind {kind!r}; there are {', '.join(sorted(KINDS))}"))
    required, optional = _PARAMETERS[kind]
    if missing := sorted(required - spec.keys()):
        raise FaultSpecError(_sentence(f"{kind} needs {', '.join(missing)}"))
    if unknown := sorted(str(name) for name in spec.keys() - required - optional - _COMMON):
        raise FaultSpecError(_sentence(f"{kind} has no parameter {', '.join(unknown)}"))
    operation, chunked = spec.get("operation"), spec.get("chunked", False)
    if not isinstance(operation, str | None) or not isinstance(chunked, bool):
        raise FaultSpecError(_sentence("operation is a text and chunked is true or false"))
    numbers = {name: _number(spec, name) for name in _RANGES}
    return Fault(
        kind,
        operation,
        _whole(numbers["times"]),
        numbers["seconds"] or 0,
        _whole(numbers["code"]) or (400 if kind == "poison" else 500),
        _whole(numbers["retry_after"]),
        _whole(numbers["bytes"]) or 0,
        chunked,
        _keys(spec),
    )


def _keys(spec: Mapping[object, object]) -> frozenset[str]:
    keys = spec.get("keys", [])
    if "keys" in spec and (not isinstance(keys, list) or not keys or not all(isinstance(key, str) for key in keys)):
        raise FaultSpecError(_sentence("keys is a list of texts, and not empty"))
    return frozenset(keys) if isinstance(keys, list) else frozenset()


def _number(spec: Mapping[object, object], name: str) -> float | None:
    value = spec.get(name)
    if name not in spec:
        return None
    low, high = _RANGES[name]
    allowed = int | float if name == "seconds" else int
    if isinstance(value, bool) or not isinstance(value, allowed) or not low <= value <= high:
        raise FaultSpecError(_sentence(f"{name} is a number from {low} to {high}"))
    return value


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _sentence(text: str) -> str:
    return f"{text}."


class Faults:
    """The faults in force, at most one for each system."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}

    def put(self, system: str, fault: Fault) -> None:
        """Make a system faulty, instead of any fault it had."""
        self._faults[system] = fault

    def clear(self, system: str | None = None) -> None:
        """Heal one system, or all."""
        if system is None:
            self._faults.clear()
        else:
            self._faults.pop(system, None)

    def take(self, system: str, operation: str, keys: Sequence[str]) -> Fault | None:
        """Return the fault that hits this call, and count it off."""
        fault = self._faults.get(system)
        if fault is None or not fault.hits(operation, keys):
            return None
        if fault.times is not None:
            if fault.times == 1:
                self.clear(system)
            else:
                self._faults[system] = fault._replace(times=fault.times - 1)
        return fault


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
