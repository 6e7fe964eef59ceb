"""Serving: the gateway, the sandbox, and both together, each until interrupted."""

import asyncio
import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import httpx
import uvicorn
from starlette.types import ASGIApp

from graph.access.consumers import read_registry
from graph.access.keys import new_key
from graph.access.tls import tls_options
from graph.app import create_app, load_schema
from graph.errors import SettingsWrong
from graph.operating.siblings import Worker
from graph.settings import Settings, load_settings, sandbox_secrets
from graph.telemetry import event, is_json, write_logs
from graph.workers import Workers

Say = Callable[[str], None]
SANDBOX_WAITS_SECONDS = 30
CLEARING_SECONDS = 5.0
WITHOUT_TLS = tls_options(None, Path())


def serve(
    settings: Settings, *, host: str, port: int, say: Say, when_ready: Callable[[], None] | None = None,
    demo: Mapping[str, str] | None = None,
) -> int:  # fmt: skip
    """Run the gateway in this process; requests under way when it is interrupted are answered first. `demo` has keys of this run."""
    write_logs(settings.telemetry.logs)
    tls = tls_options(settings.gateway.tls, settings.file)
    with listening(host, port) as listener:
        worker = Worker(host=host, port=listener.getsockname()[1])
        app = create_app(settings, worker, demo=demo)

        def ready() -> None:
            settle_memory()
            _say_where(settings, worker, say)
            if when_ready is not None:
                when_ready()

        return _run(app, listener, settings.gateway.shutdown_seconds, ready, tls)


def serve_together(settings: Settings, *, workers: int, host: str, port: int, say: Say, warn: Say) -> int:
    """Run the gateway in so many processes that share one port; one that dies is begun again, and `warn` is told."""
    if workers == 1:
        return serve(settings, host=host, port=port, say=say)
    write_logs(settings.telemetry.logs)
    tls = tls_options(settings.gateway.tls, settings.file)
    if is_json(settings.telemetry.logs):

        def warn(words: str) -> None:
            event("worker_ended", reason=words)

    with listening(host, port) as listener:
        first = Worker(of=workers, host=host, port=listener.getsockname()[1])

        def work(number: int, tell_ready: Callable[[], None]) -> int:
            app = create_app(settings, first._replace(number=number))

            def ready() -> None:
                settle_memory()
                tell_ready()

            return _run(app, listener, settings.gateway.shutdown_seconds, ready, tls)

        together = Workers(workers, work, listener, warn)
        return together.run(ready=lambda: _say_where(settings, first, say), limit=settings.gateway.shutdown_seconds + CLEARING_SECONDS)


class SandboxTls(NamedTuple):
    """Where the sandbox speaks TLS (0 takes free ports), where its certificates are, and whether clients have to show theirs."""

    port: int
    folder: Path
    require_client_certificate: bool = False


def run_sandbox(file: Path, *, port: int, latency: str, seed: int, say: Say, tls: SandboxTls | None = None) -> int:
    """Run the simulated agencies."""
    agencies = _sandbox(file, "agencies")
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(listening("127.0.0.1", port))
        fronts = None if tls is None else _tls_fronts(file, tls, listener.getsockname(), stack)

        def ready() -> None:
            over_tls = "" if fronts is None else f"; over TLS: {_ports(fronts.report()['ports'])}"
            say(f"The sandbox answers at http://127.0.0.1:{listener.getsockname()[1]}{over_tls}")

        return _run(agencies(seed=seed, latency=latency, tls=fronts), listener, 1.0, ready)


def _tls_fronts(file: Path, tls: SandboxTls, plain: tuple[str, int], stack: contextlib.ExitStack) -> Any:
    ports = {system: tls.port + number if tls.port else 0 for number, system in enumerate(_sandbox(file, "SYSTEMS"))}
    listeners = {system: stack.enter_context(listening("127.0.0.1", port)) for system, port in ports.items()}
    try:
        return _sandbox(file, "Fronts")(tls.folder, listeners, plain, require_client_certificate=tls.require_client_certificate)
    except OSError as error:
        raise SettingsWrong(f"--tls-folder: {error}; expected a folder for certificates that can be written and read") from None


def _ports(ports: dict[str, int]) -> str:
    return ", ".join(f"{system} {port}" for system, port in ports.items())


def develop(file: Path, *, port: int, sandbox_port: int, latency: str, first_query: Path | None, say: Say) -> int:
    """Run the sandbox in a process of its own and the gateway in this one."""
    secrets = {**sandbox_secrets(file, _sandbox(file, "default_token")), **os.environ}
    settings = load_settings(file, environment=secrets, sandbox_url=f"http://127.0.0.1:{sandbox_port}")
    query = first_query.read_text("utf-8") if first_query else None
    demo = _demo_keys(settings)
    with listening("127.0.0.1", port):
        pass
    with _signals(_interrupted), _sandbox_process(file, sandbox_port, latency, say):
        url, key = f"http://127.0.0.1:{port}", next(iter(demo.values()), None)

        def send_first_query() -> None:
            if query is not None:
                asyncio.get_running_loop().run_in_executor(None, _show_first_query, url, first_query, query, key, say)

        def ready() -> None:
            _say_keys(demo, say)
            send_first_query()

        return serve(settings, host="127.0.0.1", port=port, say=say, when_ready=ready, demo=demo)


