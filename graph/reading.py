"""Reading a GraphQL request off HTTP: the media type that is wanted, the body or the query string, within their bounds."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope

from graph.errors import (
    BadInput,
    ForbiddenField,
    MotcuaError,
    NotTrusted,
    PurposeRequired,
    TooCostly,
    Unauthenticated,
)  # fmt: skip
from graph.gateway import GraphQLRequest

RESPONSE_JSON, PLAIN_JSON = "application/graphql-response+json", "application/json"
GET_PARTS = ("query", "documentId", "operationName", "variables", "extensions")
PLANS: Final[Mapping[bytes, bool | str]] = {b"1": True, b"analyse": "analyse"}  # what the header X-Motcua-Plan may say
# With which status a refusal is sent that came before the request was looked at as a query.
STATUSES: Final[tuple[tuple[type[MotcuaError], int], ...]] = (
    (Unauthenticated, 401), (PurposeRequired, 403), (ForbiddenField, 403), (TooCostly, 429), (NotTrusted, 400), (BadInput, 400),
)  # fmt: skip


class Refused(Exception):
    """A request that is answered before anything is run."""

    def __init__(self, status: int, error: MotcuaError | str, *headers: tuple[bytes, bytes]) -> None:
        """Take the HTTP status, the error (or words for a request that is not well formed), and further headers."""
        self.error = BadInput(error) if isinstance(error, str) else error
        super().__init__(self.error.message)
        self.status = status
        self.headers = headers


class Gone(Exception):
    """The client left before its request was complete."""


def refusal(error: MotcuaError) -> Refused:
    """Say with which status and headers an error at the entrance is told."""
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 500)
    if isinstance(error, Unauthenticated):
        return Refused(status, error, (b"www-authenticate", b'Bearer realm="motcua"'), (b"www-authenticate", b'ApiKey realm="motcua"'))
    if isinstance(error, TooCostly) and error.retry_after_ms is not None:
        return Refused(status, error, (b"retry-after", b"%d" % -(-error.retry_after_ms // 1_000)))
    return Refused(status, error)


async def read(scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, most_bytes: int) -> GraphQLRequest:
    """Read a request of at most so many bytes; Refused where it is none, Gone where the client left meanwhile."""
    if scope["method"] == "GET":
        request = _from_query(scope["query_string"], most_bytes)
    elif scope["method"] == "POST":
        _require_json(headers.get(b"content-type"))
        request = _decoded(await _body(headers, receive, most_bytes))
    else:
        raise Refused(405, "Only GET and POST are answered here", (b"allow", b"GET, POST"))
    if request.query is None and request.document_id is None and "persistedQuery" not in (request.extensions or {}):
        raise Refused(400, "Not a GraphQL request: expected query or documentId")
    plan = PLANS.get(headers.get(b"x-motcua-plan", b""))
    return request if plan is None else msgspec.structs.replace(request, extensions={**(request.extensions or {}), "plan": plan})


async def _body(headers: Mapping[bytes, bytes], receive: Receive, most_bytes: int) -> bytes:
    """Read the body, and stop as soon as it is too long."""
    too_long = Refused(413, f"The body is longer than {most_bytes} bytes", (b"connection", b"close"))
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > most_bytes:
        raise too_long
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body += message.get("body", b"")
        if len(body) > most_bytes:
            raise too_long
        if not message.get("more_body", False):
            return bytes(body)


def _from_query(query_string: bytes, most_bytes: int) -> GraphQLRequest:
    if len(query_string) > most_bytes:
        raise Refused(414, f"The query string is longer than {most_bytes} bytes")
    parts: dict[str, Any] = {name: value for name, value in _pairs(query_string) if name in GET_PARTS}
    for name in ("variables", "extensions"):
        if name in parts:
            parts[name] = _json_part(name, parts[name])
    return _converted(parts)


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
        if body.lstrip().startswith(b"["):
            raise Refused(400, "Not a GraphQL request: expected one object; several requests in one body are not answered") from None
        raise Refused(400, f"Not a GraphQL request: {error}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Refused(400, "The body is not JSON") from None


def _converted(parts: dict[str, Any]) -> GraphQLRequest:
    try:
        return msgspec.convert(parts, GraphQLRequest)
    except msgspec.ValidationError as error:
        raise Refused(400, f"Not a GraphQL request: {error}") from None
