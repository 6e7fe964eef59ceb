"""Whom we trust and how we prove who we are: certificates for the lines to the systems, checked before any line is opened.

Certificates are always verified, and nothing older than TLS 1.2 is spoken; there is no setting that turns either off.
"""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509

from graph.errors import SettingsWrong


class Certificates(NamedTuple):
    """Paths of files in PEM: who vouches for the other side, and our own certificate with its key; None where the usual holds."""

    authorities: str | None = None
    own: str | None = None
    key: str | None = None


USUAL = Certificates()


def trust(certificates: Certificates = USUAL) -> ssl.SSLContext:
    """Make what a line is opened with: the named authorities in place of the machine's own, and our certificate where there is one."""
    context = ssl.create_default_context(cafile=certificates.authorities)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificates.own is not None:
        # A key that wants a password is refused: without one given here, OpenSSL would ask for it at the terminal and wait.
        context.load_cert_chain(certificates.own, certificates.key, password="")
    return context


def checked(where: str, folder: Path, certificates: Certificates, *, encrypted: bool, now: datetime | None = None) -> Certificates:
    """Find the files, relative to `folder`, and try them; SettingsWrong where one cannot serve. `where` is the file and the section."""
    if certificates != USUAL and not encrypted:
        raise SettingsWrong(f"{where}: has certificates and no address that uses them; expected one that begins with https://")
    if certificates.key is not None and certificates.own is None:
        raise SettingsWrong(f"{where}.client_key: stands without client_certificate; expected both, or none")
    found = Certificates(*(None if path is None else str(folder / path) for path in certificates))
    if found.authorities is not None:
        _read(f"{where}.ca_file", found.authorities, "the certificates of who vouches for the system")
        _tried(f"{where}.ca_file", Certificates(found.authorities), "certificates in PEM")
    if found.own is not None:
        mine = _read(f"{where}.client_certificate", found.own, "our own certificate")
        _in_force(f"{where}.client_certificate", mine, now or datetime.now(UTC))
        if found.key is not None:
            _read(f"{where}.client_key", found.key, "the key of our own certificate")
        key = "client_certificate" if found.key is None else "client_key"
        _tried(f"{where}.{key}", found, "the key, in PEM and without a password, that belongs to client_certificate")
    return found


def _read(where: str, path: str, expected: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingsWrong(f"{where}: {path} cannot be read ({error.strerror}); expected {expected}") from None


def _tried(where: str, certificates: Certificates, expected: str) -> None:
    try:
        trust(certificates)
    except (ssl.SSLError, OSError):
        raise SettingsWrong(f"{where}: cannot be used; expected {expected}") from None


def _in_force(where: str, pem: bytes, now: datetime) -> None:
    """Look at the dates of our own certificate, the first in its file."""
    try:
        own = x509.load_pem_x509_certificates(pem)[0]
    except ValueError:
        raise SettingsWrong(f"{where}: holds no certificate; expected our own, in PEM") from None
    if now > own.not_valid_after_utc:
        raise SettingsWrong(f"{where}: expired on {own.not_valid_after_utc:%Y-%m-%d}; expected one that is in force")
    if now < own.not_valid_before_utc:
        raise SettingsWrong(f"{where}: is not in force before {own.not_valid_before_utc:%Y-%m-%d}; expected one that is")
