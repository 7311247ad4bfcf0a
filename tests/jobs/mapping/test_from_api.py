"""From Cliniko's JSON to HubSpot's values: the client's records fit the mapping, and nothing unlisted gets through."""

import pytest

from jobs.mapping.contact import map_contact
from jobs.mapping.patient import map_patient
from jobs.mapping.records import MapContext
from webapp.clients.cliniko.decode import read
from webapp.clients.cliniko.records import Contact, Patient

SECRET = "CLINICAL-SECRET"
CONTEXT = MapContext("77", "clinic", "au1", "AU")

PATIENT = {
    "id": "82",
    "first_name": "Peter",
    "last_name": "Patientman",
    "email": "peter@example.com",
    "date_of_birth": "2001-05-26",
    "patient_phone_numbers": [
        {"phone_type": "Mobile", "number": "0491 570 156", "normalized_number": "61491570156"},
        {"phone_type": "Home", "number": "03 9999 9999"},
    ],
    "pronouns": {
        "nominative": "he",
        "accusative": "him",
        "pronominal_possessive": "his",
        "predicative_possessive": "his",
        "reflexive": "himself",
    },
    "country": "Australia",
    "country_code": "AU",
    "accepted_sms_marketing": False,
    "merged_with_patient": {"links": {"self": "https://api.au1.cliniko.com/v1/patients/9"}},
    "archived_at": "2024-01-01T00:00:00Z",
    "created_at": "2013-03-26T14:00:00Z",
}
UNLISTED = (
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
    "reminder_type",
    "treatment_notes",
)


def test_a_patient_as_cliniko_sends_it():
    values = map_patient(read(Patient, PATIENT), context=CONTEXT).values
    assert {name: value for name, value in values.items() if value} == {
        "cliniko_patient_key": "77:82",
        "cliniko_patient_id": "82",
        "cliniko_patient_url": "https://clinic.au1.cliniko.com/patients/82",
        "cliniko_patient_status": "Merged",
        "cliniko_email": "peter@example.com",
        "email": "peter@example.com",
        "firstname": "Peter",
        "lastname": "Patientman",
        "cliniko_pronouns": "he/him",
        "cliniko_date_of_birth": "2001-05-26",
        "date_of_birth": "2001-05-26",
        "phone": "+61399999999",
        "mobilephone": "+61491570156",
        "country": "Australia",
        "cliniko_country_code": "AU",
        "cliniko_accepted_sms_marketing": "false",
        "cliniko_created_at": "2013-03-26T14:00:00Z",
    }


@pytest.mark.parametrize(("kind", "mapper"), [(Patient, map_patient), (Contact, map_contact)])
def test_unlisted_fields_leave_no_trace(kind, mapper):
    raw = {"id": "82", "last_name": "X", **dict.fromkeys(UNLISTED, SECRET), "provider_number": SECRET}
    assert SECRET not in repr(mapper(read(kind, raw), context=CONTEXT))


@pytest.mark.parametrize(("kind", "mapper"), [(Patient, map_patient), (Contact, map_contact)])
def test_a_record_with_nothing_but_an_id(kind, mapper):
    result = mapper(read(kind, {"id": 82}), context=CONTEXT)
    assert result.problems == ()
    assert {name for name, value in result.values.items() if value} <= {
        "cliniko_patient_key",
        "cliniko_patient_id",
        "cliniko_patient_url",
        "cliniko_patient_status",
        "cliniko_contact_key",
        "cliniko_contact_id",
        "cliniko_contact_url",
    }
