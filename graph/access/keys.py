"""API keys: how one is made, what of it is kept, and whose a presented one is."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from graph.access.registry import ApiKey, Consumer
from graph.errors import Unauthenticated

PREFIX: Final = "mcu"
SECRET_BYTES: Final = 32
ID_BYTES: Final = 6
ID: Final = re.compile(r"[a-z0-9-]{1,64}")
KEY: Final = re.compile(rb"mcu_([a-z0-9-]{1,64})_([A-Za-z0-9_-]{43,256})")
FOR_EVER: Final = float("inf")
# What the secret of an id that nobody has is compared with, so that it takes as long: it is the hash of nothing that was ever given out.
NOBODYS: Final = "sha256:" + hashlib.sha256(secrets.token_bytes(SECRET_BYTES)).hexdigest()


class KeyHolder(NamedTuple):
    """Whose a key is, and until when it holds (seconds since 1970)."""

    consumer: Consumer
    until: float


def new_key(key_id: str | None = None) -> tuple[str, ApiKey]:
    """Make a key: its text, which is shown once and kept nowhere, and what is stored; ValueError for an id that is none."""
    chosen = secrets.token_hex(ID_BYTES) if key_id is None else key_id
    if not ID.fullmatch(chosen):
        raise ValueError("expected an id of at most 64 small letters, digits and hyphens")
    secret = secrets.token_hex(SECRET_BYTES)
    return f"{PREFIX}_{chosen}_{secret}", ApiKey(chosen, hashed(secret.encode()), datetime.now(UTC))


def stored(text: str) -> ApiKey:
    """Return what is stored of a key whose text is known; ValueError where it is none."""
    parts = KEY.fullmatch(text.encode())
    if parts is None:
        raise ValueError("expected mcu_<id>_<secret>")
    return ApiKey(parts[1].decode(), hashed(parts[2]), datetime.now(UTC))


def hashed(secret: bytes) -> str:
    """Return what is stored of a secret.

    One round of SHA-256 is enough: 256 bits drawn at random cannot be guessed however fast the guesses are tried. A slow hash protects
    passwords that people think of, and here would only let a flood of wrong keys cost us more than its sender.
    """
    return f"sha256:{hashlib.sha256(secret).hexdigest()}"


class ApiKeys:
    """The keys of all consumers of one version of the registry."""

    def __init__(self, consumers: Iterable[Consumer]) -> None:
        """Look through the consumers; an id that stands there twice is nobody's."""
        self._by_id: dict[str, tuple[Consumer, ApiKey] | None] = {}
        for consumer in consumers:
            for key in consumer.keys:
                self._by_id[key.id] = None if key.id in self._by_id else (consumer, key)

    def holder(self, presented: bytes, now: float) -> KeyHolder:
        """Say whose a key is; Unauthenticated where it is malformed, wrong, or over."""
        parts = KEY.fullmatch(presented)
        if parts is None:
            raise Unauthenticated("The API key is not well formed; expected mcu_<id>_<secret>")
        found = self._by_id.get(parts[1].decode())
        # Known or not, the same is computed: from the time taken nobody learns which ids there are.
        right = hmac.compare_digest(hashed(parts[2]), NOBODYS if found is None else found[1].hash)
        if found is None or not right:
            raise Unauthenticated("The API key is not known")
        consumer, key = found
        until = FOR_EVER if key.expires is None else key.expires.timestamp()
        if now >= until:
            raise Unauthenticated("The API key has expired")
        return KeyHolder(consumer, until)
