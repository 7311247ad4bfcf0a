"""Set to Yes in HubSpot: the linked patient or contact in Cliniko gets what was changed, and nothing else."""

import pytest

from tests.support.hooked import CONTACT, PATIENT
from tests.support.people import add_patient, links, open_reviews
from webapp.sandbox.cliniko import actions
from webapp.sandbox.support import Fault

FULL = {
    "email": "ana@people.example",
    "date_of_birth": "1990-05-01",
    "address_1": "1 Old Street",
    "city": "Newtown",
    "state": "NSW",
    "post_code": "2042",
    "country": "Australia",
    "country_code": "AU",
    "gender_identity": "Woman",
    "patient_phone_numbers": [
        {"number": "0412 345 678", "phone_type": "Mobile"},
        {"number": "(02) 9876 5432", "phone_type": "Home"},
        {"number": "02 9111 2222", "phone_type": "Work"},
    ],
}


@pytest.fixture
def ana(clinic, hooks) -> str:
    """A linked patient with a value in every field."""
    patient = add_patient(clinic, "Ana", "Ruiz", **FULL)
    assert clinic.cycle("patients")["patients"].outcome == "done"
    clinic.clear_calls()
    return patient


def test_all_fields_are_sent_in_one_write(hooks, ana):
    contact = hooks.contact_of(ana)
    changed = {
        "lastname": "Ruiz-Smith",
        "phone": "02 9876 0000",
        "mobilephone": "0499 111 222",
        "address": "2 New Street",
        "city": "Marrickville",
        "state": "VIC",
        "zip": "3000",
        "country": "New Zealand",
        "email": "anna@people.example",
        "cliniko_gender_identity": "Non-binary",
    }
    assert hooks.push(contact, **changed) == "updated"
    patient = hooks.patient(ana)
    assert {
        "first_name": "Ana",
        "last_name": "Ruiz-Smith",
        "address_1": "2 New Street",
        "city": "Marrickville",
        "state": "VIC",
        "post_code": "3000",
        "country_code": "NZ",
        "email": "anna@people.example",
        "gender_identity": "Non-binary",
        "date_of_birth": "1990-05-01",
    }.items() <= patient.items()
    assert [(p["phone_type"], p["number"]) for p in patient["patient_phone_numbers"]] == [
        ("Mobile", "0499 111 222"),
        ("Home", "02 9876 0000"),
        ("Work", "02 9111 2222"),
    ]
    assert hooks.cliniko_writes() == [("PATCH", f"/v1/patients/{ana}")]
    told = hooks.contact(contact)
    assert (told[PATIENT], told["cliniko_sync_status"]) == ("false", "Sent to Cliniko")
    assert told["cliniko_sync_message"].startswith("Sent to Cliniko: Last name, Street address")
    assert hooks.push(contact, firstname="Anna") == "updated"
    assert hooks.patient(ana)["first_name"] == "Anna"
    hooks.quiet_cycles()


def test_only_what_changed_is_sent(hooks, ana, clinic):
    assert hooks.push(hooks.contact_of(ana), city="Enmore") == "updated"
    assert hooks.patient(ana)["city"] == "Enmore"
    line = next(line for line in hooks.activity() if line.target == "cliniko")
    assert (line.actor, line.action, line.kind, line.cliniko_id) == ("webhook", "updated", "patient", ana)
    assert (line.fields, line.hubspot_id, line.result) == (["city"], hooks.contact_of(ana), "ok")


def test_nothing_changed_writes_nothing_to_cliniko(hooks, ana):
    contact = hooks.contact_of(ana)
    assert hooks.push(contact) == "unchanged"
    assert hooks.cliniko_writes() == []
    assert hooks.contact(contact)["cliniko_sync_message"].startswith("Cliniko has the same values already.")
    hooks.quiet_cycles(1)


def test_the_same_number_written_otherwise_is_no_change(hooks, ana):
    typed = {"mobilephone": "0412-345-678", "country": "au", "email": "ANA@people.example"}
    assert hooks.push(hooks.contact_of(ana), **typed) == "unchanged"
    assert hooks.cliniko_writes() == []


def test_what_cliniko_changed_meanwhile_is_never_reverted(hooks, ana, clinic):
    clinic.account.edit("patients", ana, city="Glebe")
    assert hooks.push(hooks.contact_of(ana), state="VIC") == "updated"
    assert (hooks.patient(ana)["city"], hooks.patient(ana)["state"]) == ("Glebe", "VIC")
    assert hooks.contact(hooks.contact_of(ana))["city"] == "Glebe", "what Cliniko holds goes to HubSpot at once"


