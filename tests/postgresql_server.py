"""Runs a real PostgreSQL for the tests of the consents of several machines; on Debian, as root, it installs one if there is none."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.servers import free_port

PACKAGE = "postgresql"
ACCOUNT = "postgres"
START_SECONDS = 30
FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin")


def server_path() -> Path:
    """Give the path of the server; a RuntimeError says what to install when there is none and none can be installed."""
    found = _found()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install()
        found = _found()
    if found is None:
        raise RuntimeError("The tests of consents need PostgreSQL, and there is none. Debian: sudo apt-get install postgresql")
    return found


def _found() -> Path | None:
    """Find a server that has `initdb` beside it: a wrapper on PATH may have not."""
    on_path = [Path(path).resolve() for path in [shutil.which(ACCOUNT)] if path]
    installed = [folder / ACCOUNT for pattern in FOLDERS for folder in sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)]
    return next((path for path in [*installed, *on_path] if path.exists() and (path.parent / "initdb").exists()), None)


def _install() -> None:
    sys.stderr.write("Installing PostgreSQL for the tests of consents (apt-get install postgresql) ...\n")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "--yes", "--no-install-recommends", PACKAGE]):
        ended = subprocess.run(["apt-get", "--quiet=2", *words], env=quiet, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise RuntimeError(f"`apt-get {' '.join(words)}` failed; install PostgreSQL by hand. It said:\n{ended.stderr.strip()}")


def _as_account() -> str | None:
    """Name the account to run it as: it refuses to be run by root."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(ACCOUNT).pw_name
    return "nobody"


class PostgresqlServer:
    """A cluster of its own in a folder of its own, which listens on this machine only; tests may end it and start it again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._bin = server_path().parent
        self._data = folder / "data"
        self._account = _as_account()
        if self._account is not None:
            shutil.chown(folder, self._account)
        self._run("initdb", "--pgdata", str(self._data), "--username", "motcua", "--auth", "trust", "--encoding", "UTF8", "--no-sync")
        self.url = f"postgresql://motcua@127.0.0.1:{self.port}/postgres"
        self.process = self._started()

    def _run(self, program: str, *words: str) -> None:
        ended = subprocess.run([self._bin / program, *words], user=self._account, cwd="/", capture_output=True, text=True, check=False)
        if ended.returncode:
            raise RuntimeError(f"{program} failed; it said:\n{ended.stderr.strip()}")

    def _started(self) -> "subprocess.Popen[bytes]":
        options = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        command = [str(self._bin / "postgres"), "-D", str(self._data), *(f"--{name}={value}" for name, value in options.items())]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, user=self._account, cwd="/", stdout=quiet, stderr=quiet)
        until = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < until:
            if self._answers():
                return process
            time.sleep(0.05)
        process.kill()
        raise AssertionError(f"PostgreSQL did not answer within {START_SECONDS} seconds, or stopped with {process.returncode}")

    def _answers(self) -> bool:
        ready = [str(self._bin / "pg_isready"), "--host", "127.0.0.1", "--port", str(self.port), "--quiet"]
        return subprocess.run(ready, check=False).returncode == 0

    def stop(self) -> None:
        """End it, and the connections that it has, at once."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()

    def restart(self) -> None:
        """Start it again; what was committed is there."""
        self.stop()
        self.process = self._started()


@contextlib.contextmanager
def postgresql_running() -> Iterator[PostgresqlServer]:
    """Run a cluster on a free port, and end it whatever happens."""
    with tempfile.TemporaryDirectory(prefix="motcua-postgresql-", ignore_cleanup_errors=True) as folder:
        server = PostgresqlServer(Path(folder))
        try:
            yield server
        finally:
            server.stop()


if __name__ == "__main__":
    server_path()
