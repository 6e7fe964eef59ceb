"""Processes under measurement: sandbox, gateway and load, started as a user would and ended by their id, whatever happens."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from bench.consumers import write_consumers
from bench.exchange import Job, Outcome
from sandbox.app import SYSTEMS, default_token

PROJECT = Path(__file__).parent.parent
START_SECONDS = 30
STOP_SECONDS = 10
TICKS = os.sysconf("SC_CLK_TCK")

Process = subprocess.Popen[bytes]
Changes = Mapping[str, Any]


@dataclass(frozen=True)
class Server:
    """A process that listens on this machine."""

    port: int
    process: Process

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def processor_seconds(self) -> float:
        """Return the processor time, user and system, that the process has used so far; counted in hundredths on Linux."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text("ascii", "replace")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@dataclass(frozen=True)
class Gateway(Server):
    """A gateway, which tells operators how its systems stand."""

    client: httpx.Client

    def figures(self, system: str) -> dict[str, Any]:
        """Return what it has counted of a system since its start."""
        answer = self.client.get(f"{self.url}/admin/systems").raise_for_status()
        found: dict[str, Any] = next(one for one in answer.json()["systems"] if one["name"] == system)
        return found

    def resume(self, system: str) -> None:
        """Let it call a system as if nothing had been wrong."""
        self.client.post(f"{self.url}/admin/systems/{system}/resume").raise_for_status()


@dataclass(frozen=True)
class Sandbox(Server):
    """A sandbox, which counts how often each system is called."""

    client: httpx.Client

    def counts(self) -> dict[str, dict[str, int]]:
        """Count the calls to each system, and the keys in them, since the last reset."""
        counted: dict[str, dict[str, int]] = self.client.get(f"{self.url}/_sandbox/calls").json()
        return counted

    def bound(self, system: str, *, slots: int, per_call_ms: int) -> None:
        """Let a system work on so many calls at once, each for so long."""
        capacity = {"slots": slots, "per_call_ms": per_call_ms}
        self.client.put(f"{self.url}/_sandbox/capacity/{system}", json=capacity).raise_for_status()

    def fault(self, system: str, **fault: str | float) -> None:
        """Make a system faulty."""
        self.client.put(f"{self.url}/_sandbox/faults/{system}", json=fault).raise_for_status()

    def heal(self, system: str) -> None:
        """Make a system work again."""
        self.client.delete(f"{self.url}/_sandbox/faults/{system}").raise_for_status()

    def reset_calls(self) -> None:
        """Count from nought."""
        self.client.delete(f"{self.url}/_sandbox/calls").raise_for_status()


@dataclass(frozen=True)
class Load:
    """The process that asks."""

    process: Process

    def run(self, job: Job) -> Outcome:
        """Do a job and wait for its outcome."""
        self.begin(job)
        return self.outcome()

    def begin(self, job: Job) -> None:
        """Begin a job, and do not wait for it: others can be done beside it, each by a process of its own."""
        if self.process.stdin is None:
            raise RuntimeError("the load has no pipes")
        self.process.stdin.write(msgspec.json.encode(job) + b"\n")
        self.process.stdin.flush()

    def outcome(self) -> Outcome:
        """Wait for the outcome of the job that was begun."""
        if self.process.stdout is None:
            raise RuntimeError("the load has no pipes")
        return msgspec.json.decode(self.process.stdout.readline(), type=Outcome)


@contextlib.contextmanager
def sandbox_running(latency: str = "none") -> Iterator[Sandbox]:
    """Run a sandbox that answers without waiting, or as slowly as the latency profile says."""
    port = free_port()
    command = [*_motcua(), "sandbox", "--port", str(port), "--latency", latency]
    with _running(command) as process, httpx.Client(trust_env=False) as client:
        sandbox = Sandbox(port, process, client)
        _wait_for(f"{sandbox.url}/_sandbox/health", process)
        yield sandbox


