"""The life of a link, line by line: each ends with both sides and the ledger looked at."""

from typing import Any

import pytest

from tests.jobs.sync.practice import DAY, Practice, text
from tests.support.hooked import Hooked
from tests.support.people import add_lead, edit, keys, links, open_reviews, reviews, states
from webapp.clock import now
from webapp.sandbox.cliniko import actions
from webapp.store import issues

DEALS = ("patients", "appointments", "invoices")


class Two:
    """Two patients with a contact and a visit each."""

    def __init__(self, hooks: Hooked) -> None:
        self.hooks, self.clinic, self.portal = hooks, hooks.clinic, hooks.portal
        self.practice = Practice(hooks.clinic)
        self.ana = self.practice.patient("Ana", "Ruiz", id="1", email="ana@people.example")
        self.ben = self.practice.patient("Ben", "Ode", id="2", email="ben@people.example")
        self.visits = {p: self.practice.appointment(p, now() + DAY) for p in (self.ana, self.ben)}
        hooks.cycle(*DEALS)
        self.contacts = {p: hooks.contact_of(p) for p in (self.ana, self.ben)}

    def patient(self, first: str, last: str, **fields: Any) -> str:
        """One who is new at this moment."""
        return self.practice.patient(first, last, created_at=text(now()), **fields)

    def cycle(self) -> None:
        self.hooks.cycle(*DEALS)

    def edit(self, patient: str, **changes: Any) -> None:
        edit(self.clinic, patient, **changes)

    def key(self, patient: str) -> str:
        return f"{self.clinic.account.id}:{patient}"

    def contacts_of(self, patient: str) -> list[str]:
        """The HubSpot contacts of the patient's visit."""
        deal = self.practice.deal(self.visits[patient])
        assert deal is not None
        return [c for c in self.clinic.contacts_of_deal(deal["id"]) if c in self.clinic.contacts()]

    def quiet(self) -> None:
        self.hooks.quiet_cycles(1, *DEALS)


@pytest.fixture
def two(hooks) -> Two:
    return Two(hooks)


@pytest.mark.parametrize("touch", [True, False], ids=["moves updated_at", "does not"])
def test_archived_and_unarchived_in_cliniko(two, hooks, clinic, touch):
    clinic.account.switches.touch_on_archive = touch
    actions.archive(clinic.account, "patients", two.ana)
    two.cycle()
    contact = hooks.contact(two.contacts[two.ana])
    assert (contact["cliniko_patient_status"], contact["cliniko_patient_key"]) == ("Archived", two.key(two.ana))
    assert links(clinic)[two.ana].cliniko_status == "archived" and two.contacts_of(two.ana) == [two.contacts[two.ana]]
    actions.unarchive(clinic.account, "patients", two.ana)
    if not touch:
        two.edit(two.ana, city="Newtown")  # else nothing tells of it but the nightly comparison
    two.cycle()
    assert hooks.contact(two.contacts[two.ana])["cliniko_patient_status"] == "Active"
    assert links(clinic)[two.ana].cliniko_status == "active"
    two.quiet()


def test_merged_in_cliniko_only_the_loser_had_a_contact(two, hooks, clinic):
    """The survivor, who was archived and never synced, takes it with key, deals and what waits."""
    survivor = two.patient("Anna", "Ruiz", id="3", email="anna@people.example", archived_at="2024-01-01T00:00:00Z")
    two.cycle()
    assert states(clinic)[survivor] == "excluded"
    edit(clinic, survivor, archived_at=None)
    actions.merge_patients(clinic.account, two.ana, survivor)
    two.visits[survivor] = two.visits[two.ana]
    two.cycle()
    two.cycle()
    contact = two.contacts[two.ana]
    assert links(clinic)[survivor].hubspot_id == contact and states(clinic)[two.ana] == "excluded"
    told = hooks.contact(contact)
    assert (told["cliniko_patient_key"], told["firstname"], told["email"]) == (
        two.key(survivor),
        "Anna",
        "anna@people.example",
    )
    assert two.contacts_of(survivor) == [contact] and len(clinic.contacts()) == 2
    assert not open_reviews(clinic)
    two.quiet()


