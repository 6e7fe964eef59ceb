"""Provinces and communes of Viet Nam: the living ones, the ones that ended on 30 June 2025, and who took them over."""

import sqlite3
from collections import defaultdict
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

import orjson

REFORM: Final = "2025-07-01"
LAST_DAY_BEFORE: Final = "2025-06-30"
FIRST_NUMBERED: Final = "2004-07-08"
"""The day of Decision 124/2004/QD-TTg, which gave the places their codes; nothing in the data says more about older ones."""

_KINDS: Final = {"Xã": "XA", "Phường": "PHUONG", "Thị trấn": "THI_TRAN", "Đặc khu": "DAC_KHU"}


class Place(NamedTuple):
    """A province or a commune; `until` is None and `successors` empty for a living one."""

    code: str
    name: str
    kind: str
    province: str
    since: str
    until: str | None
    successors: tuple[str, ...]


class Places(NamedTuple):
    """All provinces and communes by code, and the codes of living and ended communes in a fixed order."""

    provinces: dict[str, Place]
    communes: dict[str, Place]
    living: tuple[str, ...]
    ended: tuple[str, ...]

    def full_name(self, commune: str) -> str:
        """Write a commune with its province, as on a letter."""
        place = self.communes[commune]
        return f"{place.name}, {self.provinces[place.province].name}"


class _Converter(NamedTuple):
    """How the keys of the old places lead to those of the new ones."""

    provinces: dict[str, list[str]]
    whole: dict[str, dict[str, list[str]]]
    divided: dict[str, dict[str, list[dict[str, object]]]]


_New = tuple[str, str, str, str, str, str, str]
_Old = tuple[str, str, str, str, str, str, str, str]


@cache
def load_places() -> Places:
    """Read the places, once, from the data files of the installed package, without running any of its code."""
    spec = find_spec("vietnamadminunits")
    if spec is None or spec.origin is None:
        message = "the sandbox needs the data of the package vietnamadminunits; run: make install"
        raise RuntimeError(message)
    folder = Path(spec.origin).parent / "data"
    new, old = _rows(folder / "dataset.db")
    converter = _converter(folder / "converter_2025.json")
    communes = _communes(new, old, converter)
    living = tuple(sorted(row[4] for row in new))
    ended = tuple(sorted(code for code, place in communes.items() if place.until and place.successors))
    return Places(_provinces(new, old, converter), communes, living, ended)


def _rows(path: Path) -> tuple[list[_New], list[_Old]]:
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        new = connection.execute(
            "SELECT province, ward, wardType, provinceCode, wardCode, provinceKey, wardKey FROM admin_units"
        ).fetchall()
        # Five island districts never had a commune and stand there without one.
        old = connection.execute(
            "SELECT province, ward, wardType, provinceCode, wardCode, provinceKey, districtKey, wardKey"
            " FROM admin_units_legacy WHERE wardCode IS NOT NULL"
        ).fetchall()
    finally:
        connection.close()
    return new, old


def _converter(path: Path) -> _Converter:
    document = orjson.loads(path.read_bytes())
    return _Converter(document["DICT_PROVINCE"], document["DICT_PROVINCE_WARD_NO_DIVIDED"], document["DICT_PROVINCE_WARD_DIVIDED"])


def _communes(new: list[_New], old: list[_Old], converter: _Converter) -> dict[str, Place]:
    living = {row[4]: Place(row[4], row[1], _KINDS[row[2]], row[3], REFORM, None, ()) for row in new}
    heirs = _heirs({(row[5], row[6]): row[4] for row in new}, converter)
    ended: dict[str, Place] = {}
    for _, name, kind, province, code, *keys in old:
        if code not in living:
            successors = tuple(sorted(heirs["_".join(keys)]))
            ended[code] = Place(code, name, _KINDS[kind], province, FIRST_NUMBERED, LAST_DAY_BEFORE, successors)
    return living | ended


def _heirs(living: dict[tuple[str, str], str], converter: _Converter) -> defaultdict[str, set[str]]:
    """Collect, for the key of each old commune, the codes of the new ones; keys that match nothing are left out."""
    heirs: defaultdict[str, set[str]] = defaultdict(set)
    for province, wards in converter.whole.items():
        for ward, old_keys in wards.items():
            for key in old_keys:
                if code := living.get((province, ward)):
                    heirs[key].add(code)
    for province, divided in converter.divided.items():
        for key, parts in divided.items():
            codes = (living.get((province, str(part["newWardKey"]))) for part in parts)
            heirs[key].update(code for code in codes if code)
    return heirs


def _provinces(new: list[_New], old: list[_Old], converter: _Converter) -> dict[str, Place]:
    living = {row[3]: Place(row[3], row[0], _province_kind(row[0]), row[3], REFORM, None, ()) for row in new}
    codes = {row[5]: row[3] for row in new}
    heir = {key: codes[successor] for successor, keys in converter.provinces.items() for key in keys}
    ended = {
        row[3]: Place(row[3], row[0], _province_kind(row[0]), row[3], FIRST_NUMBERED, LAST_DAY_BEFORE, (heir[row[5]],))
        for row in old
        if row[3] not in living
    }
    return living | ended


def _province_kind(name: str) -> str:
    return "TINH" if name.startswith("Tỉnh") else "THANH_PHO"
