"""The names of everything created in HubSpot, written out: a changed name would orphan what customers already have."""

import pytest

from jobs.mapping.catalogue import GROUPS, PIPELINES, PROPERTIES, STANDARD

BOOL = "bool"
DATE = "date"
MOMENT = "datetime"
NUMBER = "number"
CHOICE = "enumeration"
TEXT = "string"

# Group -> name -> type. A star marks what the smallest account gets as well, two stars the unique key among those.
NAMES: dict[tuple[str, str, str], dict[str, str]] = {
    ("contacts", "cliniko_patient", "Cliniko patient"): {
        "cliniko_patient_key**": TEXT,
        "cliniko_patient_id": TEXT,
        "cliniko_patient_url*": TEXT,
        "update_cliniko_patient*": BOOL,
        "unlink_cliniko_patient*": BOOL,
        "cliniko_sync_status": CHOICE,
        "cliniko_sync_message*": TEXT,
        "cliniko_synced_at": MOMENT,
        "cliniko_patient_status": CHOICE,
        "cliniko_email*": TEXT,
        "cliniko_shared_email": BOOL,
        "cliniko_preferred_first_name": TEXT,
        "cliniko_title": TEXT,
        "cliniko_gender_identity": TEXT,
        "cliniko_pronouns": TEXT,
        "cliniko_date_of_birth": DATE,
        "cliniko_other_phones": TEXT,
        "cliniko_address_2": TEXT,
        "cliniko_country_code": TEXT,
        "cliniko_time_zone": TEXT,
        "cliniko_occupation": TEXT,
        "cliniko_referral_source": TEXT,
        "cliniko_concession_type": TEXT,
        "cliniko_accepted_email_marketing": BOOL,
        "cliniko_accepted_sms_marketing": BOOL,
        "cliniko_accepted_privacy_policy": BOOL,
        "cliniko_created_at": MOMENT,
        "cliniko_next_appointment_at": MOMENT,
        "cliniko_next_appointment_type": TEXT,
        "cliniko_next_appointment_practitioner": TEXT,
        "cliniko_next_appointment_location": TEXT,
        "cliniko_last_appointment_at": MOMENT,
        "cliniko_last_appointment_type": TEXT,
        "cliniko_last_appointment_practitioner": TEXT,
        "cliniko_appointments_booked": NUMBER,
        "cliniko_appointments_arrived": NUMBER,
        "cliniko_appointments_did_not_arrive": NUMBER,
        "cliniko_appointments_cancelled": NUMBER,
        "cliniko_lifetime_value": NUMBER,
    },
    ("contacts", "cliniko_contact", "Cliniko contact"): {
        "cliniko_contact_key**": TEXT,
        "cliniko_contact_id": TEXT,
        "cliniko_contact_url": TEXT,
        "update_cliniko_contact": BOOL,
        "cliniko_contact_type": TEXT,
        "cliniko_contact_company": TEXT,
        "cliniko_contact_doctor_type": TEXT,
        "cliniko_contact_preferred_name": TEXT,
    },
    ("deals", "cliniko_appointment", "Cliniko appointment"): {
        "cliniko_key**": TEXT,
        "cliniko_appointment_id": TEXT,
        "cliniko_appointment_url": TEXT,
        "cliniko_appointment_status*": CHOICE,
        "cliniko_appointment_type": TEXT,
        "cliniko_appointment_starts_at*": MOMENT,
        "cliniko_appointment_ends_at": MOMENT,
        "cliniko_appointment_local_time": TEXT,
        "cliniko_appointment_booked_online": BOOL,
        "cliniko_cancelled_at": MOMENT,
        "cliniko_cancellation_reason": TEXT,
        "cliniko_practitioner": TEXT,
        "cliniko_practitioner_email": TEXT,
        "cliniko_business": TEXT,
        "cliniko_case_id": TEXT,
        "cliniko_case_name": TEXT,
        "cliniko_case_issue_date": DATE,
        "cliniko_case_expiry_date": DATE,
        "cliniko_case_closed": BOOL,
        "cliniko_case_max_sessions": NUMBER,
        "cliniko_case_max_invoiceable_amount": NUMBER,
        "cliniko_case_referral": BOOL,
        "cliniko_case_sessions_used": NUMBER,
    },
    ("deals", "cliniko_invoice", "Cliniko invoice"): {
        "cliniko_invoice_id": TEXT,
        "cliniko_invoice_number": TEXT,
        "cliniko_invoice_url": TEXT,
        "cliniko_invoice_status": CHOICE,
        "cliniko_invoice_issue_date": DATE,
        "cliniko_invoice_closed_at": MOMENT,
        "cliniko_invoice_net_amount": NUMBER,
        "cliniko_invoice_tax_amount": NUMBER,
        "cliniko_invoice_discount": NUMBER,
        "cliniko_invoice_total": NUMBER,
        "cliniko_invoice_appointment_id": TEXT,
        "cliniko_invoice_removed": BOOL,
    },
}

