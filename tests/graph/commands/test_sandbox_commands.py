"""`motcua sandbox`, as somebody runs it who wants to see things go wrong: faults put, listed and healed, refusals in one line."""

import contextlib
import json
import os
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from graph.commands.sandbox import parameter_of
from graph.errors import SettingsWrong
from sandbox.app import SYSTEMS
from sandbox.personas import AN_PHAT, SAO_MAI
from tests.graph.test_cli import one_line, run
from tests.servers import Sandbox, free_port, sandbox_running

ENTERPRISES = f"/business/v1/enterprises?code={AN_PHAT}"
HEADERS = {"Authorization": "Bearer sandbox-business"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def agencies(folder: Path) -> Iterator[Sandbox]:
    with sandbox_running("--tls-port", "0", "--tls-folder", str(folder)) as running:
        yield running


@pytest.fixture
def running(agencies: Sandbox) -> Iterator[Sandbox]:
    yield agencies
    httpx.delete(f"{agencies.url}/_sandbox/faults")
    agencies.reset_calls()


def status(sandbox: Sandbox) -> int:
    """Ask for a business."""
    return httpx.get(f"{sandbox.url}{ENTERPRISES}", headers=HEADERS).status_code


def table(text: str) -> list[list[str]]:
    """Read the cells of a table."""
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]


def test_a_fault_is_put_listed_and_healed(running: Sandbox) -> None:
    url = ("--url", running.url)
    put = run("sandbox", "fault", "business", "status", "code=429", "retry_after=7", "--for", "1h", "--times", "5", *url)
    limited = httpx.get(f"{running.url}{ENTERPRISES}", headers=HEADERS)
    listed = run("sandbox", "faults", *url)
    healed = run("sandbox", "heal", "business", *url)

    assert (put.returncode, put.stdout) == (0, "business: status from now on\n")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    head, line = table(listed.stdout)
    assert head == ["system", "fault", "parameters", "calls", "hits", "ends"]
    assert line[:5] == ["business", "status", "code=429 retry_after=7", "1", "1"]
    assert re.fullmatch(r"in 3\d{3}(\.\d+)?s or after 4 more", line[5])
    assert (healed.returncode, healed.stdout) == (0, "business: healed\n")
    assert status(running) == 200


def test_all_agencies_are_healed_at_once(running: Sandbox) -> None:
    for system in ("business", "tax"):
        run("sandbox", "fault", system, "storm", "--share", "30%", "--seed", "4", "--operation", "enterprises", "--url", running.url)
    as_json = json.loads(run("sandbox", "faults", "--json", "--url", running.url).stdout)
    healed = run("sandbox", "heal", "--url", running.url)

    described = {"kind": "storm", "operation": "enterprises", "share": 0.3, "seed": 4, "calls": 0, "hits": 0}
    assert as_json == {"business": described, "tax": described}
    assert healed.stdout == "All agencies: healed\n"
    assert run("sandbox", "faults", "--url", running.url).stdout == "Nothing is going wrong.\n"


def test_a_connection_is_reset_under_the_loop_that_users_run(running: Sandbox) -> None:
    run("sandbox", "fault", "business", "reset", "--url", running.url)
    at = httpx.URL(running.url)
    with socket.create_connection((at.host, at.port or 0)) as connection:
        connection.sendall(f"GET {ENTERPRISES} HTTP/1.1\r\nHost: a\r\nAuthorization: {HEADERS['Authorization']}\r\n\r\n".encode())

        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_keys_are_given_as_a_list(running: Sandbox) -> None:
    run("sandbox", "fault", "business", "poison", f"keys={SAO_MAI},{AN_PHAT}", "code=422", "--url", running.url)

    assert status(running) == 422


def test_calls_are_counted_by_system(running: Sandbox) -> None:
    status(running)
    head, *lines = table(run("sandbox", "calls", "--url", running.url).stdout)
    as_json = json.loads(run("sandbox", "calls", "--json", "--url", running.url).stdout)

    assert head == ["system", "calls", "keys", "not modified", "operations"]
    assert [line[0] for line in lines] == list(SYSTEMS)
    assert lines[1] == ["business", "1", "1", "0", "enterprises 1"]
    assert as_json["business"] == {"calls": 1, "keys": 1, "not_modified": 0, "operations": {"enterprises": 1}}


