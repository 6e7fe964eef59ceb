"""Access: what knowing who asks, what may be read and how much costs on a query whose records are all in the caches."""

import asyncio
import base64
import gc
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import uvloop
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from strawberry.types.graphql import OperationType

from bench.consumers import KEY, MASKING, NAME, PURPOSE
from bench.door import FIRST_QUERY, body
from bench.figures import Column, Section
from bench.opened import opened
from bench.processes import Changes, Sandbox, sandbox_running, write_settings
from graph.access.identity import Presented
from graph.access.trusted import Registration, TrustedDocument, document_id, written
from graph.app import Door, create_app
from graph.http import GraphQLEndpoint
from graph.serving import settle_memory
from graph.settings import load_settings
from sandbox.app import SYSTEMS, default_token
from sandbox.personas import THU

ROUNDS, RUNS = 15, 200
TARGET_US: Final = 25
# A run of less than so many seconds only tries the bench out.
SHORTEST, FEW_ROUNDS, FEW_RUNS = 5.0, 2, 20
SMALL = "query($id: PersonalId!) { citizen(id: $id) { fullName birthDate } }"
QUERIES: Final = {"first query": FIRST_QUERY, "one citizen, two fields": SMALL}
# An authorisation server that nobody runs: its public key stands in a file, and its tokens are made here.
ISSUER, AUDIENCE, CLIENT, KID = "https://issuer.example", "bench", "bench-client", "bench"
TOKENS = f"""
[[consumers.{NAME}.tokens]]
issuer = "{ISSUER}"
client_id = "{CLIENT}"
"""
CHANGES: Changes = {"access": {"issuers": {"bench": {"issuer": ISSUER, "audience": AUDIENCE, "jwks": "file:jwks.json"}}}}
COLUMNS = (
    Column("query", "query"),
    Column("who asks", "who"),
    Column("µs a request", "us", 1),
    Column("µs more than through an open door", "more_us", 1),
    Column("target µs", "target_us"),
)
PARTS = (Column("part of the first query", "part"), Column("µs", "us", 2))


class Size(NamedTuple):
    """How much is measured."""

    rounds: int
    runs: int


class Issuer:
    """Makes access tokens (RFC 9068) signed with ES256."""

    def __init__(self) -> None:
        self._secret = ec.generate_private_key(ec.SECP256R1())
        self._made = 0

    def keys(self) -> bytes:
        """Publish the public key (RFC 7517)."""
        at = self._secret.public_key().public_numbers()
        place = {name: _base64url(value.to_bytes(32, "big")) for name, value in (("x", at.x), ("y", at.y))}
        return json.dumps({"keys": [{"kid": KID, "use": "sig", "kty": "EC", "crv": "P-256", **place}]}).encode()

    def token(self) -> bytes:
        """Make a token that there was not before."""
        self._made += 1
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": CLIENT, "client_id": CLIENT, "jti": f"t{self._made}", "iat": now, "exp": now + 900}
        parts = ({"typ": "at+jwt", "alg": "ES256", "kid": KID}, {**claims, "scope": "citizen:sensitive tax:read"})
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
        r, s = decode_dss_signature(self._secret.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}".encode()


class Way(NamedTuple):
    """One way to ask: at which endpoint, with which headers, and what."""

    who: str
    endpoint: GraphQLEndpoint
    headers: dict[bytes, bytes]
    body: bytes

    def scope(self) -> dict[str, Any]:
        """Write the head of a request as the server does."""
        fixed = {b"host": b"127.0.0.1", b"content-type": b"application/json", b"accept": b"application/graphql-response+json"}
        headers = list({**fixed, b"content-length": b"%d" % len(self.body), **self.headers}.items())
        return {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers, "client": ("127.0.0.1", 1)}

    async def answer(self) -> bytes:
        """Ask once."""
        answered = bytearray()
        unread = [self.body]

        async def receive() -> dict[str, Any]:
            if not unread:  # asked again, to be told that the client has gone, which it has not
                await asyncio.get_running_loop().create_future()
            return {"type": "http.request", "body": unread.pop(), "more_body": False}

        async def send(message: Mapping[str, Any]) -> None:
            answered.extend(message.get("body", b""))

        await self.endpoint(self.scope(), receive, send)
        return bytes(answered)


def measured(seconds: float) -> Section:
    """Measure everything once; how long that takes depends on `seconds` only in that a short run tries the bench out.

    RuntimeError where the ways to ask do not bring the same answer.
    """
    size = Size(ROUNDS, RUNS) if seconds >= SHORTEST else Size(FEW_ROUNDS, FEW_RUNS)
    with sandbox_running() as sandbox, tempfile.TemporaryDirectory() as folder:
        requests, parts = uvloop.run(_measured(sandbox, Path(folder), size))
    tables = (
        Section("warm queries", {"requests a round": size.runs}, COLUMNS, requests, 0),
        Section("parts", {"runs a round": size.runs * 10}, PARTS, parts, 0),
    )
    return Section("access", {"rounds": size.rounds}, (), [], 0, tables)


async def _measured(sandbox: Sandbox, folder: Path, size: Size) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    issuer = Issuer()
    async with _running(sandbox, folder, issuer) as app:
        settle_memory()
        requests: list[dict[str, Any]] = []
        for name, text in QUERIES.items():
            requests += await _requests(name, _ways(app, text, issuer.token()), size)
        return requests, await _parts(app, issuer, size)


