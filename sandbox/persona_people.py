"""The records of the persona people: who they are to each other, where they live, and their civil status events."""

from datetime import date
from typing import Final

from sandbox import personas as who
from sandbox.events import case_id
from sandbox.records import (
    FEMALE,
    MALE,
    PROCESSING,
    REFUSED,
    Address,
    Birth,
    Case,
    Event,
    Household,
    HouseholdMember,
    HouseholdSeat,
    Party,
    Person,
    Relative,
)

_HONG_HA: Final = Address("01", "00097", "Số 12, đường Bạch Đằng")
_HAC_THANH: Final = Address("38", "14797", "Số 7, đường Lê Lợi")
_HOAN_KIEM: Final = Address("01", "00070", "Số 31, đường Hai Bà Trưng")
_HAI_CHAU: Final = Address("48", "20242", "Số 90, đường Trần Phú")
_DIVIDED: Final = Address("01", "00019", "Số 4, đường Lê Duẩn")
_MERGED: Final = Address("01", "00001", "Số 58, đường Hồng Hà")
_NINH_KIEU: Final = Address("92", "31135", "Số 15, đường Hùng Vương")
_NAM_TRUC: Final = Address("37", "13966", "Thôn 3")
_BEN_THANH: Final = Address("79", "26743", "Số 200, đường Lê Lợi")
_BUON_MA_THUOT: Final = Address("66", "24133", "Số 6, đường Hoàng Diệu")


def _person(personal_id: str, name: tuple[str, str, str], birth: Birth, old_id: str, home: Address) -> Person:
    female = int(personal_id[3]) % 2 == 1
    return Person(
        personal_id=personal_id,
        old_id=old_id,
        surname=name[0],
        middle=name[1],
        given=name[2],
        whole_name_in_given=False,
        gender=FEMALE if female else MALE,
        ethnicity="01",
        religion="00",
        marital_status=1,
        blood_group="O",
        birth=birth,
        birth_place=home,
        home_place=home,
        permanent=home,
        current=home,
        father=None,
        mother=None,
        spouse=None,
        seat=None,
        dead=False,
    )


_CARDS: Final = {
    person.personal_id: person
    for person in (
        _person(who.OFFICIAL, ("Phạm", "Thị", "Hạnh"), Birth(1990, 8, 19), "990000001", _HOAN_KIEM),
        _person(who.THU, ("Nguyễn", "Văn", "Thư"), Birth(1985, 2, 14), "990000002", _HONG_HA),
        _person(who.HOA, ("Nguyễn", "Văn", "Hòa"), Birth(1958, 5, 20), "990000003", _HAC_THANH),
        _person(who.LAN, ("Trần", "Thị", "Lan"), Birth(1960, 11, 2), "990000004", _HAC_THANH),
        _person(who.MAI, ("Lê", "Thị", "Mai"), Birth(1987, 9, 30), "990000005", _HONG_HA),
        _person(who.MINH_ANH, ("Nguyễn", "Minh", "Anh"), Birth(2012, 4, 8), "", _HONG_HA),
        _person(who.GIA_BAO, ("Nguyễn", "Gia", "Bảo"), Birth(2016, 7, 21), "", _HONG_HA),
        _person(who.QUANG, ("Đỗ", "Minh", "Quang"), Birth(1979, 1, 9), "", _HAI_CHAU),
        _person(who.THUY, ("Võ", "Thị", "Thúy"), Birth(1986, 12, 3), "990000011", _HAI_CHAU),
        _person(who.BAY, ("Huỳnh", "Văn", "Bảy"), Birth(1947), "990000012", _NINH_KIEU),
        _person(who.TUYET, ("Đặng", "Ánh", "Tuyết"), Birth(1968, 6, 15), "990000013", _DIVIDED),
        _person(who.BINH, ("Bùi", "Thanh", "Bình"), Birth(1972, 10, 1), "990000014", _MERGED),
        _person(who.SAU, ("Trịnh", "Văn", "Sáu"), Birth(1940, 3, 3), "990000015", _NAM_TRUC),
        _person(who.NAM, ("Vũ", "Thị", "Năm"), Birth(1944, 12, 24), "990000016", _NAM_TRUC),
        _person(who.AN, ("Hoàng", "Minh", "An"), Birth(2025, 11, 5), "", _BEN_THANH),
        _person(who.TUAN, ("Hoàng", "Anh", "Tuấn"), Birth(1996, 2, 29), "990000018", _BEN_THANH),
        _person(who.NGA, ("Phan", "Thúy", "Nga"), Birth(1998, 5, 17), "990000019", _BEN_THANH),
        _person(who.HHEN, ("", "", "H'Hen Niê"), Birth(1992, 3, 27), "990000020", _BUON_MA_THUOT),
        _person(who.KIM, ("Trương", "Thị", "Kim"), Birth(1981, 7, 11), "990000022", _NINH_KIEU),
    )
}

