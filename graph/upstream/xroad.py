"""Through X-Road: each message says who asks, for whom and about what, and each answer is held against the message it belongs to.

As published in PR-REST (r1), PR-MESS 4.0, PR-THIRDPARTY and PR-TARGETSS; docs/routes.md says what is checked and what cannot be.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import unquote

from lxml import etree

from graph.errors import ContractBroken, SystemRefused, SystemUnavailable, Theirs
from graph.route_settings import Identifier, XRoadSettings, identifier
from graph.upstream import soap, xml
from graph.upstream.exchange import Answer, Headers, Line
from graph.upstream.routes import SERVER_ERROR, TOO_MANY, Call, Message, message_id

XROAD: Final = "http://x-road.eu/xsd/xroad.xsd"
IDENTIFIERS: Final = "http://x-road.eu/xsd/identifiers"
REPRESENTATION: Final = "http://x-road.eu/xsd/representation.xsd"
MEMBER: Final = ("xRoadInstance", "memberClass", "memberCode")
SERVICE: Final = (*MEMBER, "subsystemCode", "serviceCode", "serviceVersion")
SAME_AS_OPERATION: Final = "*"
# X-Road's own codes; of an agency's own SOAP fault "Client" is a name in a namespace, and so has a prefix.
CODE: Final = re.compile(r"[A-Za-z]+(\.[A-Za-z]+)*")
LONGEST_CODE: Final = 100
PROXIES: Final = ("Server.ClientProxy", "Server.ServerProxy")
# What trying again does not help: an operator has to look.
REFUSALS: Final = frozenset({"AccessDenied", "UnknownMember", "UnknownService"})
SHA512_BYTES: Final = 64
DIGESTS: Final[dict[str, Callable[[bytes], Any]]] = {
    "http://www.w3.org/2001/04/xmlenc#sha512": hashlib.sha512,
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashlib.sha384,
    "http://www.w3.org/2001/04/xmlenc#sha256": hashlib.sha256,
}
# What a security server does not count among the headers of a request when it hashes them.
UNHASHED: Final = frozenset(
    {
        b"transfer-encoding", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer", b"upgrade", b"connection",
        b"user-agent", b"host", b"content-length", b"server", b"expect", b"x-road-request-id", b"x-road-request-hash",
    }
)  # fmt: skip
FIRST_HASHED: Final[Headers] = [(b"accept-encoding", b"identity")]


class XRoad:
    """The route through our security server; `path` is what stands before /r1 in its address."""

    def __init__(self, settings: XRoadSettings, path: bytes) -> None:
        """Write once what is the same in each message."""
        self._settings = settings
        self._client = _checked(settings.client, 3, 4)
        self._service = _checked(settings.service, 5, 6)
        self._server = None if settings.security_server is None else _checked(settings.security_server, 4, 4)
        path = path.rstrip(b"/")
        self.rest = path + b"/r1/" + Identifier(self._service.parts[:5]).quoted.encode("ascii")
        self.soap = path + b"/"
        self._constant: Headers = [(b"x-road-client", self._client.quoted.encode("ascii"))]
        if self._server is not None:
            self._constant.append((b"x-road-security-server", self._server.quoted.encode("ascii")))
        self._start = _block("client", "MEMBER" if len(self._client.parts) == len(MEMBER) else "SUBSYSTEM", SERVICE, self._client.parts)
        self._targeted = "" if self._server is None else _block("securityServer", "SERVER", (*MEMBER, "serverCode"), self._server.parts)

    async def carry(self, call: Call, line: Line, message: Message) -> Answer:
        """Send a REST message with X-Road's headers; SOAP messages have them inside, and a question for health has none."""
        if not message.target.startswith(self.rest):
            answer = await line.exchange(*message, call.errand.ends_at)
            if message.method == b"POST" and not _is_xml(answer):
                self._on_the_way(call, answer)
            return answer
        sent_id = message_id(call)
        headers = [*message.headers, *self._constant, (b"x-road-id", sent_id.encode("ascii")), *self._told(call)]
        answer = await line.exchange(message.method, message.target, headers, message.body, call.errand.ends_at)
        self._check(call, sent_id, message._replace(headers=headers), answer)
        return answer

    def soap_header(self, call: Call, operation: str) -> str:
        """Write X-Road's header of a SOAP message; PR-MESS wants the service to be called as the operation is."""
        sent_id = message_id(call)
        errand, service = call.errand, self._named(operation)
        try:
            parts = [self._start, _block("service", "SERVICE", SERVICE, service), self._targeted]
            if (party := self._party(call)) is not None:
                parts.append(_represented(party.parts))
            parts.append(_element("id", sent_id))
            if errand.official is not None:
                parts.append(_element("userId", self._settings.user_country + errand.official))
            if errand.issue is not None:
                parts.append(_element("issue", errand.issue))
        except ValueError:
            raise _untellable(call) from None
        return "".join([*parts, _element("protocolVersion", "4.0")])

    def read_soap(self, call: Call, sent_id: str | None, sent: bytes, envelope: etree._Element) -> None:
        """Tell X-Road's own faults apart, and hold the header of the answer against what was sent.

        An agency's own fault travels without a header; where it has one, that must be right too.
        """
        name = call.system.name
        body, header = xml.child(envelope, "Body"), xml.child(envelope, "Header")
        fault = None if body is None else xml.child(body, "Fault")
        if fault is not None and (code := _own_code(fault)) is not None:
            raise _failed(name, code)
        found = {} if header is None else {element.tag: element for element in header}
        if fault is not None and f"{{{XROAD}}}id" not in found:
            return
        said = found.get(f"{{{XROAD}}}id")
        if said is None or (said.text or "").strip() != sent_id:
            raise ContractBroken(name, "sent an answer that belongs to another message: its X-Road id is not the one that was sent")
        call.request_hash = _soap_hash(name, found.get(f"{{{XROAD}}}requestHash"), sent)
        service = found.get(f"{{{XROAD}}}service")
        answered = None if service is None else tuple((part.text or "").strip() for part in service)
        if answered is None or answered[:4] != self._service.parts[:4] or not _continues(self._service.parts, answered):
            raise ContractBroken(name, "sent an answer of another X-Road service than was asked")

    async def close(self) -> None:
        """Keep nothing open."""

    # ── what is told, and what is checked ────────────────────────────────────────────────────────────────────────────────

    def _told(self, call: Call) -> Iterator[tuple[bytes, bytes]]:
        """Tell who asks, about which case, and for which body."""
        errand = call.errand
        try:
            if errand.official is not None:
                yield b"x-road-userid", (self._settings.user_country + errand.official).encode("ascii")
            if errand.issue is not None:
                yield b"x-road-issue", errand.issue.encode("ascii")
        except UnicodeEncodeError:
            raise _untellable(call) from None
        if (party := self._party(call)) is not None:
            yield b"x-road-represented-party", party.quoted.encode("ascii")

    def _party(self, call: Call) -> Identifier | None:
        text = call.errand.represented or self._settings.represented_party
        if text is None:
            return None
        if (party := identifier(text, 1, 2)) is None:
            raise SystemRefused(call.system.name, "was not asked: the body represented is not named as CLASS/CODE or CODE")
        return party

    def _named(self, operation: str) -> tuple[str, ...]:
        code, *version = self._service.parts[4:]
        return (*self._service.parts[:4], operation if code == SAME_AS_OPERATION else code, *version)

    def _check(self, call: Call, sent_id: str, sent: Message, answer: Answer) -> None:
        name, headers = call.system.name, answer.headers
        if (code := headers.get(b"x-road-error")) is not None:
            raise _failed(name, code.decode("latin-1").strip())
        if b"x-road-id" not in headers:
            self._on_the_way(call, answer)
        if headers.get(b"x-road-id", b"").decode("latin-1") != sent_id:
            raise ContractBroken(name, "sent an answer that belongs to another message: its X-Road id is not the one that was sent")
        service = tuple(unquote(part) for part in headers.get(b"x-road-service", b"").decode("latin-1").split("/"))
        if service != self._service.parts[:5]:
            raise ContractBroken(name, "sent an answer of another X-Road service than was asked")
        said = headers.get(b"x-road-request-hash", b"").decode("latin-1")
        if (digest := _decoded(said)) is None or len(digest) != SHA512_BYTES:
            raise ContractBroken(name, "sent an answer without a hash of the request that is one")
        if self._settings.recompute_request_hash and digest != rest_hash(sent, headers.get(b"x-road-request-id", b"")):
            raise ContractBroken(name, "sent an answer to another request: its hash is not that of the one that was sent")
        call.request_hash = said

    def _on_the_way(self, call: Call, answer: Answer) -> None:
        """Tell what an error means that nobody behind our security server has sent."""
        if answer.status >= SERVER_ERROR:
            raise SystemUnavailable(call.system.name, f"could not be reached through X-Road (HTTP {answer.status})")
        if answer.status >= 400 and answer.status != TOO_MANY:  # noqa: PLR2004 - the first status that says no
            raise SystemRefused(call.system.name, f"was not reached: X-Road refuses the message (HTTP {answer.status})")


