"""What in a registry does not fit together: rights that nobody may be given, and proofs that would prove two."""

from collections.abc import Mapping
from pathlib import Path

from graph.access.coordinates import Coordinates
from graph.access.registry import Consumer, Purpose, Registry
from graph.errors import SettingsWrong


def check(file: Path, registry: Registry, coordinates: Coordinates, *, demo: bool) -> None:
    """Refuse with SettingsWrong, which names the file, the key and what was expected; `demo` lets demo consumers be."""
    _check_open(file, registry, coordinates)
    _check_masks(file, registry.purposes, coordinates)
    _check_people(file, registry.purposes, coordinates)
    for name, consumer in registry.consumers.items():
        _check_consumer(f"{file}: consumers.{name}", consumer, registry.purposes, coordinates, demo=demo)
    _check_proofs(f"{file}: consumers", registry.consumers)


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


def _check_people(file: Path, purposes: Mapping[str, Purpose], coordinates: Coordinates) -> None:
    """Refuse a purpose that depends on who somebody is, and reads of people whom their records do not name."""
    for name, purpose in purposes.items():
        if not (purpose.consent or purpose.min_age or purpose.protected in {"refuse", "absent"}):
            continue
        for coordinate in sorted(purpose.fields | purpose.masked):
            # Consent is for single fields, so that what a link leads to has to say itself whose consent counts.
            if not coordinates.names_people(coordinate, by_links=not purpose.consent):
                raise SettingsWrong(
                    f"{file}: purposes.{name}: {coordinate}: expected only fields of types that say by @subject about whom they are, "
                    "because consent, age and protection hang on that"
                )


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


def _check_proofs(where: str, consumers: Mapping[str, Consumer]) -> None:
    """See that whoever proves something proves one identity."""
    holders: dict[object, str] = {}
    for name, consumer in consumers.items():
        proofs: list[tuple[str, object]] = [(f"keys.{key.id}", key.id) for key in consumer.keys]
        proofs += [("tokens", ("token", token.issuer, token.client_id)) for token in consumer.tokens]
        proofs += [("certificates", ("certificate", thumbprint)) for thumbprint in consumer.certificates]
        for place, proof in proofs:
            if proof in holders:
                other = "this consumer too, again" if holders[proof] == name else f"consumers.{holders[proof]} too"
                raise SettingsWrong(f"{where}.{name}.{place}: this is {other}; expected one consumer for each proof")
            holders[proof] = name
