"""The invoices stream: its lists, its mapping, and the steps of one cycle. Its siblings have the same names."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from jobs.mapping.catalogue_types import InvoiceStatus
from jobs.mapping.invoice import invoice_key, invoice_status, map_invoice
from jobs.mapping.money import money, to_cents
from jobs.mapping.visits import is_removed
from jobs.mapping.window import invoice_in_scope, invoice_scope
from jobs.sync import causes, deals, summaries
from jobs.sync.appointment_reads import Found, came_back, not_returned, reveals
from jobs.sync.context import NotYet, SyncContext
from jobs.sync.deal_items import DealItem
from jobs.sync.erased import without_erased
from jobs.sync.patient_contacts import find_contacts, know_patients
from jobs.sync.reading import PolledList, begin_from_now, read_next
from jobs.sync.seen import changed_at
from jobs.sync.visit_facts import deal_context, invoice_facts, practitioner_emails, practitioners, refresh_lists
from jobs.sync.visit_index import survivors_of
from jobs.sync.writing import open_unreadable_of
from webapp.clients.cliniko import filters
from webapp.clients.cliniko import resources_deals as resources
from webapp.clients.cliniko.records_deals import Invoice
from webapp.clients.cliniko.resources_deals import HIDDEN_BY
from webapp.clock import now
from webapp.store import cursors, issues, ledger, streams, visits
from webapp.store import summaries as summary_store

STREAM = "invoices"
KIND = "invoice"
HIDDEN = HIDDEN_BY["invoices"]
# Cliniko's number of each status, also where it said it in words.
_CODES: dict[InvoiceStatus | None, int] = {
    InvoiceStatus.OPEN: 10,
    InvoiceStatus.PAID: 20,
    InvoiceStatus.CLOSED: 30,
    InvoiceStatus.OPEN_CREDIT: 40,
}

WINDOW = PolledList("invoices.window", resources.list_invoices, None, HIDDEN)
UPDATED = PolledList("invoices.updated_at", resources.list_invoices, "updated_at", HIDDEN)
OTHERS = tuple(PolledList(f"invoices.{column}", resources.list_invoices, column, HIDDEN) for column in HIDDEN)


def run_step(ctx: SyncContext) -> bool:
    """One execution: at most 100 invoices of the list whose turn it is. True when the cycle has nothing left to do."""
    if STREAM not in ctx.pipelines:
        raise NotYet(causes.NO_PIPELINE, 900)
    if not know_patients(ctx):
        return False
    places = cursors.all_of(ctx.connection_id)
    window = places.get(WINDOW.name)
    if window is None or window.window_start is None:
        _window_step(ctx)
        return False
    for polled in (UPDATED, *OTHERS):
        place = places.get(polled.name)
        if place is not None and place.done_cycle >= ctx.cycle_no:
            continue
        if place is None or (place.window_start is None and place.last_id is None and place.run_start is None):
            # What is older than the window is learned in the background, without deals.
            ctx.keeper.guard()
            begin_from_now(ctx, polled, window)
            ctx.commit()
            continue
        page = read_next(ctx, polled)
        process_page(ctx, page.records, bad=page.bad, commit_cursor=page.commit)
        if page.records or not page.finished:
            return False
    if _due_step(ctx) or summaries.step(ctx):
        return False
    refresh_lists(ctx)
    return True


def on_reread(ctx: SyncContext) -> None:
    """A setting asked for a full re-read: the window is scanned again, and every linked or waiting deal becomes a work
    item; the caller commits."""
    cursors.restart(ctx.connection_id, WINDOW.name)
    ledger.reread_linked(ctx.hub_id, ctx.connection_id, (KIND,), ctx.began)
    summaries.start_over(ctx)
    streams.take_reread(ctx.hub_id, STREAM)


def process_page(
    ctx: SyncContext,
    records: Sequence[Invoice],
    *,
    bad: Sequence[tuple[str, str]] = (),
    forced: bool = False,
    commit_cursor: Callable[[], None] = lambda: None,
) -> None:
    """Take care of ≤ 100 invoices."""
    records = without_erased(ctx, records)
    ctx.keeper.guard()
    summary_store.touch(ctx.hub_id, ctx.connection_id, save_bills(ctx, records))
    ctx.commit()
    linked = ledger.by_cliniko(ctx.connection_id, KIND, [r.id for r in records])
    first_day = invoice_scope(now(), ctx.settings.invoice_days_back)
    wanted = [r for r in records if invoice_in_scope(first_day, r.issue_date, linked=r.id in linked)]
    contacts = find_contacts(ctx, {r.patient_id for r in wanted if r.patient_id})
    context = deal_context(ctx)
    staff = practitioners(ctx, {r.practitioner_id for r in wanted if r.practitioner_id}) if wanted else {}
    emails = practitioner_emails(ctx, staff)
    whose = {patient: contact.patient_id for patient, contact in contacts.items()}
    facts = invoice_facts(ctx, [(whose.get(r.patient_id or ""), r.business_id) for r in wanted])
    items = [
        DealItem(
            kind=KIND,
            cliniko_id=record.id,
            key=invoice_key(ctx.cliniko_account_id, record.id),
            patient_id=record.patient_id,
            practitioner_id=record.practitioner_id,
            practitioner_email=emails.get(record.practitioner_id or ""),
            mapped=map_invoice(record, facts=known, context=context),
            updated_at=changed_at(record),
            in_scope=True,
        )
        for record, known in zip(wanted, facts, strict=True)
    ]

    def commit() -> None:
        open_unreadable_of(ctx, STREAM, KIND, bad)
        came_back(ctx, KIND, [record.id for record in records])
        commit_cursor()

    deals.process(ctx, items, forced=forced, commit_cursor=commit)
    ctx.count("read", len(records))


def save_bills(ctx: SyncContext, records: Sequence[Invoice]) -> set[str]:
    """Facts of invoices; returns the patients for whom they differ from what was known. The caller commits."""
    rows = bill_rows(ctx, records)
    known = visits.bills_by_id(ctx.connection_id, [r.id for r in records])
    changed = []
    touched: set[str] = set()
    for row in rows:
        before = known.get(row["cliniko_id"])
        if before is not None and all(getattr(before, name) == value for name, value in row.items()):
            continue
        changed.append(row)
        touched |= {p for p in (row["patient_id"], before and before.patient_id) if p}
    visits.save_bills(changed)
    return touched


def learn_bills(ctx: SyncContext, records: Sequence[Invoice]) -> set[str]:
    """Facts of invoices that nobody knows yet: what is known may be newer. Returns their patients. The caller
    commits."""
    known = visits.bills_by_id(ctx.connection_id, [r.id for r in records])
    rows = [row for row in bill_rows(ctx, records) if row["cliniko_id"] not in known]
    visits.save_bills(rows)
    return {row["patient_id"] for row in rows if row["patient_id"]}


def bill_rows(ctx: SyncContext, records: Sequence[Invoice]) -> list[dict[str, Any]]:
    """The facts of invoices as rows."""
    whose = survivors_of(ctx, records)
    rows = []
    for record in records:
        total, status = money(record.total_amount), record.status
        rows.append(
            {
                "connection_id": ctx.connection_id,
                "cliniko_id": record.id,
                "hub_id": ctx.hub_id,
                "patient_id": whose.get(record.patient_id or ""),
                "status": status if status is not None else _CODES.get(invoice_status(record)),
                "total": to_cents(total) if total is not None else to_cents(Decimal(0)),
                "issue_date": record.issue_date,
                "removed": is_removed(record),
            }
        )
    return rows


def _window_step(ctx: SyncContext) -> None:
    """Every invoice issued in scope, once; and again when the scope was made longer."""
    first_day = invoice_scope(now(), ctx.settings.invoice_days_back)
    page = read_next(ctx, WINDOW, (filters.on_or_after("issue_date", first_day),))
    process_page(ctx, page.records, bad=page.bad, commit_cursor=page.commit)


def _due_step(ctx: SyncContext) -> bool:
    """Work items and issues whose time has come, ≤ 50 ids in one call. False when there was none."""
    ids = issues.due(ctx.connection_id, KIND, now(), limit=2 * filters.MAX_IDS)
    if not ids:
        return False
    found = Found()
    for start in range(0, len(ids), filters.MAX_IDS):
        part = ids[start : start + filters.MAX_IDS]
        page = resources.list_invoices(ctx.cliniko, q=[filters.id_in(part), *reveals(STREAM)])
        ctx.count("cliniko_reads")
        found.add(part, page)

    def settle() -> None:
        not_returned(ctx, KIND, found.missing)
        issues.worked_off(ctx.connection_id, KIND, set(ids) - found.missing, ctx.began)

    process_page(ctx, found.records, bad=found.bad, forced=True, commit_cursor=settle)
    return True
