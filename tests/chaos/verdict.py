"""Whether an answer may be what a client hears while everything goes wrong: never another row, never an unnamed loss."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

from tests.chaos.questions import SYSTEM_OF, Question
from tests.servers import SYSTEMS
from tests.stack import Heard

RETRYABLE: Final[Mapping[str, Collection[bool]]] = {
    "SHED": {True},
    "DEADLINE_EXCEEDED": {True},
    "UPSTREAM_TIMEOUT": {True},
    "UPSTREAM_THROTTLED": {True},
    "UPSTREAM_UNAVAILABLE": {True, False},  # in trouble, or refusing our request
    "UPSTREAM_CONTRACT": {False},
}
"""The codes that faults of systems may lead to, and whether each is worth trying again."""

NUMBER: Final = re.compile(r"\d{9}")

Path = tuple[str | int, ...]
Loses = Callable[[str], bool]


def wrongs(question: Question, heard: Heard, slack: float, loses: Loses) -> Iterator[str]:
    """Name all that is wrong with what was heard; `loses` says whether a system may just have lost a row that nobody can miss."""
    if heard.seconds > question.seconds + slack:
        yield f"took {heard.seconds:.2f} s of {question.seconds} s"
    errors = heard.answer.get("errors", [])
    for error in errors:
        yield from _wrong_error(question, error, heard.status)
    if heard.status == 503:
        yield from () if heard.codes == {"SHED"} and "data" not in heard.answer else ("is 503 without being shed",)
    elif heard.status != 200:
        yield f"is {heard.status}"
    else:
        paths = {tuple(error.get("path", ())) for error in errors}
        yield from _differences(question.right, heard.answer.get("data"), (), paths, loses)


def is_full(question: Question, heard: Heard) -> bool:
    """Tell whether everything was answered, and rightly."""
    return heard.status == 200 and heard.answer == {"data": question.right}


def _wrong_error(question: Question, error: Mapping[str, Any], status: int) -> Iterator[str]:
    said, path = error.get("extensions", {}), error.get("path", [])
    code, system, message = said.get("code"), said.get("system"), error.get("message", "")
    if said.get("retryable") not in RETRYABLE.get(code, ()):
        yield f"has an error of code {code}, retryable {said.get('retryable')}"
    if NUMBER.search(message) or any(key in message for key in question.keys if len(key) > len("00097")):
        yield "quotes a number in a message"
    if status == 200:
        field = next((part for part in reversed(path) if isinstance(part, str)), "")
        if system not in SYSTEMS or system != SYSTEM_OF.get(field):
            yield f"blames {system} at {_written(path)}"


def _differences(right: Any, told: Any, path: Path, failed: Collection[Path], loses: Loses) -> Iterator[str]:
    if told is None:
        if right is not None and path not in failed and not loses(_system_at(path)):
            yield f"is null without an error at {_written(path)}"
    elif path in failed:
        yield f"has a value and an error at {_written(path)}"
    elif isinstance(right, Mapping) and isinstance(told, dict) and right.keys() == told.keys():
        for name, part in right.items():
            yield from _differences(part, told[name], (*path, name), failed, loses)
    elif isinstance(right, list) and isinstance(told, list) and len(right) == len(told):
        for place, part in enumerate(right):
            yield from _differences(part, told[place], (*path, place), failed, loses)
    elif right != told:
        yield f"has another value at {_written(path)}"


def _system_at(path: Path) -> str:
    """Name the system that the value at a path comes from itself; none for a part of a record."""
    parts = path[:-1] if path and isinstance(path[-1], int) else path
    return SYSTEM_OF.get(str(parts[-1]), "") if parts else ""


def _written(path: Any) -> str:
    return ".".join(map(str, path)) or "the top"
