"""Group appointments: one deal per attendee, whatever happens to the class or to one of them; and patient cases."""

import pytest

from tests.jobs.sync.practice import DAY, HOUR, Practice, text
from webapp.clock import now
from webapp.sandbox.cliniko import actions


@pytest.fixture
def practice(clinic) -> Practice:
    """Nothing that happens to an attendee touches its class, and archiving or cancelling touches nothing."""
    for name in ("touch_on_archive", "touch_on_cancel", "touch_parent_on_attendee"):
        setattr(clinic.account.switches, name, False)
    return Practice(clinic)


def stages(practice: Practice, lesson: str) -> list[str | None]:
    return [practice.stage(seat, "attendee") for seat in practice.attendees(lesson)]


def test_attendees_come_and_go(practice):
    ana, bo, cy = practice.patients(3)
    lesson = practice.lesson_at(now() + DAY, ana, bo)
    practice.sync()
    assert stages(practice, lesson) == ["booked", "booked"]
    late = practice.put("attendees", booking_id=lesson, patient_id=cy, arrived=None, created_at=text(now()))
    practice.sync("appointments")
    assert practice.patients_of(late, "attendee") == [cy]
    first, second = practice.attendees(lesson)[:2]
    actions.cancel(practice.account, "attendees", first, reason=40)
    actions.archive(practice.account, "attendees", second)
    actions.set_arrival(practice.account, late, True)
    practice.clinic.clear_calls()
    practice.sync("appointments")
    assert stages(practice, lesson) == ["cancelled", "cancelled", "arrived"]
    reasons = [(practice.deal(seat, "attendee") or {})["cliniko_cancellation_reason"] for seat in (first, second)]
    assert reasons == ["Away", "Removed in Cliniko"]
    actions.uncancel(practice.account, "attendees", first)
    practice.edit("attendees", first)
    actions.set_arrival(practice.account, late, None)
    practice.sync("appointments")
    assert stages(practice, lesson) == ["booked", "cancelled", "booked"]


def test_a_class_is_moved_and_its_attendees_with_it(practice):
    ana, bo = practice.patients(2)
    lesson = practice.lesson_at(now() + DAY, ana, bo)
    practice.sync()
    actions.move(practice.account, lesson, 3)
    starts = practice.row("group_appointments", lesson)["starts_at"]
    practice.sync("appointments")
    for seat in practice.attendees(lesson):
        deal = practice.deal(seat, "attendee")
        assert deal is not None
        assert deal["closedate"][:19] + "Z" == deal["cliniko_appointment_starts_at"][:19] + "Z" == starts
    for patient in (ana, bo):
        contact = practice.clinic.contact_of(patient)
        assert contact is not None and contact["cliniko_next_appointment_at"][:19] + "Z" == starts
    actions.move(practice.account, lesson, 300)
    practice.sync("appointments")
    deal = practice.deal(practice.attendees(lesson)[0], "attendee")
    assert deal is not None
    assert deal["closedate"][:19] + "Z" == practice.row("group_appointments", lesson)["starts_at"]


def test_a_class_is_removed_while_its_attendees_stay_as_they_were(practice):
    ana, bo = practice.patients(2)
    lesson = practice.lesson_at(now() + DAY, ana, bo)
    practice.sync()
    practice.edit("group_appointments", lesson, touch=False, archived_at=text(now()))
    practice.sync("appointments")
    assert stages(practice, lesson) == ["cancelled", "cancelled"]
    contact = practice.clinic.contact_of(ana)
    assert contact is not None
    assert "cliniko_next_appointment_at" not in contact and "cliniko_appointments_booked" not in contact
    practice.edit("group_appointments", lesson, archived_at=None)
    practice.sync("appointments")
    assert stages(practice, lesson) == ["booked", "booked"]


def test_a_class_of_another_kind_at_another_place(practice):
    lesson = practice.lesson_at(now() + DAY, practice.patient("Ana"))
    practice.sync()
    place = practice.put("businesses", display_name="Uptown", time_zone_identifier="Pacific/Auckland")
    kind = practice.put("appointment_types", name="Hydro", max_attendees=5)
    practice.edit("group_appointments", lesson, business_id=place, appointment_type_id=kind)
    practice.sync("appointments")
    deal = practice.deal(practice.attendees(lesson)[0], "attendee")
    assert deal is not None
    assert deal["dealname"].startswith("Hydro | Ana Ruiz | ")
    assert deal["cliniko_business"] == "Uptown"


