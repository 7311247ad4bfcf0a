from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.mapping.appointment import appointment_property_names, map_appointment, map_attendee
from jobs.mapping.catalogue import DEALS, STANDARD, AppointmentStatus, properties_of, property_named
from jobs.mapping.records_deals import VisitFacts
from jobs.mapping.visits import appointment_state, attendee_state

from .makers_deals import CONTEXT, DONE, appointment, attendee, case, group, link

FACTS = VisitFacts("Joe Monahan", "Initial Consultation", time_zone="Australia/Melbourne")
BOOKED, ARRIVED, MISSED, CANCELLED = AppointmentStatus


def mapped(record=None, other=None, facts=FACTS, context=CONTEXT):
    return map_appointment(record or appointment(), other, facts=facts, context=context)


def test_a_full_appointment_becomes_these_properties():
    facts = VisitFacts(
        "Joe Monahan",
        " Initial Consultation ",
        "Randy Savage",
        "randy@example.com",
        "Healthy Times",
        "Australia/Melbourne",
        Decimal("110.005"),
        case(),
        3,
    )
    record = appointment(booking_ip_address="10.0.0.43")
    result = mapped(record, attendee(arrived=True, patient_case=link("patient_cases/566562806174843905")), facts)
    assert (result.stage, result.problems) == (ARRIVED, ())
    assert tuple(result.values) == appointment_property_names()
    assert result.values == {
        "cliniko_key": "77:individual_appointment:1",
        "dealname": "Initial Consultation | Joe Monahan | Thu 21 Jul 2016, 1:45 pm",
        "closedate": "2016-07-21T03:45:00Z",
        "amount": "110.01",
        "deal_currency_code": "AUD",
        "cliniko_appointment_id": "1",
        "cliniko_appointment_url": "https://clinic.au1.cliniko.com/appointments/1",
        "cliniko_appointment_status": "Arrived",
        "cliniko_appointment_type": "Initial Consultation",
        "cliniko_appointment_starts_at": "2016-07-21T03:45:00Z",
        "cliniko_appointment_ends_at": "2016-07-21T04:30:00Z",
        "cliniko_appointment_local_time": "Thu 21 Jul 2016, 1:45 pm",
        "cliniko_appointment_booked_online": "true",
        "cliniko_cancelled_at": "",
        "cliniko_cancellation_reason": "",
        "cliniko_practitioner": "Randy Savage",
        "cliniko_practitioner_email": "randy@example.com",
        "cliniko_business": "Healthy Times",
        "cliniko_case_id": "566562806174843905",
        "cliniko_case_name": "Knee",
        "cliniko_case_issue_date": "2021-02-18",
        "cliniko_case_expiry_date": "2022-02-17",
        "cliniko_case_closed": "false",
        "cliniko_case_max_sessions": "12",
        "cliniko_case_max_invoiceable_amount": "1250.50",
        "cliniko_case_referral": "false",
        "cliniko_case_sessions_used": "3",
    }


def test_an_attendee_of_a_group_appointment_has_its_own_deal():
    record = attendee(id="31", booking=link("bookings/7"), arrived=False, patient_case=link("patient_cases/5"))
    result = map_attendee(record, group(), facts=FACTS, context=CONTEXT)
    assert (result.stage, tuple(result.values)) == (MISSED, appointment_property_names())
    shown = {name: value for name, value in result.values.items() if value}
    assert shown == {
        "cliniko_key": "77:attendee:31",
        "dealname": "Initial Consultation | Joe Monahan | Wed 13 Jul 2016, 1:45 pm",
        "closedate": "2016-07-13T03:45:00Z",
        "deal_currency_code": "AUD",
        "cliniko_appointment_id": "7",
        "cliniko_appointment_url": "https://clinic.au1.cliniko.com/appointments/7",
        "cliniko_appointment_status": "Did Not Arrive",
        "cliniko_appointment_type": "Initial Consultation",
        "cliniko_appointment_starts_at": "2016-07-13T03:45:00Z",
        "cliniko_appointment_ends_at": "2016-07-13T04:15:00Z",
        "cliniko_appointment_local_time": "Wed 13 Jul 2016, 1:45 pm",
        "cliniko_appointment_booked_online": "false",
        "cliniko_case_id": "5",
    }


