"""Client certificates: read from DER, from the header of a proxy, and as the registry names them."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from graph.access.certificates import certificate_in, certificate_of, thumbprint_in_force, thumbprint_named
from graph.errors import Unauthenticated

BEGINS, ENDS = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
AUTHORITY = trustme.CA()


def der(*, begins: datetime = BEGINS, ends: datetime = ENDS) -> bytes:
    issued = AUTHORITY.issue_cert("desk.example.vn", not_before=begins, not_after=ends)
    return x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes()).public_bytes(Encoding.DER)


GOOD = der()
THUMBPRINT = base64.urlsafe_b64encode(hashlib.sha256(GOOD).digest()).rstrip(b"=").decode()
HEADER = b":" + base64.b64encode(GOOD) + b":"


def test_of_a_certificate_the_thumbprint_and_its_time_are_kept() -> None:
    assert certificate_of(GOOD) == (THUMBPRINT, BEGINS.timestamp(), ENDS.timestamp())


def test_a_certificate_in_a_header_is_the_same_as_in_a_connection() -> None:
    assert certificate_in(HEADER) == certificate_of(GOOD)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"::",
        b":AA=:",
        HEADER[1:],
        HEADER[:-1],
        HEADER + b";a=1",
        HEADER + b", " + HEADER,
        b" " + HEADER,
        HEADER.replace(b"M", b"-", 1),
        HEADER[:40] + b"\n" + HEADER[40:],
        HEADER[:-2] + b"\xff:",
        b":" + b"A" * 20_000 + b":",
        base64.b64encode(GOOD),
        b"-----BEGIN CERTIFICATE-----",
    ],
)
def test_a_header_that_is_not_written_as_rfc_9440_asks_is_refused(header: bytes) -> None:
    with pytest.raises(Unauthenticated, match=r"RFC 9440"):
        certificate_in(header)


@pytest.mark.parametrize("written", [b"\x30\x00", GOOD[:-1], GOOD[1:], GOOD + b"\0", b"hello", bytes(1_000)])
def test_what_is_no_certificate_is_refused(written: bytes) -> None:
    with pytest.raises(Unauthenticated, match="cannot be read"):
        certificate_of(written)
    with pytest.raises(Unauthenticated, match="cannot be read"):
        certificate_in(b":" + base64.b64encode(written) + b":")


def test_a_certificate_counts_from_its_first_to_its_last_second() -> None:
    known = certificate_of(GOOD)
    for inside in (BEGINS, ENDS, BEGINS + timedelta(days=90)):
        assert thumbprint_in_force(known, inside.timestamp()) == THUMBPRINT
    with pytest.raises(Unauthenticated, match="not in force yet"):
        thumbprint_in_force(known, BEGINS.timestamp() - 1)
    with pytest.raises(Unauthenticated, match="has expired"):
        thumbprint_in_force(known, ENDS.timestamp() + 1)


def test_the_registry_may_write_a_thumbprint_in_either_way() -> None:
    digits = hashlib.sha256(GOOD).hexdigest()
    as_openssl_prints_it = ":".join(digits[at : at + 2] for at in range(0, 64, 2)).upper()
    for text in (
        THUMBPRINT,
        digits,
        f"sha256:{digits}",
        f"SHA256:{digits.upper()}",
        as_openssl_prints_it,
        f"sha256:{as_openssl_prints_it}",
    ):
        assert thumbprint_named(text) == THUMBPRINT


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha256:" + "0" * 63, "0" * 66, "sha1:" + "0" * 64, "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "é"]
)
def test_what_is_no_thumbprint_is_not_read_as_one(text: str) -> None:
    assert thumbprint_named(text) is None
