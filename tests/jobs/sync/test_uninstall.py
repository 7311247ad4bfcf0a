"""The app is removed: found out at once or within a day, stopped, kept for a while, purged, and installed again."""

import threading
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import current_app

from jobs.sync import uninstalling
from jobs.tasks.housekeeping import housekeeping
from jobs.tasks.uninstall import check_install
from tests.support.people import add_lead, add_patient, connection_id, keys, links, states
from webapp.clients.errors import Unavailable
from webapp.clock import now
from webapp.extensions import db
from webapp.sandbox.support import Fault
from webapp.store import accounts, activity, hooks, pushes, settings, streams
from webapp.store.base import Base
from webapp.store.housekeeping import accounts_to_purge, prune
from webapp.store.models_hooks import Activity, HookEvent, PushIntent, PushRequest

KEPT = {"account", "never_match", "erased_person"}


def status(clinic) -> tuple[str, str | None]:
    db.session.rollback()
    account = accounts.get_account(clinic.hub_id)
    db.session.refresh(account)
    found = (account.status, account.status_reason)
    db.session.rollback()
    return found


def stopped(clinic) -> set[tuple[str, str | None]]:
    found = {(s.state, s.cause) for s in streams.stream_states(clinic.hub_id)}
    db.session.rollback()
    return found


def reinstall(clinic) -> None:
    clinic.portal.install()
    clinic.connect(provision=False)


@pytest.fixture
def ana(clinic) -> str:
    patient = add_patient(clinic, email="ana@people.example")
    assert clinic.cycle("patients")["patients"].outcome == "done"
    db.session.rollback()
    return patient


def test_found_by_the_first_refused_refresh(clinic, ana):
    clinic.portal.uninstall()
    add_lead(clinic, firstname="Tom")
    result = clinic.cycle("patients")["patients"]
    assert (result.outcome, result.cause) == ("stopped", "uninstalled")
    assert status(clinic)[0] == "uninstalled" and stopped(clinic) == {("stopped", "uninstalled")}
    account = accounts.get_account(clinic.hub_id)
    assert (account.access_token, account.refresh_token) == (None, None) and account.uninstalled_at is not None
    clinic.clear_calls()
    assert clinic.cycle("patients")["patients"].outcome == "stopped"
    assert clinic.cliniko_calls() == [] and clinic.hubspot_calls() == [], "nothing is read or written any more"
    assert states(clinic) == {ana: "linked"}


def test_found_by_the_daily_question(clinic, ana, valkey):
    check_install(clinic.hub_id)
    assert status(clinic)[0] == "active"
    clinic.portal.uninstall()
    housekeeping()
    assert valkey.lrange("rq:queue:low", 0, -1) == [f"install-{clinic.hub_id}".encode()]
    check_install(clinic.hub_id)
    assert status(clinic) == ("uninstalled", "uninstalled") and stopped(clinic) == {("stopped", "uninstalled")}


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 400, "body": '{"error": "invalid_client", "status": "BAD_CLIENT_SECRET"}'},
        {"status": 200, "body": "<html>"},
        {"kind": "reset"},
    ],
    ids=str,
)
def test_what_says_nothing_about_the_account_disconnects_nobody(clinic, ana, fault):
    clinic.hubspot.faults.add(Fault(match="introspect", times=10, **fault))
    check_install(clinic.hub_id)
    assert status(clinic)[0] == "active"


def test_the_answer_about_an_old_token_disconnects_nobody(clinic, ana):
    """Installed again while HubSpot was asked about the token from before."""
    clinic.portal.uninstall()
    account = accounts.get_account(clinic.hub_id)
    old = account.refresh_token
    reinstall(clinic)
    account = accounts.get_account(clinic.hub_id)
    new, account.refresh_token = account.refresh_token, old
    db.session.commit()
    clinic.hubspot.faults.add(Fault(match="introspect", kind="slow", when="before", delay=0.5))
    app = current_app._get_current_object()

    def ask() -> None:
        with app.app_context():
            uninstalling.check_install(clinic.hub_id)

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.2)
    account = accounts.get_account(clinic.hub_id)
    account.refresh_token = new
    db.session.commit()
    thread.join()
    assert status(clinic)[0] == "active"


def test_disconnected_from_our_side(clinic, ana):
    uninstalling.disconnect(clinic.hub_id)
    assert clinic.portal.installs == {} and clinic.hubspot_calls("external-install")
    assert status(clinic) == ("uninstalled", "disconnected") and stopped(clinic) == {("stopped", "uninstalled")}
    uninstalling.disconnect(clinic.hub_id)
    assert status(clinic) == ("uninstalled", "disconnected")


