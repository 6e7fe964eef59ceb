"""Runs a real Redis or Valkey for the tests of the shared tier; on Debian, as root, it installs one if there is none."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.servers import free_port

NAMES = ("redis-server", "valkey-server")
START_SECONDS = 10


def server_path() -> Path:
    """Give the path of the server; a RuntimeError says what to install when there is none and none can be installed."""
    found = _found()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install()
        found = _found()
    if found is None:
        raise RuntimeError(
            f"The tests of the shared tier need Redis or Valkey, and none of {', '.join(NAMES)} is on PATH. "
            "Debian: sudo apt-get install redis-server"
        )
    return found


def _found() -> Path | None:
    return next((Path(path) for path in map(shutil.which, NAMES) if path), None)


def _install() -> None:
    sys.stderr.write("Installing Redis for the tests of the shared tier (apt-get install redis-server) ...\n")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "redis-server"]):
        ended = subprocess.run(["apt-get", "--quiet=2", *words], env=quiet, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise RuntimeError(f"`apt-get {' '.join(words)}` failed; install Redis by hand. It said:\n{ended.stderr.strip()}")


class RedisServer:
    """A running server that keeps nothing on disk; tests may kill it, start it again (empty, at the same address) and pause it."""

    def __init__(self, folder: str) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self.process = self._started()

    def _started(self) -> "subprocess.Popen[bytes]":
        command = [
            str(server_path()),
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--dir",
            self._folder,
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < until:
            if self._answers():
                return process
            time.sleep(0.01)
        process.kill()
        process.wait()
        raise AssertionError(f"{command[0]} did not answer within {START_SECONDS} seconds, or stopped with {process.returncode}")

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
            line.sendall(b"PING\r\n")
            return line.recv(7) == b"+PONG\r\n"
        return False

    def kill(self) -> None:
        """End it at once; all that it held is gone."""
        self.resume()
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Start it again, after it was ended or instead of the one that runs."""
        self.kill()
        self.process = self._started()

    def pause(self) -> None:
        """Let it answer nothing, without closing any connection."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it answer again."""
        self.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def redis_running() -> Iterator[RedisServer]:
    """Run a server on a free port, and end it whatever happens."""
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(folder)
        try:
            yield server
        finally:
            server.kill()


if __name__ == "__main__":
    server_path()
