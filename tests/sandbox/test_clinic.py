"""The seeded clinic: the same from the same seed, at any size, in the form of the API."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import datetime, timedelta

import pytest

from tests.support.made_clinic import NOW, clinic, digest, make, rows
from webapp.clients.cliniko import decode
from webapp.clients.cliniko.records import Contact, Patient
from webapp.sandbox.cliniko import ClinikoAccount, ClinikoSandbox
from webapp.sandbox.cliniko.clinic import PRIVATE_MARK, Summary

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
TARGETS = {
    "patient_id": "patients",
    "merged_with_patient_id": "patients",
    "referring_doctor_id": "contacts",
    "contact_id": "contacts",
    "concession_type_id": "concession_types",
    "practitioner_id": "practitioners",
    "business_id": "businesses",
    "appointment_type_id": "appointment_types",
    "patient_case_id": "patient_cases",
    "billable_item_id": "billable_items",
    "tax_id": "taxes",
    "user_id": "users",
    "referral_source_type_id": "referral_source_types",
    "invoice_id": "invoices",
}
BOOKINGS = ("individual_appointments", "group_appointments", "unavailable_blocks")


@pytest.fixture
def account() -> ClinikoAccount:
    return clinic()[0]


@pytest.fixture
def summary() -> Summary:
    return clinic()[1]


# Determinism


def test_the_same_seed_and_moment_make_the_same_clinic_in_any_process() -> None:
    here = digest(make(seed=7, patients=150)[0])
    code = "from tests.support.made_clinic import digest, make\nprint(digest(make(seed=7, patients=150)[0]))\n"
    for hash_seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": "Pacific/Auckland"},
        )
        assert run.stdout.strip() == here


def test_another_seed_or_moment_makes_another_clinic() -> None:
    first = digest(make(seed=1, patients=60)[0])
    assert first != digest(make(seed=2, patients=60)[0])
    assert first != digest(make(seed=1, patients=60, now=NOW + timedelta(days=1))[0])


def test_more_invoices_do_not_change_the_patients() -> None:
    few, many = make(patients=80, invoices=5)[0], make(patients=80, invoices=90)[0]
    for resource in ("patients", "individual_appointments"):
        assert rows(few, resource) == rows(many, resource)


# Sizes


@pytest.mark.parametrize("patients", [0, 1, 2, 7, 49, 50, 51])
def test_any_size_works(patients: int) -> None:
    account, summary = make(patients=patients, contacts=3, appointments=4 * patients, invoices=3 * patients)
    assert summary.counts["patients"] == len(account.tables["patients"]) == patients
    assert summary.individual_appointments + summary.group_attendees == 4 * patients
    assert summary.counts["invoices"] == 3 * patients


def test_without_patients_there_is_nothing_to_book_or_bill() -> None:
    account, _ = make(patients=0, appointments=10, invoices=10)
    for resource in ("individual_appointments", "group_appointments", "attendees", "invoices"):
        assert not account.tables[resource]
    assert account.tables["practitioners"]


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="less than no"):
        make(patients=-1)
    with pytest.raises(ValueError, match="time zone"):
        make(patients=1, now=datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_large_clinic_stays_small() -> None:
    code = (
        "from tests.support.made_clinic import make\n"
        "account, summary = make(patients=5000, appointments=20000, invoices=8000)\n"
        # The largest size since this program was loaded; getrusage would count the parent's.
        "peak = next(int(x.split()[1]) // 1024 for x in open('/proc/self/status') if x.startswith('VmHWM'))\n"
        "sizes = {name: len(table) for name, table in account.tables.items()}\n"
        "print(peak, sizes['patients'], summary.individual_appointments,\n"
        "      summary.group_attendees, sizes['attendees'], sizes['invoices'])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    megabytes, *sizes = run.stdout.split()
    assert [int(size) for size in sizes] == [5000, 18000, 2000, 20000, 8000]
    assert int(megabytes) < 300


# Form of the rows


def test_every_row_has_the_form_of_the_api(account: ClinikoAccount) -> None:
    end = f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    for resource, table in account.tables.items():
        assert table, resource
        for number, row in table.items():
            assert row["id"] == str(number)
            for name, value in row.items():
                if name.endswith("_at") and value is not None:
                    assert STAMP.fullmatch(value), (resource, name, value)
                    if name not in ("starts_at", "ends_at"):
                        assert value <= end, f"{resource}.{name} lies in the future"
                if name.endswith("_id") and value is not None and name != "old_reference_id":
                    assert isinstance(value, str)
                    assert value.isdigit()
            assert row["created_at"] <= row["updated_at"]


def test_every_relation_points_at_a_row(account: ClinikoAccount) -> None:
    bookings = {number for name in BOOKINGS for number in account.tables[name]}
    for resource, table in account.tables.items():
        for row in table.values():
            for name, value in row.items():
                if value is None or not name.endswith("_id") or name == "old_reference_id":
                    continue
                if name in ("booking_id", "appointment_id"):
                    assert int(value) in bookings
                elif name == "repeated_from_id":
                    assert account.get(resource, value)
                else:
                    assert account.get(TARGETS[name], value), (resource, name)
    for row in rows(account, "referral_sources"):
        if row["referrer"]:
            assert account.get(f"{row['referrer']['type'].lower()}s", row["referrer"]["id"])
            assert row["referrer"]["id"] != row["patient_id"] or row["referrer"]["type"] == "Contact"


def test_ids_are_short_and_long_and_grow_with_the_time(account: ClinikoAccount) -> None:
    patients = sorted(account.tables["patients"])
    assert len(str(patients[0])) < 6
    assert len(str(patients[-1])) >= 18
    assert sorted(map(str, patients)) != [str(number) for number in patients], "text order must be a trap"
    for resource in ("patients", "contacts", "individual_appointments", "attendees", "invoices"):
        made = [account.tables[resource][number]["created_at"] for number in sorted(account.tables[resource])]
        assert made == sorted(made), resource
    shared = [number for name in BOOKINGS for number in account.tables[name]]
    assert len(shared) == len(set(shared))
    assert set(account.tables["patients"]) & set(account.tables["contacts"]), "ids are unique per resource only"


def test_private_text_is_marked_wherever_cliniko_keeps_some(account: ClinikoAccount) -> None:
    for resource, name in (
        ("patients", "notes"),
        ("patients", "appointment_notes"),
        ("contacts", "notes"),
        ("individual_appointments", "notes"),
        ("individual_appointments", "telehealth_url"),
        ("attendees", "notes"),
        ("patient_cases", "notes"),
        ("invoices", "notes"),
        ("invoices", "online_payment_url"),
        ("referral_sources", "notes"),
        ("unavailable_blocks", "notes"),
    ):
        assert any(PRIVATE_MARK in (row.get(name) or "") for row in rows(account, resource)), (resource, name)


def test_the_clients_can_read_every_person_over_http(account: ClinikoAccount, summary: Summary) -> None:
    from werkzeug.test import Client

    sandbox = ClinikoSandbox(limits_on=False)
    sandbox.accounts[account.id] = account
    key = sandbox.add_key(account, summary.administrator_id)
    browser = Client(sandbox.app)
    for resource, kind in (("patients", Patient), ("contacts", Contact)):
        seen = 0
        for page in range(1, 12):
            answer = browser.get(
                f"/v1/{resource}?per_page=100&page={page}&q[]=archived_at:*",
                auth=(key, ""),
                headers={"User-Agent": "Test (test@example.com)"},
            )
            read, bad = decode.read_all(kind, answer.json[resource])
            assert not bad
            seen += len(read)
        hidden = sum(1 for row in rows(account, resource) if row["deleted_at"] and resource == "contacts")
        assert seen == len(account.tables[resource]) - hidden
