"""The published matching rules (product rules 1 to 6), as one pure function. Two people are never mixed.

Whatever is not a clear match becomes a separate contact; staff can link it later.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Candidate:
    """A HubSpot contact as the rules see it. Names and emails are normalised keys, not what was typed."""

    hubspot_id: str
    emails: frozenset[str]
    first: str | None
    last: str | None
    birth: date | None
    # The contact's unique key for this record kind, if it carries one that counts.
    key: str | None

    @property
    def nameless(self) -> bool:
        return not self.first and not self.last


@dataclass(frozen=True)
class Subject:
    """An unlinked Cliniko record as the rules see it, with what the identity index knows around it."""

    cliniko_id: str
    key: str
    email: str | None
    first_names: frozenset[str]
    last: str | None
    birth: date | None
    removed: bool
    # Another known record has this email / this email and these names.
    email_shared: bool = False
    namesake_shares_email: bool = False
    # Of all known records with this email, this one writes it.
    owns_email: bool = True
    # The contact that has this email is clearly another known record's, though that one may not be linked yet.
    email_spoken_for: bool = False
    # Another known record has one of these phone numbers and these names.
    namesake_shares_phone: bool = False
    # A person's decision in the review: "linked" with `decided_hubspot_id`, or "separate".
    decided: str | None = None
    decided_hubspot_id: str | None = None
    # A deal needs this person's contact although the record is archived.
    needed: bool = False


@dataclass(frozen=True)
class Decision:
    """action: link | create | hold | exclude | blocked (our key sits on a contact that is not this person's)."""

    action: str
    rule: str
    hubspot_id: str | None = None
    write_email: bool = True
    shared_email: bool = False
    review: str | None = None
    review_hubspot_id: str | None = None


def names_agree(subject: Subject, candidate: Candidate) -> bool:
    """First or preferred first name, and last name, ignoring case, accents and spacing."""
    return bool(
        candidate.last and candidate.first and candidate.last == subject.last and candidate.first in subject.first_names
    )


def births_agree(subject: Subject, candidate: Candidate) -> bool:
    """Equal, or not known on one side."""
    return subject.birth is None or candidate.birth is None or subject.birth == candidate.birth


def decide(
    subject: Subject,
    *,
    by_key: Candidate | None,
    by_email: Candidate | None,
    by_id: Candidate | None = None,
    by_phone: Sequence[Candidate] = (),
    taken: Mapping[str, str],
    never: Collection[str],
    hold_doubtful: bool = False,
) -> Decision:
    """Apply the rules to one record.

    `taken` maps HubSpot ids to the Cliniko id they are linked to (ledger and this batch); `never` holds the HubSpot ids
    that a person unlinked from this record; `by_id` is the contact a person chose in a review.
    """

    def free(candidate: Candidate) -> bool:
        return candidate.hubspot_id not in never and not linked_elsewhere(subject, candidate, taken)

    if by_key is not None:
        if by_key.hubspot_id in never or taken.get(by_key.hubspot_id, subject.cliniko_id) != subject.cliniko_id:
            return Decision("blocked", "key", by_key.hubspot_id)
        return _link(subject, by_key, "key", by_email)
    if subject.removed and not subject.needed:
        return Decision("exclude", "removed")
    if subject.decided == "linked" and by_id is not None and free(by_id):
        return _link(subject, by_id, "review", by_email)
    if subject.email is None:
        return _by_phone(subject, [c for c in by_phone if free(c)])
    if by_email is None:
        if subject.owns_email:
            return Decision("create", "new")
        return Decision("create", "shared_email", write_email=False, shared_email=True, review="shared_email")
    if free(by_email):
        if names_agree(subject, by_email) and births_agree(subject, by_email) and not subject.namesake_shares_email:
            return Decision("link", "email_and_names", by_email.hubspot_id)
        if by_email.nameless and births_agree(subject, by_email) and not subject.email_shared:
            return Decision("link", "email_only", by_email.hubspot_id)
    return _separate(subject, by_email, taken, never, hold_doubtful)


def linked_elsewhere(subject: Subject, candidate: Candidate, taken: Mapping[str, str]) -> bool:
    """Is this contact somebody else's, by the ledger or by the key it carries?"""
    owner = taken.get(candidate.hubspot_id)
    if owner is not None and owner != subject.cliniko_id:
        return True
    return candidate.key is not None and candidate.key != subject.key


def _link(subject: Subject, candidate: Candidate, rule: str, holder: Candidate | None) -> Decision:
    """A link that did not come from the address: somebody else may hold it."""
    withheld = (
        subject.email is not None
        and subject.email not in candidate.emails
        and (holder is not None or not subject.owns_email)
    )
    return Decision(
        "link",
        rule,
        candidate.hubspot_id,
        write_email=not withheld,
        shared_email=withheld,
        review_hubspot_id=holder.hubspot_id if withheld and holder is not None else None,
    )


def _separate(
    subject: Subject, holder: Candidate, taken: Mapping[str, str], never: Collection[str], hold_doubtful: bool
) -> Decision:
    """Rule 4: the address belongs to a contact that is not clearly this person."""
    if holder.hubspot_id in never or subject.decided == "separate":
        return Decision("create", "separate", write_email=False, shared_email=True)
    doubtful = not subject.email_spoken_for and not linked_elsewhere(subject, holder, taken)
    if doubtful and hold_doubtful:
        return Decision("hold", "held", review="doubtful_match", review_hubspot_id=holder.hubspot_id)
    return Decision(
        "create",
        "separate" if doubtful else "shared_email",
        write_email=False,
        shared_email=True,
        review="doubtful_match" if doubtful else "shared_email",
        review_hubspot_id=holder.hubspot_id,
    )


def _by_phone(subject: Subject, candidates: Sequence[Candidate]) -> Decision:
    """Rule 6: without an email a new contact, unless exactly one contact has this phone and these names, and nobody
    else who is known has both."""
    fitting = [c for c in candidates if names_agree(subject, c) and births_agree(subject, c)]
    if len(fitting) == 1 and not subject.namesake_shares_phone:
        return Decision("link", "phone_and_names", fitting[0].hubspot_id)
    return Decision("create", "new_without_email")
