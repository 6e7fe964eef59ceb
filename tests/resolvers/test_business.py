"""The business registry: what is sent to it, and how a business is read from its JSON."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from graph.errors import ContractBroken, SystemRefused, SystemUnavailable, Theirs
from resolvers.business import (
    SYSTEM,
    ActivityRecord,
    BusinessRecord,
    BusinessStatus,
    BusinessType,
    RepresentativeRecord,
    SeatRecord,
    ShareholderRecord,
    business_by_code,
    businesses_by_representative,
)
from resolvers.identifiers import BusinessCode, PersonalId
from resolvers.values import Money, PartialDate
from tests.lines import line

AN_PHAT, SAO_MAI, HOANG_HON = BusinessCode("9900000016"), BusinessCode("9900000023"), BusinessCode("9900000030")
THU, MAI = PersonalId("099085000002"), PersonalId("099187000005")

# As text, so that the capital has the registry's three decimals.
ROW = """{
  "ENTERPRISE_GDT_CODE": "9900000016", "ENTERPRISE_CODE": "9000001",
  "NAME": "CÔNG TY TNHH THƯƠNG MẠI & DỊCH VỤ AN PHÁT", "NAME_F": "AN PHAT TRADING & SERVICES COMPANY LIMITED", "SHORT_NAME": "AN PHAT",
  "ENTERPRISE_TYPE_NAME": "Công ty trách nhiệm hữu hạn hai thành viên trở lên", "ENTERPRISE_STATUS": "1",
  "FOUNDING_DATE": "15/03/2011", "LAST_AMEND_DATE": "06/05/2024", "CAPITAL_AMOUNT": 6000000000.000,
  "LEGAL_NAMES": "Nguyễn Văn Thư; Lê Thị Mai",
  "Representatives": [
    {"FULL_NAME": "Nguyễn Văn Thư", "IDENTITY_NO": "099085000002", "POSITION": "Giám đốc", "IS_MAIN": "Y"},
    {"FULL_NAME": "Hanbit", "IDENTITY_NO": null, "POSITION": "", "IS_MAIN": "N"}
  ],
  "HOAdress": {"CityID": 1001, "WardID": 500679, "AddressFullText": "Số 12, đường Bạch Đằng, Phường Hồng Hà, Thành phố Hà Nội"},
  "BusinessActivity": [
    {"CODE": "4632", "NAME": "Bán buôn thực phẩm", "IS_MAIN": "Y"}, {"CODE": "85590", "NAME": "Giáo dục khác", "IS_MAIN": "N"}
  ],
  "Member": [
    {"MEMBER_NAME": "Nguyễn Văn Thư", "IDENTITY_NO": "099085000002", "MEMBER_GDT_CODE": null, "RATIO_PERCENT": 33.34},
    {"MEMBER_NAME": "CÔNG TY SAO MAI", "IDENTITY_NO": null, "MEMBER_GDT_CODE": "9900000023", "RATIO_PERCENT": 60},
    {"MEMBER_NAME": "Hanbit Trading Co., Ltd.", "IDENTITY_NO": null, "MEMBER_GDT_CODE": null, "RATIO_PERCENT": null}
  ]
}"""
NOTHING = '{"Status": "0", "Total": 0, "Data": []}'


def row(**changes: object) -> str:
    return json.dumps({**json.loads(ROW), **changes}) if changes else ROW


def represented(person: str, *rows: str) -> str:
    return f'{{"IDENTITY_NO": "{person}", "Enterprises": [{", ".join(rows)}]}}'


def page(*rows: str, total: int | None = None) -> str:
    return f'{{"Status": "1", "Total": {len(rows) if total is None else total}, "Data": [{", ".join(rows)}]}}'


def answering(body: str, status: int = 200) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(status, content=body.encode(), headers={"content-type": "application/json"})


async def found(body: str, *codes: BusinessCode) -> Any:
    async with line(answering(body), SYSTEM) as upstream:
        return await business_by_code(upstream, codes or [AN_PHAT])


async def found_for(body: str, *people: PersonalId) -> Any:
    async with line(answering(body), SYSTEM) as upstream:
        return await businesses_by_representative(upstream, people or [THU])


async def test_businesses_are_asked_for_by_repeating_the_code() -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        assert request.method == "GET"
        assert str(request.url) == "http://agency.test/api/enterprises?code=9900000016&code=9900000023"
        assert request.headers["authorization"] == "Bearer secret-token"
        return answering(NOTHING)(request)

    async with line(agency, SYSTEM) as upstream:
        await business_by_code(upstream, [AN_PHAT, SAO_MAI])


async def test_businesses_of_people_are_asked_for_by_repeating_the_identity() -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        assert request.method == "GET"
        assert str(request.url) == "http://agency.test/api/representatives?identity=099085000002&identity=099187000005"
        return answering(NOTHING)(request)

    async with line(agency, SYSTEM) as upstream:
        await businesses_by_representative(upstream, [THU, MAI])


async def test_every_field_of_a_business_is_translated() -> None:
    assert await found(page(ROW)) == {
        AN_PHAT: BusinessRecord(
            code=AN_PHAT,
            registry_number="9000001",
            name="CÔNG TY TNHH THƯƠNG MẠI & DỊCH VỤ AN PHÁT",
            foreign_name="AN PHAT TRADING & SERVICES COMPANY LIMITED",
            short_name="AN PHAT",
            type=BusinessType.LIMITED_SEVERAL_MEMBERS,
            status=BusinessStatus.OPERATING,
            founded_on=PartialDate("2011-03-15"),
            last_amended_on=PartialDate("2024-05-06"),
            charter_capital=Money("6000000000"),
            head_office=SeatRecord(
                source_city="1001", source_ward="500679", text="Số 12, đường Bạch Đằng, Phường Hồng Hà, Thành phố Hà Nội"
            ),
            legal_representatives=(
                RepresentativeRecord(full_name="Nguyễn Văn Thư", personal_id=THU, position="Giám đốc", is_main=True),
                RepresentativeRecord(full_name="Hanbit", personal_id=None, position=None, is_main=False),
            ),
            activities=(
                ActivityRecord(code="4632", name="Bán buôn thực phẩm", is_main=True),
                ActivityRecord(code="85590", name="Giáo dục khác", is_main=False),
            ),
            members=(
                ShareholderRecord(name="Nguyễn Văn Thư", personal_id=THU, business_code=None, share_percent=33.34),
                ShareholderRecord(name="CÔNG TY SAO MAI", personal_id=None, business_code=SAO_MAI, share_percent=60.0),
                ShareholderRecord(name="Hanbit Trading Co., Ltd.", personal_id=None, business_code=None, share_percent=None),
            ),
        )
    }


async def test_what_is_empty_or_null_is_not_known() -> None:
    spare = row(NAME_F="", SHORT_NAME=None, CAPITAL_AMOUNT=None, HOAdress=None, FOUNDING_DATE="", LAST_AMEND_DATE=None, Member=[])

    business = (await found(page(spare)))[AN_PHAT]

    unknown = (business.foreign_name, business.short_name, business.charter_capital, business.head_office, business.founded_on)
    assert unknown == (None, None, None, None, None)
    assert business.last_amended_on is None
    assert business.members == ()


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Công ty trách nhiệm hữu hạn một thành viên", BusinessType.LIMITED_ONE_MEMBER),
        ("CÔNG TY TRÁCH NHIỆM HỮU HẠN HAI THÀNH VIÊN TRỞ LÊN", BusinessType.LIMITED_SEVERAL_MEMBERS),
        ("Công  ty cổ phần", BusinessType.JOINT_STOCK),
        ("Doanh nghiệp tư nhân", BusinessType.PRIVATE),
        ("Hợp tác xã", BusinessType.OTHER),
        ("", BusinessType.OTHER),
    ],
)
async def test_a_legal_form_is_known_by_its_words(words: str, kind: BusinessType) -> None:
    assert (await found(page(row(ENTERPRISE_TYPE_NAME=words))))[AN_PHAT].type is kind


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("1", BusinessStatus.OPERATING),
        (2, BusinessStatus.SUSPENDED),
        (3, BusinessStatus.DISSOLVING),
        (4, BusinessStatus.DISSOLVED),
        (5, BusinessStatus.NOT_AT_ADDRESS),
        (6, BusinessStatus.UNKNOWN),
        ("", BusinessStatus.UNKNOWN),
    ],
)
async def test_a_status_of_an_unknown_code_is_unknown(code: str | int, status: BusinessStatus) -> None:
    assert (await found(page(row(ENTERPRISE_STATUS=code))))[AN_PHAT].status is status


async def test_a_capital_keeps_digits_that_a_float_would_lose() -> None:
    rich = ROW.replace("6000000000.000", "12345678901234567.125")

    assert (await found(page(rich)))[AN_PHAT].charter_capital == "12345678901234567.125"


async def test_a_code_that_is_not_known_is_left_out() -> None:
    assert list(await found(page(ROW), AN_PHAT, SAO_MAI)) == [AN_PHAT]


async def test_nothing_found_is_no_error() -> None:
    assert await found(NOTHING) == {}


async def test_the_order_of_the_rows_does_not_matter() -> None:
    answer = await found(page(row(ENTERPRISE_GDT_CODE=SAO_MAI), ROW), AN_PHAT, SAO_MAI)

    assert {code: business.code for code, business in answer.items()} == {AN_PHAT: AN_PHAT, SAO_MAI: SAO_MAI}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (page(row(ENTERPRISE_GDT_CODE=HOANG_HON)), "not asked for"),
        (page(ROW, ROW), "two records for one key"),
        (page(ROW, total=2), "promised 2 rows and sent 1"),
        (page(total=1), "promised 1 rows and sent 0"),
        (page(row(ENTERPRISE_GDT_CODE="9900000017")), "BusinessCode: expected"),
        (page(row(ENTERPRISE_GDT_CODE=None)), "Expected `str`"),
        (page(row(FOUNDING_DATE="2011-15-03")), "PartialDate: expected"),
        (page(row(CAPITAL_AMOUNT="much")), "not as agreed"),
        (page(row(Representatives=[{"FULL_NAME": "A", "IS_MAIN": "X"}])), "expected Y or N"),
        (page(row(Member=[{"MEMBER_NAME": "A", "IDENTITY_NO": "12"}])), "PersonalId: expected"),
        ('{"Status": "-1", "Message": "malformed code 9900000016"}', "not as agreed"),
        ("[]", "not as agreed"),
        ("", "not as agreed"),
    ],
)
async def test_an_answer_that_cannot_be_trusted_breaks_the_contract(body: str, words: str) -> None:
    with pytest.raises(ContractBroken, match=words) as raised:
        await found(body, AN_PHAT, SAO_MAI)

    assert AN_PHAT not in raised.value.message


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [(400, SystemRefused, False), (401, SystemRefused, False), (500, SystemUnavailable, True), (503, SystemUnavailable, True)],
)
async def test_trouble_names_the_system_and_not_its_words(status: int, kind: type[Theirs], *, retryable: bool) -> None:
    trouble = answering('{"Status": "-1", "Message": "malformed code 9900000016"}', status)

    async with line(trouble, SYSTEM) as upstream:
        with pytest.raises(kind) as raised:
            await business_by_code(upstream, [AN_PHAT])

    assert raised.value.system == "business"
    assert raised.value.retryable is retryable
    assert AN_PHAT not in raised.value.message


async def test_a_person_has_the_businesses_that_name_them() -> None:
    answer = await found_for(page(represented(THU, ROW, row(ENTERPRISE_GDT_CODE=SAO_MAI))), THU, MAI)

    assert {person: [business.code for business in businesses] for person, businesses in answer.items()} == {THU: [AN_PHAT, SAO_MAI]}


async def test_a_person_who_represents_nothing_is_left_out() -> None:
    assert await found_for(NOTHING) == {}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (page(represented(MAI, ROW)), "who does not represent it"),
        (page(represented(THU, row(Representatives=[]))), "who does not represent it"),
        (page(represented(THU, ROW), represented(THU, ROW)), "two records for one key"),
        (page(represented(THU, ROW), total=2), "promised 2 rows and sent 1"),
        (page(represented("09", ROW)), "PersonalId: expected"),
    ],
)
async def test_businesses_under_the_wrong_person_break_the_contract(body: str, words: str) -> None:
    with pytest.raises(ContractBroken, match=words):
        await found_for(body, THU, MAI)


async def test_a_person_who_was_not_asked_for_breaks_the_contract() -> None:
    with pytest.raises(ContractBroken, match="not asked for"):
        await found_for(page(represented(THU, ROW)), MAI)
