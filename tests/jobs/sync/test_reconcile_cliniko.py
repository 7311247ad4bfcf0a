"""What Cliniko changed without moving any of its time columns: found, and put right by the ordinary streams."""

import pytest

from tests.jobs.sync.practice import DAY, text
from tests.jobs.sync.proven import Proven
from tests.support.people import links
from webapp.clock import now
from webapp.sandbox.cliniko import actions
from webapp.store import issues


@pytest.fixture
def practice(clinic) -> Proven:
    return Proven(clinic)


def silently(practice: Proven) -> None:
    """Nothing that staff do moves a time column from here on."""
    switches = practice.account.switches
    switches.touch_on_archive = switches.touch_on_cancel = switches.touch_parent_on_attendee = False


def test_a_patient_who_came_back_from_the_archive(practice):
    silently(practice)
    actions.unarchive(practice.account, "patients", practice.di)
    practice.sync()
    assert practice.clinic.contact_of(practice.di) is None, "polling sees nothing"
    report = practice.prove()
    assert report["agree"] and report["found"] == {"status": 1} and report["fixed"] == 1
    assert practice.contact(practice.di)["cliniko_patient_status"] == "Active"


def test_a_patient_who_went_there(practice):
    practice.edit("patients", practice.bo, touch=False, archived_at=text(now() - DAY / 2))
    report = practice.prove()
    assert report["agree"] and report["found"] == {"status": 1}
    assert practice.contact(practice.bo)["cliniko_patient_status"] == "Archived"


def test_values_of_people(practice):
    practice.edit("patients", practice.ana, touch=False, occupation="Baker")
    practice.edit("contacts", practice.cy, touch=False, company_name="Docs")
    report = practice.prove()
    assert report["agree"] and report["found"] == {"changed": 2}
    assert practice.contact(practice.ana)["cliniko_occupation"] == "Baker"
    assert len(practice.clinic.hubspot_writes()) == 2


def test_a_cancellation_that_was_taken_back(practice):
    actions.cancel(practice.account, "individual_appointments", practice.visit)
    practice.settle()
    assert practice.stage(practice.visit) == "cancelled"
    silently(practice)
    actions.uncancel(practice.account, "individual_appointments", practice.visit)
    report = practice.prove()
    assert report["agree"] and report["found"] == {"status": 1}
    assert practice.stage(practice.visit) == "booked"
    assert practice.contact(practice.ana)["cliniko_appointments_cancelled"] == "0"


def test_an_arrival(practice):
    silently(practice)
    actions.set_arrival(practice.account, practice.attendees(practice.visit)[0], True)
    for attendee in practice.attendees(practice.visit):
        practice.edit("attendees", attendee, updated_at=text(now() - 5 * DAY))
    report = practice.prove()
    assert report["agree"] and report["found"] == {"status": 1}
    assert practice.stage(practice.visit) == "arrived"
    assert practice.contact(practice.ana)["cliniko_appointments_arrived"] == "2"


def test_an_arrival_that_was_unticked(practice):
    practice.edit("attendees", practice.attendees(practice.came)[0], touch=False, arrived=None)
    practice.edit("individual_appointments", practice.came, touch=False, patient_arrived=None, did_not_arrive=None)
    report = practice.prove()
    assert report["agree"] and report["found"] == {"status": 1}
    assert practice.stage(practice.came) == "booked"


def test_places_in_a_class(practice):
    practice.edit("attendees", practice.seat, touch=False, arrived=False)
    practice.edit("group_appointments", practice.lesson, touch=False, starts_at=text(now() + 6 * DAY))
    report = practice.prove()
    assert report["agree"] and report["found"]["status"] == 1 and report["found"]["changed"] >= 1
    deal = practice.deal(practice.seat, "attendee")
    assert deal is not None
    assert deal["dealstage"] == "cliniko_appt_did_not_arrive"
    assert deal["closedate"][:10] == text(now() + 6 * DAY)[:10]


def test_an_invoice_that_was_opened_again(practice):
    practice.edit("invoices", practice.paid, touch=False, status=10, closed_at=None, total_amount="1204.54")
    report = practice.prove()
    assert report["agree"] and report["found"] == {"status": 1}
    assert practice.stage(practice.paid, "invoice") == "open"
    assert report["totals"]["invoices"] == {"cliniko": "1304.49", "hubspot": "1304.49", "edited": "0.00"}


def test_a_change_that_is_no_fact_of_the_ledger(practice):
    """Its time moved long ago, and no walk saw it then."""
    practice.account.edit("invoices", practice.open, number=7777, updated_at=text(now() - DAY / 2))
    report = practice.prove()
    assert report["agree"] and report["found"] == {"changed": 1}
    deal = practice.deal(practice.open, "invoice")
    assert deal is not None and deal["cliniko_invoice_number"] == "7777"


