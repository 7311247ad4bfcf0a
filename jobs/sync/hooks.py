"""What HubSpot's events mean. An event is only a hint: the record is read before anything is concluded from it, so that
events may come twice, late and in any order."""

from collections.abc import Collection, Sequence

from jobs.sync import erased, tags
from jobs.sync.context import SyncContext
from jobs.sync.deal_settling import DEAL_KINDS
from jobs.sync.verifying import forget_mismatches
from webapp.clients.errors import NotFound
from webapp.clients.hubspot import objects
from webapp.store import activity, hooks, issues, ledger, pushes, unlinks
from webapp.store.activity import Line
from webapp.store.ledger import LinkRow
from webapp.store.models_hooks import HookEvent

PEOPLE = erased.PEOPLE
_WHAT = {
    "update_cliniko_patient": "patient",
    "update_cliniko_contact": "contact",
    "unlink_cliniko_patient": "unlink",
}
# A change of these may free an address, or make two people who share one tell apart.
_IDENTITY = frozenset({"email", "hs_additional_emails", "firstname", "lastname"})


def handle(ctx: SyncContext) -> int:
    """Handle stored events until there is none left; returns how many were. Raises what the clients raise: the events
    stay and a repeat goes on."""
    number = 0
    while True:
        events = hooks.new_events(ctx.hub_id)
        if not events:
            return number
        ids = [event.id for event in events]
        _handle(ctx, [Seen(event) for event in events])
        ctx.keeper.guard()
        hooks.handled(ctx.hub_id, ids)
        ctx.commit()
        number += len(ids)


class Seen:
    """An event as plain values, which a commit cannot expire."""

    def __init__(self, event: HookEvent) -> None:
        self.kind, self.object_type, self.object_id = event.kind, event.object_type, event.object_id
        self.name, self.on, self.at = event.property_name, event.switched_on, event.occurred_at
        self.merged, self.survivor = list(event.merged_ids or ()), event.survivor_id


def _handle(ctx: SyncContext, events: Sequence[Seen]) -> None:
    contacts = [e for e in events if e.object_type == "contact"]
    _switches(ctx, [e for e in contacts if e.kind == "propertyChange" and e.on])
    _identity(ctx, {e.object_id for e in contacts if e.kind == "propertyChange" and e.name in _IDENTITY})
    for event in contacts:
        if event.kind == "privacyDeletion":
            with ctx.keeper.identity_lock():
                erased.erase_contact(ctx, event.object_id)
    merged = {i for e in contacts if e.kind == "merge" for i in (*e.merged, e.object_id, e.survivor or "") if i}
    touched = merged | {e.object_id for e in contacts if e.kind in ("deletion", "restore")}
    look_again(ctx, touched)
    _deals(ctx, {e.object_id for e in events if e.object_type == "deal" and e.kind in ("deletion", "merge", "restore")})


def _switches(ctx: SyncContext, events: Sequence[Seen]) -> None:
    if not events:
        return
    ctx.keeper.guard()
    for event in events:
        what = _WHAT.get(event.name or "")
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
    ctx.count("hubspot_calls")
    key = f"cliniko_{kind}_key"
    try:
        record = objects.read_one(ctx.hubspot, "contacts", hubspot_id, [key])
        alive = not record.archived
    except NotFound:
        alive = False
    if not alive:
        if link.state != "closed":
            close_link(ctx, kind, link)
    elif record.id != hubspot_id:
        _repoint(ctx, kind, link, record.id, record.properties.get(key))
    elif link.state == "closed":
        _reopen(ctx, kind, link)


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
    _wake_deals(ctx, kind, link.cliniko_id)
    activity.note(ctx.hub_id, ctx.stream, [Line("repointed", kind, link.cliniko_id, survivor, target="ledger")])
    ctx.commit()


def _hold(ctx: SyncContext, kind: str, link: LinkRow, survivor: str) -> None:
    ctx.keeper.guard()
    ledger.put([{**_key(ctx, kind, link), "hubspot_id": None, "state": "held", "rule": "merged_in_hubspot"}])
    issues.open_reviews(
        [
            {
                "hub_id": ctx.hub_id,
                "connection_id": link.connection_id,
                "kind": kind,
                "cliniko_id": link.cliniko_id,
                "hubspot_id": survivor,
                "cause": "merged_in_hubspot",
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
        ctx.count("hubspot_calls")
        try:
            record = objects.read_one(ctx.hubspot, "contacts", marks[mark], [])
        except NotFound:
            continue
        if record.id != marks[mark]:
            ctx.keeper.guard()
            unlinks.follow_merge(ctx.hub_id, [mark], tags.hubspot_contact(ctx.digest_key, record.id))
            ctx.commit()


def _deals(ctx: SyncContext, deal_ids: Collection[str]) -> None:
    """A deal that somebody deleted is not made again until its record changes; a restored one goes on."""
    for kind in DEAL_KINDS:
        for hubspot_id, link in ledger.by_hubspot(ctx.hub_id, kind, deal_ids).items():
            ctx.count("hubspot_calls")
            try:
                record = objects.read_one(ctx.hubspot, "deals", hubspot_id, ["cliniko_key"])
                alive = not record.archived and record.id == hubspot_id
            except NotFound:
                alive = False
            if alive == (link.state == "linked"):
                continue
            ctx.keeper.guard()
            state = {"state": "linked", "digest": None} if alive else {"state": "closed", "contact_id": None}
            ledger.put([{**_key(ctx, kind, link), **state}])
            if alive:
                issues.add_work(ctx.hub_id, ctx.connection_id, kind, [link.cliniko_id], "restored")
            action = "restored" if alive else "closed"
            activity.note(ctx.hub_id, ctx.stream, [Line(action, kind, link.cliniko_id, hubspot_id, target="ledger")])
            ctx.commit()


def _key(ctx: SyncContext, kind: str, link: LinkRow) -> dict[str, object]:
    return {
        "hub_id": ctx.hub_id,
        "connection_id": link.connection_id,
        "kind": kind,
        "cliniko_id": link.cliniko_id,
    }
