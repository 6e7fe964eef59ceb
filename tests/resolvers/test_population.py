"""The population system: what is sent to it, and how a person and a household are read from its XML."""

import unicodedata

import httpx
import pytest

from graph.errors import ContractBroken, SystemRefused, SystemThrottled, SystemUnavailable, Theirs
from resolvers.identifiers import CommuneCode, OldIdNumber, PersonalId, ProvinceCode
from resolvers.population import (
    AddressRecord,
    CitizenRecord,
    HeadRecord,
    HouseholdRecord,
    Kinship,
    MaritalStatus,
    MemberRecord,
    RelativeRecord,
    citizen_by_id,
    household_by_member,
)
from resolvers.values import Gender, PartialDate
from tests.resolvers.population_wire import (
    HOUSEHOLD,
    PERSON,
    QUANG,
    SPARE,
    THU,
    asking,
    collection,
    elements,
    fault,
    households,
    operation,
    population,
)

# ── the request ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_person_is_asked_for_by_service_034() -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        assert (request.method, str(request.url)) == ("POST", "http://agency.test/api")
        assert request.headers["content-type"] == "text/xml; charset=utf-8"
        assert request.headers["soapaction"] == '"TraCuuCongDan"'
        assert request.headers["authorization"] == "Bearer secret-token"
        assert operation(request).tag == "{http://dancuquocgia.bca}TraCuuCongDan"
        assert elements(request) == [*asking("034"), ("SoDinhDanh", THU)]
        return collection(PERSON)

    async with population(agency) as upstream:
        assert THU in await citizen_by_id(upstream, [THU])


async def test_a_household_is_asked_for_by_service_035() -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        assert request.headers["soapaction"] == '"TraCuuHoGiaDinh"'
        assert operation(request).tag == "{http://dancuquocgia.bca}TraCuuHoGiaDinh"
        assert elements(request) == [*asking("035"), ("SoDinhDanh", THU)]
        return households(HOUSEHOLD)

    async with population(agency) as upstream:
        assert THU in await household_by_member(upstream, [THU])


async def test_each_call_has_a_new_id_which_comes_first() -> None:
    ids: list[str] = []

    def agency(request: httpx.Request) -> httpx.Response:
        first = operation(request)[0]
        assert first.tag == "{http://dancuquocgia.bca}MaYeuCau"
        ids.append(first.text or "")
        return collection(PERSON)

    async with population(agency) as upstream:
        await citizen_by_id(upstream, [THU])
        await citizen_by_id(upstream, [THU])

    assert all(ids)
    assert ids[0] != ids[1]


# ── a person ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_field_of_a_person_is_translated() -> None:
    async with population(lambda _request: collection(PERSON)) as upstream:
        found = await citizen_by_id(upstream, [THU])

    assert found == {
        THU: CitizenRecord(
            personal_id=THU,
            old_id_number=OldIdNumber("990000002"),
            full_name="NGUYỄN VĂN THƯ",
            gender=Gender.MALE,
            birth_date=PartialDate("1985-02-14"),
            ethnicity_code="01",
            religion_code="00",
            nationality_code="VN",
            marital_status=MaritalStatus.MARRIED,
            blood_group="O",
            birth_place=AddressRecord(province_code=ProvinceCode("38"), commune_code=CommuneCode("14797"), street="Số 7", country="VN"),
            home_town=AddressRecord(province_code=ProvinceCode("38"), commune_code=None, street=None, country="VN"),
            permanent_address=AddressRecord(
                province_code=ProvinceCode("01"), commune_code=CommuneCode("00097"), street="Số 12, ngõ <3>", country="VN"
            ),
            current_address=AddressRecord(
                province_code=ProvinceCode("48"), commune_code=CommuneCode("20242"), street="Số 90", country="VN"
            ),
            father_named=RelativeRecord(full_name="NGUYỄN VĂN HÒA", personal_id=PersonalId("099058000003"), nationality_code="VN"),
            mother_named=RelativeRecord(full_name="TRẦN THỊ LAN", personal_id=None, nationality_code=None),
            spouse_named=RelativeRecord(full_name="LÊ THỊ MAI", personal_id=PersonalId("099187000005"), nationality_code="VN"),
            household_head=HeadRecord(relation=Kinship.HEAD, personal_id=THU, full_name="NGUYỄN VĂN THƯ"),
            household_code="999990001",
            living=True,
            protected=False,
        )
    }


