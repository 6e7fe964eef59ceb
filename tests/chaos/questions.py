"""The questions that clients ask: for a seed always the same, each with its right answer and the time that its client has."""

import random
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sandbox import personas
from tests.chaos.truth import TOLD, Town, any_firm, anybody, chance

CITIZEN, FIRM = "personalId fullName birthDate isLiving", "code name foundedOn"
TAXPAYER, EVENT = "taxCode name registeredOn", "caseId type registeredOn"
BOOK = "number personalId fullName periods { from employerCode }"

QUERIES: Final[Mapping[str, str]] = {
    "citizen": f"query($id: PersonalId!) {{ citizen(id: $id) {{ {CITIZEN} }} }}",
    "citizens": f"query($ids: [PersonalId!]!) {{ citizens(ids: $ids) {{ {CITIZEN} }} }}",
    "family": (
        f"query($id: PersonalId!) {{ citizen(id: $id) {{ {CITIZEN} father {{ {CITIZEN} }} mother {{ {CITIZEN} }} spouse {{ {CITIZEN} }}"
        " household { code members { personalId } } } }"
    ),
    "whole": (
        f"query($id: PersonalId!) {{ citizen(id: $id) {{ {CITIZEN} insurance {{ {BOOK} }} tax {{ {TAXPAYER} }}"
        f" civilStatusEvents {{ {EVENT} }} businesses {{ {FIRM} }} }} }}"
    ),
    "firm": (
        f"query($code: BusinessCode!) {{ business(code: $code) {{ {FIRM} legalRepresentatives {{ personalId citizen {{ {CITIZEN} }} }}"
        f" tax {{ {TAXPAYER} }} }} }}"
    ),
    "firms": f"query($codes: [BusinessCode!]!) {{ businesses(codes: $codes) {{ {FIRM} }} }}",
    "taxpayer": f"query($code: TaxCode!) {{ taxpayer(code: $code) {{ {TAXPAYER} }} }}",
    "book": f"query($number: InsuranceNumber!) {{ insuranceBook(number: $number) {{ {BOOK} }} }}",
    "event": f"query($case: CaseId!) {{ civilStatusEvent(caseId: $case) {{ {EVENT} }} }}",
    "commune": "query($code: CommuneCode!) { commune(code: $code) { code name province { code name } } }",
}
KINDS: Final = tuple(QUERIES)
# Which system a field comes from; all others are parts of its record.
SYSTEM_OF: Final[Mapping[str, str]] = {
    **dict.fromkeys(("citizen", "citizens", "father", "mother", "spouse", "household"), "population"),
    **dict.fromkeys(("business", "businesses"), "business"),
    **dict.fromkeys(("insurance", "insuranceBook", "periods"), "insurance"),
    **dict.fromkeys(("civilStatusEvent", "civilStatusEvents"), "civil_status"),
    **dict.fromkeys(("tax", "taxpayer"), "tax"),
    **dict.fromkeys(("commune", "province"), "code_lists"),
}
CLASS_SECONDS: Final = {"citizen": 4.0, "caseworker": 5.0, "service": 6.0, "batch": 6.0}
"""How long each class of requests has in the gateway of these tests."""

CLASS_MOST: Final = {"citizen": 500, "caseworker": 500, "service": 4, "batch": 2}
"""How many requests of a class are answered there at once; more of the last two come now and then, and are sent away."""


class Question(NamedTuple):
    """One request: what is asked, the data of the right answer, and how the client behaves."""

    kind: str
    variables: Mapping[str, Any]
    right: Mapping[str, Any]
    headers: Mapping[str, str]
    seconds: float
    leaves_after: float | None

    @property
    def query(self) -> str:
        """The document that is sent."""
        return QUERIES[self.kind]

    @property
    def keys(self) -> list[str]:
        """The numbers of people and firms in it."""
        return [key for value in self.variables.values() for key in ([value] if isinstance(value, str) else value)]


class Questions:
    """All questions of a seed; each depends on the seed and its number alone, not on when or whether the others are asked."""

    def __init__(self, seed: int, town: Town) -> None:
        self.seed = seed
        self.town = town

    def question(self, number: int) -> Question:
        """Return one question."""
        draws = chance(f"question {number} of {self.seed}")
        plain = self.plain(draws.choice(KINDS), draws)
        priority = draws.choice(["citizen", "citizen", "citizen", "caseworker", "service", "batch"])
        headers = {"x-priority": priority}
        seconds = CLASS_SECONDS[priority]
        if draws.random() < 0.4:
            seconds = round(draws.choice([draws.uniform(0.05, 0.5), draws.uniform(0.5, 3)]), 3)
            headers["x-request-timeout"] = str(seconds)
        leaves_after = draws.uniform(0, draws.choice((0.02, 0.5))) if draws.random() < 0.15 else None
        return plain._replace(headers=headers, seconds=seconds, leaves_after=leaves_after)

    def plain(self, kind: str, draws: random.Random) -> Question:
        """Draw a question of a kind, asked by a patient client."""
        ask = {
            "citizen": lambda: _one(kind, "citizen", "id", self._person(draws)),
            "citizens": lambda: _many(kind, "citizens", "ids", "citizen", [self._person(draws) for _ in range(draws.randint(2, 6))]),
            "family": lambda: _one(kind, "citizen", "id", self._person(draws)),
            "whole": lambda: _one(kind, "citizen", "id", self._person(draws)),
            "firm": lambda: _one(kind, "business", "code", self._firm(draws)),
            "firms": lambda: _many(kind, "businesses", "codes", "plain_firm", [self._firm(draws) for _ in range(draws.randint(2, 8))]),
            "taxpayer": lambda: _one(kind, "taxpayer", "code", self._firm(draws) if draws.random() < 0.5 else self._person(draws)),
            "book": lambda: _one(kind, "insuranceBook", "number", draws.choice(self.town.books)),
            "event": lambda: _one(kind, "civilStatusEvent", "case", draws.choice(self.town.cases)),
            "commune": lambda: _one(kind, "commune", "code", draws.choice(self.town.communes)),
        }
        return ask[kind]()

    def _person(self, draws: random.Random) -> str:
        drawn = draws.random()
        if drawn < 0.03:
            return draws.choice((personas.NOBODY, personas.UNREGISTERED, personas.VI))
        return draws.choice(self.town.people) if drawn < 0.7 else anybody(draws)

    def _firm(self, draws: random.Random) -> str:
        return draws.choice(self.town.firms) if draws.random() < 0.7 else any_firm(draws)


def _one(kind: str, root: str, name: str, key: str) -> Question:
    return Question(kind, {name: key}, {root: TOLD[kind](key)}, {}, CLASS_SECONDS["citizen"], None)


def _many(kind: str, root: str, name: str, told: str, keys: list[str]) -> Question:
    return Question(kind, {name: keys}, {root: [TOLD[told](key) for key in keys]}, {}, CLASS_SECONDS["citizen"], None)
