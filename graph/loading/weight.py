"""What an entry of a resolver cache takes of this process's memory, in bytes.

For each record class a function is generated that walks its fields, as a general walk over objects would cost ten times as much. What all
entries have in common (keys, slots, clocks) is a constant; what several entries may share is counted with each of them.
"""

import enum
import sys
import typing
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final

from graph.loading.batch import Batch
from graph.upstream.record import Provenance, Record, fields_of, is_record, item_of, optional

Weigher = Callable[[Any, Any], int]
Walk = Callable[[Any], int]

# Memory is given out in pieces of 16 bytes: half a piece is lost on average.
ROUNDING: Final = 8
NUMBER: Final = 32
POINTER: Final = 8
TUPLE: Final = sys.getsizeof(())
# "person:" and twelve digits, and its place in the tuple of labels.
LABEL: Final = 88
PROVENANCE: Final = 80
# The entry with its three times and its weight, its slot, its compound key, its places in tables and queues, and its share of the memory
# of keys that left: as measured over caches that are full of small and of large records (tests/graph/loading/test_weight.py).
ENTRY: Final = 540


def weigher(batch: Batch[Any, Any]) -> Weigher:
    """Make the function from a key and what is under it to the bytes that the entry takes, everything included."""
    key_walk, walk = _walk(batch.key_type) or _nothing, _walk(batch.record) or _nothing
    # Where there is no record, the person whom the key names; else they stand in the record and are counted there.
    absent = ENTRY + (LABEL if batch.personal else 0)

    def weigh_one(key: Any, value: Any) -> int:
        return absent + key_walk(key) if value is None else ENTRY + key_walk(key) + walk(value) + _origin(value.provenance)

    def weigh_many(key: Any, values: Any) -> int:
        if not values:
            return absent + key_walk(key)
        own = TUPLE + POINTER * len(values) + _origin(values[0].provenance)
        return ENTRY + key_walk(key) + own + sum(map(walk, values))

    return weigh_many if batch.many else weigh_one


def _nothing(_value: Any) -> int:
    return 0


def _origin(provenance: Provenance | None) -> int:
    if provenance is None:
        return 0
    return PROVENANCE + (_size(provenance.message_id) if provenance.message_id else 0)


def _size(value: Any) -> int:
    return sys.getsizeof(value) + ROUNDING


@cache
def _walk(annotation: Any) -> Walk | None:
    """Choose what weighs a value of a type; None where it takes no memory of its own."""
    inner, _ = optional(annotation)
    if isinstance(inner, type) and issubclass(inner, bool | enum.Enum):
        return None
    if (item := item_of(inner)) is not None:
        return _items(_walk(item))
    if is_record(inner):
        return _fields(inner, fields_of(inner), sys.getsizeof(_hollow(inner)))
    if isinstance(inner, type) and issubclass(inner, tuple) and hasattr(inner, "_fields"):
        return _fields(inner, inner._fields, TUPLE + POINTER * len(inner._fields))
    return _size


def _hollow(record: type[Record]) -> Record:
    """Make a record without values: all that is of interest is how much room its fields take."""
    return record(**dict.fromkeys(record.__struct_fields__))


def _items(walk: Walk | None) -> Walk:
    def items(values: Any) -> int:
        return TUPLE + ROUNDING + POINTER * len(values) + (sum(map(walk, values)) if walk else 0)

    return items


def _fields(kind: Any, names: Iterable[str], own: int) -> Walk:
    """Generate `def walk(r)` as source, with a line or two for each field that takes memory beyond its place in the object."""
    hints = typing.get_type_hints(kind)
    base, lines, walks = own + ROUNDING, [], {}
    for name in names:
        inner, _ = optional(hints[name])
        if inner in {int, float}:
            base += NUMBER
        elif isinstance(inner, type) and issubclass(inner, str):
            extra = ROUNDING + (LABEL if hasattr(inner, "person") else 0)
            lines += [f"v = r.{name}", f"if v is not None: n += v.__sizeof__() + {extra}"]
        elif walk := _walk(inner):
            walks[f"walk_{name}"] = walk
            lines += [f"v = r.{name}", f"if v is not None: n += walk_{name}(v)"]
    body = "\n    ".join([f"n = {base}", *lines, "return n"])
    exec(f"def walk(r):\n    {body}", walks)  # noqa: S102 - field names, from our own classes
    return walks["walk"]
