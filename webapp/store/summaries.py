"""When each patient's visit summary has to be computed again, and what was last written of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, func, select, update

from webapp.clock import now
from webapp.extensions import db

from .base import UtcDateTime
from .models_ledger import Link
from .models_visits import Visit, VisitSummary
from .sql import chunks, table_of, upsert


@dataclass(frozen=True)
class DueSummary:
    """One patient whose summary is due, with the linked contact. `fields` is None when that contact has none yet."""

    patient_id: str
    hubspot_id: str | None
    contact_id: str | None
    fields: bytes | None
    due_at: datetime | None = None


def touch(hub_id: int, connection_id: int, patient_ids: Collection[str]) -> None:
    """Something of these patients' visits or invoices changed; the caller commits."""
    moment = now()
    rows = [
        {"hub_id": hub_id, "connection_id": connection_id, "patient_id": patient, "due_at": moment}
        for patient in sorted(set(patient_ids))
    ]
    for part in chunks(rows):
        upsert(VisitSummary, list(part), keys=["connection_id", "patient_id"], update=["due_at"])


def due(connection_id: int, moment: datetime, limit: int = 100) -> list[DueSummary]:
    """Summaries to compute now, of patients that have a contact. Others become due when they get one."""
    query = (
        select(
            VisitSummary.patient_id,
            Link.hubspot_id,
            VisitSummary.contact_id,
            VisitSummary.fields,
            VisitSummary.due_at,
        )
        .join(
            Link,
            (Link.connection_id == VisitSummary.connection_id)
            & (Link.kind == "patient")
            & (Link.cliniko_id == VisitSummary.patient_id)
            & (Link.state == "linked"),
        )
        .where(VisitSummary.connection_id == connection_id, VisitSummary.due_at <= moment)
        .order_by(VisitSummary.due_at, VisitSummary.patient_id)
        .limit(limit)
    )
    return [DueSummary(*row) for row in db.session.execute(query)]


def count_due(hub_id: int, moment: datetime) -> int:
    """How many summaries wait, for the dashboard."""
    query = select(func.count()).where(VisitSummary.hub_id == hub_id, VisitSummary.due_at <= moment)
    return int(db.session.scalar(query) or 0)


def linked_now(connection_id: int, patient_ids: Collection[str]) -> None:
    """These patients got a contact: what is known of their visits goes there. The caller commits."""
    for part in chunks(sorted(set(patient_ids))):
        db.session.execute(
            update(VisitSummary)
            .where(VisitSummary.connection_id == connection_id, VisitSummary.patient_id.in_(part))
            .values(due_at=now())
        )


def forget_contact(connection_id: int, patient_id: str) -> None:
    """Nothing of this patient's summary is on a contact any more; the caller commits."""
    db.session.execute(
        update(VisitSummary)
        .where(VisitSummary.connection_id == connection_id, VisitSummary.patient_id == patient_id)
        .values(contact_id=None, fields=None)
    )


def written(hub_id: int, connection_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows: patient_id, seen_at (the due time as it was read), due_at (when time alone changes it again, or None),
    contact_id, fields. What became due meanwhile stays due. The caller commits."""
    if not rows:
        return
    table = table_of(VisitSummary)
    seen = bindparam("seen_at", type_=UtcDateTime())
    statement = (
        update(table)
        .where(
            table.c.hub_id == hub_id,
            table.c.connection_id == connection_id,
            table.c.patient_id == bindparam("patient"),
        )
        .values(
            due_at=case(
                (table.c.due_at.is_not_distinct_from(seen), bindparam("next_at", type_=UtcDateTime())),
                else_=table.c.due_at,
            ),
            contact_id=bindparam("contact"),
            fields=bindparam("packed", type_=table.c.fields.type),
        )
    )
    values = [
        {
            "patient": row["patient_id"],
            "seen_at": row["seen_at"],
            "next_at": row["due_at"],
            "contact": row["contact_id"],
            "packed": row["fields"],
        }
        for row in rows
    ]
    db.session.connection().execute(statement, values)


def touch_pointing(hub_id: int, connection_id: int, column: str, ids: Collection[str]) -> None:
    """The name of something that these visits point at changed (`column` of the visit: type_id, practitioner_id,
    business_id): their patients' summaries are computed again. The caller commits."""
    for part in chunks(sorted(set(ids))):
        patients = select(Visit.patient_id).where(
            Visit.connection_id == connection_id, getattr(Visit, column).in_(part)
        )
        db.session.execute(
            update(VisitSummary)
            .where(
                VisitSummary.hub_id == hub_id,
                VisitSummary.connection_id == connection_id,
                VisitSummary.patient_id.in_(patients),
            )
            .values(due_at=now())
            .execution_options(synchronize_session=False)
        )


def touch_all(hub_id: int) -> None:
    """Compute every summary again, because what is written has changed; the caller commits."""
    db.session.execute(update(VisitSummary).where(VisitSummary.hub_id == hub_id).values(due_at=now()))
