"""Through NDXP or a local platform (LGSP): each message carries an access token of the platform, which is fetched once for all."""

import asyncio
import base64
import math
import re
from collections.abc import Callable
from typing import Annotated, Final
from urllib.parse import quote_plus, urlsplit

import msgspec
from lxml import etree

from graph.errors import ContractBroken, SystemRefused, SystemTimedOut, SystemUnavailable, Theirs
from graph.route_settings import PlatformSettings
from graph.upstream.exchange import Answer, ExchangeFailed, Line, LineClosed, ReadTimedOut, RequestRefused, TooLarge
from graph.upstream.routes import SERVER_ERROR, TOO_MANY, UNAUTHORIZED, Call, Message

OK: Final = 200
MAX_TOKEN_ANSWER: Final = 65_536
# A token is left this much before its end: a tenth of its life, and never more than half a minute.
LEFT_SHARE, LEFT_SECONDS = 0.1, 30.0
USUAL_LIFE: Final = 300.0
# Where a new token is refused too, the token is not the matter, and for so long no refusal has it fetched again.
DOUBT_SECONDS: Final = 30.0
TOKEN: Final = re.compile(r"[\x21-\x7e]{1,16384}")
FORM: Final = b"application/x-www-form-urlencoded"


class Granted(msgspec.Struct, frozen=True):
    """What a platform answers to who asks for a token (RFC 6749, 5.1)."""

    access_token: str
    token_type: str
    expires_in: Annotated[float, msgspec.Meta(gt=0)] = USUAL_LIFE


class NoToken(msgspec.Struct, frozen=True):
    """Why there is no token: the kind of error, in words that follow the platform's name, and when to ask again where it said so."""

    kind: type[Theirs]
    words: str
    retry_after_ms: int | None = None

    def of(self, system: str, platform: str) -> Theirs:
        """Say of a system that the platform is to blame."""
        return self.kind(system, f"was not reached: {platform} {self.words}", retry_after_ms=self.retry_after_ms)


class Tokens:
    """The access token of one client at one platform, for all systems that are reached through it.

    It is fetched by one call for all who wait, and by none of them: who leaves takes nothing from the others.
    """

    def __init__(self, settings: PlatformSettings, line: Line) -> None:
        """Fetch nothing yet; `line` leads to the host of the token address."""
        parts = urlsplit(settings.token_url)
        self._line = line
        self._target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}".encode("ascii")
        pair = f"{quote_plus(settings.client_id)}:{quote_plus(settings.client_secret)}"
        self._proof = b"Basic " + base64.b64encode(pair.encode("ascii"))
        scope = "" if settings.scope is None else f"&scope={quote_plus(settings.scope)}"
        self._form = f"grant_type=client_credentials{scope}".encode("ascii")
        self._token: str | None = None
        self._until = self._doubted_until = -math.inf
        self._fetching: asyncio.Task[str | NoToken] | None = None
        self.users = 0

    async def current(self, ends_at: float) -> str | NoToken:
        """Return the token that is in force, fetched anew where none is."""
        if self._token is not None and asyncio.get_running_loop().time() < self._until:
            return self._token
        return await self._fetched(ends_at)

    async def renewed(self, refused: str, ends_at: float) -> str | NoToken | None:
        """Return another token than the one that was refused; None where a new one would not help."""
        if self._token is not None and self._token != refused:
            return await self.current(ends_at)
        if asyncio.get_running_loop().time() < self._doubted_until:
            return None
        self._token = None
        return await self._fetched(ends_at)

    def doubt(self) -> None:
        """Take note that a token was refused as soon as it was fetched."""
        self._doubted_until = asyncio.get_running_loop().time() + DOUBT_SECONDS

    async def close(self) -> None:
        """Leave; the last of the users closes the line."""
        self.users -= 1
        if self.users > 0:
            return
        if self._fetching is not None:
            self._fetching.cancel()
        await self._line.close()

    async def _fetched(self, ends_at: float) -> str | NoToken:
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch())
        fetching = self._fetching
        try:
            async with asyncio.timeout_at(None if math.isinf(ends_at) else ends_at):
                return await asyncio.shield(fetching)
        except TimeoutError:
            raise ReadTimedOut from None
        except asyncio.CancelledError:
            if fetching.cancelled():
                raise LineClosed from None
            raise

    async def _fetch(self) -> str | NoToken:
        headers = [(b"authorization", self._proof), (b"content-type", FORM), (b"accept", b"application/json")]
        began = asyncio.get_running_loop().time()
        try:
            answer = await self._line.exchange(b"POST", self._target, headers, self._form)
        except TooLarge:
            return NoToken(ContractBroken, "sent something other than an access token")
        except (ExchangeFailed, RequestRefused) as failed:
            slow = type(failed).__name__.endswith("TimedOut")
            return NoToken(SystemTimedOut if slow else SystemUnavailable, f"gave no access token{' in time' if slow else ''}")
        return self._kept(answer, began) if answer.status == OK else _refused(answer)

    def _kept(self, answer: Answer, began: float) -> str | NoToken:
        """Read a token and keep it until shortly before its end, counted from when it was asked for."""
        try:
            granted = msgspec.json.decode(answer.body, type=Granted)
        except msgspec.DecodeError:
            granted = None
        if granted is None or granted.token_type.lower() != "bearer" or not TOKEN.fullmatch(granted.access_token):
            return NoToken(ContractBroken, "sent something other than an access token")
        self._token = granted.access_token
        self._until = began + granted.expires_in - min(LEFT_SECONDS, granted.expires_in * LEFT_SHARE)
        return self._token


