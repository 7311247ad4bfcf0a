"""Services that fail, lie by omission or refuse; processes that die at any point; lists that the key may not read."""

import json
import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import current_app
from sqlalchemy import update

from jobs.sync import connect, engine
from tests.jobs.sync.oracle import differences
from tests.jobs.sync.practice import DAY, HOUR, Practice, text
from webapp.clients.cliniko import resources
from webapp.clock import now
from webapp.extensions import db
from webapp.sandbox.cliniko import actions
from webapp.sandbox.hubspot.support import Fault
from webapp.store import issues, leases
from webapp.store.connections import find_connection
from webapp.store.models_sync import Lease

JSON = {"Content-Type": "application/json"}


class Killed(BaseException):
    """The process died here."""


@pytest.fixture
def practice(clinic) -> Practice:
    return Practice(clinic)


@dataclass
class Busy:
    """A practice in sync, with appointments, a class, a case and invoices, in which something changes all the time."""

    practice: Practice
    visits: list[str]
    bills: list[str]
    lesson: str
    turn: int = 0

    def stir(self) -> None:
        """A little of everything changes, forwards and backwards."""
        self.turn += 1
        turn, account = self.turn, self.practice.account
        (actions.cancel if turn % 2 else actions.uncancel)(account, "individual_appointments", self.visits[0])
        self.practice.arrive(self.visits[1], (True, False, None)[turn % 3])
        actions.move(account, self.visits[2], 1 if turn % 2 else -1)
        actions.set_arrival(account, self.practice.attendees(self.lesson)[turn % 4], turn % 2 == 0)
        actions.set_invoice(account, self.bills[turn % 4], (20, 30, 40, 10)[turn % 4])
        known = str(self.practice.row("individual_appointments", self.visits[3])["patient_id"])
        patient = self.practice.patient() if turn % 5 == 0 else known
        self.practice.appointment(patient, now() + 2 * DAY, created_at=text(now()))

    def right(self, what: object = None) -> None:
        wrong = differences(self.practice.clinic, now())
        assert wrong == [], what


@pytest.fixture
def busy(practice) -> Busy:
    people = practice.patients(4)
    case = practice.case(people[0], include_cancelled_attendees=False)
    visits = [practice.appointment(people[0], now(), case)]
    visits += [practice.appointment(p, now() + n * HOUR) for n, p in enumerate(people[1:])]
    made = Busy(practice, visits, [practice.invoice(p) for p in people], practice.lesson_at(now() + DAY, *people))
    practice.sync()
    practice.sync()
    return made


@pytest.mark.timeout(1200)
def test_killed_at_any_commit(busy, monkeypatch):
    """At every fifth, and with CRMCONNECT_FULL=1 at every single one."""
    practice, commit, left = busy.practice, db.session.commit, 0
    step = 1 if os.environ.get("CRMCONNECT_FULL") == "1" else 5

    def deadly() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        commit()

    for stream in ("appointments", "invoices"):
        for place in range(1, 500, step):
            busy.stir()
            left = place
            with monkeypatch.context() as patched, suppress(Killed):
                patched.setattr(db.session, "commit", deadly)
                practice.clinic.cycle(stream)
            db.session.rollback()
            survived, left = left > 0, 0
            # Its leases run out by themselves after a while.
            db.session.execute(update(Lease).values(owner=None))
            db.session.commit()
            practice.sync(stream)
            practice.sync("invoices" if stream == "appointments" else "appointments")
            busy.right((stream, place))
            if survived:
                break
        print(f"\n{stream}: fewer than {place + 1} commits")
        assert 10 < place < 499
    assert issues.count_open(practice.clinic.hub_id) == issues.count_work(practice.clinic.hub_id) == {}


def test_a_list_that_comes_cut_off_removes_nothing(busy):
    clinic = busy.practice.clinic
    for name in ("individual_appointments", "group_appointments", "attendees", "patient_cases", "invoices"):
        busy.stir()
        before = set(clinic.deals())
        clinic.cliniko.faults.add(Fault(match=f"GET /v1/{name}$", times=4, kind="truncate"))
        outcomes = {result.outcome for result in clinic.cycle("appointments", "invoices").values()}
        assert "waiting" in outcomes, name
        assert before <= set(clinic.deals())
        clinic.cliniko.faults.clear()
        busy.practice.sync()
        busy.right(name)


