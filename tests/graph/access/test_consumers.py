"""The registry: what its file means, what is refused in it and how that is said, and that a change comes into force by itself."""

import asyncio
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from graph.access.consumers import Consumers, read_registry
from graph.access.keys import new_key
from graph.access.registry import Allowances, TokenClient
from graph.errors import SettingsWrong
from tests.graph.access.register import GOOD, HASH, OTHER_HASH, THUMBPRINT, replaced, small_schema, written

KEY = f'[consumers.bank.keys.first]\nhash = "{OTHER_HASH}"\nmade = 2026-01-01\n'
DEMO = 'organisation = "UBND phường"\ndemo = true'


class Log:
    """What was told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, name: str, **fields: Any) -> None:
        self.told.append((name, fields))


def refusal(folder: Path, text: str) -> str:
    file = written(folder, text)
    with pytest.raises(SettingsWrong) as raised:
        read_registry(file, small_schema())
    assert raised.value.message.startswith(f"{file}: ")
    return raised.value.message.removeprefix(f"{file}: ")


# ── what the file means ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_read_with_its_groups_written_out(tmp_path: Path) -> None:
    registry = read_registry(written(tmp_path), small_schema())
    registration, account = registry.purposes["registration"], registry.purposes["account"]

    assert (registry.version, registry.open) == (3, frozenset({"Place.code", "Query.place"}))
    assert registration.fields == {"Person.name", "Place.code", "Query.place", "Query.person"}
    assert account.fields == {"Person.name", "Person.born"}
    assert (registration.requires, registration.min_age) == (frozenset({"case"}), 14)
    assert (registration.consent, registration.protected) == (False, "mask")


def test_a_field_that_is_given_plainly_is_not_masked(tmp_path: Path) -> None:
    text = GOOD.replace('masked = ["Person.born", "Person.name"]', 'masked = ["Person.born"]').replace('"Query.person"]', '"@person"]')

    assert read_registry(written(tmp_path), small_schema()).purposes["registration"].masked == {"Person.born"}
    assert read_registry(written(tmp_path, text), small_schema()).purposes["registration"].masked == set()


def test_a_consumer_is_read_with_all_its_proofs_and_allowances(tmp_path: Path) -> None:
    office = read_registry(written(tmp_path), small_schema()).consumers["office"]

    assert [(key.id, key.hash, key.expires) for key in office.keys] == [("first", HASH, None)]
    assert office.tokens == (TokenClient("https://id.example.vn", "office"),)
    assert office.certificates == {"DAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw"}
    assert office.allowances == Allowances(cost=10, persons=2)
    assert (office.default_purpose, office.priority, office.purposes) == ("registration", "citizen", {"registration": None})


def test_a_date_ends_at_its_first_moment_in_viet_nam(tmp_path: Path) -> None:
    registry = read_registry(written(tmp_path), small_schema())
    ends = datetime(2026, 12, 31, 17, tzinfo=UTC)

    assert registry.purposes["registration"].expires == datetime(2029, 12, 31, 17, tzinfo=UTC)
    assert registry.consumers["bank"].purposes == {"account": ends}
    text = GOOD.replace("{ account = 2027-01-01T00:00:00+07:00 }", '{ account = "unlimited" }')
    assert read_registry(written(tmp_path, text), small_schema()).consumers["bank"].purposes == {"account": None}


def test_the_digest_tells_contents_apart_and_nothing_else(tmp_path: Path) -> None:
    digest = read_registry(written(tmp_path), small_schema()).digest
    reordered = GOOD.replace('["Person.name", "@place"]', '["@place", "Person.name"]').replace("# all of a person", "")
    changed = GOOD.replace("min_age = 14", "min_age = 15")

    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert read_registry(written(tmp_path, reordered), small_schema()).digest == digest
    assert read_registry(written(tmp_path, changed), small_schema()).digest != digest


def test_a_demo_consumer_stands_only_in_front_of_the_sandbox(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD.replace('organisation = "UBND phường"', DEMO))

    assert read_registry(file, small_schema(), demo=True).consumers["office"].demo
    with pytest.raises(SettingsWrong, match=r"consumers\.office\.demo: expected no demo consumer, unless every system is in the sandbox"):
        read_registry(file, small_schema())


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("version = 3", "version = 0", "version: expected a whole number from 1 on"),
        ("version = 3", "version = true", "version: expected a whole number from 1 on"),
        ("version = 3", 'version = "3"', "version: expected a whole number from 1 on"),
        ("version = 3", "", "version: expected a whole number from 1 on"),
        ("[groups]", "[groupes]", "groupes: no such section; expected version, groups, open, purposes or consumers"),
        ("[groups]", "[groups", "is not TOML"),
        ("[open]", "[open]\nfeilds = []", "open: object contains unknown field `feilds`"),
        ("min_age = 14", "min_ages = 14", "purposes.registration: object contains unknown field `min_ages`"),
        ("min_age = 14", "min_age = -1", "purposes.registration.min_age: expected `int` >= 0"),
        ('ground = "Luật Hộ tịch 60/2014/QH13"', "", "purposes.registration: object missing required field `ground`"),
        ('ground = "Luật Hộ tịch 60/2014/QH13"', 'ground = ""', "purposes.registration.ground: expected `str` of length >= 1"),
        ('"statutory"', '"because"', "purposes.registration.legal_basis: invalid enum value"),
        ('requires = ["case"]', 'requires = ["cases"]', "purposes.registration.requires[0]: invalid enum value"),
        ("consent = true", "", 'purposes.account.consent: expected true, because the legal basis is "consent"'),
        ("expires = 2030-01-01", 'expires = "soon"', "purposes.registration.expires: expected a date such as 2027-01-01"),
        ("expires = 2030-01-01", "expires = 2030-01-01T00:00:00", "purposes.registration.expires: expected a date such as 2027-01-01"),
        ("[purposes.registration]", "[purposes.Registration]", "purposes.Registration: expected a name of 2 to 64 small letters"),
        ("[purposes.registration]", '[purposes."đăng-ký"]', "purposes.đăng-ký: expected a name of 2 to 64 small letters"),
        ("[consumers.bank]", "[consumers.b]", "consumers.b: expected a name of 2 to 64 small letters"),
        ('person = ["Person.*"]', 'p_1 = ["Person.*"]', "groups.p_1: expected a name of 2 to 64 small letters"),
        ('person = ["Person.*"]', 'person = "Person.*"', "groups.person: expected `array`, got `str`"),
        ('["Person.*"]', '["Persona.*"]', "groups.person: Persona.*: no such type; the nearest is Person"),
        ('["Person.*"]', '["Mountain.*"]', "groups.person: Mountain.*: no such type; expected Type.field, Type.* or @group"),
        ('["Person.*"]', '["__Type.*"]', "groups.person: __Type.*: no such type; "),
        ('["Person.*"]', '["Person.nam"]', "groups.person: Person.nam: no such field; the nearest is Person.name"),
        ('["Person.*"]', '["Person"]', "groups.person: Person: expected Type.field, Type.* or @group"),
        ('["@person"]', '["@persons"]', "purposes.account.fields: @persons: no such group; the nearest is @person"),
        ('["Person.*"]', '["@names", "@person"]', "groups: @person holds @person; expected groups that do not hold one another"),
        ('place = ["Place.code"', 'place = ["@names"', "expected groups that do not hold one another"),
        ('fields = ["@person"]', "fields = []", "purposes.account.fields: expected at least one field"),
        ('fields = ["@person"]', "", "purposes.account.fields: expected at least one field"),
        ('["Person.born", "Person.name"]', '["Query.people"]', "masked: Query.people: expected only fields with @mask in the schema"),
        ('kind = "state"', 'kind = "public"', "consumers.office.kind: invalid enum value"),
        ('kind = "state"', 'kind = "private"', "consumers.office.purposes: registration: expected consent = true for a private consumer"),
        ('purposes = ["registration"]', 'purposes = ["registering"]', "consumers.office.purposes: registering: no such purpose; expected"),
        ("default_purpose = ", 'purposes = ["account"]\ndefault_purpose = ', "is not TOML"),
        ('purposes = ["registration"]', "purposes = []", "consumers.office.default_purpose: expected one of the consumer's own purposes"),
        ("{ account = 2027-01-01T00:00:00+07:00 }", "{ account = 7 }", "consumers.bank.purposes.account: expected a date such as"),
        ('["person:read"]', '["person read"]', "consumers.bank.scopes[0]: expected `str` matching regex"),
        ("cost = 10", "cost = 0", "consumers.office.allowances.cost: expected `int` >= 1"),
        ("cost = 10", "costs = 10", "consumers.office.allowances: object contains unknown field `costs`"),
        (HASH, HASH.upper(), "consumers.office.keys.first.hash: expected `str` matching regex"),
        (HASH, "secret", "consumers.office.keys.first.hash: expected `str` matching regex"),
        ("keys.first]", "keys.First]", "consumers.office.keys: expected ids of at most 64 small letters, digits and hyphens"),
        ("made = 2026-01-01T00:00:00Z", "made = 1", "consumers.office.keys.first.made: expected a date such as 2027-01-01"),
        (THUMBPRINT, "ab:cd", "consumers.office.certificates: expected SHA-256 thumbprints"),
        ('client_id = "office"', "", "consumers.office.tokens[0]: object missing required field `client_id`"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_file_key_and_expectation(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in GOOD
    assert said in refusal(tmp_path, GOOD.replace(before, after, 1))


@pytest.mark.parametrize(
    "field", ["Person.name", "Query.person", "Query.people", "Place.plan", "Place.scoped", "Place.judged", "Place.meant"]
)
def test_nothing_that_is_personal_or_for_known_consumers_can_be_open(tmp_path: Path, field: str) -> None:
    text = GOOD.replace('[open]\nfields = ["@place"]', f'[open]\nfields = ["@place", "{field}"]')

    assert refusal(tmp_path, text).startswith(f"open.fields: {field}: expected only fields that are neither personal nor")


def test_a_proof_belongs_to_one_consumer(tmp_path: Path) -> None:
    same_key = KEY
    same_token = '[[consumers.bank.tokens]]\nissuer = "https://id.example.vn"\nclient_id = "office"\n'
    as_base64url = "DAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw"
    same_certificate = f'certificates = ["{as_base64url}"]\n'
    twice = '[[consumers.office.tokens]]\nissuer = "https://id.example.vn"\nclient_id = "office"\n'

    for addition, where in ((same_key, "keys.first"), (same_token, "tokens"), (same_certificate, "certificates")):
        assert f"consumers.bank.{where}: this is consumers.office too" in refusal(tmp_path, GOOD + addition)
    assert "consumers.office.tokens: this is this consumer too, again" in refusal(tmp_path, GOOD + twice)


def test_no_refusal_holds_the_hash_of_a_key_or_a_thumbprint(tmp_path: Path) -> None:
    wrong_hash, wrong_thumbprint = "sha256:" + "0A" * 32, "sha256:" + "0d" * 33

    assert "0A" not in refusal(tmp_path, GOOD.replace(HASH, wrong_hash))
    assert "0d0d" not in refusal(tmp_path, GOOD.replace(THUMBPRINT, wrong_thumbprint))


def test_a_private_consumer_may_read_without_consent_what_is_public_or_about_nobody(tmp_path: Path) -> None:
    public = GOOD.replace('"statutory"', '"public"').replace('kind = "state"', 'kind = "private"')
    about_nobody = GOOD.replace('["@names", "Query.person"]', '["@place"]').replace('masked = ["Person.born", "Person.name"]', "")

    assert read_registry(written(tmp_path, public), small_schema()).consumers["office"].kind == "private"
    nobody = about_nobody.replace('kind = "state"', 'kind = "private"')
    assert read_registry(written(tmp_path, nobody), small_schema()).consumers["office"].kind == "private"


def test_a_private_consumer_needs_consent_for_what_it_sees_masked_too(tmp_path: Path) -> None:
    masked = GOOD.replace('["@names", "Query.person"]', '["@place"]').replace(', "Person.name"]', "]")

    assert read_registry(written(tmp_path, masked), small_schema()).purposes["registration"].masked == {"Person.born"}
    masked = masked.replace('kind = "state"', 'kind = "private"')
    assert "because it reads Person.born" in refusal(tmp_path, masked)


def test_a_file_that_cannot_be_read_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(SettingsWrong, match="no such file; expected the consumers and purposes"):
        read_registry(tmp_path / "consumers.toml", small_schema())
    (tmp_path / "consumers.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsWrong, match="cannot be read: UnicodeDecodeError"):
        read_registry(tmp_path / "consumers.toml", small_schema())


def test_whatever_is_cut_out_of_a_file_it_is_read_or_refused_in_words(tmp_path: Path) -> None:
    draw = random.Random(7)  # noqa: S311 - places in a text are drawn, nothing is guarded by it
    file, kind = written(tmp_path), small_schema()
    refused: list[str] = []
    for _ in range(300):
        first = draw.randrange(len(GOOD))
        file.write_text(GOOD[:first] + GOOD[first + draw.randrange(1, 40) :], "utf-8")
        try:
            read_registry(file, kind)
        except SettingsWrong as wrong:
            refused.append(wrong.message)
    assert 100 < len(refused) < 300
    assert all(message.startswith(f"{file}: ") for message in refused)


# ── how it is kept current ───────────────────────────────────────────────────────────────────────────────────────────────


def watched(folder: Path, **more: Any) -> tuple[Consumers, Path, Log]:
    file, log = written(folder), Log()
    return Consumers(file, small_schema(), tell=log, **more), file, log


def test_a_change_of_the_file_comes_into_force_and_is_told_once(tmp_path: Path) -> None:
    consumers, file, log = watched(tmp_path)

    assert not consumers.look()
    replaced(file, lambda text: text.replace("version = 3", "version = 4").replace("consumers.bank", "consumers.banks"))
    assert consumers.look()
    assert not consumers.look()

    assert consumers.current.version == 4
    assert consumers.current.consumers.keys() == {"office", "banks"}
    told = {"what": "consumers added: banks; consumers removed: bank", "before": 3, "after": 4}
    assert log.told == [("consumers_changed", told)]


def test_a_purpose_that_changes_is_told_of_by_name_and_what_is_open_too(tmp_path: Path) -> None:
    consumers, file, log = watched(tmp_path)
    replaced(file, lambda text: text.replace("min_age = 14", "min_age = 15").replace('fields = ["@place"]', 'fields = ["Place.code"]'))

    assert consumers.look()
    assert log.told[0][1]["what"] == "purposes changed: registration; open fields changed"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace("min_age = 14", "min_age = false"), "purposes.registration.min_age: expected `int`, got `bool`"),
        (lambda text: text.replace("version = 3", "version = 2"), "version: expected 3, which is in force, or a higher one"),
        (lambda text: text[:400], "is not TOML"),
        (lambda _: "", "version: expected a whole number"),
        (lambda text: text + "x = " + "[" * 9_000, "is not TOML: maximum recursion depth exceeded"),
    ],
    ids=["wrong", "older", "half", "empty", "hostile"],
)
def test_a_wrong_file_leaves_the_last_good_version_in_force_and_is_told_once(
    tmp_path: Path, change: Callable[[str], str], reason: str
) -> None:
    consumers, file, log = watched(tmp_path)
    before = consumers.current
    replaced(file, change)

    assert not consumers.look()
    assert not consumers.look()

    assert consumers.current is before
    [(name, told)] = log.told
    assert (name, told["before"]) == ("consumers_refused", 3)
    assert reason in told["reason"]
    replaced(file, lambda _: GOOD.replace("version = 3", "version = 5"))
    assert consumers.look()
    assert consumers.current.version == 5


def test_a_file_that_vanishes_leaves_the_last_good_version_in_force(tmp_path: Path) -> None:
    consumers, file, log = watched(tmp_path)
    file.unlink()

    assert not consumers.look()
    assert not consumers.look()
    assert consumers.current.version == 3
    assert [name for name, _ in log.told] == ["consumers_refused"]
    written(tmp_path, GOOD.replace("version = 3", "version = 4"))
    assert consumers.look()


def test_a_file_that_is_touched_or_only_reworded_changes_nothing(tmp_path: Path) -> None:
    consumers, file, log = watched(tmp_path)
    replaced(file, lambda text: text.replace("# all of a person", "# everything of a person"))

    assert not consumers.look()
    assert log.told == []


def test_half_of_a_file_that_would_be_valid_is_not_believed_while_it_is_written(tmp_path: Path) -> None:
    consumers, file, _log = watched(tmp_path)
    glance = consumers._watched._glance
    half = GOOD[: GOOD.index("[consumers.bank]")]

    assert glance() is None
    file.write_text(half, "utf-8")
    assert glance() is None
    file.write_text(GOOD.replace("version = 3", "version = 4"), "utf-8")
    assert glance() is None
    found = glance()
    assert found is not None
    assert found.said == read_registry(file, small_schema())


async def test_while_it_is_open_the_file_is_followed_by_itself(tmp_path: Path) -> None:
    file, changed = written(tmp_path), asyncio.Event()
    loop = asyncio.get_running_loop()

    def tell(_name: str, **_fields: Any) -> None:
        loop.call_soon_threadsafe(changed.set)

    async with Consumers(file, small_schema(), tell=tell) as consumers:
        replaced(file, lambda text: text.replace("version = 3", "version = 4"))
        await asyncio.wait_for(changed.wait(), 20)
        assert consumers.current.version == 4


def test_keys_of_this_process_are_added_to_their_consumers_and_to_no_others(tmp_path: Path) -> None:
    _, key = new_key("of-this-process")
    plain = read_registry(written(tmp_path), small_schema())
    consumers, file, _log = watched(tmp_path, more_keys={"bank": key, "nobody": key})

    assert consumers.current.consumers["bank"].keys == (key,)
    assert consumers.current.consumers.keys() == plain.consumers.keys()
    assert consumers.current.consumers["office"] == plain.consumers["office"]
    replaced(file, lambda text: text.replace("version = 3", "version = 4"))
    assert consumers.look()
    assert consumers.current.consumers["bank"].keys == (key,)
