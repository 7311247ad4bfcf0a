"""Match, reserve, write, account: everything that happens to a page of people under the account's identity lock."""

from collections.abc import Sequence
from dataclasses import replace

from jobs.sync import causes, settling
from jobs.sync.candidates import key_that_counts, read_candidates
from jobs.sync.context import SyncContext
from jobs.sync.deciding import decide_all
from jobs.sync.items import Item, PersonKind, Write, agree
from jobs.sync.matching import Candidate
from jobs.sync.planning import plan_change, plan_new, released_by, settle_addresses, withhold
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
    released = released_by(planned)
    quiet = [w for w in planned if not w.properties]
    settling.accepted(ctx, spec, [(w, w.hubspot_id or "") for w in quiet], released)
    ctx.count("unchanged", len(quiet))
    pending = [w for w in planned if w.properties] + settling.reserve(ctx, spec, fresh)
    second: list[Write] = []
    target = spec.target(ctx)
    while pending:
        changed = [_first_half(w) for w in pending if not w.create]
        again = _settle(ctx, spec, send_updates(ctx, target, changed), second, released)
        again += _settle(ctx, spec, send_creates(ctx, target, [w for w in pending if w.create]), second, released)
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
    return plan_new(ctx, spec, item, seen.get(item.decision.hubspot_id or ""))


def _first_half(write: Write) -> Write:
    """While the address still belongs to another record of this batch, give up our own first: it is replaced in two
    steps."""
    if write.email_later:
        write.properties["email"], write.holds = "", None
    return write


def _second_half(ctx: SyncContext, write: Write, hubspot_id: str) -> Write:
    return replace(
        write,
        create=False,
        hubspot_id=hubspot_id,
        agreed=agree(ctx, write.agreed, write.properties),
        properties={"email": write.item.email},
        email_later=False,
        releases=frozenset(),
        attempts=0,
    )


def _settle(
    ctx: SyncContext,
    spec: PersonKind,
    outcomes: Sequence[Outcome[Write]],
    second: list[Write],
    released: frozenset[bytes],
) -> list[Write]:
    """Record what was accepted, correct what was refused. Returns the writes to send again. `released` are the
    addresses that records of this batch give up."""
    done = [(o.write, o.hubspot_id) for o in outcomes if o.error is None and o.hubspot_id is not None]
    _accept(ctx, spec, done, second, released)
    gone = [o.write for o in outcomes if o.gone]
    settling.gone(ctx, spec, [w for w in gone if _is_linked(w)])
    failed = [(o, o.error) for o in outcomes if o.error is not None]
    read = [(o, e, classify(e, frozenset(o.write.properties), spec.key_property)) for o, e in failed]
    holders = {r.holder_id for _, _, r in read if r.action == "clash" and r.holder_id}
    contacts = read_candidates(ctx, spec, holders) if holders else {}
    corrected = [_correct(ctx, spec, outcome, error, refusal, contacts) for outcome, error, refusal in read]
    # The contact that was to be linked went away before it was: the rules decide once more.
    corrected += [_decide_again(ctx, spec, w) for w in gone if not _is_linked(w)]
    again = [w for w in corrected if w is not None]
    _accept(ctx, spec, [(w, w.hubspot_id) for w in again if w.hubspot_id and not w.properties], second, released)
    return [w for w in again if w.properties]


def _accept(
    ctx: SyncContext,
    spec: PersonKind,
    done: Sequence[tuple[Write, str]],
    second: list[Write],
    released: frozenset[bytes],
) -> None:
    settling.accepted(ctx, spec, done, released)
    for write, hubspot_id in done:
        _count(ctx, write)
        if write.email_later:
            second.append(_second_half(ctx, write, hubspot_id))


def _is_linked(write: Write) -> bool:
    return write.item.link is not None and write.item.link.state == "linked"


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
        if "email" in refusal.fields and (holder is None or not write.create):
            # The contact it is linked to, or is to be linked to, still fits: only the address is somebody else's.
            write.holder_id = refusal.holder_id
            withhold(ctx, write)
            return write
        if holder is not None:
            # HubSpot named the contact that has this address or key: the rules decide once more, now knowing it.
            return _decide_again(ctx, spec, write, holder)
    if refusal.action == "drop":
        return _without(write, refusal)
    settling.refused(ctx, spec, write, refusal)
    return None


def _without(write: Write, refusal: Refusal) -> Write:
    """The rest of the record; the refused fields become issues. Their old values stay as they are in HubSpot."""
    for name in refusal.fields:
        write.refusals[name] = (refusal.cause, refusal.detail)
        write.properties.pop(name, None)
    if "email" in refusal.fields:
        write.takes, write.releases = None, frozenset()
    return write


def _decide_again(ctx: SyncContext, spec: PersonKind, write: Write, holder: Candidate | None = None) -> Write | None:
    """Apply the rules to a record that is not linked once more: with the contact that HubSpot named, or from the
    beginning. None when it is not written now."""
    item = write.item
    seen = decide_all(ctx, spec, [item], holders=[holder] if holder else (), fresh=holder is None)
    if not _goes_out(item):
        settling.undecided(ctx, spec, [item])
        return None
    corrected = _plan_new(ctx, spec, item, seen)
    corrected.attempts, corrected.holder_id = write.attempts, holder.hubspot_id if holder else None
    corrected.refusals = write.refusals
    for name in write.refusals:
        corrected.properties.pop(name, None)
    kept = settling.reserve(ctx, spec, [corrected])
    return kept[0] if kept else None


def _repoint(ctx: SyncContext, spec: PersonKind, outcome: Outcome[Write]) -> Write | None:
    """HubSpot merged the contact into another one: follow it, unless that one belongs to another record already."""
    write = outcome.write
    if outcome.hubspot_id is None or outcome.hubspot_id == write.hubspot_id:
        return write
    if not _is_linked(write):
        return _decide_again(ctx, spec, write)
    key = key_that_counts(ctx, outcome.key)
    other = ledger.by_hubspot(ctx.hub_id, spec.kind, [outcome.hubspot_id]).get(outcome.hubspot_id)
    mine = other is None or (other.connection_id, other.cliniko_id) == (ctx.connection_id, write.item.cliniko_id)
    if not mine or (key is not None and key != write.key):
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
        issues.open_issue(
            ctx.hub_id,
            ctx.connection_id,
            stream,
            kind,
            cliniko_id,
            causes.UNREADABLE,
            detail=reason,
            # Without an id there is nothing to ask for again.
            retry=cliniko_id != "",
        )
        ctx.count("issues")
