"""What is written of a patient and what is left alone: blanks, edits in HubSpot, settings, fields that are refused."""

import pytest

from jobs.sync.provisioning_account import provision_account
from tests.support.people import (
    add_lead,
    add_patient,
    edit,
    links,
    open_issues,
    states,
)
from webapp.store import issues


def contact_id(clinic, patient_id: str) -> str:
    return links(clinic)[patient_id].hubspot_id


def our_writes(clinic, contact: str) -> dict[str, int]:
    """{property: how often we wrote it}, as HubSpot's history tells. The time of a write goes along with each."""
    history = clinic.portal.contacts.by_id[contact].history
    found = {name: sum(v.source.type == "INTEGRATION" for v in versions) for name, versions in history.items()}
    return {name: count for name, count in found.items() if count and name != "cliniko_synced_at"}


def written_since(clinic, contact: str, before: dict[str, int]) -> set[str]:
    return {name for name, count in our_writes(clinic, contact).items() if count != before.get(name, 0)}


def test_a_blank_in_cliniko_wipes_nothing_that_we_did_not_write(clinic):
    lead = add_lead(clinic, email="ana@example.com", firstname="Ana", lastname="Ruiz", city="Perth", phone="12345")
    ana = add_patient(clinic, email="ana@example.com", address_1="1 High St")
    clinic.cycle("patients")
    assert {clinic.contacts()[lead][name] for name in ("city", "phone", "address")} == {"Perth", "12345", "1 High St"}
    edit(clinic, ana, city="Hobart", address_1="")
    clinic.cycle("patients")
    assert clinic.contacts()[lead]["city"] == "Hobart"
    assert "address" not in clinic.contacts()[lead]
    edit(clinic, ana, city=None)
    clinic.cycle("patients")
    assert "city" not in clinic.contacts()[lead]
    assert clinic.contacts()[lead]["phone"] == "12345"


def test_an_edit_in_hubspot_stays_until_cliniko_changes_that_field(clinic):
    ana = add_patient(clinic, email="ana@example.com", city="Perth", state="WA")
    clinic.cycle("patients")
    contact = contact_id(clinic, ana)
    clinic.portal.update("contacts", contact, {"city": "Hobart", "state": ""})
    before = our_writes(clinic, contact)
    edit(clinic, ana, address_1="1 High St")
    clinic.cycle("patients")
    assert written_since(clinic, contact, before) == {"address"}
    assert clinic.contacts()[contact]["city"] == "Hobart"
    assert "state" not in clinic.contacts()[contact]
    edit(clinic, ana, city="Darwin", state="NT")
    clinic.cycle("patients")
    assert (clinic.contacts()[contact]["city"], clinic.contacts()[contact]["state"]) == ("Darwin", "NT")


def test_nothing_changed_nothing_written(clinic):
    ana = add_patient(clinic, email="ana@example.com", city="Perth")
    clinic.cycle("patients")
    stamp = clinic.contact_of(ana)["cliniko_synced_at"]
    edit(clinic, ana, occupation="", notes="not ours to read")  # Cliniko moves its time; nothing of ours differs
    clinic.clear_calls()
    clinic.cycle("patients")
    assert not clinic.hubspot_writes()
    assert not clinic.hubspot_calls("/batch/read")
    assert clinic.contact_of(ana)["cliniko_synced_at"] == stamp


def test_the_preferred_name_rewrites_exactly_the_first_name(clinic):
    ana = add_patient(clinic, "Ana", "Ruiz", preferred_first_name="Nita")
    ben = add_patient(clinic, "Ben", "Ruiz")
    clinic.cycle("patients")
    contacts = {one: contact_id(clinic, one) for one in (ana, ben)}
    for value, first in (("on", "Nita"), ("off", "Ana")):
        before = {one: our_writes(clinic, contact) for one, contact in contacts.items()}
        clinic.set("use_preferred_first_name", value)
        clinic.clear_calls()
        clinic.cycle("patients")
        assert clinic.contact_of(ana)["firstname"] == first
        assert written_since(clinic, contacts[ana], before[ana]) == {"firstname"}
        assert written_since(clinic, contacts[ben], before[ben]) == set()
        assert len(clinic.hubspot_writes()) == 1


def test_a_property_that_is_added_later_is_filled(clinics):
    clinic = clinics.make(tier="free", provision=False)
    clinic.portal.property_cap = 12
    provision_account(clinic.hub_id)
    ana = add_patient(clinic, email="ana@example.com", occupation="Baker", title="Dr")
    clinic.cycle("patients")
    assert "cliniko_occupation" not in clinic.contact_of(ana)
    clinic.portal.property_cap = 1000
    provision_account(clinic.hub_id)
    contact = contact_id(clinic, ana)
    before = our_writes(clinic, contact)
    clinic.cycle("patients")
    assert clinic.contact_of(ana)["cliniko_occupation"] == "Baker"
    assert written_since(clinic, contact, before) >= {"cliniko_occupation", "cliniko_title"}
    assert not written_since(clinic, contact, before) & {"firstname", "email", "cliniko_patient_key"}
    clinic.clear_calls()
    clinic.cycle("patients")
    assert not clinic.hubspot_writes()


