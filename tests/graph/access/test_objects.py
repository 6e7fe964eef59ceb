"""JSON objects that can be read in one way only."""

import pytest

from graph.access.objects import object_in


def test_an_object_is_read_with_whatever_stands_in_it() -> None:
    assert object_in('{"a": [1, {"b": null}], "ể": 1.5}'.encode()) == {"a": [1, {"b": None}], "ể": 1.5}


@pytest.mark.parametrize("written", [b'{"a": 1, "a": 1}', b'{"b": {"a": 1, "\\u0061": 2}}', b'[{"a": 1, "a": 2}]'])
def test_a_member_stands_in_an_object_once_at_any_depth(written: bytes) -> None:
    with pytest.raises(ValueError, match="twice"):
        object_in(written)


@pytest.mark.parametrize("written", [b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}'])
def test_what_only_some_readers_take_for_a_number_is_none(written: bytes) -> None:
    with pytest.raises(ValueError, match="not a number"):
        object_in(written)


@pytest.mark.parametrize(
    "written", [b"", b"[]", b"1", b"null", b'"a"', b"{}{}", b"{'a': 1}", b'{"a": 1,}', b"\xff", b"\xef\xbb\xbf{}", b"[" * 100_000]
)
def test_whatever_else_is_no_object(written: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        object_in(written)
