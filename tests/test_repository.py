"""The project's promises about itself."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import msgspec
import pytest
from graphql import parse, validate
from strawberry.types.base import StrawberryOptional, get_object_definition

from graph import errors, settings
from graph.operating.metrics import Exposition, Total
from graph.operating.operations import Requests
from graph.pages import load_examples
from graph.settings import load_settings
from graph.telemetry import ALLOWED, EVENTS
from graph.wiring import links_of, wire_up
from schema import schema
from tests.servers import PROJECT, SYSTEMS, TOKENS, Gateway

CODE = ("graph", "resolvers", "schema", "sandbox", "bench", "tests")
DOCS = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
MODULES = sorted(path for folder in CODE for path in (PROJECT / folder).rglob("*.py") if "dist" not in path.parts)
EXAMPLES = load_examples(PROJECT / "examples")


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, text=True, capture_output=True, check=True)
    return [PROJECT / name for name in listed.stdout.splitlines()]


def test_the_exported_schema_is_current() -> None:
    assert (PROJECT / "schema.graphql").read_text("utf-8") == schema.as_str() + "\n", "run `make schema` and review the difference"


def test_every_type_and_field_is_described_with_its_vietnamese_term() -> None:
    for name, kind in schema._schema.type_map.items():
        if name.startswith("__") or name in {"String", "Boolean", "Int", "Float", "ID"}:
            continue
        assert kind.description, name
        for field_name, found in getattr(kind, "fields", {}).items():
            assert found.description, f"{name}.{field_name}"
            assert re.search(r"\(.+\)", found.description), f"{name}.{field_name} lacks its Vietnamese term"
            assert all(argument.description for argument in found.args.values()), f"{name}.{field_name} has an argument without description"


def test_tr7_every_link_across_systems_is_nullable() -> None:
    for kind in schema._schema.type_map.values():
        definition = kind.extensions.get("strawberry-definition")
        if definition is None or get_object_definition(getattr(definition, "origin", object)) is None:
            continue
        for found, _link in links_of(definition):
            assert isinstance(found.resolve_type(), StrawberryOptional), f"{definition.name}.{found.python_name}"


def test_every_system_has_a_test_file_settings_and_a_row_in_the_docs() -> None:
    known = wire_up(schema, load_settings(PROJECT / "motcua.toml", environment=TOKENS))
    systems = (PROJECT / "docs" / "systems.md").read_text("utf-8")

    assert set(known.systems) == set(SYSTEMS)
    for name in SYSTEMS:
        assert (PROJECT / "resolvers" / f"{name}.py").is_file()
        assert (PROJECT / "tests" / "resolvers" / f"test_{name}.py").is_file()
        assert f"\n| {name} |" in systems
        assert f"\n## {name}\n" in systems


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])
def test_every_example_is_valid_and_answers_as_it_stands(example: object, gateway: Gateway) -> None:
    query = str(getattr(example, "query", ""))

    assert validate(schema._schema, parse(query)) == []
    answer = gateway.ask(query)
    assert "errors" not in answer
    assert all(value not in (None, []) for value in answer["data"].values())


def test_every_setting_is_documented() -> None:
    page = "".join((PROJECT / "docs" / name).read_text("utf-8") for name in ("settings.md", "operating.md"))
    for section in vars(settings).values():
        if not (isinstance(section, type) and issubclass(section, msgspec.Struct) and section.__name__.endswith("Settings")):
            continue
        if section is settings.Settings:
            continue
        for name in section.__struct_fields__:
            assert re.search(rf"`(\w+\.)?{name}`", page), name


def test_every_metric_attribute_of_a_span_and_event_of_the_log_is_documented() -> None:
    page = (PROJECT / "docs" / "observing.md").read_text("utf-8")
    metrics = Exposition(Total({}, {}, Requests(), 1, 0)).collect()
    assert {metric.name + ("_total" if metric.type == "counter" else "") for metric in metrics} == set(
        re.findall(r"`(motcua_\w+)` \|", page)
    )
    assert set(re.findall(r"(?m)^\| `([\w.]+\.[\w.]+)` \|", page)) == ALLOWED
    for name, kind in EVENTS.items():
        assert re.search(rf"(?m)^\|[^|]*`{name}`", page), name
        assert all(f"`{field}`" in page for field in kind.fields), name


def test_every_error_code_is_documented() -> None:
    page = (PROJECT / "docs" / "errors.md").read_text("utf-8")
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.MotcuaError)]
    for kind in kinds:
        assert f"`{kind.code}`" in page, kind
        if kind not in {errors.MotcuaError, errors.Yours, errors.Theirs}:
            assert kind.__name__ in (errors.__doc__ or ""), kind


@pytest.mark.parametrize("module", MODULES, ids=[str(path.relative_to(PROJECT)) for path in MODULES])
def test_every_module_begins_with_a_sentence_and_is_not_too_long(module: Path) -> None:
    text = module.read_text("utf-8")
    said = ast.get_docstring(ast.parse(text))
    assert said is not None
    assert said.splitlines()[0].rstrip()[-1] in ".?!:"
    assert len(text.splitlines()) <= 400


@pytest.mark.parametrize("page", DOCS, ids=[str(path.relative_to(PROJECT)) for path in DOCS])
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", ["proofs.md", "security.md"])
def test_every_test_that_a_page_names_is_there(page: str) -> None:
    named = re.findall(r"`(tests/[a-z_/0-9]+(?:\.py|/))`", (PROJECT / "docs" / page).read_text("utf-8"))
    assert len(named) > 10
    assert [path for path in named if not (PROJECT / path).exists()] == []


def test_every_decision_is_listed() -> None:
    index = (PROJECT / "docs" / "decisions" / "README.md").read_text("utf-8")
    for page in (PROJECT / "docs" / "decisions").glob("0*.md"):
        assert f"({page.name})" in index


def test_nothing_tracked_names_a_registry_or_a_lock_file() -> None:
    for file in tracked():
        assert file.name not in {"package-lock.json", "yarn.lock", "poetry.lock", "uv.lock"}
        if file.is_file() and file.suffix in {".py", ".toml", ".json", ".mjs", ".jsx", ".md", ""}:
            assert not re.search(r"registry\.npm|files\.python" + "hosted", file.read_text("utf-8", errors="ignore")), file


def test_version_and_changelog_agree() -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    changes = (PROJECT / "CHANGELOG.md").read_text("utf-8")
    assert "## Unreleased" in changes or f"## {version}" in changes


def test_make_lists_its_own_targets() -> None:
    listed = subprocess.run(["make"], cwd=PROJECT, text=True, capture_output=True, check=True).stdout
    for target in ("install", "fmt", "check", "test", "run", "bench", "schema", "clean"):
        assert re.search(rf"make {target} +\w", listed)
