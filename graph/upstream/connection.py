"""One connected system's line: what batch functions call, with every failure put into words.

What `resolvers/` call is here and nowhere else; how bytes travel is the matter of the line beneath (`pool.py`).
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import msgspec
import orjson
from cachetools import LRUCache

from graph.errors import ContractBroken, MotcuaError, OutOfTime, SystemRefused, SystemThrottled, SystemTimedOut, SystemUnavailable, Theirs
from graph.route_settings import CALLED
from graph.system_settings import SystemSettings
from graph.trust import trust
from graph.upstream import envelope, rest, soap
from graph.upstream.errand import NOBODYS, Errand
from graph.upstream.exchange import (
    Answer,
    BrokenOff,
    ConnectFailed,
    ConnectTimedOut,
    ExchangeFailed,
    Headers,
    Line,
    LineClosed,
    NotHttp,
    PoolTimedOut,
    ReadTimedOut,
    RequestRefused,
    TooLarge,
)
from graph.upstream.platform import MAX_TOKEN_ANSWER, Platform, Platforms
from graph.upstream.pool import Bounds, Origin, Pool
from graph.upstream.routes import Message, Route
from graph.upstream.system import System
from graph.upstream.through_httpx import ThroughHttpx
from graph.upstream.xml import XmlRefused
from graph.upstream.xroad import XRoad

OK, NOT_MODIFIED, BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_MANY, SERVER_ERROR = 200, 304, 400, 401, 403, 404, 429, 500
TAGS_KEPT = 512
MESSAGE_IDS = (b"x-road-id", b"x-road-request-id", b"x-request-id")
LONGEST_MESSAGE_ID = 128
# What each failure of the line means, in words that follow the system's name.
SILENCE: Mapping[type[ExchangeFailed], tuple[type[Theirs], str]] = {
    ReadTimedOut: (SystemTimedOut, "did not answer in time"),
    ConnectTimedOut: (SystemTimedOut, "did not answer in time"),
    PoolTimedOut: (SystemTimedOut, "is busy: no connection to it became free in time"),
    ConnectFailed: (SystemUnavailable, "cannot be reached{through}"),
    TooLarge: (ContractBroken, "sent an answer of more than {most} bytes"),
    NotHttp: (ContractBroken, "sent what is not an answer in HTTP/1.1"),
    LineClosed: (SystemUnavailable, "was not waited for: the gateway is stopping"),
    BrokenOff: (SystemUnavailable, "broke the connection off before its answer was complete"),
}


class Upstream:
    """The line to one system; an async context manager that opens and closes it.

    `call` gives a view of it for one call of a batch function: `errand` says for whom and until when, `official` who asks, by personal id,
    None where the caller names none; `message_id` is the id of the message, as far as there is one; `not_modified` whether the system said
    that nothing of what was asked has changed; `request_hash` what X-Road says that it was asked, None without it.
    """

    def __init__(
        self,
        system: System,
        settings: SystemSettings,
        *,
        options: msgspec.Struct,
        platforms: Platforms | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare the line; nothing is sent. Lines that share `platforms` share access tokens; `transport` is the network in tests."""
        self.system = system
        self.settings = settings
        self.options: Any = options
        self.token = settings.token
        self.errand = NOBODYS
        # Whether the route tells the official, the case and the body represented in each message.
        self.tells = settings.tells
        self.official: str | None = None
        self.message_id: str | None = None
        self.carried_id: str | None = None
        self.request_hash: str | None = None
        self.not_modified = False
        self._modified = False
        self._revalidates = False
        self._path = urlsplit(settings.url).path.encode("ascii")
        self._line = _line(settings, settings.url, transport)
        self._route = _route(settings, self._path, platforms or Platforms(), transport)
        self._rest, self._soap = (self._path, self._path or b"/") if self._route is None else (self._route.rest, self._route.soap)
        # The tag and the decoded answer of requests that may be asked again; only of answers that are the same for everybody.
        self._tags: LRUCache[Any, tuple[bytes, Any]] = LRUCache(TAGS_KEPT)

    async def __aenter__(self) -> Self:
        """Return the line itself."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close all connections."""
        await self._line.close()
        if self._route is not None:
            await self._route.close()

    def call(self, errand: Errand = NOBODYS, *, revalidates: bool = False) -> "Upstream":
        """Return a view of the line for one call; with `revalidates`, GETs ask only whether something has changed."""
        view = object.__new__(Upstream)
        view.__dict__.update(self.__dict__)
        view.errand = errand
        view.official = errand.official
        view.message_id = view.carried_id = view.request_hash = None
        view.not_modified = view._modified = False
        view._revalidates = revalidates
        return view

    # ── what batch functions call ────────────────────────────────────────────────────────────────────────────────────────

    def new_message_id(self) -> str:
        """Make the id of the message that is about to be sent; the records that come with it will tell it."""
        self.message_id = os.urandom(16).hex()
        return self.message_id

    async def get(self, path: str, query: rest.Query, *, returns: Any, headers: Mapping[str, str] | None = None) -> Any:
        """Send a REST GET, repeating a query name for each value of a sequence; decode the JSON answer into `returns`."""
        target = self._target(path, query)
        sent = _raw(headers or rest.bearer(self.token))
        key = (target, returns, tuple(sent))
        known = self._tags.get(key) if self._revalidates else None
        if known is not None:
            sent.append((b"if-none-match", known[0]))
        answer = await self._exchange(b"GET", target, sent, b"")
        if known is not None and answer.status == NOT_MODIFIED:
            self.not_modified = not self._modified
            return known[1]
        self.not_modified, self._modified = False, True
        decoded = self._decoded(self._body(answer, rest.JSON), lambda body: rest.decode(body, returns))
        if self._revalidates and (tag := answer.headers.get(b"etag")):
            self._tags[key] = (tag, decoded)
        return decoded

    async def post(self, path: str, body: Mapping[str, object], *, returns: Any, headers: Mapping[str, str] | None = None) -> Any:
        """Send a REST POST with a JSON body; decode the JSON answer into `returns`."""
        answer = await self._json(path, body, headers)
        return self._decoded(self._body(answer, rest.JSON), lambda content: rest.decode(content, returns))

    async def enveloped(self, path: str, body: Mapping[str, object], *, returns: Any, codes: envelope.Codes) -> Any:
        """Send a JSON body; the answer is an envelope whose `data` is XML in a string, decoded into `returns`.

        The status stands inside: a code that means "nothing found" gives None.
        """
        answer = self._body(await self._json(path, body, None), rest.JSON)
        return self._decoded(answer, lambda content: envelope.decode(self.system.name, content, returns, codes))

    async def soap(self, operation: soap.Element, *, returns: Any, action: str, header: soap.Element | None = None) -> Any:
        """Send a SOAP 1.1 request with `operation` as its body; decode the first element of the answer's body into `returns`.

        Where the system wants its secret in the SOAP header, `header` is that block, and no bearer token is sent.
        """
        bearer = rest.bearer(self.token) if header is None else {}
        headers = _raw({**bearer, "content-type": soap.CONTENT_TYPE, "soapaction": f'"{action}"'})
        route = self._route
        sent = soap.envelope(operation, header, "" if route is None else route.soap_header(self, operation.name))
        look = None if route is None else partial(route.read_soap, self, self.carried_id, sent)
        body = self._body(await self._exchange(b"POST", self._soap, headers, sent), soap.XML, errors_have_bodies=True)
        return self._decoded(body, lambda content: soap.decode(self.system.name, content, returns, look))

    async def reachable(self) -> None:
        """Ask for the system's health path, or open its address where it has none; raises as any call does."""
        path = self.settings.health_path
        answer = await self._exchange(b"GET", path.encode("ascii") if path else self._path or b"/", [], b"")
        if path and answer.status != OK:
            raise SystemUnavailable(self.system.name, f"answers its health check with HTTP {answer.status}")

    # ── one exchange ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _target(self, path: str, query: rest.Query) -> bytes:
        asked = f"?{rest.written(query)}" if query else ""
        return self._rest + f"{path}{asked}".encode("ascii") or b"/"

    async def _json(self, path: str, body: Mapping[str, object], headers: Mapping[str, str] | None) -> Answer:
        sent = _raw({**(headers or rest.bearer(self.token)), "content-type": "application/json; charset=utf-8"})
        return await self._exchange(b"POST", self._target(path, {}), sent, orjson.dumps(body))

    async def _exchange(self, method: bytes, target: bytes, headers: Headers, body: bytes) -> Answer:
        """Send a request and return its answer; what can go wrong on the way ends here, in words."""
        errand = self.errand
        errand.metered()
        now = asyncio.get_running_loop().time()
        if now >= errand.ends_at:
            raise OutOfTime(self.system.name)
        headers.append((b"x-request-deadline-ms", b"%d" % (min(errand.ends_at - now, self.settings.total_seconds) * 1_000)))
        try:
            if self._route is None:
                answer = await self._line.exchange(method, target, headers, body, errand.ends_at)
            else:
                answer = await self._route.carry(self, self._line, Message(method, target, headers, body))
        except ExchangeFailed as failed:
            raise self._silence(failed) from None
        except RequestRefused as refused:
            raise SystemRefused(self.system.name, f"was not asked: {refused}", divisible=True) from None
        if self.message_id is None:
            self.message_id = _message_id(answer.headers)
        return answer

    def _silence(self, failed: ExchangeFailed) -> MotcuaError:
        """Tell slow from unreachable, and both from a request whose own time is over."""
        if asyncio.get_running_loop().time() >= self.errand.ends_at:
            return OutOfTime(self.system.name)
        kind, words = next(said for failure, said in SILENCE.items() if isinstance(failed, failure))
        if isinstance(failed, BrokenOff) and not failed.heard:
            words = "closed the connection before it answered"
        called = CALLED[self.settings.route]
        return kind(self.system.name, words.format(most=self.settings.max_answer_bytes, through=called and f" through {called}"))

    def _body(self, answer: Answer, media_types: frozenset[str], *, errors_have_bodies: bool = False) -> bytes:
        """Return the body of an answer that is one; raise what any other answer means."""
        media_type = answer.headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
        if answer.status == TOO_MANY:
            raise SystemThrottled(self.system.name, "asks to be called less often", retry_after_ms=_retry_after(answer))
        fault = errors_have_bodies and answer.status == SERVER_ERROR and media_type in media_types
        if answer.status != OK and not fault:
            raise self._trouble(answer)
        if media_type not in media_types:
            raise ContractBroken(self.system.name, "sent an answer of another media type than was agreed")
        return answer.body

    def _trouble(self, answer: Answer) -> Theirs:
        status, name = answer.status, self.system.name
        if status == NOT_MODIFIED:
            return ContractBroken(name, 'said "not modified" of what it was not asked to compare')
        if status in {UNAUTHORIZED, FORBIDDEN}:
            return SystemRefused(name, f"rejects our credentials (HTTP {status})")
        if status >= SERVER_ERROR:
            waits = _retry_after(answer)
            return SystemUnavailable(name, f"reports trouble of its own (HTTP {status})", retry_after_ms=waits, divisible=waits is None)
        return SystemRefused(name, f"rejects the request (HTTP {status})", divisible=status >= BAD_REQUEST and status != NOT_FOUND)

    def _decoded(self, body: bytes, decode: Callable[[bytes], Any]) -> Any:
        try:
            return decode(body)
        except (msgspec.ValidationError, msgspec.DecodeError, XmlRefused) as error:
            said = f"sent an answer that is not as agreed: {_without_values(error)}"
            raise ContractBroken(self.system.name, said, divisible=True) from None
        except (ValueError, TypeError, KeyError) as error:
            words = str(error) if isinstance(error, ValueError) else type(error).__name__
            raise ContractBroken(self.system.name, f"sent a value that cannot be read: {words}", divisible=True) from None


