"""The platforms before the agencies: X-Road, NDXP and an LGSP, each handing messages on to the same six agencies, and their controls."""

import base64
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qs, unquote_plus

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.relay import Replayed, Sent, onward, read, without
from sandbox.xroad import Breakage, SecurityServer

CLIENT_ID: Final = "motcua"
CLIENT_SECRET: Final = "sandbox-platform"  # noqa: S105 - the sandbox guards nothing
TOKEN_SECONDS: Final = 60
NAMES: Final = ("ndxp", "lgsp")
Clock = Callable[[], float]


class TokenPlatform:
    """A platform that gives short-lived tokens and lets through what carries one; it shows itself to the agency with the agency's token."""

    def __init__(self, agencies: ASGIApp, tokens: Mapping[str, str], clock: Clock) -> None:
        self._agencies = agencies
        self._bearers = {system.replace("_", "-"): f"Bearer {token}".encode() for system, token in tokens.items()}
        self._clock = clock
        self._tokens: dict[str, float] = {}
        self.given = self.refused = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one message, or give a token."""
        try:
            sent = await read(scope, receive)
        except ClientDisconnect:
            return
        if sent.path == "/token":
            await self._give(sent)(scope, receive, send)
            return
        bearer = self._bearers.get(sent.path.split("/")[1])
        if bearer is None or not self._knows(sent.header("authorization") or ""):
            await self._refuse(found=bearer is not None)(scope, receive, send)
            return
        headers = [*without(sent.headers, b"authorization"), (b"authorization", bearer)]
        await self._agencies(onward(scope, sent.path, headers), Replayed(sent.body, receive).receive, send)

    def expire(self) -> None:
        """Let all tokens end now."""
        self._tokens.clear()

    def report(self) -> dict[str, int]:
        """Count tokens given, tokens in force, and messages refused for want of one."""
        now = self._clock()
        return {"given": self.given, "in_force": sum(ends > now for ends in self._tokens.values()), "refused": self.refused}

    def _give(self, sent: Sent) -> Response:
        form = {name: values[0] for name, values in parse_qs(sent.body.decode("latin-1")).items()}
        if sent.method != "POST" or form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        if _client(sent.header("authorization") or "") != (CLIENT_ID, CLIENT_SECRET):
            return JSONResponse({"error": "invalid_client"}, 401, {"WWW-Authenticate": "Basic"})
        token = secrets.token_urlsafe(24)
        self._tokens[token] = self._clock() + TOKEN_SECONDS
        self.given += 1
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    def _knows(self, authorization: str) -> bool:
        return self._tokens.get(authorization.removeprefix("Bearer "), 0) > self._clock()

    def _refuse(self, *, found: bool) -> Response:
        if not found:
            return JSONResponse({"error": "there is no such system"}, 404)
        self.refused += 1
        return JSONResponse({"error": "invalid_token"}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})


def platforms(agencies: Sequence[BaseRoute], tokens: Mapping[str, str], clock: Clock) -> list[BaseRoute]:
    """Make the addresses of the platforms, in front of the routes of the agencies, and the controls for them."""
    behind = Router(list(agencies))
    xroad = SecurityServer(behind, tokens)
    others = {name: TokenPlatform(behind, tokens, clock) for name in NAMES}
    mounted = [Mount("/xroad", xroad), *(Mount(f"/{name}", platform) for name, platform in others.items())]
    return [*mounted, *_xroad_controls(xroad), *_token_controls(others)]


def _xroad_controls(xroad: SecurityServer) -> list[BaseRoute]:
    async def fail(request: Request) -> Response:
        try:
            spec: Any = orjson.loads(await request.body())
        except orjson.JSONDecodeError:
            spec = None
        code, times = (spec.get("code"), spec.get("times")) if isinstance(spec, dict) else (None, None)
        if not isinstance(code, str) or not isinstance(times, int | None) or (times is not None and times < 1):
            return JSONResponse({"error": "The body is a JSON object with code, a text, and perhaps times, a number from 1."}, 400)
        xroad.breakage = Breakage(code, times)
        return Response(status_code=204)

    async def heal(_: Request) -> Response:
        xroad.breakage = None
        return Response(status_code=204)

    return [Route("/_sandbox/xroad", fail, methods=["PUT"]), Route("/_sandbox/xroad", heal, methods=["DELETE"])]


def _token_controls(others: Mapping[str, TokenPlatform]) -> list[BaseRoute]:
    async def report(_: Request) -> Response:
        return JSONResponse({name: platform.report() for name, platform in others.items()})

    async def expire(_: Request) -> Response:
        for platform in others.values():
            platform.expire()
        return Response(status_code=204)

    return [Route("/_sandbox/tokens", report, methods=["GET"]), Route("/_sandbox/tokens", expire, methods=["DELETE"])]


def _client(authorization: str) -> tuple[str, str] | None:
    """Read the client's id and secret (RFC 6749, 2.3.1)."""
    try:
        name, _, secret = base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode().partition(":")
    except ValueError:
        return None
    return unquote_plus(name), unquote_plus(secret)
