"""Our keys at HubSpot of which the ledger knows nothing: a walk through all contacts and all deals.

A record with a key of the connected Cliniko account is linked again by its stream; a deal from before the scope is
taken into the ledger, so that it is followed from now on.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field

from jobs.sync import hooks, reconcile_lists, tags
from jobs.sync.context import SyncContext
from jobs.sync.deal_items import KEY_PROPERTY
from jobs.sync.deal_settling import DEAL_KINDS
from jobs.sync.erased import PEOPLE
from jobs.sync.reconcile_report import KEY, RESTORED, Numbers, Report
from webapp.clients.hubspot import objects
from webapp.store import ledger, people, visits

# The names of the walks, which are the names of their cursors too.
CONTACTS, DEALS = "keys.contacts", "keys.deals"
STREAMS = {
    "patient": "patients",
    "contact": "contacts",
    "individual_appointment": "appointments",
    "attendee": "appointments",
    "invoice": "invoices",
}


@dataclass
class Strays:
    """Records of one kind that carry a key of ours and are not linked: Cliniko ids to look at, HubSpot ids that came
    back from the recycle bin, and deals to be linked by what they say ({HubSpot id: Cliniko id})."""

    kind: str
    work: set[str] = field(default_factory=set)
    restored: set[str] = field(default_factory=set)
    adopted: dict[str, str] = field(default_factory=dict)


def contacts(ctx: SyncContext, report: Report) -> None:
    """The next hundred contacts."""
    names = {kind: f"cliniko_{kind}_key" for kind in PEOPLE if STREAMS[kind] in report.streams}
    _step(ctx, report, CONTACTS, "contacts", {n: k for k, n in names.items() if n in ctx.writable})


def deals(ctx: SyncContext, report: Report) -> None:
    """The next hundred deals."""
    _step(ctx, report, DEALS, "deals", {KEY_PROPERTY: None})


def _step(ctx: SyncContext, report: Report, name: str, object_type: str, kinds: Mapping[str, str | None]) -> None:
    numbers = report.numbers(name)
    page = objects.list_page(ctx.hubspot, object_type, sorted(kinds), numbers.raw.get("after"))
    ctx.count("hubspot_calls")
    carried: dict[str, dict[str, str]] = {}
    for record in page.records:
        for property_name, of_kind in kinds.items():
            key = _parse(ctx, of_kind, record.properties.get(property_name))
            if key is not None and STREAMS[key[0]] in report.streams:
                carried.setdefault(key[0], {})[record.id] = key[1]
    strays = [_sort_out(ctx, numbers, kind, of_kind) for kind, of_kind in carried.items()]
    if report.repairs:
        for stray in strays:
            _look_again(ctx, stray)
    adopts = report.repairs and any(stray.adopted for stray in strays)
    with ctx.keeper.identity_lock() if adopts else nullcontext():
        ctx.keeper.guard()
        if adopts:
            for stray in strays:
                _adopt(ctx, stray)
        reconcile_lists.add_work(ctx, report, {stray.kind: sorted(stray.work) for stray in strays})
        reconcile_lists.end_step(ctx, report, name, page.after)


def _parse(ctx: SyncContext, kind: str | None, key: str | None) -> tuple[str, str] | None:
    """(kind, Cliniko id) of a key of the connected account; None for every other value."""
    account, _, rest = (key or "").partition(":")
    if account != ctx.cliniko_account_id:
        return None
    if kind is None:
        kind, _, rest = rest.partition(":")
    return (kind, rest) if kind in STREAMS and rest.isascii() and rest.isdigit() else None


def _sort_out(ctx: SyncContext, numbers: Numbers, kind: str, carried: Mapping[str, str]) -> Strays:
    """`carried` is {HubSpot id: Cliniko id} of records with our key."""
    found = Strays(kind)
    links = ledger.by_cliniko(ctx.connection_id, kind, set(carried.values()))
    holders = ledger.by_hubspot(ctx.hub_id, kind, carried)
    erased = _erased(ctx, kind, {i for i in carried.values() if i not in links})
    for hubspot_id, cliniko_id in carried.items():
        link, holder = links.get(cliniko_id), holders.get(hubspot_id)
        if (holder is not None and holder.state in ledger.HOLDING) or cliniko_id in erased:
            # A linked record that carries another's key is seen where linked records are compared.
            continue
        if link is None or link.state in ("reserved", "excluded"):
            numbers.differ(KEY)
            numbers.sides(hubspot=1)
            found.work.add(cliniko_id)
            if link is None and kind in DEAL_KINDS:
                found.adopted[hubspot_id] = cliniko_id
        elif link.state == "closed" and link.hubspot_id in (None, hubspot_id):
            numbers.differ(RESTORED)
            if link.hubspot_id is not None:
                found.restored.add(hubspot_id)
            elif kind in DEAL_KINDS:
                found.work.add(cliniko_id)
                found.adopted[hubspot_id] = cliniko_id
    return found


def _look_again(ctx: SyncContext, stray: Strays) -> None:
    if stray.kind in DEAL_KINDS:
        hooks.look_again_at_deals(ctx, stray.restored)
    else:
        hooks.look_again(ctx, stray.restored)


def _adopt(ctx: SyncContext, stray: Strays) -> None:
    """Deals that are ours and were forgotten: linked without knowing any of their values. The caller holds the identity
    lock and commits."""
    known = ledger.by_cliniko(ctx.connection_id, stray.kind, set(stray.adopted.values()))
    owners = _patients(ctx, stray.kind, set(stray.adopted.values()))
    ledger.put(
        [
            {
                "hub_id": ctx.hub_id,
                "connection_id": ctx.connection_id,
                "kind": stray.kind,
                "cliniko_id": cliniko_id,
                "hubspot_id": hubspot_id,
                "state": "linked",
                "rule": "key",
                "digest": None,
                "fields": None,
                "patient_id": owners.get(cliniko_id),
                "contact_id": None,
                "pipeline": None,
                "stage": None,
            }
            for hubspot_id, cliniko_id in stray.adopted.items()
            if cliniko_id not in known or known[cliniko_id].state == "closed"
        ]
    )


def _patients(ctx: SyncContext, kind: str, cliniko_ids: set[str]) -> dict[str, str | None]:
    if kind == "invoice":
        return {i: bill.patient_id for i, bill in visits.bills_by_id(ctx.connection_id, cliniko_ids).items()}
    return {i: visit.patient_id for i, visit in visits.by_id(ctx.connection_id, kind, cliniko_ids).items()}


def _erased(ctx: SyncContext, kind: str, cliniko_ids: set[str]) -> set[str]:
    """Those of these people who were erased for good."""
    if kind in DEAL_KINDS or not cliniko_ids:
        return set()
    memories = {tags.cliniko_key(ctx.digest_key, ctx.cliniko_account_id, kind, i): i for i in cliniko_ids}
    return {memories[memory] for memory in people.erased(ctx.hub_id, list(memories))}
