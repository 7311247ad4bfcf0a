"""The whole history of visits and invoices, learned once in the background for the visit summary."""

import pytest

from jobs.sync import engine, history
from tests.jobs.sync.practice import DAY, Practice, text
from webapp.clock import now
from webapp.sandbox.cliniko import actions
from webapp.sandbox.hubspot.support import Fault
from webapp.store import streams
from webapp.store.connections import find_connection

COUNTS = ("booked", "arrived", "did_not_arrive", "cancelled")


@pytest.fixture
def practice(clinic) -> Practice:
    return Practice(clinic)


def live(practice: Practice) -> None:
    """A cycle of everything but the history."""
    practice.sync("patients", "contacts", "appointments", "invoices")


def summary(practice: Practice, patient: str) -> dict[str, str]:
    contact = practice.clinic.contact_of(patient)
    assert contact is not None
    return {
        name.removeprefix("cliniko_"): value
        for name, value in contact.items()
        if name.startswith(("cliniko_appointments_", "cliniko_last_", "cliniko_next_"))
        or name.endswith("lifetime_value")
    }


def counts(practice: Practice, patient: str) -> list[int]:
    shown = summary(practice, patient)
    return [int(shown.get(f"appointments_{name}", 0)) for name in COUNTS]


def lived(practice: Practice, patient: str) -> str:
    """Years of visits of every kind; returns the latest one that took place."""
    states = (None, True, True, False)
    for number, arrived in enumerate(states, 1):
        visit = practice.appointment(patient, now() - number * 100 * DAY)
        if arrived is not None:
            practice.arrive(visit, arrived)
    called_off = practice.appointment(patient, now() - 600 * DAY)
    actions.cancel(practice.account, "individual_appointments", called_off)
    actions.archive(practice.account, "individual_appointments", practice.appointment(patient, now() - 700 * DAY))
    lesson = practice.lesson_at(now() - 50 * DAY, patient)
    actions.set_arrival(practice.account, practice.attendees(lesson)[0], True)
    far = practice.appointment(patient, now() + 200 * DAY)
    practice.invoice(patient, "100.5", status=20, issue_date="2019-05-01")
    practice.invoice(patient, "1.0", status=20, issue_date="2019-05-02", archived_at=text(now()))
    practice.invoice(patient, "7.0", status=10, issue_date="2019-05-03")
    assert far
    return str(practice.row("group_appointments", lesson)["starts_at"])


def test_it_makes_no_deals_and_the_summary_is_right_before_and_after(practice):
    ana, bo = practice.patients(2)
    last = lived(practice, ana)
    visit = practice.appointment(ana, now() + DAY)
    bill = practice.invoice(ana, "9.5", status=20)
    live(practice)
    assert counts(practice, ana) == [1, 0, 0, 0], "what is known so far"
    assert summary(practice, ana)["lifetime_value"] == "9.50"
    deals = set(practice.clinic.deals())
    assert deals == {
        f"{practice.account.id}:individual_appointment:{visit}",
        f"{practice.account.id}:invoice:{bill}",
    }
    connection = find_connection(practice.clinic.hub_id)
    assert connection is not None
    assert history.progress(connection.id) == (0, 4)
    practice.sync("history")
    assert history.progress(connection.id) == (4, 4)
    practice.clinic.clear_calls()
    live(practice)
    assert set(practice.clinic.deals()) == deals
    assert counts(practice, ana) == [3, 3, 1, 1], "booked: the next two, and a past one that nobody marked"
    shown = summary(practice, ana)
    assert (shown["lifetime_value"], shown["last_appointment_at"][:19]) == ("110.00", last[:19])
    assert shown["last_appointment_type"] == "Pilates"
    assert summary(practice, bo) == {}, "of somebody who never came nothing is said"
    assert [path for _, path in practice.written()] == ["/crm/objects/2026-09/contacts/batch/update"]


