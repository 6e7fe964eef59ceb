"""The full record of a citizen: the card, and everything kinship, household and address add to it."""

from typing import Final

from sandbox.households import Households, place_address
from sandbox.mixing import Stream
from sandbox.people import People
from sandbox.places import Places
from sandbox.records import Address, Person, Relative

_MINORITIES: Final = ("02", "03", "05", "06", "07", "08", "09", "04", "10", "12", "17")
_RELIGIONS: Final = ("01", "02", "02", "01", "03", "04", "05", "06")
_BLOOD_GROUPS: Final = ("O", "O", "O", "O", "B", "B", "B", "A", "A", "AB")
_OLD_BIRTHPLACES_PER_THOUSAND: Final = 100


class Citizens:
    """Full records by index."""

    def __init__(self, seed: int, people: People, households: Households, places: Places) -> None:
        self._people = people
        self._households = households
        self._places = places
        self._draws = Stream(seed, "citizen")
        self._places_draws = Stream(seed, "places of a citizen")
        self._peoples = Stream(seed, "ethnicity")

    def person(self, index: int) -> Person:
        """Return the record of an existing person."""
        card = self._people.card(index)
        families = self._people.families
        bits, whole = divmod(self._draws.at(index), 100)
        bits, moved = divmod(bits, 100)
        permanent = self._households.last_address(index)
        father, mother = self._parents(index)
        spouse = families.spouse(index)
        return Person(
            card.personal_id,
            card.old_id,
            card.surname,
            card.middle,
            card.given,
            whole < 33,
            card.gender,
            self._ethnicity(families.lineage(index)),
            _RELIGIONS[bits % len(_RELIGIONS)] if bits // 8 % 100 < 14 else "00",
            families.marital_status(index),
            _BLOOD_GROUPS[bits // 800 % 10] if bits // 8000 % 10 < 4 else "",
            card.birth,
            self.birth_place(index),
            place_address(self._places, self._places_draws.at(families.lineage(index) * 4 + 1), _OLD_BIRTHPLACES_PER_THOUSAND),
            permanent,
            place_address(self._places, self._places_draws.at(index * 4 + 2), 0) if moved < 12 else permanent,
            father,
            mother,
            None if spouse is None else self._people.card(spouse).as_relative(),
            self._households.seat(index),
            families.died(index) is not None,
        )

    def birth_place(self, index: int) -> Address:
        """Return where a birth was registered."""
        return place_address(self._places, self._places_draws.at(index * 4), _OLD_BIRTHPLACES_PER_THOUSAND)

    def _parents(self, index: int) -> tuple[Relative | None, Relative | None]:
        parents = self._people.families.parents(index)
        if parents is None:
            return None, None
        return self._people.card(parents[0]).as_relative(), self._people.card(parents[1]).as_relative()

    def _ethnicity(self, lineage: int) -> str:
        bits, chance = divmod(self._peoples.at(lineage), 100)
        return "01" if chance < 86 else _MINORITIES[bits % len(_MINORITIES)]
