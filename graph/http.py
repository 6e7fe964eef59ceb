"""GraphQL over HTTP: one request in, bytes out, as the specification says.

An ASGI application of its own: Strawberry's view speaks neither `application/graphql-response+json` nor its status codes.
"""

import asyncio
import hashlib
import itertools
import math
import os
import re
import time
from collections.abc import Mapping
from typing import Any, Protocol

import orjson
from starlette.types import Receive, Scope, Send

from graph.access.asker import Asker
from graph.errors import MotcuaError, Shed
from graph.gateway import INTERNAL, Answer, Gateway, Urgency, log_fault
from graph.loading.freshness import Freshness
from graph.operating.watch import Asked, Watch
from graph.overload import Overload
from graph.reading import PLAIN_JSON, RESPONSE_JSON, Gone, Refused, negotiated, read, refusal
from graph.settings import GatewaySettings
from graph.upstream.priority import NAMED, Priority
from graph.visit import Visit

CONTENT_TYPES = {media_type: (b"content-type", f"{media_type}; charset=utf-8".encode()) for media_type in (RESPONSE_JSON, PLAIN_JSON)}
# Ids of requests that bring none: unlike those of any other process, and made without asking the system for chance each time.
PROCESS, COUNTER = os.urandom(10).hex(), itertools.count(1)
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
TIMEOUT = re.compile(rb"(\d{1,6}(?:\.\d{1,3})?) ?(ms|s|)")
SHORTEST_SECONDS = 0.01
NO_STORE = ((b"cache-control", b"no-store"),)
# An answer is no page: whatever a browser is made to take it for, it loads nothing, runs nothing, stands in no frame and is no other's.
HARDENED = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
)
# What an answer that may be kept depends on beside its address: two consumers never get what was kept for one of them.
VARY = (b"vary", b"accept, authorization, x-api-key, x-purpose")
# What is told of a request that was refused unread, and of one at which the gateway itself failed.
BROKEN = Answer({"data": None, "errors": [{"extensions": {"code": "INTERNAL"}}]}, executed=True)


class Entrance(Protocol):
    """Finds out who asks: at once where it is known, else after a while; a MotcuaError is the refusal."""

    def known(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes], /) -> Asker | None:
        """Say who asks; None where that has to be awaited."""

    async def asker(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes], /) -> Asker:
        """Say who asks."""


