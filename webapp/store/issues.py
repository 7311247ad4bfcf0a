"""Issues (records that could not be synced, with their retry ladder), reviews and work items."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, update

from webapp.clock import now
from webapp.extensions import db

from . import pushes
from .decisions import DECISIONS as DECISIONS
from .decisions import NotPossible as NotPossible
from .models_sync import Issue, Review, WorkItem
from .questions import PAIR, asked_otherwise
from .sql import chunks, upsert

# After 15 minutes, 1 hour, 6 hours, then daily.
LADDER = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))


def next_retry(attempts: int, moment: datetime) -> datetime:
    """When to try again after the given number of failed attempts (1 = the first)."""
    return moment + LADDER[min(max(attempts, 1), len(LADDER)) - 1]


def open_issue(
    hub_id: int,
    connection_id: int,
    stream: str,
    kind: str,
    cliniko_id: str,
    cause: str,
    *,
    field: str = "",
    detail: str | None = None,
    hubspot_id: str | None = None,
    retry: bool = True,
) -> None:
    """Open the issue, or count another attempt at it; the caller commits. `detail` is the API's own message."""
    moment = now()
    issue = db.session.scalar(
        select(Issue).where(
            Issue.connection_id == connection_id,
            Issue.kind == kind,
            Issue.cliniko_id == cliniko_id,
            Issue.cause == cause,
            Issue.field == field,
        )
    )
    if issue is None:
        issue = Issue(
            hub_id=hub_id,
            connection_id=connection_id,
            stream=stream,
            kind=kind,
            cliniko_id=cliniko_id,
            cause=cause,
            field=field,
            first_seen_at=moment,
            attempts=0,
        )
        db.session.add(issue)
    elif issue.state == "resolved":
        issue.attempts, issue.first_seen_at = 0, moment
    issue.state, issue.resolved_at, issue.last_seen_at = "open", None, moment
    issue.detail, issue.hubspot_id = detail, hubspot_id or issue.hubspot_id
    issue.attempts += 1
    issue.retry_at = next_retry(issue.attempts, moment) if retry else None
    db.session.flush()


def resolve(
    connection_id: int,
    kind: str,
    cliniko_ids: Collection[str],
    keep: Collection[tuple[str, str, str]] = (),
    causes: Collection[str] | None = None,
) -> int:
    """Close the open issues of records that went through (of these causes only, where given), except those in `keep`
    (Cliniko id, cause, field) which the same write opened again. The caller commits. Returns how many were closed."""
    closed = 0
    for part in chunks(sorted(set(cliniko_ids))):
        query = select(Issue).where(
            Issue.connection_id == connection_id, Issue.kind == kind, Issue.cliniko_id.in_(part), Issue.state == "open"
        )
        if causes is not None:
            query = query.where(Issue.cause.in_(list(causes)))
        for issue in db.session.scalars(query):
            if (issue.cliniko_id, issue.cause, issue.field) not in keep:
                issue.state, issue.resolved_at, issue.retry_at, issue.detail = "resolved", now(), None, None
                closed += 1
    return closed


def find_open(connection_id: int, kind: str, cliniko_id: str) -> Issue | None:
    """An open issue of this record."""
    query = select(Issue).where(
        Issue.connection_id == connection_id,
        Issue.kind == kind,
        Issue.cliniko_id == cliniko_id,
        Issue.state == "open",
    )
    return db.session.scalar(query.order_by(Issue.id).limit(1))


