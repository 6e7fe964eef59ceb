"""The project's own file of consumers: it fits the schema, meets every rule of it, and stands as the page on access tells."""

import re
from pathlib import Path

import msgspec
from graphql import GraphQLObjectType

from graph.access import written as form
from graph.access.consumers import read_registry
from graph.access.directives import Policy, RequiresScopes
from graph.access.marks import marks_of
from graph.settings import load_settings
from schema import schema
from tests.graph.access.register import written
from tests.servers import PROJECT


def test_the_file_of_the_sandbox_fits_the_schema_and_explores_all_of_it() -> None:
    kinds = {name: kind for name, kind in schema._schema.type_map.items() if isinstance(kind, GraphQLObjectType) and name[:2] != "__"}
    every = {f"{name}.{field}" for name, kind in kinds.items() for field in kind.fields}
    registry = read_registry(PROJECT / "consumers.toml", schema._schema, demo=True)

    assert registry.purposes["explore"].fields == every
    assert {name for name, consumer in registry.consumers.items() if consumer.demo} == {"demo-portal", "demo-bank"}
    assert load_settings(PROJECT / "motcua.toml", secrets=False).is_sandboxed


def test_the_portal_of_the_sandbox_meets_every_rule_of_the_schema() -> None:
    portal = read_registry(PROJECT / "consumers.toml", schema._schema, demo=True).consumers["demo-portal"]
    marks, kinds = marks_of(schema._schema), schema._schema.type_map
    found = [mark for name in kinds for mark in marks.of_type(name)]
    found += [mark for name, kind in kinds.items() for field in getattr(kind, "fields", {}) for mark in marks.of_field(f"{name}.{field}")]

    scopes = [mark.scopes for mark in found if isinstance(mark, RequiresScopes)]
    policies = [mark.policies for mark in found if isinstance(mark, Policy)]
    assert scopes
    assert policies
    assert all(any(portal.scopes >= set(all_of) for all_of in any_of) for any_of in scopes)
    assert all(any(portal.policies >= set(all_of) for all_of in any_of) for any_of in policies)


def test_every_purpose_of_the_sandbox_can_be_used_and_names_its_law() -> None:
    registry = read_registry(PROJECT / "consumers.toml", schema._schema, demo=True)

    granted = {name for consumer in registry.consumers.values() for name in consumer.purposes}
    assert granted == registry.purposes.keys()
    for purpose in registry.purposes.values():
        assert any(coordinate.startswith("Query.") for coordinate in purpose.fields), purpose.name
        assert purpose.name == "explore" or "Luật" in purpose.ground


def test_nothing_personal_stands_open_in_the_sandbox() -> None:
    registry = read_registry(PROJECT / "consumers.toml", schema._schema, demo=True)

    assert {coordinate.partition(".")[0] for coordinate in registry.open} == {"Query", "Commune", "Province", "Provenance"}


def test_every_key_of_the_file_is_documented() -> None:
    page = (PROJECT / "docs" / "access.md").read_text("utf-8")
    tables = [kind for kind in vars(form).values() if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]

    assert len(tables) == 6
    for name in {field for table in tables for field in table.__struct_fields__} | set(form.SECTIONS):
        assert re.search(rf"`(\[?\w+(\.<name>)?\]?\.)?\[?{name}(\.<name>)?\]?`", page), name


def test_the_worked_example_of_the_page_fits_the_schema(tmp_path: Path) -> None:
    page = (PROJECT / "docs" / "access.md").read_text("utf-8")
    [example] = re.findall(r"(?s)```toml\n(.*?)```", page)
    purpose = read_registry(written(tmp_path, example), schema._schema).purposes["birth-registration"]

    assert {"Citizen.fullName", "Citizen.fatherNamed", "Relative.fullName"} <= purpose.fields
