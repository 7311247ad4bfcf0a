"""Totals over all accounts for monitoring. No account and no person can be told apart in them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from webapp.clock import now
from webapp.extensions import db

from .models_account import Account
from .models_ledger import Link
from .models_sync import Issue, Review, StreamState, WorkItem


@dataclass(frozen=True)
class Snapshot:
    """Each maps a label to a number."""

    accounts: dict[str, float]
    streams: dict[str, float]
    links: dict[str, float]
    issues: dict[str, float]
    reviews: dict[str, float]
    work_items: dict[str, float]
    late_seconds: dict[str, float]


def snapshot() -> Snapshot:
    """Count everything that the metrics show."""
    moment = now()
    due = db.session.execute(
        select(StreamState.stream, func.min(StreamState.next_run_at))
        .join(Account, Account.hub_id == StreamState.hub_id)
        .where(StreamState.state == "idle", Account.status == "active", StreamState.next_run_at <= moment)
        .group_by(StreamState.stream)
    )
    return Snapshot(
        accounts=_count(Account.status),
        streams=_count(StreamState.state),
        links=_count(Link.state),
        issues=_count(Issue.cause, Issue.state == "open"),
        reviews=_count(Review.cause, Review.state.in_(("open", "later"))),
        work_items=_count(WorkItem.kind),
        late_seconds={stream: (moment - first).total_seconds() for stream, first in due},
    )


def _count(column: Any, *conditions: Any) -> dict[str, float]:
    rows = db.session.execute(select(column, func.count()).where(*conditions).group_by(column))
    return {label: float(number) for label, number in rows}
