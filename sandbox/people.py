"""The people of the simulated world: the name, number and birth date that belong to an index, and the way back."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from sandbox.codes import RESERVED_SERIALS, is_personal_id, personal_id
from sandbox.families import AUNT, BLOCKS, PEOPLE, SEATS, YOUNGEST, Families
from sandbox.mixing import Shuffle, Stream
from sandbox.names import FEMALE_GIVEN, FEMALE_MIDDLES, MALE_GIVEN, MALE_MIDDLES, SURNAMES
from sandbox.records import FEMALE, MALE, TODAY, Birth, Relative

_SERIALS: Final = 1_000_000 - RESERVED_SERIALS
_MALE_SEATS: Final = (0, 2, 4)
_FEMALE_SEATS: Final = (1, 3, 5)
_HALF: Final = SEATS // 2
_OLD_IDS_UNTIL: Final = 1999
_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Card(NamedTuple):
    """What stands on a person's identity card."""

    person: int
    personal_id: str
    old_id: str
    surname: str
    middle: str
    given: str
    gender: int
    birth: Birth

    @property
    def full_name(self) -> str:
        """The name as it is spoken."""
        return f"{self.surname} {self.middle} {self.given}"

    def as_relative(self) -> Relative:
        """Return how this person is named in another's record."""
        return Relative(self.full_name, self.personal_id, self.old_id)


class People:
    """Cards by index or by personal id."""

    card: Callable[[int], Card]

    def __init__(self, seed: int, families: Families) -> None:
        self.families = families
        self._name_draws = Stream(seed, "name")
        self._surname_draws = Stream(seed, "surname")
        self._birth_draws = Stream(seed, "birth")
        # One shuffle for each gender: the gender digit then keeps a man and a woman with the same serial apart.
        self._serials = (Shuffle(_SERIALS, Stream(seed, "men")), Shuffle(_SERIALS, Stream(seed, "women")))
        self.card = lru_cache(maxsize=8192)(self._card)

    def _card(self, index: int) -> Card:
        female = self.families.is_female(index)
        year = self.families.year(index)
        bits, middle = divmod(self._name_draws.at(index), 1 << 20)
        middles, givens = (FEMALE_MIDDLES, FEMALE_GIVEN) if female else (MALE_MIDDLES, MALE_GIVEN)
        old_id = f"99{(bits >> 20) % 10_000_000:07d}" if year <= _OLD_IDS_UNTIL else ""
        return Card(
            index,
            self.personal_id(index),
            old_id,
            self._surname(index),
            middles[middle % len(middles)],
            givens[bits % len(givens)],
            FEMALE if female else MALE,
            self._birth(index, year),
        )

    def personal_id(self, index: int) -> str:
        """Return the personal id of an existing person."""
        block, seat = divmod(index, SEATS)
        female = self.families.is_female(index)
        rank = _HALF - 1 if seat >= YOUNGEST else seat // 2
        serial = RESERVED_SERIALS + self._serials[female].place(block * _HALF + rank)
        return personal_id(self.families.year(index), serial, female=female)

    def index(self, text: str) -> int | None:
        """Return the index of the person who bears this personal id, None when nobody does."""
        serial = int(text[6:]) - RESERVED_SERIALS if is_personal_id(text) else -1
        if serial < 0:
            return None
        female = int(text[3]) & 1
        block, rank = divmod(self._serials[female].index(serial), _HALF)
        if block >= BLOCKS:
            return None
        index = block * SEATS + self._seat(block, rank, female=bool(female))
        return index if self.families.exists(index) and self.personal_id(index) == text else None

    def _seat(self, block: int, rank: int, *, female: bool) -> int:
        if rank < _HALF - 1:
            return (_FEMALE_SEATS if female else _MALE_SEATS)[rank]
        return YOUNGEST if self.families.family(block).youngest_is_girl == female else AUNT

    def _surname(self, index: int) -> str:
        lineage = self.families.lineage(index)
        own = PEOPLE + index if index % SEATS == 1 else lineage
        return SURNAMES[self._surname_draws.at(own) % len(SURNAMES)]

    def _birth(self, index: int, year: int) -> Birth:
        # Nobody is born in the last month, so that every birth has been registered by the day on which the world stands still.
        bits, month = divmod(self._birth_draws.at(index), 11 if year == TODAY.year - 1 else 12)
        bits, day = divmod(bits, _DAYS[month])
        year_only = year < 1965 and bits % 100 < 4
        return Birth(year) if year_only else Birth(year, month + 1, day + 1)
