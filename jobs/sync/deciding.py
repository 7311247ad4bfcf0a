"""Gathers what the matching rules need for a page of unlinked records, in a fixed number of calls, and applies them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from jobs.mapping.emails import email_key
from jobs.sync import causes, tags
from jobs.sync.candidates import fits, is_namesake, read_candidates
from jobs.sync.context import SyncContext
from jobs.sync.items import Item, PersonKind, email_tag
from jobs.sync.matching import Candidate, Decision, Subject, births_agree, decide, names_agree
from jobs.sync.phones import candidates_by_phone, with_namesakes
from webapp.store import issues, ledger, people
from webapp.store.people import KnownPerson

# A record whose link is in one of these states has no contact that could take an address.
WITHOUT_CONTACT = ("closed", "unlinked", "excluded", "held")


def decide_all(
    ctx: SyncContext, spec: PersonKind, items: list[Item], holders: Iterable[Candidate] = (), fresh: bool = True
) -> dict[str, Candidate]:
    """Set `decision` on every item, in order of Cliniko id; returns the HubSpot contacts that were looked at.

    `holders` are contacts that HubSpot named when it refused an address; with `fresh` False nothing else is read.

    HubSpot calls: one by key, one by email; one more by id or phone only where a review or a setting asks for it."""
    reviews = issues.decisions(ctx.connection_id, spec.kind, [i.cliniko_id for i in items])
    gone = _excluded(ctx, spec, items, reviews)
    open_items = sorted((i for i in items if i.cliniko_id not in gone), key=lambda i: int(i.cliniko_id))
    chosen = {r.hubspot_id for r in reviews.values() if r.state == "linked" and r.hubspot_id}
    wanted = [ctx.unique_key(i.cliniko_id) for i in open_items]
    found: dict[str, Candidate] = {c.hubspot_id: c for c in holders}
    if fresh and open_items:
        found |= read_candidates(ctx, spec, wanted, spec.key_property)
        addresses = {i.email for i in open_items if i.email and (i.needed or not _hidden(i))}
        found |= read_candidates(ctx, spec, addresses, "email")
        found |= read_candidates(ctx, spec, chosen - set(found))
    by_key = {c.key: c for c in found.values() if c.key}
    by_email = {address: c for c in found.values() for address in c.emails}
    by_phone = candidates_by_phone(ctx, spec, open_items) if fresh and ctx.settings.match_by_phone else {}
    everybody = [*found.values(), *(c for group in by_phone.values() for c in group)]
    links = ledger.by_hubspot(ctx.hub_id, spec.kind, [c.hubspot_id for c in everybody])
    taken = {h: row.cliniko_id if row.connection_id == ctx.connection_id else "" for h, row in links.items()}
    never = _never(ctx, spec, open_items, everybody)
    subjects = _subjects(ctx, spec, open_items, reviews, by_email)
    for item in open_items:
        subject = subjects[item.cliniko_id]
        apply = partial(
            decide,
            subject,
            by_email=by_email.get(subject.email) if subject.email else None,
            by_id=found.get(subject.decided_hubspot_id or ""),
            by_phone=by_phone.get(item.cliniko_id, ()),
            taken=taken,
            never=never.get(item.cliniko_id, frozenset()),
            hold_doubtful=ctx.settings.hold_doubtful_matches and not _was_unlinked(item),
        )
        item.decision = apply(by_key=by_key.get(subject.key))
        if item.decision.rule == "key" and item.link is not None and item.link.state == "reserved":
            item.decision = _resumed(item.decision, item.link.rule, apply(by_key=None))
        if item.decision.action == "link" and item.decision.hubspot_id:
            taken[item.decision.hubspot_id] = item.cliniko_id
    return {c.hubspot_id: c for c in everybody}


def _resumed(found: Decision, rule: str | None, first: Decision) -> Decision:
    """Our key is where a write put it whose end we did not see: what was decided then still counts, with its review."""
    return replace(
        found,
        rule=rule or found.rule,
        review=first.review if found.shared_email else None,
        review_hubspot_id=first.review_hubspot_id or found.review_hubspot_id,
    )


def owns_email(item: Item, sharing: Iterable[KnownPerson]) -> bool:
    """Of all known records with this address, does this one write it? Lowest id, archived last, merged never."""
    others = [k for k in sharing if not k.merged and k.cliniko_id != item.cliniko_id]
    mine = (item.known.archived, int(item.cliniko_id))
    return item.known.merged_into is None and all(mine < (k.archived, int(k.cliniko_id)) for k in others)


def could_write(
    ctx: SyncContext, spec: PersonKind, shared: Mapping[bytes, list[KnownPerson]]
) -> dict[bytes, list[KnownPerson]]:
    """{address: those of its known records that have a contact to write it to, or may get one}."""
    several = {mark: everybody for mark, everybody in shared.items() if len(everybody) > 1}
    ids = {k.cliniko_id for everybody in several.values() for k in everybody}
    links = ledger.by_cliniko(ctx.connection_id, spec.kind, ids)
    out = {cliniko_id for cliniko_id, link in links.items() if link.state in WITHOUT_CONTACT}
    return {mark: [k for k in everybody if k.cliniko_id not in out] for mark, everybody in several.items()}


def _excluded(ctx: SyncContext, spec: PersonKind, items: list[Item], reviews: Collection[str]) -> set[str]:
    """Decide at once what needs no look at HubSpot: erased people, unlinked and deleted ones that did not change, and
    those whose contact was merged into another's, until a review decides."""
    memories: dict[bytes, set[str]] = {}
    for item in items:
        k = item.known
        mine = [tags.cliniko_key(ctx.digest_key, ctx.cliniko_account_id, spec.kind, k.cliniko_id)]
        if k.email:
            mine.append(tags.whole_person(ctx.digest_key, k.email, k.first, k.last, k.birth))
        for memory in mine:
            memories.setdefault(memory, set()).add(k.cliniko_id)
    erased = {i for memory in people.erased(ctx.hub_id, list(memories)) for i in memories[memory]}
    gone: set[str] = set()
    for item in items:
        if item.cliniko_id in erased:
            item.decision = Decision("exclude", "erased")
        elif _was_unlinked(item) and not _changed_since(item, item.link.unlinked_at if item.link else None):
            item.decision = Decision("skip", "unlinked")
        elif item.link is not None and item.link.state == "closed" and not _may_recreate(ctx, item):
            item.decision = Decision("skip", "deleted")
        elif _merged_away(item) and item.cliniko_id not in reviews:
            item.decision = Decision("skip", causes.MERGED_IN_HUBSPOT)
        else:
            continue
        gone.add(item.cliniko_id)
    return gone