def due(connection_id: int, kind: str, moment: datetime, limit: int = 50) -> list[str]:
    """Cliniko ids to read again now: issues whose time has come, and work items."""
    items = db.session.scalars(
        select(WorkItem.cliniko_id)
        .where(WorkItem.connection_id == connection_id, WorkItem.kind == kind, WorkItem.due_at <= moment)
        .order_by(WorkItem.due_at, WorkItem.cliniko_id)
        .limit(limit)
    )
    issues = db.session.scalars(
        select(Issue.cliniko_id)
        .where(
            Issue.connection_id == connection_id,
            Issue.kind == kind,
            Issue.state == "open",
            Issue.retry_at <= moment,
            # A record that came without an id cannot be asked for.
            Issue.cliniko_id != "",
        )
        .order_by(Issue.retry_at, Issue.cliniko_id)
        .limit(limit)
    )
    return list(dict.fromkeys([*items, *issues]))[:limit]


def add_work(
    hub_id: int,
    connection_id: int,
    kind: str,
    cliniko_ids: Collection[str],
    reason: str,
    due_at: datetime | None = None,
) -> None:
    """Ask for records to be read again; the caller commits."""
    moment = due_at or now()
    rows = [
        {
            "hub_id": hub_id,
            "connection_id": connection_id,
            "kind": kind,
            "cliniko_id": i,
            "reason": reason,
            "due_at": moment,
        }
        for i in sorted(set(cliniko_ids))
    ]
    for part in chunks(rows):
        upsert(WorkItem, list(part), keys=["connection_id", "kind", "cliniko_id"])


def postpone(connection_id: int, kind: str, cliniko_ids: Collection[str]) -> None:
    """Records that Cliniko did not return: nothing is concluded from that, they are asked for again later. The caller
    commits."""
    for part in chunks(sorted(set(cliniko_ids))):
        query = select(Issue).where(
            Issue.connection_id == connection_id, Issue.kind == kind, Issue.cliniko_id.in_(part), Issue.state == "open"
        )
        for issue in db.session.scalars(query):
            issue.attempts += 1
            issue.retry_at = next_retry(issue.attempts, now())


def done_work(connection_id: int, kind: str, cliniko_ids: Collection[str], began: datetime | None = None) -> None:
    """The records were handled; the caller commits. What was asked for after `began` stays to be done."""
    for part in chunks(sorted(set(cliniko_ids))):
        query = delete(WorkItem).where(
            WorkItem.connection_id == connection_id, WorkItem.kind == kind, WorkItem.cliniko_id.in_(part)
        )
        db.session.execute(query if began is None else query.where(WorkItem.due_at <= began))


def worked_off(connection_id: int, kind: str, cliniko_ids: Collection[str], began: datetime | None = None) -> None:
    """These due records were looked at: their work items go (those from before `began`), and an issue that is still due
    waits for its next time. The caller commits."""
    done_work(connection_id, kind, cliniko_ids, began)
    moment = now()
    for part in chunks(sorted(set(cliniko_ids))):
        query = select(Issue).where(
            Issue.connection_id == connection_id,
            Issue.kind == kind,
            Issue.cliniko_id.in_(part),
            Issue.state == "open",
            Issue.retry_at <= moment,
        )
        for issue in db.session.scalars(query):
            issue.attempts += 1
            issue.retry_at = next_retry(issue.attempts, moment)


def done_items(connection_id: int, items: Collection[tuple[str, str]], began: datetime | None = None) -> None:
    """`done_work` for (kind, Cliniko id) of several kinds; the caller commits."""
    by_kind: dict[str, list[str]] = {}
    for kind, cliniko_id in items:
        by_kind.setdefault(kind, []).append(cliniko_id)
    for kind, ids in by_kind.items():
        done_work(connection_id, kind, ids, began)


def list_issues(hub_id: int, state: str = "open", stream: str | None = None, limit: int = 200) -> list[Issue]:
    query = select(Issue).where(Issue.hub_id == hub_id, Issue.state == state)
    if stream is not None:
        query = query.where(Issue.stream == stream)
    return list(db.session.scalars(query.order_by(Issue.last_seen_at.desc(), Issue.id.desc()).limit(limit)))


