"""Calendar records read by their ids, ≤ 50 in one call, and what becomes of those that Cliniko did not return."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from jobs.mapping.visits import is_removed
from jobs.sync import causes, visit_index
from jobs.sync.context import SyncContext
from jobs.sync.writing import open_unreadable_of
from webapp.clients.cliniko import filters
from webapp.clients.cliniko import resources_deals as resources
from webapp.clients.cliniko.client import Page
from webapp.clients.cliniko.records_deals import Attendee, GroupAppointment
from webapp.clients.cliniko.resources_deals import HIDDEN_BY
from webapp.clients.errors import Forbidden
from webapp.store import issues, visits
from webapp.store.visits import ATTENDEE, GROUP, INDIVIDUAL

Lister = Callable[..., Page[Any]]

LISTERS: Mapping[str, Lister] = MappingProxyType(
    {
        "individual_appointments": resources.list_individual_appointments,
        "group_appointments": resources.list_group_appointments,
        "attendees": resources.list_attendees,
        "bookings": resources.list_bookings,
        "patient_cases": resources.list_patient_cases,
    }
)
# Without these the stream has nothing to do; the others are left out where the key may not read them.
NEEDED = "individual_appointments"
KINDS = MappingProxyType({"individual_appointments": INDIVIDUAL, "group_appointments": GROUP, "attendees": ATTENDEE})


@dataclass
class Found:
    """What came back for some ids: records, unreadable ones with the reason, and ids that did not come at all."""

    records: list[Any] = field(default_factory=list)
    bad: list[tuple[str, str]] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)

    def add(self, ids: Sequence[str], page: Page[Any]) -> None:
        """One answer for these ids."""
        self.records += page.records
        self.bad += page.bad
        self.missing |= set(ids) - {record.id for record in page.records} - {bad_id for bad_id, _ in page.bad}


def forbidden(ctx: SyncContext, name: str) -> bool:
    """Is this list closed to the key's user?"""
    return ctx.access.get(name) == "forbidden"


def close_list(ctx: SyncContext, name: str, error: Forbidden) -> None:
    """The key may not read this list: the stream goes on without it. Raises for the one list that it is about."""
    if name == NEEDED or error.service != "cliniko":
        raise error
    ctx.access[name] = "forbidden"


def by_ids(ctx: SyncContext, name: str, ids: Sequence[str]) -> Found:
    """These records, hidden ones too. A list that the key may not read gives nothing and misses nothing."""
    found = Found()
    for start in range(0, len(ids), filters.MAX_IDS):
        part = ids[start : start + filters.MAX_IDS]
        if forbidden(ctx, name):
            break
        ctx.count("cliniko_reads")
        try:
            page = LISTERS[name](ctx.cliniko, q=[filters.id_in(part), *reveals(name)])
        except Forbidden as error:
            close_list(ctx, name, error)
            break
        found.add(part, page)
    return found


def keep_unread(ctx: SyncContext, kind: str, found: Found) -> None:
    """Nothing is concluded from what could not be read or did not come: it is asked for again. The caller commits."""
    open_unreadable_of(ctx, ctx.stream, kind, found.bad)
    not_returned(ctx, kind, found.missing)


def not_returned(ctx: SyncContext, kind: str, ids: Collection[str]) -> None:
    """Cliniko did not return these: an issue each, by whose times they are asked for again. The caller commits."""
    for cliniko_id in sorted(ids):
        issues.open_issue(ctx.hub_id, ctx.connection_id, ctx.stream, kind, cliniko_id, causes.NOT_RETURNED)
    issues.done_work(ctx.connection_id, kind, ids, ctx.began)
    ctx.count("issues", len(ids))


def came_back(ctx: SyncContext, kind: str, ids: Collection[str]) -> None:
    """These could be read. The caller commits."""
    issues.resolve(ctx.connection_id, kind, ids, causes=(causes.UNREADABLE, causes.NOT_RETURNED))


def attendees_of(ctx: SyncContext, bookings: Sequence[str]) -> Found:
    """Every attendee of these appointments, ≤ 50 appointments in one call."""
    found = Found()
    for start in range(0, len(bookings), filters.MAX_IDS):
        part = bookings[start : start + filters.MAX_IDS]
        after: str | None = None
        while not forbidden(ctx, "attendees"):
            try:
                page = attendee_page(ctx, part, after)
            except Forbidden as error:
                close_list(ctx, "attendees", error)
                break
            found.records += page.records
            found.bad += page.bad
            if page.next_page is None or not page.records:
                break
            after = page.records[-1].id
    return found


def attendee_page(ctx: SyncContext, bookings: Sequence[str], after: str | None) -> Page[Attendee]:
    """One page of the attendees of ≤ 50 appointments. Raises Forbidden."""
    conditions = [filters.id_in(bookings, "booking_id"), *reveals("attendees")]
    if after is not None:
        conditions.append(filters.after_id(after))
    ctx.count("cliniko_reads")
    return resources.list_attendees(ctx.cliniko, q=conditions)


def of_bookings(attendees: Sequence[Attendee]) -> dict[str, Attendee]:
    """{appointment: its attendee}; one that was taken away counts only while there is no other, the newest first."""
    ranked = sorted(attendees, key=lambda a: (not is_removed(a), int(a.id)))
    return {a.booking_id: a for a in ranked if a.booking_id}


def kinds_of(ctx: SyncContext, bookings: Collection[str]) -> tuple[dict[str, str], set[str]]:
    """{booking: individual or group appointment}, from the ledger, else asked for, ≤ 50 in one call; and the bookings
    of which nothing could be learned. Time that staff block is in neither."""
    kinds = dict.fromkeys(visits.by_id(ctx.connection_id, INDIVIDUAL, bookings), INDIVIDUAL)
    kinds |= dict.fromkeys(visits.by_id(ctx.connection_id, GROUP, bookings), GROUP)
    unknown = sorted(set(bookings) - kinds.keys())
    found = by_ids(ctx, "bookings", unknown)
    if forbidden(ctx, "bookings"):
        return _kinds_by_trying(ctx, kinds, unknown)
    for booking in found.records:
        if booking.kind != "block":
            kinds[booking.id] = INDIVIDUAL if booking.kind == "individual" else GROUP
    return kinds, found.missing | {bad_id for bad_id, _ in found.bad}


def _kinds_by_trying(ctx: SyncContext, kinds: dict[str, str], unknown: list[str]) -> tuple[dict[str, str], set[str]]:
    """The same where the list of all bookings is closed to the key: look in both lists."""
    rest = set(unknown)
    for name in ("individual_appointments", "group_appointments"):
        found = by_ids(ctx, name, sorted(rest))
        kinds |= dict.fromkeys((record.id for record in found.records), KINDS[name])
        rest = found.missing if not forbidden(ctx, name) else set()
    return kinds, rest


def groups_by_id(ctx: SyncContext, ids: Collection[str]) -> tuple[dict[str, GroupAppointment], Found]:
    """Group appointments by id, stored as facts; and what did not come."""
    found = by_ids(ctx, "group_appointments", sorted(ids))
    if found.records:
        ctx.keeper.guard()
        visit_index.save_groups(ctx, found.records)
        ctx.commit()
    return {group.id: group for group in found.records}, found


def reveals(name: str) -> list[str]:
    """Conditions that show every record of a list."""
    return [filters.reveal(column) for column in HIDDEN_BY[name]]
