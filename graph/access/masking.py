"""Masking: how a value looks to somebody who may know that there is one, and not what it is."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from graph.access.directives import MaskForm

SHOWN: Final = 4


def last_four(text: str) -> str:
    """Show the last four characters, and of a text that is hardly longer nothing."""
    return "*" * len(text) if len(text) <= 2 * SHOWN else "*" * (len(text) - SHOWN) + text[-SHOWN:]


def year(text: str) -> str:
    """Show the year of a date that begins with it."""
    return text[:4]


def initials(text: str) -> str:
    """Show the first letter of each part of a name."""
    return " ".join(f"{part[0].upper()}." for part in text.split())


FORMS: Final[Mapping[MaskForm, Callable[[str], str]]] = {
    MaskForm.LAST_FOUR: last_four,
    MaskForm.YEAR: year,
    MaskForm.INITIALS: initials,
}


def masked(form: MaskForm, value: Any) -> Any:
    """Return the masked form of a value; what is there already as nothing stays so, and what is no text is not shown at all."""
    write = FORMS.get(form)
    return None if write is None or not isinstance(value, str) else write(str(value))
