"""Facts about appointments and invoices, from which the visit summary is made. Always within one connection."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, update

from webapp.extensions import db

from .models_visits import Bill, Visit
from .sql import chunks, upsert

INDIVIDUAL = "individual_appointment"
GROUP = "group_appointment"
ATTENDEE = "attendee"


def save_visits(rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert or overwrite; all rows have the same columns. The caller commits."""
    for part in chunks(list(rows), 200):
        upsert(Visit, [dict(row) for row in part], keys=["connection_id", "kind", "cliniko_id"])


def save_bills(rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert or overwrite; the caller commits."""
    for part in chunks(list(rows), 200):
        upsert(Bill, [dict(row) for row in part], keys=["connection_id", "cliniko_id"])


def by_id(connection_id: int, kind: str, cliniko_ids: Collection[str]) -> dict[str, Visit]:
    """{Cliniko id: visit}."""
    found: dict[str, Visit] = {}
    for part in chunks(sorted(set(cliniko_ids))):
        query = select(Visit).where(
            Visit.connection_id == connection_id, Visit.kind == kind, Visit.cliniko_id.in_(part)
        )
        for visit in db.session.scalars(query.execution_options(populate_existing=True)):
            found[visit.cliniko_id] = visit
    return found


def bills_by_id(connection_id: int, cliniko_ids: Collection[str]) -> dict[str, Bill]:
    """{Cliniko id: invoice}."""
    found: dict[str, Bill] = {}
    for part in chunks(sorted(set(cliniko_ids))):
        query = select(Bill).where(Bill.connection_id == connection_id, Bill.cliniko_id.in_(part))
        for bill in db.session.scalars(query.execution_options(populate_existing=True)):
            found[bill.cliniko_id] = bill
    return found


def of_patients(connection_id: int, patient_ids: Collection[str]) -> dict[str, list[Visit]]:
    """{patient: all visits known}, without those that were removed."""
    found: dict[str, list[Visit]] = {}
    for part in chunks(sorted(set(patient_ids))):
        query = select(Visit).where(
            Visit.connection_id == connection_id, Visit.patient_id.in_(part), Visit.status != "removed"
        )
        for visit in db.session.scalars(query.execution_options(populate_existing=True)):
            found.setdefault(visit.patient_id or "", []).append(visit)
    return found


def bills_of(connection_id: int, patient_ids: Collection[str]) -> dict[str, list[Bill]]:
    """{patient: all invoices known}, without those that were removed."""
    found: dict[str, list[Bill]] = {}
    for part in chunks(sorted(set(patient_ids))):
        query = select(Bill).where(
            Bill.connection_id == connection_id, Bill.patient_id.in_(part), Bill.removed.is_(False)
        )
        for bill in db.session.scalars(query.execution_options(populate_existing=True)):
            found.setdefault(bill.patient_id or "", []).append(bill)
    return found


def attendees_of(connection_id: int, booking_ids: Collection[str]) -> dict[str, list[str]]:
    """{group appointment: attendees known}."""
    found: dict[str, list[str]] = {}
    for part in chunks(sorted(set(booking_ids))):
        rows = db.session.execute(
            select(Visit.booking_id, Visit.cliniko_id).where(
                Visit.connection_id == connection_id, Visit.kind == ATTENDEE, Visit.booking_id.in_(part)
            )
        )
        for booking_id, cliniko_id in rows:
            found.setdefault(booking_id or "", []).append(cliniko_id)
    return found


def of_cases(connection_id: int, case_ids: Collection[str]) -> dict[str, list[tuple[str, str, str]]]:
    """{case: (kind, Cliniko id, status) of its visits}."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for part in chunks(sorted(set(case_ids))):
        rows = db.session.execute(
            select(Visit.case_id, Visit.kind, Visit.cliniko_id, Visit.status).where(
                Visit.connection_id == connection_id, Visit.case_id.in_(part)
            )
        )
        for case_id, kind, cliniko_id, status in rows:
            found.setdefault(case_id or "", []).append((kind, cliniko_id, status))
    return found


def keep_new_visits(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Insert visits of one kind that are not known yet and return their ids; known ones stay as they are. The caller
    commits."""
    if not rows:
        return set()
    connection_id, kind = rows[0]["connection_id"], rows[0]["kind"]
    known = set(by_id(connection_id, kind, [row["cliniko_id"] for row in rows]))
    new = [dict(row) for row in rows if row["cliniko_id"] not in known]
    for part in chunks(new, 200):
        upsert(Visit, list(part), keys=["connection_id", "kind", "cliniko_id"], update=[])
    return {row["cliniko_id"] for row in new}


def follow_merges(connection_id: int, survivors: Mapping[str, str]) -> None:
    """{merged patient: survivor}: visits and invoices of the merged ones are the survivors'. The caller commits."""
    for model in (Visit, Bill):
        for merged, survivor in sorted(survivors.items()):
            db.session.execute(
                update(model)
                .where(model.connection_id == connection_id, model.patient_id == merged)
                .values(patient_id=survivor)
            )


def counts(hub_id: int) -> dict[str, int]:
    """{status: visits with a patient}, of the whole account."""
    rows = db.session.execute(
        select(Visit.status, func.count()).where(Visit.hub_id == hub_id, Visit.kind != GROUP).group_by(Visit.status)
    )
    return {status: int(number) for status, number in rows}


def bill_totals(hub_id: int) -> dict[int, tuple[int, Any]]:
    """{status: (invoices, sum of their totals)} of those that were not removed."""
    rows = db.session.execute(
        select(Bill.status, func.count(), func.sum(Bill.total))
        .where(Bill.hub_id == hub_id, Bill.removed.is_(False))
        .group_by(Bill.status)
    )
    return {int(status or 0): (int(number), total) for status, number, total in rows}
