"""The civil status system: what is sent to it, and how events and cases are read from XML in a JSON envelope."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from graph.errors import ContractBroken, SystemRefused, SystemUnavailable, Theirs
from graph.seam import CaseState
from graph.upstream.connection import Upstream
from resolvers.civil_status import (
    SYSTEM,
    CaseRecord,
    CivilStatusOptions,
    EventRecord,
    EventType,
    MarriageStatus,
    PartyRecord,
    RefusalReason,
    civil_status_case_by_id,
    event_by_case,
    events_by_person,
)
from resolvers.identifiers import CaseId, PersonalId
from resolvers.values import PartialDate
from tests.lines import Handler, line

OPTIONS = CivilStatusOptions(province="01")
THU, MAI, CHILD, SAU = PersonalId("099085000002"), PersonalId("099187000005"), PersonalId("099312000006"), PersonalId("099040000015")
BIRTH_CASE, MARRIAGE_CASE, DEATH_CASE = CaseId("G22.99-120420-000002"), CaseId("G22.99-100612-000001"), CaseId("G22.99-240912-000004")

BIRTH = """<HoSo><maHoSo>G22.99-120420-000002</maHoSo><id>2</id><so>3/2012</so><quyenSo>03/2012</quyenSo><trangSo>3</trangSo>
<module>KS</module><maDonVi>TP100291</maDonVi><tenDonVi>Ủy ban nhân dân Phường Hồng Hà</tenDonVi>
<ngayTiepNhan>20/04/2012</ngayTiepNhan><NgayDangKy>21/04/2012</NgayDangKy>
<NguoiDuocKhaiSinh><HoTen>Nguyễn Minh Anh</HoTen><SoDinhDanh>099312000006</SoDinhDanh></NguoiDuocKhaiSinh>
<Cha><HoTen>Nguyễn Văn  Thư</HoTen><SoDinhDanh>099085000002</SoDinhDanh></Cha><Me><HoTen>Lê Thị Mai</HoTen><SoDinhDanh/></Me></HoSo>"""
MARRIAGE = """<HoSo><maHoSo>G22.99-100612-000001</maHoSo><so/><module>KH</module><NgayDangKy/>
<Chong><HoTen>Nguyễn Văn Thư</HoTen><SoDinhDanh>099085000002</SoDinhDanh></Chong>
<Vo><HoTen>Lê Thị Mai</HoTen><SoDinhDanh>099187000005</SoDinhDanh></Vo><TinhTrangHonNhan>HIEU_LUC</TinhTrangHonNhan></HoSo>"""
DEATH = """<HoSo><maHoSo>G22.99-240912-000004</maHoSo><module>KT</module>
<NguoiChet><HoTen>Trịnh Văn Sáu</HoTen><SoDinhDanh>099040000015</SoDinhDanh></NguoiChet><NgayChet>09/09/2024</NgayChet></HoSo>"""

PENDING = """<HoSo><maHoSo>G22.99-251229-000007</maHoSo><trangThai>2</trangThai><ngayTiepNhan>29/12/2025</ngayTiepNhan>
<ngayHenTra>08/01/2026</ngayHenTra><lyDo/></HoSo>"""
READY = """<HoSo><maHoSo>G22.99-120420-000002</maHoSo><trangThai>3</trangThai><ngayTiepNhan>20/04/2012</ngayTiepNhan></HoSo>"""
REFUSED = """<HoSo><maHoSo>G22.99-251201-000008</maHoSo><trangThai>4</trangThai><lyDo>THIEU_GIAY_TO</lyDo></HoSo>"""
PENDING_CASE, REFUSED_CASE = CaseId("G22.99-251229-000007"), CaseId("G22.99-251201-000008")


def civil_status(handler: Handler) -> Upstream:
    return line(handler, SYSTEM, options=OPTIONS)


def data(*parts: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><DanhSachHoSo>{"".join(parts)}</DanhSachHoSo>'


def of(person: str, *events: str) -> str:
    return f"<KetQua><SoDinhDanh>{person}</SoDinhDanh>{''.join(events)}</KetQua>"


def answering(*parts: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(200, json={"status": 1, "code": 0, "message": "", "data": data(*parts)})


def refusing(code: int) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(200, json={"status": 0, "code": code, "message": f"099085000002 {code}", "data": ""})


async def by_case(handler: Handler, *cases: CaseId) -> Any:
    async with civil_status(handler) as upstream:
        return await event_by_case(upstream, cases)


async def how_far(handler: Handler, *cases: CaseId) -> Any:
    async with civil_status(handler) as upstream:
        return await civil_status_case_by_id(upstream, cases)


async def by_person(handler: Handler, *people: PersonalId) -> Any:
    async with civil_status(handler) as upstream:
        return await events_by_person(upstream, people)


# ── the request ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_cases_are_asked_for_with_our_province() -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        assert (request.method, str(request.url)) == ("POST", "http://agency.test/api/traDanhSachHoSo")
        assert request.headers["authorization"] == "Bearer secret-token"
        assert json.loads(request.content) == {"maTinh": "01", "module": "", "dsMaHoSo": [BIRTH_CASE, DEATH_CASE]}
        return answering()(request)

    assert await by_case(agency, BIRTH_CASE, DEATH_CASE) == {}


async def test_events_of_people_are_asked_for_with_our_province() -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        assert (request.method, str(request.url)) == ("POST", "http://agency.test/api/traSuKienTheoSoDinhDanh")
        assert request.headers["authorization"] == "Bearer secret-token"
        assert json.loads(request.content) == {"maTinh": "01", "dsSoDinhDanh": [THU, SAU]}
        return answering(of(THU), of(SAU))(request)

    assert await by_person(agency, THU, SAU) == {THU: (), SAU: ()}


async def test_states_of_cases_are_asked_for_with_our_province() -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        assert (request.method, str(request.url)) == ("POST", "http://agency.test/api/traTrangThaiHoSo")
        assert request.headers["authorization"] == "Bearer secret-token"
        assert json.loads(request.content) == {"maTinh": "01", "dsMaHoSo": [PENDING_CASE, BIRTH_CASE]}
        return answering()(request)

    assert await how_far(agency, PENDING_CASE, BIRTH_CASE) == {}


# ── an event ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_field_of_a_birth_is_translated() -> None:
    assert await by_case(answering(BIRTH), BIRTH_CASE) == {
        BIRTH_CASE: EventRecord(
            case_id=BIRTH_CASE,
            number="3/2012",
            book_number="03/2012",
            page="3",
            type=EventType.BIRTH,
            registrar_code="TP100291",
            registrar="Ủy ban nhân dân Phường Hồng Hà",
            received_on=PartialDate("2012-04-20"),
            registered_on=PartialDate("2012-04-21"),
            child=PartyRecord(full_name="Nguyễn Minh Anh", personal_id=CHILD),
            father=PartyRecord(full_name="Nguyễn Văn Thư", personal_id=THU),
            mother=PartyRecord(full_name="Lê Thị Mai", personal_id=None),
            husband=None,
            wife=None,
            marriage_status=None,
            deceased=None,
            died_on=None,
        )
    }


async def test_a_marriage_has_a_husband_a_wife_and_whether_it_stands() -> None:
    marriage = (await by_case(answering(MARRIAGE), MARRIAGE_CASE))[MARRIAGE_CASE]

    assert marriage.type is EventType.MARRIAGE
    assert marriage.husband == PartyRecord(full_name="Nguyễn Văn Thư", personal_id=THU)
    assert marriage.wife == PartyRecord(full_name="Lê Thị Mai", personal_id=MAI)
    assert marriage.marriage_status is MarriageStatus.IN_FORCE


async def test_a_death_has_the_deceased_and_the_day() -> None:
    death = (await by_case(answering(DEATH), DEATH_CASE))[DEATH_CASE]

    assert death.type is EventType.DEATH
    assert death.deceased == PartyRecord(full_name="Trịnh Văn Sáu", personal_id=SAU)
    assert death.died_on == "2024-09-09"


async def test_what_is_absent_or_empty_is_not_known() -> None:
    marriage = (await by_case(answering(MARRIAGE), MARRIAGE_CASE))[MARRIAGE_CASE]

    unknown = (marriage.number, marriage.book_number, marriage.page, marriage.registrar, marriage.received_on, marriage.registered_on)
    assert unknown == (None, None, None, None, None, None)


@pytest.mark.parametrize(
    ("code", "status"),
    [("HIEU_LUC", MarriageStatus.IN_FORCE), ("LY_HON", MarriageStatus.DIVORCED), ("HUY", MarriageStatus.UNKNOWN)],
)
async def test_a_marriage_status_of_an_unknown_code_is_unknown(code: str, status: MarriageStatus) -> None:
    event = MARRIAGE.replace("HIEU_LUC", code)

    assert (await by_case(answering(event), MARRIAGE_CASE))[MARRIAGE_CASE].marriage_status is status


async def test_an_event_of_an_unknown_module_is_another() -> None:
    event = BIRTH.replace("<module>KS<", "<module>NCN<")

    assert (await by_case(answering(event), BIRTH_CASE))[BIRTH_CASE].type is EventType.OTHER


# ── by case ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_case_that_is_not_known_is_left_out() -> None:
    assert list(await by_case(answering(DEATH), BIRTH_CASE, DEATH_CASE)) == [DEATH_CASE]


async def test_code_201_says_that_no_case_is_known() -> None:
    assert await by_case(refusing(201), BIRTH_CASE) == {}


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((DEATH,), "not asked for"),
        ((BIRTH, BIRTH), "two records for one key"),
        ((BIRTH.replace("G22.99-120420-000002", "99"),), "CaseId: expected"),
        ((BIRTH.replace("20/04/2012", "31/04/2012"),), "PartialDate: expected"),
        ((BIRTH.replace("<module>KS</module>", ""),), "not as agreed"),
        (("<HoSo>",), "not well-formed"),
    ],
)
async def test_cases_that_cannot_be_trusted_break_the_contract(parts: tuple[str, ...], words: str) -> None:
    with pytest.raises(ContractBroken, match=words) as raised:
        await by_case(answering(*parts), BIRTH_CASE)

    assert not any(value in raised.value.message for value in (BIRTH_CASE, DEATH_CASE, THU, "31/04/2012"))


# ── how far a case is ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_case_that_is_being_worked_on_is_an_answer_with_the_day_promised() -> None:
    assert await how_far(answering(PENDING), PENDING_CASE) == {
        PENDING_CASE: CaseRecord(
            case_id=PENDING_CASE,
            state=CaseState.PENDING,
            received_on=PartialDate("2025-12-29"),
            expected_on=PartialDate("2026-01-08"),
            reason=None,
        )
    }


async def test_cases_are_told_apart_by_their_own_ids() -> None:
    found = await how_far(answering(REFUSED, READY, PENDING), PENDING_CASE, BIRTH_CASE, REFUSED_CASE)

    states = {case: (record.state, record.reason) for case, record in found.items()}
    assert states == {
        PENDING_CASE: (CaseState.PENDING, None),
        BIRTH_CASE: (CaseState.READY, None),
        REFUSED_CASE: (CaseState.FAILED, RefusalReason.MISSING_PAPERS),
    }


@pytest.mark.parametrize(
    ("code", "state"), [("1", CaseState.PENDING), ("2", CaseState.PENDING), ("3", CaseState.READY), ("4", CaseState.FAILED)]
)
async def test_only_a_case_that_is_being_worked_on_is_provisional(code: str, state: CaseState) -> None:
    case = (await how_far(answering(PENDING.replace("<trangThai>2<", f"<trangThai>{code}<")), PENDING_CASE))[PENDING_CASE]

    assert case.state is state
    assert civil_status_case_by_id.is_provisional(case) is (state is CaseState.PENDING)


async def test_a_case_of_which_no_day_is_promised_has_no_estimate() -> None:
    case = PENDING.replace("08/01/2026", "").replace("<trangThai>2<", "<trangThai>1<")

    assert (await how_far(answering(case), PENDING_CASE))[PENDING_CASE].expected_on is None


async def test_words_of_an_official_about_people_do_not_get_through_as_a_reason() -> None:
    case = REFUSED.replace("THIEU_GIAY_TO", "Ông Trịnh Văn Sáu 099040000015 không đến")

    assert (await how_far(answering(case), REFUSED_CASE))[REFUSED_CASE].reason is RefusalReason.OTHER


async def test_a_case_that_the_register_does_not_know_is_left_out() -> None:
    assert await how_far(refusing(201), PENDING_CASE) == {}
    assert list(await how_far(answering(PENDING), PENDING_CASE, BIRTH_CASE)) == [PENDING_CASE]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((PENDING, READY), "not asked for"),
        ((PENDING, PENDING), "two records for one key"),
        ((PENDING.replace("<trangThai>2<", "<trangThai>77<"),), "CaseState: expected one of the codes"),
        ((PENDING.replace("<trangThai>2</trangThai>", ""),), "not as agreed"),
        ((PENDING.replace("08/01/2026", "38/01/2026"),), "PartialDate: expected"),
    ],
)
async def test_states_that_cannot_be_trusted_break_the_contract(parts: tuple[str, ...], words: str) -> None:
    with pytest.raises(ContractBroken, match=words) as raised:
        await how_far(answering(*parts), PENDING_CASE)

    assert not any(value in raised.value.message for value in (PENDING_CASE, BIRTH_CASE, "77", "38/01/2026"))


# ── by person ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_people_have_the_events_that_stand_under_their_id() -> None:
    found = await by_person(answering(of(SAU, DEATH), of(THU, MARRIAGE), of(CHILD, BIRTH)), THU, CHILD, SAU)

    cases = {person: [event.case_id for event in events] for person, events in found.items()}
    assert cases == {THU: [MARRIAGE_CASE], CHILD: [BIRTH_CASE], SAU: [DEATH_CASE]}


async def test_one_marriage_stands_under_both_spouses() -> None:
    found = await by_person(answering(of(THU, MARRIAGE), of(MAI, MARRIAGE)), THU, MAI)

    assert found[THU] == found[MAI]


async def test_a_person_without_events_has_none() -> None:
    assert await by_person(answering(of(THU)), THU) == {THU: ()}


async def test_code_201_says_that_nobody_has_events() -> None:
    assert await by_person(refusing(201), THU) == {}


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((of(THU, MARRIAGE),), "exactly the people that were asked"),
        ((of(THU, MARRIAGE), of(MAI), of(SAU, DEATH)), "exactly the people that were asked"),
        ((of(THU, MARRIAGE), of(SAU, DEATH)), "exactly the people that were asked"),
        ((of(THU), of(THU)), "two records for one key"),
        ((of(THU, DEATH), of(MAI)), "whom it does not concern"),
        ((of(THU, BIRTH), of(MAI)), "whom it does not concern"),
        ((of("99"), of(MAI)), "PersonalId: expected"),
    ],
)
async def test_events_that_cannot_be_trusted_break_the_contract(parts: tuple[str, ...], words: str) -> None:
    with pytest.raises(ContractBroken, match=words) as raised:
        await by_person(answering(*parts), THU, MAI)

    assert not any(value in raised.value.message for value in (THU, MAI, SAU))


# ── trouble ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (100, SystemRefused, "rejects our credentials"),
        (101, SystemRefused, "rejects our address"),
        (106, SystemRefused, "rejects our agency id"),
        (108, SystemRefused, "rejects our province id"),
        (200, SystemRefused, "rejects the request as incomplete"),
        (302, SystemRefused, "rejects the type of a value"),
        (500, SystemUnavailable, "trouble of its own"),
        (999, SystemUnavailable, "trouble of its own"),
    ],
)
async def test_the_code_inside_the_envelope_says_what_went_wrong(code: int, kind: type[Theirs], words: str) -> None:
    with pytest.raises(kind, match=words) as raised:
        await by_person(refusing(code), THU)

    assert raised.value.system == "civil_status"
    assert THU not in raised.value.message


async def test_an_http_error_is_trouble_as_well() -> None:
    with pytest.raises(SystemUnavailable):
        await by_case(lambda _request: httpx.Response(502), BIRTH_CASE)
