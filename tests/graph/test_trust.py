"""Whom a line trusts and how it proves who we are: right and wrong authorities, certificates that are over, and files that will not do."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
import trustme

from graph.errors import SettingsWrong, SystemUnavailable
from graph.settings import load_settings
from graph.system_settings import SystemSettings
from graph.trust import Certificates, trust
from graph.upstream.connection import Upstream
from graph.upstream.system import NoOptions
from tests.graph.routed import Row
from tests.lines import REGISTER

ANSWER = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"MA": "1"}'
YESTERDAY = datetime.now(UTC) - timedelta(days=1)
Client = Literal["pool", "httpx"]
both_clients = pytest.mark.parametrize("client", ["pool", "httpx"])


class Office:
    """An agency's authority and ours, and files with what they issued."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.theirs, self.ours = trustme.CA(), trustme.CA()
        self.file("theirs.pem", self.theirs.cert_pem)
        self.file("ours.pem", self.ours.cert_pem)
        self.issue("mine", self.ours.issue_cert("motcua.example"))
        self.issue("over", self.ours.issue_cert("motcua.example", not_before=YESTERDAY - timedelta(days=9), not_after=YESTERDAY))
        self.issue("early", self.ours.issue_cert("motcua.example", not_before=datetime.now(UTC) + timedelta(days=9)))

    def file(self, name: str, blob: trustme.Blob) -> None:
        blob.write_to_path(self.folder / name)

    def issue(self, name: str, issued: trustme.LeafCert) -> None:
        self.file(f"{name}.pem", issued.cert_chain_pems[0])
        self.file(f"{name}.key", issued.private_key_pem)

    def server(self, *, expired: bool = False, wants_ours: bool = False) -> ssl.SSLContext:
        """Make what the agency takes connections with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.theirs.issue_cert("127.0.0.1", not_after=YESTERDAY if expired else None).configure_cert(context)
        if wants_ours:
            context.verify_mode = ssl.CERT_REQUIRED
            self.ours.configure_trust(context)
        return context

    def settings(self, port: int, **keys: str) -> SystemSettings:
        """Load the settings of a system at that port, as they stand in a file."""
        lines = [f'{key} = "{value}"' for key, value in {"url": f"https://127.0.0.1:{port}", "token": "env:T", **keys}.items()]
        file = self.folder / "motcua.toml"
        file.write_text("\n".join(["[systems.register]", *lines]), "utf-8")
        return load_settings(file, environment={"T": "t"}).systems["register"]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return Office(tmp_path_factory.mktemp("office"))


@contextlib.asynccontextmanager
async def agency(server: ssl.SSLContext) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Answer every request, and note what arrived."""
    heads: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(ANSWER)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0, ssl=server) as listening:
        yield listening.sockets[0].getsockname()[1], heads


async def asked(settings: SystemSettings) -> object:
    async with Upstream(REGISTER, settings, options=NoOptions()) as upstream:
        return await upstream.get("/rows", {}, returns=Row)


@both_clients
async def test_the_authority_in_the_settings_is_trusted(office: Office, client: Client) -> None:
    async with agency(office.server()) as (port, _):
        assert await asked(office.settings(port, client=client, ca_file="theirs.pem")) == Row(code="1")


@both_clients
@pytest.mark.parametrize(("expired", "authority"), [(False, "ours.pem"), (False, None), (True, "theirs.pem")])
async def test_nothing_is_sent_to_who_is_not_vouched_for_now(
    office: Office, client: Client, authority: str | None, *, expired: bool
) -> None:
    keys = {} if authority is None else {"ca_file": authority}
    async with agency(office.server(expired=expired)) as (port, heads):
        with pytest.raises(SystemUnavailable, match="cannot be reached"):
            await asked(office.settings(port, client=client, **keys))

    assert not heads