def test_while_hubspot_does_not_answer_nothing_is_disconnected(clinic, ana):
    clinic.hubspot.faults.add(Fault(match="external-install", status=503, times=10))
    with pytest.raises(Unavailable):
        uninstalling.disconnect(clinic.hub_id)
    assert status(clinic)[0] == "active"


def test_installed_again_in_time_every_link_is_kept(clinic, ana):
    contact = links(clinic)[ana].hubspot_id
    uninstalling.disconnect(clinic.hub_id)
    clinic.account.edit("patients", ana, city="Newtown")
    reinstall(clinic)
    assert status(clinic) == ("active", None)
    assert clinic.cycle("patients")["patients"].outcome == "done"
    assert links(clinic)[ana].hubspot_id == contact and keys(clinic) == {f"{clinic.account.id}:{ana}": 1}
    assert clinic.contacts()[str(contact)]["city"] == "Newtown"


def fill(clinic, contact: str) -> None:
    """Rows of what happened."""
    moment = now()
    event = {"hub_id": clinic.hub_id, "kind": "deletion", "object_type": "contact", "object_id": contact}
    hooks.store([{**event, "mark": bytes([n]) * 16, "merged_ids": [], "occurred_at": moment} for n in range(3)])
    hooks.handled(clinic.hub_id, [row.id for row in hooks.new_events(clinic.hub_id)])
    pushes.ask(clinic.hub_id, "patient", contact, moment)
    db.session.commit()
    pushes.finish(pushes.due(clinic.hub_id)[0].id, clinic.hub_id, "updated", "said")
    pushes.ask(clinic.hub_id, "unlink", contact, moment)
    db.session.commit()
    connection = connection_id(clinic)
    pushes.open_intent(clinic.hub_id, connection, "patient", contact, b"y" * 16)
    activity.note(clinic.hub_id, "patients", [activity.Line("updated", "patient", "1", contact)])
    db.session.commit()


def count(model) -> int:
    found = int(db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0)
    db.session.rollback()
    return found


def test_what_happened_is_forgotten_after_the_chosen_days(clinic, clinics, ana):
    """Each account by its own number; a request that still waits is no history."""
    fill(clinic, "1")
    lines = count(Activity)
    settings.set_setting(clinic.hub_id, "retention_days", 10)
    prune(now() + timedelta(days=9))
    assert (count(HookEvent), count(PushRequest), count(PushIntent), count(Activity)) == (3, 2, 1, lines)
    deleted = prune(now() + timedelta(days=11))
    assert (count(HookEvent), count(PushRequest), count(PushIntent), count(Activity)) == (0, 1, 0, 0)
    assert {name: deleted[name] for name in ("hook_event", "push_request", "push_intent", "activity")} == {
        "hook_event": 3,
        "push_request": 1,
        "push_intent": 1,
        "activity": lines,
    }
    other = clinics.make(provision=False)
    activity.note(other.hub_id, "patients", [activity.Line("updated", "patient", "1", "2")])
    db.session.commit()
    prune(now() + timedelta(days=29))
    assert count(Activity) == 1, "the usual thirty days"
    prune(now() + timedelta(days=31))
    assert count(Activity) == 0


def test_a_purge_keeps_only_hmacs_and_the_next_first_cycle_links_by_key(clinic, ana):
    contact = links(clinic)[ana].hubspot_id
    fill(clinic, str(contact))
    clinic.portal.uninstall()
    check_install(clinic.hub_id)
    assert accounts_to_purge(now() + timedelta(days=29)) == []
    assert accounts_to_purge(now() + timedelta(days=31)) == [clinic.hub_id]
    accounts.purge_account(clinic.hub_id)
    left = {}
    for table in Base.metadata.sorted_tables:
        if "hub_id" in table.columns and table.name not in KEPT:
            query = sa.select(sa.func.count()).select_from(table).where(table.c.hub_id == clinic.hub_id)
            left[table.name] = db.session.scalar(query)
    db.session.rollback()
    assert {name: number for name, number in left.items() if number} == {}
    # Back again: somebody else has the address by now, and the key still says whose contact it is.
    clinic.portal.update("contacts", str(contact), {"email": "other@people.example"})
    add_lead(clinic, email="ana@people.example", firstname="Ana", lastname="Ruiz")
    clinic.portal.install()
    clinic.connect()
    assert clinic.cycle("patients")["patients"].outcome == "done"
    assert (links(clinic)[ana].hubspot_id, links(clinic)[ana].rule) == (contact, "key")
    assert keys(clinic) == {f"{clinic.account.id}:{ana}": 1}