def test_records_that_nobody_has_seen(practice):
    """As if they had been entered while no walk looked: their times are older than every window."""
    eve = practice.patient("Eve")
    visit, bill = practice.appointment(eve, now() + DAY), practice.invoice(eve, "10.0")
    lesson = practice.lesson_at(now() + DAY, eve)
    long_ago = practice.appointment(eve, now() - 200 * DAY)
    report = practice.prove()
    assert report["agree"] and report["found"]["unknown"] >= 5
    assert practice.patients_of(visit) == practice.patients_of(bill, "invoice") == [eve]
    assert practice.patients_of(practice.attendees(lesson)[0], "attendee") == [eve]
    assert practice.deal(long_ago) is None, "out of scope: only its facts are known"
    assert practice.known_visits(eve) == 3


def test_a_merge(practice):
    silently(practice)
    practice.settle()
    actions.merge_patients(practice.account, practice.bo, practice.ana)
    for patient in (practice.ana, practice.bo):
        practice.edit("patients", patient, updated_at=text(now() - 5 * DAY), archived_at=None)
    practice.edit("patients", practice.bo, touch=False, archived_at=text(now() - 5 * DAY))
    report = practice.prove()
    assert report["agree"] and report["found"]["status"] >= 1
    assert practice.clinic.contact_of(practice.bo) is None
    assert practice.patients_of(practice.seat, "attendee") == practice.patients_of(practice.open, "invoice")
    assert practice.patients_of(practice.seat, "attendee") == [practice.ana]


def test_records_that_were_really_deleted(practice):
    for resource, number in (
        ("individual_appointments", practice.visit),
        ("attendees", practice.attendees(practice.visit)[0]),
        ("attendees", practice.seat),
        ("invoices", practice.open),
        ("individual_appointments", practice.old),
        ("patients", practice.bo),
    ):
        practice.account.remove(resource, number)
    report = practice.prove()
    assert report["agree"] and report["found"] == {"gone": 4}
    assert report["kept"]["not_in_cliniko"] == 4, "Bo, and the deals of the others"
    for record, kind in ((practice.visit, "individual_appointment"), (practice.seat, "attendee")):
        deal = practice.deal(record, kind)
        assert deal is not None and deal["dealstage"] == "cliniko_appt_cancelled"
        assert (deal["cliniko_appointment_status"], deal["cliniko_cancellation_reason"]) == (
            "Cancelled",
            "Removed in Cliniko",
        )
        assert deal["hubspot_owner_id"] == practice.owner
    bill = practice.deal(practice.open, "invoice")
    assert bill is not None and (bill["dealstage"], bill["amount"]) == ("cliniko_inv_closed", "0.00")
    assert (bill["cliniko_invoice_status"], bill["cliniko_invoice_removed"]) == ("Closed", "true")
    assert practice.contact(practice.bo)["firstname"] == "Bo", "a contact stays as it is"
    assert report["totals"]["invoices"]["hubspot"] == "1204.55"
    assert issues.list_issues(practice.clinic.hub_id) == []
    practice.settle()
    report = practice.prove()
    assert report["agree"] and report["found"] == {} and practice.written() == []


def test_a_class_that_was_really_deleted(practice):
    practice.account.remove("group_appointments", practice.lesson)
    practice.account.remove("attendees", practice.seat)
    report = practice.prove()
    assert report["agree"] and set(report["found"]) == {"gone"}
    assert practice.stage(practice.seat, "attendee") == "cancelled"


def test_one_that_comes_back_after_all(practice):
    row = dict(practice.row("individual_appointments", practice.visit))
    seat = dict(practice.row("attendees", practice.attendees(practice.visit)[0]))
    practice.account.remove("individual_appointments", practice.visit)
    practice.account.remove("attendees", seat["id"])
    assert practice.prove()["agree"] and practice.stage(practice.visit) == "cancelled"
    practice.account.put("individual_appointments", row)
    practice.account.put("attendees", seat)
    report = practice.prove()
    assert report["agree"] and report["found"] == {"status": 1}
    deal = practice.deal(practice.visit)
    assert deal is not None and deal["dealstage"] == "cliniko_appt_booked"
    assert deal.get("cliniko_cancellation_reason", "") == ""


def test_a_person_who_was_erased_stays_so(practice, hooks):
    hooks.portal.gdpr_delete(practice.contact_id(practice.ana))
    hooks.deliver()
    assert practice.ana not in links(practice.clinic)
    report = practice.prove()
    assert report["agree"] and report["found"] == {}
    assert practice.clinic.contact_of(practice.ana) is None and practice.deal(practice.visit) is None
