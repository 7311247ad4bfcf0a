"""The steps of an appointments cycle: one page of one list each, or some work items."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from jobs.mapping.visits import is_removed
from jobs.mapping.window import edge_kept, newly_entered
from jobs.sync import appointment_reads as reads
from jobs.sync import seen, visit_deals, visit_index
from jobs.sync.context import SyncContext
from jobs.sync.reading import PolledList, Slice, begin_from_now, read_next
from jobs.sync.visit_deals import CASE
from jobs.sync.writing import open_unreadable_of
from webapp.clients.cliniko import filters
from webapp.clients.cliniko.records_deals import Attendee, GroupAppointment, IndividualAppointment
from webapp.clients.errors import Forbidden
from webapp.clock import now
from webapp.store import cursors, issues, ledger, visits
from webapp.store.models_sync import Cursor
from webapp.store.visits import ATTENDEE, GROUP, INDIVIDUAL

Step = Callable[[SyncContext, PolledList], None]
Bad = Sequence[tuple[str, str]]
Commit = Callable[[], None]

# How many attendees one execution takes on, and how many a group is taken to have while nothing is known of it.
MOST_ATTENDEES = 100
GUESSED_ATTENDEES = 4
SECOND = timedelta(seconds=1)


def list_name(polled: PolledList) -> str:
    """The Cliniko list that this cursor follows."""
    return polled.name.partition(".")[0]


def readable(ctx: SyncContext, polled: PolledList) -> bool:
    """May the key read this list? Appointments themselves are tried in any case, so that the stream says so."""
    name = list_name(polled)
    return name == reads.NEEDED or not reads.forbidden(ctx, name)


def walking(place: Cursor | None) -> bool:
    """Is a walk of this list under way?"""
    return place is not None and (place.run_start is not None or place.last_id is not None)


def begin(ctx: SyncContext, polled: PolledList, window: PolledList) -> None:
    """Changes are followed from the moment at which the first scan of the window began. What is older is learned in the
    background, without deals."""
    ctx.keeper.guard()
    begin_from_now(ctx, polled, cursors.load(ctx.connection_id, ctx.hub_id, window.name))
    ctx.commit()


def window_of_individual(ctx: SyncContext, polled: PolledList) -> None:
    """Individual appointments that newly entered the window."""
    page = _window_page(ctx, polled)
    if page is not None:
        _individual(ctx, page.records, page.bad, page.commit)


def window_of_groups(ctx: SyncContext, polled: PolledList) -> None:
    """Group appointments that newly entered the window; their attendees become work items."""
    page = _window_page(ctx, polled)
    if page is not None:
        _groups(ctx, page.records, page.bad, page.commit)


def individual_page(ctx: SyncContext, polled: PolledList) -> None:
    """Individual appointments that changed."""
    page = _read(ctx, polled)
    if page is not None:
        _individual(ctx, _fresh(ctx, INDIVIDUAL, page), page.bad, page.commit)


def group_page(ctx: SyncContext, polled: PolledList) -> None:
    """Group appointments that changed."""
    page = _read(ctx, polled)
    if page is not None:
        _groups(ctx, _fresh(ctx, GROUP, page), page.bad, page.commit)


def attendee_page(ctx: SyncContext, polled: PolledList) -> None:
    """Attendees that changed: one of an individual appointment only feeds that appointment's deal."""
    page = _read(ctx, polled)
    if page is not None:
        _attendees(ctx, _fresh(ctx, ATTENDEE, page), page.bad, page.commit)


def case_page(ctx: SyncContext, polled: PolledList) -> None:
    """Cases that changed: their linked visits are written again."""
    page = _read(ctx, polled)
    if page is None:
        return
    fresh = _fresh(ctx, CASE, page)
    found = visits.of_cases(ctx.connection_id, [case.id for case in fresh])
    seen.forget(ctx, CASE, [case.id for case in fresh])
    ctx.keeper.guard()
    for kind in (INDIVIDUAL, ATTENDEE):
        ids = {cliniko_id for rows in found.values() for k, cliniko_id, _ in rows if k == kind}
        linked = [i for i, row in ledger.by_cliniko(ctx.connection_id, kind, ids).items() if row.state == "linked"]
        issues.add_work(ctx.hub_id, ctx.connection_id, kind, linked, "case")
    page.commit()
    ctx.commit()
    seen.remember(ctx, CASE, fresh)
    ctx.count("read", len(fresh))


