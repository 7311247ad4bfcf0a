"""The steps of an appointments cycle: one page of one list each, or some work items."""

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Any

from jobs.mapping.visits import is_removed
from jobs.mapping.window import edge_kept, newly_entered
from jobs.sync import visit_deals, visit_index
from jobs.sync.context import SyncContext
from jobs.sync.reading import PolledList, begin_from_now, read_next
from jobs.sync.writing import open_unreadable_of
from webapp.clients.cliniko import filters
from webapp.clients.cliniko import resources_deals as resources
from webapp.clients.cliniko.client import Page
from webapp.clients.cliniko.records_deals import Attendee, GroupAppointment, IndividualAppointment
from webapp.clients.cliniko.resources_deals import HIDDEN_BY
from webapp.clients.errors import Forbidden
from webapp.clock import now
from webapp.store import cursors, issues, ledger, visits
from webapp.store.models_sync import Cursor
from webapp.store.visits import ATTENDEE, GROUP, INDIVIDUAL

Lister = Callable[..., Page[Any]]
Step = Callable[[SyncContext, PolledList], None]

# Groups whose attendees are read in one call; a page holds 100 attendees.
GROUPS_AT_ONCE = 10
SECOND = timedelta(seconds=1)


def readable(ctx: SyncContext, polled: PolledList) -> bool:
    """May the key read this list? Appointments themselves are tried in any case, so that the stream says so."""
    name = polled.name.partition(".")[0]
    return name == "individual_appointments" or ctx.access.get(name) != "forbidden"


def walking(place: Cursor | None) -> bool:
    """Is a walk of this list under way?"""
    return place is not None and (place.run_start is not None or place.last_id is not None)


def begin(ctx: SyncContext, polled: PolledList, window: Cursor) -> None:
    """Changes are followed from the moment at which the first scan of the window began. What is older is learned in the
    background, without deals."""
    ctx.keeper.guard()
    begin_from_now(ctx, polled, window)
    ctx.commit()


def window_of_individual(ctx: SyncContext, polled: PolledList) -> None:
    """Individual appointments that newly entered the window."""
    scanned = _window_page(ctx, polled)
    if scanned is None:
        return
    page, commit = scanned
    _individual(ctx, page.records, page.bad, commit)


def window_of_groups(ctx: SyncContext, polled: PolledList) -> None:
    """Group appointments that newly entered the window; their attendees become work items."""
    try:
        scanned = _window_page(ctx, polled)
    except Forbidden:
        ctx.access["group_appointments"] = "forbidden"
        return
    if scanned is None:
        return
    page, commit = scanned
    _groups(ctx, page.records, page.bad, commit)


def individual_page(ctx: SyncContext, polled: PolledList) -> None:
    """Individual appointments that changed."""
    page = read_next(ctx, polled)
    _individual(ctx, page.records, page.bad, page.commit)


def group_page(ctx: SyncContext, polled: PolledList) -> None:
    """Group appointments that changed."""
    page = read_next(ctx, polled)
    _groups(ctx, page.records, page.bad, page.commit)


def attendee_page(ctx: SyncContext, polled: PolledList) -> None:
    """Attendees that changed: one of an individual appointment only feeds that appointment's deal."""
    page = read_next(ctx, polled)
    _attendees(ctx, page.records, page.bad, page.commit)


def case_page(ctx: SyncContext, polled: PolledList) -> None:
    """Cases that changed: their linked visits are written again."""
    page = read_next(ctx, polled)
    found = visits.of_cases(ctx.connection_id, [case.id for case in page.records])
    ctx.keeper.guard()
    for kind in (INDIVIDUAL, ATTENDEE):
        ids = {cliniko_id for rows in found.values() for k, cliniko_id, _ in rows if k == kind}
        linked = [i for i, row in ledger.by_cliniko(ctx.connection_id, kind, ids).items() if row.state == "linked"]
        issues.add_work(ctx.hub_id, ctx.connection_id, kind, linked, "case")
    page.commit()
    ctx.commit()


