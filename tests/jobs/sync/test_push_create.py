"""A push of a contact without a link makes exactly one patient, or finds the one that is there."""

import threading

import pytest

from jobs.tasks.push import carry_out
from tests.support.hooked import CONTACT, PATIENT
from tests.support.people import add_lead, add_patient, connection_id, links, open_reviews, rules
from webapp.clock import now
from webapp.extensions import db
from webapp.sandbox.support import Fault
from webapp.store import pushes

ANA = {"firstname": "Ana", "lastname": "Ruiz", "email": "ana@people.example"}


def lost() -> Fault:
    """The patient is created, and the answer never arrives."""
    return Fault(match="POST /v1/patients$", kind="reset", when="after")


def test_a_patient_with_every_field(hooks, clinic):
    types = clinic.account.put("referral_source_types", {"name": "Google", "subcategories": ["Ads", "Maps"]})
    lead = add_lead(
        clinic,
        **ANA,
        phone="02 9876 5432",
        mobilephone="0412 345 678",
        address="1 New Street",
        city="Newtown",
        state="NSW",
        zip="2042",
        country="Australia",
        cliniko_gender_identity="Woman",
        date_of_birth="1990-05-01",
        cliniko_referral_source="google: Maps",
    )
    assert hooks.push(lead) == "created"
    (patient,) = hooks.patients()
    assert {
        "first_name": "Ana",
        "last_name": "Ruiz",
        "email": "ana@people.example",
        "date_of_birth": "1990-05-01",
        "address_1": "1 New Street",
        "city": "Newtown",
        "state": "NSW",
        "post_code": "2042",
        "country_code": "AU",
        "gender_identity": "Woman",
    }.items() <= patient.items()
    assert {(p["phone_type"], p["number"]) for p in patient["patient_phone_numbers"]} == {
        ("Home", "02 9876 5432"),
        ("Mobile", "0412 345 678"),
    }
    (source,) = clinic.account.tables["referral_sources"].values()
    assert (source["referral_source_type_id"], source["subcategory"]) == (types["id"], "Maps")
    contact = hooks.contact(lead)
    assert contact["cliniko_patient_key"] == f"{clinic.account.id}:{patient['id']}"
    assert (contact[PATIENT], contact["cliniko_sync_message"]) == (
        "false",
        "Created as a patient in Cliniko and linked.",
    )
    assert rules(clinic) == {patient["id"]: "push"}
    line = next(line for line in hooks.activity() if line.target == "cliniko")
    assert (line.action, line.cliniko_id, line.hubspot_id) == ("created", patient["id"], lead)
    hooks.quiet_cycles()
    assert len(clinic.contacts()) == 1


def test_a_referral_that_is_no_type_is_written_as_text(hooks, clinic):
    lead = add_lead(clinic, **ANA, cliniko_referral_source="A flyer in the bakery")
    assert hooks.push(lead) == "created"
    (source,) = clinic.account.tables["referral_sources"].values()
    assert source["notes"] == "A flyer in the bakery"
    hooks.quiet_cycles(3)
    assert hooks.contact(lead)["cliniko_referral_source"] == "A flyer in the bakery"


@pytest.mark.parametrize("also", [{"email": "ana@people.example"}, {"date_of_birth": "1990-05-01"}, {}], ids=str)
def test_a_lost_answer_and_a_retry_make_one_patient(hooks, clinic, also):
    clinic.cliniko.faults.add(lost())
    lead = add_lead(clinic, firstname="Ana", lastname="Ruiz", **also)
    hooks.set(lead)
    hooks.deliver()
    assert [request.state for request in hooks.requests()] == ["open"]
    assert len(hooks.patients()) == 1 and hooks.contact(lead)[PATIENT] == "true"
    hooks.retry_now()
    assert (hooks.results(), len(hooks.patients())) == (["created"], 1)
    assert [intent.state for intent in hooks.intents()] == ["done"]
    assert hooks.contact_of(hooks.patients()[0]["id"]) == lead
    hooks.quiet_cycles(2)
    assert len(clinic.contacts()) == 1


def test_a_contact_that_was_corrected_before_the_retry_is_still_one_patient(hooks, clinic):
    clinic.cliniko.faults.add(lost())
    lead = add_lead(clinic, **ANA)
    hooks.set(lead)
    hooks.deliver()
    db.session.rollback()
    hooks.portal.update("contacts", lead, {"firstname": "Anna", "email": "anna@people.example", "city": "Newtown"})
    hooks.retry_now()
    (patient,) = hooks.patients()
    assert (patient["first_name"], patient["email"], patient["city"]) == ("Anna", "anna@people.example", "Newtown")
    hooks.quiet_cycles(1)


def test_meanwhile_the_stream_leaves_the_person_to_the_push(hooks, clinic):
    """The patient is in Cliniko, the push does not know yet: no second contact is made, none is linked otherwise."""
    clinic.cliniko.faults.add(lost())
    lead = add_lead(clinic, firstname="Ana", lastname="Ruiz", date_of_birth="1990-05-01")
    hooks.set(lead)
    hooks.deliver()
    (patient,) = hooks.patients()
    assert clinic.cycle("patients")["patients"].outcome == "done"
    assert list(clinic.contacts()) == [lead] and patient["id"] not in links(clinic)
    hooks.retry_now()
    clinic.cycle("patients")
    assert list(clinic.contacts()) == [lead] and links(clinic)[patient["id"]].hubspot_id == lead


