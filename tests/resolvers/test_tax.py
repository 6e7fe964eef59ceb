"""The tax system: what is sent to it, and how taxpayers are read from its XML."""

import httpx
import pytest
from lxml import etree

from graph.errors import ContractBroken, SystemRefused, SystemUnavailable, Theirs
from graph.upstream.connection import Upstream
from resolvers.identifiers import TaxCode
from resolvers.tax import SYSTEM, TaxOfficeRecord, TaxOptions, TaxpayerKind, TaxpayerRecord, TaxpayerStatus, taxpayer_by_code
from resolvers.values import Money, PartialDate
from tests.lines import Handler, line, xml_answer

OPTIONS = TaxOptions(username="motcua")
THU, AN_PHAT, BRANCH = TaxCode("099085000002"), TaxCode("9900000016"), TaxCode("9900000016-001")
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
SECURITY = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
REQUEST = "{http://gdt.gov.vn/nnt/1.0}"

THU_ROW = """<NNT><MaSoThue>099085000002</MaSoThue><MaKetQua>00</MaKetQua><ThongTin>
<MaSoThue>099085000002</MaSoThue><TenNNT>NGUYỄN VĂN THƯ</TenNNT><LoaiNNT>CN</LoaiNNT><TrangThaiNNT>00</TrangThaiNNT>
<CQTQuanLy><Ma>10100</Ma><Ten>Thuế thành phố Hà Nội</Ten></CQTQuanLy><NoThue>3400000.50</NoThue><SoTienNopThua>1250000.00</SoTienNopThua>
<KyQuyetToan>2024</KyQuyetToan><ThuNhapChiuThue>306000000.00</ThuNhapChiuThue><NgayCap>2012-05-14</NgayCap></ThongTin></NNT>"""
AN_PHAT_ROW = """<NNT><MaSoThue>9900000016</MaSoThue><MaKetQua>00</MaKetQua><ThongTin>
<MaSoThue>9900000016</MaSoThue><TenNNT>CÔNG TY AN PHÁT</TenNNT><LoaiNNT>DN</LoaiNNT><TrangThaiNNT>03</TrangThaiNNT><CQTQuanLy/>
<NoThue>0.00</NoThue><SoTienNopThua/><KyQuyetToan/><ThuNhapChiuThue></ThuNhapChiuThue><NgayCap/></ThongTin></NNT>"""


def tax(handler: Handler) -> Upstream:
    return line(handler, SYSTEM, options=OPTIONS)


def nobody(code: str) -> str:
    return f"<NNT><MaSoThue>{code}</MaSoThue><MaKetQua>01</MaKetQua></NNT>"


def page(*rows: str, total: int | None = None) -> httpx.Response:
    start = f"<MaGiaoDich>t</MaGiaoDich><SoLuong>{len(rows) if total is None else total}</SoLuong>"
    return xml_answer(f'<TraCuuNNTResponse xmlns="http://gdt.gov.vn/nnt/1.0">{start}{"".join(rows)}</TraCuuNNTResponse>')


def fault(code: str, detail: str) -> httpx.Response:
    words = f"<faultcode>{code}</faultcode><faultstring>099085000002</faultstring><detail><MaLoi>{detail}</MaLoi></detail>"
    return xml_answer(f'<s:Fault xmlns:s="urn:s">{words}</s:Fault>', 500)


async def found(response: httpx.Response, *codes: TaxCode) -> dict[TaxCode, TaxpayerRecord]:
    async with tax(lambda _request: response) as upstream:
        return dict(await taxpayer_by_code(upstream, codes))


async def test_codes_are_asked_for_in_one_message_under_a_new_id() -> None:
    ids: list[str] = []

    def agency(request: httpx.Request) -> httpx.Response:
        assert (request.method, str(request.url)) == ("POST", "http://agency.test/api")
        assert request.headers["soapaction"] == '"TraCuuNNT"'
        assert request.headers["content-type"] == "text/xml; charset=utf-8"
        operation = etree.fromstring(request.content).find(f"{SOAP}Body/{REQUEST}TraCuuNNT")
        assert operation is not None
        assert [part.tag for part in operation] == [f"{REQUEST}MaGiaoDich", f"{REQUEST}DanhSachMST"]
        assert [(part.tag, part.text) for part in operation[1]] == [(f"{REQUEST}MST", THU), (f"{REQUEST}MST", BRANCH)]
        ids.append(operation[0].text or "")
        return page(nobody(THU), nobody(BRANCH))

    async with tax(agency) as upstream:
        assert await taxpayer_by_code(upstream, [THU, BRANCH]) == {}
        assert await taxpayer_by_code(upstream, [THU, BRANCH]) == {}

    assert all(ids)
    assert ids[0] != ids[1]


async def test_user_name_and_secret_stand_in_the_soap_header_and_nowhere_else() -> None:
    def agency(request: httpx.Request) -> httpx.Response:
        token = etree.fromstring(request.content).find(f"{SOAP}Header/{SECURITY}Security/{SECURITY}UsernameToken")
        assert token is not None
        assert [(part.tag, part.text) for part in token] == [(f"{SECURITY}Username", "motcua"), (f"{SECURITY}Password", "secret-token")]
        assert not any("secret-token" in value for value in request.headers.values())
        return page(nobody(THU))

    async with tax(agency) as upstream:
        assert await taxpayer_by_code(upstream, [THU]) == {}


