"""An X-Road security server before the agencies: REST under /xroad/r1, SOAP at /xroad/, with headers and errors as published.

Both security servers, the caller's and the agency's, are one here; nothing is signed.
"""

import base64
import copy
import hashlib
import uuid
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote

import orjson
from lxml import etree
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.agencies.soap import ENVELOPE, MEDIA_TYPE, local_name, open_envelope
from sandbox.agency import Call, RefusedError
from sandbox.relay import RawHeaders, Replayed, Sent, collected, onward, read, with_headers, without

XROAD: Final = "http://x-road.eu/xsd/xroad.xsd"
IDENTIFIERS: Final = "http://x-road.eu/xsd/identifiers"
REPRESENTATION: Final = "http://x-road.eu/xsd/representation.xsd"
SHA512: Final = "http://www.w3.org/2001/04/xmlenc#sha512"
CLIENT: Final = "VN/GOV/G01/motcua"
DENIED: Final = "VN/GOV/G01/denied"
"""A client that is known and may call nothing."""

REST: Final = {
    "VN/GOV/MOF/business/registry": "/business/v1",
    "VN/GOV/VSS/insurance/books": "/insurance/api/v2",
    "VN/GOV/MOJ/civil-status/register": "/civil-status/api",
    "VN/GOV/MOST/code-lists/lists": "/code-lists",
}
SOAP: Final = {"VN/GOV/MPS/population": "/population/ws", "VN/GOV/MOF/tax": "/tax/ws"}
"""Each REST service, and each subsystem with SOAP services, and where its agency is."""

_UNHASHED: Final = (
    b"transfer-encoding", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer", b"upgrade", b"connection",
    b"user-agent", b"host", b"content-length", b"server", b"expect", b"x-road-request-id", b"x-road-request-hash",
)  # fmt: skip


