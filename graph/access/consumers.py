"""Reads the registry of consumers and purposes from its file, refuses what does not fit, and keeps it current while the file changes."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from graphql import GraphQLSchema

from graph.access.certificates import thumbprint_named
from graph.access.coordinates import Coordinates, Groups
from graph.access.keys import ID
from graph.access.registry import Allowances, ApiKey, Consumer, Purpose, Registry, TokenClient
from graph.access.watching import Watched
from graph.access.written import UNLIMITED, Written, WrittenConsumer, WrittenKey, WrittenPurpose, moment, text_of, written
from graph.errors import SettingsWrong
from graph.settings import convert
from graph.telemetry import event

NOBODY: Mapping[str, ApiKey] = {}


def read_registry(file: Path, schema: GraphQLSchema, *, demo: bool = False) -> Registry:
    """Read and check the file; SettingsWrong names the file, the key and what was expected.

    `demo` says that every system is in the sandbox: anywhere else a demo consumer, whose key is not secret, is refused.
    """
    return registry_of(text_of(file), file, Coordinates(schema), demo=demo)


def registry_of(text: str, file: Path, coordinates: Coordinates, *, demo: bool) -> Registry:
    """Check a text as if it stood in `file`."""
    found = written(text, file)
    groups = Groups(f"{file}: groups", found.groups, coordinates)
    purposes = {name: _purpose(f"{file}: purposes.{name}", name, one, groups) for name, one in found.purposes.items()}
    consumers = {name: _consumer(f"{file}: consumers.{name}", name, one) for name, one in found.consumers.items()}
    registry = Registry(found.version, "", groups.resolved(f"{file}: open.fields", found.open.fields), purposes, consumers)
    _check_open(file, registry, coordinates)
    _check_masks(file, purposes, coordinates)
    for name, consumer in consumers.items():
        _check_consumer(f"{file}: consumers.{name}", consumer, purposes, coordinates, demo=demo)
    _check_proofs(found, consumers)
    content = msgspec.json.encode(registry, order="deterministic")
    return msgspec.structs.replace(registry, digest=hashlib.sha256(content).hexdigest())


class Consumers:
    """The registry that holds now; as an async context it follows its file, and keeps what held where that is wrong, half or gone.

    `more_keys` are keys of this process, by the name of their consumer, that stand in no file.
    """

    def __init__(
        self,
        file: Path,
        schema: GraphQLSchema,
        *,
        tell: Callable[..., None] = event,
        more_keys: Mapping[str, ApiKey] = NOBODY,
        demo: bool = False,
    ) -> None:
        """Read the file; SettingsWrong where it is wrong. `demo` is as for `read_registry`."""
        self._tell = tell
        self._more_keys = more_keys
        self._coordinates = Coordinates(schema)
        self._watched = Watched(file, partial(self._read, demo=demo), changed=self._changed, refused=self._refused)

    @property
    def current(self) -> Registry:
        """The registry that holds."""
        return self._watched.current

    def look(self) -> bool:
        """Look at the file at once, and tell whether another registry holds now."""
        return self._watched.look()

    async def __aenter__(self) -> Self:
        """Begin to follow the file."""
        await self._watched.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop following it."""
        await self._watched.__aexit__(kind, error, trace)

    def _read(self, file: Path, before: Registry | None, *, demo: bool) -> Registry:
        registry = registry_of(text_of(file), file, self._coordinates, demo=demo)
        if before is not None and registry.version < before.version:
            # A right that was taken away would come back with an old file.
            raise SettingsWrong(f"{file}: version: expected {before.version}, which is in force, or a higher one")
        return with_keys(registry, self._more_keys)

    def _changed(self, before: Registry, after: Registry) -> None:
        self._tell("consumers_changed", what=difference(before, after), before=before.version, after=after.version)

    def _refused(self, wrong: SettingsWrong) -> None:
        self._tell("consumers_refused", before=self.current.version, reason=wrong.message)


def with_keys(registry: Registry, more: Mapping[str, ApiKey]) -> Registry:
    """Give consumers that are there a key more each."""
    given = {
        name: msgspec.structs.replace(consumer, keys=(*consumer.keys, more[name]))
        for name, consumer in registry.consumers.items()
        if name in more
    }
    return msgspec.structs.replace(registry, consumers={**registry.consumers, **given}) if given else registry


def difference(before: Registry, after: Registry) -> str | None:
    """Name the consumers and purposes that came, changed and went."""
    changes = [
        (word, kind, names)
        for kind, old, new in (("consumers", before.consumers, after.consumers), ("purposes", before.purposes, after.purposes))
        for word, names in _moves(old, new)
        if names
    ]
    said = [f"{kind} {word}: {', '.join(sorted(names))}" for word, kind, names in changes]
    if before.open != after.open:
        said.append("open fields changed")
    return "; ".join(said) or None


def _moves(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, set[str]]]:
    yield "added", new.keys() - old.keys()
    yield "changed", {name for name in new.keys() & old.keys() if new[name] != old[name]}
    yield "removed", old.keys() - new.keys()


# ── what is written, as values ───────────────────────────────────────────────────────────────────────────────────────────


