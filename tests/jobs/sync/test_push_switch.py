"""The switch: who sets it, what becomes of it, and how often that is written."""

import time
from datetime import timedelta

import pytest

from jobs.sync.requests import BACK_OFF
from jobs.tasks.push import carry_out
from tests.support.hooked import CONTACT, PATIENT, UNLINK, WORKFLOW
from tests.support.people import add_lead, add_patient, open_issues
from tests.support.waiting import until
from webapp.clock import now
from webapp.extensions import db
from webapp.sandbox.hubspot.records import Source
from webapp.sandbox.support import Fault
from webapp.store import accounts, issues, pushes

SOURCES = {
    "person": None,
    "workflow": WORKFLOW,
    "form": Source("FORM", "form-1"),
    "import": Source("IMPORT", "import-1"),
    "another app": Source("INTEGRATION", "777"),
}


@pytest.fixture
def ana(clinic, hooks) -> str:
    patient = add_patient(clinic, email="ana@people.example", city="Newtown")
    hooks.cycle()
    return patient


@pytest.fixture
def contact(hooks, ana) -> str:
    return hooks.contact_of(ana)


@pytest.mark.parametrize("who", SOURCES)
def test_whoever_sets_it_cliniko_holds_the_change_and_all_is_quiet_after(hooks, ana, contact, who):
    hooks.clinic.clear_calls()
    assert hooks.push(contact, source=SOURCES[who], city="Enmore") == "updated"
    assert hooks.patient(ana)["city"] == "Enmore"
    told = hooks.contact(contact)
    assert (told[PATIENT], told["cliniko_sync_status"]) == ("false", "Sent to Cliniko")
    assert told["cliniko_sync_message"] == "Sent to Cliniko: City."
    assert hooks.cliniko_writes() == [("PATCH", f"/v1/patients/{ana}")]
    assert len(hooks.clinic.hubspot_writes()) == 1, "one write says what happened and sets the switch back"
    assert [event.property_name for event in hooks.events() if event.switched_on] == [PATIENT]
    hooks.quiet_cycles()
    assert hooks.results() == ["updated"]


def test_set_back_before_it_was_done_nothing_happens(hooks, ana, contact):
    hooks.set(contact, city="Enmore")
    hooks.portal.update("contacts", contact, {PATIENT: "false"})
    hooks.clinic.clear_calls()
    hooks.deliver()
    assert hooks.results() == ["set_back"]
    assert hooks.patient(ana)["city"] == "Newtown"
    assert hooks.clinic.hubspot_writes() == [] and "cliniko_sync_message" not in hooks.contact(contact)


def test_a_late_repeat_of_the_event_does_nothing(hooks, ana, contact):
    assert hooks.push(contact, city="Enmore") == "updated"
    (request,) = hooks.requests()
    for moment in (request.asked_at, request.asked_at + timedelta(milliseconds=3)):
        pushes.ask(hooks.hub_id, "patient", contact, moment)
    db.session.commit()
    hooks.clinic.clear_calls()
    carry_out(hooks.hub_id)
    assert hooks.results() == ["updated", "set_back"]
    assert hooks.clinic.hubspot_writes() == [] and hooks.cliniko_writes() == []


def test_set_again_while_it_runs_it_runs_again(hooks, ana, contact):
    """The second change comes while the first is on its way to Cliniko."""
    hooks.clinic.cliniko.faults.add(Fault(match="PATCH /v1/patients", kind="slow", when="after", delay=1.0))
    hooks.set(contact, city="Enmore")
    assert hooks.portal.flush_webhooks()
    first = hooks.in_background(hooks.deliver)
    until(lambda: hooks.patient(ana)["city"] == "Enmore")
    time.sleep(0.01)  # HubSpot's history counts in milliseconds
    hooks.portal.update("contacts", contact, {PATIENT: "false"})
    hooks.portal.update("contacts", contact, {"city": "Glebe", PATIENT: "true"})
    first.join()
    hooks.deliver()
    assert hooks.patient(ana)["city"] == "Glebe"
    assert hooks.contact(contact)[PATIENT] == "false"
    assert [result for result in hooks.results() if result != "set_back"] == ["updated", "updated"]
    hooks.quiet_cycles(2)


def test_set_again_in_the_moment_it_was_set_back_it_runs_again(hooks, ana, contact):
    """Our setting back came last and hid it; HubSpot's history knows better."""
    hooks.push(contact, city="Enmore")
    record = hooks.portal.contacts.get(contact)
    ours = record.history[PATIENT].pop()
    hooks.portal.update("contacts", contact, {"city": "Glebe", PATIENT: "false"})
    time.sleep(0.01)
    hooks.set(contact)
    ours.at = record.history[PATIENT][-1].at
    record.history[PATIENT].append(ours)
    record.properties[PATIENT] = "false"
    hooks.deliver()
    assert hooks.results()[-1] == "updated" and hooks.patient(ana)["city"] == "Glebe"
    hooks.quiet_cycles(2)


