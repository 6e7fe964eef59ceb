"""Caches without a gateway, and operators of them, for tests of the operators' interface."""

import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import uvicorn
from starlette.applications import Starlette

from graph.loading.figures import CacheFigures, Purge, Purged
from graph.loading.whatif import Curves
from graph.operating.http import routes
from graph.operating.knobs import Knobs
from graph.operating.operator import Operator, SharedTier
from graph.operating.siblings import Worker
from graph.settings import BatchSettings, GatewaySettings, SandboxSettings, Settings
from tests.servers import wait_until

SYSTEMS = {"citizen_by_id": "population", "places": "code_lists"}
ALONE = Worker()
TOKEN = "the-token-of-the-operators"


@dataclass
class MemoryCaches:
    """Caches that remember what was done to them."""

    retuned: list[tuple[str, BatchSettings]] = field(default_factory=list)
    purges: list[Purge] = field(default_factory=list)
    broken: bool = False

    def figures(self) -> list[CacheFigures]:
        counted = {"hits": 3, "misses": 1, "calls": 2, "call_keys": 5, "entries": 4, "bytes": 2_048, "evictions": 6, "stale_hits": 1}
        return [CacheFigures(name=name, system=system, seconds=60.0, **counted) for name, system in SYSTEMS.items()]

    def retune(self, name: str, settings: BatchSettings) -> None:
        self.retuned.append((name, settings))

    def curves(self, name: str) -> Curves:
        assert name in SYSTEMS
        return Curves(policy="s3fifo", bytes=16_777_216, ttl=300.0)

    async def forget(self, purge: Purge) -> Purged:
        if self.broken:
            raise RuntimeError(f"cannot forget {purge.person}")
        self.purges.append(purge)
        return Purged(entries={"citizen_by_id": 2})


@dataclass
class MemoryTier:
    """A shared tier that says this of each purge."""

    says: int | None

    async def forget(self, purge: Purge) -> int | None:
        assert purge.at > 0
        return self.says


def settings_in(folder: Path) -> Settings:
    """Make settings whose state is in a folder."""
    gateway, file = GatewaySettings(state="state"), folder / "motcua.toml"
    batches = {"citizen_by_id": BatchSettings(ttl_seconds=300)}
    return Settings(file=file, gateway=gateway, engine="fast", sandbox=SandboxSettings(), systems={}, batches=batches)


def operator_of(folder: Path, caches: MemoryCaches, worker: Worker = ALONE, tier: SharedTier | None = None) -> Operator:
    """Make the operator of these caches."""
    settings = settings_in(folder)
    knobs = Knobs(settings, {"citizen_by_id": (50, "purpose"), "places": (10, "shared")})
    return Operator(settings, worker, knobs, caches, tier)


@asynccontextmanager
async def two_operators(folder: Path) -> AsyncIterator[tuple[tuple[Operator, MemoryCaches], tuple[Operator, MemoryCaches]]]:
    """Run two workers of one gateway."""
    made = [(operator_of(folder, caches, Worker(port=8000)), caches) for caches in (MemoryCaches(), MemoryCaches())]
    made[1][0].siblings.pid += 1  # as if it were another process
    async with made[0][0], made[1][0]:
        yield made[0], made[1]


@contextlib.contextmanager
def operators_running(folder: Path, caches: MemoryCaches, tier: SharedTier | None = None) -> Iterator[str]:
    """Serve the operators' interface at a free port of this machine."""
    operator = operator_of(folder, caches, tier=tier)
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes(operator, TOKEN)), lifespan="off", log_level="warning"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        wait_until(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


def knobs_file(folder: Path) -> dict[str, dict[str, object]]:
    """Read what a restart would find."""
    found: dict[str, dict[str, object]] = msgspec.json.decode((folder / "state" / "knobs.json").read_bytes())
    return found
