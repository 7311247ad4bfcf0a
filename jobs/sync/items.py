"""What travels through an execution: a record with its identity, its mapped values, its link and what was decided."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from jobs.mapping.digest import field_digest
from jobs.mapping.records import MappedRecord
from jobs.sync import tags
from jobs.sync.context import SyncContext
from jobs.sync.indexing import Known
from jobs.sync.matching import Decision
from jobs.sync.sending import Target
from webapp.store.ledger import LinkRow

_decode_fields = msgspec.msgpack.Decoder(dict[str, bytes]).decode
_encode_fields = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True)
class PersonKind:
    """What differs between patients and third-party contacts for the engine."""

    kind: str
    stream: str
    key_property: str
    known: Callable[[Any, str | None], Known]
    # Where a record of this other kind is linked to the same HubSpot contact, only our own properties are written.
    yields_to: str | None = None
    own_properties: frozenset[str] = frozenset()

    def target(self, ctx: SyncContext) -> Target:
        """Where these people are written."""
        stamp = "cliniko_synced_at"
        return Target("contacts", self.key_property, stamp if stamp in ctx.writable else None)


@dataclass
class Item:
    """One record of an execution. `values` are the mapped values that the portal has properties for."""

    record: Any
    known: Known
    mapped: MappedRecord
    values: dict[str, str]
    digest: bytes
    link: LinkRow | None
    forced: bool = False
    # A deal in scope needs this person's contact, also when the record is archived.
    needed: bool = False
    decision: Decision | None = None

    @property
    def cliniko_id(self) -> str:
        return self.known.cliniko_id

    @property
    def email(self) -> str:
        return self.values.get("email", "")


@dataclass
class Write:
    """One input for HubSpot and what is known of its outcome."""

    item: Item
    create: bool
    hubspot_id: str | None
    rule: str
    # What both sides last agreed on, before this write.
    agreed: dict[str, bytes]
    properties: dict[str, str]
    # HMACs: the address this write takes, those it gives up, the one that is kept back.
    takes: bytes | None = None
    releases: frozenset[bytes] = frozenset()
    withheld: bytes | None = None
    holds: bytes | None = None
    shared: bool = False
    # The address goes in a second write, after another record of this batch has given it up.
    email_later: bool = False
    # The contact that holds an address we wanted.
    holder_id: str | None = None
    # {property: (cause, the API's own words)} of what HubSpot refused while it took the rest.
    refusals: dict[str, tuple[str, str]] = field(default_factory=dict)
    attempts: int = 0

    # The value of our unique key.
    key: str = ""

    @property
    def trace_id(self) -> str:
        return self.item.cliniko_id


def read_fields(packed: bytes | None) -> dict[str, bytes]:
    """{property: digest of the value both sides last agreed on}."""
    return _decode_fields(packed) if packed else {}


def pack_fields(agreed: Mapping[str, bytes]) -> bytes:
    return _encode_fields(dict(agreed))


def changed(ctx: SyncContext, values: Mapping[str, str], agreed: Mapping[str, bytes]) -> dict[str, str]:
    """The values to send. A blank goes out only to clear what we wrote; a value that both sides hold is left alone."""
    out: dict[str, str] = {}
    for name, value in values.items():
        known = agreed.get(name)
        if value == "":
            if known is not None:
                out[name] = ""
        elif known is None or known != field_digest(ctx.digest_key, name, value):
            out[name] = value
    return out


def agree(ctx: SyncContext, agreed: Mapping[str, bytes], accepted: Mapping[str, str]) -> dict[str, bytes]:
    """What both sides agree on after HubSpot accepted these values."""
    after = dict(agreed)
    for name, value in accepted.items():
        if value == "":
            after.pop(name, None)
        else:
            after[name] = field_digest(ctx.digest_key, name, value)
    return after


def email_tag(ctx: SyncContext, address: str) -> bytes | None:
    """The HMAC by which the ledger knows an address."""
    return tags.optional(ctx.digest_key, "email", address.casefold() or None)
