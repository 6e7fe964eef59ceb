"""Access tokens: good ones of each algorithm, and whatever somebody may try instead of one."""

import hmac
import itertools
import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from graph.access.identity import Presented
from graph.access.signing_keys import signing_keys
from graph.access.tokens import granted, taken_apart
from graph.access_settings import IssuerSettings
from graph.errors import Unauthenticated
from tests.graph.access.issuing import (
    AUDIENCE,
    CLIENT,
    ISSUER,
    KEYS,
    LEFT_OUT,
    NOW,
    Algorithm,
    Door,
    SecretKey,
    base64url,
    bearer,
    claims,
    header,
    jwks,
    signed,
    token,
)

OURS, SECOND, THEIRS = SecretKey("ours"), SecretKey("second", "EdDSA"), SecretKey("ours")
RSA = SecretKey("rsa", "RS256")
PUBLISHED = (OURS.jwk(), SECOND.jwk(), RSA.jwk())
PROCESSOR_SECONDS = 0.05
NOT_RIGHT = "is not as RFC 9068 asks"


async def refusal(presented: Presented) -> str:
    """Present something to a gateway that knows the keys already, and return the words that it is refused with; quickly, or not at all."""
    door = Door(*PUBLISHED)
    await door.identities.who(bearer(token(OURS)))
    began = time.process_time()
    with pytest.raises(Unauthenticated) as refused:
        await door.identities.who(presented)
    assert time.process_time() - began < PROCESSOR_SECONDS
    assert door.fetches == 1
    return refused.value.message


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "PS256"])
async def test_a_token_by_each_usual_algorithm_proves_who_asks(algorithm: Algorithm) -> None:
    key = SecretKey("k", algorithm)
    door = Door(key.jwk())
    identity = await door.identities.who(bearer(token(key)))
    assert (identity.consumer, identity.by, identity.ambient) == (door.consumer, "token", False)


async def test_rs256_is_believed_where_the_settings_name_it() -> None:
    door = Door(RSA.jwk(), algorithms=("RS256",))
    assert (await door.identities.who(bearer(token(RSA)))).consumer.name == "desk"


async def test_a_token_gives_only_scopes_that_its_consumer_has_too() -> None:
    door = Door(*PUBLISHED)
    assert (await door.identities.who(bearer(token(OURS)))).scopes == {"citizens"}
    assert (await door.identities.who(bearer(token(OURS, scope=LEFT_OUT)))).scopes == frozenset()


@pytest.mark.parametrize(
    "good", [{"aud": [AUDIENCE, "https://else.example.vn"]}, {"nbf": NOW}, {"exp": NOW + 3_590}, {"exp": int(NOW + 9)}]
)
async def test_what_rfc_9068_leaves_open_is_taken(good: dict[str, Any]) -> None:
    assert (await Door(*PUBLISHED).identities.who(bearer(token(OURS, **good)))).consumer.name == "desk"


@pytest.mark.parametrize("good", [{"typ": "AT+JWT"}, {"typ": "application/at+jwt"}, {"x5t": "unused"}])
async def test_a_header_may_be_written_in_other_ways_that_say_the_same(good: dict[str, Any]) -> None:
    assert (await Door(*PUBLISHED).identities.who(bearer(token(OURS, good)))).consumer.name == "desk"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "HS256", "ES384", "RS512", "Ed25519"])
async def test_tp3_no_other_algorithm_is_taken_signed_or_not(algorithm: str) -> None:
    data, _, _ = token(OURS, {"alg": algorithm}).rpartition(b".")
    expected = NOT_RIGHT if not algorithm else "not signed by an algorithm"
    assert expected in await refusal(bearer(data + b"."))
    assert expected in await refusal(bearer(token(OURS, {"alg": algorithm})))


@pytest.mark.parametrize("written", ["pem", "der", "jwk"])
async def test_tp3_the_public_key_is_no_secret_to_sign_with(written: str) -> None:
    public = OURS.secret.public_key()
    known = {
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(OURS.jwk()).encode(),
    }[written]
    data, _, _ = token(OURS, {"alg": "HS256"}).rpartition(b".")
    forged = data + b"." + base64url(hmac.digest(known, data, "sha256")).encode()
    assert "not signed by an algorithm" in await refusal(bearer(forged))


async def test_tp3_an_algorithm_that_the_settings_do_not_name_is_refused_though_its_signature_holds() -> None:
    # The key may verify PS256 too, and so is published; only the settings stand between.
    assert "not signed by an algorithm" in await refusal(bearer(token(RSA)))


async def test_tp3_a_key_verifies_only_what_it_is_for() -> None:
    assert "not signed by an algorithm" in await refusal(bearer(token(OURS, {"kid": "second"})))


