"""Speaks to each agency as a connected system would, with messages written out by hand."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import httpx
from lxml import etree

from sandbox import personas
from sandbox.app import default_token

ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SECURITY: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
CITIZENS: Final = "{http://www.mic.gov.vn/dancu/1.0}"
TAXPAYERS: Final = "{http://gdt.gov.vn/nnt/1.0}"
INTEGRATIONS: Final = {"TraCuuThongTinCongDan": "037", "TraCuuCongDan": "034", "TraCuuHoGiaDinh": "035"}


def bearer(system: str) -> dict[str, str]:
    """Return the header that system takes its token in."""
    return {"Authorization": f"Bearer {default_token(system)}"}


def population_message(operation: str, personal_id: str, further: str = "", **changes: str) -> str:
    """Write a population request; a change to "" empties an element."""
    fields = {
        "MaYeuCau": "1",
        "MaDVC": "VPCP",
        "MaTichHop": INTEGRATIONS.get(operation, ""),
        "MaCanBo": personas.OFFICIAL,
        "MaDonVi": "G01.02",
        "TaiKhoan": "tests",
        "SoDinhDanh": personal_id,
    } | changes
    elements = "".join(f"<d:{name}>{value}</d:{name}>" for name, value in fields.items()) + further
    body = f'<d:{operation} xmlns:d="http://dancuquocgia.bca">{elements}</d:{operation}>'
    return f'<e:Envelope xmlns:e="{ENVELOPE}"><e:Header/><e:Body>{body}</e:Body></e:Envelope>'


async def post_population(client: httpx.AsyncClient, message: str, token: str | None = None) -> httpx.Response:
    """Send a message to the population system."""
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": "", **bearer("population")}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return await client.post("/population/ws", content=message.encode(), headers=headers)


async def citizen(client: httpx.AsyncClient, personal_id: str) -> list[etree._Element]:
    """Look one citizen up and return the elements that came back."""
    response = await post_population(client, population_message("TraCuuCongDan", personal_id))
    assert response.status_code == 200, response.text
    return rows(response, CITIZENS + "CongDan")


async def household(client: httpx.AsyncClient, personal_id: str) -> list[etree._Element]:
    """Look the household of a person up."""
    response = await post_population(client, population_message("TraCuuHoGiaDinh", personal_id))
    return rows(response, CITIZENS + "HoGiaDinh")


async def verified(client: httpx.AsyncClient, personal_id: str, name: str, **birth: str) -> bool:
    """Ask service 037 whether id, name and birth date belong together."""
    dates = "".join(f"<d:{element}>{value}</d:{element}>" for element, value in birth.items())
    further = f"<d:HoVaTen>{name}</d:HoVaTen><d:NgayThangNamSinh>{dates}</d:NgayThangNamSinh>"
    response = await post_population(client, population_message("TraCuuThongTinCongDan", personal_id, further))
    assert response.status_code == 200, response.text
    return bool(rows(response, CITIZENS + "CongDan"))


async def post_tax(client: httpx.AsyncClient, codes: Iterable[str], password: str | None = None) -> httpx.Response:
    """Look taxpayers up."""
    user = f"<w:Username>motcua</w:Username><w:Password>{password or default_token('tax')}</w:Password>"
    header = f'<w:Security xmlns:w="{SECURITY}"><w:UsernameToken>{user}</w:UsernameToken></w:Security>'
    wanted = "".join(f"<MST>{code}</MST>" for code in codes)
    request = f"<MaGiaoDich>G-1</MaGiaoDich><DanhSachMST>{wanted}</DanhSachMST>"
    body = f'<TraCuuNNT xmlns="{TAXPAYERS[1:-1]}">{request}</TraCuuNNT>'
    message = f'<e:Envelope xmlns:e="{ENVELOPE}"><e:Header>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>'
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"TraCuuNNT"'}
    return await client.post("/tax/ws", content=message.encode(), headers=headers)


async def get_businesses(client: httpx.AsyncClient, codes: Iterable[str], token: str | None = None) -> httpx.Response:
    """Look businesses up by code."""
    headers = bearer("business") if token is None else {"Authorization": f"Bearer {token}"}
    return await client.get("/business/v1/enterprises", params=[("code", code) for code in codes], headers=headers)


async def get_representatives(client: httpx.AsyncClient, people: Iterable[str]) -> httpx.Response:
    """Look businesses up by representative."""
    return await client.get("/business/v1/representatives", params=[("identity", one) for one in people], headers=bearer("business"))


async def post_books(
    client: httpx.AsyncClient, keys: Sequence[str], kind: str = "SO_DINH_DANH", token: str | None = None
) -> httpx.Response:
    """Look insurance books up."""
    request = {"maYeuCau": "1", "loaiKhoa": kind, "danhSachKhoa": keys}
    headers = {"token": token or default_token("insurance")}
    return await client.post("/insurance/api/v2/tra-cuu-so", json=request, headers=headers)


async def post_periods(client: httpx.AsyncClient, numbers: Sequence[str], year: int | None) -> httpx.Response:
    """Look insurance periods up."""
    request = {"maYeuCau": "1", "nam": year, "danhSachKhoa": numbers}
    return await client.post("/insurance/api/v2/qua-trinh", json=request, headers={"token": default_token("insurance")})


async def post_civil_status(
    client: httpx.AsyncClient, operation: str, request: Mapping[str, object], token: str | None = None
) -> httpx.Response:
    """Ask the civil status register; the asking province is Hà Nội unless the request says otherwise."""
    headers = bearer("civil_status") if token is None else {"Authorization": f"Bearer {token}"}
    return await client.post(f"/civil-status/api/{operation}", json={"maTinh": "01", **request}, headers=headers)


async def get_list(client: httpx.AsyncClient, path: str) -> httpx.Response:
    """Read a code list."""
    return await client.get(f"/code-lists/{path}", headers=bearer("code_lists"))


def parsed(response: httpx.Response) -> etree._Element:
    """Read an XML answer."""
    assert response.headers["content-type"] == "text/xml; charset=utf-8"
    return etree.fromstring(response.content)


def rows(response: httpx.Response, name: str) -> list[etree._Element]:
    """Return all elements of that name."""
    return list(parsed(response).iter(name))


def fields(element: etree._Element) -> dict[str, str]:
    """Return the children of an element by local name, with their text."""
    return {etree.QName(child).localname: child.text or "" for child in element}


def child(element: etree._Element, name: str) -> dict[str, str]:
    """Return the fields of the child with that local name."""
    found = next(one for one in element if etree.QName(one).localname == name)
    return fields(found)


def civil_data(response: httpx.Response) -> etree._Element:
    """Read the XML inside the JSON of a civil status answer."""
    answer = response.json()
    assert response.status_code == 200
    assert (answer["status"], answer["code"], answer["message"]) == (1, 0, "")
    return etree.fromstring(answer["data"].encode())
