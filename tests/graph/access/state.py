"""A small state in memory: a population register, an insurer and a register of firms, with people in them who are not all to be shown."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import Annotated, Any

import strawberry
from graphql import ExecutionResult

from graph.access.consent import Consent, Coverage, coverage_of
from graph.access.directives import Mask, MaskForm, Refused, Subject
from graph.access.marks import marks_of
from graph.access.registry import Consumer, Purpose
from graph.access.screens import Screening
from graph.context import RequestContext
from graph.execution.schema import FastSchema
from graph.loading.batch import SubjectFacts, batch_many, batch_one
from graph.loading.cache import MISSING, Missing, ResolverCache
from graph.loading.loaders import Loaders, Sources
from graph.seam import link, link_each
from graph.settings import BatchSettings
from graph.upstream.record import Record, wire
from graph.upstream.system import System
from tests.lines import StandIn, lines

POPULATION = System("population", title="People", owner="An agency", protocol="REST")
INSURER = System("insurer", title="Books", owner="An agency", protocol="REST")
FIRMS = System("firms", title="Firms", owner="An agency", protocol="REST")
TODAY = 1_767_225_600.0  # 1 January 2026, seven in the morning in Vietnam


class PersonId(str):
    """A number of a person."""

    __slots__ = ()

    @property
    def person(self) -> str:
        """The person."""
        return str(self)


class PlaceRecord(Record):
    street: str | None = wire("street")


class NamedRecord(Record):
    personal_id: PersonId | None = wire("id")
    name: str = wire("name")


class CitizenRecord(Record):
    personal_id: PersonId = wire("id")
    name: str = wire("name")
    born: str | None = wire("born")
    place: PlaceRecord | None = wire("place")
    father_named: NamedRecord | None = wire("father")
    protected: bool = wire("protected")


class HouseholdRecord(Record):
    code: str | None = wire("code")
    members: tuple[NamedRecord, ...] = wire("members")


class BookRecord(Record):
    number: str = wire("number")
    personal_id: PersonId | None = wire("id")
    pay: str | None = wire("pay")


class PeriodRecord(Record):
    since: str = wire("since")
    pay: str | None = wire("pay")


class FirmRecord(Record):
    code: str = wire("code")
    title: str = wire("title")
    heads: tuple[NamedRecord, ...] = wire("heads")


class Register(StandIn):
    """The line to one of the systems: what it knows, what was asked, and whether it is down."""

    def __init__(self, state: "State") -> None:
        self.state = state


@batch_one(POPULATION, max_keys=1, facts=SubjectFacts(protected="protected", born="born"))
async def citizen_by_id(upstream: Any, ids: Sequence[PersonId]) -> Mapping[PersonId, CitizenRecord]:
    return await upstream.state.answer("citizen", ids, upstream.state.citizens)  # type: ignore[no-any-return]


@batch_one(POPULATION, max_keys=1)
async def household_by_member(upstream: Any, ids: Sequence[PersonId]) -> Mapping[PersonId, HouseholdRecord]:
    return await upstream.state.answer("household", ids, upstream.state.households)  # type: ignore[no-any-return]


@batch_one(INSURER, max_keys=3)
async def book_by_person(upstream: Any, ids: Sequence[PersonId]) -> Mapping[PersonId, BookRecord]:
    return await upstream.state.answer("book", ids, upstream.state.books)  # type: ignore[no-any-return]


@batch_one(INSURER, max_keys=3)
async def book_by_number(upstream: Any, numbers: Sequence[str]) -> Mapping[str, BookRecord]:
    known = {book.number: book for book in upstream.state.books.values()}
    return await upstream.state.answer("number", numbers, known)  # type: ignore[no-any-return]


@batch_many(INSURER, max_keys=3)
async def periods_by_number(upstream: Any, numbers: Sequence[str]) -> Mapping[str, tuple[PeriodRecord, ...]]:
    return await upstream.state.answer("periods", numbers, upstream.state.periods)  # type: ignore[no-any-return]


@batch_many(FIRMS, max_keys=5)
async def firms_by_head(upstream: Any, ids: Sequence[PersonId]) -> Mapping[PersonId, tuple[FirmRecord, ...]]:
    return await upstream.state.answer("firms", ids, upstream.state.firms)  # type: ignore[no-any-return]


def _field(form: MaskForm | None = None) -> Any:
    return strawberry.field(directives=[] if form is None else [Mask(as_=form)])


Citizen_ = Annotated["Citizen", strawberry.lazy("tests.graph.access.state")]


def _father(citizen: CitizenRecord) -> PersonId | None:
    return None if citizen.father_named is None else citizen.father_named.personal_id


@strawberry.type
class Place:
    street: str | None = _field(MaskForm.NULL)


@strawberry.type(directives=[Subject(field="personalId")])
class Named:
    personal_id: strawberry.ID | None = _field(MaskForm.LAST_FOUR)
    name: str = _field(MaskForm.INITIALS)
    citizen: Citizen_ | None = link(citizen_by_id, key="personal_id", proves="personal_id", description="x")


@strawberry.type(directives=[Subject(field="members.personalId")])
class Household:
    code: str | None = _field(MaskForm.NULL)
    members: list[Named]


@strawberry.type
class Period:
    since: str
    pay: str | None = _field(MaskForm.NULL)


@strawberry.type(directives=[Subject(field="personalId", refused=Refused.ABSENT)])
class Book:
    number: str = _field(MaskForm.LAST_FOUR)
    personal_id: strawberry.ID | None
    pay: str | None = _field(MaskForm.NULL)
    periods: list[Period] | None = link(periods_by_number, key="number", description="x")
    citizen: Citizen_ | None = link(citizen_by_id, key="personal_id", description="x")


@strawberry.type
class Firm:
    code: str
    title: str
    heads: list[Named]


@strawberry.type(directives=[Subject(field="personalId")])
class Citizen:
    personal_id: strawberry.ID = _field(MaskForm.LAST_FOUR)
    name: str = _field(MaskForm.INITIALS)
    born: str | None = _field(MaskForm.YEAR)
    place: Place | None
    father_named: Named | None
    father: Citizen_ | None = link(citizen_by_id, key=_father, proves="personal_id", description="x")
    household: Household | None = link(household_by_member, key="personal_id", description="x")
    book: Book | None = link(book_by_person, key="personal_id", description="x")
    firms: list[Firm] | None = link(firms_by_head, key="personal_id", description="x")


def _id(_root: None, id: strawberry.ID) -> PersonId:  # noqa: A002 - the argument's name
    return PersonId(id)


def _ids(_root: None, ids: list[strawberry.ID]) -> list[PersonId]:
    return [PersonId(each) for each in ids]


def _number(_root: None, number: str) -> str:
    return number


@strawberry.type
class Query:
    citizen: Citizen | None = link(citizen_by_id, key=_id, description="x")
    citizens: list[Citizen | None] | None = link_each(citizen_by_id, keys=_ids, description="x")
    household: Household | None = link(household_by_member, key=_id, description="x")
    book: Book | None = link(book_by_number, key=_number, description="x")
    firms: list[Firm] | None = link(firms_by_head, key=_id, description="x")


BATCHES = (citizen_by_id, household_by_member, book_by_person, book_by_number, periods_by_number, firms_by_head)
SCHEMA = FastSchema(query=Query)
REFERENCE = FastSchema(query=Query)
REFERENCE.configure(engine="reference")
MARKS = marks_of(SCHEMA._schema)
FIELDS = frozenset(
    f"{name}.{field}"
    for name in ("Query", "Citizen", "Place", "Named", "Household", "Book", "Period", "Firm")
    for field in SCHEMA._schema.type_map[name].fields  # type: ignore[attr-defined]  # an object type
)


class State:
    """What the systems know; `calls` are the keys of each call, `down` the batch functions that fail, `paces` how long calls take."""

    def __init__(self, *citizens: CitizenRecord) -> None:
        self.citizens: dict[str, Any] = {citizen.personal_id: citizen for citizen in citizens}
        self.households: dict[str, Any] = {}
        self.books: dict[str, Any] = {}
        self.periods: dict[str, Any] = {}
        self.firms: dict[str, Any] = {}
        self.calls: list[tuple[str, tuple[str, ...]]] = []
        self.down: dict[str, Exception] = {}
        self.paces = Random(0)  # noqa: S311 - how long calls take

    async def answer(self, name: str, keys: Sequence[str], known: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one call."""
        self.calls.append((name, tuple(keys)))
        await asyncio.sleep(self.paces.random())
        if name in self.down:
            raise self.down[name]
        return {key: known[key] for key in keys if key in known}

    def asked(self, name: str) -> list[str]:
        """List the keys that were asked for under a name."""
        return [key for called, keys in self.calls for key in keys if called == name]

    def sources(self, clock: Any, **knobs: Any) -> Sources:
        """Open lines and caches."""
        register = Register(self)
        caches = {batch: ResolverCache(batch, BatchSettings(**knobs), clock) for batch in BATCHES}
        return Sources(lines({system.name: register for system in (POPULATION, INSURER, FIRMS)}), caches)


