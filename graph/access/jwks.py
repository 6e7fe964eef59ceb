"""The keys that an authorisation server signs its tokens with (its JWKS): fetched, looked through, and kept current.

They are fetched anew every ten minutes. A key that is not known has them fetched at once, for all who wait together, and not again within
half a minute, whatever keys tokens name. Where fetching fails, what was fetched last holds for a day.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Final

import httpx

from graph.access.signing_keys import SigningKey, signing_keys
from graph.access_settings import IssuerSettings
from graph.errors import SettingsWrong
from graph.telemetry import log
from graph.trust import Certificates, checked, trust

REFRESH_SECONDS: Final = 600.0
PAUSE_SECONDS: Final = 30.0
LAST_GOOD_SECONDS: Final = 86_400.0
FETCH_SECONDS: Final = 5.0
MOST_BYTES: Final = 65_536
OK: Final = 200
LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})

Fetch = Callable[[], Awaitable[bytes]]
Connect = Callable[[], contextlib.AbstractAsyncContextManager[httpx.AsyncBaseTransport]]


class Jwks:
    """The keys of one issuer."""

    def __init__(self, name: str, allowed: Collection[str], fetch: Fetch, clock: Callable[[], float]) -> None:
        """Know nothing yet; `name` is the issuer's in the settings, `allowed` are its algorithms."""
        self._name = name
        self._allowed = frozenset(allowed)
        self._fetch = fetch
        self._clock = clock
        self._keys: Mapping[str, SigningKey] = {}
        self._fetched_at = self._asked_at = float("-inf")
        self._fails = False
        self._flight: asyncio.Task[None] | None = None

    def known(self, kid: str) -> SigningKey | None:
        """Return a key as last fetched, where that was not too long ago."""
        return self._keys.get(kid) if self._clock() - self._fetched_at <= LAST_GOOD_SECONDS else None

    async def found(self, kid: str) -> SigningKey | None:
        """Return a key, having asked the issuer where it is not known and the issuer was not asked just now."""
        found = self.known(kid)
        if found is None and (self._flight is not None or self._may_ask()):
            await self.refresh()
            found = self.known(kid)
        return found

    async def refresh(self) -> None:
        """Ask the issuer, together with whoever does so already; a failure is told to the log, and what is known stays."""
        if self._flight is None:
            self._asked_at = self._clock()
            self._flight = asyncio.create_task(self._fly())
        await asyncio.shield(self._flight)

    async def keep_current(self) -> None:
        """Fetch again and again, sooner after a failure, until cancelled; then nothing is under way any more."""
        try:
            while True:
                if self._may_ask():
                    await self.refresh()
                await asyncio.sleep(PAUSE_SECONDS if self._fails else REFRESH_SECONDS)
        finally:
            if self._flight is not None:
                self._flight.cancel()

    def _may_ask(self) -> bool:
        """Tell whether the issuer was left alone for long enough; a clock that was set back does not make that longer."""
        return not 0 <= self._clock() - self._asked_at < PAUSE_SECONDS

    async def _fly(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                self._keys = signing_keys(await self._fetch(), self._allowed)
            self._fetched_at = self._clock()
            self._tell(None)
        except (httpx.HTTPError, OSError, ValueError) as error:
            self._tell(error)
        finally:
            self._flight = None

    def _tell(self, error: Exception | None) -> None:
        """Log that fetching begins to fail, with the kind of error alone, and that it is over."""
        if error is not None and not self._fails:
            log.warning("access.issuers.%s: the keys cannot be fetched (%s); those fetched last hold for a day", self._name, _kind(error))
        elif error is None and self._fails:
            log.info("access.issuers.%s: the keys can be fetched again", self._name)
        self._fails = error is not None


def _kind(error: Exception) -> str:
    return str(error) if type(error) is ValueError else type(error).__name__


def fetching(name: str, issuer: IssuerSettings, file: Path, network: httpx.AsyncBaseTransport | None) -> Fetch:
    """Make what fetches an issuer's keys, from `https:` or, beside the file of the settings, `file:`; SettingsWrong for anything else."""
    where, folder = f"{file}: access.issuers.{name}", file.parent
    if issuer.jwks.startswith("file:"):
        path = folder / issuer.jwks.removeprefix("file:")
        return lambda: _read(path)
    try:
        url = httpx.URL(issuer.jwks)
    except httpx.InvalidURL:
        url = httpx.URL()
    # Without TLS keys come only from this machine: whoever stands between could else sign whatever it likes.
    if not url.host or not (url.scheme == "https" or (url.scheme == "http" and url.host in LOCAL)):
        raise SettingsWrong(f'{where}.jwks: expected an address such as "https://id.example.vn/jwks", or "file:PATH"')
    authorities = checked(where, folder, Certificates(authorities=issuer.ca_file), encrypted=url.scheme == "https")
    connect = _connecting(authorities, network)

    async def fetch() -> bytes:
        async with connect() as connection:
            return await _get(url, connection)

    return fetch


def _connecting(authorities: Certificates, network: httpx.AsyncBaseTransport | None) -> Connect:
    """Make what opens a connection for each document: at one in ten minutes none is worth being kept open."""
    if network is not None:
        return lambda: contextlib.nullcontext(network)
    context = trust(authorities)
    return lambda: httpx.AsyncHTTPTransport(verify=context, trust_env=False)


async def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return _bounded(file.read(MOST_BYTES + 1))


async def _get(url: httpx.URL, connection: httpx.AsyncBaseTransport) -> bytes:
    """Fetch a document of bounded size, uncompressed: unpacked, a small one may be of any size."""
    request = httpx.Request("GET", url, headers={"accept": "application/jwk-set+json, application/json", "accept-encoding": "identity"})
    request.extensions["timeout"] = httpx.Timeout(FETCH_SECONDS).as_dict()
    response = await connection.handle_async_request(request)
    try:
        if response.status_code != OK:
            raise ValueError(f"status {response.status_code}")
        if "content-encoding" in response.headers:
            raise ValueError("compressed, and not asked for so")
        body = b""
        async for part in response.aiter_bytes():
            body = _bounded(body + part)
        return body
    finally:
        await response.aclose()


def _bounded(body: bytes) -> bytes:
    if len(body) > MOST_BYTES:
        raise ValueError("too long")
    return body