async def test_what_is_absent_or_empty_is_not_known() -> None:
    async with population(lambda _request: collection(SPARE)) as upstream:
        person = (await citizen_by_id(upstream, [QUANG]))[QUANG]

    assert person.full_name == "ĐỖ MINH QUANG"
    unknown = [
        person.old_id_number, person.birth_date, person.ethnicity_code, person.religion_code, person.nationality_code,
        person.marital_status, person.blood_group, person.birth_place, person.home_town, person.permanent_address,
        person.current_address, person.father_named, person.mother_named, person.spouse_named, person.household_head, person.household_code,
    ]  # fmt: skip
    assert unknown == [None] * len(unknown)


async def read(changed_from: str, changed_to: str) -> CitizenRecord:
    """Read the whole person with one thing changed."""
    assert changed_from in PERSON
    async with population(lambda _request: collection(PERSON.replace(changed_from, changed_to))) as upstream:
        return (await citizen_by_id(upstream, [THU]))[THU]


@pytest.mark.parametrize(
    "name",
    [
        "<Ten>NGUYỄN VĂN THƯ</Ten>",
        "<Ho/><ChuDem/><Ten>NGUYỄN VĂN THƯ</Ten>",
        "<Ho>NGUYỄN</Ho><Ten>VĂN THƯ</Ten>",
        "<Ho> NGUYỄN </Ho><ChuDem>VĂN  </ChuDem><Ten>THƯ</Ten>",
        f"<Ten>{unicodedata.normalize('NFD', 'NGUYỄN VĂN THƯ')}</Ten>",
    ],
)
async def test_a_name_is_one_however_it_is_spread(name: str) -> None:
    person = await read("<Ho>NGUYỄN</Ho><ChuDem>VĂN</ChuDem><Ten>THƯ</Ten>", name)

    assert person.full_name == "NGUYỄN VĂN THƯ"


@pytest.mark.parametrize(("code", "gender"), [("1", Gender.MALE), ("2", Gender.FEMALE), ("3", Gender.OTHER), ("9", Gender.UNKNOWN)])
async def test_a_gender_of_an_unknown_code_is_unknown(code: str, gender: Gender) -> None:
    assert (await read("<GioiTinh>1<", f"<GioiTinh>{code}<")).gender is gender


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("1", MaritalStatus.NEVER_MARRIED),
        ("2", MaritalStatus.MARRIED),
        ("3", MaritalStatus.WIDOWED),
        ("4", MaritalStatus.DIVORCED),
        ("5", MaritalStatus.UNKNOWN),
    ],
)
async def test_a_marital_status_of_an_unknown_code_is_unknown(code: str, status: MaritalStatus) -> None:
    assert (await read("<TinhTrangHonNhan>2<", f"<TinhTrangHonNhan>{code}<")).marital_status is status


@pytest.mark.parametrize(
    ("code", "relation"),
    [
        ("CHU_HO", Kinship.HEAD),
        ("VO_CHONG", Kinship.SPOUSE),
        ("CON", Kinship.CHILD),
        ("CHA_ME", Kinship.PARENT),
        ("ANH_CHI_EM", Kinship.SIBLING),
        ("KHAC", Kinship.OTHER),
        ("CHAU", Kinship.OTHER),
    ],
)
async def test_a_relation_of_an_unknown_code_is_another(code: str, relation: Kinship) -> None:
    head = (await read("<QuanHe>CHU_HO<", f"<QuanHe>{code}<")).household_head

    assert head is not None
    assert head.relation is relation


async def test_a_birth_date_may_be_only_a_year() -> None:
    person = await read("<NgayThangNam>19850214</NgayThangNam>", "<Nam>1985</Nam>")

    assert person.birth_date == "1985"


async def test_a_person_under_protection_is_flagged() -> None:
    assert (await read("</SoSoHoKhau>", "</SoSoHoKhau><DuocBaoVe>1</DuocBaoVe>")).protected
    assert not (await read("</SoSoHoKhau>", "</SoSoHoKhau><DuocBaoVe>0</DuocBaoVe>")).protected