def _refused(answer: Answer) -> NoToken:
    if answer.status >= SERVER_ERROR or answer.status == TOO_MANY:
        said = answer.headers.get(b"retry-after", b"").decode("latin-1")
        waits = int(said) * 1_000 if said.isdecimal() and len(said) < 7 else None  # noqa: PLR2004 - six digits are eleven days
        return NoToken(SystemUnavailable, f"gave no access token (HTTP {answer.status})", waits)
    return NoToken(SystemRefused, f"rejects our client id or secret (HTTP {answer.status})")


class Platforms:
    """The tokens of all platforms that the systems of one gateway are reached through: the same client at the same one has one token."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Tokens] = {}

    def tokens(self, settings: PlatformSettings, proofs: tuple[object, ...], line: Callable[[], Line]) -> Tokens:
        """Return the tokens of a platform; `line` makes the line to it, where this is the first system that wants one."""
        key = (settings.token_url, settings.client_id, settings.client_secret, settings.scope, proofs)
        if (known := self._known.get(key)) is None:
            known = self._known[key] = Tokens(settings, line())
        known.users += 1
        return known


class Platform:
    """The route through a platform: its token takes the place of whatever stands in `Authorization`."""

    def __init__(self, called: str, settings: PlatformSettings, tokens: Tokens, path: bytes) -> None:
        """Take the platform's name as it is spoken of, and the path that the system has there."""
        self.rest, self.soap = path, path or b"/"
        self._called = called
        self._tokens = tokens
        self._further = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in settings.headers.items()]
        self._ours = frozenset({b"authorization", *(name for name, _ in self._further)})

    async def carry(self, call: Call, line: Line, message: Message) -> Answer:
        """Send a message with the token; where that is refused, once more with a new one."""
        ends_at = call.errand.ends_at
        token = self._given(call, await self._tokens.current(ends_at))
        answer = await line.exchange(*self._dressed(message, token), ends_at)
        if answer.status != UNAUTHORIZED:
            return answer
        found = await self._tokens.renewed(token, ends_at)
        if found is None:
            return answer
        token = self._given(call, found)
        call.errand.metered()
        answer = await line.exchange(*self._dressed(message, token), ends_at)
        if answer.status == UNAUTHORIZED:
            self._tokens.doubt()
        return answer

    def soap_header(self, _call: Call, _operation: str) -> str:
        """Add nothing: a platform looks at HTTP alone."""
        return ""

    def read_soap(self, _call: Call, _sent_id: str | None, _sent: bytes, _envelope: etree._Element) -> None:
        """Look at nothing."""

    async def close(self) -> None:
        """Leave the token to the others."""
        await self._tokens.close()

    def _given(self, call: Call, found: str | NoToken) -> str:
        if isinstance(found, NoToken):
            raise found.of(call.system.name, self._called)
        return found

    def _dressed(self, message: Message, token: str) -> Message:
        kept = [header for header in message.headers if header[0].lower() not in self._ours]
        return message._replace(headers=[*kept, (b"authorization", b"Bearer " + token.encode("ascii")), *self._further])
