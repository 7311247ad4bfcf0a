"""Keyed digests: how we remember what a value was without keeping it. The key belongs to one account."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

FIELD_BYTES = 8
RECORD_BYTES = 16
TERM_BYTES = 16


def field_digest(key: bytes, name: str, value: str) -> bytes:
    """8 bytes that change when the value of this property changes."""
    return _hmac_sha256(key, f"f\0{name}\0{value}")[:FIELD_BYTES]


def field_digests(key: bytes, values: Mapping[str, str]) -> dict[str, bytes]:
    """`field_digest` of every property."""
    return {name: field_digest(key, name, value) for name, value in values.items()}


def record_digest(key: bytes, values: Mapping[str, str], salt: str = "") -> bytes:
    """16 bytes over a whole mapped record, in any order of its properties.

    `salt` names what else decides the outcome (mapping version, settings), so that a change there is seen as a change.
    """
    parts = [f"r\0{len(salt)}\0{salt}"]
    # Lengths keep two neighbours apart: ("a", "bc") and ("ab", "c") must not be the same record.
    parts.extend(f"{len(name)}\0{name}{len(value)}\0{value}" for name, value in sorted(values.items()))
    return _hmac_sha256(key, "".join(parts))[:RECORD_BYTES]


def term_digest(key: bytes, kind: str, value: str) -> bytes:
    """16 bytes for matching and search; `kind` (email, name, birth, phone…) keeps equal texts of two kinds apart."""
    return _hmac_sha256(key, f"t\0{kind}\0{value}")[:TERM_BYTES]


def _hmac_sha256(key: bytes, message: str) -> bytes:
    """HMAC-SHA256 from prepared states: for texts this short, setting up the key costs more than the hashing."""
    inner, outer = (state.copy() for state in _prepared(key))
    inner.update(message.encode("utf-8", "surrogatepass"))
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=64)
def _prepared(key: bytes) -> tuple["_Hash", "_Hash"]:
    """The two hash states of RFC 2104 after the padded key."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in block)), hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
