"""Who asks: what a request may present, whom the registry knows by it, and how long that is remembered."""

import asyncio
import base64
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from graph.access.certificates import SHOWN, certificate_of
from graph.access.identity import MOST_REFUSED, Identities, Presented, Presenting
from graph.access.keys import new_key
from graph.access.registry import ApiKey, Consumer, Identity, Registry
from graph.access_settings import AccessSettings, IssuerSettings, ProxySettings
from graph.errors import SettingsWrong, Unauthenticated
from tests.graph.access.issuing import AUDIENCE, ISSUER, KEYS, NOW, Door, SecretKey, bearer, token
from tests.virtual import clock, run

KEY, SECOND = SecretKey("ours"), SecretKey("second")
TEXT, STORED = new_key("desk-key")
PROXY = ProxySettings(("10.1.2.3", "10.9.0.0/16", "fd00::/8"))
HEADERS = ((b"host", b"motcua.example.vn"), (b"accept", b"*/*"))


def _der(name: str) -> bytes:
    issued = trustme.CA().issue_cert(
        name, not_before=datetime.fromtimestamp(NOW - 100, UTC), not_after=datetime.fromtimestamp(NOW + 100, UTC)
    )
    return x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes()).public_bytes(Encoding.DER)


MINE, OTHER = certificate_of(_der("mine.example.vn")), certificate_of(_der("other.example.vn"))
DER = _der("told.example.vn")
TOLD = b":" + base64.b64encode(DER) + b":"


def desk(*keys: ApiKey, **more: Any) -> Consumer:
    return Consumer("desk", "Ward People's Committee", "state", {}, scopes=frozenset({"citizens"}), keys=keys, **more)


def registry(digest: str, *consumers: Consumer) -> Registry:
    return Registry(1, digest, frozenset(), {}, {consumer.name: consumer for consumer in consumers})


class Set:
    """Identities of a registry and at a time that are set; no issuer."""

    def __init__(self, *consumers: Consumer) -> None:
        self.registry = registry("first", *consumers)
        self.now = NOW
        self.identities = Identities(AccessSettings(), lambda: self.registry, clock=lambda: self.now)

    async def refusal(self, presented: Presented) -> str:
        with pytest.raises(Unauthenticated) as refused:
            await self.identities.who(presented)
        return refused.value.message


def key(text: str = TEXT) -> Presented:
    return Presented(text.encode(), None, None)


def shown(thumbprint: str = MINE.thumbprint) -> Presented:
    return Presented(None, None, thumbprint)


# ── what a request presents ──────────────────────────────────────────────────────────────────────────────────────────────


def presented(
    *headers: tuple[bytes, bytes],
    proxy: ProxySettings | None = None,
    client: tuple[str, int] | None = ("192.0.2.7", 5_000),
    state: Any = None,
) -> Presented:
    scope: dict[str, Any] = {"type": "http", "headers": [*HEADERS, *headers], "client": client, "state": state or {}}
    return Presenting(proxy, clock=lambda: NOW).presented(scope, dict(scope["headers"]))


def test_a_request_without_proofs_presents_nothing() -> None:
    assert not any(presented())
    assert not any(presented(proxy=PROXY, client=("10.1.2.3", 5_000)))


def test_a_key_a_token_and_a_certificate_are_presented_as_they_came() -> None:
    assert presented((b"x-api-key", b"mcu_a_b")) == (b"mcu_a_b", None, None)
    assert presented((b"authorization", b"Bearer x"), state={SHOWN: MINE}) == (None, b"Bearer x", MINE.thumbprint)


def test_tp3_a_key_and_a_token_together_are_refused() -> None:
    with pytest.raises(Unauthenticated, match="one proof"):
        presented((b"x-api-key", b"mcu_a_b"), (b"authorization", b"Bearer x"))


@pytest.mark.parametrize("name", [b"x-api-key", b"authorization", b"client-cert"])
def test_tp3_a_proof_that_stands_there_twice_is_refused_even_where_both_are_alike(name: bytes) -> None:
    with pytest.raises(Unauthenticated, match="twice"):
        presented((name, b"a"), (name, b"a"), proxy=PROXY, client=("10.1.2.3", 1))


def test_another_header_may_stand_there_twice() -> None:
    assert presented((b"x-api-key", b"a"), (b"cookie", b"a"), (b"cookie", b"b")).key == b"a"


