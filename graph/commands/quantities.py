"""Durations, sizes and shares as people write them, and the values of knobs in those words."""

import math
import re
from typing import Any

from graph.errors import SettingsWrong

SECONDS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0}
BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
QUANTITY = re.compile(r"(\d[\d_]*(?:\.\d+)?)\s*([A-Za-z]*)")
SPANS = (("d", 86_400), ("h", 3_600), ("m", 60))
SIZES = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))
WORDS = frozenset({"eviction", "sharing", "client_cache"})


def seconds_of(text: str) -> float:
    """Read a duration such as 30s, 5m, 1.5h or 1d; a bare number is seconds. SettingsWrong says what was expected."""
    return _read(text, SECONDS, "a duration such as 30s, 5m, 1h or 1d")


def bytes_of(text: str) -> int:
    """Read a size such as 64MiB or 2GB; a bare number is bytes. SettingsWrong says what was expected."""
    return round(_read(text, {**BYTES}, "a size such as 512KiB, 64MiB or 1GiB"))


def share_of(text: str) -> float:
    """Read a number, or a percentage such as 1%; SettingsWrong says what was expected."""
    number = text.strip().removesuffix("%")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SettingsWrong(f"{text}: expected a number such as 0.1, or a percentage such as 1%")
    return value / 100 if text.strip().endswith("%") else value


def knob_value(knob: str, text: str) -> Any:
    """Read the value of a knob; what it may be is checked by the gateway, which knows it."""
    try:
        if knob.endswith("_seconds"):
            return seconds_of(text)
        if knob.endswith("_bytes"):
            return bytes_of(text)
        if knob == "stale_if_error_on":
            return [word.strip() for word in text.split(",") if word.strip()]
        if knob == "max_keys":
            return round(_read(text, {"": 1}, "a number of keys"))
        return text if knob in WORDS else share_of(text)
    except SettingsWrong as error:
        raise SettingsWrong(f"{knob}: {error.message}") from None


def said_seconds(seconds: float) -> str:
    """Write a duration as `seconds_of` reads it, in the largest unit that it has a whole number of."""
    unit, size = next(((unit, size) for unit, size in SPANS if seconds >= size and seconds % size == 0), ("s", 1))
    return f"{seconds / size:g}{unit}"


def said_bytes(size: float) -> str:
    """Write a size in the largest unit that it fills, with one decimal where it needs one."""
    unit, one = next(((unit, one) for unit, one in SIZES if size >= one), ("B", 1))
    return f"{size / one:.1f}".removesuffix(".0") + unit


def said_knob(knob: str, value: Any) -> str:
    """Write the value of a knob as `knob_value` reads it; nothing set is a dash."""
    if value is None:
        return "-"
    if knob.endswith("_seconds"):
        return said_seconds(value)
    if knob.endswith("_bytes"):
        return said_bytes(value)
    return ",".join(value) if isinstance(value, list | tuple) else f"{value:g}" if isinstance(value, float) else str(value)


def _read(text: str, units: dict[str, float], expected: str) -> float:
    found = QUANTITY.fullmatch(text.strip())
    if found is None or found[2].lower() not in units:
        raise SettingsWrong(f"{text}: expected {expected}")
    return float(found[1].replace("_", "")) * units[found[2].lower()]
