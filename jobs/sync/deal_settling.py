"""Records in our database what became of deals, always under the lease. Each call is one transaction."""

from collections.abc import Sequence
from typing import Any

from jobs.sync import causes
from jobs.sync.context import SyncContext
from jobs.sync.deal_items import PLACE, DealItem, DealWrite
from jobs.sync.items import agree, pack_fields
from jobs.sync.refusals import Refusal
from webapp.clock import now
from webapp.store import activity, issues, ledger
from webapp.store.activity import Line
from webapp.store.ledger import LinkRow

DEAL_KINDS = ("individual_appointment", "attendee", "invoice")


def reserve(ctx: SyncContext, writes: Sequence[DealWrite]) -> list[DealWrite]:
    """Insert the reservations before the HubSpot write; returns the writes that got theirs."""
    if not writes:
        return []
    ctx.keeper.guard()
    rows = [
        {
            **_row(ctx, w.item),
            "hubspot_id": None,
            "rule": "key",
            "shared_email": False,
            "cliniko_updated_at": w.item.updated_at,
        }
        for w in writes
    ]
    kept = ledger.reserve(rows)
    return [w for w in writes if (w.item.kind, w.item.cliniko_id) in kept]


def accepted(ctx: SyncContext, done: Sequence[tuple[DealWrite, str]]) -> None:
    """HubSpot took these writes: store digests of what it accepted. The association follows; until then `contact_id`
    keeps what it was, so that a stop in between is found and repaired."""
    if not done:
        return
    ctx.keeper.guard()
    rows = []
    keep: set[tuple[str, str, str]] = set()
    for write, hubspot_id in done:
        sent = {n: v for n, v in write.properties.items() if n not in write.refusals and n not in PLACE}
        rows.append(
            {
                **_row(ctx, write.item),
                "state": "linked",
                "hubspot_id": hubspot_id,
                "rule": "key",
                "digest": write.item.digest,
                "fields": pack_fields(agree(ctx, write.agreed, sent)),
                "pipeline": write.place.pipeline,
                "stage": write.place.stage,
                "cliniko_updated_at": write.item.updated_at,
                "synced_at": now(),
            }
        )
        keep |= _open_issues(ctx, write, hubspot_id)
    ledger.put(rows)
    activity.note(ctx.hub_id, ctx.stream, [_line(write, hubspot_id) for write, hubspot_id in done if write.properties])
    _resolve(ctx, [write.item for write, _ in done], keep)
    ctx.commit()


def _line(write: DealWrite, hubspot_id: str) -> Line:
    fields = tuple(name for name in write.properties if name not in write.refusals)
    action = "created" if write.create else "updated"
    return Line(action, write.item.kind, write.item.cliniko_id, hubspot_id, fields)


def waiting(ctx: SyncContext, items: Sequence[DealItem]) -> None:
    """Their patient has no contact and cannot get one now: they wait in our store, with the cause."""
    if not items:
        return
    ctx.keeper.guard()
    ledger.put(
        [
            {
                **_row(ctx, item),
                "state": "waiting",
                "hubspot_id": None,
                "rule": item.waits_for,
                "digest": None,
                "fields": None,
                "contact_id": None,
                "pipeline": None,
                "stage": None,
                "cliniko_updated_at": item.updated_at,
            }
            for item in items
        ]
    )
    _resolve(ctx, items, set())
    ctx.count("waiting", len(items))
    ctx.commit()


def left_alone(ctx: SyncContext, items: Sequence[DealItem]) -> None:
    """Deals that somebody deleted in HubSpot, of records that did not change since."""
    if items:
        ctx.keeper.guard()
        _resolve(ctx, items, set())
        ctx.commit()


def refused(ctx: SyncContext, write: DealWrite, refusal: Refusal) -> None:
    """HubSpot took nothing of this record: an issue with its reason; a reservation without a deal is dropped."""
    ctx.keeper.guard()
    item = write.item
    field = ",".join(refusal.fields)[:100]
    issues.open_issue(
        ctx.hub_id,
        ctx.connection_id,
        ctx.stream,
        item.kind,
        item.cliniko_id,
        refusal.cause,
        field=field,
        detail=refusal.detail,
        hubspot_id=write.hubspot_id,
    )
    if item.link is None or item.link.state != "linked":
        ledger.drop_reservations(ctx.connection_id, item.kind, [item.cliniko_id])
    ctx.count("issues")
    ctx.commit()


def gone(ctx: SyncContext, writes: Sequence[DealWrite]) -> None:
    """The deal was deleted in HubSpot: it is not made again until the record changes."""
    if not writes:
        return
    ctx.keeper.guard()
    ledger.put(
        [
            {
                **_row(ctx, w.item),
                "state": "closed",
                # Kept, so that a deal that is restored is known again.
                "hubspot_id": w.hubspot_id,
                "digest": w.item.digest,
                "fields": None,
                "contact_id": None,
                "pipeline": None,
                "stage": None,
                "cliniko_updated_at": w.item.updated_at,
            }
            for w in writes
        ]
    )
    _resolve(ctx, [w.item for w in writes], set())
    ctx.count("deleted_in_hubspot", len(writes))
    ctx.commit()


def holder_of(ctx: SyncContext, hubspot_id: str) -> LinkRow | None:
    """The record whose deal this is."""
    for kind in DEAL_KINDS:
        found = ledger.by_hubspot(ctx.hub_id, kind, [hubspot_id]).get(hubspot_id)
        if found is not None:
            return found
    return None


def _row(ctx: SyncContext, item: DealItem) -> dict[str, Any]:
    return {
        "hub_id": ctx.hub_id,
        "connection_id": ctx.connection_id,
        "kind": item.kind,
        "cliniko_id": item.cliniko_id,
        "patient_id": item.patient_id,
    }


def _resolve(ctx: SyncContext, items: Sequence[DealItem], keep: set[tuple[str, str, str]]) -> None:
    by_kind: dict[str, list[str]] = {}
    for item in items:
        by_kind.setdefault(item.kind, []).append(item.cliniko_id)
    for kind, ids in by_kind.items():
        issues.resolve(ctx.connection_id, kind, ids, keep)


def _open_issues(ctx: SyncContext, write: DealWrite, hubspot_id: str) -> set[tuple[str, str, str]]:
    """The rest of the record went through: say which fields did not, and why."""
    found = [(p.field, causes.FIELD_REFUSED, p.message, False) for p in write.item.mapped.problems]
    found += [(name, cause, detail, True) for name, (cause, detail) in write.refusals.items()]
    for field, cause, detail, retry in found:
        issues.open_issue(
            ctx.hub_id,
            ctx.connection_id,
            ctx.stream,
            write.item.kind,
            write.item.cliniko_id,
            cause,
            field=field,
            detail=detail,
            hubspot_id=hubspot_id,
            retry=retry,
        )
    ctx.count("issues", len(found))
    return {(write.item.cliniko_id, cause, field) for field, cause, _, _ in found}
