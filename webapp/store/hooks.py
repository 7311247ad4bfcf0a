"""Webhook events: stored at once, handled by jobs, forgotten after a while."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from webapp.clock import now
from webapp.extensions import db

from .models_account import Account
from .models_hooks import HookEvent
from .sql import upsert


def known_accounts(hub_ids: Collection[int]) -> set[int]:
    """Those of these accounts that have the app installed."""
    rows = db.session.scalars(
        select(Account.hub_id).where(Account.hub_id.in_(list(hub_ids)), Account.status != "uninstalled")
    )
    return set(rows)


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


def handled(hub_id: int, event_ids: Collection[int]) -> None:
    """These are done; the caller commits."""
    db.session.execute(
        update(HookEvent).where(HookEvent.hub_id == hub_id, HookEvent.id.in_(list(event_ids))).values(state="done")
    )


def accounts_with_new(before: datetime) -> list[int]:
    """Accounts with events that have waited since before this moment: their job was lost."""
    query = select(HookEvent.hub_id).where(HookEvent.state == "new", HookEvent.received_at <= before).distinct()
    return list(db.session.scalars(query))
