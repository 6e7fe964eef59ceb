"""What Motcua says of itself while it runs: events in the log, and the names of what may be told of a request, which never say about whom.

Everything told has a name on a list of this module. What is not on it is not written, so nothing has to be struck out afterwards.
"""

import logging
import sys
import traceback
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

log = logging.getLogger("motcua")

Form = Literal["auto", "json", "text"]
DEEPEST_FRAMES: Final = 5
LONGEST_NAME: Final = 64
# So many digits on end may be a person's number or a business code.
TELLING_DIGITS: Final = 6


class Kind(NamedTuple):
    """What there is to know of an event beforehand: its level, and which fields it may have."""

    level: int
    fields: frozenset[str]


def _kind(level: int, *fields: str) -> Kind:
    return Kind(level, frozenset(fields))


_INFO, _WARNING, _ERROR = logging.INFO, logging.WARNING, logging.ERROR
# All that the log can hold; docs/observing.md says what each means.
EVENTS: Final[Mapping[str, Kind]] = {
    "breaker_opened": _kind(_WARNING, "system", "operation", "what", "before", "after", "reason"),
    "breaker_half_open": _kind(_INFO, "system", "operation", "what", "before", "after", "reason"),
    "breaker_closed": _kind(_INFO, "system", "operation", "what", "before", "after", "reason"),
    "system_drained": _kind(_WARNING, "system", "what", "before", "after", "reason"),
    "system_resumed": _kind(_INFO, "system", "what", "before", "after", "reason"),
    "system_state_changed": _kind(_INFO, "system", "operation", "what", "before", "after", "reason"),
    "calendar_closed": _kind(_INFO, "system", "what", "before", "after", "reason"),
    "calendar_opened": _kind(_INFO, "system", "what", "before", "after", "reason"),
    "quota_exhausted": _kind(_WARNING, "system", "what", "before", "after", "reason"),
    "quota_available": _kind(_INFO, "system", "what", "before", "after", "reason"),
    "shedding_began": _kind(_WARNING, "system", "priority", "what", "before", "after", "reason"),
    "shedding_ended": _kind(_INFO, "system", "priority", "what", "before", "after", "reason"),
    "documents_changed": _kind(_INFO, "what", "before", "after"),
    "documents_refused": _kind(_WARNING, "what", "before", "reason"),
    "consumers_changed": _kind(_INFO, "what", "before", "after"),
    "consumers_refused": _kind(_WARNING, "before", "reason"),
    "allowances_alone": _kind(_WARNING, "before", "after", "reason"),
    "allowances_shared": _kind(_INFO, "before", "after"),
    "internal_error": _kind(_ERROR, "kind", "request_id", "at"),
    "operators_interface_failed": _kind(_ERROR, "kind"),
    "worker_ended": _kind(_WARNING, "reason"),
    "worker_message_failed": _kind(_WARNING, "kind"),
    "request": _kind(_INFO, "request_id", "operation", "outcome", "milliseconds", "calls", "cached", "priority"),
    "note": _kind(_INFO, "message"),
    "server": _kind(_WARNING, "message", "kind", "at"),
    "library": _kind(_WARNING, "logger", "kind", "at"),
}

# All that a span can say; docs/observing.md says what each means.
ALLOWED: Final = frozenset(
    {
        "graphql.operation.name", "graphql.operation.type", "motcua.outcome", "motcua.priority", "motcua.request_id", "motcua.calls",
        "motcua.keys", "motcua.cached", "motcua.system", "motcua.batch", "motcua.call.id", "motcua.call.shared", "error.type",
    }
)  # fmt: skip


class Event(NamedTuple):
    """One event, on its way to the log."""

    name: str
    fields: Mapping[str, Any]

    def __str__(self) -> str:
        return " ".join([self.name, *(f"{field}={value}" for field, value in self.fields.items())])


def event(name: str, /, **fields: Any) -> None:
    """Write an event to the log; TypeError where its name, or one of its fields, is not in EVENTS."""
    kind = EVENTS.get(name)
    if kind is None:
        raise TypeError(f"{name} is no event; EVENTS lists them")
    if not fields.keys() <= kind.fields:
        raise TypeError(f"{', '.join(sorted(fields.keys() - kind.fields))}: no field of the event {name}")
    if log.isEnabledFor(kind.level):
        log.log(kind.level, "%s", Event(name, {field: value for field, value in fields.items() if value is not None}))


def allowed(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a span that are known; TypeError where one is not in ALLOWED."""
    if not attributes.keys() <= ALLOWED:
        raise TypeError(f"{', '.join(sorted(attributes.keys() - ALLOWED))}: no attribute of a span")
    return {name: value for name, value in attributes.items() if value is not None}


def may_be_told(name: str) -> bool:
    """Tell whether a name that a client gave to its operation may be repeated: it is short, and holds no number of a person."""
    digits = 0
    for letter in name:
        digits = digits + 1 if letter.isdecimal() else 0
        if digits >= TELLING_DIGITS:
            return False
    return len(name) <= LONGEST_NAME


def frames(error: BaseException) -> str:
    """Say where an error happened, innermost first; never in its words, which may quote a record."""
    found = traceback.extract_tb(error.__traceback__)[-DEEPEST_FRAMES:]
    return " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(found))


def is_json(form: Form) -> bool:
    """Tell whether the log is written as lines of JSON: it is unless a terminal shows it, or the settings say otherwise."""
    return form == "json" or (form == "auto" and not sys.stderr.isatty())


def write_logs(form: Form = "auto") -> None:
    """Write the log of this process to its standard error: as text for a terminal and as lines of JSON otherwise, unless told which."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(as_json=is_json(form)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    log.setLevel(logging.INFO)


def formatter(*, as_json: bool) -> logging.Formatter:
    """Make what turns a record of the log into a line."""
    render: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), timestamp_key="time", pad_event_to=0)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_told, structlog.stdlib.add_log_level],
        processors=[structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"), _in_order, render],
        pass_foreign_args=True,
    )


def _told(_logger: WrappedLogger, _method: str, found: EventDict) -> EventDict:
    """Keep of a record what may be told: an event as it is, a sentence of our own, of a library only where it comes from and what kind."""
    record: logging.LogRecord = found["_record"]
    given = found["positional_args"]
    if isinstance(given, tuple) and given and isinstance(given[0], Event):
        return {"event": given[0].name, **given[0].fields}
    if record.name == log.name:
        return {"event": "note", "message": found["event"]}
    error = record.exc_info[1] if record.exc_info else None
    fault = {} if error is None else {"kind": type(error).__name__, "at": frames(error)}
    if record.name.startswith("uvicorn"):
        return {"event": "server", "message": str(record.msg).strip(), **fault}
    return {"event": "library", "logger": record.name, **fault}


def _in_order(_logger: WrappedLogger, _method: str, found: EventDict) -> EventDict:
    first = {name: found[name] for name in ("time", "level", "event")}
    return {**first, **{name: value for name, value in found.items() if name not in first and not name.startswith("_")}}
