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
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import orjson
from starlette.types import Receive, Scope, Send

from graph.errors import Shed
from graph.gateway import INTERNAL, Answer, Gateway, GraphQLRequest, Urgency, log_fault
from graph.loading.freshness import Freshness
from graph.loading.sharing import ANYBODY, Caller
from graph.operating.watch import Asked, Watch
from graph.overload import Overload
from graph.settings import GatewaySettings
from graph.upstream.priority import NAMED, Priority
from graph.visit import Visit

RESPONSE_JSON, PLAIN_JSON = "application/graphql-response+json", "application/json"
CONTENT_TYPES = {media_type: (b"content-type", f"{media_type}; charset=utf-8".encode()) for media_type in (RESPONSE_JSON, PLAIN_JSON)}
GET_PARTS = ("query", "operationName", "variables", "extensions")
PLANS: dict[bytes, bool | str] = {b"1": True, b"analyse": "analyse"}  # what the header X-Motcua-Plan may say
# Ids of requests that bring none: unlike those of any other process, and made without asking the system for chance each time.
PROCESS, COUNTER = os.urandom(10).hex(), itertools.count(1)
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# What a proxy in front says of the caller, where the settings trust it: names of X-Road, and the purpose.
CALLER_HEADERS = (b"x-road-client", b"x-purpose", b"x-road-userid", b"x-road-issue", b"x-road-represented-party")
TIMEOUT = re.compile(rb"(\d{1,6}(?:\.\d{1,3})?) ?(ms|s|)")
SHORTEST_SECONDS = 0.01
CALLER_PART = re.compile(rb"[A-Za-z0-9._:/-]{1,255}")
NO_STORE = ((b"cache-control", b"no-store"),)
# What is told of a request that was refused unread, and of one at which the gateway itself failed.
UNREAD = Answer({"errors": [{"extensions": {"code": "BAD_USER_INPUT"}}]}, executed=False)
BROKEN = Answer({"data": None, "errors": [{"extensions": {"code": "INTERNAL"}}]}, executed=True)


