"""The words of the card in hubspot_app/, for the simulated contact page. A test holds both to the same sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

APP = "CRMConnect for Cliniko"
SETTINGS_PLACE = f"Connected apps › {APP} › Settings"

LABELS = {
    "sync": "Sync now",
    "search": "Search again",
    "push": "Push to Cliniko",
    "unlink": "Unlink…",
    "review": "Open the review",
    "again": "Try again",
    "check": "Check again",
    "open": "Open in Cliniko",
    "patient": "Patient",
    "contact": "Contact",
    "status": "Status",
    "synced": "Last synced",
    "next": "Next visit",
    "last": "Last visit",
}
DOING = {"sync": "Syncing with Cliniko", "push": "Sending to Cliniko", "unlink": "Unlinking"}
DONE = {
    "sync": "In step with Cliniko.",
    "push": "Sent to Cliniko.",
    "unlink": "Unlinked. It can be undone in CRMConnect.",
}
FAILED = {
    "sync": "The sync did not go through",
    "push": "Nothing was sent to Cliniko",
    "unlink": "The link is still there",
}
RULES = {
    "key": "Matched by the Cliniko key on this contact.",
    "email_and_names": "Matched by email and name.",
    "email_only": "Matched by email; this contact had no name.",
    "phone_and_names": "Matched by phone and name.",
    "review": "Linked by a person in the review.",
    "new": "This contact was created from Cliniko.",
    "new_without_email": "This contact was created from Cliniko, where no email is known.",
    "shared_email": "Created from Cliniko as a contact of its own, because somebody else has the email.",
    "separate": "Created from Cliniko as a contact of its own, because somebody else has the email.",
    "push": "Linked when this contact was pushed to Cliniko.",
    "import": "Linked by an import.",
    "merged_in_hubspot": "Kept when two contacts were merged in HubSpot.",
}
NEEDS_A_PERSON = ("Not sent to Cliniko", "Waiting for review", "Needs attention")
PATIENT_STATUS = {
    "archived": "This patient is archived in Cliniko. The contact stays as it is.",
    "merged": "This patient was merged into another one in Cliniko. The contact stays as it is.",
    "deleted": "This patient is no longer in Cliniko. The contact stays as it is; you can unlink it.",
}
LINKED_PATIENT = "Linked to a Cliniko patient"
LINKED_CONTACT = "Linked to a contact in Cliniko"
NOT_LINKED = "No Cliniko patient is linked"
UNLINKED_BEFORE = "It was unlinked by a person and will not be matched to the same patient again."
SHARED_LINKED = "Another contact already has this patient's email, so it is kept in the property Cliniko email."
PUSH_LOOKS_FIRST = "If Cliniko already has this person, they are linked and updated instead."
NO_VISIT = "None booked"
NO_LAST_VISIT = "None yet"
VISITS_UNKNOWN = "Still being read"
NEVER = "Not yet"


@dataclass(frozen=True)
class Notice:
    """What happened, then what it means and what to do."""

    title: str
    lines: list[str] = field(default_factory=list)


_SIMPLE = {
    "paused": Notice(
        "Syncing is paused",
        ["Nothing changes in HubSpot or Cliniko until it goes on.", "An admin can resume it in CRMConnect."],
    ),
    "not_connected": Notice(
        "Cliniko is not connected yet",
        ["Nothing has been synced so far.", f"An admin connects it under {SETTINGS_PLACE}."],
    ),
    "reconnect_needed": Notice(
        "Cliniko no longer lets us in",
        ["Syncing has stopped. Nothing is lost.", f"An admin enters a new Cliniko key under {SETTINGS_PLACE}."],
    ),
    "not_allowed": Notice(
        "You may not see this here",
        ["Your account does not share the link to Cliniko with you.", "Ask an admin if you need it."],
    ),
    "uninstalled": Notice(
        "CRMConnect is not installed any more",
        [
            "It has no access to this HubSpot account, so nothing is synced.",
            "An admin can install it again; the links come back.",
        ],
    ),
    "error": Notice(
        "The link to Cliniko cannot be shown",
        [
            "Something is wrong on our side. Nothing was changed.",
            "Try again in a minute. If it stays, write to support.",
        ],
    ),
}
_CAUSES = {
    "doubtful_match": "A Cliniko patient has this email but another name or birth date.",
    "shared_email": "Several Cliniko patients share this email.",
    "email_withheld": "Another contact already has this patient's email.",
    "merged_in_hubspot": "Two linked contacts were merged in HubSpot.",
    "another_person": "The name or birth date differs from the Cliniko patient: perhaps another person.",
    "several_patients": "More than one Cliniko patient could be this person.",
}
NO_ANSWER = Notice("CRMConnect does not answer", ["The connection failed or took too long.", "Try again in a minute."])
MAYBE_DONE = "We do not know whether your click arrived. Trying again is safe: it is done once."


def simple(answer: Mapping[str, Any]) -> Notice | None:
    """States that need no more than a title, a sentence and a remedy; the service's own words win."""
    own = _SIMPLE.get(answer["state"])
    if own is None:
        return None
    return Notice(own.title, [answer.get("message") or own.lines[0], answer.get("remedy") or own.lines[1]])