def due_step(ctx: SyncContext) -> bool:
    """Work items and issues whose time has come. False when there was none."""
    moment = now()
    groups = issues.due(ctx.connection_id, GROUP, moment, limit=GROUPS_AT_ONCE)
    if groups:
        _due_groups(ctx, groups)
        return True
    attendees = issues.due(ctx.connection_id, ATTENDEE, moment, limit=filters.MAX_IDS)
    if attendees:
        page = _by_ids(ctx, resources.list_attendees, "attendees", attendees)
        _settled(ctx, ATTENDEE, attendees, page)
        _attendees(ctx, page.records, page.bad, _worked_off(ctx, ATTENDEE, attendees), forced=True)
        return True
    individual = issues.due(ctx.connection_id, INDIVIDUAL, moment, limit=filters.MAX_IDS)
    if individual:
        page = _by_ids(ctx, resources.list_individual_appointments, "individual_appointments", individual)
        _settled(ctx, INDIVIDUAL, individual, page)
        _individual(ctx, page.records, page.bad, _worked_off(ctx, INDIVIDUAL, individual), forced=True)
        return True
    return False


def _window_page(ctx: SyncContext, polled: PolledList) -> tuple[Any, Callable[[], None]] | None:
    """The next page of a scan of what entered the window, and how to move the cursor; None when nothing did."""
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
        place = cursors.load(ctx.connection_id, ctx.hub_id, polled.name)
    assert place.edge is not None and place.target is not None
    page = read_next(ctx, polled, filters.between("starts_at", place.edge, place.target + SECOND))

    def commit() -> None:
        page.commit()
        if page.finished:
            ended = cursors.load(ctx.connection_id, ctx.hub_id, polled.name)
            ended.edge, ended.target = ended.target, None

    return page, commit


def _individual(
    ctx: SyncContext,
    records: Sequence[IndividualAppointment],
    bad: Sequence[tuple[str, str]],
    commit: Callable[[], None],
    *,
    forced: bool = False,
) -> None:
    attendees = _of_bookings(_attendees_at(ctx, [r.id for r in records]))
    visit_deals.process_individual(
        ctx, records, attendees, forced=forced, commit_cursor=_with_bad(ctx, INDIVIDUAL, bad, commit)
    )
    ctx.count("read", len(records))


def _groups(
    ctx: SyncContext,
    records: Sequence[GroupAppointment],
    bad: Sequence[tuple[str, str]],
    commit: Callable[[], None],
) -> None:
    ctx.keeper.guard()
    visit_index.save_groups(ctx, records)
    issues.add_work(ctx.hub_id, ctx.connection_id, GROUP, [r.id for r in records], "changed")
    _with_bad(ctx, GROUP, bad, commit)()
    ctx.commit()
    ctx.count("read", len(records))


def _attendees(
    ctx: SyncContext,
    records: Sequence[Attendee],
    bad: Sequence[tuple[str, str]],
    commit: Callable[[], None],
    *,
    forced: bool = False,
) -> None:
    bookings = {r.booking_id for r in records if r.booking_id}
    kinds = _kinds(ctx, bookings)
    singles = sorted(b for b in bookings if kinds.get(b) == INDIVIDUAL)
    if singles:
        appointments = _all_by_ids(ctx, resources.list_individual_appointments, "individual_appointments", singles)
        mine = _of_bookings([r for r in records if r.booking_id in kinds])
        visit_deals.process_individual(ctx, appointments, mine, forced=forced)
    groups = _groups_by_id(ctx, [b for b in bookings if kinds.get(b) == GROUP])
    of_groups = [r for r in records if r.booking_id in groups]
    visit_deals.process_attendees(
        ctx, of_groups, groups, forced=forced, commit_cursor=_with_bad(ctx, ATTENDEE, bad, commit)
    )
    ctx.count("read", len(records))


