"""`motcua systems`, as an operator runs it: how each system is doing in all workers, and one taken out of service and put back."""

import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from graph.commands.systems import at_most, breaker_words, service_words, system_table
from graph.operating.systems import SystemStates
from graph.upstream.figures import Durations, QuotaFigures, SystemFigures
from sandbox import personas
from tests.graph.operating.telling import telling
from tests.graph.test_cli import one_line, run
from tests.servers import SYSTEMS, Gateway, Sandbox, ended, free_port, motcua, wait_until

BUSINESS = "query($code: BusinessCode!) { business(code: $code) { name } }"
COLUMNS = [
    "system", "in service", "calls", "keys/call", "failed", "retries", "p50 s", "p99 s", "at once", "waiting", "breaker", "quota left",
    "refused",
]  # fmt: skip


@pytest.fixture(scope="module")
def both(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with telling(sandbox, tmp_path_factory.mktemp("gateway"), workers=2) as running:
        yield running


def systems(gateway: Gateway, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `motcua systems` as who has the token."""
    return run("systems", *arguments, "--url", gateway.url, "--settings", str(gateway.settings))


def tables(text: str) -> list[dict[str, list[str]]]:
    """Read the tables: of each its lines, by their first cell."""
    return [
        {cells[0]: cells[1:] for cells in (re.split(r"\s{2,}", line.strip()) for line in part.splitlines())}
        for part in text.strip().split("\n\n")
    ]


def test_each_system_is_shown_with_what_the_gateway_had_from_it(both: Gateway) -> None:
    both.ask(BUSINESS, code=personas.AN_PHAT)
    done = systems(both)

    assert done.returncode == 0, done.stderr
    reached, figures = tables(done.stdout)
    assert all(reached[name][0] == "yes" for name in SYSTEMS)
    assert ["system", *figures["system"]] == COLUMNS
    assert figures["business"][:4] == ["yes", "1", "1.0", "0.0%"]
    assert figures["business"][9:] == ["closed", "-", "-"]
    assert re.fullmatch(r"0/\d+", figures["business"][7])
    assert figures["tax"][1:6] == ["0", "-", "-", "0", "-"]


def test_as_json_it_is_what_the_gateway_answers(both: Gateway) -> None:
    states = msgspec.json.decode(systems(both, "--json").stdout, type=SystemStates)

    assert (states.workers, states.silent) == (2, [])
    assert [figures.name for figures in states.systems] == sorted(SYSTEMS)


def test_a_system_is_taken_out_of_service_and_put_back(both: Gateway) -> None:
    drained = systems(both, "drain", "tax")
    shown = tables(systems(both).stdout)[1]["tax"][0]
    refused = both.ask("query($code: TaxCode!) { taxpayer(code: $code) { name } }", code=personas.AN_PHAT)
    resumed = systems(both, "resume", "tax")

    assert (drained.returncode, drained.stdout) == (0, "tax is out of service, in all workers.\n")
    assert shown == "drained"
    [error] = refused["errors"]
    assert error["message"] == "The tax system was taken out of service by an operator"
    assert error["extensions"] == {"code": "UPSTREAM_UNAVAILABLE", "retryable": True, "system": "tax"}
    assert (resumed.returncode, resumed.stdout) == (0, "tax is in service, in all workers.\n")
    assert tables(systems(both).stdout)[1]["tax"][0] == "yes"


@pytest.mark.parametrize("command", ["drain", "resume"])
def test_a_system_that_is_not_connected_is_refused_in_one_line(both: Gateway, command: str) -> None:
    said = one_line(systems(both, command, "taxes"))

    assert said.startswith("motcua: no such system; expected one of business, civil_status, code_lists")


def test_without_a_token_only_reach_is_shown_and_nothing_can_be_turned(both: Gateway, tmp_path: Path) -> None:
    (tmp_path / "motcua.toml").write_text("", "utf-8")
    stranger = ("--url", both.url, "--settings", str(tmp_path / "motcua.toml"))
    shown = run("systems", *stranger)
    refused = one_line(run("systems", "drain", "tax", *stranger))

    assert shown.returncode == 0
    [reached] = tables(shown.stdout)
    assert all(reached[name][0] == "yes" for name in SYSTEMS)
    assert "Figures are shown to operators only" in shown.stderr
    assert "admin.token: no such file; the gateway makes it at its first start" in refused
    assert tables(systems(both).stdout)[1]["tax"][0] == "yes"


def test_a_wrong_token_is_refused(both: Gateway) -> None:
    said = one_line(run("systems", "drain", "tax", "--url", both.url, environment={"MOTCUA_ADMIN_TOKEN": "a-token-of-somebody-else"}))

    assert "does not take this token" in said


def test_a_gateway_that_is_not_there_has_an_exit_code_of_its_own() -> None:
    nowhere, holder = f"http://127.0.0.1:{free_port()}", {"MOTCUA_ADMIN_TOKEN": "some-token-of-operators"}
    for command in ((), ("drain", "tax"), ("resume", "tax")):
        done = run("systems", *command, "--url", nowhere, environment=holder)
        assert done.returncode == 3
        assert "Is the gateway running" in done.stderr


def test_watching_goes_on_until_it_is_interrupted() -> None:
    asked: list[str] = []

    class Gateways(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            calls = asked.count("/admin/systems")
            states = SystemStates([SystemFigures(name="tax", calls=calls)], 1, [])
            body = b'{"systems": {}}' if self.path == "/readyz" else msgspec.json.encode(states)
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    holder = {"MOTCUA_ADMIN_TOKEN": "some-token-of-operators"}
    with ThreadingHTTPServer(("127.0.0.1", 0), Gateways) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        try:
            with ended(motcua("systems", "--watch", "--url", f"http://127.0.0.1:{server.server_port}", environment=holder)) as process:
                wait_until(lambda: asked.count("/admin/systems") >= 3)
                process.send_signal(signal.SIGINT)
                shown = process.communicate(timeout=20)[0]
        finally:
            server.shutdown()

    assert process.returncode == 0
    assert int(tables(shown)[0]["tax"][1]) >= 2


def test_what_is_wrong_with_a_system_is_said_in_words() -> None:
    well = SystemFigures(name="tax")
    opens = 1_795_410_000.0
    ill = SystemFigures(
        name="tax", breakers={"taxpayer_by_code": "half_open", "other": "closed"}, closed_until=opens, calls=4, outcomes={"OK": 3},
        refused={"quota": 1_200, "breaker": 3}, quotas=[QuotaFigures(60, 100, 40), QuotaFigures(86_400, 5_000, 5_001)],
    )  # fmt: skip

    assert (service_words(well), breaker_words(well)) == ("[green]yes[/]", "closed")
    assert breaker_words(ill) == "[red]taxpayer_by_code half open[/]"
    assert re.fullmatch(r"\[yellow\]closed until \d\d\.\d\d\. \d\d:\d\d\[/\]", service_words(ill))
    ill.drained = True
    assert service_words(ill) == "[red]drained[/]"
    cells = [next(iter(column.cells)) for column in system_table(SystemStates([ill], 1, [])).columns]
    assert dict(zip(COLUMNS, cells, strict=True))["failed"] == "25.0%"
    assert cells[-2:] == ["60/min, 0/day", "breaker 3, quota 1,200"]


def test_durations_are_said_by_the_bound_that_they_do_not_exceed() -> None:
    durations = Durations()
    assert at_most(durations, 0.5) == "-"
    for _ in range(98):
        durations.note(0.02)
    for _ in range(2):
        durations.note(90)

    assert (at_most(durations, 0.5), at_most(durations, 0.99)) == ("≤0.025", ">60")