def count_open(hub_id: int) -> dict[str, int]:
    """Open issues by stream."""
    rows = db.session.execute(
        select(Issue.stream, func.count()).where(Issue.hub_id == hub_id, Issue.state == "open").group_by(Issue.stream)
    )
    return {stream: int(number) for stream, number in rows}


def retry_now(hub_id: int, issue_ids: Collection[int] | None = None) -> int:
    """Make open issues due at once: these, or all of the account. Commits. Returns how many."""
    query = update(Issue).where(Issue.hub_id == hub_id, Issue.state == "open")
    if issue_ids is not None:
        query = query.where(Issue.id.in_(list(issue_ids)))
    result = db.session.execute(query.values(retry_at=now()))
    _ask_again(hub_id, issue_ids)
    db.session.commit()
    return int(result.rowcount)  # type: ignore[attr-defined]  # UPDATE returns a CursorResult


def _ask_again(hub_id: int, issue_ids: Collection[int] | None) -> None:
    """Issues about what somebody asked for on a HubSpot contact: the request itself is tried again."""
    query = select(Issue).where(Issue.hub_id == hub_id, Issue.state == "open", Issue.kind == "hubspot_contact")
    if issue_ids is not None:
        query = query.where(Issue.id.in_(list(issue_ids)))
    for issue in db.session.scalars(query):
        issue.retry_at = None
        pushes.reopen(hub_id, [issue.cliniko_id])


def retry_causes(hub_id: int, causes: Collection[str]) -> int:
    """What stood in the way has changed: make open issues of these causes due at once. Commits. Returns how many."""
    query = update(Issue).where(Issue.hub_id == hub_id, Issue.state == "open", Issue.cause.in_(list(causes)))
    result = db.session.execute(query.values(retry_at=now()))
    db.session.commit()
    return int(result.rowcount)  # type: ignore[attr-defined]  # UPDATE returns a CursorResult


def open_reviews(rows: Sequence[Mapping[str, Any]]) -> None:
    """Open reviews (hub_id, connection_id, kind, cliniko_id, hubspot_id, cause). One whose reason had gone is opened
    again; one that a person has seen stays as it is, and so does the same question with another reason."""
    moment = now()
    prepared = [
        {"state": "open", "opened_at": moment, **row, "hubspot_id": row.get("hubspot_id") or ""} for row in rows
    ]
    asked = asked_otherwise(prepared)
    prepared = [row for row in prepared if tuple(row[name] for name in PAIR) not in asked]
    upsert(Review, prepared, keys=list(PAIR), update=[])
    wanted = {tuple(row[name] for name in PAIR) for row in prepared}
    for part in chunks(sorted({row["cliniko_id"] for row in prepared})):
        closed = select(Review).where(
            Review.connection_id.in_({row["connection_id"] for row in prepared}),
            Review.cliniko_id.in_(part),
            Review.state == "closed",
        )
        for review in db.session.scalars(closed.execution_options(populate_existing=True)):
            if tuple(getattr(review, name) for name in PAIR) in wanted:
                review.state, review.opened_at, review.decided_at = "open", moment, None


def close_reviews(connection_id: int, kind: str, cliniko_ids: Collection[str], causes: Collection[str]) -> None:
    """Their reason has gone; the caller commits."""
    for part in chunks(sorted(set(cliniko_ids))):
        db.session.execute(
            update(Review)
            .where(
                Review.connection_id == connection_id,
                Review.kind == kind,
                Review.cliniko_id.in_(part),
                Review.cause.in_(list(causes)),
                Review.state.in_(("open", "later")),
            )
            .values(state="closed", decided_at=now())
        )


def decisions(connection_id: int, kind: str, cliniko_ids: Collection[str]) -> dict[str, Review]:
    """The latest decided review (linked or separate) of each record."""
    found: dict[str, Review] = {}
    for part in chunks(sorted(set(cliniko_ids))):
        query = select(Review).where(
            Review.connection_id == connection_id,
            Review.kind == kind,
            Review.cliniko_id.in_(part),
            Review.state.in_(("linked", "separate")),
        )
        for review in db.session.scalars(query.order_by(Review.decided_at)):
            found[review.cliniko_id] = review
    return found


