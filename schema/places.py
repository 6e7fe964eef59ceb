"""Places: provinces, communes, and the addresses of people."""

import strawberry

from graph.seam import field, link, link_each
from resolvers.code_lists import CommuneRecord, PlaceKind, ProvinceRecord, commune_by_code, province_by_code
from resolvers.identifiers import CommuneCode, ProvinceCode
from resolvers.values import PartialDate
from schema.marks import BASIC, about
from schema.provenance import Provenance, provenance

PlaceKindType = strawberry.enum(PlaceKind, name="PlaceKind", description="Kind of administrative unit (loại đơn vị hành chính).")


@strawberry.type(description="A province or centrally governed city (tỉnh, thành phố trực thuộc trung ương).")
class Province:
    """A province."""

    code: ProvinceCode = field("National code (mã tỉnh).")
    name: str = field("Name (tên).")
    kind: PlaceKind = field("Province or city (loại đơn vị).")
    valid_from: PartialDate | None = field("First day of its present shape (hiệu lực từ).")
    valid_until: PartialDate | None = field("Last day, null while it lives (hiệu lực đến).")
    successors: list["Province | None"] | None = link_each(
        province_by_code, keys="successor_codes", description="Provinces that took an ended one over (đơn vị kế thừa).", marks=(about(2),)
    )
    provenance: Provenance | None = provenance()


@strawberry.type(
    description="A commune, ward or special zone; since 1 July 2025 the level directly under the province (xã, phường, đặc khu)."
)
class Commune:
    """A commune."""

    code: CommuneCode = field("National code, unique for ever (mã xã).")
    name: str = field("Name (tên).")
    kind: PlaceKind = field("Commune, ward, township or special zone (loại đơn vị).")
    province_code: ProvinceCode = field("Code of its province (mã tỉnh).")
    province: Province | None = link(province_by_code, key="province_code", proves="code", description="Its province (tỉnh).")
    valid_from: PartialDate | None = field("First day of its present shape (hiệu lực từ).")
    valid_until: PartialDate | None = field("Last day, null while it lives (hiệu lực đến).")
    successors: list["Commune | None"] | None = link_each(
        commune_by_code,
        keys="successor_codes",
        description="Communes that took an ended one over; several where it was divided (đơn vị kế thừa).",
        marks=(about(4),),
    )
    provenance: Provenance | None = provenance()


@strawberry.type(description="An address as the population database has it (địa chỉ).", directives=[BASIC])
class Address:
    """A person's address."""

    street: str | None = field("House, street, hamlet (số nhà, đường, thôn).", name="text")
    commune_code: CommuneCode | None = field("National commune code, which may be one that has ended (mã xã).")
    province_code: ProvinceCode | None = field("National province code (mã tỉnh).")
    country: str | None = field("Two letters of the country (quốc gia).")
    commune: Commune | None = link(commune_by_code, key="commune_code", description="The commune (xã, phường).")
    province: Province | None = link(province_by_code, key="province_code", description="The province (tỉnh).")


__all__ = ["Address", "Commune", "CommuneRecord", "Province", "ProvinceRecord"]
