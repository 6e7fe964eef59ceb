"""Shared code lists: what the codes of places, peoples and lines of business mean, and which code took over from which."""

import enum
from collections.abc import Mapping, Sequence
from typing import Any, Final

from graph.seam import ContractBroken, Declared, Record, System, Upstream, batch_many, batch_one, counted, keyed, wire
from resolvers.identifiers import CommuneCode, ProvinceCode
from resolvers.values import PartialDate

SYSTEM = System(
    "code_lists",
    title="Shared code lists (Hệ thống danh mục dùng chung)",
    owner="Ministry of Science and Technology",
    protocol="REST GET",
)
WHOLE_LIST = 1_000
# The same for everybody, about nobody, and the lists say when nothing has changed.
PUBLIC: Final[Declared] = {"sharing": "shared", "personal": False, "revalidates": True}


class PlaceKind(enum.Enum):
    """What an administrative unit is."""

    PROVINCE = "PROVINCE"
    CITY = "CITY"
    COMMUNE = "COMMUNE"
    WARD = "WARD"
    TOWNSHIP = "TOWNSHIP"
    SPECIAL_ZONE = "SPECIAL_ZONE"
    OTHER = "OTHER"


PLACE_KINDS = {
    "TINH": PlaceKind.PROVINCE,
    "THANH_PHO": PlaceKind.CITY,
    "XA": PlaceKind.COMMUNE,
    "PHUONG": PlaceKind.WARD,
    "THI_TRAN": PlaceKind.TOWNSHIP,
    "DAC_KHU": PlaceKind.SPECIAL_ZONE,
}


def _place_kind(code: str) -> PlaceKind:
    return PLACE_KINDS.get(code, PlaceKind.OTHER)


class ProvinceRecord(Record):
    """A province or a centrally governed city; `valid_until` is null while it lives."""

    code: ProvinceCode = wire("MaTinhThanh")
    name: str = wire("TenTinhThanh")
    kind: PlaceKind = wire("LoaiDonVi", read=_place_kind)
    valid_from: PartialDate | None = wire("HieuLucTu")
    valid_until: PartialDate | None = wire("HieuLucDen")
    successor_codes: tuple[ProvinceCode, ...] = wire("MaKeThua")


class CommuneRecord(Record):
    """A commune, ward, township or special zone; `successor_codes` says which took an ended one over."""

    code: CommuneCode = wire("MaPhuongXa")
    name: str = wire("TenPhuongXa")
    kind: PlaceKind = wire("LoaiDonVi", read=_place_kind)
    province_code: ProvinceCode = wire("MaTinhThanh")
    valid_from: PartialDate | None = wire("HieuLucTu")
    valid_until: PartialDate | None = wire("HieuLucDen")
    successor_codes: tuple[CommuneCode, ...] = wire("MaKeThua")
    source_code: str | None = wire("MaNguon")


class CodeRecord(Record):
    """A row of a plain list: a code and what it means."""

    code: str = wire("Ma")
    name: str = wire("Ten")


class SectionRecord(Record):
    """A section of the classification of economic activities, and the two-digit divisions that it spans."""

    code: str = wire("Ma")
    name: str = wire("Ten")
    first_division: str = wire("TuMa")
    last_division: str = wire("DenMa")
    version: str = wire("PhienBan")


class _Provinces(Record):
    total: int = wire("total")
    rows: tuple[ProvinceRecord, ...] = wire("rows")


class _Communes(Record):
    total: int = wire("total")
    rows: tuple[CommuneRecord, ...] = wire("rows")


class _Codes(Record):
    total: int = wire("total")
    rows: tuple[CodeRecord, ...] = wire("rows")


class _Sections(Record):
    total: int = wire("total")
    rows: tuple[SectionRecord, ...] = wire("rows")


def _province(_code: str, commune: CommuneRecord) -> tuple[str, ...]:
    return (f"province:{commune.province_code}",)


PLACES: Final[Declared] = {**PUBLIC, "tags": _province}


