"""What the ledger holds, in the order in which a reconcile compares it: by ranges of Cliniko ids, and page by page."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, false, func, or_, select, update

from webapp.extensions import db

from .models_ledger import Link
from .models_sync import WorkItem
from .models_visits import Bill, Visit, VisitSummary
from .sql import chunks

# The longest id that Cliniko has is a number of 64 bits.
LONGEST = 20


@dataclass(frozen=True)
class LinkedDeal:
    """A linked deal and the contact that it is associated with."""

    cliniko_id: str
    hubspot_id: str
    patient_id: str | None
    contact_id: str | None


@dataclass(frozen=True)
class WrittenSummary:
    """What was last written of a visit summary, and to which contact."""

    contact_id: str | None
    fields: bytes | None
    due_at: datetime | None


def links_between(
    connection_id: int, kind: str, low: str | None, high: str | None, states: Sequence[str] = ("linked",)
) -> set[str]:
    """Cliniko ids of links of this kind, greater than `low` and not greater than `high`, as numbers."""
    query = select(Link.cliniko_id).where(
        Link.connection_id == connection_id,
        Link.kind == kind,
        Link.state.in_(list(states)),
        _between(Link.cliniko_id, low, high),
    )
    return set(db.session.scalars(query))


def visits_between(connection_id: int, kind: str, low: str | None, high: str | None) -> set[str]:
    """The same of visits that are not known to be removed."""
    query = select(Visit.cliniko_id).where(
        Visit.connection_id == connection_id,
        Visit.kind == kind,
        Visit.status != "removed",
        _between(Visit.cliniko_id, low, high),
    )
    return set(db.session.scalars(query))


def bills_between(connection_id: int, low: str | None, high: str | None) -> set[str]:
    """The same of invoices."""
    query = select(Bill.cliniko_id).where(
        Bill.connection_id == connection_id, Bill.removed.is_(False), _between(Bill.cliniko_id, low, high)
    )
    return set(db.session.scalars(query))


def linked_deals(connection_id: int, kind: str, after: str | None, limit: int) -> list[LinkedDeal]:
    """The next linked deals of this kind, in the order of their ids as texts."""
    columns: tuple[Any, ...] = tuple(getattr(Link, name) for name in LinkedDeal.__dataclass_fields__)
    query = select(*columns).where(
        Link.connection_id == connection_id,
        Link.kind == kind,
        Link.state == "linked",
        Link.hubspot_id.is_not(None),
        Link.cliniko_id > (after or ""),
    )
    return [LinkedDeal(*row) for row in db.session.execute(query.order_by(Link.cliniko_id).limit(limit))]


def made_since(
    connection_id: int, kind: str, cliniko_ids: Collection[str], moment: datetime | None, rules: Sequence[str]
) -> set[str]:
    """Those of these links that one of these rules made after this moment (None: ever)."""
    found: set[str] = set()
    for part in chunks(sorted(set(cliniko_ids))):
        query = select(Link.cliniko_id).where(
            Link.connection_id == connection_id,
            Link.kind == kind,
            Link.cliniko_id.in_(part),
            Link.rule.in_(list(rules)),
        )
        if moment is not None:
            query = query.where(Link.created_at > moment)
        found |= set(db.session.scalars(query))
    return found


def drop_links(connection_id: int, kind: str, cliniko_ids: Collection[str]) -> None:
    """These were never made in HubSpot, whatever it answered; the caller commits."""
    for part in chunks(sorted(set(cliniko_ids))):
        db.session.execute(
            delete(Link).where(Link.connection_id == connection_id, Link.kind == kind, Link.cliniko_id.in_(part))
        )


def summaries_of(connection_id: int, patient_ids: Collection[str]) -> dict[str, WrittenSummary]:
    """{patient: what was last written of the visit summary}."""
    found: dict[str, WrittenSummary] = {}
    for part in chunks(sorted(set(patient_ids))):
        query = select(VisitSummary).where(
            VisitSummary.connection_id == connection_id, VisitSummary.patient_id.in_(part)
        )
        for row in db.session.scalars(query.execution_options(populate_existing=True)):
            found[row.patient_id] = WrittenSummary(row.contact_id, row.fields, row.due_at)
    return found


def save_summary(connection_id: int, patient_id: str, fields: bytes, due_at: datetime) -> None:
    """Believe this of what HubSpot holds, and compute the summary again; the caller commits."""
    db.session.execute(
        update(VisitSummary)
        .where(VisitSummary.connection_id == connection_id, VisitSummary.patient_id == patient_id)
        .values(fields=fields, due_at=due_at)
    )


def remove_visits(connection_id: int, kind: str, cliniko_ids: Collection[str]) -> tuple[set[str], set[str]]:
    """These visits are not in Cliniko any more; the caller commits. Returns their patients and their cases."""
    patients: set[str] = set()
    cases: set[str] = set()
    for part in chunks(sorted(set(cliniko_ids))):
        here = (Visit.connection_id == connection_id, Visit.kind == kind, Visit.cliniko_id.in_(part))
        for patient_id, case_id in db.session.execute(select(Visit.patient_id, Visit.case_id).where(*here)):
            patients.update({patient_id} if patient_id else ())
            cases.update({case_id} if case_id else ())
        db.session.execute(update(Visit).where(*here).values(status="removed"))
    return patients, cases


def remove_bills(connection_id: int, cliniko_ids: Collection[str]) -> set[str]:
    """The same of invoices; returns their patients."""
    patients: set[str] = set()
    for part in chunks(sorted(set(cliniko_ids))):
        here = (Bill.connection_id == connection_id, Bill.cliniko_id.in_(part))
        patients |= {patient for patient in db.session.scalars(select(Bill.patient_id).where(*here)) if patient}
        db.session.execute(update(Bill).where(*here).values(removed=True))
    return patients


def queued(connection_id: int, kind: str, cliniko_ids: Collection[str]) -> set[str]:
    """Those of these records that somebody has asked to look at already."""
    found: set[str] = set()
    for part in chunks(sorted(set(cliniko_ids))):
        found |= set(
            db.session.scalars(
                select(WorkItem.cliniko_id).where(
                    WorkItem.connection_id == connection_id, WorkItem.kind == kind, WorkItem.cliniko_id.in_(part)
                )
            )
        )
    return found


def work_due(connection_id: int, kinds: Sequence[str], moment: datetime) -> int:
    """Work items of these kinds whose time has come."""
    query = select(func.count()).where(
        WorkItem.connection_id == connection_id, WorkItem.kind.in_(list(kinds)), WorkItem.due_at <= moment
    )
    return int(db.session.scalar(query) or 0)


def summaries_due(connection_id: int, moment: datetime) -> int:
    """Visit summaries that are to be written now."""
    query = (
        select(func.count())
        .select_from(VisitSummary)
        .join(
            Link,
            (Link.connection_id == VisitSummary.connection_id)
            & (Link.kind == "patient")
            & (Link.cliniko_id == VisitSummary.patient_id)
            & (Link.state == "linked"),
        )
        .where(VisitSummary.connection_id == connection_id, VisitSummary.due_at <= moment)
    )
    return int(db.session.scalar(query) or 0)


def _between(column: Any, low: str | None, high: str | None) -> ColumnElement[bool]:
    """Ids are text, and a longer one is a greater number: one range of texts for each length, which an index serves."""
    shortest = len(low) if low else 1
    longest = len(high) if high else LONGEST
    ranges = []
    for length in range(shortest, longest + 1):
        bounds = [func.length(column) == length]
        if low and len(low) == length:
            bounds.append(column > low)
        if high and len(high) == length:
            bounds.append(column <= high)
        ranges.append(and_(*bounds))
    return or_(false(), *ranges)
