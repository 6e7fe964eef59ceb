"""What operators do is done in all workers, checked before, kept over a restart, and told to nobody without the token."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from graph.errors import BadInput
from graph.loading.figures import Purge
from graph.operating.answers import PurgeOrder, TuneOrder, Turn
from graph.operating.http import MAX_BODY_BYTES, routes
from graph.operating.knobs import KnobWrong
from graph.operating.operator import NoSuchBatch
from graph.operating.siblings import Worker
from graph.settings import BatchSettings
from tests.graph.operating.operators import TOKEN, MemoryCaches, MemoryTier, knobs_file, operator_of, two_operators

SOMEBODY = "099190000001"
HOLDER = {"authorization": f"Bearer {TOKEN}"}


@asynccontextmanager
async def asking(folder: Path, caches: MemoryCaches | None = None, tier: MemoryTier | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """Ask the operators' interface as who has the token."""
    async with operator_of(folder, caches or MemoryCaches(), tier=tier) as operator:
        app = httpx.ASGITransport(Starlette(routes=routes(operator, TOKEN)))
        async with httpx.AsyncClient(transport=app, base_url="http://gateway", headers=HOLDER) as client:
            yield client


async def test_the_figures_of_all_workers_are_added(tmp_path: Path) -> None:
    async with two_operators(tmp_path) as ((operator, _), _other):
        states = await operator.caches()

    assert (states.workers, states.silent) == (2, [])
    assert [(state.figures.name, state.figures.hits, state.figures.lookups) for state in states.caches] == [
        ("citizen_by_id", 6, 8),
        ("places", 6, 8),
    ]
    assert states.caches[0].figures.seconds == 60.0
    knobs = states.caches[0].knobs
    assert (knobs["ttl_seconds"].value, knobs["ttl_seconds"].origin, knobs["jitter"].origin) == (300, "settings", "default")


async def test_a_change_is_made_in_all_workers_and_kept(tmp_path: Path) -> None:
    async with two_operators(tmp_path) as ((operator, caches), (other, other_caches)):
        tuned = await operator.tune("citizen_by_id", TuneOrder({"ttl_seconds": 60, "eviction": "lru"}))
        expected = BatchSettings(ttl_seconds=60, eviction="lru")

        assert tuned.turns == {"ttl_seconds": Turn(300, 60), "eviction": Turn("s3fifo", "lru")}
        assert (tuned.applied, tuned.silent) == (True, [])
        assert tuned.prediction is not None
        assert caches.retuned == other_caches.retuned == [("citizen_by_id", expected)]
        assert operator.knobs.of("citizen_by_id") == other.knobs.of("citizen_by_id") == expected
        assert knobs_file(tmp_path) == {"citizen_by_id": {"ttl_seconds": 60, "eviction": "lru"}}

        back = await other.reset("citizen_by_id", "eviction")
        assert back.turns == {"eviction": Turn("lru", "s3fifo")}
        assert caches.retuned[1:] == other_caches.retuned[1:] == [("citizen_by_id", BatchSettings(ttl_seconds=60))]
        await other.reset("citizen_by_id")
        assert knobs_file(tmp_path) == {}


async def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    async with two_operators(tmp_path) as ((operator, caches), (_, other_caches)):
        tuned = await operator.tune("citizen_by_id", TuneOrder({"ttl_seconds": 60}, dry_run=True))

    assert tuned.turns == {"ttl_seconds": Turn(300, 60)}
    assert tuned.prediction is not None
    assert not tuned.applied
    assert caches.retuned == other_caches.retuned == []
    assert not (tmp_path / "state" / "knobs.json").exists()


async def test_a_change_that_cannot_be_is_made_nowhere(tmp_path: Path) -> None:
    async with two_operators(tmp_path) as ((operator, caches), (_, other_caches)):
        with pytest.raises(KnobWrong, match="max_keys"):
            await operator.tune("places", TuneOrder({"ttl_seconds": 1, "max_keys": 11}))
        with pytest.raises(NoSuchBatch, match="expected one of citizen_by_id, places"):
            await operator.tune("nothing", TuneOrder({"ttl_seconds": 1}))

    assert caches.retuned == other_caches.retuned == []


async def test_a_worker_that_starts_takes_over_what_was_changed_while_it_did(tmp_path: Path) -> None:
    caches = MemoryCaches()
    starting = operator_of(tmp_path, caches, Worker(port=8000))
    starting.siblings.pid += 1
    async with operator_of(tmp_path, MemoryCaches(), Worker(port=8000)) as operator:
        await operator.tune("places", TuneOrder({"ttl_seconds": 1}))
        async with starting:
            assert caches.retuned == [("places", BatchSettings(ttl_seconds=1))]


