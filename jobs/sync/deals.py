"""Match, reserve, write, account, associate: everything that happens to visits and invoices on their way to deals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from jobs.mapping.digest import record_digest
from jobs.sync import causes, currency, deal_associating, deal_settling, hooks
from jobs.sync.context import SyncContext
from jobs.sync.deal_items import PLACE, TARGET, DealItem, DealWrite, place_of
from jobs.sync.deal_owners import add_owners
from jobs.sync.deal_planning import plan_change, plan_new, settle_places, stay_in_place
from jobs.sync.patient_contacts import PatientContact, find_contacts, known_contacts
from jobs.sync.refusals import classify
from jobs.sync.sending import Outcome, send_creates, send_updates
from webapp.clients.hubspot import objects
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
    _settle_contacts(mine, find_contacts(ctx, {item.patient_id for item in mine if item.patient_id}))
    for item in mine:
        item.place = place_of(ctx, ctx.stream, item.mapped.stage.value)
    add_owners(ctx, mine)
    for item in mine:
        item.values = {n: v for n, v in item.mapped.values.items() | item.values.items() if n in ctx.writable_deals}
        place = item.place
        assert place is not None
        item.digest = record_digest(ctx.digest_key, item.values, f"{ctx.deal_salt}|{place.pipeline}|{place.stage}")
    open_items = [item for item in mine if forced or not _unchanged(item)]
    touched = [] if forced else [item for item in mine if _unchanged(item) and _newer(item)]
    ctx.count("unchanged", len(mine) - len(open_items))
    unlinkable: set[str] = set()
    if open_items:
        with ctx.keeper.identity_lock():
            _find_links(ctx, open_items)
            _settle_contacts(open_items, known_contacts(ctx, {i.patient_id for i in open_items if i.patient_id}))
            unlinkable = _write(ctx, open_items)
    ctx.keeper.guard()
    issues.done_items(ctx.connection_id, [(i.kind, i.cliniko_id) for i in items], ctx.began)
    ledger.looked_at(ctx.connection_id, [(i.kind, i.cliniko_id, i.updated_at) for i in touched if i.updated_at])
    commit_cursor()
    ctx.commit()
    _look_for(ctx, sorted(unlinkable))


def change_linked(ctx: SyncContext, items: Sequence[DealItem]) -> None:
    """Write the values and the place that these items hold to their deals, which keep everything else: owner, contact,
    patient. What has no linked deal is left out."""
    with ctx.keeper.identity_lock():
        _find_links(ctx, items)
        linked = [item for item in items if item.link is not None and item.link.state == "linked"]
        for item in linked:
            assert item.link is not None
            item.patient_id, item.contact_id = item.link.patient_id, item.link.contact_id
            item.updated_at = item.link.cliniko_updated_at
        _write(ctx, linked)


def _look_for(ctx: SyncContext, contact_ids: Sequence[str]) -> None:
    """HubSpot would not link deals with these contacts: one may have been deleted or merged without our being told."""
    for start in range(0, len(contact_ids), 100):
        part = contact_ids[start : start + 100]
        ctx.count("hubspot_calls")
        there = {record.id for record in objects.batch_read(ctx.hubspot, "contacts", part, []).results}
        hooks.look_again(ctx, set(part) - there)


def _settle_contacts(items: Sequence[DealItem], contacts: Mapping[str, PatientContact]) -> None:
    for item in items:
        if item.patient_id is not None:
            contact = contacts[item.patient_id]
            item.patient_id, item.contact_id, item.waits_for = contact.patient_id, contact.hubspot_id, contact.cause


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


def _stays_away(item: DealItem) -> bool:
    """Somebody deleted this deal: it comes back only when its own record changes, not when a setting or a name does."""
    link = item.link
    if link is None or link.state != "closed":
        return False
    return _unchanged(item) or not _newer(item)


def _newer(item: DealItem) -> bool:
    """Has the record changed in Cliniko since its deal was last written?"""
    known = item.link.cliniko_updated_at if item.link is not None else None
    return known is None or item.updated_at is None or item.updated_at > known


def _write(ctx: SyncContext, items: Sequence[DealItem]) -> set[str]:
    linked = [i for i in items if i.link is not None and i.link.state == "linked"]
    left = [i for i in items if _stays_away(i)]
    fresh = [i for i in items if i not in linked and i not in left]
    deal_settling.left_alone(ctx, left)
    changes = [plan_change(ctx, item) for item in linked]
    settle_places(ctx, changes)
    quiet = [w for w in changes if not w.properties]
    deal_settling.accepted(ctx, [(w, w.hubspot_id or "") for w in quiet])
    pending = [w for w in changes if w.properties] + _new(ctx, fresh)
    done: list[tuple[DealWrite, str]] = [(w, w.hubspot_id or "") for w in quiet]
    while pending:
        outcomes = [
            *send_updates(ctx, TARGET, [w for w in pending if not w.create]),
            *send_creates(ctx, TARGET, [w for w in pending if w.create]),
        ]
        pending = _settle(ctx, outcomes, done)
    return deal_associating.associate(ctx, done)


def _new(ctx: SyncContext, items: Sequence[DealItem]) -> list[DealWrite]:
    """Deals to create, reserved; those whose patient has no contact wait."""
    waiting = [i for i in items if i.patient_id is not None and i.contact_id is None]
    deal_settling.waiting(ctx, waiting)
    return deal_settling.reserve(ctx, [plan_new(item) for item in items if item not in waiting])


def _settle(
    ctx: SyncContext, outcomes: Sequence[Outcome[DealWrite]], done: list[tuple[DealWrite, str]]
) -> list[DealWrite]:
    """Record what was accepted, correct what was refused. Returns the writes to send again."""
    good = [(o.write, o.hubspot_id) for o in outcomes if o.error is None and o.hubspot_id is not None]
    deal_settling.accepted(ctx, good)
    done.extend(good)
    for write, _ in good:
        ctx.count("created" if write.create else "updated")
    code = next((w.properties[currency.PROPERTY] for w, _ in good if w.properties.get(currency.PROPERTY)), None)
    if code:
        currency.taken(ctx, code)
    gone = [o.write for o in outcomes if o.gone]
    back = [w for w in gone if _newer(w.item)]
    deal_settling.gone(ctx, [w for w in gone if w not in back])
    # It was deleted before this change of its record, so the change brings it back.
    again = _new(ctx, [w.item for w in back])
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
    if refusal.action != "drop":
        deal_settling.refused(ctx, write, refusal)
        return None
    if set(PLACE) & set(refusal.fields):
        refusal = replace(refusal, cause=causes.STAGE_MISSING)
        if write.create:
            # Without its stage the deal would land in a pipeline of somebody else's.
            deal_settling.refused(ctx, write, refusal)
            return None
        stay_in_place(write)
        refusal = replace(refusal, fields=tuple({*refusal.fields, PLACE[1]}))
    for name in refusal.fields:
        value = write.properties.pop(name, "")
        if name == currency.PROPERTY:
            currency.refused(ctx, value, refusal.detail)
        elif name != PLACE[0]:
            write.refusals[name] = (refusal.cause, refusal.detail)
    return write


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
