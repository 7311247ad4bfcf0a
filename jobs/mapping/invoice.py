"""A Cliniko invoice as the properties of a HubSpot deal."""

from decimal import Decimal

from jobs.mapping.catalogue_types import InvoiceStatus
from jobs.mapping.dates import hubspot_date, hubspot_datetime, parse_date
from jobs.mapping.money import is_unusable, money, money_text, to_cents
from jobs.mapping.patient import yes_no
from jobs.mapping.records import Problem
from jobs.mapping.records_deals import DealContext, InvoiceFacts, InvoiceRecord, MappedDeal
from jobs.mapping.text import clean_text
from jobs.mapping.urls import record_url
from jobs.mapping.visits import is_removed
from jobs.mapping.zones import midday

_STATUSES = {
    10: InvoiceStatus.OPEN,
    20: InvoiceStatus.PAID,
    30: InvoiceStatus.CLOSED,
    40: InvoiceStatus.OPEN_CREDIT,
}
_NAMED = {status.value.casefold(): status for status in InvoiceStatus}
NOTHING = "0.00"

_PROPERTIES = (
    "cliniko_key",
    "dealname",
    "closedate",
    "amount",
    "deal_currency_code",
    "cliniko_invoice_id",
    "cliniko_invoice_number",
    "cliniko_invoice_url",
    "cliniko_invoice_status",
    "cliniko_invoice_issue_date",
    "cliniko_invoice_closed_at",
    "cliniko_invoice_net_amount",
    "cliniko_invoice_tax_amount",
    "cliniko_invoice_discount",
    "cliniko_invoice_total",
    "cliniko_invoice_appointment_id",
    "cliniko_invoice_removed",
)


def invoice_property_names() -> tuple[str, ...]:
    """Every HubSpot property that `map_invoice` returns."""
    return _PROPERTIES


def invoice_key(cliniko_account_id: str, invoice_id: str) -> str:
    """The unique key of an invoice's deal."""
    return f"{cliniko_account_id}:invoice:{invoice_id}"


def invoice_status(invoice: InvoiceRecord) -> InvoiceStatus | None:
    """Closed once removed; else by Cliniko's code, else by its words; None for one that is new to us."""
    if is_removed(invoice):
        return InvoiceStatus.CLOSED
    if invoice.status is not None and invoice.status in _STATUSES:
        return _STATUSES[invoice.status]
    return _NAMED.get(clean_text(invoice.status_description).casefold())


def paid_amount(invoice: InvoiceRecord) -> Decimal | None:
    """What this invoice adds to the patient's lifetime value: its total while it is paid and not removed."""
    if invoice_status(invoice) is not InvoiceStatus.PAID:
        return None
    total = money(invoice.total_amount)
    return None if total is None else to_cents(total)


def map_invoice(invoice: InvoiceRecord, *, facts: InvoiceFacts, context: DealContext) -> MappedDeal[InvoiceStatus]:
    """The same invoice and context always give the same values. A removed invoice counts for nothing in the pipeline;
    its own figures stay readable."""
    removed, status = is_removed(invoice), invoice_status(invoice)
    total, number = money_text(invoice.total_amount), clean_text(invoice.number)
    name = (f"Invoice #{number}" if number else "Invoice", clean_text(facts.patient_name))
    issued, closed = parse_date(invoice.issue_date), hubspot_datetime(invoice.closed_at)
    values = {
        "cliniko_key": invoice_key(context.cliniko_account_id, invoice.id),
        "dealname": clean_text(" | ".join(part for part in name if part)),
        "closedate": closed or hubspot_datetime(issued and midday(issued, facts.time_zone)),
        "amount": NOTHING if removed else total,
        "deal_currency_code": clean_text(context.deal_currency),
        "cliniko_invoice_id": invoice.id,
        "cliniko_invoice_number": number,
        "cliniko_invoice_url": record_url(context.subdomain, context.shard, "invoices", invoice.id),
        "cliniko_invoice_status": status.value if status else "",
        "cliniko_invoice_issue_date": hubspot_date(issued),
        "cliniko_invoice_closed_at": closed,
        "cliniko_invoice_net_amount": money_text(invoice.net_amount),
        "cliniko_invoice_tax_amount": money_text(invoice.tax_amount),
        "cliniko_invoice_discount": money_text(invoice.discounted_amount),
        "cliniko_invoice_total": total,
        "cliniko_invoice_appointment_id": invoice.appointment_id or "",
        "cliniko_invoice_removed": yes_no(removed),
    }
    # A status that we do not know yet: closed if it was closed, else still open.
    stage = status or (InvoiceStatus.CLOSED if closed else InvoiceStatus.OPEN)
    return MappedDeal(values, stage, _problems(invoice, status))


def _problems(invoice: InvoiceRecord, status: InvoiceStatus | None) -> tuple[Problem, ...]:
    problems: list[Problem] = []
    if status is None:
        problems.append(
            Problem(
                "cliniko_invoice_status",
                "UNKNOWN_STATUS",
                "This invoice has a status that CRMConnect does not know. Its deal is kept as open or closed.",
            )
        )
    for name, value in (
        ("cliniko_invoice_net_amount", invoice.net_amount),
        ("cliniko_invoice_tax_amount", invoice.tax_amount),
        ("cliniko_invoice_discount", invoice.discounted_amount),
        ("cliniko_invoice_total", invoice.total_amount),
    ):
        if is_unusable(value):
            problems.append(
                Problem(name, "INVALID_AMOUNT", "This amount is not a number. Check the invoice in Cliniko.")
            )
    return tuple(problems)
