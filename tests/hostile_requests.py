"""What a hostile client sends: documents, bodies, headers and bytes, by what is wrong with them."""

import gzip
import json
import re

from sandbox import personas
from tests.hostile import document

GOOD = document("query($id: PersonalId!) { citizen(id: $id) { personalId } }", id=personas.THU)
SECRET = "099999999999"


def many(what: str, count: int) -> str:
    return " ".join(what.replace("#", str(number)) for number in range(count))


def doubling(count: int) -> str:
    links = " ".join(f"fragment F{n} on Citizen {{ a: father {{ ...F{n + 1} }} b: mother {{ ...F{n + 1} }} }}" for n in range(count))
    return f'{{ citizen(id: "{personas.THU}") {{ ...F0 }} }} {links} fragment F{count} on Citizen {{ personalId }}'


def introspecting(depth: int) -> str:
    return "{ __schema { types { " + "fields { type { " * depth + "name" + " } }" * depth + " } } }"


DOCUMENTS = {
    "an alias flood": "{ " + many("a#: __typename", 500) + " }",
    "a batch of logins by alias": "{ " + many(f'a#: citizen(id: "{SECRET}") {{ fullName }}', 60) + " }",
    "a directive flood": "{ __typename " + "@skip(if: false) " * 250 + "}",
    "unknown directives": "{ __typename " + "@nothing" * 800 + " }",
    "deep nesting": "{ citizen(id: 1) { " + "father { " * 200 + "personalId" + " }" * 202,
    "inline fragments in one another": "{ " + "... { " * 400 + "__typename" + " }" * 401,
    "lists in one another": "{ citizen(id: " + "[" * 990 + "]" * 990 + ") { personalId } }",
    "objects in one another": "{ citizen(id: " + "{a: " * 390 + "1" + "}" * 390 + ") { personalId } }",
    "a fragment in itself": "{ ...A } fragment A on Query { ...A }",
    "two fragments in one another": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "a circle behind a field": "{ citizen(id: 1) { ...A } } fragment A on Citizen { father { ...A } }",
    "a circle that nobody uses": "{ __typename } fragment A on Query { ...B } fragment B on Query { ...A }",
    "fragments that double": doubling(18),
    "fragments that double beyond measure": doubling(90),
    "many fragments side by side": "{ " + many("...F#", 200) + " } " + many("fragment F# on Query { __typename }", 200),
    "the same field over and over": "{ " + "__typename " * 1_500 + "}",
    "the same path over and over": '{ citizen(id: "1") { ' + "father { personalId } " * 330 + "} }",
    "names that do not exist": "{ " + many("citizeq#", 900) + " }",
    "a name without end": "{ " + "a" * 16_000 + " }",
    "a number without end": "{ citizen(id: " + "9" * 16_000 + ") { personalId } }",
    "a block string of empty lines": '{ citizen(id: """' + "\n" * 16_000 + '""") { personalId } }',
    "a string of escapes": '{ citizen(id: "' + "\\u0041" * 2_600 + '") { personalId } }',
    "comments": "#\n" * 8_000,
    "commas": "{ " + "," * 16_000 + "nothing }",
    "variables": "query(" + many("$v#: Int", 450) + ") { __typename }",
    "operations": many("query Q# { __typename }", 300),
    "type definitions": many("type T# { a: Int }", 250),
    "a subscription": "subscription { nothing }",
    "too long a text": "{ " + "__typename " * 5_000 + "}",
    "nothing": "",
    "spaces": " " * 10_000,
    "bytes of nought": "\x00" * 1_000,
    "a mark of byte order and no more": "\ufeff",
    "an introspection bomb": introspecting(6),
    "introspection of types of types": "{ __schema { types { " + "possibleTypes { " * 5 + "name" + " }" * 8,
    "introspection by alias": "{ " + many("a#: __schema { types { name } }", 60) + " }",
    "a value in the wrong place": f'{{ citizen(id: {{secret: "{SECRET}"}}) {{ personalId }} }}',
}

IDS = "query($ids: [PersonalId!]!) { citizens(ids: $ids) { personalId } }"
ID = "query($id: PersonalId!) { citizen(id: $id) { personalId } }"


def with_variables(text: str, query: str = ID) -> bytes:
    return b'{"query": %s, "variables": %s}' % (json.dumps(query).encode(), text.encode("utf-8", "surrogatepass"))


