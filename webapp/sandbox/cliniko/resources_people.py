"""Resources about people: patients, contacts, cases, referrals, practitioners and where they work."""

from __future__ import annotations

from webapp.sandbox.cliniko.resource import ARRAY, DATE, FLAG, NUMBER, Resource, filters, none

PEOPLE = (
    Resource(
        "patients",
        none(
            "accepted_email_marketing accepted_privacy_policy accepted_sms_marketing archived_at city country "
            "country_code custom_fields date_of_birth deleted_at email first_name gender gender_identity "
            "invoice_default_to invoice_email invoice_extra_information label last_name merged_at post_code "
            "preferred_first_name pronouns receives_cancellation_emails receives_confirmation_emails reminder_type "
            "sex state time_zone title address_1",
            blank="address_2 address_3 appointment_notes dva_card_number emergency_contact medicare "
            "medicare_reference_number notes occupation old_reference_id referral_source",
            follow_ups_communication_channels=[],
            patient_phone_numbers=[],
            reminders_communication_channels=[],
        ),
        filters(
            "archived_at",
            date_of_birth=DATE,
            strings="email first_name last_name preferred_first_name old_reference_id",
        ),
        {
            "concession_type": "concession_types",
            "referring_doctor": "contacts",
            "merged_with_patient": "patients",
            "latest_booking": "bookings",
        },
        {
            "appointments": "patients/{id}/appointments?page=1",
            "attendees": "patients/{id}/attendees",
            "invoices": "patients/{id}/invoices?page=1",
            "medical_alerts": "patients/{id}/medical_alerts?page=1",
            "patient_attachments": "patients/{id}/patient_attachments",
        },
    ),
    Resource(
        "contacts",
        none(
            "address_1 archived_at city country country_code deleted_at doctor_type email first_name last_name "
            "post_code state title type",
            blank="address_2 address_3 company_name notes occupation preferred_name provider_number",
            phone_numbers=[],
            type_code=0,
        ),
        filters("archived_at deleted_at", strings="email first_name last_name", numbers="type_code"),
    ),
    Resource(
        "practitioners",
        none(
            "description designation display_name first_name label last_name show_in_online_bookings title", active=True
        ),
        filters(user_id=NUMBER, show_in_online_bookings=FLAG),
        {"user": "users", "default_appointment_type": "appointment_types"},
        {
            "appointment_types": "practitioners/{id}/appointment_types",
            "appointments": "practitioners/{id}/appointments?page=1",
            "invoices": "practitioners/{id}/invoices?page=1",
            "practitioner_reference_numbers": "practitioners/{id}/practitioner_reference_numbers?page=1",
        },
    ),
    Resource(
        "users",
        none(
            "email first_name last_name new_ui_enabled phone_numbers privacy_policy_accepted role time_zone "
            "time_zone_identifier",
            active=True,
            title="",
            user_active=True,
        ),
        filters(),
    ),
    Resource(
        "businesses",
        none(
            "additional_information additional_invoice_information address_1 address_2 appointment_reminders_enabled "
            "appointment_type_ids archived_at business_name business_registration_name business_registration_value "
            "city contact_information country country_code deleted_at display_name email_reply_to label post_code "
            "state time_zone time_zone_identifier website_address",
            show_in_online_bookings=True,
        ),
        filters("archived_at deleted_at", appointment_type_ids=ARRAY, show_in_online_bookings=FLAG),
        {},
        {
            "appointments": "businesses/{id}/appointments?page=1",
            "practitioners": "businesses/{id}/practitioners",
        },
    ),
    Resource(
        "patient_cases",
        none(
            "archived_at closed_at expiry_date include_dna_attendees issue_date max_invoiceable_amount max_sessions "
            "name notes referral_type",
            attendee_ids=[],
            closed=False,
            include_cancelled_attendees=False,
            referral=False,
        ),
        filters("archived_at", expiry_date=DATE, patient_id=NUMBER),
        {"contact": "contacts", "patient": "patients"},
        {
            "attendees": "patient_cases/{id}/attendees",
            "bookings": "patient_cases/{id}/bookings",
            "invoices": "patient_cases/{id}/invoices",
            "patient_attachments": "patient_cases/{id}/patient_attachments",
        },
    ),
    Resource(
        "referral_sources",
        none("notes referrer referrer_type subcategory"),
        filters(),
        {"patient": "patients", "referral_source_type": "referral_source_types"},
    ),
    Resource("referral_source_types", none("name referrer_type referrers", subcategories=[]), filters()),
)
