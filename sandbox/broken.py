"""Answers that go wrong on their way out: they break off, the connection is reset, or they are no answer at all."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from typing import Final, NoReturn, Protocol, cast

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from sandbox.agency import Answer
from sandbox.faults import Fault

_PIECE: Final = b" " * 65_536
_PAGE: Final = "<!DOCTYPE html><html><body><h1>Hệ thống đang bảo trì</h1></body></html>".encode()
_GARBAGE: Final = b"\x3c\x3c{ \xff\xfe not a document ]>"
_NO_LINGERING: Final = struct.pack("ii", 1, 0)


class Linger(Protocol):
    """A socket, or what an event loop shows of one."""

    def setsockopt(self, level: int, option: int, value: bytes, /) -> None:
        """Set an option."""


class CutResponse(Response):
    """An answer that breaks off: less than Content-Length promised, or chunks without an end."""

    def __init__(self, answer: Answer, *, chunked: bool) -> None:
        super().__init__(answer.body, answer.status, media_type=answer.media_type)
        if chunked:
            del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the first half and return; the server then closes the connection."""
        del scope, receive
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})


class ResetResponse(Response):
    """No answer, or its head and `after` bytes of its body, and then a connection that is reset."""

    def __init__(self, answer: Answer, after: int | None) -> None:
        super().__init__(answer.body, answer.status, media_type=answer.media_type)
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reset the connection; where there is none, as in a test without a network, raise ConnectionResetError."""
        del scope
        if self._after is not None:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": self.body[: self._after], "more_body": True})
        transport = _transport(receive) or _without_connection()
        await _written(transport)
        reset(transport)
        await left(receive)  # the server takes an answer that never began for a mistake, unless it knows that nobody waits for it


def broken(fault: Fault, honest: Answer) -> Response:
    """Spoil the honest answer on its way out; most faults leave it as it is."""
    if fault.kind in {"reset", "flapping"}:
        return ResetResponse(honest, fault.after)
    if fault.kind == "cut_body":
        return CutResponse(honest, chunked=fault.chunked)
    if fault.kind == "wrong_content_type":
        return response_of(Answer(200, "text/html; charset=utf-8", _PAGE))
    if fault.kind == "garbage":
        return response_of(Answer(200, honest.media_type, _GARBAGE))
    if fault.kind == "huge_body":
        return StreamingResponse(_filler(fault.size), media_type=honest.media_type)
    return response_of(honest)


def response_of(answer: Answer) -> Response:
    """Send an answer as it is."""
    response = Response(answer.body, answer.status, media_type=answer.media_type)
    if answer.etag:
        response.headers["ETag"] = answer.etag
    return response


def reset(transport: asyncio.WriteTransport) -> None:
    """End a connection with RST instead of FIN, as a machine does that has lost it."""
    if transport.is_closing():
        return
    cast("Linger", transport.get_extra_info("socket")).setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
    transport.abort()


async def _written(transport: asyncio.WriteTransport) -> None:
    """Wait until nothing is left to write: the loop writes in its own time, and a reset forgets the rest."""
    while not transport.is_closing() and transport.get_write_buffer_size():  # noqa: ASYNC110 - the loop sets no event
        await asyncio.sleep(0)


async def left(receive: Receive) -> None:
    """Wait until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _transport(receive: Receive) -> asyncio.WriteTransport | None:
    """Find the connection behind a call: what uvicorn hands to an application is a method of the call, which knows it."""
    return getattr(getattr(receive, "__self__", None), "transport", None)


def _without_connection() -> NoReturn:
    raise ConnectionResetError("the sandbox resets the connection")


async def _filler(size: int) -> AsyncIterator[bytes]:
    while size > 0:
        yield _PIECE[:size]
        size -= len(_PIECE)
