"""Packing: what is kept of an answer, as bytes that another process of the same shape turns into equal records."""

import enum
import hashlib
import typing
from functools import cache
from typing import Any, Final

import msgspec

from graph.loading.batch import Batch
from graph.upstream.record import Provenance, fields_of, is_record, item_of, optional

SHAPE_BYTES: Final = 6


class Kept(msgspec.Struct, frozen=True):
    """An answer (also a "nothing"), when its fetch began (seconds since 1970), how long that took, and the message that it came with."""

    value: Any
    started: float
    cost: float = 0.0
    message_id: str | None = None


class Packer:
    """Packs and unpacks the answers of one batch function; `shape` differs where the fields of its records or their types do."""

    def __init__(self, batch: Batch[Any, Any]) -> None:
        value = tuple[batch.record, ...] if batch.many else batch.record | None  # type: ignore[name-defined]  # a type known at run time
        self.shape = hashlib.blake2b(_described(value, ()).encode(), digest_size=SHAPE_BYTES).hexdigest()
        self._decoder = msgspec.msgpack.Decoder(tuple[value, float, float, str | None], dec_hook=_revived)  # type: ignore[valid-type]  # likewise

    def pack(self, kept: Kept) -> bytes:
        """Write an answer; where its records come from is left out, as the reader knows it from the rest."""
        return packed((kept.value, kept.started, kept.cost, kept.message_id))

    def unpack(self, packed: bytes) -> Kept:
        """Read an answer; msgspec.DecodeError where it is none. What was checked when it arrived is not checked again."""
        return Kept(*self._decoder.decode(packed))


packer = cache(Packer)


def packed(value: Any) -> bytes:
    """Write anything made of records, keys and plain values, without ambiguity; TypeError or NotImplementedError where it is not."""
    return _ENCODER.encode(value)


def _plain(value: Any) -> Any:
    """Turn into something plain what msgspec does not know: an identifier is text, a provenance is not written."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Provenance):
        return None
    message = f"{type(value).__name__} cannot be kept in the shared tier"
    raise NotImplementedError(message)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_plain)


def _revived(kind: type[Any], value: Any) -> Any:
    """Make an identifier of text, without its rule: it was checked when it arrived."""
    if issubclass(kind, str):
        return str.__new__(kind, value)
    message = f"{kind.__name__} cannot be kept in the shared tier"
    raise NotImplementedError(message)


def _described(annotation: Any, inside: tuple[Any, ...]) -> str:
    """Write a type down to its leaves; `inside` are the records around it, for one that holds itself."""
    inner, nullable = optional(annotation)
    if nullable:
        return _described(inner, inside) + "?"
    if (item := item_of(inner)) is not None:
        return f"[{_described(item, inside)}]"
    if is_record(inner) and inner not in inside:
        hints = typing.get_type_hints(inner)
        fields = (f"{name}:{_described(hints[name], (*inside, inner))}" for name in fields_of(inner))
        return f"{inner.__name__}{{{','.join(fields)}}}"
    if isinstance(inner, type) and issubclass(inner, enum.Enum):
        return f"{inner.__name__}({','.join(repr(member.value) for member in inner)})"
    return getattr(inner, "__qualname__", repr(inner))
