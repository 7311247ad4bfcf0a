"""From a wrong match to two clean contacts: unlink, clean-up with a preview, the memory of it, and taking it back."""

from datetime import timedelta
from typing import Any

import pytest

from jobs.sync import unlinking
from jobs.sync.contexts import running
from tests.jobs.sync.practice import DAY, Practice
from tests.support.hooked import PATIENT, UNLINK, Hooked
from tests.support.people import add_lead, edit, email_of, keys, links, open_reviews, states
from webapp.clock import now
from webapp.extensions import db
from webapp.sandbox.support import Fault
from webapp.store import issues, pushes

FAMILY = "family@people.example"
CLEARED = ("cliniko_patient_key", "cliniko_patient_id", "cliniko_patient_url", "cliniko_patient_status")


class Story:
    """Patient 2, Ben, is on the contact of patient 1, Ana: it had the family's address, Ana's phone, and no names."""

    def __init__(self, hooks: Hooked) -> None:
        self.hooks, self.clinic = hooks, hooks.clinic
        self.practice = Practice(hooks.clinic)
        self.contact = add_lead(self.clinic, email=FAMILY, phone="02 9111 1111", jobtitle="Baker")
        self.ana = self.practice.patient("Ana", "Ruiz", id="1", email=None)
        self.ben = self.practice.patient("Ben", "Ruiz", id="2", email=FAMILY, city="Newtown")
        edit(self.clinic, self.ben, patient_phone_numbers=[{"number": "02 9222 2222", "phone_type": "Home"}])
        self.visit = self.practice.appointment(self.ben, now() + DAY)
        self.practice.invoice(self.ben, status=20)
        hooks.cycle("patients", "appointments", "invoices")
        assert links(self.clinic)[self.ben].hubspot_id == self.contact
        assert hooks.contact(self.contact)["firstname"] == "Ben"

    def later(self, **changes: Any) -> None:
        """Ben changes in Cliniko, a little later than now."""
        moment = now() + timedelta(seconds=2)
        edit(self.clinic, self.ben, updated_at=f"{moment:%Y-%m-%dT%H:%M:%SZ}", **changes)

    def ask(self, what: str, **options: Any) -> str | None:
        """From the dashboard."""
        pushes.ask(self.clinic.hub_id, what, self.contact, now(), "person 77", options)
        db.session.commit()
        self.hooks.deliver()
        return self.hooks.results()[-1]


@pytest.fixture
def story(hooks) -> Story:
    return Story(hooks)


def test_from_a_wrong_match_to_two_clean_contacts(story, hooks, clinic):
    contact, ben = story.contact, story.ben
    assert story.practice.patients_of(story.visit) == [ben]
    with running(clinic.hub_id, "preview") as ctx:
        preview = unlinking.preview(ctx, contact)
    assert preview is not None and preview.deals == 2
    shown = {field.name: (field.now, field.then) for field in preview.fields}
    assert shown["phone"] == ("+61292222222", "02 9111 1111")
    assert (shown["firstname"], shown["city"]) == (("Ben", ""), ("Newtown", ""))
    assert "email" not in shown and "jobtitle" not in shown, "these were never ours"
    assert story.ask("unlink", clean_up=True) == "unlinked"
    left = hooks.contact(contact)
    assert (left["email"], left["phone"], left["jobtitle"]) == (FAMILY, "02 9111 1111", "Baker")
    gone = [n for n in left if n.startswith("cliniko_") and n not in ("cliniko_sync_status", "cliniko_sync_message")]
    assert gone == [] and not {"firstname", "lastname", "city"} & left.keys()
    assert left["cliniko_sync_status"] == "Unlinked"
    # Until Ben changes, his deals wait, off the old contact.
    deal = story.practice.deal(story.visit)
    assert deal is not None and clinic.contacts_of_deal(deal["id"]) == []
    hooks.quiet_cycles(2, "patients", "appointments", "invoices")
    story.later(city="Enmore")
    hooks.cycle("patients", "appointments", "invoices")
    own = hooks.contact_of(ben)
    assert own != contact and hooks.contact(own)["firstname"] == "Ben"
    assert email_of(clinic, ben) is None and hooks.contact(own)["cliniko_shared_email"] == "true"
    assert clinic.contacts_of_deal(deal["id"]) == [own]
    assert hooks.contact(own)["cliniko_appointments_booked"] == "1"
    # Ana gets the contact that was hers.
    edit(clinic, story.ana, email=FAMILY, updated_at=f"{now() + timedelta(seconds=2):%Y-%m-%dT%H:%M:%SZ}")
    clinic.portal.update("contacts", contact, {"firstname": "Ana", "lastname": "Ruiz"})
    for review in issues.list_reviews(clinic.hub_id, ["email_withheld"]):
        issues.decide(clinic.hub_id, review.id, "linked", "person 77")
    hooks.deliver()
    hooks.cycle("patients", "appointments", "invoices")
    for review in issues.list_reviews(clinic.hub_id):
        if review.cliniko_id == story.ana and review.hubspot_id == contact:
            issues.decide(clinic.hub_id, review.id, "linked", "person 77")
    hooks.deliver()
    assert hooks.contact_of(story.ana) == contact
    assert set(keys(clinic).values()) == {1}
    hooks.quiet_cycles(2, "patients", "appointments", "invoices")


