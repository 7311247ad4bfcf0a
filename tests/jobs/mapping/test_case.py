import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.mapping.case import case_property_names, case_values, sessions_used
from jobs.mapping.catalogue import DEALS, AppointmentStatus, property_named
from jobs.mapping.visits import VisitState, attendee_state

from .makers_deals import DONE, attendee, case

BOOKED, ARRIVED, MISSED, CANCELLED = AppointmentStatus


def values(used=3, include_name=True, **fields):
    return case_values("1", case(**fields), used, include_name=include_name)


def test_a_case_becomes_these_properties():
    assert tuple(values()) == case_property_names()
    assert values(referral=True) == {
        "cliniko_case_id": "566562806174843905",
        "cliniko_case_name": "Knee",
        "cliniko_case_issue_date": "2021-02-18",
        "cliniko_case_expiry_date": "2022-02-17",
        "cliniko_case_closed": "false",
        "cliniko_case_max_sessions": "12",
        "cliniko_case_max_invoiceable_amount": "1250.50",
        "cliniko_case_referral": "true",
        "cliniko_case_sessions_used": "3",
    }
    for name in case_property_names():
        assert property_named(DEALS, name).group == "cliniko_appointment"


def test_without_a_case_everything_is_blank():
    assert set(case_values(None, None, None, include_name=True).values()) == {""}


def test_a_case_that_the_key_may_not_read_is_known_by_its_id():
    shown = {name: value for name, value in case_values("5", None, None, include_name=True).items() if value}
    assert shown == {"cliniko_case_id": "5"}


@pytest.mark.parametrize(
    ("fields", "closed"),
    [
        ({"closed": True}, "true"),
        ({"closed": False}, "false"),
        ({"closed": None}, "false"),
        ({"closed": None, "closed_at": DONE}, "true"),
        ({"closed": False, "closed_at": DONE}, "true"),
    ],
)
def test_closed(fields, closed):
    assert values(**fields)["cliniko_case_closed"] == closed


def test_what_a_case_does_not_say_stays_blank():
    empty = {"issue_date": None, "expiry_date": "", "max_sessions": None, "max_invoiceable_amount": None}
    shown = values(None, name=None, referral=None, **empty)
    assert {name for name, value in shown.items() if value} == {"cliniko_case_id", "cliniko_case_closed"}


def test_a_name_that_is_not_wanted_is_blank():
    assert values(include_name=False)["cliniko_case_name"] == ""


ATTENDEES = [
    attendee(id="1", arrived=True),
    attendee(id="2"),
    attendee(id="3", arrived=False),
    attendee(id="4", cancelled_at=DONE),
    attendee(id="5", cancelled_at=DONE, archived_at=DONE),
    attendee(id="6", arrived=True, deleted_at=DONE),
]


@pytest.mark.parametrize(
    ("cancelled", "missed", "used"),
    [(None, None, 2), (False, False, 2), (True, None, 3), (None, True, 3), (True, True, 4)],
)
def test_sessions_used_by_the_flags_of_the_case(cancelled, missed, used):
    flags = {"include_cancelled": cancelled, "include_did_not_arrive": missed}
    states = [attendee_state(one) for one in ATTENDEES]
    assert sessions_used(states, **flags) == used
    assert sessions_used({ARRIVED: 1, BOOKED: 1, MISSED: 1, CANCELLED: 1}, **flags) == used


def test_no_attendees_no_sessions():
    assert sessions_used([], include_cancelled=True, include_did_not_arrive=True) == 0
    assert sessions_used({}, include_cancelled=None, include_did_not_arrive=None) == 0


@given(st.lists(st.builds(VisitState, st.sampled_from(AppointmentStatus), st.booleans())), st.booleans(), st.booleans())
def test_counts_and_states_agree(states, cancelled, missed):
    flags = {"include_cancelled": cancelled, "include_did_not_arrive": missed}
    counts = {status: sum(not s.removed and s.status is status for s in states) for status in AppointmentStatus}
    before = dict(counts)
    assert sessions_used(states, **flags) == sessions_used(counts, **flags) <= len(states)
    assert counts == before