def due_step(ctx: SyncContext) -> bool:
    """Work items and issues whose time has come. False when there was none."""
    moment = now()
    groups = issues.due(ctx.connection_id, GROUP, moment, limit=filters.MAX_IDS)
    if groups:
        _due_groups(ctx, groups)
        return True
    for name, take_care in (("attendees", _attendees), ("individual_appointments", _individual)):
        kind = reads.KINDS[name]
        ids = issues.due(ctx.connection_id, kind, moment, limit=2 * filters.MAX_IDS)
        if ids:
            found = reads.by_ids(ctx, name, ids)
            take_care(ctx, found.records, found.bad, _worked_off(ctx, kind, ids, found), forced=True)
            return True
    return False


def _read(
    ctx: SyncContext, polled: PolledList, extra: Sequence[str] = (), ended: Commit = lambda: None
) -> Slice | None:
    """The next page with records. None when none is left, the cursor having moved to the end; and for a list that the
    key may not read, which is left out from then on. `ended` belongs into the last transaction of a walk."""
    while True:
        try:
            page = read_next(ctx, polled, extra)
        except Forbidden as error:
            reads.close_list(ctx, list_name(polled), error)
            return None
        commit = _and_then(page.commit, ended) if page.finished else page.commit
        if page.records or page.bad:
            return replace(page, commit=commit)
        ctx.keeper.guard()
        commit()
        ctx.commit()
        if page.finished:
            return None


def _fresh(ctx: SyncContext, kind: str, page: Slice) -> list[Any]:
    """The records of a page that differ from what was taken care of last."""
    fresh = seen.unseen(ctx, kind, page.records)
    ctx.count("unchanged", len(page.records) - len(fresh))
    return fresh


def _and_then(first: Commit, second: Commit) -> Commit:
    def both() -> None:
        first()
        second()

    return both


def _window_page(ctx: SyncContext, polled: PolledList) -> Slice | None:
    """The next page of a scan of what entered the window; None when nothing did."""
    place = cursors.load(ctx.connection_id, ctx.hub_id, polled.name)
    days = ctx.settings.individual_appointments_days_forward
    if place.target is None:
        edge = edge_kept(place.edge, now(), days)
        span = newly_entered(edge, now(), days)
        ctx.keeper.guard()
        if span is None:
            place.edge, place.done_cycle, place.done_at = edge, ctx.cycle_no, now()
            ctx.commit()
            return None
        place.edge, place.target = span.start, span.end
        ctx.commit()
    assert place.edge is not None and place.target is not None

    def ended() -> None:
        scanned = cursors.load(ctx.connection_id, ctx.hub_id, polled.name)
        scanned.edge, scanned.target = scanned.target, None

    return _read(ctx, polled, filters.between("starts_at", place.edge, place.target + SECOND), ended)


def _individual(
    ctx: SyncContext, records: Sequence[IndividualAppointment], bad: Bad, commit: Commit, *, forced: bool = False
) -> None:
    found = reads.attendees_of(ctx, [r.id for r in records])
    visit_deals.process_individual(
        ctx,
        records,
        reads.of_bookings(found.records),
        forced=forced,
        commit_cursor=_and_unread(ctx, [(INDIVIDUAL, bad), (ATTENDEE, found.bad)], commit),
    )
    ctx.count("read", len(records))


def _groups(ctx: SyncContext, records: Sequence[GroupAppointment], bad: Bad, commit: Commit) -> None:
    seen.forget(ctx, GROUP, [r.id for r in records])
    ctx.keeper.guard()
    visit_index.save_groups(ctx, records)
    issues.add_work(ctx.hub_id, ctx.connection_id, GROUP, [r.id for r in records], "changed")
    _and_unread(ctx, [(GROUP, bad)], commit)()
    ctx.commit()
    seen.remember(ctx, GROUP, records)
    ctx.count("read", len(records))


