"""What HubSpot told us and what people asked for: stored events, push requests, intents, activity, proofs."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, BigId, EncryptedText, UtcDateTime


class HookEvent(Base):
    """One webhook event, without any value of a person. state: new | done | failed.

    `mark` tells repeated deliveries apart.
    """

    __tablename__ = "hook_event"
    __table_args__ = (UniqueConstraint("hub_id", "mark"), Index("ix_hook_event_new", "state", "hub_id", "id"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("account.hub_id", ondelete="CASCADE"))
    mark: Mapped[bytes] = mapped_column(LargeBinary(16))
    # propertyChange | creation | deletion | merge | restore | privacyDeletion
    kind: Mapped[str] = mapped_column(String(24))
    object_type: Mapped[str] = mapped_column(String(16))
    object_id: Mapped[str] = mapped_column(String(32))
    property_name: Mapped[str | None] = mapped_column(String(100))
    # Only for our own switches: was it set to Yes?
    switched_on: Mapped[bool] = mapped_column(default=False)
    # A merge: ids of the records that took part, and of the one that came out.
    merged_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    survivor_id: Mapped[str | None] = mapped_column(String(32))
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(8), default="new")
    attempts: Mapped[int] = mapped_column(default=0)


class PushRequest(Base):
    """Somebody asked for something about one contact. what: patient | contact (a push) | unlink | sync; state: open |
    done.

    A request is the pair (contact, time of the switch) and runs once. A click on the card has a `key` instead, and the
    same key is the same click, however often it arrives.
    """

    __tablename__ = "push_request"
    __table_args__ = (
        UniqueConstraint("hub_id", "what", "hubspot_id", "asked_at", name="uq_push_request_once"),
        UniqueConstraint("hub_id", "key", name="uq_push_request_key"),
        Index("ix_push_request_contact", "hub_id", "hubspot_id"),
        Index("ix_push_request_open", "hub_id", "state", "retry_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("account.hub_id", ondelete="CASCADE"))
    what: Mapped[str] = mapped_column(String(10))
    hubspot_id: Mapped[str] = mapped_column(String(32))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # property | dashboard | `person` with the id of a HubSpot user
    asked_by: Mapped[str] = mapped_column(String(80), default="property")
    # Unlink only: give fields back, move deals.
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # A click: its key, and a digest of all that it asked for.
    key: Mapped[str | None] = mapped_column(String(64))
    digest: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    state: Mapped[str] = mapped_column(String(8), default="open")
    # A word for how it ended, for pages and metrics; the sentence is in `message`.
    result: Mapped[str | None] = mapped_column(String(40))
    message: Mapped[str | None] = mapped_column(EncryptedText)
    # The same for the card: status, message, remedy, and whether it failed; no word in it is a person's.
    outcome: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    # While it waits to be tried again: hubspot_limit | cliniko_limit | hubspot_away | cliniko_away.
    held_by: Mapped[str | None] = mapped_column(String(20))
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PushIntent(Base):
    """A record that we are about to create in Cliniko. Looked up before any retry, because Cliniko has no idempotency.

    state: open | done. `person_hmac` stands for email, names and birth date together.
    """

    __tablename__ = "push_intent"
    __table_args__ = (
        UniqueConstraint("connection_id", "kind", "hubspot_id", name="uq_push_intent_contact"),
        Index("ix_push_intent_person", "connection_id", "kind", "person_hmac"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    hub_id: Mapped[int] = mapped_column(BigInteger, index=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(30))
    hubspot_id: Mapped[str] = mapped_column(String(32))
    person_hmac: Mapped[bytes] = mapped_column(LargeBinary(16))
    cliniko_id: Mapped[str | None] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(8), default="open")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Activity(Base):
    """One line for every write, in either direction: who, what, which record, which fields (never values)."""

    __tablename__ = "activity"
    __table_args__ = (
        Index("ix_activity_recent", "hub_id", "id"),
        Index("ix_activity_record", "hub_id", "cliniko_id"),
        Index("ix_activity_contact", "hub_id", "hubspot_id"),
        Index("ix_activity_at", "at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("account.hub_id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    # The stream of a cycle, webhook, import, reconcile, or `person` with a name of HubSpot's.
    actor: Mapped[str] = mapped_column(String(100))
    # hubspot | cliniko | ledger
    target: Mapped[str] = mapped_column(String(8))
    # created | updated | linked | unlinked | repointed | closed | erased | associated | …
    action: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(30))
    cliniko_id: Mapped[str | None] = mapped_column(String(32))
    hubspot_id: Mapped[str | None] = mapped_column(String(32))
    fields: Mapped[list[str]] = mapped_column(JSON, default=list)
    # ok | refused | …
    result: Mapped[str] = mapped_column(String(40), default="ok")


class Proof(Base):
    """The report of one reconcile: both sides counted and compared."""

    __tablename__ = "proof"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("account.hub_id", ondelete="CASCADE"), index=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    report: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
