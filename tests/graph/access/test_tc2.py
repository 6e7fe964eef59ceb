"""What somebody gets does not depend on what was asked before: with warm caches and without any, answers and errors are the same bytes."""

import json
import os
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLObjectType, get_named_type

from graph.errors import MotcuaError, SystemUnavailable
from graph.execution.schema import FastSchema
from tests import virtual
from tests.graph.access.state import (
    FIELDS,
    MARKS,
    REFERENCE,
    SCHEMA,
    BookRecord,
    CitizenRecord,
    FirmRecord,
    HouseholdRecord,
    KeptConsents,
    NamedRecord,
    PeriodRecord,
    PersonId,
    PlaceRecord,
    Rights,
    State,
    ask,
    rights,
)

EXAMPLES = 500 * int(os.environ.get("MOTCUA_EXAMPLES", "1"))
PORTIONS = 5
DEEPEST = 4
PEOPLE = [PersonId(f"0990000000{number:02d}") for number in range(9)]
NUMBERS = [f"90000000{number}" for number in range(6)]
OFFICES = ("office", "bank")
NO_CACHE = {"ttl_seconds": 0.0, "negative_ttl_seconds": 0.0}


@dataclass
class Case:
    """A state, what is asked of it by whom, and what others asked before."""

    state: State
    allowed: Rights
    query: str
    others: list[tuple[Rights, str]]

    @property
    def engines(self) -> list[FastSchema]:
        """The engines that must agree: a key proves its record only to the fast one, and only where whoever is named exists."""
        return [SCHEMA, REFERENCE] if len(self.state.citizens) == len(PEOPLE) else [SCHEMA]


def drawn_state(random: Random) -> State:
    """Draw people, of whom some are protected, some are young, some are not known, and records of others about them."""
    missing = random.choice([0.0, 0.2])
    made = State(*(_citizen(person, random) for person in PEOPLE if random.random() >= missing))
    for person in PEOPLE:
        if random.random() < 0.6:
            members = tuple(_named(random) for _ in range(random.randrange(4)))
            made.households[person] = HouseholdRecord(code=random.choice([None, "H"]), members=members)
        if random.random() < 0.6:
            made.books[person] = BookRecord(number=random.choice(NUMBERS), personal_id=random.choice([None, person]), pay="7")
        if random.random() < 0.5:
            firm = FirmRecord(code="1", title="F", heads=tuple(_named(random) for _ in range(random.randrange(3))))
            made.firms[person] = (firm,) * random.randrange(3)
    made.periods = {number: (PeriodRecord(since="2020", pay="5"),) * random.randrange(3) for number in NUMBERS}
    if random.random() < 0.2:
        made.down[random.choice(["citizen", "book", "firms"])] = SystemUnavailable("some", "is down")
    made.paces = Random(random.random())  # noqa: S311 - how long calls take
    return made


def _citizen(person: PersonId, random: Random) -> CitizenRecord:
    born = random.choice([None, "1980-05-05", "1980", "2010-02", "2015-07-07", "unreadable"])
    place = random.choice([None, PlaceRecord(street="S"), PlaceRecord(street=None)])
    father = random.choice([None, _named(random)])
    return CitizenRecord(
        personal_id=person, name=f"Lê {person[-2:]}", born=born, place=place, father_named=father, protected=random.random() < 0.3
    )


def _named(random: Random) -> NamedRecord:
    return NamedRecord(personal_id=random.choice([None, *PEOPLE]), name="Ng")


def drawn_rights(random: Random, consents: KeptConsents) -> Rights:
    """Draw a consumer with a purpose."""
    maskable = [field for field in sorted(FIELDS) if MARKS.mask(field) is not None]
    masked = frozenset(random.sample(maskable, random.randrange(4)))
    protected = random.choice(["show", "mask", "refuse", "absent"])
    return rights(
        consents, name=random.choice(OFFICES), protected=protected, masked=masked, fields=FIELDS - masked,
        min_age=random.choice([0, 0, 14, 18]), consent=random.random() < 0.4,
    )  # fmt: skip


