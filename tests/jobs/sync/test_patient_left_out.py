"""Who gets no contact, or not that one: archived, merged and erased people, and pairs that a person broke."""

from datetime import date

from jobs.sync import tags
from tests.support.people import add_lead, add_patient, email_of, links, open_issues, open_reviews, states
from webapp.extensions import db
from webapp.sandbox.cliniko import actions
from webapp.store import accounts, erasing, unlinks

FAMILY = "family@example.com"


def digest_key(clinic) -> bytes:
    return accounts.digest_key(accounts.get_account(clinic.hub_id))


def test_archived_and_merged_patients_are_never_linked_by_their_address(clinic):
    leads = [add_lead(clinic, email=f"{n}@example.com", firstname="Ana", lastname="Ruiz") for n in ("a", "b")]
    before = clinic.contacts()
    gone = add_patient(clinic, email="a@example.com", archived_at="2026-01-01T00:00:00Z")
    survivor = add_patient(clinic, "Ben", "Ruiz", "ben@example.com")
    merged = add_patient(
        clinic,
        email="b@example.com",
        archived_at="2026-01-01T00:00:00Z",
        merged_at="2026-01-01T00:00:00Z",
        merged_with_patient_id=survivor,
    )
    clinic.cycle("patients")
    assert states(clinic) == {gone: "excluded", merged: "excluded", survivor: "linked"}
    assert {lead: clinic.contacts()[lead] for lead in leads} == before
    actions.unarchive(clinic.account, "patients", gone)
    clinic.cycle("patients")
    assert links(clinic)[gone].hubspot_id == leads[0]


def test_a_never_match_pair_is_tested_before_every_rule(clinic):
    lead = add_lead(clinic, email="ana@example.com", firstname="Ana", lastname="Ruiz")
    ana = add_patient(clinic, email="ana@example.com")
    key = digest_key(clinic)
    unlinks.remember(
        clinic.hub_id,
        tags.cliniko_key(key, clinic.account.id, "patient", ana),
        tags.hubspot_contact(key, lead),
    )
    db.session.commit()
    clinic.cycle("patients")
    assert links(clinic)[ana].hubspot_id != lead
    assert email_of(clinic, ana) is None
    assert not open_reviews(clinic)


def test_an_erased_person_never_comes_back_and_relatives_do(clinic):
    key = digest_key(clinic)
    born = date(1990, 5, 1)
    erasing.remember(clinic.hub_id, [tags.whole_person(key, FAMILY, "ana", "ruiz", born)])
    by_key = add_patient(clinic, "Kim", "Ruiz")
    erasing.remember(clinic.hub_id, [tags.cliniko_key(key, clinic.account.id, "patient", by_key)])
    db.session.commit()
    erased = [add_patient(clinic, "Ana", "Ruiz", FAMILY, date_of_birth=born.isoformat()) for _ in range(2)]
    relative = add_patient(clinic, "Ben", "Ruiz", FAMILY)
    daughter = add_patient(clinic, "Ana", "Ruiz", FAMILY, date_of_birth="2015-01-01")
    clinic.cycle("patients")
    assert {i for i, state in states(clinic).items() if state == "linked"} == {relative, daughter}
    assert all(clinic.contact_of(i) is None for i in (by_key, *erased))


def test_hubspot_refuses_the_address_of_an_erased_person_and_the_relative_comes_without(clinic):
    lead = add_lead(clinic, email=FAMILY, firstname="Ana", lastname="Ruiz")
    clinic.portal.gdpr_delete(lead)
    ben = add_patient(clinic, "Ben", "Ruiz", FAMILY)
    clinic.cycle("patients")
    assert (clinic.contact_of(ben)["firstname"], email_of(clinic, ben)) == ("Ben", None)
    assert open_issues(clinic) == {(ben, "email_refused", "email")}