class Refused(Exception):
    """The security server itself says no, or fails."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


class Breakage(NamedTuple):
    """What the security server fails with, and how often; None for as long as it stands."""

    code: str
    times: int | None


class SecurityServer:
    """Takes messages of both protocols and hands them to the agencies; `breakage` is turned by the controls."""

    def __init__(self, agencies: ASGIApp, tokens: Mapping[str, str]) -> None:
        self._agencies = agencies
        self._population = f"Bearer {tokens['population']}".encode()
        self.breakage: Breakage | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one message."""
        try:
            sent = await read(scope, receive)
        except ClientDisconnect:
            return
        replayed = Replayed(sent.body, receive).receive
        if sent.path == "/health":
            await Response(b'{"status":"UP"}', media_type="application/json")(scope, receive, send)
        elif sent.path.startswith("/r1/"):
            await self._rest(sent, scope, replayed, send)
        else:
            await self._soap(sent, scope, replayed, send)

    async def _rest(self, sent: Sent, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            client, service, path = self._read_rest(sent)
        except Refused as refused:
            await _rest_error(refused)(scope, receive, send)
            return
        request_id = str(uuid.uuid4())
        told = {
            "X-Road-Id": sent.header("x-road-id") or str(uuid.uuid4()),
            "X-Road-Client": client,
            "X-Road-Service": service,
            "X-Road-Request-Id": request_id,
            "X-Road-Request-Hash": rest_hash(sent, request_id),
        }
        await self._agencies(onward(scope, path, sent.headers), receive, with_headers(send, told))

    async def _soap(self, sent: Sent, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            header, path = self._read_soap(sent)
        except Refused as refused:
            await _soap_error(refused)(scope, receive, send)
            return
        kept: RawHeaders = [one for one in sent.headers if one[0] in {b"content-type", b"soapaction", b"content-length", b"host"}]
        if path == SOAP["VN/GOV/MPS/population"]:
            kept.append((b"authorization", self._population))
        await collected(
            self._agencies, onward(scope, path, kept), receive, send, lambda status, body: _answered(status, body, header, sent.body)
        )

    def _read_rest(self, sent: Sent) -> tuple[str, str, str]:
        """Return the client, the service, and where the message goes."""
        client = sent.header("x-road-client") or ""
        self._check(client)
        parts = sent.path.removeprefix("/r1/").split("/")
        service = "/".join(unquote(part) for part in parts[:5])
        if service not in REST:
            raise Refused("Server.ServerProxy.UnknownService", "Unknown service")
        return client, service, REST[service] + "".join(f"/{part}" for part in parts[5:])

    def _read_soap(self, sent: Sent) -> tuple[list[etree._Element], str]:
        """Return X-Road's own header fields and where the message goes."""
        try:
            names = {name.decode("latin-1"): value.decode("latin-1") for name, value in sent.headers}
            header, operation = open_envelope(Call("", names, (), {}, sent.body))
        except RefusedError as error:
            raise Refused("Client.InvalidSoap", error.message) from None
        fields = [] if header is None else [one for one in header if etree.QName(one).namespace in {XROAD, REPRESENTATION}]
        found = {local_name(one): one for one in fields}
        for needed in ("client", "service", "id", "protocolVersion"):
            if needed not in found or not (found[needed].text or len(found[needed])):
                raise Refused("Client.MissingHeaderField", f"Required field '{needed}' is missing")
        if found["protocolVersion"].text != "4.0":
            raise Refused("Client.InvalidProtocolVersion", "Unsupported protocol version")
        self._check("/".join(_parts(found["client"])))
        service = _parts(found["service"])
        if (path := SOAP.get("/".join(service[:4]))) is None:
            raise Refused("Server.ServerProxy.UnknownService", "Unknown service")
        if service[4:5] != [local_name(operation)]:
            raise Refused("Client.InvalidBody", "The operation is not called as the service is")
        return fields, path

    def _check(self, client: str) -> None:
        """Let known clients through, as long as the server works."""
        if self.breakage is not None:
            code, times = self.breakage
            self.breakage = None if times == 1 else Breakage(code, None if times is None else times - 1)
            raise Refused(code, "The sandbox was told to fail")
        if not client:
            raise Refused("Client.BadRequest", "X-Road-Client is missing")
        if client == DENIED:
            raise Refused("Server.ServerProxy.AccessDenied", "Request is not allowed")
        if client != CLIENT:
            raise Refused("Server.ClientProxy.UnknownMember", "Client is not registered")


def rest_hash(sent: Sent, request_id: str) -> str:
    """Hash method, address and headers, and then those and the body where there is one."""
    lines = [sent.method.encode(), sent.target]
    lines += [name + b":" + value for name, value in without(sent.headers, *_UNHASHED)]
    lines.append(f"x-road-request-id:{request_id}".encode())
    digest = hashlib.sha512(b"".join(line + b"\r\n" for line in lines)).digest()
    if sent.body:
        digest = hashlib.sha512(digest + hashlib.sha512(sent.body).digest()).digest()
    return base64.b64encode(digest).decode()


def _answered(status: int, body: bytes, fields: list[etree._Element], sent: bytes) -> bytes | None:
    """Put the header fields of the request into an agency's answer, and the hash of the request; a fault stays as it is."""
    if status != 200:
        return None
    try:
        envelope = etree.fromstring(body)
    except etree.XMLSyntaxError:
        return None
    if envelope.tag != f"{{{ENVELOPE}}}Envelope" or envelope.find(f"{{{ENVELOPE}}}Body/{{{ENVELOPE}}}Fault") is not None:
        return None
    header = etree.Element(f"{{{ENVELOPE}}}Header")
    header.extend([copy.deepcopy(field) for field in fields])
    digest = etree.SubElement(header, f"{{{XROAD}}}requestHash", algorithmId=SHA512)
    digest.text = base64.encodebytes(hashlib.sha512(sent).digest()).decode()  # folded, as in the protocol's own examples
    envelope.insert(0, header)
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


def _parts(element: etree._Element) -> list[str]:
    return [(part.text or "").strip() for part in element if etree.QName(part).namespace == IDENTIFIERS]


def _rest_error(refused: Refused) -> Response:
    body = orjson.dumps({"type": refused.code, "message": refused.words, "detail": str(uuid.uuid4())})
    status = 400 if refused.code.startswith("Client.") else 500
    return Response(body, status, {"X-Road-Error": refused.code}, "application/json;charset=utf-8")


def _soap_error(refused: Refused) -> Response:
    fault = f"<faultcode>{refused.code}</faultcode><faultstring>{refused.words}</faultstring>"
    body = f"<s:Body><s:Fault>{fault}<faultactor/><detail><faultDetail>{uuid.uuid4()}</faultDetail></detail></s:Fault></s:Body>"
    content = f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{ENVELOPE}">{body}</s:Envelope>'
    return Response(content.encode(), 500, media_type=MEDIA_TYPE)
