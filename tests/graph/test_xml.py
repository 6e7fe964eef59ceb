"""XML from outside is read without entities, document types or network."""

import pytest

from graph.upstream import xml
from graph.upstream.record import Record, decoder, wire
from graph.upstream.xml import XmlRefused


class Item(Record):
    name: str | None = wire("Ten")


class Box(Record):
    number: int | None = wire("So")
    items: tuple[Item, ...] = wire("Muc")


def read(body: bytes) -> Box:
    into = decoder(Box)
    box: Box = into.builtins(xml.builtins(xml.parse(body), into.shape))
    return box


def test_elements_are_found_whatever_their_namespace() -> None:
    assert read(b'<a:Hop xmlns:a="urn:a"><a:So>7</a:So><Muc><Ten>x</Ten></Muc></a:Hop>') == Box(number=7, items=(Item(name="x"),))


def test_a_name_that_may_repeat_is_a_list_also_when_it_stands_once_or_never() -> None:
    assert read(b"<Hop><Muc><Ten>x</Ten></Muc></Hop>").items == (Item(name="x"),)
    assert read(b"<Hop/>").items == ()


def test_an_empty_element_counts_as_absent() -> None:
    assert read(b"<Hop><So/><Muc><Ten> </Ten></Muc><Muc/></Hop>") == Box(number=None, items=(Item(name=None),))


def test_a_name_that_may_stand_once_and_stands_twice_is_refused() -> None:
    with pytest.raises(XmlRefused):
        read(b"<Hop><So>1</So><So>2</So></Hop>")


def test_elements_that_nobody_asked_for_are_passed_over() -> None:
    assert read(b"<Hop><La>?</La><!-- ? --><So>1</So></Hop>").number == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<Hop>",
        b"not xml",
        b'<!DOCTYPE Hop [<!ENTITY e "x">]><Hop><So>&e;</So></Hop>',
        b'<!DOCTYPE Hop SYSTEM "http://127.0.0.1:1/evil.dtd"><Hop/>',
        b'<!DOCTYPE Hop [<!ENTITY e SYSTEM "file:///etc/hostname">]><Hop><Muc><Ten>&e;</Ten></Muc></Hop>',
        b'<?xml version="1.0" encoding="no-such"?><Hop/>',
    ],
)
def test_what_is_not_plain_xml_is_refused(body: bytes) -> None:
    with pytest.raises(XmlRefused):
        read(body)


def test_a_bomb_of_entities_is_refused_before_it_grows() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE Hop [<!ENTITY e0 "boom">{entities}]><Hop><So>&e11;</So></Hop>'

    with pytest.raises(XmlRefused):
        read(bomb.encode())
