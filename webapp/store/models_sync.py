"""Where each stream stands: cursors, leases, work items, issues, reviews and the history of cycles."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, BigId, EncryptedText, UtcDateTime


class StreamState(Base):
    """One stream of one account: which cycle it is in and when the next begins.

    state: idle | running (a cycle is open) | waiting (until `wait_until`) | stopped (needs a person) | finished (the
    history is known in full) | off (switched off by a person).
    """

    __tablename__ = "stream_state"

    hub_id: Mapped[int] = mapped_column(ForeignKey("account.hub_id", ondelete="CASCADE"), primary_key=True)
    stream: Mapped[str] = mapped_column(String(20), primary_key=True)
    state: Mapped[str] = mapped_column(String(10), default="idle")
    cycle_no: Mapped[int] = mapped_column(default=0)
    next_run_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    wait_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    progress_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_success_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Why it waits or stopped: a cause word of jobs/sync/causes.py, never a person's value.
    cause: Mapped[str | None] = mapped_column(String(40))
    failures: Mapped[int] = mapped_column(default=0)
    # Somebody asked for a run while one was under way.
    requested: Mapped[bool] = mapped_column(default=False)
    # Bumped when a setting changes what is written: the next cycle then reads everything once.
    reread: Mapped[bool] = mapped_column(default=False)
    counts: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)


class Cursor(Base):
    """How far one polled list has been read: window start, run start and last id of the walk under way."""

    __tablename__ = "cursor"

    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"), primary_key=True)
    list_name: Mapped[str] = mapped_column(String(60), primary_key=True)
    hub_id: Mapped[int] = mapped_column(BigInteger, index=True)
    window_start: Mapped[datetime | None] = mapped_column(UtcDateTime)
    run_start: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_id: Mapped[str | None] = mapped_column(String(32))
    # Only used while Cliniko does not keep `sort=id`: the page to read next, and which pass this is.
    next_page: Mapped[int | None] = mapped_column()
    pass_no: Mapped[int] = mapped_column(default=1)
    # The cycle in which this list was last read to its end.
    done_cycle: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # A window scan: up to where earlier scans have reached, and up to where the one under way goes.
    edge: Mapped[datetime | None] = mapped_column(UtcDateTime)
    target: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Lease(Base):
    """Who may run: one row per (account, name). A name is a stream, or `identity` for the account's identity lock."""

    __tablename__ = "lease"

    hub_id: Mapped[int] = mapped_column(ForeignKey("account.hub_id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    owner: Mapped[str | None] = mapped_column(String(64))
    fence: Mapped[int] = mapped_column(BigInteger, default=0)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WorkItem(Base):
    """A Cliniko record to read again by its id, because something other than its own time stamp asks for it."""

    __tablename__ = "work_item"
    __table_args__ = (Index("ix_work_item_due", "connection_id", "kind", "due_at"),)

    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(30), primary_key=True)
    cliniko_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    hub_id: Mapped[int] = mapped_column(BigInteger, index=True)
    reason: Mapped[str] = mapped_column(String(24))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Issue(Base):
    """One record that could not be synced, or not fully, with the reason. state: open | resolved."""

    __tablename__ = "issue"
    __table_args__ = (
        UniqueConstraint("connection_id", "kind", "cliniko_id", "cause", "field", name="uq_issue_record"),
        Index("ix_issue_open", "hub_id", "state", "retry_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("account.hub_id", ondelete="CASCADE"))
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"))
    stream: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(30))
    cliniko_id: Mapped[str] = mapped_column(String(32))
    hubspot_id: Mapped[str | None] = mapped_column(String(32))
    cause: Mapped[str] = mapped_column(String(40))
    field: Mapped[str] = mapped_column(String(100), default="")
    # The API's own words; they may quote a person's value, hence encrypted.
    detail: Mapped[str | None] = mapped_column(EncryptedText)
    state: Mapped[str] = mapped_column(String(10), default="open")
    attempts: Mapped[int] = mapped_column(default=1)
    retry_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Review(Base):
    """A doubtful decision that waits for a person. state: open | later | linked | separate | update | create |
    ignored | closed; what may be decided depends on the cause."""

    __tablename__ = "review"
    __table_args__ = (
        UniqueConstraint("connection_id", "kind", "cliniko_id", "hubspot_id", "cause", name="uq_review_pair"),
        Index("ix_review_open", "hub_id", "state"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("account.hub_id", ondelete="CASCADE"))
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(30))
    cliniko_id: Mapped[str] = mapped_column(String(32))
    hubspot_id: Mapped[str] = mapped_column(String(32), default="")
    # doubtful_match | shared_email | email_withheld | merged_in_hubspot | merged_in_cliniko | another_person |
    # push_candidates
    cause: Mapped[str] = mapped_column(String(24))
    state: Mapped[str] = mapped_column(String(10), default="open")
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(80))


class Run(Base):
    """The history of one cycle. `counts` holds records read, created, updated, unchanged, …, and API calls."""

    __tablename__ = "run"
    __table_args__ = (UniqueConstraint("hub_id", "stream", "cycle_no", name="uq_run_cycle"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("account.hub_id", ondelete="CASCADE"))
    stream: Mapped[str] = mapped_column(String(20))
    cycle_no: Mapped[int] = mapped_column()
    outcome: Mapped[str] = mapped_column(String(12))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    counts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
