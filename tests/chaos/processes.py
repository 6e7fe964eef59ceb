"""One sandbox and one gateway as real processes, told to be hasty, whose words are kept in files so that they never have to wait."""

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from tests.chaos import client
from tests.chaos.questions import CLASS_MOST, CLASS_SECONDS, Question
from tests.chaos.schedule import USUAL_BOUND, Step
from tests.consumers import consumers_file, write_consumers
from tests.servers import PROJECT, SYSTEMS, TOKENS, changed_settings, ended, free_port, wait_for
from tests.stack import Heard

OVER_TLS: Final = {"business": "business/v1", "tax": "tax/ws"}
KEPT: Final = frozenset({"business_by_code", "book_by_number", "event_by_case", "commune_by_code", "province_by_code"})
"""The batch functions whose answers are kept for half a second, and served for half a minute when their system fails."""

BREAKER: Final = "window_seconds = 5.0\ncalls = 10\nopen_seconds = 0.5\nlongest_open_seconds = 2.0\nprobe_seconds = 0.2"
BOUNDS: Final = {"connect_seconds": 0.5, "read_seconds": 0.8, "total_seconds": 1.2, "max_answer_bytes": 262_144}


@dataclass(frozen=True)
class Scene:
    """Both processes, where they are, and how often each fault was met."""

    folder: Path
    sandbox: httpx.AsyncClient
    operators: httpx.AsyncClient
    port: int
    process: "subprocess.Popen[str]"
    hits: dict[tuple[str, str], int]

    async def ask(self, question: Question) -> Heard:
        """Ask the gateway over a socket of its own."""
        return await client.ask(self.port, question)

    async def take(self, step: Step) -> None:
        """Make a step true."""
        if step.what == "heal":
            await self._count(step.system)
            (await self.sandbox.delete(f"/_sandbox/faults/{step.system}")).raise_for_status()
        elif step.what == "purge":
            (await self.operators.post("/admin/purge", json=step.spec)).raise_for_status()
        elif step.what in {"drain", "resume"}:
            (await self.operators.post(f"/admin/systems/{step.system}/{step.what}")).raise_for_status()
        else:
            control = {"fault": "faults", "bound": "capacity"}[step.what]
            (await self.sandbox.put(f"/_sandbox/{control}/{step.system}", json=step.spec)).raise_for_status()

    async def _count(self, system: str) -> None:
        """Add up how many calls a fault has hit before it is taken away."""
        standing = (await self.sandbox.get("/_sandbox/faults")).json().get(system)
        if standing is not None:
            met = (system, standing["kind"])
            self.hits[met] = self.hits.get(met, 0) + standing["hits"]

    async def heal(self) -> None:
        """End everything that is wrong with the systems; nobody tells the gateway."""
        for control in ("faults", "capacity"):
            (await self.sandbox.delete(f"/_sandbox/{control}")).raise_for_status()

    async def under_way(self) -> dict[str, tuple[int, int]]:
        """Return how many calls are under way and how many keys wait, of each system that has any."""
        systems = (await self.operators.get("/admin/systems")).raise_for_status().json()["systems"]
        counted = {system["name"]: (system["under_way"], system["waiting"]) for system in systems}
        return {name: counts for name, counts in counted.items() if any(counts)}

    @property
    def descriptors(self) -> int:
        """How many files and sockets the gateway has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))  # noqa: PTH208 - only their number is wanted

    @property
    def megabytes(self) -> float:
        """How much memory the gateway occupies."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000

    def log(self) -> list[dict[str, Any]]:
        """Read the gateway's log; each line must be an event."""
        return [json.loads(line) for line in (self.folder / "gateway.log").read_text("utf-8").splitlines()]


@contextlib.contextmanager
def processes_running(folder: Path) -> Iterator[Scene]:
    """Run both."""
    sandbox, gateway = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    with contextlib.ExitStack() as stack:
        tls = ("--tls-port", "0", "--tls-folder", str(folder / "certificates"))
        stack.enter_context(_running(folder, "sandbox", sandbox, "/_sandbox/health", *tls))
        for system in SYSTEMS:
            httpx.put(f"{sandbox}/_sandbox/capacity/{system}", json=USUAL_BOUND).raise_for_status()
        settings = folder / "motcua.toml"
        settings.write_text(_settings(folder, sandbox, httpx.get(f"{sandbox}/_sandbox/tls").json()["ports"]), "utf-8")
        process = stack.enter_context(_running(folder, "gateway", gateway, "/healthz", "--settings", str(settings)))
        token = (folder / ".motcua" / "admin.token").read_text("utf-8").strip()
        yield Scene(
            folder,
            httpx.AsyncClient(base_url=sandbox, timeout=30),
            httpx.AsyncClient(base_url=gateway, timeout=30, headers={"authorization": f"Bearer {token}"}),
            int(gateway.rpartition(":")[2]),
            process,
            {},
        )


@contextlib.contextmanager
def _running(folder: Path, name: str, url: str, path: str, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """Run a process that writes into files: a pipe that nobody reads would stop it."""
    command = [str(Path(sys.executable).parent / "motcua"), "serve" if name == "gateway" else name, "--port", url.rpartition(":")[2]]
    known: Mapping[str, str] = {key: value for key, value in os.environ.items() if not key.startswith("MOTCUA_")}
    with (folder / f"{name}.out").open("w") as out, (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen([*command, *arguments], cwd=PROJECT, env={**known, **TOKENS}, text=True, stdout=out, stderr=log)
        with ended(process):
            wait_for(url + path, process)
            yield process


def _settings(folder: Path, sandbox: str, ports: Mapping[str, int]) -> str:
    """Make the settings: two systems over TLS, little patience, and nearly nothing kept."""
    text, _, batches = changed_settings(sandbox, keep_nothing=False, **BOUNDS).partition("[batches.")
    text = text.replace(str(consumers_file()), str(write_consumers(folder, demo=False)))
    for system, path in OVER_TLS.items():
        over_tls = f'url = "https://127.0.0.1:{ports[system]}/{path}"\nca_file = "{folder}/certificates/ca.pem"'
        text = text.replace(f'url = "sandbox:/{path}"', over_tls)
    text += "".join(f"[systems.{system}.breaker]\n{BREAKER}\n" for system in SYSTEMS)
    text += "".join(
        f"[gateway.classes.{name}]\nseconds = {seconds}\nmax_requests = {CLASS_MOST[name]}\n" for name, seconds in CLASS_SECONDS.items()
    )
    return text + "".join(map(_batch, re.findall(r"^(?:\[batches\.)?(\w+)\]$", batches, re.MULTILINE)))


def _batch(name: str) -> str:
    kept = "ttl_seconds = 0.5\nstale_if_error_seconds = 30" if name in KEPT else "ttl_seconds = 0"
    return f"[batches.{name}]\nnegative_ttl_seconds = 0\nquarantine_seconds = 1\n{kept}\n"


async def within(seconds: float, happened: Any) -> bool:
    """Tell whether something happens within so many seconds, looking again and again."""
    until = asyncio.get_running_loop().time() + seconds
    while not await happened():
        if asyncio.get_running_loop().time() > until:
            return False
        await asyncio.sleep(0.05)
    return True