def test_changed_on_both_sides_cliniko_wins_and_the_message_says_so(hooks, ana, clinic):
    contact = hooks.contact_of(ana)
    clinic.account.edit("patients", ana, city="Glebe")
    assert hooks.push(contact, city="Enmore", zip="2043") == "updated"
    assert (hooks.patient(ana)["city"], hooks.patient(ana)["post_code"]) == ("Glebe", "2043")
    told = hooks.contact(contact)
    assert "Changed on both sides, so Cliniko's value was kept: City." in told["cliniko_sync_message"]
    assert told["city"] == "Glebe"
    hooks.quiet_cycles(2)


def test_a_number_typed_otherwise_and_changed_in_cliniko_is_cliniko_s(hooks, ana, clinic):
    """HubSpot holds the number both sides agreed on, only written otherwise: it is no change of HubSpot's."""
    contact = hooks.contact_of(ana)
    numbers = [{"number": "0412 000 000", "phone_type": "Mobile"}]
    clinic.account.edit("patients", ana, patient_phone_numbers=numbers)
    assert hooks.push(contact, mobilephone="0412 345 678") == "unchanged"
    assert hooks.patient(ana)["patient_phone_numbers"] == numbers
    assert "both sides" not in hooks.contact(contact)["cliniko_sync_message"]


def test_a_blank_never_clears(hooks, ana):
    contact = hooks.contact_of(ana)
    before = dict(hooks.patient(ana))
    blanks = dict.fromkeys(("city", "phone", "mobilephone", "email", "address", "cliniko_gender_identity"), "")
    assert hooks.push(contact, **blanks) == "unchanged"
    assert hooks.patient(ana) == before


def test_with_preferred_names_on_the_first_name_goes_there(hooks, ana, clinic):
    clinic.set("use_preferred_first_name", "on")
    assert hooks.push(hooks.contact_of(ana), firstname="Annie") == "updated"
    assert hooks.patient(ana)["preferred_first_name"] == "Annie"
    assert hooks.patient(ana)["first_name"] == "Ana"


@pytest.mark.parametrize("where", ["cliniko_date_of_birth", "date_of_birth"])
def test_a_birth_date_that_cliniko_lacks(hooks, clinic, where):
    ben = add_patient(clinic, "Ben", "Ode", "ben@people.example")
    clinic.cycle("patients")
    assert hooks.push(hooks.contact_of(ben), **{where: "1985-02-28"}) == "updated"
    assert hooks.patient(ben)["date_of_birth"] == "1985-02-28"
    hooks.quiet_cycles(2)


def test_a_birth_date_in_another_form_is_told(hooks, clinic):
    ben = add_patient(clinic, "Ben", "Ode", "ben@people.example")
    clinic.cycle("patients")
    contact = hooks.contact_of(ben)
    assert hooks.push(contact, date_of_birth="28/2/1985", city="Enmore") == "updated"
    assert hooks.patient(ben).get("date_of_birth") is None and hooks.patient(ben)["city"] == "Enmore"
    told = hooks.contact(contact)
    assert "Date of birth is not a date that Cliniko takes. Write it as YYYY-MM-DD." in told["cliniko_sync_message"]
    assert told["cliniko_sync_status"] == "Needs attention"


def test_what_cliniko_refuses_is_told_with_hubspot_s_name_of_the_field(hooks, ana):
    contact = hooks.contact_of(ana)
    assert hooks.push(contact, city="x" * 300) == "refused"
    told = hooks.contact(contact)
    assert (told[PATIENT], told["cliniko_sync_status"]) == ("false", "Needs attention")
    assert "City: " in told["cliniko_sync_message"] and "Correct it and push again." in told["cliniko_sync_message"]
    assert [line.result for line in hooks.activity() if line.target == "cliniko"] == ["refused"]
    assert hooks.push(contact, city="Enmore") == "updated"


def test_an_archived_patient_is_left_as_it_is(hooks, ana, clinic):
    actions.archive(clinic.account, "patients", ana)
    contact = hooks.contact_of(ana)
    assert hooks.push(contact, city="Enmore") == "archived"
    assert "archived in Cliniko" in hooks.contact(contact)["cliniko_sync_message"]
    assert hooks.contact(contact)[PATIENT] == "false"
    assert hooks.contact(contact)["cliniko_patient_status"] == "Archived"