BODIES = {
    "a batch": b'[{"query": "{ __typename }"}, {"query": "{ __typename }"}]',
    "a batch of thousands": b"[" + b",".join([b'{"query":"{__typename}"}'] * 2_000) + b"]",
    "an empty batch": b"[]",
    "nothing": b"",
    "no object": b'"{ __typename }"',
    "no JSON": b"query=%7B__typename%7D",
    "half": b'{"query": "{ __typename }"',
    "more behind it": b'{"query": "{ __typename }"} {}',
    "bad UTF-8": b'{"query": "{ __typename } # \xff\xfe"}',
    "overlong UTF-8": b'{"query": "\xc0\xae"}',
    "UTF-16": '{"query": "{ __typename }"}'.encode("utf-16"),
    "a mark of byte order": b'\xef\xbb\xbf{"query": "{ __typename }"}',
    "a surrogate in bytes": b'{"query": "\xed\xa0\x80"}',
    "a surrogate alone": b'{"query": "{ __typename } # \\ud800"}',
    "gzip": gzip.compress(b'{"query": "{ __typename }"}'),
    "a query of another kind": b'{"query": {"a": 1}}',
    "variables of another kind": b'{"query": "{ __typename }", "variables": [1]}',
    "extensions of another kind": b'{"query": "{ __typename }", "extensions": "a"}',
    "arrays in one another": with_variables('{"id": ' + "[" * 20_000 + "]" * 20_000 + "}"),
    "objects in one another": with_variables('{"id": ' + '{"a":' * 9_000 + "1" + "}" * 9_000 + "}"),
    "a body of brackets": b"[" * 60_000,
    "not a number": with_variables('{"id": NaN}'),
    "infinity": with_variables('{"id": -Infinity}'),
    "a number beyond all": with_variables('{"id": 1e999}'),
    "an integer without end": with_variables('{"id": ' + "9" * 50_000 + "}"),
    "a surrogate in a value": with_variables('{"id": "\\ud800"}'),
    "half a pair in a value": with_variables('{"id": "\\ud800\\u0041"}'),
    "the wrong half in a value": with_variables('{"id": "\\udc00"}'),
    "a list of objects for an id": with_variables(f'{{"id": [{{"secret": "{SECRET}"}}]}}'),
    "a long text for an id": with_variables(f'{{"id": "{SECRET * 4_000}"}}'),
    "a null for an id": with_variables('{"id": null}'),
    "no id": with_variables("{}"),
    "a truth for an id": with_variables('{"id": true}'),
    "a control character in an id": with_variables('{"id": "09908500\\u0000002"}'),
    "other digits in an id": with_variables('{"id": "٠٩٩٠٨٥٠٠٠٠٠٢"}'),
    "a wrong id twice": with_variables(f'{{"id": "{personas.THU}", "id": "{SECRET}x"}}'),
    "objects for a list": with_variables(f'{{"ids": {{"a": "{SECRET}"}}}}', IDS),
    "thousands of wrong ids": with_variables(json.dumps({"ids": [SECRET + "x"] * 3_000}), IDS),
    "thousands of nulls": with_variables(json.dumps({"ids": [None] * 10_000}), IDS),
}  # fmt: skip

# What may come back, as the id of a request.
HARMLESS = re.compile(rb" ?|[A-Za-z0-9._-]{1,64}")
HEADERS = (
    b"x-road-client", b"x-road-userid", b"x-road-issue", b"x-road-represented-party", b"x-purpose", b"x-request-id", b"x-request-timeout",
    b"x-priority", b"x-motcua-plan", b"traceparent", b"tracestate", b"accept", b"if-none-match",
)  # fmt: skip
POISONS = (
    b"a\r\nx-evil: 1", b"a\nx-evil: 1", b"a\rb", b"a\x00b", b"\xff\xfe", "đơn vị".encode(), b"a" * 60_000, b"", b" ", b"../../etc",
    b"<x>&amp;", b"1e999 ", b"-1 ", b"9" * 65, "٣s".encode(), b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01",
)  # fmt: skip

HEAD = b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
RAW = {
    "nought in a header": HEAD + b"x-purpose: a\x00b\r\ncontent-length: 2\r\n\r\n{}",
    "a line end alone in a header": HEAD + b"x-purpose: a\rb\r\ncontent-length: 2\r\n\r\n{}",
    "a header on two lines": HEAD + b"x-purpose: a\r\n b\r\ncontent-length: 2\r\n\r\n{}",
    "a header without end": HEAD + b"x-purpose: " + b"a" * 300_000 + b"\r\ncontent-length: 2\r\n\r\n{}",
    "headers without end": HEAD + b"x-a: b\r\n" * 30_000 + b"content-length: 2\r\n\r\n{}",
    "two lengths": HEAD + b"content-length: 2\r\ncontent-length: 30\r\n\r\n{}",
    "a length and pieces": HEAD + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length below nought": HEAD + b"content-length: -1\r\n\r\n{}",
    "pieces of a strange length": HEAD + b"transfer-encoding: chunked\r\n\r\nfffffffffffffffffff\r\n{}",
    "pieces without end": HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"400\r\n" + b" " * 1_024 + b"\r\n" * 200,
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 50,
    "an address without end": b"GET /graphql?query=" + b"a" * 300_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
}  # fmt: skip
