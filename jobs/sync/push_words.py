"""What a push says to the person who asked for it, in plain words: one sentence about what happened, one what to do."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from jobs.mapping.catalogue_types import SyncStatus
from jobs.mapping.push import LABELS, label_of_error
from webapp.clients.errors import Rejected

# HubSpot shows the message in a small field.
LONGEST = 500


@dataclass(frozen=True)
class Said:
    """How a request ended. `result` is a word for the ledger and metrics; `message` may name the person's values."""

    result: str
    status: SyncStatus
    message: str = field(repr=False)


def updated(sent: Sequence[str], conflicts: Sequence[str], problems: Sequence[str]) -> Said:
    """The linked record was looked at; `sent` are the properties that went out."""
    parts = [f"Sent to Cliniko: {_labels(sent)}." if sent else "Cliniko has the same values already. Nothing was sent."]
    status = SyncStatus.SENT
    if conflicts:
        parts.append(
            f"Changed on both sides, so Cliniko's value was kept: {_labels(conflicts)}. "
            "To use HubSpot's value, enter it again and push once more."
        )
    if problems:
        parts += problems
        status = SyncStatus.ATTENTION
    return Said("updated" if sent else "unchanged", status, _short(parts))


def created(kind: str, problems: Sequence[str]) -> Said:
    what = "patient" if kind == "patient" else "contact"
    status = SyncStatus.ATTENTION if problems else SyncStatus.SENT
    return Said("created", status, _short([f"Created as a {what} in Cliniko and linked.", *problems]))


def linked(kind: str, sent: Sequence[str], conflicts: Sequence[str], problems: Sequence[str]) -> Said:
    """A record that was in Cliniko already was found and linked."""
    what = "patient" if kind == "patient" else "contact"
    rest = updated(sent, conflicts, problems)
    return Said("linked", rest.status, _short([f"Linked to the {what} that Cliniko has already.", rest.message]))


def refused(error: Rejected) -> Said:
    """Cliniko refused the values: its own words, with HubSpot's names of the fields."""
    parts = [f"{label_of_error(e.field)}: {e.message or 'not accepted'}." for e in error.errors]
    text = " ".join(parts) or (error.detail or "no reason given")
    return Said(
        "refused", SyncStatus.ATTENTION, _short([f"Cliniko did not accept this. {text}", "Correct it and push again."])
    )


def missing(labels: Sequence[str]) -> Said:
    return Said(
        "incomplete",
        SyncStatus.ATTENTION,
        _short([f"Cliniko needs {' and '.join(labels)}.", "Fill it in and push again."]),
    )


def another_person() -> Said:
    return Said(
        "another_person",
        SyncStatus.REVIEW,
        "The name or birth date is another one than in Cliniko, so this may be another person. Nothing was sent. "
        "Decide in CRMConnect, under Review.",
    )


def several() -> Said:
    return Said(
        "several",
        SyncStatus.REVIEW,
        "Cliniko has more than one record that may be this person. Nothing was sent. "
        "Decide in CRMConnect, under Review.",
    )


def taken() -> Said:
    return Said(
        "taken",
        SyncStatus.REVIEW,
        "Cliniko has this person already, linked to another HubSpot contact. Nothing was sent. "
        "Decide in CRMConnect, under Review.",
    )


def switched_off() -> Said:
    return Said(
        "switched_off",
        SyncStatus.NOT_SENT,
        "Sending to Cliniko is switched off in CRMConnect's settings. Nothing was sent.",
    )


def gave_up() -> Said:
    return Said(
        "gave_up",
        SyncStatus.ATTENTION,
        "Cliniko did not answer for a long time, so this was not sent. Set the switch again to try once more.",
    )


def not_allowed() -> Said:
    return Said(
        "not_allowed",
        SyncStatus.ATTENTION,
        "The Cliniko user of the API key may not change this. Enter a key of another user in CRMConnect.",
    )


def archived() -> Said:
    return Said(
        "archived",
        SyncStatus.ATTENTION,
        "This record is archived in Cliniko and cannot be changed there. Unarchive it in Cliniko and push again.",
    )


def _labels(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(LABELS.get(name, name) for name in names))


def _short(parts: Sequence[str]) -> str:
    text = " ".join(part for part in parts if part)
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"