def test_tp3_a_token_is_held_against_the_settings_of_its_issuer_whatever_its_key_may_verify() -> None:
    key = signing_keys(jwks(RSA.jwk()), ("RS256",))["rsa"]
    good = IssuerSettings(ISSUER, AUDIENCE, KEYS, algorithms=("RS256",))
    assert granted(taken_apart(token(RSA)), key, good, NOW).client_id == CLIENT
    with pytest.raises(Unauthenticated, match="not signed by an algorithm"):
        granted(taken_apart(token(RSA)), key, IssuerSettings(ISSUER, AUDIENCE, KEYS), NOW)
    with pytest.raises(Unauthenticated, match="another issuer"):
        granted(taken_apart(token(RSA, iss="https://else.example.vn")), key, good, NOW)


@pytest.mark.parametrize("kind", [LEFT_OUT, "JWT", "jwt", "id+jwt", "at+jwt ", "dpop+jwt", "", 1, None])
async def test_tp3_only_an_access_token_is_taken_for_one(kind: object) -> None:
    said = await refusal(bearer(token(OURS, {"typ": kind})))
    assert "not an access token" in said or NOT_RIGHT in said


@pytest.mark.parametrize(
    "audience", ["https://else.example.vn", [], ["https://else.example.vn"], "", AUDIENCE + "/", AUDIENCE.upper(), [AUDIENCE[:-1]]]
)
async def test_tp3_a_token_for_somebody_else_is_refused(audience: object) -> None:
    assert "meant for somebody else" in await refusal(bearer(token(OURS, aud=audience)))


@pytest.mark.parametrize("issuer", ["https://else.example.vn", "https://id.example.vn/", "HTTPS://ID.EXAMPLE.VN", "id"])
async def test_tp3_a_token_of_another_issuer_is_refused(issuer: str) -> None:
    assert "issuer that is not believed" in await refusal(bearer(token(OURS, iss=issuer)))


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "client_id", "jti", "exp", "iat"])
@pytest.mark.parametrize("value", [LEFT_OUT, None, "", True, [1], {"a": 1}])
async def test_tp3_a_claim_that_is_missing_or_of_another_kind_is_refused(claim: str, value: Any) -> None:
    said = await refusal(bearer(token(OURS, **{claim: value})))
    assert NOT_RIGHT in said or (claim == "aud" and value == "" and "meant for somebody else" in said)


NO_TIMES = (b"1e999", b"9" * 400, b"9" * 5_000, b"NaN", b"Infinity", b'"1800000100"')


@pytest.mark.parametrize(("claim", "value"), [*itertools.product(("exp", "iat", "nbf"), NO_TIMES), ("exp", b"-1e999"), ("iat", b"-1e999")])
async def test_tp3_a_time_that_is_none_is_refused(claim: str, value: bytes) -> None:
    body = json.dumps(claims(**{claim: "HERE"})).encode().replace(b'"HERE"', value)
    said = await refusal(bearer(signed(OURS, header(OURS), body)))
    assert re.search("not a JSON object|not as RFC 9068 asks|lives too long|issued in the future|not in force yet|has expired", said)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"iat": NOW - 300, "exp": NOW - 30}, "has expired"),
        ({"iat": NOW - 300, "exp": NOW - 29}, None),
        ({"iat": NOW + 31}, "issued in the future"),
        ({"iat": NOW + 30}, None),
        ({"nbf": NOW + 31}, "not in force yet"),
        ({"nbf": NOW + 30}, None),
        ({"exp": NOW + 3_591}, "lives too long"),
        ({"iat": NOW - 10_000}, "lives too long"),
        ({"iat": NOW + 20, "exp": NOW + 10}, "lives too long"),
    ],
)
async def test_tp3_clocks_may_differ_by_the_leeway_and_no_more(changed: dict[str, Any], expected: str | None) -> None:
    presented = bearer(token(OURS, **changed))
    if expected is None:
        assert (await Door(*PUBLISHED).identities.who(presented)).consumer.name == "desk"
    else:
        assert expected in await refusal(presented)


@pytest.mark.parametrize("kid", [LEFT_OUT, "", None, 7, ["ours"], "k" * 257])
async def test_tp3_a_token_that_names_no_key_is_refused(kid: object) -> None:
    assert NOT_RIGHT in await refusal(bearer(token(OURS, {"kid": kid})))


async def test_tp3_a_token_that_names_an_unknown_key_is_refused() -> None:
    # "../ours" and SQL are names like any other: they are looked up, never followed.
    for kid in ("other", "../ours", "ours\u0000", "' or 1=1", "\ud800"):
        assert "a key that its issuer is not known to have" in await refusal(bearer(token(OURS, {"kid": kid})))


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"])
async def test_tp3_a_token_does_not_say_how_it_is_to_be_verified(name: str) -> None:
    brought = {"jwk": THEIRS.jwk(), "jku": "https://thief.example/jwks", "x5u": "https://thief.example/c", "x5c": ["MII"], "crit": ["exp"]}
    for key in (THEIRS, OURS):
        assert f"may not hold {name}" in await refusal(bearer(token(key, {name: brought.get(name, False)})))


