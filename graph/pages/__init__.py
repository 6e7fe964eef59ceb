"""The pages that people open in a browser: GraphiQL at `/`, with the example queries already in its tabs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from graphql import GraphQLError, OperationDefinitionNode, parse, value_from_ast_untyped
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from graph.errors import SettingsWrong

DIST = Path(__file__).parent / "dist"

FIRST = "first-query"

# Monaco, the editor, writes <style> elements and inline fonts; scripts and workers come from files of this gateway only.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "worker-src": "'self'",
    "connect-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",
    "font-src": "data:",
    "img-src": "'self' data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}

PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "; ".join(f"{directive} {sources}" for directive, sources in POLICY.items()),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

# An asset's name carries a hash of its content, so a name never gets another content. A worker is held to the policy of its own file.
ASSET_HEADERS = {**PAGE_HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}


class Example(msgspec.Struct, frozen=True):
    """A query to start from; `variables` is JSON text, empty when the query takes none."""

    name: str
    query: str
    variables: str = ""


def pages(examples: Sequence[Example], dist: Path = DIST, *, headers: Mapping[str, str] | None = None) -> list[BaseRoute]:
    """Build the routes `/`, `/assets/{name}`, `/examples.json` and `/headers.json`; what `graph.pages.build` built is read at each request.

    `headers` are those that GraphiQL sends by itself: the key of a demo consumer in front of the sandbox, and nothing elsewhere.
    """
    index, assets = dist / "index.html", dist / "assets"
    encoded, sent = msgspec.json.encode(examples), msgspec.json.encode(headers or {})

    async def page(_request: Request) -> Response:
        if not index.is_file():
            return PlainTextResponse("This page has not been built yet: run `make install`.\n", 503, PAGE_HEADERS)
        return FileResponse(index, headers=PAGE_HEADERS)

    async def asset(request: Request) -> Response:
        file = assets / request.path_params["name"]
        # Compared with the folder's listing, so that no name can lead out of it.
        if file not in assets.glob("*"):
            return PlainTextResponse("There is no such file.\n", 404, PAGE_HEADERS)
        return FileResponse(file, headers=ASSET_HEADERS)

    async def examples_json(_request: Request) -> Response:
        return Response(encoded, headers=PAGE_HEADERS, media_type="application/json")

    async def headers_json(_request: Request) -> Response:
        return Response(sent, headers={**PAGE_HEADERS, "Cache-Control": "no-store"}, media_type="application/json")

    return [
        Route("/", page), Route("/assets/{name}", asset), Route("/examples.json", examples_json), Route("/headers.json", headers_json)
    ]  # fmt: skip


def load_examples(directory: Path) -> list[Example]:
    """Read every `*.graphql`, `first-query` first and the others by name.

    The variables are those of `<name>.json` beside it or, without one, the default values in the first operation.
    """
    if not directory.is_dir():
        raise SettingsWrong(f"{directory}: there is no such folder of example queries")
    files = sorted(directory.glob("*.graphql"), key=lambda file: (file.stem != FIRST, file.stem))
    return [_example(file) for file in files]


def _example(file: Path) -> Example:
    query = file.read_text("utf-8")
    beside = file.with_suffix(".json")
    defaults = _defaults(file, query)
    variables = _object(beside) if beside.is_file() else defaults
    text = msgspec.json.format(msgspec.json.encode(variables), indent=2).decode() if variables else ""
    return Example(name=file.stem, query=query, variables=text)


def _defaults(file: Path, query: str) -> dict[str, object]:
    try:
        document = parse(query)
    except GraphQLError as error:
        raise SettingsWrong(f"{file}: not a GraphQL document: {error.message}") from error
    operation = next((node for node in document.definitions if isinstance(node, OperationDefinitionNode)), None)
    if operation is None:
        raise SettingsWrong(f"{file}: there is no query in it")
    given = {variable.variable.name.value: variable.default_value for variable in operation.variable_definitions or ()}
    return {name: value_from_ast_untyped(value) for name, value in given.items() if value is not None}


def _object(file: Path) -> dict[str, object]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, object])
    except msgspec.MsgspecError as error:
        raise SettingsWrong(f"{file}: expected one JSON object of variables: {error}") from error