def leave_out(busy: Busy, *names: str) -> None:
    """Cliniko answers with success, and with nothing in it."""
    for name in names:
        body = json.dumps({name: [], "total_entries": 0, "links": {}})
        fault = Fault(match=f"GET /v1/{name}$", times=60, status=200, headers=JSON, body=body)
        busy.practice.clinic.cliniko.faults.add(fault)


def test_records_that_do_not_come_are_asked_for_again(busy):
    clinic = busy.practice.clinic
    clinic.set("deal_currency", "NZD")
    leave_out(busy, "individual_appointments", "attendees", "group_appointments", "invoices")
    busy.practice.sync()
    clinic.cliniko.faults.clear()
    busy.right("nothing is concluded from what did not come")
    found = issues.list_issues(clinic.hub_id)
    assert {issue.cause for issue in found} == {"not_returned"}
    assert {issue.kind for issue in found} == {"individual_appointment", "attendee", "invoice"}
    busy.practice.sync()
    assert {deal["deal_currency_code"] for deal in clinic.deals().values()} == {"AUD"}, "not due yet"
    issues.retry_now(clinic.hub_id)
    busy.practice.sync()
    assert {deal["deal_currency_code"] for deal in clinic.deals().values()} == {"NZD"}
    assert issues.count_open(clinic.hub_id) == {}
    busy.right()


def test_a_class_without_the_attendees_it_had(busy):
    practice = busy.practice
    actions.move(practice.account, busy.lesson, 2)
    leave_out(busy, "attendees")
    practice.sync("appointments")
    practice.clinic.cliniko.faults.clear()
    assert [practice.stage(seat, "attendee") for seat in practice.attendees(busy.lesson)] == ["booked"] * 4
    assert {issue.kind for issue in issues.list_issues(practice.clinic.hub_id)} == {"attendee"}
    issues.retry_now(practice.clinic.hub_id)
    practice.sync("appointments")
    busy.right()
    assert issues.count_open(practice.clinic.hub_id) == {}


def test_hubspot_fails_in_the_middle(busy):
    clinic = busy.practice.clinic
    for fault in (
        Fault(match="POST .*deals/batch/(update|upsert)", status=502, times=4),
        Fault(match="POST .*deals/batch/(update|upsert)", kind="reset", when="after"),
        Fault(match="POST .*deals/batch/read", status=500, times=4),
        Fault(match="POST .*batch/associate/default", status=503, when="after", times=4),
        Fault(match="POST .*deals/batch/upsert", status=429, headers={"Retry-After": "1"}),
        Fault(match="POST .*contacts/batch/update", kind="truncate", times=4),
    ):
        busy.stir()
        clinic.hubspot.faults.add(fault)
        outcomes = {result.outcome for result in clinic.cycle("appointments", "invoices").values()}
        assert outcomes <= {"waiting", "done"}
        assert fault.times == 0, "it happened"
        busy.practice.sync()
        busy.right(fault)
    assert issues.count_open(clinic.hub_id) == {}


def test_cliniko_fails_in_the_middle(busy):
    clinic = busy.practice.clinic
    for status, times in ((429, 1), (500, 4), (503, 4)):
        busy.stir()
        soon = {"X-RateLimit-Reset": str(int((now() + timedelta(seconds=1)).timestamp()))}
        fault = Fault(match="GET /v1/attendees$", status=status, headers=soon, times=times)
        clinic.cliniko.faults.add(fault)
        assert clinic.cycle("appointments")["appointments"].outcome in ("waiting", "done")
        assert fault.times == 0
        busy.practice.sync()
        busy.right(status)


