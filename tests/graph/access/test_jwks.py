"""The keys of an authorisation server: which are taken, when they are fetched, and what holds while they cannot be."""

import asyncio
import contextlib
import gzip
import http.server
import json
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from graph.access.jwks import Jwks, fetching
from graph.access.signing_keys import signing_keys
from graph.access_settings import IssuerSettings
from graph.errors import SettingsWrong
from tests.graph.access.issuing import ISSUER, Door, SecretKey, base64url, bearer, jwks, number, token
from tests.virtual import clock, run

FILE = Path("motcua.toml")
ALL = ("EdDSA", "ES256", "PS256", "RS256")
EC, ED, RSA = SecretKey("ec"), SecretKey("ed", "EdDSA"), SecretKey("rsa", "RS256")


def taken(*keys: dict[str, Any], allowed: tuple[str, ...] = ALL) -> dict[str, set[str]]:
    return {kid: set(key.algorithms) for kid, key in signing_keys(jwks(*keys), allowed).items()}


# ── which are taken ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_verifies_what_its_kind_can_and_the_settings_allow() -> None:
    assert taken(EC.jwk(), ED.jwk(), RSA.jwk()) == {"ec": {"ES256"}, "ed": {"EdDSA"}, "rsa": {"PS256", "RS256"}}
    assert taken(EC.jwk(), ED.jwk(), RSA.jwk(), allowed=("PS256", "ES256")) == {"ec": {"ES256"}, "rsa": {"PS256"}}


def test_a_key_that_names_its_algorithm_verifies_that_one_alone() -> None:
    assert taken(RSA.jwk(alg="PS256"), EC.jwk(alg="ES384")) == {"rsa": {"PS256"}}
    assert taken(RSA.jwk(alg="RS256"), allowed=("PS256",)) == {}


@pytest.mark.parametrize(
    "changed", [{"use": "enc"}, {"key_ops": ["sign"]}, {"key_ops": "verify"}, {"use": 1}, {"kid": ""}, {"kid": None}, {"kid": 1}]
)
def test_a_key_that_is_not_named_or_not_for_signatures_is_passed_over(changed: dict[str, Any]) -> None:
    assert taken(EC.jwk(**changed), ED.jwk()) == {"ed": {"EdDSA"}}


def test_a_key_may_leave_out_what_it_is_for() -> None:
    bare = {name: value for name, value in EC.jwk().items() if name != "use"}
    assert taken(bare, ED.jwk(key_ops=["verify"])) == {"ec": {"ES256"}, "ed": {"EdDSA"}}


def test_a_symmetric_key_is_never_taken() -> None:
    assert (
        taken({"kty": "oct", "kid": "s", "k": base64url(b"x" * 32), "alg": "HS256"}, {"kty": "oct", "kid": "t", "k": "AA", "alg": "ES256"})
        == {}
    )


def test_a_secret_key_that_is_published_is_not_taken() -> None:
    assert isinstance(EC.secret, ec.EllipticCurvePrivateKey)
    assert taken(EC.jwk(d=number(EC.secret.private_numbers().private_value, 32))) == {}


@pytest.mark.parametrize(("bits", "is_taken"), [(1_024, False), (2_047, False), (2_048, True), (8_192, True), (8_193, False)])
def test_an_rsa_key_is_neither_short_nor_endless(bits: int, is_taken: bool) -> None:  # noqa: FBT001 - the expected answer
    assert bool(taken({"kty": "RSA", "kid": "made-up", "n": number((1 << bits - 1) + 1), "e": "AQAB"})) == is_taken


def test_a_key_on_another_curve_is_not_taken() -> None:
    at = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    assert taken({"kty": "EC", "crv": "P-384", "kid": "other", "x": number(at.x, 48), "y": number(at.y, 48)}) == {}


def test_a_point_that_is_not_on_the_curve_is_no_key() -> None:
    assert taken(EC.jwk(x=base64url(bytes(32))), ED.jwk()) == {"ed": {"EdDSA"}}


def test_a_name_that_two_keys_have_is_neithers() -> None:
    assert taken(EC.jwk(kid="same"), ED.jwk(kid="same"), RSA.jwk()) == {"rsa": {"PS256", "RS256"}}


def test_at_most_64_keys_are_looked_at() -> None:
    assert len(taken(*(EC.jwk(kid=f"k{n}") for n in range(100)))) == 64


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": null}', b"\xff", b'{"keys": [], "keys": []}', b"[" * 60_000]
)
def test_what_is_no_set_of_keys_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        signing_keys(document, ALL)


MEMBERS = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "use", "key_ops", "alg", "kid", "d"])
WORDS = st.sampled_from(["EC", "RSA", "OKP", "P-256", "AQAB", "sig"])
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20), WORDS, st.lists(st.text(max_size=6), max_size=3))


