"""Families of the simulated world, eight seats each: who was born when, who married whom, who has died."""

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from sandbox.mixing import Stream

SEATS: Final = 8
GRANDFATHER, GRANDMOTHER, FATHER, MOTHER, SON, DAUGHTER, YOUNGEST, AUNT = range(SEATS)
"""The youngest is a boy or a girl; the aunt (the father's brother or sister) is then of the other gender."""

_ERAS: Final = 38
BLOCKS: Final = _ERAS * 4000
PEOPLE: Final = BLOCKS * SEATS
"""Seats, not people: in some families the second or third child was never born."""

COUPLES: Final = BLOCKS * 3
_MATERNAL_STEP: Final = _ERAS * 1511
_YOUNG_STEP: Final = _ERAS * 733
"""Both steps are whole eras, so that a mother's parents and a son's wife come from families of the same age."""

_FIRST_YEAR: Final = 1925
_LAST_YEAR: Final = 2025
_YOUNGEST_TO_DIE: Final = 57
_FIRST_DEATHS: Final = 1990
"""Those who died before the civil status register begins were never entered in the population database either."""

_ORDERS: Final = (
    (SON, DAUGHTER, YOUNGEST),
    (SON, YOUNGEST, DAUGHTER),
    (DAUGHTER, SON, YOUNGEST),
    (DAUGHTER, YOUNGEST, SON),
    (YOUNGEST, SON, DAUGHTER),
    (YOUNGEST, DAUGHTER, SON),
)


class Family(NamedTuple):
    """The birth years of the eight seats (0: nobody) and how the family lives."""

    years: tuple[int, ...]
    youngest_is_girl: bool
    three_generations: bool
    aunt_at_home: bool


class Couple(NamedTuple):
    """A marriage of two people, each given by their index."""

    number: int
    husband: int
    wife: int
    married: date
    divorced: bool


