"""The route through NDXP and its like: one token for all, fetched once, renewed once, and never anybody's fault but the platform's."""

import asyncio

import httpx
import msgspec
import pytest

from graph.errors import ContractBroken, OutOfTime, SystemRefused, SystemThrottled, SystemTimedOut, SystemUnavailable
from graph.upstream.connection import Upstream
from graph.upstream.errand import Errand
from graph.upstream.platform import Platforms
from graph.upstream.system import NoOptions
from tests import virtual
from tests.graph.routed import PLATFORM, Ndxp, Row, json, through_ndxp
from tests.lines import REGISTER, settings


async def ask(upstream: Upstream, errand: Errand | None = None) -> object:
    return await upstream.call(errand or Errand()).get("/rows", {}, returns=Row)


def later(seconds: float) -> None:
    """Turn the virtual clock."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, virtual.VirtualLoop)
    loop.now += seconds


async def test_the_platforms_token_takes_the_place_of_ours_and_its_headers_come_on_top() -> None:
    ndxp = Ndxp()
    platform = msgspec.structs.replace(PLATFORM, headers={"X-LGSP-Unit": "H26"})

    async with through_ndxp(ndxp, platform=platform) as upstream:
        await ask(upstream)
        assert not upstream.tells

    (request,) = ndxp.sent
    assert str(request.url) == "http://agency.test/api/rows"
    assert request.headers.get_list("authorization") == ["Bearer token-1"]
    assert request.headers["x-lgsp-unit"] == "H26"
    (asked,) = ndxp.asked
    assert (asked.method, asked.content) == ("POST", b"grant_type=client_credentials&scope=read+all")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert httpx.BasicAuth("mot+cua", "s3cret%3A%26")._auth_header == asked.headers["authorization"]


async def test_a_header_that_only_the_system_knows_still_reaches_it() -> None:
    ndxp = Ndxp()

    async with through_ndxp(ndxp) as upstream:
        await upstream.call().post("/rows", {}, returns=Row, headers={"token": "of-the-agency"})

    assert ndxp.sent[0].headers["token"] == "of-the-agency"
    assert ndxp.sent[0].headers["authorization"] == "Bearer token-1"


async def test_many_calls_to_two_systems_want_one_token() -> None:
    ndxp, platforms = Ndxp(), Platforms()
    first, second = (
        Upstream(
            REGISTER,
            settings(route="ndxp", platform=PLATFORM),
            options=NoOptions(),
            platforms=platforms,
            transport=httpx.MockTransport(ndxp),
        )
        for _ in range(2)
    )
    async with first:
        async with second:
            await asyncio.gather(*(ask(one) for one in (first, second) * 10))
        await ask(first)  # the line to the platform is open for as long as anybody uses it

    assert len(ndxp.asked) == 1
    assert len(ndxp.sent) == 21


async def test_other_settings_want_a_token_of_their_own() -> None:
    ndxp, platforms = Ndxp(), Platforms()
    for scope in ("one", "two"):
        made = settings(route="ndxp", platform=msgspec.structs.replace(PLATFORM, scope=scope))
        async with Upstream(REGISTER, made, options=NoOptions(), platforms=platforms, transport=httpx.MockTransport(ndxp)) as upstream:
            await ask(upstream)

    assert [request.content[-3:] for request in ndxp.asked] == [b"one", b"two"]


class Held(httpx.AsyncBaseTransport):
    """A platform that gives its token when it is let go."""

    def __init__(self) -> None:
        self.go, self.came = asyncio.Event(), asyncio.Event()
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != "/token":
            return json()
        self.asked += 1
        self.came.set()
        await self.go.wait()
        return httpx.Response(200, json={"access_token": "t", "token_type": "Bearer", "expires_in": 60})


async def test_who_leaves_takes_the_token_from_nobody() -> None:
    held = Held()
    async with Upstream(REGISTER, settings(route="lgsp", platform=PLATFORM), options=NoOptions(), transport=held) as upstream:
        leaving, staying = asyncio.create_task(ask(upstream)), asyncio.create_task(ask(upstream))
        await held.came.wait()
        leaving.cancel()
        await asyncio.wait([leaving])
        held.go.set()
        assert await staying == Row(code="1")

    assert leaving.cancelled()
    assert held.asked == 1


async def test_who_waits_for_a_token_when_the_line_closes_is_told_so() -> None:
    held = Held()
    upstream = Upstream(REGISTER, settings(route="ndxp", platform=PLATFORM), options=NoOptions(), transport=held)
    waiting = asyncio.create_task(ask(upstream))
    await held.came.wait()
    async with upstream:
        pass

    with pytest.raises(SystemUnavailable, match="the gateway is stopping"):
        await waiting


def test_a_request_waits_for_a_token_no_longer_than_it_has() -> None:
    async def story() -> None:
        async with Upstream(REGISTER, settings(route="ndxp", platform=PLATFORM), options=NoOptions(), transport=Held()) as upstream:
            with pytest.raises(OutOfTime):
                await ask(upstream, Errand(ends_at=0.5))
            assert asyncio.get_running_loop().time() == 0.5
            with pytest.raises(SystemTimedOut, match="NDXP gave no access token in time"):
                await ask(upstream)

    virtual.run(story())


def test_a_token_is_left_shortly_before_its_end() -> None:
    async def story() -> None:
        ndxp = Ndxp(expires_in=100)
        async with through_ndxp(ndxp) as upstream:
            for seconds in (0, 89.9, 0.2):
                later(seconds)
                await ask(upstream)
        assert [request.headers["authorization"][-1] for request in ndxp.sent] == ["1", "1", "2"]

    virtual.run(story())


async def test_a_refused_token_is_renewed_once_for_all_and_each_message_sent_once_more() -> None:
    ndxp, metered, all_there = Ndxp(), 0, asyncio.Barrier(5)

    async def busy(request: httpx.Request) -> httpx.Response:
        answer = ndxp(request)
        if answer.status_code == 401:
            await all_there.wait()
        return answer

    upstream = Upstream(REGISTER, settings(route="ndxp", platform=PLATFORM), options=NoOptions(), transport=httpx.MockTransport(busy))
    async with upstream:
        await ask(upstream)
        ndxp.good = lambda token: token != "token-1"

        def meter() -> None:
            nonlocal metered
            metered += 1

        answers = await asyncio.gather(*(ask(upstream, Errand(metered=meter)) for _ in range(5)))

    assert answers == [Row(code="1")] * 5
    assert len(ndxp.asked) == 2
    assert len(ndxp.sent) == 1 + 5 + 5
    assert metered == 10


async def test_what_stands_against_a_message_stands_against_sending_it_again() -> None:
    ndxp, left = Ndxp(), [None]
    ndxp.good = lambda _token: False

    def meter() -> None:
        if not left:
            raise SystemThrottled("register", "has no quota left")
        left.pop()

    async with through_ndxp(ndxp) as upstream:
        with pytest.raises(SystemThrottled):
            await ask(upstream, Errand(metered=meter))

    assert len(ndxp.sent) == 1


def test_where_a_new_token_is_refused_too_tokens_are_not_fetched_for_a_while() -> None:
    async def story() -> None:
        ndxp = Ndxp(expires_in=1_000)
        ndxp.good = lambda _token: False
        async with through_ndxp(ndxp) as upstream:
            for _ in range(3):
                with pytest.raises(SystemRefused, match=r"rejects our credentials \(HTTP 401\)"):
                    await ask(upstream)
            assert (len(ndxp.asked), len(ndxp.sent)) == (2, 4)
            later(31)
            ndxp.good = lambda token: token == "token-3"
            assert await ask(upstream) == Row(code="1")

    virtual.run(story())


@pytest.mark.parametrize(
    ("response", "kind", "words"),
    [
        (httpx.Response(401, json={"error": "invalid_client"}), SystemRefused, r"NDXP rejects our client id or secret \(HTTP 401\)"),
        (httpx.Response(503, headers={"retry-after": "7"}), SystemUnavailable, r"NDXP gave no access token \(HTTP 503\)"),
        (httpx.Response(200, content=b"<html>"), ContractBroken, "NDXP sent something other than an access token"),
        (httpx.Response(200, json={"access_token": "t", "token_type": "mac"}), ContractBroken, "something other"),
        (httpx.Response(200, json={"access_token": "a\r\nb", "token_type": "Bearer"}), ContractBroken, "something other"),
        (httpx.Response(200, json={"access_token": "t", "token_type": "Bearer", "expires_in": -1}), ContractBroken, "something other"),
        (httpx.Response(200, content=b" " * 70_000), ContractBroken, "something other"),
    ],
)
async def test_without_a_token_the_platform_is_to_blame_and_no_message_is_sent(
    response: httpx.Response, kind: type[Exception], words: str
) -> None:
    sent: list[str] = []

    def platform(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.path)
        return response

    async with through_ndxp(platform) as upstream:
        with pytest.raises(kind, match=f"The register system was not reached: .*{words}") as raised:
            await ask(upstream)

    assert sent == ["/token"]
    assert "s3cret" not in str(raised.value)
    assert getattr(raised.value, "retry_after_ms", None) == (7_000 if response.status_code == 503 else None)


async def test_after_a_failure_the_next_call_asks_for_a_token_again() -> None:
    ndxp, failures = Ndxp(), [httpx.Response(500)]
    async with through_ndxp(lambda request: failures.pop() if failures else ndxp(request)) as upstream:
        with pytest.raises(SystemUnavailable):
            await ask(upstream)
        assert await ask(upstream) == Row(code="1")