@given(
    st.lists(st.one_of(st.dictionaries(MEMBERS, VALUES), VALUES), max_size=4),
    st.sampled_from([EC, ED, RSA]),
    st.dictionaries(MEMBERS, VALUES),
)
def test_no_strange_key_keeps_the_others_from_being_taken(strange: list[Any], key: SecretKey, changed: dict[str, Any]) -> None:
    good = SecretKey.jwk(ED, kid="certainly-good")
    found = signing_keys(json.dumps({"keys": [*strange, key.jwk(**changed), good]}).encode(), ALL)
    assert found["certainly-good"].algorithms == {"EdDSA"}


# ── when they are fetched ────────────────────────────────────────────────────────────────────────────────────────────────


class Source:
    """Publishes keys, or fails, and knows in which virtual seconds it was asked."""

    def __init__(self, *keys: dict[str, Any], seconds: float = 1.0) -> None:
        self.keys = keys
        self.seconds = seconds
        self.asked: list[float] = []
        self.fails = False

    async def fetch(self) -> bytes:
        self.asked.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.seconds)
        if self.fails:
            raise httpx.ConnectError("no way there")
        return jwks(*self.keys)

    def issuer(self) -> Jwks:
        return Jwks("id", ALL, self.fetch, clock)


@contextlib.asynccontextmanager
async def kept_current(keys: Jwks) -> AsyncIterator[None]:
    task = asyncio.create_task(keys.keep_current())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_all_who_wait_for_an_unknown_key_wait_for_one_fetch() -> None:
    async def scene() -> None:
        source = Source(EC.jwk())
        keys = source.issuer()
        found = await asyncio.gather(*(keys.found("ec") for _ in range(1_000)), *(keys.found("no") for _ in range(1_000)))
        assert [key is not None for key in found] == [True] * 1_000 + [False] * 1_000
        assert len(source.asked) == 1

    run(scene())


def test_who_stops_waiting_does_not_stop_the_fetch_of_the_others() -> None:
    async def scene() -> None:
        source = Source(EC.jwk())
        keys = source.issuer()
        leaver, stayer = asyncio.create_task(keys.found("ec")), asyncio.create_task(keys.found("ec"))
        await asyncio.sleep(0.5)
        leaver.cancel()
        assert await stayer is not None
        assert (leaver.cancelled(), len(source.asked)) == (True, 1)

    run(scene())


def test_tp3_a_flood_of_unknown_keys_has_them_fetched_at_most_once_in_half_a_minute() -> None:
    async def scene() -> None:
        source = Source(EC.jwk())
        keys = source.issuer()
        async with kept_current(keys):
            for flood in range(10_000):
                assert await keys.found(f"guess-{flood}") is None
                await asyncio.sleep(0.1)
        gaps = [later - earlier for earlier, later in zip(source.asked, source.asked[1:], strict=False)]
        assert min(gaps) > 29.99
        assert len(source.asked) > 20

    run(scene())


def test_a_new_key_is_known_without_anybody_having_waited_for_it() -> None:
    async def scene() -> None:
        source = Source(EC.jwk())
        keys = source.issuer()
        async with kept_current(keys):
            await asyncio.sleep(60)
            source.keys = (ED.jwk(),)
            assert keys.known("ec") is not None
            await asyncio.sleep(600)
            assert keys.known("ec") is None
            assert keys.known("ed") is not None
            assert len(source.asked) == 2

    run(scene())


def test_a_key_that_is_used_before_it_was_seen_is_fetched_at_once() -> None:
    async def scene() -> None:
        source = Source(EC.jwk())
        keys = source.issuer()
        async with kept_current(keys):
            await asyncio.sleep(60)
            source.keys = (EC.jwk(), ED.jwk())
            assert await keys.found("ed") is not None
            assert [round(at) for at in source.asked] == [0, 60]

    run(scene())


def test_keys_that_a_token_had_fetched_just_now_are_not_fetched_again_because_it_is_time() -> None:
    async def scene() -> None:
        source = Source(EC.jwk())
        keys = source.issuer()
        async with kept_current(keys):
            await asyncio.sleep(590)
            assert await keys.found("guess") is None
            await asyncio.sleep(300)
            assert [round(at) for at in source.asked] == [0, 590]

    run(scene())


