"""A reconcile that is stopped anywhere goes on from there; a list that fails or is not whole concludes nothing."""

import json
from datetime import timedelta

import pytest
import time_machine
from werkzeug.wrappers import Request, Response

from jobs.sync import engine, reconcile
from jobs.sync.context import SyncContext
from tests.jobs.sync.practice import text
from tests.jobs.sync.proven import Proven
from tests.support import proving
from webapp.clock import now
from webapp.sandbox.cliniko.model import ClinikoSandbox
from webapp.sandbox.support import Fault
from webapp.store import leases, proofs, streams


class Killed(BaseException):
    """The process ended here."""


class HalfCliniko(ClinikoSandbox):
    """`leaves_out` takes a path and a list of records, and returns what Cliniko answers instead."""

    leaves_out = None

    @property
    def app(self):
        def answer(environ, start_response):
            response = Response.from_app(super(HalfCliniko, self).app, Request(environ).environ)
            if self.leaves_out is not None and response.status_code == 200:
                body = json.loads(response.get_data())
                name = environ["PATH_INFO"].rpartition("/")[2]
                if isinstance(body.get(name), list):
                    response.set_data(json.dumps({**body, **self.leaves_out(name, environ["QUERY_STRING"], body)}))
            return response(environ, start_response)

        return answer


@pytest.fixture
def cliniko() -> HalfCliniko:
    return HalfCliniko(limits_on=False)


@pytest.fixture
def practice(clinic) -> Proven:
    return Proven(clinic)


def damage(practice: Proven) -> None:
    """One of many things that a reconcile finds."""
    practice.edit("patients", practice.bo, touch=False, first_name="Bob")
    practice.edit("invoices", practice.open, touch=False, total_amount="50.0")
    practice.account.remove("invoices", practice.paid)
    practice.portal.update("deals", practice.deal_id(practice.seat, "attendee"), {"cliniko_key": ""})
    practice.portal.delete("deals", practice.deal_id(practice.came))
    deal, contact = practice.deal_id(practice.visit), practice.contact_id(practice.ana)
    practice.portal.associations[deal].pop(contact)


def is_mended(practice: Proven) -> bool:
    bill, gone = practice.deal(practice.open, "invoice"), practice.deal(practice.paid, "invoice")
    return (
        practice.contact(practice.bo)["firstname"] == "Bob"
        and bill is not None
        and (bill["amount"], bill["dealname"].endswith("Bob Ruiz")) == ("50.00", True)
        and gone is not None
        and (gone["amount"], gone["dealstage"]) == ("0.00", "cliniko_inv_closed")
        and practice.patients_of(practice.seat, "attendee") == [practice.bo]
        and practice.deal(practice.came) is None
        and practice.patients_of(practice.visit) == [practice.ana]
        and len(practice.clinic.deals()) == 4
    )


def test_killed_at_any_point(clinics, monkeypatch):
    """Once without a stop, to see what comes of it and how often it commits; then stopped at every commit in turn."""
    whole = Proven(clinics.make())
    damage(whole)
    commits, commit = [0], SyncContext.commit

    def counting(ctx: SyncContext) -> None:
        if ctx.stream == reconcile.STREAM:
            commits[0] += 1
        commit(ctx)

    monkeypatch.setattr(SyncContext, "commit", counting)
    report = whole.prove()
    assert report["agree"]

    stopped = Proven(clinics.make())
    damage(stopped)
    left, patience = [0], [0]

    def dying(ctx: SyncContext) -> None:
        if ctx.stream == reconcile.STREAM:
            if left[0] == 0:
                patience[0] += 1
                left[0] = patience[0] // 2
                raise Killed
            left[0] -= 1
        commit(ctx)

    monkeypatch.setattr(SyncContext, "commit", dying)
    proving.begin(stopped.clinic)
    for _ in range(400):
        try:
            if proving.step(stopped.clinic):
                break
        except Killed:
            continue
    monkeypatch.setattr(SyncContext, "commit", commit)
    assert patience[0] > 5 and commits[0] > 10
    end = proving.report(stopped.clinic)
    assert end["agree"]
    sums = ("streams", "stages", "totals", "kept")
    assert {name: end[name] for name in sums} == {name: report[name] for name in sums}
    assert is_mended(whole) and is_mended(stopped)
    assert stopped.prove()["found"] == {}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(r"GET /v1/(individual_appointments|invoices|patients|attendees)", times=40, status=500),
        Fault(r"GET /v1/(individual_appointments|invoices|patients|attendees)", times=40, kind="truncate"),
        Fault(r"GET /v1/(individual_appointments|invoices|patients|attendees)", times=40, kind="reset"),
        Fault(r"GET /v1/(individual_appointments|invoices|patients|attendees)", times=40, status=200, body="{}"),
    ],
    ids=["error", "truncated", "dropped", "no list"],
)
def test_a_list_that_fails_concludes_nothing(practice, fault):
    before = proving.both_sides(practice.clinic)
    practice.clinic.cliniko.faults.add(fault)
    proving.begin(practice.clinic)
    results = [engine.run_execution(practice.clinic.hub_id, reconcile.STREAM) for _ in range(4)]
    assert [r.outcome for r in results[1:]] == ["waiting"] * 3
    practice.clinic.cliniko.faults.clear()
    report = practice.prove()
    assert report["agree"] and report["found"] == {} and proving.both_sides(practice.clinic) == before
    assert practice.written() == []


