"""Gathers what the matching rules need for a page of unlinked records, in a fixed number of calls, and applies them."""

from collections.abc import Collection, Iterable
from typing import Any

from jobs.mapping import identity
from jobs.mapping.emails import email_key
from jobs.sync import tags
from jobs.sync.context import SyncContext
from jobs.sync.items import Item, PersonKind, email_tag
from jobs.sync.matching import Candidate, Decision, Subject, decide
from jobs.sync.phones import candidates_by_phone
from webapp.clients.hubspot import objects
from webapp.store import issues, ledger, people
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


def decide_all(
    ctx: SyncContext, spec: PersonKind, items: list[Item], holders: Iterable[Candidate] = (), fresh: bool = True
) -> dict[str, Candidate]:
    """Set `decision` on every item, in order of Cliniko id; returns the HubSpot contacts that were looked at.

    `holders` are contacts that HubSpot named when it refused an address; with `fresh` False nothing else is read.

    HubSpot calls: one by key, one by email; one more by id or phone only where a review or a setting asks for it."""
    gone = _excluded(ctx, spec, items)
    open_items = sorted((i for i in items if i.cliniko_id not in gone), key=lambda i: int(i.cliniko_id))
    reviews = issues.decisions(ctx.connection_id, spec.kind, [i.cliniko_id for i in open_items])
    chosen = {r.hubspot_id for r in reviews.values() if r.state == "linked" and r.hubspot_id}
    wanted = {i.cliniko_id: ctx.unique_key(i.cliniko_id) for i in open_items}
    found: dict[str, Candidate] = {c.hubspot_id: c for c in holders}
    if fresh and open_items:
        found |= _read(ctx, spec, list(wanted.values()), spec.key_property)
        addresses = sorted({i.email for i in open_items if i.email and (i.needed or not _hidden(i))})
        found |= _read(ctx, spec, addresses, "email")
        found |= _read(ctx, spec, sorted(chosen - set(found)), None)
    by_key = {c.key: c for c in found.values() if c.key}
    by_email = {address: c for c in found.values() for address in c.emails}
    by_phone = candidates_by_phone(ctx, spec, open_items) if fresh and ctx.settings.match_by_phone else {}
    everybody = [*found.values(), *(c for group in by_phone.values() for c in group)]
    links = ledger.by_hubspot(ctx.hub_id, spec.kind, [c.hubspot_id for c in everybody])
    taken = {h: row.cliniko_id if row.connection_id == ctx.connection_id else "" for h, row in links.items()}
    never = _never(ctx, spec, open_items, everybody)
    subjects = _subjects(ctx, spec, open_items, reviews)
    for item in open_items:
        subject = subjects[item.cliniko_id]
        item.decision = decide(
            subject,
            by_key=by_key.get(subject.key),
            by_email=by_email.get(subject.email) if subject.email else None,
            by_id=found.get(subject.decided_hubspot_id or ""),
            by_phone=by_phone.get(item.cliniko_id, ()),
            taken=taken,
            never=never.get(item.cliniko_id, frozenset()),
            hold_doubtful=ctx.settings.hold_doubtful_matches and not _was_unlinked(item),
        )
        if item.decision.action == "link" and item.decision.hubspot_id:
            taken[item.decision.hubspot_id] = item.cliniko_id
    return {c.hubspot_id: c for c in everybody}


def candidate(ctx: SyncContext, spec: PersonKind, contact: objects.Record) -> Candidate:
    """A HubSpot contact in the comparable form of the rules."""
    p = contact.properties
    secondary = (p.get("hs_additional_emails") or "").split(";")
    emails = {key for key in map(email_key, [p.get("email"), *secondary]) if key}
    key = p.get(spec.key_property) or None
    if key is not None and key.partition(":")[0] in ctx.replaced_cliniko_ids:
        key = None
    born = identity.birth_date(p.get("cliniko_date_of_birth")) or identity.birth_date(p.get("date_of_birth"))
    return Candidate(
        hubspot_id=contact.id,
        emails=frozenset(emails),
        first=identity.name_key(p.get("firstname")) or (p.get("firstname") or "").strip() or None,
        last=identity.name_key(p.get("lastname")) or (p.get("lastname") or "").strip() or None,
        birth=born,
        key=key,
    )


def read_candidates(ctx: SyncContext, spec: PersonKind, hubspot_ids: Collection[str]) -> dict[str, Candidate]:
    """Contacts by record id."""
    return _read(ctx, spec, sorted(hubspot_ids), None)


def owns_email(item: Item, sharing: Iterable[KnownPerson]) -> bool:
    """Of all known records with this address, does this one write it? Lowest id, archived last, merged never."""
    others = [k for k in sharing if not k.merged and k.cliniko_id != item.cliniko_id]
    mine = (item.known.archived, int(item.cliniko_id))
    return item.known.merged_into is None and all(mine < (k.archived, int(k.cliniko_id)) for k in others)


