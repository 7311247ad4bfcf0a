from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.mapping import identity

from .makers import PatientEntry, PhoneEntry


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zoë", "zoe"),
        ("O'Brien", "O’Brien"),
        ("Mary-Anne", "mary  anne"),
        ("Van der Berg", "VANDERBERG"),
        ("Straße", "STRASSE"),
        ("Łukasz", "Lukasz"),
        ("Ærø", "aero"),
        ("Jose\u0301", "José"),
        ("İpek", "ipek"),
        ("Smith\u200b", "Smith"),
        ("ガ", "か\u3099".replace("か", "カ")),
    ],
)
def test_same_name(one, other):
    assert identity.name_key(one) == identity.name_key(other) is not None


@pytest.mark.parametrize(
    ("one", "other"), [("Ann", "Anne"), ("กี", "กา"), ("ガ", "カ"), ("李", "王"), ("Smith", "Smith Jr")]
)
def test_other_name(one, other):
    assert identity.name_key(one) != identity.name_key(other)


@pytest.mark.parametrize("nothing", [None, "", "  ", "-", "’", "😀", "\u200b", "\u0301"])
def test_no_name(nothing):
    assert identity.name_key(nothing) is None
    assert identity.name_words(nothing) == []


@given(st.text())
def test_name_key_is_stable(name):
    key = identity.name_key(name)
    assert key is None or identity.name_key(key) == key


@given(st.text())
def test_case_and_spacing_never_matter(name):
    assert identity.name_key(f" {name} ") == identity.name_key(name)


def test_name_words():
    assert identity.name_words("Mary-Anne", None, "van Berg", "Mary") == [
        "mary",
        "anne",
        "maryanne",
        "van",
        "berg",
        "vanberg",
    ]


@pytest.mark.parametrize(
    ("first", "last", "agrees"),
    [
        ("Margaret", "Jones", True),
        ("PEGGY", "jonés", True),
        ("Margaret", "Smith", False),
        ("Peter", "Jones", False),
        ("Jones", "Margaret", False),
        (None, "Jones", False),
        ("Margaret", "", False),
        ("-", "Jones", False),
    ],
)
def test_names_agree(first, last, agrees):
    patient = PatientEntry(first_name="Margaret", preferred_first_name="Peggy", last_name="Jones")
    assert identity.names_agree(patient, first, last) is agrees


def test_missing_names_agree_with_nothing():
    assert not identity.names_agree(PatientEntry(first_name=None, last_name=None), None, None)
    assert not identity.names_agree(PatientEntry(first_name="", last_name="Jones"), "", "Jones")


@pytest.mark.parametrize(
    ("first", "last", "differ"),
    [
        ("Peter", "Smith", True),
        ("Peter", "Jones", False),
        ("Peggy", "Smith", False),
        ("", "Smith", False),
        ("Peter", None, False),
    ],
)
def test_names_both_differ(first, last, differ):
    patient = PatientEntry(first_name="Margaret", preferred_first_name="Peggy", last_name="Jones")
    assert identity.names_both_differ(patient, first, last) is differ


def test_nothing_differs_from_an_unknown_name():
    assert not identity.names_both_differ(PatientEntry(first_name=None, last_name="Jones"), "Peter", "Smith")


@pytest.mark.parametrize(
    ("first", "last", "blank"), [(None, "", True), (" ", "\u200b", True), ("A", None, False), (None, "-", False)]
)
def test_has_no_name(first, last, blank):
    assert identity.has_no_name(first, last) is blank


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2001-05-26", date(2001, 5, 26)),
        (" 2001-05-26 ", date(2001, 5, 26)),
        ("2001-05-26T00:00:00Z", date(2001, 5, 26)),
        ("2001-05-26T00:00:00.000Z", date(2001, 5, 26)),
        (990835200000, date(2001, 5, 26)),
        ("990835200000", date(2001, 5, 26)),
        ("-86400000", date(1969, 12, 31)),
        (date(2001, 5, 26), date(2001, 5, 26)),
        ("2001-05-26T10:00:00Z", None),
        ("990835200001", None),
        ("26/05/2001", None),
        ("20010526", None),
        ("2001-02-30", None),
        ("2001-05-26T00:00:00", None),
        ("2001-W21-6", None),
        ("٢٠٠١-٠٥-٢٦", None),
        ("9" * 15, None),
        ("soon", None),
        ("", None),
        (None, None),
        (True, None),
    ],
)
def test_birth_date(value, day):
    assert identity.birth_date(value) == day


@given(st.dates())
def test_a_day_survives_every_form(day):
    epoch = (day - date(1970, 1, 1)) // timedelta(milliseconds=1)
    assert identity.birth_date(day.isoformat()) == identity.birth_date(epoch) == day
    assert identity.birth_date(datetime(day.year, day.month, day.day).isoformat() + "Z") == day  # noqa: DTZ001 (naive text)


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (date(2001, 1, 1), date(2001, 1, 1), True),
        (date(2001, 1, 1), date(2001, 1, 2), False),
        (None, date(2001, 1, 1), True),
        (None, None, True),
    ],
)
def test_birth_dates_agree(one, other, agree):
    assert identity.birth_dates_agree(one, other) is agree


@pytest.mark.parametrize(
    ("value", "key"),
    [(" A@Example.com\n", "a@example.com"), ("ß@x.de", "ss@x.de"), ("", None), (" ", None), (None, None)],
)
def test_email_key(value, key):
    assert identity.email_key(value) == key


def test_phone_keys_are_distinct_and_readable():
    phones = [
        PhoneEntry("0491 570 156"),
        PhoneEntry("+61 491 570 156", "Work"),
        PhoneEntry("ring the bell"),
        PhoneEntry("020 7946 0018", normalized_number="442079460018"),
        PhoneEntry(None, normalized_number="61491570157"),
    ]
    assert identity.phone_keys(phones, "AU") == ["+61491570156", "+442079460018"]
    assert identity.phone_keys(None, "AU") == []
