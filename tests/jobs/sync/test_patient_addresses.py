"""Finding people by secondary addresses and by phone, whatever HubSpot's search shows and on whatever page they are."""

import pytest

from tests.support.people import (
    add_lead,
    add_patient,
    edit,
    email_of,
    links,
    open_reviews,
    phones,
    rules,
    states,
)

MOBILE = "0412 345 678"
FAMILY = "family@example.com"


@pytest.fixture(params=[True, False], ids=["found by any address", "found by the first only"])
def secondary(clinic, request):
    """Accounts differ in whether reading by an address finds contacts that have it as a secondary one."""
    clinic.portal.secondary_lookup = request.param


def lead_with(clinic, second: str, **names: str) -> str:
    return add_lead(clinic, email="first@example.com", hs_additional_emails=f"third@example.com;{second}", **names)


@pytest.mark.usefixtures("secondary")
def test_a_secondary_address_and_the_names(clinic):
    lead = lead_with(clinic, "ana@example.com", firstname="Ana", lastname="Ruiz")
    ana = add_patient(clinic, "Ana", "Ruiz", "ana@example.com")
    clinic.cycle("patients")
    assert (links(clinic)[ana].hubspot_id, rules(clinic)) == (lead, {ana: "email_and_names"})
    # The address is left where it is.
    assert email_of(clinic, ana) == "first@example.com"
    assert clinic.contact_of(ana)["hs_additional_emails"] == "third@example.com;ana@example.com"
    clinic.clear_calls()
    clinic.cycle("patients")
    assert not clinic.hubspot_writes()


@pytest.mark.usefixtures("secondary")
def test_a_secondary_address_of_a_contact_without_names(clinic):
    lead = lead_with(clinic, "ana@example.com")
    ana = add_patient(clinic, "Ana", "Ruiz", "ana@example.com")
    clinic.cycle("patients")
    assert (links(clinic)[ana].hubspot_id, rules(clinic)) == (lead, {ana: "email_only"})


@pytest.mark.usefixtures("secondary")
def test_a_secondary_address_of_somebody_else(clinic):
    lead = lead_with(clinic, "ana@example.com", firstname="Maria", lastname="Ruiz")
    before = dict(clinic.contacts()[lead])
    ana = add_patient(clinic, "Ana", "Ruiz", "ana@example.com")
    clinic.cycle("patients")
    assert (email_of(clinic, ana), rules(clinic)) == (None, {ana: "separate"})
    assert open_reviews(clinic) == {(ana, lead, "doubtful_match")}
    assert clinic.contacts()[lead] == before


@pytest.mark.usefixtures("secondary")
def test_an_address_that_changes_to_a_secondary_one_of_another_contact_is_withheld(clinic):
    ana = add_patient(clinic, "Ana", "Ruiz", "ana@example.com")
    clinic.cycle("patients")
    lead = lead_with(clinic, "new@example.com", firstname="Maria")
    edit(clinic, ana, email="new@example.com", city="Perth")
    clinic.cycle("patients")
    assert (email_of(clinic, ana), clinic.contact_of(ana)["city"]) == (None, "Perth")
    assert open_reviews(clinic) == {(ana, lead, "email_withheld")}


def test_an_address_that_changes_to_a_secondary_one_of_the_own_contact_is_left_there(clinic):
    ana = add_patient(clinic, "Ana", "Ruiz", "ana@example.com")
    clinic.cycle("patients")
    clinic.portal.update("contacts", links(clinic)[ana].hubspot_id, {"hs_additional_emails": "new@example.com"})
    edit(clinic, ana, email="new@example.com")
    clinic.cycle("patients")
    # What we wrote earlier is no longer the patient's.
    assert email_of(clinic, ana) is None
    assert clinic.contact_of(ana)["hs_additional_emails"] == "new@example.com"
    assert not open_reviews(clinic)


@pytest.mark.usefixtures("secondary")
def test_an_own_secondary_address_is_not_withheld_because_a_relative_comes_first(clinic):
    ana = add_patient(clinic, "Ana", "Ruiz", "ana@example.com", id="9")
    add_patient(clinic, "Ben", "Ruiz", id="3")
    clinic.cycle("patients")
    clinic.portal.update("contacts", links(clinic)[ana].hubspot_id, {"hs_additional_emails": FAMILY})
    for one in ("9", "3"):
        edit(clinic, one, email=FAMILY)
    clinic.cycle("patients")
    assert (email_of(clinic, "9"), email_of(clinic, "3")) == (None, None)
    assert "cliniko_shared_email" not in clinic.contact_of("9")
    assert {who for who, _, _ in open_reviews(clinic)} == {"3"}