@contextlib.contextmanager
def gateway_running(sandbox: Sandbox, changes: Changes | None = None) -> Iterator[Gateway]:
    """Run a gateway with the project's settings, led to this sandbox, with some settings changed."""
    port = free_port()
    tokens = {f"MOTCUA_{system.upper()}_TOKEN": default_token(system) for system in SYSTEMS}
    with tempfile.TemporaryDirectory() as folder:
        settings = write_settings(Path(folder), sandbox, changes or {})
        command = [*_motcua(), "serve", "--port", str(port), "--settings", str(settings)]
        with _running(command, environment=tokens) as process, httpx.Client(trust_env=False) as client:
            gateway = Gateway(port, process, client)
            _wait_for(f"{gateway.url}/healthz", process)
            token = (Path(folder) / "state" / "admin.token").read_text("ascii").strip()
            client.headers["Authorization"] = f"Bearer {token}"
            yield gateway


@contextlib.contextmanager
def textbook_running(sandbox: Sandbox) -> Iterator[Server]:
    """Run the yardstick against this sandbox."""
    port = free_port()
    with _running([sys.executable, "-m", "bench.textbook", str(port), sandbox.url]) as process:
        server = Server(port, process)
        _wait_for(f"{server.url}/healthz", process)
        yield server


@contextlib.contextmanager
def bare_running() -> Iterator[Server]:
    """Run the gateway's server with a bare application in it."""
    port = free_port()
    with _running([sys.executable, "-m", "bench.bare", str(port)]) as process:
        server = Server(port, process)
        _wait_for(server.url, process)
        yield server


@contextlib.contextmanager
def load_running() -> Iterator[Load]:
    """Run the process that asks."""
    with _running([sys.executable, "-m", "bench.load"], pipes=True) as process:
        yield Load(process)


def free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def engine() -> str:
    """Name the engine that the project's settings choose."""
    return str(tomllib.loads((PROJECT / "motcua.toml").read_text("utf-8")).get("engine", "the gateway's own choice"))


def batches() -> list[str]:
    """Name the batch functions that the project's settings have a section for."""
    return list(tomllib.loads((PROJECT / "motcua.toml").read_text("utf-8"))["batches"])


def write_settings(folder: Path, sandbox: Sandbox, changes: Changes, *, consumers: str = "") -> Path:
    """Write settings, those of the project with some changed, and consumers with some added into a folder, where state is kept too."""
    write_consumers(folder, consumers)
    settings = tomllib.loads((PROJECT / "motcua.toml").read_text("utf-8"))
    places: Changes = {
        "sandbox": {"url": sandbox.url},
        "gateway": {"examples": str(PROJECT / "examples"), "state": f"{folder}/state"},
        "admin": {"token": f"file:{folder}/state/admin.token"},
    }
    merged = _merged(_merged(settings, places), changes)
    file = folder / "motcua.toml"
    file.write_text("".join(f"{name} = {_toml(value)}\n" for name, value in merged.items()), "utf-8")
    return file


def _motcua() -> list[str]:
    return [sys.executable, "-m", "graph.cli"]


def _merged(settings: Changes, changes: Changes) -> dict[str, Any]:
    """Put changes over settings, section by section."""
    merged = dict(settings)
    for name, value in changes.items():
        merged[name] = _merged(merged.get(name, {}), value) if isinstance(value, Mapping) else value
    return merged


def _toml(value: Any) -> str:
    """Write a value as TOML, sections inline; texts and numbers are those of JSON."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name} = {_toml(inner)}' for name, inner in value.items())}}}"
    return json.dumps(value)


@contextlib.contextmanager
def _running(command: list[str], *, environment: Mapping[str, str] | None = None, pipes: bool = False) -> Iterator[Process]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("MOTCUA_")}
    stdin, stdout = (subprocess.PIPE, subprocess.PIPE) if pipes else (subprocess.DEVNULL, subprocess.DEVNULL)
    with subprocess.Popen(command, cwd=PROJECT, env={**known, **(environment or {})}, stdin=stdin, stdout=stdout) as process:
        try:
            yield process
        finally:
            _end(process)


def _end(process: Process) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _wait_for(url: str, process: Process) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} stopped at once with exit code {process.returncode}")
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5, trust_env=False).is_success:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{url} did not answer within {START_SECONDS} seconds")