def wait(answer: Mapping[str, Any]) -> Notice:
    service = "HubSpot" if answer["wait"]["service"] == "hubspot" else "Cliniko"
    seconds = answer["wait"]["seconds"]
    length = f"{seconds} second{'' if seconds == 1 else 's'}" if seconds < 90 else f"{round(seconds / 60)} minutes"
    return Notice(f"{service} asked us to wait {length}", ["It goes on by itself, nothing to do."])


def shared(answer: Mapping[str, Any]) -> Notice:
    number = (answer.get("shared") or {}).get("patients") or "More than one"
    return Notice(
        "Several patients use this email",
        [
            f"{number} Cliniko patients have this contact's email address. "
            "Two people are never mixed, so none was linked by itself.",
            "In the review you decide who this contact is.",
        ],
    )


def review(answer: Mapping[str, Any]) -> Notice:
    number, cause = answer["review"]["count"], answer["review"]["cause"]
    title = "1 decision waits for you" if number == 1 else f"{number} decisions wait for you"
    text = _CAUSES.get(cause, "CRMConnect could not decide this by itself.")
    return Notice(title, [text, "Until then nothing is written for it."])


def failure(answer: Mapping[str, Any]) -> Notice | None:
    """The newest request failed, or the last sync left something to do."""
    work, sync = answer.get("work"), answer.get("sync")
    if work and work["status"] == "failed":
        lines = [line for line in (work.get("message"), work.get("remedy")) if line]
        return Notice(FAILED[work["action"]], lines)
    if sync and sync["status"] in NEEDS_A_PERSON:
        return Notice(sync["status"], [sync["message"]] if sync.get("message") else [])
    return None


def fault(status: int, *, pressed: bool) -> Notice:
    """The service could not be asked, or gave no answer that can be shown."""
    own = NO_ANSWER if status == 0 else _SIMPLE["error"]
    return Notice(own.title, [MAYBE_DONE if pressed and (status == 0 or status >= 500) else own.lines[0], own.lines[1]])


def unlink_lines(patient_id: str) -> list[str]:
    return [
        f"The link between this contact and Cliniko patient {patient_id} ends. Both records stay; nothing is deleted.",
        "The patient's number, link, status and visits are cleared from this contact, "
        "and the two are not matched again.",
        "When the patient next changes in Cliniko, they get a contact of their own.",
    ]


RESTORE = "Give back what was here before Cliniko"
DEALS_DETAIL = "They leave this contact and go to the patient's own one."
UNDO = "You can undo this in CRMConnect."


def short_id(text: str) -> str:
    """`836447…061`: long ids are told apart by both ends."""
    return f"{text[:6]}…{text[-3:]}" if len(text) > 9 else text
