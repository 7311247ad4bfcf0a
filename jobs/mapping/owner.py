"""Who owns a deal in HubSpot. A deactivated user never does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, Self

from jobs.mapping.emails import email_key

PRACTITIONER = "practitioner"
CONTACT = "contact"
NONE = "none"


class Owner(Protocol):
    """A HubSpot owner."""

    @property
    def id(self) -> str: ...
    @property
    def email(self) -> str | None: ...
    @property
    def archived(self) -> bool: ...


class NoOwner(StrEnum):
    """Why a deal gets no owner from us."""

    NOT_WANTED = "not_wanted"
    NO_PRACTITIONER = "no_practitioner"
    EMAIL_UNKNOWN = "email_unknown"
    NO_OWNER_WITH_EMAIL = "no_owner_with_email"
    CONTACT_UNKNOWN = "contact_unknown"
    CONTACT_HAS_NONE = "contact_has_none"
    ARCHIVED = "archived"
    NOT_IN_HUBSPOT = "not_in_hubspot"


# Here the deal is known to belong to nobody, so an owner that we wrote earlier goes. In the other cases we only do not
# know, or HubSpot has deactivated the user: what the deal has stays.
_CLEARS = frozenset({NoOwner.NO_PRACTITIONER, NoOwner.NO_OWNER_WITH_EMAIL, NoOwner.CONTACT_HAS_NONE})


@dataclass(frozen=True, slots=True)
class OwnerChoice:
    """An owner id, or the reason why there is none."""

    owner_id: str | None
    reason: NoOwner | None = None

    def values(self) -> dict[str, str]:
        """What to add to the deal's values: the owner, a blank that takes back the one we wrote, or nothing."""
        if self.owner_id is not None:
            return {"hubspot_owner_id": self.owner_id}
        return {"hubspot_owner_id": ""} if self.reason in _CLEARS else {}


@dataclass(frozen=True, slots=True)
class OwnerBook:
    """The account's owners, to look up by id and by email."""

    active: frozenset[str]
    archived: frozenset[str]
    by_email: Mapping[str, str]

    @classmethod
    def of(cls, owners: Iterable[Owner]) -> Self:
        """From HubSpot's list; with the archived ones in it, a missing owner can be told from a deactivated one.

        Of two active owners with one email the lowest id counts, so that the choice does not change from day to day.
        """
        everybody = sorted(owners, key=lambda owner: (len(owner.id), owner.id))
        active = [owner for owner in everybody if not owner.archived]
        ids = frozenset(owner.id for owner in active)
        by_email: dict[str, str] = {}
        for owner in [*active, *(owner for owner in everybody if owner.archived and owner.id not in ids)]:
            address = email_key(owner.email)
            if address is not None:
                by_email.setdefault(address, owner.id)
        return cls(ids, frozenset(owner.id for owner in everybody) - ids, by_email)

    def choose(self, owner_id: str) -> OwnerChoice:
        """This owner, if there is such a one and it is active."""
        if owner_id in self.active:
            return OwnerChoice(owner_id)
        return OwnerChoice(None, NoOwner.ARCHIVED if owner_id in self.archived else NoOwner.NOT_IN_HUBSPOT)


def choose_owner(
    setting: str,
    owners: OwnerBook,
    *,
    practitioner_id: str | None = None,
    practitioner_email: str | None = None,
    practitioner_owners: Mapping[str, str] | None = None,
    contact_owner_id: str | None = None,
) -> OwnerChoice:
    """The owner by one of the owner settings: `practitioner`, `contact`, `none` or the id of an owner.

    The hand-made map (practitioner id → owner id) goes before the email. `contact_owner_id` is "" for a contact without
    an owner and None while the contact has not been read.
    """
    if setting == NONE:
        return OwnerChoice(None, NoOwner.NOT_WANTED)
    if setting == CONTACT:
        if contact_owner_id is None:
            return OwnerChoice(None, NoOwner.CONTACT_UNKNOWN)
        return owners.choose(contact_owner_id) if contact_owner_id else OwnerChoice(None, NoOwner.CONTACT_HAS_NONE)
    if setting != PRACTITIONER:
        return owners.choose(setting)
    if practitioner_id is None:
        return OwnerChoice(None, NoOwner.NO_PRACTITIONER)
    by_hand = (practitioner_owners or {}).get(practitioner_id)
    if by_hand:
        return owners.choose(by_hand)
    address = email_key(practitioner_email)
    if address is None:
        return OwnerChoice(None, NoOwner.EMAIL_UNKNOWN)
    owner_id = owners.by_email.get(address)
    return OwnerChoice(None, NoOwner.NO_OWNER_WITH_EMAIL) if owner_id is None else owners.choose(owner_id)
