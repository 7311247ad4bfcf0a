"""Third parties, such as doctors and payers, become HubSpot contacts too, and give way where a patient is linked."""

import pytest

from tests.support.people import (
    add_lead,
    add_patient,
    add_third_party,
    edit,
    email_of,
    keys,
    later,
    links,
    open_reviews,
    rules,
    states,
    work_items,
)
from webapp.sandbox.cliniko import actions
from webapp.store import streams

HOME = "home@example.com"


def contact_of(clinic, contact_id: str) -> dict[str, str] | None:
    """Properties of the HubSpot contact that carries this Cliniko contact's key."""
    key = f"{clinic.account.id}:{contact_id}"
    found = [p for p in clinic.contacts().values() if p.get("cliniko_contact_key") == key]
    assert len(found) <= 1
    return found[0] if found else None


def edit_contact(clinic, contact_id: str, **changes) -> None:
    clinic.account.edit("contacts", contact_id, **changes)


def quiet(clinic) -> bool:
    clinic.clear_calls()
    clinic.cycle("patients", "contacts")
    return not clinic.hubspot_writes() and not work_items(clinic)


def test_doctors_and_payers(clinic):
    doctor = add_third_party(
        clinic,
        "Dora",
        "Doc",
        "dora@gp.example",
        type_code=1,
        doctor_type="general_practitioner",
        preferred_name="Dee",
        company_name="Harbour GP",
        phone_numbers=[{"number": "0391234567", "phone_type": "Home"}],
        city="Perth",
    )
    payer = add_third_party(clinic, company_name="Best Health", email="claims@best.example", type_code=2)
    clinic.cycle("contacts")
    shown = contact_of(clinic, doctor)
    assert (shown["firstname"], shown["lastname"], shown["email"]) == ("Dora", "Doc", "dora@gp.example")
    assert (shown["cliniko_contact_type"], shown["cliniko_contact_doctor_type"]) == ("Doctor", "General practitioner")
    assert (shown["cliniko_contact_company"], shown["cliniko_contact_preferred_name"]) == ("Harbour GP", "Dee")
    assert (shown["city"], shown["phone"], "cliniko_patient_key" in shown) == ("Perth", "+61391234567", False)
    company = contact_of(clinic, payer)
    # A company without a person goes by its own name.
    assert (company["lastname"], company["company"], company.get("firstname")) == ("Best Health", "Best Health", None)
    assert company["cliniko_contact_type"] == "3rd Party Payer"
    edit_contact(clinic, doctor, city="Hobart")
    clinic.clear_calls()
    clinic.cycle("contacts")
    assert (contact_of(clinic, doctor)["city"], len(clinic.hubspot_writes())) == ("Hobart", 1)
    assert quiet(clinic)


def test_the_same_rules_as_for_patients(clinic):
    leads = {
        "names": add_lead(clinic, email="a@example.com", firstname="Dora", lastname="Doc"),
        "company": add_lead(clinic, email="b@example.com", lastname="best health"),
        "nameless": add_lead(clinic, email="c@example.com"),
        "other": add_lead(clinic, email="d@example.com", firstname="Maria", lastname="Doc"),
    }
    found = {
        "names": add_third_party(clinic, "Dora", "Doc", "a@example.com"),
        "company": add_third_party(clinic, company_name="Best Health", email="b@example.com"),
        "nameless": add_third_party(clinic, "Carl", "Doc", "c@example.com"),
        "other": add_third_party(clinic, "Dan", "Doc", "d@example.com"),
    }
    clinic.cycle("contacts")
    linked = {name: links(clinic, "contact")[one].hubspot_id for name, one in found.items()}
    assert {name: linked[name] == leads[name] for name in found} == {
        "names": True,
        "company": False,  # a last name alone is no person's name
        "nameless": True,
        "other": False,
    }
    assert rules(clinic, "contact")[found["other"]] == "separate"
    assert "email" not in contact_of(clinic, found["other"])
    assert (found["other"], leads["other"], "doubtful_match") in open_reviews(clinic)
    assert quiet(clinic)


def test_a_person_who_is_both_is_one_contact_with_both_keys(clinic):
    ana = add_patient(clinic, "Ana", "Ruiz", HOME, city="Perth")
    also = add_third_party(clinic, "Ana", "Ruiz", HOME, city="Hobart", type_code=1, company_name="Harbour GP")
    clinic.cycle("patients", "contacts")
    assert links(clinic)[ana].hubspot_id == links(clinic, "contact")[also].hubspot_id
    [contact] = clinic.contacts().values()
    assert contact["cliniko_patient_key"] == f"{clinic.account.id}:{ana}"
    assert contact["cliniko_contact_key"] == f"{clinic.account.id}:{also}"
    # The patient speaks for what both have; the other one for its own properties.
    assert (contact["city"], contact["cliniko_contact_type"], contact.get("company")) == ("Perth", "Doctor", None)
    edit_contact(clinic, also, city="Darwin", first_name="Anna", email="work@example.com", type_code=0)
    clinic.cycle("contacts")
    [contact] = clinic.contacts().values()
    assert (contact["city"], contact["firstname"], contact["email"]) == ("Perth", "Ana", HOME)
    assert contact["cliniko_contact_type"] == "Standard"
    assert quiet(clinic)