def test_it_goes_on_where_it_was_and_ends_once(practice):
    people = practice.patients(3)
    for number in range(240):
        practice.appointment(people[number % 3], now() - (20 + number) * DAY)
    live(practice)
    hub_id = practice.clinic.hub_id
    streams.ensure_streams(hub_id, ["history"])
    assert engine.run_execution(hub_id, "history").outcome == "more"
    practice.clinic.cliniko.faults.add(Fault(match="GET /v1/individual_appointments$", times=4, status=503))
    assert engine.run_execution(hub_id, "history").outcome == "waiting"
    practice.clinic.cliniko.faults.clear()
    practice.clinic.clear_calls()
    practice.sync("history")
    asked = practice.clinic.cliniko_calls("/individual_appointments")
    assert len(asked) == 2 and all("id%3A%3E" in call.query for call in asked), "after the first page"
    live(practice)
    assert [counts(practice, p)[0] for p in people] == [80, 80, 80]
    practice.clinic.clear_calls()
    state = streams.get_stream(hub_id, "history")
    assert state is not None and state.state == "finished"
    streams.request_run(hub_id, ["history"])
    state = streams.get_stream(hub_id, "history")
    assert state is not None and state.state == "finished", "there is nothing left to ask it for"


def test_what_changes_while_it_is_learned_stays_as_it_is_now(practice):
    """The live streams know more than the history: it never overwrites them."""
    ana = practice.patient()
    old, older = (practice.appointment(ana, now() - n * DAY) for n in (30, 60))
    bill = practice.invoice(ana, "50.0", status=10, issue_date="2019-05-01")
    live(practice)
    practice.arrive(old, True)
    actions.set_invoice(practice.account, bill, 20)
    live(practice)
    assert counts(practice, ana) == [0, 1, 0, 0]
    practice.sync("history")
    live(practice)
    assert counts(practice, ana) == [1, 1, 0, 0]
    assert summary(practice, ana)["lifetime_value"] == "50.00"
    practice.arrive(older, False)
    actions.set_invoice(practice.account, bill, 30)
    live(practice)
    assert counts(practice, ana) == [0, 1, 1, 0]
    assert summary(practice, ana)["lifetime_value"] == "0.00"


def test_sessions_of_a_case_are_counted_in_full_once_it_is_known(practice):
    ana = practice.patient()
    case = practice.case(ana)
    for number in range(5):
        practice.appointment(ana, now() - (30 + number) * DAY, case)
    visit = practice.appointment(ana, now() + DAY, case)
    live(practice)
    assert (practice.deal(visit) or {})["cliniko_case_sessions_used"] == "1"
    practice.sync("history")
    practice.clinic.clear_calls()
    live(practice)
    assert (practice.deal(visit) or {})["cliniko_case_sessions_used"] == "6"
    assert len(practice.clinic.hubspot_calls("deals/batch/update")) == 1


def test_lists_that_may_not_be_read_are_left_out(practice):
    ana = practice.patient()
    practice.arrive(practice.appointment(ana, now() - 30 * DAY), True)
    practice.account.forbidden |= {"attendees", "invoices", "group_appointments"}
    practice.clinic.cycle("patients", "appointments", "invoices")
    practice.sync("history")
    practice.sync("appointments")
    assert counts(practice, ana) == [0, 1, 0, 0], "the appointment itself says that she came"
    assert "lifetime_value" not in summary(practice, ana) or summary(practice, ana)["lifetime_value"] == "0.00"


def test_visits_of_merged_patients_count_for_the_survivor(practice):
    ana, bo = practice.patients(2)
    lived(practice, ana)
    practice.sync()
    practice.sync()
    assert counts(practice, ana) == [2, 3, 1, 1]
    actions.merge_patients(practice.account, ana, bo)
    live(practice)
    live(practice)
    assert counts(practice, bo) == [2, 3, 1, 1]
    assert summary(practice, bo)["lifetime_value"] == "100.50"