def test_a_property_that_somebody_removed_is_left_out_until_it_is_repaired(clinic):
    ana, ben = (add_patient(clinic, name, "Ruiz", occupation="Baker") for name in ("Ana", "Ben"))
    clinic.portal.schema["contacts"].properties["cliniko_occupation"]["archived"] = True
    clinic.cycle("patients")
    assert states(clinic) == {ana: "linked", ben: "linked"}
    assert open_issues(clinic) == {(one, "property_missing", "cliniko_occupation") for one in (ana, ben)}
    clinic.clear_calls()
    clinic.cycle("patients")
    assert not clinic.hubspot_writes()
    provision_account(clinic.hub_id)
    clinic.cycle("patients")
    assert {clinic.contact_of(one)["cliniko_occupation"] for one in (ana, ben)} == {"Baker"}
    assert not open_issues(clinic)


def test_a_property_that_the_account_requires_is_an_issue(clinic):
    clinic.portal.required["contacts"] = ["phone"]
    ana = add_patient(clinic, "Ana")
    ben = add_patient(clinic, "Ben", patient_phone_numbers=[{"number": "0391234567", "phone_type": "Home"}])
    clinic.cycle("patients")
    assert states(clinic) == {ben: "linked"}
    assert open_issues(clinic) == {(ana, "required_property", "phone")}
    clinic.portal.required["contacts"] = []
    issues.retry_now(clinic.hub_id)
    clinic.cycle("patients")
    assert states(clinic) == {ana: "linked", ben: "linked"}
    assert not open_issues(clinic)


@pytest.mark.parametrize("linked", [False, True], ids=["new", "linked"])
def test_an_address_that_hubspot_would_refuse(clinic, linked):
    ana = add_patient(clinic, email="ana@example.com" if linked else "ana@example")
    clinic.cycle("patients")
    edit(clinic, ana, email="ana@example", city="Perth")
    clinic.cycle("patients")
    contact = clinic.contact_of(ana)
    assert (contact.get("email"), contact["cliniko_email"], contact["city"]) == (None, "ana@example", "Perth")
    assert open_issues(clinic) == {(ana, "email_refused", "email")}
    edit(clinic, ana, email="ana@example.com")
    clinic.cycle("patients")
    assert clinic.contact_of(ana)["email"] == "ana@example.com"
    assert not open_issues(clinic)


def test_a_referral_source_that_changes_without_its_patient(clinic):
    put = clinic.account.put
    friend = put("referral_source_types", {"name": "Friend", "referrer_type": "Patient"})["id"]
    web = put("referral_source_types", {"name": "Web", "subcategories": ["Search", "Advert"]})["id"]
    ana, ben = (add_patient(clinic, name, "Ruiz") for name in ("Ana", "Ben"))
    referrer = {"type": "Patient", "id": ben}
    source = put(
        "referral_sources", {"patient_id": ana, "referral_source_type_id": friend, "referrer": referrer, "notes": "Bea"}
    )
    clinic.cycle("patients")
    contact = contact_id(clinic, ana)
    assert clinic.contacts()[contact]["cliniko_referral_source"] == "Friend"
    assert "Bea" not in str(clinic.contacts())
    before = our_writes(clinic, contact)
    clinic.account.edit("referral_sources", source["id"], referral_source_type_id=web, subcategory="Search")
    clinic.clear_calls()
    clinic.cycle("patients")
    assert clinic.contacts()[contact]["cliniko_referral_source"] == "Web: Search"
    assert written_since(clinic, contact, before) == {"cliniko_referral_source"}
    assert len(clinic.hubspot_writes()) == 1
    assert "cliniko_referral_source" not in clinic.contact_of(ben)


def test_the_concession_is_written_by_name(clinic):
    pensioner = clinic.account.put("concession_types", {"name": "Pensioner"})["id"]
    ana = add_patient(clinic, concession_type_id=pensioner)
    ben = add_patient(clinic, "Ben")
    clinic.cycle("patients")
    assert clinic.contact_of(ana)["cliniko_concession_type"] == "Pensioner"
    student = clinic.account.put("concession_types", {"name": "Student"})["id"]
    edit(clinic, ana, concession_type_id=None)
    edit(clinic, ben, concession_type_id=student)
    clinic.cycle("patients")
    assert "cliniko_concession_type" not in clinic.contact_of(ana)
    assert clinic.contact_of(ben)["cliniko_concession_type"] == "Student"
