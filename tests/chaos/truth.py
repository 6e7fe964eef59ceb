"""What the right answer is: computed from the simulated world, without asking the gateway."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sandbox import personas
from sandbox.companies import COMPANIES
from sandbox.families import PEOPLE
from sandbox.records import Book, Business, Event, Person, Taxpayer
from sandbox.world import World

WORLD: Final = World(2026)  # the seed of the sandbox, which is another than that of the chaos
TYPES: Final = {"KS": "BIRTH", "KH": "MARRIAGE", "KT": "DEATH"}
MOST_PEOPLE, MOST_FIRMS, MOST_COMMUNES = 250, 80, 40

Row = dict[str, Any]


class Town(NamedTuple):
    """Those who are asked about again and again: their numbers, by what they are numbers of."""

    people: Sequence[str]
    firms: Sequence[str]
    books: Sequence[str]
    cases: Sequence[str]
    communes: Sequence[str]

    def keys_at(self, system: str) -> Sequence[str]:
        """Return the keys that a system is asked for."""
        return {
            "population": self.people,
            "business": [*self.firms, *self.people],
            "insurance": [*self.people, *self.books],
            "civil_status": [*self.cases, *self.people],
            "tax": [*self.firms, *self.people],
            "code_lists": self.communes,
        }[system]


def chance(what: str) -> random.Random:
    """Make draws that depend on what they are for, and on nothing else."""
    return random.Random(what)  # noqa: S311 - chaos is drawn, nothing is guarded by it


def town(draws: random.Random) -> Town:
    """Draw a town: the personas, and others from all over the country."""
    people = [one.code for one in personas.PERSONAS if one.kind == "person"]
    people += [anybody(draws) for _ in range(MOST_PEOPLE - len(people))]
    firms = [one.code for one in personas.PERSONAS if one.kind == "business"]
    firms += [any_firm(draws) for _ in range(MOST_FIRMS - len(firms))]
    books = [book.number for person in people if (book := WORLD.book(person))]
    cases = [event.case_id for person in people for event in WORLD.events_of(person)]
    communes = draws.sample(sorted(WORLD.places.communes), MOST_COMMUNES)
    return Town(people, firms, books, cases, communes)


def anybody(draws: random.Random) -> str:
    """Draw the personal id of somebody."""
    while not WORLD.people.families.exists(index := draws.randrange(PEOPLE)):
        pass
    return WORLD.people.personal_id(index)


def any_firm(draws: random.Random) -> str:
    """Draw the code of a business."""
    while (code := WORLD.companies.code(draws.randrange(COMPANIES))) is None:
        pass
    return code


# ── rows, as the queries of tests/chaos/questions.py select them ─────────────────────────────────────────────────────────────


def citizen(personal_id: str | None) -> Row | None:
    """Tell what the population system knows of a person."""
    person = WORLD.person(personal_id) if personal_id else None
    return person and {
        "personalId": person.personal_id,
        "fullName": person.full_name.upper(),
        "birthDate": _date(person.birth.compact()),
        "isLiving": not person.dead,
    }


def family(personal_id: str) -> Row | None:
    """Tell a person with the nearest relatives and the household."""
    person, own, home = WORLD.person(personal_id), citizen(personal_id), WORLD.household(personal_id)
    if person is None or own is None:
        return None
    household = home and {"code": home.code, "members": [{"personalId": one.personal_id} for one in home.members]}
    return {**own, **_relatives(person), "household": household}


def _relatives(person: Person) -> Row:
    named = {"father": person.father, "mother": person.mother, "spouse": person.spouse}
    return {role: citizen(relative.personal_id if relative else None) for role, relative in named.items()}


def whole(personal_id: str) -> Row | None:
    """Tell what the other systems know of a person whom the population system knows."""
    own = citizen(personal_id)
    return own and {
        **own,
        "insurance": book(WORLD.book(personal_id)),
        "tax": taxpayer(personal_id),
        "civilStatusEvents": [event(found) for found in WORLD.events_of(personal_id)],
        "businesses": [_firm(found) for found in WORLD.businesses_represented_by(personal_id)],
    }


def firm(code: str) -> Row | None:
    """Tell a business with those who sign for it, and as a taxpayer."""
    found = WORLD.business(code)
    return found and {
        **_firm(found),
        "legalRepresentatives": [{"personalId": one.personal_id, "citizen": citizen(one.personal_id)} for one in found.representatives],
        "tax": taxpayer(code),
    }


def plain_firm(code: str) -> Row | None:
    """Tell a business."""
    found = WORLD.business(code)
    return found and _firm(found)


def _firm(found: Business) -> Row:
    return {"code": found.code, "name": found.name, "foundedOn": found.founded.isoformat()}


def taxpayer(code: str) -> Row | None:
    """Tell a taxpayer."""
    found: Taxpayer | None = WORLD.taxpayer(code)
    return found and {"taxCode": found.code, "name": found.name.upper(), "registeredOn": found.issued.isoformat()}


def book(found: Book | None) -> Row | None:
    """Tell an insurance book with its periods."""
    return found and {
        "number": found.number,
        "personalId": found.personal_id,
        "fullName": found.name.upper(),
        "periods": [{"from": _date(one.first), "employerCode": one.employer or None} for one in found.periods],
    }


def event(found: Event | None) -> Row | None:
    """Tell a civil status event."""
    return found and {"caseId": found.case_id, "type": TYPES[found.module], "registeredOn": found.registered.isoformat()}


def commune(code: str) -> Row | None:
    """Tell a commune and its province."""
    found = WORLD.places.communes.get(code)
    if found is None:
        return None
    above = WORLD.places.provinces[found.province]
    return {"code": found.code, "name": found.name, "province": {"code": above.code, "name": above.name}}


def _date(compact: str) -> str:
    """Write yyyyMMdd or yyyyMM, with zeros for what is not known, as clients see it."""
    parts = (compact[:4], compact[4:6], compact[6:8])
    return "-".join(part for part in parts if part and int(part))


TOLD: Final[Mapping[str, Callable[[str], Row | None]]] = {
    "citizen": citizen,
    "family": family,
    "whole": whole,
    "firm": firm,
    "plain_firm": plain_firm,
    "taxpayer": taxpayer,
    "book": lambda number: book(WORLD.book_numbered(number)),
    "event": lambda case: event(WORLD.event(case)),
    "commune": commune,
}
"""For each kind of row, what belongs to a key."""
