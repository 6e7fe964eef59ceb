"""Records: what a system says, decoded, checked and translated once, when it arrives.

A record class declares its fields with the names on the wire. Two functions are generated for it when it is first used: a msgspec
decoder for the shape on the wire, and a translator from that shape to the record. So the cost per record is one decode in C
and one call, and a field that is missing or of the wrong kind is a broken contract, found before anybody sees the record.
"""

import enum
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar, dataclass_transform, runtime_checkable

import msgspec

R = TypeVar("R")
Reader = Callable[[Any], Any]

WIRE_LEAVES = (str, int, float, bool, Decimal)
EMPTY = (None, "")


@runtime_checkable
class Parsed(Protocol):
    """A value with a rule: `parse` returns it or raises ValueError (identifiers, dates, money)."""

    @classmethod
    def parse(cls, text: str) -> Any:
        """Return the value or raise ValueError."""


class _Wire:
    """What `wire` leaves in a class body for the metaclass to find."""

    def __init__(self, name: str, read: Reader | None, absent: Any = msgspec.NODEFAULT) -> None:
        self.name = name
        self.read = read
        self.absent = absent

    @property
    def may_be_absent(self) -> bool:
        """Whether there is a value for when the wire has none."""
        return self.absent is not msgspec.NODEFAULT


def wire(name: str, *, read: Reader | None = None, absent: Any = msgspec.NODEFAULT) -> Any:
    """Say how the field is called on the wire, and how its value is read from there.

    `read` takes the value as it stands on the wire, of the type its parameter is annotated with, and returns the field's value or raises
    ValueError. Without it a type with a `parse` method is parsed, anything else taken as it is. Where a field may be None, an absent
    or empty value becomes None and `read` is not called; where it may not, `absent` is what such a value becomes.
    """
    return _Wire(name, read, absent)


class _RecordMeta(msgspec.StructMeta):
    """Turns `wire(...)` into msgspec fields and keeps what the decoder needs."""

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any], **options: Any) -> type:
        wires = {key: value for key, value in body.items() if isinstance(value, _Wire)}
        made: type = super().__new__(cls, name, bases, {k: v for k, v in body.items() if k not in wires}, kw_only=True, **options)
        inherited = getattr(made, "__wires__", {})
        made.__wires__ = {**inherited, **wires}  # type: ignore[attr-defined]
        return made


class Lifetime(Protocol):
    """Tells for how long answers of a batch function are fresh, by the settings as they are now."""

    def age(self, started: float) -> float:
        """Return the seconds since a fetch began."""

    def is_stale(self, started: float, *, negative: bool) -> bool:
        """Tell whether an answer whose fetch began then is past its time to live."""


class Provenance:
    """Where a record comes from: its system, when the fetch that brought it began (seconds since 1970), and the message it came with.

    All provenances are equal, so that records are compared by what they say and not by where they come from.
    """

    __slots__ = ("_lifetime", "message_id", "started", "system")
    system: str
    message_id: str | None

    def __init__(self, system: str, started: float, lifetime: Lifetime, message_id: str | None = None) -> None:
        self.system = system
        self.started = started
        self.message_id = message_id
        self._lifetime = lifetime

    @property
    def fetched_at(self) -> datetime:
        """When the fetch began, in UTC and to the second."""
        return datetime.fromtimestamp(int(self.started), UTC)

    @property
    def age_seconds(self) -> int:
        """How many whole seconds ago that was."""
        return max(0, int(self._lifetime.age(self.started)))

    @property
    def stale(self) -> bool:
        """Whether the record is past its time to live, and was served because its system did not answer or is being asked."""
        return self._lifetime.is_stale(self.started, negative=False)

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, Provenance)

    def __hash__(self) -> int:
        return 0


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(wire,))
class Record(msgspec.Struct, frozen=True, gc=False, metaclass=_RecordMeta):
    """The base of all records: immutable, compared by value, safe to share between requests.

    `provenance` is put in when the record arrives, into the records that stand directly under a key, never into those inside them.
    """

    __wires__: ClassVar[Mapping[str, _Wire]]
    provenance: Provenance | None = None


def fields_of(record: type[Record]) -> tuple[str, ...]:
    """List the fields that a system says something in."""
    return tuple(name for name in record.__struct_fields__ if name != "provenance")


def stamp(records: Iterable[Record], provenance: Provenance) -> None:
    """Write into records where they come from: when they were fetched and nobody else has them yet, or when they are confirmed."""
    for record in records:
        msgspec.structs.force_setattr(record, "provenance", provenance)


def optional(annotation: Any) -> tuple[Any, bool]:
    """Split `T | None` into T and whether None is allowed."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(annotation) if member is not type(None)]
        if len(members) == 1:
            return members[0], len(typing.get_args(annotation)) > 1
    return annotation, False


def item_of(annotation: Any) -> Any | None:
    """Return the item type of `list[T]` or `tuple[T, ...]`, and None for anything else."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is list or (origin is tuple and len(arguments) == 2 and arguments[1] is ...):  # noqa: PLR2004 - tuple[T, ...]
        return arguments[0]
    return None


