"""From a contact back to Cliniko: which fields are sent, in which form, and which never."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.mapping import push
from jobs.mapping.phones import e164
from jobs.mapping.push import BIRTH, BIRTH_ELSEWHERE, PATIENT_PROPERTIES, REFERRAL
from tests.jobs.mapping.makers import PatientEntry
from tests.jobs.mapping.makers import PhoneEntry as Phone

TEXTS = ("lastname", "address", "city", "state", "zip", "cliniko_gender_identity")


def memory(**agreed: str) -> Callable[[str, str], bool]:
    return lambda name, value: agreed.get(name, "") == value


def choose(contact, current, agreed, names=PATIENT_PROPERTIES):
    return push.choose(contact, current, memory(**agreed), names, "AU")


# what HubSpot holds, what Cliniko holds, what both last agreed on → taken, in conflict
THREE_WAY = [
    ("new", "old", "old", True, False),  # changed in HubSpot
    ("old", "new", "old", False, False),  # changed in Cliniko
    ("one", "two", "old", False, True),  # changed on both sides
    ("same", "same", "old", False, False),  # changed alike
    ("same", "same", "", False, False),
    ("", "old", "old", False, False),  # a blank clears nothing
    ("", "old", "", False, False),
    ("new", "", "", True, False),  # Cliniko has nothing yet
    ("new", "", "old", False, True),  # cleared in Cliniko, changed in HubSpot
    ("old", "", "old", False, False),  # cleared in Cliniko
    ("new", "old", "", False, True),  # never agreed on: Cliniko's stays
    ("  new  ", "new", "", False, False),
]


@pytest.mark.parametrize(("theirs", "ours", "agreed", "taken", "conflict"), THREE_WAY)
@pytest.mark.parametrize("name", TEXTS)
def test_three_way(name, theirs, ours, agreed, taken, conflict):
    choice = choose({name: theirs}, {name: ours}, {name: agreed})
    assert (choice.take, choice.conflicts) == ({name: theirs.strip()} if taken else {}, (name,) if conflict else ())


value = st.sampled_from(["", "a", "b", "c"])


@given(st.fixed_dictionaries({name: st.tuples(value, value, value) for name in TEXTS}))
def test_nothing_is_reverted_or_cleared(fields):
    """Whatever happened: what is sent is HubSpot's, not blank, and replaces what both sides agreed on or nothing."""
    contact, ours, agreed = ({name: triple[n] for name, triple in fields.items()} for n in range(3))
    choice = choose(contact, ours, agreed, TEXTS)
    for name, sent in choice.take.items():
        assert sent == contact[name] != ""
        assert ours[name] == agreed[name] != sent
    for name in choice.conflicts:
        assert len({contact[name], ours[name], agreed[name]}) == 3
    after = {**ours, **choice.take}
    assert choose(contact, after, {**agreed, **choice.take}, TEXTS).take == {}, "a repeat sends nothing"


@pytest.mark.parametrize(
    ("name", "one", "other", "same"),
    [
        ("phone", "02 9876 5432", "+61298765432", True),
        ("phone", "(02) 9876-5432", "+61 2 9876 5432", True),
        ("phone", "+61298765432 ext 5", "+61298765432 ext 6", False),
        ("phone", "02 9876 5432", "02 9876 5433", False),
        ("mobilephone", "0412 345 678", "+61412345678", True),
        ("mobilephone", "+64 21 123 4567", "+64211234567", True),
        ("mobilephone", "ask at reception", "ask at reception", True),
        ("email", "ANA@x.example", "ana@x.example", True),
        ("country", "Australia", "AU", True),
        ("country", "new zealand", "NZ", True),
        ("country", "UK", "United Kingdom", True),
        ("country", "Atlantis", "Australia", False),
        (BIRTH, "1990-05-01", "641520000000", True),
        (BIRTH_ELSEWHERE, "1990-05-01T00:00:00Z", "1990-05-01", True),
        (BIRTH, "1990-05-01", "1990-05-02", False),
        (REFERRAL, "google: ads", "Google: Ads", True),
        ("city", "Newtown", "newtown", False),
    ],
)
def test_values_in_the_form_in_which_they_are_compared(name, one, other, same):
    assert (push.canonical(name, one, "AU") == push.canonical(name, other, "AU")) is same


