"""Rows that nobody can read: for each agency, one value that is replaced by something that cannot be one."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final

from sandbox.agency import Enquiry, Found, RefusedError

_UNREADABLE: Final[Mapping[str, tuple[re.Pattern[bytes], bytes]]] = {
    "population": (re.compile(rb"<NgayThangNamSinh>.*?</NgayThangNamSinh>"), b"<NgayThangNamSinh><Nam>99</Nam></NgayThangNamSinh>"),
    "business": (re.compile(rb'"FOUNDING_DATE":"[^"]*"'), b'"FOUNDING_DATE":"99/99/9999"'),
    "insurance": (re.compile(rb'"(ngaySinh|tuThang)":"[^"]*"'), rb'"\1":"99999999"'),
    "civil_status": (re.compile(rb"<NgayDangKy>[^<]*</NgayDangKy>"), b"<NgayDangKy>99/99/9999</NgayDangKy>"),
    "tax": (re.compile(rb"<NgayCap>[^<]*</NgayCap>"), b"<NgayCap>9999-99-99</NgayCap>"),
    "code_lists": (re.compile(rb'"(Ten\w*)":"(?:[^"\\]|\\.)*"'), rb'"\1":7'),
}
"""The value that is spoiled, wherever it stands in a row; a household has none, and stays as it is."""


def spoiled(system: str, enquiry: Enquiry, keys: Collection[str], find: Callable[[Enquiry], Found]) -> Found:
    """Find the rows of an honest answer, those of some keys with a value that cannot be read."""
    found = find(enquiry)
    pattern, unreadable = _UNREADABLE[system]
    bad = {row for key in enquiry.keys if key in keys for row in _rows(enquiry._replace(keys=(key,)), find)}
    return found._replace(rows=[pattern.sub(unreadable, row) if row in bad else row for row in found.rows])


def _rows(enquiry: Enquiry, find: Callable[[Enquiry], Found]) -> list[bytes]:
    try:
        return find(enquiry).rows
    except RefusedError:
        return []