def _hidden(item: Item) -> bool:
    return item.known.archived or item.known.merged_into is not None


def _was_unlinked(item: Item) -> bool:
    return item.link is not None and item.link.state == "unlinked"


def _merged_away(item: Item) -> bool:
    return item.link is not None and item.link.state == "held" and item.link.rule == causes.MERGED_IN_HUBSPOT


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


def _subjects(
    ctx: SyncContext,
    spec: PersonKind,
    items: list[Item],
    reviews: Mapping[str, Any],
    by_email: Mapping[str, Candidate],
) -> dict[str, Subject]:
    tagged = {i.cliniko_id: email_tag(ctx, i.email) for i in items}
    shared = people.sharing(ctx.connection_id, spec.kind, [t for t in tagged.values() if t])
    writers = could_write(ctx, spec, shared)
    same_phone = with_namesakes(ctx, spec, items) if ctx.settings.match_by_phone else set()
    subjects: dict[str, Subject] = {}
    for item in items:
        mark = tagged[item.cliniko_id] or b""
        known = [k for k in shared.get(mark, ()) if not k.merged and k.cliniko_id != item.cliniko_id]
        review = reviews.get(item.cliniko_id)
        subject = Subject(
            cliniko_id=item.cliniko_id,
            key=ctx.unique_key(item.cliniko_id),
            email=email_key(item.email),
            first_names=item.known.first_names,
            last=item.known.last,
            birth=item.known.birth,
            removed=_hidden(item),
            needed=item.needed and item.known.merged_into is None,
            email_shared=bool(known),
            namesake_shares_email=any(is_namesake(ctx, item, k) for k in known),
            owns_email=owns_email(item, writers.get(mark, ())),
            namesake_shares_phone=item.cliniko_id in same_phone,
            decided=review.state if review else None,
            decided_hubspot_id=(review.hubspot_id or None) if review else None,
        )
        holder = by_email.get(subject.email or "")
        if holder is not None and _spoken_for(ctx, subject, holder, known):
            subject = replace(subject, email_spoken_for=True)
        subjects[item.cliniko_id] = subject
    return subjects


def _spoken_for(ctx: SyncContext, subject: Subject, holder: Candidate, known: list[KnownPerson]) -> bool:
    """Will rule 2 give this contact to exactly one other known record, on whatever page that one is?"""
    if names_agree(subject, holder) and births_agree(subject, holder):
        return False
    return len(fits(ctx, [k for k in known if not k.archived], holder)) == 1
