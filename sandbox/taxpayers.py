"""Taxpayers of the simulated world: people with an income, businesses, and their branches."""

from datetime import date
from typing import Final

from sandbox.books import CLOSED, Books
from sandbox.companies import Companies
from sandbox.mixing import Stream
from sandbox.people import People
from sandbox.places import Places
from sandbox.records import TODAY, Business, Taxpayer

_LAST_SETTLED: Final = TODAY.year - 2
STATUS_OF_BUSINESS: Final = {1: "00", 2: "03", 3: "04", 4: "01", 5: "06"}
"""The tax department's own status for each status of the business registry."""


class Taxpayers:
    """Tax records by person or by business."""

    def __init__(self, seed: int, people: People, companies: Companies, books: Books, places: Places) -> None:
        self._people = people
        self._companies = companies
        self._books = books
        self._places = places
        self._draws = Stream(seed, "tax")

    def person(self, index: int) -> Taxpayer | None:
        """Return the entry of a person with an income: those with an insurance book and those who run a business."""
        status = self._books.status(index)
        if not status and not self._companies.represented_by(index):
            return None
        card = self._people.card(index)
        bits = self._draws.at(index)
        province = self._places.communes[self._places.living[bits % len(self._places.living)]].province
        return Taxpayer(
            card.personal_id,
            card.full_name,
            "CN",
            "01" if status == CLOSED else "00",
            province,
            *_balance(bits, 100_000),
            (20_000 + bits // 7 % 400_000) * 1000,
            date(max(2008, min(2025, card.birth.year + 20)), 1 + bits % 12, 1 + bits // 12 % 28),
        )

    def business(self, business: Business, branch: int) -> Taxpayer | None:
        """Return the entry of a business, or of one of its branches when `branch` is not 0."""
        if branch > business.branches:
            return None
        return business_taxpayer(business, branch, self._draws.at(int(business.code) * 8 + branch))


def business_taxpayer(business: Business, branch: int, bits: int) -> Taxpayer:
    """Write the tax entry of a business or branch from its registry record and a draw."""
    debt, overpaid, period = _balance(bits, 2_000_000)
    income = (bits // 7 % 900_000) * 10_000 if business.status == 1 else None
    return Taxpayer(
        f"{business.code}-{branch:03d}" if branch else business.code,
        f"CHI NHÁNH {branch} {business.name}" if branch else business.name,
        "CNHANH" if branch else "DN",
        STATUS_OF_BUSINESS[business.status],
        business.office.province,
        debt,
        overpaid,
        period,
        income,
        business.founded,
    )


def _balance(bits: int, unit: int) -> tuple[int | None, int | None, int | None]:
    """Return debt, overpayment and the last settled year: most owe nothing, some have never settled."""
    chance = bits // 336 % 100
    amount = (1 + bits // 33_600 % 500) * unit
    return amount if chance < 6 else 0, amount if chance >= 90 else None, _LAST_SETTLED if chance < 95 else None
