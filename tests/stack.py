"""The whole stack in one process and in virtual time: the gateway's application in front, the sandbox's behind, HTTP between the two."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec

from graph.app import Door, create_app
from graph.settings import AdminSettings, BatchSettings, Settings, load_settings
from graph.system_settings import SystemSettings
from graph.upstream.admission import Admission
from sandbox.app import agencies
from tests.consumers import KEY, consumers_file, write_consumers
from tests.servers import PROJECT, TOKENS

Changed = Callable[[SystemSettings], SystemSettings]
NOTHING_KEPT = BatchSettings(ttl_seconds=0, negative_ttl_seconds=0)


class Heard(NamedTuple):
    """What a client heard, and how long it took, in seconds."""

    status: int
    headers: dict[str, str]
    answer: dict[str, Any]
    seconds: float
    body: bytes = b""

    @property
    def codes(self) -> set[str]:
        """The codes of all errors."""
        return {error["extensions"]["code"] for error in self.answer.get("errors", ())}


@dataclass
class Stack:
    """A gateway over a sandbox."""

    app: Door
    sandbox: httpx.AsyncClient
    left: list[int] = field(default_factory=list)

    @property
    def admissions(self) -> dict[str, Admission]:
        """What lets calls in to each system."""
        return {name: line.admission for name, line in self.app.state.gateway.sources.lines.items()}

    async def ask(
        self, query: str, variables: dict[str, Any] | None = None, *, leaves_after: float | None = None, **headers: str | None
    ) -> Heard:
        """Send a query as a client would, and hear the answer; one that leaves hears nothing, and gets status 0.

        It is asked as the consumer of the tests, unless a header says otherwise; one that is None is not sent.
        """
        return await self.send({"query": query, "variables": variables or {}}, leaves_after=leaves_after, **headers)

    async def send(self, body: dict[str, Any], *, leaves_after: float | None = None, **headers: str | None) -> Heard:
        """Send a request of any form."""
        loop = asyncio.get_running_loop()
        began, sent = loop.time(), [json.dumps(body).encode()]
        messages: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if sent:
                return {"type": "http.request", "body": sent.pop(), "more_body": False}
            await asyncio.sleep(3_600 if leaves_after is None else leaves_after)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            messages.append(message)

        raw = [
            (b"content-type", b"application/json"),
            *(
                (name.replace("_", "-").encode(), value.encode())
                for name, value in {"x_api_key": KEY, **headers}.items()
                if value is not None
            ),
        ]
        scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": raw, "query_string": b""}
        await self.app(scope, receive, send)
        took = loop.time() - began
        if not messages:
            return Heard(0, {}, {}, took)
        named = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        return Heard(messages[0]["status"], named, json.loads(messages[1]["body"]), took, messages[1]["body"])

    async def fault(self, system: str, kind: str, **parameters: Any) -> None:
        """Make a system faulty."""
        (await self.sandbox.put(f"/_sandbox/faults/{system}", json={"kind": kind, **parameters})).raise_for_status()

    async def heal(self, system: str) -> None:
        """Make it well again."""
        (await self.sandbox.delete(f"/_sandbox/faults/{system}")).raise_for_status()

    async def bound(self, system: str, slots: int, per_call_ms: int) -> None:
        """Let a system work on so many calls at once, each for so long."""
        (await self.sandbox.put(f"/_sandbox/capacity/{system}", json={"slots": slots, "per_call_ms": per_call_ms})).raise_for_status()

    async def calls(self, system: str) -> int:
        """Count the calls that a system has had."""
        counted: int = (await self.sandbox.get("/_sandbox/calls")).json()[system]["calls"]
        return counted


@contextlib.asynccontextmanager
async def stack(
    *, latency: str = "none", keeps: BatchSettings = NOTHING_KEPT, systems: Changed = lambda system: system,
    access: dict[str, Any] | None = None, more_consumers: str = "", **gateway: Any,
) -> AsyncIterator[Stack]:  # fmt: skip
    """Put the stack together, in the loop that runs.

    `keeps` holds for each batch function, `systems` changes each system's settings, `access` those of access, and `more_consumers` stand in
    the file of consumers beside the usual ones.
    """
    loop = asyncio.get_running_loop()
    behind = httpx.ASGITransport(agencies(latency=latency, sleep=asyncio.sleep, clock=loop.time), raise_app_exceptions=False)
    with tempfile.TemporaryDirectory() as folder:
        consumers = consumers_file() if not more_consumers else write_consumers(Path(folder), more_consumers)
        changed = {"consumers": str(consumers), "consents": f"sqlite:{folder}/consents.db", **(access or {})}
        app = create_app(_settings(Path(folder), keeps, systems, gateway, changed), network=behind)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=behind, base_url="http://agencies.test") as sandbox:
            yield Stack(app, sandbox)


def _settings(folder: Path, keeps: BatchSettings, changed: Changed, gateway: dict[str, Any], access: dict[str, Any]) -> Settings:
    found = load_settings(PROJECT / "motcua.toml", environment=TOKENS, sandbox_url="http://agencies.test")
    return msgspec.structs.replace(
        found,
        gateway=msgspec.structs.replace(found.gateway, state=str(folder), **gateway),
        systems={name: changed(system) for name, system in found.systems.items()},
        batches=dict.fromkeys(found.batches, keeps),
        access=msgspec.structs.replace(found.access, **access),
        admin=AdminSettings(token=f"file:{folder}/admin.token"),
    )


def percentile(values: list[float], share: float) -> float:
    """Return the value that this share of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
