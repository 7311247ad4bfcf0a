"""Appointments and the passing of time, with a clock that moves the product and both simulated services together."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from tests.jobs.sync.practice import DAY, HOUR, Practice, text
from webapp.clock import now

MINUTE = timedelta(minutes=1)
SYDNEY = ZoneInfo("Australia/Sydney")


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 2, 3, 0, tzinfo=UTC), tick=True) as moved:
        yield moved


@pytest.fixture
def practice(clock, clinic) -> Practice:
    return Practice(clinic)


def test_an_untouched_appointment_enters_the_window_because_time_moved(clock, practice):
    ana, bo = practice.patients(2)
    far = practice.appointment(ana, now() + 50 * DAY)
    lesson = practice.lesson_at(now() + 51 * DAY, ana, bo)
    seats = practice.attendees(lesson)
    practice.sync()
    assert practice.clinic.deals() == {}
    clock.shift(4 * DAY)
    practice.sync("appointments")
    assert practice.clinic.deals() == {}
    clock.shift(1 * DAY + HOUR)
    practice.sync("appointments")
    assert practice.stage(far) == "booked"
    assert practice.patients_of(far) == [ana]
    clock.shift(DAY)
    practice.sync("appointments")
    assert [practice.patients_of(seat, "attendee") for seat in seats] == [[ana], [bo]]
    assert len(practice.clinic.deals()) == 3


def test_the_window_grows_with_its_setting_and_shrinking_removes_nothing(clock, practice):
    ana = practice.patient()
    near, far = practice.appointment(ana, now() + 20 * DAY), practice.appointment(ana, now() + 50 * DAY)
    practice.sync()
    assert set(practice.clinic.deals()) == {f"{practice.account.id}:individual_appointment:{near}"}
    practice.clinic.set("individual_appointments_days_forward", 60)
    practice.sync("appointments")
    assert practice.stage(far) == "booked"
    practice.clinic.set("individual_appointments_days_forward", 10)
    practice.sync("appointments")
    between = practice.appointment(ana, now() + 30 * DAY, created_at=text(now()))
    practice.sync("appointments")
    assert practice.deal(between) is None, "out of the smaller window"
    practice.edit("individual_appointments", far, starts_at=text(now() + 51 * DAY), ends_at=text(now() + 52 * DAY))
    practice.clinic.clear_calls()
    practice.sync("appointments")
    assert len(practice.clinic.deals()) == 2
    far_deal = practice.deal(far)
    assert far_deal and far_deal["closedate"][:10] == f"{now() + 51 * DAY:%Y-%m-%d}", (
        "linked ones are followed anywhere"
    )
    practice.clinic.set("individual_appointments_days_forward", 45)
    practice.sync("appointments")
    assert practice.stage(between) == "booked", "booked beyond the smaller window, found when it grew again"


@pytest.mark.parametrize("change", [datetime(2026, 4, 4, 16, tzinfo=UTC), datetime(2026, 10, 3, 16, tzinfo=UTC)])
def test_local_times_on_both_sides_of_a_change_of_clocks(clock, practice, change):
    """Sydney leaves summer time on 5 April 2026 and enters it on 4 October, both at 16:00 UTC of the day before."""
    clock.move_to(change - 3 * DAY)
    ana = practice.patient()
    days = [change - 2 * DAY, change, change + DAY]
    at_nine = [datetime(d.year, d.month, d.day, 9, tzinfo=SYDNEY) + DAY for d in days]
    visits = [practice.appointment(ana, moment) for moment in at_nine]
    practice.sync()
    for visit, moment in zip(visits, at_nine, strict=True):
        deal = practice.deal(visit)
        assert deal is not None
        assert deal["dealname"].endswith(f"{moment.day} {moment:%b %Y}, 9:00 am")
        assert deal["closedate"] == f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
    assert {(m.astimezone(UTC)).hour for m in at_nine} == {22, 23}, "the same local time is another one in UTC"
    edge = practice.appointment(ana, now() + 45 * DAY - MINUTE, created_at=text(now()))
    beyond = practice.appointment(ana, now() + 45 * DAY + HOUR / 2, created_at=text(now()))
    practice.sync("appointments")
    assert (practice.stage(edge), practice.deal(beyond)) == ("booked", None), "a day of the window has 24 hours"


def test_an_hour_that_exists_twice(clock, practice):
    clock.move_to(datetime(2026, 4, 1, tzinfo=UTC))
    ana = practice.patient()
    first = practice.appointment(ana, datetime(2026, 4, 4, 15, 30, tzinfo=UTC))
    second = practice.appointment(ana, datetime(2026, 4, 4, 16, 30, tzinfo=UTC))
    practice.sync()
    deals = [practice.deal(visit) for visit in (first, second)]
    assert {deal["cliniko_appointment_local_time"] for deal in deals if deal} == {"Sun 5 Apr 2026, 2:30 am"}
    assert [deal["closedate"] for deal in deals if deal] == ["2026-04-04T15:30:00.000Z", "2026-04-04T16:30:00.000Z"]


@pytest.mark.parametrize(
    ("zone", "utc", "shown"),
    [
        ("Pacific/Kiritimati", "2026-03-09T10:00:00Z", "Tue 10 Mar 2026, 12:00 am"),
        ("Pacific/Kiritimati", "2026-03-09T09:59:00Z", "Mon 9 Mar 2026, 11:59 pm"),
        ("Pacific/Pago_Pago", "2026-03-10T11:00:00Z", "Tue 10 Mar 2026, 12:00 am"),
        ("Pacific/Pago_Pago", "2026-03-10T10:59:00Z", "Mon 9 Mar 2026, 11:59 pm"),
        ("Asia/Kathmandu", "2026-03-09T18:15:00Z", "Tue 10 Mar 2026, 12:00 am"),
    ],
)
def test_midnight_far_from_utc_has_the_local_date(clock, clinic, zone, utc, shown):
    practice = Practice(clinic, zone=zone)
    visit = practice.appointment(practice.patient("Ana"), datetime.fromisoformat(utc))
    practice.sync()
    deal = practice.deal(visit)
    assert deal is not None
    assert deal["dealname"] == f"Massage | Ana Ruiz | {shown}"
    assert deal["closedate"] == utc.replace("Z", ".000Z")


def test_the_next_appointment_becomes_the_last_one_by_itself(clock, practice):
    ana = practice.patient()
    first, later = now() + 10 * MINUTE, now() + 3 * DAY
    practice.appointment(ana, first)
    practice.appointment(ana, later)
    practice.sync()

    def summary() -> tuple[str | None, str | None]:
        contact = practice.clinic.contact_of(ana)
        assert contact is not None
        return contact.get("cliniko_next_appointment_at"), contact.get("cliniko_last_appointment_at")

    def shown(moment: datetime) -> str:
        return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"

    assert summary() == (shown(first), None)
    for wait, wanted in ((11, (shown(later), None)), (31, (shown(later), shown(first)))):
        clock.shift(wait * MINUTE)
        practice.clinic.clear_calls()
        practice.sync("appointments")
        assert summary() == wanted
        polls = practice.polls()
        assert set(polls.values()) == {1} and all(" " in name for name in polls), polls
        assert [path for _, path in practice.written()] == ["/crm/objects/2026-09/contacts/batch/update"]
        assert len(practice.clinic.hubspot_calls("/crm/")) == 1
    practice.clinic.clear_calls()
    practice.sync("appointments")
    assert practice.clinic.hubspot_calls("/crm/") == [], "what was shown is not written again"


def test_a_stop_of_thirty_days_is_made_up_for(clock, practice):
    ana = practice.patient()
    ahead = practice.appointment(ana, now() + 44 * DAY)
    entering = practice.appointment(ana, now() + 60 * DAY)
    practice.sync()
    clock.shift(2 * DAY)
    during = practice.appointment(ana, now() + DAY, created_at=text(now()))
    clock.shift(28 * DAY)
    practice.arrive(during, True)
    practice.sync()
    assert practice.stage(during) == "arrived", "24 days ago, but after the last complete cycle"
    assert (practice.stage(entering), practice.stage(ahead)) == ("booked", "booked")


def test_what_entered_and_left_the_window_during_a_stop_is_there(clock, practice):
    ana = practice.patient()
    passed = practice.appointment(ana, now() + 50 * DAY)
    old = practice.appointment(ana, now() - 20 * DAY)
    practice.sync()
    clock.shift(75 * DAY)
    practice.sync()
    assert practice.stage(passed) == "booked", "nobody touched it; it went through the window while we stood still"
    assert practice.deal(old) is None


def test_a_first_sync_starts_seven_days_back(clock, practice):
    ana = practice.patient()
    inside, outside = (
        practice.appointment(ana, now() - 7 * DAY + HOUR),
        practice.appointment(ana, now() - 7 * DAY - HOUR),
    )
    practice.sync()
    assert practice.stage(inside) == "booked"
    assert practice.deal(outside) is None
    practice.arrive(outside, True)
    practice.sync()
    assert practice.deal(outside) is None, "changed, but too long ago"
    contact = practice.clinic.contact_of(ana)
    assert contact is not None
    assert contact["cliniko_appointments_arrived"] == "1", "the summary knows it all the same"