def test_by_the_property_the_rest_of_the_data_stays(story, hooks):
    assert hooks.push(story.contact, UNLINK) == "unlinked"
    left = hooks.contact(story.contact)
    assert not set(CLEARED) & left.keys() and "cliniko_appointments_booked" not in left
    assert (left[UNLINK], left["firstname"], left["city"]) == ("false", "Ben", "Newtown")
    assert states(hooks.clinic)[story.ben] == "unlinked"
    line = next(line for line in hooks.activity() if line.action == "unlinked")
    assert (line.actor, line.cliniko_id, line.hubspot_id) == ("webhook", story.ben, story.contact)
    assert "cliniko_patient_key" in line.fields


def test_overlapping_reads_and_a_reconcile_make_no_new_contact(story, hooks, clinic):
    hooks.push(story.contact, UNLINK)
    before = set(clinic.contacts())
    for _ in range(3):
        hooks.cycle()
    clinic.set("match_by_phone", "on")  # a setting that has everything read once more
    hooks.cycle()
    assert set(clinic.contacts()) == before and states(clinic)[story.ben] == "unlinked"


@pytest.mark.parametrize("hold", ["off", "on"])
def test_the_next_change_makes_its_own_contact_whatever_the_settings_say(story, hooks, clinic, hold):
    clinic.set("hold_doubtful_matches", hold)
    hooks.push(story.contact, UNLINK)
    story.later(city="Newtown")  # nothing but its time
    hooks.cycle()
    own = hooks.contact_of(story.ben)
    assert own != story.contact and "email" not in hooks.contact(own)
    assert hooks.contact(own)["cliniko_email"] == FAMILY
    hooks.quiet_cycles(2)


def test_a_push_of_the_contact_does_not_find_its_way_back(story, hooks, clinic):
    hooks.push(story.contact, UNLINK)
    assert hooks.push(story.contact, PATIENT) == "created"
    assert states(clinic)[story.ben] == "unlinked" and len(hooks.patients()) == 3


@pytest.mark.parametrize("preserve", [False, True], ids=["new id", "same id"])
def test_the_memory_follows_merges_in_hubspot(story, hooks, clinic, preserve):
    clinic.portal.preserve_primary_id = preserve
    hooks.push(story.contact, UNLINK)
    other = add_lead(clinic, firstname="Ben", lastname="Ruiz", email="ben@people.example")
    primary, merged = (story.contact, other) if preserve else (other, story.contact)
    survivor = clinic.portal.merge("contacts", primary, merged).id
    hooks.deliver()
    clinic.portal.update("contacts", survivor, {"firstname": "Ben", "lastname": "Ruiz"})
    story.later()
    hooks.cycle()
    assert hooks.contact_of(story.ben) != survivor, "email and names agree, and still they are two"