def test_a_class_with_more_places_taken_than_one_page(practice):
    people = practice.patients(130)
    lesson = practice.lesson_at(now() + DAY, *people, max_attendees=200)
    practice.sync()
    seats = practice.attendees(lesson)
    assert stages(practice, lesson) == ["booked"] * 130
    actions.move(practice.account, lesson, 1)
    practice.clinic.clear_calls()
    practice.sync("appointments")
    starts = practice.row("group_appointments", lesson)["starts_at"]
    assert {(practice.deal(seat, "attendee") or {})["closedate"][:19] + "Z" for seat in seats} == {starts}
    assert len(practice.clinic.hubspot_calls("deals/batch/update")) == 2
    assert practice.polls()["attendees"] == 2


def test_sessions_used_follow_the_flags_of_the_case_on_every_deal_of_it(practice):
    ana = practice.patient()
    case = practice.case(ana, name="Shoulder", include_cancelled_attendees=False, include_dna_attendees=True)
    visits = [practice.appointment(ana, now() + n * HOUR, case) for n in (-3, -2, 24)]
    lesson = practice.lesson_at(now() + 2 * DAY, ana, case=case)
    old = practice.appointment(ana, now() - 300 * DAY, case)
    practice.sync()

    def used() -> set[str | None]:
        deals = [practice.deal(v) for v in visits] + [practice.deal(practice.attendees(lesson)[0], "attendee")]
        return {deal and deal.get("cliniko_case_sessions_used") for deal in deals}

    practice.sync()
    assert practice.deal(old) is None, "long ago, but a session all the same"
    assert used() == {"5"}
    practice.arrive(visits[0], True)
    practice.arrive(visits[1], False)
    practice.sync("appointments")
    assert used() == {"5"}, "missed ones count for this case"
    actions.cancel(practice.account, "individual_appointments", visits[2])
    practice.sync("appointments")
    assert used() == {"4"}, "cancelled ones do not"
    practice.edit("patient_cases", case, include_cancelled_attendees=True, include_dna_attendees=False)
    practice.sync("appointments")
    assert used() == {"4"}, "now it is the other way round"
    actions.archive(practice.account, "attendees", practice.attendees(lesson)[0])
    practice.sync("appointments")
    assert used() == {"3"}, "removed ones never count"


def test_a_case_that_changes_is_written_to_its_deals(practice):
    ana = practice.patient()
    case = practice.case(ana, name="Knee", max_sessions=10, expiry_date="2026-12-31", issue_date="2026-01-05")
    visit = practice.appointment(ana, now() + DAY, case)
    practice.sync()
    deal = practice.deal(visit)
    assert deal is not None
    shown = {n.removeprefix("cliniko_case_"): v for n, v in deal.items() if n.startswith("cliniko_case_")}
    assert shown == {
        "id": case,
        "name": "Knee",
        "issue_date": "2026-01-05",
        "expiry_date": "2026-12-31",
        "closed": "false",
        "max_sessions": "10",
        "referral": "false",
        "sessions_used": "1",
    }
    changes = {"name": "Left knee", "max_sessions": 12, "max_invoiceable_amount": "1250.75", "referral": True}
    practice.edit("patient_cases", case, **changes)
    practice.sync("appointments")
    deal = practice.deal(visit)
    assert deal is not None
    assert (deal["cliniko_case_name"], deal["cliniko_case_max_sessions"]) == ("Left knee", "12")
    assert (deal["cliniko_case_max_invoiceable_amount"], deal["cliniko_case_referral"]) == ("1250.75", "true")
    practice.edit("patient_cases", case, touch=False, closed=True, archived_at=text(now()))
    practice.sync("appointments")
    assert (practice.deal(visit) or {})["cliniko_case_closed"] == "true"
    practice.edit("individual_appointments", visit, patient_case_id=None)
    practice.edit("attendees", practice.attendees(visit)[0], patient_case_id=None)
    practice.sync("appointments")
    assert not any(name.startswith("cliniko_case_") for name in practice.deal(visit) or {"cliniko_case_": ""})
