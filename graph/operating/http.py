"""The operators' interface over HTTP: `/admin/`, for who has the token; all else hears nothing. Beside it the figures, at `/metrics`."""

import contextlib
import hashlib
import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from graph.errors import MotcuaError, Yours
from graph.loading.drawing import drawn_svg
from graph.operating.answers import PurgeOrder, TuneOrder
from graph.operating.knobs import KnobWrong
from graph.operating.metrics import MEDIA_TYPE, Metrics
from graph.operating.operator import NoSuchBatch, Operator
from graph.operating.systems import NoSuchSystem, Systems
from graph.telemetry import event

MAX_BODY_BYTES = 65_536
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}

T = TypeVar("T", bound=msgspec.Struct)
Answer = Callable[[Request], Awaitable[Response]]
# Whom an address answers without the token: nobody, who asks from this machine, or everybody.
OpenTo = Literal["token", "loopback", "open"]


class Refused(Exception):
    """A request that cannot be done, with the HTTP status that says so."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


class Door:
    """One address: who has not the token hears 401 and no more, whatever is asked, unless it is open to him; the rest is by method."""

    def __init__(self, token: str, open_to: OpenTo = "token", **answers: Answer) -> None:
        self._token = _digest(token)
        self._open_to = open_to
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; who leaves before it is read hears nothing."""
        request = Request(scope, receive)
        with contextlib.suppress(ClientDisconnect):
            await (await self._answered(request))(scope, receive, send)

    async def _answered(self, request: Request) -> Response:
        if not self._lets_in(request):
            return Response(status_code=401, headers={**HEADERS, "www-authenticate": "Bearer"})
        try:
            return await self._done(request)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - nothing stands above that would word it
            return _worded(error)

    def _lets_in(self, request: Request) -> bool:
        if self._open_to == "open" or (self._open_to == "loopback" and _from_here(request)):
            return True
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and hmac.compare_digest(_digest(given.strip()), self._token)

    async def _done(self, request: Request) -> Response:
        if not self._answers:
            raise Refused(404, "Nothing is here")
        if (answer := self._answers.get(request.method)) is None:
            allowed = ", ".join(self._answers)
            raise Refused(405, f"Only {allowed} is answered here", allow=allowed)
        return await answer(request)


def routes(operator: Operator, token: str, systems: Systems | None = None) -> list[Route]:
    """Make the routes of the operators' interface for who holds `token`; docs/operating.md says what each answers."""

    async def caches(_request: Request) -> Response:
        return in_json(await operator.caches())

    async def cache(request: Request) -> Response:
        return in_json(await operator.cache(request.path_params["name"]))

    async def tune(request: Request) -> Response:
        return in_json(await operator.tune(request.path_params["name"], decoded(await read_body(request), TuneOrder)))

    async def reset(request: Request) -> Response:
        knobs = [request.path_params["knob"]] if "knob" in request.path_params else []
        return in_json(await operator.reset(request.path_params["name"], *knobs))

    async def purge(request: Request) -> Response:
        return in_json(await operator.purge(decoded(await read_body(request), PurgeOrder)))

    async def whatif(request: Request) -> Response:
        found = await operator.whatif(request.path_params["name"])
        form = request.query_params.get("format", "json")
        if form == "svg":
            return Response(drawn_svg(found.curves, found.knobs), headers=HEADERS, media_type="image/svg+xml")
        if form != "json":
            raise Refused(400, "format: expected json or svg")
        return in_json(found)

    doors: Mapping[str, Mapping[str, Answer]] = {
        "/admin/caches": {"GET": caches},
        "/admin/caches/{name}": {"GET": cache, "PATCH": tune, "DELETE": reset},
        "/admin/caches/{name}/whatif": {"GET": whatif},
        "/admin/caches/{name}/{knob}": {"DELETE": reset},
        "/admin/purge": {"POST": purge},
        **(_of_systems(systems) if systems is not None else {}),
        "/admin/{rest:path}": {},
    }
    return [Route(path, Door(token, "token", **answers)) for path, answers in doors.items()]


def _of_systems(systems: Systems) -> dict[str, Mapping[str, Answer]]:
    async def states(_request: Request) -> Response:
        return in_json(await systems.states())

    async def drain(request: Request) -> Response:
        return in_json(await systems.drain(request.path_params["name"]))

    async def resume(request: Request) -> Response:
        return in_json(await systems.resume(request.path_params["name"]))

    return {
        "/admin/systems": {"GET": states},
        "/admin/systems/{name}/drain": {"POST": drain},
        "/admin/systems/{name}/resume": {"POST": resume},
    }


def metrics_route(metrics: Metrics, token: str, open_to: OpenTo) -> Route:
    """Make the route of the figures."""

    async def exposed(_request: Request) -> Response:
        return Response(await metrics.exposed(), headers={**HEADERS, "content-type": MEDIA_TYPE})

    return Route("/metrics", Door(token, open_to, GET=exposed))


def _from_here(request: Request) -> bool:
    """Tell whether who asks is on this machine; only the connection itself is believed, no header."""
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


async def read_body(request: Request) -> bytes:
    """Read the body, and stop as soon as it is too long."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise Refused(413, f"The body is longer than {MAX_BODY_BYTES} bytes", connection="close")
    return bytes(body)


def decoded(body: bytes, kind: type[T]) -> T:
    """Decode a body. What is wrong with it is said without its values, of which one may be a person's id."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        expected = ", ".join(field.name for field in msgspec.structs.fields(kind))
        raise Refused(400, f"Expected an object with some of {expected}, each of its kind") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Refused(400, "The body is not JSON") from None


def _digest(token: str) -> bytes:
    """Make tokens of one length, so that comparing them tells nothing, not even how long the right one is."""
    return hashlib.sha256(token.encode()).digest()


def _worded(error: Exception) -> Response:
    """Say what went wrong; never in the words of a fault of our own, which may quote a person's id."""
    if isinstance(error, Refused):
        return _error(error.status, error.message, **error.headers)
    if isinstance(error, KnobWrong):
        return _error(400, error.expected, key=error.key)
    if isinstance(error, MotcuaError):
        return _error(404 if isinstance(error, NoSuchBatch | NoSuchSystem) else 400 if isinstance(error, Yours) else 500, error.message)
    event("operators_interface_failed", kind=type(error).__name__)
    return _error(500, "Something went wrong inside the gateway")


def in_json(value: object, status: int = 200, **headers: str) -> Response:
    """Answer in JSON."""
    return Response(msgspec.json.encode(value), status, {**HEADERS, **headers}, "application/json")


def _error(status: int, message: str, *, key: str | None = None, **headers: str) -> Response:
    return in_json({"error": {"message": message, **({"key": key} if key else {})}}, status, **headers)
