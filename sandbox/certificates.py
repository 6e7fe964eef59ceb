"""The certificates of the sandbox: an authority of its own, and what it vouches for, made anew where there is nothing usable."""

import os
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_AUTHORITY: Final = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Motcua sandbox authority")])
_DAY: Final = timedelta(days=1)
_SHORTLY: Final = timedelta(hours=1)


class Certificates(NamedTuple):
    """The files in a folder: whom to trust, what a server shows, the same when it has expired, and what a client shows."""

    ca: Path
    server: Path
    server_key: Path
    expired: Path
    client: Path
    client_key: Path


def certificates_in(folder: Path) -> Certificates:
    """Find the certificates in a folder, or write them there; OSError where that cannot be done.

    What is there stays, so that whoever trusts it need not be told again after a restart.
    """
    names = ("ca.pem", "server.pem", "server.key", "expired.pem", "client.pem", "client.key")
    found = Certificates(*(folder / name for name in names))
    if not _are_usable(found):
        folder.mkdir(parents=True, exist_ok=True)
        _write(found)
    return found


def server_context(certificates: Certificates, *, expired: bool = False, require_client_certificate: bool = False) -> ssl.SSLContext:
    """Say how a server speaks TLS with these certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.expired if expired else certificates.server, certificates.server_key)
    # Whoever resumes a session sees no certificate, hence never one that has expired meanwhile.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    if require_client_certificate:
        context.load_verify_locations(certificates.ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _are_usable(certificates: Certificates) -> bool:
    if not all(file.is_file() for file in certificates):
        return False
    try:
        server = x509.load_pem_x509_certificate(certificates.server.read_bytes())
    except ValueError:
        return False
    return server.not_valid_after_utc > datetime.now(UTC) + _DAY


def _write(certificates: Certificates) -> None:
    now = datetime.now(UTC)
    authority, server, client = (generate_private_key(SECP256R1()) for _ in range(3))
    of_server = _subject("localhost", server, ExtendedKeyUsageOID.SERVER_AUTH)
    of_client = _subject("motcua", client, ExtendedKeyUsageOID.CLIENT_AUTH)
    certificates.ca.write_bytes(_signed(_root(authority), authority, now - _DAY, now + 3650 * _DAY))
    certificates.server.write_bytes(_signed(of_server, authority, now - _DAY, now + 365 * _DAY))
    certificates.expired.write_bytes(_signed(of_server, authority, now - 30 * _DAY, now - _SHORTLY))
    certificates.client.write_bytes(_signed(of_client, authority, now - _DAY, now + 365 * _DAY))
    _write_key(certificates.server_key, server)
    _write_key(certificates.client_key, client)


def _root(key: EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_AUTHORITY)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _subject(name: str, key: EllipticCurvePrivateKey, purpose: x509.ObjectIdentifier) -> x509.CertificateBuilder:
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    if name == "localhost":
        names.append(x509.IPAddress(IPv4Address("127.0.0.1")))
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .public_key(key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    )


def _signed(builder: x509.CertificateBuilder, authority: EllipticCurvePrivateKey, begin: datetime, end: datetime) -> bytes:
    certificate = (
        builder.issuer_name(_AUTHORITY)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        .sign(authority, SHA256())
    )
    return certificate.public_bytes(Encoding.PEM)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(file: Path, key: EllipticCurvePrivateKey) -> None:
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
