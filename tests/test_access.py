"""Who may ask what, on the whole stack: one question by different consumers, who is turned away, and what a browser may."""

import hashlib
import itertools
from collections.abc import Coroutine
from typing import Any

import msgspec
import pytest

from graph.access.keys import KEY as KEY_FORM
from graph.settings import BatchSettings
from sandbox import personas
from tests import virtual
from tests.stack import Stack, stack

FAMILY = """
query Family($id: PersonalId!) {
  citizen(id: $id) {
    personalId fullName birthDate bloodGroup
    permanentAddress { text commune { name } }
    father { personalId fullName }
    household { members { fullName personalId } }
    insurance { number employerCode salaryBase employer { name } }
    tax { status debt }
    businesses { code legalRepresentatives { fullName personalId } }
  }
}
"""
KEPT = BatchSettings(ttl_seconds=86_400, negative_ttl_seconds=3_600)


def key_of(name: str) -> str:
    """Make the key of a consumer of these tests; it is the same in every run."""
    return f"mcu_{name}_{hashlib.sha256(name.encode()).hexdigest()}"


def consumer(name: str, purpose: str, **more: Any) -> str:
    """Write a consumer with one key and one usual purpose."""
    secret = hashlib.sha256(hashlib.sha256(name.encode()).hexdigest().encode()).hexdigest()
    lines = {"organisation": name, "kind": "state", "purposes": [purpose], "default_purpose": purpose, **more}
    return (
        f"\n[consumers.{name}]\n"
        + "".join(f"{key} = {msgspec.json.encode(value).decode()}\n" for key, value in lines.items())
        + f'[consumers.{name}.keys.{name}]\nhash = "sha256:{secret}"\nmade = 2026-01-01T00:00:00Z\n'
    )


def purpose(name: str, fields: list[str], **more: Any) -> str:
    """Write a purpose."""
    lines = {"title": name, "legal_basis": "statutory", "ground": f"Ground of {name}", "fields": fields, **more}
    return f"\n[purposes.{name}]\n" + "".join(f"{key} = {msgspec.json.encode(value).decode()}\n" for key, value in lines.items())


MORE = (
    purpose("desk", ["@identity", "@residence"], protected="show")
    + purpose("pensions", ["@identity", "@insurance-history", "@business"], masked=["Citizen.oldIdNumber"], protected="mask")
    + purpose("courts", ["@identity", "@household", "@family"], requires=["case", "official"], protected="absent")
    + consumer("desk", "desk", explorer=True)
    + consumer("pensions", "pensions", explorer=True)
    + consumer("courts", "courts")
)
DESK: dict[str, Any] = {"x_api_key": key_of("desk")}
PENSIONS: dict[str, Any] = {"x_api_key": key_of("pensions")}
COURTS: dict[str, Any] = {"x_api_key": key_of("courts")}
OFFICIAL: dict[str, Any] = {"x_road_issue": "G22.99-260115-0001", "x_road_userid": f"VN{personas.OFFICIAL}"}


def run(story: Coroutine[Any, Any, None]) -> None:
    virtual.run(story)


def test_the_keys_of_these_tests_are_keys() -> None:
    assert KEY_FORM.fullmatch(key_of("desk").encode())


# ── the same question, different consumers ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("person", [personas.THU, personas.KIM, personas.NOBODY, personas.TUAN])
def test_each_consumer_gets_what_its_purpose_allows_and_byte_for_byte_the_same_from_warm_caches(person: str) -> None:
    askers: list[dict[str, Any]] = [{}, DESK, PENSIONS, {**COURTS, **OFFICIAL}]

    async def cold(asker: dict[str, Any]) -> bytes:
        async with stack(more_consumers=MORE) as one:
            return (await one.ask(FAMILY, {"id": person}, **asker)).body

    async def story() -> None:
        expected = [await cold(asker) for asker in askers]
        assert len(set(expected)) > 1 or person == personas.NOBODY
        for order in itertools.islice(itertools.permutations(range(len(askers))), 0, None, 5):
            async with stack(more_consumers=MORE, keeps=KEPT) as all_of_it:
                for _round in ("to fill the caches", "to be answered from them"):
                    for number in order:
                        heard = await all_of_it.ask(FAMILY, {"id": person}, **askers[number])
                        assert heard.body == expected[number]

    run(story())