@pytest.mark.parametrize("name", [b"x-api-key", b"authorization"])
def test_an_empty_proof_is_one_that_does_not_hold_and_not_none_at_all(name: bytes) -> None:
    with pytest.raises(Unauthenticated, match="empty"):
        presented((name, b""))


@pytest.mark.parametrize("name", [b"x-api-key", b"authorization"])
def test_tp3_a_giant_proof_is_refused_before_it_is_hashed(name: bytes) -> None:
    giant = b"Bearer " + b"x" * 10_000_000
    began = time.process_time()
    with pytest.raises(Unauthenticated, match="too long"):
        presented((name, giant))
    assert time.process_time() - began < 0.05


@pytest.mark.parametrize("host", ["10.1.2.3", "10.9.255.1", "fd00::1", "::ffff:10.1.2.3"])
def test_a_proxy_may_say_which_certificate_its_client_has(host: str) -> None:
    assert presented((b"client-cert", TOLD), proxy=PROXY, client=(host, 1)).certificate == certificate_of(DER).thumbprint


@pytest.mark.parametrize("client", [("10.1.2.4", 1), ("10.8.0.1", 1), ("::1", 1), ("fe80::1%eth0", 1), ("proxy", 1), ("", 1), None])
@pytest.mark.parametrize("proxy", [PROXY, None])
def test_tp3_a_certificate_header_from_anybody_else_is_refused(client: tuple[str, int] | None, proxy: ProxySettings | None) -> None:
    with pytest.raises(Unauthenticated, match="Only a proxy"):
        presented((b"client-cert", TOLD), proxy=proxy, client=client)


def test_tp3_where_no_proxy_is_set_nobody_may_say_so() -> None:
    with pytest.raises(Unauthenticated, match="Only a proxy"):
        presented((b"client-cert", TOLD), client=("127.0.0.1", 1))


def test_tp3_a_proxys_own_certificate_is_not_its_clients() -> None:
    assert presented(proxy=PROXY, client=("10.1.2.3", 1), state={SHOWN: MINE}).certificate is None


def test_a_proxy_may_use_a_header_of_another_name() -> None:
    named = ProxySettings(("10.1.2.3",), header="X-Client-Cert")
    assert presented((b"x-client-cert", TOLD), proxy=named, client=("10.1.2.3", 1)).certificate is not None


@pytest.mark.parametrize("late", [-101.0, 101.0])
def test_tp3_a_certificate_that_is_not_in_force_is_refused_however_it_came(late: float) -> None:
    presenting = Presenting(PROXY, clock=lambda: NOW + late)
    by_header: dict[str, Any] = {"headers": [(b"client-cert", TOLD)], "client": ("10.1.2.3", 1)}
    by_connection: dict[str, Any] = {"headers": [], "client": ("192.0.2.7", 1), "state": {SHOWN: MINE}}
    for scope in (by_header, by_connection):
        with pytest.raises(Unauthenticated, match=r"has expired|not in force yet"):
            presenting.presented(scope, dict(scope["headers"]))


@pytest.mark.parametrize("peer", ["proxy.example.vn", "10.1.2.3/8", "", "10.1.2"])
def test_a_peer_that_is_no_address_stops_the_start(peer: str) -> None:
    with pytest.raises(SettingsWrong, match=r"motcua\.toml: access\.proxy\.peers"):
        Presenting(ProxySettings((peer,)))


# ── whom the registry knows by it ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_key_proves_who_asks_with_all_scopes_of_the_consumer() -> None:
    door = Set(desk(STORED))
    assert await door.identities.who(key()) == Identity(desk(STORED), "key", frozenset({"citizens"}), float("inf"))


async def test_a_certificate_alone_proves_who_asks_and_is_something_that_a_browser_sends_by_itself() -> None:
    door = Set(desk(certificates=frozenset({MINE.thumbprint})))
    identity = await door.identities.who(shown())
    assert (identity.consumer.name, identity.by, identity.ambient) == ("desk", "certificate", True)
    assert await door.refusal(shown(OTHER.thumbprint)) == "The client certificate is not known"


async def test_beside_a_key_a_certificate_proves_nothing_more() -> None:
    door = Set(desk(STORED))
    identity = await door.identities.who(key()._replace(certificate=OTHER.thumbprint))
    assert (identity.by, identity.ambient) == ("key", False)


