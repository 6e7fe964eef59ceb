"""Dates that may be known only in part, money, genders and names: one way for all agencies."""

import unicodedata
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.seam import BadInput
from resolvers.values import Gender, Money, PartialDate, bare, composed, gender_123, yes_no

DAYS = st.dates(date(1800, 1, 1), date(2200, 12, 31))
NAMES = st.text(st.sampled_from("aăâbcdđeêghiklmnoôơpqrstuưvxyAĂÂBCDĐEÊàảãáạằẩễốợụỹ '-"), max_size=40)


@pytest.mark.parametrize("text", ["1985-02-14", "1985-02", "1985", "1800", "2200-12-31"])
def test_a_date_may_be_known_to_the_day_the_month_or_the_year(text: str) -> None:
    assert PartialDate.parse(text) == text


@pytest.mark.parametrize("text", ["1996-02-29", "2000-02-29", "2024-02-29"])
def test_a_leap_day_exists_in_a_leap_year(text: str) -> None:
    assert PartialDate.parse(text) == text


@pytest.mark.parametrize("text", ["1900-02-29", "1995-02-29", "2100-02-29"])
def test_a_leap_day_exists_in_no_other_year(text: str) -> None:
    with pytest.raises(BadInput, match="a date that exists"):
        PartialDate.parse(text)


@pytest.mark.parametrize(
    "text",
    ["", "85", "1799", "2201", "1985-00", "1985-13", "1985-2-14", "1985-02-00", "1985-04-31", "14/02/1985", "1985-02-14T00:00",
     "1985-02-14\n", " 1985", "١٩٨٥", "1985-02-1４"],
)  # fmt: skip
def test_what_is_no_date_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(BadInput) as raised:
        PartialDate.parse(text)

    assert raised.value.message == "PartialDate: expected a date that exists, as yyyy-mm-dd, yyyy-mm or yyyy"


@given(DAYS)
def test_every_agency_writes_the_same_day_in_its_own_way(day: date) -> None:
    assert PartialDate.compact(f"{day:%Y%m%d}") == PartialDate.slashed(f"{day:%d/%m/%Y}") == PartialDate.parse(day.isoformat())


@given(DAYS, DAYS)
def test_dates_sort_as_days_do(one: date, other: date) -> None:
    assert (PartialDate(one.isoformat()) < PartialDate(other.isoformat())) == (one < other)


@pytest.mark.parametrize(
    ("text", "known"),
    [("19850214", "1985-02-14"), ("19850200", "1985-02"), ("19850000", "1985"), ("198502", "1985-02"), ("198500", "1985")],
)
def test_zeros_of_a_compact_date_stand_for_what_is_not_known(text: str, known: str) -> None:
    assert PartialDate.compact(text) == known


@pytest.mark.parametrize("text", ["19850012", "00000000", "", "198", "1985021", "19850230", "1985-02-14", "１９８５", "1985021x"])
def test_a_compact_date_with_a_gap_or_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        PartialDate.compact(text)


@pytest.mark.parametrize(("text", "known"), [("14/02/1985", "1985-02-14"), ("02/1985", "1985-02"), ("1985", "1985")])
def test_a_date_with_slashes_may_be_known_in_part(text: str, known: str) -> None:
    assert PartialDate.slashed(text) == known


@pytest.mark.parametrize("text", ["02/14/1985", "31/04/2020", "1/2/2020", "/1985", ""])
def test_a_date_with_slashes_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        PartialDate.slashed(text)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("6000000000.000", "6000000000"), ("1234.50", "1234.5"), ("0.00", "0"), ("0", "0"), ("007", "7"), ("-12.250", "-12.25")],
)
def test_an_amount_is_written_without_needless_zeros(text: str, amount: str) -> None:
    assert Money.written(text) == amount


@pytest.mark.parametrize("text", ["", "1e9", "1,000", "12.", ".5", "NaN", "1.2345", "+1", "١", "1 000", "9" * 22])
def test_an_amount_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        Money.written(text)


@pytest.mark.parametrize("text", ["5000000000", "1234.5", "-1", "0.125"])
def test_a_client_writes_an_amount_as_it_reads_one(text: str) -> None:
    assert Money.parse(text) == text


@pytest.mark.parametrize("text", ["01", "1.", "1.2345", "1e3", "", "١"])
def test_a_client_may_not_write_an_amount_in_another_form(text: str) -> None:
    with pytest.raises(BadInput, match="Money: expected a decimal number as a string"):
        Money.parse(text)


@given(st.decimals(-(10**20), 10**20, places=3))
def test_an_amount_keeps_every_digit_and_never_has_an_exponent(amount: Decimal) -> None:
    written = Money.of(amount)

    assert Decimal(written) == amount
    assert Money.parse(written) == written


def test_a_number_with_an_exponent_is_written_out() -> None:
    assert Money.of(Decimal("6E+9")) == "6000000000"


@pytest.mark.parametrize(
    ("code", "gender"), [("1", Gender.MALE), ("2", Gender.FEMALE), ("3", Gender.OTHER), ("0", Gender.UNKNOWN), ("", Gender.UNKNOWN)]
)
def test_a_gender_that_is_not_known_is_unknown(code: str, gender: Gender) -> None:
    assert gender_123(code) is gender


def test_yes_and_no_are_one_letter_each() -> None:
    assert yes_no("Y") is True
    assert yes_no("N") is False


@pytest.mark.parametrize("text", ["", "y", "1", "true"])
def test_anything_else_is_neither_yes_nor_no(text: str) -> None:
    with pytest.raises(BadInput, match="expected Y or N"):
        yes_no(text)


def test_a_name_in_two_unicode_forms_is_one_name() -> None:
    name = "Đặng Thị Thúy"

    assert composed(unicodedata.normalize("NFD", name)) == name


def test_a_name_has_single_spaces() -> None:
    assert composed("  NGUYỄN \t VĂN\u00a0THƯ ") == "NGUYỄN VĂN THƯ"


@pytest.mark.parametrize(
    ("name", "compared"),
    [
        ("Nguyễn Văn Thư", "NGUYENVANTHU"),
        ("NGUYỄN VĂN THƯ", "NGUYENVANTHU"),
        ("đặng đình độ", "DANGDINHDO"),
        ("ĐẶNG ĐÌNH ĐỘ", "DANGDINHDO"),
        ("nguyen van thu", "NGUYENVANTHU"),
        ("H'Hen Niê", "H'HENNIE"),
        ("H’Hen Niê", "H'HENNIE"),
        ("Y-Bhăm Niê", "Y-BHAMNIE"),
        ("Nguyễn Văn Thư.", "NGUYENVANTHU"),
        ("...", ""),
    ],
)
def test_matching_compares_a_name_in_upper_case_without_accents_and_spaces(name: str, compared: str) -> None:
    assert bare(name) == compared


@given(NAMES)
def test_matching_sees_no_difference_between_unicode_forms_and_cases(name: str) -> None:
    forms = {bare(name), bare(unicodedata.normalize("NFD", name)), bare(name.upper()), bare(name.lower()), bare(bare(name))}

    assert len(forms) == 1
    assert forms.pop().isascii()
