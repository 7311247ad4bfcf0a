"""Records in our database what became of writes and decisions, always under the lease. Each call is one transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from jobs.sync import causes
from jobs.sync.context import SyncContext
from jobs.sync.items import Item, PersonKind, Write, agree, pack_fields
from jobs.sync.refusals import Refusal
from webapp.clock import now
from webapp.extensions import db
from webapp.store import activity, issues, ledger, summaries
from webapp.store.activity import Line

RETRY_LATER = "email_free_again"


def reserve(ctx: SyncContext, spec: PersonKind, writes: Sequence[Write]) -> list[Write]:
    """Insert the reservations before the HubSpot write; returns the writes that got theirs."""
    if not writes:
        return []
    ctx.keeper.guard()
    rows = [
        {
            "hub_id": ctx.hub_id,
            "connection_id": ctx.connection_id,
            "kind": spec.kind,
            "cliniko_id": w.item.cliniko_id,
            "hubspot_id": w.hubspot_id,
            "rule": w.rule,
            "shared_email": w.shared,
            "cliniko_updated_at": w.item.record.updated_at,
        }
        for w in writes
    ]
    kept = ledger.reserve(rows)
    lost = [w.item.cliniko_id for w in writes if (spec.kind, w.item.cliniko_id) not in kept]
    if lost:
        issues.add_work(ctx.hub_id, ctx.connection_id, spec.kind, lost, "lost_race")
        db.session.commit()
    return [w for w in writes if (spec.kind, w.item.cliniko_id) in kept]


def accepted(
    ctx: SyncContext, spec: PersonKind, done: Sequence[tuple[Write, str]], released: Collection[bytes] = ()
) -> None:
    """HubSpot took these writes (write, HubSpot id): store digests of what it accepted, close what is settled.

    `released` are the addresses that records of this batch give up: who was kept from one of them is read again."""
    if not done:
        return
    ctx.keeper.guard()
    rows: list[dict[str, Any]] = []
    freed: set[bytes] = set()
    keep: set[tuple[str, str, str]] = set()
    for write, hubspot_id in done:
        rows.append(_linked_row(ctx, spec, write, hubspot_id))
        freed |= write.releases
        keep |= _open_issues(ctx, spec, write, hubspot_id)
    ledger.put(rows)
    ids = [w.item.cliniko_id for w, _ in done]
    issues.resolve(ctx.connection_id, spec.kind, ids, keep)
    issues.done_work(ctx.connection_id, spec.kind, ids, ctx.began)
    _free(ctx, freed, {w.item.cliniko_id for w, _ in done if w.email_later})
    late = [w.item.cliniko_id for w, _ in done if w.withheld is not None and w.withheld in released]
    issues.add_work(ctx.hub_id, ctx.connection_id, spec.kind, late, RETRY_LATER)
    _review_withheld(ctx, spec, [(w, h) for w, h in done if w.withheld is not None])
    activity.note(ctx.hub_id, ctx.stream, [_line(spec, w, hubspot_id) for w, hubspot_id in done if w.properties])
    _tell_deals(ctx, spec, done)
    settled = [w.item.cliniko_id for w, _ in done if w.withheld is None]
    issues.close_reviews(ctx.connection_id, spec.kind, settled, ("email_withheld", "shared_email"))
    db.session.commit()


def _line(spec: PersonKind, write: Write, hubspot_id: str) -> Line:
    action = "created" if write.create else ("updated" if write.item.decision is None else "linked")
    fields = tuple(name for name in write.properties if name not in write.refusals)
    return Line(action, spec.kind, write.item.cliniko_id, hubspot_id, fields)


def _tell_deals(ctx: SyncContext, spec: PersonKind, done: Sequence[tuple[Write, str]]) -> None:
    if spec.kind != "patient":
        return
    tell_deals(
        ctx,
        {
            w.item.cliniko_id: hubspot_id
            for w, hubspot_id in done
            if w.item.link is None or w.item.link.state != "linked" or w.item.link.hubspot_id != hubspot_id
        },
    )


def tell_deals(ctx: SyncContext, contacts: Mapping[str, str]) -> None:
    """Patients got a contact, or another one ({patient: contact}): deals that waited for it are written, and the
    summary goes there. The caller commits."""
    if not contacts:
        return
    by_kind: dict[str, list[str]] = {}
    for kind, cliniko_id in ledger.deals_to_wake(ctx.connection_id, contacts):
        by_kind.setdefault(kind, []).append(cliniko_id)
    for kind, ids in by_kind.items():
        issues.add_work(ctx.hub_id, ctx.connection_id, kind, ids, "patient_linked")
    summaries.linked_now(ctx.connection_id, contacts)
    ledger.speak_for(ctx.hub_id, "contact", contacts.values())


def refused(ctx: SyncContext, spec: PersonKind, write: Write, refusal: Refusal) -> None:
    """HubSpot took nothing of this record: an issue with its reason; a reservation without a contact is dropped."""
    ctx.keeper.guard()
    field = ",".join(refusal.fields)[:100]
    issues.open_issue(
        ctx.hub_id,
        ctx.connection_id,
        spec.stream,
        spec.kind,
        write.item.cliniko_id,
        refusal.cause,
        field=field,
        detail=refusal.detail,
        hubspot_id=write.hubspot_id,
    )
    if write.item.link is None or write.item.link.state != "linked":
        ledger.drop_reservations(ctx.connection_id, spec.kind, [write.item.cliniko_id])
    issues.done_work(ctx.connection_id, spec.kind, [write.item.cliniko_id], ctx.began)
    ctx.count("issues")
    db.session.commit()


def gone(ctx: SyncContext, spec: PersonKind, writes: Sequence[Write]) -> None:
    """The contact was deleted in HubSpot: close the link; it is not made again until the record changes, if at all."""
    if not writes:
        return
    ctx.keeper.guard()
    rows = [
        _row(
            ctx,
            spec,
            w.item,
            state="closed",
            hubspot_id=w.hubspot_id,
            rule=w.rule,
            digest=w.item.digest,
            fields=None,
            email_hmac=None,
            withheld_hmac=None,
            cliniko_updated_at=w.item.record.updated_at,
        )
        for w in writes
    ]
    ledger.put(rows)
    ids = [w.item.cliniko_id for w in writes]
    issues.resolve(ctx.connection_id, spec.kind, ids)
    issues.done_work(ctx.connection_id, spec.kind, ids, ctx.began)
    _free(ctx, {w.item.link.email_hmac for w in writes if w.item.link and w.item.link.email_hmac}, set())
    ctx.count("deleted_in_hubspot", len(writes))
    db.session.commit()


def undecided(ctx: SyncContext, spec: PersonKind, items: Sequence[Item]) -> None:
    """Records that are neither linked nor created now: held for review, left out, blocked or to be skipped."""
    if not items:
        return
    ctx.keeper.guard()
    rows: list[dict[str, Any]] = []
    reviews: list[dict[str, Any]] = []
    settled: list[str] = []
    for item in items:
        decision = item.decision
        assert decision is not None
        if decision.action == "blocked":
            issues.open_issue(
                ctx.hub_id,
                ctx.connection_id,
                spec.stream,
                spec.kind,
                item.cliniko_id,
                causes.KEY_TAKEN,
                field=spec.key_property,
                hubspot_id=decision.hubspot_id,
            )
            ledger.drop_reservations(ctx.connection_id, spec.kind, [item.cliniko_id])
            ctx.count("issues")
            continue
        settled.append(item.cliniko_id)
        if decision.action == "skip":
            continue
        state = "held" if decision.action == "hold" else "excluded"
        rows.append(
            _row(
                ctx,
                spec,
                item,
                state=state,
                hubspot_id=None,
                rule=decision.rule,
                digest=item.digest,
                fields=None,
                email_hmac=None,
                withheld_hmac=None,
                cliniko_updated_at=item.record.updated_at,
            )
        )
        if decision.review:
            reviews.append(_review(ctx, spec, item.cliniko_id, decision.review, decision.review_hubspot_id))
        ctx.count("held" if state == "held" else "left_out")
    ledger.put(rows)
    issues.open_reviews(reviews)
    issues.resolve(ctx.connection_id, spec.kind, settled)
    issues.done_work(ctx.connection_id, spec.kind, [i.cliniko_id for i in items], ctx.began)
    db.session.commit()


def _linked_row(ctx: SyncContext, spec: PersonKind, write: Write, hubspot_id: str) -> dict[str, Any]:
    sent = {n: v for n, v in write.properties.items() if n not in write.refusals}
    # A first of two writes is not the whole record yet: without a digest it is taken up again if we stop here.
    waits = write.email_later and write.takes is not None
    holds = write.takes if write.takes is not None and not waits and "email" in sent else write.holds
    return _row(
        ctx,
        spec,
        write.item,
        state="linked",
        hubspot_id=hubspot_id,
        rule=write.rule,
        digest=None if waits else write.item.digest,
        fields=pack_fields(agree(ctx, write.agreed, sent)),
        email_hmac=holds,
        withheld_hmac=write.withheld,
        shared_email=write.shared,
        cliniko_updated_at=write.item.record.updated_at,
        synced_at=now(),
        unlinked_at=None,
    )


def _row(ctx: SyncContext, spec: PersonKind, item: Item, **columns: Any) -> dict[str, Any]:
    return {
        "hub_id": ctx.hub_id,
        "connection_id": ctx.connection_id,
        "kind": spec.kind,
        "cliniko_id": item.cliniko_id,
        "cliniko_status": _status(item),
        **columns,
    }


def _status(item: Item) -> str:
    if item.known.merged_into is not None:
        return "merged"
    return "archived" if item.known.archived else "active"


def _open_issues(ctx: SyncContext, spec: PersonKind, write: Write, hubspot_id: str) -> set[tuple[str, str, str]]:
    """The rest of the record went through: say which fields did not, and why."""
    opened: set[tuple[str, str, str]] = set()
    for problem in write.item.mapped.problems:
        cause = causes.EMAIL_REFUSED if problem.field == "email" else causes.FIELD_REFUSED
        # Only a correction in Cliniko helps, and that brings the record back by itself.
        issues.open_issue(
            ctx.hub_id,
            ctx.connection_id,
            spec.stream,
            spec.kind,
            write.item.cliniko_id,
            cause,
            field=problem.field,
            detail=problem.message,
            hubspot_id=hubspot_id,
            retry=False,
        )
        opened.add((write.item.cliniko_id, cause, problem.field))
    for field, (cause, detail) in write.refusals.items():
        issues.open_issue(
            ctx.hub_id,
            ctx.connection_id,
            spec.stream,
            spec.kind,
            write.item.cliniko_id,
            cause,
            field=field,
            detail=detail,
            hubspot_id=hubspot_id,
        )
        opened.add((write.item.cliniko_id, cause, field))
    ctx.count("issues", len(opened))
    return opened


def _free(ctx: SyncContext, freed: Iterable[bytes | None], taken_here: set[str]) -> None:
    """Addresses that were given up: records from which they are withheld are read again."""
    marks = [mark for mark in freed if mark is not None]
    by_kind: dict[tuple[int, str], list[str]] = {}
    for link in ledger.waiting_for_email(ctx.hub_id, marks):
        if link.cliniko_id not in taken_here:
            by_kind.setdefault((link.connection_id, link.kind), []).append(link.cliniko_id)
    for (connection_id, kind), ids in by_kind.items():
        issues.add_work(ctx.hub_id, connection_id, kind, ids, RETRY_LATER)


def _review_withheld(ctx: SyncContext, spec: PersonKind, done: Sequence[tuple[Write, str]]) -> None:
    """One review per withheld address; what the rules proposed at first sight keeps their name."""
    rows = []
    for write, _ in done:
        decision = write.item.decision
        cause = decision.review if decision is not None and decision.review else "email_withheld"
        if decision is not None and decision.rule == "separate" and decision.review is None:
            continue
        link = write.item.link
        if write.holder_id is None and link is not None and link.withheld_hmac == write.withheld:
            # Nothing new is known of an address that was withheld before.
            continue
        holder = decision.review_hubspot_id if decision is not None else None
        rows.append(_review(ctx, spec, write.item.cliniko_id, cause, holder or write.holder_id))
    issues.open_reviews(rows)


def _review(ctx: SyncContext, spec: PersonKind, cliniko_id: str, cause: str, hubspot_id: str | None) -> dict[str, Any]:
    return {
        "hub_id": ctx.hub_id,
        "connection_id": ctx.connection_id,
        "kind": spec.kind,
        "cliniko_id": cliniko_id,
        "hubspot_id": hubspot_id or "",
        "cause": cause,
    }


def merged_away(ctx: SyncContext, spec: PersonKind, write: Write, survivor_id: str) -> None:
    """HubSpot merged this record's contact into one that belongs to another record: hold it until a person decides."""
    ctx.keeper.guard()
    ledger.put(
        [
            _row(
                ctx,
                spec,
                write.item,
                state="held",
                hubspot_id=None,
                rule=causes.MERGED_IN_HUBSPOT,
                digest=write.item.digest,
                fields=None,
                email_hmac=None,
                withheld_hmac=None,
            )
        ]
    )
    if spec.kind == "patient":
        ledger.contact_merged(ctx.connection_id, write.item.cliniko_id, survivor_id)
    issues.open_reviews([_review(ctx, spec, write.item.cliniko_id, causes.MERGED_IN_HUBSPOT, survivor_id)])
    issues.done_work(ctx.connection_id, spec.kind, [write.item.cliniko_id], ctx.began)
    ctx.count("held")
    db.session.commit()
