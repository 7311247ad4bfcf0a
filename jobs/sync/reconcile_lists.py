"""Reads whole lists of Cliniko by id, and finds out which records that we know are not there any more.

A record that a page should have held is asked for by its id, with everything revealed, before anything is said about
it; and where much is missing at once, the list is not believed at all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jobs.sync import cursor as rules
from jobs.sync.context import SyncContext
from jobs.sync.reading import PolledList, read_next
from jobs.sync.reconcile_report import GONE, INCOMPLETE, MOVING, NOT_IN_CLINIKO, UNREADABLE, Numbers, Report
from webapp.clients.cliniko import filters
from webapp.clock import now
from webapp.store import cursors, issues, proofs
from webapp.store.models_sync import Cursor
from webapp.store.visits import ATTENDEE, GROUP, INDIVIDUAL

# The names of all cursors of a reconcile begin with this.
PREFIX = "reconcile."
# The record kind that the ledger has for each list of the calendar and of invoices.
KINDS = {
    "group_appointments": GROUP,
    "individual_appointments": INDIVIDUAL,
    "attendees": ATTENDEE,
    "invoices": "invoice",
}
# More missing records than this in the range of one page are no removals but a list that is not whole.
MOST_MISSING = 100
# Of one list no more are taken for removed than this many, or this share of what is linked, whichever is more.
MOST_GONE = 20
GONE_SHARE = 0.05
_TIMES = ("updated_at", "archived_at", "cancelled_at", "deleted_at")

Between = Callable[[str | None, str | None], set[str]]


@dataclass(frozen=True)
class WalkedList:
    """A list of Cliniko that is walked whole. `name` is Cliniko's, `stream` whose records it holds, `kind` the ledger's
    word for them."""

    name: str
    stream: str
    kind: str
    polled: PolledList

    @property
    def cursor(self) -> str:
        return self.polled.name


@dataclass
class Look:
    """One page, with the records that were asked for by id: what is there, what is not, and how to go on.

    `departed` are linked records that Cliniko does not have any more, `gone` those among all known ones of which that
    is news."""

    numbers: Numbers
    records: list[Any]
    finished: bool
    commit: Callable[[], None]
    bad: set[str] = field(default_factory=set)
    departed: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)


def walked(name: str, stream: str, kind: str, lister: Callable[..., Any], reveals: tuple[str, ...]) -> WalkedList:
    """A list with its own cursor."""
    return WalkedList(name, stream, kind, PolledList(f"{PREFIX}{name}", lister, None, reveals))


def is_done(place: Cursor | None) -> bool:
    """Has this list been walked to its end?"""
    return place is not None and place.window_start is not None


def look(ctx: SyncContext, report: Report, which: WalkedList, known: Between, linked: Between) -> Look:
    """The next page of a list. `known` gives the ids between two that should be in Cliniko, `linked` those that have a
    HubSpot record. Raises the client's errors; nothing changes before `commit`."""
    place = cursors.load(ctx.connection_id, ctx.hub_id, which.cursor)
    after, page_no, pass_no = place.last_id, place.next_page, place.pass_no
    page = read_next(ctx, which.polled)
    in_order = page_no is None and rules.is_ordered([record.id for record in page.records], after)
    if not in_order and (after is not None or pass_no == 1):
        # Another order than by id: pages are followed, and only the second time through counts.
        report.reset(which.name)
        return Look(Numbers({}), [], page.finished, page.commit)
    bad = {bad_id for bad_id, _ in page.bad if bad_id}
    numbers = report.numbers(which.name, which.stream)
    found = Look(numbers, list(page.records), page.finished, page.commit, bad)
    numbers.keep(UNREADABLE, len(page.bad))
    if in_order:
        here = {record.id for record in page.records} | bad
        last = None if page.finished else max(here, key=int)
        _ask_for_missing(ctx, which, found, known(after, last) - here, linked(after, last) - here)
    return found


