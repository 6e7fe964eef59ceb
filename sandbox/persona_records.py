"""What the registry, the insurer and the tax department hold on the personas."""

from datetime import date
from typing import Final

from sandbox import personas as who
from sandbox.companies import DISSOLVED, JOINT_STOCK, OPERATING, SEVERAL_MEMBERS, SOLE_MEMBER, SUSPENDED
from sandbox.persona_people import HOUSEHOLDS, PEOPLE
from sandbox.records import Address, Birth, Book, Business, Owner, Period, Representative, Taxpayer
from sandbox.taxpayers import business_taxpayer

BUSINESSES: Final = {
    business.code: business
    for business in (
        Business(
            code=who.AN_PHAT,
            registry_number=9_000_001,
            name="CÔNG TY TNHH THƯƠNG MẠI & DỊCH VỤ AN PHÁT",
            foreign_name="AN PHAT TRADING & SERVICES COMPANY LIMITED",
            short_name="AN PHAT CO., LTD",
            kind=SEVERAL_MEMBERS,
            status=OPERATING,
            founded=date(2011, 3, 15),
            amended=date(2024, 5, 6),
            capital=6_000_000_000,
            representatives=(
                Representative("Nguyễn Văn Thư", who.THU, "Giám đốc", is_main=True),
                Representative("Lê Thị Mai", who.MAI, "Phó giám đốc", is_main=False),
            ),
            office=Address("01", "00097", "Số 12, đường Bạch Đằng"),
            activities=(("4632", "Bán buôn thực phẩm"), ("4933", "Vận tải hàng hóa bằng đường bộ"), ("5610", "Nhà hàng")),
            owners=(Owner("Nguyễn Văn Thư", who.THU, None, 60.0), Owner("Lê Thị Mai", who.MAI, None, 40.0)),
            branches=1,
        ),
        Business(
            code=who.SAO_MAI,
            registry_number=9_000_002,
            name="CÔNG TY TNHH MỘT THÀNH VIÊN SAO MAI",
            foreign_name="SAO MAI COMPANY LIMITED",
            short_name="",
            kind=SOLE_MEMBER,
            status=SUSPENDED,
            founded=date(2018, 10, 1),
            amended=date(2023, 12, 20),
            capital=500_000_000,
            representatives=(Representative("Nguyễn Văn Thư", who.THU, "Giám đốc", is_main=True),),
            office=Address("38", "14797", "Số 7, đường Lê Lợi"),
            activities=(("6210", "Lập trình máy tính"),),
            owners=(Owner("Nguyễn Văn Thư", who.THU, None, 100.0),),
            branches=0,
        ),
        Business(
            code=who.HOANG_HON,
            registry_number=9_000_003,
            name="CÔNG TY TNHH MỘT THÀNH VIÊN HOÀNG HÔN",
            foreign_name="",
            short_name="",
            kind=SOLE_MEMBER,
            status=OPERATING,
            founded=date(2015, 2, 2),
            amended=date(2015, 2, 2),
            capital=None,
            representatives=(Representative("Lâm Quốc Việt", who.UNREGISTERED, "Giám đốc", is_main=True),),
            office=Address("48", "20242", "Số 3, đường Bạch Đằng"),
            activities=(("5510", "Dịch vụ lưu trú ngắn ngày"),),
            owners=(Owner("Lâm Quốc Việt", who.UNREGISTERED, None, 100.0),),
            branches=0,
        ),
        Business(
            code=who.VIET_HAN,
            registry_number=9_000_004,
            name="CÔNG TY CỔ PHẦN CÔNG NGHỆ VIỆT HÀN",
            foreign_name="VIET HAN TECHNOLOGY JOINT STOCK COMPANY",
            short_name="VIET HAN JSC",
            kind=JOINT_STOCK,
            status=OPERATING,
            founded=date(2020, 7, 7),
            amended=date(2025, 8, 1),
            capital=45_000_000_000,
            representatives=(Representative("Hoàng Anh Tuấn", who.TUAN, "Tổng giám đốc", is_main=True),),
            office=Address("79", "26743", "Số 200, đường Lê Lợi"),
            activities=(("6310", "Hạ tầng máy tính, xử lý dữ liệu"), ("85590", "Giáo dục khác chưa được phân vào đâu")),
            owners=(
                Owner("Hoàng Anh Tuấn", who.TUAN, None, 33.34),
                Owner("Hanbit Trading Co., Ltd.", None, None, 33.33),
                Owner("CÔNG TY TNHH THƯƠNG MẠI & DỊCH VỤ AN PHÁT", None, who.AN_PHAT, 33.33),
            ),
            branches=0,
        ),
        Business(
            code=who.LUA_VANG,
            registry_number=9_000_005,
            name="CÔNG TY TNHH MỘT THÀNH VIÊN LÚA VÀNG",
            foreign_name="",
            short_name="LUA VANG",
            kind=SOLE_MEMBER,
            status=DISSOLVED,
            founded=date(2006, 1, 10),
            amended=date(2019, 6, 28),
            capital=900_000_000,
            representatives=(Representative("Bùi Thanh Bình", who.BINH, "Giám đốc", is_main=True),),
            office=Address("01", "00001", "Số 58, đường Hồng Hà"),
            activities=(("0111", "Trồng lúa"), ("4632", "Bán buôn thực phẩm")),
            owners=(Owner("Bùi Thanh Bình", who.BINH, None, 100.0),),
            branches=0,
        ),
    )
}