def _due_groups(ctx: SyncContext, ids: Sequence[str]) -> None:
    """All attendees of some group appointments, as many groups at once as fit one page of attendees."""
    chosen = list(ids)
    while True:
        page = _attendee_page(ctx, chosen, None)
        if page.next_page is None or len(chosen) == 1:
            break
        chosen = chosen[: len(chosen) // 2]
    attendees = list(page.records)
    while page.next_page is not None and page.records:
        # A single class with more than 100 places taken over time.
        page = _attendee_page(ctx, chosen, page.records[-1].id)
        attendees += page.records
    groups = _groups_by_id(ctx, chosen)
    for start in range(0, len(attendees), 100):
        part = [a for a in attendees[start : start + 100] if a.booking_id in groups]
        visit_deals.process_attendees(ctx, part, groups, forced=True)
    ctx.keeper.guard()
    issues.done_work(ctx.connection_id, GROUP, chosen)
    issues.postpone(ctx.connection_id, GROUP, set(chosen) - groups.keys())
    ctx.commit()


def _attendee_page(ctx: SyncContext, bookings: Sequence[str], after: str | None) -> Page[Attendee]:
    conditions = [filters.id_in(bookings, "booking_id"), *_reveals("attendees")]
    if after is not None:
        conditions.append(filters.after_id(after))
    ctx.count("cliniko_reads")
    return resources.list_attendees(ctx.cliniko, q=conditions)


def _attendees_at(ctx: SyncContext, bookings: Sequence[str]) -> list[Attendee]:
    """Every attendee of these individual appointments, ≤ 50 appointments in one call."""
    found: list[Attendee] = []
    if ctx.access.get("attendees") == "forbidden":
        return found
    for start in range(0, len(bookings), filters.MAX_IDS):
        part = bookings[start : start + filters.MAX_IDS]
        after: str | None = None
        while True:
            try:
                page = _attendee_page(ctx, part, after)
            except Forbidden:
                ctx.access["attendees"] = "forbidden"
                return []
            found += page.records
            if page.next_page is None or not page.records:
                break
            after = page.records[-1].id
    return found


def _of_bookings(attendees: Sequence[Attendee]) -> dict[str, Attendee]:
    """{appointment: its attendee}; one that was taken away counts only while there is no other, the newest first."""
    ranked = sorted(attendees, key=lambda a: (not is_removed(a), int(a.id)))
    return {a.booking_id: a for a in ranked if a.booking_id}


def _kinds(ctx: SyncContext, bookings: Collection[str]) -> dict[str, str]:
    """{booking: individual or group appointment}, from the ledger, else asked for, ≤ 50 in one call."""
    kinds = dict.fromkeys(visits.by_id(ctx.connection_id, INDIVIDUAL, bookings), INDIVIDUAL)
    kinds |= dict.fromkeys(visits.by_id(ctx.connection_id, GROUP, bookings), GROUP)
    unknown = sorted(set(bookings) - kinds.keys())
    for booking in _all_by_ids(ctx, resources.list_bookings, "bookings", unknown):
        if booking.kind != "block":
            kinds[booking.id] = INDIVIDUAL if booking.kind == "individual" else GROUP
    return kinds


def _groups_by_id(ctx: SyncContext, ids: Collection[str]) -> dict[str, GroupAppointment]:
    found = _all_by_ids(ctx, resources.list_group_appointments, "group_appointments", sorted(ids))
    if found:
        ctx.keeper.guard()
        visit_index.save_groups(ctx, found)
        ctx.commit()
    return {group.id: group for group in found}


def _all_by_ids(ctx: SyncContext, lister: Lister, name: str, ids: Sequence[str]) -> list[Any]:
    found: list[Any] = []
    for start in range(0, len(ids), filters.MAX_IDS):
        found += _by_ids(ctx, lister, name, ids[start : start + filters.MAX_IDS]).records
    return found


def _by_ids(ctx: SyncContext, lister: Lister, name: str, ids: Sequence[str]) -> Page[Any]:
    ctx.count("cliniko_reads")
    return lister(ctx.cliniko, q=[filters.id_in(ids), *_reveals(name)])


def _reveals(name: str) -> list[str]:
    return [filters.reveal(column) for column in HIDDEN_BY[name]]


def _settled(ctx: SyncContext, kind: str, ids: Sequence[str], page: Page[Any]) -> None:
    """What Cliniko did not return is asked for again later; nothing is concluded from that. Commits."""
    missing = set(ids) - {record.id for record in page.records} - {bad_id for bad_id, _ in page.bad}
    if missing:
        ctx.keeper.guard()
        issues.done_work(ctx.connection_id, kind, missing)
        issues.postpone(ctx.connection_id, kind, missing)
        ctx.commit()


def _worked_off(ctx: SyncContext, kind: str, ids: Sequence[str]) -> Callable[[], None]:
    """The last transaction of due records: also those that make no deal any more are not due again at once."""

    def commit() -> None:
        issues.worked_off(ctx.connection_id, kind, ids)

    return commit


def _with_bad(
    ctx: SyncContext, kind: str, bad: Sequence[tuple[str, str]], commit: Callable[[], None]
) -> Callable[[], None]:
    def both() -> None:
        open_unreadable_of(ctx, ctx.stream, kind, bad)
        commit()

    return both
