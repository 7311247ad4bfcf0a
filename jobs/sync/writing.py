"""Match, reserve, write, account: everything that happens to a page of people under the account's identity lock."""

from collections.abc import Sequence
from dataclasses import replace

from jobs.sync import causes, settling
from jobs.sync.context import SyncContext
from jobs.sync.candidates import key_that_counts, read_candidates
from jobs.sync.deciding import decide_all
from jobs.sync.items import Item, PersonKind, Write, agree
from jobs.sync.matching import Candidate
from jobs.sync.planning import plan_change, plan_new, settle_addresses, withhold
from jobs.sync.refusals import Refusal, classify
from jobs.sync.sending import Outcome, send_creates, send_updates
from webapp.clients.hubspot.objects import BatchError
from webapp.store import issues, ledger

# A refused input is corrected and sent again; after this many tries it becomes an issue.
MAX_TRIES = 4


def write_people(ctx: SyncContext, spec: PersonKind, changes: Sequence[Item], new: Sequence[Item]) -> None:
    """Write linked records that changed, and decide and write those that are not linked yet.

    The caller holds the identity lock. Raises what stops the whole execution (Retryable, NeedsReconnect, LeaseLost);
    what was accepted before that is already recorded."""
    seen = decide_all(ctx, spec, list(new))
    settling.undecided(ctx, spec, [i for i in new if not _goes_out(i)])
    _leave_to_others(ctx, spec, [*changes, *(i for i in new if _goes_out(i))])
    planned = [plan_change(ctx, item) for item in changes]
    fresh = [_plan_new(ctx, spec, item, seen) for item in new if _goes_out(item)]
    settle_addresses(ctx, spec, planned, fresh)
    quiet = [w for w in planned if not w.properties]
    settling.accepted(ctx, spec, [(w, w.hubspot_id or "") for w in quiet])
    ctx.count("unchanged", len(quiet))
    pending = [w for w in planned if w.properties] + settling.reserve(ctx, spec, fresh)
    second: list[Write] = []
    target = spec.target(ctx)
    while pending:
        again: list[Write] = []
        for outcomes in (
            send_updates(ctx, target, [_first_half(w) for w in pending if not w.create]),
            send_creates(ctx, target, [w for w in pending if w.create]),
        ):
            again += _settle(ctx, spec, outcomes, second)
        pending = again
        if not pending:
            pending, second = second, []


def _goes_out(item: Item) -> bool:
    return item.decision is not None and item.decision.action in ("link", "create")


def _leave_to_others(ctx: SyncContext, spec: PersonKind, items: Sequence[Item]) -> None:
    """Where a patient is linked to the same HubSpot contact, a Cliniko contact writes its own properties only."""
    if spec.yields_to is None:
        return
    targets = {item.cliniko_id: _target(item) for item in items}
    others = ledger.by_hubspot(ctx.hub_id, spec.yields_to, [t for t in targets.values() if t])
    for item in items:
        other = others.get(targets[item.cliniko_id] or "")
        if other is not None and other.state in ledger.HOLDING:
            item.values = {name: value for name, value in item.values.items() if name in spec.own_properties}


def _target(item: Item) -> str | None:
    if item.decision is not None:
        return item.decision.hubspot_id
    return item.link.hubspot_id if item.link is not None else None


def _plan_new(ctx: SyncContext, spec: PersonKind, item: Item, seen: dict[str, Candidate]) -> Write:
    assert item.decision is not None
    contact = seen.get(item.decision.hubspot_id or "")
    return plan_new(ctx, spec, item, contact.emails if contact else frozenset())


def _first_half(write: Write) -> Write:
    """While the address still belongs to another record of this batch, give up our own first."""
    if write.email_later:
        if "email" in write.agreed:
            write.properties["email"] = ""
        else:
            write.properties.pop("email", None)
    return write


def _second_half(ctx: SyncContext, write: Write, hubspot_id: str) -> Write:
    return replace(
        write,
        create=False,
        hubspot_id=hubspot_id,
        agreed=agree(ctx, write.agreed, write.properties),
        properties={"email": write.item.email},
        email_later=False,
        releases=None,
        attempts=0,
    )


def _settle(ctx: SyncContext, spec: PersonKind, outcomes: Sequence[Outcome[Write]], second: list[Write]) -> list[Write]:
    """Record what was accepted, correct what was refused. Returns the writes to send again."""
    done = [(o.write, o.hubspot_id) for o in outcomes if o.error is None and o.hubspot_id is not None]
    settling.accepted(ctx, spec, done)
    for write, hubspot_id in done:
        _count(ctx, write)
        if write.email_later:
            second.append(_second_half(ctx, write, hubspot_id))
    settling.gone(ctx, spec, [o.write for o in outcomes if o.gone])
    failed = [(o, o.error) for o in outcomes if o.error is not None]
    read = [(o, e, classify(e, frozenset(o.write.properties), spec.key_property)) for o, e in failed]
    holders = {r.holder_id for _, _, r in read if r.action == "clash" and r.holder_id}
    contacts = read_candidates(ctx, spec, holders) if holders else {}
    again: list[Write] = []
    for outcome, error, refusal in read:
        corrected = _correct(ctx, spec, outcome, error, refusal, contacts)
        if corrected is not None:
            again.append(corrected)
    return again


