"""One exchange with an agency: a request that may be sent, an answer, and the ways in which there is none."""

import math
import re
from functools import lru_cache
from typing import Protocol

import msgspec

Headers = list[tuple[bytes, bytes]]
OURS = frozenset({b"host", b"connection", b"content-length", b"transfer-encoding", b"user-agent", b"accept-encoding", b"expect", b"te"})
TOKEN = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
TARGET = re.compile(rb"/[\x21-\x7e]*")


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A complete answer; names of headers are in lower case, and values of one that came several times are joined by commas."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class Line(Protocol):
    """Whatever carries requests to one origin."""

    async def exchange(self, method: bytes, target: bytes, headers: Headers, body: bytes, ends_at: float = math.inf) -> Answer:
        """Send a request and return the whole answer; ExchangeFailed where there is none within every limit.

        `ends_at`, on the event loop's clock, is one more limit.
        """

    async def close(self) -> None:
        """End everything that is under way, and all connections."""


class ExchangeFailed(Exception):
    """There is no answer; the classes below say why."""


class ConnectFailed(ExchangeFailed):
    """Nobody took the connection, or nobody trusted vouches for who did."""


class ConnectTimedOut(ExchangeFailed):
    """The connection did not stand in time."""


class PoolTimedOut(ExchangeFailed):
    """No connection became free in time."""


class ReadTimedOut(ExchangeFailed):
    """Too long without a byte, or too long in all."""


class TooLarge(ExchangeFailed):
    """The answer is larger than allowed; it was not read to its end."""


class NotHttp(ExchangeFailed):
    """What came is not an answer in HTTP/1.1, or more than one."""


class LineClosed(ExchangeFailed):
    """The line was closed on our side."""


class BrokenOff(ExchangeFailed):
    """The connection ended before the answer did; `heard` tells whether any byte of it had come."""

    def __init__(self, *, heard: bool) -> None:
        super().__init__()
        self.heard = heard


class RequestRefused(ValueError):
    """The request would not be one on the wire: nothing was sent."""


@lru_cache(maxsize=256)
def may_be_sent(name: bytes) -> bool:
    """Tell whether a header with this name may be sent beside those that a line writes itself."""
    return TOKEN.fullmatch(name) is not None and name.lower() not in OURS


class RequestHead:
    """Writes requests to one origin; what is the same in each is written once."""

    __slots__ = ("_constant", "_lines")

    def __init__(self, host: str) -> None:
        self._constant = f" HTTP/1.1\r\nhost: {host}\r\nuser-agent: motcua\r\naccept-encoding: identity\r\n".encode("ascii")
        self._lines = self._constant.count(b"\n") + 1

    def written(self, method: bytes, target: bytes, headers: Headers, body: bytes) -> bytes:
        """Return the request as it goes out; RequestRefused where a part of it would be read as something else."""
        parts = [method, b" ", target, self._constant]
        lines = self._lines + len(headers)
        for name, value in headers:
            if not may_be_sent(name):
                raise RequestRefused("a header has a name that may not be sent")
            parts += (name, b": ", value, b"\r\n")
        if body or method != b"GET":
            parts.append(b"content-length: %d\r\n" % len(body))
            lines += 1
        parts.append(b"\r\n")
        head = b"".join(parts)
        # One line for each header and no more: whatever brought a line end with it is found by counting.
        if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
            raise RequestRefused("a header holds what would be read as the end of it")
        if not TARGET.fullmatch(target) or not TOKEN.fullmatch(method):
            raise RequestRefused("the address holds what would be read as the end of it")
        return head + body if body else head