def is_record(annotation: Any) -> bool:
    """Tell whether the annotation is a record class."""
    return isinstance(annotation, type) and issubclass(annotation, Record)


def _reading(read: Reader) -> Any:
    """Find the wire type that a `read` function takes: the annotation of its first parameter."""
    hints = typing.get_type_hints(read.__func__ if isinstance(read, types.MethodType) else read)
    hints.pop("return", None)
    if not hints:
        message = f"{getattr(read, '__qualname__', read)} needs a type annotation on its parameter"
        raise TypeError(message)
    return next(iter(hints.values()))


@cache
def wire_type(annotation: Any) -> Any:
    """Derive the shape on the wire that decodes into `annotation`."""
    inner, nullable = optional(annotation)
    if nullable:
        return wire_type(inner) | None
    if (item := item_of(inner)) is not None:
        return list[wire_type(item)]  # type: ignore[misc]  # a type computed at run time
    if is_record(inner):
        return _wire_struct(inner)
    if inner in WIRE_LEAVES or (isinstance(inner, type) and issubclass(inner, msgspec.Struct | enum.Enum)):
        return inner
    if isinstance(inner, Parsed):
        return str
    message = f"{inner} cannot stand on the wire: give the field a `read` function"
    raise TypeError(message)


def _wire_struct(record: type[Record]) -> type[msgspec.Struct]:
    """Make the struct that msgspec decodes into; its fields keep the record's names and carry the wire's as alias."""
    hints = typing.get_type_hints(record)
    fields: list[tuple[str, Any, Any]] = []
    for name in fields_of(record):
        declared = record.__wires__.get(name) or _Wire(name, None)
        inner, nullable = optional(hints[name])
        kind = _reading(declared.read) if declared.read else wire_type(inner)
        nullable = nullable or declared.may_be_absent
        default = None if nullable else msgspec.NODEFAULT
        fields.append((name, kind | None if nullable else kind, msgspec.field(name=declared.name, default=default)))
    return msgspec.defstruct(f"{record.__name__}OnTheWire", fields, kw_only=True, gc=False)


@cache
def translator(annotation: Any) -> Reader | None:
    """Build the function from the wire's shape to `annotation`; None where nothing has to be done."""
    inner, nullable = optional(annotation)
    if nullable:
        read = translator(inner)
        return _none_when_empty(read) if read or inner is str else None
    if (item := item_of(inner)) is not None:
        return _each(translator(item))
    if is_record(inner):
        return _record_translator(inner)
    if inner not in WIRE_LEAVES and not (isinstance(inner, type) and issubclass(inner, msgspec.Struct | enum.Enum)):
        return typing.cast("Reader", inner.parse)
    return None


def _each(read: Reader | None) -> Reader:
    if read is None:
        return tuple
    return lambda values: tuple(read(value) for value in values)


def _none_when_empty(read: Reader | None) -> Reader:
    if read is None:
        return lambda value: None if value == "" else value
    return lambda value: None if value in EMPTY else read(value)


def _absent_when_empty(read: Reader | None, absent: Any) -> Reader:
    return lambda value: absent if value in EMPTY else read(value) if read else value


def _record_translator(record: type[Record]) -> Reader:
    """Generate `lambda w: Record(a=w.a, b=read_b(w.b), ...)` as source: a loop over fields would cost several times as much."""
    hints = typing.get_type_hints(record)
    names: dict[str, Any] = {"_record": record}
    parts: list[str] = []
    for name in fields_of(record):
        declared = record.__wires__.get(name) or _Wire(name, None)
        read = _field_reader(declared, hints[name])
        names[f"_read_{name}"] = read
        parts.append(f"{name}=_read_{name}(w.{name})" if read else f"{name}=w.{name}")
    return typing.cast("Reader", eval(f"lambda w: _record({', '.join(parts)})", names))  # noqa: S307 - field names, from our own classes


def _field_reader(declared: _Wire, annotation: Any) -> Reader | None:
    """Choose what turns the wire's value of one field into its own; None where it stands as it came."""
    inner, nullable = optional(annotation)
    read = declared.read or translator(inner)
    if declared.may_be_absent:
        return _absent_when_empty(read, declared.absent)
    if nullable:
        return _none_when_empty(read) if read or inner is str else None
    return read


class Decoder:
    """Decodes answers into `returns`: a record class, or a list of them."""

    def __init__(self, returns: Any) -> None:
        """Generate what is needed; TypeError where a field has no shape on the wire."""
        self.shape = wire_type(returns)
        self.translate = translator(returns) or (lambda value: value)
        self._json = msgspec.json.Decoder(self.shape)

    def json(self, body: bytes) -> Any:
        """Decode JSON; msgspec.ValidationError, msgspec.DecodeError or ValueError where it is not as agreed."""
        return self.translate(self._json.decode(body))

    def builtins(self, value: Any) -> Any:
        """Convert dicts, lists and strings, as XML is read into; numbers may be given as text."""
        return self.translate(msgspec.convert(value, self.shape, strict=False))


decoder = cache(Decoder)
