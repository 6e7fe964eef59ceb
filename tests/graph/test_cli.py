"""The command, as a person runs it: helpful answers, one clear line for what is wrong, telling exit codes."""

import json
import re
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from sandbox import personas
from tests.servers import PROJECT, TOKENS, Gateway, Sandbox, changed_settings, ended, free_port, motcua, wait_for


def run(*arguments: str, stdin: str | None = None, environment: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    process = motcua(*arguments, environment=environment, stdin=subprocess.PIPE if stdin is not None else None)
    with process:
        out, error = process.communicate(stdin, timeout=60)
    return subprocess.CompletedProcess(arguments, process.returncode, out, error)


def one_line(done: "subprocess.CompletedProcess[str]") -> str:
    """Expect a refusal of one line and return it."""
    assert done.returncode == 2
    assert done.stdout == ""
    [line] = done.stderr.strip().splitlines()
    return line


def test_help_names_every_command() -> None:
    done = run("--help")

    assert done.returncode == 0
    for command in ("dev", "serve", "sandbox", "query", "explain", "check", "systems", "schema", "cache"):
        assert re.search(rf"\b{command}\b", done.stdout)
        assert run(command, "--help").returncode == 0


def test_a_wrong_setting_stops_the_start(tmp_path: Path) -> None:
    settings = tmp_path / "motcua.toml"
    settings.write_text(changed_settings("http://127.0.0.1:9", read_seconds=-1), "utf-8")

    said = one_line(run("serve", "--settings", str(settings), environment=TOKENS))

    assert said == f"motcua: {settings}: systems.population.read_seconds: expected `float` > 0.0"


def test_a_missing_secret_stops_the_start() -> None:
    without_tax = {name: value for name, value in TOKENS.items() if name != "MOTCUA_TAX_TOKEN"}

    said = one_line(run("serve", environment=without_tax))

    assert said == "motcua: motcua.toml: systems.tax.token: the environment variable MOTCUA_TAX_TOKEN is not set; expected the secret in it"


def test_a_type_that_does_not_fit_its_record_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "odd_schema.py").write_text(
        """
import strawberry
from graph.seam import FastSchema, field, link
from resolvers.business import business_by_code
from schema.scalars import SCALARS
from strawberry.schema.config import StrawberryConfig

@strawberry.type
class Firm:
    colour: str = field("Colour.")

def key(_root: None) -> "BusinessCode":
    return "9900000016"

from resolvers.identifiers import BusinessCode

@strawberry.type
class Query:
    firm: Firm | None = link(business_by_code, key=key, description="A firm.")

schema = FastSchema(Query, config=StrawberryConfig(scalar_map=SCALARS))
""",
        "utf-8",
    )
    settings = tmp_path / "motcua.toml"
    settings.write_text(changed_settings("http://127.0.0.1:9").replace('"schema:schema"', '"odd_schema:schema"'), "utf-8")

    said = one_line(run("serve", "--settings", str(settings), environment={**TOKENS, "PYTHONPATH": str(tmp_path)}))

    assert said.startswith("motcua: schema: Firm.colour: BusinessRecord has no attribute colour; expected one")


def test_a_schema_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    settings = tmp_path / "motcua.toml"
    settings.write_text(changed_settings("http://127.0.0.1:9").replace('"schema:schema"', '"no_such_module:schema"'), "utf-8")

    said = one_line(run("serve", "--settings", str(settings), environment=TOKENS))

    assert said == f'motcua: {settings}: gateway.schema: expected "module:attribute"; there is no module no_such_module'


@pytest.mark.parametrize("command", ["serve", "sandbox", "dev"])
def test_a_busy_port_stops_the_start(command: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        said = one_line(run(command, "--port", str(port), environment=TOKENS))

    assert f"127.0.0.1:{port}: cannot listen there" in said
    assert "--port" in said


def test_a_query_is_answered_with_what_it_cost(gateway: Gateway) -> None:
    done = run("query", "examples/first-query.graphql", "--url", gateway.url)

    assert done.returncode == 0
    assert json.loads(done.stdout)["data"]["citizen"]["personalId"] == personas.THU
    assert re.search(r"^[\d.]+ ms, \d+ calls?: business \d", done.stderr)


def test_a_query_may_come_from_standard_input_and_be_answered_on_one_line(gateway: Gateway) -> None:
    query = "query($id: PersonalId!) { citizen(id: $id) { fullName } }"
    done = run("query", "-", "--url", gateway.url, "--raw", "--variables", json.dumps({"id": personas.QUANG}), stdin=query)

    assert done.returncode == 0
    [line] = done.stdout.splitlines()
    assert set(json.loads(line)) == {"data"}


def test_variables_may_stand_in_a_file(gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "variables.json").write_text(json.dumps({"id": personas.NOBODY}), "utf-8")
    query = "query($id: PersonalId!) { citizen(id: $id) { fullName } }"

    done = run("query", "-", "--url", gateway.url, "--raw", "--variables", f"@{tmp_path / 'variables.json'}", stdin=query)

    assert json.loads(done.stdout) == {"data": {"citizen": None}}


def test_an_answer_with_errors_has_an_exit_code_of_its_own(gateway: Gateway) -> None:
    done = run("query", "-", "--url", gateway.url, stdin="{ nothing }")

    assert done.returncode == 1
    assert "Cannot query field" in done.stdout


@pytest.mark.parametrize("command", [["query", "examples/first-query.graphql"], ["systems"]])
def test_a_gateway_that_is_not_there_has_an_exit_code_of_its_own(command: list[str]) -> None:
    done = run(*command, "--url", f"http://127.0.0.1:{free_port()}")

    assert done.returncode == 3
    assert "Is the gateway running" in done.stderr


@pytest.mark.parametrize("variables", ["{", "[]", "@/no/such/file"])
def test_variables_that_are_none_are_refused(gateway: Gateway, variables: str) -> None:
    one_line(run("query", "examples/first-query.graphql", "--url", gateway.url, "--variables", variables))


def test_every_system_is_listed(gateway: Gateway, sandbox: Sandbox) -> None:
    done = run("systems", "--url", gateway.url, "--settings", str(gateway.settings))

    assert done.returncode == 0, (done.stdout, sandbox.url)
    for name in ("population", "business", "insurance", "civil_status", "tax", "code_lists"):
        assert re.search(rf"{name}\s+yes\s+[\d.]+\s+\w+", done.stdout)


def test_the_schema_is_printed_without_secrets() -> None:
    done = run("schema")

    assert done.returncode == 0
    assert done.stdout == (PROJECT / "schema.graphql").read_text("utf-8")


def read_until(process: "subprocess.Popen[str]", word: str) -> str:
    """Read what a process says up to the line with this word."""
    said = ""
    for line in process.stdout or ():
        said += line
        if word in line:
            break
    return said


def test_dev_runs_both_answers_the_first_query_and_leaves_nothing_behind() -> None:
    port, sandbox_port = free_port(), free_port()
    started = motcua("dev", "--port", str(port), "--sandbox-port", str(sandbox_port), "--query", "examples/first-query.graphql")
    with ended(started) as process:
        wait_for(f"http://127.0.0.1:{port}/healthz", process)
        said = read_until(process, "Still running")
        assert personas.THU in said
        assert re.search(r"[\d.]+ ms, \d+ calls: business \d+ \(\d+ keys, \d+ from cache\)", said)
        assert httpx.get(f"http://127.0.0.1:{port}/").is_success
        process.terminate()
        process.wait(20)

    for gone in (port, sandbox_port):
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{gone}/")
