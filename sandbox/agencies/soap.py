"""SOAP 1.1 as the population and tax systems speak it: opening an envelope safely and closing one."""

from typing import Final
from xml.sax.saxutils import escape

from lxml.etree import QName, XMLParser, XMLSyntaxError, _Element, fromstring

from sandbox.agency import Answer, Call, Reason, RefusedError

ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
MEDIA_TYPE: Final = "text/xml; charset=utf-8"


def open_envelope(call: Call) -> tuple[_Element | None, _Element]:
    """Return the header, if any, and the one element in the body, or raise RefusedError."""
    if not call.headers.get("content-type", "").startswith("text/xml"):
        raise RefusedError(Reason.WRONG_REQUEST, "Content-Type must be text/xml")
    if "soapaction" not in call.headers:
        raise RefusedError(Reason.WRONG_REQUEST, "the header SOAPAction is required")
    root = _parse(call.body)
    body = root.find(f"{{{ENVELOPE}}}Body")
    if root.tag != f"{{{ENVELOPE}}}Envelope" or body is None or len(body) != 1:
        raise RefusedError(Reason.WRONG_REQUEST, "the message is not a SOAP 1.1 envelope with one element in its body")
    return root.find(f"{{{ENVELOPE}}}Header"), body[0]


def _parse(message: bytes) -> _Element:
    # A parser serves one message: sharing one between calls shares its error log too.
    parser = XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        root = fromstring(message, parser)
    except XMLSyntaxError as error:
        raise RefusedError(Reason.WRONG_REQUEST, "the message is not well-formed XML") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise RefusedError(Reason.WRONG_REQUEST, "the message must not have a DOCTYPE")
    return root


def local_name(element: _Element) -> str:
    """Return an element's name without its namespace."""
    return QName(element).localname


def text_of(element: _Element, path: str, namespace: str) -> str:
    """Return the text at a path of names in one namespace, "" when it is absent."""
    steps = "/".join(f"{{{namespace}}}{name}" for name in path.split("/"))
    return (element.findtext(steps) or "").strip()


def tag(name: str, value: str) -> str:
    """Write an element with text, empty when there is none."""
    return f"<{name}>{escape(value)}</{name}>" if value else f"<{name}/>"


def close_envelope(prefix: str, content: bytes, status: int = 200) -> Answer:
    """Put content into the body of an envelope."""
    start = f'<?xml version="1.0" encoding="UTF-8"?><{prefix}:Envelope xmlns:{prefix}="{ENVELOPE}"><{prefix}:Body>'
    return Answer(status, MEDIA_TYPE, start.encode() + content + f"</{prefix}:Body></{prefix}:Envelope>".encode())


def fault(prefix: str, code: str, message: str, detail: str = "") -> Answer:
    """Write a SOAP fault, which travels as HTTP 500."""
    parts = f"<faultcode>{prefix}:{code}</faultcode>{tag('faultstring', message)}{detail}"
    return close_envelope(prefix, f"<{prefix}:Fault>{parts}</{prefix}:Fault>".encode(), 500)