def test_merged_in_cliniko_both_had_a_contact(two, hooks, clinic):
    actions.merge_patients(clinic.account, two.ana, two.ben)
    two.visits[two.ben + " too"] = two.visits[two.ana]
    two.cycle()
    two.cycle()
    lost, kept = hooks.contact(two.contacts[two.ana]), hooks.contact(two.contacts[two.ben])
    assert not {"cliniko_patient_key", "cliniko_patient_url", "email"} & lost.keys()
    assert (lost["cliniko_patient_status"], lost["firstname"]) == ("Merged", "Ana")
    assert kept["cliniko_patient_key"] == two.key(two.ben)
    assert states(clinic) == {two.ana: "excluded", two.ben: "linked"}
    assert two.contacts_of(two.ana) == two.contacts_of(two.ben) == [two.contacts[two.ben]]
    assert open_reviews(clinic) == {(two.ben, two.contacts[two.ana], "merged_in_cliniko")}
    two.quiet()
    # Staff follow the proposal.
    survivor = two.portal.merge("contacts", two.contacts[two.ben], two.contacts[two.ana]).id
    hooks.deliver()
    two.cycle()
    assert links(clinic)[two.ben].hubspot_id == survivor and not open_reviews(clinic)
    two.quiet()


@pytest.mark.parametrize("synced", [True, False], ids=["had a contact", "was new"])
def test_a_chain_of_merges_ends_with_the_last(two, hooks, clinic, synced):
    last = two.patient("Cleo", "Chan", id="3", email="cleo@people.example")
    if synced:
        two.cycle()
    actions.merge_patients(clinic.account, two.ana, two.ben)
    actions.merge_patients(clinic.account, two.ben, last)
    two.cycle()
    two.cycle()
    assert states(clinic) == {two.ana: "excluded", two.ben: "excluded", last: "linked"}
    assert keys(clinic) == {two.key(last): 1}
    assert two.contacts_of(two.ana) == two.contacts_of(two.ben) == [hooks.contact_of(last)]
    two.quiet()


@pytest.mark.parametrize("preserve", [False, True], ids=["new id", "same id"])
def test_merged_in_hubspot_with_a_contact_of_ours_alone(two, hooks, clinic, preserve):
    two.portal.preserve_primary_id = preserve
    lead = add_lead(clinic, email="ana.work@people.example", firstname="Annie", lastname="Ruiz")
    survivor = two.portal.merge("contacts", lead, two.contacts[two.ana]).id
    hooks.deliver()
    two.cycle()
    assert links(clinic)[two.ana].hubspot_id == survivor
    told = hooks.contact(survivor)
    assert (told["cliniko_patient_key"], told["email"]) == (two.key(two.ana), "ana.work@people.example")
    assert two.contacts_of(two.ana) == [survivor]
    assert any(line.action == "repointed" and line.hubspot_id == survivor for line in hooks.activity())
    two.quiet()
    two.edit(two.ana, city="Newtown")
    two.cycle()
    assert hooks.contact(survivor)["city"] == "Newtown"


@pytest.mark.parametrize("preserve", [False, True], ids=["new id", "same id"])
@pytest.mark.parametrize("decision", ["separate", "linked"])
def test_merged_in_hubspot_and_both_were_linked(two, hooks, clinic, preserve, decision):
    two.portal.preserve_primary_id = preserve
    survivor = two.portal.merge("contacts", two.contacts[two.ana], two.contacts[two.ben]).id
    hooks.deliver()
    assert states(clinic) == {two.ana: "linked", two.ben: "held"}
    assert links(clinic)[two.ana].hubspot_id == survivor
    assert open_reviews(clinic) == {(two.ben, survivor, "merged_in_hubspot")}
    two.edit(two.ben, city="Newtown")
    two.cycle()
    assert "city" not in hooks.contact(survivor), "nothing is written for Ben until a person decides"
    assert keys(clinic) == {two.key(two.ana): 1}
    (review,) = reviews(clinic)
    issues.decide(clinic.hub_id, review.id, decision, "person 77")
    hooks.deliver()
    two.cycle()
    two.cycle()
    stays, moves = (two.ana, two.ben) if decision == "separate" else (two.ben, two.ana)
    assert links(clinic)[stays].hubspot_id == survivor and hooks.contact_of(moves) != survivor
    assert keys(clinic) == {two.key(two.ana): 1, two.key(two.ben): 1}
    assert hooks.contact(survivor)["cliniko_patient_key"] == two.key(stays)
    assert two.contacts_of(stays) == [survivor] and two.contacts_of(moves) == [hooks.contact_of(moves)]
    names = {two.ana: "Ana", two.ben: "Ben"}
    assert hooks.contact(survivor)["firstname"] == names[stays]
    assert hooks.contact(hooks.contact_of(moves))["firstname"] == names[moves]
    two.quiet()


