"""Leases: the database, not the queue, says who runs. One row per (account, name): an expiry and a fencing number."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import or_, select, update

from webapp.clock import now
from webapp.extensions import db

from .models_sync import Lease
from .sql import upsert

TTL = timedelta(seconds=30)
IDENTITY = "identity"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class LeaseLost(Exception):
    """Somebody else runs now: whatever this process still wanted to write must not be written."""


@dataclass(frozen=True)
class HeldLease:
    hub_id: int
    name: str
    owner: str
    fence: int


def acquire(hub_id: int, name: str, owner: str, ttl: timedelta = TTL) -> HeldLease | None:
    """Take the lease if it is free or expired; None while somebody else holds it. Commits."""
    upsert(
        Lease,
        [{"hub_id": hub_id, "name": name, "owner": None, "fence": 0, "expires_at": _LONG_AGO}],
        keys=["hub_id", "name"],
        update=[],
    )
    moment = now()
    result = db.session.execute(
        update(Lease)
        .where(Lease.hub_id == hub_id, Lease.name == name, or_(Lease.owner.is_(None), Lease.expires_at < moment))
        .values(owner=owner, fence=Lease.fence + 1, expires_at=moment + ttl)
        .execution_options(synchronize_session=False)
    )
    taken = result.rowcount == 1  # type: ignore[attr-defined]  # UPDATE returns a CursorResult
    fence = db.session.scalar(select(Lease.fence).where(Lease.hub_id == hub_id, Lease.name == name)) if taken else None
    db.session.commit()
    return HeldLease(hub_id, name, owner, int(fence)) if fence is not None else None


def renew(lease: HeldLease, ttl: timedelta = TTL) -> bool:
    """Heartbeat on a connection of its own, so that it works from another thread. False when the lease is lost."""
    with db.engine.begin() as connection:
        result = connection.execute(
            update(Lease)
            .where(
                Lease.hub_id == lease.hub_id,
                Lease.name == lease.name,
                Lease.owner == lease.owner,
                Lease.fence == lease.fence,
            )
            .values(expires_at=now() + ttl)
        )
        return result.rowcount == 1


def guard(lease: HeldLease, ttl: timedelta = TTL) -> None:
    """Inside the transaction of a write: raise LeaseLost unless the lease is still ours. Locks the row until commit."""
    result = db.session.execute(
        update(Lease)
        .where(
            Lease.hub_id == lease.hub_id,
            Lease.name == lease.name,
            Lease.owner == lease.owner,
            Lease.fence == lease.fence,
        )
        .values(expires_at=now() + ttl)
        # Nobody holds a lease as an object; looking for one among all that a session has loaded would take its time.
        .execution_options(synchronize_session=False)
    )
    if result.rowcount != 1:  # type: ignore[attr-defined]  # UPDATE returns a CursorResult
        db.session.rollback()
        raise LeaseLost(lease.name)


def release(lease: HeldLease) -> None:
    """Give the lease back; harmless when it was lost. Commits."""
    db.session.execute(
        update(Lease)
        .where(
            Lease.hub_id == lease.hub_id,
            Lease.name == lease.name,
            Lease.owner == lease.owner,
            Lease.fence == lease.fence,
        )
        .values(owner=None, expires_at=_LONG_AGO)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def break_all(hub_id: int) -> None:
    """Whoever works for this account stops before its next write; the caller commits."""
    db.session.execute(
        update(Lease).where(Lease.hub_id == hub_id).values(owner=None, fence=Lease.fence + 1, expires_at=_LONG_AGO)
    )


def holder(hub_id: int, name: str) -> tuple[bool, int]:
    """(is somebody running now, present fencing number)."""
    row = db.session.get(Lease, (hub_id, name), populate_existing=True)
    if row is None:
        return False, 0
    return row.owner is not None and row.expires_at >= now(), row.fence
