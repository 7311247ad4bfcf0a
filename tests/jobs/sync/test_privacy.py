"""A contact was deleted in HubSpot for privacy: nothing of the person is left here, and nothing brings them back."""

import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import current_app

from jobs.tasks.hooks import handle_events
from tests.jobs.sync.practice import DAY, Practice, text
from tests.support.hooked import PATIENT
from tests.support.people import add_lead, edit, links, open_reviews
from webapp.clock import now
from webapp.extensions import db
from webapp.sandbox.cliniko import actions
from webapp.sandbox.support import Fault
from webapp.store import accounts, connections, issues
from webapp.store.base import Base, EncryptedText
from webapp.store.models_ledger import ErasedPerson

STREAMS = ("patients", "appointments", "invoices")
BORN = "1987-06-05"
SECRETS = ("Zoltana", "Quixworth", "zoltana@quix.example", BORN, "0491 570 156", "+61491570156", "Zee", "Wizard Lane")


@pytest.fixture
def zoltana(hooks, clinic) -> dict[str, str]:
    """A patient with everything that we can know of somebody: visits, invoices, an issue, a review, a push, a merge."""
    practice = Practice(clinic)
    email, born = "zoltana@quix.example", {"date_of_birth": BORN}
    numbers = {"patient_phone_numbers": [{"number": "0491 570 156", "phone_type": "Mobile"}]}
    who = practice.patient("Zoltana", "Quixworth", id="901", email=email, preferred_first_name="Zee", **born, **numbers)
    former = practice.patient("Zee", "Quixworth", id="902", email="zee@quix.example", **born)
    visit = practice.appointment(who, now() + DAY)
    practice.appointment(who, now() - 9 * DAY)
    practice.invoice(who, status=20)
    practice.invoice(former)
    edit(clinic, who, address_1="1 Wizard Lane")
    actions.merge_patients(clinic.account, former, who)
    hooks.cycle(*STREAMS)
    contact = hooks.contact_of(who)
    hooks.push(contact, PATIENT, firstname="Tom", lastname="Ode")
    assert (who, contact, "another_person") in open_reviews(clinic)
    for kind, number in (("patient", who), ("invoice", "55"), ("hubspot_contact", contact)):
        issues.open_issue(
            clinic.hub_id,
            links(clinic)[who].connection_id,
            "patients",
            kind,
            number,
            "refused",
            detail="Zoltana Quixworth is not valid",
            hubspot_id=contact,
        )
    db.session.commit()
    return {"id": who, "former": former, "contact": contact, "visit": visit}


def erase(hooks, contact: str) -> None:
    db.session.rollback()
    hooks.portal.gdpr_delete(contact)
    hooks.deliver()


def everything() -> list[tuple[str, str, str]]:
    """(table, column, value) of the whole database, encrypted columns in the clear."""
    db.session.rollback()
    found = []
    for table in Base.metadata.sorted_tables:
        for row in db.session.execute(sa.select(table)).mappings():
            for column in table.columns:
                value = row[column.name]
                if value is not None:
                    shown = value if isinstance(value, str) else json.dumps(value, default=str)
                    found.append((table.name, column.name, shown))
    db.session.rollback()
    return found


def whole_file() -> bytes:
    """The bytes on the disk, with what a database leaves in its log and its free pages."""
    path = Path(str(current_app.config["CRMCONNECT"].database_url).removeprefix("sqlite:///"))
    db.session.rollback()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return b"".join(p.read_bytes() for p in path.parent.glob(f"{path.name}*"))


def named(secrets: tuple[str, ...] = SECRETS) -> list[tuple[str, str, str]]:
    return [cell for cell in everything() if any(secret.lower() in cell[2].lower() for secret in secrets)]


def test_the_search_finds_what_is_there(hooks, zoltana):
    assert any(isinstance(c.type, EncryptedText) for t in Base.metadata.sorted_tables for c in t.columns)
    assert {cell[:2] for cell in named()} >= {("person", "display"), ("issue", "detail")}


def test_nothing_of_the_person_is_left_in_the_whole_database(hooks, clinic, zoltana):
    erase(hooks, zoltana["contact"])
    assert named() == [], "plain or encrypted"
    data = whole_file()
    assert not [secret for secret in SECRETS if secret.encode() in data]
    ids = (zoltana["contact"], f'"{zoltana["contact"]}"')
    assert [cell for cell in everything() if cell[2] in ids] == []
    gone = {zoltana["id"], zoltana["former"]}
    assert [cell for cell in everything() if cell[1] in ("cliniko_id", "patient_id") and cell[2] in gone] == []
    assert len(list(db.session.scalars(sa.select(ErasedPerson)))) == 4, "two numbers, and the person under both names"
    lines = [line for line in hooks.activity() if line.action == "erased"]
    assert [(line.cliniko_id, line.hubspot_id) for line in lines] == [(None, None)]