class GraphQLEndpoint:
    """The endpoint, within the bounds of the settings: bytes of a body and of a query string, requests at once, time for each."""

    def __init__(
        self, gateway: Gateway, entrance: Entrance, settings: GatewaySettings, overload: Overload, watch: Watch | None = None
    ) -> None:
        """Serve this gateway to those whom the entrance lets in; `watch` is told of each request that has ended."""
        self.gateway = gateway
        self.entrance = entrance
        self.watch = watch or Watch()
        self.overload = overload
        self.max_body_bytes = settings.max_body_bytes
        self.longest_seconds = settings.longest_timeout_seconds
        self.seconds: dict[Priority, float] = {priority: settings.of_class(name).seconds for name, priority in NAMED.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or say at once why not, or that it has to come later."""
        began = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            asker = self.entrance.known(scope, headers) or await self.entrance.asker(scope, headers)
        except MotcuaError as error:
            await self._turn_away(send, refusal(error), headers, began)
            return
        priority = _priority(headers.get(b"x-priority"), asker.priority)
        shed = self.overload.begin(priority)
        if shed is not None:
            await _send_shed(send, shed)
            self.watch.ended(_refused(began, shed, priority))
            return
        try:
            asker = asker if priority == asker.priority else asker._replace(priority=priority)
            await self._answer(scope, headers, Visit(receive), send, asker)
        finally:
            self.overload.end(priority)

    async def _turn_away(self, send: Send, refused: Refused, headers: Mapping[bytes, bytes], began: float) -> None:
        """Answer who is not let in; nothing of the request has been read."""
        body = _error(refused.error)
        start = [CONTENT_TYPES[PLAIN_JSON], *_about(body, _request_id(headers)), *NO_STORE, *refused.headers]
        await send({"type": "http.response.start", "status": refused.status, "headers": start})
        await send({"type": "http.response.body", "body": body})
        self.gateway.checks.meter.account(None).figures.note("refused", (refused.error.code,))
        self.watch.ended(_refused(began, refused.error, Priority.CITIZEN))

    def _ends_at(self, given: bytes | None, priority: Priority) -> float:
        """Say until when a request has time: as it says itself, up to a bound, and else as long as its class has."""
        seconds = self.seconds[priority]
        if given is not None:
            if (said := TIMEOUT.fullmatch(given.strip())) is None:
                raise Refused(
                    400, "The header X-Request-Timeout is not well formed; expected seconds such as 2.5, or milliseconds such as 2500ms"
                )
            seconds = min(self.longest_seconds, float(said[1]) / (1_000 if said[2] == b"ms" else 1))
        return asyncio.get_running_loop().time() + max(SHORTEST_SECONDS, seconds)

    async def _answer(self, scope: Scope, headers: dict[bytes, bytes], visit: Visit, send: Send, asker: Asker) -> None:
        began = time.perf_counter()
        request_id = _request_id(headers)
        media_type = PLAIN_JSON
        more: tuple[tuple[bytes, bytes], ...]
        try:
            media_type = negotiated(headers.get(b"accept"))
            urgency = Urgency(asker.priority, self._ends_at(headers.get(b"x-request-timeout"), asker.priority), visit.watch)
            request = await read(scope, headers, visit.receive, self.max_body_bytes)
            answer = await self.gateway.answer(
                request, request_id=request_id, asker=asker, read_only=scope["method"] == "GET", urgency=urgency
            )
            status, body = _status(answer, media_type), orjson.dumps(answer.payload)
            more = (*NO_STORE, *_headers(answer))
            if answer.freshness is not None:
                more = _cacheable(answer.freshness, body)
                if scope["method"] == "GET" and more[-1][1] in headers.get(b"if-none-match", b""):
                    status, body = 304, b""
        except Refused as refused:
            status, body, more = refused.status, _error(refused.error), (*NO_STORE, *refused.headers)
            answer = _unread(refused.error)
        except Gone:
            return
        except asyncio.CancelledError:
            if not visit.is_over():
                raise
            return
        except Exception as error:  # noqa: BLE001 - nothing stands above that would word it
            log_fault(error, request_id)
            status, body, more = 500, orjson.dumps({"errors": [INTERNAL_ERROR]}), NO_STORE
            answer = BROKEN
        finally:
            visit.end()
        start = [CONTENT_TYPES[media_type], *_about(body, request_id), *more]
        asked = _asked(answer, request_id, began, asker, headers.get(b"traceparent", b""))
        await send({"type": "http.response.start", "status": status, "headers": start})
        await send({"type": "http.response.body", "body": body})
        self.watch.ended(asked)


def _request_id(headers: Mapping[bytes, bytes]) -> str:
    """Take the id that the client gave, where it can be one, or make one."""
    given = headers.get(b"x-request-id", b"")
    return given.decode() if REQUEST_ID.fullmatch(given) else f"{PROCESS}{next(COUNTER):012x}"


def _priority(given: bytes | None, most: Priority) -> Priority:
    """Let a client be less urgent than its class, and never more."""
    if given is None:
        return most
    return max(NAMED.get(given.decode("latin-1").strip().lower(), most), most)


def _about(body: bytes, request_id: str) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"content-length", b"%d" % len(body)), *HARDENED, (b"x-request-id", request_id.encode()))


def _asked(answer: Answer, request_id: str, began: float, asker: Asker, traceparent: bytes) -> Asked:
    """Say what is to be told of a request that has been answered."""
    return Asked(
        request_id, began, time.perf_counter(), answer.outcome, answer.codes, answer.operation, asker.priority, answer.loaders, traceparent
    )  # fmt: skip


def _headers(answer: Answer) -> tuple[tuple[bytes, bytes], ...]:
    """Say by which method a request would be answered, or when."""
    if answer.not_by_get:
        return ((b"allow", b"POST"),)
    if answer.retry_after_ms is not None:
        return ((b"retry-after", b"%d" % -(-answer.retry_after_ms // 1_000)),)
    return ()


def _cacheable(fresh: Freshness, body: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Say for how long an answer may be kept; its entity tag comes last."""
    lasts = f"{fresh.scope}, max-age={fresh.age + fresh.left}" if fresh.left else "no-cache"
    tag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    return ((b"cache-control", lasts.encode()), (b"age", str(fresh.age).encode()), VARY, (b"etag", tag.encode()))


INTERNAL_ERROR = {"message": INTERNAL, "extensions": {"code": "INTERNAL", "retryable": False}}


def _error(error: MotcuaError) -> bytes:
    return orjson.dumps({"errors": [{"message": error.message, "extensions": error.extensions()}]})


def _unread(error: MotcuaError) -> Answer:
    return Answer({"errors": [{"extensions": {"code": error.code}}]}, executed=False)


def _refused(began: float, error: MotcuaError, priority: Priority) -> Asked:
    return Asked("", began, time.perf_counter(), "refused", (error.code,), priority=priority)


async def _send_shed(send: Send, shed: Shed) -> None:
    """Say that a request has to come later, without having read it."""
    body = _error(shed)
    wait = math.ceil(shed.retry_after_ms / 1_000)
    start = [CONTENT_TYPES[PLAIN_JSON], (b"content-length", b"%d" % len(body)), (b"retry-after", b"%d" % wait), *NO_STORE]
    await send({"type": "http.response.start", "status": 503, "headers": start})
    await send({"type": "http.response.body", "body": body})


def _status(answer: Answer, media_type: str) -> int:
    """Give the status that the specification wants: the older media type reports everything well formed as 200."""
    if answer.not_by_get:
        return 405
    if answer.retry_after_ms is not None:
        return 429
    return 200 if answer.executed or media_type == PLAIN_JSON else 400
