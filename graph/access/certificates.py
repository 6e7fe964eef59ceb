"""Client certificates: what is known of one that was shown, by TLS or by a proxy in front, and how the registry names it."""

import base64
import binascii
import hashlib
import re
from functools import lru_cache
from typing import Final, NamedTuple

from cryptography import x509

from graph.errors import Unauthenticated

# Where in the state of an ASGI scope the certificate of a connection stands (graph.access.tls puts it there).
SHOWN: Final = "motcua.certificate"
# A key of 8,192 bits and a page of names stay far below it.
LONGEST_HEADER: Final = 16_384
THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")
HEX: Final = re.compile(r"(?:sha256:)?((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})", re.IGNORECASE)
# RFC 9440 writes a certificate as a byte sequence of RFC 8941: base64 of its DER between colons.
BYTE_SEQUENCE: Final = re.compile(rb":([A-Za-z0-9+/]+={0,2}):")


class Certificate(NamedTuple):
    """What is kept of a certificate: the SHA-256 of its DER as base64url, and from when until when it is in force (seconds since 1970)."""

    thumbprint: str
    begins: float
    ends: float


def certificate_of(der: bytes) -> Certificate:
    """Read a certificate; Unauthenticated where it is none."""
    try:
        read = x509.load_der_x509_certificate(der)
        begins, ends = read.not_valid_before_utc, read.not_valid_after_utc
    except ValueError:
        raise Unauthenticated("The client certificate cannot be read; expected X.509 in DER") from None
    return Certificate(_base64url(hashlib.sha256(der).digest()), begins.timestamp(), ends.timestamp())


@lru_cache(maxsize=1_024)
def certificate_in(header: bytes) -> Certificate:
    """Read what a proxy says of its client (RFC 9440); Unauthenticated where it is not written so."""
    written = BYTE_SEQUENCE.fullmatch(header) if len(header) <= LONGEST_HEADER else None
    try:
        der = base64.b64decode(written[1], validate=True) if written else b""
    except binascii.Error:
        der = b""
    if not der:
        raise Unauthenticated("The header with the client certificate is not well formed; expected :<base64 of its DER>: (RFC 9440)")
    return certificate_of(der)


def thumbprint_in_force(certificate: Certificate, now: float) -> str:
    """Return the thumbprint of a certificate that is in force; Unauthenticated where it is not.

    TLS looks at the dates when a connection begins; connections last, and a proxy may look at none.
    """
    if now < certificate.begins:
        raise Unauthenticated("The client certificate is not in force yet")
    if now > certificate.ends:
        raise Unauthenticated("The client certificate has expired")
    return certificate.thumbprint


def thumbprint_named(text: str) -> str | None:
    """Read a thumbprint as people write it, base64url or (`sha256:` and) hexadecimal digits, as base64url; None where it is none."""
    if written := HEX.fullmatch(text):
        return _base64url(bytes.fromhex(written[1].replace(":", "")))
    return text if THUMBPRINT.fullmatch(text) else None


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