def covered_until(ctx: SyncContext, list_name: str) -> datetime | None:
    """Up to when polling has taken care of what changed in this list."""
    place = cursors.load(ctx.connection_id, ctx.hub_id, f"{list_name}.updated_at")
    return place.window_start


def changed_since(moment: datetime | None, *records: Any) -> bool:
    """Did any of these records change so lately that polling is still to see it?"""
    times = [getattr(record, name, None) for record in records if record is not None for name in _TIMES]
    return moment is None or any(at is not None and at >= moment for at in times)


def differ(numbers: Numbers, kinds: Mapping[str, str], lately: set[str]) -> dict[str, str]:
    """{id: kind of difference} without those that changed so lately that their stream takes care of them by itself."""
    moving = kinds.keys() & lately
    numbers.keep(MOVING, len(moving))
    real = {cliniko_id: kind for cliniko_id, kind in kinds.items() if cliniko_id not in moving}
    for kind in real.values():
        numbers.differ(kind)
    return real


def end_page(ctx: SyncContext, report: Report, found: Look, work: Mapping[str, Sequence[str]]) -> None:
    """The last transaction of a page: what its streams have to look at, what was counted, and the cursor. Commits."""
    if report.repairs:
        found.numbers.gone.extend(sorted(found.gone, key=int))
    found.numbers.differ(GONE, len(found.gone))
    found.numbers.keep(NOT_IN_CLINIKO, len(found.departed))
    ctx.keeper.guard()
    add_work(ctx, report, work)
    found.commit()
    report.called(ctx.counts)
    proofs.save(ctx.hub_id, report.raw)
    ctx.commit()


def end_step(ctx: SyncContext, report: Report, name: str, after: str | None) -> None:
    """The end of the last transaction of a page that is not Cliniko's: the next one begins after this. None ends the
    walk. Commits."""
    report.numbers(name).raw["after"] = after
    if after is None:
        cursors.load(ctx.connection_id, ctx.hub_id, f"{PREFIX}{name}").window_start = now()
    report.called(ctx.counts)
    proofs.save(ctx.hub_id, report.raw)
    ctx.commit()


def add_work(ctx: SyncContext, report: Report, work: Mapping[str, Sequence[str]]) -> None:
    """Have the streams look at these records ({kind: Cliniko ids}); the caller commits."""
    if report.repairs:
        for kind, ids in work.items():
            issues.add_work(ctx.hub_id, ctx.connection_id, kind, ids, "reconcile")


def too_many_gone(numbers: Numbers) -> bool:
    """Is so much missing that the list is rather to be doubted than believed?"""
    return len(numbers.gone) > max(MOST_GONE, GONE_SHARE * int(numbers.raw.get("cliniko", 0)))


def _ask_for_missing(ctx: SyncContext, which: WalkedList, found: Look, missing: set[str], linked: set[str]) -> None:
    """A second look at what the page should have held."""
    wanted = sorted(missing, key=int)
    if len(wanted) > MOST_MISSING:
        found.numbers.differ(INCOMPLETE)
        return
    absent: set[str] = set()
    for start in range(0, len(wanted), filters.MAX_IDS):
        part = wanted[start : start + filters.MAX_IDS]
        conditions = [filters.id_in(part), *(filters.reveal(column) for column in which.polled.reveals)]
        page = which.polled.lister(ctx.cliniko, q=conditions, page=1, sort="id")
        ctx.count("cliniko_reads")
        here = {record.id for record in page.records} | {bad_id for bad_id, _ in page.bad}
        if page.next_page is not None or (page.total is not None and page.total > len(page.records) + len(page.bad)):
            # Not the whole answer: what it leaves out may be there.
            found.numbers.differ(INCOMPLETE)
        else:
            absent |= set(part) - here
        found.records += page.records
        found.bad |= {bad_id for bad_id, _ in page.bad}
    found.gone = absent
    found.departed = (linked - missing) | (linked & absent)
