"""The same resolvers answer the same however their messages travel: one real gateway for each route, and settings that say which."""

import contextlib
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph.errors import SettingsWrong
from graph.settings import load_settings
from tests.servers import PROJECT, TOKENS, Gateway, Sandbox, changed_settings, ended, free_port, motcua, wait_for

SECRETS = {**TOKENS, "MOTCUA_PLATFORM_SECRET": "sandbox-platform"}
SERVICES = {
    "population": "VN/GOV/MPS/population/*",
    "business": "VN/GOV/MOF/business/registry",
    "insurance": "VN/GOV/VSS/insurance/books",
    "civil_status": "VN/GOV/MOJ/civil-status/register",
    "tax": "VN/GOV/MOF/tax/TraCuuNNT",
    "code_lists": "VN/GOV/MOST/code-lists/lists",
}
PLATFORM = 'platform = {{ token_url = "sandbox:/{0}/token", client_id = "motcua", client_secret = "env:MOTCUA_PLATFORM_SECRET" }}'
EXAMPLES = ("first-query", "household", "civil-status", "insurance-history", "verification")
SECTION = re.compile(r'(?m)^\[systems\.([a-z_]+)\]\n+url = "sandbox:([^"]*)"\n(.*)\nhealth_path = "([^"]*)"')
Change = Callable[["re.Match[str]"], str]


def by_xroad(found: "re.Match[str]") -> str:
    name, _, token, _ = found.groups()
    xroad = f'xroad = {{ client = "VN/GOV/G01/motcua", service = "{SERVICES[name]}", recompute_request_hash = true }}'
    return f'[systems.{name}]\nurl = "sandbox:/xroad"\n{token}\nhealth_path = "/xroad/health"\nroute = "xroad"\n{xroad}'


def by_platform(route: str) -> Change:
    def changed(found: "re.Match[str]") -> str:
        name, path, token, health = found.groups()
        section = f'[systems.{name}]\nurl = "sandbox:/{route}{path}"\n{token}\nhealth_path = "/{route}{health}"\nroute = "{route}"\n'
        return section + PLATFORM.format(route)

    return changed


ROUTES: dict[str, Change] = {"xroad": by_xroad, "ndxp": by_platform("ndxp"), "lgsp": by_platform("lgsp")}


