"""The tax system takes its password in the SOAP header and answers for every code."""

import httpx
import pytest

from sandbox import personas
from tests.sandbox.wire import TAXPAYERS, child, fields, parsed, post_tax, rows


def fault_of(response: httpx.Response) -> tuple[str, str]:
    """Return the SOAP fault code and the department's own."""
    assert response.status_code == 500
    return parsed(response).findtext(".//faultcode") or "", parsed(response).findtext(".//detail/MaLoi") or ""


async def test_a_taxpayer_has_exactly_the_documented_fields(client: httpx.AsyncClient) -> None:
    response = await post_tax(client, [personas.THU])
    (row,) = rows(response, TAXPAYERS + "NNT")

    assert response.status_code == 200
    assert parsed(response).findtext(f".//{TAXPAYERS}MaGiaoDich") == "G-1"
    assert parsed(response).findtext(f".//{TAXPAYERS}SoLuong") == "1"
    assert list(fields(row)) == ["MaSoThue", "MaKetQua", "ThongTin"]
    assert fields(row)["MaKetQua"] == "00"
    assert child(row, "ThongTin") == {
        "MaSoThue": personas.THU,
        "TenNNT": "NGUYỄN VĂN THƯ",
        "LoaiNNT": "CN",
        "TrangThaiNNT": "00",
        "CQTQuanLy": "",
        "NoThue": "0.00",
        "SoTienNopThua": "1250000.00",
        "KyQuyetToan": "2024",
        "ThuNhapChiuThue": "306000000.00",
        "NgayCap": "2012-05-14",
    }
    office = next(row.iter(TAXPAYERS + "CQTQuanLy"))
    assert fields(office) == {"Ma": "10100", "Ten": "Thuế thành phố Hà Nội"}


async def test_every_code_has_a_row_found_or_not(client: httpx.AsyncClient) -> None:
    codes = [personas.NOBODY, personas.SAO_MAI, personas.AN_PHAT_BRANCH, "9900000016-002", personas.LUA_VANG]
    response = await post_tax(client, codes)
    found = [fields(row) for row in rows(response, TAXPAYERS + "NNT")]
    details = [fields(one) for one in rows(response, TAXPAYERS + "ThongTin")]

    assert [row["MaSoThue"] for row in found] == codes
    assert [row["MaKetQua"] for row in found] == ["01", "00", "00", "01", "00"]
    assert list(found[0]) == ["MaSoThue", "MaKetQua"]
    assert [(one["LoaiNNT"], one["TrangThaiNNT"]) for one in details] == [("DN", "03"), ("CNHANH", "00"), ("DN", "01")]
    assert details[0]["ThuNhapChiuThue"] == ""


@pytest.mark.parametrize("code", ["12", "9900000017", "9900000016-000", "9900000016001", "", "0990850000020"])
async def test_a_malformed_code_is_a_fault(client: httpx.AsyncClient, code: str) -> None:
    assert fault_of(await post_tax(client, [personas.THU, code])) == ("soap:Client", "TCT-422")


async def test_twenty_codes_are_accepted_and_more_or_none_refused(client: httpx.AsyncClient) -> None:
    assert len(rows(await post_tax(client, [personas.THU] * 20), TAXPAYERS + "NNT")) == 20
    assert fault_of(await post_tax(client, [personas.THU] * 21)) == ("soap:Client", "TCT-422")
    assert fault_of(await post_tax(client, [])) == ("soap:Client", "TCT-422")


async def test_a_wrong_password_is_a_fault(client: httpx.AsyncClient) -> None:
    assert fault_of(await post_tax(client, [personas.THU], password="wrong")) == ("soap:Client", "TCT-401")


async def test_a_message_without_header_has_no_password(client: httpx.AsyncClient) -> None:
    message = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><a/></e:Body></e:Envelope>'
    response = await client.post("/tax/ws", content=message, headers={"Content-Type": "text/xml", "SOAPAction": "TraCuuNNT"})

    assert fault_of(response) == ("soap:Client", "TCT-401")