@pytest.mark.parametrize("recreate", ["off", "on"])
def test_deleted_in_hubspot(two, hooks, clinic, recreate):
    clinic.set("recreate_deleted_contacts", recreate)
    two.cycle()
    two.portal.delete("contacts", two.contacts[two.ana])
    hooks.deliver()
    assert states(clinic)[two.ana] == "closed"
    fresh = two.practice.appointment(two.ana, now() + 2 * DAY, created_at=text(now()))
    two.cycle()
    assert len(clinic.contacts()) == 1 and two.practice.deal(fresh) is None, "its deals wait"
    assert links(clinic, "individual_appointment")[fresh].rule == "contact_deleted"
    two.edit(two.ana, city="Newtown", updated_at="2099-01-01T00:00:00Z")
    two.cycle()
    two.cycle()
    if recreate == "off":
        assert states(clinic)[two.ana] == "closed" and len(clinic.contacts()) == 1
        return
    own = hooks.contact_of(two.ana)
    assert own != two.contacts[two.ana] and hooks.contact(own)["email"] == "ana@people.example"
    assert two.contacts_of(two.ana) == [own] and two.practice.patients_of(fresh) == [two.ana]


def test_restored_in_hubspot(two, hooks, clinic):
    contact = two.contacts[two.ana]
    two.portal.delete("contacts", contact)
    hooks.deliver()
    two.edit(two.ana, city="Newtown")
    two.cycle()
    two.portal.restore("contacts", contact)
    hooks.deliver()
    assert links(clinic)[two.ana].hubspot_id == contact and states(clinic)[two.ana] == "linked"
    two.cycle()
    assert hooks.contact(contact)["city"] == "Newtown" and two.contacts_of(two.ana) == [contact]
    two.quiet()


def test_a_deal_is_deleted_and_restored_in_hubspot(two, hooks, clinic):
    deal = two.practice.deal(two.visits[two.ana])
    assert deal is not None
    two.portal.delete("deals", deal["id"])
    hooks.deliver()
    visits = links(clinic, "individual_appointment")
    assert visits[two.visits[two.ana]].state == "closed" and visits[two.visits[two.ben]].state == "linked"
    two.quiet()
    assert two.practice.deal(two.visits[two.ana]) is None, "not made again by itself"
    two.portal.restore("deals", deal["id"])
    hooks.deliver()
    two.cycle()
    assert links(clinic, "individual_appointment")[two.visits[two.ana]].hubspot_id == deal["id"]
    actions.cancel(clinic.account, "individual_appointments", two.visits[two.ana])
    two.cycle()
    assert two.practice.stage(two.visits[two.ana]) == "cancelled"


def test_a_deleted_deal_comes_back_with_the_next_change(two, hooks, clinic):
    deal = two.practice.deal(two.visits[two.ana])
    assert deal is not None
    two.portal.delete("deals", deal["id"])
    hooks.deliver()
    actions.cancel(clinic.account, "individual_appointments", two.visits[two.ana])
    two.cycle()
    again = two.practice.deal(two.visits[two.ana])
    assert again is not None and again["id"] != deal["id"] and two.practice.stage(two.visits[two.ana]) == "cancelled"
    assert two.contacts_of(two.ana) == [two.contacts[two.ana]]


def test_two_deals_are_merged_in_hubspot(two, hooks, clinic):
    """One survives with the values of the first; the other record waits until it changes."""
    one, other = (two.practice.deal(two.visits[p]) for p in (two.ana, two.ben))
    assert one is not None and other is not None
    survivor = two.portal.merge("deals", one["id"], other["id"]).id
    hooks.deliver()
    found = links(clinic, "individual_appointment")
    assert {found[v].state for v in two.visits.values()} == {"linked", "closed"}
    assert [row.hubspot_id for row in found.values() if row.state == "linked"] == [survivor]
    two.cycle()
    two.quiet()
