"""The published matching rules from end to end: what a clinic finds in HubSpot after the patients stream ran."""

import pytest

from tests.support.people import (
    add_lead,
    add_patient,
    edit,
    email_of,
    keys,
    links,
    open_issues,
    open_reviews,
    reviews,
    rules,
    states,
)
from webapp.extensions import db
from webapp.sandbox.cliniko import actions
from webapp.store import connections, issues
from webapp.store.models_ledger import Link

FAMILY = "family@example.com"


def forget_links(clinic) -> None:
    """The ledger as after a purge: HubSpot still carries our keys."""
    db.session.execute(db.delete(Link).where(Link.hub_id == clinic.hub_id))
    db.session.commit()
    clinic.set("match_by_phone", "on")  # has the whole list read once more
    clinic.set("match_by_phone", "off")


def decide(clinic, cliniko_id: str, decision: str) -> None:
    [review] = [r for r in reviews(clinic) if r.cliniko_id == cliniko_id]
    issues.decide(clinic.hub_id, review.id, decision, "owner@clinic.example")


def test_rule_1_the_contact_with_our_key_is_found_again(clinic):
    ana = add_patient(clinic, "Ana", "Ruiz", "ana@example.com")
    clinic.cycle("patients")
    before = clinic.contact_of(ana)
    forget_links(clinic)
    edit(clinic, ana, first_name="Anna", last_name="Gomez")
    clinic.cycle("patients")
    assert len(clinic.contacts()) == 1
    assert clinic.contact_of(ana) == {**before, **clinic.contact_of(ana)}
    assert (clinic.contact_of(ana)["firstname"], rules(clinic)) == ("Anna", {ana: "key"})


def test_rule_1_another_contact_may_hold_the_address(clinic):
    ana = add_patient(clinic, "Ana", "Ruiz", "ana@example.com")
    other = add_lead(clinic, email="ana@example.com", firstname="Ana", lastname="Ruiz")
    mine = add_lead(clinic, firstname="Ana", cliniko_patient_key=f"{clinic.account.id}:{ana}")
    clinic.cycle("patients")
    assert links(clinic)[ana].hubspot_id == mine
    assert (email_of(clinic, ana), clinic.contact_of(ana)["cliniko_email"]) == (None, "ana@example.com")
    assert open_reviews(clinic) == {(ana, other, "email_withheld")}
    assert clinic.contacts()[other]["email"] == "ana@example.com"


def test_rule_1_our_key_on_a_contact_of_another_patient_is_an_issue(clinic):
    ana = add_patient(clinic, "Ana", "Ruiz", "ana@example.com")
    clinic.cycle("patients")
    ben = add_patient(clinic, "Ben", "Ruiz", "ben@example.com")
    contact = links(clinic)[ana].hubspot_id
    clinic.portal.update("contacts", contact, {"cliniko_patient_key": f"{clinic.account.id}:{ben}"})
    clinic.cycle("patients")
    assert open_issues(clinic) == {(ben, "key_taken", "cliniko_patient_key")}
    assert states(clinic) == {ana: "linked"}
    assert clinic.contacts()[contact]["firstname"] == "Ana"


@pytest.mark.parametrize("confirmed", [True, False])
def test_rule_1_keys_of_a_replaced_cliniko_account_count_as_none(clinic, confirmed):
    add_patient(clinic, "Ana", "Ruiz", "ana@example.com")
    clinic.cycle("patients")
    [contact] = clinic.contacts()
    if not confirmed:  # a key of an account that we know nothing of
        clinic.portal.update("contacts", contact, {"cliniko_patient_key": "999:1"})
        db.session.execute(db.delete(Link))
        db.session.commit()
    account = clinic.cliniko.add_account(subdomain="second")
    user = account.put("users", {"email": "o@second.example", "role": "administrator", "active": True})
    clinic.account, clinic.key = account, clinic.cliniko.add_key(account, user["id"])
    connect(clinic)
    ana = add_patient(clinic, "Ana", "Ruiz", "ana@example.com")
    clinic.cycle("patients")
    assert states(clinic)[ana] == "linked"
    assert len(clinic.contacts()) == (1 if confirmed else 2)
    assert (links(clinic)[ana].hubspot_id == contact) is confirmed
    assert keys(clinic) == {f"{account.id}:{ana}": 1} | ({} if confirmed else {"999:1": 1})