class KeptConsents:
    """Consents in memory; those that are `slow` have to be looked up before they are known, as a database's have."""

    def __init__(self, *, slow: bool = False) -> None:
        self.kept: dict[tuple[str, str, str], list[Consent]] = {}
        self.unreadable = False
        self._slow = slow
        self._known: set[tuple[str, str, str]] = set()

    def known(self, person: str, consumer: str, purpose: str, *, again: bool = False) -> Coverage | Missing:
        del again
        place = (person, consumer, purpose)
        if self._slow and place not in self._known:
            return MISSING
        return Coverage(unreadable=True) if self.unreadable else coverage_of(self.kept.get(place, ()), TODAY)

    async def look(self, people: Collection[str], consumer: str, purpose: str) -> None:
        await asyncio.sleep(0.01)
        self._known.update((person, consumer, purpose) for person in people)

    def say_yes(self, person: str, *fields: str, consumer: str = "office", purpose: str = "task", **more: Any) -> None:
        """Let a person consent."""
        consent = Consent(f"{len(self.kept)}", consumer, purpose, fields, given_at=TODAY - 1, **more)
        self.kept.setdefault((person, consumer, purpose), []).append(consent)


class Rights:
    """Every field, with the screens of a purpose."""

    def __init__(self, screening: Screening, consumer: Consumer, purpose: Purpose) -> None:
        self._screens = screening.of(consumer, purpose)

    def refusal(self, _parent: str, _field: str) -> None:
        """Refuse nothing: that is looked at elsewhere."""

    def screens(self, coordinates: Collection[str] | None) -> Mapping[Any, Any]:
        """Return the screens."""
        return self._screens(coordinates)


