from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.mapping.catalogue import CONTACTS, STANDARD, property_named
from jobs.mapping.patient import map_patient, patient_property_names
from jobs.mapping.records import MapContext, ReferralText
from jobs.mapping.text import MAX_TEXT

from .makers import PatientEntry, PhoneEntry

CONTEXT = MapContext("77", subdomain="clinic", shard="au1", country_code="AU")
FREE_TEXT = [
    "first_name",
    "preferred_first_name",
    "last_name",
    "title",
    "email",
    "address_1",
    "address_2",
    "address_3",
    "city",
    "state",
    "post_code",
    "country",
    "country_code",
    "time_zone",
    "gender_identity",
    "occupation",
]


def mapped(context=CONTEXT, **fields):
    return map_patient(PatientEntry(**fields), context=context).values


def test_a_full_patient_becomes_these_properties():
    patient = PatientEntry(
        id="836447129235883061",
        preferred_first_name=" Zo ",
        title="Ms",
        email=" Zoe.OBrien@Example.COM ",
        patient_phone_numbers=[
            PhoneEntry("0491 570 156", "Mobile"),
            PhoneEntry("(03) 9999 9999", "Home"),
            PhoneEntry("0491 570 157", "Mobile"),
            PhoneEntry("front desk", "Work"),
        ],
        date_of_birth="2001-05-26",
        address_1="1 Smith Street",
        address_2="Level 2",
        address_3="Rear",
        city="Melbourne",
        state="VIC",
        post_code="3000",
        country="Somewhere else",
        country_code="au",
        time_zone="Australia/Melbourne",
        gender_identity="Woman",
        pronouns={"nominative": "she", "accusative": "her", "reflexive": "herself"},
        occupation="Baker",
        accepted_email_marketing=True,
        accepted_sms_marketing=False,
        created_at="2013-03-26T14:00:00Z",
    )
    context = CONTEXT.for_record(ReferralText("Internet", "Search"), "Pensioner")
    assert map_patient(patient, context=context).values == {
        "cliniko_patient_key": "77:836447129235883061",
        "cliniko_patient_id": "836447129235883061",
        "cliniko_patient_url": "https://clinic.au1.cliniko.com/patients/836447129235883061",
        "cliniko_patient_status": "Active",
        "cliniko_email": "Zoe.OBrien@Example.COM",
        "email": "zoe.obrien@example.com",
        "firstname": "Zoë",
        "lastname": "O'Brien",
        "cliniko_preferred_first_name": "Zo",
        "cliniko_title": "Ms",
        "cliniko_gender_identity": "Woman",
        "cliniko_pronouns": "she/her",
        "cliniko_date_of_birth": "2001-05-26",
        "date_of_birth": "2001-05-26",
        "phone": "+61399999999",
        "mobilephone": "+61491570156",
        "cliniko_other_phones": "Mobile: +61491570157; Work: front desk",
        "address": "1 Smith Street",
        "cliniko_address_2": "Level 2, Rear",
        "city": "Melbourne",
        "state": "VIC",
        "zip": "3000",
        "country": "Australia",
        "cliniko_country_code": "AU",
        "cliniko_time_zone": "Australia/Melbourne",
        "cliniko_occupation": "Baker",
        "cliniko_referral_source": "Internet: Search",
        "cliniko_concession_type": "Pensioner",
        "cliniko_accepted_email_marketing": "true",
        "cliniko_accepted_sms_marketing": "false",
        "cliniko_accepted_privacy_policy": "",
        "cliniko_created_at": "2013-03-26T14:00:00Z",
    }


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "Active"),
        ({"archived_at": "2024-01-01T00:00:00Z"}, "Archived"),
        ({"deleted_at": datetime(2024, 1, 1, tzinfo=UTC)}, "Archived"),
        ({"archived_at": "2024-01-01T00:00:00Z", "merged_at": "2024-01-01T00:00:00Z"}, "Merged"),
        ({"merged_into_id": "3"}, "Merged"),
    ],
)
def test_status(fields, status):
    assert mapped(**fields)["cliniko_patient_status"] == status


@pytest.mark.parametrize(
    ("preferred", "setting", "first"),
    [("Pete", True, "Pete"), ("Pete", False, "Peter"), ("  ", True, "Peter"), (None, True, "Peter")],
)
def test_preferred_first_name(preferred, setting, first):
    context = MapContext("77", use_preferred_first_name=setting)
    assert mapped(context, first_name="Peter", preferred_first_name=preferred)["firstname"] == first


@pytest.mark.parametrize(
    ("subdomain", "shard"), [(None, "au1"), ("clinic", None), ("evil.example/", "au1"), ("a b", "au1")]
)
def test_no_link_without_a_known_address(subdomain, shard):
    assert mapped(MapContext("77", subdomain, shard))["cliniko_patient_url"] == ""


@pytest.mark.parametrize(
    "email", ["nobody", "a@b", "a..b@example.com", "a b@example.com", "a@-x.com", "zoë@example.com"]
)
def test_an_unusable_email_stays_visible_but_out_of_email(email):
    result = map_patient(PatientEntry(email=email), context=CONTEXT)
    assert (result.values["cliniko_email"], result.values["email"]) == (email, "")
    assert [(problem.field, problem.code) for problem in result.problems] == [("email", "INVALID_EMAIL")]
    assert email not in result.problems[0].message


