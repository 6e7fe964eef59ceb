"""The operators' interface over HTTP: `/admin/`, for who has the token; all else hears nothing."""

import contextlib
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from graph.errors import MotcuaError, Yours
from graph.loading.drawing import drawn_svg
from graph.operating.answers import PurgeOrder, TuneOrder
from graph.operating.knobs import KnobWrong
from graph.operating.operator import NoSuchBatch, Operator

log = logging.getLogger("motcua")

MAX_BODY_BYTES = 65_536
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}

T = TypeVar("T", bound=msgspec.Struct)
Answer = Callable[[Request], Awaitable[Response]]


class _Refused(Exception):
    """A request that cannot be done, with the HTTP status that says so."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


class _Door:
    """One address: who has not the token hears 401 and no more, whatever is asked; the rest is by method."""

    def __init__(self, token: str, **answers: Answer) -> None:
        self._token = _digest(token)
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        with contextlib.suppress(ClientDisconnect):
            await (await self._answered(request))(scope, receive, send)

    async def _answered(self, request: Request) -> Response:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not hmac.compare_digest(_digest(given.strip()), self._token):
            return Response(status_code=401, headers={**HEADERS, "www-authenticate": "Bearer"})
        try:
            return await self._done(request)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - nothing stands above that would word it
            return _worded(error)

    async def _done(self, request: Request) -> Response:
        if not self._answers:
            raise _Refused(404, "Nothing is here")
        if (answer := self._answers.get(request.method)) is None:
            allowed = ", ".join(self._answers)
            raise _Refused(405, f"Only {allowed} is answered here", allow=allowed)
        return await answer(request)


def routes(operator: Operator, token: str) -> list[Route]:
    """Make the routes of the operators' interface for who holds `token`; docs/operating.md says what each answers."""

    async def caches(_request: Request) -> Response:
        return _json(await operator.caches())

    async def cache(request: Request) -> Response:
        return _json(await operator.cache(request.path_params["name"]))

    async def tune(request: Request) -> Response:
        return _json(await operator.tune(request.path_params["name"], _body(await _read(request), TuneOrder)))

    async def reset(request: Request) -> Response:
        knobs = [request.path_params["knob"]] if "knob" in request.path_params else []
        return _json(await operator.reset(request.path_params["name"], *knobs))

    async def purge(request: Request) -> Response:
        return _json(await operator.purge(_body(await _read(request), PurgeOrder)))

    async def whatif(request: Request) -> Response:
        found = await operator.whatif(request.path_params["name"])
        form = request.query_params.get("format", "json")
        if form == "svg":
            return Response(drawn_svg(found.curves, found.knobs), headers=HEADERS, media_type="image/svg+xml")
        if form != "json":
            raise _Refused(400, "format: expected json or svg")
        return _json(found)

    doors: Mapping[str, Mapping[str, Answer]] = {
        "/admin/caches": {"GET": caches},
        "/admin/caches/{name}": {"GET": cache, "PATCH": tune, "DELETE": reset},
        "/admin/caches/{name}/whatif": {"GET": whatif},
        "/admin/caches/{name}/{knob}": {"DELETE": reset},
        "/admin/purge": {"POST": purge},
        "/admin/{rest:path}": {},
    }
    return [Route(path, _Door(token, **answers)) for path, answers in doors.items()]


async def _read(request: Request) -> bytes:
    """Read the body, and stop as soon as it is too long."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise _Refused(413, f"The body is longer than {MAX_BODY_BYTES} bytes", connection="close")
    return bytes(body)


def _body(body: bytes, kind: type[T]) -> T:
    """Decode a body. What is wrong with it is said without its values, of which one may be a person's id."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        expected = ", ".join(field.name for field in msgspec.structs.fields(kind))
        raise _Refused(400, f"Expected an object with some of {expected}, each of its kind") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise _Refused(400, "The body is not JSON") from None


def _digest(token: str) -> bytes:
    """Make tokens of one length, so that comparing them tells nothing, not even how long the right one is."""
    return hashlib.sha256(token.encode()).digest()


def _worded(error: Exception) -> Response:
    """Say what went wrong; never in the words of a fault of our own, which may quote a person's id."""
    if isinstance(error, _Refused):
        return _error(error.status, error.message, **error.headers)
    if isinstance(error, KnobWrong):
        return _error(400, error.expected, key=error.key)
    if isinstance(error, MotcuaError):
        return _error(404 if isinstance(error, NoSuchBatch) else 400 if isinstance(error, Yours) else 500, error.message)
    log.error("the operators' interface failed: %s", type(error).__name__)
    return _error(500, "Something went wrong inside the gateway")


def _json(value: object, status: int = 200, **headers: str) -> Response:
    return Response(msgspec.json.encode(value), status, {**HEADERS, **headers}, "application/json")


def _error(status: int, message: str, *, key: str | None = None, **headers: str) -> Response:
    return _json({"error": {"message": message, **({"key": key} if key else {})}}, status, **headers)
