"""The route through X-Road: what each message tells, what each answer is held against, and whose failure it was."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from lxml import etree

from graph.errors import ContractBroken, SystemRefused, SystemUnavailable, Theirs
from graph.route_settings import XRoadSettings
from graph.upstream import soap
from graph.upstream.connection import Upstream
from graph.upstream.errand import Errand
from graph.upstream.system import NoOptions
from tests import lines
from tests.graph.routed import CLIENT, HASH, SERVICE, XROAD, Row, answered, json, soap_answered, through_xroad
from tests.lines import xml_answer

OFFICIAL = "099190000001"
WHO = Errand(official=OFFICIAL, issue="HS-2026-1", represented="GOV/H 26")
QUESTION = soap.element("Q", "1", namespace="urn:q")
REPRESENTATION = "http://x-road.eu/xsd/representation.xsd"
SECURITY = "urn:wsse"


async def test_a_rest_message_names_service_client_and_caller_as_published() -> None:
    seen: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answered(request)

    async with through_xroad(server, security_server="VN/GOV/G01/ss1") as upstream:
        call = upstream.call(WHO)
        assert await call.get("/enterprises", {"code": ["1", "2"]}, returns=Row) == Row(code="1")

    (request,) = seen
    assert str(request.url) == f"http://agency.test/ss/r1/{SERVICE}/enterprises?code=1&code=2"
    told = {name: value for name, value in request.headers.items() if name.startswith("x-road-")}
    assert told == {
        "x-road-client": CLIENT,
        "x-road-security-server": "VN/GOV/G01/ss1",
        "x-road-id": call.message_id,
        "x-road-userid": f"VN{OFFICIAL}",
        "x-road-issue": "HS-2026-1",
        "x-road-represented-party": "GOV/H%2026",
    }
    assert request.headers["authorization"] == "Bearer secret-token"
    assert call.request_hash == HASH


async def test_who_names_nobody_tells_nobody_but_the_body_that_the_settings_represent() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        assert not {"x-road-userid", "x-road-issue", "x-road-security-server"} & request.headers.keys()
        assert request.headers["x-road-represented-party"] == "GOV/H26"
        return answered(request)

    async with through_xroad(server, represented_party="GOV/H26") as upstream:
        await upstream.call().get("/rows", {}, returns=Row)


async def test_two_messages_of_a_call_never_have_the_same_id() -> None:
    ids: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        ids.append(request.headers["x-road-id"])
        return answered(request)

    async with through_xroad(server) as upstream:
        call = upstream.call()
        made = call.new_message_id()
        for _ in range(3):
            await call.get("/rows", {}, returns=Row)

    assert ids[0] == made
    assert ids[-1] == call.message_id
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x-road-id": "another"}, "another message"),
        ({"x-road-id": ""}, "another message"),
        ({"x-road-service": "VN/GOV/MOF/business/other"}, "another X-Road service"),
        ({"x-road-service": ""}, "another X-Road service"),
        ({"x-road-request-hash": ""}, "without a hash"),
        ({"x-road-request-hash": "AAAA"}, "without a hash"),
        ({"x-road-request-hash": "*" * 88}, "without a hash"),
    ],
)
async def test_an_answer_that_belongs_to_something_else_is_refused(change: dict[str, str], words: str) -> None:
    async with through_xroad(lambda request: answered(request, change)) as upstream:
        call = upstream.call()
        with pytest.raises(ContractBroken, match=words):
            await call.get("/rows", {}, returns=Row)

    assert call.request_hash is None


async def test_a_hash_of_another_request_is_found_where_it_is_recomputed() -> None:
    async with through_xroad(answered, recompute_request_hash=True) as upstream:
        with pytest.raises(ContractBroken, match="another request"):
            await upstream.call().get("/rows", {}, returns=Row)


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("Server.ClientProxy.NetworkError", SystemUnavailable, "could not be reached through X-Road (Server.ClientProxy.NetworkError)"),
        ("Server.ServerProxy.ServiceFailed", SystemUnavailable, "could not be reached through X-Road (Server.ServerProxy.ServiceFailed)"),
        ("Server.ServerProxy.AccessDenied", SystemRefused, "X-Road refuses the message (Server.ServerProxy.AccessDenied)"),
        ("Client.BadRequest", SystemRefused, "X-Road refuses the message (Client.BadRequest)"),
        ("Server.099085000002", SystemUnavailable, "could not be reached through X-Road"),
        ("Server." + "x" * 200, SystemUnavailable, "could not be reached through X-Road"),
    ],
)
async def test_a_failure_of_xroad_is_told_apart_and_its_code_shown_only_where_it_is_one(code: str, kind: type[Theirs], words: str) -> None:
    async with through_xroad(lambda _request: json(b'{"message": "099085000002"}', 500, {"x-road-error": code})) as upstream:
        with pytest.raises(kind) as raised:
            await upstream.call().get("/rows", {}, returns=Row)

    assert raised.value.message.endswith(words)
    assert raised.value.retryable is (kind is SystemUnavailable)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [(502, SystemUnavailable, "through X-Road (HTTP 502)"), (403, SystemRefused, "X-Road refuses the message (HTTP 403)")],
)
@pytest.mark.parametrize("protocol", ["REST", "SOAP"])
async def test_an_error_that_came_from_nobody_behind_xroad_is_its_own(status: int, kind: type[Theirs], words: str, protocol: str) -> None:
    async with through_xroad(lambda _request: httpx.Response(status, content=b"<html>")) as upstream:
        call = upstream.call()
        with pytest.raises(kind) as raised:
            await (call.get("/rows", {}, returns=Row) if protocol == "REST" else call.soap(QUESTION, returns=Row, action="Q"))

    assert words in raised.value.message


async def test_an_agencys_own_error_is_still_its_own() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        return httpx.Response(503, content=b"{}", headers=answered(request).headers)

    async with through_xroad(server) as upstream:
        with pytest.raises(SystemUnavailable, match=r"reports trouble of its own \(HTTP 503\)"):
            await upstream.call().get("/rows", {}, returns=Row)


@pytest.mark.parametrize(("represented", "issue"), [("A/B/C", None), ("../x", None), (None, "hồ sơ")])
async def test_what_cannot_be_told_is_not_sent_and_not_quoted(represented: str | None, issue: str | None) -> None:
    sent: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return answered(request)

    async with through_xroad(server) as upstream:
        with pytest.raises(SystemRefused, match="was not asked") as raised:
            await upstream.call(Errand(represented=represented, issue=issue)).get("/rows", {}, returns=Row)

    assert not sent
    assert str(represented or issue) not in raised.value.message


async def test_a_soap_message_has_the_published_header_before_the_systems_own_block() -> None:
    seen: list[bytes] = []

    def server(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "http://agency.test/ss/"
        seen.append(request.content)
        header = etree.fromstring(request.content)[0]
        return soap_answered(request, header.findtext(f"{{{XROAD}}}id") or "", service="VN/GOV/MOF/business/Q")

    async with through_xroad(server, service="VN/GOV/MOF/business/*/v1", security_server="VN/GOV/G01/ss1") as upstream:
        call = upstream.call(Errand(official=OFFICIAL, issue="<1>", represented="H26"))
        block = soap.element("Security", "x", namespace=SECURITY)
        assert await call.soap(QUESTION, returns=Row, action="Q", header=block) == Row(code="1")

    header = list(etree.fromstring(seen[0])[0])
    fields = ["client", "service", "securityServer", "id", "userId", "issue", "protocolVersion"]
    names = [f"{{{XROAD}}}{name}" for name in fields]
    assert [element.tag for element in header] == [
        *names[:3],
        f"{{{REPRESENTATION}}}representedParty",
        *names[3:],
        f"{{{SECURITY}}}Security",
    ]
    kind = "{http://x-road.eu/xsd/identifiers}objectType"
    assert [element.get(kind) for element in header[:3]] == ["SUBSYSTEM", "SERVICE", "SERVER"]
    assert [part.text for part in header[1]] == ["VN", "GOV", "MOF", "business", "Q", "v1"]
    assert [etree.QName(part).localname for part in header[2]] == ["xRoadInstance", "memberClass", "memberCode", "serverCode"]
    assert [(etree.QName(part).localname, part.text) for part in header[3]] == [("partyCode", "H26")]
    assert [element.text for element in header[4:8]] == [call.message_id, f"VN{OFFICIAL}", "<1>", "4.0"]
    assert call.request_hash is not None
    assert len(call.request_hash) == 88


def echoing(**changes: Any) -> Callable[[httpx.Request], httpx.Response]:
    def server(request: httpx.Request) -> httpx.Response:
        sent_id = etree.fromstring(request.content)[0].findtext(f"{{{XROAD}}}id") or ""
        return soap_answered(request, **{"message_id": sent_id, "service": "VN/GOV/MOF/business/Q", **changes})

    return server


async def test_messages_of_one_call_that_are_under_way_together_are_not_mixed_up() -> None:
    both_there = asyncio.Barrier(2)

    async def server(request: httpx.Request) -> httpx.Response:
        await both_there.wait()
        return echoing()(request)

    settings = XRoadSettings(client=CLIENT, service="VN/GOV/MOF/business/Q")
    made = lines.settings(route="xroad", xroad=settings)
    async with Upstream(lines.REGISTER, made, options=NoOptions(), transport=httpx.MockTransport(server)) as upstream:
        call = upstream.call()
        answers = await asyncio.gather(*(call.soap(QUESTION, returns=Row, action="Q") for _ in range(2)))

    assert answers == [Row(code="1")] * 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"message_id": "another"}, "another message"),
        ({"service": "VN/GOV/MOF/tax/Q"}, "another X-Road service"),
        ({"service": "VN/GOV/MOF/business/R"}, "another X-Road service"),
        ({"digest": HASH}, "another request"),
        ({"digest": "no hash"}, "another request"),
        ({"algorithm": "http://www.w3.org/2000/09/xmldsig#sha1"}, "unknown kind"),
    ],
)
async def test_a_soap_answer_that_belongs_to_something_else_is_refused(change: dict[str, str], words: str) -> None:
    async with through_xroad(echoing(**change), service="VN/GOV/MOF/business/Q") as upstream:
        with pytest.raises(ContractBroken, match=words):
            await upstream.call().soap(QUESTION, returns=Row, action="Q")


async def test_a_soap_answer_without_a_header_is_refused() -> None:
    async with through_xroad(lambda _request: xml_answer("<Q><MA>1</MA></Q>")) as upstream:
        with pytest.raises(ContractBroken, match="another message"):
            await upstream.call().soap(QUESTION, returns=Row, action="Q")


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("Server.ServerProxy.ServiceFailed", SystemUnavailable, "could not be reached through X-Road (Server.ServerProxy.ServiceFailed)"),
        ("e:Server.ClientProxy.SslError", SystemUnavailable, "could not be reached through X-Road (Server.ClientProxy.SslError)"),
        ("Server.ServerProxy.AccessDenied", SystemRefused, "X-Road refuses the message (Server.ServerProxy.AccessDenied)"),
        ("Client.MissingHeaderField", SystemRefused, "X-Road refuses the message (Client.MissingHeaderField)"),
        ("e:Client.Authentication", SystemRefused, "rejects our credentials (SOAP fault)"),
        ("e:Client", SystemRefused, "rejects the request (SOAP fault)"),
        ("e:Server", SystemUnavailable, "reports trouble of its own (SOAP fault)"),
    ],
)
async def test_a_fault_of_xroad_is_told_apart_from_the_agencys(code: str, kind: type[Theirs], words: str) -> None:
    fault = f"<e:Fault xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><faultcode>{code}</faultcode></e:Fault>"

    async with through_xroad(lambda _request: xml_answer(fault, 500)) as upstream:
        with pytest.raises(kind) as raised:
            await upstream.call().soap(QUESTION, returns=Row, action="Q")

    assert raised.value.message.endswith(words)


async def test_a_question_for_health_is_the_servers_own_and_tells_nothing() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        assert not any(name.startswith("x-road-") for name in request.headers)
        return httpx.Response(200)

    async with through_xroad(server) as upstream:
        await upstream.reachable()
        assert upstream.tells
