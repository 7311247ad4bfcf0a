"""Linked records that HubSpot does not return: deleted by a person, merged into another, or never there at all.

What a person deleted stays deleted. What HubSpot said it had made and never had is made again; that is believed only of
records that we made since the last proof, because a proof has seen all older ones.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from jobs.sync import hooks
from jobs.sync.context import SyncContext
from jobs.sync.deal_settling import DEAL_KINDS
from jobs.sync.reconcile_fields import Seen
from jobs.sync.reconcile_report import DELETED, LOST_RECORD, MERGED, Numbers, Report
from webapp.clients.errors import NotFound
from webapp.clients.hubspot import objects
from webapp.store import activity, comparing, issues, ledger
from webapp.store.activity import Line
from webapp.store.ledger import LinkRow

# Rules by which a contact was made, not found; a deal always is.
_CONTACTS = ("new", "shared_email", "separate", "new_without_email")
_DEALS = ("key",)
# So many are read one by one before they are made again; more at once were no merges.
ONE_BY_ONE = 20


@dataclass
class Vanished:
    """HubSpot ids."""

    deleted: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)


def take_care(
    ctx: SyncContext,
    report: Report,
    numbers: Numbers,
    object_type: str,
    kind: str,
    links: Mapping[str, LinkRow],
    seen: Seen,
) -> set[str]:
    """Count what vanished and, in the first walk, settle it. `links` are linked ones by HubSpot id. Returns the Cliniko
    ids of records that were lost: their links are dropped, and their streams make them again."""
    if not seen.missing:
        return set()
    found = _sort_out(ctx, report, object_type, kind, links, seen)
    numbers.differ(DELETED, len(found.deleted))
    numbers.differ(MERGED, len(found.elsewhere))
    numbers.differ(LOST_RECORD, len(found.lost))
    lost = {links[hubspot_id].cliniko_id for hubspot_id in found.lost}
    if not report.repairs:
        return lost
    _close(ctx, kind, found.deleted)
    if kind in DEAL_KINDS:
        hooks.look_again_at_deals(ctx, found.elsewhere)
    else:
        hooks.look_again(ctx, found.elsewhere)
    _forget(ctx, kind, found.lost, ("linked",))
    return lost


def never_there(
    ctx: SyncContext, report: Report, numbers: Numbers, object_type: str, kind: str, links: Collection[LinkRow]
) -> set[str]:
    """The same of records that count as deleted because a write did not find them: what lies in no recycle bin was
    never made."""
    closed = {link.cliniko_id: str(link.hubspot_id) for link in links if link.state == "closed" and link.hubspot_id}
    made = _made(ctx, report, kind, closed) if closed else set()
    if not made:
        return set()
    ids = {closed[cliniko_id]: cliniko_id for cliniko_id in made}
    for archived in (True, False):
        there = objects.batch_read(ctx.hubspot, object_type, list(ids), [], archived=archived)
        ctx.count("hubspot_calls")
        ids = {i: cliniko_id for i, cliniko_id in ids.items() if i not in {record.id for record in there.results}}
    lost = {i for i in ids if len(ids) > ONE_BY_ONE or not _answers(ctx, object_type, i)}
    numbers.differ(LOST_RECORD, len(lost))
    if report.repairs:
        _forget(ctx, kind, lost, ("closed",))
    return {ids[i] for i in lost}


def _made(ctx: SyncContext, report: Report, kind: str, cliniko_ids: Collection[str]) -> set[str]:
    rules = _DEALS if kind in DEAL_KINDS else _CONTACTS
    return comparing.made_since(ctx.connection_id, kind, cliniko_ids, report.seen_before, rules)


def _sort_out(
    ctx: SyncContext, report: Report, object_type: str, kind: str, links: Mapping[str, LinkRow], seen: Seen
) -> Vanished:
    found = Vanished()
    archived = objects.batch_read(ctx.hubspot, object_type, seen.missing, [], archived=True)
    ctx.count("hubspot_calls")
    found.deleted = {record.id for record in archived.results} & set(seen.missing)
    rest = set(seen.missing) - found.deleted
    ids = {links[i].cliniko_id: i for i in rest & seen.unknown}
    lost = {ids[cliniko_id] for cliniko_id in _made(ctx, report, kind, ids)}
    if len(lost) <= ONE_BY_ONE:
        lost = {hubspot_id for hubspot_id in lost if not _answers(ctx, object_type, hubspot_id)}
    found.lost, found.elsewhere = lost, rest - lost
    return found


def _answers(ctx: SyncContext, object_type: str, hubspot_id: str) -> bool:
    """A single read also finds the record that took the place of a merged one."""
    ctx.count("hubspot_calls")
    try:
        objects.read_one(ctx.hubspot, object_type, hubspot_id, [])
    except NotFound:
        return False
    return True


def _close(ctx: SyncContext, kind: str, hubspot_ids: Collection[str]) -> None:
    """Somebody deleted these: they are not made again until their record changes, if at all."""
    if not hubspot_ids:
        return
    with ctx.keeper.identity_lock():
        links = ledger.by_hubspot(ctx.hub_id, kind, hubspot_ids)
        alive = [link for link in links.values() if link.state == "linked"]
        if kind not in DEAL_KINDS:
            for link in alive:
                hooks.close_link(ctx, kind, link)
            return
        ctx.keeper.guard()
        ledger.put([{**_key(ctx, link), "state": "closed", "contact_id": None} for link in alive])
        lines = [Line("closed", kind, link.cliniko_id, link.hubspot_id, target="ledger") for link in alive]
        activity.note(ctx.hub_id, ctx.stream, lines)
        ctx.commit()


def _forget(ctx: SyncContext, kind: str, hubspot_ids: Collection[str], states: Sequence[str]) -> None:
    """Drop the links of records that were never made, and have their streams make them."""
    if not hubspot_ids:
        return
    with ctx.keeper.identity_lock():
        links = ledger.by_hubspot(ctx.hub_id, kind, hubspot_ids)
        lost = [link.cliniko_id for link in links.values() if link.state in states]
        ctx.keeper.guard()
        comparing.drop_links(ctx.connection_id, kind, lost)
        if kind == "patient":
            for patient_id in lost:
                ledger.forget_contact(ctx.connection_id, patient_id)
            # A contact may have been made only because a deal needed it.
            for deal_kind, ids in ledger.deals_of(ctx.connection_id, lost, ("linked", "waiting")).items():
                issues.add_work(ctx.hub_id, ctx.connection_id, deal_kind, ids, "reconcile")
        issues.add_work(ctx.hub_id, ctx.connection_id, kind, lost, "reconcile")
        ctx.commit()


def _key(ctx: SyncContext, link: LinkRow) -> dict[str, object]:
    return {
        "hub_id": ctx.hub_id,
        "connection_id": link.connection_id,
        "kind": link.kind,
        "cliniko_id": link.cliniko_id,
    }