def test_a_deleted_patient_is_told(hooks, ana, clinic):
    clinic.account.remove("patients", ana)
    contact = hooks.contact_of(ana)
    assert hooks.push(contact, city="Enmore") == "gone"
    assert hooks.contact(contact)[PATIENT] == "false"


def test_a_relative_who_filled_in_a_form_never_renames_the_patient(hooks, ana, clinic):
    contact = hooks.contact_of(ana)
    assert hooks.push(contact, firstname="Tom", lastname="Ode", mobilephone="0400 000 000") == "another_person"
    assert hooks.patient(ana)["first_name"] == "Ana"
    assert hooks.cliniko_writes() == []
    assert open_reviews(clinic) == {(ana, contact, "another_person")}
    told = hooks.contact(contact)
    assert (told[PATIENT], told["cliniko_sync_status"]) == ("false", "Waiting for review")


@pytest.mark.parametrize("where", ["cliniko_date_of_birth", "date_of_birth"])
def test_another_birth_date_is_another_person(hooks, ana, clinic, where):
    """A sibling with the same last name, whose form filled either of the two properties."""
    contact = hooks.contact_of(ana)
    assert hooks.push(contact, firstname="Tom", **{where: "2015-01-01"}) == "another_person"
    assert hooks.patient(ana)["first_name"] == "Ana"
    assert open_reviews(clinic) == {(ana, contact, "another_person")}


def test_a_name_that_cliniko_changed_is_nobody_else(hooks, ana, clinic):
    """Married and moved: HubSpot still holds what both sides once agreed on."""
    clinic.account.edit("patients", ana, first_name="Anna", last_name="Smith", date_of_birth="1990-05-02")
    contact = hooks.contact_of(ana)
    assert hooks.push(contact, zip="2044") == "updated"
    assert (hooks.patient(ana)["last_name"], hooks.patient(ana)["post_code"]) == ("Smith", "2044")
    assert hooks.contact(contact)["lastname"] == "Smith"


def test_a_corrected_contact_closes_the_review(hooks, ana, clinic):
    contact = hooks.contact_of(ana)
    hooks.push(contact, firstname="Tom", lastname="Ode")
    assert hooks.push(contact, firstname="Ana", lastname="Ruiz") == "unchanged"
    assert not open_reviews(clinic)


def test_switched_off_nothing_is_sent_and_the_switch_goes_back(hooks, ana, clinic):
    clinic.set("push_enabled", "off")
    contact = hooks.contact_of(ana)
    assert hooks.push(contact, city="Enmore") == "switched_off"
    assert hooks.patient(ana)["city"] == "Newtown"
    assert hooks.contact(contact)[PATIENT] == "false"


def test_a_cliniko_contact_is_updated_by_its_own_switch(hooks, clinic):
    row = {"first_name": "Dora", "last_name": "Doc", "email": "dora@gp.example", "city": "Newtown"}
    doctor = str(clinic.account.put("contacts", {**row, "phone_numbers": []})["id"])
    clinic.cycle("patients", "contacts")
    contact = links(clinic, "contact")[doctor].hubspot_id
    assert hooks.push(contact, CONTACT, city="Enmore", mobilephone="0400 111 222") == "updated"
    row = clinic.account.get("contacts", doctor)
    assert (row["city"], row["phone_numbers"][0]["number"]) == ("Enmore", "0400 111 222")
    assert hooks.contact(contact)[CONTACT] == "false"
    hooks.quiet_cycles(2)


def test_a_lost_answer_to_the_change_is_no_second_change(hooks, ana, clinic):
    """The write arrived, its answer did not: the retry finds that nothing is left to send."""
    clinic.cliniko.faults.add(Fault(match="PATCH /v1/patients", kind="reset", when="after"))
    contact = hooks.contact_of(ana)
    hooks.set(contact, city="Enmore")
    hooks.deliver()
    (request,) = hooks.requests()
    assert (request.state, request.held_by) == ("open", "cliniko_away")
    assert hooks.contact(contact)[PATIENT] == "true"
    hooks.retry_now()
    assert hooks.results() == ["unchanged"]
    assert hooks.patient(ana)["city"] == "Enmore"
    assert hooks.contact(contact)[PATIENT] == "false"
    hooks.quiet_cycles(1)
