"""Masked forms: what is left of a value that may be known to be there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.access.directives import MaskForm
from graph.access.masking import FORMS, masked


@pytest.mark.parametrize(
    ("form", "value", "shown"),
    [
        (MaskForm.LAST_FOUR, "099085000002", "********0002"),
        (MaskForm.LAST_FOUR, "12345678", "********"),
        (MaskForm.LAST_FOUR, "", ""),
        (MaskForm.YEAR, "1985-02-14", "1985"),
        (MaskForm.YEAR, "1985", "1985"),
        (MaskForm.INITIALS, "Nguyễn Văn Thư", "N. V. T."),
        (MaskForm.INITIALS, "đỗ  minh quang", "Đ. M. Q."),
        (MaskForm.INITIALS, "", ""),
        (MaskForm.NULL, "Số 12", None),
    ],
)
def test_each_form_shows_what_it_says(form: MaskForm, value: str, shown: str | None) -> None:
    assert masked(form, value) == shown


@pytest.mark.parametrize("form", MaskForm)
@pytest.mark.parametrize("value", [None, 12, True, ("a", "b"), {"a": 1}])
def test_what_is_no_text_is_never_shown(form: MaskForm, value: object) -> None:
    assert masked(form, value) is None


@pytest.mark.parametrize("form", FORMS)
@given(text=st.text(alphabet="abđ09 -", min_size=9, max_size=40))
def test_no_form_shows_more_than_it_should(form: MaskForm, text: str) -> None:
    shown = masked(form, text)

    most = len(text.split()) if form is MaskForm.INITIALS else 4
    assert sum(letter not in "*. " for letter in shown) <= most
    assert text not in shown


def test_every_form_is_known() -> None:
    assert {*FORMS, MaskForm.NULL} == set(MaskForm)