@contextlib.contextmanager
def routed(sandbox: Sandbox, route: str) -> Iterator[Gateway]:
    """Run a gateway whose messages to all six systems go that way, and which keeps nothing."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "motcua.toml"
        text, changed = SECTION.subn(ROUTES[route], changed_settings(sandbox.url, keep_nothing=True))
        assert changed == len(SERVICES)
        file.write_text(text, "utf-8")
        with ended(motcua("serve", "--port", str(port), "--settings", str(file), environment=SECRETS)) as process:
            wait_for(f"http://127.0.0.1:{port}/healthz", process)
            yield Gateway(f"http://127.0.0.1:{port}", process, file)


def example(name: str) -> str:
    return (PROJECT / "examples" / f"{name}.graphql").read_text("utf-8")


@pytest.mark.parametrize("route", list(ROUTES))
def test_all_six_systems_answer_the_same_by_every_route(sandbox: Sandbox, gateway: Gateway, route: str) -> None:
    direct = {name: gateway.ask(example(name))["data"] for name in EXAMPLES}

    with routed(sandbox, route) as other:
        sandbox.reset_calls()
        answers = {name: other.ask(example(name)) for name in EXAMPLES}
        reachable = httpx.get(f"{other.url}/readyz").json()

    assert {name: answer["data"] for name, answer in answers.items()} == direct
    assert not any("errors" in answer for answer in answers.values())
    assert set(sandbox.calls()) == set(SERVICES)
    assert reachable["status"] == "ready"


def codes(answer: dict[str, Any]) -> set[tuple[str, str, bool]]:
    return {(each["message"], each["extensions"]["code"], each["extensions"]["retryable"]) for each in answer["errors"]}


def test_through_xroad_the_agencys_trouble_and_the_platforms_are_told_apart(sandbox: Sandbox) -> None:
    business, tax = 'query { business(code: "9900000016") { name } }', 'query { taxpayer(code: "9900000016") { name } }'
    with routed(sandbox, "xroad") as other:
        with sandbox.fault("business", "status", code=503), sandbox.fault("tax", "status", code=500):
            assert codes(other.ask(business)) == {
                ("The business system reports trouble of its own (HTTP 503)", "UPSTREAM_UNAVAILABLE", True)
            }
            assert codes(other.ask(tax)) == {("The tax system reports trouble of its own (SOAP fault)", "UPSTREAM_UNAVAILABLE", True)}
        httpx.put(f"{sandbox.url}/_sandbox/xroad", json={"code": "Server.ServerProxy.ServiceFailed"}).raise_for_status()
        try:
            for query, name in ((business, "business"), (tax, "tax")):
                said = f"The {name} system could not be reached through X-Road (Server.ServerProxy.ServiceFailed)"
                assert codes(other.ask(query)) == {(said, "UPSTREAM_UNAVAILABLE", True)}
        finally:
            httpx.delete(f"{sandbox.url}/_sandbox/xroad").raise_for_status()


def test_tokens_that_end_all_at_once_are_noticed_by_nobody(sandbox: Sandbox) -> None:
    with routed(sandbox, "ndxp") as other:
        before = httpx.get(f"{sandbox.url}/_sandbox/tokens").json()["ndxp"]["given"]
        first = other.ask(example("first-query"))
        httpx.delete(f"{sandbox.url}/_sandbox/tokens").raise_for_status()
        again = other.ask(example("first-query"))
        given = httpx.get(f"{sandbox.url}/_sandbox/tokens").json()["ndxp"]["given"] - before

    assert "errors" not in first
    assert again == first
    assert given == 2


GOOD = """
[systems.register]
url = "https://agency.example/api"
token = "env:TOKEN"
"""
XROAD = 'route = "xroad"\n[systems.register.xroad]\nclient = "VN/GOV/G01/motcua"\nservice = "VN/GOV/MOF/business/registry"\n'
NDXP = 'route = "ndxp"\n[systems.register.platform]\ntoken_url = "https://p.example/token"\nclient_id = "m"\nclient_secret = "env:SECRET"\n'


def loaded(folder: Path, text: str) -> Any:
    file = folder / "motcua.toml"
    file.write_text(GOOD + text, "utf-8")
    return load_settings(file, environment={"TOKEN": "t", "SECRET": "s3cret"}).systems["register"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('route = "post"', "systems.register.route: invalid enum value"),
        ('route = "xroad"', "systems.register.xroad: is missing; expected a table"),
        ('route = "lgsp"', "systems.register.platform: is missing; expected a table"),
        (XROAD.replace('"xroad"', '"direct"'), 'systems.register.xroad: stands there although route is "direct"'),
        (NDXP.replace('"ndxp"', '"direct"'), 'systems.register.platform: stands there although route is "direct"'),
        (XROAD.replace("VN/GOV/G01/motcua", "VN/GOV"), "systems.register.xroad.client: expected INSTANCE/CLASS/MEMBER/SUBSYSTEM"),
        (XROAD.replace("G01", ".."), "systems.register.xroad.client: expected INSTANCE/CLASS/MEMBER/SUBSYSTEM"),
        (XROAD.replace("/registry", ""), "systems.register.xroad.service: expected INSTANCE/CLASS/MEMBER/SUBSYSTEM/SERVICECODE"),
        (XROAD + 'security_server = "ss1"', "systems.register.xroad.security_server: expected INSTANCE/CLASS/MEMBER/SERVERCODE"),
        (XROAD + 'represented_party = "A/B/C"', "systems.register.xroad.represented_party: expected CLASS/CODE or CODE"),
        (XROAD + 'user_country = "vn"', "systems.register.xroad.user_country: expected"),
        ('client = "httpx"\n' + XROAD + "recompute_request_hash = true", "systems.register.xroad.recompute_request_hash: expected false"),
        (NDXP.replace("https://p.example/token", "p.example"), "systems.register.platform.token_url: expected an address"),
        (NDXP.replace("env:SECRET", "s3cret"), 'systems.register.platform.client_secret: expected "env:NAME" or "file:PATH"'),
        (NDXP.replace("env:SECRET", "env:OTHER"), "systems.register.platform.client_secret: the environment variable OTHER is not set"),
        (NDXP + 'headers = { Authorization = "x" }', "systems.register.platform.headers.Authorization: expected a header"),
        (NDXP + 'headers = { "a b" = "x" }', "systems.register.platform.headers.a b: expected a header"),
        (NDXP + 'headers = { a = "x\\ny" }', "systems.register.platform.headers.a: expected a header"),
    ],
)
def test_a_route_that_cannot_be_gone_stops_the_start_by_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsWrong) as raised:
        loaded(tmp_path, text)

    assert raised.value.message.startswith(f"{tmp_path / 'motcua.toml'}: {said}")
    assert "s3cret" not in raised.value.message


def test_only_a_route_that_tells_of_the_caller_says_so(tmp_path: Path) -> None:
    assert loaded(tmp_path, XROAD).tells
    assert not loaded(tmp_path, NDXP).tells
    assert not loaded(tmp_path, "").tells


def test_a_secret_of_a_platform_is_fetched_and_its_simulated_address_led_to_the_sandbox(tmp_path: Path) -> None:
    platform = loaded(tmp_path, NDXP.replace("https://p.example", "sandbox:/ndxp")).platform

    assert (platform.token_url, platform.client_secret) == ("http://127.0.0.1:9000/ndxp/token", "s3cret")
