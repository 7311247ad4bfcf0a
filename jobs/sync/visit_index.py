"""Writes what a page of appointments or attendees says into the ledger's facts, and finds who and what it touches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.mapping.catalogue import AppointmentStatus
from jobs.mapping.visits import VisitState, appointment_case_id, appointment_state, attendee_state, is_removed
from jobs.sync.context import SyncContext
from webapp.clients.cliniko.records_deals import Attendee, GroupAppointment, IndividualAppointment
from webapp.store import issues, ledger, summaries, visits
from webapp.store.models_visits import Visit
from webapp.store.visits import ATTENDEE, GROUP, INDIVIDUAL

_WORDS = {
    AppointmentStatus.BOOKED: "booked",
    AppointmentStatus.ARRIVED: "arrived",
    AppointmentStatus.DID_NOT_ARRIVE: "did_not_arrive",
    AppointmentStatus.CANCELLED: "cancelled",
}
_COMPARED = ("patient_id", "starts_at", "ends_at", "status", "type_id", "practitioner_id", "business_id", "case_id")


@dataclass
class Touched:
    """Whose summary changes, and which cases count their sessions anew."""

    patients: set[str] = field(default_factory=set)
    cases: set[str] = field(default_factory=set)


def word(state: VisitState) -> str:
    """The state as it is stored."""
    return "removed" if state.removed else _WORDS[state.status]


def save_individual(
    ctx: SyncContext, records: Sequence[IndividualAppointment], attendees: Mapping[str, Attendee], *, keep: bool = False
) -> Touched:
    """Facts of individual appointments; `attendees` by appointment id. `keep`: the attendees were not read, so what is
    known of arrival stays. The caller commits."""
    known = visits.by_id(ctx.connection_id, INDIVIDUAL, [r.id for r in records])
    rows = []
    for record in records:
        attendee, before = attendees.get(record.id), known.get(record.id)
        status = word(appointment_state(record, attendee))
        case_id = appointment_case_id(record, attendee)
        if keep and before is not None and attendee is None and status == "booked":
            status = before.status if before.status in ("arrived", "did_not_arrive") else status
        rows.append(_row(ctx, INDIVIDUAL, record, status, record.patient_id, case_id))
    return _save(ctx, rows, known)


def save_groups(ctx: SyncContext, records: Sequence[GroupAppointment]) -> None:
    """Facts of group appointments, and of the time and place of their attendees. The caller commits."""
    rows = [_row(ctx, GROUP, r, "removed" if is_removed(r) else "booked", None, None) for r in records]
    known = visits.by_id(ctx.connection_id, GROUP, [r.id for r in records])
    changed = [row for row in rows if _differs(row, known.get(row["cliniko_id"]))]
    visits.save_visits(rows)
    for row in changed:
        moved = {name: row[name] for name in ("starts_at", "ends_at", "type_id", "practitioner_id", "business_id")}
        visits.move_group(ctx.connection_id, row["cliniko_id"], moved)


def save_attendees(ctx: SyncContext, records: Sequence[Attendee], groups: Mapping[str, Any]) -> Touched:
    """Facts of attendees of group appointments; `groups` by id. The caller commits."""
    rows = []
    for record in records:
        group = groups[record.booking_id or ""]
        row = _row(ctx, ATTENDEE, group, word(attendee_state(record, group)), record.patient_id, record.patient_case_id)
        rows.append({**row, "cliniko_id": record.id, "booking_id": group.id})
    return _save(ctx, rows, visits.by_id(ctx.connection_id, ATTENDEE, [r.id for r in records]))


def follow_up(ctx: SyncContext, touched: Touched, done: Sequence[tuple[str, str]]) -> None:
    """Summaries of the touched patients become due; other linked visits of a touched case are written again. `done`
    are (kind, id) of those that are being written anyway. The caller commits."""
    summaries.touch(ctx.hub_id, ctx.connection_id, touched.patients)
    if not touched.cases:
        return
    others: dict[str, list[str]] = {}
    for found in visits.of_cases(ctx.connection_id, touched.cases).values():
        for kind, cliniko_id, _ in found:
            if (kind, cliniko_id) not in done:
                others.setdefault(kind, []).append(cliniko_id)
    for kind, ids in others.items():
        linked = [i for i, row in ledger.by_cliniko(ctx.connection_id, kind, ids).items() if row.state == "linked"]
        issues.add_work(ctx.hub_id, ctx.connection_id, kind, linked, "case")


def _row(
    ctx: SyncContext, kind: str, record: Any, status: str, patient_id: str | None, case_id: str | None
) -> dict[str, Any]:
    return {
        "connection_id": ctx.connection_id,
        "kind": kind,
        "cliniko_id": record.id,
        "hub_id": ctx.hub_id,
        "patient_id": patient_id,
        "booking_id": None,
        "starts_at": record.starts_at,
        "ends_at": record.ends_at,
        "status": status,
        "type_id": record.appointment_type_id,
        "practitioner_id": record.practitioner_id,
        "business_id": record.business_id,
        "case_id": case_id,
    }


def _save(ctx: SyncContext, rows: list[dict[str, Any]], known: Mapping[str, Visit]) -> Touched:
    touched = Touched()
    changed = []
    for row in rows:
        before = known.get(row["cliniko_id"])
        if not _differs(row, before):
            continue
        changed.append(row)
        touched.patients |= {p for p in (row["patient_id"], before and before.patient_id) if p}
        if before is None or (before.status, before.case_id) != (row["status"], row["case_id"]):
            touched.cases |= {c for c in (row["case_id"], before and before.case_id) if c}
    visits.save_visits(changed)
    return touched


def _differs(row: Mapping[str, Any], before: Visit | None) -> bool:
    return before is None or any(getattr(before, name) != row[name] for name in _COMPARED)