def test_a_patient_who_comes_later_takes_over_the_contact_and_its_address(clinic):
    also = add_third_party(clinic, "Ana", "Ruiz", HOME, city="Hobart")
    clinic.cycle("contacts")
    ana = add_patient(clinic, "Ana", "Ruiz", HOME, city="Perth")
    clinic.cycle("patients", "contacts")
    assert links(clinic)[ana].hubspot_id == links(clinic, "contact")[also].hubspot_id
    assert clinic.contact_of(ana)["city"] == "Perth"
    # The patient moves on: the address is free for others, whatever the third party was once given.
    ben = add_patient(clinic, "Ben", "Ruiz", "ben@example.com")
    edit(clinic, ana, email="new@example.com")
    clinic.cycle("patients")
    edit(clinic, ben, email=HOME)
    clinic.cycle("patients")
    assert (email_of(clinic, ana), email_of(clinic, ben)) == ("new@example.com", HOME)
    edit_contact(clinic, also, city="Darwin")
    clinic.cycle("contacts")
    assert clinic.contact_of(ana)["city"] == "Perth"
    assert quiet(clinic)


@pytest.mark.parametrize("names", [("Maria", "Ruiz"), ("Ana", "Gomez")])
def test_an_address_of_a_patient_with_another_name_is_the_patients(clinic, names):
    ana = add_patient(clinic, "Ana", "Ruiz", HOME)
    other = add_third_party(clinic, *names, HOME)
    clinic.cycle("patients", "contacts")
    assert links(clinic)[ana].hubspot_id != links(clinic, "contact")[other].hubspot_id
    assert (email_of(clinic, ana), contact_of(clinic, other).get("email")) == (HOME, None)
    edit(clinic, ana, email=None)
    clinic.cycle("patients", "contacts")
    assert contact_of(clinic, other)["email"] == HOME
    assert quiet(clinic)


def test_never_two_of_a_kind_on_one_contact(clinic):
    lead = add_lead(clinic, email=HOME, firstname="Dora", lastname="Doc")
    doubles = [add_third_party(clinic, "Dora", "Doc", HOME) for _ in range(2)]
    patients = [add_patient(clinic, "Dora", "Doc", HOME) for _ in range(2)]
    before = dict(clinic.contacts()[lead])
    clinic.cycle("patients", "contacts")
    assert states(clinic, "contact") == dict.fromkeys(doubles, "linked")
    for kind, ids in (("patient", patients), ("contact", doubles)):
        assert len({links(clinic, kind)[one].hubspot_id for one in ids}) == 2
        assert set(keys(clinic, f"cliniko_{kind}_key").values()) == {1}
    assert clinic.contacts()[lead] == before
    assert quiet(clinic)


@pytest.mark.parametrize("column", ["archived_at", "deleted_at", "both"])
def test_removed_contacts_are_found_by_their_own_columns(clinic, time_machine, column):
    clinic.account.switches.touch_on_archive = False
    clinic.account.switches.archived_and_deleted_together = column == "both"
    kept, gone, never = (add_third_party(clinic, name, "Doc", f"{name}@gp.example") for name in ("A", "B", "C"))
    edit_contact(clinic, never, deleted_at="2026-01-01T00:00:00Z")
    clinic.cycle("contacts")
    assert states(clinic, "contact") == {kept: "linked", gone: "linked", never: "excluded"}
    later(time_machine, hours=1)
    clinic.cycle("contacts")
    if column == "deleted_at":
        clinic.account.edit("contacts", gone, touch=False, deleted_at=clinic.account.stamp())
    else:
        actions.archive(clinic.account, "contacts", gone)
    clinic.cycle("contacts")
    ledger = links(clinic, "contact")
    assert (ledger[gone].state, ledger[gone].cliniko_status) == ("linked", "archived")
    assert (ledger[kept].cliniko_status, len(clinic.contacts())) == ("active", 2)


def test_third_parties_wait_for_the_first_patients(clinic):
    streams.ensure_streams(clinic.hub_id, ["patients"])
    doctor = add_third_party(clinic, "Dora", "Doc", HOME)
    result = clinic.cycle("contacts")["contacts"]
    assert (result.outcome, result.cause, len(clinic.contacts())) == ("waiting", "after_patients", 0)
    clinic.cycle("patients", "contacts")
    assert states(clinic, "contact") == {doctor: "linked"}
