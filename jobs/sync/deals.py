"""Match, reserve, write, account, associate: everything that happens to visits and invoices on their way to deals."""

from collections.abc import Callable, Sequence

from jobs.mapping.digest import record_digest
from jobs.sync import deal_associating, deal_settling
from jobs.sync.context import SyncContext
from jobs.sync.deal_items import TARGET, DealItem, DealWrite, place_of
from jobs.sync.deal_owners import add_owners
from jobs.sync.deal_planning import plan_change, plan_new, settle_places
from jobs.sync.patient_contacts import find_contacts
from jobs.sync.refusals import classify
from jobs.sync.sending import Outcome, send_creates, send_updates
from webapp.store import issues, ledger

MAX_TRIES = 4


def process(
    ctx: SyncContext,
    items: Sequence[DealItem],
    *,
    forced: bool = False,
    commit_cursor: Callable[[], None] = lambda: None,
) -> None:
    """Take care of these visits or invoices, ≤ 100 of them. The cursor moves in the last transaction.

    What is neither linked nor in scope makes no deal. `forced` looks at every item even when nothing seems to have
    changed (retries, work items)."""
    _find_links(ctx, items)
    mine = [item for item in items if item.link is not None or item.in_scope]
    contacts = find_contacts(ctx, {item.patient_id for item in mine if item.patient_id})
    for item in mine:
        if item.patient_id is not None:
            contact = contacts[item.patient_id]
            item.patient_id, item.contact_id, item.waits_for = contact.patient_id, contact.hubspot_id, contact.cause
        item.place = place_of(ctx, ctx.stream, item.mapped.stage.value)
    add_owners(ctx, mine)
    for item in mine:
        item.values = {n: v for n, v in item.mapped.values.items() | item.values.items() if n in ctx.writable_deals}
        place = item.place
        assert place is not None
        item.digest = record_digest(ctx.digest_key, item.values, f"{ctx.deal_salt}|{place.pipeline}|{place.stage}")
    open_items = [item for item in mine if forced or not _unchanged(item)]
    ctx.count("unchanged", len(mine) - len(open_items))
    if open_items:
        with ctx.keeper.identity_lock():
            _find_links(ctx, open_items)
            _write(ctx, open_items)
    ctx.keeper.guard()
    issues.done_items(ctx.connection_id, [(i.kind, i.cliniko_id) for i in items])
    commit_cursor()
    ctx.commit()


def _find_links(ctx: SyncContext, items: Sequence[DealItem]) -> None:
    by_kind: dict[str, list[str]] = {}
    for item in items:
        by_kind.setdefault(item.kind, []).append(item.cliniko_id)
    found = {kind: ledger.by_cliniko(ctx.connection_id, kind, ids) for kind, ids in by_kind.items()}
    for item in items:
        item.link = found[item.kind].get(item.cliniko_id)


def _unchanged(item: DealItem) -> bool:
    link = item.link
    if link is None or link.digest is None or bytes(link.digest) != item.digest:
        return False
    if link.state == "closed":
        return True
    return link.state == "linked" and link.contact_id == item.contact_id and link.patient_id == item.patient_id


def _write(ctx: SyncContext, items: Sequence[DealItem]) -> None:
    linked = [i for i in items if i.link is not None and i.link.state == "linked"]
    others = [i for i in items if i.link is None or i.link.state != "linked"]
    # A deal that somebody deleted comes back only when its record changes; a closed link keeps the last digest.
    left = [i for i in others if i.link is not None and i.link.state == "closed" and _unchanged(i)]
    fresh = [i for i in others if i not in left]
    waiting = [i for i in fresh if i.patient_id is not None and i.contact_id is None]
    deal_settling.waiting(ctx, waiting)
    deal_settling.left_alone(ctx, left)
    changes = [plan_change(ctx, item) for item in linked]
    settle_places(ctx, changes)
    quiet = [w for w in changes if not w.properties]
    deal_settling.accepted(ctx, [(w, w.hubspot_id or "") for w in quiet])
    new = deal_settling.reserve(ctx, [plan_new(item) for item in fresh if item not in waiting])
    pending = [w for w in changes if w.properties] + new
    done: list[tuple[DealWrite, str]] = [(w, w.hubspot_id or "") for w in quiet]
    while pending:
        outcomes = [
            *send_updates(ctx, TARGET, [w for w in pending if not w.create]),
            *send_creates(ctx, TARGET, [w for w in pending if w.create]),
        ]
        pending = _settle(ctx, outcomes, done)
    deal_associating.associate(ctx, done)


def _settle(
    ctx: SyncContext, outcomes: Sequence[Outcome[DealWrite]], done: list[tuple[DealWrite, str]]
) -> list[DealWrite]:
    """Record what was accepted, correct what was refused. Returns the writes to send again."""
    good = [(o.write, o.hubspot_id) for o in outcomes if o.error is None and o.hubspot_id is not None]
    deal_settling.accepted(ctx, good)
    done.extend(good)
    for write, _ in good:
        ctx.count("created" if write.create else "updated")
    deal_settling.gone(ctx, [o.write for o in outcomes if o.gone])
    again: list[DealWrite] = []
    for outcome in outcomes:
        corrected = _correct(ctx, outcome) if outcome.error is not None else None
        if corrected is not None and not corrected.properties:
            if corrected.hubspot_id is not None:
                deal_settling.accepted(ctx, [(corrected, corrected.hubspot_id)])
                done.append((corrected, corrected.hubspot_id))
        elif corrected is not None:
            again.append(corrected)
    return again


def _correct(ctx: SyncContext, outcome: Outcome[DealWrite]) -> DealWrite | None:
    """The write to send instead, or None when the record has been settled otherwise."""
    write, error = outcome.write, outcome.error
    assert error is not None
    refusal = classify(error, frozenset(write.properties), TARGET.key_property)
    write.attempts += 1
    if write.attempts >= MAX_TRIES or refusal.action == "give_up":
        deal_settling.refused(ctx, write, refusal)
        return None
    if error.category == "UNANSWERED":
        return _repoint(ctx, outcome)
    if refusal.action == "drop":
        for name in refusal.fields:
            write.refusals[name] = (refusal.cause, refusal.detail)
            write.properties.pop(name, None)
        return write
    deal_settling.refused(ctx, write, refusal)
    return None


def _repoint(ctx: SyncContext, outcome: Outcome[DealWrite]) -> DealWrite | None:
    """HubSpot merged the deal into another one: follow it, unless that one belongs to another record already."""
    write = outcome.write
    if outcome.hubspot_id is None or outcome.hubspot_id == write.hubspot_id:
        return write
    other = deal_settling.holder_of(ctx, outcome.hubspot_id)
    if other is not None and (other.kind, other.cliniko_id) != (write.item.kind, write.item.cliniko_id):
        deal_settling.gone(ctx, [write])
        return None
    write.hubspot_id = outcome.hubspot_id
    return write
