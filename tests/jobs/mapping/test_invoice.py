from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.mapping.catalogue import DEALS, STANDARD, InvoiceStatus, properties_of
from jobs.mapping.dates import parse_datetime
from jobs.mapping.invoice import invoice_property_names, map_invoice, paid_amount
from jobs.mapping.money import is_unusable, money, money_text
from jobs.mapping.records_deals import InvoiceFacts

from .makers_deals import CONTEXT, DONE, invoice

FACTS = InvoiceFacts("Bernice Mayer", "Australia/Melbourne")


def mapped(record=None, facts=FACTS, **fields):
    return map_invoice(record or invoice(**fields), facts=facts, context=CONTEXT)


def test_an_open_invoice_becomes_these_properties():
    result = mapped()
    assert (result.stage, result.problems) == (InvoiceStatus.OPEN, ())
    assert tuple(result.values) == invoice_property_names()
    assert result.values == {
        "cliniko_key": "77:invoice:108",
        "dealname": "Invoice #104 | Bernice Mayer",
        "closedate": "2015-04-02T01:00:00Z",
        "amount": "55.00",
        "deal_currency_code": "AUD",
        "cliniko_invoice_id": "108",
        "cliniko_invoice_number": "104",
        "cliniko_invoice_url": "https://clinic.au1.cliniko.com/invoices/108",
        "cliniko_invoice_status": "Open",
        "cliniko_invoice_issue_date": "2015-04-02",
        "cliniko_invoice_closed_at": "",
        "cliniko_invoice_net_amount": "50.00",
        "cliniko_invoice_tax_amount": "5.00",
        "cliniko_invoice_discount": "0.00",
        "cliniko_invoice_total": "55.00",
        "cliniko_invoice_appointment_id": "70644",
        "cliniko_invoice_removed": "false",
    }


def test_every_property_of_the_catalogue_is_filled_from_here():
    ours = {item.name for item in properties_of(DEALS) if item.group == "cliniko_invoice"}
    assert ours | {"cliniko_key"} == set(invoice_property_names()) - set(STANDARD[DEALS])


@pytest.mark.parametrize(
    ("fields", "stage", "text"),
    [
        ({"status": 10}, InvoiceStatus.OPEN, "Open"),
        ({"status": 20}, InvoiceStatus.PAID, "Paid"),
        ({"status": 30}, InvoiceStatus.CLOSED, "Closed"),
        ({"status": 40}, InvoiceStatus.OPEN_CREDIT, "Open Credit"),
        ({"status": "20"}, InvoiceStatus.PAID, "Paid"),
        ({"status": None, "status_description": "Open credit"}, InvoiceStatus.OPEN_CREDIT, "Open Credit"),
        ({"status": 50, "status_description": "PAID"}, InvoiceStatus.PAID, "Paid"),
    ],
)
def test_stages(fields, stage, text):
    result = mapped(**fields)
    assert (result.stage, result.values["cliniko_invoice_status"], result.problems) == (stage, text, ())


@pytest.mark.parametrize(("closed", "stage"), [(None, InvoiceStatus.OPEN), (DONE, InvoiceStatus.CLOSED)])
def test_a_status_that_is_new_to_us_is_reported(closed, stage):
    result = mapped(status=50, status_description="Disputed", closed_at=closed)
    assert (result.stage, result.values["cliniko_invoice_status"]) == (stage, "")
    assert [problem.code for problem in result.problems] == ["UNKNOWN_STATUS"]


@pytest.mark.parametrize("column", ["archived_at", "deleted_at"])
@pytest.mark.parametrize("status", [10, 20, 50])
def test_a_removed_invoice_counts_for_nothing(column, status):
    result = mapped(status=status, status_description="", **{column: DONE})
    assert (result.stage, result.problems) == (InvoiceStatus.CLOSED, ())
    values = result.values
    assert (values["amount"], values["cliniko_invoice_removed"]) == ("0.00", "true")
    assert (values["cliniko_invoice_status"], values["cliniko_invoice_total"]) == ("Closed", "55.00")


@pytest.mark.parametrize(
    ("fields", "patient", "name"),
    [
        ({}, "Bernice Mayer", "Invoice #104 | Bernice Mayer"),
        ({"number": "104"}, "Bernice Mayer", "Invoice #104 | Bernice Mayer"),
        ({"number": None}, "Bernice Mayer", "Invoice | Bernice Mayer"),
        ({}, None, "Invoice #104"),
        ({"number": ""}, " ", "Invoice"),
    ],
)
def test_name(fields, patient, name):
    assert mapped(facts=InvoiceFacts(patient), **fields).values["dealname"] == name