def rest_hash(sent: Message, request_id: bytes) -> bytes:
    """Compute what a security server (NIIS) makes of a REST request, headers as our own pool sends them."""
    lines = [sent.method, sent.target]
    lines += [name + b":" + value for name, value in [*FIRST_HASHED, *sent.headers] if name.lower() not in UNHASHED]
    lines.append(b"x-road-request-id:" + request_id)
    head = hashlib.sha512(b"".join(line + b"\r\n" for line in lines)).digest()
    return hashlib.sha512(head + hashlib.sha512(sent.body).digest()).digest() if sent.body else head


def _soap_hash(system: str, element: etree._Element | None, sent: bytes) -> str:
    """Compare the hash of the request, which PR-MESS defines to the byte, and return it."""
    said = "" if element is None else "".join((element.text or "").split())
    algorithm = None if element is None else DIGESTS.get(element.get("algorithmId", ""))
    if algorithm is None:
        raise ContractBroken(system, "sent an answer without a hash of the request, or with one of an unknown kind")
    if _decoded(said) != algorithm(sent).digest():
        raise ContractBroken(system, "sent an answer to another request: its hash is not that of the one that was sent")
    return said


def _own_code(fault: etree._Element) -> str | None:
    """Return the code of a fault that is X-Road's own, and None for an agency's."""
    element = xml.child(fault, "faultcode")
    said = (element.text or "").strip() if element is not None else ""
    bare = said.rpartition(":")[2]
    return bare if bare.startswith(PROXIES) or said.startswith("Client.") else None


