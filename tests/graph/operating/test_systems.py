"""Systems, as operators see them: figures of all workers added up, taken out of service and back in all of them, kept over a restart."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from graph.app import open_admissions
from graph.errors import SystemThrottled, SystemUnavailable
from graph.operating.http import routes
from graph.operating.siblings import Siblings, Worker
from graph.operating.systems import NoSuchSystem, Service, Systems, SystemStates
from graph.settings import Settings
from graph.system_settings import QuotaSettings
from graph.upstream.admission import Admission, Refusal, Ticket
from graph.upstream.priority import Priority
from tests.graph.operating.operators import TOKEN, MemoryCaches, operator_of, settings_in
from tests.lines import settings as system_settings

HOLDER = {"authorization": f"Bearer {TOKEN}"}
METERED = QuotaSettings(per_minute=100)


@dataclass
class Desk:
    """The systems of one worker, and what lets calls in there."""

    systems: Systems
    admissions: dict[str, Admission]

    def entered(self, name: str = "tax") -> Ticket | str:
        """Try to make a call: the ticket for it, or in a word why not."""
        entered = self.admissions[name].enter("row_by_code", Priority.CITIZEN)
        if isinstance(entered, Ticket):
            return entered
        assert isinstance(entered, Refusal)
        return entered.why

    def call(self, error: BaseException | None = None, name: str = "tax") -> None:
        """Make a call that ends so."""
        ticket = self.entered(name)
        assert isinstance(ticket, Ticket)
        ticket.ended(3, 0.02, error)
        ticket.release()


def connected(folder: Path) -> Settings:
    """Make settings with two systems, of which one has a quota."""
    return msgspec.structs.replace(settings_in(folder), systems={"tax": system_settings(quota=METERED), "business": system_settings()})


@asynccontextmanager
async def desk(folder: Path, pid: int = 1) -> AsyncIterator[Desk]:
    """Run one worker of a gateway, as the process with this id."""
    settings = connected(folder)
    admitted = open_admissions(settings, folder / "quotas", Worker(of=2))
    systems = Systems(settings, admitted)
    systems.siblings = Siblings(settings, Worker(port=8000), systems.handlers)
    systems.siblings.pid = pid
    async with systems.siblings:
        yield Desk(systems, admitted)
    for admission in admitted.values():
        admission.quota.close()


@asynccontextmanager
async def two_desks(folder: Path) -> AsyncIterator[tuple[Desk, Desk]]:
    async with AsyncExitStack() as both:
        yield await both.enter_async_context(desk(folder, 1)), await both.enter_async_context(desk(folder, 2))


@asynccontextmanager
async def asking(folder: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Desk]]:
    """Ask the operators' interface, without a token so far."""
    async with desk(folder) as here, operator_of(folder, MemoryCaches()) as operator:
        app = httpx.ASGITransport(Starlette(routes=routes(operator, TOKEN, here.systems)))
        async with httpx.AsyncClient(transport=app, base_url="http://gateway") as client:
            yield client, here


async def test_the_figures_of_two_workers_are_added_up(tmp_path: Path) -> None:
    async with two_desks(tmp_path) as (first, second):
        first.call()
        second.call()
        second.call(SystemUnavailable("tax", "is down"))
        states = await first.systems.states()
        assert await second.systems.states() == states

    assert (states.workers, states.silent) == (2, [])
    business, tax = states.systems
    assert (business.name, business.calls, tax.name, tax.calls, tax.keys) == ("business", 0, "tax", 3, 9)
    assert tax.outcomes == {"OK": 2, "UPSTREAM_UNAVAILABLE": 1}
    assert tax.limit == sum(worker.admissions["tax"].limit.now for worker in (first, second))
    assert sum(tax.latency.counts) == 3


async def test_a_quota_that_all_workers_share_is_not_added_up(tmp_path: Path) -> None:
    async with two_desks(tmp_path) as (first, second):
        for worker in (first, second, second):
            worker.call()
        [tax] = [figures for figures in (await first.systems.states()).systems if figures.name == "tax"]

    assert [(quota.seconds, quota.allowed, quota.used) for quota in tax.quotas] == [(60, 100, 3)]