async def test_a_certificate_that_two_consumers_claim_is_nobodys() -> None:
    hexadecimal = base64.urlsafe_b64decode(MINE.thumbprint + "=").hex()
    one = desk(certificates=frozenset({MINE.thumbprint, f"sha256:{hexadecimal}"}))
    assert (await Set(one).identities.who(shown())).consumer.name == "desk"
    other = msgspec.structs.replace(one, name="other")
    assert await Set(one, other).refusal(shown()) == "The client certificate is not known"


async def test_nothing_presented_proves_nothing() -> None:
    assert "Expected a proof" in await Set().refusal(Presented(None, None, None))


@pytest.mark.parametrize("certificate", [None, OTHER.thumbprint, MINE.thumbprint.lower()], ids=["none", "another", "in small letters"])
@pytest.mark.parametrize("must", [True, False])
async def test_tp3_a_token_that_is_bound_to_a_certificate_serves_nobody_else(certificate: str | None, must: bool) -> None:  # noqa: FBT001
    door = Door(KEY.jwk(), bound=must)
    bound = token(KEY, cnf={"x5t#S256": MINE.thumbprint})
    assert (await door.identities.who(bearer(bound, MINE.thumbprint))).ambient is False
    with pytest.raises(Unauthenticated, match="bound to another client certificate"):
        await door.identities.who(bearer(bound, certificate))


@pytest.mark.parametrize("certificate", [None, MINE.thumbprint], ids=["none", "one"])
async def test_tp3_a_token_that_has_to_be_bound_and_is_not_is_refused(certificate: str | None) -> None:
    with pytest.raises(Unauthenticated, match="not bound to a certificate"):
        await Door(KEY.jwk(), bound=True).identities.who(bearer(token(KEY), certificate))
    assert (await Door(KEY.jwk()).identities.who(bearer(token(KEY), certificate))).by == "token"


CONFIRMATIONS: list[object] = [
    {}, {"jkt": "x"}, {"x5t#S256": None}, {"x5t#S256": ""}, {"x5t#S256": [MINE.thumbprint]}, {"x5t#S256": MINE.thumbprint + "="},
    {"x5t#S256": MINE.thumbprint, "jkt": "x"}, {"X5T#S256": MINE.thumbprint}, {"x5t#S256": "é" * 43}, [], "x", 1,
]  # fmt: skip


@pytest.mark.parametrize("confirmation", CONFIRMATIONS)
async def test_tp3_a_token_that_is_bound_to_what_cannot_be_checked_is_refused(confirmation: object) -> None:
    with pytest.raises(Unauthenticated, match=r"bound to something|RFC 9068"):
        await Door(KEY.jwk()).identities.who(bearer(token(KEY, cnf=confirmation), MINE.thumbprint))


async def test_a_token_of_a_client_that_another_issuer_vouches_for_is_refused() -> None:
    door = Door(KEY.jwk())
    client = msgspec.structs.replace(door.consumer.tokens[0], issuer="https://else.example.vn")
    door.registry = registry("second", msgspec.structs.replace(door.consumer, tokens=(client,)))
    with pytest.raises(Unauthenticated, match="no consumer here"):
        await door.identities.who(bearer(token(KEY)))


def test_an_issuer_stands_in_the_settings_once() -> None:
    twice = {name: IssuerSettings(ISSUER, AUDIENCE, KEYS) for name in ("a", "b")}
    with pytest.raises(SettingsWrong, match=r"motcua\.toml: access\.issuers\.b\.issuer"):
        Identities(AccessSettings(issuers=twice), lambda: registry("first"))


# ── how long that is remembered ──────────────────────────────────────────────────────────────────────────────────────────


async def test_who_was_found_is_known_for_a_minute_without_being_proved_again() -> None:
    door = Set(desk(STORED))
    assert door.identities.known(key()) is None
    found = await door.identities.who(key())
    door.now += 59.9
    assert door.identities.known(key()) is found
    door.now += 0.1
    assert door.identities.known(key()) is None
    assert await door.identities.who(key()) == found


async def test_nobody_is_known_longer_than_the_proof_holds() -> None:
    expires = datetime.fromtimestamp(NOW + 20, UTC)
    door = Set(desk(msgspec.structs.replace(STORED, expires=expires)))
    await door.identities.who(key())
    door.now += 20
    assert door.identities.known(key()) is None
    assert "expired" in await door.refusal(key())


