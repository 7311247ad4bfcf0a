"""Reviews in plain words: what is asked, what each answer does, and which key gives it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """`why` is the rule in a sentence; `until` is what holds until somebody decides."""

    title: str
    why: str
    until: str


@dataclass(frozen=True)
class Answer:
    """One button. `done` is said after it was pressed."""

    label: str
    key: str
    effect: str
    done: str


QUESTIONS: Mapping[str, Question] = {
    "doubtful_match": Question(
        "The same person?",
        "Same email, but names or birth dates do not agree: perhaps a parent and a child.",
        "Until you decide, the two stay apart.",
    ),
    "shared_email": Question(
        "The same person?",
        "This HubSpot contact has the same email, but it is not clearly the same person: perhaps a family that shares "
        "an address.",
        "Until you decide, the two stay apart, and the address is kept in “Cliniko email” only.",
    ),
    "email_withheld": Question(
        "Who has this email?",
        "Another HubSpot contact already has the email address that Cliniko shows for this person.",
        "Until you decide, the contact is kept up to date without the address.",
    ),
    "merged_in_hubspot": Question(
        "Which of the two is it?",
        "Two contacts were merged in HubSpot, and each was linked to a record of its own. Only one can keep it.",
        "Until you decide, nothing is written for the record shown here.",
    ),
    "merged_in_cliniko": Question(
        "Merge the contacts, too?",
        "Two patients were merged in Cliniko, and each has a HubSpot contact. We never merge contacts ourselves.",
        "The contact of the merged patient keeps its data and is marked Merged. You can merge the two in HubSpot.",
    ),
    "another_person": Question(
        "Still the same person?",
        "Somebody sent this contact to Cliniko, but its name or birth date is not the linked person's. A form that two "
        "people of one family filled in does this.",
        "Until you decide, nothing is changed in Cliniko.",
    ),
    "push_candidates": Question(
        "Is this the patient?",
        "Somebody sent this contact to Cliniko, and more than one record there may be this person.",
        "Until you decide, nothing is changed in Cliniko.",
    ),
}
UNKNOWN = Question("What should happen?", "We could not decide this alone.", "Until you decide, nothing is changed.")

_LATER = Answer("Decide later", "D", "It stays in the list.", "Put off. It stays in the list.")
_LINK = Answer(
    "Link them",
    "L",
    "Cliniko keeps this contact up to date. A contact of its own that the record has meanwhile stays in HubSpot, "
    "without our link.",
    "They are being linked.",
)
_SEPARATE = Answer(
    "Keep separate",
    "S",
    "They stay two people, and it is not asked again.",
    "They stay separate.",
)
_NOTHING = Answer("Do nothing", "N", "Nothing is changed, and the question goes away.", "Nothing was changed.")

ANSWERS: Mapping[str, Answer] = {
    "linked": _LINK,
    "separate": _SEPARATE,
    "later": _LATER,
    "ignored": _NOTHING,
    "update": Answer(
        "Same person: update",
        "L",
        "What the contact shows is sent to the linked record in Cliniko.",
        "The record in Cliniko is being updated.",
    ),
    "create": Answer(
        "Somebody else: create",
        "S",
        "A new record is made in Cliniko from this contact.",
        "A new record is being made in Cliniko.",
    ),
}
# Where the same answer does something else.
SPECIAL: Mapping[tuple[str, str], Answer] = {
    ("merged_in_cliniko", "ignored"): Answer(
        "Done",
        "N",
        "The question goes away. Merge the two contacts in HubSpot if you want to.",
        "The question is gone.",
    ),
    ("another_person", "create"): Answer(
        "Somebody else: create",
        "S",
        "The contact and the linked record part, and a new record is made in Cliniko from this contact.",
        "The two part, and a new record is being made in Cliniko.",
    ),
    ("push_candidates", "linked"): Answer(
        "This is the one",
        "L",
        "The contact is linked with this record, which is updated in Cliniko.",
        "They are being linked, and the record in Cliniko is updated.",
    ),
    ("push_candidates", "create"): Answer(
        "None of them: create",
        "S",
        "A new record is made in Cliniko from this contact.",
        "A new record is being made in Cliniko.",
    ),
    ("merged_in_hubspot", "linked"): Answer(
        "Give it the contact",
        "L",
        "This record takes the contact. The other one gets a contact of its own.",
        "This record takes the contact.",
    ),
    ("merged_in_hubspot", "separate"): Answer(
        "Leave it where it is",
        "S",
        "This record gets a contact of its own.",
        "This record gets a contact of its own.",
    ),
}

TAKEN_BACK: Mapping[str, str] = {
    "undone": "Taken back. The question is open again.",
    "unlinking": "They had been linked already. They are unlinked again, and the question is open.",
    "too_late": "This was carried out already and cannot be taken back here. Activity shows what was done.",
    "gone": "Somebody decided this otherwise meanwhile.",
}

# The stored rule of a link, as it is told everywhere.
RULES: Mapping[str, str] = {
    "key": "Matched by the Cliniko key on the contact.",
    "email_and_names": "Matched by email and name.",
    "email_only": "Matched by email; the contact had no name.",
    "phone_and_names": "Matched by phone and name.",
    "review": "Linked by a person in the review.",
    "new": "The contact was created from Cliniko.",
    "new_without_email": "The contact was created from Cliniko, where no email is known.",
    "shared_email": "Created as a contact of its own, because somebody else has the email.",
    "separate": "Created as a contact of its own, because somebody else has the email.",
    "push": "Linked when the contact was sent to Cliniko.",
    "import": "Linked by an import.",
    "undo": "Linked again when an unlink was undone.",
    "merged_in_hubspot": "Kept when two contacts were merged in HubSpot.",
    "unlinked": "Unlinked by a person.",
}


def question(cause: str) -> Question:
    """What is asked."""
    return QUESTIONS.get(cause, UNKNOWN)


def answer(cause: str, decision: str) -> Answer:
    """The button of a decision."""
    return SPECIAL.get((cause, decision)) or ANSWERS[decision]
