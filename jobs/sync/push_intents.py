"""What a push set out to create in Cliniko, which has no idempotency and takes doubles without a word.

An intent is stored before the record is created, and looked up before any retry.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from jobs.mapping import identity, push
from jobs.sync import tags
from jobs.sync.context import SyncContext
from jobs.sync.push_side import Side
from webapp.clients.cliniko import filters
from webapp.clients.errors import NotFound
from webapp.store import pushes
from webapp.store.models_hooks import PushIntent

Contact = Mapping[str, str | None]

# Cliniko's clock may go behind ours.
CLOCKS_DIFFER = timedelta(minutes=5)
# Of records created since then; an import into Cliniko at that very time may bring more.
MOST_PAGES = 20


def person_mark(ctx: SyncContext, side: Side, contact: Contact) -> bytes:
    """Stands for this person: email, names and birth date together. Cliniko's contacts have no birth date."""
    return tags.whole_person(
        ctx.digest_key,
        identity.email_key(contact.get("email")),
        identity.name_key(contact.get("firstname")),
        identity.name_key(contact.get("lastname")),
        push.birth_of(contact) if side.has_birth else None,
    )


def begin(ctx: SyncContext, side: Side, hubspot_id: str, contact: Contact) -> None:
    """Store that this person is about to be created. One that is open already keeps its time: the first try may have
    arrived. Commits."""
    intent = pushes.find_intent(ctx.connection_id, side.kind, hubspot_id)
    mark = person_mark(ctx, side, contact)
    if intent is None or intent.state == "done" or bytes(intent.person_hmac) != mark:
        ctx.keeper.guard()
        pushes.open_intent(ctx.hub_id, ctx.connection_id, side.kind, hubspot_id, mark)


def end(ctx: SyncContext, side: Side, hubspot_id: str, cliniko_id: str | None) -> None:
    """The record exists, or certainly does not. Commits."""
    ctx.keeper.guard()
    pushes.close_intent(ctx.connection_id, side.kind, hubspot_id, cliniko_id)
    ctx.commit()


def made_before(ctx: SyncContext, side: Side, hubspot_id: str) -> Any | None:
    """The record that an earlier try created, also when its answer was lost; None when there is none."""
    intent = pushes.find_intent(ctx.connection_id, side.kind, hubspot_id)
    if intent is None:
        return None
    if intent.state == "done":
        return _by_id(ctx, side, intent.cliniko_id) if intent.cliniko_id else None
    return _since(ctx, side, intent)


def _by_id(ctx: SyncContext, side: Side, cliniko_id: str) -> Any | None:
    ctx.count("cliniko_reads")
    try:
        return side.get(ctx.cliniko, cliniko_id)
    except NotFound:
        return None


def _since(ctx: SyncContext, side: Side, intent: PushIntent) -> Any | None:
    """The person of an open intent among the records created since it was stored."""
    mark, since = bytes(intent.person_hmac), intent.created_at - CLOCKS_DIFFER
    for record in side.search(ctx, [filters.since("created_at", since)], MOST_PAGES):
        if person_mark(ctx, side, side.as_contact(record)) == mark:
            return record
    return None
