"""Visits: group appointments, individual appointments and attendees in Cliniko against the facts of the ledger.

Whether a patient came is told by attendees, everything else by appointments, and each has a list of its own. Where one
of the two seems to say something else than the ledger, both are read by id before it is called a difference.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.mapping.catalogue import AppointmentStatus
from jobs.mapping.visits import attendee_state, is_removed
from jobs.mapping.window import Window, scope
from jobs.sync import appointment_reads as reads
from jobs.sync import reconcile_deals, reconcile_lists, visit_index
from jobs.sync.context import SyncContext
from jobs.sync.erased import without_erased
from jobs.sync.history import KnownGroup
from jobs.sync.reconcile_deals import DealPage, Expected
from jobs.sync.reconcile_lists import Look, WalkedList
from jobs.sync.reconcile_report import CHANGED, STATUS, UNKNOWN, Report
from jobs.sync.seen import changed_at
from jobs.sync.visit_facts import STATUSES
from webapp.clients.cliniko.records_deals import Attendee, IndividualAppointment
from webapp.clock import now
from webapp.store import comparing, cursors, streams, visits
from webapp.store.models_visits import Visit
from webapp.store.visits import ATTENDEE, GROUP, INDIVIDUAL

STREAM = "appointments"
Row = dict[str, Any]


def groups(ctx: SyncContext, report: Report, which: WalkedList) -> None:
    """One page of group appointments. They have no deals; what differs is read again with all attendees."""
    found = _look(ctx, report, which)
    known = visits.by_id(ctx.connection_id, GROUP, [r.id for r in found.records])
    window = _window(ctx)
    kinds: dict[str, str] = {}
    for row in visit_index.of_groups(ctx, found.records):
        kind = _difference(row, known.get(row["cliniko_id"]), window, history=report.history)
        if kind is not None:
            kinds[row["cliniko_id"]] = kind
    different = reconcile_lists.differ(found.numbers, kinds, _lately(ctx, which, found.records))
    ctx.count("read", len(found.records))
    reconcile_lists.end_page(ctx, report, found, {GROUP: sorted(different)})


def individual(ctx: SyncContext, report: Report, which: WalkedList) -> None:
    """One page of individual appointments, with their deals."""
    found = _look(ctx, report, which)
    records = without_erased(ctx, found.records)
    known = visits.by_id(ctx.connection_id, INDIVIDUAL, [r.id for r in records])
    rows = {row["cliniko_id"]: row for row in visit_index.of_individual(ctx, records, {})}
    doubtful = [r for r in records if (v := known.get(r.id)) is not None and _may_differ(rows[r.id], r, v)]
    rows |= _exact(ctx, doubtful)
    settled = {r.id for r in records} - {r.id for r in doubtful}
    page = _page(ctx, report, which, found, records)
    window = _window(ctx)
    for record in records:
        row, before = rows[record.id], known.get(record.id)
        kind = None if before is not None and record.id in settled else _difference(row, before, window, report.history)
        if kind is not None:
            page.kinds[record.id] = kind
        stage = before.status if before is not None and kind is None else row["status"]
        page.expected[record.id] = Expected(_stage(stage))
    page.in_scope = {r.id for r in records if r.starts_at in window}
    reconcile_deals.check(ctx, report, page)


def attendees(ctx: SyncContext, report: Report, which: WalkedList) -> None:
    """One page of attendees: of individual appointments whether the patient came, of classes the deals."""
    found = _look(ctx, report, which)
    records: list[Attendee] = without_erased(ctx, found.records)
    bookings = {r.booking_id for r in records if r.booking_id}
    singles = visits.by_id(ctx.connection_id, INDIVIDUAL, bookings)
    classes = {i: KnownGroup(v) for i, v in visits.by_id(ctx.connection_id, GROUP, bookings).items()}
    of_classes = [r for r in records if r.booking_id in classes]
    known = visits.by_id(ctx.connection_id, ATTENDEE, [r.id for r in of_classes])
    page = _page(ctx, report, which, found, records)
    window = _window(ctx)
    for row in visit_index.of_attendees(ctx, of_classes, classes):
        kind = _difference(row, known.get(row["cliniko_id"]), window, report.history)
        if kind is not None:
            page.kinds[row["cliniko_id"]] = kind
        page.expected[row["cliniko_id"]] = Expected(_stage(row["status"]))
    page.in_scope = {r.id for r in of_classes if classes[r.booking_id or ""].starts_at in window}
    if report.history and not reads.forbidden(ctx, "group_appointments"):
        # Everything is known, so an attendee of an unknown appointment is news.
        strangers = {r.id for r in records if r.booking_id and r.booking_id not in {*singles, *classes}}
        page.kinds |= dict.fromkeys(strangers, UNKNOWN)
    page.others[INDIVIDUAL] = _arrivals(ctx, report, page, [r for r in records if r.booking_id in singles], singles)
    reconcile_deals.check(ctx, report, page)


def _look(ctx: SyncContext, report: Report, which: WalkedList) -> Look:
    def known(low: str | None, high: str | None) -> set[str]:
        waiting = comparing.links_between(ctx.connection_id, which.kind, low, high, ("waiting",))
        return comparing.visits_between(ctx.connection_id, which.kind, low, high) | waiting

    def linked(low: str | None, high: str | None) -> set[str]:
        return comparing.links_between(ctx.connection_id, which.kind, low, high)

    return reconcile_lists.look(ctx, report, which, known, linked)


def _page(ctx: SyncContext, report: Report, which: WalkedList, found: Look, records: Sequence[Any]) -> DealPage:
    changed = {record.id: moment for record in records if (moment := changed_at(record)) is not None}
    return DealPage(STREAM, which.kind, found, changed=changed, lately=_lately(ctx, which, records))


def _lately(ctx: SyncContext, which: WalkedList, records: Sequence[Any]) -> set[str]:
    since = reconcile_lists.covered_until(ctx, which.name)
    return {record.id for record in records if reconcile_lists.changed_since(since, record)}


def _window(ctx: SyncContext) -> Window:
    """Start times that the stream has already scanned: what is in there has a deal."""
    state = streams.get_stream(ctx.hub_id, STREAM)
    last = state.last_success_at if state is not None else None
    window = scope(now(), last, ctx.settings.individual_appointments_days_forward)
    edge = cursors.load(ctx.connection_id, ctx.hub_id, "individual_appointments.window").edge
    start = scope(now(), None, 1).start
    return Window(start, start if edge is None else min(window.end, edge))


def _difference(row: Row, before: Visit | None, window: Window, history: bool) -> str | None:
    """How a visit differs from its stored facts, or None. What nobody has learned yet is no difference."""
    if before is None:
        return UNKNOWN if history or row["starts_at"] in window else None
    if not visit_index.differs(row, before):
        return None
    return STATUS if row["status"] != before.status else CHANGED


def _may_differ(row: Row, record: IndividualAppointment, before: Visit) -> bool:
    """An appointment without its attendee: does it say something that the stored facts do not?"""
    alone = row["status"]
    if alone == "booked":
        # The attendee may know more.
        alone = before.status if before.status in ("arrived", "did_not_arrive") else alone
    case_id = row["case_id"] or before.case_id
    return visit_index.differs({**row, "status": alone, "case_id": case_id}, before)


def _exact(ctx: SyncContext, appointments: Sequence[IndividualAppointment]) -> dict[str, Row]:
    """{appointment: its facts} with their attendees, ≤ 50 in one call."""
    if not appointments:
        return {}
    found = reads.attendees_of(ctx, [appointment.id for appointment in appointments])
    rows = visit_index.of_individual(ctx, appointments, reads.of_bookings(found.records))
    return {row["cliniko_id"]: row for row in rows}


def _arrivals(
    ctx: SyncContext, report: Report, page: DealPage, records: Sequence[Attendee], singles: Mapping[str, Visit]
) -> set[str]:
    """Individual appointments whose attendee tells something else than their facts, but for those that the walk through
    the appointments themselves has found."""
    doubtful = {
        r.booking_id
        for r in records
        if r.booking_id and not is_removed(r) and _tells_otherwise(r, singles[r.booking_id])
    }
    if report.repairs:
        doubtful -= comparing.queued(ctx.connection_id, INDIVIDUAL, doubtful)
    found = reads.by_ids(ctx, "individual_appointments", sorted(doubtful))
    kinds: dict[str, str] = {}
    for cliniko_id, row in _exact(ctx, found.records).items():
        if visit_index.differs(row, singles[cliniko_id]):
            kinds[cliniko_id] = STATUS if row["status"] != singles[cliniko_id].status else CHANGED
    lately = {r.booking_id for r in records if r.id in page.lately and r.booking_id}
    return set(reconcile_lists.differ(page.look.numbers, kinds, lately))


def _tells_otherwise(record: Attendee, visit: Visit) -> bool:
    if visit.status == "removed":
        return False
    status = visit_index.word(attendee_state(record))
    if status == "booked" and record.arrived is None and visit.status == "booked":
        return False
    return status != visit.status or (record.patient_case_id or visit.case_id) != visit.case_id


def _stage(status: str) -> str:
    """The label of the stage in which a visit of this state stands."""
    return STATUSES.get(status, AppointmentStatus.CANCELLED).value