def test_what_a_purpose_does_not_cover_is_null_with_its_legal_ground_and_no_call_is_made_for_it() -> None:
    async def story() -> None:
        async with stack(more_consumers=MORE) as all_of_it:
            heard = await all_of_it.ask(FAMILY, {"id": personas.THU}, **DESK)
            assert heard.answer["data"]["citizen"]["fullName"]
            refused = {tuple(error["path"]): error["extensions"] for error in heard.answer["errors"]}
            assert refused["citizen", "tax"]["code"] == "FORBIDDEN_FIELD"
            assert refused["citizen", "tax"]["ground"] == "Ground of desk"
            assert all(
                heard.answer["data"]["citizen"][field] is None for field in ("tax", "insurance", "household", "father", "businesses")
            )
            for system in ("tax", "insurance", "business"):
                assert await all_of_it.calls(system) == 0

    run(story())


def test_a_person_under_protection_is_masked_for_some_absent_for_others_and_shown_to_who_may_see_them() -> None:
    async def story() -> None:
        async with stack(more_consumers=MORE) as all_of_it:
            query = "query($id: PersonalId!) { citizen(id: $id) { fullName birthDate } }"
            shown = (await all_of_it.ask(query, {"id": personas.KIM}, **DESK)).answer
            masked = (await all_of_it.ask(query, {"id": personas.KIM}, **PENSIONS)).answer
            absent = (await all_of_it.ask(query, {"id": personas.KIM}, **{**COURTS, **OFFICIAL})).answer
            nobody = (await all_of_it.ask(query, {"id": personas.NOBODY}, **{**COURTS, **OFFICIAL})).answer
            assert shown["data"]["citizen"]["fullName"] != masked["data"]["citizen"]["fullName"]
            assert masked["data"]["citizen"]["birthDate"] == shown["data"]["citizen"]["birthDate"][:4]
            assert absent == nobody == {"data": {"citizen": None}}

    run(story())


# ── at the door ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def asked(query: str = "{ provinces { code } }", **headers: Any) -> Any:
    """Ask a stack of its own, and return what was heard."""

    async def story() -> Any:
        async with stack(more_consumers=MORE) as all_of_it:
            return await all_of_it.ask(query, **headers)

    return virtual.run(story())


def test_nobody_reads_what_is_open_and_nothing_else() -> None:
    assert asked(x_api_key=None).answer["data"]["provinces"]
    heard = asked('{ citizen(id: "099085000002") { fullName } }', x_api_key=None)
    assert heard.answer["data"] == {"citizen": None}
    assert heard.codes == {"FORBIDDEN_FIELD"}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"x_api_key": "mcu_desk_" + "0" * 64}, 401, "UNAUTHENTICATED"),
        ({"x_api_key": "no-key-at-all"}, 401, "UNAUTHENTICATED"),
        ({"x_api_key": None, "authorization": "Basic YTpi"}, 401, "UNAUTHENTICATED"),
        ({**DESK, "authorization": "Bearer a.b.c"}, 401, "UNAUTHENTICATED"),
        ({**DESK, "x_purpose": "pensions"}, 403, "PURPOSE_REQUIRED"),
        ({**DESK, "x_purpose": "nothing-known"}, 403, "PURPOSE_REQUIRED"),
        (COURTS, 403, "PURPOSE_REQUIRED"),
        ({**DESK, "x_purpose": "a b"}, 400, "BAD_USER_INPUT"),
        ({**DESK, "x_road_issue": "a\r\nx-evil: 1"}, 400, "BAD_USER_INPUT"),
    ],
)
def test_who_is_not_let_in_is_told_why_and_never_what_was_sent(headers: dict[str, Any], status: int, code: str) -> None:
    heard = asked(**headers)
    assert (heard.status, heard.codes) == (status, {code})
    assert "data" not in heard.answer
    assert not any(len(value) > 4 and value in heard.body.decode() for value in headers.values() if value)
    if status == 401:
        assert heard.headers["www-authenticate"]