def test_what_was_fetched_last_holds_for_a_day_and_no_longer(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "motcua")

    async def scene() -> None:
        source = Source(EC.jwk())
        keys = source.issuer()
        async with kept_current(keys):
            await asyncio.sleep(60)
            source.fails = True
            await asyncio.sleep(86_400 - 61)
            assert keys.known("ec") is not None
            await asyncio.sleep(10)
            assert keys.known("ec") is None
            assert await keys.found("ec") is None
            source.fails = False
            await asyncio.sleep(60)
            assert keys.known("ec") is not None

    run(scene())
    assert [record.getMessage() for record in caplog.records] == [
        "access.issuers.id: the keys cannot be fetched (ConnectError); those fetched last hold for a day",
        "access.issuers.id: the keys can be fetched again",
    ]


def test_an_issuer_that_never_answers_is_given_up_after_five_seconds() -> None:
    async def scene() -> None:
        source = Source(EC.jwk(), seconds=86_400)
        assert await source.issuer().found("ec") is None
        assert asyncio.get_running_loop().time() == pytest.approx(5)

    run(scene())


def test_an_issuer_that_withdraws_all_its_keys_is_believed() -> None:
    async def scene() -> None:
        source = Source(EC.jwk())
        keys = source.issuer()
        await keys.refresh()
        source.keys = ()
        await keys.refresh()
        assert keys.known("ec") is None

    run(scene())


# ── from where ───────────────────────────────────────────────────────────────────────────────────────────────────────────

GOOD = jwks(EC.jwk())
BAD_ANSWERS = {
    "an error": httpx.Response(500, content=GOOD),
    "a redirect": httpx.Response(302, content=GOOD, headers={"location": "https://thief.example/jwks"}),
    "no content": httpx.Response(204),
    "too long": httpx.Response(200, content=GOOD + b" " * 65_536),
    "packed": httpx.Response(200, content=gzip.compress(GOOD), headers={"content-encoding": "gzip"}),
    "a page": httpx.Response(200, content=b"<html>"),
}


def from_answer(answer: httpx.Response) -> Jwks:
    issuer = IssuerSettings(ISSUER, "us", "https://id.example.vn/jwks")
    network = httpx.MockTransport(lambda _: answer)
    return Jwks("id", ALL, fetching("id", issuer, FILE, network), clock)


@pytest.mark.parametrize("kind", BAD_ANSWERS)
async def test_an_answer_that_is_not_the_keys_changes_nothing(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    keys = from_answer(BAD_ANSWERS[kind])
    assert await keys.found("ec") is None
    assert "cannot be fetched" in caplog.text


async def test_a_document_of_just_the_longest_length_is_read() -> None:
    keys = from_answer(httpx.Response(200, content=GOOD.ljust(65_536)))
    assert await keys.found("ec") is not None


async def test_keys_may_stand_in_a_file_beside_the_settings(tmp_path: Path) -> None:
    issuer = IssuerSettings(ISSUER, "us", "file:keys/jwks.json")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "jwks.json").write_bytes(GOOD)
    assert await Jwks("id", ALL, fetching("id", issuer, tmp_path / "motcua.toml", None), clock).found("ec") is not None
    assert await Jwks("id", ALL, fetching("id", issuer, tmp_path / "keys" / "motcua.toml", None), clock).found("ec") is None


@pytest.mark.parametrize(
    "address",
    ["http://id.example.vn/jwks", "ftp://127.0.0.1/jwks", "id.example.vn/jwks", "https:///jwks", "", "http://127.0.0.1.example.vn/"],
)
def test_keys_are_not_taken_from_where_somebody_could_stand_between(address: str) -> None:
    with pytest.raises(SettingsWrong, match=r"motcua\.toml: access\.issuers\.id\.jwks: expected an address"):
        fetching("id", IssuerSettings(ISSUER, "us", address), FILE, None)


def test_authorities_that_cannot_be_read_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsWrong, match=r"motcua\.toml: access\.issuers\.id\.ca_file"):
        fetching("id", IssuerSettings(ISSUER, "us", "https://id.example.vn/jwks", ca_file="gone.pem"), tmp_path / "motcua.toml", None)


class Published(http.server.BaseHTTPRequestHandler):
    """Answers with the good keys."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/jwk-set+json")
        self.send_header("content-length", str(len(GOOD)))
        self.end_headers()
        self.wfile.write(GOOD)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Published) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}/jwks"
        running.shutdown()
        thread.join()


async def test_keys_are_fetched_over_a_real_connection(server: str) -> None:
    keys = Jwks("id", ALL, fetching("id", IssuerSettings(ISSUER, "us", server), FILE, None), clock)
    assert await keys.found("ec") is not None


async def test_a_gateway_that_is_open_knows_the_keys_before_the_first_token_comes() -> None:
    door = Door(EC.jwk())
    async with door.identities:
        await door.fetched.wait()
        assert (await door.identities.who(bearer(token(EC)))).by == "token"
        assert door.fetches == 1