@both_clients
async def test_our_own_certificate_opens_the_door_and_without_it_the_door_stays_shut(office: Office, client: Client) -> None:
    async with agency(office.server(wants_ours=True)) as (port, heads):
        mine = office.settings(port, client=client, ca_file="theirs.pem", client_certificate="mine.pem", client_key="mine.key")
        assert await asked(mine) == Row(code="1")
        with pytest.raises(SystemUnavailable):
            await asked(office.settings(port, client=client, ca_file="theirs.pem"))

    assert len(heads) == 1


async def test_a_key_may_stand_in_the_file_of_its_certificate(office: Office) -> None:
    (office.folder / "both.pem").write_text((office.folder / "mine.key").read_text() + (office.folder / "mine.pem").read_text())
    async with agency(office.server(wants_ours=True)) as (port, _):
        assert await asked(office.settings(port, ca_file="theirs.pem", client_certificate="both.pem")) == Row(code="1")


@both_clients
async def test_nothing_older_than_tls_1_2_is_spoken(office: Office, client: Client) -> None:
    server = office.server()
    with pytest.warns(DeprecationWarning, match="deprecated"):
        server.minimum_version = server.maximum_version = ssl.TLSVersion.TLSv1_1
    server.set_ciphers("ALL:@SECLEVEL=0")
    async with agency(server) as (port, heads):
        with pytest.raises(SystemUnavailable, match="cannot be reached"):
            await asked(office.settings(port, client=client, ca_file="theirs.pem"))

    assert not heads
    assert trust().minimum_version is ssl.TLSVersion.TLSv1_2
    assert trust().verify_mode is ssl.CERT_REQUIRED
    assert trust().check_hostname


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"ca_file": "none.pem"}, "ca_file: .*none.pem cannot be read .*; expected the certificates of who vouches"),
        ({"ca_file": "mine.key"}, "ca_file: cannot be used; expected certificates in PEM"),
        ({"client_certificate": "none.pem"}, "client_certificate: .*none.pem cannot be read .*; expected our own certificate"),
        ({"client_certificate": "mine.key"}, "client_certificate: holds no certificate; expected our own, in PEM"),
        ({"client_certificate": "mine.pem"}, "client_certificate: cannot be used; expected the key"),
        ({"client_certificate": "mine.pem", "client_key": "none.key"}, "client_key: .*none.key cannot be read"),
        ({"client_certificate": "mine.pem", "client_key": "over.key"}, "client_key: cannot be used; expected the key"),
        ({"client_certificate": "mine.pem", "client_key": "locked.key"}, "client_key: cannot be used; expected .*without a password"),
        (
            {"client_certificate": "over.pem", "client_key": "over.key"},
            f"client_certificate: expired on {YESTERDAY:%Y-%m-%d}; expected one",
        ),
        ({"client_certificate": "early.pem", "client_key": "early.key"}, "client_certificate: is not in force before"),
        ({"client_key": "mine.key"}, "client_key: stands without client_certificate"),
        ({"url": "http://agency.example", "ca_file": "theirs.pem"}, "has certificates and no address that uses them"),
    ],
)
def test_files_that_will_not_do_stop_the_start_by_name(office: Office, keys: dict[str, str], said: str) -> None:
    lock(office)

    with pytest.raises(SettingsWrong, match=said) as raised:
        office.settings(443, **keys)

    assert raised.value.message.startswith(f"{office.folder / 'motcua.toml'}: systems.register")


def lock(office: Office) -> None:
    """Put our key behind a password."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - only here

    key = serialization.load_pem_private_key((office.folder / "mine.key").read_bytes(), None)
    how = serialization.BestAvailableEncryption(b"password")
    locked = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    (office.folder / "locked.key").write_bytes(locked)


def test_paths_are_relative_to_the_settings_file(office: Office) -> None:
    found = office.settings(443, ca_file="theirs.pem", client_certificate="mine.pem", client_key="mine.key")

    assert found.certificates == Certificates(*(str(office.folder / name) for name in ("theirs.pem", "mine.pem", "mine.key")))