def _correct(
    ctx: SyncContext,
    spec: PersonKind,
    outcome: Outcome[Write],
    error: BatchError,
    refusal: Refusal,
    contacts: dict[str, Candidate],
) -> Write | None:
    """The write to send instead, or None when the record has been settled otherwise."""
    write = outcome.write
    write.attempts += 1
    if write.attempts >= MAX_TRIES:
        settling.refused(ctx, spec, write, replace(refusal, cause=causes.REFUSED))
        return None
    if error.category == "UNANSWERED":
        return _repoint(ctx, spec, outcome)
    if refusal.action == "clash":
        holder = contacts.get(refusal.holder_id or "")
        if write.item.link is not None and write.item.link.state == "linked":
            return _withheld(ctx, write, refusal)
        return _decide_again(ctx, spec, write, refusal, holder)
    if refusal.action == "drop":
        return _without(ctx, spec, write, refusal)
    settling.refused(ctx, spec, write, refusal)
    return None


def _withheld(ctx: SyncContext, write: Write, refusal: Refusal) -> Write:
    write.holder_id = refusal.holder_id
    withhold(ctx, write)
    return write


def _without(ctx: SyncContext, spec: PersonKind, write: Write, refusal: Refusal) -> Write | None:
    """Send the rest of the record; the refused fields become issues. Their old values stay as they are in HubSpot."""
    for name in refusal.fields:
        write.refusals[name] = (refusal.cause, refusal.detail)
        write.properties.pop(name, None)
    if "email" in refusal.fields:
        write.takes = write.releases = None
        write.holds = write.item.link.email_hmac if write.item.link is not None else None
    if write.properties:
        return write
    if write.hubspot_id is not None:
        settling.accepted(ctx, spec, [(write, write.hubspot_id)])
    return None


def _decide_again(
    ctx: SyncContext, spec: PersonKind, write: Write, refusal: Refusal, holder: Candidate | None
) -> Write | None:
    """HubSpot named the contact that has this address or key: apply the rules once more, now knowing it."""
    item = write.item
    if holder is None:
        settling.refused(ctx, spec, write, refusal)
        return None
    decide_all(ctx, spec, [item], holders=[holder], fresh=False)
    if not _goes_out(item):
        settling.undecided(ctx, spec, [item])
        return None
    corrected = _plan_new(ctx, spec, item, {holder.hubspot_id: holder})
    corrected.attempts, corrected.holder_id = write.attempts, holder.hubspot_id
    if not write.create and corrected.create:
        # The contact it was to be linked to still fits; only the address belongs to somebody else.
        withhold(ctx, write)
        write.holder_id = holder.hubspot_id
        return write
    kept = settling.reserve(ctx, spec, [corrected])
    return kept[0] if kept else None


def _repoint(ctx: SyncContext, spec: PersonKind, outcome: Outcome[Write]) -> Write | None:
    """HubSpot merged the contact into another one: follow it, unless that one belongs to another record already."""
    write = outcome.write
    if outcome.hubspot_id is None or outcome.hubspot_id == write.hubspot_id:
        return write
    other = ledger.by_hubspot(ctx.hub_id, spec.kind, [outcome.hubspot_id]).get(outcome.hubspot_id)
    if other is not None and (other.connection_id, other.cliniko_id) != (ctx.connection_id, write.item.cliniko_id):
        settling.merged_away(ctx, spec, write, outcome.hubspot_id)
        return None
    write.hubspot_id = outcome.hubspot_id
    return write


def _count(ctx: SyncContext, write: Write) -> None:
    if write.create:
        ctx.count("created")
        if write.shared:
            ctx.count("separate")
    elif write.item.decision is not None:
        ctx.count("linked")
        ctx.count(f"linked_by_{write.rule}")
    else:
        ctx.count("updated")


def open_unreadable(ctx: SyncContext, spec: PersonKind, bad: Sequence[tuple[str, str]]) -> None:
    """Records that could not be read are kept as issues, so that the cursor may pass them; the caller commits."""
    open_unreadable_of(ctx, spec.stream, spec.kind, bad)


def open_unreadable_of(ctx: SyncContext, stream: str, kind: str, bad: Sequence[tuple[str, str]]) -> None:
    """The same for records of any kind; the caller commits."""
    for cliniko_id, reason in bad:
        issues.open_issue(ctx.hub_id, ctx.connection_id, stream, kind, cliniko_id, causes.UNREADABLE, detail=reason)
        ctx.count("issues")
