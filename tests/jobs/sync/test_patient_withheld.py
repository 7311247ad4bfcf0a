"""Addresses that move between the contacts of linked patients: withheld, freed, handed on and swapped."""

from tests.support.people import add_lead, add_patient, edit, email_of, links, open_reviews, work_items

HOME, OTHER, THIRD = "home@example.com", "other@example.com", "third@example.com"


def two(clinic, first: str | None = HOME, second: str | None = OTHER) -> tuple[str, str]:
    ids = add_patient(clinic, "Ana", "Ruiz", first), add_patient(clinic, "Ben", "Ruiz", second)
    clinic.cycle("patients")
    return ids


def flag(clinic, patient_id: str) -> str | None:
    return clinic.contact_of(patient_id).get("cliniko_shared_email")


def quiet(clinic) -> bool:
    clinic.clear_calls()
    clinic.cycle("patients")
    return not clinic.hubspot_writes() and not work_items(clinic)


def test_an_address_that_changes_to_a_taken_one_is_withheld_and_what_we_wrote_is_cleared(clinic):
    ana, ben = two(clinic)
    edit(clinic, ben, email=HOME, city="Perth")
    clinic.cycle("patients")
    assert (email_of(clinic, ana), email_of(clinic, ben)) == (HOME, None)
    assert (clinic.contact_of(ben)["cliniko_email"], clinic.contact_of(ben)["city"]) == (HOME, "Perth")
    assert (flag(clinic, ana), flag(clinic, ben)) == (None, "true")
    assert open_reviews(clinic) == {(ben, links(clinic)[ana].hubspot_id, "email_withheld")}
    assert quiet(clinic)


def test_an_address_that_a_person_typed_is_not_cleared(clinic):
    lead = add_lead(clinic, email=OTHER, firstname="Ben", lastname="Ruiz")
    ana, ben = two(clinic)
    edit(clinic, ben, email=HOME)
    clinic.cycle("patients")
    assert links(clinic)[ben].hubspot_id == lead
    assert (email_of(clinic, ana), email_of(clinic, ben)) == (HOME, OTHER)
    assert flag(clinic, ben) == "true"
    assert quiet(clinic)


def test_the_holder_gives_it_up(clinic):
    ana, ben = two(clinic, HOME, HOME)
    assert flag(clinic, ben) == "true"
    edit(clinic, ana, email=THIRD)
    clinic.cycle("patients")
    assert (email_of(clinic, ana), email_of(clinic, ben)) == (THIRD, HOME)
    assert flag(clinic, ben) == "false"
    assert not open_reviews(clinic)
    assert quiet(clinic)


def test_the_holder_has_none_any_more(clinic):
    ana, ben = two(clinic, HOME, HOME)
    edit(clinic, ana, email=None)
    clinic.cycle("patients")
    assert (email_of(clinic, ana), email_of(clinic, ben)) == (None, HOME)


def test_the_one_who_waits_changes(clinic):
    ana, ben = two(clinic, HOME, HOME)
    edit(clinic, ben, email=OTHER)
    clinic.cycle("patients")
    assert (email_of(clinic, ana), email_of(clinic, ben)) == (HOME, OTHER)
    assert flag(clinic, ben) == "false"
    assert not open_reviews(clinic)
    edit(clinic, ben, email=HOME)
    clinic.cycle("patients")
    # The review, which was closed, waits for a person again.
    assert {(who, cause) for who, _, cause in open_reviews(clinic)} == {(ben, "email_withheld")}


def test_the_holders_contact_is_deleted(clinic):
    ana, ben = two(clinic, HOME, HOME)
    clinic.portal.delete("contacts", links(clinic)[ana].hubspot_id)
    edit(clinic, ana, city="Perth")
    clinic.cycle("patients")
    assert links(clinic)[ana].state == "closed"
    assert email_of(clinic, ben) == HOME
    assert quiet(clinic)


def test_hubspot_refuses_what_we_believe_to_be_free(clinic):
    """A person typed the address into another contact after we looked, and reading by address did not show it."""
    clinic.portal.secondary_lookup = False
    ana, _ = two(clinic)
    lead = add_lead(clinic, firstname="Maria", hs_additional_emails=THIRD)
    edit(clinic, ana, email=THIRD)
    clinic.cycle("patients")
    assert email_of(clinic, ana) is None
    assert open_reviews(clinic) == {(ana, lead, "email_withheld")}


def test_two_addresses_swap_in_one_batch(clinic):
    ana, ben = two(clinic)
    edit(clinic, ana, email=OTHER)
    edit(clinic, ben, email=HOME)
    clinic.clear_calls()
    clinic.cycle("patients")
    assert (email_of(clinic, ana), email_of(clinic, ben)) == (OTHER, HOME)
    # Given up in the first write, taken in the second, and nothing is refused.
    assert [call.status for call in clinic.hubspot_writes()] == [200, 200]
    assert (flag(clinic, ana), flag(clinic, ben)) == (None, None)
    assert not open_reviews(clinic)
    assert quiet(clinic)


def test_three_addresses_go_round(clinic):
    ids = [add_patient(clinic, name, "Ruiz", mail) for name, mail in (("A", HOME), ("B", OTHER), ("C", THIRD))]
    clinic.cycle("patients")
    for one, mail in zip(ids, (OTHER, THIRD, HOME), strict=True):
        edit(clinic, one, email=mail)
    clinic.clear_calls()
    clinic.cycle("patients")
    assert [email_of(clinic, one) for one in ids] == [OTHER, THIRD, HOME]
    assert [call.status for call in clinic.hubspot_writes()] == [200, 200]


def test_addresses_that_people_typed_swap_as_well(clinic):
    leads = {
        mail: add_lead(clinic, email=mail, firstname=name, lastname="Ruiz")
        for name, mail in (("Ana", HOME), ("Ben", OTHER))
    }
    ana, ben = two(clinic)
    assert {links(clinic)[one].hubspot_id for one in (ana, ben)} == set(leads.values())
    edit(clinic, ana, email=OTHER)
    edit(clinic, ben, email=HOME)
    clinic.cycle("patients")
    assert (email_of(clinic, ana), email_of(clinic, ben)) == (OTHER, HOME)
    assert quiet(clinic)


def test_an_address_is_handed_on_to_somebody_new(clinic):
    ana, _ = two(clinic)
    edit(clinic, ana, email=THIRD)
    cleo = add_patient(clinic, "Cleo", "Lim", HOME)
    clinic.cycle("patients")
    assert (email_of(clinic, ana), email_of(clinic, cleo)) == (THIRD, HOME)
    assert flag(clinic, cleo) == "false"
    assert not open_reviews(clinic)
    assert quiet(clinic)