def _purpose(where: str, name: str, found: WrittenPurpose, groups: Groups) -> Purpose:
    fields, masked = groups.resolved(f"{where}.fields", found.fields), groups.resolved(f"{where}.masked", found.masked)
    if not fields | masked:
        raise SettingsWrong(f"{where}.fields: expected at least one field")
    if found.legal_basis == "consent" and not found.consent:
        raise SettingsWrong(f'{where}.consent: expected true, because the legal basis is "consent"')
    return Purpose(
        name, found.title, found.legal_basis, found.ground, fields, masked - fields, found.requires, found.consent, found.protected,
        found.min_age, moment(f"{where}.expires", found.expires),
    )  # fmt: skip


def _consumer(where: str, name: str, found: WrittenConsumer) -> Consumer:
    keys = tuple(_key(f"{where}.keys", key, one) for key, one in found.keys.items())
    return Consumer(
        name, found.organisation, found.kind, _grants(f"{where}.purposes", found.purposes), found.default_purpose, found.priority,
        found.scopes, found.policies, found.explorer, found.demo, keys,
        tuple(TokenClient(token.issuer, token.client_id, token.certificate_bound) for token in found.tokens),
        frozenset(_certificate(f"{where}.certificates", text) for text in found.certificates),
        Allowances(**msgspec.structs.asdict(found.allowances)),
    )  # fmt: skip


def _grants(where: str, found: tuple[str, ...] | Mapping[str, object]) -> dict[str, datetime | None]:
    """Read which purposes a consumer has, and until when each."""
    if isinstance(found, Mapping):
        return {name: None if until == UNLIMITED else moment(f"{where}.{name}", until) for name, until in found.items()}
    return dict.fromkeys(found)


def _key(where: str, name: str, found: object) -> ApiKey:
    if not ID.fullmatch(name):
        raise SettingsWrong(f"{where}: expected ids of at most 64 small letters, digits and hyphens")
    key = convert(found, WrittenKey, f"{where}.{name}")
    made = moment(f"{where}.{name}.made", key.made)
    if made is None:
        raise SettingsWrong(f"{where}.{name}.made: expected the moment when it was made")
    return ApiKey(name, key.hash, made, moment(f"{where}.{name}.expires", key.expires))


def _certificate(where: str, text: str) -> str:
    named = thumbprint_named(text)
    if named is None:
        raise SettingsWrong(f'{where}: expected SHA-256 thumbprints, as "sha256:" and 64 hexadecimal digits or as 43 letters of base64url')
    return named


# ── what does not fit together ───────────────────────────────────────────────────────────────────────────────────────────


def _check_open(file: Path, registry: Registry, coordinates: Coordinates) -> None:
    for coordinate in sorted(registry.open):
        if coordinates.is_guarded(coordinate):
            raise SettingsWrong(
                f"{file}: open.fields: {coordinate}: expected only fields that are neither personal nor for known consumers"
            )


def _check_masks(file: Path, purposes: Mapping[str, Purpose], coordinates: Coordinates) -> None:
    for name, purpose in purposes.items():
        for coordinate in sorted(purpose.masked):
            if not coordinates.has_mask(coordinate):
                raise SettingsWrong(f"{file}: purposes.{name}.masked: {coordinate}: expected only fields with @mask in the schema")


def _check_consumer(where: str, consumer: Consumer, purposes: Mapping[str, Purpose], coordinates: Coordinates, *, demo: bool) -> None:
    if consumer.demo and not demo:
        raise SettingsWrong(f"{where}.demo: expected no demo consumer, unless every system is in the sandbox")
    for name in consumer.purposes:
        if name not in purposes:
            raise SettingsWrong(f"{where}.purposes: {name}: no such purpose; expected one of {', '.join(sorted(purposes)) or 'none'}")
        if consumer.kind == "private":
            _check_consent(f"{where}.purposes", purposes[name], coordinates)
    if consumer.default_purpose is not None and consumer.default_purpose not in consumer.purposes:
        raise SettingsWrong(f"{where}.default_purpose: expected one of the consumer's own purposes")


def _check_consent(where: str, purpose: Purpose, coordinates: Coordinates) -> None:
    """Hold a private consumer to the consent of the person (Law 91/2025, Art. 9), unless the register is an open one."""
    if purpose.consent or purpose.legal_basis == "public":
        return
    for coordinate in sorted(purpose.fields | purpose.masked):
        if coordinates.is_personal(coordinate):
            raise SettingsWrong(f"{where}: {purpose.name}: expected consent = true for a private consumer, because it reads {coordinate}")


def _check_proofs(found: Written, consumers: Mapping[str, Consumer]) -> None:
    """See that whoever proves something proves one identity."""
    holders: dict[object, str] = {}
    for name, consumer in consumers.items():
        proofs: list[tuple[str, object]] = [(f"keys.{key.id}", key.id) for key in consumer.keys]
        proofs += [("tokens", (token.issuer, token.client_id)) for token in consumer.tokens]
        proofs += [("certificates", ("certificate", thumbprint)) for thumbprint in consumer.certificates]
        for where, proof in proofs:
            if proof in holders:
                other = "this consumer too, again" if holders[proof] == name else f"consumers.{holders[proof]} too"
                raise SettingsWrong(f"{found.file}: consumers.{name}.{where}: this is {other}; expected one consumer for each proof")
            holders[proof] = name
