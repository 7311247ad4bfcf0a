"""Keeps each deal with its patient's contact, in batches. The ledger knows which contact we set last."""

from collections.abc import Sequence
from datetime import timedelta

from jobs.sync.context import SyncContext
from jobs.sync.deal_items import DealWrite
from webapp.clients.errors import Rejected
from webapp.clients.hubspot import associations
from webapp.clients.hubspot.associations import Pair
from webapp.clock import now
from webapp.store import activity, issues, ledger
from webapp.store.activity import Line

# What HubSpot did not confirm is tried again after this time.
AGAIN_AFTER = timedelta(minutes=15)


def associate(ctx: SyncContext, done: Sequence[tuple[DealWrite, str]]) -> set[str]:
    """Take deals off contacts they no longer belong to and put them on those they do. Commits. Returns the contacts
    that HubSpot would not link."""
    moves = [(w, deal) for w, deal in done if _before(w) != w.item.contact_id]
    if not moves:
        return set()
    leaving = [Pair(deal, before) for w, deal in moves if (before := _before(w)) is not None]
    joining = [Pair(deal, w.item.contact_id) for w, deal in moves if w.item.contact_id is not None]
    _dissociate(ctx, leaving)
    confirmed = _associate(ctx, joining)
    ctx.keeper.guard()
    ledger.put([_row(ctx, w, deal, confirmed) for w, deal in moves])
    activity.note(ctx.hub_id, ctx.stream, [_line(w, deal) for w, deal in moves if _happened(w, deal, confirmed)])
    refused = [(w, w.item.contact_id or "") for w, deal in moves if not _happened(w, deal, confirmed)]
    for write, _ in refused:
        item = write.item
        due = now() + AGAIN_AFTER
        issues.add_work(ctx.hub_id, ctx.connection_id, item.kind, [item.cliniko_id], "association", due)
    ctx.commit()
    return {contact for _, contact in refused}


def _dissociate(ctx: SyncContext, pairs: Sequence[Pair]) -> None:
    if pairs:
        ctx.keeper.check()
        associations.dissociate(ctx.hubspot, pairs)
        ctx.count("hubspot_calls")


def _associate(ctx: SyncContext, pairs: Sequence[Pair]) -> set[Pair]:
    """The pairs that HubSpot confirmed. When it refuses them as a whole, the others do not have to wait for one."""
    if not pairs:
        return set()
    ctx.keeper.check()
    ctx.count("hubspot_calls")
    try:
        return associations.associate(ctx.hubspot, pairs)
    except Rejected:
        if len(pairs) == 1:
            return set()
        middle = len(pairs) // 2
        return _associate(ctx, pairs[:middle]) | _associate(ctx, pairs[middle:])


def _happened(write: DealWrite, deal: str, confirmed: set[Pair]) -> bool:
    contact = write.item.contact_id
    return contact is None or Pair(deal, contact) in confirmed


def _line(write: DealWrite, deal: str) -> Line:
    action = "associated" if write.item.contact_id else "dissociated"
    return Line(action, write.item.kind, write.item.cliniko_id, deal)


def _before(write: DealWrite) -> str | None:
    link = write.item.link
    return None if write.create or link is None else link.contact_id


def _row(ctx: SyncContext, write: DealWrite, deal: str, confirmed: set[Pair]) -> dict[str, object]:
    contact = write.item.contact_id
    return {
        "hub_id": ctx.hub_id,
        "connection_id": ctx.connection_id,
        "kind": write.item.kind,
        "cliniko_id": write.item.cliniko_id,
        "state": "linked",
        "contact_id": contact if contact is not None and Pair(deal, contact) in confirmed else None,
    }
