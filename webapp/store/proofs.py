"""Proofs: the reports of reconciles, the newest thirty of each account, and when at night the next one is made."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import delete, func, select, update

from webapp.clock import now
from webapp.extensions import db

from .models_account import Account, Connection
from .models_hooks import Proof
from .models_sync import StreamState
from .sql import upsert

# The stream that makes them.
RECONCILE = "reconcile"
KEEP = 30
# They are spread over these hours of the night, by the account's own clock.
NIGHT_BEGINS = time(2, 0)
NIGHT_LASTS = timedelta(hours=3)


@dataclass(frozen=True)
class ProofRow:
    """A proof as plain values; `finished_at` is None while it is being made."""

    id: int
    started_at: datetime
    finished_at: datetime | None
    report: dict[str, Any]


def under_way(hub_id: int) -> ProofRow | None:
    """The proof that is being made."""
    return _newest(hub_id, Proof.finished_at.is_(None))


def last(hub_id: int) -> ProofRow | None:
    """The newest proof that is complete."""
    return _newest(hub_id, Proof.finished_at.is_not(None))


def begin(hub_id: int, report: Mapping[str, Any]) -> None:
    """Start a proof; one that was left unfinished is dropped. The caller commits."""
    db.session.execute(delete(Proof).where(Proof.hub_id == hub_id, Proof.finished_at.is_(None)))
    db.session.add(Proof(hub_id=hub_id, started_at=now(), finished_at=None, report=dict(report)))
    db.session.flush()


def save(hub_id: int, report: Mapping[str, Any], *, finished: bool = False) -> None:
    """Keep what the proof under way has counted so far; the caller commits, together with what it is about."""
    values: dict[str, Any] = {"report": dict(report)}
    if finished:
        values["finished_at"] = now()
    db.session.execute(update(Proof).where(Proof.hub_id == hub_id, Proof.finished_at.is_(None)).values(**values))


def prune() -> int:
    """Forget all but the newest thirty of each account. Commits. Returns how many went."""
    place = func.row_number().over(partition_by=Proof.hub_id, order_by=Proof.id.desc())
    ranked = select(Proof.id, place.label("place")).subquery()
    old = select(ranked.c.id).where(ranked.c.place > KEEP)
    result = db.session.execute(delete(Proof).where(Proof.id.in_(old)).execution_options(synchronize_session=False))
    db.session.commit()
    return int(result.rowcount)  # type: ignore[attr-defined]  # DELETE returns a CursorResult


def next_night(hub_id: int, zone_name: str | None, after: datetime) -> datetime:
    """The account's next turn: a time between two and five at night by its own clock, always the same one."""
    zone = _zone(zone_name)
    mark = hashlib.sha256(f"{hub_id}:{RECONCILE}".encode()).digest()
    place = timedelta(seconds=int.from_bytes(mark[:4], "big") % int(NIGHT_LASTS.total_seconds()))
    day = after.astimezone(zone).date()
    while True:
        turn = (datetime.combine(day, NIGHT_BEGINS) + place).replace(tzinfo=zone).astimezone(UTC)
        if turn > after:
            return turn
        day += timedelta(days=1)


def plan(hub_id: int) -> None:
    """Have the account's reconcile run at night. One that is planned or at work stays as it is; one that was stopped
    goes on in the next night. Commits."""
    zone_name = db.session.scalar(select(Account.time_zone).where(Account.hub_id == hub_id))
    turn = next_night(hub_id, zone_name, now())
    row = {
        "hub_id": hub_id,
        "stream": RECONCILE,
        "state": "idle",
        "cycle_no": 0,
        "next_run_at": turn,
        "failures": 0,
        "requested": False,
        "reread": False,
        "counts": {},
    }
    upsert(StreamState, [row], keys=["hub_id", "stream"], update=[])
    db.session.execute(
        update(StreamState)
        .where(StreamState.hub_id == hub_id, StreamState.stream == RECONCILE, StreamState.state == "stopped")
        .values(state="idle", cause=None, next_run_at=turn)
    )
    db.session.commit()


def unplanned() -> list[int]:
    """Accounts that sync and have no reconcile to come."""
    planned = select(StreamState.hub_id).where(StreamState.stream == RECONCILE, StreamState.state != "stopped")
    running = select(StreamState.hub_id).where(StreamState.stream != RECONCILE, StreamState.state != "stopped")
    rows = db.session.scalars(
        select(Account.hub_id)
        .join(Connection, Connection.hub_id == Account.hub_id)
        .where(
            Account.status == "active",
            Connection.status == "active",
            Account.hub_id.in_(running),
            Account.hub_id.not_in(planned),
        )
        .order_by(Account.hub_id)
    )
    return [int(hub_id) for hub_id in rows.unique()]


def _newest(hub_id: int, condition: Any) -> ProofRow | None:
    row = db.session.execute(
        select(Proof.id, Proof.started_at, Proof.finished_at, Proof.report)
        .where(Proof.hub_id == hub_id, condition)
        .order_by(Proof.id.desc())
        .limit(1)
    ).first()
    return ProofRow(*row) if row is not None else None


def _zone(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