def test_every_property_of_the_catalogue_is_filled_from_here():
    ours = {item.name for item in properties_of(DEALS) if item.group == "cliniko_appointment"}
    assert ours == set(appointment_property_names()) - set(STANDARD[DEALS])
    for name in appointment_property_names():
        assert name in STANDARD[DEALS] or property_named(DEALS, name)


ATTENDED = [
    # arrived, did_not_arrive, patient_arrived, stage
    (None, False, False, BOOKED),
    (None, None, None, BOOKED),
    (None, True, False, MISSED),
    (None, False, True, ARRIVED),
    (None, True, True, MISSED),
    (True, True, False, ARRIVED),
    (True, None, None, ARRIVED),
    (False, False, True, MISSED),
    (False, None, None, MISSED),
]


@pytest.mark.parametrize(("arrived", "missed", "came", "stage"), ATTENDED)
def test_the_attendee_knows_who_came(arrived, missed, came, stage):
    record = appointment(did_not_arrive=missed, patient_arrived=came)
    assert mapped(record, attendee(arrived=arrived)).stage is stage
    if arrived is None:
        assert mapped(record, None).stage is stage


def test_an_attendee_that_was_taken_away_says_nothing_about_the_appointment():
    gone = attendee(arrived=True, archived_at=DONE, cancelled_at=DONE, patient_case=link("patient_cases/9"))
    result = mapped(appointment(patient_case=link("patient_cases/5")), gone)
    assert (result.stage, result.values["cliniko_case_id"]) == (BOOKED, "5")


@pytest.mark.parametrize(
    ("fields", "other", "at", "reason"),
    [
        ({"cancelled_at": DONE, "cancellation_reason": 30}, {}, DONE, "Sick"),
        (
            {"cancelled_at": DONE, "cancellation_reason": 50, "cancellation_reason_description": "Other"},
            {},
            DONE,
            "Other",
        ),
        ({"cancelled_at": DONE, "cancellation_reason": 99}, {}, DONE, ""),
        ({"cancelled_at": DONE}, {"cancellation_reason": 31}, DONE, "COVID-19 related"),
        ({}, {"cancelled_at": DONE, "arrived": True}, DONE, ""),
        ({"cancellation_reason": 60}, {"cancelled_at": DONE}, DONE, "Work"),
        ({"archived_at": DONE, "patient_arrived": True}, {"arrived": True}, DONE, "Removed in Cliniko"),
        ({"deleted_at": DONE}, {}, DONE, "Removed in Cliniko"),
        (
            {"cancelled_at": "2016-07-20T00:00:00Z", "cancellation_reason": 30, "archived_at": DONE},
            {},
            "2016-07-20T00:00:00Z",
            "Removed in Cliniko",
        ),
    ],
)
def test_cancelled(fields, other, at, reason):
    result = mapped(appointment(**fields), attendee(**other))
    assert result.stage is CANCELLED
    assert result.values["cliniko_appointment_status"] == "Cancelled"
    assert (result.values["cliniko_cancelled_at"], result.values["cliniko_cancellation_reason"]) == (at, reason)


@pytest.mark.parametrize(
    ("fields", "parent", "stage", "reason"),
    [
        ({"cancelled_at": DONE, "cancellation_reason": 40}, {}, CANCELLED, "Away"),
        ({"archived_at": DONE}, {}, CANCELLED, "Removed in Cliniko"),
        ({"deleted_at": DONE, "arrived": True}, {}, CANCELLED, "Removed in Cliniko"),
        ({"arrived": True}, {"archived_at": DONE}, CANCELLED, "Removed in Cliniko"),
        ({"arrived": True}, {"deleted_at": DONE}, CANCELLED, "Removed in Cliniko"),
        ({"arrived": True}, {}, ARRIVED, ""),
        ({}, {}, BOOKED, ""),
    ],
)
def test_a_place_in_a_group_goes_by_itself_or_with_the_group(fields, parent, stage, reason):
    result = map_attendee(attendee(**fields), group(**parent), facts=FACTS, context=CONTEXT)
    assert (result.stage, result.values["cliniko_cancellation_reason"]) == (stage, reason)
    assert result.values["cliniko_cancelled_at"] == (DONE if stage is CANCELLED else "")


