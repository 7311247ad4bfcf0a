"""The demo's comparison finds every kind of mistake: each is planted in a faultless result."""

import copy

import pytest

from webapp.demo import before
from webapp.demo.check import compare

PATIENTS = [
    {"id": "1", "first_name": "Ana", "last_name": "Ruiz", "email": "ana@x.example"},
    {"id": "2", "first_name": " Mei  Lin ", "last_name": "Chan", "email": "Family@x.example"},
    {"id": "10", "first_name": "Leo", "last_name": "Chan", "email": "family@x.example"},
    {"id": "3", "first_name": "Tom", "last_name": "Berg", "email": None},
    {"id": "4", "first_name": "Kim", "last_name": "Bad", "email": "kim@@x"},
    {
        "id": "5",
        "first_name": "Old",
        "last_name": "Ward",
        "email": "ana@x.example",
        "archived_at": "2024-01-01T00:00:00Z",
    },
    {"id": "6", "first_name": "Dua", "last_name": "Held", "email": "holder@x.example"},
]
BEFORE = {
    "201": {"firstname": "ANA", "lastname": "RUIZ", "email": "ana@x.example"},
    "206": {"firstname": "Robin", "lastname": "Held", "email": "holder@x.example"},
}


def contact(id, patient, first, last, email="", kept_apart=""):
    return {
        "id": id,
        "firstname": first,
        "lastname": last,
        "email": email,
        "hs_additional_emails": "",
        "cliniko_patient_key": f"77:{patient}" if patient else "",
        "cliniko_email": kept_apart or email,
        "cliniko_shared_email": "true" if kept_apart else "",
    }


CONTACTS = [
    contact("201", "1", "Ana", "Ruiz", "ana@x.example"),
    contact("202", "2", "Mei Lin", "Chan", "family@x.example"),
    contact("210", "10", "Leo", "Chan", kept_apart="family@x.example"),
    contact("203", "3", "Tom", "Berg"),
    contact("204", "4", "Kim", "Bad"),
    contact("205", "6", "Dua", "Held", kept_apart="holder@x.example"),
    contact("206", "", "Robin", "Held", "holder@x.example"),
    contact("207", "", "Visitor", "One", "visitor@elsewhere.example"),
    {**contact("208", "", "Other", "Account"), "cliniko_patient_key": "78:1"},
]


def verdict(change=None):
    contacts = copy.deepcopy(CONTACTS)
    by_id = {c["id"]: c for c in contacts}
    if change is not None:
        change(contacts, by_id)
    return compare("77", PATIENTS, contacts, BEFORE)


def test_a_faultless_result_is_accepted():
    found = verdict()
    assert found.everything == []
    assert (found.compared, found.shared, found.left_out, found.by_names, found.by_email) == (6, 2, 1, 1, 0)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("missing", lambda contacts, c: contacts.remove(c["203"])),
        ("doubled", lambda contacts, c: contacts.append({**c["203"], "id": "299"})),
        ("mixed", lambda contacts, c: c["203"].update(firstname="Ana", lastname="Ruiz")),
        ("wrong", lambda contacts, c: c["203"].update(firstname="Thomas")),
        ("wrong", lambda contacts, c: c["203"].update(email="ana2@x.example")),
        ("wrong", lambda contacts, c: c["204"].update(email="somebody@x.example")),
        ("wrong", lambda contacts, c: c["201"].update(email="")),
        ("wrong", lambda contacts, c: c["201"].update(email="other@x.example")),
        ("wrong", lambda contacts, c: c["210"].update(cliniko_shared_email="")),
        ("wrong", lambda contacts, c: c["210"].update(cliniko_email="")),
        ("wrong", lambda contacts, c: c["210"].update(email="leo@x.example")),
        ("wrong", lambda contacts, c: c["207"].update(cliniko_patient_key="77:999")),
        ("changed", lambda contacts, c: c["206"].update(lastname="Chan")),
        ("changed", lambda contacts, c: contacts.remove(c["206"])),
    ],
)
def test_a_planted_mistake_is_found(kind, change):
    assert getattr(verdict(change), kind), kind


def test_the_address_belongs_to_the_lowest_number_not_the_first_in_text():
    def swapped(contacts, c):
        c["202"].update(email="", cliniko_shared_email="true", cliniko_email="family@x.example")
        c["210"].update(email="family@x.example", cliniko_shared_email="")

    assert verdict(swapped).wrong == ["Contact 210 of patient 10 holds an address that belongs to patient 2."]


def test_an_address_among_the_further_ones_counts():
    def further(contacts, c):
        c["201"].update(email="ana.private@x.example", hs_additional_emails="ana@x.example;a@x.example")

    assert verdict(further).everything == []


@pytest.mark.parametrize("address", ["kim@@x", "a..b@x.example", ".dot@x.example", "dot.@x.example", "no at", "x@host"])
def test_an_address_that_hubspot_refuses_is_on_no_contact(address):
    patients = [{**PATIENTS[3], "email": address}]
    alone = [contact("203", "3", "Tom", "Berg")]
    assert compare("77", patients, alone, {}).everything == []
    assert compare("77", patients, [{**alone[0], "email": "other@x.example"}], {}).wrong


def test_what_nobody_sees_makes_no_difference():
    patients = [{**PATIENTS[3], "first_name": "\u200fTom\u200f", "last_name": "Be\u202erg\n"}]
    assert compare("77", patients, [contact("203", "3", "Tom", "Berg")], {}).everything == []


def test_an_archived_patient_who_was_linked_keeps_a_contact():
    def linked(contacts, c):
        contacts.append(contact("250", "5", "Old", "Ward"))

    found = verdict(linked)
    assert found.everything == [] and found.left_out == 0


def test_what_people_may_change_in_hubspot_is_not_serious():
    assert verdict(lambda contacts, c: c["203"].update(firstname="Thomas")).serious == []
    assert verdict(lambda contacts, c: contacts.append({**c["203"], "id": "299"})).serious


def people(number):
    made = [
        {"id": str(n), "first_name": "Pat", "last_name": f"Name{chr(97 + n % 26)}", "email": f"p{n}@x.example"}
        for n in range(1, number + 1)
    ]
    return [*made, *({**made[n], "id": str(1000 + n), "email": "family@x.example"} for n in range(min(3, number)))]


def test_contacts_from_before_touch_every_rule_once():
    chosen = before.choose(people(100))
    addresses = [c["email"] for c in chosen.contacts]
    assert len(set(addresses)) == len(addresses), "HubSpot keeps an address once"
    assert len(chosen.same_person) == 5 and len(chosen.nameless) == 2 and len(chosen.leads) == 2
    assert [c["email"] for c in chosen.families] == ["family@x.example"]
    assert all("lastname" not in c for c in chosen.leads) and all(set(c) == {"email"} for c in chosen.nameless)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_tiny_clinic_is_enough(number):
    assert len(before.choose(people(number)[:number]).strangers) == 15