def _line(settings: SystemSettings, url: str, transport: httpx.AsyncBaseTransport | None, most: int | None = None) -> Line:
    """Make a line to the host of `url`; certificates are always verified, and cookies never kept."""
    bounds = Bounds(
        connect=settings.connect_seconds,
        read=settings.read_seconds,
        pool=settings.pool_seconds,
        total=settings.total_seconds,
        connections=settings.max_connections,
        answer_bytes=most or settings.max_answer_bytes,
    )
    parts = urlsplit(url)
    trusted = trust(settings.certificates) if parts.scheme == "https" else None
    if transport is not None or settings.client == "httpx":
        return ThroughHttpx(f"{parts.scheme}://{parts.netloc}", bounds, transport, trusted)
    return Pool(Origin(parts.hostname or "", parts.port or (80 if trusted is None else 443), trusted), bounds)


def _route(settings: SystemSettings, path: bytes, platforms: Platforms, transport: httpx.AsyncBaseTransport | None) -> Route | None:
    """Make the route, or None for the direct one."""
    if settings.xroad is not None:
        return XRoad(settings.xroad, path)
    if (platform := settings.platform) is None:
        return None
    line = partial(_line, settings, platform.token_url, transport, MAX_TOKEN_ANSWER)
    tokens = platforms.tokens(platform, (settings.client, settings.certificates), line)
    return Platform(CALLED[settings.route], platform, tokens, path)


def _raw(headers: Mapping[str, str]) -> Headers:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def _message_id(headers: Mapping[bytes, bytes]) -> str | None:
    """Find the id that the system, or the platform between, gave the message."""
    for name in MESSAGE_IDS:
        value = headers.get(name, b"").decode("latin-1")
        if value and value.isprintable() and len(value) <= LONGEST_MESSAGE_ID:
            return value
    return None


def _retry_after(answer: Answer) -> int | None:
    """Read `Retry-After` in seconds, as milliseconds; the form with a date is not used by any connected system."""
    value = answer.headers.get(b"retry-after", b"").decode("latin-1")
    return int(value) * 1_000 if value.isdecimal() and len(value) < 7 else None  # noqa: PLR2004 - six digits are eleven days


def _without_values(error: Exception) -> str:
    """Keep the decoder's words where they cannot hold a value."""
    said = str(error)
    return "an unknown code" if said.startswith("Invalid enum") else said
