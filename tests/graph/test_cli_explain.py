"""The commands `explain` and `check`, and the plan beside an answer, as a person or a build sees them."""

import json
import re
from pathlib import Path

import httpx
import pytest

from sandbox import personas
from tests.consumers import HEADERS
from tests.graph.test_cli import one_line, run
from tests.servers import PROJECT, Gateway, free_port

FIRST = "examples/first-query.graphql"
BY_LITERAL = '{ citizen(id: "' + personas.THU + '") { fullName } }'


# ── explain ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_query_is_explained_without_gateway_and_without_secrets() -> None:
    done = run("explain", FIRST)

    assert done.returncode == 0
    assert done.stdout.startswith("query FirstQuery: ")
    assert "wave 3:" in done.stdout
    assert "citizen.businesses[].tax  Business.tax  n keys, say 5" in done.stdout


def test_an_explanation_may_be_json() -> None:
    done = run("explain", FIRST, "--json")

    found = json.loads(done.stdout)
    assert (found["engine"], found["operation"], len(found["waves"])) == ("fast", "FirstQuery", 3)
    assert "measured" not in found


def test_variables_and_operation_decide_what_is_explained() -> None:
    document = (
        "query A { provinces { code } } "
        "query B($ids: [PersonalId!]!, $with: Boolean!) { citizens(ids: $ids) { tax @include(if: $with) { debt } insurance { status } } }"
    )
    variables = json.dumps({"ids": [personas.THU, personas.QUANG], "with": False})

    done = run("explain", "-", "--operation", "B", "--variables", variables, "--json", stdin=document)

    links = [link for wave in json.loads(done.stdout)["waves"] for batch in wave["batches"] for link in batch["links"]]
    assert [(link["path"], link["keys"]) for link in links] == [("citizens", 2), ("citizens[].insurance", 2)]
    assert personas.THU not in done.stdout


def test_a_query_that_is_wrong_is_explained_by_what_is_wrong() -> None:
    done = run("explain", "-", stdin="{\n  nothing }")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "-:2:3: Cannot query field 'nothing' on type 'Query'.\n"


def test_an_analysis_shows_what_each_link_did_and_when_each_call_was(impatient: Gateway) -> None:
    done = run("explain", FIRST, "--analyse", "--url", impatient.url)

    assert done.returncode == 0
    assert re.search(r"citizen  Query\.citizen  1 key  \[ran: 1 key, 1 call, [\d.]+ to [\d.]+ ms\]", done.stdout)
    assert re.search(r"\d+ calls in [\d.]+ ms, of which [\d.]+ ms of processor time", done.stdout)
    assert re.search(r"population citizen_by_id +│ *█+ *│ +[\d.]+ ms  1 key", done.stdout)
    assert personas.THU not in done.stdout


def test_an_analysis_of_a_query_with_errors_has_an_exit_code_of_its_own(gateway: Gateway) -> None:
    done = run("explain", "-", "--analyse", "--url", gateway.url, stdin="{ nothing }")

    assert (done.returncode, done.stdout) == (1, "")
    assert "Cannot query field" in done.stderr


def test_without_a_gateway_nothing_is_analysed() -> None:
    done = run("explain", FIRST, "--analyse", "--url", f"http://127.0.0.1:{free_port()}")

    assert done.returncode == 3
    assert "Is the gateway running" in done.stderr


@pytest.mark.parametrize("command", ["explain", "check"])
def test_a_file_that_is_not_there_is_named(command: str) -> None:
    assert "no-such-file" in one_line(run(command, "no-such-file.graphql"))


# ── the plan beside an answer ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("said", "measured"), [("1", False), ("analyse", True)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_header_asks_for_the_plan(gateway: Gateway, method: str, said: str, measured: bool) -> None:  # noqa: FBT001 - a parameter of the test
    query, headers = {"query": "{ provinces { code } }"}, {**HEADERS, "X-Motcua-Plan": said}
    if method == "GET":
        answer = httpx.get(f"{gateway.url}/graphql", params=query, headers=headers).json()
    else:
        answer = httpx.post(f"{gateway.url}/graphql", json=query, headers=headers).json()

    assert answer["data"]["provinces"]
    plan = answer["extensions"]["plan"]
    assert plan["waves"][0]["batches"][0]["system"] == "code_lists"
    assert ("measured" in plan) is measured


@pytest.mark.parametrize("headers", [{}, {"X-Motcua-Plan": "0"}])
def test_without_it_there_is_no_plan(gateway: Gateway, headers: dict[str, str]) -> None:
    answer = httpx.post(f"{gateway.url}/graphql", json={"query": "{ provinces { code } }"}, headers={**HEADERS, **headers}).json()

    assert set(answer) == {"data"}


def test_plan_and_report_go_together(gateway: Gateway) -> None:
    body = {"query": "{ provinces { code } }", "extensions": {"report": True, "plan": True}}

    assert set(gateway.send(body).json()["extensions"]) == {"report", "plan"}


# ── check ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_schema_and_examples_have_no_errors() -> None:
    done = run("check", *(str(path.relative_to(PROJECT)) for path in sorted((PROJECT / "examples").glob("*.graphql"))))

    assert done.returncode == 0
    assert done.stderr.startswith("0 errors, ")
    for line in done.stdout.splitlines():
        assert re.fullmatch(r"(schema|resolvers|examples)/\w[\w-]*\.\w+:\d+:\d+ (warning|info) [a-z-]+ .+", line)


def test_an_error_in_a_query_ends_with_an_exit_code(tmp_path: Path) -> None:
    file = tmp_path / "wrong.graphql"
    file.write_text("{\n  nothing\n}\n", "utf-8")

    done = run("check", str(file))

    assert done.returncode == 1
    assert f"{file}:2:3 error invalid Cannot query field 'nothing' on type 'Query'." in done.stdout


def test_warnings_are_errors_only_for_the_strict(tmp_path: Path) -> None:
    file = tmp_path / "literal.graphql"
    file.write_text(BY_LITERAL, "utf-8")

    assert run("check", str(file)).returncode == 0
    strict = run("check", "--strict", str(file))
    assert strict.returncode == 1
    assert f"{file}:1:15 warning literal id: a PersonalId stands in the query itself" in strict.stdout
    assert personas.THU not in strict.stdout