async def test_a_system_is_taken_out_of_service_and_put_back_in_all_workers(tmp_path: Path) -> None:
    async with two_desks(tmp_path) as (first, second):
        under_way = second.entered()
        assert await first.systems.drain("tax") == Service("tax", drained=True, silent=[])
        assert (first.entered(), second.entered()) == ("drained", "drained")
        assert isinstance(second.entered("business"), Ticket)
        assert isinstance(under_way, Ticket)
        under_way.ended(1, 0.1, None)
        under_way.release()
        assert second.admissions["tax"].report().outcomes == {"OK": 1}

        assert await second.systems.resume("tax") == Service("tax", drained=False, silent=[])
        assert all(isinstance(worker.entered(), Ticket) for worker in (first, second))


async def test_a_system_that_was_taken_out_stays_out_over_a_restart_until_it_is_put_back(tmp_path: Path) -> None:
    async with desk(tmp_path) as before:
        await before.systems.drain("tax")
    async with desk(tmp_path) as after:
        assert after.entered() == "drained"
        assert isinstance(after.entered("business"), Ticket)
        assert [figures.drained for figures in (await after.systems.states()).systems] == [False, True]
        await after.systems.resume("tax")
    async with desk(tmp_path) as at_last:
        assert isinstance(at_last.entered(), Ticket)


async def test_what_is_put_back_has_no_open_breaker_and_no_pause(tmp_path: Path) -> None:
    async with two_desks(tmp_path) as (first, second):
        for _ in range(20):
            first.call(SystemUnavailable("tax", "is down"))
        second.call(SystemThrottled("tax", "asks to be called less often", retry_after_ms=60_000))
        assert (first.entered(), second.entered()) == ("breaker", "paused")

        await second.systems.resume("tax")
        assert all(isinstance(worker.entered(), Ticket) for worker in (first, second))
        assert first.admissions["tax"].report().breakers == {"row_by_code": "closed"}


async def test_a_system_that_is_not_connected_is_named_nowhere(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        for act in (here.systems.drain, here.systems.resume):
            with pytest.raises(NoSuchSystem, match="no such system; expected one of business, tax"):
                await act("../knobs")

    assert not (tmp_path / "state" / "drained").exists()


async def test_a_folder_that_cannot_be_written_leaves_the_system_in_service(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        (tmp_path / "state" / "drained").write_text("not a folder", "utf-8")
        with pytest.raises(Exception, match=r"gateway\.state: expected a folder that can be written"):
            await here.systems.drain("tax")
        assert isinstance(here.entered(), Ticket)


async def test_over_http_it_is_shown_drained_and_resumed(tmp_path: Path) -> None:
    async with asking(tmp_path) as (client, here):
        client.headers.update(HOLDER)
        here.call()
        shown = msgspec.json.decode((await client.get("/admin/systems")).content, type=SystemStates)
        drained = await client.post("/admin/systems/tax/drain")
        unknown = await client.post("/admin/systems/nothing/drain")
        by_get = await client.get("/admin/systems/tax/resume")
        resumed = await client.post("/admin/systems/tax/resume")

    assert [(figures.name, figures.calls) for figures in shown.systems] == [("business", 0), ("tax", 1)]
    assert drained.json() == {"name": "tax", "drained": True, "silent": []}
    assert resumed.json() == {"name": "tax", "drained": False, "silent": []}
    assert (unknown.status_code, unknown.json()["error"]["message"]) == (404, "no such system; expected one of business, tax")
    assert (by_get.status_code, by_get.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("given", [{}, {"authorization": "Bearer another-token-of-nobody"}, {"authorization": f"Basic {TOKEN}"}])
async def test_nobody_sees_or_turns_anything_without_the_token(tmp_path: Path, given: dict[str, str]) -> None:
    async with asking(tmp_path) as (client, here):
        client.headers.update(given)
        answers = [await client.get("/admin/systems"), await client.post("/admin/systems/tax/drain")]
        assert isinstance(here.entered(), Ticket)

    assert [answer.status_code for answer in answers] == [401, 401]
