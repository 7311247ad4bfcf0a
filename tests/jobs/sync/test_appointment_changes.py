"""What staff do to appointments in Cliniko, and what becomes of their deals: forwards and backwards."""

import pytest

from tests.jobs.sync.practice import DAY, HOUR, Practice, text
from webapp.clock import now
from webapp.sandbox.cliniko import actions

SWITCHES = ("touch_on_archive", "touch_on_cancel", "touch_parent_on_attendee", "touch_children_on_merge")


@pytest.fixture
def practice(request, clinic) -> Practice:
    """Cliniko in the mood in which an action moves `updated_at` only where it cannot be helped; or in the other one."""
    for name in SWITCHES:
        setattr(clinic.account.switches, name, getattr(request, "param", False))
    return Practice(clinic)


in_both_moods = pytest.mark.parametrize("practice", [True, False], indirect=True, ids=["touching", "silent"])


@in_both_moods
def test_cancelled_and_back(practice):
    ana = practice.patient()
    visit = practice.appointment(ana, now() + DAY)
    practice.sync()
    actions.cancel(practice.account, "individual_appointments", visit, reason=30)
    practice.sync("appointments")
    deal = practice.deal(visit)
    assert deal is not None
    assert (practice.stage(visit), deal["cliniko_appointment_status"]) == ("cancelled", "Cancelled")
    assert (deal["cliniko_cancellation_reason"], bool(deal["cliniko_cancelled_at"])) == ("Sick", True)
    actions.uncancel(practice.account, "individual_appointments", visit)
    if not practice.account.switches.touch_on_cancel:
        # Nothing in Cliniko tells of it; the next touch does.
        practice.edit("individual_appointments", visit)
    practice.sync("appointments")
    deal = practice.deal(visit)
    assert deal is not None
    assert practice.stage(visit) == "booked"
    assert "cliniko_cancelled_at" not in deal and "cliniko_cancellation_reason" not in deal


@in_both_moods
def test_archived_is_cancelled_and_says_why(practice):
    ana = practice.patient()
    visit = practice.appointment(ana, now() + DAY)
    deleted = practice.appointment(ana, now() + 2 * DAY)
    practice.sync()
    actions.archive(practice.account, "individual_appointments", visit)
    practice.edit("individual_appointments", deleted, touch=False, deleted_at=text(now()))
    practice.sync("appointments")
    for number in (visit, deleted):
        deal = practice.deal(number)
        assert deal is not None
        assert (practice.stage(number), deal["cliniko_cancellation_reason"]) == ("cancelled", "Removed in Cliniko")
    assert len(practice.clinic.deals()) == 2, "nothing is deleted"
    actions.unarchive(practice.account, "individual_appointments", visit)
    for seat in practice.attendees(visit):
        actions.unarchive(practice.account, "attendees", seat)
    practice.edit("individual_appointments", visit)
    practice.sync("appointments")
    assert practice.stage(visit) == "booked"
    contact = practice.clinic.contact_of(ana)
    assert contact is not None and contact["cliniko_appointments_booked"] == "1"


@in_both_moods
def test_arrival_in_three_values_and_back(practice):
    ana = practice.patient()
    visit = practice.appointment(ana, now() - HOUR)
    practice.sync()
    for arrived, stage in ((True, "arrived"), (False, "did_not_arrive"), (None, "booked"), (False, "did_not_arrive")):
        practice.arrive(visit, arrived)
        practice.sync("appointments")
        assert practice.stage(visit) == stage
    contact = practice.clinic.contact_of(ana)
    assert contact is not None
    assert (contact["cliniko_appointments_did_not_arrive"], contact["cliniko_appointments_arrived"]) == ("1", "0")
    assert "cliniko_last_appointment_at" not in contact


def test_rescheduled_with_another_practitioner_and_type(practice):
    ana = practice.patient("Ana")
    visit = practice.appointment(ana, now() + DAY)
    practice.sync()
    other = practice.put("practitioners", display_name="Tane Parata", active=True)
    kind = practice.put("appointment_types", name="Review")
    starts = now() + 90 * DAY
    practice.edit(
        "individual_appointments",
        visit,
        starts_at=text(starts),
        ends_at=text(starts + HOUR),
        practitioner_id=other,
        appointment_type_id=kind,
    )
    practice.sync("appointments")
    deal = practice.deal(visit)
    assert deal is not None
    assert deal["dealname"].startswith("Review | Ana Ruiz | ")
    assert deal["closedate"] == text(starts).replace("Z", ".000Z")
    assert (deal["cliniko_practitioner"], "hubspot_owner_id" in deal) == ("Tane Parata", True)


