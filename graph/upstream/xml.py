"""XML from outside, read without entities, document types or network, into the dicts and lists that records are made from."""

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from lxml import etree

from graph.upstream.record import item_of, optional


class XmlRefused(ValueError):
    """The text is not XML, or is XML of a kind that is never accepted from outside."""


def parse(body: bytes) -> etree._Element:
    """Parse a document; XmlRefused where it is not well formed or brings a document type with it."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        message = "is not well-formed XML"
        raise XmlRefused(message) from error
    docinfo: Any = root.getroottree().docinfo
    if docinfo.doctype:
        message = "holds a document type, which is never accepted"
        raise XmlRefused(message)
    return root


def local_name(element: etree._Element) -> str:
    """Return the name without its namespace."""
    return element.tag.rpartition("}")[2]


def child(element: etree._Element, name: str) -> etree._Element | None:
    """Return the first child with this local name."""
    return next((found for found in element if local_name(found) == name), None)


@dataclass(frozen=True)
class _Shape:
    """What to expect under one element, by local name: the shape of the child, and whether it may repeat."""

    children: Mapping[str, tuple["_Shape | None", bool]]


@cache
def _shape_of(wire: Any) -> _Shape | None:
    inner, _ = optional(wire)
    if not (isinstance(inner, type) and issubclass(inner, msgspec.Struct)):
        return None
    children: dict[str, tuple[_Shape | None, bool]] = {}
    for part in msgspec.structs.fields(inner):
        kind, _ = optional(part.type)
        item = item_of(kind)
        children[part.encode_name] = (_shape_of(kind if item is None else item), item is not None)
    return _Shape(children)


def builtins(element: etree._Element, wire: Any) -> dict[str, Any]:
    """Read an element into the dict that the wire struct `wire` converts from; what the struct does not name is passed over.

    An element without text and children counts as absent. A name that may repeat is always a list, also when it stands once or not at all.
    """
    return _read(element, typing.cast("_Shape", _shape_of(wire)))


def _read(element: etree._Element, shape: _Shape) -> dict[str, Any]:
    read: dict[str, Any] = {name: [] for name, (_, repeats) in shape.children.items() if repeats}
    for found in element:
        name = local_name(found)
        if name not in shape.children:
            continue
        inner, repeats = shape.children[name]
        value = _value(found, inner)
        if value is None:
            continue
        if repeats:
            read[name].append(value)
        elif name in read:
            message = f"holds {name} twice"
            raise XmlRefused(message)
        else:
            read[name] = value
    return read


def _value(element: etree._Element, shape: _Shape | None) -> Any:
    if shape is None:
        return (element.text or "").strip() or None
    return _read(element, shape) if len(element) else None