def close_reviews_of_contact(hub_id: int, kind: str, hubspot_id: str, cause: str) -> None:
    """What was asked about this HubSpot contact is answered; the caller commits."""
    db.session.execute(
        update(Review)
        .where(
            Review.hub_id == hub_id,
            Review.kind == kind,
            Review.hubspot_id == hubspot_id,
            Review.cause == cause,
            Review.state.in_(("open", "later")),
        )
        .values(state="closed", decided_at=now())
    )


def get_review(hub_id: int, review_id: int) -> Review | None:
    """A review of this account."""
    return db.session.scalar(
        select(Review).where(Review.id == review_id, Review.hub_id == hub_id).execution_options(populate_existing=True)
    )


def decide(hub_id: int, review_id: int, decision: str, decided_by: str) -> Review | None:
    """Record a person's decision, and have it carried out (jobs.tasks.review) and the record read again. Commits.

    Raises NotPossible for a decision that this kind of review does not have."""
    review = get_review(hub_id, review_id)
    if review is None:
        return None
    if decision not in DECISIONS.get(review.cause, ()) or (decision == "linked" and not review.hubspot_id):
        db.session.rollback()
        raise NotPossible(decision, review.cause)
    moment = now()
    review.state, review.decided_at, review.decided_by = decision, moment, decided_by[:80]
    if decision in ("linked", "separate"):
        add_work(hub_id, review.connection_id, review.kind, [review.cliniko_id], "review")
    if decision != "later":
        pushes.ask(hub_id, "review", review.hubspot_id, moment, decided_by, {"review": review.id})
    db.session.commit()
    return review


def closed(hub_id: int, review_id: int) -> None:
    """The decision was carried out and needs no memory: should its reason come up again, it is asked again. The caller
    commits."""
    db.session.execute(
        update(Review).where(Review.id == review_id, Review.hub_id == hub_id).values(state="closed", decided_at=now())
    )


def waiting_for_contacts(hub_id: int, hubspot_ids: Collection[str]) -> dict[tuple[int, str], list[str]]:
    """{(connection, kind): Cliniko ids} of records with an open review about one of these contacts."""
    found: dict[tuple[int, str], list[str]] = {}
    for part in chunks(sorted(set(hubspot_ids))):
        rows = db.session.execute(
            select(Review.connection_id, Review.kind, Review.cliniko_id).where(
                Review.hub_id == hub_id, Review.hubspot_id.in_(part), Review.state.in_(("open", "later"))
            )
        )
        for connection_id, kind, cliniko_id in rows:
            found.setdefault((connection_id, kind), []).append(cliniko_id)
    return found


def list_reviews(hub_id: int, causes: Collection[str] | None = None, limit: int = 200) -> list[Review]:
    query = select(Review).where(Review.hub_id == hub_id, Review.state.in_(("open", "later")))
    if causes is not None:
        query = query.where(Review.cause.in_(list(causes)))
    return list(db.session.scalars(query.order_by(Review.opened_at, Review.id).limit(limit)))


def count_reviews(hub_id: int) -> dict[str, int]:
    """Open reviews by cause."""
    rows = db.session.execute(
        select(Review.cause, func.count())
        .where(and_(Review.hub_id == hub_id, or_(Review.state == "open", Review.state == "later")))
        .group_by(Review.cause)
    )
    return {cause: int(number) for cause, number in rows}


def count_work(hub_id: int) -> dict[str, int]:
    """Work items that wait, by record kind."""
    rows = db.session.execute(
        select(WorkItem.kind, func.count()).where(WorkItem.hub_id == hub_id).group_by(WorkItem.kind)
    )
    return {kind: int(number) for kind, number in rows}
