"""The reconcile: a full walk by id of every list on both sides, which finds what polling and writes have missed.

It runs like a stream, under a lease and cursors of its own, and resumes at any point. The first walk finds and has
repaired: it queues records for their own streams, which stay the only ones that write them. When those are done a
second walk counts both sides again, and what it counts is the proof. A first walk that finds nothing is the proof.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType

from jobs.sync import appointment_reads as reads
from jobs.sync import (
    causes,
    contacts,
    patients,
    reconcile_associations,
    reconcile_gone,
    reconcile_invoices,
    reconcile_keys,
    reconcile_people,
    reconcile_visits,
)
from jobs.sync.appointment_reads import LISTERS
from jobs.sync.context import NotYet, SyncContext
from jobs.sync.deal_settling import DEAL_KINDS
from jobs.sync.reconcile_lists import PREFIX, is_done, walked
from jobs.sync.reconcile_report import FIND, REMOVE, REPAIR, Report
from webapp.clients.cliniko import resources, resources_deals
from webapp.clients.cliniko.resources_deals import HIDDEN_BY
from webapp.clients.errors import Forbidden
from webapp.clock import now
from webapp.store import accounts, comparing, cursors, proofs, streams
from webapp.store.visits import ATTENDEE, GROUP, INDIVIDUAL

STREAM = proofs.RECONCILE
# A walk that was interrupted for longer than this says nothing about now.
STALE = timedelta(hours=20)
# The second walk begins when the repairs are done, or after this time.
REPAIRS_TAKE = timedelta(hours=3)
LOOK_AGAIN_SECONDS = 10
KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "patients": ("patient",),
        "contacts": ("contact",),
        "appointments": (GROUP, INDIVIDUAL, ATTENDEE),
        "invoices": ("invoice",),
    }
)
Step = Callable[[SyncContext, Report], None]

PATIENTS = walked("patients", "patients", "patient", resources.list_patients, ("archived_at",))
CONTACTS = walked("contacts", "contacts", "contact", resources.list_contacts, contacts.HIDDEN)
VISITS = tuple(
    walked(name, "appointments", kind, LISTERS[name], HIDDEN_BY[name])
    for name, kind in (("group_appointments", GROUP), ("individual_appointments", INDIVIDUAL), ("attendees", ATTENDEE))
)
INVOICES = walked("invoices", "invoices", "invoice", resources_deals.list_invoices, HIDDEN_BY["invoices"])


def run_step(ctx: SyncContext) -> bool:
    """One execution: one page of one list, or a look whether the repairs are done. True when the proof is complete."""
    proof = proofs.under_way(ctx.hub_id)
    if proof is None or proof.started_at < now() - STALE:
        _begin(ctx)
        return False
    report = Report(proof.report)
    if report.phase == REMOVE:
        if not reconcile_gone.step(ctx, report):
            _begin_repairs(ctx, report)
        return False
    if report.phase == REPAIR:
        _begin_verifying(ctx, report)
        return False
    turn = _turn(ctx, report)
    if turn is not None:
        turn(ctx, report)
        return False
    return _end_walk(ctx, report)


def on_reread(ctx: SyncContext) -> None:
    """Settings change nothing about what is compared; the caller commits."""
    streams.take_reread(ctx.hub_id, STREAM)


def next_run_at(hub_id: int) -> datetime:
    """The next night, by the account's clock."""
    return proofs.next_night(hub_id, accounts.get_account(hub_id).time_zone, now())


def wait_for(hub_id: int) -> list[str]:
    """The streams whose repairs a reconcile under way waits for; none while it has something to do itself."""
    proof = proofs.under_way(hub_id)
    return Report(proof.report).streams if proof is not None and Report(proof.report).phase == REPAIR else []


def _begin(ctx: SyncContext) -> None:
    """Compare the streams that are on and have been through once; of the others there is nothing to prove yet."""
    states = {state.stream: state for state in streams.stream_states(ctx.hub_id)}
    known = {name for name, state in states.items() if state.state != "stopped" and state.last_success_at}
    wanted = [name for name in KINDS if name in known and getattr(ctx.settings, f"sync_{name}")]
    wanted = [name for name in wanted if name in ctx.pipelines or name not in ("appointments", "invoices")]
    last = proofs.last(ctx.hub_id)
    history = states.get("history")
    report = Report.begin(
        now(),
        wanted,
        history=history is not None and history.state == "finished",
        seen_before=last.started_at if last is not None else None,
        stored=last.report.get("stored_differently", ()) if last is not None else (),
    )
    ctx.keeper.guard()
    cursors.restart_all(ctx.connection_id, PREFIX)
    proofs.begin(ctx.hub_id, report.raw)
    ctx.commit()