def _demo_keys(settings: Settings) -> dict[str, str]:
    """Make a key for each demo consumer, which holds for this run alone; explorers first, because GraphiQL asks as the first."""
    known = read_registry(settings.beside(settings.access.consumers), load_schema(settings).documents.schema, demo=settings.is_sandboxed)
    demo = sorted((consumer for consumer in known.consumers.values() if consumer.demo), key=lambda consumer: not consumer.explorer)
    return {consumer.name: new_key(consumer.name)[0] for consumer in demo}


def _say_keys(demo: Mapping[str, str], say: Say) -> None:
    """Say who may ask in this run, and how."""
    for name, key in demo.items():
        say(f"Ask as {name} with the header X-API-Key: {key}")
    if demo:
        say(f"For other commands: export MOTCUA_KEY={next(iter(demo.values()))}")


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Take a port, or say that it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except (OSError, OverflowError) as error:
            raise SettingsWrong(f"{host}:{port}: cannot listen there: {error}; expected a free port (choose one with --port)") from None
        yield listener


def _run(
    app: ASGIApp, listener: socket.socket, shutdown_seconds: float, ready: Callable[[], None], tls: Mapping[str, Any] = WITHOUT_TLS
) -> int:
    config = uvicorn.Config(
        app,
        loop="uvloop",
        **tls,
        lifespan="on",
        log_config=None,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(shutdown_seconds)),
    )
    server = _Server(config, ready)

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    with _signals(stop):  # uvicorn has handlers of its own meanwhile, and raises what they caught again when it has stopped
        server.run(sockets=[listener])
    return 0 if server.started else 1


def _say_where(settings: Settings, worker: Worker, say: Say) -> None:
    scheme = "http" if settings.gateway.tls is None else "https"
    address = f"{scheme}://{f'[{worker.host}]' if ':' in worker.host else worker.host}:{worker.port}"
    by = f", {worker.of} workers" if worker.of > 1 else ""
    say(f"Motcua answers at {address}/graphql{by}; open {address}/ for GraphiQL (Ctrl-C stops)")


def settle_memory() -> None:
    """Take what the start has made (schema, types, code) out of the garbage collector's sight, and let it look more seldom.

    Every answer makes thousands of objects that need no collector; with the usual thresholds it would stop the process for up to
    half a second at a time to walk through caches full of records that are all alive (docs/decisions/0007).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@contextlib.contextmanager
def _signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle both ways of being stopped, and put the former ways back."""
    former = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handled in former.items():
            signal.signal(number, handled)


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


class _Server(uvicorn.Server):
    """A server that says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def _sandbox(file: Path, attribute: str) -> Any:
    """Import a part of the sandbox: the settings name it, since the gateway itself knows no agency."""
    module = load_settings(file, secrets=False).sandbox.app.partition(":")[0]
    sys.path.insert(0, str(Path.cwd()))
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ModuleNotFoundError, AttributeError) as error:
        raise SettingsWrong(f"{file}: sandbox.app: expected a module with `agencies` and `default_token`: {error}") from None


@contextlib.contextmanager
def _sandbox_process(file: Path, port: int, latency: str, say: Say) -> Iterator[None]:
    """Start the sandbox, wait until it answers, and end it by its id at the end."""
    with listening("127.0.0.1", port):
        pass
    say("Starting the sandbox: six agencies, a million people, two hundred thousand businesses, all invented")
    command = [sys.executable, "-m", "graph.cli", "sandbox", "--port", str(port), "--latency", latency, "--settings", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    try:
        _wait_for(process, f"http://127.0.0.1:{port}/_sandbox/health")
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", url: str) -> None:
    until = time.monotonic() + SANDBOX_WAITS_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SettingsWrong(f"the sandbox stopped at once with exit code {process.returncode}")
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=1).is_success:
                return
        time.sleep(0.05)
    raise SettingsWrong(f"the sandbox did not answer within {SANDBOX_WAITS_SECONDS} seconds")


def _show_first_query(url: str, file: Path | None, query: str, key: str | None, say: Say) -> None:
    """Send the first query as any client would, and print its answer with what it cost."""
    body, headers = {"query": query, "extensions": {"report": True}}, {} if key is None else {"X-API-Key": key}
    answer = httpx.post(f"{url}/graphql", json=body, headers=headers, timeout=60).json()
    report = answer.get("extensions", {}).get("report", {"systems": {}, "milliseconds": 0})
    say(f"\nThe first query ({file}):\n\n{query.strip()}\n\nIts answer:\n")
    say(
        json.dumps(
            {"data": answer.get("data"), **({"errors": answer["errors"]} if "errors" in answer else {})}, ensure_ascii=False, indent=2
        )
    )
    say(f"\n{cost(report)}\n\nStill running: {url}/ is GraphiQL, {url}/graphql the endpoint (Ctrl-C stops)")


def cost(report: dict[str, Any]) -> str:
    """Say in a sentence what a query cost."""
    calls = sum(system["calls"] for system in report["systems"].values())
    parts = ", ".join(
        f"{name} {system['calls']} ({system['keys']} keys, {system['cached']} from cache)" for name, system in report["systems"].items()
    )
    took = f"{report['milliseconds']:.1f} ms"
    return f"{took}, {calls} calls: {parts}" if parts else f"{took}, no calls"