def test_what_was_agreed_is_recognised_however_it_was_typed():
    agreed = memory(mobilephone="+61412345678", country="Australia", email="ana@x.example", **{BIRTH: "1990-05-01"})
    typed = {"mobilephone": "0412 345 678", "country": "au", "email": "Ana@X.example", BIRTH: "641520000000"}
    assert all(push.still_agreed(name, text, agreed, "AU") for name, text in typed.items())
    assert not push.still_agreed("mobilephone", "0412 345 679", agreed, "AU")


@pytest.mark.parametrize(
    ("ours", "elsewhere", "taken"),
    [
        ("1990-05-01", "", {BIRTH: "1990-05-01"}),
        ("", "1990-05-01", {BIRTH_ELSEWHERE: "1990-05-01"}),
        ("1990-05-01", "1991-01-01", {BIRTH: "1990-05-01"}),
        ("soon", "1990-05-01", {BIRTH_ELSEWHERE: "1990-05-01"}),
        ("", "01/05/1990", {}),
        ("1990-02-30", "", {}),
    ],
)
def test_a_birth_date_comes_from_our_property_or_else_from_the_other(ours, elsewhere, taken):
    contact = {BIRTH: ours, BIRTH_ELSEWHERE: elsewhere}
    choice = push.new_record(contact, PATIENT_PROPERTIES)
    assert choice.take == taken
    bad = [v for v in (ours, elsewhere) if v and v not in taken.values()]
    told = [name for name in (BIRTH, BIRTH_ELSEWHERE) if contact[name] in bad and name not in taken]
    assert set(choice.problems) <= set(told) and (taken or choice.problems)
    fields = push.patient_fields(taken, (), "AU", use_preferred_first_name=False)
    assert fields == ({"date_of_birth": next(iter(taken.values()))} if taken else {})


def test_a_country_that_nobody_knows_is_told():
    choice = choose({"country": "Atlantis"}, {}, {})
    assert choice.take == {} and "two-letter code" in choice.problems["country"]


@pytest.mark.parametrize(("preferred", "creating"), [(False, False), (False, True), (True, False), (True, True)])
def test_where_the_first_name_goes(preferred, creating):
    take = {"firstname": "Annie"}
    options = {"use_preferred_first_name": preferred, "creating": creating}
    expected = {"preferred_first_name": "Annie"} if preferred else {}
    expected |= {"first_name": "Annie"} if creating or not preferred else {}
    assert push.patient_fields(take, (), **options) == expected
    renamed = {"preferred_name" if k == "preferred_first_name" else k: v for k, v in expected.items()}
    assert push.contact_fields(take, (), **options) == renamed


def test_every_field_has_its_name_in_cliniko():
    take = {
        **{name: f"{name} value" for name in TEXTS},
        "firstname": "Ana",
        "email": "ana@x.example",
        "country": "New Zealand",
        "phone": "02 9876 5432",
        "mobilephone": "0412 345 678",
        BIRTH: "1990-05-01",
        REFERRAL: "Google",
    }
    fields = push.patient_fields(take, None, "AU", use_preferred_first_name=False)
    assert set(fields) == {
        *("first_name", "last_name", "email", "address_1", "city", "state", "post_code", "country_code"),
        *("gender_identity", "date_of_birth", "patient_phone_numbers"),
    }
    assert (fields["country_code"], fields["date_of_birth"]) == ("NZ", "1990-05-01")


MOBILE, HOME = Phone("0412 345 678"), Phone("02 9876 5432", "Home")


@pytest.mark.parametrize(
    ("before", "take", "after"),
    [
        ([], {"mobilephone": "0400 1"}, [("0400 1", "Mobile")]),
        ([MOBILE, HOME], {}, None),
        ([MOBILE, HOME], {"phone": "02 1"}, [("0412 345 678", "Mobile"), ("02 1", "Home")]),
        ([HOME], {"mobilephone": "0400 1"}, [("02 9876 5432", "Home"), ("0400 1", "Mobile")]),
        # The first of the kind is ours; a later one keeps its number, or changes places with it.
        ([MOBILE, Phone("0499 9")], {"mobilephone": "0400 1"}, [("0400 1", "Mobile"), ("0499 9", "Mobile")]),
        (
            [MOBILE, Phone("0499 999 999")],
            {"mobilephone": "+61 499 999 999"},
            [("+61 499 999 999", "Mobile"), ("0412 345 678", "Mobile")],
        ),
        # Others go back exactly as they are.
        (
            [Phone(" 02 5 ", "Work"), Phone("7", None), Phone("", "Fax"), Phone(None), Phone("8", "mobile")],
            {"mobilephone": "9"},
            [(" 02 5 ", "Work"), ("7", "Other"), ("9", "mobile")],
        ),
    ],
)
def test_phones_are_sent_as_a_whole_array(before, take, after):
    rows = push.with_phones(take, before, "AU")
    assert rows == (None if after is None else [{"number": n, "phone_type": kind} for n, kind in after])