def test_states_go_back_and_take_the_cancellation_with_them():
    """Un-cancelled and un-ticked in Cliniko: the text of the reason may stay on the record."""
    was = mapped(appointment(cancelled_at=DONE, cancellation_reason=30))
    now = mapped(appointment(cancellation_reason=30, did_not_arrive=None, patient_arrived=None), attendee(arrived=None))
    assert (was.stage, now.stage) == (CANCELLED, BOOKED)
    assert (now.values["cliniko_cancelled_at"], now.values["cliniko_cancellation_reason"]) == ("", "")


def test_removed_is_told_from_cancelled():
    assert appointment_state(appointment(archived_at=DONE), None).removed
    assert attendee_state(attendee(), group(deleted_at=DONE)).removed
    assert not appointment_state(appointment(cancelled_at=DONE), None).removed
    assert not attendee_state(attendee(cancelled_at=DONE)).removed


def test_without_the_type():
    context = replace(CONTEXT, include_appointment_type=False)
    values = mapped(context=context).values
    assert values["dealname"] == "Appointment | Joe Monahan | Thu 21 Jul 2016, 1:45 pm"
    assert values["cliniko_appointment_type"] == ""
    assert "Initial" not in repr(values)


def test_without_the_case_name():
    facts = replace(FACTS, case=case(name="Knee"), case_sessions_used=0)
    values = mapped(facts=facts, context=replace(CONTEXT, include_case_name=False)).values
    assert (values["cliniko_case_name"], values["cliniko_case_sessions_used"]) == ("", "0")
    assert "Knee" not in repr(values)


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        (VisitFacts(), "Appointment | Thu 21 Jul 2016, 3:45 am UTC"),
        (VisitFacts("Joe", " \u200b"), "Appointment | Joe | Thu 21 Jul 2016, 3:45 am UTC"),
        (VisitFacts(None, "Massage", time_zone="Pacific/Auckland"), "Massage | Thu 21 Jul 2016, 3:45 pm"),
    ],
)
def test_a_name_of_what_is_known(facts, name):
    assert mapped(facts=facts).values["dealname"] == name


def test_an_appointment_without_a_start_is_reported():
    result = mapped(appointment(starts_at=None, ends_at=None))
    assert [(problem.field, problem.code) for problem in result.problems] == [
        ("cliniko_appointment_starts_at", "NO_START")
    ]
    assert result.values["dealname"] == "Initial Consultation | Joe Monahan"
    assert result.values["closedate"] == result.values["cliniko_appointment_starts_at"] == ""


@pytest.mark.parametrize(
    ("fields", "other", "online"),
    [
        ({}, {}, "false"),
        ({"booking_ip_address": ""}, {}, "false"),
        ({"booking_ip_address": "::1"}, {}, "true"),
        ({"online_booking_policy_accepted": True}, {}, "true"),
        ({"online_booking_policy_accepted": False}, {}, "false"),
        ({}, {"booking_ip_address": "10.0.0.43"}, "true"),
    ],
)
def test_booked_online(fields, other, online):
    assert mapped(appointment(**fields), attendee(**other)).values["cliniko_appointment_booked_online"] == online


def test_the_address_of_an_online_booking_is_not_even_kept():
    assert "10.0.0.43" not in repr(appointment(booking_ip_address="10.0.0.43"))
    assert "10.0.0.43" not in repr(attendee(booking_ip_address="10.0.0.43"))


ANY_TEXT = st.none() | st.text(st.characters(exclude_categories=()), max_size=40)


@given(patient=ANY_TEXT, kind=ANY_TEXT, who=ANY_TEXT, place=ANY_TEXT, zone=ANY_TEXT, start=st.datetimes())
def test_any_visit_maps_to_text_that_can_be_sent(patient, kind, who, place, zone, start):
    facts = VisitFacts(patient, kind, who, who, place, zone)
    record = SimpleNamespace(
        **dict.fromkeys(("ends_at", "archived_at", "deleted_at", "cancelled_at", "cancellation_reason")),
        cancellation_reason_description=kind,
        id="1",
        starts_at=start.replace(tzinfo=UTC),
        did_not_arrive=None,
        patient_arrived=None,
        booked_online=False,
        patient_case_id=None,
    )
    first, second = (mapped(record, facts=facts) for _ in range(2))
    assert first == second
    for value in first.values.values():
        value.encode()
        assert value == value.strip()
        assert "\x00" not in value


def test_a_time_given_as_time_or_text():
    texts = mapped().values
    record = appointment()
    assert record.starts_at == datetime(2016, 7, 21, 3, 45, tzinfo=UTC)
    assert mapped(record).values == texts