@asynccontextmanager
async def _running(sandbox: Sandbox, folder: Path, issuer: Issuer) -> AsyncIterator[Door]:
    """Run a gateway in this process, with the benches' consumer, an issuer of tokens and registered documents."""
    file = write_settings(folder, sandbox, CHANGES, consumers=TOKENS)
    (folder / "jwks.json").write_bytes(issuer.keys())
    mine = (Registration(NAME, PURPOSE, 0, 0, 0, ()),)
    documents = [TrustedDocument(document_id(text), f"bench-{number}", text, mine) for number, text in enumerate(QUERIES.values())]
    (folder / "documents.json").write_bytes(written(documents))
    secrets = {f"MOTCUA_{system.upper()}_TOKEN": default_token(system) for system in SYSTEMS}
    app = create_app(load_settings(file, environment=secrets))
    async with app.router.lifespan_context(app):
        yield app


def _ways(app: Door, text: str, token: bytes) -> list[Way]:
    """List the ways to ask a query; the first is the yardstick."""
    endpoint = app.endpoint
    if not isinstance(endpoint, GraphQLEndpoint):
        raise TypeError("the endpoint stands behind something, which would be measured with it")
    sent = body(text, id=THU).encode()
    named = json.dumps({"documentId": document_id(text), "variables": {"id": THU}}).encode()
    key = {b"x-api-key": KEY.encode()}
    return [
        Way("anybody, through an open door", opened(endpoint), {}, sent),
        Way("an API key", endpoint, key, sent),
        Way("an access token", endpoint, {b"authorization": b"Bearer " + token}, sent),
        Way("an API key, protected people masked", endpoint, {**key, b"x-purpose": MASKING.encode()}, sent),
        Way("an API key, a registered document", endpoint, key, named),
    ]


async def _requests(query: str, ways: list[Way], size: Size) -> list[dict[str, Any]]:
    """Time every way in turns, after all have brought the same answer from the caches."""
    for way in ways:
        await way.answer()
    answers = {await way.answer() for way in ways}
    if len(answers) != 1 or b'"errors"' in answers.pop():
        raise RuntimeError(f"{query}: the ways to ask bring different answers, so nothing was measured")
    for way in ways:
        for _ in range(2 * size.runs):  # until the simulations beside the caches have found the share of time that they may take
            await way.answer()
    times: list[list[float]] = [[] for _ in ways]
    for number in range(size.rounds):
        for turn in range(len(ways)):  # each round begins with another, so that none always comes after the same
            which = (number + turn) % len(ways)
            times[which].append(await _microseconds(ways[which].answer, size.runs))
    return [
        {
            "query": query,
            "who": way.who,
            "us": statistics.median(mine),
            "more_us": statistics.median(ours - open_us for ours, open_us in zip(mine, times[0], strict=True))
            if way is not ways[0]
            else 0.0,
            "target_us": TARGET_US if way is not ways[0] else float("nan"),
            "rounds": mine,
        }
        for way, mine in zip(ways, times, strict=True)
    ]


async def _parts(app: Door, issuer: Issuer, size: Size) -> list[dict[str, Any]]:
    """Time what a request goes through one after the other, each alone."""
    guard, gateway = app.state.guard, app.state.gateway
    _, by_key, by_token, *_ = _ways(app, FIRST_QUERY, issuer.token())
    scope, headers = by_key.scope(), dict(by_key.scope()["headers"])
    asker = guard.entrance.known(scope, headers) or await guard.entrance.asker(scope, headers)
    token_scope, token_headers = by_token.scope(), dict(by_token.scope()["headers"])
    await guard.entrance.asker(token_scope, token_headers)
    prepared = gateway.schema.prepare(FIRST_QUERY, {"id": THU}, None, {OperationType.QUERY}, asker.permits)
    data = json.loads(await by_key.answer())["data"]
    checks = guard.checks
    account = checks.meter.account(asker.consumer)

    def counted() -> None:
        account = checks.meter.account(asker.consumer)
        account.begin()
        account.end()
        account.figures.note("ok", ())

    tried: dict[str, Callable[[], object]] = {
        "who asks and what for, by an API key": lambda: guard.entrance.known(scope, headers),
        "who asks and what for, by a remembered token": lambda: guard.entrance.known(token_scope, token_headers),
        "whether the document is registered": lambda: guard.texts.of(asker, FIRST_QUERY, None, None),
        "operations at once, and outcomes": counted,
        "cost, persons, budget and the minute": lambda: checks.checked(account, prepared.plan, prepared.variables, trusted=False),
        "fees": lambda: checks.fees.counted(account.figures, prepared.plan, data),
    }
    cells = [{"part": part, "us": statistics.median(_each(run, size) for _ in range(size.rounds))} for part, run in tried.items()]
    return [*cells, {"part": "a token never shown before (ES256)", "us": await _newly_shown(guard.identities.who, issuer, size)}]


async def _newly_shown(who: Callable[[Presented], Awaitable[object]], issuer: Issuer, size: Size) -> float:
    tokens = [Presented(None, b"Bearer " + issuer.token(), None) for _ in range(size.runs)]
    began = time.process_time()
    for token in tokens:
        await who(token)
    return (time.process_time() - began) / len(tokens) * 1e6


async def _microseconds(run: Callable[[], Awaitable[object]], runs: int) -> float:
    gc.collect()
    began = time.process_time()
    for _ in range(runs):
        await run()
    return (time.process_time() - began) / runs * 1e6


def _each(run: Callable[[], object], size: Size) -> float:
    began = time.process_time()
    for _ in range(size.runs * 10):
        run()
    return (time.process_time() - began) / (size.runs * 10) * 1e6


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