@pytest.mark.parametrize(
    ("fields", "zone", "closes"),
    [
        ({"closed_at": DONE}, "Australia/Melbourne", DONE),
        ({}, "America/Los_Angeles", "2015-04-02T19:00:00Z"),
        ({}, None, "2015-04-02T12:00:00Z"),
        ({"issue_date": None}, None, ""),
    ],
)
def test_close_date(fields, zone, closes):
    assert mapped(facts=InvoiceFacts("x", zone), **fields).values["closedate"] == closes


@given(st.dates(date(1971, 1, 1), date(2100, 1, 1)))
def test_the_close_date_is_the_day_of_issue(day):
    for zone in ("Pacific/Auckland", "America/Vancouver", "Europe/London"):
        moment = parse_datetime(mapped(facts=InvoiceFacts("x", zone), issue_date=day.isoformat()).values["closedate"])
        assert moment is not None
        assert abs((moment.date() - day).days) <= 1
    assert mapped(facts=InvoiceFacts("x"), issue_date=day.isoformat()).values["closedate"][:10] == day.isoformat()


def test_a_sale_of_products_has_no_appointment():
    assert mapped(appointment=None).values["cliniko_invoice_appointment_id"] == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("50.0", "50.00"),
        ("2367.18", "2367.18"),
        ("81.818", "81.82"),
        ("0.005", "0.01"),
        ("0.004999", "0.00"),
        ("-0.005", "-0.01"),
        ("-0.004", "0.00"),
        ("-120.5", "-120.50"),
        (50, "50.00"),
        (0.1, "0.10"),
        (1.005, "1.01"),
        (2.675, "2.68"),
        ("1e3", "1000.00"),
        (Decimal("4000000000"), "4000000000.00"),
        (0, "0.00"),
        ("", ""),
        (None, ""),
        (True, ""),
        ("NaN", ""),
        ("Infinity", ""),
        ("1e400", ""),
        ("1_000", ""),
        ("1,000.00", ""),
        ("٥٠", ""),
        ("fifty", ""),
        ([], ""),
    ],
)
def test_money(value, text):
    assert money_text(value) == text


@given(st.decimals(-4_000_000_000, 4_000_000_000, places=4))
def test_money_is_at_most_half_a_cent_off_and_never_unstable(amount):
    text = money_text(amount)
    assert abs(Decimal(text) - amount) <= Decimal("0.005")
    assert money_text(text) == text
    assert not text.startswith("-0.00")
    assert money_text(str(amount)) == text


@given(st.integers(-10_000_000, 10_000_000))
def test_halves_go_away_from_zero(cents):
    half = Decimal(cents) / 100 + (Decimal("0.005") if cents >= 0 else Decimal("-0.005"))
    assert Decimal(money_text(half)) == (Decimal(cents) + (1 if cents >= 0 else -1)) / 100


@given(st.text(max_size=20) | st.floats() | st.integers() | st.none() | st.booleans())
def test_anything_in_place_of_an_amount_is_survived(value):
    amount = money(value)
    assert amount is None or amount.is_finite()
    assert (money_text(value) == "") == (amount is None)
    assert is_unusable(value) == (amount is None and value is not None and str(value).strip() != "")


def test_an_amount_that_is_no_number_is_reported_without_its_value():
    result = mapped(total_amount="NaN", net_amount="Infinity")
    assert (result.values["amount"], result.values["cliniko_invoice_total"]) == ("", "")
    assert [(problem.field, problem.code) for problem in result.problems] == [
        ("cliniko_invoice_net_amount", "INVALID_AMOUNT"),
        ("cliniko_invoice_total", "INVALID_AMOUNT"),
    ]


@pytest.mark.parametrize(
    ("fields", "paid"),
    [
        ({"status": 20}, Decimal("55.00")),
        ({"status": 20, "total_amount": "-5"}, Decimal("-5.00")),
        ({"status": 20, "total_amount": None}, None),
        ({"status": 20, "archived_at": DONE}, None),
        ({"status": 10}, None),
        ({"status": 30}, None),
        ({"status": 40}, None),
    ],
)
def test_what_counts_as_paid(fields, paid):
    assert paid_amount(invoice(**fields)) == paid


ANY_TEXT = st.none() | st.text(st.characters(exclude_categories=()), max_size=30)


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, st.none() | st.integers(), ANY_TEXT)
def test_any_invoice_maps_to_text_that_can_be_sent(number, issued, amount, status, patient):
    record = SimpleNamespace(
        id="1",
        number=number,
        issue_date=issued,
        status=status,
        status_description=number,
        closed_at=issued,
        net_amount=amount,
        tax_amount=amount,
        discounted_amount=amount,
        total_amount=amount,
        appointment_id=None,
        archived_at=None,
        deleted_at=None,
    )
    result = map_invoice(record, facts=InvoiceFacts(patient, patient), context=CONTEXT)
    for value in result.values.values():
        value.encode()
        assert value == value.strip()
        assert "\x00" not in value
