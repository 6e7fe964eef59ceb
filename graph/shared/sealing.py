"""Sealing: whoever can read the shared store learns nothing from it, and whoever can write to it cannot make us believe anything.

A value is sealed with AES-256-GCM and bound to its place: moved elsewhere, or changed, it does not open. What a place is named after
(a key, a person, a tag) stands there as an HMAC only. Both keys come from one secret, by HKDF-SHA256.
"""

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from graph.errors import SettingsWrong
from graph.settings import secret

VERSION: Final = b"\x01"
KEY_ID_BYTES: Final = 4
NONCE_BYTES: Final = 12
HEAD_BYTES: Final = len(VERSION) + KEY_ID_BYTES + NONCE_BYTES
NAME_BYTES: Final = 16
BLOCK_BYTES: Final = 64
SECRET_BYTES: Final = 32
# Text drawn at random has more different characters than this; a word repeated, or a row of zeros, has not.
DIFFERENT_AT_LEAST: Final = 8


@dataclass(frozen=True)
class _Keys:
    """What is derived from one secret."""

    id: bytes
    sealing: AESGCM
    naming: "Naming"


class Sealer:
    """Seals with the first secret and opens what was sealed with any of them, so that a secret can be changed without a stop."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        """Take secrets of at least 32 bytes each, as `load_secrets` gives them."""
        keys = [
            _Keys(_derived(secret, b"id", KEY_ID_BYTES), AESGCM(_derived(secret, b"sealing")), Naming(_derived(secret, b"naming")))
            for secret in secrets
        ]
        self._first = keys[0]
        self._by_id = {key.id: key.sealing for key in keys}
        self._naming = tuple(key.naming for key in keys)

    def seal(self, plain: bytes, bound: bytes) -> bytes:
        """Return version, key id, nonce and ciphertext; it opens only where it is bound to, the full name of its place."""
        nonce = os.urandom(NONCE_BYTES)
        return b"".join((VERSION, self._first.id, nonce, self._first.sealing.encrypt(nonce, plain, VERSION + bound)))

    def open(self, sealed: bytes, bound: bytes) -> bytes | None:
        """Return what was sealed; None where the secret or the version is unknown, or anything was changed or moved."""
        key = self._by_id.get(sealed[len(VERSION) : len(VERSION) + KEY_ID_BYTES])
        if key is None or not sealed.startswith(VERSION):
            return None
        nonce = sealed[HEAD_BYTES - NONCE_BYTES : HEAD_BYTES]
        try:
            return key.decrypt(nonce, sealed[HEAD_BYTES:], VERSION + bound)
        except (InvalidTag, ValueError):  # ValueError: cut off within the nonce
            return None

    def name(self, text: bytes) -> str:
        """Return the name that stands for a text: 128 bits of its HMAC by the first secret, as hex."""
        return self._naming[0].name(text)

    def names(self, text: bytes) -> tuple[str, ...]:
        """Return the names that stand for a text by each of the secrets, that of the first one first."""
        return tuple([naming.name(text) for naming in self._naming])


def _derived(secret: bytes, purpose: bytes, length: int = SECRET_BYTES) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=b"motcua shared tier 1 " + purpose).derive(secret)


class Naming:
    """HMAC-SHA256 by one key, whose two halves are begun once: each key of each query is named, and beginning takes most of the time."""

    def __init__(self, key: bytes) -> None:
        """Take a key of at most 64 bytes."""
        block = key.ljust(BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def name(self, text: bytes) -> str:
        """Return the first 128 bits of the HMAC, as hex."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.hexdigest()[: 2 * NAME_BYTES]


def load_secrets(pointers: Sequence[str], environment: Mapping[str, str], where: str) -> list[bytes]:
    """Fetch the secrets that `env:NAME` and `file:PATH` point to: at least 32 bytes as hex or base64, or text of at least 32 characters.

    Raises SettingsWrong, which begins with `where` and never holds a secret, for one that is missing, short or plainly not drawn at random.
    """
    return [_strong(secret(where, pointer, environment), f"{where}: {pointer}") for pointer in pointers]


def _strong(text: str, where: str) -> bytes:
    decoded = _decoded(text)
    if len(decoded) < SECRET_BYTES or len(set(decoded)) < DIFFERENT_AT_LEAST:
        raise SettingsWrong(
            f"{where}: expected a secret of at least {SECRET_BYTES} bytes drawn at random, as `openssl rand -base64 32` writes one"
        )
    return decoded


def _decoded(text: str) -> bytes:
    """Read hex and base64; what is neither, or too short as base64, is taken as it is written."""
    if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text):
        return bytes.fromhex(text)
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode()
    return decoded if len(decoded) >= SECRET_BYTES else text.encode()