async def test_a_token_is_known_until_it_ends_with_the_leeway() -> None:
    door = Door(KEY.jwk(), leeway_seconds=5.0)
    text = bearer(token(KEY, exp=NOW + 10))
    await door.identities.who(text)
    door.now += 14.9
    assert door.identities.known(text) is not None
    door.now += 0.2
    assert door.identities.known(text) is None
    with pytest.raises(Unauthenticated, match="expired"):
        await door.identities.who(text)


async def test_whoever_is_no_longer_in_the_registry_is_out_at_once() -> None:
    door = Set(desk(STORED))
    await door.identities.who(key())
    door.registry = registry("second")
    assert door.identities.known(key()) is None
    assert await door.refusal(key()) == "The API key is not known"


async def test_whoever_is_new_in_the_registry_is_in_at_once_though_refused_just_before() -> None:
    door = Set()
    assert await door.refusal(key()) == "The API key is not known"
    door.registry = registry("second", desk(STORED))
    assert (await door.identities.who(key())).consumer.name == "desk"


def test_a_token_that_waits_for_keys_is_judged_by_the_registry_of_the_moment_it_is_verified() -> None:
    async def scene() -> None:
        door = Door(KEY.jwk(), now=clock)
        now = clock()
        waiting = asyncio.create_task(door.identities.who(bearer(token(KEY, iat=now, exp=now + 300))))
        await asyncio.sleep(0)
        door.registry = registry("second")
        with pytest.raises(Unauthenticated, match="no consumer here"):
            await waiting

    run(scene())


async def test_what_was_refused_is_refused_again_for_five_seconds_and_each_time_by_an_error_of_its_own() -> None:
    door = Set(desk(STORED))
    wrong = key("mcu_nobody_" + "0" * 64)
    assert await door.refusal(wrong) == "The API key is not known"
    first, second = door.identities.known(wrong), door.identities.known(wrong)
    assert isinstance(first, Unauthenticated)
    assert isinstance(second, Unauthenticated)
    assert first is not second
    door.now += 5
    assert door.identities.known(wrong) is None


async def test_the_same_token_with_another_certificate_is_another_proof() -> None:
    door = Door(KEY.jwk())
    bound = token(KEY, cnf={"x5t#S256": MINE.thumbprint})
    await door.identities.who(bearer(bound, MINE.thumbprint))
    assert door.identities.known(bearer(bound, OTHER.thumbprint)) is None
    assert door.identities.known(bearer(bound)) is None


async def test_a_key_is_not_remembered_as_a_token() -> None:
    door = Set(desk(STORED))
    await door.identities.who(key())
    assert door.identities.known(Presented(None, TEXT.encode(), None)) is None


def wrong_keys(count: int) -> Iterable[Presented]:
    return (key(f"mcu_guess-{number}_{'0' * 64}") for number in range(count))


async def test_a_flood_of_wrong_keys_takes_bounded_memory_and_drives_nobody_out() -> None:
    door = Set(desk(STORED))
    found = await door.identities.who(key())
    for wrong in wrong_keys(3 * MOST_REFUSED):
        with pytest.raises(Unauthenticated):
            await door.identities.who(wrong)
    assert len(door.identities._refused) <= MOST_REFUSED
    assert door.identities.known(key()) is found


async def test_no_secret_stays_in_memory() -> None:
    door = Door(KEY.jwk())
    text = token(KEY)
    await door.identities.who(bearer(text))
    held = repr([vars(door.identities._remembered), vars(door.identities._refused)])
    assert text.decode() not in held
    assert "desk" in held


def test_tp3_ten_thousand_unknown_keys_have_the_issuer_asked_once_in_half_a_minute() -> None:
    body = token(KEY).split(b".")[1:]

    async def scene() -> None:
        door = Door(KEY.jwk(), now=clock)
        began = time.process_time()
        for guess in range(10_000):
            head = base64.urlsafe_b64encode(b'{"typ":"at+jwt","alg":"ES256","kid":"guess-%d"}' % guess).rstrip(b"=")
            with pytest.raises(Unauthenticated, match="a key that its issuer is not known to have"):
                await door.identities.who(bearer(b".".join((head, *body))))
            await asyncio.sleep(0.0029)
        assert door.fetches == 1
        assert (time.process_time() - began) / 10_000 < 0.005

    run(scene())


async def test_a_second_key_of_the_issuer_proves_as_well_as_the_first() -> None:
    door = Door(KEY.jwk(), SECOND.jwk())
    for one in (KEY, SECOND):
        assert (await door.identities.who(bearer(token(one)))).consumer.name == "desk"
