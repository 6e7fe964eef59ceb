"""The businesses of the simulated world: who signs for them and owns them, what they do, and the way back from a code."""

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from sandbox.codes import RESERVED_SERIALS, business_code, is_business_code
from sandbox.families import AUNT, BLOCKS, FATHER, GRANDFATHER, GRANDMOTHER, MOTHER, SEATS, Families
from sandbox.households import place_address
from sandbox.lists import ACTIVITIES
from sandbox.mixing import Shuffle, Stream
from sandbox.names import FIRM_FIRST, FIRM_SECOND, FOREIGN_FIRMS
from sandbox.people import People
from sandbox.places import Places
from sandbox.records import Business, Owner, Representative
from sandbox.spelling import without_accents

COMPANIES: Final = BLOCKS * 2 + 56_000
"""Seats again: one in eleven has no valid check digit and was never issued. A family can hold up to three."""

SOLE_MEMBER: Final = "Công ty trách nhiệm hữu hạn một thành viên"
SEVERAL_MEMBERS: Final = "Công ty trách nhiệm hữu hạn hai thành viên trở lên"
JOINT_STOCK: Final = "Công ty cổ phần"
PRIVATE: Final = "Doanh nghiệp tư nhân"

OPERATING, SUSPENDED, DISSOLVING, DISSOLVED, NOT_AT_ADDRESS = range(1, 6)

_SERIALS: Final = 10_000_000 - RESERVED_SERIALS
_FIRST_YEAR: Final = 1992
_LAST_YEAR: Final = 2025
_KINDS: Final = (SOLE_MEMBER,) * 45 + (SEVERAL_MEMBERS,) * 28 + (JOINT_STOCK,) * 17 + (PRIVATE,) * 10
_STATUSES: Final = (OPERATING,) * 78 + (SUSPENDED,) * 8 + (DISSOLVING,) * 3 + (DISSOLVED,) * 7 + (NOT_AT_ADDRESS,) * 4
_BRANCHES: Final = (0,) * 84 + (1,) * 10 + (2,) * 4 + (3,) * 2
_FORMS: Final = {
    SOLE_MEMBER: ("CÔNG TY TNHH MỘT THÀNH VIÊN", "COMPANY LIMITED", "Giám đốc"),
    SEVERAL_MEMBERS: ("CÔNG TY TNHH", "COMPANY LIMITED", "Giám đốc"),
    JOINT_STOCK: ("CÔNG TY CỔ PHẦN", "JOINT STOCK COMPANY", "Tổng giám đốc"),
    PRIVATE: ("DOANH NGHIỆP TƯ NHÂN", "PRIVATE ENTERPRISE", "Chủ doanh nghiệp"),
}
_TRADES: Final = (
    ("THƯƠNG MẠI", "TRADING"),
    ("XÂY DỰNG", "CONSTRUCTION"),
    ("VẬN TẢI", "TRANSPORT"),
    ("SẢN XUẤT", "MANUFACTURING"),
    ("DỊCH VỤ", "SERVICES"),
    ("CÔNG NGHỆ", "TECHNOLOGY"),
)
_SPLITS: Final = ((60.0, 40.0), (50.0, 50.0), (51.0, 29.0, 20.0), (70.0, 20.0, 10.0), (33.34, 33.33, 33.33))


class Signers(NamedTuple):
    """Who signs for a business (the first is the main one), and when it was founded."""

    people: tuple[int, ...]
    founded: date