def test_a_certificate_expires_and_is_restored_under_the_loop_that_users_run(running: Sandbox, folder: Path) -> None:
    port = httpx.get(f"{running.url}/_sandbox/tls").json()["ports"]["business"]
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    with httpx.Client(base_url=f"https://localhost:{port}", verify=context, headers=HEADERS) as client:
        before = client.get(ENTERPRISES).status_code
        put = run("sandbox", "fault", "business", "expired_certificate", "--url", running.url)
        with pytest.raises(httpx.ConnectError, match="certificate has expired"):
            client.get(ENTERPRISES)
        run("sandbox", "heal", "business", "--url", running.url)
        after = client.get(ENTERPRISES).status_code

    assert put.returncode == 0, put.stderr
    assert (before, after) == (200, 200)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fault", "tax", "fire"), "unknown kind 'fire'; there are "),
        (("fault", "land", "hang"), "There is no system land; there are population, "),
        (("heal", "land"), "There is no system land; there are population, "),
        (("fault", "tax", "delay"), "delay needs seconds."),
        (("fault", "tax", "hang", "code=500"), "hang has no parameter code."),
        (("fault", "tax", "storm", "--share", "2"), "share is a number from 0 to 1."),
        (("fault", "tax", "status", "code=NaN"), "code is a number from 400 to 599."),
        (("fault", "tax", "status", "503"), "503: expected PARAM=VALUE, such as seconds=2"),
        (("fault", "tax", "storm", "--for", "soon"), "soon: expected a duration such as 30s, 5m, 1h or 1d"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(running: Sandbox, arguments: tuple[str, ...], said: str) -> None:
    line = one_line(run("sandbox", *arguments, "--url", running.url))

    assert line.startswith(f"motcua: {said}")


@pytest.mark.parametrize("arguments", [("fault", "tax", "hang"), ("heal",), ("faults",), ("calls",)])
def test_where_no_sandbox_is_the_exit_code_is_3(arguments: tuple[str, ...]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = run("sandbox", *arguments, "--url", url)

    assert (done.returncode, done.stdout) == (3, "")
    assert re.fullmatch(rf"{re.escape(url)} cannot be reached: .*\. Is the sandbox running \(motcua sandbox\)\?\n", done.stderr)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tls-port", "0"), "--tls-port: expected --tls-folder as well, the folder of the certificates"),
        (("--require-client-certificate",), "--tls-folder, --require-client-certificate: expected --tls-port as well"),
        (("--port", "0", "--tls-port", "0", "--tls-folder", "README.md"), "--tls-folder: "),
    ],
)
def test_tls_that_cannot_be_is_refused_in_one_line(arguments: tuple[str, ...], said: str) -> None:
    assert one_line(run("sandbox", *arguments)).startswith(f"motcua: {said}")


def free_ports(count: int) -> int:
    """Find the first of so many free ports in a row, below those that the machine gives to whoever asks for any."""
    for first in range(20_000 + os.getpid() % 1_000 * 10, 32_000, 10):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise AssertionError("no ports in a row are free")


def test_fronts_stand_at_ports_one_after_another_and_demand_a_certificate(tmp_path: Path) -> None:
    first = free_ports(len(SYSTEMS))
    with sandbox_running("--tls-port", str(first), "--tls-folder", str(tmp_path), "--require-client-certificate") as running:
        found = httpx.get(f"{running.url}/_sandbox/tls").json()
        context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        context.load_cert_chain(tmp_path / "client.pem", tmp_path / "client.key")
        answer = httpx.get(f"https://127.0.0.1:{first}/population/health", verify=context)
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            httpx.get(f"https://127.0.0.1:{first}/population/health", verify=ssl.create_default_context(cafile=str(tmp_path / "ca.pem")))

    assert found["ports"] == {system: first + number for number, system in enumerate(SYSTEMS)}
    assert found["client_certificate_required"] is True
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ("seconds=1.5m", "seconds", 90.0),
        ("up-seconds=2s", "up_seconds", 2.0),
        ("bytes=64MiB", "bytes", 64 << 20),
        ("share=25%", "share", 0.25),
        ("code=503", "code", 503),
        ("chunked=true", "chunked", True),
        ("by=reset", "by", "reset"),
        ("keys=9900000016, 9900000023", "keys", ["9900000016", "9900000023"]),
    ],
)
def test_parameters_are_read_as_people_write_them(given: str, name: str, value: object) -> None:
    assert parameter_of(given) == (name, value)


@pytest.mark.parametrize("given", ["", "seconds", "=2", "seconds=soon"])
def test_a_parameter_that_cannot_be_read_is_refused(given: str) -> None:
    with pytest.raises(SettingsWrong, match="expected"):
        parameter_of(given)
