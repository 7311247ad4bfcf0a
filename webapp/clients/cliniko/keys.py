"""Cliniko API keys: the part after the last hyphen says in which region (shard) the account lives.

A host is only ever built from a shard that passed the strict pattern: a crafted key must not send itself elsewhere.
https://docs.api.cliniko.com/guides/shards
"""

import re
from dataclasses import dataclass, field

DEFAULT_SHARD = "au1"  # keys made before there were regions have no suffix
KNOWN_SHARDS = frozenset({"au1", "au2", "au3", "au4", "ca1", "uk1", "uk2", "eu1", "us1"})
_SHARD = re.compile(r"[a-z]{2}[0-9]{1,2}")
_KEY = re.compile(r"[\x21-\x39\x3b-\x7e]{8,512}")  # visible ASCII without ":", which would end the Basic user name


class BadKey(ValueError):
    """The text cannot be a Cliniko API key. The message is for the person who pasted it and does not repeat it."""


@dataclass(frozen=True, slots=True)
class ClinikoKey:
    """`known_shard` is False for a region that was not published when this was written; it is used all the same."""

    key: str = field(repr=False)
    shard: str
    known_shard: bool


def parse_key(raw: str) -> ClinikoKey:
    """Read a pasted key. Raises BadKey."""
    key = raw.strip()
    if not key:
        raise BadKey("Enter the API key from Cliniko.")
    if not _KEY.fullmatch(key):
        raise BadKey("That is not a Cliniko API key. Copy the whole key, without spaces.")
    head, hyphen, tail = key.rpartition("-")
    if hyphen and head and _SHARD.fullmatch(tail.lower()):
        shard = tail.lower()
    else:
        shard = DEFAULT_SHARD
    return ClinikoKey(key=key, shard=shard, known_shard=shard in KNOWN_SHARDS)


def base_url(template: str, shard: str) -> str:
    """The address of the API for a shard; a template without `{shard}` is used as it is. Raises BadKey."""
    if not _SHARD.fullmatch(shard):
        raise BadKey("The region of the Cliniko API key is not valid.")
    return template.replace("{shard}", shard).rstrip("/")
