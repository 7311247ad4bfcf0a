"""What HubSpot's events mean. An event is only a hint: the record is read before anything is concluded from it, so that
events may come twice, late and in any order."""

import time
from collections.abc import Collection, Sequence

import structlog

from jobs.sync import causes, erased, settling, tags
from jobs.sync.context import SyncContext
from jobs.sync.deal_settling import DEAL_KINDS
from jobs.sync.switches import SWITCHES
from jobs.sync.verifying import forget_mismatches
from webapp.clients.errors import NotFound, Rejected
from webapp.clients.hubspot import objects
from webapp.store import activity, hooks, issues, ledger, pushes, unlinks
from webapp.store.activity import Line
from webapp.store.ledger import LinkRow
from webapp.store.models_hooks import HookEvent

log = structlog.get_logger()

PEOPLE = erased.PEOPLE
# One job works no longer than this; the next one goes on.
WORKS_FOR = 45.0


class Seen:
    """An event as plain values, which a commit cannot expire."""

    def __init__(self, event: HookEvent) -> None:
        self.id, self.kind = event.id, event.kind
        self.object_type, self.object_id = event.object_type, event.object_id
        self.name, self.on, self.at = event.property_name, event.switched_on, event.occurred_at
        self.merged, self.survivor = list(event.merged_ids or ()), event.survivor_id

    @property
    def touched(self) -> set[str]:
        """The records that took part, under their old and new ids."""
        return {i for i in (self.object_id, *self.merged, self.survivor) if i}


def handle(ctx: SyncContext, works_for: float = WORKS_FOR) -> int:
    """Handle stored events; returns how many were. Raises what the clients raise: the events stay and a repeat goes
    on."""
    number, until = 0, time.monotonic() + works_for
    while time.monotonic() < until:
        events = [Seen(event) for event in hooks.new_events(ctx.hub_id)]
        if not events:
            break
        try:
            _handle(ctx, events)
        except Rejected:
            # One of them asks HubSpot for something that it refuses: the others must not wait for it.
            _one_by_one(ctx, events)
            return number
        _done(ctx, events)
        number += len(events)
    return number


def erase_only(ctx: SyncContext) -> None:
    """Of all stored events only those about privacy."""
    for event in [Seen(event) for event in hooks.waiting_erasures(ctx.hub_id)]:
        _erase(ctx, event)
        _done(ctx, [event])


def _one_by_one(ctx: SyncContext, events: Sequence[Seen]) -> None:
    for event in events:
        try:
            _handle(ctx, [event])
        except Rejected as error:
            log.warning("event_refused", hub_id=ctx.hub_id, kind=event.kind, error=str(error))
            ctx.keeper.guard()
            hooks.refused(ctx.hub_id, event.id)
            ctx.commit()
        else:
            _done(ctx, [event])


def _done(ctx: SyncContext, events: Sequence[Seen]) -> None:
    ctx.keeper.guard()
    hooks.handled(ctx.hub_id, [event.id for event in events])
    ctx.commit()


def _handle(ctx: SyncContext, events: Sequence[Seen]) -> None:
    contacts = [e for e in events if e.object_type == "contact"]
    _switches(ctx, [e for e in contacts if e.kind == "propertyChange" and e.on])
    # What is left of property changes is about who somebody is.
    _identity(ctx, {e.object_id for e in contacts if e.kind == "propertyChange" and not e.on})
    for event in contacts:
        if event.kind == "privacyDeletion":
            _erase(ctx, event)
    moved = ("deletion", "merge", "restore")
    look_again(ctx, {i for e in contacts if e.kind in moved for i in e.touched})
    look_again_at_deals(ctx, {i for e in events if e.object_type == "deal" and e.kind in moved for i in e.touched})


def _erase(ctx: SyncContext, event: Seen) -> None:
    with ctx.keeper.identity_lock():
        erased.erase_contact(ctx, event.object_id)


def _switches(ctx: SyncContext, events: Sequence[Seen]) -> None:
    if not events:
        return
    ctx.keeper.guard()
    for event in events:
        what = SWITCHES.get(event.name or "")
        if what is not None:
            pushes.ask(ctx.hub_id, what, event.object_id, event.at)
    ctx.commit()


def _identity(ctx: SyncContext, contact_ids: Collection[str]) -> None:
    """Records that wait because of one of these contacts are read again."""
    waiting = issues.waiting_for_contacts(ctx.hub_id, contact_ids)
    if not waiting:
        return
    ctx.keeper.guard()
    for (connection_id, kind), ids in waiting.items():
        issues.add_work(ctx.hub_id, connection_id, kind, ids, "holder_changed")
    ctx.commit()


