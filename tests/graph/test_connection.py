"""One line to one system: every limit holds, and every failure is put into words."""

import asyncio
import ssl
from collections.abc import AsyncIterator

import httpx
import pytest
import trustme

from graph.errors import ContractBroken, SystemRefused, SystemThrottled, SystemTimedOut, SystemUnavailable, Theirs
from graph.upstream import soap
from graph.upstream.connection import Upstream
from graph.upstream.envelope import Codes
from graph.upstream.record import Record, wire
from graph.upstream.system import NoOptions
from tests.lines import REGISTER, Handler, line, settings, xml_answer
from tests.servers import free_port


class Row(Record):
    code: str = wire("MA")


CODES = Codes(absent=frozenset({201}), refused={100: "our credentials"})


def answering(response: httpx.Response) -> Handler:
    return lambda _request: response


def json(content: bytes, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, content=content, headers={"content-type": "application/json", **headers})


async def test_a_get_repeats_a_name_for_each_value_and_carries_the_token() -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "http://agency.test/api/rows?code=1&code=2&limit=5"
        assert request.headers["authorization"] == "Bearer secret-token"
        return json(b'[{"MA": "1"}]')

    async with line(agency) as upstream:
        assert await upstream.get("/rows", {"code": ["1", "2"], "limit": 5}, returns=tuple[Row, ...]) == (Row(code="1"),)


async def test_a_post_sends_json() -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        assert request.method == "POST"
        assert request.content == b'{"a":["1"]}'
        assert "authorization" not in request.headers
        return json(b'{"MA": "1"}')

    async with line(agency) as upstream:
        assert await upstream.post("/rows", {"a": ["1"]}, returns=Row, headers={"token": "t"}) == Row(code="1")


async def test_a_soap_request_is_wrapped_and_its_answer_unwrapped() -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        assert request.headers["soapaction"] == '"Ask"'
        assert request.headers["content-type"] == "text/xml; charset=utf-8"
        assert b'<ns0:Q xmlns:ns0="urn:q">&lt;1&gt;</ns0:Q>' in request.content
        return xml_answer("<r:Row xmlns:r='urn:r'><r:MA>1</r:MA></r:Row>")

    async with line(agency) as upstream:
        assert await upstream.soap(soap.element("Q", "<1>", namespace="urn:q"), returns=Row, action="Ask") == Row(code="1")


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("soapenv:Client", SystemRefused, "rejects the request"),
        ("soapenv:Client.Authentication", SystemRefused, "rejects our credentials"),
        ("soapenv:Server", SystemUnavailable, "trouble of its own"),
        ("anything", SystemUnavailable, "trouble of its own"),
    ],
)
async def test_a_soap_fault_is_told_apart_by_its_code_and_its_words_stay_out(code: str, kind: type[Theirs], words: str) -> None:
    fault = f"<s:Fault xmlns:s='urn:s'><faultcode>{code}</faultcode><faultstring>Nguyen Van A 099085000002</faultstring></s:Fault>"

    async with line(answering(xml_answer(fault, 500))) as upstream:
        with pytest.raises(kind, match=words) as raised:
            await upstream.soap(soap.element("Q", namespace="urn:q"), returns=Row, action="Ask")

    assert "099085000002" not in raised.value.message


async def test_xml_in_an_envelope_is_read() -> None:
    body = b'{"status": 1, "code": 0, "data": "<?xml version=\\"1.0\\" encoding=\\"UTF-8\\"?><R><MA>\\u0110</MA></R>"}'

    async with line(answering(json(body))) as upstream:
        assert await upstream.enveloped("/x", {}, returns=Row, codes=CODES) == Row(code="Đ")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"status": 0, "code": 100}', SystemRefused),
        (b'{"status": 0, "code": 500}', SystemUnavailable),
        (b'{"status": 1, "code": 0}', ContractBroken),
        (b'{"status": 1, "data": "<R>"}', ContractBroken),
        (b'{"status": "one"}', ContractBroken),
    ],
)
async def test_the_status_inside_an_envelope_counts(body: bytes, kind: type[Theirs]) -> None:
    async with line(answering(json(body))) as upstream:
        with pytest.raises(kind):
            await upstream.enveloped("/x", {}, returns=Row, codes=CODES)


async def test_an_envelope_may_say_that_nothing_was_found() -> None:
    async with line(answering(json(b'{"status": 0, "code": 201}'))) as upstream:
        assert await upstream.enveloped("/x", {}, returns=Row, codes=CODES) is None