def drawn_consents(random: Random) -> KeptConsents:
    """Draw what people have said."""
    made = KeptConsents(slow=random.random() < 0.5)
    made.unreadable = random.random() < 0.05
    for person in PEOPLE:
        for office in OFFICES:
            if random.random() < 0.6:
                fields = random.choice([["*"], ["Citizen.*", "Named.name"], random.sample(sorted(FIELDS), 12)])
                made.say_yes(person, *fields, consumer=office)
    return made


def drawn_query(random: Random) -> str:
    """Draw a query of a few root fields."""
    roots = [f"r{number}: {_root(random)}" for number in range(random.randrange(1, 4))]
    return "{ " + " ".join(roots) + " }"


def _root(random: Random) -> str:
    person = f'"{random.choice(PEOPLE)}"'
    few = ", ".join(f'"{each}"' for each in random.sample(PEOPLE, 3))
    name, arguments = random.choice(
        [
            ("citizen", f"id: {person}"), ("citizens", f"ids: [{few}]"), ("household", f"id: {person}"), ("firms", f"id: {person}"),
            ("book", f'number: "{random.choice(NUMBERS)}"'),
        ]
    )  # fmt: skip
    kind = SCHEMA._schema.type_map["Query"].fields[name].type  # type: ignore[attr-defined]  # an object type
    return f"{name}({arguments}) {_selection(get_named_type(kind), random, 1)}"


def _selection(kind: GraphQLObjectType, random: Random, depth: int) -> str:
    parts = ["__typename"] if random.random() < 0.1 else []
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        if not isinstance(inner, GraphQLObjectType):
            parts += [name] if random.random() < 0.5 else []
        elif depth < DEEPEST and random.random() < 0.4:
            parts.append(f"{name} {_selection(inner, random, depth + 1)}")
    return "{ " + (" ".join(parts) or "__typename") + " }"


def drawn_case(seed: int) -> Case:
    """Draw a case."""
    random = Random(seed)  # noqa: S311 - a case is drawn
    consents = drawn_consents(random)
    others = [(drawn_rights(random, consents), drawn_query(random)) for _ in range(2)]
    return Case(drawn_state(random), drawn_rights(random, consents), drawn_query(random), others)


def written(result: ExecutionResult) -> bytes:
    """Write an answer as it would be sent."""
    errors = sorted((json.dumps(error.path), _said(error.original_error or error)) for error in result.errors or ())
    return json.dumps([result.data, errors], ensure_ascii=False).encode()


def _said(error: Exception) -> list[Any]:
    return [str(error), error.extensions() if isinstance(error, MotcuaError) else type(error).__name__]


async def cold(case: Case, schema: FastSchema) -> bytes:
    """Ask where nothing is ever kept."""
    return written(await ask(case.state.sources(virtual.clock, **NO_CACHE), case.allowed, case.query, schema))


async def warm(case: Case, schema: FastSchema) -> bytes:
    """Ask after others have asked, and then once more."""
    sources = case.state.sources(virtual.clock)
    for allowed, query in [*case.others, (rights(protected="show"), case.query)]:
        await ask(sources, allowed, query)
    answers = {written(await ask(sources, case.allowed, case.query, schema)) for _ in range(2)}
    assert len(answers) == 1
    return answers.pop()


@pytest.mark.parametrize("portion", range(PORTIONS))
def test_tc2_warm_caches_and_none_give_the_same_bytes(portion: int) -> None:
    told: set[str] = set()
    for seed in range(portion * EXAMPLES // PORTIONS, (portion + 1) * EXAMPLES // PORTIONS):
        case = drawn_case(seed)

        async def both(case: Case = case) -> list[bytes]:
            return [await cold(case, SCHEMA), *[await warm(case, schema) for schema in case.engines]]

        answers = virtual.run(both())
        assert len(set(answers)) == 1, (seed, case.query, answers)
        told.update(code for code in ("FORBIDDEN_FIELD", "CONSENT_REQUIRED", "*", "UPSTREAM") if code.encode() in answers[0])
    assert {"FORBIDDEN_FIELD", "CONSENT_REQUIRED", "*"} <= told


def test_the_drawn_types_are_all_reached() -> None:
    reached = {
        name for seed in range(200) for name in ("periods", "heads", "members", "fatherNamed", "place") if name in drawn_case(seed).query
    }

    assert reached == {"periods", "heads", "members", "fatherNamed", "place"}
