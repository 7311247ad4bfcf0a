"""The settings of an account as the page shows them: groups, labels, and what each one leads to."""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.mapping.catalogue import PIPELINES


@dataclass(frozen=True)
class Field:
    """`kind`: switch | number | text | owner | stages. `effect` is the consequence in a sentence."""

    label: str
    effect: str
    kind: str = "switch"
    unit: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Group:
    """Settings that belong together."""

    title: str
    names: tuple[str, ...]
    intro: str = ""


GROUPS: tuple[Group, ...] = (
    Group(
        "What is synced",
        ("sync_patients", "sync_contacts", "sync_appointments", "sync_invoices", "interval_minutes"),
        "Switching one off leaves in HubSpot what is there; switched on again it goes on where it stopped.",
    ),
    Group(
        "People",
        (
            "use_preferred_first_name",
            "hold_doubtful_matches",
            "match_by_phone",
            "recreate_deleted_contacts",
            "push_enabled",
        ),
    ),
    Group(
        "Appointments",
        (
            "individual_appointments_days_forward",
            "add_amount_to_appointments",
            "prices_include_tax",
            "appointment_deal_owner",
            "appointment_pipeline",
            "appointment_stages",
        ),
    ),
    Group("Invoices", ("invoice_days_back", "invoice_deal_owner", "invoice_pipeline", "invoice_stages")),
    Group("Money", ("deal_currency",)),
    Group(
        "Privacy",
        ("include_appointment_type", "include_case_name"),
        "The names of appointment types and cases can tell about a person’s health. Everybody in HubSpot sees them.",
    ),
    Group("Alerts", ("alert_email", "alert_webhook")),
    Group("Leaving", ("retention_days",)),
)

_OWNER = "It is written on every deal, old ones, too. A deactivated user is never written."
_PIPELINE = "Empty means our own pipeline. Deals that a person moved to another pipeline stay there."
_STAGES = "Only for a pipeline of your own: the id of your stage for each of ours."

FIELDS: Mapping[str, Field] = {
    "sync_patients": Field("Patients", "Every patient becomes a contact in HubSpot."),
    "sync_contacts": Field("Contacts", "Doctors, payers and other Cliniko contacts become contacts in HubSpot."),
    "sync_appointments": Field("Appointments", "Every appointment becomes a deal on the patient’s contact."),
    "sync_invoices": Field("Invoices", "Every invoice becomes a deal on the patient’s contact."),
    "interval_minutes": Field(
        "Check Cliniko every", "A change in Cliniko is in HubSpot after this time at the latest.", "number", "minutes"
    ),
    "use_preferred_first_name": Field(
        "Use the preferred first name", "The first name in HubSpot is the preferred one, where a person has one."
    ),
    "hold_doubtful_matches": Field(
        "Wait when it is doubtful",
        "A patient whose email belongs to somebody else waits for a review, instead of getting a contact without it.",
    ),
    "match_by_phone": Field(
        "Match by phone", "A patient without email is linked to the one contact with the same phone and name."
    ),
    "recreate_deleted_contacts": Field(
        "Bring deleted contacts back", "A contact that was deleted in HubSpot is made again when its patient changes."
    ),
    "push_enabled": Field(
        "Allow sending to Cliniko", "Staff can change or create a patient in Cliniko from a HubSpot contact."
    ),
    "individual_appointments_days_forward": Field(
        "Look ahead", "Later appointments become deals when their time comes nearer.", "number", "days"
    ),
    "add_amount_to_appointments": Field(
        "Write prices on appointments", "Each deal carries the price of its appointment type. Sums then include it."
    ),
    "prices_include_tax": Field(
        "Prices in Cliniko include tax", "Tax is not added once more to the price of an appointment."
    ),
    "appointment_deal_owner": Field("Owner of appointment deals", _OWNER, "owner"),
    "appointment_pipeline": Field("Pipeline of appointments", _PIPELINE, "text", hint="Id of a HubSpot pipeline"),
    "appointment_stages": Field("Stages of appointments", _STAGES, "stages"),
    "invoice_days_back": Field(
        "Look back", "Older invoices do not become deals. One that is a deal is followed for ever.", "number", "days"
    ),
    "invoice_deal_owner": Field("Owner of invoice deals", _OWNER, "owner"),
    "invoice_pipeline": Field("Pipeline of invoices", _PIPELINE, "text", hint="Id of a HubSpot pipeline"),
    "invoice_stages": Field("Stages of invoices", _STAGES, "stages"),
    "deal_currency": Field(
        "Currency of deals", "Empty means the currency of your HubSpot account. HubSpot must know it.", "text",
        hint="Three letters, such as AUD",
    ),
    "include_appointment_type": Field(
        "Name the appointment type", "Off empties the type wherever we wrote it, and leaves it out of deal names."
    ),
    "include_case_name": Field("Name the case", "Off empties the name of the case wherever we wrote it."),
    "alert_email": Field(
        "Mail to", "This address hears when syncing stops or needs you. Empty means nobody does.", "text",
        hint="One address",
    ),
    "alert_webhook": Field(
        "Message to", "The same is sent to this address, for a chat or a monitoring tool.", "text", hint="https://…"
    ),
    "retention_days": Field(
        "Keep after leaving",
        "When the app was uninstalled, everything stored here is deleted after this time. Until then a reinstall keeps "
        "every link.",
        "number",
        "days",
    ),
}  # fmt: skip

# {setting: {our stage: its label}}
STAGES: Mapping[str, Mapping[str, str]] = {
    f"{pipeline.stream.removesuffix('s')}_stages": {stage.id: stage.label for stage in pipeline.stages}
    for pipeline in PIPELINES
}

OWNER_CHOICES: Mapping[str, str] = {
    "practitioner": "The practitioner",
    "contact": "Whoever owns the contact",
    "none": "Nobody",
}

# Counted in a question before a change is made.
REWRITES: Mapping[str, str] = {
    "patients": "contact of a patient",
    "contacts": "contact of a Cliniko contact",
    "appointments": "appointment deal",
    "invoices": "invoice deal",
}
REWRITES_MANY: Mapping[str, str] = {
    "patients": "contacts of patients",
    "contacts": "contacts of Cliniko contacts",
    "appointments": "appointment deals",
    "invoices": "invoice deals",
}
