"""The seam: all that a resolver module or a schema module imports from the runtime.

A resolver module declares a `System`, its `Record` classes with their names on the wire, and its batch functions. A schema module declares
Strawberry types whose plain fields are attributes of those records and whose other fields are links: "this field is the record
that this batch function has under that key".
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import strawberry

from graph.access.directives import (
    Authenticated,
    Cost,
    Directive,
    Fee,
    ListSize,
    Mask,
    MaskForm,
    Personal,
    PersonalClass,
    PurposeIn,
    Refused,
    RequiresScopes,
    Subject,
)
from graph.access.directives import Policy as RequiresPolicies
from graph.context import RequestContext
from graph.errors import BadInput, ContractBroken
from graph.execution.schema import FastSchema
from graph.loading.batch import Batch, Declared, SubjectFacts, batch_many, batch_one, counted, keyed
from graph.loading.link import Link
from graph.loading.masked import NOT_GIVEN, key_of
from graph.loading.windows import Days, windows_of
from graph.upstream import soap, xml
from graph.upstream.cases import CaseState, case_states, is_pending
from graph.upstream.connection import Upstream
from graph.upstream.envelope import Codes
from graph.upstream.record import Provenance, Record, wire
from graph.upstream.system import System

__all__ = [
    "Authenticated", "BadInput", "Batch", "CaseState", "Codes", "ContractBroken", "Cost", "Days", "Declared", "FastSchema", "Fee", "Link",
    "ListSize", "Mask", "MaskForm", "Personal", "PersonalClass", "Provenance", "PurposeIn", "Record", "Refused", "RequestContext",
    "RequiresPolicies", "RequiresScopes", "Subject", "SubjectFacts", "System", "Upstream", "batch_many", "batch_one", "case_states",
    "counted", "field", "is_pending", "keyed", "link", "link_each", "soap", "windows_of", "wire", "xml",
]  # fmt: skip

Key = str | Callable[..., Any]
Marks = Sequence[Directive]


def field(description: str, *, name: str | None = None, deprecated: str | None = None, marks: Marks = ()) -> Any:
    """Describe a plain field: an attribute of the record; `marks` say who may read it, how it looks masked, and what it costs."""
    return strawberry.field(description=description, name=name, deprecation_reason=deprecated, directives=marks)


def link(
    batch: Batch[Any, Any], *, key: Key, description: str, name: str | None = None, proves: str | None = None, marks: Marks = ()
) -> Any:
    """Make a field that is the record, or the list of records, which `batch` has under a key.

    `key` names an attribute of the parent record, or is a function from the parent record to the key; further parameters of that
    function, annotated, become the field's arguments and so part of the key. A key of None gives null (or an empty list) without a call.

    `proves` names the attribute of the record that equals the key. It says that a parent with that key proves that the record exists
    (both come from one system), so a query for nothing but that attribute needs no call.
    """
    return _linked(Link(batch, _key_function(key), each=False, proves=proves), description, name, marks)


def link_each(
    batch: Batch[Any, Any], *, keys: Key, description: str, name: str | None = None, at_most: int | None = None, marks: Marks = ()
) -> Any:
    """Make a list field with the record that `batch` has under each of several keys, in the order of the keys; null where there is none.

    More than `at_most` keys are refused as BadInput; a list that callers write should have such a bound.
    """
    key = _key_function(keys)
    return _linked(Link(batch, key if at_most is None else _bounded(key, at_most), each=True, at_most=at_most), description, name, marks)


def _bounded(keys: Callable[..., Any], at_most: int) -> Callable[..., Any]:
    @functools.wraps(keys)
    def bounded(record: Any, **arguments: Any) -> Any:
        found = keys(record, **arguments)
        if found is not None and len(found) > at_most:
            raise BadInput(f"expected at most {at_most} keys at once")
        return found

    return bounded


def _key_function(key: Key) -> Callable[..., Any]:
    if not isinstance(key, str):
        return key
    namespace: dict[str, Any] = {}
    exec(f"def {key}(record):\n    return record.{key}", namespace)  # noqa: S102 - an attribute name from our own code; quicker than getattr
    made: Callable[..., Any] = namespace[key]
    return made


def _linked(made: Link, description: str, name: str | None, marks: Marks) -> Any:
    resolver = _resolve_each(made) if made.each else _resolve_one(made)
    resolver.__signature__ = _signature(made.key)  # type: ignore[attr-defined]
    resolver.__module__ = made.key.__module__ or __name__
    return strawberry.field(resolver=resolver, description=description, name=name, metadata={"link": made}, directives=marks)


def _resolve_one(made: Link) -> Callable[..., Any]:
    batch, key = made.batch, made.key

    def resolve(root: Any, info: strawberry.Info[RequestContext, None], **arguments: Any) -> Any:
        wanted = key_of(root, info.python_name, key, arguments)
        if wanted is NOT_GIVEN:
            return None
        return batch.absent() if wanted is None else info.context.loaders.load(batch, wanted)

    return resolve


def _resolve_each(made: Link) -> Callable[..., Any]:
    batch, key = made.batch, made.key

    def resolve(root: Any, info: strawberry.Info[RequestContext, None], **arguments: Any) -> Any:
        wanted = key_of(root, info.python_name, key, arguments)
        return None if wanted is None or wanted is NOT_GIVEN else info.context.loaders.load_many(batch, wanted)

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
