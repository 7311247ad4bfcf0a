"""Keyed digests: how we remember what a value was without keeping it. The key belongs to one account."""

import hmac
from collections.abc import Mapping

FIELD_BYTES = 8
RECORD_BYTES = 16
TERM_BYTES = 16


def field_digest(key: bytes, name: str, value: str) -> bytes:
    """8 bytes that change when the value of this property changes."""
    return hmac.digest(key, f"f\0{name}\0{value}".encode("utf-8", "surrogatepass"), "sha256")[:FIELD_BYTES]


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
    return hmac.digest(key, "".join(parts).encode("utf-8", "surrogatepass"), "sha256")[:RECORD_BYTES]


def term_digest(key: bytes, kind: str, value: str) -> bytes:
    """16 bytes for matching and search; `kind` (email, name, birth, phone…) keeps equal texts of two kinds apart."""
    return hmac.digest(key, f"t\0{kind}\0{value}".encode("utf-8", "surrogatepass"), "sha256")[:TERM_BYTES]
