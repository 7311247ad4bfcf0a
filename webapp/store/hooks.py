"""Webhook events: stored at once, handled by jobs, forgotten after a while."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update

from webapp.clock import now
from webapp.extensions import db

from .models_account import Account, Connection
from .models_hooks import HookEvent
from .sql import upsert

# An event that HubSpot's own answers keep from being handled is given up after this many tries.
MOST_TRIES = 5


def known_accounts(hub_ids: Collection[int]) -> dict[int, bool]:
    """Those of these accounts that we know, and whether they have the app installed."""
    rows = db.session.execute(select(Account.hub_id, Account.status).where(Account.hub_id.in_(list(hub_ids))))
    return {hub_id: status != "uninstalled" for hub_id, status in rows}


def store(rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep events; one that was delivered before stays as it is. Commits."""
    moment = now()
    prepared = [{"received_at": moment, "state": "new", "attempts": 0, **row} for row in rows]
    # A delivery may hold one event twice, which an upsert of several rows does not allow.
    unique = list({(row["hub_id"], row["mark"]): row for row in prepared}.values())
    upsert(HookEvent, unique, keys=["hub_id", "mark"], update=[])
    db.session.commit()


def new_events(hub_id: int, limit: int = 200) -> list[HookEvent]:
    """Events that nobody has handled, in the order in which they happened."""
    query = select(HookEvent).where(HookEvent.state == "new", HookEvent.hub_id == hub_id)
    return list(db.session.scalars(query.order_by(HookEvent.occurred_at, HookEvent.id).limit(limit)))


def waiting_erasures(hub_id: int) -> list[HookEvent]:
    """Deletions for privacy that nobody has handled: no state of the account holds them up."""
    query = select(HookEvent).where(
        HookEvent.state == "new", HookEvent.hub_id == hub_id, HookEvent.kind == "privacyDeletion"
    )
    return list(db.session.scalars(query.order_by(HookEvent.occurred_at, HookEvent.id).limit(200)))


def refused(hub_id: int, event_id: int) -> None:
    """HubSpot refused what this event asks for; it is tried a few times, then left. The caller commits."""
    event = db.session.scalar(select(HookEvent).where(HookEvent.hub_id == hub_id, HookEvent.id == event_id))
    if event is not None:
        event.attempts += 1
        event.state = "failed" if event.attempts >= MOST_TRIES else event.state


def handled(hub_id: int, event_ids: Collection[int]) -> None:
    """These are done; the caller commits."""
    db.session.execute(
        update(HookEvent).where(HookEvent.hub_id == hub_id, HookEvent.id.in_(list(event_ids))).values(state="done")
    )


def accounts_with_new(before: datetime) -> list[int]:
    """Accounts with events that have waited since before this moment and could be handled: their job was lost."""
    query = select(HookEvent.hub_id).where(
        HookEvent.state == "new",
        HookEvent.received_at <= before,
        or_(HookEvent.hub_id.in_(at_work()), HookEvent.kind == "privacyDeletion"),
    )
    return list(db.session.scalars(query.distinct()))


def at_work() -> Any:
    """A query of the accounts that are active and connected."""
    return (
        select(Account.hub_id)
        .join(Connection, Connection.hub_id == Account.hub_id)
        .where(Account.status == "active", Connection.status == "active")
    )
