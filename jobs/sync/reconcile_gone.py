"""Visits and invoices that are not in Cliniko any more: their deals are closed, as if they had been archived there."""

from collections.abc import Sequence
from dataclasses import replace

from jobs.mapping.catalogue_types import AppointmentStatus, InvoiceStatus
from jobs.mapping.digest import record_digest
from jobs.mapping.invoice import NOTHING
from jobs.mapping.records_deals import MappedDeal
from jobs.mapping.visits import REMOVED_REASON
from jobs.sync import deals, invoices, reconcile_lists, visit_index
from jobs.sync.appointment_reads import came_back
from jobs.sync.context import SyncContext
from jobs.sync.deal_items import DealItem, place_of
from jobs.sync.reconcile_report import Report
from jobs.sync.visit_index import Touched
from webapp.store import comparing, issues, ledger, proofs, summaries, visits
from webapp.store.visits import ATTENDEE, GROUP

AT_ONCE = 100
_VISIT = MappedDeal(
    {
        "cliniko_appointment_status": AppointmentStatus.CANCELLED.value,
        "cliniko_cancellation_reason": REMOVED_REASON,
    },
    AppointmentStatus.CANCELLED,
)
_INVOICE = MappedDeal(
    {
        "amount": NOTHING,
        "cliniko_invoice_status": InvoiceStatus.CLOSED.value,
        "cliniko_invoice_removed": "true",
    },
    InvoiceStatus.CLOSED,
)


def step(ctx: SyncContext, report: Report) -> bool:
    """Take care of ≤ 100 records that two looks did not find. False when none is left."""
    for name, numbers in report.gone():
        if reconcile_lists.too_many_gone(numbers):
            # A key that suddenly sees less, or an answer that is wrong: a person looks first.
            numbers.gone.clear()
        else:
            _remove(ctx, reconcile_lists.KINDS[name], numbers.gone[:AT_ONCE])
            del numbers.gone[:AT_ONCE]
        ctx.keeper.guard()
        report.called(ctx.counts)
        proofs.save(ctx.hub_id, report.raw)
        ctx.commit()
        return True
    return False


def _remove(ctx: SyncContext, kind: str, ids: Sequence[str]) -> None:
    if kind == GROUP:
        # The places in a class go with it.
        taken = visits.attendees_of(ctx.connection_id, ids)
        _remove(ctx, ATTENDEE, sorted({attendee for some in taken.values() for attendee in some}))
    else:
        _close_deals(ctx, kind, ids)
    ctx.keeper.guard()
    if kind == invoices.KIND:
        summaries.touch(ctx.hub_id, ctx.connection_id, comparing.remove_bills(ctx.connection_id, ids))
    else:
        patients, cases = comparing.remove_visits(ctx.connection_id, kind, ids)
        visit_index.follow_up(ctx, Touched(patients, cases), [(kind, i) for i in ids])
    came_back(ctx, kind, ids)
    issues.done_work(ctx.connection_id, kind, ids)
    ctx.commit()


def _close_deals(ctx: SyncContext, kind: str, ids: Sequence[str]) -> None:
    """Those that have a deal; one that waited for its patient's contact waits no longer."""
    stream, mapped = (invoices.STREAM, _INVOICE) if kind == invoices.KIND else ("appointments", _VISIT)
    links = ledger.by_cliniko(ctx.connection_id, kind, ids)
    of_stream = replace(ctx, stream=stream)
    items = [_item(of_stream, kind, i, mapped) for i, link in links.items() if link.state == "linked"]
    for start in range(0, len(items), AT_ONCE):
        deals.change_linked(of_stream, items[start : start + AT_ONCE])
    waiting = [i for i, link in links.items() if link.state == "waiting"]
    if waiting:
        ctx.keeper.guard()
        row = {"hub_id": ctx.hub_id, "connection_id": ctx.connection_id, "kind": kind, "state": "excluded"}
        ledger.put([{**row, "cliniko_id": i, "rule": "removed"} for i in waiting])
        ctx.commit()


def _item(
    ctx: SyncContext, kind: str, cliniko_id: str, mapped: MappedDeal[AppointmentStatus | InvoiceStatus]
) -> DealItem:
    item = DealItem(
        kind=kind,
        cliniko_id=cliniko_id,
        key=f"{ctx.cliniko_account_id}:{kind}:{cliniko_id}",
        patient_id=None,
        practitioner_id=None,
        mapped=mapped,
        updated_at=None,
        in_scope=False,
    )
    item.place = place_of(ctx, ctx.stream, mapped.stage.value)
    item.values = {name: value for name, value in mapped.values.items() if name in ctx.writable_deals}
    # Should the record come back, it reads otherwise than this.
    item.digest = record_digest(ctx.digest_key, item.values, "removed")
    return item
