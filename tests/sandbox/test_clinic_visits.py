"""Appointments, classes, cases and invoices of the seeded clinic."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.support.made_clinic import NOW, clinic, near, rows
from webapp.sandbox.cliniko import ClinikoAccount
from webapp.sandbox.cliniko.clinic import Summary
from webapp.sandbox.cliniko.clinic.bookings import APPOINTMENT_SHARES
from webapp.sandbox.cliniko.clinic.calendar import changes
from webapp.sandbox.cliniko.clinic.classes import CLASS_SHARES
from webapp.sandbox.cliniko.clinic.money import INVOICE_SHARES, priced, text


@pytest.fixture
def account() -> ClinikoAccount:
    return clinic()[0]


@pytest.fixture
def summary() -> Summary:
    return clinic()[1]


# Appointments


def test_individual_appointments_in_the_stated_shares(account: ClinikoAccount, summary: Summary) -> None:
    listed, traits = rows(account, "individual_appointments"), summary.traits["individual_appointments"]
    assert len(listed) == summary.individual_appointments == 3600
    now, edge = f"{NOW:%Y-%m-%dT%H:%M:%SZ}", f"{NOW + timedelta(days=45):%Y-%m-%dT%H:%M:%SZ}"
    when = Counter("past" if r["starts_at"] < now else "soon" if r["starts_at"] < edge else "later" for r in listed)
    for name in ("past", "soon", "later"):
        assert near(when[name], APPOINTMENT_SHARES[name], len(listed)), name
    for name in ("cancelled", "archived", "online", "series", "midnight", "summer_time", "same_second"):
        assert near(len(traits[name]), APPOINTMENT_SHARES[name], len(listed)), name
    assert {row.get("cancellation_reason") for row in listed} == {None, 10, 20, 30, 31, 40, 50, 60}
    for row in listed:
        assert (row["cancelled_at"] is None) == ("cancellation_reason" not in row)
        assert ("booking_ip_address" in row) == ("online_booking_policy_accepted" in row)
        assert row["starts_at"] < row["ends_at"]
    arrivals = Counter((row["patient_arrived"], row["did_not_arrive"]) for row in listed)
    assert set(arrivals) == {(True, False), (False, True), (False, False), (None, None)}
    over = [r for r in listed if r["starts_at"] < now and not r["cancelled_at"] and not r["archived_at"]]
    assert near(sum(r["patient_arrived"] is True for r in over), APPOINTMENT_SHARES["arrived"], len(over))
    assert near(sum(r["did_not_arrive"] is True for r in over), APPOINTMENT_SHARES["did_not_arrive"], len(over))
    assert not any(row["patient_arrived"] or row["did_not_arrive"] for row in listed if row["starts_at"] > now)
    assert any(r["archived_at"] and r["archived_at"] > r["updated_at"] for r in listed)


def test_every_individual_appointment_has_one_attendee_that_agrees(account: ClinikoAccount) -> None:
    seats = defaultdict(list)
    for row in rows(account, "attendees"):
        seats[row["booking_id"]].append(row)
    later = 0
    for appointment in rows(account, "individual_appointments"):
        (seat,) = seats[appointment["id"]]
        for name in ("patient_id", "patient_case_id", "archived_at", "cancelled_at", "deleted_at", "created_at"):
            assert seat[name] == appointment[name], name
        assert seat["arrived"] == (appointment["patient_arrived"] or (False if appointment["did_not_arrive"] else None))
        assert seat.get("cancellation_reason") == appointment.get("cancellation_reason")
        later += seat["updated_at"] > appointment["updated_at"]
    assert later, "some arrivals were noted without touching the appointment"
    assert not any(block["id"] in seats for block in rows(account, "unavailable_blocks"))


def test_series_midnights_and_summer_time(account: ClinikoAccount, summary: Summary) -> None:
    zones = {row["id"]: ZoneInfo(row["time_zone_identifier"]) for row in rows(account, "businesses")}

    def local(row: dict) -> datetime:
        return datetime.fromisoformat(row["starts_at"]).astimezone(zones[row["business_id"]])

    def of(trait: str) -> list[dict]:
        numbers = summary.traits["individual_appointments"][trait]
        return [row for number in numbers if (row := account.get("individual_appointments", number))]

    series = defaultdict(list)
    for row in of("series"):
        series[row["repeated_from_id"] or row["id"]].append(row)
    for head, repeats in series.items():
        assert len({row["created_at"] for row in repeats}) == 1
        assert len({row["patient_id"] for row in repeats}) == 1
        assert len({local(row).time() for row in repeats}) == 1, "the same clock time on both sides of summer time"
        assert min(repeats, key=lambda row: row["starts_at"])["id"] == head
        assert all(row["repeat_rule"]["number_of_repeats"] == len(repeats) - 1 for row in repeats)
    assert max(map(len, series.values())) >= 8
    assert all(local(row).time() == time(0) for row in of("midnight"))
    assert any(row["starts_at"][:10] != local(row).date().isoformat() for row in of("midnight"))
    odd = of("summer_time")
    for row in odd:
        days = changes(zones[row["business_id"]], NOW.year)
        assert local(row).date() in days or local(row).date() - timedelta(days=1) in days
    assert len({local(row).date() for row in odd}) >= 4
    assert any(local(row).fold for row in odd), "within the hour that comes twice"


def test_days_on_which_the_clock_changes() -> None:
    assert date(2026, 10, 4) in changes(ZoneInfo("Australia/Melbourne"), 2026)
    assert date(2026, 4, 5) in changes(ZoneInfo("Australia/Melbourne"), 2026)
    assert changes(ZoneInfo("Pacific/Honolulu"), 2026) == ()


def test_classes_and_who_is_in_them(account: ClinikoAccount, summary: Summary) -> None:
    classes = account.tables["group_appointments"]
    seats = [row for row in rows(account, "attendees") if int(row["booking_id"]) in classes]
    assert len(seats) == summary.group_attendees == 400
    assert near(sum(bool(row["cancelled_at"]) for row in seats), CLASS_SHARES["attendee_cancelled"], 400, 0.5)
    assert near(sum(bool(row["archived_at"]) for row in seats), CLASS_SHARES["attendee_archived"], 400, 0.7)
    assert {row["arrived"] for row in seats} == {True, False, None}
    of_class = defaultdict(list)
    for row in seats:
        of_class[int(row["booking_id"])].append(row["patient_id"])
    for number, row in classes.items():
        assert len(of_class[number]) == len(set(of_class[number])) <= row["max_attendees"]
        assert account.get("appointment_types", row["appointment_type_id"])["max_attendees"] == row["max_attendees"]
    assert any(not of_class[number] for number in classes), "a class that nobody is in"
    assert any(row["archived_at"] for row in classes.values())


def test_cases_have_both_flags_sessions_and_ends(account: ClinikoAccount) -> None:
    cases = rows(account, "patient_cases")
    flags = {(row["include_cancelled_attendees"], row["include_dna_attendees"]) for row in cases}
    assert len(flags) == 9
    assert {row["closed"] for row in cases} == {True, False}
    assert all(bool(row["closed_at"]) == row["closed"] for row in cases)
    assert {row["max_sessions"] for row in cases} >= {None, 1, 10, 200}
    assert any(row["archived_at"] for row in cases) and any(row["expiry_date"] is None for row in cases)
    used = Counter(row["patient_case_id"] for row in rows(account, "attendees") if row["patient_case_id"])
    assert any(case["max_sessions"] and used[case["id"]] > case["max_sessions"] for case in cases)
    patients = {case["id"]: case["patient_id"] for case in cases}
    for row in rows(account, "attendees"):
        if row["patient_case_id"]:
            assert patients[row["patient_case_id"]] == row["patient_id"]


# Invoices


def test_invoices_add_up_to_the_cent(account: ClinikoAccount, summary: Summary) -> None:
    items = defaultdict(list)
    for row in rows(account, "invoice_items"):
        items[row["invoice_id"]].append(row)
    kept = Decimal(0)
    for invoice in rows(account, "invoices"):
        listed = items[invoice["id"]]
        assert listed
        total = sum(Decimal(item["total_including_tax"]) for item in listed)
        net = sum(Decimal(item["net_price"]) for item in listed).quantize(Decimal("0.01"), ROUND_HALF_UP)
        assert Decimal(invoice["total_amount"]) == total
        assert Decimal(invoice["net_amount"]) == net
        assert Decimal(invoice["net_amount"]) + Decimal(invoice["tax_amount"]) == total
        assert total == total.quantize(Decimal("0.01"))
        assert (total < 0) <= (invoice["status"] == 40)
        if not invoice["archived_at"] and not invoice["deleted_at"]:
            kept += total
    assert kept == summary.invoice_total
    assert any(row["is_monetary_discount"] for row in rows(account, "invoice_items"))
    assert any(row["tax_rate"] is None for row in rows(account, "invoice_items"))
    assert any(row["billable_item_id"] is None for row in rows(account, "invoice_items"))
    assert {type(row["quantity"]) for row in rows(account, "invoice_items")} == {int, str}


def test_invoices_in_the_stated_shares(account: ClinikoAccount, summary: Summary) -> None:
    invoices, traits = rows(account, "invoices"), summary.traits["invoices"]
    assert len(invoices) == 1600
    status = Counter(row["status"] for row in invoices)
    for name, code in (("open", 10), ("paid", 20), ("closed", 30), ("open_credit", 40)):
        assert near(status[code], INVOICE_SHARES[name], 1600), name
    assert near(sum(bool(row["archived_at"]) for row in invoices), INVOICE_SHARES["archived"], 1600)
    assert near(sum(bool(row["deleted_at"]) for row in invoices), INVOICE_SHARES["deleted"], 1600)
    alone = [row for row in invoices if row["appointment_id"] is None]
    assert near(len(alone), INVOICE_SHARES["no_appointment"], 1600)
    assert {row["practitioner_id"] is None for row in alone} == {True, False}
    assert len(traits["several"]) >= INVOICE_SHARES["several"] * 1600
    assert all(bool(row["closed_at"]) == (row["status"] in (20, 30)) for row in invoices)
    numbers = sorted(row["number"] for row in invoices)
    assert numbers == list(range(numbers[0], numbers[0] + 1600))
    a_year_ago = (NOW - timedelta(days=365)).date().isoformat()
    assert {row["issue_date"] < a_year_ago for row in invoices} == {True, False}
    seats = {(row["booking_id"], row["patient_id"]) for row in rows(account, "attendees")}
    assert all((row["appointment_id"], row["patient_id"]) in seats for row in invoices if row["appointment_id"])


def test_the_worked_example_of_an_item() -> None:
    made = priced("Initial consultation", Decimal(1), Decimal("100.0"), Decimal("10.0"), None, Decimal("20"))
    assert made["discount_percentage"] == "18.1818"
    assert made["net_price"] == "81.818"
    assert made["total_including_tax"] == "90.0"
    assert made["discounted_amount"] == "20.0"
    assert made["tax_amount"] == "10.0", "the rate, as Cliniko prints it"
    assert [text(Decimal(value)) for value in ("0", "100", "1E+3", "2367.180")] == ["0.0", "100.0", "1000.0", "2367.18"]
