"""TLS at our own door: the certificate that we show, whose certificates we take, and which one each client showed."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import uvicorn
from cryptography import x509
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from graph.access.certificates import SHOWN, Certificate, certificate_of
from graph.access_settings import TlsSettings
from graph.errors import SettingsWrong

WANTED: Final = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


class ShowingCertificate(HttpToolsProtocol):
    """A connection that tells the application which certificate its client showed: uvicorn itself knows, and does not say."""

    _shown: Certificate | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn's own
        """Read the certificate once for all requests of the connection; TLS has verified it already."""
        super().connection_made(transport)
        connection = transport.get_extra_info("ssl_object")
        der = None if connection is None else connection.getpeercert(binary_form=True)
        self._shown = None if der is None else certificate_of(der)

    def on_message_begin(self) -> None:
        """Add it to the scope of each request, where no client can write."""
        super().on_message_begin()
        if self._shown is not None:
            self.scope["state"][SHOWN] = self._shown


def tls_options(tls: TlsSettings | None, file: Path) -> dict[str, Any]:
    """Make what `uvicorn.Config` takes, with TLS or without it; `file` is that of the settings, beside which certificates stand."""
    if tls is None:
        return {"http": "httptools"}
    context = tls_context(tls, file)

    def factory(_config: uvicorn.Config, _usual: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        return context

    return {"http": ShowingCertificate, "ssl_context_factory": factory}


def tls_context(tls: TlsSettings, file: Path) -> ssl.SSLContext:
    """Make what connections are taken with, TLS 1.2 or newer; SettingsWrong where a file cannot serve."""
    where, folder = f"{file}: gateway.tls", file.parent
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    _check_in_force(f"{where}.certificate", folder / tls.certificate, datetime.now(UTC))
    try:
        # A key that wants a password is refused: without one given here, OpenSSL would ask for it at the terminal and wait.
        context.load_cert_chain(folder / tls.certificate, folder / tls.key, password="")
    except (ssl.SSLError, OSError):
        raise SettingsWrong(
            f"{where}.key: cannot be used; expected the key, in PEM and without a password, of gateway.tls.certificate"
        ) from None
    _trust_clients(f"{where}.client_ca", context, tls, folder)
    return context


def _check_in_force(where: str, certificate: Path, now: datetime) -> None:
    try:
        own = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    except (OSError, ValueError):
        raise SettingsWrong(f"{where}: cannot be read; expected our certificate with its chain, in PEM") from None
    if not own.not_valid_before_utc <= now <= own.not_valid_after_utc:
        days = f"{own.not_valid_before_utc:%Y-%m-%d} to {own.not_valid_after_utc:%Y-%m-%d}"
        raise SettingsWrong(f"{where}: is in force from {days} only; expected one that is in force now")


def _trust_clients(where: str, context: ssl.SSLContext, tls: TlsSettings, folder: Path) -> None:
    if (tls.client == "none") != (tls.client_ca is None):
        raise SettingsWrong(f'{where}: expected with client = "optional" or "required", and only then: who vouches for clients')
    if tls.client_ca is not None:
        try:
            context.load_verify_locations(folder / tls.client_ca)
        except (ssl.SSLError, OSError):
            raise SettingsWrong(f"{where}: cannot be used; expected certificates in PEM of who vouches for clients") from None
    context.verify_mode = WANTED[tls.client]
