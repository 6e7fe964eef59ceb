"""The sandbox over TLS: who is trusted, who has to show a certificate, and what an expired one does to new and kept connections."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from sandbox import personas
from sandbox.app import SYSTEMS
from sandbox.certificates import certificates_in
from sandbox.tls import tls_front
from tests.sandbox.served import Served, bound, served_over_tls
from tests.sandbox.wire import get_businesses, post_tax

EXPIRED = {"kind": "expired_certificate"}


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Served]:
    async with served_over_tls(tmp_path) as sandbox:
        yield sandbox


def trusting(sandbox: Served, *, shows_certificate: bool = False) -> ssl.SSLContext:
    """Trust the authority of the sandbox."""
    context = ssl.create_default_context(cafile=str(sandbox.folder / "ca.pem"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    if shows_certificate:
        context.load_cert_chain(sandbox.folder / "client.pem", sandbox.folder / "client.key")
    return context


def client_of(sandbox: Served, system: str, context: ssl.SSLContext, host: str = "127.0.0.1") -> httpx.AsyncClient:
    """Make a client of a system's TLS port."""
    return httpx.AsyncClient(base_url=f"https://{host}:{sandbox.ports[system]}", verify=context)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_every_system_answers_over_tls_at_a_port_of_its_own(sandbox: Served, host: str) -> None:
    healthy = []
    for system in SYSTEMS:
        async with client_of(sandbox, system, trusting(sandbox), host) as client:
            healthy.append((await client.get(f"/{system.replace('_', '-')}/health")).status_code)
    async with client_of(sandbox, "business", trusting(sandbox), host) as client:
        answer = await get_businesses(client, [personas.AN_PHAT])

    assert healthy == [200] * 6
    assert len(set(sandbox.ports.values())) == 6
    assert answer.json() == (await get_businesses(sandbox.client, [personas.AN_PHAT])).json()


async def test_who_does_not_trust_the_authority_is_not_talked_to(sandbox: Served) -> None:
    async with client_of(sandbox, "business", ssl.create_default_context()) as client:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await get_businesses(client, [personas.AN_PHAT])


async def test_an_expired_certificate_meets_new_and_kept_connections_until_the_agency_is_healed(sandbox: Served) -> None:
    async with client_of(sandbox, "business", trusting(sandbox)) as kept, client_of(sandbox, "tax", trusting(sandbox)) as other:
        before = (await get_businesses(kept, [personas.AN_PHAT])).status_code
        assert (await sandbox.client.put("/_sandbox/faults/business", json=EXPIRED)).status_code == 204
        with pytest.raises(httpx.ConnectError, match="certificate has expired"):
            await get_businesses(kept, [personas.AN_PHAT])
        meanwhile = ((await post_tax(other, [personas.THU])).status_code, (await get_businesses(sandbox.client, [])).status_code)
        listed = (await sandbox.client.get("/_sandbox/faults")).json()
        await sandbox.client.delete("/_sandbox/faults/business")
        after = (await get_businesses(kept, [personas.AN_PHAT])).status_code

    assert (before, meanwhile, after) == (200, (200, 400), 200)
    assert listed == {"business": {"kind": "expired_certificate", "calls": 1, "hits": 1}}


async def test_an_expired_certificate_can_be_shown_only_so_many_times(sandbox: Served) -> None:
    await sandbox.client.put("/_sandbox/faults/business", json={**EXPIRED, "times": 2})
    outcomes = []
    for _ in range(3):
        async with client_of(sandbox, "business", trusting(sandbox)) as client:
            try:
                outcomes.append((await get_businesses(client, [personas.AN_PHAT])).status_code)
            except httpx.ConnectError:
                outcomes.append(0)

    assert outcomes == [0, 0, 200]


async def test_other_faults_come_through_tls_too(sandbox: Served) -> None:
    async with client_of(sandbox, "business", trusting(sandbox)) as client:
        await sandbox.client.put("/_sandbox/faults/business", json={"kind": "reset", "times": 1})
        with pytest.raises(httpx.ReadError):
            await get_businesses(client, [personas.AN_PHAT])
        await sandbox.client.put("/_sandbox/faults/business", json={"kind": "cut_body", "times": 1})
        with pytest.raises(httpx.RemoteProtocolError):
            await get_businesses(client, [personas.AN_PHAT])
        await sandbox.client.put("/_sandbox/faults/business", json={"kind": "huge_body", "bytes": 5_000_000, "times": 1})
        huge = await get_businesses(client, [personas.AN_PHAT])

    assert len(huge.content) == 5_000_000


