"""The names that people, streets and firms of the simulated world may bear, each with its rough frequency."""

from typing import Final


def _spread(table: dict[str, int]) -> tuple[str, ...]:
    return tuple(name for name, weight in table.items() for _ in range(weight))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SURNAMES: Final = _spread(
    {
        "Nguyễn": 76,
        "Trần": 24,
        "Lê": 19,
        "Phạm": 14,
        "Hoàng": 7,
        "Huỳnh": 6,
        "Phan": 9,
        "Vũ": 5,
        "Võ": 5,
        "Đặng": 4,
        "Bùi": 4,
        "Đỗ": 3,
        "Hồ": 3,
        "Ngô": 3,
        "Dương": 2,
        "Lý": 1,
        "Đinh": 2,
        "Đoàn": 2,
        "Lâm": 1,
        "Trịnh": 1,
        "Mai": 1,
        "Đào": 1,
        "Cao": 1,
        "Hà": 1,
        "Lương": 1,
        "Tạ": 1,
        "Chu": 1,
        "Tô": 1,
        "Quách": 1,
    }
)

MALE_MIDDLES: Final = _spread(
    {
        "Văn": 30,
        "Hữu": 6,
        "Đức": 7,
        "Công": 4,
        "Quang": 6,
        "Minh": 8,
        "Quốc": 5,
        "Xuân": 4,
        "Thanh": 5,
        "Ngọc": 4,
        "Đình": 5,
        "Trọng": 3,
        "Gia": 3,
        "Hoàng": 4,
        "Tuấn": 3,
        "Anh": 2,
        "Bá": 1,
    }
)

FEMALE_MIDDLES: Final = _spread(
    {
        "Thị": 40,
        "Ngọc": 9,
        "Thu": 6,
        "Thanh": 6,
        "Kim": 4,
        "Minh": 5,
        "Phương": 6,
        "Hồng": 4,
        "Bích": 3,
        "Thùy": 3,
        "Mỹ": 3,
        "Diệu": 2,
        "Khánh": 3,
        "Bảo": 3,
        "Quỳnh": 3,
    }
)

MALE_GIVEN: Final = _words(
    "Anh An Bình Bảo Cường Chiến Chung Công Dũng Duy Dương Đạt Đức Đông Giang Hải Hiếu Hòa Hoàng Hùng Huy Hưng Khang Khánh Khoa "
    "Kiên Lâm Long Lộc Lợi Luân Mạnh Minh Nam Nghĩa Nhân Nhật Phong Phúc Phước Quân Quang Quý Sơn Tài Tâm Tân Thái Thắng Thành "
    "Thiện Thịnh Thọ Thuận Tiến Toàn Trí Trung Trường Tú Tuấn Tùng Việt Vinh Vũ"
)

FEMALE_GIVEN: Final = _words(
    "An Anh Ánh Bích Châu Chi Cúc Diễm Diệp Dung Duyên Đào Giang Hà Hạnh Hằng Hiền Hoa Hồng Huệ Huyền Hương Khánh Lan Lê Liên Linh "
    "Loan Ly Mai Minh My Nga Ngân Ngọc Nguyệt Nhi Nhung Oanh Phúc Phương Phượng Quyên Quỳnh Tâm Thanh Thảo Thơ Thoa Thu Thủy Thúy "
    "Thư Tiên Trang Trâm Trinh Trúc Tuyết Uyên Vân Vy Xuân Yến"
)

STREETS: Final = (
    "Lê Lợi",
    "Trần Phú",
    "Nguyễn Huệ",
    "Hai Bà Trưng",
    "Quang Trung",
    "Lý Thường Kiệt",
    "Hùng Vương",
    "Phan Chu Trinh",
    "Nguyễn Trãi",
    "Lê Duẩn",
    "Trường Chinh",
    "Điện Biên Phủ",
    "Hoàng Diệu",
    "Ngô Quyền",
    "Bạch Đằng",
    "Phan Đình Phùng",
)

FIRM_FIRST: Final = _words("An Bình Đại Đông Gia Hải Hoàng Hồng Hưng Kim Minh Nam Ngọc Nhật Phú Phúc Tân Thành Thiên Việt")
FIRM_SECOND: Final = _words("Phát Thịnh Long Cường Tiến Hà Sơn Lộc Vinh Quang Thái Khang Lợi Phong Tín Dương Châu Đạt Hòa Nguyên")
FOREIGN_FIRMS: Final = (
    "Hanbit Trading Co., Ltd.",
    "Sakuragi Seiki K.K.",
    "Northlake Holdings Pte. Ltd.",
    "Brenner & Kolb GmbH",
    "Orchard Bay Investments Limited",
    "Taihe Electronics Co., Ltd.",
)