number = st.sampled_from(["0412 345 678", "+61412345678", "0499 111 222", "02 9876 5432", "(02) 9111 2222", "12"])
entry = st.builds(Phone, number, st.sampled_from(["Mobile", "Home", "Work", "mobile", None]))


@given(st.lists(entry, max_size=5), st.dictionaries(st.sampled_from(["phone", "mobilephone"]), number, min_size=1))
def test_no_number_of_others_is_lost(before, take):
    rows = push.with_phones(take, before, "AU")
    assert rows is not None
    kinds = {push.PHONES[name] for name in take}
    left = [(p.number, p.phone_type or "Other") for p in before]
    # Everything but the first of each kind that was written, whose number may have changed places.
    for kind in kinds:
        place = next((i for i, (_, k) in enumerate(left) if k.casefold() == kind.casefold()), None)
        if place is not None:
            left.pop(place)
    have = [(e164(r["number"], "AU") or r["number"], r["phone_type"].casefold()) for r in rows]
    for name, text in take.items():
        assert (e164(text, "AU") or text, push.PHONES[name].casefold()) in have
    for digits, kind in left:
        assert (e164(digits, "AU") or digits, kind.casefold()) in have
    assert len(rows) == len(before) + sum(
        1 for k in kinds if not any((p.phone_type or "").casefold() == k.casefold() for p in before)
    )


@pytest.mark.parametrize(
    ("contact", "agreed", "other"),
    [
        ({"firstname": "Ana", "lastname": "Ruiz"}, {}, False),
        ({"firstname": "Tom", "lastname": "Ruiz"}, {}, False),
        ({"firstname": "Ana", "lastname": "Ode"}, {}, False),
        ({"firstname": "Tom", "lastname": "Ode"}, {}, True),
        ({"firstname": "ANÁ", "lastname": "ode"}, {}, False),
        ({"firstname": "", "lastname": "Ode"}, {}, False),
        ({"firstname": None, "lastname": None}, {}, False),
        # What HubSpot holds is what Cliniko once held: it was Cliniko's that changed.
        ({"firstname": "Tom", "lastname": "Ode"}, {"lastname": "Ode"}, False),
        ({BIRTH: "1990-05-01"}, {}, False),
        ({BIRTH: "1990-05-02"}, {}, True),
        ({BIRTH_ELSEWHERE: "1990-05-02"}, {}, True),
        ({BIRTH: "1990-05-01", BIRTH_ELSEWHERE: "1990-05-02"}, {}, True),
        ({BIRTH: "1990-05-02"}, {BIRTH: "1990-05-02"}, False),
        ({BIRTH: "soon"}, {}, False),
    ],
)
def test_another_person(contact, agreed, other):
    ana = PatientEntry(first_name="Ana", last_name="Ruiz")
    assert push.another_person(ana, date(1990, 5, 1), contact, memory(**agreed)) is other
    if BIRTH in contact or BIRTH_ELSEWHERE in contact:
        assert not push.another_person(ana, None, contact, memory(**agreed)), "unknown in Cliniko"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Google", ("Google", None)),
        ("Google: Ads", ("Google", "Ads")),
        ("Friend: of: friend", ("Friend", "of: friend")),
        ("Google:", ("Google:", None)),
        ("", ("", None)),
    ],
)
def test_a_referral_is_a_type_and_perhaps_a_part(text, parts):
    assert push.split_referral(text) == parts


@pytest.mark.parametrize(
    ("field", "label"),
    [
        ("patient_phone_numbers.0.number", "Phone number"),
        ("email", "Email"),
        ("date_of_birth", "Cliniko date of birth"),
        ("subcategory", "Cliniko referral source"),
        ("medicare_number", "Medicare number"),
        (None, "A field"),
        ("", "A field"),
    ],
)
def test_refused_fields_have_hubspot_s_names(field, label):
    assert push.label_of_error(field) == label
