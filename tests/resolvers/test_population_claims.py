"""Service 037 of the population system: what is sent to it, and what its "yes" and its two kinds of "no" mean."""

import unicodedata

import httpx
import pytest

from resolvers.population import Claim, Outcome, VerificationRecord, verification
from resolvers.values import PartialDate
from tests.lines import Handler
from tests.resolvers.population_wire import PERSON, SPARE, THU, asking, collection, elements, fault, operation, population

CLAIM = Claim(THU, "Nguyễn Văn Thư", PartialDate("1985-02-14"))


@pytest.mark.parametrize("name", ["Nguyễn Văn Thư", "NGUYỄN VĂN THƯ", "nguyen van thu", unicodedata.normalize("NFD", "Nguyễn Văn Thư")])
async def test_service_037_gets_the_bare_name_and_the_whole_date(name: str) -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        assert request.headers["soapaction"] == '"TraCuuThongTinCongDan"'
        assert elements(request) == [*asking("037"), ("SoDinhDanh", THU), ("HoVaTen", "NGUYENVANTHU"), ("NgayThangNam", "19850214")]
        return collection(PERSON)

    async with population(agency) as upstream:
        await verification(upstream, [CLAIM._replace(full_name=name)])


async def test_service_037_gets_a_year_where_only_a_year_is_claimed() -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        born = operation(request).find("{*}NgayThangNamSinh")
        assert born is not None
        assert [(part.tag, part.text) for part in born] == [("{http://dancuquocgia.bca}Nam", "1985")]
        return collection(PERSON)

    async with population(agency) as upstream:
        await verification(upstream, [CLAIM._replace(birth_date=PartialDate("1985"))])


async def test_service_037_gets_the_letters_of_an_unusual_name() -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        assert ("HoVaTen", "H'HENNIEDANG") in elements(request)
        return collection(PERSON)

    async with population(agency) as upstream:
        await verification(upstream, [CLAIM._replace(full_name="H’Hen Niê Đặng")])


def answers(by_three: httpx.Response, by_id: httpx.Response) -> Handler:
    """Answer service 037 and service 034 each in its own way."""
    return lambda request: by_three if "037" in {text for _, text in elements(request)} else by_id


async def outcome(by_three: httpx.Response, by_id: httpx.Response) -> VerificationRecord:
    async with population(answers(by_three, by_id)) as upstream:
        return (await verification(upstream, [CLAIM]))[CLAIM]


async def test_a_claim_that_service_037_confirms_is_a_match() -> None:
    assert await outcome(collection(PERSON), fault("soapenv:Server")) == VerificationRecord(personal_id=THU, outcome=Outcome.MATCH)


async def test_a_claim_on_a_person_whom_the_register_knows_otherwise_is_a_mismatch() -> None:
    assert await outcome(collection(), collection(PERSON)) == VerificationRecord(personal_id=THU, outcome=Outcome.MISMATCH)


async def test_a_claim_on_a_person_whom_the_register_does_not_know_finds_nobody() -> None:
    assert await outcome(collection(), collection()) == VerificationRecord(personal_id=THU, outcome=Outcome.NOT_FOUND)


@pytest.mark.parametrize(
    ("by_three", "by_id", "reason", "retryable"),
    [
        (fault("soapenv:Server"), collection(PERSON), "UPSTREAM_UNAVAILABLE", True),
        (fault("soapenv:Client"), collection(PERSON), "UPSTREAM_UNAVAILABLE", False),
        (httpx.Response(429), collection(PERSON), "UPSTREAM_THROTTLED", True),
        (collection(), fault("soapenv:Server"), "UPSTREAM_UNAVAILABLE", True),
        (collection(), collection(SPARE), "UPSTREAM_CONTRACT", False),
        (collection(SPARE), collection(PERSON), "UPSTREAM_CONTRACT", False),
        (collection(PERSON, SPARE), collection(PERSON), "UPSTREAM_CONTRACT", False),
    ],
)
async def test_where_the_register_gives_no_clear_answer_nothing_can_be_said(
    by_three: httpx.Response, by_id: httpx.Response, reason: str, *, retryable: bool
) -> None:
    assert await outcome(by_three, by_id) == VerificationRecord(
        personal_id=THU, outcome=Outcome.CANNOT_SAY, reason=reason, retryable=retryable
    )
