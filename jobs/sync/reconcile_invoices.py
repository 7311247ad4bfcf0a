"""Invoices in Cliniko against the facts of the ledger and against their deals, to the cent."""

from decimal import Decimal

from jobs.mapping.invoice import map_invoice
from jobs.mapping.money import money, to_cents
from jobs.mapping.records_deals import DealContext, InvoiceFacts
from jobs.mapping.window import invoice_in_scope, invoice_scope
from jobs.sync import invoices, reconcile_deals, reconcile_lists
from jobs.sync.context import SyncContext
from jobs.sync.erased import without_erased
from jobs.sync.reconcile_deals import AMOUNT, DealPage, Expected
from jobs.sync.reconcile_lists import WalkedList
from jobs.sync.reconcile_report import CHANGED, STATUS, UNKNOWN, Report
from jobs.sync.seen import changed_at
from webapp.clients.cliniko.records_deals import Invoice
from webapp.clock import now
from webapp.store import comparing, visits


def step(ctx: SyncContext, report: Report, which: WalkedList) -> None:
    """One page of invoices."""

    def known(low: str | None, high: str | None) -> set[str]:
        waiting = comparing.links_between(ctx.connection_id, which.kind, low, high, ("waiting",))
        return comparing.bills_between(ctx.connection_id, low, high) | waiting

    def linked(low: str | None, high: str | None) -> set[str]:
        return comparing.links_between(ctx.connection_id, which.kind, low, high)

    found = reconcile_lists.look(ctx, report, which, known, linked)
    records: list[Invoice] = without_erased(ctx, found.records)
    since = reconcile_lists.covered_until(ctx, which.name)
    first_day = invoice_scope(now(), ctx.settings.invoice_days_back)
    stored = visits.bills_by_id(ctx.connection_id, [r.id for r in records])
    page = DealPage(invoices.STREAM, which.kind, found)
    page.lately = {r.id for r in records if reconcile_lists.changed_since(since, r)}
    page.changed = {r.id: moment for r in records if (moment := changed_at(r)) is not None}
    page.in_scope = {r.id for r in records if invoice_in_scope(first_day, r.issue_date)}
    for record, row in zip(records, invoices.bill_rows(ctx, records), strict=True):
        before = stored.get(record.id)
        if before is None:
            if report.history or record.id in page.in_scope:
                page.kinds[record.id] = UNKNOWN
        elif any(getattr(before, name) != value for name, value in row.items()):
            moved = (before.status, before.removed) != (row["status"], row["removed"])
            page.kinds[record.id] = STATUS if moved else CHANGED
        page.expected[record.id] = _expected(ctx, record)
    reconcile_deals.check(ctx, report, page)


def _expected(ctx: SyncContext, record: Invoice) -> Expected:
    mapped = map_invoice(record, facts=InvoiceFacts(), context=DealContext(ctx.cliniko_account_id))
    amount = money(mapped.values[AMOUNT])
    return Expected(mapped.stage.value, to_cents(amount) if amount is not None else Decimal(0))
