"""What a written registry means: groups resolved, moments and proofs read, each as the value that the gateway decides by."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from graph.access.certificates import thumbprint_named
from graph.access.coordinates import Coordinates, Groups
from graph.access.keys import ID
from graph.access.registry import Allowances, ApiKey, Consumer, Purpose, Registry, TokenClient
from graph.access.written import UNLIMITED, Written, WrittenConsumer, WrittenKey, WrittenPurpose, moment
from graph.errors import SettingsWrong
from graph.settings import convert


def meant(found: Written, coordinates: Coordinates) -> Registry:
    """Turn what is written into values, without a digest yet; SettingsWrong names the file, the key and what was expected."""
    file = found.file
    groups = Groups(f"{file}: groups", found.groups, coordinates)
    purposes = {name: _purpose(f"{file}: purposes.{name}", name, one, groups) for name, one in found.purposes.items()}
    consumers = {name: _consumer(f"{file}: consumers.{name}", name, one) for name, one in found.consumers.items()}
    return Registry(found.version, "", groups.resolved(f"{file}: open.fields", found.open.fields), purposes, consumers)


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
