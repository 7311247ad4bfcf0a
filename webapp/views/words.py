"""Plain words for stored causes: what happened, what we did, what to do."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """`reason` goes on after the record's name and a colon; `remedy` is a sentence. `{field}` is HubSpot's property."""

    reason: str
    remedy: str


ISSUES: Mapping[str, Words] = {
    "email_refused": Words(
        "HubSpot refuses the email address. Everything else was written.",
        "Correct the address in Cliniko; it will go through by itself.",
    ),
    "field_refused": Words(
        "HubSpot refuses the value of {field}. Everything else was written.",
        "Correct it in Cliniko, or look in HubSpot whether this property was changed. It is tried again by itself.",
    ),
    "key_taken": Words(
        "another HubSpot record already holds this Cliniko record's key.",
        "Look for two contacts of the same person in HubSpot and merge them, then try again.",
    ),
    "required_property": Words(
        "HubSpot demands a value for {field}, and Cliniko has none.",
        "Make the property optional in HubSpot, or fill it in there. It is tried again by itself.",
    ),
    "property_missing": Words(
        "the property {field} is missing in HubSpot. Everything else was written.",
        "Prepare HubSpot again on the set-up page, then try again.",
    ),
    "not_found": Words(
        "its HubSpot record is not there any more.",
        "If it was deleted on purpose, nothing needs doing. It comes back only when the setting for that is on.",
    ),
    "refused": Words(
        "HubSpot refuses the record.",
        "Read what HubSpot said below, correct it in Cliniko or HubSpot, then try again.",
    ),
    "unreadable_record": Words(
        "what Cliniko sent for this record could not be read.",
        "Open it in Cliniko and save it once. It is tried again by itself.",
    ),
    "not_returned": Words(
        "Cliniko did not return it when it was asked for.",
        "If it was removed in Cliniko, nothing needs doing. It is asked for again by itself.",
    ),
    "currency_refused": Words(
        "HubSpot does not know this currency, so deals carry none.",
        "Add the currency in HubSpot, or choose another one in the settings. Every deal gets it then.",
    ),
    "stage_missing": Words(
        "the pipeline or stage of its deal is missing in HubSpot.",
        "Prepare HubSpot again on the set-up page, or choose another pipeline in the settings.",
    ),
    "push_gave_up": Words(
        "what was asked for it was not done, because Cliniko or HubSpot did not answer for a long time.",
        "Try again now, or set the switch on the contact again.",
    ),
    "push_refused": Words(
        "what was asked for it was not done, because it was refused.",
        "Read below why, correct it on the contact, then try again now.",
    ),
}
OTHER_ISSUE = Words("it could not be written.", "It is tried again by itself. If it stays, write to support.")

STREAM_CAUSES: Mapping[str, Words] = {
    "key_revoked": Words("Cliniko no longer accepts the API key.", "Enter a new key on the set-up page."),
    "uninstalled": Words("HubSpot no longer gives us access.", "Install CRMConnect again from HubSpot."),
    "not_connected": Words("Cliniko is not connected yet.", "Enter the API key on the set-up page."),
    "not_provisioned": Words("HubSpot is not prepared yet.", "Press “Prepare HubSpot” on the set-up page."),
    "list_forbidden": Words(
        "the Cliniko user of the API key may not read this list.",
        "Enter a key of a user who may, on the set-up page.",
    ),
    "missing_scopes": Words(
        "HubSpot did not give all the permissions that are needed.", "Install CRMConnect again and agree to all."
    ),
    "rate_limited": Words("we were asked to wait before the next call.", "Nothing to do, it goes on by itself."),
    "unavailable": Words("Cliniko or HubSpot does not answer.", "Nothing to do, it is tried again by itself."),
    "refused": Words(
        "HubSpot or Cliniko refuses a request that belongs to no single record.",
        "Nothing is lost, it is tried again by itself. If it stays, write to support.",
    ),
    "our_fault": Words("something is wrong on our side.", "The operator was told. Nothing is lost."),
    "no_pipeline": Words(
        "HubSpot has no pipeline for these deals.",
        "Choose a pipeline in the settings, or prepare HubSpot again on the set-up page.",
    ),
    "after_patients": Words("patients come first.", "Nothing to do, it begins when all patients have been read once."),
    "busy": Words("another part of the sync is at work.", "Nothing to do, it goes on by itself."),
}

STREAMS: Mapping[str, str] = {
    "patients": "Patients",
    "contacts": "Contacts",
    "appointments": "Appointments",
    "invoices": "Invoices",
}

# Status is a word and a shape, never a colour alone.
SHAPES: Mapping[str, tuple[str, str]] = {
    "ok": ("●", "In sync"),
    "needs": ("▲", "Needs you"),
    "stopped": ("■", "Stopped"),
    "paused": ("■", "Paused"),
    "working": ("◌", "Working"),
    "waiting": ("◌", "Waiting"),
    "new": ("◌", "Not run yet"),
}


def issue_words(cause: str, field: str) -> Words:
    """Reason and remedy of an issue, with the property named."""
    words = ISSUES.get(cause, OTHER_ISSUE)
    named = f"“{field}”" if field else "a property"
    return Words(words.reason.replace("{field}", named), words.remedy)


def stream_words(cause: str | None) -> Words | None:
    """Why a stream waits or stopped, if it says so."""
    if cause is None:
        return None
    return STREAM_CAUSES.get(cause, STREAM_CAUSES["our_fault"])