async def test_tp3_somebody_elses_signature_by_a_key_of_the_same_name_does_not_hold() -> None:
    assert "signature does not hold" in await refusal(bearer(token(THEIRS)))


def _der(data: bytes) -> bytes:
    assert isinstance(OURS.secret, ec.EllipticCurvePrivateKey)
    return OURS.secret.sign(data, ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(
    "sign", [_der, lambda _: bytes(64), lambda _: b"", lambda data: OURS.sign(data)[:-1], lambda data: OURS.sign(data) + b"\0"]
)
async def test_tp3_what_is_no_signature_does_not_hold(sign: Callable[[bytes], bytes]) -> None:
    data, _, _ = token(OURS).rpartition(b".")
    assert "signature does not hold" in await refusal(bearer(data + b"." + base64url(sign(data)).encode()))


async def test_tp3_a_token_changed_in_any_one_letter_is_refused() -> None:
    door, good = Door(*PUBLISHED), token(OURS)
    await door.identities.who(bearer(good))
    for at in range(len(good)):
        changed = b"A" if good[at : at + 1] != b"A" else b"B"
        with pytest.raises(Unauthenticated):
            await door.identities.who(bearer(good[:at] + changed + good[at + 1 :]))
    assert door.fetches == 1


@pytest.mark.parametrize("text", [b"", b".", b"..", b"....", b"a.b", b"a.b.c.d.e", b"." * 8_000, b"x" * 1_000_000, token(OURS) + b".x"])
async def test_tp3_what_does_not_look_like_a_token_is_refused(text: bytes) -> None:
    said = await refusal(bearer(text))
    assert "not well formed" in said or "not a JSON object" in said


async def test_tp3_a_giant_token_is_refused_before_it_is_read() -> None:
    giant = token(OURS, padding="x" * 7_000)
    assert len(giant) > 8_192
    assert "at most 8192 bytes" in await refusal(bearer(giant))


@pytest.mark.parametrize("change", [b"=", b"+", b"/", b" ", b"\n", b"\xff", "ể".encode(), b"%3D"])
@pytest.mark.parametrize("part", [0, 1, 2])
async def test_tp3_a_part_that_is_not_base64url_is_refused(part: int, change: bytes) -> None:
    parts = token(OURS).split(b".")
    parts[part] += change
    said = await refusal(bearer(b".".join(parts)))
    assert "not base64url" in said


@pytest.mark.parametrize(
    "written",
    [
        b"\xff\xfe{}",
        b"[]",
        b'"at+jwt"',
        b"null",
        b"",
        b"{",
        b"[" * 4_000,
        b'{"a":' * 800,
        b"\xef\xbb\xbf{}",
        '{"kid":"ể"}'.encode("utf-16"),
    ],
)
async def test_tp3_what_is_no_json_object_in_utf_8_is_refused(written: bytes) -> None:
    assert "header is not a JSON object" in await refusal(bearer(signed(OURS, written, claims())))
    assert "payload is not a JSON object" in await refusal(bearer(signed(OURS, header(OURS), written)))


async def test_tp3_a_member_that_stands_there_twice_is_refused_wherever_it_stands() -> None:
    head, body = json.dumps(header(OURS)).encode(), json.dumps(claims()).encode()
    twice = head.replace(b"{", b'{"alg": "none", ', 1)
    assert "a member stands in it twice" in await refusal(bearer(signed(OURS, twice, claims())))
    for more in (b'{"aud": "https://else.example.vn", ', b'{"cnf": {"x5t#S256": "a", "x5t#S256": "b"}, ', b'{"\\u0061ud": "x", '):
        assert "a member stands in it twice" in await refusal(bearer(signed(OURS, head, body.replace(b"{", more, 1))))


@pytest.mark.parametrize("scheme", [b"Basic ", b"DPoP ", b"Bearer", b"", b"Bearer\t", b"Token "])
async def test_tp3_only_bearer_tokens_are_read(scheme: bytes) -> None:
    assert "Expected Authorization: Bearer" in await refusal(Presented(None, scheme + token(OURS), None))


async def test_no_refusal_quotes_what_was_sent() -> None:
    secret = "leaked-099085000002"
    changes: list[dict[str, Any]] = [{name: secret} for name in ("iss", "aud", "exp", "nbf", "cnf", "client_id")]
    for changed in [*changes, {"jti": [secret]}, {"cnf": {secret: secret}}, {"cnf": {"x5t#S256": secret}}]:
        assert secret not in await refusal(bearer(token(OURS, **changed)))
    for head in ({"alg": secret}, {"typ": secret}, {"kid": secret}, {secret: 1, "crit": [secret]}):
        assert secret not in await refusal(bearer(token(OURS, head)))


async def test_a_token_of_a_client_that_is_no_consumer_is_refused() -> None:
    assert "no consumer here" in await refusal(bearer(token(OURS, client_id="somebody")))
