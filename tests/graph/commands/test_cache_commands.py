"""`motcua cache`, as an operator runs it: tables to read, JSON to use, one line for what is wrong, telling exit codes."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from graph.cli import app
from graph.commands.cache import Turns, knob_named
from graph.commands.png import png_of
from graph.commands.tables import prediction_words, purge_words
from graph.errors import SettingsWrong
from graph.loading.whatif import Expected, Prediction
from graph.operating.answers import PurgeReport
from graph.operating.knobs import NAMES
from tests.graph.operating.operators import TOKEN, MemoryCaches, MemoryTier, knobs_file, operators_running
from tests.graph.test_cli import one_line, run
from tests.servers import free_port

SOMEBODY = "099190000001"
HOLDER = {"MOTCUA_ADMIN_TOKEN": TOKEN}


class Running(NamedTuple):
    """A running operators' interface, its caches, and where its state is."""

    url: str
    caches: MemoryCaches
    folder: Path

    def run(self, *arguments: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run `motcua cache` against it as who has the token."""
        return run("cache", *arguments, "--url", self.url, environment=HOLDER, stdin=stdin)

    def settings_with_token(self) -> Path:
        """Write settings that say where the token is."""
        settings = self.folder / "motcua.toml"
        settings.write_text('[admin]\ntoken = "file:admin.token"\n', "utf-8")
        (self.folder / "admin.token").write_text(TOKEN, "utf-8")
        return settings


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    caches = MemoryCaches()
    with operators_running(tmp_path, caches) as url:
        yield Running(url, caches, tmp_path)


@pytest.mark.parametrize("command", [(), ("list",)])
def test_all_caches_are_listed(running: Running, command: tuple[str, ...]) -> None:
    done = running.run(*command)

    assert done.returncode == 0, done.stderr
    head, first, second = (re.split(r"\s{2,}", line.strip()) for line in done.stdout.splitlines())
    assert head == [
        "batch function",
        "system",
        "hit ratio",
        "lookups",
        "calls",
        "keys/call",
        "entries",
        "bytes",
        "evictions",
        "stale",
        "TTL",
    ]
    assert first == ["citizen_by_id", "population", "75.0%", "4", "2", "2.5", "4", "2KiB", "6", "1", "5m"]
    assert second[0] == "places"


def test_a_cache_is_shown_with_the_origin_of_each_knob(running: Running) -> None:
    running.run("set", "citizen_by_id", "eviction=lru")

    lines = running.run("show", "citizen_by_id").stdout.splitlines()

    knobs = {cells[0]: cells[1:] for cells in (line.split() for line in lines[1:])}
    assert knobs.keys() == set(NAMES)
    assert (knobs["ttl_seconds"], knobs["eviction"], knobs["jitter"]) == (["5m", "settings"], ["lru", "live"], ["0.1", "default"])


def test_json_is_what_the_gateway_answers(running: Running) -> None:
    listed = json.loads(running.run("--json").stdout)
    shown = json.loads(running.run("show", "places", "--json").stdout)

    assert [cache["figures"]["name"] for cache in listed["caches"]] == ["citizen_by_id", "places"]
    assert shown["knobs"]["ttl_seconds"] == {"value": 60.0, "origin": "default"}


def test_a_dry_run_says_what_it_would_change_and_changes_nothing(running: Running) -> None:
    done = running.run("tune", "citizen_by_id", "--ttl", "30m", "--max-bytes", "64MiB", "--dry-run")

    assert done.returncode == 0, done.stderr
    assert re.search(r"ttl_seconds +5m +30m", done.stdout)
    assert re.search(r"max_bytes +16MiB +64MiB", done.stdout)
    assert "Not enough data yet" in done.stdout
    assert "A dry run: nothing was changed." in done.stdout
    assert running.caches.retuned == []


def test_a_change_is_made_and_can_be_taken_back(running: Running) -> None:
    tuned = running.run("tune", "citizen_by_id", "--ttl", "1d", "--stale-if-error-on", "timeout,throttled")
    assert (tuned.returncode, "Done, in all workers." in tuned.stdout) == (0, True)
    changed = running.run("set", "citizen_by_id", "negative-ttl=5s", "stale_share=2%")
    assert re.search(r"stale_share +0.01 +0.02", changed.stdout)
    assert knobs_file(running.folder) == {
        "citizen_by_id": {
            "ttl_seconds": 86_400,
            "stale_if_error_on": ["timeout", "throttled"],
            "negative_ttl_seconds": 5,
            "stale_share": 0.02,
        }
    }

    assert re.search(r"ttl_seconds +1d +5m", running.run("reset", "citizen_by_id", "ttl").stdout)
    assert running.run("reset", "citizen_by_id").returncode == 0
    assert "nothing changes" in running.run("reset", "citizen_by_id").stdout
    assert knobs_file(running.folder) == {}
    assert len(running.caches.retuned) == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tune", "citizen_by_id"), "expected at least one knob, such as --ttl 30m"),
        (("tune", "citizen_by_id", "--ttl", "soon"), "ttl_seconds: soon: expected a duration such as 30s, 5m, 1h or 1d"),
        (("tune", "citizen_by_id", "--jitter", "9"), "jitter: expected `float` <= 0.5"),
        (("tune", "nothing", "--ttl", "5m"), "no such batch function; expected one of citizen_by_id, places"),
        (("show", "nothing"), "no such batch function; expected one of citizen_by_id, places"),
        (("set", "places"), "expected at least one KNOB=VALUE, such as ttl=30m"),
        (("set", "places", "ttl"), "ttl: expected KNOB=VALUE, such as ttl=30m"),
        (("set", "places", "size=5"), "size: no such knob; expected one of ttl_seconds"),
        (("reset", "places", "size"), "size: no such knob; expected one of ttl_seconds"),
        (("purge",), "expected exactly one of --person"),
        (("purge", "--person", SOMEBODY, "--tag", "x"), "expected exactly one of --person"),
        (("purge", "--key", "x"), "expected exactly one of --person"),
        (("purge", "--system", "nothing"), "system: no such system; expected one of code_lists, population"),
        (("whatif", "places", "--svg", "/no/such/folder/a.svg"), "/no/such/folder/a.svg: cannot be written"),
    ],
)
def test_what_cannot_be_is_refused(running: Running, arguments: tuple[str, ...], said: str) -> None:
    settings = running.settings_with_token()

    with pytest.raises(SettingsWrong) as refusal:
        app(["cache", *arguments, "--url", running.url, "--settings", str(settings)], result_action="return_value")
    assert refusal.value.message.startswith(said)
    assert SOMEBODY not in refusal.value.message


@pytest.mark.parametrize("by", [("--person", SOMEBODY), ("--person", "-")])
def test_a_purge_is_reported_without_the_person(running: Running, by: tuple[str, str]) -> None:
    done = running.run("purge", *by, stdin=f"{SOMEBODY}\n")

    assert done.returncode == 0, done.stderr
    assert "Forgotten about the person: 2 entries\n  citizen_by_id: 2" in done.stdout
    assert "Workers: 1 of 1 confirmed" in done.stdout
    assert "Confirmed: nothing of it is served anywhere one second from now" in done.stdout
    assert SOMEBODY not in done.stdout + done.stderr
    [purge] = running.caches.purges
    assert purge.person == SOMEBODY


def test_a_purge_by_key_names_both(running: Running) -> None:
    done = running.run("purge", "--batch", "places", "--key", "01", "--json")

    assert json.loads(done.stdout)["by"] == "key"
    assert [(purge.batch, purge.key) for purge in running.caches.purges] == [("places", "01")]


def test_a_purge_that_is_not_confirmed_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    with operators_running(tmp_path, MemoryCaches(), MemoryTier(None)) as url:
        done = run("cache", "purge", "--tag", "x", "--url", url, environment=HOLDER)

    assert done.returncode == 1
    assert "Not confirmed: run it again" in done.stdout
    assert "Shared tier: not reachable" in done.stdout


def test_the_curves_are_drawn_and_written(running: Running, tmp_path: Path) -> None:
    done = running.run("whatif", "citizen_by_id", "--svg", str(tmp_path / "a.svg"))

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert (tmp_path / "a.svg").read_text("utf-8").startswith("<svg")
    assert json.loads(running.run("whatif", "citizen_by_id", "--json").stdout)["name"] == "citizen_by_id"


def test_a_wrong_token_is_refused(running: Running) -> None:
    said = one_line(run("cache", "--url", running.url, environment={"MOTCUA_ADMIN_TOKEN": "some-other-token-than-that"}))

    assert "does not take this token" in said
    assert TOKEN not in said


def test_without_a_token_it_is_said_where_one_is_expected(tmp_path: Path) -> None:
    settings = tmp_path / "motcua.toml"
    settings.write_text("", "utf-8")

    said = one_line(run("cache", "--settings", str(settings)))

    assert f"{tmp_path}/.motcua/admin.token: no such file; the gateway makes it at its first start" in said


def test_the_token_is_found_by_the_settings(running: Running) -> None:
    assert run("cache", "--url", running.url, "--settings", str(running.settings_with_token())).returncode == 0


def test_a_refusal_is_one_line(running: Running) -> None:
    said = one_line(running.run("show", "nothing"))

    assert said == "motcua: no such batch function; expected one of citizen_by_id, places"


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}", "nowhere"])
def test_a_gateway_that_is_not_there_has_an_exit_code_of_its_own(address: str) -> None:
    done = run("cache", "--url", address.format(port=free_port()), environment=HOLDER)

    assert done.returncode == 3
    assert "Is the gateway running" in done.stderr


def test_every_knob_is_an_option() -> None:
    assert {knob_named(field) for field in Turns.__dataclass_fields__} == set(NAMES)


def expected(**figures: float) -> Expected:
    known: dict[str, Any] = {"hit_ratio": 0.6, "calls_a_day": 40_000, "stale_share": 0.001, "stale_low": 0.0, "stale_high": 0.002}
    return Expected(**{**known, **figures})


def test_a_prediction_is_said_in_words() -> None:
    fewer = Prediction(enough_data=True, now=expected(), proposed=expected(hit_ratio=0.7, calls_a_day=29_000, stale_share=0.004))
    unknown = Prediction(enough_data=True, now=expected(), proposed=expected(stale_high=0.6))

    assert (
        prediction_words(fewer) == "This means about 11,000 calls a day fewer, +10.0 points of hits; out of date: 0.40% (0.00% to 0.20%)."
    )
    assert "as many calls as now" in prediction_words(unknown)
    assert "how often records change is not known yet" in prediction_words(unknown)
    assert "Not enough data yet" in prediction_words(Prediction(enough_data=False, why_not="too few lookups"))
    assert "not simulated" in prediction_words(Prediction(enough_data=False, why_not="policy not simulated"))


def test_a_worker_that_was_silent_is_named() -> None:
    report = PurgeReport("tag", {}, 2, 1, [4711], "absent", 0, confirmed=False)

    assert "1 of 2 confirmed; [red]no answer from process 4711" in purge_words(report)


def test_a_drawing_becomes_a_png_twice_its_size_with_its_text() -> None:
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><text y="15" font-family="sans-serif">{}</text></svg>'

    png = png_of(drawing.format("abc"))

    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert [int.from_bytes(png[at : at + 4]) for at in (16, 20)] == [80, 40]
    assert png != png_of(drawing.format(""))


def test_without_its_package_a_png_is_refused_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)  # as if it were not installed
    with pytest.raises(SettingsWrong, match="--png needs the package resvg-py"):
        png_of("<svg/>")
