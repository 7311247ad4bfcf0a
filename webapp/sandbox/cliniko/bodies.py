"""The parameters that each resource takes when it is created or changed."""

from __future__ import annotations

import re

from webapp.sandbox.cliniko.checks import (
    EMAIL,
    Body,
    Check,
    choice,
    day,
    flag,
    id_list,
    moment,
    money,
    phones,
    text,
    whole,
)

LONG = text(None)
_COLOUR = re.compile(r"#([A-Fa-f0-9]{6}|[A-Fa-f0-9]{3})")
_DVA = re.compile(r"[NVQSWT]([A-Z ][0-9]{1,6}|[A-Z]{2}[0-9]{1,5}|[A-Z]{3}[0-9]{1,4})[A-Z]?")


def _each(check: Check, names: str) -> dict[str, Check]:
    return dict.fromkeys(names.split(), check)


_ADDRESS = "address_1 address_2 address_3 city"

# Country, pronouns and custom fields are checked where patients are written: they look at more than one value.
PATIENT = Body(
    {
        **_each(
            text(),
            f"first_name last_name preferred_first_name title occupation emergency_contact medicare "
            f"medicare_reference_number old_reference_id referral_source {_ADDRESS}",
        ),
        **_each(
            LONG,
            "state post_code time_zone gender_identity sex notes appointment_notes invoice_default_to "
            "invoice_extra_information",
        ),
        **_each(
            flag,
            "accepted_privacy_policy accepted_email_marketing receives_confirmation_emails "
            "receives_cancellation_emails unsubscribe_sms_marketing",
        ),
        "email": text(255, EMAIL),
        "invoice_email": text(255, EMAIL),
        "date_of_birth": day,
        "dva_card_number": text(255, _DVA),
        "reminder_type": choice("None", "SMS", "Email", "SMS & Email"),
        "patient_phone_numbers": phones,
    },
    required=("first_name", "last_name"),
    relations={"concession_type_id": "concession_types", "referring_doctor_id": "contacts"},
)
CONTACT = Body(
    {
        **_each(
            text(), f"first_name last_name company_name email occupation provider_number state post_code {_ADDRESS}"
        ),
        **_each(LONG, "preferred_name title notes"),
        "doctor_type": choice("general_practitioner", "specialist"),
        "type_code": choice(0, 1, 2),
        "phone_numbers": phones,
    }
)
_BOOKING = {"starts_at": moment, "ends_at": moment, "notes": LONG}
_BOOKING_RELATIONS = {
    "appointment_type_id": "appointment_types",
    "business_id": "businesses",
    "practitioner_id": "practitioners",
}
INDIVIDUAL = Body(
    _BOOKING,
    required=("starts_at", "patient_id", *_BOOKING_RELATIONS),
    relations={**_BOOKING_RELATIONS, "patient_id": "patients", "patient_case_id": "patient_cases"},
)
GROUP = Body(
    {**_BOOKING, "max_attendees": whole(2, 99)},
    required=("starts_at", *_BOOKING_RELATIONS),
    relations=_BOOKING_RELATIONS,
)
ATTENDEE = Body(
    {"arrived": flag, "notes": LONG},
    required=("patient_id",),
    relations={"patient_id": "patients", "patient_case_id": "patient_cases"},
)
CANCELLATION = Body(
    {
        "cancellation_reason": choice(10, 20, 30, 31, 40, 50, 60),
        "cancellation_note": LONG,
        "apply_to_repeats": flag,
    },
    required=("cancellation_reason",),
)
REFERRAL = Body(
    {"subcategory": text(), "notes": text(), "referrer_id": text()},
    relations={"referral_source_type_id": "referral_source_types"},
)
BILLABLE_ITEM = Body(
    {
        "name": text(),
        "price": money(),
        "item_type": choice("Service", "Product", "Other"),
        "item_code": text(100),
    },
    required=("name", "price", "item_type"),
    relations={"tax_id": "taxes"},
)
TAX = Body({"name": text(), "rate": money(0), "amount": money(0)}, required=("name",))
CONCESSION_TYPE = Body({"name": text()}, required=("name",))
APPOINTMENT_TYPE = Body(
    {
        "name": text(),
        "category": LONG,
        "description": LONG,
        "color": text(7, _COLOUR),
        "duration_in_minutes": whole(1, 1439),
        "max_attendees": whole(1, 99),
        "deposit_price": money(0),
        "online_bookings_lead_time_hours": choice(0, 1, 2, 4, 12, 18, 24, 48, 72, 168, 336, 504, 672),
        "online_payments_mode": choice("deposit_required", "optional", "required"),
        **_each(flag, "add_deposit_to_account_credit show_in_online_bookings telehealth_enabled"),
        **_each(
            id_list,
            "appointment_confirmation_template_ids appointment_reminder_template_ids business_ids practitioner_ids",
        ),
    },
    required=("name", "duration_in_minutes", "max_attendees"),
    relations={"billable_item_id": "billable_items"},
)
TYPE_ITEM = Body(
    {
        "quantity": money(0),
        "discount_percentage": money(0, 100),
        "discounted_amount": money(0),
        "is_monetary_discount": flag,
    },
    required=("appointment_type_id", "billable_item_id"),
    relations={"appointment_type_id": "appointment_types", "billable_item_id": "billable_items"},
)
BUSINESS = Body(
    {
        **_each(
            LONG,
            "address_1 address_2 business_name business_registration_name business_registration_value city "
            "contact_information display_name email_reply_to post_code state time_zone time_zone_identifier "
            "website_address",
        ),
        **_each(text(5000), "additional_information additional_invoice_information"),
        **_each(flag, "appointment_reminders_enabled show_in_online_bookings"),
        "appointment_type_ids": id_list,
    }
)
CASE = Body(
    {
        "name": text(),
        "notes": LONG,
        **_each(day, "issue_date expiry_date"),
        **_each(flag, "closed include_cancelled_attendees include_dna_attendees referral"),
        "max_invoiceable_amount": money(0),
        "max_sessions": whole(1, 200),
        "referral_type": choice("medicare", "dva"),
        "attendee_ids": id_list,
    },
    required=("name", "patient_id"),
    relations={"patient_id": "patients", "contact_id": "contacts"},
)