STAGES = {
    "cliniko_appointments": {
        "cliniko_appt_booked": "0.5",
        "cliniko_appt_arrived": "1.0",
        "cliniko_appt_did_not_arrive": "0.0",
        "cliniko_appt_cancelled": "0.0",
    },
    "cliniko_invoices": {
        "cliniko_inv_open": "0.5",
        "cliniko_inv_paid": "1.0",
        "cliniko_inv_closed": "0.0",
        "cliniko_inv_open_credit": "0.5",
    },
}
LABELS = {"cliniko_appointments": "Cliniko Appointments", "cliniko_invoices": "Cliniko Invoices"}

# What the clinic's staff press or read on the contact.
SWITCHES = {
    "update_cliniko_patient": "Update Cliniko patient",
    "update_cliniko_contact": "Update Cliniko contact",
    "unlink_cliniko_patient": "Unlink Cliniko patient",
}

STANDARD_CONTACT = {
    "firstname",
    "lastname",
    "email",
    "phone",
    "mobilephone",
    "address",
    "city",
    "state",
    "zip",
    "country",
    "date_of_birth",
    "company",
}


def test_the_groups_are_these():
    assert [(group.object_type, group.name, group.label) for group in GROUPS] == list(NAMES)


@pytest.mark.parametrize("group", NAMES, ids=lambda group: group[1])
def test_the_properties_of_a_group_are_these_in_this_order(group):
    object_type, name, _ = group
    made = [item for item in PROPERTIES if (item.object_type, item.group) == (object_type, name)]
    marks = [f"{item.name}{'*' * (item.essential + item.unique)}" for item in made]
    assert marks == list(NAMES[group])
    assert {mark: item.type for mark, item in zip(marks, made, strict=True)} == NAMES[group]


def test_no_property_belongs_to_another_group():
    assert len(PROPERTIES) == sum(len(names) for names in NAMES.values())


def test_the_pipelines_and_stages_are_these():
    assert {p.id: {stage.id: stage.probability for stage in p.stages} for p in PIPELINES} == STAGES
    assert {p.id: p.label for p in PIPELINES} == LABELS
    assert {p.id: p.stream for p in PIPELINES} == {
        "cliniko_appointments": "appointments",
        "cliniko_invoices": "invoices",
    }


def test_switches_carry_the_names_that_staff_know():
    labels = {item.name: item.label for item in PROPERTIES}
    assert {name: labels[name] for name in SWITCHES} == SWITCHES


def test_a_free_account_has_room_for_what_is_essential():
    contacts = [item for item in PROPERTIES if item.essential and item.object_type == "contacts"]
    deals = [item for item in PROPERTIES if item.essential and item.object_type == "deals"]
    assert (len(contacts), len(deals)) == (7, 3)


def test_of_hubspots_own_properties_only_these_are_written():
    assert set(STANDARD["contacts"]) == STANDARD_CONTACT
