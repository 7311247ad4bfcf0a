"""Resources about work and money: what stands in the calendar, invoices, prices, appointment types."""

from __future__ import annotations

from webapp.sandbox.cliniko.resource import ARRAY, DATE, FLAG, NUMBER, STRING, Resource, filters, none

_BOOKING_IDS = dict.fromkeys(("practitioner_id", "business_id", "appointment_type_id", "repeated_from_id"), NUMBER)
_BOOKING_TIMES = "archived_at deleted_at starts_at ends_at"
_BOOKING_LINKS = {
    "appointment_type": "appointment_types",
    "business": "businesses",
    "practitioner": "practitioners",
}
_CANCELLED = none("cancellation_note cancellation_reason cancelled_at", blank="cancellation_reason_description")

WORK = (
    Resource(
        "individual_appointments",
        {
            **_CANCELLED,
            **none(
                "archived_at booking_ip_address deleted_at ends_at has_patient_appointment_notes invoice_status notes "
                "online_booking_policy_accepted patient_name repeats starts_at telehealth_url treatment_note_status",
                did_not_arrive=False,
                email_reminder_sent=False,
                patient_arrived=False,
                repeat_rule={},
                sms_reminder_sent=False,
            ),
        },
        filters(f"{_BOOKING_TIMES} cancelled_at", patient_id=NUMBER, **_BOOKING_IDS),
        {
            **_BOOKING_LINKS,
            "patient": "patients",
            "patient_case": "patient_cases",
            "repeated_from": "individual_appointments",
        },
        {
            "attendees": "individual_appointments/{id}/attendees",
            "conflicts": "individual_appointments/{id}/conflicts",
        },
    ),
    Resource(
        "group_appointments",
        none(
            "archived_at deleted_at ends_at notes repeats starts_at telehealth_url",
            max_attendees=2,
            patient_ids=[],
            repeat_rule={},
        ),
        filters(_BOOKING_TIMES, patient_ids=ARRAY, **_BOOKING_IDS),
        {**_BOOKING_LINKS, "repeated_from": "group_appointments"},
        {"attendees": "group_appointments/{id}/attendees", "conflicts": "group_appointments/{id}/conflicts"},
    ),
    Resource(
        "unavailable_blocks",
        none("archived_at deleted_at ends_at notes repeats starts_at", repeat_rule={}),
        filters(_BOOKING_TIMES, **_BOOKING_IDS),
        {"business": "businesses", "practitioner": "practitioners", "repeated_from": "unavailable_blocks"},
        {"conflicts": "unavailable_blocks/{id}/conflicts"},
    ),
    Resource(
        "bookings",
        {},
        filters(f"{_BOOKING_TIMES} cancelled_at", did_not_arrive=FLAG, patient_ids=ARRAY, **_BOOKING_IDS),
    ),
    Resource(
        "attendees",
        {
            **_CANCELLED,
            **none(
                "archived_at arrived booking_ip_address cancellation_url deleted_at invoice_status notes "
                "online_booking_policy_accepted telehealth_url treatment_note_status",
                email_reminder_sent=False,
                sent_email_reminders_count=0,
                sent_sms_reminders_count=0,
                sms_reminder_sent=False,
            ),
        },
        filters(
            "archived_at deleted_at cancelled_at",
            numbers="booking_id appointment_id patient_id patient_case_id",
        ),
        {"booking": "bookings", "patient": "patients", "patient_case": "patient_cases"},
        {"invoices": "attendees/{id}/invoices", "patient_forms": "attendees/{id}/patient_forms"},
    ),
    Resource(
        "invoices",
        none(
            "archived_at closed_at deleted_at invoice_to issue_date net_amount number online_payment_url "
            "tax_amount total_amount",
            discounted_amount="0.0",
            notes="",
            patient_extra_information="",
            status=10,
            status_description="Open",
        ),
        filters(
            "archived_at deleted_at",
            issue_date=DATE,
            numbers="appointment_id business_id patient_id practitioner_id number status",
        ),
        {
            "appointment": "appointments",
            "business": "businesses",
            "patient": "patients",
            "practitioner": "practitioners",
        },
        {"invoice_items": "invoices/{id}/invoice_items"},
    ),
    Resource(
        "invoice_items",
        none(
            "archived_at code deleted_at discount_percentage discounted_amount is_monetary_discount name net_price "
            "tax_amount tax_name tax_rate total_including_tax",
            concession_type_name="",
            quantity=1,
            unit_price="0.0",
        ),
        filters("archived_at deleted_at", invoice_id=NUMBER),
        {"billable_item": "billable_items", "invoice": "invoices", "product": "products"},
    ),
    Resource(
        "billable_items",
        none("archived_at item_code name", item_type="Service", price="0.0"),
        filters("archived_at", tax_id=NUMBER),
        {"tax": "taxes"},
    ),
    Resource("taxes", none("amount name rate"), filters()),
    Resource("concession_types", none("name"), filters()),
    Resource(
        "concession_prices",
        none("price"),
        filters(billable_item_id=NUMBER, concession_type_id=NUMBER, price=NUMBER),
        {"billable_item": "billable_items", "concession_type": "concession_types"},
    ),
    Resource(
        "appointment_types",
        none(
            "add_deposit_to_account_credit appointment_confirmation_template_ids appointment_reminder_template_ids "
            "archived_at category deposit_price description name online_bookings_lead_time_hours "
            "online_payments_enabled online_payments_mode telehealth_enabled",
            appointment_follow_up_template_ids=[],
            color="#00FF00",
            duration_in_minutes=30,
            max_attendees=1,
            show_in_online_bookings=True,
        ),
        filters(
            "archived_at",
            category=STRING,
            online_payments_mode=STRING,
            show_in_online_bookings=FLAG,
            appointment_confirmation_template_ids=ARRAY,
            appointment_reminder_template_ids=ARRAY,
        ),
        {
            "billable_item": "billable_items",
            "product": "products",
            "treatment_note_template": "treatment_note_templates",
        },
        {
            "appointment_type_billable_items": "appointment_type_billable_items?q[]=appointment_type_id:={id}",
            "appointment_type_products": "appointment_type_products?q[]=appointment_type_id:={id}",
            "practitioners": "appointment_types/{id}/practitioners",
        },
    ),
    Resource(
        "appointment_type_billable_items",
        none("discount_percentage discounted_amount is_monetary_discount", quantity="1.0"),
        filters(appointment_type_id=NUMBER, billable_item_id=NUMBER),
        {"appointment_type": "appointment_types", "billable_item": "billable_items"},
    ),
)
