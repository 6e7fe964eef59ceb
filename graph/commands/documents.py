"""`motcua documents`: registering the queries that consumers may run; a running gateway follows the file within half a second."""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec
from cyclopts import App, Parameter
from graphql import DocumentNode
from rich.table import Table

from graph.access.allowances import bounds_of
from graph.access.consumers import read_registry
from graph.access.marks import Marks, marks_of
from graph.access.policy import Policy, Told
from graph.access.registry import Identity, Registry
from graph.access.replacing import locked, replace
from graph.access.review import Figures, Objection, Review, reviewed
from graph.access.trusted import Registration, TrustedDocument, document_id, read_documents, written
from graph.access_settings import AccessSettings
from graph.app import load_schema
from graph.commands.terminal import ERRORS, SettingsFile, err, out, print_table
from graph.errors import PurposeRequired, SettingsWrong
from graph.execution.permits import Permits
from graph.execution.schema import FastSchema
from graph.lint import lint_document
from graph.settings import DEFAULT_FILE, Settings, load_settings

documents = App(name="documents", help="List the registered documents, register more, check them all, and take some away.")

Files = Annotated[Path, Parameter(help="Files with a document each, exactly as clients send it.")]
ConsumerName = Annotated[str, Parameter(name="--consumer", help="For whom.")]
PurposeName = Annotated[str, Parameter(name="--purpose", help="For which purpose of theirs.")]
RIGHT = {"cost", "persons", "fee (VND)", "fields"}
# Headers are judged for each request; here they count as sent.
SENT: Final = Told("sent", "sent", "sent")
GRAVE: Final = frozenset({"invalid", "literal"})
ID_LETTERS: Final = 12

Change = Callable[[tuple[TrustedDocument, ...]], Iterable[TrustedDocument]]


class Office(NamedTuple):
    """What documents are looked at with: the schema and its directives, the registry, the limits; and where they are kept."""

    file: Path
    schema: FastSchema
    marks: Marks
    registry: Registry
    policy: Policy
    limits: AccessSettings

    def permits(self, consumer: str, purpose: str) -> Permits:
        """Say what a consumer may read for a purpose; SettingsWrong or PurposeRequired where there is none."""
        found = self.registry.consumers.get(consumer)
        if found is None:
            raise SettingsWrong(f"There is no consumer {consumer}")
        return self.policy.rights(Identity(found, "key", found.scopes, float("inf")), purpose, SENT)

    def review(self, node: DocumentNode, consumer: str, purpose: str) -> Review:
        """Review a valid document for a consumer and a purpose; raises as `permits` does."""
        permits = self.permits(consumer, purpose)
        bounds = bounds_of(self.registry.consumers[consumer], self.limits)
        return reviewed(self.schema.documents.schema, node, permits, self.marks, bounds)

    def change(self, change: Change) -> None:
        """Change what is registered, one command at a time."""
        with locked(self.file):
            replace(self.file, written(change(read_documents(self.file))))


