"""What is set of the way that messages to a system travel: nothing for the direct one, names for X-Road, a client for NDXP and an LGSP."""

import re
from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple
from urllib.parse import quote

import msgspec

from graph.errors import SettingsWrong

RouteName = Literal["direct", "xroad", "ndxp", "lgsp"]
CALLED = {"direct": "", "xroad": "X-Road", "ndxp": "NDXP", "lgsp": "the LGSP"}
# What no part of an identifier may hold (PR-REST 4.8, PR-MESS 2.7): it would be read as another part, or as another path.
PART = re.compile(r"(?!\.{1,2}$)(?! )[^\x00-\x1f\x7f-\x9f:;/\\%\u200b\ufeff]+(?<! )")
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
OUR_HEADERS = frozenset(
    {"authorization", "host", "connection", "content-length", "content-type", "transfer-encoding", "user-agent", "accept-encoding"}
)


class XRoadSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[systems.<name>.xroad]`: which subsystem we are, which service answers, and what is told of the caller in each message."""

    client: str
    service: str
    security_server: str | None = None
    represented_party: str | None = None
    user_country: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] = "VN"
    recompute_request_hash: bool = False


class PlatformSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[systems.<name>.platform]`: where NDXP or an LGSP gives us access tokens, as which client, and what it wants in each message."""

    token_url: str
    client_id: str
    client_secret: str
    scope: str | None = None
    headers: dict[str, str] = {}


class Identifier(NamedTuple):
    """The parts of an X-Road identifier."""

    parts: tuple[str, ...]

    @property
    def quoted(self) -> str:
        """How it stands in an address and in a header: each part percent-encoded, between slashes."""
        return "/".join(quote(part, safe="") for part in self.parts)


def identifier(text: str, least: int, most: int) -> Identifier | None:
    """Read an identifier of so many parts between slashes; None where it is not one."""
    parts = tuple(text.split("/"))
    return Identifier(parts) if least <= len(parts) <= most and all(PART.fullmatch(part) for part in parts) else None


def check_xroad(where: str, xroad: XRoadSettings, *, pooled: bool) -> None:
    """Hold the names against the form that X-Road gives them; a hash can be recomputed only of what our own pool sends."""
    if xroad.recompute_request_hash and not pooled:
        raise SettingsWrong(f'{where}.recompute_request_hash: expected false, because client is "httpx"')
    shapes = (
        ("client", xroad.client, 3, 4, "INSTANCE/CLASS/MEMBER/SUBSYSTEM"),
        ("service", xroad.service, 5, 6, "INSTANCE/CLASS/MEMBER/SUBSYSTEM/SERVICECODE, and /VERSION for SOAP where there is one"),
        ("security_server", xroad.security_server, 4, 4, "INSTANCE/CLASS/MEMBER/SERVERCODE"),
        ("represented_party", xroad.represented_party, 1, 2, "CLASS/CODE or CODE"),
    )
    for key, value, least, most, form in shapes:
        if value is not None and identifier(value, least, most) is None:
            raise SettingsWrong(f"{where}.{key}: expected {form}")


def check_platform(where: str, platform: PlatformSettings, is_address: Callable[[str], bool]) -> None:
    """Look at what will stand in messages to the platform."""
    if not is_address(platform.token_url):
        raise SettingsWrong(f'{where}.token_url: expected an address such as "https://host/token"')
    for name, value in platform.headers.items():
        if not HEADER.fullmatch(name) or name.lower() in OUR_HEADERS or not HEADER_VALUE.fullmatch(value):
            raise SettingsWrong(f"{where}.headers.{name}: expected a header that is not written by Motcua itself, with a value in ASCII")


def check_tables(where: str, route: RouteName, xroad: XRoadSettings | None, platform: PlatformSettings | None) -> None:
    """See that there is the table which the route needs, and none that it does not."""
    needed = {"xroad": "xroad", "ndxp": "platform", "lgsp": "platform"}.get(route)
    for name, table in (("xroad", xroad), ("platform", platform)):
        if name == needed and table is None:
            raise SettingsWrong(f'{where}.{name}: is missing; expected a table, because route is "{route}"')
        if name != needed and table is not None:
            raise SettingsWrong(f'{where}.{name}: stands there although route is "{route}"; expected none')