def _failed(system: str, code: str) -> Theirs:
    """Say that the platform failed; its code is shown only where it is surely one."""
    shown = f" ({code})" if len(code) <= LONGEST_CODE and CODE.fullmatch(code) else ""
    if code.partition(".")[0] == "Client" or code.rpartition(".")[2] in REFUSALS:
        return SystemRefused(system, f"was not reached: X-Road refuses the message{shown}")
    return SystemUnavailable(system, f"could not be reached through X-Road{shown}")


def _untellable(call: Call) -> Theirs:
    return SystemRefused(call.system.name, "was not asked: what X-Road wants to be told of the caller cannot stand in a message")


def _continues(service: tuple[str, ...], answered: tuple[str, ...]) -> bool:
    """Compare code and version, as far as the settings have them."""
    return service[4] == SAME_AS_OPERATION or answered[4:] == service[4:]


def _is_xml(answer: Answer) -> bool:
    return answer.headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1") in soap.XML


def _decoded(said: str) -> bytes | None:
    try:
        return base64.b64decode(said, validate=True)
    except (binascii.Error, ValueError):
        return None


def _checked(text: str, least: int, most: int) -> Identifier:
    found = identifier(text, least, most)
    if found is None:
        raise ValueError("not an X-Road identifier")
    return found


def _block(name: str, kind: str, names: tuple[str, ...], parts: tuple[str, ...]) -> str:
    inner = "".join(f"<id:{each}>{soap.escaped(part)}</id:{each}>" for each, part in zip(names, parts, strict=False))
    return f'<xrd:{name} xmlns:xrd="{XROAD}" xmlns:id="{IDENTIFIERS}" id:objectType="{kind}">{inner}</xrd:{name}>'


def _represented(parts: tuple[str, ...]) -> str:
    names = ("partyClass", "partyCode")[-len(parts) :]
    inner = "".join(f"<repr:{name}>{soap.escaped(part)}</repr:{name}>" for name, part in zip(names, parts, strict=True))
    return f'<repr:representedParty xmlns:repr="{REPRESENTATION}">{inner}</repr:representedParty>'


def _element(name: str, text: str) -> str:
    return f'<xrd:{name} xmlns:xrd="{XROAD}">{soap.escaped(text)}</xrd:{name}>'
