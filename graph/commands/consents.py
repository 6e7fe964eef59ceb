"""`motcua consents`: enter what a person has allowed a consumer to read, list it, and withdraw it."""

import sys
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from cyclopts import App, Parameter
from rich.table import Table

from graph.commands.terminal import GATEWAY, SettingsFile, Url, out, print_table
from graph.errors import SettingsWrong
from graph.operating.client import AdminClient
from graph.operating.consents import ConsentState, ConsentStates
from graph.settings import DEFAULT_FILE

consents = App(name="consents", help="Enter what people have allowed a consumer to read, list it, and withdraw it.")

Person = Annotated[str, Parameter(help="Whose, by personal id; - reads it from standard input.", allow_leading_hyphen=True)]
Consumer = Annotated[str | None, Parameter(help="Only of this consumer.")]
AsJson = Annotated[bool, Parameter(name="--json", help="Print it as JSON.", negative=())]


@consents.command
def add(  # noqa: PLR0913 - each is an option of the command
    *,
    person: Person,
    consumer: Annotated[str, Parameter(help="Who may read.")],
    purpose: Annotated[str, Parameter(help="What for.")],
    field: Annotated[tuple[str, ...], Parameter(help="What: Type.field or Type.*; without it all that the purpose covers.")] = ("*",),
    expires: Annotated[str | None, Parameter(help="Until when, as 2027-01-31T00:00:00+07:00.")] = None,
    reference: Annotated[str, Parameter(help="Where the proof is kept.")] = "",
    url: Url = GATEWAY,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Enter a consent, which counts from now on, and print its id."""
    order: dict[str, Any] = {
        "person": _person(person), "consumer": consumer, "purpose": purpose, "fields": field, "reference": reference,
        **({} if expires is None else {"expires": _moment(expires)}),
    }  # fmt: skip
    added = msgspec.json.decode(AdminClient(url, settings).send("POST", "/consents", order), type=ConsentState)
    sys.stdout.write(f"{added.id}\n")
    return 0


@consents.command
def withdraw(
    consent: Annotated[str, Parameter(help="The id of the consent.")], *, url: Url = GATEWAY, settings: SettingsFile = DEFAULT_FILE
) -> int:
    """Withdraw a consent, once and for all; it counts nowhere any more within a second."""
    withdrawn = AdminClient(url, settings).send("DELETE", f"/consents/{quote(consent, safe='')}")
    found = msgspec.json.decode(withdrawn, type=ConsentState)
    out.print(f"{found.consumer} may read nothing any more for {found.purpose} by the consent {found.id}.")
    return 0


@consents.command(name="list")
def listed(
    *,
    person: Annotated[str | None, Parameter(help="Only this person's; - reads it from standard input.", allow_leading_hyphen=True)] = None,
    consumer: Consumer = None,
    purpose: Annotated[str | None, Parameter(help="Only for this purpose.")] = None,
    as_json: AsJson = False,
    url: Url = GATEWAY,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """List consents, the latest first; also those that are over."""
    given = {"person": None if person is None else _person(person), "consumer": consumer, "purpose": purpose}
    answer = AdminClient(url, settings).send(
        "POST", "/consents/search", {name: value for name, value in given.items() if value is not None}
    )
    if as_json:
        sys.stdout.write(msgspec.json.format(answer).decode() + "\n")
    else:
        print_table(consent_table(msgspec.json.decode(answer, type=ConsentStates).consents))
    return 0


def consent_table(found: list[ConsentState]) -> Table:
    """Show each consent on a line."""
    table = Table(box=None, header_style="bold")
    for column in ("id", "consumer", "purpose", "fields", "state", "given", "expires", "proof"):
        table.add_column(column, no_wrap=True)
    for each in found:
        state = "live" if each.live else "expired" if each.withdrawn_at is None else f"withdrawn {_day(each.withdrawn_at)}"
        words = (
            each.id,
            each.consumer,
            each.purpose,
            ", ".join(each.fields),
            state,
            _day(each.given_at),
            _day(each.expires),
            each.reference,
        )
        table.add_row(*words)
    return table


def _day(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M}Z"


def _person(given: str) -> str:
    return sys.stdin.readline().strip() if given == "-" else given


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise SettingsWrong("--expires: expected a time with its offset from UTC, such as 2027-01-31T00:00:00+07:00")
    return moment.isoformat()
