"""SOAP 1.1: an element in an envelope, a fault told apart from an answer."""

from typing import Any

from lxml import etree

from graph.errors import ContractBroken, SystemRefused, SystemUnavailable, Theirs
from graph.upstream import xml
from graph.upstream.record import decoder

NAMESPACE = "http://schemas.xmlsoap.org/soap/envelope/"
CONTENT_TYPE = "text/xml; charset=utf-8"
XML = frozenset({"text/xml", "application/xml"})


def element(name: str, content: str | list[etree._Element] = "", *, namespace: str) -> etree._Element:
    """Make an element with text or children; what cannot stand in XML raises ValueError."""
    made = etree.Element(f"{{{namespace}}}{name}")
    if isinstance(content, str):
        made.text = content or None
    else:
        made.extend(content)
    return made


def envelope(operation: etree._Element, header: etree._Element | None) -> bytes:
    """Wrap an operation, and a header block where there is one."""
    root = etree.Element(f"{{{NAMESPACE}}}Envelope", nsmap={"soapenv": NAMESPACE})
    head = etree.SubElement(root, f"{{{NAMESPACE}}}Header")
    if header is not None:
        head.append(header)
    etree.SubElement(root, f"{{{NAMESPACE}}}Body").append(operation)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def decode(system: str, body: bytes, returns: Any) -> Any:
    """Read the first element of the answer's body into a record; raise what a fault means."""
    root = xml.parse(body)
    content = xml.child(root, "Body")
    if xml.local_name(root) != "Envelope" or content is None or not len(content):
        raise ContractBroken(system, "sent an answer without a SOAP body")
    if xml.local_name(content[0]) == "Fault":
        raise _fault(system, content[0])
    into = decoder(returns)
    return into.builtins(xml.builtins(content[0], into.shape))


def _fault(system: str, fault: etree._Element) -> Theirs:
    """Tell our fault from theirs by the fault code; the fault's words stay out, they may quote what was asked."""
    code = xml.child(fault, "faultcode")
    said = (code.text or "").strip().rpartition(":")[2] if code is not None else ""
    if said.startswith("Client"):
        if "Authentication" in said:
            return SystemRefused(system, "rejects our credentials (SOAP fault)")
        return SystemRefused(system, "rejects the request (SOAP fault)", divisible=True)
    return SystemUnavailable(system, "reports trouble of its own (SOAP fault)", divisible=True)
