"""People and firms with fixed numbers, each known for one thing: the cases a layer over several systems must get right."""

from typing import Final, NamedTuple

OFFICIAL: Final = "099190000001"
THU: Final = "099085000002"
HOA: Final = "099058000003"
LAN: Final = "099160000004"
MAI: Final = "099187000005"
MINH_ANH: Final = "099312000006"
GIA_BAO: Final = "099216000007"
QUANG: Final = "099079000008"
NOBODY: Final = "099095000009"
VI: Final = "099175000010"
THUY: Final = "099186000011"
BAY: Final = "099047000012"
TUYET: Final = "099168000013"
BINH: Final = "099072000014"
SAU: Final = "099040000015"
NAM: Final = "099144000016"
AN: Final = "099225000017"
TUAN: Final = "099096000018"
NGA: Final = "099198000019"
HHEN: Final = "099192000020"
UNREGISTERED: Final = "099080000021"
KIM: Final = "099181000022"

AN_PHAT: Final = "9900000016"
AN_PHAT_BRANCH: Final = "9900000016-001"
SAO_MAI: Final = "9900000023"
HOANG_HON: Final = "9900000030"
VIET_HAN: Final = "9900000048"
LUA_VANG: Final = "9900000055"

THU_BOOK: Final = "9900000002"
VI_BOOK: Final = "9900000010"

MINH_ANH_CASE: Final = "G22.99-120420-000002"
AN_CASE: Final = "G22.99-251229-000007"
BAY_CASE: Final = "G22.99-251201-000008"


class Persona(NamedTuple):
    """What to call somebody, their number, and what they are there for."""

    name: str
    kind: str
    code: str
    description: str


PERSONAS: Final = (
    Persona("THU", "person", THU, "A man every system knows: parents, wife, two children, insurance, tax, two businesses."),
    Persona("HOA", "person", HOA, "THU's father, a pensioner."),
    Persona("LAN", "person", LAN, "THU's mother, a pensioner."),
    Persona("MAI", "person", MAI, "THU's wife and the second representative of AN_PHAT."),
    Persona("MINH_ANH", "person", MINH_ANH, "THU's daughter, with a birth event."),
    Persona("GIA_BAO", "person", GIA_BAO, "THU's son, with a birth event."),
    Persona("OFFICIAL", "person", OFFICIAL, "The official who asks in the examples; also a citizen with insurance and tax."),
    Persona("QUANG", "person", QUANG, "A man only the population system knows."),
    Persona("NOBODY", "person", NOBODY, "A well-formed personal id that no system knows."),
    Persona("VI", "person", VI, "A woman only the insurance system knows."),
    Persona("THUY", "person", THUY, "A woman whose insurance book has another birth date and another spelling than the population system."),
    Persona("BAY", "person", BAY, "A man of whose birth only the year is known."),
    Persona("TUYET", "person", TUYET, "A woman registered in a commune that ended and was divided among four successors."),
    Persona("BINH", "person", BINH, "A man registered in a commune that ended and has a single successor."),
    Persona("SAU", "person", SAU, "A man who has died, with a death event and a closed insurance book."),
    Persona("NAM", "person", NAM, "SAU's widow."),
    Persona("AN", "person", AN, "A newborn boy with a birth event and without insurance."),
    Persona("TUAN", "person", TUAN, "AN's father, who represents VIET_HAN."),
    Persona("NGA", "person", NGA, "AN's mother, whose insurance is paused."),
    Persona("HHEN", "person", HHEN, "An Ê-đê woman whose whole name stands in the given name; it has an apostrophe and no surname field."),
    Persona("UNREGISTERED", "person", UNREGISTERED, "A man who represents a business but is unknown to the population system."),
    Persona("KIM", "person", KIM, "A woman under protection, with insurance and tax, whose data is masked or withheld."),
    Persona("AN_PHAT", "business", AN_PHAT, "THU's company: two representatives and a branch."),
    Persona("AN_PHAT_BRANCH", "branch", AN_PHAT_BRANCH, "The branch of AN_PHAT, known to the tax system only."),
    Persona("SAO_MAI", "business", SAO_MAI, "THU's second company, which is suspended."),
    Persona("HOANG_HON", "business", HOANG_HON, "A company whose representative the population system does not know."),
    Persona("VIET_HAN", "business", VIET_HAN, "A joint stock company with a foreign member and a corporate one (AN_PHAT)."),
    Persona("LUA_VANG", "business", LUA_VANG, "A company that has been dissolved."),
    Persona("THU_BOOK", "insurance book", THU_BOOK, "The insurance number of THU."),
    Persona("VI_BOOK", "insurance book", VI_BOOK, "The insurance number of VI."),
    Persona("MINH_ANH_CASE", "case", MINH_ANH_CASE, "The case of MINH_ANH's birth, which is done."),
    Persona("AN_CASE", "case", AN_CASE, "A correction of AN's birth entry, which is being worked on and promised for 8 January 2026."),
    Persona("BAY_CASE", "case", BAY_CASE, "A late registration of BAY's birth, refused because papers are missing."),
)
