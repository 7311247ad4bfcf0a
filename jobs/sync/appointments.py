"""The appointments stream: its lists and the steps of one cycle. Its siblings have the same names.

A cycle first looks at what entered the window, because time moved or the setting grew, then at what changed: in
appointments, in attendees and in cases, each by every time column that may move alone. Then come work items and due
issues, then the visit summaries.
"""

from jobs.sync import appointment_pages as pages
from jobs.sync import causes, summaries
from jobs.sync.appointment_reads import LISTERS
from jobs.sync.context import NotYet, SyncContext
from jobs.sync.patient_contacts import know_patients
from jobs.sync.reading import PolledList
from jobs.sync.visit_facts import refresh_lists
from webapp.clients.cliniko.resources_deals import HIDDEN_BY
from webapp.store import cursors, ledger, streams
from webapp.store.visits import ATTENDEE, INDIVIDUAL

STREAM = "appointments"
KINDS = (INDIVIDUAL, ATTENDEE)


def _polled(name: str) -> tuple[PolledList, ...]:
    """One cursor for each time column that may move alone."""
    columns = ("updated_at", *HIDDEN_BY[name])
    return tuple(PolledList(f"{name}.{column}", LISTERS[name], column, HIDDEN_BY[name]) for column in columns)


def _window(name: str) -> PolledList:
    return PolledList(f"{name}.window", LISTERS[name], None, HIDDEN_BY[name])


WINDOW_INDIVIDUAL = _window("individual_appointments")
WINDOW_GROUP = _window("group_appointments")
INDIVIDUAL_LISTS = _polled("individual_appointments")
GROUP_LISTS = _polled("group_appointments")
ATTENDEE_LISTS = _polled("attendees")
CASE_LISTS = _polled("patient_cases")

STEPS: tuple[tuple[PolledList, pages.Step], ...] = (
    (WINDOW_INDIVIDUAL, pages.window_of_individual),
    (WINDOW_GROUP, pages.window_of_groups),
    *((polled, pages.individual_page) for polled in INDIVIDUAL_LISTS),
    *((polled, pages.group_page) for polled in GROUP_LISTS),
    *((polled, pages.attendee_page) for polled in ATTENDEE_LISTS),
    *((polled, pages.case_page) for polled in CASE_LISTS),
)


def run_step(ctx: SyncContext) -> bool:
    """One execution: at most 100 deals of the list whose turn it is. True when the cycle has nothing left to do."""
    if STREAM not in ctx.pipelines:
        raise NotYet(causes.NO_PIPELINE, 900)
    if not know_patients(ctx):
        return False
    places = cursors.all_of(ctx.connection_id)
    for polled, step in STEPS:
        place = places.get(polled.name)
        if (place is not None and place.done_cycle >= ctx.cycle_no) or not pages.readable(ctx, polled):
            continue
        if polled.column is not None and (place is None or place.window_start is None) and not pages.walking(place):
            pages.begin(ctx, polled, WINDOW_INDIVIDUAL)
            continue
        step(ctx, polled)
        # Only lists in which nothing happened are read one after the other.
        if any(ctx.counts.get(name) for name in ("read", "unchanged", "issues")):
            return False
    if pages.due_step(ctx) or summaries.step(ctx):
        return False
    refresh_lists(ctx)
    return True


def on_reread(ctx: SyncContext) -> None:
    """A setting asked for a full re-read: every linked or waiting deal becomes a work item; the caller commits."""
    ledger.reread_linked(ctx.hub_id, ctx.connection_id, KINDS, ctx.began)
    summaries.start_over(ctx)
    streams.take_reread(ctx.hub_id, STREAM)
