"""One bad record among many, answers that leave records out, and contacts that people merged or deleted meanwhile."""

import pytest

from tests.support.people import (
    add_lead,
    add_patient,
    edit,
    keys,
    later,
    links,
    open_issues,
    open_reviews,
    reviews,
    states,
)
from webapp.sandbox.hubspot import batch
from webapp.sandbox.support import Fault
from webapp.store import issues

REFUSED = '{"status":"error","category":"VALIDATION_ERROR","message":"Something is wrong."}'


def crowd(clinic, number: int = 100) -> list[str]:
    return [add_patient(clinic, "Ana", f"No {n}", f"p{n}@example.com", id=str(1000 + n)) for n in range(number)]


def poison(clinic, one: str) -> None:
    """HubSpot refuses this patient: everybody else has the telephone that the account requires."""
    clinic.portal.required["contacts"] = ["phone"]
    for row in clinic.account.tables["patients"].values():
        if row["id"] != one:
            edit(clinic, row["id"], patient_phone_numbers=[{"number": "0391234567", "phone_type": "Home"}])


def test_one_record_that_hubspot_refuses_among_a_hundred(clinic, time_machine):
    ids = crowd(clinic)
    poison(clinic, ids[50])
    later(time_machine, minutes=10)  # so that the next cycles do not read it again by its own time
    clinic.clear_calls()
    assert clinic.cycle("patients")["patients"].outcome == "done"
    assert [call.status for call in clinic.hubspot_writes()] == [207]
    assert states(clinic) == {one: "linked" for one in ids if one != ids[50]}
    assert open_issues(clinic) == {(ids[50], "required_property", "phone")}
    # Retried after 15 minutes, one hour, six hours, then daily; not before.
    for minutes in (16, 61, 361, 24 * 60 + 1):
        later(time_machine, minutes=minutes / 2)
        clinic.clear_calls()
        clinic.cycle("patients")
        assert not clinic.hubspot_writes()
        later(time_machine, minutes=minutes / 2)
        clinic.cycle("patients")
        assert [call.status for call in clinic.hubspot_writes()] == [207]
    clinic.portal.required["contacts"] = []
    later(time_machine, minutes=24 * 60 + 1)
    clinic.cycle("patients")
    assert states(clinic) == dict.fromkeys(ids, "linked")
    assert not open_issues(clinic)


def test_one_record_makes_hubspot_refuse_the_whole_batch(clinic, monkeypatch):
    ids = crowd(clinic)
    poison(clinic, ids[37])
    monkeypatch.setattr(batch, "_traced", lambda inputs: False)
    clinic.clear_calls()
    assert clinic.cycle("patients")["patients"].outcome == "done"
    assert states(clinic) == {one: "linked" for one in ids if one != ids[37]}
    assert open_issues(clinic) == {(ids[37], "required_property", "phone")}
    assert len(clinic.hubspot_writes()) <= 2 * 7 + 1  # found by halves, not one by one
    edit(clinic, ids[37], patient_phone_numbers=[{"number": "0391234567", "phone_type": "Home"}])
    clinic.cycle("patients")
    assert states(clinic) == dict.fromkeys(ids, "linked")


def test_a_refusal_that_nobody_explains_is_overcome_by_asking_again(clinic):
    ids = crowd(clinic, 8)
    clinic.hubspot.faults.add(Fault("POST .*/batch/upsert", status=400, body=REFUSED))
    clinic.cycle("patients")
    assert states(clinic) == dict.fromkeys(ids, "linked")
    assert not open_issues(clinic)


@pytest.mark.parametrize("place", [0, 57, 99, 100, 104], ids=["first", "middle", "last of a page", "next", "last"])
def test_a_record_that_cannot_be_read(clinic, place):
    ids = crowd(clinic, 105)
    edit(clinic, ids[place], date_of_birth="yesterday")
    clinic.cycle("patients")
    assert set(states(clinic)) == set(ids) - {ids[place]}
    assert open_issues(clinic) == {(ids[place], "unreadable_record", "")}
    edit(clinic, ids[place], date_of_birth="1990-05-01")
    clinic.cycle("patients")
    assert states(clinic) == dict.fromkeys(ids, "linked")
    assert not open_issues(clinic)