def look_again(ctx: SyncContext, contact_ids: Collection[str]) -> None:
    """These contacts were deleted, restored or merged, or it looks so: make the ledger say what is."""
    for kind in PEOPLE:
        for hubspot_id, link in ledger.by_hubspot(ctx.hub_id, kind, contact_ids).items():
            with ctx.keeper.identity_lock():
                fresh = ledger.by_hubspot(ctx.hub_id, kind, [hubspot_id]).get(hubspot_id)
                if fresh is not None and fresh.cliniko_id == link.cliniko_id:
                    _settle(ctx, kind, fresh, hubspot_id)
    _follow_never(ctx, contact_ids)


def _settle(ctx: SyncContext, kind: str, link: LinkRow, hubspot_id: str) -> None:
    key = f"cliniko_{kind}_key"
    record = _read(ctx, "contacts", hubspot_id, key)
    if record is None:
        if link.state != "closed":
            close_link(ctx, kind, link)
    elif record.id != hubspot_id:
        _repoint(ctx, kind, link, record.id, record.properties.get(key))
    elif link.state == "closed":
        _reopen(ctx, kind, link)


def _read(ctx: SyncContext, object_type: str, hubspot_id: str, *names: str) -> objects.Record | None:
    """The record, or the one that it was merged into; None when it is gone."""
    ctx.count("hubspot_calls")
    try:
        record = objects.read_one(ctx.hubspot, object_type, hubspot_id, names)
    except NotFound:
        return None
    return None if record.archived else record


def close_link(ctx: SyncContext, kind: str, link: LinkRow) -> None:
    """The contact was deleted: nothing is written any more; its deals wait without a contact."""
    ctx.keeper.guard()
    ledger.put([{**_key(ctx, kind, link), "state": "closed", "email_hmac": None, "withheld_hmac": None}])
    if kind == "patient":
        ledger.forget_contact(ctx.connection_id, link.cliniko_id)
    if link.email_hmac is not None:
        for waiting in ledger.waiting_for_email(ctx.hub_id, [link.email_hmac]):
            issues.add_work(ctx.hub_id, waiting.connection_id, waiting.kind, [waiting.cliniko_id], "email_free_again")
    line = Line("closed", kind, link.cliniko_id, link.hubspot_id, target="ledger")
    activity.note(ctx.hub_id, ctx.stream, [line])
    ctx.commit()


def _reopen(ctx: SyncContext, kind: str, link: LinkRow) -> None:
    """The contact was restored: the link goes on."""
    ctx.keeper.guard()
    ledger.put([{**_key(ctx, kind, link), "state": "linked", "digest": None}])
    issues.add_work(ctx.hub_id, ctx.connection_id, kind, [link.cliniko_id], "restored")
    _wake_deals(ctx, kind, link.cliniko_id)
    line = Line("restored", kind, link.cliniko_id, link.hubspot_id, target="ledger")
    activity.note(ctx.hub_id, ctx.stream, [line])
    ctx.commit()


def _repoint(ctx: SyncContext, kind: str, link: LinkRow, survivor: str, key: str | None) -> None:
    """HubSpot merged the contact into another. Where both were linked, the one whose key the survivor carries keeps it;
    the other is held and nothing is written for it until a person decides."""
    other = ledger.by_hubspot(ctx.hub_id, kind, [survivor]).get(survivor)
    mine = ctx.unique_key(link.cliniko_id)
    if other is not None and other.cliniko_id != link.cliniko_id:
        if key == mine and other.state == "linked":
            _hold(ctx, kind, other, survivor)
        else:
            _hold(ctx, kind, link, survivor)
            return
    ctx.keeper.guard()
    ledger.put([{**_key(ctx, kind, link), "hubspot_id": survivor, "state": "linked", "digest": None}])
    ctx.commit()
    forget_mismatches(ctx, kind, [link.cliniko_id])
    ctx.keeper.guard()
    issues.add_work(ctx.hub_id, ctx.connection_id, kind, [link.cliniko_id], "merged")
    # Staff followed the proposal to merge the two contacts of a patient who was merged in Cliniko.
    issues.close_reviews(ctx.connection_id, kind, [link.cliniko_id], ("merged_in_cliniko",))
    settling.tell_deals(ctx, {link.cliniko_id: survivor} if kind == "patient" else {})
    _wake_deals(ctx, kind, link.cliniko_id)
    activity.note(ctx.hub_id, ctx.stream, [Line("repointed", kind, link.cliniko_id, survivor, target="ledger")])
    ctx.commit()