async def test_a_purge_is_done_in_all_workers_and_reported_without_the_person(tmp_path: Path) -> None:
    async with two_operators(tmp_path) as ((operator, caches), (_, other_caches)):
        report = await operator.purge(PurgeOrder(person=SOMEBODY))

    assert (report.by, report.entries, report.confirmed) == ("person", {"citizen_by_id": 4}, True)
    assert (report.workers_asked, report.workers_confirmed, report.silent) == (2, 2, [])
    [purge], [other_purge] = caches.purges, other_caches.purges
    assert purge == other_purge
    assert (purge.person, purge.batch) == (SOMEBODY, None)
    assert SOMEBODY not in str(report)


async def test_a_purge_that_a_worker_cannot_do_is_not_confirmed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with two_operators(tmp_path) as ((operator, _), (other, other_caches)):
        other_caches.broken = True
        report = await operator.purge(PurgeOrder(person=SOMEBODY))

    assert (report.workers_asked, report.workers_confirmed, report.silent) == (2, 1, [other.siblings.pid])
    assert not report.confirmed
    assert "RuntimeError" in caplog.text
    assert SOMEBODY not in caplog.text


@pytest.mark.parametrize(("says", "outcome"), [(5, "deleted"), (0, "deleted"), (None, "unconfirmed")])
async def test_a_purge_is_confirmed_only_when_the_shared_tier_is(tmp_path: Path, says: int | None, outcome: str) -> None:
    async with operator_of(tmp_path, MemoryCaches(), tier=MemoryTier(says)) as operator:
        report = await operator.purge(PurgeOrder(tag="household"))

    assert (report.shared, report.shared_entries) == (outcome, says or 0)
    assert report.confirmed is (says is not None)


@pytest.mark.parametrize(
    ("order", "by"),
    [
        (PurgeOrder(batch="places"), "batch"),
        (PurgeOrder(batch="places", key="01"), "key"),
        (PurgeOrder(system="population"), "system"),
        (PurgeOrder(tag="x"), "tag"),
    ],
)
async def test_a_purge_may_be_by_any_of_these(tmp_path: Path, order: PurgeOrder, by: str) -> None:
    caches = MemoryCaches()
    async with operator_of(tmp_path, caches) as operator:
        assert (await operator.purge(order)).by == by

    [purge] = caches.purges
    assert (purge.batch, purge.key, purge.system, purge.tag) == (order.batch, order.key, order.system, order.tag)


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (PurgeOrder(), "expected exactly one of"),
        (PurgeOrder(key=SOMEBODY), "expected exactly one of"),
        (PurgeOrder(person=SOMEBODY, tag="x"), "expected exactly one of"),
        (PurgeOrder(person=SOMEBODY, key="x"), "expected exactly one of"),
        (PurgeOrder(person=""), "person: expected 1 to 64 printable characters"),
        (PurgeOrder(person=SOMEBODY * 6), "person: expected 1 to 64 printable characters"),
        (PurgeOrder(person=SOMEBODY + "\n"), "person: expected 1 to 64 printable characters"),
        (PurgeOrder(batch="nothing"), "no such batch function"),
        (PurgeOrder(system="nothing"), "system: no such system; expected one of code_lists, population"),
    ],
)
async def test_a_purge_of_what_is_not_clear_is_refused_without_saying_the_value(tmp_path: Path, order: PurgeOrder, said: str) -> None:
    caches = MemoryCaches()
    async with operator_of(tmp_path, caches) as operator:
        with pytest.raises(BadInput) as refusal:
            await operator.purge(order)

    assert said in refusal.value.message
    assert SOMEBODY not in refusal.value.message
    assert caches.purges == []


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN, "Bearer \xe9"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/admin/caches"), ("POST", "/admin/purge"), ("BREW", "/admin/caches"), ("GET", "/admin/what")]
)
async def test_without_the_token_nothing_is_said(tmp_path: Path, method: str, path: str, given: str | None) -> None:
    caches = MemoryCaches()
    async with asking(tmp_path, caches) as client:
        client.headers = httpx.Headers([] if given is None else [(b"authorization", given.encode("latin-1"))])
        answer = await client.request(method, path, json={"person": SOMEBODY})

    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["cache-control"] == "no-store"
    assert caches.purges == []


