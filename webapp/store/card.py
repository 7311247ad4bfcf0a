"""What the card on a contact asks of the store: plain values about one HubSpot contact of one account."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select

from webapp.extensions import db

from .models_hooks import PushRequest
from .models_ledger import Link, Person
from .models_sync import Issue, Review, StreamState
from .models_visits import Visit

_OPEN = ("open", "later")


@dataclass(frozen=True)
class Linked:
    """A link that holds this contact. `shares`: another contact has the record's address."""

    cliniko_id: str
    rule: str | None
    cliniko_status: str
    synced_at: datetime | None
    fields: bytes | None
    shares: bool


@dataclass(frozen=True)
class Asked:
    """A request about this contact. `outcome` is None while it is open, and where there is nothing to tell."""

    what: str
    key: str | None
    state: str
    held_by: str | None
    retry_at: datetime
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    outcome: dict[str, Any] | None


def links_of(hub_id: int, connection_id: int, hubspot_id: str) -> dict[str, Linked]:
    """{kind: link} of the patient and the Cliniko contact that are linked to this contact."""
    query = select(
        Link.kind,
        Link.cliniko_id,
        Link.rule,
        Link.cliniko_status,
        Link.synced_at,
        Link.fields,
        or_(Link.shared_email, Link.withheld_hmac.is_not(None)),
    ).where(
        Link.hub_id == hub_id,
        Link.connection_id == connection_id,
        Link.kind.in_(("patient", "contact")),
        Link.hubspot_id == hubspot_id,
        Link.state == "linked",
    )
    return {row[0]: Linked(*row[1:6], shares=bool(row[6])) for row in db.session.execute(query)}


def deals_on(hub_id: int, connection_id: int, patient_id: str, hubspot_id: str) -> int:
    """How many deals of this patient are on this contact."""
    query = select(func.count()).where(
        Link.hub_id == hub_id,
        Link.connection_id == connection_id,
        Link.patient_id == patient_id,
        Link.contact_id == hubspot_id,
        Link.state == "linked",
    )
    return int(db.session.scalar(query) or 0)


def patients_sharing(hub_id: int, connection_id: int, patient_id: str) -> int:
    """How many known patients have this patient's address, this one included; merged ones do not count."""
    mark = select(Person.email_hmac).where(
        Person.connection_id == connection_id, Person.kind == "patient", Person.cliniko_id == patient_id
    )
    query = select(func.count()).where(
        Person.hub_id == hub_id,
        Person.connection_id == connection_id,
        Person.kind == "patient",
        Person.merged_into.is_(None),
        Person.email_hmac == mark.scalar_subquery(),
    )
    return int(db.session.scalar(query) or 0)


def reviews_about(
    hub_id: int, connection_id: int, hubspot_id: str, records: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """(cause, kind, Cliniko id) of decisions that wait about this contact, or about the records ({kind: Cliniko id})
    that are linked to it; oldest first."""
    about = [and_(Review.kind == kind, Review.cliniko_id == cliniko_id) for kind, cliniko_id in records.items()]
    query = select(Review.cause, Review.kind, Review.cliniko_id).where(
        Review.hub_id == hub_id,
        Review.connection_id == connection_id,
        Review.state.in_(_OPEN),
        or_(Review.hubspot_id == hubspot_id, *about),
    )
    rows = db.session.execute(query.order_by(Review.opened_at, Review.id).limit(50))
    return [(cause, kind, cliniko_id) for cause, kind, cliniko_id in rows]


def newest_issue(hub_id: int, connection_id: int, records: Mapping[str, str]) -> tuple[str, str, datetime] | None:
    """(cause, field, last seen) of what keeps one of these records ({kind: Cliniko id}) from being written."""
    if not records:
        return None
    about = [and_(Issue.kind == kind, Issue.cliniko_id == cliniko_id) for kind, cliniko_id in records.items()]
    query = select(Issue.cause, Issue.field, Issue.last_seen_at).where(
        Issue.hub_id == hub_id, Issue.connection_id == connection_id, Issue.state == "open", or_(*about)
    )
    row = db.session.execute(query.order_by(Issue.last_seen_at.desc(), Issue.id.desc()).limit(1)).first()
    return (row[0], row[1], row[2]) if row is not None else None


def visit_times(hub_id: int, connection_id: int, patient_id: str) -> list[tuple[datetime, datetime | None, str]]:
    """(start, end, status) of the patient's visits that are known and were not removed."""
    query = select(Visit.starts_at, Visit.ends_at, Visit.status).where(
        Visit.hub_id == hub_id,
        Visit.connection_id == connection_id,
        Visit.patient_id == patient_id,
        Visit.kind.in_(("individual_appointment", "attendee")),
        Visit.status != "removed",
        Visit.starts_at.is_not(None),
    )
    return [(start, end, status) for start, end, status in db.session.execute(query) if start is not None]


def stream_of(hub_id: int, stream: str) -> tuple[str, str | None]:
    """(state, cause) of a stream; an account that has not begun has none of it yet."""
    row = db.session.execute(
        select(StreamState.state, StreamState.cause).where(StreamState.hub_id == hub_id, StreamState.stream == stream)
    ).first()
    return (row[0], row[1]) if row is not None else ("idle", None)


def request_about(hub_id: int, hubspot_id: str, since: datetime) -> Asked | None:
    """The newest request about this contact: one that is open, else one that ended after `since` with something to
    tell."""
    rows = select(PushRequest).where(PushRequest.hub_id == hub_id, PushRequest.hubspot_id == hubspot_id)
    opened = rows.where(PushRequest.state == "open").order_by(PushRequest.id.desc()).limit(1)
    ended = rows.where(PushRequest.state == "done", PushRequest.finished_at >= since)
    for query in (opened, ended.order_by(PushRequest.finished_at.desc(), PushRequest.id.desc()).limit(5)):
        for row in db.session.scalars(query.execution_options(populate_existing=True)):
            if row.state == "open" or row.outcome is not None:
                return _asked(row)
    return None


def last_outcome(hub_id: int, hubspot_id: str) -> Asked | None:
    """How the newest request about this contact ended that said anything, however long ago."""
    query = (
        select(PushRequest)
        .where(PushRequest.hub_id == hub_id, PushRequest.hubspot_id == hubspot_id, PushRequest.state == "done")
        .order_by(PushRequest.finished_at.desc(), PushRequest.id.desc())
        .limit(10)
    )
    for row in db.session.scalars(query.execution_options(populate_existing=True)):
        if row.outcome is not None and row.outcome.get("status"):
            return _asked(row)
    return None


def _asked(row: PushRequest) -> Asked:
    return Asked(
        row.what,
        row.key,
        row.state,
        row.held_by,
        row.retry_at,
        row.created_at,
        row.started_at,
        row.finished_at,
        row.outcome,
    )
