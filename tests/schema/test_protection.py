"""A person under protection over the whole stack: masked, refused or absent in every system that knows her, while others are shown."""

import hashlib
from typing import Any

import pytest

from sandbox import personas
from tests import virtual
from tests.stack import Heard, stack

TOLD = """query($id: PersonalId!, $tax: TaxCode!) {
    citizen(id: $id) {
        personalId fullName birthDate gender bloodGroup permanentAddress { text }
        household { code address { text } members { fullName personalId citizen { fullName } } }
        insurance { number fullName status salaryBase periods { from salaryBase } }
    }
    taxpayer(code: $tax) { taxCode name kind taxableIncome citizen { fullName } } }"""
BOOK = "query($number: InsuranceNumber!) { insuranceBook(number: $number) { number fullName birthDate } }"
KIMS_BOOK = "9900000022"
SECRET = "5" * 64


def consumer(protected: str) -> str:
    """Write a consumer whose purpose reads as much as it may: all but what does not say about whom it is, where it gets less than masks."""
    readable = '"@everything"' if protected == "mask" else '"@identity", "@insurance-history"'
    return f"""
[purposes.guarded]
title = "Kiểm thử"
legal_basis = "statutory"
ground = "Law 1/2026"
fields = [{readable}]
protected = "{protected}"

[consumers.guarded]
organisation = "The tests"
kind = "state"
purposes = ["guarded"]
default_purpose = "guarded"
scopes = ["citizen:sensitive", "tax:read"]
policies = ["tax-secrecy"]
explorer = true
demo = true

[consumers.guarded.keys.guarded]
hash = "sha256:{hashlib.sha256(SECRET.encode()).hexdigest()}"
made = 2026-01-01T00:00:00Z
"""


def asked(protected: str, query: str, **variables: str) -> tuple[Any, list[tuple[Any, str]]]:
    """Ask twice, the second time from warm caches; the data, and the place and code of each error."""

    async def story() -> list[Heard]:
        async with stack(more_consumers=consumer(protected)) as running:
            return [await running.ask(query, variables, x_api_key=f"mcu_guarded_{SECRET}") for _ in range(2)]

    cold, warm = virtual.run(story())
    assert cold.body == warm.body
    errors = [(error.get("path", error["message"]), error["extensions"]["code"]) for error in cold.answer.get("errors", ())]
    return cold.answer.get("data"), errors


def test_somebody_under_protection_is_masked_by_every_system() -> None:
    data, errors = asked("mask", TOLD, id=personas.KIM, tax=personas.KIM)

    assert errors == []
    assert data == {
        "citizen": {
            "personalId": "********0022", "fullName": "T. T. K.", "birthDate": "1981", "gender": "FEMALE", "bloodGroup": None,
            "permanentAddress": None,
            "household": {
                "code": "*****0012", "address": None,
                "members": [{"fullName": "T. T. K.", "personalId": "********0022", "citizen": {"fullName": "T. T. K."}}],
            },
            "insurance": {"number": "******0022", "fullName": "T. T. K.", "status": "PAYING", "salaryBase": None, "periods": None},
        },
        "taxpayer": {
            "taxCode": "********0022", "name": "T. T. K.", "kind": "PERSON", "taxableIncome": None, "citizen": {"fullName": "T. T. K."},
        },
    }  # fmt: skip


def test_others_are_shown_as_their_systems_have_them() -> None:
    data, errors = asked("mask", TOLD, id=personas.HHEN, tax=personas.HHEN)

    assert errors == []
    assert "*" not in repr(data)
    assert data["citizen"]["household"]["members"][0]["fullName"] == data["taxpayer"]["name"] == "H'HEN NIÊ"


@pytest.mark.parametrize(
    ("protected", "book", "errors"),
    [
        ("mask", {"number": "******0022", "fullName": "T. T. K.", "birthDate": "1981"}, []),
        ("refuse", None, [(["insuranceBook"], "FORBIDDEN_FIELD")]),
        ("absent", None, []),
        ("show", {"number": KIMS_BOOK, "fullName": "TRƯƠNG THỊ KIM", "birthDate": "1981-07-11"}, []),
    ],
)
def test_her_book_is_treated_alike_when_it_is_found_by_its_number(protected: str, book: Any, errors: Any) -> None:
    assert asked(protected, BOOK, number=KIMS_BOOK) == ({"insuranceBook": book}, errors)
