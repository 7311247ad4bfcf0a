"""Writes what a page of appointments or attendees says into the ledger's facts, and finds who and what it touches."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.mapping.catalogue import AppointmentStatus
from jobs.mapping.visits import VisitState, appointment_case_id, appointment_state, attendee_state, is_removed
from jobs.sync.context import SyncContext
from webapp.clients.cliniko.records_deals import Attendee, GroupAppointment, IndividualAppointment
from webapp.store import issues, ledger, people, summaries, visits
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
    ctx: SyncContext, records: Sequence[IndividualAppointment], attendees: Mapping[str, Attendee]
) -> Touched:
    """Facts of individual appointments; `attendees` by appointment id. The caller commits."""
    return _save(ctx, INDIVIDUAL, of_individual(ctx, records, attendees))


def save_groups(ctx: SyncContext, records: Sequence[GroupAppointment]) -> None:
    """Facts of group appointments. What they mean for their attendees follows with these. The caller commits."""
    visits.save_visits(of_groups(ctx, records))


def save_attendees(ctx: SyncContext, records: Sequence[Attendee], groups: Mapping[str, Any]) -> Touched:
    """Facts of attendees of group appointments; `groups` by id. The caller commits."""
    return _save(ctx, ATTENDEE, of_attendees(ctx, records, groups))


def learn_individual(ctx: SyncContext, records: Sequence[IndividualAppointment]) -> Touched:
    """Facts of individual appointments that nobody knows yet, before their attendees are read: what is known is more
    than this, or newer. The caller commits."""
    return _learn(of_individual(ctx, records, {}))


def learn_groups(ctx: SyncContext, records: Sequence[GroupAppointment]) -> None:
    """The same of group appointments. The caller commits."""
    _learn(of_groups(ctx, records))


def learn_attendees(ctx: SyncContext, records: Sequence[Attendee], groups: Mapping[str, Any]) -> Touched:
    """The same of attendees of group appointments. The caller commits."""
    return _learn(of_attendees(ctx, records, groups))


def of_individual(
    ctx: SyncContext, records: Sequence[IndividualAppointment], attendees: Mapping[str, Attendee]
) -> list[dict[str, Any]]:
    """The facts of individual appointments as rows; `attendees` by appointment id."""
    whose = survivors_of(ctx, records)
    rows = []
    for record in records:
        attendee = attendees.get(record.id)
        status, case_id = word(appointment_state(record, attendee)), appointment_case_id(record, attendee)
        rows.append(_row(ctx, INDIVIDUAL, record, status, whose.get(record.patient_id or ""), case_id))
    return rows


def of_groups(ctx: SyncContext, records: Sequence[GroupAppointment]) -> list[dict[str, Any]]:
    """The same of group appointments."""
    return [_row(ctx, GROUP, r, "removed" if is_removed(r) else "booked", None, None) for r in records]


def of_attendees(ctx: SyncContext, records: Sequence[Attendee], groups: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same of attendees of group appointments; `groups` by id."""
    whose = survivors_of(ctx, records)
    rows = []
    for record in records:
        group, patient = groups[record.booking_id or ""], whose.get(record.patient_id or "")
        row = _row(ctx, ATTENDEE, group, word(attendee_state(record, group)), patient, record.patient_case_id)
        rows.append({**row, "cliniko_id": record.id, "booking_id": group.id})
    return rows


def differs(row: Mapping[str, Any], before: Visit | None) -> bool:
    """Do these facts say something else than what is stored?"""
    return before is None or any(getattr(before, name) != row[name] for name in _COMPARED)


def survivors_of(ctx: SyncContext, records: Sequence[Any]) -> dict[str, str]:
    """{patient of one of these records: who that is after all merges}."""
    return people.survivors(ctx.connection_id, {r.patient_id for r in records if r.patient_id})


def follow_merges(ctx: SyncContext, patient_ids: Collection[str]) -> None:
    """Those of these patients that were merged into another: their visits and invoices are the survivor's, whose
    summary tells of them. The caller commits."""
    moved = {p: s for p, s in people.survivors(ctx.connection_id, patient_ids).items() if p != s}
    if moved:
        visits.follow_merges(ctx.connection_id, moved)
        summaries.touch(ctx.hub_id, ctx.connection_id, set(moved.values()))


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


def _save(ctx: SyncContext, kind: str, rows: list[dict[str, Any]]) -> Touched:
    known = visits.by_id(ctx.connection_id, kind, [row["cliniko_id"] for row in rows])
    touched = Touched()
    changed = []
    for row in rows:
        before = known.get(row["cliniko_id"])
        if not differs(row, before):
            continue
        changed.append(row)
        touched.patients |= {p for p in (row["patient_id"], before and before.patient_id) if p}
        if before is None or (before.status, before.case_id) != (row["status"], row["case_id"]):
            touched.cases |= {c for c in (row["case_id"], before and before.case_id) if c}
    visits.save_visits(changed)
    return touched


def _learn(rows: list[dict[str, Any]]) -> Touched:
    new = visits.keep_new_visits(rows)
    learned = [row for row in rows if row["cliniko_id"] in new]
    return Touched(
        {row["patient_id"] for row in learned if row["patient_id"]},
        {row["case_id"] for row in learned if row["case_id"]},
    )
