"""TLS at our own door, over real connections as the gateway takes them: which certificate each client showed."""

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
import trustme
import uvicorn
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from starlette.types import Receive, Scope, Send

from graph.access.certificates import certificate_of
from graph.access.identity import Presenting
from graph.access.tls import ShowingCertificate, tls_context, tls_options
from graph.access_settings import ProxySettings, TlsSettings
from graph.errors import SettingsWrong, Unauthenticated

Client = Literal["none", "optional", "required"]
DAY = timedelta(days=1)
FILE = "motcua.toml"


class Office:
    """Who vouches for us, who vouches for clients, and files with what they issued."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ours, self.clients, self.strangers = trustme.CA(), trustme.CA(), trustme.CA()
        self.clients.cert_pem.write_to_path(folder / "clients.pem")
        self.issue(self.ours, "server", "127.0.0.1")
        self.issue(self.clients, "desk", "desk.example.vn")
        self.issue(self.strangers, "stranger", "desk.example.vn")
        now = datetime.now(UTC)
        self.issue(self.ours, "over", "127.0.0.1", not_before=now - 9 * DAY, not_after=now - DAY)
        self.issue(self.clients, "desk-over", "desk.example.vn", not_before=now - 9 * DAY, not_after=now - DAY)

    def issue(self, by: trustme.CA, name: str, host: str, **dates: Any) -> None:
        issued = by.issue_cert(host, **dates)
        (self.folder / f"{name}.pem").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(self.folder / f"{name}.key")

    def settings(self, client: Client = "none") -> TlsSettings:
        return TlsSettings("server.pem", "server.key", None if client == "none" else "clients.pem", client)

    def thumbprint(self, name: str) -> str:
        read = x509.load_pem_x509_certificate((self.folder / f"{name}.pem").read_bytes())
        return certificate_of(read.public_bytes(Encoding.DER)).thumbprint

    def client(self, certificate: str | None = None) -> httpx.AsyncClient:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.ours.configure_trust(context)
        if certificate is not None:
            context.load_cert_chain(self.folder / f"{certificate}.pem", self.folder / f"{certificate}.key")
        return httpx.AsyncClient(verify=context, trust_env=False)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def telling(presenting: Presenting) -> Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]:
    """Make an application that answers with what each request presents."""

    async def application(scope: Scope, _receive: Receive, send: Send) -> None:
        try:
            told: Any = presenting.presented(scope, dict(scope["headers"])).certificate
        except Unauthenticated as refused:
            told = {"refused": refused.message}
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})

    return application


@contextlib.asynccontextmanager
async def running(options: dict[str, Any], presenting: Presenting | None = None) -> AsyncIterator[int]:
    """Run uvicorn as the gateway does, on a free port."""
    config = uvicorn.Config(telling(presenting or Presenting(None)), lifespan="off", log_config=None, access_log=False, **options)
    config.load()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup([listener])
        try:
            yield listener.getsockname()[1]
        finally:
            await server.shutdown([listener])


def on_uvloop(scene: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scene)


def test_the_certificate_that_a_client_shows_is_in_each_request_of_its_connection(office: Office) -> None:
    async def scene() -> None:
        async with running(tls_options(office.settings("optional"), office.folder / FILE)) as port, office.client("desk") as client:
            for _ in range(3):
                assert (await client.get(f"https://127.0.0.1:{port}/")).json() == office.thumbprint("desk")

    on_uvloop(scene())


def test_a_client_without_a_certificate_presents_none_where_it_need_not(office: Office) -> None:
    async def scene() -> None:
        for client in ("none", "optional"):
            async with running(tls_options(office.settings(client), office.folder / FILE)) as port, office.client() as without:
                assert (await without.get(f"https://127.0.0.1:{port}/")).json() is None

    on_uvloop(scene())


@pytest.mark.parametrize("certificate", [None, "stranger", "desk-over"])
def test_a_client_without_a_good_certificate_is_not_let_in_where_each_must_show_one(office: Office, certificate: str | None) -> None:
    async def scene() -> None:
        async with running(tls_options(office.settings("required"), office.folder / FILE)) as port, office.client(certificate) as client:
            with pytest.raises(httpx.TransportError):
                await client.get(f"https://127.0.0.1:{port}/")

    on_uvloop(scene())


def test_a_bad_certificate_is_not_let_in_where_none_is_needed(office: Office) -> None:
    async def scene() -> None:
        async with running(tls_options(office.settings("optional"), office.folder / FILE)) as port, office.client("stranger") as client:
            with pytest.raises(httpx.TransportError):
                await client.get(f"https://127.0.0.1:{port}/")

    on_uvloop(scene())


def test_without_client_certificates_none_is_asked_for_and_none_is_seen(office: Office) -> None:
    async def scene() -> None:
        async with running(tls_options(office.settings(), office.folder / FILE)) as port, office.client("stranger") as client:
            assert (await client.get(f"https://127.0.0.1:{port}/")).json() is None

    on_uvloop(scene())


def test_tp3_no_header_of_a_client_can_take_the_place_of_its_certificate(office: Office) -> None:
    async def scene() -> None:
        async with running(tls_options(office.settings("optional"), office.folder / FILE)) as port, office.client("desk") as client:
            answer = await client.get(f"https://127.0.0.1:{port}/", headers={"client-cert": ":TUk=:", "state": "x"})
            assert "Only a proxy" in answer.json()["refused"]

    on_uvloop(scene())


def test_a_connection_of_a_proxy_over_tls_speaks_for_its_clients_and_not_for_itself(office: Office) -> None:
    async def scene() -> None:
        presenting = Presenting(ProxySettings(("127.0.0.1",)))
        async with (
            running(tls_options(office.settings("required"), office.folder / FILE), presenting) as port,
            office.client("desk") as client,
        ):
            assert (await client.get(f"https://127.0.0.1:{port}/")).json() is None

    on_uvloop(scene())


def test_without_tls_nothing_changes() -> None:
    async def scene() -> None:
        async with running(tls_options(None, Path(FILE))) as port, httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"http://127.0.0.1:{port}/")).json() is None

    on_uvloop(scene())


def test_what_tells_the_certificate_works_without_tls_too() -> None:
    async def scene() -> None:
        async with running({"http": ShowingCertificate}) as port, httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"http://127.0.0.1:{port}/")).json() is None

    on_uvloop(scene())


def test_nothing_older_than_tls_1_2_is_spoken(office: Office) -> None:
    assert tls_context(office.settings(), office.folder / FILE).minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (TlsSettings("gone.pem", "server.key"), "certificate: cannot be read"),
        (TlsSettings("server.key", "server.key"), "certificate: cannot be read"),
        (TlsSettings("server.pem", "gone.key"), "key: cannot be used"),
        (TlsSettings("server.pem", "desk.key"), "key: cannot be used"),
        (TlsSettings("over.pem", "over.key"), "certificate: is in force from"),
        (TlsSettings("server.pem", "server.key", "clients.pem"), "client_ca: expected with client"),
        (TlsSettings("server.pem", "server.key", None, "required"), "client_ca: expected with client"),
        (TlsSettings("server.pem", "server.key", "gone.pem", "required"), "client_ca: cannot be used"),
        (TlsSettings("server.pem", "server.key", "server.key", "optional"), "client_ca: cannot be used"),
    ],
)
def test_files_that_cannot_serve_stop_the_start_and_are_named(office: Office, wrong: TlsSettings, expected: str) -> None:
    with pytest.raises(SettingsWrong, match=rf"motcua\.toml: gateway\.tls\.{expected}"):
        tls_options(wrong, office.folder / FILE)