class Refused(Exception):
    """A request that is answered before anything is run."""

    def __init__(self, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
        """Take the HTTP status, words for the client, and further headers."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


class Gone(Exception):
    """The client left before its request was complete."""


class GraphQLEndpoint:
    """The endpoint, within the bounds of the settings: bytes of a POST's body and of a GET's query string, requests at once, time for each.

    `trust_caller_headers` is for a gateway behind a proxy that vouches for what its headers say of the caller.
    """

    def __init__(self, gateway: Gateway, settings: GatewaySettings, overload: Overload, watch: Watch | None = None) -> None:
        """Serve this gateway; `watch` is told of each request that has ended."""
        self.gateway = gateway
        self.watch = watch or Watch()
        self.overload = overload
        self.max_body_bytes = settings.max_body_bytes
        self.trusts_caller_headers = False
        self.default_priority = Priority.CITIZEN
        self.longest_seconds = settings.longest_timeout_seconds
        self.seconds: dict[Priority, float] = {priority: settings.of_class(name).seconds for name, priority in NAMED.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or say at once that it has to come later."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        priority = self._priority(headers.get(b"x-priority"))
        shed = self.overload.begin(priority)
        if shed is not None:
            await _send_shed(send, shed)
            self.watch.ended(_shed(shed, priority))
            return
        try:
            await self._answer(scope, headers, Visit(receive), send, priority)
        finally:
            self.overload.end(priority)

    def _priority(self, given: bytes | None) -> Priority:
        """Take a client at its word where it wants to be less urgent than usual, and a trusted one always."""
        if given is None:
            return self.default_priority
        wanted = NAMED.get(given.decode("latin-1").strip().lower(), self.default_priority)
        return wanted if self.trusts_caller_headers else max(wanted, self.default_priority)

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

    async def _answer(self, scope: Scope, headers: dict[bytes, bytes], visit: Visit, send: Send, priority: Priority) -> None:
        began = time.perf_counter()
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if REQUEST_ID.fullmatch(given) else f"{PROCESS}{next(COUNTER):012x}"
        media_type = PLAIN_JSON
        more: tuple[tuple[bytes, bytes], ...]
        try:
            media_type = negotiated(headers.get(b"accept"))
            urgency = Urgency(priority, self._ends_at(headers.get(b"x-request-timeout"), priority), visit.watch)
            request = await self._request(scope, headers, visit.receive)
            caller = _caller(headers) if self.trusts_caller_headers else ANYBODY
            answer = await self.gateway.answer(
                request, request_id=request_id, read_only=scope["method"] == "GET", caller=caller, urgency=urgency
            )
            status, body = _status(answer, media_type), orjson.dumps(answer.payload)
            more = NO_STORE
            if answer.not_by_get:
                more = (*NO_STORE, (b"allow", b"POST"))
            elif answer.freshness is not None:
                more = _cacheable(answer.freshness, body)
                if scope["method"] == "GET" and more[-1][1] in headers.get(b"if-none-match", b""):
                    status, body = 304, b""
        except Refused as refusal:
            status, body, more = refusal.status, _error(refusal.message, "BAD_USER_INPUT"), (*NO_STORE, *refusal.headers)
            answer = UNREAD
        except Gone:
            return
        except asyncio.CancelledError:
            if not visit.is_over():
                raise
            return
        except Exception as error:  # noqa: BLE001 - nothing stands above that would word it
            log_fault(error, request_id)
            status, body, more = 500, _error(INTERNAL, "INTERNAL"), NO_STORE
            answer = BROKEN
        finally:
            visit.end()
        start = [
            CONTENT_TYPES[media_type],
            (b"content-length", b"%d" % len(body)),
            (b"x-content-type-options", b"nosniff"),
            (b"x-request-id", request_id.encode()),
            *more,
        ]
        asked = _asked(answer, request_id, began, priority, headers.get(b"traceparent", b""))
        await send({"type": "http.response.start", "status": status, "headers": start})
        await send({"type": "http.response.body", "body": body})
        self.watch.ended(asked)

    async def _request(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> GraphQLRequest:
        if scope["method"] == "GET":
            request = self._from_query(scope["query_string"])
        elif scope["method"] == "POST":
            _require_json(headers.get(b"content-type"))
            request = _decoded(await self._body(headers, receive))
        else:
            raise Refused(405, "Only GET and POST are answered here", (b"allow", b"GET, POST"))
        plan = PLANS.get(headers.get(b"x-motcua-plan", b""))
        return request if plan is None else msgspec.structs.replace(request, extensions={**(request.extensions or {}), "plan": plan})

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """Read the body, and stop as soon as it is too long."""
        too_long = Refused(413, f"The body is longer than {self.max_body_bytes} bytes", (b"connection", b"close"))
        announced = headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced) > self.max_body_bytes:
            raise too_long
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            body += message.get("body", b"")
            if len(body) > self.max_body_bytes:
                raise too_long
            if not message.get("more_body", False):
                return bytes(body)

    def _from_query(self, query_string: bytes) -> GraphQLRequest:
        if len(query_string) > self.max_body_bytes:
            raise Refused(414, f"The query string is longer than {self.max_body_bytes} bytes")
        parts: dict[str, Any] = {name: value for name, value in _pairs(query_string) if name in GET_PARTS}
        for name in ("variables", "extensions"):
            if name in parts:
                parts[name] = _json_part(name, parts[name])
        return _converted(parts)


def _asked(answer: Answer, request_id: str, began: float, priority: Priority, traceparent: bytes) -> Asked:
    """Say what is to be told of a request that has been answered."""
    return Asked(
        request_id, began, time.perf_counter(), answer.outcome, answer.codes, answer.operation, priority, answer.loaders, traceparent
    )  # fmt: skip


def _caller(headers: dict[bytes, bytes]) -> Caller:
    """Read what the proxy says of the caller; of a person's id the country in front is left out."""
    found = []
    for name in CALLER_HEADERS:
        value = headers.get(name, b"")
        if value and not CALLER_PART.fullmatch(value):
            raise Refused(400, f"The header {name.decode()} is not well formed")
        found.append(value.decode())
    consumer, purpose, official, issue, represented = found
    return Caller(consumer or ANYBODY.consumer, purpose, official.removeprefix("VN") or None, issue or None, represented or None)


def _cacheable(fresh: Freshness, body: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Say for how long an answer may be kept; its entity tag comes last."""
    lasts = f"{fresh.scope}, max-age={fresh.age + fresh.left}" if fresh.left else "no-cache"
    tag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    return (
        (b"cache-control", lasts.encode()),
        (b"age", str(fresh.age).encode()),
        (b"vary", b"accept"),
        (b"etag", tag.encode()),
    )


def _error(message: str, code: str) -> bytes:
    return orjson.dumps({"errors": [{"message": message, "extensions": {"code": code, "retryable": False}}]})


def _shed(shed: Shed, priority: Priority) -> Asked:
    now = time.perf_counter()
    return Asked("", now, now, "refused", (shed.code,), priority=priority)


async def _send_shed(send: Send, shed: Shed) -> None:
    """Say that a request has to come later, without having read it."""
    body = orjson.dumps({"errors": [{"message": shed.message, "extensions": shed.extensions()}]})
    wait = math.ceil(shed.retry_after_ms / 1_000)
    start = [CONTENT_TYPES[PLAIN_JSON], (b"content-length", b"%d" % len(body)), (b"retry-after", b"%d" % wait), *NO_STORE]
    await send({"type": "http.response.start", "status": 503, "headers": start})
    await send({"type": "http.response.body", "body": body})


@lru_cache(maxsize=256)
def negotiated(accept: bytes | None) -> str:
    """Choose the media type of the answer; Refused with 406 where the client takes neither."""
    if accept is None:
        return PLAIN_JSON
    best, chosen = 0.0, ""
    for media_range in accept.decode("latin-1").lower().split(","):
        name, *parameters = (part.strip() for part in media_range.split(";"))
        weight = _weight(parameters)
        offered = RESPONSE_JSON if name == RESPONSE_JSON else PLAIN_JSON if name in {PLAIN_JSON, "application/*", "*/*"} else None
        if offered and (weight > best or (weight == best > 0 and offered == RESPONSE_JSON)):
            best, chosen = weight, offered
    if not chosen:
        raise Refused(406, f"Answers are sent as {RESPONSE_JSON} or {PLAIN_JSON}")
    return chosen


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _status(answer: Answer, media_type: str) -> int:
    """Give the status that the specification wants: the older media type reports everything well formed as 200."""
    if answer.not_by_get:
        return 405
    return 200 if answer.executed or media_type == PLAIN_JSON else 400


def _require_json(content_type: bytes | None) -> None:
    name, _, parameters = (content_type or b"").decode("latin-1").lower().partition(";")
    charset = re.search(r'charset="?([^";\s]+)', parameters)
    if name.strip() != PLAIN_JSON or (charset and charset[1] not in {"utf-8", "utf8"}):
        raise Refused(415, f"The body must be sent as {PLAIN_JSON} in UTF-8", (b"accept-post", PLAIN_JSON.encode()))


def _pairs(query_string: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query_string.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict")
    except (ValueError, UnicodeDecodeError):
        raise Refused(400, "The query string is not well formed") from None


def _json_part(name: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text) if text else None
    except (msgspec.DecodeError, RecursionError):
        raise Refused(400, f"The {name} are not JSON") from None


def _decoded(body: bytes) -> GraphQLRequest:
    try:
        return msgspec.json.decode(body, type=GraphQLRequest)
    except msgspec.ValidationError as error:
        raise Refused(400, f"Not a GraphQL request: {error}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Refused(400, "The body is not JSON") from None


def _converted(parts: dict[str, Any]) -> GraphQLRequest:
    try:
        return msgspec.convert(parts, GraphQLRequest)
    except msgspec.ValidationError as error:
        raise Refused(400, f"Not a GraphQL request: {error}") from None
