"""Records: decoded, checked and translated once."""

from decimal import Decimal

import msgspec
import pytest

from graph.upstream.record import Record, decoder, wire


class Code(str):
    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Code":
        if len(text) != 3:
            raise ValueError("Code: expected 3 letters")
        return cls(text)


class WireDate(msgspec.Struct):
    Nam: str | None = None


def year(date: WireDate) -> str | None:
    return date.Nam


class Part(Record):
    name: str | None = wire("TEN")


class Thing(Record):
    code: Code = wire("MA")
    amount: Decimal | None = wire("SO_TIEN")
    since: str | None = wire("TU", read=year)
    parts: tuple[Part, ...] = wire("PHAN")


def test_names_on_the_wire_become_the_records_own() -> None:
    thing = decoder(Thing).json(b'{"MA": "abc", "SO_TIEN": 12.500, "TU": {"Nam": "1985"}, "PHAN": [{"TEN": "a"}]}')

    assert thing == Thing(code=Code("abc"), amount=Decimal("12.500"), since="1985", parts=(Part(name="a"),))
    assert type(thing.code) is Code


def test_an_empty_string_is_nothing_where_nothing_is_allowed() -> None:
    thing = decoder(Thing).json(b'{"MA": "abc", "PHAN": [{"TEN": ""}, {}]}')

    assert thing.amount is None
    assert thing.since is None
    assert thing.parts == (Part(name=None), Part(name=None))


def test_numbers_may_come_as_text_where_the_wire_has_only_text() -> None:
    assert decoder(Thing).builtins({"MA": "abc", "SO_TIEN": "3.5", "PHAN": []}).amount == Decimal("3.5")


def test_a_list_of_records_is_decoded_in_order() -> None:
    things = decoder(tuple[Part, ...]).json(b'[{"TEN": "a"}, {"TEN": "b"}]')

    assert [part.name for part in things] == ["a", "b"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"PHAN": []}',
        b'{"MA": 3, "PHAN": []}',
        b'{"MA": "abcd", "PHAN": []}',
        b'{"MA": "abc", "PHAN": {}}',
        b'{"MA": "abc", "PHAN": [1]}',
        b'{"MA": "abc", "PHAN": []',
    ],
)
def test_what_is_not_as_agreed_is_refused(body: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, ValueError)):
        decoder(Thing).json(body)


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Part(name="a").name = "b"  # type: ignore[misc]


def test_a_record_inherits_the_names_of_its_base() -> None:
    class Larger(Part):
        size: int = wire("CO")

    larger = decoder(Larger).json(b'{"TEN": "a", "CO": 3}')

    assert (larger.name, larger.size) == ("a", 3)


def test_a_type_without_a_shape_on_the_wire_is_named() -> None:
    class Odd(Record):
        value: complex = wire("X")

    with pytest.raises(TypeError, match="complex"):
        decoder(Odd)


def test_a_reader_without_annotation_is_named() -> None:
    class Odd(Record):
        value: str = wire("X", read=lambda value: value)

    with pytest.raises(TypeError, match="annotation"):
        decoder(Odd)


def test_a_field_may_say_what_it_is_when_the_wire_has_nothing() -> None:
    class Shade(Record):
        colour: str = wire("MAU", absent="grey")

    read = decoder(Shade).json

    assert [read(body).colour for body in (b"{}", b'{"MAU": ""}', b'{"MAU": null}', b'{"MAU": "red"}')] == ["grey", "grey", "grey", "red"]
