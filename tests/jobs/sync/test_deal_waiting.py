"""Deals whose patient has no contact: they wait with the cause, and are written as soon as there is one."""

import pytest

from jobs.sync import erased, unlinking
from jobs.sync.contexts import running
from tests.jobs.sync.practice import DAY, Practice, text
from webapp.clock import now
from webapp.sandbox.cliniko import actions
from webapp.store import issues, ledger


@pytest.fixture
def practice(clinic) -> Practice:
    return Practice(clinic)


def waiting(practice: Practice) -> dict[str, int]:
    """{cause: deals that wait}."""
    found: dict[str, int] = {}
    for (_, cause), number in ledger.waiting_causes(practice.clinic.hub_id).items():
        found[cause] = found.get(cause, 0) + number
    return found


def contact_id(practice: Practice, patient: str) -> str:
    key = f"{practice.account.id}:{patient}"
    return next(i for i, p in practice.clinic.contacts().items() if p.get("cliniko_patient_key") == key)


def book(practice: Practice, patient: str) -> tuple[str, str, str]:
    """An appointment, a place in a class and an invoice, entered now."""
    moment = text(now())
    visit = practice.appointment(patient, now() + DAY, created_at=moment)
    lesson = practice.lesson_at(now() + 2 * DAY, created_at=moment)
    seat = practice.put("attendees", booking_id=lesson, patient_id=patient, arrived=None, created_at=moment)
    return visit, seat, practice.invoice(patient, created_at=moment)


def all_of(practice: Practice, booked: tuple[str, str, str]) -> list[list[str] | None]:
    """The patients each of the three deals is associated with; None where there is no deal."""
    kinds = ("individual_appointment", "attendee", "invoice")
    pairs = zip(booked, kinds, strict=True)
    return [practice.patients_of(record, kind) if practice.deal(record, kind) else None for record, kind in pairs]


def test_a_patient_held_for_review(practice):
    practice.clinic.set("hold_doubtful_matches", "on")
    practice.portal.create("contacts", {"email": "fam@x.example", "firstname": "Maria", "lastname": "Gomez"})
    ana = practice.patient("Ana", email="fam@x.example")
    booked = book(practice, ana)
    practice.sync()
    assert (waiting(practice), practice.clinic.deals()) == ({"patient_held": 3}, {})
    review = issues.list_reviews(practice.clinic.hub_id)[0]
    issues.decide(practice.clinic.hub_id, review.id, "separate", "somebody")
    practice.sync()
    assert all_of(practice, booked) == [[ana]] * 3
    assert waiting(practice) == {}


def test_a_patient_that_hubspot_refuses(practice):
    practice.portal.required["contacts"] = ["company"]
    ana = practice.patient("Ana")
    booked = book(practice, ana)
    practice.sync()
    assert waiting(practice) == {"patient_refused": 3}
    practice.sync()
    assert waiting(practice) == {"patient_refused": 3}
    practice.portal.required["contacts"] = []
    issues.retry_now(practice.clinic.hub_id)
    practice.sync()
    assert all_of(practice, booked) == [[ana]] * 3
    assert issues.count_open(practice.clinic.hub_id) == {}


def test_a_contact_that_was_deleted_in_hubspot(practice):
    """Nobody told us of the deletion: the link that HubSpot will not make does."""
    practice.clinic.set("recreate_deleted_contacts", "on")
    ana = practice.patient("Ana")
    first = practice.appointment(ana, now() + DAY)
    practice.sync()
    practice.portal.delete("contacts", contact_id(practice, ana))
    booked = book(practice, ana)
    practice.sync()
    assert all_of(practice, booked) == [[], None, None], "the first was made before we knew; the others wait"
    assert waiting(practice) == {"contact_deleted": 2}
    practice.edit("patients", ana, occupation="Baker")
    practice.sync()
    assert all_of(practice, booked) == [[ana]] * 3
    assert practice.patients_of(first) == [ana]
    assert waiting(practice) == {}


def test_a_person_who_was_erased(practice):
    ana, bo = practice.patient("Ana"), practice.patient("Bo")
    booked, other = book(practice, ana), book(practice, bo)
    practice.sync()
    contact = contact_id(practice, ana)
    practice.portal.gdpr_delete(contact)
    with running(practice.clinic.hub_id, "webhooks") as ctx:
        erased.erase_contact(ctx, contact)
    assert all_of(practice, booked) == [None] * 3, "archived in HubSpot"
    visit = practice.appointment(ana, now() + 3 * DAY, created_at=text(now()))
    actions.cancel(practice.account, "individual_appointments", booked[0])
    practice.edit("patients", ana, occupation="Baker")
    practice.sync()
    assert practice.deal(visit) is None and all_of(practice, booked) == [None] * 3
    assert (waiting(practice), all_of(practice, other)) == ({}, [[bo]] * 3)
    assert practice.known_visits(ana) == 0 and practice.known_visits(bo) == 2


def test_a_patient_who_was_unlinked(practice):
    ana = practice.patient("Ana")
    booked = book(practice, ana)
    practice.sync()
    contact = contact_id(practice, ana)
    with running(practice.clinic.hub_id, "unlink") as ctx:
        assert unlinking.unlink(ctx, contact, actor="somebody") == "unlinked"
    late = practice.appointment(ana, now() + 3 * DAY, created_at=text(now()))
    practice.sync()
    assert all_of(practice, booked) == [[]] * 3, "off the old contact"
    assert (practice.deal(late), waiting(practice)) == (None, {"patient_unlinked": 1})
    practice.edit("patients", ana, occupation="Baker")
    practice.sync()
    assert all_of(practice, booked) == [[ana]] * 3
    assert practice.patients_of(late) == [ana]
    assert contact_id(practice, ana) != contact


def test_an_archived_patient_gets_a_contact_when_a_deal_needs_one(practice):
    ana, bo = practice.patient("Ana"), practice.patient("Bo")
    for patient in (ana, bo):
        actions.archive(practice.account, "patients", patient)
    booked = book(practice, ana)
    practice.sync()
    assert all_of(practice, booked) == [[ana]] * 3
    contact = practice.clinic.contact_of(ana)
    assert contact is not None and contact["cliniko_patient_status"] == "Archived"
    assert practice.clinic.contact_of(bo) is None, "nobody needs this one"


def test_a_patient_that_cliniko_does_not_return(practice):
    ana = practice.patient("Ana")
    row = dict(practice.row("patients", ana))
    practice.account.remove("patients", ana)
    booked = book(practice, ana)
    practice.sync()
    assert (waiting(practice), practice.clinic.deals()) == ({"patient_not_found": 3}, {})
    practice.account.put("patients", {**row, "updated_at": text(now())})
    practice.sync()
    assert all_of(practice, booked) == [[ana]] * 3


def test_a_merge_that_only_the_reading_for_a_deal_tells_of(practice):
    """A booking still names the merged patient, and nobody was synced before."""
    ana, bo = practice.patient("Ana"), practice.patient("Bo")
    visit = practice.appointment(ana, now() + DAY)
    actions.merge_patients(practice.account, ana, bo)
    practice.edit("individual_appointments", visit, patient_id=ana)
    practice.edit("attendees", practice.attendees(visit)[0], patient_id=ana)
    practice.sync("appointments")
    deal = practice.deal(visit)
    assert deal is not None and "| Bo Ruiz |" in deal["dealname"]
    assert practice.patients_of(visit) == [bo]
    assert practice.clinic.contact_of(ana) is None
