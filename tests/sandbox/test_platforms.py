"""The simulated platforms, spoken to with messages written out by hand."""

import base64
import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest
from lxml import etree

from sandbox import personas
from sandbox.app import agencies
from sandbox.platforms import TOKEN_SECONDS
from sandbox.xroad import CLIENT, DENIED, IDENTIFIERS, REPRESENTATION, SHA512, XROAD
from tests.sandbox.wire import ENVELOPE, bearer, get_businesses, population_message
from tests.servers import Sandbox

REGISTRY = "/xroad/r1/VN/GOV/MOF/business/registry"
PARTS = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode", "serviceCode", "serviceVersion")
QUESTION = {"code": personas.AN_PHAT}


def told(client: str = CLIENT, **headers: str) -> dict[str, str]:
    return {"X-Road-Client": client, **bearer("business"), **headers}


async def test_rest_answers_as_the_agency_does_with_the_headers_of_xroad(client: httpx.AsyncClient) -> None:
    direct = await get_businesses(client, [personas.AN_PHAT])

    answer = await client.get(f"{REGISTRY}/enterprises", params=QUESTION, headers=told(**{"X-Road-Id": "m-1"}))

    assert (answer.status_code, answer.content) == (200, direct.content)
    assert answer.headers["x-road-id"] == "m-1"
    assert answer.headers["x-road-client"] == CLIENT
    assert answer.headers["x-road-service"] == "VN/GOV/MOF/business/registry"
    assert "x-road-error" not in answer.headers
    sent = [(name.lower(), value) for name, value in answer.request.headers.raw]
    lines = [
        b"GET",
        answer.request.url.raw_path,
        *(name + b":" + value for name, value in sent if name not in {b"host", b"user-agent", b"connection"}),
    ]
    lines.append(b"x-road-request-id:" + answer.headers["x-road-request-id"].encode())
    digest = hashlib.sha512(b"".join(line + b"\r\n" for line in lines)).digest()
    assert base64.b64decode(answer.headers["x-road-request-hash"]) == digest


