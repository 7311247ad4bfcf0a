"""A reconcile of an account in sync: nothing is written, both sides are counted, and it costs about one call a page."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.jobs.sync.proven import Proven
from tests.support.clinic import Clinic
from tests.support.proving import prove
from webapp.sandbox.cliniko.clinic import make_clinic
from webapp.store import proofs, streams


@pytest.fixture
def practice(clinic) -> Proven:
    return Proven(clinic)


def pages(number: int) -> int:
    return number // 100 + 1


def test_both_sides_are_counted(practice):
    report = practice.prove()
    assert report["agree"] and (report["found"], report["left"], report["fixed"], report["walks"]) == ({}, {}, 0, 1)
    assert report["streams"] == {
        "patients": {"cliniko": 2, "hubspot": 2},
        "contacts": {"cliniko": 1, "hubspot": 1},
        "appointments": {"cliniko": 3, "hubspot": 3},
        "invoices": {"cliniko": 2, "hubspot": 2},
    }
    both = {"cliniko": 1, "hubspot": 1, "edited": 0}
    assert report["stages"]["appointments"] == {"Arrived": both, "Booked": {"cliniko": 2, "hubspot": 2, "edited": 0}}
    assert report["stages"]["invoices"] == {"Open": both, "Paid": both}
    assert report["totals"] == {"invoices": {"cliniko": "1304.50", "hubspot": "1304.50", "edited": "0.00"}}
    assert report["kept"] == {"left_out": 1} and report["history"]
    assert practice.written() == []


def test_an_account_without_records(clinic):
    clinic.cycle()
    report = prove(clinic)
    assert report["agree"] and report["streams"]["patients"] == {"cliniko": 0, "hubspot": 0}


def test_an_account_that_never_synced_has_nothing_to_prove(clinic):
    report = prove(clinic)
    assert report["agree"] and report["streams"] == {} and clinic.cliniko_calls() == []


def test_a_stream_that_is_off_is_left_out(practice):
    practice.clinic.set("sync_invoices", "off")
    practice.account.edit("invoices", practice.open, touch=False, total_amount="1.0")
    report = practice.prove()
    assert report["agree"] and "invoices" not in report["streams"]
    assert practice.clinic.cliniko_calls("/invoices") == []


def test_the_next_one_is_at_night(practice):
    practice.prove()
    state = streams.get_stream(practice.clinic.hub_id, "reconcile")
    assert state is not None and state.state == "idle"
    moment = proofs.last(practice.clinic.hub_id).finished_at
    assert state.next_run_at == proofs.next_night(practice.clinic.hub_id, "Australia/Sydney", moment)


def test_what_changes_at_this_moment_is_left_to_polling(practice):
    practice.edit("patients", practice.ana, first_name="Anna")
    practice.edit("invoices", practice.open, total_amount="120.0")
    practice.edit("individual_appointments", practice.visit, cancelled_at=practice.account.stamp())
    report = practice.prove()
    assert report["agree"] and report["found"] == {} and report["kept"]["changing_now"] == 3
    assert report["totals"]["invoices"]["cliniko"] == report["totals"]["invoices"]["hubspot"] == "1204.55"
    assert practice.written() == []
    practice.settle()
    report = practice.prove()
    assert report["agree"] and report["kept"] == {"left_out": 1}
    assert report["totals"]["invoices"]["hubspot"] == "1324.55"


def test_a_change_that_makes_no_difference_is_none(practice):
    practice.edit("individual_appointments", practice.visit, notes="brings crutches")
    practice.edit("patients", practice.ana, notes="likes tea")
    practice.edit("invoices", practice.open, notes="sent twice")
    practice.settle()
    report = practice.prove()
    assert report["found"] == {} and practice.written() == []


def test_calls_and_sums_of_a_whole_clinic(clinics):
    clinic: Clinic = clinics.make()
    make_clinic(clinic.account, seed=5, patients=230, appointments=700, invoices=250, now=datetime.now(UTC))
    for _ in range(4):
        clinic.cycle()
    clinic.clear_calls()
    report = prove(clinic)
    assert report["agree"] and report["found"] == {} and clinic.hubspot_writes() == []
    tables = clinic.account.tables
    names = ("patients", "contacts", "group_appointments", "individual_appointments", "attendees", "invoices")
    of_cliniko = sum(pages(len(tables[name])) for name in names)
    assert len(clinic.cliniko_calls()) <= of_cliniko
    walks = pages(len(clinic.contacts())) + pages(len(clinic.deals())) + 3
    assert len(clinic.hubspot_calls("/crm/")) <= of_cliniko + walks
    assert report["calls"] == {"cliniko": len(clinic.cliniko_calls()), "hubspot": len(clinic.hubspot_calls("/crm/"))}
    # Counted once more, by the tables of both sides alone.
    kept = [key.rpartition(":")[2] for key in clinic.deals() if ":invoice:" in key]
    rows = [tables["invoices"][int(number)] for number in kept]
    total = sum(Decimal(r["total_amount"]) for r in rows if not r.get("archived_at") and not r.get("deleted_at"))
    assert Decimal(report["totals"]["invoices"]["cliniko"]) == total
    assert report["streams"]["invoices"]["cliniko"] == len(kept)
    paid = sum(1 for r in rows if r["status"] == 20 and not r.get("archived_at") and not r.get("deleted_at"))
    assert report["stages"]["invoices"]["Paid"]["cliniko"] == paid