def test_a_header_that_the_purpose_asks_for_is_named() -> None:
    heard = asked(**COURTS, x_road_issue="G22.99-260115-0001")
    assert "X-Road-UserId" in heard.answer["errors"][0]["message"]


def test_only_explorers_look_at_the_schema_and_are_told_which_names_are_like_theirs() -> None:
    introspection, wrong = "{ __schema { types { name } } }", "{ provinses { code } }"
    assert "errors" not in asked(introspection, **DESK).answer
    assert asked(introspection, **COURTS, **OFFICIAL).codes == {"FORBIDDEN_FIELD"}
    assert "Did you mean" in asked(wrong, **DESK).body.decode()
    assert "Did you mean" not in asked(wrong, **COURTS, **OFFICIAL).body.decode()


def test_the_plan_is_for_explorers() -> None:
    assert "plan" in asked(**DESK, x_motcua_plan="1").answer["extensions"]
    assert "extensions" not in asked(**COURTS, **OFFICIAL, x_motcua_plan="1").answer


# ── what a browser may ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_answers_are_no_pages_and_belong_to_no_other_origin() -> None:
    heard = asked(origin="https://elsewhere.example")
    assert heard.headers["x-content-type-options"] == "nosniff"
    assert heard.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert heard.headers["cross-origin-resource-policy"] == "same-origin"
    assert not any(name.startswith("access-control") for name in heard.headers)


def test_only_pages_of_the_origins_that_are_named_may_ask() -> None:
    async def story() -> None:
        async with stack(more_consumers=MORE, access={"cors_origins": ("https://portal.example",)}) as all_of_it:
            ours = await all_of_it.ask("{ provinces { code } }", origin="https://portal.example")
            others = await all_of_it.ask("{ provinces { code } }", origin="https://elsewhere.example")
            assert ours.headers["access-control-allow-origin"] == "https://portal.example"
            assert "access-control-allow-origin" not in others.headers

    run(story())


# ── registered documents ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_where_only_registered_documents_are_run_others_may_send_nothing_of_their_own() -> None:
    async def story() -> None:
        async with stack(more_consumers=MORE, access={"documents": "trusted"}) as all_of_it:
            asked = await all_of_it.ask("{ provinces { code } }", **COURTS, **OFFICIAL)
            assert (asked.status, asked.codes) == (200, {"DOCUMENT_NOT_TRUSTED"})
            assert "errors" not in (await all_of_it.ask("{ provinces { code } }", **DESK)).answer
            await _persisted(all_of_it)

    run(story())


async def _persisted(all_of_it: Stack) -> None:
    """Follow Apollo's protocol, as an explorer and as somebody who may send nothing."""
    query = "{ provinces { code name } }"
    extension = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(query.encode()).hexdigest()}}
    assert (await all_of_it.send({"extensions": extension}, **COURTS, **OFFICIAL)).codes == {"PERSISTED_QUERY_NOT_SUPPORTED"}
    assert (await all_of_it.send({"extensions": extension}, **DESK)).answer["errors"][0]["message"] == "PersistedQueryNotFound"
    assert "errors" not in (await all_of_it.send({"query": query, "extensions": extension}, **DESK)).answer
    assert "errors" not in (await all_of_it.send({"extensions": extension}, **DESK)).answer
    wrong = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
    assert (await all_of_it.send({"query": query, "extensions": wrong}, **DESK)).codes == {"BAD_USER_INPUT"}