def test_the_search_index_plays_no_part(clinic, hubspot):
    hubspot.search_lag_seconds = 3600
    leads = [add_lead(clinic, email=f"p{n}@example.com", firstname="Ana", lastname=f"Ruiz {n}") for n in range(3)]
    ids = [add_patient(clinic, "Ana", f"Ruiz {n}", f"p{n}@example.com") for n in range(3)]
    clinic.cycle("patients")
    clinic.cycle("patients")
    assert [links(clinic)[i].hubspot_id for i in ids] == leads
    assert len(clinic.contacts()) == 3


def test_a_decision_does_not_depend_on_the_page_that_a_relative_is_on(clinic):
    """The nameless contact could be either of two people, a page of a hundred apart."""
    lead = add_lead(clinic, email=FAMILY)
    first = add_patient(clinic, "Ana", "Ruiz", FAMILY, id="1")
    for number in range(2, 120):
        add_patient(clinic, "Filler", f"No {number}", id=str(number))
    last = add_patient(clinic, "Ben", "Ruiz", FAMILY, id="836447129235883061")
    clinic.cycle("patients")
    assert len(clinic.contacts()) == 121
    assert "firstname" not in clinic.contacts()[lead]
    assert open_reviews(clinic) == {(first, lead, "doubtful_match"), (last, lead, "doubtful_match")}


def test_rule_6_without_an_address_a_new_contact(clinic):
    add_lead(clinic, firstname="Ana", lastname="Ruiz", mobilephone=MOBILE)
    ana = add_patient(clinic, "Ana", "Ruiz", **phones(MOBILE))
    clinic.cycle("patients")
    assert (rules(clinic), len(clinic.contacts())) == ({ana: "new_without_email"}, 2)


@pytest.mark.parametrize("typed", ["0412345678", "+61412345678", "0412 345 678", "+61 412 345 678", "61412345678"])
def test_rule_6_by_phone_where_the_account_wants_it(clinic, typed):
    clinic.set("match_by_phone", "on")
    lead = add_lead(clinic, firstname="Ana", lastname="Ruiz", phone=typed)
    ana = add_patient(clinic, "Ana", "Ruiz", **phones(MOBILE))
    clinic.cycle("patients")
    assert (links(clinic)[ana].hubspot_id, rules(clinic)) == (lead, {ana: "phone_and_names"})


@pytest.mark.parametrize(
    ("people", "leads"),
    [
        ([{}], [{"firstname": "Maria"}]),
        ([{}], [{"lastname": "Gomez"}]),
        ([{}], [{}, {}]),
        ([{"date_of_birth": "1990-05-01"}], [{"date_of_birth": "1960-05-01"}]),
        ([{"date_of_birth": "1990-05-01"}, {"date_of_birth": "1960-05-01"}], [{}]),
        ([{}, {"email": "father@example.com"}], [{}]),
    ],
    ids=[
        "other first name",
        "other last name",
        "two contacts",
        "other birth date",
        "father and son of one name",
        "father and son, one with an address",
    ],
)
def test_rule_6_a_phone_that_is_not_clear_links_nobody(clinic, people, leads):
    clinic.set("match_by_phone", "on")
    known = [add_lead(clinic, **{"firstname": "Ana", "lastname": "Ruiz", "phone": MOBILE, **lead}) for lead in leads]
    before = clinic.contacts()
    ids = [add_patient(clinic, **phones(MOBILE), **fields) for fields in people]
    clinic.cycle("patients")
    assert states(clinic) == dict.fromkeys(ids, "linked")
    assert len(clinic.contacts()) == len(known) + len(ids)
    assert {i: p for i, p in clinic.contacts().items() if i in before} == before


def test_rule_6_what_search_does_not_show_yet_is_a_separate_contact(clinic, hubspot):
    clinic.set("match_by_phone", "on")
    hubspot.search_lag_seconds = 3600
    lead = add_lead(clinic, firstname="Ana", lastname="Ruiz", phone=MOBILE)
    ana = add_patient(clinic, "Ana", "Ruiz", **phones(MOBILE))
    clinic.cycle("patients")
    assert links(clinic)[ana].hubspot_id != lead


def test_rule_6_many_numbers_fit_the_searches(clinic):
    clinic.set("match_by_phone", "on")
    numbers = [f"04{n:08d}" for n in range(12_000_000, 12_000_060)]
    lead = add_lead(clinic, firstname="Ana", lastname="Ruiz", mobilephone=numbers[-1])
    ana = add_patient(clinic, "Ana", "Ruiz", **phones(*numbers))
    others = [add_patient(clinic, "Ben", f"Ruiz {n}", **phones(f"0390{n:06d}")) for n in range(20)]
    clinic.cycle("patients")
    assert links(clinic)[ana].hubspot_id == lead
    assert states(clinic) == dict.fromkeys([ana, *others], "linked")
    searches = clinic.hubspot_calls("/search")
    assert {call.status for call in searches} == {200}
    assert len(searches) < len(others)