class Companies:
    """Businesses by index, code, or representative."""

    signers: Callable[[int], Signers]

    def __init__(self, seed: int, people: People, places: Places) -> None:
        self._people = people
        self._families: Families = people.families
        self._places = places
        self._draws = Stream(seed, "company")
        self._signer_draws = Stream(seed, "signer")
        self._office_draws = Stream(seed, "office")
        self._serials = Shuffle(_SERIALS, Stream(seed, "company serial"))
        self._blocks = tuple(Shuffle(BLOCKS, Stream(seed, f"company families {layer}")) for layer in range(3))
        self.signers = lru_cache(maxsize=8192)(self._signers)

    def code(self, company: int) -> str | None:
        """Return the code of a business, None where the seat is empty."""
        return business_code(RESERVED_SERIALS + self._serials.place(company))

    def index(self, code: str) -> int | None:
        """Return the index of the business with this code, None when there is none."""
        serial = int(code[2:9]) - RESERVED_SERIALS if is_business_code(code) and code.startswith("99") else -1
        company = self._serials.index(serial) if serial >= 0 else COMPANIES
        return company if company < COMPANIES else None

    def _signers(self, company: int) -> Signers:
        layer, local = divmod(company, BLOCKS)
        start = self._blocks[layer].place(local) * SEATS
        bits, first = divmod(self._signer_draws.at(company), 20)
        bits, second = divmod(bits, 100)
        seats = (FATHER, MOTHER, AUNT) if first < 12 else (MOTHER, FATHER, AUNT) if first < 17 else (AUNT, FATHER, MOTHER)
        living = [start + seat for seat in seats if not self._families.died(start + seat)]
        people = tuple((living or [start + seats[0]])[: 2 if second < 15 else 1])
        low = max(_FIRST_YEAR, *(self._families.year(index) + 19 for index in people))
        death = self._families.died(people[0])
        high = max(low, death.year - 1 if death else _LAST_YEAR)
        bits, year = divmod(bits, high + 1 - low)
        return Signers(people, date(low + year, 1 + bits % 12, 1 + bits // 12 % 28))

    def represented_by(self, index: int) -> list[str]:
        """Return the codes of the businesses a person signs for."""
        block, seat = divmod(index, SEATS)
        if seat not in {FATHER, MOTHER, AUNT}:
            return []
        companies = [layer * BLOCKS + shuffle.index(block) for layer, shuffle in enumerate(self._blocks)]
        codes = ((company, self.code(company)) for company in companies if company < COMPANIES)
        return [code for company, code in codes if code and index in self.signers(company).people]

    def status(self, company: int) -> int:
        """Return 1 to 5 as the registry numbers them; without a living representative a business is dissolved."""
        if self._families.died(self.signers(company).people[0]):
            return DISSOLVED
        return _STATUSES[self._draws.at(company) % 100]

    def business(self, company: int) -> Business | None:
        """Return the full record, None where the seat is empty."""
        code = self.code(company)
        if code is None:
            return None
        signers = self.signers(company)
        bits = self._draws.at(company) // 100
        bits, kind_draw = divmod(bits, 100)
        kind = _KINDS[kind_draw]
        bits, branches = divmod(bits, 100)
        bits, capital = divmod(bits, 200)
        name, foreign_name, short_name = _names(kind, bits)
        people = [self._people.card(index) for index in signers.people]
        return Business(
            code,
            10_000_000 + company,
            name,
            foreign_name,
            short_name,
            kind,
            self.status(company),
            signers.founded,
            _amended(signers.founded, bits),
            (capital + 1) * 50_000_000 if capital < 190 else None,
            tuple(
                Representative(card.full_name, card.personal_id, _FORMS[kind][2] if first else "Phó giám đốc", first)
                for first, card in zip((True, False), people, strict=False)
            ),
            place_address(self._places, self._office_draws.at(company), 40),
            _activities(bits),
            self._owners(company, kind, signers),
            _BRANCHES[branches],
        )

    def _owners(self, company: int, kind: str, signers: Signers) -> tuple[Owner, ...]:
        if kind == PRIVATE:
            return ()
        bits = self._signer_draws.at(company + COMPANIES)
        shares = (100.0,) if kind == SOLE_MEMBER else _SPLITS[bits % len(_SPLITS)]
        owners = [self._person_owner(index) for index in self._relatives(signers)][: len(shares)]
        if bits % 1000 < 100:
            owners[-1] = self._corporate_owner(company, bits) or owners[-1]
        while len(owners) < len(shares):
            owners.append(Owner(FOREIGN_FIRMS[(bits + len(owners)) % len(FOREIGN_FIRMS)], None, None, 0))
        return tuple(owner._replace(percent=share) for owner, share in zip(owners, shares, strict=True))

    def _relatives(self, signers: Signers) -> list[int]:
        """Return the representatives and those of the family who were of age when the business was founded."""
        start = signers.people[0] // SEATS * SEATS
        family = (start + seat for seat in (FATHER, MOTHER, AUNT, GRANDFATHER, GRANDMOTHER))
        of_age = signers.founded.year - 19
        others = [i for i in family if i not in signers.people and self._families.year(i) <= of_age and not self._families.died(i)]
        return [*signers.people, *others]

    def _person_owner(self, index: int) -> Owner:
        card = self._people.card(index)
        return Owner(card.full_name, card.personal_id, None, 0)

    def _corporate_owner(self, company: int, bits: int) -> Owner | None:
        other = (company + 1 + bits % 1000) % COMPANIES
        code = self.code(other)
        if code is None:
            return None
        kind = _KINDS[self._draws.at(other) // 100 % 100]
        return Owner(_names(kind, self._draws.at(other) // (100 * 100 * 100 * 200))[0], None, code, 0)


def _names(kind: str, bits: int) -> tuple[str, str, str]:
    """Return the name, the name in English and the short name of a firm."""
    form, foreign_form, _ = _FORMS[kind]
    trade, foreign_trade = _TRADES[bits % len(_TRADES)]
    proper = f"{FIRM_FIRST[bits // 6 % len(FIRM_FIRST)]} {FIRM_SECOND[bits // 120 % len(FIRM_SECOND)]}".upper()
    plain = without_accents(proper)
    return f"{form} {trade} {proper}", f"{plain} {foreign_trade} {foreign_form}", plain


def _activities(bits: int) -> tuple[tuple[str, str], ...]:
    start = bits // 2400 % len(ACTIVITIES)
    return tuple(ACTIVITIES[(start + 7 * step) % len(ACTIVITIES)] for step in range(1 + bits % 4))


def _amended(founded: date, bits: int) -> date:
    year = founded.year + bits // 7 % (_LAST_YEAR + 1 - founded.year)
    return founded.replace(year=year)