async def test_a_body_changes_the_hash_and_an_id_is_made_where_none_came(client: httpx.AsyncClient) -> None:
    answers = [
        await client.post(
            "/xroad/r1/VN/GOV/VSS/insurance/books/tra-cuu-so",
            json={"maYeuCau": "1", "loaiKhoa": "SO_DINH_DANH", "danhSachKhoa": [key]},
            headers={"token": "sandbox-insurance", "X-Road-Client": CLIENT},
        )
        for key in (personas.THU, personas.HOA)
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    for header in ("x-road-id", "x-road-request-hash", "x-road-request-id"):
        assert len({answer.headers[header] for answer in answers}) == 2


@pytest.mark.parametrize(
    ("path", "who", "status", "code"),
    [
        (REGISTRY, "", 400, "Client.BadRequest"),
        (REGISTRY, "VN/GOV/G99/x", 500, "Server.ClientProxy.UnknownMember"),
        (REGISTRY, DENIED, 500, "Server.ServerProxy.AccessDenied"),
        ("/xroad/r1/VN/GOV/MOF/business/other", CLIENT, 500, "Server.ServerProxy.UnknownService"),
    ],
)
async def test_xroads_own_errors_bear_its_mark_and_do_not_reach_the_agency(
    client: httpx.AsyncClient, path: str, who: str, status: int, code: str
) -> None:
    answer = await client.get(f"{path}/enterprises", params=QUESTION, headers=told(who))

    assert (answer.status_code, answer.headers["x-road-error"], answer.json()["type"]) == (status, code, code)
    assert (await client.get("/_sandbox/calls")).json()["business"]["calls"] == 0


async def test_the_agencys_own_errors_and_its_faults_come_through_and_count(client: httpx.AsyncClient) -> None:
    refused = await client.get(f"{REGISTRY}/enterprises", params=QUESTION, headers=told(Authorization="Bearer wrong"))
    await client.put("/_sandbox/faults/business", json={"kind": "status", "code": 503, "times": 1})
    faulty = await client.get(f"{REGISTRY}/enterprises", params=QUESTION, headers=told())

    for answer, status in ((refused, 401), (faulty, 503)):
        assert answer.status_code == status
        assert "x-road-error" not in answer.headers
        assert answer.headers["x-road-service"] == "VN/GOV/MOF/business/registry"
    assert (await client.get("/_sandbox/calls")).json()["business"]["calls"] == 2


async def test_a_broken_server_breaks_as_often_as_it_was_told(client: httpx.AsyncClient) -> None:
    await client.put("/_sandbox/xroad", json={"code": "Server.ServerProxy.ServiceFailed", "times": 1})
    first, second = [await client.get(f"{REGISTRY}/enterprises", params=QUESTION, headers=told()) for _ in range(2)]
    await client.put("/_sandbox/xroad", json={"code": "Server.ClientProxy.NetworkError"})
    third = await client.get(f"{REGISTRY}/enterprises", params=QUESTION, headers=told())
    await client.delete("/_sandbox/xroad")
    fourth = await client.get(f"{REGISTRY}/enterprises", params=QUESTION, headers=told())

    assert [answer.headers.get("x-road-error") for answer in (first, second, third, fourth)] == [
        "Server.ServerProxy.ServiceFailed", None, "Server.ClientProxy.NetworkError", None,
    ]  # fmt: skip
    assert (await client.put("/_sandbox/xroad", json={"times": 1})).status_code == 400


def header(
    service: str = "VN/GOV/MPS/population/TraCuuCongDan", client: str = CLIENT, version: str = "4.0", message_id: str = "m-1"
) -> str:
    def named(name: str, text: str) -> str:
        return (
            f"<x:{name}>"
            + "".join(f"<i:{part}>{each}</i:{part}>" for part, each in zip(PARTS, text.split("/"), strict=False))
            + f"</x:{name}>"
        )

    party = f'<r:representedParty xmlns:r="{REPRESENTATION}"><r:partyCode>H26</r:partyCode></r:representedParty>'
    said = f"{party}<x:id>{message_id}</x:id><x:protocolVersion>{version}</x:protocolVersion>"
    return f'<e:Header xmlns:x="{XROAD}" xmlns:i="{IDENTIFIERS}">{named("client", client)}{named("service", service)}{said}</e:Header>'


async def ask(client: httpx.AsyncClient, head: str, personal_id: str = personas.THU) -> httpx.Response:
    message = population_message("TraCuuCongDan", personal_id).replace("<e:Header/>", head)
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"TraCuuCongDan"'}
    return await client.post("/xroad/", content=message.encode(), headers=headers)


async def test_a_soap_answer_brings_the_header_of_the_request_back_with_the_hash_of_its_bytes(client: httpx.AsyncClient) -> None:
    answer = await ask(client, header())

    envelope = etree.fromstring(answer.content)
    fields = {etree.QName(one).localname: one for one in envelope[0]}
    assert list(fields) == ["client", "service", "representedParty", "id", "protocolVersion", "requestHash"]
    assert fields["id"].text == "m-1"
    assert [part.text for part in fields["service"]] == ["VN", "GOV", "MPS", "population", "TraCuuCongDan"]
    assert fields["requestHash"].get("algorithmId") == SHA512
    assert base64.b64decode(fields["requestHash"].text or "") == hashlib.sha512(answer.request.content).digest()
    assert personas.THU in answer.text


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ("<e:Header/>", "Client.MissingHeaderField"),
        (header(message_id=""), "Client.MissingHeaderField"),
        (header(version="3.1"), "Client.InvalidProtocolVersion"),
        (header("VN/GOV/MPS/population/TraCuuHoGiaDinh"), "Client.InvalidBody"),
        (header("VN/GOV/MPS/other/TraCuuCongDan"), "Server.ServerProxy.UnknownService"),
        (header(client="VN/GOV/G99/x"), "Server.ClientProxy.UnknownMember"),
        (header(client=DENIED), "Server.ServerProxy.AccessDenied"),
    ],
)
async def test_a_soap_message_that_xroad_does_not_take_is_answered_with_its_own_fault(
    client: httpx.AsyncClient, head: str, code: str
) -> None:
    answer = await ask(client, head)

    assert (answer.status_code, etree.fromstring(answer.content).findtext(".//faultcode")) == (500, code)
    assert (await client.get("/_sandbox/calls")).json()["population"]["calls"] == 0


async def test_an_agencys_soap_fault_comes_through_as_it_is(client: httpx.AsyncClient) -> None:
    answer = await ask(client, header(), "1")

    assert answer.status_code == 500
    assert (etree.fromstring(answer.content).findtext(".//faultcode") or "").partition(":")[2].startswith("Client")
    assert etree.fromstring(answer.content).find(f"{{{ENVELOPE}}}Header") is None


