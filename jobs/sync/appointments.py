"""The appointments stream: its lists and the steps of one cycle. Its siblings have the same names.

A cycle first looks at what entered the window, because time moved or the setting grew, then at what changed: in
appointments, in attendees and in cases, each by every time column that may move alone. Then come work items and due
issues, then the visit summaries.
"""

from jobs.sync import appointment_pages as pages
from jobs.sync import causes, summaries
from jobs.sync.context import NotYet, SyncContext
from jobs.sync.reading import PolledList
from webapp.clients.cliniko import resources_deals as resources
from webapp.clients.cliniko.resources_deals import HIDDEN_BY
from webapp.clock import now
from webapp.store import cursors, ledger, streams
from webapp.store.visits import ATTENDEE, INDIVIDUAL

STREAM = "appointments"
KINDS = (INDIVIDUAL, ATTENDEE)
# What deals and summaries are made from besides the visits themselves.
LISTS_BEHIND = {
    "appointment_types",
    "appointment_type_billable_items",
    "billable_items",
    "taxes",
    "concession_prices",
    "practitioners",
    "users",
    "businesses",
    "owners",
}


def _polled(name: str, lister: pages.Lister) -> tuple[PolledList, ...]:
    columns = ("updated_at", *HIDDEN_BY[name])
    return tuple(PolledList(f"{name}.{column}", lister, column, HIDDEN_BY[name]) for column in columns)


WINDOW_INDIVIDUAL = PolledList(
    "individual_appointments.window",
    resources.list_individual_appointments,
    None,
    HIDDEN_BY["individual_appointments"],
)
WINDOW_GROUP = PolledList(
    "group_appointments.window", resources.list_group_appointments, None, HIDDEN_BY["group_appointments"]
)
INDIVIDUAL_LISTS = _polled("individual_appointments", resources.list_individual_appointments)
GROUP_LISTS = _polled("group_appointments", resources.list_group_appointments)
ATTENDEE_LISTS = _polled("attendees", resources.list_attendees)
CASE_LISTS = _polled("patient_cases", resources.list_patient_cases)

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
    places = cursors.all_of(ctx.connection_id)
    start = places.get(WINDOW_INDIVIDUAL.name)
    for polled, step in STEPS:
        place = places.get(polled.name)
        if (place is not None and place.done_cycle >= ctx.cycle_no) or not pages.readable(ctx, polled):
            continue
        if polled.column is not None and (place is None or place.window_start is None) and not pages.walking(place):
            assert start is not None, "the window is scanned first"
            pages.begin(ctx, polled, start)
        else:
            step(ctx, polled)
        return False
    if pages.due_step(ctx) or summaries.step(ctx):
        return False
    _catch_up_lists(ctx)
    return True


def on_reread(ctx: SyncContext) -> None:
    """A setting asked for a full re-read: every linked or waiting deal becomes a work item; the caller commits."""
    ledger.reread_linked(ctx.hub_id, ctx.connection_id, KINDS, now())
    summaries.start_over(ctx)
    streams.take_reread(ctx.hub_id, STREAM)


def _catch_up_lists(ctx: SyncContext) -> None:
    """A name, price or owner changed in a list behind the deals: they are written again where that matters."""
    if ctx.changed_lists & LISTS_BEHIND:
        streams.ask_reread(ctx.hub_id, [STREAM])
