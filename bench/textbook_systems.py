"""The yardstick's systems: every agency asked in its own format, with httpx, the standard library's JSON and lxml."""

import asyncio
import uuid
from typing import Any

import httpx
from lxml import etree

OFFICIAL = "099190000001"
CONNECTIONS = 100
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
CITIZENS = "{http://www.mic.gov.vn/dancu/1.0}"
TAX = "http://gdt.gov.vn/nnt/1.0"


class Systems:
    """The connected systems, each behind a client of its own; rows come back in the order of the keys, None for what does not exist."""

    def __init__(self, url: str) -> None:
        self.population = _client(f"{url}/population", bearer="sandbox-population")
        self.business = _client(f"{url}/business/v1", bearer="sandbox-business")
        self.insurance = _client(f"{url}/insurance/api/v2", token="sandbox-insurance")  # noqa: S106 - the sandbox's own
        self.tax = _client(f"{url}/tax")
        self.code_lists = _client(f"{url}/code-lists", bearer="sandbox-code_lists")

    async def close(self) -> None:
        """Close all connections."""
        for client in (self.population, self.business, self.insurance, self.tax, self.code_lists):
            await client.aclose()

    async def citizens(self, ids: list[str]) -> list[etree._Element | None]:
        """Look people up, one a call."""
        return list(await asyncio.gather(*(self._citizen(one) for one in ids)))

    async def _citizen(self, personal_id: str) -> etree._Element | None:
        who = (
            f"<d:MaYeuCau>{uuid.uuid4()}</d:MaYeuCau><d:MaDVC>VPCP</d:MaDVC><d:MaTichHop>034</d:MaTichHop>"
            f"<d:MaCanBo>{OFFICIAL}</d:MaCanBo><d:MaDonVi>G01.02</d:MaDonVi><d:TaiKhoan>textbook</d:TaiKhoan>"
        )
        question = f"{who}<d:SoDinhDanh>{personal_id}</d:SoDinhDanh>"
        body = f'<d:TraCuuCongDan xmlns:d="http://dancuquocgia.bca">{question}</d:TraCuuCongDan>'
        root = await _soap(self.population, "/ws", "TraCuuCongDan", "", body)
        return root.find(f".//{CITIZENS}CongDan")

    async def books_by_person(self, ids: list[str]) -> list[dict[str, Any] | None]:
        """Look insurance books up by personal id."""
        return await self._books("SO_DINH_DANH", ids)

    async def books_by_number(self, numbers: list[str]) -> list[dict[str, Any] | None]:
        """Look insurance books up by number."""
        return await self._books("MA_SO_BHXH", numbers)

    async def _books(self, kind: str, keys: list[str]) -> list[dict[str, Any] | None]:
        question = {"maYeuCau": str(uuid.uuid4()), "loaiKhoa": kind, "danhSachKhoa": keys}
        answer = _json(await self.insurance.post("/tra-cuu-so", json=question))
        rows = {row["khoa"]: row["duLieu"] for row in answer["danhSach"]}
        return [rows.get(key) for key in keys]

    async def businesses(self, codes: list[str]) -> list[dict[str, Any] | None]:
        """Look businesses up by code."""
        answer = _json(await self.business.get("/enterprises", params={"code": codes}))
        rows = {row["ENTERPRISE_GDT_CODE"]: row for row in answer["Data"]}
        return [rows.get(code) for code in codes]

    async def represented(self, ids: list[str]) -> list[list[dict[str, Any]]]:
        """Find the businesses that people represent."""
        answer = _json(await self.business.get("/representatives", params={"identity": ids}))
        rows = {row["IDENTITY_NO"]: row["Enterprises"] for row in answer["Data"]}
        return [rows.get(one, []) for one in ids]

    async def taxpayers(self, codes: list[str]) -> list[etree._Element | None]:
        """Look taxpayers up by tax code."""
        user = "<w:UsernameToken><w:Username>motcua</w:Username><w:Password>sandbox-tax</w:Password></w:UsernameToken>"
        header = f'<w:Security xmlns:w="{SECURITY}">{user}</w:Security>'
        wanted = "".join(f"<MST>{code}</MST>" for code in codes)
        question = f"<MaGiaoDich>{uuid.uuid4()}</MaGiaoDich><DanhSachMST>{wanted}</DanhSachMST>"
        root = await _soap(self.tax, "/ws", "TraCuuNNT", header, f'<TraCuuNNT xmlns="{TAX}">{question}</TraCuuNNT>')
        rows = {row.findtext(f"{{{TAX}}}MaSoThue"): row.find(f"{{{TAX}}}ThongTin") for row in root.iter(f"{{{TAX}}}NNT")}
        return [rows.get(code) for code in codes]

    async def communes(self, numbers: list[str]) -> list[dict[str, Any] | None]:
        """Look communes up by the number that the business registry gives them."""
        answer = _json(await self.code_lists.get("/Category/dkkd-donvihanhchinhcap3", params={"code": numbers}))
        rows = {row["MaNguon"]: row for row in answer["rows"]}
        return [rows.get(number) for number in numbers]


def _client(url: str, *, bearer: str = "", **headers: str) -> httpx.AsyncClient:
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    # httpx's own limits, except that a connection is given up before the other end does so; keeping more of them open costs httpx more.
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=20, keepalive_expiry=4)
    return httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=10, trust_env=False)


def _json(response: httpx.Response) -> Any:
    response.raise_for_status()
    return response.json()


async def _soap(client: httpx.AsyncClient, path: str, action: str, header: str, body: str) -> etree._Element:
    envelope = f'<e:Envelope xmlns:e="{SOAP}"><e:Header>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>'
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}
    response = await client.post(path, content=envelope.encode(), headers=headers)
    response.raise_for_status()
    return etree.fromstring(response.content, etree.XMLParser(resolve_entities=False, no_network=True))