@documents.command(name="list")
def listed(
    *,
    as_json: Annotated[bool, Parameter(name="--json", help="Print it as JSON, with the fields of each.", negative=())] = False,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """List the registered documents, for whom each is, and what it may cost."""
    found = read_documents(_file(settings))
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
    else:
        print_table(document_table(found))
    return 0


documents.default(listed)


@documents.command
def add(*files: Files, consumer: ConsumerName, purpose: PurposeName, settings: SettingsFile = DEFAULT_FILE) -> int:
    """Register documents for a consumer and a purpose; all of them, or none where there is an objection to one."""
    if not files:
        raise SettingsWrong("Expected at least one file")
    office = _office(settings)
    office.permits(consumer, purpose)
    made, objections = [], 0
    for file in files:
        text = _text(file)
        review = _reviewed(office, str(file), text, consumer, purpose)
        objections += _tell(str(file), review.objections)
        made.append(TrustedDocument(document_id(text), file.stem, text, (_registration(consumer, purpose, review),)))
    if objections:
        err.print(f"[red]{objections} objections; nothing was registered.[/]")
        return ERRORS
    office.change(lambda known: with_more(known, made))
    print_table(document_table(made))
    return 0


@documents.command
def check(*, settings: SettingsFile = DEFAULT_FILE) -> int:
    """Review all registered documents again, against the schema, the consumers and the limits of today."""
    office = _office(settings)
    found, objections = read_documents(office.file), 0
    for document in found:
        for registration in document.registrations:
            objections += _tell(f"{document.name} ({', '.join(registration.whose)})", _checked(office, document, registration))
    err.print(f"{len(found)} documents, {objections} objections")
    return ERRORS if objections else 0


@documents.command
def remove(
    document: Annotated[str, Parameter(help="The document: its id or the beginning of it, or its name.")],
    *,
    consumer: Annotated[str | None, Parameter(help="Only for this consumer.")] = None,
    purpose: Annotated[str | None, Parameter(help="Only for this purpose.")] = None,
    settings: SettingsFile = DEFAULT_FILE,
) -> int:
    """Take a document away, from everybody or from a consumer; whoever still sends it is refused."""
    file = _file(settings)
    with locked(file):
        known = read_documents(file)
        meant = _meant(known, document)
        stay = [each for each in meant.registrations if not (consumer in {None, each.consumer} and purpose in {None, each.purpose})]
        if len(stay) == len(meant.registrations):
            raise SettingsWrong("The document is not registered for them")
        changed = [msgspec.structs.replace(meant, registrations=tuple(stay))] if stay else []
        replace(file, written([*(each for each in known if each is not meant), *changed]))
    out.print(f"{meant.name} {meant.id[:ID_LETTERS]}: {len(meant.registrations) - len(stay)} registrations taken away, {len(stay)} left.")
    return 0


def document_table(found: Iterable[TrustedDocument]) -> Table:
    """Show each registration on a line."""
    table = Table(box=None, header_style="bold")
    for column in ("document", "id", "consumer", "purpose", "fields", "cost", "persons", "fee (VND)"):
        table.add_column(column, justify="right" if column in RIGHT else "left", no_wrap=True)
    for document in found:
        for each in document.registrations:
            figures = (f"{len(each.fields):,}", f"{each.cost:,}", f"{each.persons:,}", f"{each.fee:,}")
            table.add_row(document.name, document.id[:ID_LETTERS], each.consumer, each.purpose, *figures)
    return table


def with_more(known: Iterable[TrustedDocument], more: Iterable[TrustedDocument]) -> list[TrustedDocument]:
    """Add documents with a registration each to those that are known; one that is registered again replaces what was found before."""
    by_id = {document.id: document for document in known}
    for document in more:
        [new] = document.registrations
        old = by_id[document.id].registrations if document.id in by_id else ()
        stay = (each for each in old if each.whose != new.whose)
        by_id[document.id] = msgspec.structs.replace(document, registrations=(*stay, new))
    return list(by_id.values())


def _reviewed(office: Office, file: str, text: str, consumer: str, purpose: str) -> Review:
    """Review a text; one that is not valid, or has values in it, is objected to before anything else."""
    grave = [found for found in lint_document(office.schema, file, text) if found.code in GRAVE]
    node = office.schema.documents.document(text).node
    objections = tuple(Objection(found.line, found.column, found.message) for found in grave)
    if node is None or any(found.code == "invalid" for found in grave):
        return Review((), Figures(), objections)
    review = office.review(node, consumer, purpose)
    return review._replace(objections=(*objections, *review.objections))


def _checked(office: Office, document: TrustedDocument, registration: Registration) -> Iterator[Objection]:
    try:
        review = _reviewed(office, document.name, document.text, *registration.whose)
    except (SettingsWrong, PurposeRequired) as wrong:
        yield Objection(1, 1, wrong.message)
        return
    yield from review.objections
    if not review.objections and registration != _registration(*registration.whose, review):
        yield Objection(1, 1, "It reads or costs something else than when it was registered; expected to be registered again")


def _registration(consumer: str, purpose: str, review: Review) -> Registration:
    figures = review.figures
    return Registration(consumer, purpose, figures.cost, figures.fee, figures.persons, review.fields)


def _meant(known: Iterable[TrustedDocument], said: str) -> TrustedDocument:
    wanted = said.removeprefix("sha256:")
    found = [document for document in known if document.name == said or (wanted and document.id.startswith(wanted))]
    if len(found) != 1:
        how_many = "no document" if not found else f"{len(found)} documents"
        raise SettingsWrong(f"There is {how_many} of this id or name; expected one, by its id as `list` shows it")
    return found[0]


def _tell(where: str, objections: Iterable[Objection]) -> int:
    """Print objections on a line each, as compilers do, and say how many there were."""
    lines = [f"{where}:{each.line}:{each.column} {each.message}\n" for each in objections]
    sys.stdout.write("".join(lines))
    return len(lines)


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except OSError as error:
        raise SettingsWrong(f"{file}: expected a file that can be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SettingsWrong(f"{file}: expected a text in UTF-8") from None


def _file(settings: Path) -> Path:
    return _kept_in(load_settings(settings, secrets=False))


def _kept_in(settings: Settings) -> Path:
    # What is replaced is the file itself, not a link that leads to it.
    return settings.beside(settings.access.documents_file).resolve()


def _office(settings_file: Path) -> Office:
    settings = load_settings(settings_file, secrets=False)
    schema = load_schema(settings)
    core = schema.documents.schema
    registry = read_registry(settings.beside(settings.access.consumers), core, demo=settings.is_sandboxed)
    policy = Policy(core, (), lambda: registry)
    return Office(_kept_in(settings), schema, marks_of(core), registry, policy, settings.access)
