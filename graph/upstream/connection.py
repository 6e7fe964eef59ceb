"""One connected system's line: a client of its own, with limits on time, size and connections, and every failure put into words.

What `resolvers/` call is here and nowhere else; httpx and aiohttp errors do not get past this module.
"""

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import httpx
import msgspec
import orjson
from httpx_aiohttp import AiohttpTransport
from lxml import etree

from graph.errors import ContractBroken, SystemRefused, SystemThrottled, SystemTimedOut, SystemUnavailable, Theirs
from graph.settings import SystemSettings
from graph.upstream import envelope, rest, soap
from graph.upstream.system import System
from graph.upstream.xml import XmlRefused

OK, UNAUTHORIZED, FORBIDDEN, TOO_MANY, SERVER_ERROR = 200, 401, 403, 429, 500
Query = Mapping[str, str | int | Sequence[str]]


class Upstream:
    """The line to one system; an async context manager that opens and closes it."""

    def __init__(
        self, system: System, settings: SystemSettings, *, options: msgspec.Struct, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Prepare the line; nothing is sent. `transport` takes the place of the network in tests."""
        self.system = system
        self.settings = settings
        self.options: Any = options
        self.token = settings.token
        self._slots = asyncio.Semaphore(settings.max_connections)
        self._client = httpx.AsyncClient(
            transport=transport or _transport(settings),
            timeout=httpx.Timeout(settings.read_seconds, connect=settings.connect_seconds, pool=settings.pool_seconds),
            headers={"accept-encoding": "identity", "user-agent": "motcua"},
            follow_redirects=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        """Return the line itself."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all connections."""
        await self._client.aclose()

    # ── what batch functions call ────────────────────────────────────────────────────────────────────────────────────────

    async def get(self, path: str, query: Query, *, returns: Any, headers: Mapping[str, str] | None = None) -> Any:
        """Send a REST GET, repeating a query name for each value of a sequence; decode the JSON answer into `returns`."""
        request = self._request("GET", path, params=rest.pairs(query), headers=headers or rest.bearer(self.token))
        return self._decoded(await self._answer(request, rest.JSON), lambda body: rest.decode(body, returns))

    async def post(self, path: str, body: Mapping[str, object], *, returns: Any, headers: Mapping[str, str] | None = None) -> Any:
        """Send a REST POST with a JSON body; decode the JSON answer into `returns`."""
        request = self._json(path, body, headers)
        return self._decoded(await self._answer(request, rest.JSON), lambda answer: rest.decode(answer, returns))

    async def enveloped(self, path: str, body: Mapping[str, object], *, returns: Any, codes: envelope.Codes) -> Any:
        """Send a JSON body; the answer is an envelope whose `data` is XML in a string, decoded into `returns`.

        The status stands inside: a code that means "nothing found" gives None.
        """
        answer = await self._answer(self._json(path, body, None), rest.JSON)
        return self._decoded(answer, lambda content: envelope.decode(self.system.name, content, returns, codes))

    async def soap(self, operation: etree._Element, *, returns: Any, action: str, header: etree._Element | None = None) -> Any:
        """Send a SOAP 1.1 request with `operation` as its body; decode the first element of the answer's body into `returns`.

        Where the system wants its secret in the SOAP header, `header` is that block, and no bearer token is sent.
        """
        bearer = rest.bearer(self.token) if header is None else {}
        headers = {**bearer, "content-type": soap.CONTENT_TYPE, "soapaction": f'"{action}"'}
        request = self._request("POST", "", content=soap.envelope(operation, header), headers=headers)
        response = await self._answer(request, soap.XML, errors_have_bodies=True)
        return self._decoded(response, lambda body: soap.decode(self.system.name, body, returns))

    async def reachable(self) -> None:
        """Ask for the system's health path, or open its address where it has none; raises as any call does."""
        parts = urlsplit(self.settings.url)
        path = self.settings.health_path or parts.path
        request = self._client.build_request("GET", urlunsplit((parts.scheme, parts.netloc, path, "", "")))
        response, _ = await self._exchange(request)
        if self.settings.health_path and response.status_code != OK:
            raise SystemUnavailable(self.system.name, f"answers its health check with HTTP {response.status_code}")

    # ── one exchange ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _json(self, path: str, body: Mapping[str, object], headers: Mapping[str, str] | None) -> httpx.Request:
        sent = {**(headers or rest.bearer(self.token)), "content-type": "application/json; charset=utf-8"}
        return self._request("POST", path, content=orjson.dumps(body), headers=sent)

    def _request(self, method: str, path: str, **parts: Any) -> httpx.Request:
        return self._client.build_request(method, self.settings.url + path, **parts)

    async def _answer(self, request: httpx.Request, media_types: frozenset[str], *, errors_have_bodies: bool = False) -> bytes:
        """Send, and return the body of an answer that is one; raise what any other answer means."""
        response, body = await self._exchange(request)
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status_code == TOO_MANY:
            raise SystemThrottled(self.system.name, "asks to be called less often", retry_after_ms=_retry_after(response))
        fault = errors_have_bodies and response.status_code == SERVER_ERROR and media_type in media_types
        if response.status_code != OK and not fault:
            raise self._trouble(response)
        if media_type not in media_types:
            raise ContractBroken(self.system.name, "sent an answer of another media type than was agreed")
        return body

    def _trouble(self, response: httpx.Response) -> Theirs:
        status = response.status_code
        if status in {UNAUTHORIZED, FORBIDDEN}:
            return SystemRefused(self.system.name, f"rejects our credentials (HTTP {status})")
        if status >= SERVER_ERROR:
            return SystemUnavailable(self.system.name, f"reports trouble of its own (HTTP {status})", retry_after_ms=_retry_after(response))
        return SystemRefused(self.system.name, f"rejects the request (HTTP {status})")

    async def _exchange(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        """Send a request and read its answer whole, within every limit; foreign errors end here."""
        try:
            async with asyncio.timeout(self.settings.total_seconds):
                return await self._within_slot(request)
        except TimeoutError:
            raise SystemTimedOut(self.system.name, "did not answer in time") from None
        except (httpx.TimeoutException, httpx.ConnectError) as error:
            raise self._silence(error.__cause__ or error) from None
        except (httpx.HTTPError, aiohttp.ClientError):
            raise SystemUnavailable(self.system.name, "broke the connection off before its answer was complete") from None

    def _silence(self, cause: BaseException) -> Theirs:
        """Tell slow from unreachable; the transport calls every trouble with a connection a time-out, so the cause under it counts."""
        if isinstance(cause, TimeoutError | httpx.TimeoutException):
            return SystemTimedOut(self.system.name, "did not answer in time")
        if isinstance(cause, aiohttp.ClientConnectorError | httpx.ConnectError):
            return SystemUnavailable(self.system.name, "cannot be reached")
        return SystemUnavailable(self.system.name, "closed the connection before it answered")

    async def _within_slot(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        try:
            async with asyncio.timeout(self.settings.pool_seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise SystemTimedOut(self.system.name, "is busy: no connection to it became free in time") from None
        try:
            response = await self._client.send(request, stream=True)
            try:
                return response, await self._read(response)
            finally:
                await response.aclose()
        finally:
            self._slots.release()

    async def _read(self, response: httpx.Response) -> bytes:
        """Collect the body and stop as soon as it is larger than allowed."""
        collected = bytearray()
        async for chunk in response.aiter_bytes():
            collected += chunk
            if len(collected) > self.settings.max_answer_bytes:
                raise ContractBroken(self.system.name, f"sent an answer of more than {self.settings.max_answer_bytes} bytes")
        return bytes(collected)

    def _decoded(self, body: bytes, decode: Any) -> Any:
        try:
            return decode(body)
        except (msgspec.ValidationError, msgspec.DecodeError, XmlRefused) as error:
            raise ContractBroken(self.system.name, f"sent an answer that is not as agreed: {_without_values(error)}") from None
        except (ValueError, TypeError, KeyError) as error:
            said = str(error) if isinstance(error, ValueError) else type(error).__name__
            raise ContractBroken(self.system.name, f"sent a value that cannot be read: {said}") from None


def _transport(settings: SystemSettings) -> AiohttpTransport:
    """Make the pool: aiohttp's costs a quarter of httpx's own under load (docs/decisions/0004). Cookies are never kept."""

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=settings.max_connections, keepalive_timeout=15)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    # Certificates are verified by the session's connector; `verify=False` only spares the transport from loading them a second time.
    return AiohttpTransport(client=session, verify=False)


def _retry_after(response: httpx.Response) -> int | None:
    """Read `Retry-After` in seconds, as milliseconds; the form with a date is not used by any connected system."""
    value = response.headers.get("retry-after", "")
    return int(value) * 1_000 if value.isdecimal() and len(value) < 7 else None  # noqa: PLR2004 - six digits are eleven days


def _without_values(error: Exception) -> str:
    """Keep the decoder's words where they cannot hold a value."""
    said = str(error)
    return "an unknown code" if said.startswith("Invalid enum") else said