def by_id(query: str) -> bool:
    return "id%3A%3D" in query or "id:=" in query


@pytest.mark.parametrize("name", ["individual_appointments", "invoices", "attendees", "patients", "group_appointments"])
def test_a_list_that_is_not_whole_is_asked_once_more(practice, cliniko, name):
    """A page says that there is no more than half of what there is: what it left out is asked for by id."""
    before = proving.both_sides(practice.clinic)

    def half(path: str, query: str, body: dict) -> dict:
        return {name: body[name][: len(body[name]) // 2], "links": {}} if path == name and not by_id(query) else {}

    cliniko.leaves_out = half
    report = practice.prove()
    assert report["agree"] and report["found"] == {} and proving.both_sides(practice.clinic) == before


def test_an_answer_by_id_that_is_not_whole_proves_no_removal(practice, cliniko):
    before = proving.both_sides(practice.clinic)
    cliniko.leaves_out = lambda path, query, body: {path: []} if path == "invoices" else {}
    report = practice.prove()
    assert not report["agree"] and set(report["left"]) == {"list_incomplete"}
    cliniko.leaves_out = None
    assert proving.both_sides(practice.clinic) == before
    assert practice.prove()["agree"]


def test_a_key_that_suddenly_sees_nothing(practice, cliniko):
    """Every answer is whole, and empty: so much at once is not believed."""
    for _ in range(25):
        practice.invoice(practice.ana, "1.0", created_at=text(now()))
    practice.settle()
    before = proving.both_sides(practice.clinic)
    cliniko.leaves_out = lambda path, query, body: (
        {path: [], "total_entries": 0, "links": {}} if path == "invoices" else {}
    )
    report = practice.prove()
    assert not report["agree"] and report["left"] == {"gone": 27}
    cliniko.leaves_out = None
    assert proving.both_sides(practice.clinic) == before and practice.prove()["agree"]


def test_a_list_in_another_order(practice):
    practice.account.switches.honours_id_sort = False
    practice.edit("patients", practice.bo, touch=False, first_name="Bob")
    report = practice.prove()
    assert report["agree"] and report["found"] == {"changed": 1}
    assert report["streams"]["patients"] == {"cliniko": 2, "hubspot": 2}
    assert report["streams"]["appointments"] == {"cliniko": 3, "hubspot": 3}


def test_a_list_that_the_key_may_not_read(practice):
    practice.account.forbidden = {"invoices"}
    report = practice.prove()
    assert report["agree"] and report["not_read"] == ["invoices"]


def test_one_that_lay_too_long_begins_anew(practice):
    proving.begin(practice.clinic)
    for _ in range(6):
        engine.run_execution(practice.clinic.hub_id, reconcile.STREAM)
    first = proofs.under_way(practice.clinic.hub_id)
    with time_machine.travel(now() + timedelta(hours=21), tick=True):
        proving.step(practice.clinic)
        second = proofs.under_way(practice.clinic.hub_id)
    assert (
        first is not None
        and second is not None
        and second.started_at > first.started_at
        and second.report["lists"] == {}
    )


def test_repairs_that_do_not_end_are_waited_for_only_so_long(practice):
    practice.edit("patients", practice.bo, touch=False, first_name="Bob")
    proving.begin(practice.clinic)
    while not reconcile.wait_for(practice.clinic.hub_id):
        engine.run_execution(practice.clinic.hub_id, reconcile.STREAM)
    waits = engine.run_execution(practice.clinic.hub_id, reconcile.STREAM)
    assert (waits.outcome, waits.cause) == ("waiting", "busy")
    state = streams.get_stream(practice.clinic.hub_id, "patients")
    assert state is not None and state.next_run_at <= now(), "its stream was asked to run"
    with time_machine.travel(now() + timedelta(hours=4), tick=True):
        while engine.run_execution(practice.clinic.hub_id, reconcile.STREAM).outcome == "more":
            pass
    report = proving.report(practice.clinic)
    assert report["left"] == {"changed": 1} and report["fixed"] == 0


def test_repairs_of_a_stream_that_stopped_are_not_waited_for(practice):
    practice.edit("patients", practice.bo, touch=False, first_name="Bob")
    proving.begin(practice.clinic)
    while not reconcile.wait_for(practice.clinic.hub_id):
        engine.run_execution(practice.clinic.hub_id, reconcile.STREAM)
    streams.stop(practice.clinic.hub_id, "patients", "list_forbidden")
    assert engine.run_execution(practice.clinic.hub_id, reconcile.STREAM).outcome == "more"


def test_only_one_at_a_time(practice):
    proving.begin(practice.clinic)
    lease = leases.acquire(practice.clinic.hub_id, reconcile.STREAM, "somebody")
    assert lease is not None
    assert engine.run_execution(practice.clinic.hub_id, reconcile.STREAM).outcome == "busy"
    leases.release(lease)
    assert practice.prove()["agree"]
