"""A view of a line for one call: who asks, which message it was, what has not changed, and whether a single key may be to blame."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl

import httpx
import pytest

from graph.errors import ContractBroken, OutOfTime, SystemThrottled, Theirs
from graph.upstream import soap
from graph.upstream.envelope import Codes
from graph.upstream.errand import Errand
from graph.upstream.record import Record, wire
from tests.lines import line, xml_answer


class Row(Record):
    code: str = wire("MA")


class Other(Record):
    title: str = wire("TEN")


def json(content: bytes = b'{"MA": "1", "TEN": "x"}', status: int = 200, headers: Mapping[str, str] | None = None) -> httpx.Response:
    return httpx.Response(status, content=content, headers={"content-type": "application/json", **(headers or {})})


def tagged(asked: list[str | None], tag: str = '"1"') -> Callable[[httpx.Request], httpx.Response]:
    """Answer "not modified" to who has seen the answer with this tag; note what each request brought."""

    def agency(request: httpx.Request) -> httpx.Response:
        seen = request.headers.get("if-none-match")
        asked.append(seen)
        return httpx.Response(304) if seen == tag else json(headers={"etag": tag})

    return agency


async def test_what_has_not_changed_is_not_read_again() -> None:
    asked: list[str | None] = []

    async with line(tagged(asked)) as upstream:
        first, second = upstream.call(revalidates=True), upstream.call(revalidates=True)
        before = await first.get("/rows", {"code": ["1"]}, returns=Row)
        after = await second.get("/rows", {"code": ["1"]}, returns=Row)

    assert after is before
    assert (first.not_modified, second.not_modified) == (False, True)
    assert asked == [None, '"1"']


async def test_another_question_and_another_kind_of_record_have_tags_of_their_own() -> None:
    asked: list[str | None] = []

    async with line(tagged(asked)) as upstream:
        call = upstream.call(revalidates=True)
        await call.get("/rows", {"code": ["1"]}, returns=Row)
        assert await call.get("/rows", {"code": ["2"]}, returns=Row) == Row(code="1")
        assert await call.get("/rows", {"code": ["1"]}, returns=Other) == Other(title="x")

    assert asked == [None, None, None]


async def test_a_call_that_did_not_say_so_asks_for_everything() -> None:
    asked: list[str | None] = []

    async with line(tagged(asked)) as upstream:
        await upstream.call(revalidates=True).get("/rows", {}, returns=Row)
        await upstream.call().get("/rows", {}, returns=Row)

    assert asked == [None, None]


async def test_a_call_of_which_only_a_part_has_not_changed_has_changed() -> None:
    asked: list[str | None] = []

    async with line(tagged(asked)) as upstream:
        await upstream.call(revalidates=True).get("/a", {}, returns=Row)
        call = upstream.call(revalidates=True)
        await call.get("/b", {}, returns=Row)
        await call.get("/a", {}, returns=Row)

    assert not call.not_modified


async def test_not_modified_where_nothing_was_compared_breaks_the_contract() -> None:
    async with line(lambda _request: httpx.Response(304)) as upstream:
        with pytest.raises(ContractBroken):
            await upstream.call(revalidates=True).get("/rows", {}, returns=Row)


async def test_views_know_nothing_of_one_another() -> None:
    async with line(lambda _request: json()) as upstream:
        first, second = upstream.call(Errand("099190000001")), upstream.call()
        made = first.new_message_id()

    assert (first.official, second.official, upstream.official) == ("099190000001", None, None)
    assert (first.message_id, second.message_id, upstream.message_id) == (made, None, None)
    assert len(made) == 32
    assert first.new_message_id() != made


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ({"x-road-id": "a-1", "x-request-id": "b-2"}, "a-1"),
        ({"x-request-id": "b-2"}, "b-2"),
        ({"x-request-id": "x" * 129}, None),
        ({"x-request-id": "a\tb"}, None),
        ({}, None),
    ],
)
async def test_the_id_that_an_answer_carries_is_kept_where_it_may_be_written_down(headers: dict[str, str], known: str | None) -> None:
    async with line(lambda _request: json(headers=headers)) as upstream:
        call = upstream.call()
        await call.get("/rows", {}, returns=Row)

    assert call.message_id == known


async def test_the_id_that_we_gave_a_message_stays() -> None:
    async with line(lambda _request: json(headers={"x-request-id": "b-2"})) as upstream:
        call = upstream.call()
        made = call.new_message_id()
        await call.get("/rows", {}, returns=Row)

    assert call.message_id == made


@pytest.mark.parametrize(
    ("response", "divisible"),
    [
        *((json(status=status), True) for status in (400, 402, 409, 413, 414, 422, 500, 502)),
        *((json(status=status), False) for status in (301, 302, 304, 401, 403, 404, 429)),
        (json(b'{"MA": '), True),
        (json(b"[1]"), True),
        (httpx.Response(200, content=b"<html>", headers={"content-type": "text/html"}), False),
    ],
)
async def test_only_where_one_key_may_be_to_blame_is_it_worth_asking_for_fewer(response: httpx.Response, *, divisible: bool) -> None:
    async with line(lambda _request: response) as upstream:
        with pytest.raises(Theirs) as raised:
            await upstream.get("/rows", {}, returns=Row)

    assert raised.value.divisible is divisible


@pytest.mark.parametrize(("code", "divisible"), [("Client", True), ("Server", True), ("Client.Authentication", False)])
async def test_a_fault_may_be_of_one_key_unless_it_is_of_who_asks(code: str, *, divisible: bool) -> None:
    fault = f"<s:Fault xmlns:s='urn:s'><faultcode>s:{code}</faultcode></s:Fault>"

    async with line(lambda _request: xml_answer(fault, 500)) as upstream:
        with pytest.raises(Theirs) as raised:
            await upstream.soap(soap.element("Q", namespace="urn:q"), returns=Row, action="Ask")

    assert raised.value.divisible is divisible


@pytest.mark.parametrize(("code", "divisible"), [(500, True), (100, False)])
async def test_trouble_inside_an_envelope_may_be_of_one_key(code: int, *, divisible: bool) -> None:
    codes = Codes(refused={100: "our credentials"})

    async with line(lambda _request: json(b'{"status": 0, "code": %d}' % code)) as upstream:
        with pytest.raises(Theirs) as raised:
            await upstream.enveloped("/x", {}, returns=Row, codes=codes)

    assert raised.value.divisible is divisible


async def test_a_query_arrives_as_it_was_meant() -> None:
    asked: Mapping[str, str | int | Sequence[str]] = {"mã số": ["1", "a b&c=d", "Đỗ+?#%"], "limit": 5, "none": []}
    seen: list[list[tuple[str, str]]] = []

    def agency(request: httpx.Request) -> httpx.Response:
        seen.append(parse_qsl(request.url.query.decode(), keep_blank_values=True))
        return json()

    async with line(agency) as upstream:
        await upstream.get("/rows", asked, returns=Row)

    assert seen == [[("mã số", "1"), ("mã số", "a b&c=d"), ("mã số", "Đỗ+?#%"), ("limit", "5")]]


@pytest.mark.parametrize(("left", "least", "most"), [(2.0, 1_900, 2_000), (60.0, 7_900, 8_000), (math.inf, 7_900, 8_000)])
async def test_each_message_tells_how_long_its_answer_is_waited_for(left: float, least: int, most: int) -> None:
    told: list[str] = []

    def agency(request: httpx.Request) -> httpx.Response:
        told.append(request.headers["x-request-deadline-ms"])
        return json()

    async with line(agency) as upstream:
        errand = Errand(ends_at=asyncio.get_running_loop().time() + left)
        await upstream.call(errand).get("/rows", {}, returns=Row)

    assert [least <= int(milliseconds) <= most for milliseconds in told] == [True]


async def test_nothing_is_sent_when_time_is_over_or_the_meter_says_no() -> None:
    def refused() -> None:
        raise SystemThrottled("register", "was called as often as its quota allows", retry_after_ms=1_000)

    async with line(lambda _request: pytest.fail("no call was expected")) as upstream:
        with pytest.raises(OutOfTime):
            await upstream.call(Errand(ends_at=asyncio.get_running_loop().time())).get("/rows", {}, returns=Row)
        with pytest.raises(SystemThrottled):
            await upstream.call(Errand(metered=refused)).get("/rows", {}, returns=Row)
