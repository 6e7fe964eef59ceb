"""XML from outside, read without entities, document types or network, into the dicts and lists that records are made from."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import msgspec
from lxml import etree

from graph.upstream.record import item_of, optional

TAGS_KEPT = 256
Read = Callable[[Any], dict[str, Any]]
# What stands under one local name: the name, how it is read (None for text), and whether it may stand more than once.
Child = tuple[str, Read | None, bool]


class XmlRefused(ValueError):
    """The text is not XML, or is XML of a kind that is never accepted from outside."""


# One parser for all, which spares making one for each answer; lxml lets only one thread at a time use it.
PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True, collect_ids=False
)  # fmt: skip


def parse(body: bytes) -> etree._Element:
    """Parse a document; XmlRefused where it is not well formed or brings a document type with it."""
    try:
        root = etree.fromstring(body, PARSER)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise XmlRefused("is not well-formed XML") from error
    docinfo: Any = root.getroottree().docinfo
    if docinfo.doctype:
        raise XmlRefused("holds a document type, which is never accepted")
    return root


def local_name(element: etree._Element) -> str:
    """Return the name without its namespace."""
    return element.tag.rpartition("}")[2]


def child(element: etree._Element, name: str) -> etree._Element | None:
    """Return the first child with this local name."""
    return next((found for found in element if local_name(found) == name), None)


def builtins(element: etree._Element, wire: Any) -> dict[str, Any]:
    """Read an element into the dict that the wire struct `wire` converts from; what the struct does not name is passed over.

    An element without text and children counts as absent. A name that may repeat is always a list, also when it stands once or not at all.
    """
    return _reader_of(wire)(element)


class _ByTag(dict[str, Child | None]):
    """Finds a child by its tag as it stands in the answer: to take the namespace off each time costs more than all else."""

    def __init__(self, by_name: Mapping[str, Child]) -> None:
        super().__init__()
        self._by_name = by_name

    def __missing__(self, tag: str) -> Child | None:
        """Meet a tag; a system that invents ever new ones does not fill the memory."""
        child = self._by_name.get(tag.rpartition("}")[2])
        if len(self) < TAGS_KEPT:
            self[tag] = child
        return child


@cache
def _reader_of(wire: Any) -> Read:
    children: dict[str, Child] = {}
    for part in msgspec.structs.fields(optional(wire)[0]):
        kind, _ = optional(part.type)
        item = item_of(kind)
        inner = optional(kind if item is None else item)[0]
        nested = _reader_of(inner) if isinstance(inner, type) and issubclass(inner, msgspec.Struct) else None
        children[part.encode_name] = (part.encode_name, nested, item is not None)
    return _reading(_ByTag(children), [name for name, _, repeats in children.values() if repeats])


def _reading(by_tag: _ByTag, repeating: list[str]) -> Read:
    """Make the function that reads one kind of element; it runs for every element of an answer, so it looks up as little as possible."""

    def read(element: etree._Element) -> dict[str, Any]:
        found: dict[str, Any] = {name: [] for name in repeating} if repeating else {}
        for under in element:
            if (child := by_tag[under.tag]) is None:
                continue
            name, nested, repeats = child
            value = ((under.text or "").strip() or None) if nested is None else nested(under) if len(under) else None
            if value is None:
                continue
            if repeats:
                found[name].append(value)
            elif name in found:
                raise XmlRefused(f"holds {name} twice")
            else:
                found[name] = value
        return found

    return read
