"""What tests of routes stand on: settings of each route, and an X-Road security server as a function from request to answer."""

import base64
import hashlib
from collections.abc import Callable, Mapping

import httpx

from graph.route_settings import PlatformSettings, XRoadSettings
from graph.upstream.connection import Upstream
from graph.upstream.record import Record, wire
from tests.lines import Handler, line

CLIENT, SERVICE = "VN/GOV/G01/motcua", "VN/GOV/MOF/business/registry"
HASH = base64.b64encode(bytes(64)).decode()
XROAD = "http://x-road.eu/xsd/xroad.xsd"
SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"


class Row(Record):
    code: str = wire("MA")


def json(content: bytes = b'{"MA": "1"}', status: int = 200, headers: Mapping[str, str] | None = None) -> httpx.Response:
    return httpx.Response(status, content=content, headers={"content-type": "application/json", **(headers or {})})


def through_xroad(handler: Handler, **changes: object) -> Upstream:
    """Make a line through X-Road to a REST service, or to whatever `changes` name."""
    named: dict[str, object] = {"client": CLIENT, "service": SERVICE, **changes}
    return line(handler, url="http://agency.test/ss", route="xroad", xroad=XRoadSettings(**named))  # type: ignore[arg-type]  # a test's own


def answered(request: httpx.Request, changes: Mapping[str, str] | None = None) -> httpx.Response:
    """Answer as the two security servers do; a header changed to "" is left out."""
    told = {"x-road-id": request.headers["x-road-id"], "x-road-service": SERVICE, "x-road-request-hash": HASH, **(changes or {})}
    return json(headers={name: value for name, value in told.items() if value})


def soap_answered(
    request: httpx.Request, message_id: str, *, digest: str | None = None, algorithm: str = SHA512, service: str = SERVICE
) -> httpx.Response:
    """Answer a SOAP message with X-Road's header fields; the hash is folded, as in the protocol's examples."""
    digest = digest or base64.encodebytes(hashlib.sha512(request.content).digest()).decode()
    names = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode", "serviceCode")
    parts = "".join(f"<i:{name}>{part}</i:{name}>" for name, part in zip(names, service.split("/"), strict=True))
    said = f'<x:service>{parts}</x:service><x:id>{message_id}</x:id><x:requestHash algorithmId="{algorithm}">{digest}</x:requestHash>'
    spaces = f'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:x="{XROAD}" xmlns:i="http://x-road.eu/xsd/identifiers"'
    content = f"<s:Envelope {spaces}><s:Header>{said}</s:Header><s:Body><Q><MA>1</MA></Q></s:Body></s:Envelope>"
    return httpx.Response(200, content=content.encode(), headers={"content-type": "text/xml; charset=utf-8"})


PLATFORM = PlatformSettings(token_url="http://platform.test/token", client_id="mot cua", client_secret="s3cret:&", scope="read all")


class Ndxp:
    """A platform: gives numbered tokens, lets `good` ones through, and notes what it was sent."""

    def __init__(self, expires_in: float = 60) -> None:
        self.expires_in = expires_in
        self.asked: list[httpx.Request] = []
        self.sent: list[httpx.Request] = []
        self.good: Callable[[str], bool] = lambda _token: True

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            self.asked.append(request)
            token = f"token-{len(self.asked)}"
            return httpx.Response(200, json={"access_token": token, "token_type": "bearer", "expires_in": self.expires_in})
        self.sent.append(request)
        return json() if self.good(request.headers["authorization"].removeprefix("Bearer ")) else json(b"{}", 401)


def through_ndxp(handler: Handler, platform: PlatformSettings = PLATFORM) -> Upstream:
    """Make a line through NDXP."""
    return line(handler, route="ndxp", platform=platform)
