"""Who in Cliniko may be the person of a contact that is pushed: found, several, somebody else's, or nobody."""

import pytest

from tests.support.hooked import PATIENT
from tests.support.people import add_lead, add_patient, links, open_reviews, reviews
from webapp.sandbox.cliniko import actions

EMAIL, BORN = {"email": "ana@people.example"}, {"date_of_birth": "1990-05-01"}
ANA = {"firstname": "Ana", "lastname": "Ruiz"}


@pytest.fixture(autouse=True)
def strict(clinic) -> None:
    """A Cliniko that minds the case of letters."""
    clinic.account.switches.strings_ignore_case = False


def check_linked(hooks, patient: str, lead: str) -> None:
    assert hooks.push(lead, city="Newtown") == "linked"
    assert len(hooks.patients()) == 1 and hooks.patient(patient)["city"] == "Newtown"
    assert hooks.contact_of(patient) == lead
    assert hooks.contact(lead)["cliniko_sync_message"].startswith("Linked to the patient that Cliniko has already.")
    hooks.quiet_cycles(1)


def test_by_email_and_names(hooks, clinic):
    check_linked(hooks, add_patient(clinic, **EMAIL), add_lead(clinic, **ANA, **EMAIL))


def test_by_names_and_birth_date(hooks, clinic):
    patient = add_patient(clinic, email="old@people.example", **BORN)
    check_linked(hooks, patient, add_lead(clinic, **ANA, **BORN))


def test_by_the_preferred_name_and_letters_of_another_case(hooks, clinic):
    patient = add_patient(clinic, "Anastasia", "RUIZ", "Ana@People.Example", preferred_first_name="ana")
    lead = add_lead(clinic, firstname="Ana", lastname="RUIZ", **EMAIL)
    assert hooks.push(lead) == "linked" and hooks.contact_of(patient) == lead


def test_by_our_own_index_where_cliniko_s_filter_finds_nothing(hooks, clinic):
    patient = add_patient(clinic, "Ana", "Ruíz", "Ana@People.Example", created_at="2020-01-01T00:00:00Z")
    clinic.cycle("patients")
    clinic.portal.delete("contacts", hooks.contact_of(patient))
    hooks.deliver()
    lead = add_lead(clinic, **ANA, **EMAIL)
    assert hooks.push(lead) == "linked"
    assert hooks.contact_of(patient) == lead and len(hooks.patients()) == 1


def test_an_archived_patient_is_found_and_linked_too(hooks, clinic):
    patient = add_patient(clinic, **EMAIL)
    actions.archive(clinic.account, "patients", patient)
    lead = add_lead(clinic, **ANA, **EMAIL)
    assert hooks.push(lead, city="Newtown") == "archived"
    assert len(hooks.patients()) == 1 and hooks.contact_of(patient) == lead
    told = hooks.contact(lead)
    assert "Unarchive it in Cliniko and push again." in told["cliniko_sync_message"]
    actions.unarchive(clinic.account, "patients", patient)
    assert hooks.push(lead, city="Newtown") == "updated"
    assert hooks.patient(patient)["city"] == "Newtown"


def test_a_merged_patient_stands_for_its_survivor(hooks, clinic):
    loser = add_patient(clinic, **EMAIL)
    survivor = add_patient(clinic, "Anastasia", "Ruiz-Ode", "new@people.example")
    actions.merge_patients(clinic.account, loser, survivor)
    lead = add_lead(clinic, **ANA, **EMAIL)
    hooks.push(lead)
    assert len(hooks.patients()) == 2 and hooks.contact_of(survivor) == lead


@pytest.mark.parametrize(
    ("in_cliniko", "in_hubspot"),
    [
        ({"first": "Tom", **EMAIL}, EMAIL),  # a family's address
        ({"last": "Ode", **EMAIL}, EMAIL),
        ({**EMAIL, **BORN}, {**EMAIL, "date_of_birth": "2015-01-01"}),  # father and son
        ({}, {}),  # a name alone says nothing
        ({"email": "one@people.example"}, {"email": "two@people.example"}),
    ],
    ids=str,
)
def test_somebody_else_is_left_alone(hooks, clinic, in_cliniko, in_hubspot):
    other = add_patient(clinic, **in_cliniko)
    before = dict(hooks.patient(other))
    assert hooks.push(add_lead(clinic, **ANA, **in_hubspot), city="Newtown") == "created"
    assert len(hooks.patients()) == 2 and hooks.patient(other) == before


def test_several_are_a_review_and_nothing_is_sent(hooks, clinic):
    ids = {add_patient(clinic, **EMAIL), add_patient(clinic, email=None, **BORN)}
    lead = add_lead(clinic, **ANA, **EMAIL, **BORN)
    assert hooks.push(lead) == "several"
    assert open_reviews(clinic) == {(patient, lead, "push_candidates") for patient in ids}
    assert hooks.cliniko_writes() == []
    told = hooks.contact(lead)
    assert (told[PATIENT], told["cliniko_sync_status"]) == ("false", "Waiting for review")
    assert hooks.push(lead) == "several"
    assert len(reviews(clinic)) == 2, "asked once more, it is the same question"


def test_one_with_a_contact_of_its_own_is_a_review(hooks, clinic):
    patient = add_patient(clinic, **BORN)
    clinic.cycle("patients")
    own = hooks.contact_of(patient)
    lead = add_lead(clinic, **ANA, **BORN)
    assert hooks.push(lead) == "taken"
    assert open_reviews(clinic) == {(patient, lead, "push_candidates")}
    assert links(clinic)[patient].hubspot_id == own and len(hooks.patients()) == 1


def test_one_that_was_unlinked_from_this_contact_is_not_linked_again(hooks, clinic):
    lead = add_lead(clinic, **ANA, **EMAIL)
    wrong = add_patient(clinic, **EMAIL)
    clinic.cycle("patients")
    assert hooks.contact_of(wrong) == lead
    assert hooks.push(lead, "unlink_cliniko_patient") == "unlinked"
    assert hooks.push(lead) == "created"
    assert len(hooks.patients()) == 2 and links(clinic)[wrong].state == "unlinked"
