"""A push of a contact without a link: find the record in Cliniko, else create it, and never twice.

Everybody who may be this person is searched first, archived ones too, in Cliniko and in what we know of it; and what an
earlier try of this very push created is looked up by its intent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from jobs.mapping import identity, push
from jobs.mapping.push import Choice
from jobs.sync import push_intents, push_words, tags
from jobs.sync.context import SyncContext
from jobs.sync.push_side import Side
from jobs.sync.push_words import Said
from webapp.clients.cliniko import filters
from webapp.clients.errors import NotFound, Rejected, Retryable
from webapp.clock import now
from webapp.store import issues, ledger, people

Contact = Mapping[str, str | None]

REVIEW = "push_candidates"
# Whoever is older than this is known to the identity index.
FRESH = timedelta(days=2)


@dataclass(frozen=True)
class Found:
    """The record that this contact is to be linked with. how: created (now) | made (by an earlier try) | found."""

    record: Any
    how: str
    choice: Choice


def find_or_create(
    ctx: SyncContext, side: Side, hubspot_id: str, contact: Contact, *, chosen: str | None = None, anew: bool = False
) -> Said | Found:
    """The record, or why there is none. The caller holds the identity lock.

    `chosen`: a person said that it is this record. `anew`: a person said that it is none of those found."""
    choice = push.new_record(contact, side.properties)
    if _is_erased(ctx, side, contact):
        return push_words.erased()
    if chosen is not None:
        return _chosen(ctx, side, chosen, choice)
    made = push_intents.made_before(ctx, side, hubspot_id)
    if made is not None and _is_free(ctx, side, made, hubspot_id):
        push_intents.end(ctx, side, hubspot_id, made.id)
        return Found(made, "made", choice)
    lacking = [push.LABELS[name] for name in ("firstname", "lastname") if name not in choice.take]
    if lacking and not (side.kind == "contact" and len(lacking) == 1):
        return push_words.missing([label.lower() for label in lacking])
    found = [] if anew else candidates(ctx, side, contact, hubspot_id)
    gone = _erased(ctx, side, found)
    if gone and len(gone) == len(found):
        return push_words.erased()
    if found:
        return _one_of(ctx, side, hubspot_id, [r for r in found if r.id not in gone], choice)
    return _create(ctx, side, hubspot_id, contact, choice)


def _create(ctx: SyncContext, side: Side, hubspot_id: str, contact: Contact, choice: Choice) -> Found:
    push_intents.begin(ctx, side, hubspot_id, contact)
    fields = side.fields(
        choice.take,
        (),
        ctx.country_code,
        use_preferred_first_name=ctx.settings.use_preferred_first_name,
        creating=True,
    )
    ctx.keeper.check()
    try:
        record = side.create(ctx.cliniko, fields)
    except Retryable as error:
        if not error.maybe_applied:
            push_intents.end(ctx, side, hubspot_id, None)
        raise
    except Rejected:
        push_intents.end(ctx, side, hubspot_id, None)
        raise
    ctx.count("cliniko_writes")
    push_intents.end(ctx, side, hubspot_id, record.id)
    return Found(record, "created", choice)


def _chosen(ctx: SyncContext, side: Side, cliniko_id: str, choice: Choice) -> Said | Found:
    ctx.count("cliniko_reads")
    try:
        record = side.get(ctx.cliniko, cliniko_id)
    except NotFound:
        return push_words.gone()
    if _erased(ctx, side, [record]):
        return push_words.erased()
    return push_words.taken() if _linked(ctx, side, [cliniko_id]) else Found(record, "found", choice)


def _one_of(ctx: SyncContext, side: Side, hubspot_id: str, found: list[Any], choice: Choice) -> Said | Found:
    taken = _linked(ctx, side, [record.id for record in found])
    if len(found) == 1 and not taken:
        return Found(found[0], "found", choice)
    ctx.keeper.guard()
    issues.open_reviews(
        [
            {
                "hub_id": ctx.hub_id,
                "connection_id": ctx.connection_id,
                "kind": side.kind,
                "cliniko_id": record.id,
                "hubspot_id": hubspot_id,
                "cause": REVIEW,
            }
            for record in found
        ]
    )
    ctx.commit()
    return push_words.taken() if len(taken) == len(found) else push_words.several()


def _linked(ctx: SyncContext, side: Side, cliniko_ids: list[str]) -> set[str]:
    """Those of these records that have a contact, or are getting one."""
    links = ledger.by_cliniko(ctx.connection_id, side.kind, cliniko_ids)
    return {cliniko_id for cliniko_id, link in links.items() if link.state in ledger.HOLDING}


def _is_free(ctx: SyncContext, side: Side, record: Any, hubspot_id: str) -> bool:
    merged = getattr(record, "merged_at", None)
    return not (merged or _linked(ctx, side, [record.id]) or _never(ctx, side, hubspot_id, [record.id]))


def candidates(ctx: SyncContext, side: Side, contact: Contact, hubspot_id: str) -> list[Any]:
    """Records in Cliniko that may be this person: by email and names, and by names and birth date. Somebody without any
    name is whoever has the email. A merged one stands for its survivor.

    Cliniko's filters may mind the case of letters, so what they return is compared again, and the identity index, which
    does not, is asked as well."""
    born = push.birth_of(contact) if side.has_birth else None
    seen = {record.id: record for record in _searched(ctx, side, contact, born)}
    known = _known_ids(ctx, side, contact, born) - seen.keys()
    seen |= {record.id: record for record in _read(ctx, side, known)}
    nameless = not any((contact.get(name) or "").strip() for name in ("firstname", "lastname"))
    fitting = {i: r for i, r in seen.items() if _fits(r, contact, born) or (nameless and _has_email(r, contact))}
    ends = {r.merged_into_id for r in fitting.values() if getattr(r, "merged_at", None)} - {None}
    fitting |= {record.id: record for record in _read(ctx, side, ends - fitting.keys())}
    found = {i: r for i, r in fitting.items() if not getattr(r, "merged_at", None)}
    never = _never(ctx, side, hubspot_id, list(found))
    return [record for key, record in sorted(found.items(), key=lambda pair: int(pair[0])) if key not in never]


def _searched(ctx: SyncContext, side: Side, contact: Contact, born: date | None) -> list[Any]:
    """What Cliniko says at this moment."""
    email, last = (contact.get("email") or "").strip(), (contact.get("lastname") or "").strip()
    searches = [[filters.equals("email", text)] for text in dict.fromkeys((email, email.lower())) if text]
    if born is not None:
        searches.append([f"date_of_birth:={born.isoformat()}"])
    if last and email:
        searches.append([filters.equals("last_name", last), filters.since("created_at", now() - FRESH)])
    return [record for conditions in searches for record in side.search(ctx, conditions)]


def _known_ids(ctx: SyncContext, side: Side, contact: Contact, born: date | None) -> set[str]:
    """What the identity index says."""
    email = tags.optional(ctx.digest_key, "email", identity.email_key(contact.get("email")))
    last = tags.optional(ctx.digest_key, "name", identity.name_key(contact.get("lastname")))
    found = people.sharing(ctx.connection_id, side.kind, [email] if email else [])
    ids = {person.cliniko_id for sharing in found.values() for person in sharing}
    birth = tags.birth(ctx.digest_key, born)
    return ids | (people.born(ctx.connection_id, side.kind, birth, last) if birth and last else set())


def _read(ctx: SyncContext, side: Side, cliniko_ids: set[str]) -> list[Any]:
    ids = sorted(cliniko_ids, key=int)
    parts = [ids[start : start + filters.MAX_IDS] for start in range(0, len(ids), filters.MAX_IDS)]
    return [record for part in parts for record in side.search(ctx, [filters.id_in(part)])]


def _fits(record: Any, contact: Contact, born: date | None) -> bool:
    """Names agree, nothing speaks against it, and email or birth date speaks for it."""
    if not identity.names_agree(Side.named(record), contact.get("firstname"), contact.get("lastname")):
        return False
    theirs = getattr(record, "date_of_birth", None)
    if not identity.birth_dates_agree(theirs, born):
        return False
    return _has_email(record, contact) or (born is not None and theirs == born)


def _has_email(record: Any, contact: Contact) -> bool:
    key = identity.email_key(record.email)
    return key is not None and key == identity.email_key(contact.get("email"))


def _never(ctx: SyncContext, side: Side, hubspot_id: str, cliniko_ids: list[str]) -> set[str]:
    """Records that a person unlinked from this contact."""
    marks = {tags.cliniko_key(ctx.digest_key, ctx.cliniko_account_id, side.kind, i): i for i in cliniko_ids}
    mine = tags.hubspot_contact(ctx.digest_key, hubspot_id)
    return {marks[a] for a, b in people.never_matched(ctx.hub_id, list(marks)) if b == mine}


def _is_erased(ctx: SyncContext, side: Side, contact: Contact) -> bool:
    """Was this person's data deleted for privacy? Email, names and birth date together say so."""
    if identity.email_key(contact.get("email")) is None or not people.any_erased(ctx.hub_id):
        return False
    return bool(people.erased(ctx.hub_id, [push_intents.person_mark(ctx, side, contact)]))


def _erased(ctx: SyncContext, side: Side, records: list[Any]) -> set[str]:
    """Those of these records whose data was deleted for privacy."""
    marks = {tags.cliniko_key(ctx.digest_key, ctx.cliniko_account_id, side.kind, r.id): r.id for r in records}
    return {marks[mark] for mark in people.erased(ctx.hub_id, list(marks))}