def test_their_deals_are_archived_and_they_are_never_synced_again(hooks, clinic, zoltana):
    key = f"{clinic.account.id}:individual_appointment:{zoltana['visit']}"
    assert key in clinic.deals()
    erase(hooks, zoltana["contact"])
    assert clinic.deals() == {}
    before = set(clinic.contacts())
    moment = text(now() + timedelta(seconds=2))
    edit(clinic, zoltana["id"], city="Newtown", updated_at=moment)
    clinic.account.edit("individual_appointments", zoltana["visit"], updated_at=moment)
    practice = Practice(clinic, email="other@clinic.example")
    practice.appointment(zoltana["id"], now() + DAY, created_at=text(now()))
    practice.invoice(zoltana["id"], created_at=text(now()))
    # The same person under a new number.
    clinic.account.put(
        "patients",
        {"first_name": "Zoltana", "last_name": "Quixworth", "email": "Zoltana@quix.example", "date_of_birth": BORN},
    )
    hooks.cycle(*STREAMS, "history")
    clinic.set("use_preferred_first_name", "on")  # reads everything once more
    hooks.cycle(*STREAMS)
    assert set(clinic.contacts()) == before and clinic.deals() == {}
    assert named(("Zoltana", BORN)) == []


def test_a_family_member_with_the_same_email_stays(hooks, clinic, zoltana):
    fields = {"last_name": "Quixworth", "email": "zoltana@quix.example", "date_of_birth": BORN}
    twin = str(clinic.account.put("patients", {"first_name": "Yuna", **fields})["id"])
    hooks.cycle("patients")
    own = hooks.contact_of(twin)
    erase(hooks, zoltana["contact"])
    edit(clinic, twin, city="Glebe", updated_at=text(now() + timedelta(seconds=2)))
    hooks.cycle("patients")
    assert (links(clinic)[twin].hubspot_id, hooks.contact(own)["city"]) == (own, "Glebe")
    assert {cell[2] for cell in named(("Zoltana Quix",))} == set()


def test_a_push_does_not_bring_them_back(hooks, clinic, zoltana):
    erase(hooks, zoltana["contact"])
    lead = add_lead(clinic, firstname="Zoltana", lastname="Quixworth", email="new@quix.example", date_of_birth=BORN)
    before = len(hooks.patients())
    assert hooks.push(lead) == "erased"
    assert hooks.contact(lead)["cliniko_sync_status"] == "Not sent to Cliniko"
    assert len(hooks.patients()) == before and zoltana["id"] not in links(clinic)


def test_a_deletion_before_it_and_repeats_after_it_change_nothing(hooks, clinic, zoltana):
    hooks.portal.delete("contacts", zoltana["contact"])
    hooks.deliver()
    assert links(clinic)[zoltana["id"]].state == "closed"
    erase(hooks, zoltana["contact"])
    assert named() == []
    again = hooks.clinic.hubspot.webhooks
    again.publish(hooks.portal, hooks.portal.ui_source(), [privacy(zoltana["contact"])] * 2)
    hooks.deliver()
    assert named() == [] and clinic.deals() == {}


def privacy(contact: str) -> dict[str, Any]:
    return {"kind": "privacyDeletion", "objectType": "contacts", "objectId": int(contact)}


def test_while_hubspot_does_not_answer_it_waits_whole(hooks, clinic, zoltana):
    clinic.hubspot.faults.add(Fault(match="POST .*/deals/batch/archive", status=502, times=4))
    erase(hooks, zoltana["contact"])
    assert links(clinic)[zoltana["id"]].state == "linked" and clinic.deals()
    clinic.hubspot.faults.clear()
    db.session.rollback()
    handle_events(clinic.hub_id)
    assert named() == [] and clinic.deals() == {}


def test_deals_that_hubspot_keeps_do_not_keep_ours(hooks, clinic, zoltana):
    clinic.hubspot.faults.add(Fault(match="POST .*/deals/batch/archive", status=403, body="{}"))
    erase(hooks, zoltana["contact"])
    assert named() == [] and clinic.deals()


@pytest.mark.parametrize("state", ["paused", "uninstalled", "key revoked"])
def test_no_state_of_the_account_holds_it_up(hooks, clinic, zoltana, state):
    if state == "key revoked":
        connections.mark_key_revoked(clinic.hub_id)
    else:
        accounts.set_status(clinic.hub_id, state, "by_operator")
    erase(hooks, zoltana["contact"])
    assert named() == []
    assert bool(clinic.deals()) == (state == "uninstalled"), "there we may not touch HubSpot any more"