def connect(clinic) -> None:
    """Connect another Cliniko account in place of the present one, as the admin confirmed."""
    connections.save_connection(
        clinic.hub_id,
        api_key=clinic.key,
        shard=clinic.account.shard,
        cliniko_account_id=clinic.account.id,
        cliniko_user_id=clinic.account.keys[clinic.key],
        role="administrator",
        account_name=clinic.account.name,
        subdomain=clinic.account.subdomain,
        country_code=clinic.account.country_code,
        access={},
        replace=True,
    )


@pytest.mark.parametrize(
    ("patient", "lead"),
    [
        ({}, {}),
        ({"first": "José", "last": "O'Brien"}, {"firstname": " JOSE ", "lastname": "obrien"}),
        ({"preferred_first_name": "Nita"}, {"firstname": "nita"}),
        ({"date_of_birth": "1990-05-01"}, {"date_of_birth": "1990-05-01"}),
        ({"date_of_birth": "1990-05-01"}, {}),
    ],
    ids=["equal", "accents and case", "preferred name", "birth date", "birth date on one side"],
)
def test_rule_2_email_and_names(clinic, patient, lead):
    known = add_lead(clinic, **{"email": "ana@example.com", "firstname": "Ana", "lastname": "Ruiz", **lead})
    ana = add_patient(clinic, **{"email": "Ana@Example.com", **patient})
    clinic.cycle("patients")
    assert (links(clinic)[ana].hubspot_id, rules(clinic)) == (known, {ana: "email_and_names"})
    assert (len(clinic.contacts()), email_of(clinic, ana)) == (1, "ana@example.com")
    assert not open_reviews(clinic)


def test_rule_3_a_contact_without_names(clinic):
    known = add_lead(clinic, email="ana@example.com")
    ana = add_patient(clinic, email="ana@example.com", date_of_birth="1990-05-01")
    clinic.cycle("patients")
    assert rules(clinic) == {ana: "email_only"}
    assert (links(clinic)[ana].hubspot_id, clinic.contact_of(ana)["firstname"]) == (known, "Ana")


@pytest.mark.parametrize(
    ("patients", "lead"),
    [
        ([{}], {"firstname": "Maria", "lastname": "Ruiz"}),
        ([{}], {"firstname": "Ana", "lastname": "Gomez"}),
        ([{}], {"firstname": "Ana"}),
        ([{}], {"lastname": "Ruiz"}),
        ([{}], {"lastname": "-"}),
        ([{"date_of_birth": "1990-05-01"}], {"firstname": "Ana", "lastname": "Ruiz", "date_of_birth": "1960-05-01"}),
        ([{"date_of_birth": "1990-05-01"}], {"date_of_birth": "1960-05-01"}),
        ([{}, {"date_of_birth": "1960-05-01"}], {"firstname": "Ana", "lastname": "Ruiz"}),
        ([{}, {"first": "Ben"}], {}),
    ],
    ids=[
        "other first name",
        "changed surname",
        "first name only",
        "last name only",
        "a dash for a name",
        "other birth date",
        "no name, other birth date",
        "father and son of one name",
        "two may be the nameless one",
    ],
)
def test_rule_4_everything_else_is_a_separate_contact_without_the_address(clinic, patients, lead):
    known = add_lead(clinic, email=FAMILY, **lead)
    before = dict(clinic.contacts()[known])
    ids = [add_patient(clinic, **{"email": FAMILY, **fields}) for fields in patients]
    clinic.cycle("patients")
    assert clinic.contacts()[known] == before
    for one in ids:
        contact = clinic.contact_of(one)
        assert "email" not in contact
        assert (contact["cliniko_email"], contact["cliniko_shared_email"]) == (FAMILY, "true")
    assert open_reviews(clinic) == {(one, known, "doubtful_match") for one in ids}
    clinic.clear_calls()
    clinic.cycle("patients")
    assert not clinic.hubspot_writes()


