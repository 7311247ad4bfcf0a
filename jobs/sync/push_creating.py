"""A push of a contact without a link: find the record in Cliniko, else create it, and never twice.

Cliniko has no idempotency and takes doubles without a word. So an intent is stored before the record is created, and
looked up before any retry; and everybody who may be this person is searched first, archived ones too.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from jobs.mapping import identity, push
from jobs.mapping.push import Choice
from jobs.sync import push_words, tags
from jobs.sync.context import SyncContext
from jobs.sync.push_side import Side
from jobs.sync.push_words import Said
from webapp.clients.cliniko import filters
from webapp.clients.errors import Rejected, Retryable
from webapp.store import issues, ledger, people, pushes

Contact = Mapping[str, str | None]


def find_or_create(ctx: SyncContext, side: Side, hubspot_id: str, contact: Contact) -> Said | tuple[Any, bool, Choice]:
    """(record, was it created now, what was sent), or why neither was done. The caller holds the identity lock."""
    choice = push.new_record(contact, side.properties)
    lacking = [push.LABELS[name] for name in ("firstname", "lastname") if name not in choice.take]
    if lacking and not (side.kind == "contact" and len(lacking) == 1):
        return push_words.missing([label.lower() for label in lacking])
    mark = person_mark(ctx, contact)
    intent = pushes.find_intent(ctx.connection_id, side.kind, hubspot_id)
    found = _candidates(ctx, side, contact, hubspot_id)
    if found:
        return _one_of(ctx, side, hubspot_id, found, choice)
    if intent is None or intent.state == "done":
        pushes.open_intent(ctx.hub_id, ctx.connection_id, side.kind, hubspot_id, mark)
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
    except Rejected:
        pushes.close_intent(ctx.connection_id, side.kind, hubspot_id, None)
        ctx.commit()
        raise
    except Retryable as error:
        if not error.maybe_applied:
            pushes.close_intent(ctx.connection_id, side.kind, hubspot_id, None)
            ctx.commit()
        raise
    ctx.count("cliniko_writes")
    ctx.keeper.guard()
    pushes.close_intent(ctx.connection_id, side.kind, hubspot_id, record.id)
    ctx.commit()
    return record, True, choice


def person_mark(ctx: SyncContext, contact: Contact) -> bytes:
    """Stands for this person: email, names and birth date together."""
    return tags.whole_person(
        ctx.digest_key,
        identity.email_key(contact.get("email")),
        identity.name_key(contact.get("firstname")),
        identity.name_key(contact.get("lastname")),
        push.birth_of(contact),
    )


def _one_of(
    ctx: SyncContext, side: Side, hubspot_id: str, found: list[Any], choice: Choice
) -> Said | tuple[Any, bool, Choice]:
    links = ledger.by_cliniko(ctx.connection_id, side.kind, [record.id for record in found])
    free = [r for r in found if r.id not in links or links[r.id].state != "linked"]
    if len(free) == 1 and len(found) == 1:
        return free[0], False, choice
    for record in found:
        issues.open_reviews(
            [
                {
                    "hub_id": ctx.hub_id,
                    "connection_id": ctx.connection_id,
                    "kind": side.kind,
                    "cliniko_id": record.id,
                    "hubspot_id": hubspot_id,
                    "cause": "push_candidates",
                }
            ]
        )
    ctx.commit()
    return push_words.several() if free else push_words.taken()


def _candidates(ctx: SyncContext, side: Side, contact: Contact, hubspot_id: str) -> list[Any]:
    """Records in Cliniko that may be this person: by email and names, and by names and birth date. Cliniko's filters
    may mind the case of letters, so what they return is compared again, and names are searched by last name alone."""
    email, born = (contact.get("email") or "").strip(), push.birth_of(contact)
    last = (contact.get("lastname") or "").strip()
    found: dict[str, Any] = {}
    searches = []
    if email:
        searches += [[filters.equals("email", text)] for text in dict.fromkeys((email, email.lower()))]
    if side.kind == "patient" and born is not None:
        searches.append([f"date_of_birth:={born.isoformat()}"])
    elif last:
        searches.append([filters.equals("last_name", last)])
    for conditions in searches:
        for record in side.search(ctx, conditions):
            if _fits(record, contact, born):
                found[record.id] = record
    never = _never(ctx, side, hubspot_id, list(found))
    return [record for key, record in sorted(found.items(), key=lambda pair: int(pair[0])) if key not in never]


def _fits(record: Any, contact: Contact, born: date | None) -> bool:
    """Names agree, nothing speaks against it, and email or birth date speaks for it."""
    if getattr(record, "merged_at", None):
        return False
    first, last = contact.get("firstname"), contact.get("lastname")
    named = _Names(record)
    if not identity.names_agree(named, first, last):
        return False
    theirs = getattr(record, "date_of_birth", None)
    if not identity.birth_dates_agree(theirs, born):
        return False
    same_email = identity.email_key(record.email) == identity.email_key(contact.get("email"))
    return (same_email and record.email is not None) or (born is not None and theirs == born)


class _Names:
    """A patient's or contact's names in one shape."""

    def __init__(self, record: Any) -> None:
        self.first_name, self.last_name = record.first_name, record.last_name
        self.preferred_first_name = getattr(record, "preferred_first_name", None) or getattr(
            record, "preferred_name", None
        )


def _never(ctx: SyncContext, side: Side, hubspot_id: str, cliniko_ids: list[str]) -> set[str]:
    """Records that a person unlinked from this contact."""
    marks = {tags.cliniko_key(ctx.digest_key, ctx.cliniko_account_id, side.kind, i): i for i in cliniko_ids}
    mine = tags.hubspot_contact(ctx.digest_key, hubspot_id)
    return {marks[a] for a, b in people.never_matched(ctx.hub_id, list(marks)) if b == mine}
