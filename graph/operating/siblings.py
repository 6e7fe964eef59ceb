"""How the workers of one gateway on one machine speak with one another: a socket for each, one line of JSON each way.

The sockets lie in `<state>/workers/<host>-<port>/<pid>.sock`, in a folder that its owner alone may enter. Where that path is longer
than a Unix socket's may be (107 bytes), they lie in a private folder under the system's folder for temporary files, named by a hash of it.
"""

import asyncio
import contextlib
import hashlib
import os
import socket
import stat
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from graph.errors import SettingsWrong
from graph.settings import Settings
from graph.telemetry import event

MAX_MESSAGE_BYTES = 8_388_608
LONGEST_PATH = 107
LONGEST_NAME = len("/4194304.sock")
BACKLOG = 64

Handler = Callable[[Any], Awaitable[Any]]


class Worker(NamedTuple):
    """Which worker of a gateway a process is, and where that gateway listens; without a port it has no siblings."""

    number: int = 1
    of: int = 1
    host: str = "127.0.0.1"
    port: int | None = None


class _Message(msgspec.Struct):
    kind: str
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Reply(msgspec.Struct, omit_defaults=True):
    done: bool
    reply: msgspec.Raw = msgspec.Raw(b"null")


class Siblings:
    """The workers of one gateway, as one of them sees them: it answers the others, and asks them.

    `handlers` says for each kind of message what is done with its body; body and reply are whatever JSON can carry.
    """

    def __init__(self, settings: Settings, worker: Worker, handlers: Mapping[str, Handler]) -> None:
        """Prepare the folder; SettingsWrong where it cannot be made, or where others may look into it."""
        self.pid = os.getpid()
        self.handlers = handlers
        self.folder = None if worker.port is None else meeting_folder(settings, worker.host, worker.port)
        self._server: asyncio.Server | None = None
        self._doing: set[asyncio.Future[Any]] = set()

    async def __aenter__(self) -> Self:
        """Begin to answer."""
        if self.folder is not None:
            # With the name that others look for only once it answers: they remove a socket that refuses them.
            made, path = self.folder / f"{self.pid}.new", self.folder / f"{self.pid}.sock"
            if await self._asked(path, b"", 1.0) is not Gone:
                raise SettingsWrong(f"{path}: another gateway answers here; expected a gateway.state for each")
            made.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(made))
            listener.listen(BACKLOG)
            made.rename(path)
            self._server = await asyncio.start_unix_server(self._answer, sock=listener, limit=MAX_MESSAGE_BYTES)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop answering and remove the socket."""
        if self._server is not None and self.folder is not None:
            (self.folder / f"{self.pid}.sock").unlink(missing_ok=True)
            self._server.close()
        for doing in (left := list(self._doing)):
            doing.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def ask_all(self, kind: str, body: Any, within: float = 1.0, returns: Any = Any) -> tuple[dict[int, Any], list[int]]:
        """Ask this worker and all others side by side; return the reply of each by its process id, and who did not answer.

        Silent is who took longer than `within` seconds, sent what is not `returns`, or could not do it. A worker that has ended is neither:
        its socket is removed.
        """
        line = msgspec.json.encode({"kind": kind, "body": body}) + b"\n"
        others = self._others()
        answers = await asyncio.gather(self._own(line, within), *(self._asked(path, line, within) for path in others.values()))
        replies: dict[int, Any] = {}
        silent: list[int] = []
        for pid, answer in zip([self.pid, *others], answers, strict=True):
            if answer is Gone:
                continue
            try:
                replies[pid] = msgspec.json.decode(_reply(answer), type=returns)
            except (msgspec.MsgspecError, ValueError):
                silent.append(pid)
        return replies, sorted(silent)

    def _others(self) -> dict[int, Path]:
        found = self.folder.glob("*.sock") if self.folder else ()
        return {int(path.stem): path for path in found if path.stem.isdigit() and path.stem != str(self.pid)}

    async def _own(self, line: bytes, within: float) -> Any:
        """Do oneself what the others are asked; as with them, it is done to its end even when nobody waits any longer."""
        doing = asyncio.ensure_future(self._handled(line))
        self._doing.add(doing)
        doing.add_done_callback(self._doing.discard)
        await asyncio.wait((doing,), timeout=within)
        return doing.result() if doing.done() else None

    async def _asked(self, path: Path, line: bytes, within: float) -> Any:
        """Send one line to a worker and read its reply: Gone where it has ended, the error where it does not answer."""
        try:
            async with asyncio.timeout(within):
                reader, writer = await asyncio.open_unix_connection(path, limit=MAX_MESSAGE_BYTES)
                try:
                    writer.write(line)
                    await writer.drain()
                    return await reader.readline()
                finally:
                    writer.close()
        except (ConnectionRefusedError, FileNotFoundError):
            _removed(path)
            return Gone
        except (OSError, ValueError) as error:  # TimeoutError is an OSError; a line that is too long is a ValueError
            return error

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one message; who hung up meanwhile gets nothing, but what was asked is done."""
        if task := asyncio.current_task():
            self._doing.add(task)
            task.add_done_callback(self._doing.discard)
        try:
            with contextlib.suppress(OSError, ValueError, asyncio.CancelledError):  # only the end of this worker cancels
                if line := await reader.readline():
                    writer.write(await self._handled(line))
                    await writer.drain()
        finally:
            writer.close()

    async def _handled(self, line: bytes) -> bytes:
        try:
            message = msgspec.json.decode(line, type=_Message)
            reply = await self.handlers[message.kind](msgspec.json.decode(message.body))
            return msgspec.json.encode(_Reply(done=True, reply=msgspec.Raw(msgspec.json.encode(reply)))) + b"\n"
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who asks must learn that it was not done
            event("worker_message_failed", kind=type(error).__name__)  # its words may quote the message
            return msgspec.json.encode(_Reply(done=False)) + b"\n"


class Gone:
    """Stands for the reply of a worker that has ended."""


def meeting_folder(settings: Settings, host: str, port: int) -> Path:
    """Make the folder where the workers of the gateway at this address meet; SettingsWrong where it would not be private."""
    folder = state_folder(settings) / "workers" / f"{host}-{port}"
    if len(os.fsencode(folder)) + LONGEST_NAME > LONGEST_PATH:
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:24]
        folder = Path(tempfile.gettempdir()) / f"motcua-{os.getuid()}-{name}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise settings.wrong("gateway.state", f"expected a folder that can be written: {error}") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise settings.wrong("gateway.state", f"expected {folder} to be a folder that its owner alone may enter (chmod 700)")
    return folder


def state_folder(settings: Settings) -> Path:
    """Name the folder of what the gateway keeps between starts; a relative one lies beside the settings file."""
    return (settings.file.parent / settings.gateway.state).absolute()


def _removed(path: Path) -> None:
    path.unlink(missing_ok=True)


def _reply(answer: Any) -> bytes:
    """Return what a worker replied; ValueError where it did not, or could not do what it was asked."""
    if not isinstance(answer, bytes):
        raise ValueError("no answer")  # noqa: TRY004 - one kind of error for all that is no reply
    reply = msgspec.json.decode(answer, type=_Reply)
    if not reply.done:
        raise ValueError("not done")
    return bytes(reply.reply)
