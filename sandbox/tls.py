"""The TLS fronts of the sandbox: each takes encrypted connections for one system and passes the bytes to the plain port and back."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sandbox.broken import reset
from sandbox.certificates import Certificates, certificates_in, server_context

Address = tuple[str, int]
_PIECE: Final = 65_536


class Front:
    """One TLS port; `expires` is asked at each handshake whether to show the expired certificate."""

    def __init__(
        self, certificates: Certificates, plain: Address, expires: Callable[[], bool], *, require_client_certificate: bool = False
    ) -> None:
        self._plain = plain
        self._expires = expires
        self._expired = server_context(certificates, expired=True)
        self._context = server_context(certificates, require_client_certificate=require_client_certificate)
        self._context.sni_callback = self._choose
        self._kept: set[asyncio.WriteTransport] = set()
        self._work: set[asyncio.Task[None]] = set()
        self.port = 0

    @asynccontextmanager
    async def serving(self, listener: socket.socket) -> AsyncIterator[None]:
        """Take connections at a bound socket, and drop them all at the end."""
        self.port = listener.getsockname()[1]
        server = await asyncio.start_server(self._connected, sock=listener, ssl=self._context)
        try:
            yield
        finally:
            server.close()
            self.drop()
            await asyncio.gather(*self._work, return_exceptions=True)

    def drop(self) -> None:
        """Close the connections that are open."""
        for transport in list(self._kept):
            transport.abort()

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Choose the certificate; it is asked even where the client names no server."""
        if self._expires():
            connection.context = self._expired

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        work = asyncio.current_task()
        if work is not None:
            self._work.add(work)
            work.add_done_callback(self._work.discard)
        self._kept.add(writer.transport)
        try:
            with contextlib.suppress(OSError):  # the agency is not there (yet), or somebody has left
                await self._pass_on(reader, writer)
        finally:
            self._kept.discard(writer.transport)
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_agency, to_agency = await asyncio.open_connection(*self._plain)
        up, down = asyncio.create_task(_copied(reader, to_agency)), asyncio.create_task(_copied(from_agency, writer))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            if down.done() and isinstance(down.exception(), ConnectionResetError):
                reset(writer.transport)
        finally:
            up.cancel()
            down.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
            to_agency.close()
            await to_agency.wait_closed()


class Fronts:
    """A front for each system, whose certificates stand in a folder."""

    def __init__(
        self, folder: Path, listeners: Mapping[str, socket.socket], plain: Address, *, require_client_certificate: bool = False
    ) -> None:
        """Take bound sockets, by system; OSError where the certificates cannot be written or read."""
        self._folder = folder
        self._listeners = listeners
        self._plain = plain
        self._require_client_certificate = require_client_certificate
        self._certificates = certificates_in(folder)
        self._fronts: dict[str, Front] = {}

    @asynccontextmanager
    async def serving(self, expires: Callable[[str], bool]) -> AsyncIterator[None]:
        """Open all fronts; `expires` is asked at each handshake whether that system shows its expired certificate."""
        async with contextlib.AsyncExitStack() as stack:
            for system, listener in self._listeners.items():
                front = self._front(system, expires)
                await stack.enter_async_context(front.serving(listener))
                self._fronts[system] = front
            yield

    def drop(self, system: str) -> None:
        """Close the connections of a system that are open."""
        if system in self._fronts:
            self._fronts[system].drop()

    def report(self) -> dict[str, object]:
        """Say where the fronts are and what they demand."""
        return {
            "folder": str(self._folder),
            "ports": {system: front.port for system, front in self._fronts.items()},
            "client_certificate_required": self._require_client_certificate,
        }

    def _front(self, system: str, expires: Callable[[str], bool]) -> Front:
        require = self._require_client_certificate
        return Front(self._certificates, self._plain, lambda: expires(system), require_client_certificate=require)


@asynccontextmanager
async def tls_front(
    folder: Path, plain_port: int, *, expires: Callable[[], bool] = lambda: False, require_client_certificate: bool = False
) -> AsyncIterator[Front]:
    """Put one TLS front, at a free port, before anything that listens at a plain port of this machine."""
    certificates = certificates_in(folder)
    front = Front(certificates, ("127.0.0.1", plain_port), expires, require_client_certificate=require_client_certificate)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        async with front.serving(listener):
            yield front


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE):
        writer.write(piece)
        await writer.drain()