def test_a_blank_email_is_no_problem():
    assert map_patient(PatientEntry(email=" \u200b "), context=CONTEXT).problems == ()


def test_an_impossible_birth_date_is_reported():
    result = map_patient(PatientEntry(date_of_birth="2001-02-30"), context=CONTEXT)
    assert result.values["cliniko_date_of_birth"] == ""
    assert [problem.code for problem in result.problems] == ["INVALID_DATE"]


@pytest.mark.parametrize("born", ["2001-05-26", date(2001, 5, 26)])
def test_birth_date_as_text_or_date(born):
    assert mapped(date_of_birth=born)["date_of_birth"] == "2001-05-26"


@pytest.mark.parametrize(
    ("pronouns", "text"),
    [
        (None, ""),
        ({"nominative": "they", "accusative": "them"}, "they/them"),
        (SimpleNamespace(nominative="he", accusative=None), "he"),
        ({"nominative": None, "accusative": ""}, ""),
    ],
)
def test_pronouns(pronouns, text):
    assert mapped(pronouns=pronouns)["cliniko_pronouns"] == text


@pytest.mark.parametrize(
    ("referral", "text"),
    [
        (None, ""),
        (ReferralText("Internet"), "Internet"),
        (ReferralText("Internet", " "), "Internet"),
        (ReferralText(None, "Search"), ""),
    ],
)
def test_referral_source(referral, text):
    assert mapped(CONTEXT.for_record(referral))["cliniko_referral_source"] == text


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("  Anna\t", "Anna"),
        ("An\x00na\x07", "Anna"),
        ("Line\r\nbreak", "Line  break"),
        (" \u2003\u200b\ufeff ", ""),
        ("محمد", "محمد"),
        ("\u202eanna", "anna"),
        ("👩‍⚕️ Anna", "👩‍⚕️ Anna"),
        ("\ud800Anna", "Anna"),
        ("x" * 10_000, "x" * 10_000),
        ("x" * 70_000, "x" * MAX_TEXT),
    ],
)
def test_hostile_text(value, stored):
    assert mapped(city=value)["city"] == stored


def test_every_property_is_ours_or_standard_and_always_present():
    assert tuple(mapped()) == patient_property_names()
    for name in patient_property_names():
        assert name in STANDARD[CONTACTS] or property_named(CONTACTS, name).group == "cliniko_patient"


def test_unlisted_fields_never_appear():
    """A record that carries everything Cliniko has: what is not listed leaves no trace in the values."""
    secret = "CLINICAL-SECRET"
    unlisted = [
        "notes",
        "appointment_notes",
        "medicare",
        "medicare_reference_number",
        "dva_card_number",
        "emergency_contact",
        "custom_fields",
        "sex",
        "gender",
        "referral_source",
        "old_reference_id",
        "invoice_default_to",
        "invoice_email",
        "invoice_extra_information",
        "label",
        "medical_alerts",
        "treatment_notes",
        "patient_attachments",
        "reminder_type",
    ]
    patient = SimpleNamespace(**vars(PatientEntry(email="a@example.com")), **dict.fromkeys(unlisted, secret))
    patient.pronouns = {"nominative": "she", "reflexive": secret}
    result = map_patient(patient, context=CONTEXT)
    assert secret not in repr(result)


def test_each_listed_text_reaches_only_its_own_properties():
    """Every free-text field gets a mark of its own, so a value in a wrong place is seen."""
    marks = {name: f"mark{number}z" for number, name in enumerate(FREE_TEXT)}
    values = mapped(**marks)
    found = {
        name: {key for key, value in values.items() if mark.upper() in value.upper()} for name, mark in marks.items()
    }
    assert found == {
        "first_name": {"firstname"},
        "preferred_first_name": {"cliniko_preferred_first_name"},
        "last_name": {"lastname"},
        "title": {"cliniko_title"},
        "email": {"cliniko_email"},
        "address_1": {"address"},
        "address_2": {"cliniko_address_2"},
        "address_3": {"cliniko_address_2"},
        "city": {"city"},
        "state": {"state"},
        "post_code": {"zip"},
        "country": {"country"},
        "country_code": {"cliniko_country_code"},
        "time_zone": {"cliniko_time_zone"},
        "gender_identity": {"cliniko_gender_identity"},
        "occupation": {"cliniko_occupation"},
    }


ANY_TEXT = st.none() | st.text(st.characters(exclude_categories=()), max_size=40)


@given(
    fields=st.fixed_dictionaries(dict.fromkeys(FREE_TEXT, ANY_TEXT)),
    number=ANY_TEXT,
    born=ANY_TEXT,
    created=ANY_TEXT,
)
def test_any_record_maps_to_text_that_can_be_sent(fields, number, born, created):
    patient = PatientEntry(
        **fields, patient_phone_numbers=[PhoneEntry(number, number, number)], date_of_birth=born, created_at=created
    )
    first, second = (map_patient(patient, context=CONTEXT) for _ in range(2))
    assert first == second
    for value in first.values.values():
        value.encode()
        assert value == value.strip()
        assert "\x00" not in value
