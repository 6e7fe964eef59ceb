"""A yardstick: a gateway as most teams would write it, with a GraphQL library, data loaders for each request, and an HTTP client a system.

Honest and idiomatic, neither slowed down nor tuned: Strawberry's own ASGI application, aiodataloader, httpx, no caches. It speaks to the
same systems in the same formats as the gateway, and knows the fields that the bench asks for.
"""

import contextlib
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import strawberry
import uvicorn
from aiodataloader import DataLoader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL

from bench.textbook_systems import CITIZENS, TAX, Systems

INSURANCE_STATUSES = {"1": "PAYING", "2": "PAUSED", "3": "PENSIONER", "4": "CLOSED"}
TAX_STATUSES = {"00": "OPERATING", "01": "CLOSED", "03": "SUSPENDED", "04": "AWAITING_CLOSURE", "06": "NOT_AT_ADDRESS"}
BUSINESS_STATUSES = {1: "OPERATING", 2: "SUSPENDED", 3: "DISSOLVING", 4: "DISSOLVED", 5: "NOT_AT_ADDRESS"}


class Loaders:
    """The data loaders of one request, none of which asks a system for more keys than it takes."""

    def __init__(self, systems: Systems) -> None:
        self.citizens: Loader = DataLoader(systems.citizens)
        self.books_by_person: Loader = DataLoader(systems.books_by_person, max_batch_size=30)
        self.books_by_number: Loader = DataLoader(systems.books_by_number, max_batch_size=30)
        self.businesses: Loader = DataLoader(systems.businesses, max_batch_size=50)
        self.represented: Loader = DataLoader(systems.represented, max_batch_size=50)
        self.taxpayers: Loader = DataLoader(systems.taxpayers, max_batch_size=20)
        self.communes: Loader = DataLoader(systems.communes, max_batch_size=100)


Loader = DataLoader[str, Any]
Info = strawberry.Info[Loaders, None]


@strawberry.type
class Taxpayer:
    """A taxpayer."""

    status: str
    debt: str | None


@strawberry.type
class InsuranceBook:
    """An insurance book."""

    number: str
    status: str
    months_paid: int | None


@strawberry.type
class Commune:
    """A commune."""

    name: str


@strawberry.type
class HeadOffice:
    """Where a business is."""

    ward: strawberry.Private[str]

    @strawberry.field
    async def commune(self, info: Info) -> Commune | None:
        """Look the commune up."""
        row = await info.context.communes.load(self.ward)
        return Commune(name=row["TenPhuongXa"]) if row else None


@strawberry.type
class LegalRepresentative:
    """Somebody who signs for a business."""

    full_name: str


@strawberry.type
class Business:
    """A business."""

    code: str
    name: str
    status: str
    legal_representatives: list[LegalRepresentative]
    head_office: HeadOffice

    @strawberry.field
    async def tax(self, info: Info) -> Taxpayer | None:
        """Look the business up as a taxpayer."""
        row = await info.context.taxpayers.load(self.code)
        if row is None:
            return None
        debt = row.findtext(f"{{{TAX}}}NoThue")
        status = TAX_STATUSES.get(row.findtext(f"{{{TAX}}}TrangThaiNNT"), "UNKNOWN")
        return Taxpayer(status=status, debt=f"{Decimal(debt).normalize():f}" if debt else None)


@strawberry.type
class Citizen:
    """A person."""

    personal_id: str
    full_name: str
    father_id: strawberry.Private[str | None]
    mother_id: strawberry.Private[str | None]

    @strawberry.field
    async def father(self, info: Info) -> "Citizen | None":
        """Look the father up."""
        return await _citizen(info, self.father_id)

    @strawberry.field
    async def mother(self, info: Info) -> "Citizen | None":
        """Look the mother up."""
        return await _citizen(info, self.mother_id)

    @strawberry.field
    async def insurance(self, info: Info) -> InsuranceBook | None:
        """Look the person's book up."""
        return _book(await info.context.books_by_person.load(self.personal_id))

    @strawberry.field
    async def businesses(self, info: Info) -> list[Business]:
        """Find the businesses that the person represents."""
        return [_business(row) for row in await info.context.represented.load(self.personal_id)]


async def _citizen(info: Info, personal_id: str | None) -> Citizen | None:
    row = await info.context.citizens.load(personal_id) if personal_id else None
    if row is None:
        return None
    names = (row.findtext(f"{CITIZENS}HoVaTen/{CITIZENS}{part}") for part in ("Ho", "ChuDem", "Ten"))
    father, mother = (row.findtext(f"{CITIZENS}{parent}/{CITIZENS}SoDinhDanh") for parent in ("Cha", "Me"))
    return Citizen(
        personal_id=row.findtext(f"{CITIZENS}SoDinhDanh"), full_name=" ".join(filter(None, names)), father_id=father, mother_id=mother
    )


def _book(row: dict[str, Any] | None) -> InsuranceBook | None:
    if row is None:
        return None
    status = INSURANCE_STATUSES.get(row["trangThai"], "UNKNOWN")
    return InsuranceBook(number=row["maSoBhxh"], status=status, months_paid=row["tongThangDong"])


def _business(row: dict[str, Any]) -> Business:
    return Business(
        code=row["ENTERPRISE_GDT_CODE"],
        name=row["NAME"],
        status=BUSINESS_STATUSES.get(row["ENTERPRISE_STATUS"], "UNKNOWN"),
        legal_representatives=[LegalRepresentative(full_name=one["FULL_NAME"]) for one in row["Representatives"]],
        head_office=HeadOffice(ward=str(row["HOAdress"]["WardID"])),
    )


@strawberry.type
class Query:
    """Where a query begins."""

    @strawberry.field
    async def citizen(self, info: Info, id: str) -> Citizen | None:  # noqa: A002 - the argument's name
        """Look a person up."""
        return await _citizen(info, id)

    @strawberry.field
    async def business(self, info: Info, code: str) -> Business | None:
        """Look a business up."""
        row = await info.context.businesses.load(code)
        return _business(row) if row else None

    @strawberry.field
    async def insurance_book(self, info: Info, number: str) -> InsuranceBook | None:
        """Look a book up."""
        return _book(await info.context.books_by_number.load(number))


class Endpoint(GraphQL[Loaders, None]):
    """Strawberry's endpoint, with new loaders for each request."""

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Loaders:
        """Make the loaders."""
        del response
        return Loaders(request.app.state.systems)


def application(url: str) -> Starlette:
    """Put everything together."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.systems = Systems(url)
        yield
        await app.state.systems.close()

    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(routes=[Route("/healthz", alive), Route("/graphql", Endpoint(strawberry.Schema(Query)))], lifespan=lifespan)


if __name__ == "__main__":
    uvicorn.run(application(sys.argv[2]), port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, log_level="warning")