def _read(ctx: SyncContext, spec: PersonKind, ids: list[str], id_property: str | None) -> dict[str, Candidate]:
    found: dict[str, Candidate] = {}
    for start in range(0, len(ids), 100):
        properties = [*CANDIDATE_PROPERTIES, spec.key_property]
        result = objects.batch_read(ctx.hubspot, "contacts", ids[start : start + 100], properties, id_property)
        ctx.count("hubspot_calls")
        found |= {contact.id: candidate(ctx, spec, contact) for contact in result.results}
    return found


def _excluded(ctx: SyncContext, spec: PersonKind, items: list[Item]) -> set[str]:
    """Decide at once what needs no look at HubSpot: erased people, unlinked and deleted ones that did not change."""
    memories: dict[bytes, str] = {}
    for item in items:
        k = item.known
        memories[tags.cliniko_key(ctx.digest_key, ctx.cliniko_account_id, spec.kind, k.cliniko_id)] = k.cliniko_id
        if k.email:
            memories[tags.whole_person(ctx.digest_key, k.email, k.first, k.last, k.birth)] = k.cliniko_id
    erased = {memories[m] for m in people.erased(ctx.hub_id, list(memories))}
    gone: set[str] = set()
    for item in items:
        if item.cliniko_id in erased:
            item.decision = Decision("exclude", "erased")
        elif _was_unlinked(item) and not _changed_since(item, item.link.unlinked_at if item.link else None):
            item.decision = Decision("skip", "unlinked")
        elif item.link is not None and item.link.state == "closed" and not _may_recreate(ctx, item):
            item.decision = Decision("skip", "deleted")
        else:
            continue
        gone.add(item.cliniko_id)
    return gone


def _hidden(item: Item) -> bool:
    return item.known.archived or item.known.merged_into is not None


def _was_unlinked(item: Item) -> bool:
    return item.link is not None and item.link.state == "unlinked"


def _changed_since(item: Item, moment: Any) -> bool:
    return bool(item.record.updated_at and moment and item.record.updated_at > moment)


def _may_recreate(ctx: SyncContext, item: Item) -> bool:
    return ctx.settings.recreate_deleted_contacts and _changed_since(
        item, item.link.cliniko_updated_at if item.link else None
    )


def _never(
    ctx: SyncContext, spec: PersonKind, items: list[Item], candidates: list[Candidate]
) -> dict[str, frozenset[str]]:
    """{Cliniko id: HubSpot ids that a person unlinked from it}."""
    records = {tags.cliniko_key(ctx.digest_key, ctx.cliniko_account_id, spec.kind, i.cliniko_id): i for i in items}
    contacts = {tags.hubspot_contact(ctx.digest_key, c.hubspot_id): c.hubspot_id for c in candidates}
    found: dict[str, set[str]] = {}
    for record, contact in people.never_matched(ctx.hub_id, list(records)):
        if contact in contacts:
            found.setdefault(records[record].cliniko_id, set()).add(contacts[contact])
    return {cliniko_id: frozenset(ids) for cliniko_id, ids in found.items()}


def _subjects(ctx: SyncContext, spec: PersonKind, items: list[Item], reviews: dict[str, Any]) -> dict[str, Subject]:
    tagged = {i.cliniko_id: email_tag(ctx, i.email) for i in items}
    shared = people.sharing(ctx.connection_id, spec.kind, [t for t in tagged.values() if t])
    subjects: dict[str, Subject] = {}
    for item in items:
        mark = tagged[item.cliniko_id]
        sharing = shared.get(mark, []) if mark is not None else []
        known = [k for k in sharing if not k.merged and k.cliniko_id != item.cliniko_id]
        review = reviews.get(item.cliniko_id)
        subjects[item.cliniko_id] = Subject(
            cliniko_id=item.cliniko_id,
            key=ctx.unique_key(item.cliniko_id),
            email=email_key(item.email),
            first_names=item.known.first_names,
            last=item.known.last,
            birth=item.known.birth,
            removed=_hidden(item),
            needed=item.needed and item.known.merged_into is None,
            email_shared=bool(known),
            namesake_shares_email=any(_namesake(ctx, item, k) for k in known),
            owns_email=owns_email(item, known),
            decided=review.state if review else None,
            decided_hubspot_id=(review.hubspot_id or None) if review else None,
        )
    return subjects


def _namesake(ctx: SyncContext, item: Item, other: KnownPerson) -> bool:
    """Same last name and a first name in common, by HMAC."""
    mine = {tags.tag(ctx.digest_key, "name", name) for name in item.known.first_names}
    theirs = {bytes(name) for name in (other.first, other.preferred) if name}
    last = tags.optional(ctx.digest_key, "name", item.known.last)
    return bool(last and other.last and last == bytes(other.last) and mine & theirs)