def _steps(ctx: SyncContext, report: Report) -> dict[str, Step]:
    """The walks of this account, by name and in order: first people, because deals are about them."""
    steps: dict[str, Step] = {}
    if "patients" in report.streams:
        steps[PATIENTS.name] = partial(reconcile_people.step, which=PATIENTS, lists=patients.LISTS)
    if "contacts" in report.streams:
        steps[CONTACTS.name] = partial(reconcile_people.step, which=CONTACTS, lists=contacts.LISTS)
    if steps:
        steps[reconcile_keys.CONTACTS] = reconcile_keys.contacts
    if "appointments" in report.streams:
        for which, step in zip(
            VISITS, (reconcile_visits.groups, reconcile_visits.individual, reconcile_visits.attendees), strict=True
        ):
            steps[which.name] = partial(step, which=which)
    if "invoices" in report.streams:
        steps[INVOICES.name] = partial(reconcile_invoices.step, which=INVOICES)
    of_deals = [kind for kind in DEAL_KINDS if reconcile_keys.STREAMS[kind] in report.streams]
    if of_deals:
        steps[reconcile_keys.DEALS] = reconcile_keys.deals
    for kind in of_deals:
        name = f"associations.{kind}"
        steps[name] = partial(reconcile_associations.step, name=name, kind=kind)
    return steps


def _turn(ctx: SyncContext, report: Report) -> Step | None:
    """The walk whose turn it is; None when all have come to their end."""
    places = cursors.all_of(ctx.connection_id)
    for name, step in _steps(ctx, report).items():
        if is_done(places.get(f"{PREFIX}{name}")):
            continue
        if reads.forbidden(ctx, name):
            report.cannot_read(name)
            continue
        return partial(_guarded, name=name, step=step)
    return None


def _guarded(ctx: SyncContext, report: Report, name: str, step: Step) -> None:
    """A list that the key may not read is told of, and left out."""
    try:
        step(ctx, report)
    except Forbidden as error:
        if error.service != "cliniko":
            raise
        ctx.access[name] = "forbidden"


def _end_walk(ctx: SyncContext, report: Report) -> bool:
    """All lists have been walked."""
    if report.phase == FIND and report.end_find():
        _save(ctx, report)
        return False
    ctx.keeper.guard()
    proofs.save(ctx.hub_id, report.result(), finished=True)
    ctx.commit()
    return True


def _begin_repairs(ctx: SyncContext, report: Report) -> None:
    """Ask the streams to do now what was queued for them."""
    report.repair_until(now() + REPAIRS_TAKE)
    _save(ctx, report)
    streams.request_run(ctx.hub_id, report.streams)


def _begin_verifying(ctx: SyncContext, report: Report) -> None:
    """Walk again once nothing is left to repair. Raises NotYet until then."""
    moment = now()
    if _repairs_left(ctx, report, moment) and report.may_wait(moment):
        raise NotYet(causes.BUSY, LOOK_AGAIN_SECONDS)
    report.begin_verify()
    ctx.keeper.guard()
    cursors.restart_all(ctx.connection_id, PREFIX)
    proofs.save(ctx.hub_id, report.raw)
    ctx.commit()


def _repairs_left(ctx: SyncContext, report: Report, moment: datetime) -> int:
    """What the streams still have to do. One that was stopped or switched off meanwhile does nothing."""
    halted = {state.stream for state in streams.stream_states(ctx.hub_id) if state.state in ("off", "stopped")}
    running = [stream for stream in report.streams if stream not in halted]
    left = comparing.work_due(ctx.connection_id, [kind for stream in running for kind in KINDS[stream]], moment)
    if {"appointments", "invoices"} & set(running):
        left += comparing.summaries_due(ctx.connection_id, moment)
    return left


def _save(ctx: SyncContext, report: Report) -> None:
    ctx.keeper.guard()
    proofs.save(ctx.hub_id, report.raw)
    ctx.commit()
