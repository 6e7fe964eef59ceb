"""The routes of the page, the example queries that it opens with, and what its build promises."""

import re
from pathlib import Path

import anyio
import httpx
import pytest
from starlette.applications import Starlette

from graph.errors import SettingsWrong
from graph.pages import DIST, Example, load_examples, pages
from graph.pages.build import INPUTS, SOURCE, BuildFailed, Node, build, inputs_digest

OUTSIDE = re.compile(r"""(?:\b(?:src|href|action)\s*=\s*["']?|url\(\s*["']?|@import\s+["']?)\s*(?:https?:)?//""", re.IGNORECASE)

FIRST = Example("first-query", "query First { __typename }", '{"id": "099"}')


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """Make a page as the build leaves it, only smaller."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>Motcua</title>")
    (tmp_path / "assets" / "graphiql-ABC.js").write_text("export {}")
    return tmp_path


def get(path: str, dist: Path, *examples: Example) -> httpx.Response:
    """Ask the routes for a path, as a browser would."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=pages(examples, dist)))
        async with httpx.AsyncClient(transport=transport, base_url="http://motcua") as client:
            return await client.get(path)

    return anyio.run(ask)


def test_the_page_is_asked_for_anew_each_time_and_loads_only_from_its_own_gateway(dist: Path) -> None:
    answer = get("/", dist)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = answer.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


def test_a_page_that_was_not_built_says_what_to_run(tmp_path: Path) -> None:
    answer = get("/", tmp_path)

    assert answer.status_code == 503
    assert "make install" in answer.text


def test_an_asset_is_cached_for_good(dist: Path) -> None:
    answer = get("/assets/graphiql-ABC.js", dist)

    assert answer.status_code == 200
    assert "javascript" in answer.headers["content-type"]
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_a_worker_may_load_no_more_than_the_page(dist: Path) -> None:
    policies = {get(path, dist).headers["content-security-policy"] for path in ("/", "/assets/graphiql-ABC.js")}

    assert len(policies) == 1


@pytest.mark.parametrize("name", ["absent.js", "..%2Findex.html", "%2E%2E", "..%5Cindex.html", "a" * 5000, "%00"])
def test_no_asset_outside_the_folder_is_given_out(dist: Path, name: str) -> None:
    assert get(f"/assets/{name}", dist).status_code == 404


def test_an_asset_of_a_page_that_was_not_built_is_not_found(tmp_path: Path) -> None:
    assert get("/assets/graphiql-ABC.js", tmp_path).status_code == 404


def test_the_examples_are_given_to_the_page_in_their_order(dist: Path) -> None:
    second = Example("second", "{ __typename }")

    answer = get("/examples.json", dist, FIRST, second)

    assert answer.headers["content-type"] == "application/json"
    assert [example["name"] for example in answer.json()] == ["first-query", "second"]
    assert answer.json()[0] == {"name": "first-query", "query": "query First { __typename }", "variables": '{"id": "099"}'}


def test_the_first_query_comes_first_and_the_others_by_name(tmp_path: Path) -> None:
    for name in ("zebra", "first-query", "alpha"):
        (tmp_path / f"{name}.graphql").write_text("{ __typename }")

    assert [example.name for example in load_examples(tmp_path)] == ["first-query", "alpha", "zebra"]


def test_variables_are_the_default_values_of_the_operation(tmp_path: Path) -> None:
    (tmp_path / "a.graphql").write_text('query A($id: ID! = "099", $first: Int = 3, $kind: [Kind!] = [OPEN], $free: String) { __typename }')

    variables = load_examples(tmp_path)[0].variables

    assert variables == '{\n  "id": "099",\n  "first": 3,\n  "kind": [\n    "OPEN"\n  ]\n}'


def test_a_json_file_beside_the_query_replaces_the_default_values(tmp_path: Path) -> None:
    (tmp_path / "a.graphql").write_text('query A($name: String = "x") { __typename }')
    (tmp_path / "a.json").write_text('{"name": "Nguyễn"}', "utf-8")

    assert load_examples(tmp_path)[0].variables == '{\n  "name": "Nguyễn"\n}'


def test_a_query_without_variables_has_an_empty_text_for_them(tmp_path: Path) -> None:
    (tmp_path / "a.graphql").write_text("{ __typename }")

    assert load_examples(tmp_path)[0].variables == ""


@pytest.mark.parametrize(
    ("query", "variables", "said"),
    [
        ("query {", None, "a.graphql: not a GraphQL document"),
        ("fragment F on Query { __typename }", None, "a.graphql: there is no query"),
        ("{ __typename }", "[1]", "a.json: expected one JSON object"),
        ("{ __typename }", "{", "a.json: expected one JSON object"),
    ],
)
def test_a_broken_example_is_named(tmp_path: Path, query: str, variables: str | None, said: str) -> None:
    (tmp_path / "a.graphql").write_text(query)
    if variables is not None:
        (tmp_path / "a.json").write_text(variables)

    with pytest.raises(SettingsWrong, match=re.escape(said)):
        load_examples(tmp_path)


def test_a_folder_of_examples_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsWrong, match="no such folder"):
        load_examples(tmp_path / "examples")


def test_the_digest_changes_with_any_source_of_the_page(tmp_path: Path) -> None:
    for name in INPUTS:
        (tmp_path / name).write_bytes((SOURCE / name).read_bytes())
    digests = {inputs_digest(tmp_path)}
    for name in INPUTS:
        with (tmp_path / name).open("a") as file:
            file.write("\n")
        digests.add(inputs_digest(tmp_path))

    assert len(digests) == len(INPUTS) + 1


def test_every_file_that_goes_into_the_page_is_counted_as_a_source() -> None:
    assert {file.name for file in SOURCE.iterdir() if file.is_file() and file.suffix != ".py"} == set(INPUTS)


def test_a_current_page_is_not_built_again(dist: Path) -> None:
    (dist / "inputs.sha256").write_text(inputs_digest())

    assert build(dist) is False
    assert (dist / "index.html").read_text() == "<!doctype html><title>Motcua</title>"


def test_a_failing_step_says_what_its_program_complained_of(tmp_path: Path) -> None:
    node = Node("/bin/sh", ("/bin/sh",))

    with pytest.raises(BuildFailed, match="the registry is away"):
        node.run(["/bin/sh", "-c", "echo the registry is away >&2; exit 3"], tmp_path)


def test_the_built_page_is_current() -> None:
    assert (DIST / "index.html").is_file(), "the page is not built: run `make install`"
    assert (DIST / "inputs.sha256").read_text() == inputs_digest(), "the page is older than its sources: run `make install`"


def test_the_built_page_names_no_other_host() -> None:
    texts = [file for file in DIST.rglob("*") if file.suffix in {".html", ".css", ".svg"}]

    assert len(texts) == 3
    assert [(file.name, found.group()) for file in texts for found in OUTSIDE.finditer(file.read_text("utf-8"))] == []


def test_the_built_page_has_no_script_of_its_own_in_the_document() -> None:
    html = (DIST / "index.html").read_text("utf-8")

    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
    assert re.findall(r"\son\w+=", html) == []
