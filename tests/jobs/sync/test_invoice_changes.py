"""What becomes of invoices in Cliniko, and of their deals: forwards and backwards, to the cent."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.jobs.sync.practice import DAY, Practice, text
from webapp.clock import now
from webapp.sandbox.cliniko import actions

INVOICE = "invoice"


@pytest.fixture
def practice(clinic) -> Practice:
    clinic.account.switches.touch_on_archive = False
    return Practice(clinic)


def issued(days_ago: int) -> str:
    return (now() - timedelta(days=days_ago)).date().isoformat()


def test_the_four_stages_and_back(practice):
    ana = practice.patient("Ana")
    bill = practice.invoice(ana, number=77)
    practice.sync()
    deal = practice.deal(bill, INVOICE)
    assert deal is not None
    assert (deal["dealname"], deal["pipeline"], deal["amount"]) == (
        "Invoice #77 | Ana Ruiz",
        "cliniko_invoices",
        "110.00",
    )
    assert deal["closedate"].startswith(issued(1)), "issued yesterday at midday in Sydney"
    assert practice.patients_of(bill, INVOICE) == [ana]
    for status, stage in ((20, "paid"), (30, "closed"), (40, "open_credit"), (10, "open"), (20, "paid")):
        actions.set_invoice(practice.account, bill, status)
        practice.sync("invoices")
        deal = practice.deal(bill, INVOICE)
        assert deal is not None
        assert practice.stage(bill, INVOICE) == stage
        closed = practice.row("invoices", bill)["closed_at"]
        assert deal.get("cliniko_invoice_closed_at", "")[:19] == (closed or "")[:19]
        if closed:
            assert deal["closedate"][:19] == closed[:19]
    contact = practice.clinic.contact_of(ana)
    assert contact is not None and contact["cliniko_lifetime_value"] == "110.00"
    assert len(practice.clinic.deals()) == 1


def test_totals_to_the_cent(practice):
    ana = practice.patient()
    totals = ["0.0", "0.005", "19.99", "33.335", "1234567.89", "100", "0.1", "-45.5"]
    bills = [practice.invoice(ana, total, status=20) for total in totals]
    practice.sync()
    shown = [(practice.deal(bill, INVOICE) or {})["amount"] for bill in bills]
    assert shown == ["0.00", "0.01", "19.99", "33.34", "1234567.89", "100.00", "0.10", "-45.50"]
    contact = practice.clinic.contact_of(ana)
    assert contact is not None
    assert Decimal(contact["cliniko_lifetime_value"]) == sum(Decimal(text) for text in shown)
    practice.edit("invoices", bills[0], total_amount="0.01", net_amount="0.01", tax_amount="0.0")
    practice.sync("invoices")
    deal = practice.deal(bills[0], INVOICE)
    assert deal is not None
    amounts = [deal[f"cliniko_invoice_{n}"] for n in ("total", "net_amount", "tax_amount", "discount")]
    assert (deal["amount"], amounts) == ("0.01", ["0.01", "0.01", "0.00", "0.00"])


@pytest.mark.parametrize("column", ["archived_at", "deleted_at"])
def test_removed_and_back(practice, column):
    ana = practice.patient()
    bill = practice.invoice(ana, "75.0", status=20)
    practice.sync()
    practice.edit("invoices", bill, touch=False, **{column: text(now())})
    practice.sync("invoices")
    deal = practice.deal(bill, INVOICE)
    assert deal is not None
    assert (practice.stage(bill, INVOICE), deal["amount"]) == ("closed", "0.00")
    assert (deal["cliniko_invoice_removed"], deal["cliniko_invoice_total"]) == ("true", "75.00")
    contact = practice.clinic.contact_of(ana)
    assert contact is not None and "cliniko_lifetime_value" not in contact
    practice.edit("invoices", bill, **{column: None})
    practice.sync("invoices")
    deal = practice.deal(bill, INVOICE)
    assert deal is not None
    assert (practice.stage(bill, INVOICE), deal["amount"], deal["cliniko_invoice_removed"]) == (
        "paid",
        "75.00",
        "false",
    )


def test_without_appointment_practitioner_patient_or_number(practice):
    ana = practice.patient("Ana")
    visit = practice.appointment(ana, now() - DAY)
    full = practice.invoice(ana, appointment_id=visit)
    bare = practice.invoice(None, practitioner_id=None, business_id=None, number=None)
    practice.sync()
    deal, other = practice.deal(full, INVOICE), practice.deal(bare, INVOICE)
    assert deal is not None and other is not None
    assert (deal["cliniko_invoice_appointment_id"], deal["hubspot_owner_id"]) == (visit, practice.owner)
    assert other["dealname"] == "Invoice"
    assert "cliniko_invoice_appointment_id" not in other and "hubspot_owner_id" not in other
    assert practice.clinic.contacts_of_deal(other["id"]) == []


def test_only_what_was_issued_within_the_setting_and_what_is_linked(practice):
    ana = practice.patient()
    edge, older, ancient = (practice.invoice(ana, "10.0", status=20, issue_date=issued(d)) for d in (365, 366, 700))
    practice.sync()
    assert [practice.stage(b, INVOICE) for b in (edge, older, ancient)] == ["paid", None, None]
    contact = practice.clinic.contact_of(ana)
    assert contact is not None and contact["cliniko_lifetime_value"] == "10.00", "the others follow from the history"
    practice.sync()
    contact = practice.clinic.contact_of(ana)
    assert contact is not None and contact["cliniko_lifetime_value"] == "30.00"
    actions.set_invoice(practice.account, older, 30)
    practice.sync("invoices")
    assert practice.deal(older, INVOICE) is None, "changed, but too old"
    practice.clinic.set("invoice_days_back", 400)
    practice.sync("invoices")
    assert [practice.stage(b, INVOICE) for b in (older, ancient)] == ["closed", None]
    practice.clinic.set("invoice_days_back", 30)
    actions.set_invoice(practice.account, older, 20)
    practice.sync("invoices")
    assert practice.stage(older, INVOICE) == "paid", "once linked it is followed"
    assert len(practice.clinic.deals()) == 2, "shrinking removes nothing"


def test_another_patient_is_billed(practice):
    ana, bo = practice.patient("Ana"), practice.patient("Bo")
    bill = practice.invoice(ana, "50.0", status=20)
    practice.sync()
    practice.edit("invoices", bill, patient_id=bo)
    practice.sync("invoices")
    deal = practice.deal(bill, INVOICE)
    assert deal is not None and deal["dealname"].endswith("| Bo Ruiz")
    assert practice.patients_of(bill, INVOICE) == [bo]
    values = [(practice.clinic.contact_of(p) or {}).get("cliniko_lifetime_value") for p in (ana, bo)]
    assert values == [None, "50.00"]
