"""The places are the real ones of 1 July 2025, with the ones that ended the day before."""

from sandbox.places import load_places

PLACES = load_places()


def test_there_are_34_provinces_and_3321_communes_today() -> None:
    assert len([place for place in PLACES.provinces.values() if place.until is None]) == 34
    assert len(PLACES.living) == 3321


def test_twenty_nine_provinces_ended_and_each_has_one_living_successor() -> None:
    ended = [place for place in PLACES.provinces.values() if place.until]

    assert len(ended) == 29
    assert all(len(place.successors) == 1 and PLACES.provinces[place.successors[0]].until is None for place in ended)


def test_almost_every_commune_that_ended_has_living_successors() -> None:
    ended = [place for place in PLACES.communes.values() if place.until]

    assert len(ended) == 6719
    assert len(PLACES.ended) >= 0.999 * len(ended)
    assert all(PLACES.communes[code].until is None for place in ended for code in place.successors)


def test_some_communes_were_divided_among_several() -> None:
    assert PLACES.communes["00019"].successors == ("00004", "00070", "00190", "00226")
    assert PLACES.communes["00001"].successors == ("00097",)


def test_every_commune_lies_in_a_known_province_and_has_a_kind() -> None:
    assert all(place.province in PLACES.provinces for place in PLACES.communes.values())
    assert {place.kind for place in PLACES.communes.values()} == {"XA", "PHUONG", "THI_TRAN", "DAC_KHU"}
    assert all(len(code) == 5 for code in PLACES.communes)


def test_a_commune_is_written_with_its_province() -> None:
    assert PLACES.full_name("00097") == "Phường Hồng Hà, Thành phố Hà Nội"
