"""Sync now and Search again: one record through the ordinary engine, decided by the ordinary rules."""

from datetime import timedelta

import pytest

from jobs.sync import requests
from jobs.sync.contexts import running
from tests.support.clinic import Clinic
from tests.support.people import add_lead, add_patient, add_third_party, edit, links, open_reviews
from webapp.clock import now
from webapp.extensions import db
from webapp.sandbox.support import Fault
from webapp.store import pushes, settings
from webapp.store.models_hooks import PushRequest

_clicks = iter(range(1, 1000))


def sync(clinic: Clinic, contact: str) -> PushRequest:
    """A click on the card, and the work that follows it."""
    key = f"a-click-{next(_clicks):04}"
    pushes.ask_once(clinic.hub_id, "sync", contact, key, b"d" * 16, "person 77")
    with running(clinic.hub_id, "push") as ctx:
        requests.carry_out(ctx)
    db.session.rollback()
    asked = pushes.by_key(clinic.hub_id, key)
    assert asked is not None
    return asked


def contact_of(clinic: Clinic, patient: str) -> str:
    return str(links(clinic)[patient].hubspot_id)


@pytest.fixture
def ana(clinic) -> str:
    """A linked patient."""
    patient = add_patient(clinic, email="ana@x.example", city="Perth")
    clinic.cycle("patients", "contacts")
    return patient


def test_a_change_is_brought_at_once(clinic, ana):
    contact = contact_of(clinic, ana)
    edit(clinic, ana, city="Hobart")
    clinic.clear_calls()
    asked = sync(clinic, contact)
    assert (asked.state, asked.result, asked.message) == ("done", "synced", "In step with Cliniko.")
    written = clinic.contacts()[contact]
    assert written["city"] == "Hobart"
    assert (written["cliniko_sync_status"], written["cliniko_sync_message"]) == ("Synced", "In step with Cliniko.")
    assert len(clinic.cliniko_calls("/patients")) == 1


def test_an_unchanged_record_is_looked_at_and_said_to_be_in_step(clinic, ana):
    before = links(clinic)[ana].synced_at
    asked = sync(clinic, contact_of(clinic, ana))
    assert asked.result == "synced"
    assert links(clinic)[ana].synced_at > before


def test_a_value_that_a_person_changed_in_hubspot_stays(clinic, ana):
    contact = contact_of(clinic, ana)
    clinic.portal.update("contacts", contact, {"city": "Darwin"})
    sync(clinic, contact)
    assert clinic.contacts()[contact]["city"] == "Darwin"


def test_both_records_of_a_contact_are_read(clinic, ana):
    other = add_third_party(clinic, "Ana", "Ruiz", "ana@x.example", occupation="Doctor")
    clinic.cycle("contacts")
    assert links(clinic, "contact")[other].hubspot_id == contact_of(clinic, ana)
    clinic.clear_calls()
    assert sync(clinic, contact_of(clinic, ana)).result == "synced"
    assert len(clinic.cliniko_calls("/patients")) == 1 and len(clinic.cliniko_calls("/contacts")) == 1


def test_a_field_that_hubspot_refuses_is_said(clinic, ana):
    edit(clinic, ana, email="ana@@x")
    asked = sync(clinic, contact_of(clinic, ana))
    assert asked.result == "issue"
    assert asked.outcome is not None and asked.outcome["failed"] is True
    assert clinic.contacts()[contact_of(clinic, ana)]["cliniko_sync_status"] == "Needs attention"


def test_a_record_that_cliniko_does_not_return(clinic, ana):
    contact = contact_of(clinic, ana)
    del clinic.account.tables["patients"][next(k for k in clinic.account.tables["patients"] if str(k) == ana)]
    asked = sync(clinic, contact)
    assert asked.result == "not_in_cliniko"
    # Nothing is concluded from a list that does not hold it.
    assert links(clinic)[ana].state == "linked"


def test_a_key_that_may_not_read_patients(clinic, ana):
    contact = contact_of(clinic, ana)
    clinic.cliniko.faults.add(Fault("GET /v1/patients", status=403, times=5))
    asked = sync(clinic, contact)
    assert asked.result == "not_allowed"
    assert asked.outcome["message"].startswith("The Cliniko user of the API key may not read this.")


def test_a_service_that_is_away_is_asked_again_later(clinic, ana):
    contact = contact_of(clinic, ana)
    clinic.cliniko.faults.add(Fault("GET /v1/patients", status=503, times=50))
    asked = sync(clinic, contact)
    assert (asked.state, asked.held_by, asked.outcome) == ("open", "cliniko_away", None)
    assert asked.retry_at > now()
    clinic.cliniko.faults.clear()
    asked.retry_at = now() - timedelta(seconds=1)
    db.session.commit()
    with running(clinic.hub_id, "push") as ctx:
        requests.carry_out(ctx)
    db.session.refresh(asked)
    assert (asked.state, asked.result) == ("done", "synced")


def test_search_again_links_by_the_rules(clinic):
    """The patient was left out as long as HubSpot had nobody; now somebody has the email and the names."""
    clinic.cycle("patients", "contacts")
    contact = add_lead(clinic, firstname="Ana", lastname="Ruiz", email="ana@x.example")
    patient = add_patient(clinic, email="ana@x.example")
    asked = sync(clinic, contact)
    assert (asked.result, asked.message) == ("found", "Found in Cliniko and linked to the patient there.")
    link = links(clinic)[patient]
    assert (link.hubspot_id, link.rule) == (contact, "email_and_names")
    assert clinic.contacts()[contact]["cliniko_sync_status"] == "Synced"
    assert len(clinic.contacts()) == 1