async def test_all_can_be_done_over_http(tmp_path: Path) -> None:
    async with asking(tmp_path) as client:
        answers = {
            "all": await client.get("/admin/caches"),
            "one": await client.get("/admin/caches/places"),
            "dry": await client.patch("/admin/caches/places", json={"changes": {"ttl_seconds": 5}, "dry_run": True}),
            "set": await client.patch("/admin/caches/places", json={"changes": {"ttl_seconds": 5}}),
            "unset": await client.delete("/admin/caches/places/ttl_seconds"),
            "reset": await client.delete("/admin/caches/places"),
            "purge": await client.post("/admin/purge", json={"person": SOMEBODY}),
            "whatif": await client.get("/admin/caches/places/whatif"),
            "svg": await client.get("/admin/caches/places/whatif?format=svg"),
        }

    assert {answer.status_code for answer in answers.values()} == {200}
    assert {answer.headers["cache-control"] for answer in answers.values()} == {"no-store"}
    assert [cache["figures"]["name"] for cache in answers["all"].json()["caches"]] == ["citizen_by_id", "places"]
    assert answers["one"].json()["knobs"]["ttl_seconds"] == {"value": 60.0, "origin": "default"}
    assert answers["dry"].json()["applied"] is False
    assert answers["set"].json()["turns"] == {"ttl_seconds": {"before": 60.0, "after": 5.0}}
    assert answers["unset"].json()["turns"] == {"ttl_seconds": {"before": 5.0, "after": 60.0}}
    assert answers["reset"].json()["turns"] == {}
    assert answers["purge"].json()["confirmed"] is True
    assert SOMEBODY not in answers["purge"].text
    assert answers["whatif"].json()["name"] == "places"
    assert answers["svg"].headers["content-type"] == "image/svg+xml"
    assert answers["svg"].text.startswith("<svg")


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "error"),
    [
        ("GET", "/admin/nothing", None, 404, {"message": "Nothing is here"}),
        ("GET", "/admin/", None, 404, {"message": "Nothing is here"}),
        ("GET", "/admin/caches/nothing", None, 404, {"message": "no such batch function; expected one of citizen_by_id, places"}),
        ("POST", "/admin/caches", None, 405, {"message": "Only GET is answered here"}),
        ("GET", "/admin/purge", None, 405, {"message": "Only POST is answered here"}),
        ("PATCH", "/admin/caches/places", b"{", 400, {"message": "The body is not JSON"}),
        ("PATCH", "/admin/caches/places", b'{"changes": {"jitter": ' + b"[" * 10_000, 400, {"message": "The body is not JSON"}),
        (
            "PATCH",
            "/admin/caches/places",
            b'{"changes": {"jitter": 9}}',
            400,
            {"message": "expected `float` <= 0.5", "key": "jitter"},
        ),
        (
            "POST",
            "/admin/purge",
            f'{{"{SOMEBODY}": 1}}'.encode(),
            400,
            {"message": "Expected an object with some of person, batch, key, system, tag, each of its kind"},
        ),
        ("POST", "/admin/purge", b" " * (MAX_BODY_BYTES + 1), 413, {"message": f"The body is longer than {MAX_BODY_BYTES} bytes"}),
        ("GET", "/admin/caches/places/whatif?format=gif", None, 400, {"message": "format: expected json or svg"}),
    ],
)
async def test_what_cannot_be_done_is_said_in_json(
    tmp_path: Path, method: str, path: str, content: bytes | None, status: int, error: dict[str, Any]
) -> None:
    async with asking(tmp_path) as client:
        answer = await client.request(method, path, content=content)

    assert answer.status_code == status
    assert answer.json() == {"error": error}
    assert answer.headers["cache-control"] == "no-store"
    assert (answer.headers.get("allow") is not None) is (status == 405)


async def test_a_fault_of_our_own_is_not_said_in_its_own_words(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Faulty(MemoryTier):
        async def forget(self, purge: Purge) -> None:
            raise RuntimeError(purge.person)

    with caplog.at_level(logging.DEBUG):
        async with asking(tmp_path, tier=Faulty(None)) as client:
            answer = await client.post("/admin/purge", json={"person": SOMEBODY})

    assert answer.status_code == 500
    assert answer.json() == {"error": {"message": "Something went wrong inside the gateway"}}
    assert "RuntimeError" in caplog.text
    assert SOMEBODY not in caplog.text