@pytest.mark.parametrize(
    ("response", "kind", "retryable"),
    [
        (json(b"{}", 500), SystemUnavailable, True),
        (json(b"{}", 503), SystemUnavailable, True),
        (json(b"{}", 400), SystemRefused, False),
        (json(b"{}", 401), SystemRefused, False),
        (json(b"{}", 403), SystemRefused, False),
        (json(b"{}", 302, location="http://elsewhere.test/"), SystemRefused, False),
        (json(b"{}", 429), SystemThrottled, True),
        (json(b'{"MA": '), ContractBroken, False),
        (json(b"[1]"), ContractBroken, False),
        (json(b'{"MA": "\xff"}'), ContractBroken, False),
        (httpx.Response(200, content=b"<html>", headers={"content-type": "text/html"}), ContractBroken, False),
        (httpx.Response(200, content=b'{"MA": "1"}'), ContractBroken, False),
    ],
)
async def test_every_bad_answer_has_its_error(response: httpx.Response, kind: type[Theirs], *, retryable: bool) -> None:
    async with line(answering(response)) as upstream:
        with pytest.raises(kind) as raised:
            await upstream.get("/rows", {}, returns=Row)

    assert type(raised.value) is kind
    assert raised.value.extensions() == {"code": kind.code, "retryable": retryable, "system": "register"}


@pytest.mark.parametrize("status", [429, 503])
async def test_a_system_may_say_when_to_come_back(status: int) -> None:
    async with line(answering(json(b"{}", status, **{"retry-after": "3"}))) as upstream:
        with pytest.raises(Theirs) as raised:
            await upstream.get("/rows", {}, returns=Row)

    assert raised.value.extensions()["retryAfterMs"] == 3_000


async def test_an_answer_that_is_too_large_is_not_read_to_its_end() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b" " * 65_536

    response = httpx.Response(200, content=endless(), headers={"content-type": "application/json"})
    async with line(answering(response), max_answer_bytes=100_000) as upstream:
        with pytest.raises(ContractBroken, match="more than 100000 bytes"):
            await upstream.get("/rows", {}, returns=Row)

    assert sent <= 200_000


async def test_a_system_that_never_answers_is_left_after_the_total_time() -> None:
    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError

    upstream = Upstream(REGISTER, settings(total_seconds=0.02), options=NoOptions(), transport=Silent())
    async with upstream:
        with pytest.raises(SystemTimedOut):
            await upstream.get("/rows", {}, returns=Row)


async def test_no_more_connections_are_used_than_were_allowed() -> None:
    most = now = 0

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
            nonlocal most, now
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1
            return json(b'{"MA": "1"}')

    upstream = Upstream(REGISTER, settings(max_connections=3), options=NoOptions(), transport=Slow())
    async with upstream:
        await asyncio.gather(*(upstream.get("/rows", {}, returns=Row) for _ in range(20)))

    assert most == 3


async def test_one_who_waits_too_long_for_a_connection_is_told_so() -> None:
    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError

    upstream = Upstream(
        REGISTER, settings(max_connections=1, pool_seconds=0.01, total_seconds=0.05), options=NoOptions(), transport=Silent()
    )
    async with upstream:
        first, second = await asyncio.gather(*(upstream.get("/rows", {}, returns=Row) for _ in range(2)), return_exceptions=True)

    assert isinstance(first, SystemTimedOut)
    assert isinstance(second, SystemTimedOut)
    assert "no connection" in second.message


async def test_a_port_where_nobody_listens_is_said_to_be_out_of_reach() -> None:
    real = Upstream(REGISTER, settings(url=f"http://127.0.0.1:{free_port()}"), options=NoOptions())
    async with real:
        with pytest.raises(SystemUnavailable, match="cannot be reached"):
            await real.get("/rows", {}, returns=Row)


async def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(server)
    asked = 0

    async def agency(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += bool(await reader.read(1))
        writer.close()

    async with await asyncio.start_server(agency, "127.0.0.1", 0, ssl=server) as listening:
        port = listening.sockets[0].getsockname()[1]
        real = Upstream(REGISTER, settings(url=f"https://127.0.0.1:{port}"), options=NoOptions())
        async with real:
            with pytest.raises(SystemUnavailable, match="cannot be reached"):
                await real.get("/rows", {}, returns=Row)

    assert asked == 0
