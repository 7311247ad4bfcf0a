"""All that an execution knows before it begins: account, connection, settings, keys and clients."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from jobs.sync.keeper import Keeper
from webapp.clients.cliniko.client import ClinikoClient
from webapp.clients.hubspot.client import HubSpotClient
from webapp.clock import now
from webapp.extensions import db
from webapp.store.settings import AccountSettings


class NotYet(Exception):
    """This stream has to wait for something of ours; `cause` is a word of jobs/sync/causes.py."""

    def __init__(self, cause: str, seconds: int) -> None:
        super().__init__(cause)
        self.cause, self.seconds = cause, seconds


@dataclass
class SyncContext:
    """One execution of one stream. Holds plain values, not database rows, so that a rollback cannot expire them."""

    hub_id: int
    stream: str
    connection_id: int
    cliniko_account_id: str
    shard: str
    subdomain: str | None
    country_code: str | None
    # ISO 4217 code of the HubSpot account.
    currency: str | None
    digest_key: bytes
    replaced_cliniko_ids: frozenset[str]
    access: dict[str, str]
    settings: AccountSettings
    # Names of the contact properties that exist in the portal; a small plan has the essential ones only.
    writable: frozenset[str]
    cliniko_client: ClinikoClient
    hubspot_client: HubSpotClient
    redis: Any
    keeper: Keeper
    cycle_no: int
    # Work that somebody asks for after this moment is not done by what this execution has read.
    began: datetime = field(default_factory=now)
    # When the last cycle of this stream ended well; None before the first.
    last_success_at: datetime | None = None
    # The same of deal properties, and per stream the pipeline with our stage → the account's stage.
    writable_deals: frozenset[str] = frozenset()
    pipelines: Mapping[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)
    # Reference lists that this execution has decoded already.
    memo: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def cliniko(self) -> ClinikoClient:
        """The client, for a call that follows at once. No transaction stays open while an API takes its time."""
        db.session.commit()
        return self.cliniko_client

    @property
    def hubspot(self) -> HubSpotClient:
        """The same for HubSpot."""
        db.session.commit()
        return self.hubspot_client

    def commit(self) -> None:
        """End the transaction."""
        db.session.commit()

    def count(self, name: str, number: int = 1) -> None:
        if number:
            self.counts[name] = self.counts.get(name, 0) + number

    def unique_key(self, cliniko_id: str) -> str:
        """The record's unique key at HubSpot."""
        return f"{self.cliniko_account_id}:{cliniko_id}"

    @cached_property
    def salt(self) -> str:
        """Part of every record digest, so that a property that becomes available later is written then."""
        return ",".join(sorted(self.writable))

    @cached_property
    def deal_salt(self) -> str:
        """The same for deals."""
        return ",".join(sorted(self.writable_deals))