@pytest.mark.parametrize("way", ["/xroad/r1/VN/GOV/MOF/business/registry", "/ndxp/business/v1"])
def test_what_breaks_on_the_wire_breaks_through_a_platform_too(sandbox: Sandbox, way: str) -> None:
    form = {"grant_type": "client_credentials"}
    given = httpx.post(f"{sandbox.url}/ndxp/token", data=form, auth=("motcua", "sandbox-platform")).json()["access_token"]
    headers = told() if "xroad" in way else {"Authorization": f"Bearer {given}"}

    for kind, error in (("cut_body", httpx.RemoteProtocolError), ("reset", httpx.ReadError), ("hang", httpx.ReadTimeout)):
        with sandbox.fault("business", kind), pytest.raises(error):
            httpx.get(f"{sandbox.url}{way}/enterprises", params=QUESTION, headers=headers, timeout=0.3)


@pytest.mark.parametrize(
    ("kind", "error"), [("cut_body", httpx.RemoteProtocolError), ("reset", httpx.ReadError), ("hang", httpx.ReadTimeout)]
)
def test_what_breaks_on_the_wire_breaks_a_soap_message_too(sandbox: Sandbox, kind: str, error: type[httpx.HTTPError]) -> None:
    message = population_message("TraCuuCongDan", personas.THU).replace("<e:Header/>", header())
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"TraCuuCongDan"'}

    with sandbox.fault("population", kind), pytest.raises(error):
        httpx.post(f"{sandbox.url}/xroad/", content=message.encode(), headers=headers, timeout=0.3)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def timed(clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    """Ask a sandbox whose clock the test turns."""
    transport = httpx.ASGITransport(app=agencies(clock=clock))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def token(client: httpx.AsyncClient, name: str = "ndxp") -> str:
    answer = await client.post(f"/{name}/token", data={"grant_type": "client_credentials"}, auth=("motcua", "sandbox-platform"))
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == TOKEN_SECONDS
    return str(answer.json()["access_token"])


async def businesses(client: httpx.AsyncClient, bearer: str | None, name: str = "ndxp") -> httpx.Response:
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    return await client.get(f"/{name}/business/v1/enterprises", params=QUESTION, headers=headers)


@pytest.mark.parametrize("name", ["ndxp", "lgsp"])
async def test_a_platform_lets_through_what_carries_its_token_until_that_ends(timed: httpx.AsyncClient, clock: Clock, name: str) -> None:
    given = await token(timed, name)
    assert (await businesses(timed, given, name)).content == (await get_businesses(timed, [personas.AN_PHAT])).content

    clock.now = TOKEN_SECONDS
    late = await businesses(timed, given, name)

    assert late.status_code == 401
    assert late.headers["www-authenticate"].startswith("Bearer")
    assert (await timed.get("/_sandbox/tokens")).json()[name] == {"given": 1, "in_force": 0, "refused": 1}
    assert (await timed.get("/_sandbox/calls")).json()["business"]["calls"] == 2


async def test_all_tokens_end_when_told_to(client: httpx.AsyncClient) -> None:
    given = await token(client)
    await client.delete("/_sandbox/tokens")

    assert (await businesses(client, given)).status_code == 401
    assert (await businesses(client, await token(client))).status_code == 200


async def test_the_token_of_one_platform_and_of_an_agency_open_nothing_at_another(client: httpx.AsyncClient) -> None:
    for given in (None, "sandbox-business", await token(client, "lgsp")):
        assert (await businesses(client, given)).status_code == 401

    unknown = await client.get("/ndxp/other/x", headers={"Authorization": f"Bearer {await token(client)}"})
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("form", "client_secret", "status", "error"),
    [
        ({"grant_type": "client_credentials"}, "wrong", 401, "invalid_client"),
        ({"grant_type": "password"}, "sandbox-platform", 400, "unsupported_grant_type"),
        ({}, "sandbox-platform", 400, "unsupported_grant_type"),
    ],
)
async def test_a_token_is_given_only_to_who_asks_rightly(
    client: httpx.AsyncClient, form: dict[str, str], client_secret: str, status: int, error: str
) -> None:
    answer = await client.post("/ndxp/token", data=form, auth=("motcua", client_secret))

    assert (answer.status_code, answer.json()) == (status, {"error": error})