_HOMES: Final = (
    ((who.THU, "CHU_HO"), (who.MAI, "VO_CHONG"), (who.MINH_ANH, "CON"), (who.GIA_BAO, "CON")),
    ((who.HOA, "CHU_HO"), (who.LAN, "VO_CHONG")),
    ((who.OFFICIAL, "CHU_HO"),),
    ((who.QUANG, "CHU_HO"),),
    ((who.THUY, "CHU_HO"),),
    ((who.BAY, "CHU_HO"),),
    ((who.TUYET, "CHU_HO"),),
    ((who.BINH, "CHU_HO"),),
    ((who.NAM, "CHU_HO"),),
    ((who.TUAN, "CHU_HO"), (who.NGA, "VO_CHONG"), (who.AN, "CON")),
    ((who.HHEN, "CHU_HO"),),
    ((who.KIM, "CHU_HO"),),
)


def _relative(personal_id: str) -> Relative:
    card = _CARDS[personal_id]
    return Relative(card.full_name, personal_id, card.old_id)


def _households() -> dict[str, Household]:
    households = {}
    for number, seats in enumerate(_HOMES, start=1):
        members = tuple(HouseholdMember(member, _CARDS[member].full_name, relation) for member, relation in seats)
        household = Household(f"99999{number:04d}", _CARDS[seats[0][0]].permanent, members)
        households.update(dict.fromkeys((member for member, _ in seats), household))
    return households


HOUSEHOLDS: Final = _households()
"""Households by the personal id of each member."""


def _people() -> dict[str, Person]:
    people = dict(_CARDS)
    for child, father, mother in (
        (who.THU, who.HOA, who.LAN),
        (who.MINH_ANH, who.THU, who.MAI),
        (who.GIA_BAO, who.THU, who.MAI),
        (who.AN, who.TUAN, who.NGA),
    ):
        people[child] = people[child]._replace(father=_relative(father), mother=_relative(mother))
    for husband, wife in ((who.THU, who.MAI), (who.HOA, who.LAN), (who.TUAN, who.NGA)):
        people[husband] = people[husband]._replace(spouse=_relative(wife), marital_status=2)
        people[wife] = people[wife]._replace(spouse=_relative(husband), marital_status=2)
    people[who.THU] = people[who.THU]._replace(birth_place=_HAC_THANH, home_place=_HAC_THANH)
    people[who.SAU] = people[who.SAU]._replace(dead=True, marital_status=2)
    people[who.NAM] = people[who.NAM]._replace(marital_status=3)
    people[who.HHEN] = people[who.HHEN]._replace(whole_name_in_given=True, ethnicity="12", religion="03")
    people[who.KIM] = people[who.KIM]._replace(protected=True)
    return {personal_id: _seated(person) for personal_id, person in people.items()}


def _seated(person: Person) -> Person:
    household = HOUSEHOLDS.get(person.personal_id)
    if household is None:
        return person
    relation = next(member.relation for member in household.members if member.personal_id == person.personal_id)
    return person._replace(seat=HouseholdSeat(household.code, relation, _relative(household.members[0].personal_id)))


PEOPLE: Final = _people()
"""Population records by personal id."""


def _event(module: str, serial: int, dates: tuple[date, date], commune: str, **parties: str) -> Event:
    received, registered = dates
    listed = tuple(Party(role, _CARDS[personal_id].full_name, personal_id) for role, personal_id in parties.items())
    return Event(case_id(received, serial), module, serial, commune, received, registered, listed)


MARRIAGE_OF_THU: Final = _event("KH", 1, (date(2010, 6, 12), date(2010, 6, 14)), "00097", Chong=who.THU, Vo=who.MAI)
BIRTH_OF_MINH_ANH: Final = _event(
    "KS", 2, (date(2012, 4, 20), date(2012, 4, 20)), "00097", NguoiDuocKhaiSinh=who.MINH_ANH, Cha=who.THU, Me=who.MAI
)
EVENTS: Final = (
    MARRIAGE_OF_THU,
    BIRTH_OF_MINH_ANH,
    _event("KS", 3, (date(2016, 8, 1), date(2016, 8, 2)), "00097", NguoiDuocKhaiSinh=who.GIA_BAO, Cha=who.THU, Me=who.MAI),
    _event("KT", 4, (date(2024, 9, 12), date(2024, 9, 12)), "13966", NguoiChet=who.SAU)._replace(died=date(2024, 9, 9)),
    _event("KH", 5, (date(2023, 3, 6), date(2023, 3, 8)), "26743", Chong=who.TUAN, Vo=who.NGA),
    _event("KS", 6, (date(2025, 11, 18), date(2025, 11, 19)), "26743", NguoiDuocKhaiSinh=who.AN, Cha=who.TUAN, Me=who.NGA),
)
"""Events in order of their serial; a person's are those in which they are child, spouse or deceased."""

CASES: Final = {
    case.case_id: case
    for case in (
        Case(who.AN_CASE, PROCESSING, date(2025, 12, 29), date(2026, 1, 8)),
        Case(who.BAY_CASE, REFUSED, date(2025, 12, 1), date(2025, 12, 8), "THIEU_GIAY_TO"),
    )
}
"""Cases that have led to no event, by their id."""