def _hold(ctx: SyncContext, kind: str, link: LinkRow, survivor: str) -> None:
    ctx.keeper.guard()
    ledger.put([{**_key(ctx, kind, link), "hubspot_id": None, "state": "held", "rule": causes.MERGED_IN_HUBSPOT}])
    if kind == "patient":
        # That contact has their deals as well now; they go with whatever is decided.
        ledger.contact_merged(link.connection_id, link.cliniko_id, survivor)
    issues.open_reviews(
        [
            {
                "hub_id": ctx.hub_id,
                "connection_id": link.connection_id,
                "kind": kind,
                "cliniko_id": link.cliniko_id,
                "hubspot_id": survivor,
                "cause": causes.MERGED_IN_HUBSPOT,
            }
        ]
    )
    activity.note(ctx.hub_id, ctx.stream, [Line("held", kind, link.cliniko_id, survivor, target="ledger")])
    ctx.commit()


def _wake_deals(ctx: SyncContext, kind: str, cliniko_id: str) -> None:
    if kind != "patient":
        return
    for deal_kind, ids in ledger.deals_of(ctx.connection_id, [cliniko_id], ("linked", "waiting")).items():
        issues.add_work(ctx.hub_id, ctx.connection_id, deal_kind, ids, "contact_moved")


def _follow_never(ctx: SyncContext, contact_ids: Collection[str]) -> None:
    """A pair that a person broke stays broken when HubSpot gives the contact another id."""
    marks = {tags.hubspot_contact(ctx.digest_key, i): i for i in contact_ids}
    for mark in unlinks.known(ctx.hub_id, list(marks)):
        record = _read(ctx, "contacts", marks[mark])
        if record is not None and record.id != marks[mark]:
            ctx.keeper.guard()
            unlinks.follow_merge(ctx.hub_id, [mark], tags.hubspot_contact(ctx.digest_key, record.id))
            ctx.commit()


def look_again_at_deals(ctx: SyncContext, deal_ids: Collection[str]) -> None:
    """A deal that somebody deleted is not made again until its record changes; a restored one goes on, and a merged one
    is followed, unless the other belongs to another record."""
    for kind in DEAL_KINDS:
        for hubspot_id, link in ledger.by_hubspot(ctx.hub_id, kind, deal_ids).items():
            with ctx.keeper.identity_lock():
                fresh = ledger.by_hubspot(ctx.hub_id, kind, [hubspot_id]).get(hubspot_id)
                if fresh is not None and fresh.cliniko_id == link.cliniko_id:
                    _settle_deal(ctx, kind, fresh, hubspot_id)


def _settle_deal(ctx: SyncContext, kind: str, link: LinkRow, hubspot_id: str) -> None:
    record = _read(ctx, "deals", hubspot_id)
    moved = record is not None and record.id != hubspot_id
    alive = record is not None and not (moved and _is_taken(ctx, record.id))
    if alive == (link.state == "linked") and not (alive and moved):
        return
    ctx.keeper.guard()
    if alive and record is not None:
        state = {"state": "linked", "hubspot_id": record.id, "digest": None}
        issues.add_work(ctx.hub_id, ctx.connection_id, kind, [link.cliniko_id], "restored")
    else:
        # Its id stays, so that a restored one is recognised; that of one that was merged away means nothing any more.
        state = {"state": "closed", "hubspot_id": None if moved else hubspot_id, "contact_id": None}
    ledger.put([{**_key(ctx, kind, link), **state}])
    action = ("repointed" if moved else "restored") if alive else "closed"
    activity.note(ctx.hub_id, ctx.stream, [Line(action, kind, link.cliniko_id, hubspot_id, target="ledger")])
    ctx.commit()


def _is_taken(ctx: SyncContext, deal_id: str) -> bool:
    return any(ledger.by_hubspot(ctx.hub_id, kind, [deal_id]) for kind in DEAL_KINDS)


def _key(ctx: SyncContext, kind: str, link: LinkRow) -> dict[str, object]:
    return {
        "hub_id": ctx.hub_id,
        "connection_id": link.connection_id,
        "kind": kind,
        "cliniko_id": link.cliniko_id,
    }