async def test_code_2_is_a_person_who_has_died() -> None:
    assert not (await read("<TrangThai>1<", "<TrangThai>2<")).living


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("<NgayThangNam>19850214<", "<NgayThangNam>19850230<"),
        ("<SoCMND>990000002</SoCMND>\n", "<SoCMND>99</SoCMND>"),
        ("<MaPhuongXa>00097<", "<MaPhuongXa>97<"),
        ("<SoDinhDanh>099058000003<", "<SoDinhDanh>58000003<"),
        ("<TrangThai>1</TrangThai>", ""),
        ("<TrangThai>1</TrangThai>", "<TrangThai>1</TrangThai><DuocBaoVe>true</DuocBaoVe>"),
        ("<HoVaTen><Ho>NGUYỄN</Ho><ChuDem>VĂN</ChuDem><Ten>THƯ</Ten></HoVaTen>", ""),
        ("<GioiTinh>1<", "<GioiTinh>1</GioiTinh><GioiTinh>2<"),
    ],
)
async def test_a_value_that_cannot_be_right_breaks_the_contract_and_is_not_quoted(right: str, wrong: str) -> None:
    with pytest.raises(ContractBroken) as raised:
        await read(right, wrong)

    assert not any(value in raised.value.message for value in ("19850230", "58000003", THU, "THƯ"))


# ── nobody, somebody else, trouble ───────────────────────────────────────────────────────────────────────────────────────


async def test_an_empty_collection_says_that_there_is_no_such_person() -> None:
    async with population(lambda _request: collection()) as upstream:
        assert await citizen_by_id(upstream, [THU]) == {}


async def test_another_person_than_the_one_asked_for_breaks_the_contract() -> None:
    async with population(lambda _request: collection(SPARE)) as upstream:
        with pytest.raises(ContractBroken, match="not asked for"):
            await citizen_by_id(upstream, [THU])


async def test_a_further_person_beside_the_right_one_breaks_the_contract() -> None:
    async with population(lambda _request: collection(PERSON, SPARE)) as upstream:
        with pytest.raises(ContractBroken, match="not asked for"):
            await citizen_by_id(upstream, [THU])


async def test_the_same_person_twice_breaks_the_contract() -> None:
    async with population(lambda _request: collection(PERSON, PERSON)) as upstream:
        with pytest.raises(ContractBroken, match="two records for one key"):
            await citizen_by_id(upstream, [THU])


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (fault("soapenv:Client"), SystemRefused),
        (fault("soapenv:Client.Authentication"), SystemRefused),
        (fault("soapenv:Server"), SystemUnavailable),
        (httpx.Response(503), SystemUnavailable),
        (httpx.Response(429), SystemThrottled),
        (httpx.Response(401), SystemRefused),
        (httpx.Response(200, content=b"<html>", headers={"content-type": "text/html"}), ContractBroken),
    ],
)
async def test_what_the_agency_says_went_wrong_names_the_system_and_nobody_else(response: httpx.Response, kind: type[Theirs]) -> None:
    async with population(lambda _request: response) as upstream:
        with pytest.raises(kind) as raised:
            await citizen_by_id(upstream, [THU])

    assert raised.value.system == "population"
    assert "THƯ" not in raised.value.message
    assert THU not in raised.value.message


# ── a household ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_field_of_a_household_is_translated() -> None:
    async with population(lambda _request: households(HOUSEHOLD)) as upstream:
        found = await household_by_member(upstream, [THU])

    assert found == {
        THU: HouseholdRecord(
            code="999990001",
            address=AddressRecord(province_code=ProvinceCode("01"), commune_code=CommuneCode("00097"), street="Số 12", country="VN"),
            members=(
                MemberRecord(personal_id=THU, full_name="NGUYỄN VĂN THƯ", relation=Kinship.HEAD),
                MemberRecord(personal_id=PersonalId("099187000005"), full_name="LÊ THỊ MAI", relation=Kinship.SPOUSE),
            ),
        )
    }


async def test_an_empty_collection_says_that_there_is_no_household() -> None:
    async with population(lambda _request: households()) as upstream:
        assert await household_by_member(upstream, [THU]) == {}


async def test_a_household_without_the_person_is_somebody_elses() -> None:
    async with population(lambda _request: households(HOUSEHOLD)) as upstream:
        with pytest.raises(ContractBroken, match="the household of somebody else"):
            await household_by_member(upstream, [QUANG])


async def test_two_households_for_one_person_break_the_contract() -> None:
    async with population(lambda _request: households(HOUSEHOLD, HOUSEHOLD)) as upstream:
        with pytest.raises(ContractBroken, match="two households"):
            await household_by_member(upstream, [THU])
