"""Starts the sandbox and the gateway as a user would, asks them, and ends them by their id."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.consumers import HEADERS, KEY, consumers_file

PROJECT = Path(__file__).parent.parent
SYSTEMS = ("population", "business", "insurance", "civil_status", "tax", "code_lists")
TOKENS = {f"MOTCUA_{name.upper()}_TOKEN": f"sandbox-{name}" for name in SYSTEMS}
START_SECONDS = 30


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox."""

    url: str

    def calls(self) -> dict[str, int]:
        """Count the calls to each system since the last reset, leaving out those that had none."""
        counted: dict[str, dict[str, int]] = httpx.get(f"{self.url}/_sandbox/calls").json()
        return {name: system["calls"] for name, system in counted.items() if system["calls"]}

    def reset_calls(self) -> None:
        """Count from nought."""
        httpx.delete(f"{self.url}/_sandbox/calls").raise_for_status()

    @contextlib.contextmanager
    def fault(self, system: str, kind: str, **parameters: object) -> Iterator[None]:
        """Let a system misbehave for a while."""
        httpx.put(f"{self.url}/_sandbox/faults/{system}", json={"kind": kind, **parameters}).raise_for_status()
        try:
            yield
        finally:
            httpx.delete(f"{self.url}/_sandbox/faults/{system}").raise_for_status()


@dataclass(frozen=True)
class Gateway:
    """A running gateway."""

    url: str
    process: "subprocess.Popen[str]"
    settings: Path

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """Send a query and return the answer."""
        answer: dict[str, Any] = self.send({"query": query, "variables": variables}).json()
        return answer

    def send(self, body: dict[str, Any], **headers: str) -> httpx.Response:
        """Send a request with headers of its own."""
        accepted = {"accept": "application/graphql-response+json", **HEADERS, **headers}
        return httpx.post(f"{self.url}/graphql", json=body, headers=accepted, timeout=70)

    def operate(self, method: str, path: str) -> Any:
        """Use the operators' interface."""
        token = (self.settings.parent / ".motcua" / "admin.token").read_text("utf-8").strip()
        response = httpx.request(method, f"{self.url}/admin{path}", headers={"authorization": f"Bearer {token}"}, timeout=30)
        return response.raise_for_status().json()

    def resume(self, system: str) -> None:
        """Let the gateway forget what was wrong with a system."""
        self.operate("POST", f"/systems/{system}/resume")

    def figures(self, system: str) -> dict[str, Any]:
        """Return what the gateway has counted of a system."""
        return next(found for found in self.operate("GET", "/systems")["systems"] if found["name"] == system)


def free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def motcua(*arguments: str, environment: Mapping[str, str] | None = None, stdin: int | None = None) -> "subprocess.Popen[str]":
    """Start the command as installed."""
    command = [str(Path(sys.executable).parent / "motcua"), *arguments]
    known = {name: value for name, value in os.environ.items() if not name.startswith("MOTCUA_")}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=PROJECT, env={**known, "MOTCUA_KEY": KEY, **(environment or {})}, text=True, stdin=stdin, stdout=pipe, stderr=pipe
    )


@contextlib.contextmanager
def ended(process: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    """End a process at the end, whatever happens, and close its pipes."""
    with process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                # Not for ever: what it began itself may go on without it, and hold the other end of its pipes.
                process.communicate(timeout=10)


def wait_for(url: str, process: "subprocess.Popen[str]") -> None:
    """Wait until an address answers; say what the process said where it stopped instead."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise AssertionError(f"stopped with {process.returncode}: {process.communicate()[1]}")
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5).is_success:
                return
        time.sleep(0.05)
    raise AssertionError(f"{url} did not answer within {START_SECONDS} seconds")


@contextlib.contextmanager
def sandbox_running(*arguments: str) -> Iterator[Sandbox]:
    """Run a sandbox on a free port."""
    port = free_port()
    with ended(motcua("sandbox", "--port", str(port), *arguments)) as process:
        wait_for(f"http://127.0.0.1:{port}/_sandbox/health", process)
        yield Sandbox(f"http://127.0.0.1:{port}")


@contextlib.contextmanager
def gateway_running(sandbox: Sandbox, *, keep_nothing: bool = False, **system_settings: float) -> Iterator[Gateway]:
    """Run a gateway on a free port, with the project's settings led to this sandbox and changed as asked."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "motcua.toml"
        settings.write_text(changed_settings(sandbox.url, keep_nothing=keep_nothing, **system_settings), "utf-8")
        process = motcua("serve", "--port", str(port), "--settings", str(settings), environment=TOKENS)
        with ended(process):
            wait_for(f"http://127.0.0.1:{port}/healthz", process)
            yield Gateway(f"http://127.0.0.1:{port}", process, settings)


def changed_settings(sandbox_url: str, *, keep_nothing: bool = False, **system_settings: float) -> str:
    """Change the project's settings: where the sandbox is, no caching, the same value for a key of every system."""
    text = (PROJECT / "motcua.toml").read_text("utf-8").replace("http://127.0.0.1:9000", sandbox_url)
    text = text.replace('examples = "examples"', f'examples = "{PROJECT / "examples"}"')
    text = text.replace('consumers = "consumers.toml"', f'consumers = "{consumers_file()}"')
    if keep_nothing:
        text = re.sub(r"(?m)^((?:negative_)?ttl_seconds) = .*$", "", text)
        text = re.sub(r"(?m)^(\[batches\..*\])$", r"\1\nttl_seconds = 0\nnegative_ttl_seconds = 0", text)
    added = "\n".join(f"{key} = {value}" for key, value in system_settings.items())
    return re.sub(r"(?m)^(\[systems\.[a-z_]+\])$", rf"\1\n{added}", text)


def wait_until(happened: Callable[[], bool]) -> None:
    """Wait for something that will happen soon."""
    until = time.monotonic() + START_SECONDS
    while not happened():
        if time.monotonic() > until:
            raise AssertionError(f"did not happen within {START_SECONDS} seconds")
        time.sleep(0.01)
