"""HubSpot contacts and other known people, as the matching rules compare them."""

from collections.abc import Collection, Sequence

from jobs.mapping import identity
from jobs.mapping.emails import email_key
from jobs.sync import tags
from jobs.sync.context import SyncContext
from jobs.sync.items import Item, PersonKind
from jobs.sync.matching import Candidate
from webapp.clients.hubspot import objects
from webapp.store.people import KnownPerson

CANDIDATE_PROPERTIES = (
    "email",
    "hs_additional_emails",
    "firstname",
    "lastname",
    "date_of_birth",
    "cliniko_date_of_birth",
    "phone",
    "mobilephone",
)


def candidate(ctx: SyncContext, spec: PersonKind, contact: objects.Record) -> Candidate:
    """A HubSpot contact in the comparable form of the rules."""
    p = contact.properties
    secondary = (p.get("hs_additional_emails") or "").split(";")
    emails = {key for key in map(email_key, [p.get("email"), *secondary]) if key}
    born = identity.birth_date(p.get("cliniko_date_of_birth")) or identity.birth_date(p.get("date_of_birth"))
    return Candidate(
        hubspot_id=contact.id,
        emails=frozenset(emails),
        first=identity.name_key(p.get("firstname")) or (p.get("firstname") or "").strip() or None,
        last=identity.name_key(p.get("lastname")) or (p.get("lastname") or "").strip() or None,
        birth=born,
        key=key_that_counts(ctx, p.get(spec.key_property)),
    )


def key_that_counts(ctx: SyncContext, key: str | None) -> str | None:
    """Our unique key on a contact; one of a Cliniko account that was replaced counts as none."""
    return key if key and key.partition(":")[0] not in ctx.replaced_cliniko_ids else None


def read_candidates(
    ctx: SyncContext, spec: PersonKind, ids: Collection[str], id_property: str | None = None
) -> dict[str, Candidate]:
    """{HubSpot id: contact} by record id, or by a unique property; ≤ 100 in one call."""
    found: dict[str, Candidate] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), 100):
        properties = [*CANDIDATE_PROPERTIES, spec.key_property]
        result = objects.batch_read(ctx.hubspot, "contacts", wanted[start : start + 100], properties, id_property)
        ctx.count("hubspot_calls")
        found |= {contact.id: candidate(ctx, spec, contact) for contact in result.results}
    return found


def is_namesake(ctx: SyncContext, item: Item, other: KnownPerson) -> bool:
    """Same last name and a first name in common, by HMAC."""
    return _named(ctx, other, item.known.last, item.known.first_names)


def fits(ctx: SyncContext, known: Sequence[KnownPerson], contact: Candidate) -> list[KnownPerson]:
    """Those of these people who have the contact's names, and its birth date where both are known."""
    first = {contact.first} if contact.first else set()
    born = tags.birth(ctx.digest_key, contact.birth)
    return [
        k
        for k in known
        if _named(ctx, k, contact.last, first) and (born is None or k.birth is None or born == bytes(k.birth))
    ]


def _named(ctx: SyncContext, person: KnownPerson, last: str | None, firsts: Collection[str]) -> bool:
    theirs = {bytes(name) for name in (person.first, person.preferred) if name}
    if not last or not person.last or tags.tag(ctx.digest_key, "name", last) != bytes(person.last):
        return False
    return any(tags.tag(ctx.digest_key, "name", first) in theirs for first in firsts)