def test_rule_4_waits_for_a_person_where_the_account_wants_it(clinic):
    clinic.set("hold_doubtful_matches", "on")
    first, second = (add_lead(clinic, email=f"{name}@example.com", firstname=name) for name in ("one", "two"))
    ana, ben, cleo = (
        add_patient(clinic, "Ana", "Ruiz", "one@example.com"),
        add_patient(clinic, "Ben", "Ruiz", "two@example.com"),
        add_patient(clinic, "Cleo", "Ruiz", "cleo@example.com"),
    )
    clinic.cycle("patients")
    assert states(clinic) == {ana: "held", ben: "held", cleo: "linked"}
    assert open_reviews(clinic) == {(ana, first, "doubtful_match"), (ben, second, "doubtful_match")}
    assert len(clinic.contacts()) == 3
    edit(clinic, ana, city="Perth")
    clinic.cycle("patients")
    assert states(clinic)[ana] == "held"
    decide(clinic, ana, "linked")
    decide(clinic, ben, "separate")
    clinic.cycle("patients")
    assert (links(clinic)[ana].hubspot_id, rules(clinic)[ana]) == (first, "review")
    assert (email_of(clinic, ana), email_of(clinic, ben)) == ("one@example.com", None)
    assert clinic.contacts()[second]["firstname"] == "two"
    assert not open_reviews(clinic)


def test_rule_4_what_was_held_goes_on_when_the_account_no_longer_wants_it(clinic):
    clinic.set("hold_doubtful_matches", "on")
    lead = add_lead(clinic, email="ana@example.com", firstname="Maria")
    ana = add_patient(clinic, email="ana@example.com")
    clinic.cycle("patients")
    assert clinic.contact_of(ana) is None
    clinic.set("hold_doubtful_matches", "off")
    clinic.cycle("patients")
    assert states(clinic) == {ana: "linked"}
    assert links(clinic)[ana].hubspot_id != lead


def test_rule_4_a_family_member_is_not_held_for_a_contact_that_is_clearly_a_relatives(clinic):
    clinic.set("hold_doubtful_matches", "on")
    lead = add_lead(clinic, email=FAMILY, firstname="Zoe", lastname="Ruiz")
    ana = add_patient(clinic, "Ana", "Ruiz", FAMILY)  # comes first, before it is seen that Zoe takes the contact
    zoe = add_patient(clinic, "Zoe", "Ruiz", FAMILY)
    clinic.cycle("patients")
    assert states(clinic) == {ana: "linked", zoe: "linked"}
    assert (links(clinic)[zoe].hubspot_id, email_of(clinic, ana)) == (lead, None)
    assert open_reviews(clinic) == {(ana, lead, "shared_email")}


def test_rule_5_one_of_a_family_writes_the_address(clinic):
    """The lowest id as a number, archived ones last, merged ones never."""
    ids = {"archived": "8", "merged": "7", "first": "9", "second": "10"}
    for name, number in ids.items():
        add_patient(clinic, name, "Ruiz", FAMILY, id=number)
    actions.archive(clinic.account, "patients", ids["archived"])
    actions.merge_patients(clinic.account, ids["merged"], ids["first"])
    clinic.cycle("patients")
    assert states(clinic) == {"7": "excluded", "8": "excluded", "9": "linked", "10": "linked"}
    assert (email_of(clinic, "9"), email_of(clinic, "10")) == (FAMILY, None)
    assert open_reviews(clinic) == {("10", "", "shared_email")}
    assert len(clinic.contacts()) == 2