def _book(personal_id: str, status: int, months: int, *periods: Period) -> Book:
    """Write a book that agrees with the population record; the number ends as the personal id does."""
    person = PEOPLE[personal_id]
    home = HOUSEHOLDS.get(personal_id)
    current = periods[-1] if status == 1 else None
    return Book(
        f"99000{personal_id[-5:]}",
        personal_id,
        person.full_name,
        "",
        person.birth,
        person.gender,
        home.code if home else "",
        status,
        months,
        current.employer if current else "",
        current.salary if current else None,
        periods,
    )


BOOKS: Final = {
    book.personal_id: book
    for book in (
        _book(who.OFFICIAL, 1, 156, Period("201301", "", "", 9_800_000)),
        _book(
            who.THU,
            1,
            210,
            Period("200807", "201103", "", 3_200_000),
            Period("201104", "201912", who.AN_PHAT, 12_000_000),
            Period("202001", "", who.AN_PHAT, 25_500_000),
        ),
        _book(who.HOA, 3, 282, Period("199501", "201806", "", 6_100_000))._replace(old_book="2796001234"),
        _book(who.LAN, 3, 249, Period("199501", "201509", "", 5_300_000))._replace(old_book="2796004321"),
        _book(who.MAI, 1, 165, Period("201204", "", who.AN_PHAT, 15_000_000)),
        Book(
            who.VI_BOOK,
            who.VI,
            "Lý Thị Vi",
            "",
            Birth(1975, 4),
            2,
            "",
            2,
            96,
            "",
            None,
            (Period("200401", "201112", "", 4_000_000),),
        ),
        _book(who.THUY, 1, 130, Period("201503", "", who.HOANG_HON, 8_000_000))._replace(name="Võ Thị Thuý", birth=Birth(1986, 3, 12)),
        _book(who.BAY, 3, 150, Period("199501", "200706", "", 2_500_000)),
        _book(who.TUYET, 2, 200, Period("199605", "201212", "", 4_700_000)),
        _book(who.BINH, 1, 222, Period("200607", "201906", who.LUA_VANG, 9_000_000), Period("202007", "", "", 7_000_000)),
        _book(who.SAU, 4, 66, Period("199501", "200006", "", 900_000)),
        _book(who.TUAN, 1, 65, Period("202008", "", who.VIET_HAN, 40_000_000)),
        _book(who.NGA, 2, 24, Period("202301", "202412", who.VIET_HAN, 18_000_000)),
        _book(who.HHEN, 1, 96, Period("201801", "", "", 11_000_000)),
        _book(who.KIM, 1, 72, Period("202001", "", "", 13_000_000)),
    )
}
"""Insurance books by personal id."""

BOOK_NUMBERS: Final = {book.number: book for book in BOOKS.values()}


def _person_tax(personal_id: str, income: int | None, debt: int = 0, overpaid: int | None = None) -> Taxpayer:
    person = PEOPLE[personal_id]
    issued = date(2012, 5, 14)
    return Taxpayer(personal_id, person.full_name, "CN", "00", person.permanent.province, debt, overpaid, 2024, income, issued)


def _business_tax(business: Business, branch: int) -> Taxpayer:
    settled = business_taxpayer(business, branch, int(business.code) * 33_600 + 336 * 50)
    return settled._replace(debt=42_600_000) if business.code == who.SAO_MAI else settled


TAXPAYERS: Final = {
    taxpayer.code: taxpayer
    for taxpayer in (
        _person_tax(who.OFFICIAL, 118_000_000),
        _person_tax(who.THU, 306_000_000, overpaid=1_250_000),
        _person_tax(who.MAI, 180_000_000),
        _person_tax(who.HOA, None),
        _person_tax(who.THUY, 96_000_000, debt=3_400_000),
        _person_tax(who.BINH, 84_000_000),
        _person_tax(who.TUAN, 480_000_000),
        _person_tax(who.HHEN, 132_000_000),
        _person_tax(who.KIM, 156_000_000),
        *(_business_tax(business, branch) for business in BUSINESSES.values() for branch in range(business.branches + 1)),
    )
}
"""Taxpayers by code."""