def test_answers_that_leave_records_out(clinic, monkeypatch):
    """HubSpot may say 200 and nothing about some of the records."""
    ids = crowd(clinic, 20)
    honest, quiet = batch._answer, []

    def forgetful(call, results, errors):
        kept = results if len(quiet) >= 4 else results[: len(results) // 2]
        quiet.append(len(results) - len(kept))
        return honest(call, kept, errors)

    monkeypatch.setattr(batch, "_answer", forgetful)
    clinic.cycle("patients")
    assert states(clinic) == dict.fromkeys(ids, "linked")
    assert keys(clinic) == {f"{clinic.account.id}:{one}": 1 for one in ids}
    quiet.clear()
    for one in ids:
        edit(clinic, one, city="Perth")
    clinic.cycle("patients")
    assert {contact["city"] for contact in clinic.contacts().values()} == {"Perth"}
    assert (len(clinic.contacts()), open_issues(clinic)) == (20, set())
    assert sum(quiet) > 0


@pytest.mark.parametrize("preserves", [True, False], ids=["primary keeps its id", "a third id"])
def test_a_contact_that_was_merged_with_somebody_elses_is_followed(clinic, preserves):
    clinic.portal.preserve_primary_id = preserves
    ana, ben = add_patient(clinic, "Ana", email="ana@example.com"), add_patient(clinic, "Ben")
    clinic.cycle("patients")
    lead = add_lead(clinic, email="ana@work.example", firstname="Ana")
    survivor = clinic.portal.merge("contacts", lead, links(clinic)[ana].hubspot_id).id
    for one in (ana, ben):
        edit(clinic, one, city="Perth")
    clinic.cycle("patients")
    assert links(clinic)[ana].hubspot_id == survivor
    assert clinic.contact_of(ana)["city"] == clinic.contact_of(ben)["city"] == "Perth"
    assert len(clinic.contacts()) == 2


@pytest.mark.parametrize("preserves", [True, False], ids=["primary keeps its id", "a third id"])
@pytest.mark.parametrize("first", [0, 1], ids=["the first is primary", "the second is primary"])
def test_two_linked_contacts_that_were_merged_belong_to_the_one_whose_key_survives(clinic, preserves, first):
    clinic.portal.preserve_primary_id = preserves
    ids = [add_patient(clinic, name, "Ruiz", f"{name}@example.com") for name in ("Ana", "Ben")]
    clinic.cycle("patients")
    contacts = [links(clinic)[one].hubspot_id for one in ids]
    survivor = clinic.portal.merge("contacts", contacts[first], contacts[1 - first]).id
    kept, lost = ids[first], ids[1 - first]
    for one in ids:
        edit(clinic, one, city=f"City of {one}")
    clinic.cycle("patients")
    assert (links(clinic)[kept].hubspot_id, states(clinic)) == (survivor, {kept: "linked", lost: "held"})
    assert clinic.contacts()[survivor]["city"] == f"City of {kept}"
    assert open_reviews(clinic) == {(lost, survivor, "merged_in_hubspot")}
    # Nothing is written for the other until a person decides.
    edit(clinic, lost, city="Darwin")
    clinic.clear_calls()
    clinic.cycle("patients")
    assert (clinic.hubspot_writes(), len(clinic.contacts())) == ([], 1)
    [review] = reviews(clinic)
    issues.decide(clinic.hub_id, review.id, "separate", "owner@clinic.example")
    clinic.cycle("patients")
    assert (states(clinic)[lost], clinic.contact_of(lost)["city"]) == ("linked", "Darwin")
    assert clinic.contacts()[survivor]["city"] == f"City of {kept}"


def test_contacts_that_were_deleted_are_not_made_again_unless_the_account_wants_it(clinic):
    ids = crowd(clinic, 30)
    clinic.cycle("patients")
    for one in ids[:25]:
        clinic.portal.delete("contacts", links(clinic)[one].hubspot_id)
    for one in ids:
        edit(clinic, one, city="Perth")
    clinic.clear_calls()
    clinic.cycle("patients")
    assert list(states(clinic).values()) == ["closed"] * 25 + ["linked"] * 5
    assert {contact["city"] for contact in clinic.contacts().values()} == {"Perth"}
    assert len(clinic.hubspot_calls("/crm/objects")) <= 3  # however many were deleted
    for setting, contacts in (("off", 5), ("on", 6)):
        clinic.set("recreate_deleted_contacts", setting)
        edit(clinic, ids[0], occupation=f"Baker, {setting}", updated_at="2099-01-01T00:00:00Z")
        clinic.cycle("patients")
        assert len(clinic.contacts()) == contacts
    assert clinic.contact_of(ids[0])["cliniko_occupation"] == "Baker, on"
