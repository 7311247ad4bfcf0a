"""Brings one HubSpot contact in step because a person asked for it: "Sync now", or "Search again" where none is linked.

Nothing is decided here. The record is read by its id and goes through the same engine as ever; where none is linked,
those in Cliniko who may be this person are read, and the matching rules do the rest.
"""

from collections.abc import Mapping

from jobs.mapping.catalogue_types import SyncStatus
from jobs.sync import people_steps, push_creating
from jobs.sync.context import SyncContext
from jobs.sync.push_side import PATIENT, SIDES, Side
from jobs.sync.push_words import Said
from webapp.clients.cliniko.filters import MAX_IDS
from webapp.clients.errors import Forbidden, NotFound
from webapp.clients.hubspot import objects
from webapp.clock import now
from webapp.store import card, cursors, ledger

Contact = Mapping[str, str | None]


def sync(ctx: SyncContext, hubspot_id: str) -> Said:
    """What became of it. Raises what the clients raise; safe to repeat."""
    linked = card.links_of(ctx.hub_id, ctx.connection_id, hubspot_id)
    try:
        if linked:
            return _sync_now(ctx, hubspot_id, {kind: link.cliniko_id for kind, link in linked.items()})
        return _search_again(ctx, hubspot_id)
    except Forbidden as error:
        if error.service != "cliniko":
            raise
        return Said(
            "not_allowed",
            SyncStatus.ATTENTION,
            "The Cliniko user of the API key may not read this. Enter a key of another user in CRMConnect.",
        )


def _sync_now(ctx: SyncContext, hubspot_id: str, records: Mapping[str, str]) -> Said:
    began = now()
    for kind, cliniko_id in records.items():
        people_steps.read_by_id(ctx, SIDES[kind].lists, [cliniko_id])
    after = card.links_of(ctx.hub_id, ctx.connection_id, hubspot_id)
    if not after:
        return Said(
            "contact_gone", SyncStatus.ATTENTION, "The contact was deleted in HubSpot, or merged into another one."
        )
    if card.newest_issue(ctx.hub_id, ctx.connection_id, records) is not None:
        return Said(
            "issue",
            SyncStatus.ATTENTION,
            "Read from Cliniko, but not all of it could be written. CRMConnect says why, under Issues.",
        )
    if any(link.synced_at is None or link.synced_at < began for link in after.values()):
        return Said(
            "not_in_cliniko",
            SyncStatus.ATTENTION,
            "Cliniko does not show this record any more. Look for it there; if it was deleted, unlink it here.",
        )
    return Said("synced", SyncStatus.SYNCED, "In step with Cliniko.")


def _search_again(ctx: SyncContext, hubspot_id: str) -> Said:
    sides = [side for side in SIDES.values() if getattr(ctx.settings, f"sync_{side.lists.spec.stream}")]
    if not sides:
        return Said("switched_off", None, "Syncing people from Cliniko is switched off for your clinic.")
    places = cursors.all_of(ctx.connection_id)
    sides = [side for side in sides if people_steps.indexed(places, side.lists)]
    if not sides:
        # A decision must not depend on how far the first reading has come.
        return Said(
            "too_early",
            None,
            "Cliniko is still being read for the first time. This contact is matched by itself when that is done.",
        )
    names = sorted({name for side in sides for name in side.properties})
    ctx.count("hubspot_calls")
    try:
        contact = objects.read_one(ctx.hubspot, "contacts", hubspot_id, names)
    except NotFound:
        return Said("contact_gone", None, "The contact is not in HubSpot any more.")
    seen: set[str] = set()
    for side in sides:
        free, found = _who(ctx, side, contact.id, contact.properties)
        seen |= {f"{side.kind}:{i}" for i in found}
        if not free:
            continue
        people_steps.read_by_id(ctx, side.lists, free)
        if side.kind in card.links_of(ctx.hub_id, ctx.connection_id, contact.id):
            what = "patient" if side is PATIENT else "contact"
            return Said("found", SyncStatus.SYNCED, f"Found in Cliniko and linked to the {what} there.")
    return _not_linked(ctx, contact.id, seen)


def _who(ctx: SyncContext, side: Side, hubspot_id: str, contact: Contact) -> tuple[list[str], list[str]]:
    """Ids of the records that may be this person: those that are not linked to somebody else, and all."""
    found = [record.id for record in push_creating.candidates(ctx, side, contact, hubspot_id)][:MAX_IDS]
    links = ledger.by_cliniko(ctx.connection_id, side.kind, found)
    return [i for i in found if i not in links or links[i].state != "linked"], found


def _not_linked(ctx: SyncContext, hubspot_id: str, seen: set[str]) -> Said:
    waiting = card.reviews_about(ctx.hub_id, ctx.connection_id, hubspot_id, {})
    if waiting:
        return Said(
            "review",
            SyncStatus.REVIEW,
            "Somebody in Cliniko may be this person, but it is not certain. Decide in CRMConnect, under Review.",
        )
    if seen:
        return Said(
            "taken",
            None,
            "Cliniko has this person, but with a HubSpot contact of their own. "
            "Compare the two contacts; if they are the same person, merge them in HubSpot.",
        )
    return Said("nobody", None, "Nobody in Cliniko is clearly this person, so nothing was linked.")