def test_a_refused_or_throttled_try_leaves_nothing_behind(hooks, clinic):
    clinic.cliniko.faults.add(Fault(match="POST /v1/patients$", status=503))
    lead = add_lead(clinic, **ANA)
    hooks.set(lead)
    hooks.deliver()
    assert hooks.patients() == []
    hooks.retry_now()
    assert (hooks.results(), len(hooks.patients())) == (["created"], 1)


def test_cliniko_refuses_the_values(hooks, clinic):
    lead = add_lead(clinic, **ANA, city="x" * 300)
    assert hooks.push(lead) == "refused"
    assert hooks.patients() == [] and [intent.state for intent in hooks.intents()] == ["done"]
    told = hooks.contact(lead)
    assert (told[PATIENT], "City: " in told["cliniko_sync_message"]) == ("false", True)
    assert hooks.push(lead, city="Newtown") == "created"
    assert len(hooks.patients()) == 1


def test_a_record_that_was_created_before_we_died_is_taken_up(hooks, clinic):
    """The answer was stored, the link was not."""
    lead = add_lead(clinic, firstname="Ana", lastname="Ruiz")
    patient = add_patient(clinic)
    connection = connection_id(clinic)
    pushes.open_intent(clinic.hub_id, connection, "patient", lead, b"x" * 16)
    pushes.close_intent(connection, "patient", lead, patient)
    db.session.commit()
    assert hooks.push(lead) == "created"
    assert [p["id"] for p in hooks.patients()] == [patient] and hooks.contact_of(patient) == lead


def test_two_jobs_at_one_moment_make_one_patient(hooks, clinic, app):
    lead = add_lead(clinic, **ANA)
    hooks.set(lead)
    assert hooks.portal.flush_webhooks()
    moment = now()
    for number in range(3):
        # What a webhook, its repeat and a search ask for.
        pushes.ask(clinic.hub_id, "patient", lead, moment.replace(microsecond=number))
    db.session.commit()
    gate = threading.Barrier(4)

    def work() -> None:
        with app.app_context():
            gate.wait()
            carry_out(clinic.hub_id)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    hooks.deliver()
    assert len(hooks.patients()) == 1
    assert sorted(map(str, hooks.results())) == ["created", "set_back", "set_back", "set_back"]


def test_two_contacts_of_one_person_make_one_patient(hooks, clinic):
    one = add_lead(clinic, firstname="Ana", lastname="Ruiz", date_of_birth="1990-05-01")
    two = add_lead(clinic, firstname="Ana", lastname="Ruiz", date_of_birth="1990-05-01")
    hooks.set(one)
    hooks.set(two)
    hooks.deliver()
    (patient,) = hooks.patients()
    assert sorted(map(str, hooks.results())) == ["created", "taken"]
    assert open_reviews(clinic) == {(patient["id"], two, "push_candidates")}
    assert hooks.contact(two)["cliniko_sync_status"] == "Waiting for review"


def test_a_name_is_missing(hooks, clinic):
    lead = add_lead(clinic, email="ana@people.example", firstname="Ana")
    assert hooks.push(lead) == "incomplete"
    assert hooks.patients() == [] and hooks.intents() == []
    told = hooks.contact(lead)
    assert told["cliniko_sync_message"] == "Cliniko needs last name. Fill it in and push again."
    assert told[PATIENT] == "false"


def test_a_birth_date_that_is_none_does_not_hold_up_the_rest(hooks, clinic):
    lead = add_lead(clinic, **ANA, date_of_birth="1 May 1990")
    assert hooks.push(lead) == "created"
    assert hooks.patients()[0].get("date_of_birth") is None
    assert "Write it as YYYY-MM-DD." in hooks.contact(lead)["cliniko_sync_message"]


def test_with_preferred_names_on_both_names_are_given(hooks, clinic):
    clinic.set("use_preferred_first_name", "on")
    assert hooks.push(add_lead(clinic, **ANA)) == "created"
    (patient,) = hooks.patients()
    assert (patient["first_name"], patient["preferred_first_name"]) == ("Ana", "Ana")
    hooks.quiet_cycles(1)


def test_a_cliniko_contact_by_its_own_switch(hooks, clinic):
    clinic.cliniko.faults.add(Fault(match="POST /v1/contacts$", kind="reset", when="after"))
    lead = add_lead(clinic, lastname="Harbour Insurance", phone="02 9876 5432", date_of_birth="1990-05-01")
    hooks.set(lead, CONTACT)
    hooks.deliver()
    hooks.retry_now()
    assert hooks.results() == ["created"] and hooks.patients() == []
    (row,) = clinic.account.tables["contacts"].values()
    assert (row["last_name"], row["phone_numbers"][0]["number"]) == ("Harbour Insurance", "02 9876 5432")
    assert links(clinic, "contact")[row["id"]].hubspot_id == lead
    hooks.quiet_cycles(2)
