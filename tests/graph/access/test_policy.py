"""Policy: who may read what for which purpose, what a request must say besides, and when a decision is made anew."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from graph.access.marks import marks_of
from graph.access.policy import MOST_KEPT, Policy, Told
from graph.access.registry import Consumer, Identity, Purpose, Registry
from graph.access.rights import Rights
from graph.access.screens import Screening
from graph.errors import PurposeRequired, Unauthenticated
from schema import schema

CORE = schema.documents.schema
SCREENING = Screening(marks_of(CORE), CORE, ())
GROUND = "Luật Hộ tịch 60/2014/QH13"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SAID = Told("official", "case", "party")
SILENT = Told(None, None, None)
FIELDS = frozenset({
    "Query.citizen", "Citizen.fullName", "Citizen.bloodGroup", "Citizen.insurance", "InsuranceBook.status", "Taxpayer.taxableIncome",
    "CivilStatusCase.state", "Commune.name",
})  # fmt: skip


class Clock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now.timestamp()


class Office:
    """A registry that can be changed, and the policy over it."""

    def __init__(self, purpose: dict[str, Any] | None = None, consumer: dict[str, Any] | None = None) -> None:
        given: dict[str, Any] = {"fields": FIELDS, **(purpose or {})}
        birth = Purpose("birth", "Đăng ký khai sinh", "statutory", GROUND, **given)
        asks: dict[str, Any] = {"purposes": {"birth": None}, **(consumer or {})}
        office = Consumer("office", "UBND phường", "state", **asks)
        self.registry = Registry(1, "one", frozenset({"Commune.name", "Citizen.fullName"}), {"birth": birth}, {"office": office})
        self.clock = Clock()
        self.policy = Policy(CORE, (), lambda: self.registry, SCREENING, clock=self.clock)

    def identity(self, scopes: frozenset[str] | None = None) -> Identity:
        found = self.registry.consumers["office"]
        return Identity(found, "key", found.scopes if scopes is None else scopes, float("inf"))

    def rights(self, purpose: str | None = "birth", told: Told = SAID, scopes: frozenset[str] | None = None) -> Rights:
        return self.policy.rights(self.identity(scopes), purpose, told)

    def change(self, digest: str, **changed: Any) -> None:
        self.registry = msgspec.structs.replace(self.registry, digest=digest, **changed)


def refusal(rights: Rights, coordinate: str) -> tuple[str, str | None] | None:
    found = rights.refusal(*coordinate.split("."))
    return None if found is None else (found.message, found.ground)


# ── fields ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_purpose_covers_the_fields_that_it_lists_and_no_others() -> None:
    rights = Office().rights()

    assert refusal(rights, "Citizen.fullName") is None
    assert refusal(rights, "Citizen.tax") == ("The purpose birth does not cover Citizen.tax", GROUND)


def test_a_directive_refuses_what_a_purpose_covers() -> None:
    wanted = '@requiresScopes(scopes: [["citizen:sensitive"]])'
    assert refusal(Office().rights(), "Citizen.bloodGroup") == (f"Citizen.bloodGroup may be read only where {wanted} holds", wanted)

    held = Office(consumer={"scopes": frozenset({"citizen:sensitive", "other"})})
    assert refusal(held.rights(), "Citizen.bloodGroup") is None


def test_all_directives_of_a_field_must_hold() -> None:
    scoped = Office(consumer={"scopes": frozenset({"tax:read"})})
    assert (refusal(scoped.rights(), "Taxpayer.taxableIncome") or ("", ""))[1] == '@policy(policies: [["tax-secrecy"]])'

    both = Office(consumer={"scopes": frozenset({"tax:read"}), "policies": frozenset({"tax-secrecy"})})
    assert refusal(both.rights(), "Taxpayer.taxableIncome") is None


def test_a_token_with_fewer_scopes_reads_less_and_one_with_more_does_not_read_more() -> None:
    office = Office(consumer={"scopes": frozenset({"citizen:sensitive"})})

    assert refusal(office.rights(scopes=frozenset()), "Citizen.bloodGroup") is not None
    office.change("two", consumers={"office": msgspec.structs.replace(office.registry.consumers["office"], scopes=frozenset())})
    assert refusal(office.rights(scopes=frozenset({"citizen:sensitive"})), "Citizen.bloodGroup") is not None


def test_a_masked_field_may_be_read_only_where_the_schema_says_how_it_looks_masked() -> None:
    rights = Office({"masked": frozenset({"Citizen.birthDate", "Citizen.gender"})}).rights()

    assert rights.ruling("Citizen", "birthDate").state == "masked"
    assert rights.refusal("Citizen", "birthDate") is None
    assert rights.refusal("Citizen", "gender") is not None


def test_somebody_unknown_reads_what_is_open_and_never_what_is_personal() -> None:
    rights = Office().policy.rights(None, None, SILENT)

    assert refusal(rights, "Commune.name") is None
    said = "Province.name is not open to everybody; say who asks by X-API-Key, an access token or a certificate"
    assert refusal(rights, "Province.name") == (said, "open")
    assert refusal(rights, "Citizen.fullName") == (
        "Citizen.fullName may be read only where @personal(class: BASIC) holds",
        "@personal(class: BASIC)",
    )
    assert rights.consumer is None
    assert rights.screens(None) == {}


@pytest.mark.parametrize("explorer", [False, True])
def test_only_explorers_look_at_the_schema(*, explorer: bool) -> None:
    rights = Office(consumer={"explorer": explorer}).rights()

    for parent, field in (("Query", "__schema"), ("Query", "__type"), ("__Type", "name")):
        assert (rights.refusal(parent, field) is None) is explorer
    assert rights.refusal("Citizen", "__typename") is None


# ── purposes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_purpose_the_usual_one_counts_and_where_there_is_none_one_must_be_named() -> None:
    assert Office(consumer={"default_purpose": "birth"}).rights(None).purpose is not None
    with pytest.raises(PurposeRequired, match="Expected the header X-Purpose"):
        Office().rights(None)


def test_a_purpose_that_is_not_the_consumers_is_refused_without_being_repeated() -> None:
    office = Office()
    office.change("two", purposes={**office.registry.purposes, "tax": office.registry.purposes["birth"]})
    for name in ("tax", "drop table"):
        with pytest.raises(PurposeRequired, match=r"^X-Purpose: expected one of the purposes of this consumer$"):
            office.rights(name)


@pytest.mark.parametrize(
    ("required", "header", "told"),
    [
        ("case", "X-Road-Issue", SAID._replace(issue=None)),
        ("official", "X-Road-UserId", SAID._replace(official=None)),
        ("represented", "X-Road-Represented-Party", SAID._replace(represented="")),
    ],
)
def test_a_header_that_a_purpose_asks_for_is_named_each_time_it_is_missing(required: str, header: str, told: Told) -> None:
    office = Office({"requires": frozenset({required})})

    assert office.rights() is office.rights()
    for _ in range(2):
        with pytest.raises(PurposeRequired, match=f"asks for the header {header}$"):
            office.rights(told=told)


@pytest.mark.parametrize(
    ("purpose", "consumer"), [({"expires": NOW + timedelta(days=1)}, {}), ({}, {"purposes": {"birth": NOW + timedelta(days=1)}})]
)
def test_a_purpose_is_over_from_its_moment_on_although_nothing_is_decided_anew(purpose: dict[str, Any], consumer: dict[str, Any]) -> None:
    office = Office(purpose, consumer)
    office.clock.now = NOW + timedelta(days=1, microseconds=-1)
    assert refusal(office.rights(), "Citizen.fullName") is None

    office.clock.now = NOW + timedelta(days=1)
    with pytest.raises(PurposeRequired, match="The purpose birth is over for this consumer"):
        office.rights()


# ── memory ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_rights_come_back_so_that_plans_can_be_kept_for_them() -> None:
    office = Office()

    assert office.rights() is office.rights()
    assert office.rights(scopes=frozenset({"more"})) is not office.rights()
    assert office.policy.rights(None, None, SILENT) is office.policy.rights(None, "birth", SAID)


def test_another_version_of_the_registry_counts_at_once() -> None:
    office = Office()
    before, nobody = office.rights(), office.policy.rights(None, None, SILENT)
    fewer = msgspec.structs.replace(office.registry.purposes["birth"], fields=frozenset({"Query.citizen"}))
    office.change("two", purposes={"birth": fewer}, open=frozenset())

    assert refusal(before, "Citizen.fullName") is None
    assert refusal(office.rights(), "Citizen.fullName") is not None
    assert refusal(nobody, "Commune.name") is None
    assert refusal(office.policy.rights(None, None, SILENT), "Commune.name") is not None


def test_a_consumer_who_is_gone_is_nobody_any_more_although_its_proof_is_remembered() -> None:
    office = Office()
    identity = office.identity()
    office.change("two", consumers={})

    with pytest.raises(Unauthenticated):
        office.policy.rights(identity, "birth", SAID)


def test_no_more_rights_are_kept_than_fit() -> None:
    office = Office()
    first = office.rights()
    for number in range(MOST_KEPT):
        office.rights(scopes=frozenset({str(number)}))

    assert len(office.policy._known) == MOST_KEPT
    assert office.rights() is not first


def test_value_rules_are_made_for_the_fields_that_are_read() -> None:
    rights = Office().rights()  # protected people are masked

    assert rights.screens({"Query.citizen", "Citizen.gender"}) == {}
    assert {batch.name for batch in rights.screens({"Query.citizen", "Citizen.fullName"})} == {"citizen_by_id"}
    assert rights.screens(None) is rights.screens(None)
