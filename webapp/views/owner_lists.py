"""Who could own deals, from the lists that the sync keeps. A page asks neither service for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from jobs.mapping.labels import practitioner_label
from jobs.mapping.owner import PRACTITIONER, OwnerBook, choose_owner
from webapp.clients.cliniko.records import Practitioner, User
from webapp.clients.hubspot.owners import Owner
from webapp.extensions import get_redis


@dataclass(frozen=True)
class PractitionerRow:
    """A practitioner and whoever owns their deals. `how`: hand | email | "" for nobody."""

    id: str
    name: str
    email: str
    owner_id: str
    owner: str
    how: str
    active: bool


@dataclass(frozen=True)
class OwnerLists:
    """`known` is False until the lists have been read once."""

    known: bool
    owners: list[Owner]
    rows: list[PractitionerRow]

    @property
    def without(self) -> list[PractitionerRow]:
        """Those at work whose deals would have no owner."""
        return [row for row in self.rows if not row.how and row.active]

    def is_active(self, owner_id: str) -> bool:
        """May this owner be chosen?"""
        return any(owner.id == owner_id for owner in self.owners)


def owner_lists(connection_id: int | None, by_hand: Mapping[str, str]) -> OwnerLists:
    """From what was last read."""
    if connection_id is None:
        return OwnerLists(False, [], [])
    practitioners = _kept(connection_id, "practitioners", Practitioner)
    owners = _kept(connection_id, "owners", Owner)
    users = {user.id: user.email or "" for user in _kept(connection_id, "users", User) or []}
    if practitioners is None or owners is None:
        return OwnerLists(False, _active(owners or []), [])
    book, names = OwnerBook.of(owners), {owner.id: owner_label(owner) for owner in owners}
    rows = []
    for one in practitioners:
        email = users.get(one.user_id or "", "")
        choice = choose_owner(
            PRACTITIONER, book, practitioner_id=one.id, practitioner_email=email, practitioner_owners=by_hand
        )
        how = "" if choice.owner_id is None else "hand" if by_hand.get(one.id) else "email"
        chosen = choice.owner_id or ""
        name = practitioner_label(one) or f"Practitioner {one.id}"
        rows.append(
            PractitionerRow(one.id, name, email, chosen, names.get(chosen, chosen), how, one.active is not False)
        )
    rows.sort(key=lambda row: (not row.active, row.name.casefold(), row.id))
    return OwnerLists(True, _active(owners), rows)


def owner_label(owner: Owner) -> str:
    """The name, with the address where several may have it."""
    return f"{owner.name} ({owner.email})" if owner.name and owner.email else owner.name or owner.email or owner.id


def _active(owners: list[Owner]) -> list[Owner]:
    return sorted((owner for owner in owners if not owner.archived), key=lambda owner: owner_label(owner).casefold())


def _kept(connection_id: int, name: str, kind: type[Any]) -> list[Any] | None:
    """The key is the one under which jobs.sync.reference keeps the list."""
    raw = get_redis().get(f"crmconnect:reference:{connection_id}:{name}")
    if not raw:
        return None
    try:
        return list(msgspec.json.decode(raw, type=list[kind]))  # type: ignore[valid-type]  # one of our records
    except msgspec.DecodeError:
        return None
