"""SOAP 1.1: an element in an envelope, a fault told apart from an answer."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lxml import etree

from graph.errors import ContractBroken, SystemRefused, SystemUnavailable, Theirs
from graph.upstream import xml
from graph.upstream.record import decoder

NAMESPACE = "http://schemas.xmlsoap.org/soap/envelope/"
CONTENT_TYPE = "text/xml; charset=utf-8"
XML = frozenset({"text/xml", "application/xml"})
Look = Callable[[etree._Element], None]  # noqa: SLF001 - the name that the stubs have for an element

START = f"<?xml version='1.0' encoding='utf-8'?>\n<soapenv:Envelope xmlns:soapenv=\"{NAMESPACE}\">"
NAME = re.compile(r"[A-Za-z_][\w.-]*")
NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})


class Element:
    """An element of a request, already written out: its text or children are `inner`."""

    __slots__ = ("inner", "name", "namespace")

    def __init__(self, name: str, namespace: str, inner: str) -> None:
        self.name = name
        self.namespace = namespace
        self.inner = inner

    def written(self, within: str = "") -> str:
        """Write it where `within` is the namespace of the element around it."""
        name, inner = self.name, self.inner
        if self.namespace == within:
            return f"<ns0:{name}>{inner}</ns0:{name}>" if inner else f"<ns0:{name}/>"
        return f'<ns0:{name} xmlns:ns0="{self.namespace}">{inner}</ns0:{name}>'


def element(name: str, content: str | list[Element] = "", *, namespace: str) -> Element:
    """Make an element with text or children; what cannot stand in XML raises ValueError."""
    _check_name(name, namespace)
    if isinstance(content, str):
        return Element(name, namespace, content if content.isalnum() else escaped(content))
    return Element(name, namespace, "".join([child.written(namespace) for child in content]))


@lru_cache(maxsize=1_024)
def _check_name(name: str, namespace: str) -> None:
    if not NAME.fullmatch(name) or not namespace or '"' in namespace or escaped(namespace) != namespace:
        raise ValueError("not a name that XML allows")


def escaped(text: str) -> str:
    """Write a text as it stands in XML; what cannot stand there raises ValueError."""
    if NO_XML.search(text):
        raise ValueError("a text holds what cannot stand in XML")
    return text.translate(ESCAPES)


def envelope(operation: Element, header: Element | None, before: str = "") -> bytes:
    """Wrap an operation, and a header block where there is one; `before` is what stands in front of that, already written out."""
    blocks = before if header is None else before + header.written()
    head = f"<soapenv:Header>{blocks}</soapenv:Header>" if blocks else "<soapenv:Header/>"
    return f"{START}{head}<soapenv:Body>{operation.written()}</soapenv:Body></soapenv:Envelope>".encode()


def decode(system: str, body: bytes, returns: Any, look: Look | None = None) -> Any:
    """Read the first element of the answer's body into a record; raise what a fault means. `look` sees the envelope first."""
    root = xml.parse(body)
    if look is not None:
        look(root)
    content = xml.child(root, "Body")
    if xml.local_name(root) != "Envelope" or content is None or not len(content):
        raise ContractBroken(system, "sent an answer without a SOAP body", divisible=True)
    if xml.local_name(content[0]) == "Fault":
        raise _fault(system, content[0])
    into = decoder(returns)
    return into.builtins(xml.builtins(content[0], into.shape))


def _fault(system: str, fault: etree._Element) -> Theirs:
    """Tell our fault from theirs by the fault code; the fault's words stay out, they may quote what was asked."""
    code = xml.child(fault, "faultcode")
    said = (code.text or "").strip().rpartition(":")[2] if code is not None else ""
    if not said.startswith("Client"):
        return SystemUnavailable(system, "reports trouble of its own (SOAP fault)", divisible=True)
    if "Authentication" in said:
        return SystemRefused(system, "rejects our credentials (SOAP fault)")
    return SystemRefused(system, "rejects the request (SOAP fault)", divisible=True)
