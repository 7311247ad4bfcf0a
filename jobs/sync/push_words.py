"""What a push says to the person who asked for it, in plain words: one sentence about what happened, one what to do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.mapping.catalogue_types import SyncStatus
from jobs.mapping.push import LABELS, label_of_error
from webapp.clients.errors import Rejected

# HubSpot shows the message in a small field.
LONGEST = 500


@dataclass(frozen=True)
class Said:
    """How a request ended. `result` is a word for the ledger and metrics; `message` may name the person's values.

    `plain` and `remedy` are for the card, where no value of a person may stand; without `plain` the message has none.
    `status` None: nothing about this is written on the contact."""

    result: str
    status: SyncStatus | None
    message: str = field(repr=False)
    plain: str | None = None
    remedy: str | None = None


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


def linked(kind: str, rest: Said) -> Said:
    """A record that was in Cliniko already was found and linked; `rest` is what became of the fields."""
    what = "patient" if kind == "patient" else "contact"
    return Said("linked", rest.status, _short([f"Linked to the {what} that Cliniko has already.", rest.message]))


def refused(error: Rejected) -> Said:
    """Cliniko refused the values: its own words, with HubSpot's names of the fields."""
    parts = [f"{label_of_error(e.field)}: {e.message or 'not accepted'}." for e in error.errors]
    text = " ".join(parts) or (error.detail or "no reason given")
    fields = ", ".join(dict.fromkeys(label_of_error(e.field) for e in error.errors))
    return Said(
        "refused",
        SyncStatus.ATTENTION,
        _short([f"Cliniko did not accept this. {text}", "Correct it and push again."]),
        plain=f"Cliniko did not accept: {fields}." if fields else "Cliniko did not accept this.",
        remedy="Correct it on this contact, then push again. Its sync message says what Cliniko minds.",
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


def gave_up(service: str = "cliniko") -> Said:
    """Whoever does not answer, or stays busy, for as long as we try."""
    name = "HubSpot" if service == "hubspot" else "Cliniko"
    plain = f"{name} did not answer for a long time, so this was not done."
    return Said(
        "gave_up",
        SyncStatus.ATTENTION,
        f"{plain} Set the switch again to try once more.",
        plain=plain,
        remedy="Try again.",
    )


def not_accepted() -> Said:
    return Said(
        "refused",
        SyncStatus.ATTENTION,
        "HubSpot did not accept this. Try again, or ask for help.",
        plain="HubSpot did not accept this.",
        remedy="Try again. If it stays, write to support.",
    )


def no_permission() -> Said:
    return Said(
        "not_allowed",
        SyncStatus.ATTENTION,
        "HubSpot did not give CRMConnect the permission for this. Install it again and agree to all.",
    )


def contact_gone() -> Said:
    return Said("contact_gone", SyncStatus.NOT_SENT, "The contact is not in HubSpot any more.")


def set_back() -> Said:
    """Somebody set the switch back, or this very request ran already: there is nothing to tell."""
    return Said("set_back", None, "")


def unlinked(word: str) -> Said:
    """`word` is what the unlinking said."""
    if word == "unlinked":
        return Said(word, SyncStatus.UNLINKED, "Unlinked. It can be undone in CRMConnect.")
    return Said(word, None, "No patient was linked to this contact.")


def moved() -> Said:
    return Said(
        "moved",
        SyncStatus.UNLINKED,
        "The Cliniko record is linked to another HubSpot contact now. If both are the same person, merge them.",
    )


def undone(word: str) -> Said:
    """`word` is what the undoing of an unlink said."""
    texts = {
        "restored": "Linked again, as before.",
        "has_another": "The patient has another HubSpot contact by now, so nothing was changed.",
        "contact_taken": "The contact belongs to another patient by now, so nothing was changed.",
        "contact_gone": "The contact is not in HubSpot any more, so nothing was changed.",
    }
    return Said(word, SyncStatus.SYNCED if word == "restored" else None, texts[word])


def decided(word: str, message: str) -> Said:
    """A person's decision in a review was carried out, or could not be."""
    return Said(word, None, message)


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


def gone() -> Said:
    return Said(
        "gone",
        SyncStatus.ATTENTION,
        "Cliniko does not have this record any more, so nothing was sent. Unlink it here, then push again.",
    )


def merged() -> Said:
    return Said(
        "merged",
        SyncStatus.ATTENTION,
        "This patient was merged into another one in Cliniko. Nothing was sent. "
        "The contact follows with the next sync, push again after it.",
    )


def erased() -> Said:
    return Said(
        "erased",
        SyncStatus.NOT_SENT,
        "This person's data was deleted for privacy, so CRMConnect does not sync it any more. Nothing was sent.",
    )


# Results after which what was asked for is done, or there was nothing to do.
FINE = frozenset(
    {
        *("updated", "unchanged", "created", "linked", "unlinked", "not_linked", "synced", "found", "nobody"),
        *("restored", "separate", "ignored"),
    }
)


def outcome(said: Said) -> dict[str, Any] | None:
    """What the card tells of it, without any value of a person; None when there is nothing to tell."""
    if said.result == "set_back":
        return None
    return {
        "status": said.status.value if said.status is not None else None,
        "message": said.plain or said.message or None,
        "remedy": said.remedy,
        "failed": said.result not in FINE,
    }


def _labels(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(LABELS.get(name, name) for name in names))


def _short(parts: Sequence[str]) -> str:
    text = " ".join(part for part in parts if part)
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"