class Families:
    """Everything about kinship, as functions of a person's index (family times eight, plus seat)."""

    family: Callable[[int], Family]
    died: Callable[[int], date | None]
    couple: Callable[[int], Couple | None]

    def __init__(self, seed: int) -> None:
        self._family_draws = Stream(seed, "family")
        self._couple_draws = Stream(seed, "couple")
        self._death_draws = Stream(seed, "death")
        self.family = lru_cache(maxsize=8192)(self._family)
        self.died = lru_cache(maxsize=8192)(self._died)
        self.couple = lru_cache(maxsize=8192)(self._couple)

    def _family(self, block: int) -> Family:
        bits = self._family_draws.at(block)
        base = _FIRST_YEAR + block % _ERAS
        bits, grandfather = divmod(bits, 3)
        bits, grandmother = divmod(bits, 3)
        bits, father = divmod(bits, 10)
        bits, mother = divmod(bits, 11)
        bits, aunt = divmod(bits, 11)
        bits, habits = divmod(bits, 1000)
        elders = [base + grandfather, base + grandmother, base + 23 + father, base + 23 + mother]
        children = _children(max(elders[2:]), bits)
        years = (*elders, *children, base + 23 + aunt)
        return Family(years, bool(habits & 1), habits % 20 < 9, habits % 10 < 8)

    def year(self, index: int) -> int:
        """Return the birth year, 0 for a seat in which nobody was ever born."""
        block, seat = divmod(index, SEATS)
        return self.family(block).years[seat]

    def exists(self, index: int) -> bool:
        """Say whether there is a person with this index."""
        return 0 <= index < PEOPLE and self.year(index) > 0

    def is_female(self, index: int) -> bool:
        """Tell women and girls from men and boys."""
        block, seat = divmod(index, SEATS)
        if seat < YOUNGEST:
            return bool(seat & 1)
        return self.family(block).youngest_is_girl == (seat == YOUNGEST)

    def parents(self, index: int) -> tuple[int, int] | None:
        """Return father and mother; the eldest generation's are unknown."""
        block, seat = divmod(index, SEATS)
        if seat in {GRANDFATHER, GRANDMOTHER}:
            return None
        if seat in {FATHER, AUNT}:
            return block * SEATS + GRANDFATHER, block * SEATS + GRANDMOTHER
        if seat == MOTHER:
            origin = (block + _MATERNAL_STEP) % BLOCKS
            return origin * SEATS + GRANDFATHER, origin * SEATS + GRANDMOTHER
        return block * SEATS + FATHER, block * SEATS + MOTHER

    def lineage(self, index: int) -> int:
        """Return the family whose surname this person bears."""
        block, seat = divmod(index, SEATS)
        return (block + _MATERNAL_STEP) % BLOCKS if seat == MOTHER else block

    def _died(self, index: int) -> date | None:
        """Return the day of death, None for the living; nobody dies before their children are grown."""
        first = max(_FIRST_DEATHS, self.year(index) + _YOUNGEST_TO_DIE)
        if first > _LAST_YEAR:
            return None
        bits, chance = divmod(self._death_draws.at(index), 100)
        if chance >= min(92, 2 * (_LAST_YEAR + 2 - first)):
            return None
        bits, year = divmod(bits, _LAST_YEAR + 1 - first)
        return date(first + year, 1 + bits % 12, 1 + bits // 12 % 28)

    def couple_of(self, index: int) -> Couple | None:
        """Return the marriage a person entered, lasting or not."""
        block, seat = divmod(index, SEATS)
        if seat == DAUGHTER:
            return self.couple((block - _YOUNG_STEP) % BLOCKS * 3 + 2)
        return self.couple(block * 3 + seat // 2) if seat <= SON else None

    def _couple(self, number: int) -> Couple | None:
        """Return one of the three marriages of a family: grandparents, parents, and the son's."""
        block, kind = divmod(number, 3)
        bits, divorce = divmod(self._couple_draws.at(number), 100)
        bits, wait = divmod(bits, 7)
        husband, wife = block * SEATS + 2 * kind, block * SEATS + 2 * kind + 1
        if kind == 2:
            wife = (block + _YOUNG_STEP) % BLOCKS * SEATS + DAUGHTER
            year = self._young_wedding(husband, wife, bits, wait)
            if year is None:
                return None
        else:
            year = max(self.year(husband), self.year(wife)) + 20
        married = date(year, 1 + bits % 12, 1 + bits // 12 % 28)
        return Couple(number, husband, wife, married, kind > 0 and divorce < 8)

    def _young_wedding(self, husband: int, wife: int, bits: int, wait: int) -> int | None:
        his, hers = self.year(husband), self.year(wife)
        year = max(his, hers) + 22 + wait
        meant = his and hers and abs(his - hers) <= 8 and bits // 1000 % 10 < 8
        return year if meant and year <= _LAST_YEAR else None

    def marital_status(self, index: int) -> int:
        """Return 1 never married, 2 married, 3 widowed, 4 divorced; for the dead, what they were when they died."""
        couple = self.couple_of(index)
        if couple is None:
            return 1
        if couple.divorced:
            return 4
        theirs = self.died(couple.wife if couple.husband == index else couple.husband)
        mine = self.died(index)
        return 3 if theirs and (mine is None or theirs < mine) else 2

    def spouse(self, index: int) -> int | None:
        """Return the husband or wife of a marriage that still lasts."""
        couple = self.couple_of(index)
        if couple is None or couple.divorced or self.died(couple.husband) or self.died(couple.wife):
            return None
        return couple.wife if couple.husband == index else couple.husband


def _children(elder_parent: int, bits: int) -> tuple[int, int, int]:
    """Return the birth years of son, daughter and youngest; a child that would be born in the future is not there."""
    bits, wait = divmod(bits, 5)
    bits, second = divmod(bits, 4)
    bits, third = divmod(bits, 4)
    bits, order = divmod(bits, len(_ORDERS))
    bits, more = divmod(bits, 100)
    years = [0] * SEATS
    year = elder_parent + 21 + wait
    for seat, gap, born in zip(_ORDERS[order], (second, third, 0), (True, more < 88, more < 50), strict=True):
        if born and year <= _LAST_YEAR:
            years[seat] = year
        year += 2 + gap
    return years[SON], years[DAUGHTER], years[YOUNGEST]
