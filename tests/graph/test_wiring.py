"""The proof at start-up: what does not fit together is named, and nothing is served."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
import strawberry
from strawberry.types.base import get_object_definition

from graph.errors import SettingsWrong
from graph.loading.batch import Batch
from graph.seam import Record, System, Upstream, batch_many, batch_one, field, link, link_each, wire
from graph.settings import BatchSettings, GatewaySettings, SandboxSettings, Settings
from graph.system_settings import SystemSettings
from graph.wiring import wire_up

REGISTER = System("register", title="A register", owner="An agency", protocol="REST")
LINE = SystemSettings(url="http://agency.test", token="t")


class PartRecord(Record):
    name: str = wire("TEN")


class ThingRecord(Record):
    code: str = wire("MA")
    size: int | None = wire("CO")
    parts: tuple[PartRecord, ...] = wire("PHAN")
    others: tuple[str, ...] = wire("KHAC")


@batch_one(REGISTER, max_keys=10)
async def thing_by_code(_upstream: Upstream, _codes: Sequence[str]) -> Mapping[str, ThingRecord]:
    return {}


@batch_many(REGISTER, max_keys=10)
async def things_by_size(_upstream: Upstream, _sizes: Sequence[int]) -> Mapping[int, tuple[ThingRecord, ...]]:
    return {}


def code_of(_root: None, code: str) -> str:
    return code


def settings(**changes: Any) -> Settings:
    made = Settings(
        file=Path("motcua.toml"),
        gateway=GatewaySettings(),
        engine="reference",
        sandbox=SandboxSettings(),
        systems={"register": LINE},
        batches={},
    )
    return msgspec.structs.replace(made, **changes)


def schema_of(thing: type) -> strawberry.Schema:
    """Make a schema whose root leads to a thing."""

    @strawberry.type
    class Query:
        thing: Annotated[Any, None] = link(thing_by_code, key=code_of, description="A thing.")

    get_object_definition(Query, strict=True).fields[0].type_annotation = strawberry.annotation.StrawberryAnnotation(thing | None)
    return strawberry.Schema(Query)


@strawberry.type
class Part:
    name: str = field("Name.")


@strawberry.type
class Coded:
    code: str = field("Code.")


@strawberry.type
class Thing:
    code: str = field("Code.")
    size: int | None = field("Size.")
    parts: list[Part] = field("Parts.")
    same_size: list["Thing"] | None = link(things_by_size, key="size", description="Things of this size.")
    others: list["Thing | None"] | None = link_each(thing_by_code, keys="others", description="Other things.")


def test_what_fits_is_found_with_its_systems_and_batch_functions() -> None:
    wiring = wire_up(schema_of(Thing), settings(batches={"things_by_size": BatchSettings()}))

    assert wiring.systems == {"register": REGISTER}
    assert wiring.batches == {"thing_by_code": thing_by_code, "things_by_size": things_by_size}


def missing_attribute() -> type:
    @strawberry.type
    class Thing:
        colour: str = field("Colour.")

    return Thing


def wrong_type() -> type:
    @strawberry.type
    class Thing:
        code: int = field("Code.")

    return Thing


def null_where_none_may_stand() -> type:
    @strawberry.type
    class Thing:
        size: int = field("Size.")

    return Thing


def one_for_many() -> type:
    @strawberry.type
    class Thing:
        parts: Part = field("Parts.")

    return Thing


def nested_wrong() -> type:
    @strawberry.type
    class Part:
        name: int = field("Name.")

    Part.__module__ = __name__

    @strawberry.type
    class Thing:
        parts: list[Part] = field("Parts.")

    return Thing


def not_nullable_link() -> type:
    @strawberry.type
    class Thing:
        same_size: list[Part] = link(things_by_size, key="size", description="Things.")

    return Thing


def single_for_a_list() -> type:
    @strawberry.type
    class Thing:
        same_size: Part | None = link(things_by_size, key="size", description="Things.")

    return Thing


def no_such_key() -> type:
    @strawberry.type
    class Thing:
        same: Coded | None = link(thing_by_code, key="colour", description="Things.")

    return Thing


def key_of_another_kind() -> type:
    @strawberry.type
    class Thing:
        same: Coded | None = link(thing_by_code, key="size", description="Things.")

    return Thing


def proves_nothing() -> type:
    @strawberry.type
    class Thing:
        same: Coded | None = link(thing_by_code, key="code", proves="colour", description="Things.")

    return Thing


def strict_items() -> type:
    @strawberry.type
    class Thing:
        others: list[Part] | None = link_each(thing_by_code, keys="others", description="Things.")

    return Thing


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (missing_attribute, "schema: Thing.colour: ThingRecord has no attribute colour"),
        (wrong_type, "schema: Thing.code: does not fit ThingRecord.code, which is str"),
        (null_where_none_may_stand, "schema: Thing.size: does not fit ThingRecord.size, which is int | None"),
        (one_for_many, "schema: Thing.parts: does not fit ThingRecord.parts"),
        (nested_wrong, "schema: Part.name: does not fit PartRecord.name, which is str"),
        (not_nullable_link, "schema: Thing.same_size: a link to another system must be nullable"),
        (single_for_a_list, "schema: Thing.same_size: expected a list, as things_by_size delivers"),
        (no_such_key, "schema: Thing.same: ThingRecord has no attribute colour; expected it as the key of thing_by_code"),
        (key_of_another_kind, "schema: Thing.same: its key is int; thing_by_code expects str"),
        (proves_nothing, "schema: Thing.same: proves colour; expected an attribute of ThingRecord"),
        (strict_items, "schema: Thing.others: expected nullable items"),
    ],
)
def test_a_type_that_does_not_fit_its_record_is_named(made: Callable[[], type], said: str) -> None:
    with pytest.raises(SettingsWrong) as raised:
        wire_up(schema_of(made()), settings())

    assert said in raised.value.message


def test_a_system_without_settings_is_named() -> None:
    with pytest.raises(SettingsWrong, match=r"motcua.toml: systems.register: missing"):
        wire_up(schema_of(Thing), settings(systems={}))


def test_settings_for_a_system_that_does_not_exist_are_named() -> None:
    with pytest.raises(SettingsWrong, match=r"systems.registr: nothing of that name; expected one of register"):
        wire_up(schema_of(Thing), settings(systems={"register": LINE, "registr": LINE}))


def test_settings_for_a_batch_function_that_does_not_exist_are_named() -> None:
    with pytest.raises(SettingsWrong, match=r"batches.thing: nothing of that name; expected one of thing_by_code, things_by_size"):
        wire_up(schema_of(Thing), settings(batches={"thing": BatchSettings()}))


def test_options_that_a_system_does_not_know_are_named() -> None:
    with pytest.raises(SettingsWrong, match=r"systems.register.options: object contains unknown field `colour`"):
        wire_up(schema_of(Thing), settings(systems={"register": msgspec.structs.replace(LINE, options={"colour": "red"})}))


def test_two_batch_functions_of_one_name_are_named() -> None:
    async def fetch(_upstream: Upstream, _codes: Sequence[str]) -> Mapping[str, ThingRecord]:
        return {}

    double: Batch[str, ThingRecord] = Batch(REGISTER, "thing_by_code", fetch, 1, many=False, key_type=str, record=ThingRecord)

    @strawberry.type
    class Doubled:
        code: str = field("Code.")
        again: Coded | None = link(double, key="code", description="Again.")

    with pytest.raises(SettingsWrong, match="two batch functions are called thing_by_code"):
        wire_up(schema_of(Doubled), settings())