def test_another_patient_takes_the_appointment(practice):
    ana, bo = practice.patient("Ana"), practice.patient("Bo")
    visit = practice.appointment(ana, now() + DAY)
    practice.sync()
    practice.edit("individual_appointments", visit, patient_id=bo)
    practice.edit("attendees", practice.attendees(visit)[0], patient_id=bo)
    practice.sync("appointments")
    deal = practice.deal(visit)
    assert deal is not None and "| Bo Ruiz |" in deal["dealname"]
    assert practice.patients_of(visit) == [bo]
    old, new = practice.clinic.contact_of(ana), practice.clinic.contact_of(bo)
    assert old is not None and "cliniko_next_appointment_at" not in old and "cliniko_appointments_booked" not in old
    assert new is not None and new["cliniko_appointments_booked"] == "1"


def test_everything_follows_the_survivor_of_a_merge(practice):
    ana, bo = practice.patient("Ana"), practice.patient("Annie")
    visit, lesson = practice.appointment(ana, now() + DAY), practice.lesson_at(now() + 2 * DAY, ana)
    bill = practice.invoice(ana, "75.5", status=20)
    long_ago = practice.appointment(ana, now() - 200 * DAY)
    practice.arrive(long_ago, True)
    practice.sync()
    actions.merge_patients(practice.account, ana, bo)
    practice.sync()
    seat = practice.attendees(lesson)[0]
    for record, kind in ((visit, "individual_appointment"), (seat, "attendee"), (bill, "invoice")):
        deal = practice.deal(record, kind)
        assert deal is not None and "| Annie Ruiz" in deal["dealname"]
        assert practice.patients_of(record, kind) == [bo], kind
    contact = practice.clinic.contact_of(bo)
    assert contact is not None
    assert (contact["cliniko_appointments_booked"], contact["cliniko_appointments_arrived"]) == ("2", "1")
    assert contact["cliniko_lifetime_value"] == "75.50"


def test_a_deal_follows_its_patients_name(practice):
    ana = practice.patient("ana")
    visit, bill = practice.appointment(ana, now() + DAY), practice.invoice(ana)
    practice.sync()
    practice.edit("patients", ana, first_name="Ana")
    practice.sync()
    for record, kind in ((visit, "individual_appointment"), (bill, "invoice")):
        deal = practice.deal(record, kind)
        assert deal is not None and "| Ana Ruiz" in deal["dealname"]


def test_an_attendee_of_an_individual_appointment_only_feeds_it(practice):
    ana = practice.patient()
    visit = practice.appointment(ana, now() + DAY)
    practice.sync()
    seat = practice.attendees(visit)[0]
    case = practice.case(ana)
    practice.edit("attendees", seat, patient_case_id=case, booking_ip_address="203.0.113.9")
    practice.sync("appointments")
    deal = practice.deal(visit)
    assert deal is not None
    assert (deal["cliniko_case_name"], deal["cliniko_appointment_booked_online"]) == ("Knee", "true")
    actions.archive(practice.account, "attendees", seat)
    practice.put("attendees", booking_id=visit, patient_id=ana, arrived=True, created_at=text(now()))
    practice.sync("appointments")
    assert practice.stage(visit) == "arrived", "its successor counts, not the one that was taken away"
    assert set(practice.clinic.deals()) == {f"{practice.account.id}:individual_appointment:{visit}"}


def test_a_bad_column_stays_alone(practice):
    """A record that cannot be read is an issue; it is written when it can."""
    ana, bo = practice.patients(2)
    odd, fine = practice.appointment(ana, now() + DAY), practice.appointment(bo, now() + DAY)
    practice.edit("individual_appointments", odd, ends_at="tomorrow")
    practice.sync()
    assert (practice.stage(fine), practice.deal(odd)) == ("booked", None)
    practice.edit("individual_appointments", odd, ends_at=text(now() + DAY + HOUR))
    practice.sync("appointments")
    assert practice.stage(odd) == "booked"
