"""The shared code lists: what is asked of them, and how places, codes and sections are read from their JSON."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from graph.errors import ContractBroken, SystemRefused, SystemUnavailable, Theirs
from graph.seam import Batch
from resolvers.code_lists import (
    SYSTEM,
    CodeRecord,
    CommuneRecord,
    PlaceKind,
    ProvinceRecord,
    SectionRecord,
    commune_by_business_registry_code,
    commune_by_code,
    ethnicity_by_code,
    nationality_by_code,
    province_by_code,
    provinces,
    religion_by_code,
    section_by_division,
)
from resolvers.identifiers import CommuneCode, ProvinceCode
from resolvers.values import PartialDate
from tests.lines import line

HA_NOI: dict[str, Any] = {
    "MaTinhThanh": "01", "TenTinhThanh": "Thành phố Hà Nội", "LoaiDonVi": "THANH_PHO",
    "HieuLucTu": "2025-07-01", "HieuLucDen": None, "MaKeThua": [],
}  # fmt: skip
HA_GIANG: dict[str, Any] = {
    "MaTinhThanh": "02", "TenTinhThanh": "Tỉnh Hà Giang", "LoaiDonVi": "TINH",
    "HieuLucTu": "2004-07-08", "HieuLucDen": "2025-06-30", "MaKeThua": ["08"],
}  # fmt: skip
ENDED: dict[str, Any] = {
    "MaPhuongXa": "00019", "TenPhuongXa": "Phường Điện Biên", "LoaiDonVi": "PHUONG", "MaTinhThanh": "01",
    "HieuLucTu": "2004-07-08", "HieuLucDen": "2025-06-30", "MaKeThua": ["00004", "00070"],
}  # fmt: skip
LIVING: dict[str, Any] = {**ENDED, "MaPhuongXa": "00004", "TenPhuongXa": "Phường Ba Đình", "HieuLucDen": None, "MaKeThua": []}
FARMING: dict[str, Any] = {"Ma": "A", "Ten": "Nông nghiệp", "TuMa": "01", "DenMa": "03", "PhienBan": "VSIC2025"}
MINING: dict[str, Any] = {"Ma": "B", "Ten": "Khai khoáng", "TuMa": "05", "DenMa": "09", "PhienBan": "VSIC2025"}
KINH, TAY = {"Ma": "01", "Ten": "Kinh"}, {"Ma": "02", "Ten": "Tày"}
PLAIN: list[tuple[Batch[str, CodeRecord], str]] = [
    (ethnicity_by_code, "madantoc"), (religion_by_code, "matongiao"), (nationality_by_code, "maquocgia"),
]  # fmt: skip


def page(*rows: dict[str, Any], total: int | None = None) -> dict[str, Any]:
    return {"list": "l", "version": "2025-07-01", "total": len(rows) if total is None else total, "rows": rows}


def answering(body: object) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(200, json=body)


async def found(batch: Batch[Any, Any], body: object, *keys: str) -> Any:
    async with line(answering(body), SYSTEM) as upstream:
        return await batch(upstream, keys)


@pytest.mark.parametrize(
    ("batch", "name"),
    [
        (province_by_code, "donvihanhchinhcap1"),
        (commune_by_code, "donvihanhchinhcap3"),
        (commune_by_business_registry_code, "dkkd-donvihanhchinhcap3"),
        *PLAIN,
    ],
)
async def test_rows_are_asked_for_by_repeating_the_code(batch: Batch[Any, Any], name: str) -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        assert request.method == "GET"
        assert str(request.url) == f"http://agency.test/api/Category/{name}?code=01&code=02"
        assert request.headers["authorization"] == "Bearer secret-token"
        return httpx.Response(200, json=page())

    async with line(agency, SYSTEM) as upstream:
        assert await batch(upstream, ["01", "02"]) == {}


@pytest.mark.parametrize(
    ("batch", "key", "name"), [(provinces, "donvihanhchinhcap1", "donvihanhchinhcap1"), (section_by_division, "01", "manganhkinhte")]
)
async def test_a_short_list_is_asked_for_whole(batch: Batch[Any, Any], key: str, name: str) -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == f"http://agency.test/api/Category/{name}?limit=1000"
        return httpx.Response(200, json=page())

    async with line(agency, SYSTEM) as upstream:
        await batch(upstream, [key])


async def test_every_field_of_a_province_is_translated() -> None:
    assert await found(province_by_code, page(HA_GIANG, HA_NOI), "01", "02") == {
        "01": ProvinceRecord(
            code=ProvinceCode("01"),
            name="Thành phố Hà Nội",
            kind=PlaceKind.CITY,
            valid_from=PartialDate("2025-07-01"),
            valid_until=None,
            successor_codes=(),
        ),
        "02": ProvinceRecord(
            code=ProvinceCode("02"),
            name="Tỉnh Hà Giang",
            kind=PlaceKind.PROVINCE,
            valid_from=PartialDate("2004-07-08"),
            valid_until=PartialDate("2025-06-30"),
            successor_codes=(ProvinceCode("08"),),
        ),
    }


async def test_every_field_of_a_commune_is_translated() -> None:
    assert await found(commune_by_code, page(ENDED), "00019") == {
        "00019": CommuneRecord(
            code=CommuneCode("00019"),
            name="Phường Điện Biên",
            kind=PlaceKind.WARD,
            province_code=ProvinceCode("01"),
            valid_from=PartialDate("2004-07-08"),
            valid_until=PartialDate("2025-06-30"),
            successor_codes=(CommuneCode("00004"), CommuneCode("00070")),
            source_code=None,
        )
    }


async def test_a_commune_of_the_business_registry_stands_under_the_registrys_own_number() -> None:
    answer = await found(commune_by_business_registry_code, page({**LIVING, "MaNguon": "500028"}), "500028")

    assert {source: (commune.code, commune.source_code) for source, commune in answer.items()} == {"500028": ("00004", "500028")}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("TINH", PlaceKind.PROVINCE),
        ("THANH_PHO", PlaceKind.CITY),
        ("XA", PlaceKind.COMMUNE),
        ("PHUONG", PlaceKind.WARD),
        ("THI_TRAN", PlaceKind.TOWNSHIP),
        ("DAC_KHU", PlaceKind.SPECIAL_ZONE),
        ("BUON", PlaceKind.OTHER),
    ],
)
async def test_a_place_of_an_unknown_kind_is_another(code: str, kind: PlaceKind) -> None:
    assert (await found(commune_by_code, page({**LIVING, "LoaiDonVi": code}), "00004"))["00004"].kind is kind


@pytest.mark.parametrize(("batch", "_name"), PLAIN)
async def test_a_row_of_a_plain_list_is_a_code_and_what_it_means(batch: Batch[Any, Any], _name: str) -> None:
    answer = await found(batch, page(TAY, KINH), "01", "02", "99")

    assert answer == {"01": CodeRecord(code="01", name="Kinh"), "02": CodeRecord(code="02", name="Tày")}


async def test_the_whole_list_of_provinces_stands_under_its_name() -> None:
    answer = await found(provinces, page(HA_NOI, HA_GIANG), "donvihanhchinhcap1")

    assert [province.code for province in answer["donvihanhchinhcap1"]] == ["01", "02"]


async def test_a_division_belongs_to_the_section_whose_span_it_is_in() -> None:
    answer = await found(section_by_division, page(FARMING, MINING), "01", "03", "04", "09", "99")

    assert {division: section.code for division, section in answer.items()} == {"01": "A", "03": "A", "09": "B"}
    assert answer["01"] == SectionRecord(code="A", name="Nông nghiệp", first_division="01", last_division="03", version="VSIC2025")


@pytest.mark.parametrize(
    ("batch", "body", "words"),
    [
        (commune_by_code, page(LIVING), "not asked for"),
        (commune_by_code, page(ENDED, LIVING), "not asked for"),
        (commune_by_code, page(ENDED, ENDED), "two records for one key"),
        (commune_by_code, page(ENDED, total=2), "promised 2 rows and sent 1"),
        (commune_by_code, page(total=1), "promised 1 rows and sent 0"),
        (commune_by_code, page({**ENDED, "MaPhuongXa": "19"}), "CommuneCode: expected"),
        (commune_by_code, page({**ENDED, "MaKeThua": ["4"]}), "CommuneCode: expected"),
        (commune_by_code, page({**ENDED, "HieuLucDen": "2025-06-31"}), "PartialDate: expected"),
        (commune_by_code, {"error": "INTERNAL_ERROR"}, "not as agreed"),
        (commune_by_business_registry_code, page(ENDED), "without its key"),
        (province_by_code, page(HA_NOI, HA_NOI), "two records for one key"),
        (province_by_code, page(HA_NOI, total=3), "promised 3 rows and sent 1"),
        (provinces, page(HA_NOI, total=34), "promised 34 rows and sent 1"),
        (section_by_division, page(FARMING, total=22), "promised 22 rows and sent 1"),
        (section_by_division, page(*[FARMING] * 1_001), "more rows in a list than one call may bring"),
        (ethnicity_by_code, page(KINH, KINH), "two records for one key"),
        (ethnicity_by_code, page(KINH, total=0), "promised 0 rows and sent 1"),
    ],
)
async def test_an_answer_that_cannot_be_trusted_breaks_the_contract(batch: Batch[Any, Any], body: object, words: str) -> None:
    with pytest.raises(ContractBroken, match=words):
        await found(batch, body, "00019")


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (404, "LIST_NOT_FOUND", SystemRefused),
        (401, "UNAUTHORIZED", SystemRefused),
        (400, "TOO_MANY_CODES", SystemRefused),
        (500, "INTERNAL_ERROR", SystemUnavailable),
    ],
)
async def test_trouble_names_the_system(status: int, word: str, kind: type[Theirs]) -> None:
    async with line(lambda _request: httpx.Response(status, json={"error": word}), SYSTEM) as upstream:
        with pytest.raises(kind) as raised:
            await commune_by_code(upstream, [CommuneCode("00019")])

    assert raised.value.system == "code_lists"