def _attendees(
    ctx: SyncContext, records: Sequence[Attendee], bad: Bad, commit: Commit, *, forced: bool = False
) -> None:
    bookings = {r.booking_id for r in records if r.booking_id}
    kinds, unknown = reads.kinds_of(ctx, bookings)
    singles = sorted(b for b in bookings if kinds.get(b) == INDIVIDUAL)
    gone = reads.Found(missing={r.id for r in records if r.booking_id in unknown})
    if singles:
        _feed_appointments(ctx, singles, [r for r in records if r.booking_id in singles], forced)
    groups, unread = reads.groups_by_id(ctx, [b for b in bookings if kinds.get(b) == GROUP])

    def both() -> None:
        reads.keep_unread(ctx, GROUP, unread)
        reads.keep_unread(ctx, ATTENDEE, gone)
        _and_unread(ctx, [(ATTENDEE, bad)], commit)()

    of_groups = [r for r in records if r.booking_id in groups]
    visit_deals.process_attendees(ctx, of_groups, groups, forced=forced, commit_cursor=both)
    ctx.count("read", len(records))


def _feed_appointments(ctx: SyncContext, ids: list[str], attendees: Sequence[Attendee], forced: bool) -> None:
    """Individual appointments whose attendee changed. An attendee that was taken away may have a successor."""
    found = reads.by_ids(ctx, "individual_appointments", ids)
    removed = sorted({a.booking_id for a in attendees if a.booking_id and is_removed(a)})
    others = reads.attendees_of(ctx, removed)
    visit_deals.process_individual(
        ctx,
        found.records,
        reads.of_bookings([*attendees, *others.records]),
        forced=forced,
        commit_cursor=lambda: reads.keep_unread(ctx, INDIVIDUAL, found),
    )
    seen.remember(ctx, ATTENDEE, [a for a in attendees if a.booking_id in {r.id for r in found.records}])


def _due_groups(ctx: SyncContext, ids: Sequence[str]) -> None:
    """All attendees of some group appointments, as many groups at once as fit one page of attendees."""
    chosen = _as_many_as_fit(ctx, ids)
    found = reads.attendees_of(ctx, chosen)
    groups, unread = reads.groups_by_id(ctx, chosen)
    known = {i for some in visits.attendees_of(ctx.connection_id, list(groups)).values() for i in some}
    missing = known - {a.id for a in found.records} - {bad_id for bad_id, _ in found.bad}
    for start in range(0, len(found.records), 100):
        part = [a for a in found.records[start : start + 100] if a.booking_id in groups]
        visit_deals.process_attendees(ctx, part, groups, forced=True)
    ctx.keeper.guard()
    reads.keep_unread(ctx, GROUP, unread)
    if not reads.forbidden(ctx, "attendees"):
        reads.keep_unread(ctx, ATTENDEE, reads.Found([], found.bad, missing))
    reads.came_back(ctx, GROUP, list(groups))
    issues.worked_off(ctx.connection_id, GROUP, chosen, ctx.began)
    ctx.commit()


def _as_many_as_fit(ctx: SyncContext, ids: Sequence[str]) -> list[str]:
    """The first of these groups whose attendees make one execution; at least one."""
    known = visits.attendees_of(ctx.connection_id, ids)
    chosen: list[str] = []
    seats = 0
    for group in ids:
        seats += len(known.get(group, ())) or GUESSED_ATTENDEES
        if chosen and seats > MOST_ATTENDEES:
            break
        chosen.append(group)
    return chosen


def _worked_off(ctx: SyncContext, kind: str, ids: Sequence[str], found: reads.Found) -> Commit:
    """The last transaction of due records: also those that make no deal any more are not due again at once."""

    def commit() -> None:
        reads.not_returned(ctx, kind, found.missing)
        issues.worked_off(ctx.connection_id, kind, set(ids) - found.missing, ctx.began)

    return commit


def _and_unread(ctx: SyncContext, bad: Sequence[tuple[str, Bad]], commit: Commit) -> Commit:
    def both() -> None:
        for kind, unreadable in bad:
            open_unreadable_of(ctx, ctx.stream, kind, unreadable)
        commit()

    return both