@pytest.mark.parametrize("switch", [PATIENT, CONTACT, UNLINK])
def test_a_switch_that_no_webhook_reported_is_found_by_the_one_search(hooks, ana, contact, switch):
    hooks.clinic.hubspot.apps[4242].subscriptions.clear()
    hooks.set(contact, switch)
    hooks.clinic.clear_calls()
    hooks.clinic.cycle("patients")
    assert len(hooks.clinic.hubspot_calls("/search")) == 1
    carry_out(hooks.hub_id)
    assert hooks.results() == [{PATIENT: "unchanged", CONTACT: "created", UNLINK: "unlinked"}[switch]]
    assert hooks.contact(contact)[switch] == "false"
    hooks.clinic.clear_calls()
    hooks.clinic.cycle("patients")
    calls = [(c.method, c.path.rpartition("/")[2]) for c in hooks.clinic.hubspot_calls()]
    assert calls == [("POST", "search")], "an idle cycle asks HubSpot nothing else"


def test_an_index_that_lags_asks_for_nothing_twice(hooks, ana, contact):
    hooks.push(contact, city="Enmore")
    hooks.clinic.hubspot.search_lag_seconds = 3600
    record = hooks.portal.contacts.get(contact)
    stale = {**record.properties, PATIENT: "true"}
    record.indexed, record.pending = stale, [(now() + timedelta(hours=1), dict(record.properties))]
    hooks.clinic.clear_calls()
    hooks.clinic.cycle("patients")
    carry_out(hooks.hub_id)
    assert hooks.results() == ["updated", "set_back"]
    assert hooks.clinic.hubspot_writes() == [] and hooks.cliniko_writes() == []


def test_a_contact_that_was_deleted_meanwhile(hooks, contact):
    hooks.set(contact)
    hooks.portal.delete("contacts", contact)
    hooks.deliver()
    assert hooks.results() == ["contact_gone"]


def test_one_that_was_merged_meanwhile_is_followed(hooks, ana, contact):
    other = add_lead(hooks.clinic, firstname="Ana", lastname="Ruiz")
    hooks.set(contact, city="Enmore")
    survivor = hooks.portal.merge("contacts", contact, other).id
    hooks.deliver()
    assert hooks.results() == ["updated"] and hooks.patient(ana)["city"] == "Enmore"
    assert hooks.contact(survivor)[PATIENT] == "false" and hooks.contact_of(ana) == survivor


def test_given_up_the_switch_goes_back_and_an_issue_says_so(hooks, ana, contact):
    hooks.clinic.cliniko.faults.add(Fault(match=f"GET /v1/patients/{ana}", status=503, times=1000))
    hooks.set(contact, city="Enmore")
    hooks.deliver()
    waits = []
    while hooks.requests()[0].state == "open":
        waits.append((hooks.requests()[0].retry_at - now()).total_seconds())
        hooks.retry_now()
    assert len(waits) == len(BACK_OFF) and all(0 < w <= limit for w, limit in zip(waits, BACK_OFF, strict=True))
    assert hooks.results() == ["gave_up"]
    told = hooks.contact(contact)
    assert (told[PATIENT], told["cliniko_sync_status"]) == ("false", "Needs attention")
    assert open_issues(hooks.clinic) == {(contact, "push_gave_up", "")}
    hooks.clinic.cliniko.faults.clear()
    issues.retry_now(hooks.hub_id)
    carry_out(hooks.hub_id)
    assert hooks.results() == ["updated"] and hooks.patient(ana)["city"] == "Enmore"
    assert open_issues(hooks.clinic) == set()


def test_refused_by_hubspot_the_switch_goes_back_all_the_same(hooks, ana, contact):
    """An admin made the message property go away: the rest of the answer is written."""
    hooks.portal.schema["contacts"].properties["cliniko_sync_message"]["archived"] = True
    assert hooks.push(contact, city="Enmore") == "updated"
    told = hooks.contact(contact)
    assert (told[PATIENT], told["cliniko_sync_status"]) == ("false", "Sent to Cliniko")


def test_one_bad_request_does_not_hold_up_the_others(hooks, ana, contact, clinic):
    """HubSpot refuses to have the first contact read; the second is pushed at once."""
    bad = add_lead(clinic, firstname="Tom", lastname="Ode")
    clinic.hubspot.faults.add(Fault(match=f"GET /crm/objects/.*/contacts/{bad}", status=400, times=50, body="{}"))
    hooks.set(bad)
    hooks.set(contact, city="Enmore")
    hooks.deliver()
    assert hooks.results() == ["refused", "updated"]
    assert open_issues(clinic) == {(bad, "push_refused", "")}
    clinic.hubspot.faults.clear()
    # It could not be set back either: the next search finds it.
    assert hooks.contact(bad)[PATIENT] == "true"
    hooks.cycle()
    assert hooks.results() == ["refused", "updated", "created"]
    assert open_issues(clinic) == set()


def test_while_the_account_is_paused_requests_wait(hooks, ana, contact, clinic):
    accounts.set_status(clinic.hub_id, "paused", "by_operator")
    hooks.set(contact, city="Enmore")
    hooks.deliver()
    assert hooks.patient(ana)["city"] == "Newtown" and hooks.requests() == []
    accounts.set_status(clinic.hub_id, "active")
    hooks.deliver()
    assert hooks.results() == ["updated"] and hooks.patient(ana)["city"] == "Enmore"