@batch_one(SYSTEM, max_keys=100, **PUBLIC)
async def province_by_code(upstream: Upstream, codes: Sequence[ProvinceCode]) -> Mapping[ProvinceCode, ProvinceRecord]:
    """Look provinces up by code, living or ended."""
    page: _Provinces = await _rows(upstream, "donvihanhchinhcap1", codes, _Provinces)
    counted(SYSTEM, page.total, page.rows)
    return keyed(SYSTEM, page.rows, lambda province: province.code)


@batch_one(SYSTEM, max_keys=100, **PLACES)
async def commune_by_code(upstream: Upstream, codes: Sequence[CommuneCode]) -> Mapping[CommuneCode, CommuneRecord]:
    """Look communes up by national code, living or ended."""
    page: _Communes = await _rows(upstream, "donvihanhchinhcap3", codes, _Communes)
    counted(SYSTEM, page.total, page.rows)
    return keyed(SYSTEM, page.rows, lambda commune: commune.code)


@batch_one(SYSTEM, max_keys=100, **PLACES)
async def commune_by_business_registry_code(upstream: Upstream, codes: Sequence[str]) -> Mapping[str, CommuneRecord]:
    """Look communes up by the number that the business registry gives them."""
    page: _Communes = await _rows(upstream, "dkkd-donvihanhchinhcap3", codes, _Communes)
    counted(SYSTEM, page.total, page.rows)
    return keyed(SYSTEM, page.rows, lambda commune: commune.source_code)


@batch_one(SYSTEM, max_keys=100, **PUBLIC)
async def ethnicity_by_code(upstream: Upstream, codes: Sequence[str]) -> Mapping[str, CodeRecord]:
    """Look ethnicities up by code."""
    return await _codes(upstream, "madantoc", codes)


@batch_one(SYSTEM, max_keys=100, **PUBLIC)
async def religion_by_code(upstream: Upstream, codes: Sequence[str]) -> Mapping[str, CodeRecord]:
    """Look religions up by code."""
    return await _codes(upstream, "matongiao", codes)


@batch_one(SYSTEM, max_keys=100, **PUBLIC)
async def nationality_by_code(upstream: Upstream, codes: Sequence[str]) -> Mapping[str, CodeRecord]:
    """Look nationalities up by their two letters."""
    return await _codes(upstream, "maquocgia", codes)


@batch_many(SYSTEM, max_keys=1, **PUBLIC)
async def provinces(upstream: Upstream, lists: Sequence[str]) -> Mapping[str, tuple[ProvinceRecord, ...]]:
    """Fetch the whole list of provinces; the key is the name of the list."""
    page: _Provinces = await upstream.get(f"/Category/{lists[0]}", {"limit": WHOLE_LIST}, returns=_Provinces)
    _complete(page.total, page.rows)
    return {lists[0]: page.rows}


@batch_one(SYSTEM, max_keys=100, **PUBLIC)
async def section_by_division(upstream: Upstream, divisions: Sequence[str]) -> Mapping[str, SectionRecord]:
    """Find the section of two-digit divisions; the list has 22 rows, so it is fetched whole."""
    page: _Sections = await upstream.get("/Category/manganhkinhte", {"limit": WHOLE_LIST}, returns=_Sections)
    _complete(page.total, page.rows)
    spans = [(row.first_division, row.last_division, row) for row in page.rows]
    return {wanted: row for wanted in divisions for first, last, row in spans if first <= wanted <= last}


def _complete(total: int, rows: Sequence[object]) -> None:
    counted(SYSTEM, total, rows)
    if total > WHOLE_LIST:
        raise ContractBroken(SYSTEM.name, "has more rows in a list than one call may bring")


async def _codes(upstream: Upstream, name: str, codes: Sequence[str]) -> dict[str, CodeRecord]:
    page: _Codes = await _rows(upstream, name, codes, _Codes)
    counted(SYSTEM, page.total, page.rows)
    return keyed(SYSTEM, page.rows, lambda row: row.code)


async def _rows(upstream: Upstream, name: str, codes: Sequence[str], returns: type[Record]) -> Any:
    return await upstream.get(f"/Category/{name}", {"code": codes}, returns=returns)
