"""The population system's wire format: a person, a household, and what its requests and answers are made of."""

import httpx
from lxml import etree

from graph.upstream.connection import Upstream
from resolvers.identifiers import PersonalId
from resolvers.population import SYSTEM, PopulationOptions
from tests.lines import Handler, line, xml_answer

OPTIONS = PopulationOptions(agency="VPCP", official="099190000001", unit="G01.02", account="motcua")
THU, QUANG = PersonalId("099085000002"), PersonalId("099079000008")

PERSON = """
<CongDan>
  <SoDinhDanh>099085000002</SoDinhDanh><SoCMND>990000002</SoCMND>
  <HoVaTen><Ho>NGUYỄN</Ho><ChuDem>VĂN</ChuDem><Ten>THƯ</Ten></HoVaTen>
  <GioiTinh>1</GioiTinh><DanToc>01</DanToc><TonGiao>00</TonGiao><TinhTrangHonNhan>2</TinhTrangHonNhan><NhomMau>O</NhomMau>
  <NgayThangNamSinh><NgayThangNam>19850214</NgayThangNam></NgayThangNamSinh>
  <NoiDangKyKhaiSinh><MaTinhThanh>38</MaTinhThanh><MaPhuongXa>14797</MaPhuongXa><ChiTiet>Số 7</ChiTiet><QuocGia>VN</QuocGia>
  </NoiDangKyKhaiSinh>
  <QueQuan><MaTinhThanh>38</MaTinhThanh><MaPhuongXa/><ChiTiet/><QuocGia>VN</QuocGia></QueQuan>
  <ThuongTru><MaTinhThanh>01</MaTinhThanh><MaPhuongXa>00097</MaPhuongXa><ChiTiet>Số 12, ngõ &lt;3&gt;</ChiTiet><QuocGia>VN</QuocGia>
  </ThuongTru>
  <NoiOHienTai><MaTinhThanh>48</MaTinhThanh><MaPhuongXa>20242</MaPhuongXa><ChiTiet>Số 90</ChiTiet><QuocGia>VN</QuocGia></NoiOHienTai>
  <QuocTich>VN</QuocTich>
  <Cha><HoVaTen>NGUYỄN VĂN HÒA</HoVaTen><QuocTich>VN</QuocTich><SoDinhDanh>099058000003</SoDinhDanh><SoCMND>990000003</SoCMND></Cha>
  <Me><HoVaTen>TRẦN THỊ LAN</HoVaTen><QuocTich/><SoDinhDanh/></Me>
  <VoChong><HoVaTen>LÊ THỊ MAI</HoVaTen><QuocTich>VN</QuocTich><SoDinhDanh>099187000005</SoDinhDanh><SoCMND/></VoChong>
  <ChuHo><QuanHe>CHU_HO</QuanHe><SoDinhDanh>099085000002</SoDinhDanh><SoCMND>990000002</SoCMND><HoVaTen>NGUYỄN VĂN THƯ</HoVaTen></ChuHo>
  <SoSoHoKhau>999990001</SoSoHoKhau><TrangThai>1</TrangThai>
</CongDan>"""
SPARE = """
<CongDan>
  <SoDinhDanh>099079000008</SoDinhDanh><SoCMND/><HoVaTen><Ten>ĐỖ MINH QUANG</Ten></HoVaTen>
  <GioiTinh>1</GioiTinh><TinhTrangHonNhan/><NgayThangNamSinh/><NoiOHienTai/><TrangThai>1</TrangThai>
</CongDan>"""
HOUSEHOLD = """
<HoGiaDinh>
  <MaHo>999990001</MaHo>
  <DiaChi><MaTinhThanh>01</MaTinhThanh><MaPhuongXa>00097</MaPhuongXa><ChiTiet>Số 12</ChiTiet><QuocGia>VN</QuocGia></DiaChi>
  <ChuHo><SoDinhDanh>099085000002</SoDinhDanh><HoVaTen>NGUYỄN VĂN THƯ</HoVaTen></ChuHo>
  <ThanhVien><SoDinhDanh>099085000002</SoDinhDanh><HoVaTen>NGUYỄN VĂN THƯ</HoVaTen><QuanHe>CHU_HO</QuanHe></ThanhVien>
  <ThanhVien><SoDinhDanh>099187000005</SoDinhDanh><HoVaTen>LÊ THỊ MAI</HoVaTen><QuanHe>VO_CHONG</QuanHe></ThanhVien>
</HoGiaDinh>"""


def population(handler: Handler) -> Upstream:
    return line(handler, SYSTEM, options=OPTIONS)


def collection(*rows: str, of: str = "CongdanCollection") -> httpx.Response:
    return xml_answer(f'<{of} xmlns="http://www.mic.gov.vn/dancu/1.0">{"".join(rows)}</{of}>')


def households(*rows: str) -> httpx.Response:
    return collection(*rows, of="HoGiaDinhCollection")


def fault(code: str) -> httpx.Response:
    return xml_answer(f'<s:Fault xmlns:s="urn:s"><faultcode>{code}</faultcode><faultstring>NGUYỄN VĂN THƯ</faultstring></s:Fault>', 500)


def operation(request: httpx.Request) -> etree._Element:
    body = etree.fromstring(request.content).find("{http://schemas.xmlsoap.org/soap/envelope/}Body")
    assert body is not None
    return body[0]


def elements(request: httpx.Request) -> list[tuple[str, str]]:
    """List what an operation holds, in order and to the last level, without the id of the call."""
    found = [part for part in operation(request).iterdescendants() if not len(part)]
    assert all(part.tag.startswith("{http://dancuquocgia.bca}") for part in found)
    return [(part.tag.rpartition("}")[2], part.text or "") for part in found if not part.tag.endswith("MaYeuCau")]


def asking(service: str) -> list[tuple[str, str]]:
    return [("MaDVC", "VPCP"), ("MaTichHop", service), ("MaCanBo", "099190000001"), ("MaDonVi", "G01.02"), ("TaiKhoan", "motcua")]