async def test_a_client_certificate_can_be_demanded(tmp_path: Path) -> None:
    async with served_over_tls(tmp_path, require_client_certificate=True) as sandbox:
        demanded = (await sandbox.client.get("/_sandbox/tls")).json()["client_certificate_required"]
        async with client_of(sandbox, "tax", trusting(sandbox, shows_certificate=True)) as known:
            answered = (await post_tax(known, [personas.THU])).status_code
        async with client_of(sandbox, "tax", trusting(sandbox)) as unknown:
            with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
                await post_tax(unknown, [personas.THU])
        counted = (await sandbox.client.get("/_sandbox/calls")).json()["tax"]["calls"]

    assert (demanded, answered, counted) == (True, 200, 1)


async def test_a_client_certificate_of_another_authority_is_refused(tmp_path: Path) -> None:
    stranger = certificates_in(tmp_path / "stranger")
    async with served_over_tls(tmp_path / "ours", require_client_certificate=True) as sandbox:
        context = trusting(sandbox)
        context.load_cert_chain(stranger.client, stranger.client_key)
        async with client_of(sandbox, "tax", context) as client:
            with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
                await post_tax(client, [personas.THU])


async def test_one_front_can_be_put_before_anything(tmp_path: Path) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(5))
        writer.close()

    expired = [False]
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as plain:
        port = plain.sockets[0].getsockname()[1]
        async with tls_front(tmp_path, port, expires=lambda: expired[0]) as front:
            context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
            reader, writer = await asyncio.open_connection("127.0.0.1", front.port, ssl=context)
            writer.write(b"hello")
            came = await reader.read()
            writer.close()
            expired[0] = True
            with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
                await asyncio.open_connection("127.0.0.1", front.port, ssl=context)

    assert came == b"hello"


async def test_where_nothing_listens_behind_a_front_the_connection_ends(tmp_path: Path) -> None:
    with bound() as nobody:  # taken, but nobody listens
        async with tls_front(tmp_path, nobody.getsockname()[1]) as front:
            context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
            reader, writer = await asyncio.open_connection("127.0.0.1", front.port, ssl=context)
            came = await reader.read()
            writer.close()

    assert came == b""


async def test_at_the_end_nothing_is_kept_open(tmp_path: Path) -> None:
    async with served_over_tls(tmp_path) as sandbox:
        port, context = sandbox.ports["tax"], trusting(sandbox)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(b"GET /tax/health HTTP/1.1\r\nHost: a\r\n\r\n")
        head = await reader.readuntil(b"\r\n")

    async with asyncio.timeout(2):
        with contextlib.suppress(ConnectionResetError):
            await reader.read()
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port, ssl=context)
    assert head == b"HTTP/1.1 200 OK\r\n"


def test_certificates_are_kept_and_keys_are_their_owners_alone(tmp_path: Path) -> None:
    first = certificates_in(tmp_path / "new" / "folder")
    written = [file.read_bytes() for file in first]
    again = certificates_in(tmp_path / "new" / "folder")

    assert [file.read_bytes() for file in again] == written
    assert [file.stat().st_mode & 0o777 for file in (first.server_key, first.client_key)] == [0o600, 0o600]


@pytest.mark.parametrize("spoiled", ["gone", "unreadable", "expired"])
def test_certificates_that_are_of_no_use_are_made_anew(tmp_path: Path, spoiled: str) -> None:
    files = certificates_in(tmp_path)
    old = files.ca.read_bytes()
    if spoiled == "gone":
        files.client_key.unlink()
    else:
        files.server.write_bytes(b"-----BEGIN" if spoiled == "unreadable" else files.expired.read_bytes())
    certificates_in(tmp_path)

    server = x509.load_pem_x509_certificate(files.server.read_bytes())
    assert files.ca.read_bytes() != old
    assert server.not_valid_after_utc > datetime.now(UTC)
    server.verify_directly_issued_by(x509.load_pem_x509_certificate(files.ca.read_bytes()))
