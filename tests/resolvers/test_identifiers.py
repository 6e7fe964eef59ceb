"""Identifiers: what cannot be right is refused before anybody is asked, in words that do not quote it."""

import contextlib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from graph.seam import BadInput
from resolvers.identifiers import (
    BusinessCode,
    CaseId,
    CommuneCode,
    Identifier,
    InsuranceNumber,
    OldIdNumber,
    PersonalId,
    ProvinceCode,
    TaxBody,
    TaxCode,
)

DIGITS = "0123456789"
BODIES = st.integers(0, 999_999_999).map("{:09d}".format)


def right_digits(body: str) -> list[str]:
    return [digit for digit in DIGITS if TaxBody.is_right(body + digit)]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (PersonalId, "099085000002"),
        (BusinessCode, "9900000016"),
        (TaxCode, "9900000016"),
        (TaxCode, "099085000002"),
        (TaxCode, "9900000016-001"),
        (InsuranceNumber, "9900000002"),
        (OldIdNumber, "990000002"),
        (ProvinceCode, "01"),
        (CommuneCode, "00097"),
        (CaseId, "G22.99-260115-0001"),
        (CaseId, "G22.99-260115-000001"),
    ],
)
def test_an_identifier_stays_as_it_is_written(kind: type[Identifier], text: str) -> None:
    parsed = kind.parse(text)

    assert parsed == text
    assert type(parsed) is kind


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (PersonalId, "99085000002"),
        (PersonalId, "0990850000021"),
        (PersonalId, "09908500000x"),
        (PersonalId, "099085000002\n"),
        (PersonalId, " 099085000002"),
        (PersonalId, "٠٩٩٠٨٥٠٠٠٠٠٢"),
        (PersonalId, "000085000002"),
        (PersonalId, ""),
        (BusinessCode, "990000001"),
        (BusinessCode, "99000000166"),
        (BusinessCode, "9900000016-001"),
        (BusinessCode, "9900000017"),
        (TaxCode, "9900000017"),
        (TaxCode, "9900000017-001"),
        (TaxCode, "9900000016-000"),
        (TaxCode, "9900000016000"),
        (TaxCode, "9900000016-01"),
        (TaxCode, "9900000016--001"),
        (TaxCode, "099285000002"),
        (InsuranceNumber, "990000000"),
        (OldIdNumber, "9900000020"),
        (ProvinceCode, "00"),
        (ProvinceCode, "1"),
        (CommuneCode, "00000"),
        (CommuneCode, "0097"),
        (CaseId, "G22.99-2601-0001"),
        (CaseId, "22.99-260115-0001"),
        (CaseId, "g22.99-260115-0001"),
        (CaseId, "G22.99-260115-0001 "),
    ],
)
def test_an_identifier_of_another_shape_is_refused_without_being_quoted(kind: type[Identifier], text: str) -> None:
    with pytest.raises(BadInput) as raised:
        kind.parse(text)

    assert raised.value.message in {f"{rule.__name__}: expected {rule.rule}" for rule in (kind, PersonalId)}


@pytest.mark.parametrize(
    ("text", "year", "male"),
    [
        ("099085000002", 1985, True),
        ("099185000002", 1985, False),
        ("099216000007", 2016, True),
        ("099312000006", 2012, False),
        ("099000000001", 1900, True),
        ("099200000001", 2000, True),
    ],
)
def test_a_personal_id_states_century_year_and_gender(text: str, year: int, *, male: bool) -> None:
    person = PersonalId.parse(text)

    assert person.birth_year == year
    assert person.is_male is male


@pytest.mark.parametrize("text", ["099299000001", "099399000001", "099400000001", "099500000001", "099600000001", "099999000001"])
def test_nobody_is_born_in_the_future(text: str) -> None:
    with pytest.raises(BadInput, match="a birth year that is not in the future"):
        PersonalId.parse(text)


@pytest.mark.parametrize("code", ["0100233488", "0100109106", "0300588569", "9900000016", "9900000023", "9900000030", "9900000048"])
def test_codes_that_were_issued_have_a_right_check_digit(code: str) -> None:
    assert BusinessCode.parse(code) == code


def test_one_body_in_eleven_has_no_check_digit_and_is_never_issued() -> None:
    assert right_digits("990000007") == []


@given(BODIES)
def test_a_body_has_at_most_one_right_check_digit(body: str) -> None:
    assert len(right_digits(body)) <= 1


@given(BODIES, st.integers(0, 9), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(body: str, place: int, by: int) -> None:
    assume(right_digits(body))
    code = body + right_digits(body)[0]
    changed = str((int(code[place]) + by) % 10)

    assert BusinessCode.parse(code) == code
    assert not TaxBody.is_right(code[:place] + changed + code[place + 1 :])


@given(st.integers(0, 99).map("{:02d}0000000".format))
def test_a_serial_of_nought_is_never_issued(body: str) -> None:
    assert right_digits(body) == []


@given(st.text(max_size=20))
def test_any_text_is_parsed_to_itself_or_refused(text: str) -> None:
    for kind in (PersonalId, BusinessCode, InsuranceNumber, OldIdNumber, ProvinceCode, CommuneCode, CaseId):
        parsed = None
        with contextlib.suppress(BadInput):
            parsed = kind.parse(text)
        assert parsed in {None, text}


def test_a_branch_written_without_its_hyphen_gets_it() -> None:
    assert TaxCode.parse("9900000016001") == "9900000016-001"


def test_the_tax_code_of_a_person_follows_the_rule_of_personal_ids() -> None:
    with pytest.raises(BadInput, match="PersonalId: expected 12 digits"):
        TaxCode.parse("000085000002")
