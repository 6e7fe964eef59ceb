"""What operators do about consents: enter what a person has said, find it again, and withdraw it; a person's number is in no address."""

import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from graph.access.consent import FIELD, Consent, Consents, ConsentUnknown
from graph.access.registry import Purpose, Registry
from graph.errors import BadInput
from graph.operating.http import Door, Refused, decoded, in_json, read_body

FIELDS_AT_MOST = 200
REFERENCE = re.compile(r"[^\x00-\x1f\x7f]{0,200}")
Fields = Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=FIELDS_AT_MOST)]


class ConsentOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A consent to be entered; `fields` are coordinates, `Type.*`, or `*` for all that the purpose covers."""

    person: str
    consumer: str
    purpose: str
    fields: Fields = ("*",)
    expires: datetime | None = None
    reference: str = ""


class ConsentSearch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which consents are looked for; what is not named may be any."""

    person: str | None = None
    consumer: str | None = None
    purpose: str | None = None


class ConsentState(msgspec.Struct, frozen=True):
    """A consent as operators see it; whose it is, only who asked by person knows."""

    id: str
    consumer: str
    purpose: str
    fields: tuple[str, ...]
    live: bool
    given_at: datetime
    expires: datetime | None
    withdrawn_at: datetime | None
    reference: str


class ConsentStates(msgspec.Struct, frozen=True):
    """The consents that were found, the latest first."""

    consents: list[ConsentState]


class ConsentDesk:
    """Takes consents in and out, after looking whether they mean anything."""

    def __init__(
        self, consents: Consents, registry: Callable[[], Registry], person: Callable[[str], Any], clock: Callable[[], float] = time.time
    ) -> None:
        """Take the store, the registry in force, and what checks a person's number (BadInput where it cannot be right)."""
        self._consents = consents
        self._registry = registry
        self._person = person
        self._clock = clock

    async def add(self, order: ConsentOrder) -> ConsentState:
        """Enter a consent; it counts from now on. BadInput where it could never count."""
        purpose, now = self._purpose(order), self._clock()
        person = str(self._person(order.person))
        for field in order.fields:
            _check_field(field, purpose)
        if order.expires is not None and (order.expires.tzinfo is None or order.expires.timestamp() <= now):
            raise BadInput("expires: expected a time to come, with its offset from UTC")
        if not REFERENCE.fullmatch(order.reference):
            raise BadInput("reference: expected at most 200 characters on one line")
        expires = None if order.expires is None else order.expires.timestamp()
        consent = Consent(uuid.uuid4().hex, order.consumer, order.purpose, order.fields, now, expires, reference=order.reference)
        await self._consents.add(person, consent)
        return self._shown(consent)

    async def withdraw(self, consent_id: str) -> ConsentState | None:
        """Withdraw a consent, once and for all; None where there is none of that id."""
        found = await self._consents.withdraw(consent_id, self._clock())
        return None if found is None else self._shown(found)

    async def found(self, search: ConsentSearch) -> ConsentStates:
        """Find consents."""
        person = None if search.person is None else str(self._person(search.person))
        consents = await self._consents.found(person=person, consumer=search.consumer, purpose=search.purpose)
        return ConsentStates([self._shown(consent) for consent in consents])

    def _purpose(self, order: ConsentOrder) -> Purpose:
        registry = self._registry()
        consumer = registry.consumers.get(order.consumer)
        if consumer is None:
            raise BadInput("consumer: no such consumer")
        purpose = registry.purposes.get(order.purpose)
        if purpose is None or order.purpose not in consumer.purposes:
            raise BadInput("purpose: expected one that the consumer has")
        if not purpose.consent:
            raise BadInput("purpose: expected one that takes consent; this one does not ask for any")
        return purpose

    def _shown(self, consent: Consent) -> ConsentState:
        return ConsentState(
            consent.id, consent.consumer, consent.purpose, consent.fields, consent.is_live(self._clock()), _time(consent.given_at),
            _time(consent.expires), _time(consent.withdrawn_at), consent.reference,
        )  # fmt: skip


def consent_routes(desk: ConsentDesk, token: str) -> list[Route]:
    """Make the routes for who holds `token`; they go before those that answer whatever else is below `/admin`."""

    async def add(request: Request) -> Response:
        return in_json(await desk.add(decoded(await read_body(request), ConsentOrder)), 201)

    async def listed(request: Request) -> Response:
        wanted = dict(request.query_params)
        if not wanted.keys() <= {"consumer", "purpose"}:
            raise Refused(400, "Expected consumer and purpose alone; a person is searched for by POST, out of sight of logs")
        return in_json(await desk.found(ConsentSearch(**wanted)))

    async def search(request: Request) -> Response:
        return in_json(await desk.found(decoded(await read_body(request), ConsentSearch)))

    async def withdraw(request: Request) -> Response:
        withdrawn = await desk.withdraw(request.path_params["consent"])
        if withdrawn is None:
            raise Refused(404, "no such consent")
        return in_json(withdrawn)

    doors: Mapping[str, Mapping[str, Callable[[Request], Awaitable[Response]]]] = {
        "/admin/consents": {"GET": listed, "POST": add},
        "/admin/consents/search": {"POST": search},
        "/admin/consents/{consent}": {"DELETE": withdraw},
    }
    return [
        Route(path, Door(token, "token", **{verb: _in_words(done) for verb, done in answers.items()})) for path, answers in doors.items()
    ]


def _in_words(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Say as a fault of ours, and not of who asked, where the store cannot be used."""

    async def answered(request: Request) -> Response:
        try:
            return await answer(request)
        except ConsentUnknown as error:
            raise Refused(503, error.message) from error

    return answered


def _check_field(field: str, purpose: Purpose) -> None:
    readable = purpose.fields | purpose.masked
    kind, _, name = field.partition(".")
    covered = field == "*" or field in readable or (name == "*" and any(each.startswith(f"{kind}.") for each in readable))
    if not FIELD.fullmatch(field) or not covered:
        raise BadInput("fields: expected Type.field, Type.* or *, each of what the purpose covers")


def _time(seconds: float | None) -> Any:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
