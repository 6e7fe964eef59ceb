"""Households of the simulated world: who lives with whom, who is the head, and at which address."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from sandbox.families import AUNT, DAUGHTER, FATHER, GRANDFATHER, GRANDMOTHER, MOTHER, SEATS, SON, YOUNGEST, Families
from sandbox.mixing import Stream
from sandbox.names import STREETS
from sandbox.people import People
from sandbox.places import Places
from sandbox.records import TODAY, Address, Household, HouseholdMember, HouseholdSeat

_HOME, _ELDERS, _AUNT_ALONE, _MOTHER_ALONE, _YOUNG_COUPLE, _CHILD_ALONE = range(6)
"""Kinds of household; a grown child alone has its own number for each seat, from `_CHILD_ALONE` on."""

_OF_AGE_ALONE: Final = TODAY.year - 25
_ENDED_COMMUNES_PER_THOUSAND: Final = 30


class Home(NamedTuple):
    """Names one household: the family it comes from and its kind."""

    block: int
    kind: int

    def code(self) -> str:
        """Write the household's number, nine digits."""
        return f"99{self.block:06d}{self.kind}"


class Households:
    """Households by person, each with all its members."""

    home: Callable[[int], Home | None]

    def __init__(self, seed: int, people: People, places: Places) -> None:
        self._people = people
        self._families: Families = people.families
        self._places = places
        self._draws = Stream(seed, "home")
        self._leaving = Stream(seed, "leaving home")
        self.home = lru_cache(maxsize=8192)(self._home)

    def _home(self, index: int) -> Home | None:
        """Return where a person lives; the dead live nowhere."""
        if self._families.died(index):
            return None
        block, seat = divmod(index, SEATS)
        family = self._families.family(block)
        elders = Home(block, _HOME if family.three_generations else _ELDERS)
        if seat <= GRANDMOTHER:
            return elders
        if seat == AUNT:
            return elders if family.aunt_at_home else Home(block, _AUNT_ALONE)
        if seat in {FATHER, MOTHER}:
            return self._parent_home(index, block, seat)
        return self._child_home(index, block, seat)

    def _parent_home(self, index: int, block: int, seat: int) -> Home:
        couple = self._families.couple_of(index)
        left = seat == MOTHER and couple is not None and couple.divorced and not self._families.died(couple.husband)
        return Home(block, _MOTHER_ALONE if left else _HOME)

    def _child_home(self, index: int, block: int, seat: int) -> Home:
        if self._families.spouse(index) is not None:
            couple = self._families.couple_of(index)
            return Home((couple.number if couple else 0) // 3, _YOUNG_COUPLE)
        was_married = self._families.couple_of(index) is not None
        grown = self._families.year(index) <= _OF_AGE_ALONE and self._leaving.at(index) % 100 < 6
        return Home(block, _CHILD_ALONE + seat - SON if was_married or grown else _HOME)

    def members(self, home: Home) -> list[int]:
        """Return the indices of those who live together, the head first."""
        return [index for index in self._candidates(home) if self._families.exists(index) and self.home(index) == home]

    def _candidates(self, home: Home) -> list[int]:
        start = home.block * SEATS
        if home.kind == _YOUNG_COUPLE:
            couple = self._families.couple(home.block * 3 + 2)
            return [couple.husband, couple.wife] if couple else []
        seats = {
            _HOME: (FATHER, MOTHER, GRANDFATHER, GRANDMOTHER, AUNT, SON, DAUGHTER, YOUNGEST),
            _ELDERS: (GRANDFATHER, GRANDMOTHER, AUNT),
            _AUNT_ALONE: (AUNT,),
            _MOTHER_ALONE: (MOTHER,),
        }.get(home.kind, (home.kind - _CHILD_ALONE + SON,))
        return [start + seat for seat in seats]

    def household(self, index: int) -> Household | None:
        """Return the household a living person belongs to."""
        home = self.home(index)
        if home is None:
            return None
        members = self.members(home)
        listed = tuple(self._member(member, members[0]) for member in members)
        return Household(home.code(), self.address(home), listed)

    def _member(self, index: int, head: int) -> HouseholdMember:
        card = self._people.card(index)
        return HouseholdMember(card.personal_id, card.full_name, self.relation(index, head))

    def seat(self, index: int) -> HouseholdSeat | None:
        """Return a living person's place in the household."""
        home = self.home(index)
        if home is None:
            return None
        head = next(member for member in self._candidates(home) if self._families.exists(member) and self.home(member) == home)
        return HouseholdSeat(home.code(), self.relation(index, head), self._people.card(head).as_relative())

    def relation(self, index: int, head: int) -> str:
        """Say what a member is to the head."""
        if index == head:
            return "CHU_HO"
        if self._families.spouse(head) == index:
            return "VO_CHONG"
        parents, parents_of_head = self._families.parents(index), self._families.parents(head)
        if parents and head in parents:
            return "CON"
        if parents_of_head and index in parents_of_head:
            return "CHA_ME"
        return "ANH_CHI_EM" if parents is not None and parents == parents_of_head else "KHAC"

    def address(self, home: Home) -> Address:
        """Return the address all members of a household share."""
        bits = self._draws.at(home.block * 16 + home.kind)
        return place_address(self._places, bits, _ENDED_COMMUNES_PER_THOUSAND)

    def last_address(self, index: int) -> Address:
        """Return the address of the living, or the family home the dead were last registered at."""
        return self.address(self.home(index) or Home(index // SEATS, _HOME))


def place_address(places: Places, bits: int, ended_per_thousand: int) -> Address:
    """Make an address from a draw; a few are in communes that have ended, as in records nobody has touched since."""
    bits, chance = divmod(bits, 1000)
    codes = places.ended if chance < ended_per_thousand else places.living
    bits, position = divmod(bits, len(codes))
    place = places.communes[codes[position]]
    bits, number = divmod(bits, 300)
    if place.kind == "XA":
        return Address(place.province, place.code, f"Thôn {1 + number % 12}")
    return Address(place.province, place.code, f"Số {1 + number}, đường {STREETS[bits % len(STREETS)]}")
