"""What we create on HubSpot deals, and the two pipelines."""

from jobs.mapping.catalogue_types import (
    DEALS,
    AppointmentStatus,
    Group,
    InvoiceStatus,
    Maker,
    Pipeline,
    Property,
    Stage,
)

APPOINTMENT_GROUP = Group(DEALS, "cliniko_appointment", "Cliniko appointment")
INVOICE_GROUP = Group(DEALS, "cliniko_invoice", "Cliniko invoice")

_a = Maker(APPOINTMENT_GROUP)
_i = Maker(INVOICE_GROUP)

APPOINTMENT_PROPERTIES: tuple[Property, ...] = (
    _a.text("cliniko_key", "Cliniko key", "Ties this deal to one Cliniko appointment or invoice. Do not edit.",
            essential=True, unique=True),
    _a.text("cliniko_appointment_id", "Cliniko appointment ID", "The appointment's number in Cliniko."),
    _a.text("cliniko_appointment_url", "Open appointment in Cliniko", "Link to the appointment in Cliniko."),
    _a.choice("cliniko_appointment_status", "Cliniko appointment status", "Where the appointment stands in Cliniko.",
              AppointmentStatus, essential=True),
    _a.text("cliniko_appointment_type", "Cliniko appointment type", "The appointment's type in Cliniko."),
    _a.moment("cliniko_appointment_starts_at", "Cliniko appointment start", "When the appointment starts.",
              essential=True),
    _a.moment("cliniko_appointment_ends_at", "Cliniko appointment end", "When the appointment ends."),
    _a.text("cliniko_appointment_local_time", "Cliniko appointment local time",
            "Date and time of the appointment where the clinic is."),
    _a.yes_no("cliniko_appointment_booked_online", "Cliniko booked online",
              "Whether the patient booked the appointment online."),
    _a.moment("cliniko_cancelled_at", "Cliniko cancelled at", "When the appointment was cancelled."),
    _a.text("cliniko_cancellation_reason", "Cliniko cancellation reason", "Why the appointment was cancelled."),
    _a.text("cliniko_practitioner", "Cliniko practitioner", "Who the appointment is with."),
    _a.text("cliniko_practitioner_email", "Cliniko practitioner email", "The practitioner's email address."),
    _a.text("cliniko_business", "Cliniko location", "The clinic location of the appointment."),
    _a.text("cliniko_case_id", "Cliniko case ID", "The number of the patient's case in Cliniko."),
    _a.text("cliniko_case_name", "Cliniko case name", "The name of the patient's case."),
    _a.day("cliniko_case_issue_date", "Cliniko case issue date", "When the case was issued."),
    _a.day("cliniko_case_expiry_date", "Cliniko case expiry date", "When the case expires."),
    _a.yes_no("cliniko_case_closed", "Cliniko case closed", "Whether the case is closed."),
    _a.number("cliniko_case_max_sessions", "Cliniko case maximum sessions", "How many sessions the case allows."),
    _a.number("cliniko_case_max_invoiceable_amount", "Cliniko case maximum amount",
              "How much may be invoiced for the case."),
    _a.yes_no("cliniko_case_referral", "Cliniko case by referral", "Whether the case came by a referral."),
    _a.number("cliniko_case_sessions_used", "Cliniko case sessions used", "How many sessions of the case are used."),
)  # fmt: skip

INVOICE_PROPERTIES: tuple[Property, ...] = (
    _i.text("cliniko_invoice_id", "Cliniko invoice ID", "The invoice's own ID in Cliniko."),
    _i.text("cliniko_invoice_number", "Cliniko invoice number", "The number printed on the invoice."),
    _i.text("cliniko_invoice_url", "Open invoice in Cliniko", "Link to the invoice in Cliniko."),
    _i.choice("cliniko_invoice_status", "Cliniko invoice status", "Where the invoice stands in Cliniko.",
              InvoiceStatus),
    _i.day("cliniko_invoice_issue_date", "Cliniko invoice issue date", "When the invoice was issued."),
    _i.moment("cliniko_invoice_closed_at", "Cliniko invoice closed at", "When the invoice was paid or closed."),
    _i.number("cliniko_invoice_net_amount", "Cliniko invoice net amount", "The amount before tax."),
    _i.number("cliniko_invoice_tax_amount", "Cliniko invoice tax", "The tax on the invoice."),
    _i.number("cliniko_invoice_discount", "Cliniko invoice discount", "The discount on the invoice."),
    _i.number("cliniko_invoice_total", "Cliniko invoice total", "The invoice's total."),
    _i.text("cliniko_invoice_appointment_id", "Cliniko invoice appointment ID",
            "The number of the appointment that was invoiced."),
    _i.yes_no("cliniko_invoice_removed", "Cliniko invoice removed", "Yes when the invoice was removed in Cliniko."),
)  # fmt: skip

APPOINTMENT_PIPELINE = Pipeline(
    "cliniko_appointments",
    "Cliniko Appointments",
    "appointments",
    (
        Stage("cliniko_appt_booked", "Booked", "0.5", 0),
        Stage("cliniko_appt_arrived", "Arrived", "1.0", 1),
        Stage("cliniko_appt_did_not_arrive", "Did Not Arrive", "0.0", 2),
        Stage("cliniko_appt_cancelled", "Cancelled", "0.0", 3),
    ),
)
INVOICE_PIPELINE = Pipeline(
    "cliniko_invoices",
    "Cliniko Invoices",
    "invoices",
    (
        Stage("cliniko_inv_open", "Open", "0.5", 0),
        Stage("cliniko_inv_paid", "Paid", "1.0", 1),
        Stage("cliniko_inv_closed", "Closed", "0.0", 2),
        Stage("cliniko_inv_open_credit", "Open Credit", "0.5", 3),
    ),
)
