import hmac
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.mapping.contact import contact_own_property_names, contact_property_names, map_contact
from jobs.mapping.countries import country_code, country_name
from jobs.mapping.dates import hubspot_datetime
from jobs.mapping.digest import field_digest, record_digest, term_digest
from jobs.mapping.emails import hubspot_email
from jobs.mapping.phones import e164, phone_fields, phone_text
from jobs.mapping.records import MapContext

from .makers import ContactEntry, PhoneEntry

KEY = b"k" * 32


@pytest.mark.parametrize(
    ("number", "countries", "key"),
    [
        ("0491 570 156", ("AU",), "+61491570156"),
        ("61491570156", ("AU",), "+61491570156"),
        ("0491570156", ("NZ", "AU"), "+61491570156"),
        ("021 234 5678", ("NZ", "AU"), "+64212345678"),
        ("+64 21 234 5678", (None, "AU"), "+64212345678"),
        ("+64 21 234 5678", (), "+64212345678"),
        ("0491570156", (), None),
        ("12", ("AU",), None),
        ("x" * 10_000, ("AU",), None),
        (None, ("AU",), None),
    ],
)
def test_e164(number, countries, key):
    assert e164(number, *countries) == key


def test_unreadable_numbers_stay_as_typed():
    assert phone_text(PhoneEntry(" 9999 (after 5pm) "), "AU") == "9999 (after 5pm)"


def test_an_extension_is_kept():
    assert phone_text(PhoneEntry("03 9999 9999 ext 12"), "AU") == "+61399999999 ext 12"


def test_phones_go_to_their_properties():
    phones = [
        PhoneEntry(" ", "Home"),
        PhoneEntry("0399999991", "home"),
        PhoneEntry("0399999992", "Home"),
        PhoneEntry("0399999993", None),
    ]
    fields = phone_fields(phones, "AU")
    assert (fields.home, fields.mobile) == ("+61399999991", "")
    assert fields.others == "Home: +61399999992; +61399999993"


@pytest.mark.parametrize(
    ("code", "name", "expected"),
    [
        ("AU", None, ("AU", "Australia")),
        ("uk", None, ("GB", "United Kingdom")),
        (None, "new zealand", ("NZ", "new zealand")),
        ("TW", "x", ("TW", "Taiwan")),
        ("ZZ", "Narnia", (None, "Narnia")),
        (None, None, (None, "")),
    ],
)
def test_country(code, name, expected):
    assert (country_code(code, name), country_name(code, name)) == expected


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("2013-03-26T14:00:00Z", "2013-03-26T14:00:00Z"),
        ("2013-03-26T14:00:00.000Z", "2013-03-26T14:00:00Z"),
        ("2013-03-27T01:00:00+11:00", "2013-03-26T14:00:00Z"),
        (datetime(2013, 3, 26, 14, tzinfo=UTC), "2013-03-26T14:00:00Z"),
        (datetime(2013, 3, 26, 14, 0, 0, 5000, tzinfo=timezone(timedelta(hours=1))), "2013-03-26T13:00:00.005Z"),
        ("2013-03-26T14:00:00", ""),
        ("2013-03-26", ""),
        ("0001-01-01T00:00:00+14:00", ""),
        ("soon T", ""),
        (None, ""),
    ],
)
def test_hubspot_datetime(value, stored):
    assert hubspot_datetime(value) == stored


@pytest.mark.parametrize(
    ("email", "stored"),
    [
        (" A.B+c@Sub.Example.COM", "a.b+c@sub.example.com"),
        ("o'brien@example.co", "o'brien@example.co"),
        ("a@example.xn--p1ai", "a@example.xn--p1ai"),
        (".a@example.com", None),
        ("a.@example.com", None),
        ("a@example..com", None),
        ("a@example.c", None),
        ("a@example.123", None),
        ("a@b@example.com", None),
        ("x" * 65 + "@example.com", None),
        ("a@" + "x" * 64 + ".com", None),
        ("a@" + "x.x" * 90 + ".com", None),
        ("", None),
        (None, None),
    ],
)
def test_hubspot_email(email, stored):
    assert hubspot_email(email) == stored


@given(st.binary(min_size=1, max_size=100), st.text(), st.text())
def test_digests_are_hmac_sha256(key, name, value):
    message = f"f\0{name}\0{value}".encode()
    assert field_digest(key, name, value) == hmac.digest(key, message, "sha256")[:8]


@given(
    st.dictionaries(st.text(max_size=5), st.text(max_size=5)), st.dictionaries(st.text(max_size=5), st.text(max_size=5))
)
def test_records_are_equal_exactly_when_their_digests_are(one, other):
    assert (record_digest(KEY, one) == record_digest(KEY, other)) == (one == other)


def test_digests_depend_on_key_name_salt_and_kind():
    assert field_digest(KEY, "city", "x") != field_digest(KEY, "state", "x")
    assert field_digest(KEY, "city", "x") != field_digest(b"other", "city", "x")
    assert record_digest(KEY, {"city": "x"}, "1") != record_digest(KEY, {"city": "x"}, "2")
    assert term_digest(KEY, "email", "x") != term_digest(KEY, "name", "x")
    assert record_digest(KEY, {"a": "1", "b": "2"}) == record_digest(KEY, {"b": "2", "a": "1"})
    assert (len(field_digest(KEY, "a", "")), len(record_digest(KEY, {})), len(term_digest(KEY, "", ""))) == (8, 16, 16)


def test_a_doctor_becomes_these_properties():
    contact = ContactEntry(
        first_name="Darrell",
        last_name="Bode",
        preferred_name="Daz",
        company_name="Bode & Co",
        email="D@Example.net",
        doctor_type="general_practitioner",
        type_code=1,
        phone_numbers=[PhoneEntry("0491570156")],
        address_1="691 Road",
        country="Estonia",
    )
    result = map_contact(contact, context=MapContext("77", "clinic", "au1", "AU", use_preferred_first_name=True))
    assert result.problems == ()
    assert tuple(result.values) == contact_property_names()
    assert set(contact_own_property_names()) < set(contact_property_names())
    assert {name: value for name, value in result.values.items() if value} == {
        "cliniko_contact_key": "77:9",
        "cliniko_contact_id": "9",
        "cliniko_contact_url": "https://clinic.au1.cliniko.com/contacts/9",
        "cliniko_contact_type": "Doctor",
        "cliniko_contact_company": "Bode & Co",
        "cliniko_contact_doctor_type": "General practitioner",
        "cliniko_contact_preferred_name": "Daz",
        "email": "d@example.net",
        "firstname": "Daz",
        "lastname": "Bode",
        "mobilephone": "+61491570156",
        "address": "691 Road",
        "country": "Estonia",
    }


def test_a_company_goes_by_its_name():
    values = map_contact(ContactEntry(company_name="Acme Health", type_code=2), context=MapContext("77")).values
    assert (values["firstname"], values["lastname"], values["company"]) == ("", "Acme Health", "Acme Health")
    assert values["cliniko_contact_type"] == "3rd Party Payer"


def test_a_contact_with_an_unusable_email_is_reported():
    result = map_contact(ContactEntry(email="n/a"), context=MapContext("77"))
    assert (result.values["email"], [problem.code for problem in result.problems]) == ("", ["INVALID_EMAIL"])