def test_one_that_was_never_linked_is_told(hooks, clinic):
    lead = add_lead(clinic, firstname="Ana")
    assert hooks.push(lead, UNLINK) == "not_linked"
    assert hooks.contact(lead)[UNLINK] == "false"


def test_a_late_event_does_not_unlink_what_was_linked_again(story, hooks, clinic):
    hooks.push(story.contact, UNLINK)
    late = hooks.requests()[0].asked_at + timedelta(milliseconds=1)
    assert story.ask("undo", cliniko_id=story.ben) == "restored"
    pushes.ask(clinic.hub_id, "unlink", story.contact, late)
    db.session.commit()
    hooks.deliver()
    assert hooks.results()[-1] == "set_back" and states(clinic)[story.ben] == "linked"


def test_taken_back_everything_is_as_before(story, hooks, clinic):
    before = dict(hooks.contact(story.contact))
    assert story.ask("unlink", clean_up=True) == "unlinked"
    assert story.ask("undo", cliniko_id=story.ben) == "restored"
    hooks.cycle("patients", "appointments", "invoices")
    after = dict(hooks.contact(story.contact))
    moving = ("cliniko_synced_at", "lastmodifieddate", UNLINK, "cliniko_sync_status", "cliniko_sync_message")
    assert {n: v for n, v in after.items() if n not in moving} == {n: v for n, v in before.items() if n not in moving}
    assert after["cliniko_sync_status"] == "Synced"
    assert story.practice.patients_of(story.visit) == [story.ben]
    hooks.quiet_cycles(2, "patients", "appointments", "invoices")


def test_it_is_not_taken_back_over_somebody_else_s_head(story, hooks, clinic):
    hooks.push(story.contact, UNLINK)
    story.later()
    hooks.cycle()
    assert story.ask("undo", cliniko_id=story.ben) == "has_another"
    hooks.push(hooks.contact_of(story.ben), UNLINK)
    clinic.portal.delete("contacts", story.contact)
    assert story.ask("undo", cliniko_id=story.ben) == "contact_gone"


def test_broken_off_in_the_middle_it_goes_on(story, hooks, clinic):
    """HubSpot stops answering after the never-match was stored, and again before the deals are taken off."""
    clinic.hubspot.faults.add(Fault(match="POST .*/contacts/batch/update", status=502, times=4))
    hooks.set(story.contact, UNLINK)
    hooks.deliver()
    assert states(clinic)[story.ben] == "linked"
    clinic.hubspot.faults.clear()
    clinic.hubspot.faults.add(Fault(match="POST .*/batch/archive", status=502, times=4))
    hooks.retry_now()
    assert states(clinic)[story.ben] == "linked"
    clinic.hubspot.faults.clear()
    hooks.retry_now()
    assert hooks.results() == ["unlinked"] and states(clinic)[story.ben] == "unlinked"
    assert not set(CLEARED) & hooks.contact(story.contact).keys()
    assert not open_reviews(clinic)


def test_a_field_that_hubspot_does_not_take_back_keeps_nothing_else(story, hooks, clinic):
    """Before us the contact had an address that another contact has by now."""
    record = clinic.portal.contacts.get(story.contact)
    clinic.portal.update("contacts", story.contact, {"email": "old@people.example"})
    edit(clinic, story.ben, email="ben@people.example")
    hooks.cycle()
    assert record.properties["email"] == "ben@people.example"
    add_lead(clinic, email="old@people.example")
    assert story.ask("unlink", clean_up=True) == "unlinked"
    left = hooks.contact(story.contact)
    assert not set(CLEARED) & left.keys() and "firstname" not in left
    assert left["email"] == "ben@people.example"
