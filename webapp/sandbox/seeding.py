"""What a new simulated HubSpot account holds: owners for the practitioners, and people it knows from before."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from webapp.sandbox.cliniko.clinic import Summary
from webapp.sandbox.cliniko.model import ClinikoAccount
from webapp.sandbox.hubspot import Portal

# Of the contacts that HubSpot has already: how many are patients under their own name, signed up with nothing but an
# address, share an address with a patient under another name. The rest are strangers.
KNOWN_SHARES = {"same_person": 0.6, "address_only": 0.15, "other_person": 0.1}
_EMAIL = re.compile(r"[a-z0-9][a-z0-9.+'-]*@[a-z0-9.-]+\.[a-z]{2,}")


def seed_owners(portal: Portal, summary: Summary) -> None:
    """An owner for every active practitioner with an address but the last; the one before that has left HubSpot."""
    emails = summary.practitioner_emails[:-1]
    for number, email in enumerate(emails):
        first, _, last = email.partition("@")[0].partition(".")
        portal.add_owner(email, first.title(), last.title(), archived=len(emails) > 1 and number == len(emails) - 1)


def seed_contacts(portal: Portal, account: ClinikoAccount, count: int, seed: int) -> int:
    """Give the portal up to `count` contacts, most of them patients of the clinic; returns how many it got."""
    chance = random.Random(f"{seed}:hubspot")  # noqa: S311  # sample data, nothing secret
    names: dict[str, Sequence[str]] = {}
    for row in account.tables["patients"].values():
        email = str(row.get("email") or "").strip().lower()
        if _EMAIL.fullmatch(email) and not row.get("archived_at"):
            names.setdefault(email, (row["first_name"], row["last_name"]))
    known = chance.sample(sorted(names), min(len(names), round(count * sum(KNOWN_SHARES.values()))))
    kinds = chance.choices(list(KNOWN_SHARES), list(KNOWN_SHARES.values()), k=len(known))
    for email, kind in zip(known, kinds, strict=True):
        first, last = names[email]
        who = {"same_person": {"firstname": first, "lastname": last}, "other_person": {"firstname": "Sasha"}}
        portal.create("contacts", {"email": email, **who.get(kind, {})})
    for number in range(count - len(known)):
        portal.create(
            "contacts", {"email": f"stranger{number}@example.org", "firstname": "Sam", "lastname": "Stranger"}
        )
    return count
