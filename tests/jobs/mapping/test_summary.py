from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.mapping.catalogue import CONTACTS, AppointmentStatus, property_named
from jobs.mapping.summary import Visit, next_change_at, summarise, summary_property_names

BOOKED, ARRIVED, MISSED, CANCELLED = AppointmentStatus
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def visit(hours, stage=BOOKED, length=1.0, kind="Massage", who="Randy Savage", where="Healthy Times"):
    starts = NOW + timedelta(hours=hours)
    return Visit(starts, None if length is None else starts + timedelta(hours=length), stage, kind, who, where)


def summary(*visits, paid=(), now=NOW, **options):
    return summarise(visits, paid, now, **options)


def shown(*visits, now=NOW):
    values = summary(*visits, now=now)
    return values["cliniko_next_appointment_at"], values["cliniko_last_appointment_at"]


def text(hours):
    return (NOW + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_summary_is_these_properties():
    values = summary(
        visit(-48, ARRIVED, kind="Initial", who="Ana"),
        visit(-24, MISSED),
        visit(-2, CANCELLED),
        visit(24, CANCELLED),
        visit(48, kind="Review", who="Ben", where="North"),
        visit(96),
        paid=[Decimal("55.00"), Decimal("-5.00"), Decimal("0.50")],
    )
    assert tuple(values) == summary_property_names()
    assert values == {
        "cliniko_next_appointment_at": text(48),
        "cliniko_next_appointment_type": "Review",
        "cliniko_next_appointment_practitioner": "Ben",
        "cliniko_next_appointment_location": "North",
        "cliniko_last_appointment_at": text(-48),
        "cliniko_last_appointment_type": "Initial",
        "cliniko_last_appointment_practitioner": "Ana",
        "cliniko_appointments_booked": "2",
        "cliniko_appointments_arrived": "1",
        "cliniko_appointments_did_not_arrive": "1",
        "cliniko_appointments_cancelled": "2",
        "cliniko_lifetime_value": "50.50",
    }
    for name in summary_property_names():
        assert property_named(CONTACTS, name).group == "cliniko_patient"


@pytest.mark.parametrize(
    ("visits", "upcoming", "last"),
    [
        ([], "", ""),
        # Nobody marked it: it took place.
        ([visit(-3)], "", text(-3)),
        # Going on now: neither next nor completed.
        ([visit(-0.5)], "", ""),
        # Going on now and the patient is there.
        ([visit(-0.5, ARRIVED)], "", text(-0.5)),
        # Ticked early: still the next one until it starts.
        ([visit(0.5, ARRIVED)], text(0.5), ""),
        ([visit(0)], "", ""),
        ([visit(-1)], "", text(-1)),
        ([visit(-3, MISSED)], "", ""),
        ([visit(-3, CANCELLED)], "", ""),
        ([visit(3, MISSED)], "", ""),
        ([visit(3, CANCELLED)], "", ""),
        ([visit(-3, length=None)], "", text(-3)),
        ([visit(-3, length=-9)], "", text(-3)),
        # The latest start counts, not the latest end.
        ([visit(-9, length=8), visit(-5, ARRIVED)], "", text(-5)),
        ([visit(9), visit(5)], text(5), ""),
    ],
)
def test_next_and_last(visits, upcoming, last):
    assert shown(*visits) == (upcoming, last)


def test_of_a_person_who_never_came_nothing_is_said():
    assert set(summary().values()) == {""}
    assert set(summary(paid=None).values()) == {""}


def test_paid_invoices_alone_are_a_summary():
    values = summary(paid=[Decimal("10")])
    assert (values["cliniko_lifetime_value"], values["cliniko_appointments_booked"]) == ("10.00", "0")


def test_invoices_that_are_not_known_are_not_nothing():
    assert summary(visit(1), paid=None)["cliniko_lifetime_value"] == ""
    assert summary(visit(1), paid=[])["cliniko_lifetime_value"] == "0.00"


def test_without_the_type():
    values = summary(visit(-3, ARRIVED, kind="Hidden"), visit(3, kind="Hidden"), include_appointment_type=False)
    assert "Hidden" not in repr(values)
    assert values["cliniko_next_appointment_practitioner"] == "Randy Savage"


@pytest.mark.parametrize(
    ("visits", "hours"),
    [
        ([], None),
        ([visit(-9), visit(-3, ARRIVED)], None),
        ([visit(3, CANCELLED), visit(4, MISSED), visit(-0.5, CANCELLED)], None),
        ([visit(3)], 3),
        ([visit(3), visit(9)], 3),
        ([visit(-0.5)], 0.5),
        ([visit(-0.5, ARRIVED)], None),
        ([visit(-0.5, ARRIVED), visit(2)], 2),
        ([visit(-0.5), visit(0.25)], 0.25),
        # A long one that started earlier ends later: it never becomes the last one.
        ([visit(-4, length=6), visit(-3, ARRIVED)], None),
        ([visit(-4, length=6), visit(-3, ARRIVED), visit(5)], 5),
        ([visit(0)], 1),
        ([visit(0, length=None)], None),
        ([visit(3, ARRIVED)], 3),
    ],
)
def test_when_time_alone_changes_it(visits, hours):
    assert next_change_at(visits, NOW) == (None if hours is None else NOW + timedelta(hours=hours))


VISITS = st.lists(
    st.builds(
        visit,
        st.integers(-40, 40).map(lambda quarter: quarter / 4),
        st.sampled_from(AppointmentStatus),
        st.none() | st.integers(-2, 20).map(lambda quarter: quarter / 4),
        st.sampled_from(["A", "B"]),
        st.sampled_from(["A", "B"]),
    ),
    max_size=8,
)


@given(VISITS, st.randoms())
def test_the_order_of_reading_never_matters(visits, random):
    mixed = list(visits)
    random.shuffle(mixed)
    assert summarise(mixed, [], NOW) == summarise(visits, [], NOW)
    assert next_change_at(mixed, NOW) == next_change_at(visits, NOW)


@given(VISITS)
def test_the_four_counts_are_all_visits(visits):
    values = summarise(visits, [Decimal(1)], NOW)
    assert sum(int(values[name]) for name in values if name.startswith("cliniko_appointments_")) == len(visits)


@given(VISITS)
def test_nothing_changes_before_the_next_change_and_something_does_then(visits):
    change = next_change_at(visits, NOW)
    before = summarise(visits, [], NOW)
    for minutes in range(0, 16 * 60, 5):
        moment = NOW + timedelta(minutes=minutes)
        if change is None or moment < change:
            assert summarise(visits, [], moment) == before
    if change is not None:
        assert change > NOW
        assert summarise(visits, [], change) != before


@given(VISITS)
def test_following_every_change_ends_with_nothing_ahead(visits):
    moment, steps = NOW, 0
    while (change := next_change_at(visits, moment)) is not None:
        assert change > moment
        moment, steps = change, steps + 1
        assert steps <= 2 * len(visits)
    values = summarise(visits, [], moment)
    assert values["cliniko_next_appointment_at"] == ""
    assert values == summarise(visits, [], NOW + timedelta(days=30))


def test_a_patient_of_twenty_years_is_summarised_quickly():
    many = [visit(hours * 24, (BOOKED, ARRIVED, MISSED, CANCELLED)[hours % 4]) for hours in range(-2000, 2000)]
    assert next_change_at(many, NOW) == NOW + timedelta(hours=1)
    assert summarise(many, [], NOW)["cliniko_appointments_booked"] == "1000"
