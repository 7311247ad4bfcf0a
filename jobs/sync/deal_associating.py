"""Keeps each deal with its patient's contact, in batches. The ledger knows which contact we set last."""

from collections.abc import Sequence
from datetime import timedelta

from jobs.sync.context import SyncContext
from jobs.sync.deal_items import DealWrite
from webapp.clients.hubspot import associations
from webapp.clients.hubspot.associations import Pair
from webapp.clock import now
from webapp.store import activity, issues, ledger
from webapp.store.activity import Line

# What HubSpot did not confirm is tried again after this time.
AGAIN_AFTER = timedelta(minutes=15)


def associate(ctx: SyncContext, done: Sequence[tuple[DealWrite, str]]) -> None:
    """Take deals off contacts they no longer belong to and put them on those they do. Commits."""
    moves = [(w, deal) for w, deal in done if _before(w) != w.item.contact_id]
    if not moves:
        return
    leaving = [Pair(deal, before) for w, deal in moves if (before := _before(w)) is not None]
    joining = [Pair(deal, w.item.contact_id) for w, deal in moves if w.item.contact_id is not None]
    if leaving:
        ctx.keeper.check()
        associations.dissociate(ctx.hubspot, leaving)
        ctx.count("hubspot_calls")
    confirmed: set[Pair] = set()
    if joining:
        ctx.keeper.check()
        confirmed = associations.associate(ctx.hubspot, joining)
        ctx.count("hubspot_calls")
    ctx.keeper.guard()
    ledger.put([_row(ctx, w, deal, confirmed) for w, deal in moves])
    lines = [Line("associated", w.item.kind, w.item.cliniko_id, deal) for w, deal in moves if w.item.contact_id]
    lines += [Line("dissociated", w.item.kind, w.item.cliniko_id, deal) for w, deal in moves if not w.item.contact_id]
    activity.note(ctx.hub_id, ctx.stream, lines)
    for write, deal in moves:
        contact = write.item.contact_id
        if contact is not None and Pair(deal, contact) not in confirmed:
            item = write.item
            due = now() + AGAIN_AFTER
            issues.add_work(ctx.hub_id, ctx.connection_id, item.kind, [item.cliniko_id], "association", due)
    ctx.commit()


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
