"""Real gateways that tell of themselves, and a collector that hears their spans."""

import contextlib
import gzip
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.servers import TOKENS, Gateway, Sandbox, changed_settings, ended, free_port, motcua, wait_for


@dataclass
class Heard:
    """What a collector was sent."""

    bodies: list[bytes] = field(default_factory=list)

    def resources(self) -> list[ExportTraceServiceRequest]:
        """Decode all that came."""
        return [ExportTraceServiceRequest.FromString(body) for body in self.bodies]

    def spans(self) -> list[Span]:
        """Return the spans, in the order in which they came."""
        return [
            span
            for request in self.resources()
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


def attributes(span: Span) -> dict[str, object]:
    """Return the attributes of a span as plain values."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "") for each in span.attributes}


@contextlib.contextmanager
def collector() -> Iterator[tuple[str, Heard]]:
    """Receive spans over OTLP/HTTP at a free port of this machine."""
    heard = Heard()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            heard.bodies.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1/traces", heard
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def telling(sandbox: Sandbox, folder: Path, telemetry: str = "", *, workers: int = 1) -> Iterator[Gateway]:
    """Run a gateway with this section `[telemetry]`; its settings and its state are in the folder."""
    port, settings = free_port(), folder / "motcua.toml"
    settings.write_text(f"{changed_settings(sandbox.url)}\n[telemetry]\n{telemetry}\n", "utf-8")
    process = motcua("serve", "--port", str(port), "--workers", str(workers), "--settings", str(settings), environment=TOKENS)
    with ended(process):
        # Said when all workers are ready; the address answers as soon as one is.
        next((line for line in process.stdout or () if "Motcua answers at" in line), None)
        wait_for(f"http://127.0.0.1:{port}/healthz", process)
        yield Gateway(f"http://127.0.0.1:{port}", process, settings)


def last_words(gateway: Gateway) -> list[str]:
    """Stop a gateway, and return the lines of its log."""
    gateway.process.send_signal(signal.SIGTERM)
    return gateway.process.communicate(timeout=20)[1].splitlines()