def purpose(**declared: Any) -> Purpose:
    """Make a purpose that reads everything."""
    return Purpose(**{"name": "task", "title": "A task", "legal_basis": "statutory", "ground": "Law 1/2026", "fields": FIELDS, **declared})


def consumer(name: str = "office") -> Consumer:
    """Make a consumer."""
    return Consumer(name, "An office", "state", {"task": None})


def rights(consents: Any = None, *, name: str = "office", **declared: Any) -> Rights:
    """Make the rights of a consumer."""
    return Rights(Screening(MARKS, SCHEMA._schema, BATCHES, consents, lambda: TODAY), consumer(name), purpose(**declared))


async def ask(
    sources: Sources, allowed: Rights, text: str, schema: FastSchema = SCHEMA, variables: dict[str, Any] | None = None
) -> ExecutionResult:
    """Ask in a request of its own."""
    loaders = Loaders(sources)
    context = RequestContext(loaders, allowed=allowed)
    return await schema.execute(text, variable_values=variables, context_value=context)  # type: ignore[return-value]  # Strawberry's, with data and errors


def person(number: int, *, protected: bool = False, born: str | None = "1980-05-05", father: NamedRecord | None = None) -> CitizenRecord:
    """Make a person."""
    return CitizenRecord(
        personal_id=PersonId(f"0990000000{number:02d}"), name=f"Lê Văn {chr(65 + number)}", born=born,
        place=PlaceRecord(street=f"Street {number}"), father_named=father, protected=protected,
    )  # fmt: skip


def named(citizen: CitizenRecord) -> NamedRecord:
    """Name a person in somebody else's record."""
    return NamedRecord(personal_id=citizen.personal_id, name=citizen.name)
