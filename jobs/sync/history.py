"""Learns the whole history of visits and invoices once, in the background, for the visit summary. No deals are made.

One page per execution, at low priority and resumable at any point; live streams go first.
"""

from collections.abc import Callable, Sequence
from typing import Any

from jobs.mapping.visits import attendee_state, is_removed
from jobs.sync import invoices, visit_index
from jobs.sync.context import SyncContext
from jobs.sync.erased import without_erased
from jobs.sync.list_changes import VISIT_KINDS
from jobs.sync.reading import PolledList, read_next
from webapp.clients.cliniko import resources_deals as resources
from webapp.clients.cliniko.records_deals import Attendee
from webapp.clients.cliniko.resources_deals import HIDDEN_BY
from webapp.clients.errors import Forbidden
from webapp.clock import now
from webapp.store import cursors, ledger, streams, summaries, visits
from webapp.store.models_visits import Visit
from webapp.store.visits import GROUP, INDIVIDUAL

STREAM = "history"
# The lists that tell of visits.
VISITS = ("individual_appointments", "attendees")

Keep = Callable[[SyncContext, Sequence[Any]], None]


def _whole(name: str, lister: Callable[..., Any]) -> PolledList:
    return PolledList(f"history.{name}", lister, None, HIDDEN_BY[name])


def run_step(ctx: SyncContext) -> bool:
    """One page of the list whose turn it is. True when everything is known."""
    places = cursors.all_of(ctx.connection_id)
    for polled, keep in STEPS:
        place = places.get(polled.name)
        name = polled.name.partition(".")[2]
        if (place is not None and place.window_start is not None) or ctx.access.get(name) == "forbidden":
            continue
        try:
            page = read_next(ctx, polled)
        except Forbidden:
            ctx.access[name] = "forbidden"
            return False
        ctx.keeper.guard()
        # A group appointment belongs to nobody; everything else to one patient.
        keep(ctx, page.records if name == "group_appointments" else without_erased(ctx, page.records))
        page.commit()
        if page.finished and name in VISITS:
            # Only now the sessions of a case can be counted in full.
            ledger.reread_with_case(ctx.hub_id, ctx.connection_id, VISIT_KINDS, now())
        ctx.count("read", len(page.records))
        ctx.commit()
        return False
    streams.finish_for_good(ctx.hub_id, STREAM)
    return True


def on_reread(ctx: SyncContext) -> None:
    """Settings change nothing about what happened."""


def progress(connection_id: int) -> tuple[int, int]:
    """(lists read, lists in all), for the dashboard."""
    places = cursors.all_of(connection_id)
    done = [p for p, _ in STEPS if p.name in places and places[p.name].window_start is not None]
    return len(done), len(STEPS)


def _individual(ctx: SyncContext, records: Sequence[Any]) -> None:
    touched = visit_index.learn_individual(ctx, records)
    summaries.touch(ctx.hub_id, ctx.connection_id, touched.patients)


def _groups(ctx: SyncContext, records: Sequence[Any]) -> None:
    visit_index.learn_groups(ctx, records)


def _attendees(ctx: SyncContext, records: Sequence[Attendee]) -> None:
    """Arrival of individual appointments, and the visits of group appointments, from what is known of both."""
    bookings = {r.booking_id for r in records if r.booking_id}
    singles = visits.by_id(ctx.connection_id, INDIVIDUAL, bookings)
    groups = visits.by_id(ctx.connection_id, GROUP, bookings)
    touched = _arrivals([r for r in records if r.booking_id in singles and not is_removed(r)], singles)
    found = visit_index.learn_attendees(
        ctx, [r for r in records if r.booking_id in groups], {i: KnownGroup(v) for i, v in groups.items()}
    )
    summaries.touch(ctx.hub_id, ctx.connection_id, touched | found.patients)


def _invoices(ctx: SyncContext, records: Sequence[Any]) -> None:
    summaries.touch(ctx.hub_id, ctx.connection_id, invoices.learn_bills(ctx, records))


def _arrivals(records: Sequence[Attendee], singles: dict[str, Visit]) -> set[str]:
    """An attendee of an individual appointment knows whether the patient came, and which case it belongs to. Returns
    the patients whose visits now stand otherwise."""
    touched: set[str] = set()
    rows = []
    for record in records:
        visit = singles[record.booking_id or ""]
        status = visit_index.word(attendee_state(record))
        if visit.status in ("removed", "cancelled") or (record.arrived is None and not record.cancelled_at):
            status = visit.status
        case_id = record.patient_case_id or visit.case_id
        if (status, case_id) == (visit.status, visit.case_id):
            continue
        columns = {c.name: getattr(visit, c.name) for c in Visit.__table__.columns}
        rows.append({**columns, "status": status, "case_id": case_id})
        if visit.patient_id:
            touched.add(visit.patient_id)
    visits.save_visits(rows)
    return touched


class KnownGroup:
    """A group appointment as the ledger knows it, in the shape of Cliniko's record."""

    def __init__(self, visit: Visit) -> None:
        self.id = visit.cliniko_id
        self.starts_at, self.ends_at = visit.starts_at, visit.ends_at
        self.appointment_type_id = visit.type_id
        self.practitioner_id, self.business_id = visit.practitioner_id, visit.business_id
        # Only whether it was removed is known, not when.
        self.archived_at = visit.starts_at if visit.status == "removed" else None
        self.deleted_at = None


STEPS: tuple[tuple[PolledList, Keep], ...] = (
    (_whole("individual_appointments", resources.list_individual_appointments), _individual),
    (_whole("group_appointments", resources.list_group_appointments), _groups),
    (_whole("attendees", resources.list_attendees), _attendees),
    (_whole("invoices", resources.list_invoices), _invoices),
)