def test_one_refused_record_holds_up_nobody(practice):
    people = practice.patients(100)
    visits = [practice.appointment(p, now() + DAY) for p in people]
    practice.portal.required["deals"] = ["cliniko_case_id"]
    for visit in visits[1:]:
        practice.edit("individual_appointments", visit, patient_case_id=practice.case(people[0]))
    practice.sync()
    assert [v for v in visits if practice.deal(v) is None] == [visits[0]]
    found = issues.list_issues(practice.clinic.hub_id)
    assert [(i.cliniko_id, i.cause, i.field) for i in found] == [(visits[0], "required_property", "cliniko_case_id")]
    practice.portal.required["deals"] = []
    options = practice.portal.schema["deals"].properties["cliniko_appointment_status"]["options"]
    options[:] = [option for option in options if option["value"] != "Cancelled"]
    actions.cancel(practice.account, "individual_appointments", visits[1])
    practice.clinic.clear_calls()
    practice.sync("appointments")
    deal = practice.deal(visits[1])
    assert deal is not None
    assert (practice.stage(visits[1]), deal["cliniko_appointment_status"]) == ("cancelled", "Booked")
    assert len(practice.clinic.hubspot_calls("deals/batch/update")) == 2, "once with the value, once without"
    issues.retry_now(practice.clinic.hub_id)
    practice.sync("appointments")
    assert practice.stage(visits[0]) == "booked"
    assert [(i.cliniko_id, i.field) for i in issues.list_issues(practice.clinic.hub_id)] == [
        (visits[1], "cliniko_appointment_status")
    ]


def test_only_one_execution_of_a_stream_runs(busy):
    clinic = busy.practice.clinic
    busy.stir()
    held = leases.acquire(clinic.hub_id, "appointments", "somebody else")
    assert held is not None
    assert engine.run_execution(clinic.hub_id, "appointments").outcome == "busy"
    leases.release(held)
    app = current_app._get_current_object()
    outcomes: dict[str, str] = {}

    def run(name: str, stream: str) -> None:
        with app.app_context():
            outcomes[name] = clinic.until_done(stream).outcome
            db.session.remove()

    names = [("first", "appointments"), ("second", "appointments"), ("third", "invoices"), ("fourth", "patients")]
    threads = [threading.Thread(target=run, args=pair) for pair in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "done" in (outcomes["first"], outcomes["second"])
    assert set(outcomes.values()) <= {"done", "busy", "waiting"}
    busy.practice.sync()
    busy.right()


def test_lists_that_the_key_may_not_read_are_left_out_one_by_one(busy):
    practice = busy.practice
    lists = ("bookings", "patient_cases", "users", "practitioners", "appointment_types", "businesses", "taxes")
    for name in (*lists, "group_appointments", "attendees"):
        practice.account.forbidden.add(name)
        busy.stir()
        # An attendee of something that nobody knows: only the list of bookings tells what it is.
        unknown = practice.appointment(practice.patient(), now() + DAY)
        practice.edit("attendees", practice.attendees(unknown)[0])
        practice.sync("appointments")
        assert practice.stage(busy.visits[0]) == ("cancelled" if busy.turn % 2 else "booked"), name
        assert practice.stage(unknown) == (None if name == "attendees" else "booked"), name
    connection = find_connection(practice.clinic.hub_id)
    assert connection is not None
    closed = {name for name, access in connection.access.items() if access == "forbidden"}
    assert {"bookings", "patient_cases", "group_appointments", "attendees"} <= closed
    practice.account.forbidden |= {"individual_appointments", "invoices"}
    results = practice.clinic.cycle("appointments", "invoices", "history")
    assert [results[s].cause for s in ("appointments", "invoices")] == ["list_forbidden"] * 2
    assert results["history"].outcome == "done"


def test_every_probed_list_says_what_its_absence_switches_off(clinic):
    probed = set(resources._PROBED) | set(resources._PROBED_UNTYPED)
    assert set(connect.SWITCHED_OFF) == probed
    clinic.account.forbidden |= probed - {connect.NEEDED}
    result = connect.connect_cliniko(clinic.hub_id, clinic.key)
    assert result.switched_off == {name: w for name, w in connect.SWITCHED_OFF.items() if name != connect.NEEDED}