def test_search_again_finds_a_contact_without_names_by_its_email(clinic):
    clinic.cycle("patients", "contacts")
    contact = add_lead(clinic, email="ana@x.example")
    patient = add_patient(clinic, email="ana@x.example")
    assert sync(clinic, contact).result == "found"
    assert (links(clinic)[patient].hubspot_id, links(clinic)[patient].rule) == (contact, "email_only")


def test_search_again_finds_a_third_party(clinic):
    clinic.cycle("patients", "contacts")
    contact = add_lead(clinic, firstname="Grey", lastname="Doc", email="doc@x.example")
    doctor = add_third_party(clinic, "Grey", "Doc", "doc@x.example")
    asked = sync(clinic, contact)
    assert asked.message == "Found in Cliniko and linked to the contact there."
    assert links(clinic, "contact")[doctor].hubspot_id == contact


def test_search_again_creates_nothing_in_cliniko(clinic):
    clinic.cycle("patients", "contacts")
    contact = add_lead(clinic, firstname="No", lastname="Body", email="no@x.example")
    clinic.clear_calls()
    asked = sync(clinic, contact)
    assert (asked.result, asked.outcome["failed"]) == ("nobody", False)
    assert {call.method for call in clinic.cliniko_calls()} == {"GET"}
    assert "cliniko_sync_status" not in clinic.contacts()[contact]


def test_two_people_are_not_mixed_by_searching(clinic):
    """Same email and names, another birth date: nobody who may be this person."""
    clinic.cycle("patients", "contacts")
    contact = add_lead(
        clinic, firstname="Ana", lastname="Ruiz", email="ana@x.example", cliniko_date_of_birth="1990-02-03"
    )
    add_patient(clinic, email="ana@x.example", date_of_birth="1961-05-06")
    assert sync(clinic, contact).result == "nobody"
    assert links(clinic) == {}


def test_several_who_may_be_this_person_wait_for_a_decision(clinic):
    clinic.cycle("patients", "contacts")
    contact = add_lead(clinic, firstname="Ana", lastname="Ruiz", email="ana@x.example")
    first, second = (add_patient(clinic, email="ana@x.example") for _ in range(2))
    asked = sync(clinic, contact)
    assert asked.result == "review"
    assert contact in {hubspot_id for _, hubspot_id, _ in open_reviews(clinic)}
    assert {links(clinic)[patient].hubspot_id for patient in (first, second)} & {contact} == set()
    assert clinic.contacts()[contact]["cliniko_sync_status"] == "Waiting for review"


def test_whoever_has_a_contact_already_is_not_taken_from_it(clinic, ana):
    own = contact_of(clinic, ana)
    contact = add_lead(clinic, firstname="Ana", lastname="Ruiz", cliniko_date_of_birth="1990-02-03")
    edit(clinic, ana, date_of_birth="1990-02-03")
    asked = sync(clinic, contact)
    assert asked.result == "taken"
    assert contact_of(clinic, ana) == own


def test_whoever_was_unlinked_from_this_contact_is_not_found_again(clinic, ana):
    contact = contact_of(clinic, ana)
    pushes.ask_once(clinic.hub_id, "unlink", contact, "unlink-it-1", b"d" * 16, "person 77", {"move_deals": True})
    with running(clinic.hub_id, "push") as ctx:
        requests.carry_out(ctx)
    assert sync(clinic, contact).result == "nobody"
    assert links(clinic)[ana].state == "unlinked"


def test_before_everybody_is_known_nothing_is_decided(clinic):
    contact = add_lead(clinic, firstname="Ana", lastname="Ruiz", email="ana@x.example")
    add_patient(clinic, email="ana@x.example")
    asked = sync(clinic, contact)
    assert asked.result == "too_early" and links(clinic) == {}


def test_streams_that_are_switched_off_are_left_alone(clinic):
    clinic.cycle("patients", "contacts")
    contact = add_lead(clinic, firstname="Ana", lastname="Ruiz", email="ana@x.example")
    add_patient(clinic, email="ana@x.example")
    settings.set_setting(clinic.hub_id, "sync_patients", "off")
    assert sync(clinic, contact).result == "nobody"
    settings.set_setting(clinic.hub_id, "sync_contacts", "off")
    assert sync(clinic, contact).result == "switched_off"
    assert links(clinic) == {}


def test_a_contact_that_is_gone(clinic):
    clinic.cycle("patients", "contacts")
    asked = sync(clinic, "999")
    assert (asked.state, asked.result) == ("done", "contact_gone")


def test_a_small_account_without_the_sync_properties(clinics):
    clinic = clinics.make(tier="free")
    patient = add_patient(clinic, email="ana@x.example", city="Perth")
    clinic.cycle("patients", "contacts")
    edit(clinic, patient, city="Hobart")
    contact = contact_of(clinic, patient)
    assert sync(clinic, contact).result == "synced"
    assert clinic.contacts()[contact]["city"] == "Hobart"
