"""SOAP requests are written as text, and read back as what was meant by a reader of XML that is not ours."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from graph.upstream import soap

ALLOWED = re.compile("[\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


def read(operation: soap.Element, header: soap.Element | None = None) -> etree._Element:
    """Read an envelope back and return the element in its body."""
    root = etree.fromstring(soap.envelope(operation, header))
    body = root.find(f"{{{soap.NAMESPACE}}}Body")
    assert body is not None
    assert len(body) == 1
    return body[0]


@given(st.text(alphabet=st.characters() | st.sampled_from("<>&\"']\r\n\t\0\x1f\ufffe\ud800")))
def test_a_text_arrives_as_it_was_or_is_refused(text: str) -> None:
    if ALLOWED.fullmatch(text):
        assert (read(soap.element("Q", text, namespace="urn:q")).text or "") == text
    else:
        with pytest.raises(ValueError, match="cannot stand in XML"):
            soap.element("Q", text, namespace="urn:q")


def test_each_element_stands_in_its_own_namespace_and_order() -> None:
    inner = [soap.element("A", "1", namespace="urn:q"), soap.element("B", "2", namespace="urn:other"), soap.element("C", namespace="urn:q")]

    found = read(soap.element("Q", [soap.element("L", inner, namespace="urn:q")], namespace="urn:q"))

    assert [part.tag for part in found.iter()] == ["{urn:q}Q", "{urn:q}L", "{urn:q}A", "{urn:other}B", "{urn:q}C"]
    assert [part.text for part in found[0]] == ["1", "2", None]


def test_a_header_block_stands_in_the_header() -> None:
    sent = soap.envelope(
        soap.element("Q", namespace="urn:q"), soap.element("S", [soap.element("P", "p", namespace="urn:s")], namespace="urn:s")
    )

    assert etree.fromstring(sent).findtext(f"{{{soap.NAMESPACE}}}Header/{{urn:s}}S/{{urn:s}}P") == "p"


@pytest.mark.parametrize(
    ("name", "namespace"), [("a b", "urn:q"), ("", "urn:q"), ("1", "urn:q"), ("Q", 'urn:"'), ("Q", "urn:<"), ("Q", "")]
)
def test_a_name_that_xml_does_not_know_is_refused(name: str, namespace: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        soap.element(name, namespace=namespace)
