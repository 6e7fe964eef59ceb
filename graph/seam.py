"""The seam: all that a resolver module or a schema module imports from the runtime.

A resolver module declares a `System`, its `Record` classes with their names on the wire, and its batch functions. A schema module declares
Strawberry types whose plain fields are attributes of those records and whose other fields are links: "this field is the record
that this batch function has under that key".
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import strawberry

from graph.context import RequestContext
from graph.errors import BadInput, ContractBroken
from graph.execution.schema import ServedSchema
from graph.loading.batch import Batch, batch_many, batch_one, counted, keyed
from graph.upstream import soap, xml
from graph.upstream.connection import Upstream
from graph.upstream.envelope import Codes
from graph.upstream.record import Record, wire
from graph.upstream.system import System

__all__ = [
    "BadInput", "Batch", "Codes", "ContractBroken", "Link", "Record", "RequestContext", "ServedSchema", "System", "Upstream",
    "batch_many", "batch_one", "counted", "field", "keyed", "link", "link_each", "soap", "wire", "xml",
]  # fmt: skip

Key = str | Callable[..., Any]


@dataclass(frozen=True)
class Link:
    """What a link field is, for whoever plans, checks or draws the schema: from which batch function, under which key or keys."""

    batch: Batch[Any, Any]
    key: Callable[..., Any]
    each: bool


def field(description: str, *, name: str | None = None, deprecated: str | None = None) -> Any:
    """Describe a plain field: an attribute of the record."""
    return strawberry.field(description=description, name=name, deprecation_reason=deprecated)


def link(batch: Batch[Any, Any], *, key: Key, description: str, name: str | None = None) -> Any:
    """Make a field that is the record, or the list of records, which `batch` has under a key.

    `key` names an attribute of the parent record, or is a function from the parent record to the key; further parameters of that
    function, annotated, become the field's arguments and so part of the key. A key of None gives null (or an empty list) without a call.
    """
    return _linked(Link(batch, _key_function(key), each=False), description, name)


def link_each(batch: Batch[Any, Any], *, keys: Key, description: str, name: str | None = None) -> Any:
    """Make a list field with the record that `batch` has under each of several keys, in the order of the keys; null where there is none."""
    return _linked(Link(batch, _key_function(keys), each=True), description, name)


def _key_function(key: Key) -> Callable[..., Any]:
    if not isinstance(key, str):
        return key
    namespace: dict[str, Any] = {}
    exec(f"def {key}(record):\n    return record.{key}", namespace)  # noqa: S102 - an attribute name from our own code; quicker than getattr
    made: Callable[..., Any] = namespace[key]
    return made


def _linked(made: Link, description: str, name: str | None) -> Any:
    resolver = _resolve_each(made) if made.each else _resolve_one(made)
    resolver.__signature__ = _signature(made.key)  # type: ignore[attr-defined]
    resolver.__module__ = made.key.__module__ or __name__
    return strawberry.field(resolver=resolver, description=description, name=name, metadata={"link": made})


def _resolve_one(made: Link) -> Callable[..., Any]:
    batch, key = made.batch, made.key

    def resolve(root: Any, info: strawberry.Info[RequestContext, None], **arguments: Any) -> Any:
        wanted = key(root, **arguments)
        return batch.absent() if wanted is None else info.context.loaders.load(batch, wanted)

    return resolve


def _resolve_each(made: Link) -> Callable[..., Any]:
    batch, key = made.batch, made.key

    def resolve(root: Any, info: strawberry.Info[RequestContext, None], **arguments: Any) -> Any:
        return info.context.loaders.load_many(batch, key(root, **arguments))

    return resolve


def _signature(key: Callable[..., Any]) -> inspect.Signature:
    """Give Strawberry what it expects of a resolver: root, info, and the key's own further parameters as arguments."""
    own = list(inspect.signature(key, eval_str=True).parameters.values())[1:]
    place = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature(
        [
            inspect.Parameter("root", place),
            inspect.Parameter("info", place, annotation=strawberry.Info),
            *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own),
        ]
    )