async def test_every_field_of_a_taxpayer_is_translated() -> None:
    assert await found(page(THU_ROW), THU) == {
        THU: TaxpayerRecord(
            tax_code=THU,
            name="NGUYỄN VĂN THƯ",
            kind=TaxpayerKind.PERSON,
            status=TaxpayerStatus.OPERATING,
            tax_office=TaxOfficeRecord(code="10100", name="Thuế thành phố Hà Nội"),
            debt=Money("3400000.5"),
            overpaid=Money("1250000"),
            period=PartialDate("2024"),
            taxable_income=Money("306000000"),
            registered_on=PartialDate("2012-05-14"),
        )
    }


async def test_nothing_owed_is_nought_and_an_empty_amount_is_not_known() -> None:
    business = (await found(page(AN_PHAT_ROW), AN_PHAT))[AN_PHAT]

    assert business.debt == "0"
    unknown = (business.overpaid, business.period, business.taxable_income, business.tax_office, business.registered_on)
    assert unknown == (None, None, None, None, None)


@pytest.mark.parametrize(
    ("code", "kind"),
    [("CN", TaxpayerKind.PERSON), ("DN", TaxpayerKind.BUSINESS), ("CNHANH", TaxpayerKind.BRANCH), ("HTX", TaxpayerKind.OTHER)],
)
async def test_a_taxpayer_of_an_unknown_kind_is_another(code: str, kind: TaxpayerKind) -> None:
    assert (await found(page(THU_ROW.replace("<LoaiNNT>CN<", f"<LoaiNNT>{code}<")), THU))[THU].kind is kind


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("00", TaxpayerStatus.OPERATING),
        ("01", TaxpayerStatus.CLOSED),
        ("03", TaxpayerStatus.SUSPENDED),
        ("04", TaxpayerStatus.AWAITING_CLOSURE),
        ("06", TaxpayerStatus.NOT_AT_ADDRESS),
        ("02", TaxpayerStatus.UNKNOWN),
    ],
)
async def test_a_status_of_an_unknown_code_is_unknown(code: str, status: TaxpayerStatus) -> None:
    assert (await found(page(THU_ROW.replace("<TrangThaiNNT>00<", f"<TrangThaiNNT>{code}<")), THU))[THU].status is status


async def test_a_row_that_says_no_is_left_out_and_the_others_stay_under_their_codes() -> None:
    answer = await found(page(AN_PHAT_ROW, nobody(BRANCH), THU_ROW), THU, BRANCH, AN_PHAT)

    assert {code: taxpayer.name for code, taxpayer in answer.items()} == {AN_PHAT: "CÔNG TY AN PHÁT", THU: "NGUYỄN VĂN THƯ"}


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (page(THU_ROW), "exactly the codes that were asked"),
        (page(THU_ROW, total=2), "promised 2 rows and sent 1"),
        (page(THU_ROW, AN_PHAT_ROW, nobody(BRANCH)), "exactly the codes that were asked"),
        (page(THU_ROW, nobody(BRANCH)), "exactly the codes that were asked"),
        (page(THU_ROW, THU_ROW), "two records for one key"),
        (page(AN_PHAT_ROW, AN_PHAT_ROW.replace("9900000016", THU, 1)), "under the code of another"),
        (page(THU_ROW, nobody(AN_PHAT).replace(">01<", ">99<")), "does not fit its row"),
        (page(THU_ROW, nobody(AN_PHAT).replace(">01<", ">00<")), "does not fit its row"),
        (page(AN_PHAT_ROW, THU_ROW.replace("<MaKetQua>00<", "<MaKetQua>01<")), "does not fit its row"),
        (page(AN_PHAT_ROW, THU_ROW.replace("3400000.50", "3.400.000")), "an amount as a decimal string"),
        (page(AN_PHAT_ROW, THU_ROW.replace("2012-05-14", "2012-05-32")), "PartialDate: expected"),
        (page(AN_PHAT_ROW, THU_ROW.replace("<TenNNT>NGUYỄN VĂN THƯ</TenNNT>", "")), "not as agreed"),
    ],
)
async def test_an_answer_that_cannot_be_trusted_breaks_the_contract(response: httpx.Response, words: str) -> None:
    with pytest.raises(ContractBroken, match=words) as raised:
        await found(response, THU, AN_PHAT)

    assert not any(value in raised.value.message for value in (THU, AN_PHAT, "THƯ", "3.400.000"))


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (fault("soap:Client", "TCT-401"), SystemRefused),
        (fault("soap:Client", "TCT-422"), SystemRefused),
        (fault("soap:Server", "TCT-500"), SystemUnavailable),
        (httpx.Response(500, content=b"<html>", headers={"content-type": "text/html"}), SystemUnavailable),
    ],
)
async def test_trouble_names_the_system_and_not_its_words(response: httpx.Response, kind: type[Theirs]) -> None:
    with pytest.raises(kind) as raised:
        await found(response, THU)

    assert raised.value.system == "tax"
    assert THU not in raised.value.message
