"""The business registry of the Ministry of Finance: REST and JSON, with places numbered in a way of its own."""

from collections.abc import Iterable
from typing import Final

import orjson

from sandbox import personas
from sandbox.agency import Agency, Answer, Call, Counter, Enquiry, Found, Reason, RefusedError, check_bearer, someone_else, unique
from sandbox.codes import is_business_code, is_personal_id
from sandbox.records import Address, Business, Owner
from sandbox.world import World

_BY_CODE, _BY_PERSON = "enterprises", "representatives"
_MOST: Final = 50
_JSON: Final = "application/json"
_STATUS: Final = {
    Reason.UNKNOWN_CALLER: 401,
    Reason.TROUBLE: 500,
    Reason.HIDDEN_TROUBLE: 200,
    Reason.TOO_LARGE: 413,
}


class Registry(Agency):
    """Businesses by code and by representative."""

    system = "business"
    path = "/business"
    counters = (Counter("GET", "/business/v1/enterprises", _BY_CODE), Counter("GET", "/business/v1/representatives", _BY_PERSON))

    def __init__(self, world: World, token: str) -> None:
        self._world = world
        self._token = token

    def operation(self, call: Call) -> str:
        """Take it from the path."""
        return call.operation

    def read(self, call: Call) -> Enquiry:
        """Check the caller and the keys."""
        check_bearer(call, self._token)
        name, valid = ("code", is_business_code) if call.operation == _BY_CODE else ("identity", is_personal_id)
        keys = [value for parameter, value in call.query if parameter == name]
        if not 1 <= len(keys) <= _MOST:
            raise RefusedError(Reason.WRONG_REQUEST, f"give {name} 1 to {_MOST} times")
        if malformed := [key for key in keys if not valid(key)]:
            raise RefusedError(Reason.WRONG_REQUEST, f"malformed {name} {malformed[0]}")
        return Enquiry(call.operation, unique(keys))

    def find(self, enquiry: Enquiry) -> Found:
        """Return a row for each key that is known."""
        if enquiry.operation == _BY_CODE:
            businesses = (self._world.business(code) for code in enquiry.keys)
            rows = [orjson.dumps(self._business(business)) for business in businesses if business]
        else:
            rows = [row for key in enquiry.keys if (row := self._representative(key))]
        return Found(rows, len(rows))

    def others(self, enquiry: Enquiry) -> Iterable[Enquiry]:
        """Suggest other businesses or other representatives."""
        candidates = (personas.VIET_HAN, personas.HOANG_HON) if enquiry.operation == _BY_CODE else (personas.TUAN, personas.BINH)
        return someone_else(enquiry, candidates)

    def write(self, enquiry: Enquiry, found: Found) -> Answer:
        """Say "0" when there is nothing."""
        del enquiry
        status = "1" if found.total else "0"
        return Answer(200, _JSON, f'{{"Status":"{status}","Total":{found.total},"Data":['.encode() + b",".join(found.rows) + b"]}")

    def refuse(self, refusal: RefusedError) -> Answer:
        """Say "-1" and why."""
        body = orjson.dumps({"Status": "-1", "Message": refusal.message})
        return Answer(_STATUS.get(refusal.reason, 400), _JSON, body)

    def _representative(self, personal_id: str) -> bytes:
        businesses = self._world.businesses_represented_by(personal_id)
        if not businesses:
            return b""
        return orjson.dumps({"IDENTITY_NO": personal_id, "Enterprises": [self._business(business) for business in businesses]})

    def _business(self, business: Business) -> dict[str, object]:
        return {
            "ENTERPRISE_GDT_CODE": business.code,
            "ENTERPRISE_CODE": str(business.registry_number),
            "NAME": business.name,
            "NAME_F": business.foreign_name,
            "SHORT_NAME": business.short_name,
            "ENTERPRISE_TYPE_NAME": business.kind,
            "ENTERPRISE_STATUS": business.status,
            "FOUNDING_DATE": f"{business.founded:%d/%m/%Y}",
            "LAST_AMEND_DATE": f"{business.amended:%d/%m/%Y}",
            "CAPITAL_AMOUNT": None if business.capital is None else orjson.Fragment(f"{business.capital}.000"),
            "LEGAL_NAMES": "; ".join(one.name for one in business.representatives),
            "Representatives": [
                {"FULL_NAME": one.name, "IDENTITY_NO": one.personal_id, "POSITION": one.position, "IS_MAIN": _yes(one.is_main)}
                for one in business.representatives
            ],
            "HOAdress": self._office(business.office),
            "BusinessActivity": [
                {"CODE": code, "NAME": name, "IS_MAIN": _yes(number == 0)} for number, (code, name) in enumerate(business.activities)
            ],
            "Member": [_member(owner) for owner in business.owners],
        }

    def _office(self, address: Address) -> dict[str, object]:
        return {
            "CityID": 1000 + int(address.province),
            "WardID": 500_000 + 7 * int(address.commune),
            "AddressFullText": f"{address.detail}, {self._world.places.full_name(address.commune)}",
        }


def _member(owner: Owner) -> dict[str, object]:
    return {
        "MEMBER_NAME": owner.name,
        "IDENTITY_NO": owner.personal_id,
        "MEMBER_GDT_CODE": owner.business_code,
        "RATIO_PERCENT": owner.percent,
    }


def _yes(value: object) -> str:
    return "Y" if value else "N"
