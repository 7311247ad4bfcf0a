"""Deals of visits and invoices at HubSpot: values, stage and amount against the ledger, and against Cliniko."""

from collections.abc import Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from jobs.mapping.catalogue import PIPELINES, properties_of
from jobs.mapping.digest import field_digest
from jobs.sync import reconcile_doubles, reconcile_lists, reconcile_vanished
from jobs.sync.context import SyncContext
from jobs.sync.deal_items import KEY_PROPERTY, place_of
from jobs.sync.items import pack_fields, read_fields
from jobs.sync.reconcile_fields import PLACE, Held, Seen, look
from jobs.sync.reconcile_lists import Look
from jobs.sync.reconcile_report import (
    CHANGED,
    DOUBLED,
    EDITED,
    KEPT_DELETED,
    LOST_VALUES,
    MOVED,
    NOT_LINKED,
    STAGE,
    STORED,
    UNFINISHED,
    WAITING,
    Numbers,
    Report,
)
from jobs.sync.verifying import NEVER_COMPARED
from webapp.clients.hubspot.objects import Record
from webapp.store import ledger
from webapp.store.ledger import LinkRow

AMOUNT = "amount"
LABELS = {pipeline.stream: tuple(stage.label for stage in pipeline.stages) for pipeline in PIPELINES}
OWN = frozenset(item.name for item in properties_of("deals"))


@dataclass(frozen=True)
class Expected:
    """What Cliniko says of one deal: the label of its stage, and for an invoice its amount."""

    stage: str
    amount: Decimal | None = None


@dataclass
class DealPage:
    """One page of records that may have deals.

    `expected` are those that Cliniko has, `changed` when each did, `in_scope` those that must have a deal, `kinds` how
    the ledger differs from Cliniko, `lately` what changed a moment ago."""

    stream: str
    kind: str
    look: Look
    expected: dict[str, Expected] = field(default_factory=dict)
    changed: dict[str, datetime] = field(default_factory=dict)
    in_scope: set[str] = field(default_factory=set)
    kinds: dict[str, str] = field(default_factory=dict)
    lately: set[str] = field(default_factory=set)
    # Work for records of other kinds that this page has found.
    others: dict[str, set[str]] = field(default_factory=dict)


def check(ctx: SyncContext, report: Report, page: DealPage) -> None:
    """Compare the deals of a page, count both sides, and have repaired what differs. Commits."""
    numbers = page.look.numbers
    links = ledger.by_cliniko(ctx.connection_id, page.kind, {*page.expected, *page.look.departed})
    _against_ledger(ctx, page, links)
    different = reconcile_lists.differ(numbers, page.kinds, page.lately)
    held = _held(ctx, page, links)
    seen = look(ctx, report, "deals", held, [KEY_PROPERTY, AMOUNT, *PLACE, *(OWN & ctx.writable_deals)])
    of_id = {hubspot_id: one.link for hubspot_id, one in held.items()}
    lost = reconcile_vanished.take_care(ctx, report, numbers, "deals", page.kind, of_id, seen)
    lost |= reconcile_vanished.never_there(ctx, report, numbers, "deals", page.kind, links.values())
    keys = {hubspot_id: _key(ctx, page.kind, link.cliniko_id) for hubspot_id, link in of_id.items()}
    doubled = reconcile_doubles.find(ctx, "deals", KEY_PROPERTY, keys, held, seen)
    wrong = _count(ctx, page, different, held, seen, lost, doubled)
    mends = bool(seen.lost or seen.left_over or wrong) and report.repairs
    with ctx.keeper.identity_lock() if mends else nullcontext():
        again = {*different, *lost}
        if mends:
            again |= _mend(ctx, page, held, seen, wrong)
        if report.repairs:
            reconcile_doubles.tell(ctx, page.stream, page.kind, KEY_PROPERTY, doubled)
        work = {page.kind: sorted(again), **{kind: sorted(ids) for kind, ids in page.others.items()}}
        ctx.count("read", len(page.look.records))
        reconcile_lists.end_page(ctx, report, page.look, work)


def _against_ledger(ctx: SyncContext, page: DealPage, links: Mapping[str, LinkRow]) -> None:
    """Records whose deal is missing or was never finished, where nothing else is different."""
    patients = {link.patient_id for link in links.values() if link.state == "waiting" and link.patient_id}
    contacts = ledger.by_cliniko(ctx.connection_id, "patient", patients)
    for cliniko_id in page.expected:
        link = links.get(cliniko_id)
        if link is None:
            if cliniko_id in page.in_scope:
                page.kinds.setdefault(cliniko_id, NOT_LINKED)
        elif link.state == "waiting":
            contact = contacts.get(link.patient_id or "")
            if link.patient_id is None or (contact is not None and contact.state == "linked"):
                page.kinds.setdefault(cliniko_id, UNFINISHED)
            else:
                page.look.numbers.keep(WAITING)
        elif link.state == "closed":
            # Somebody deleted the deal: it comes back when its record changes, which polling tells.
            page.kinds.pop(cliniko_id, None)
            page.look.numbers.keep(KEPT_DELETED)
        elif link.state == "reserved" or link.digest is None:
            page.kinds.setdefault(cliniko_id, UNFINISHED)
        elif link.cliniko_updated_at is not None and page.changed.get(cliniko_id, link.cliniko_updated_at) > (
            link.cliniko_updated_at
        ):
            page.kinds.setdefault(cliniko_id, CHANGED)


def _held(ctx: SyncContext, page: DealPage, links: Mapping[str, LinkRow]) -> dict[str, Held]:
    held: dict[str, Held] = {}
    for cliniko_id, link in links.items():
        moving = cliniko_id in page.kinds and cliniko_id in page.lately
        if link.state != "linked" or link.hubspot_id is None or moving:
            continue
        agreed = {name: mark for name, mark in read_fields(link.fields).items() if name not in NEVER_COMPARED}
        # Every value of ours that is not blank was agreed on.
        blank = (OWN & ctx.writable_deals) - agreed.keys() if link.digest is not None else frozenset()
        place = (link.pipeline, link.stage) if link.pipeline and link.stage else None
        held[link.hubspot_id] = Held(link, agreed, frozenset(blank), place)
    return held


def _count(
    ctx: SyncContext,
    page: DealPage,
    different: Mapping[str, str],
    held: Mapping[str, Held],
    seen: Seen,
    lost: set[str],
    doubled: Mapping[str, str],
) -> dict[str, set[str]]:
    """Both sides by stage and amount. Returns {HubSpot id: fields} of deals that are as the ledger believes, and not as
    Cliniko says."""
    numbers, wrong = page.look.numbers, dict[str, set[str]]()
    missing = lost | {i for i, kind in different.items() if kind == NOT_LINKED}
    for cliniko_id in missing & page.expected.keys():
        _count_cliniko(numbers, page.expected[cliniko_id])
    for hubspot_id, record in seen.records.items():
        link = held[hubspot_id].link
        expected = page.expected.get(link.cliniko_id)
        if expected is None:
            continue
        _count_cliniko(numbers, expected)
        numbers.sides(hubspot=int(record.properties.get(KEY_PROPERTY) == _key(ctx, page.kind, link.cliniko_id)))
        theirs = seen.theirs.get(hubspot_id, set())
        unexplained = _count_place(ctx, page, numbers, record, expected, theirs) | _count_amount(
            numbers, record, expected, theirs
        )
        explained = seen.lost.get(hubspot_id, set()) | seen.stored.get(hubspot_id, set())
        explained |= set(PLACE) if explained & set(PLACE) else set()
        if unexplained - explained and link.cliniko_id not in different and link.digest is not None:
            wrong[hubspot_id] = unexplained
            numbers.differ(STAGE if "dealstage" in unexplained else LOST_VALUES)
    numbers.differ(LOST_VALUES, len({*_values(seen.lost), *seen.left_over}))
    numbers.differ(STAGE, sum(1 for names in seen.lost.values() if names & set(PLACE)))
    numbers.differ(DOUBLED, len(doubled))
    numbers.keep(MOVED, sum(1 for names in seen.theirs.values() if names & set(PLACE)))
    numbers.keep(EDITED, len(_values(seen.theirs)))
    numbers.keep(STORED, len(seen.stored))
    numbers.store_differently([f"deals.{name}" for names in seen.stored.values() for name in names])
    return wrong


def _values(found: Mapping[str, Collection[str]]) -> list[str]:
    return [hubspot_id for hubspot_id, names in found.items() if set(names) - set(PLACE)]


def _count_cliniko(numbers: Numbers, expected: Expected) -> None:
    numbers.sides(cliniko=1)
    numbers.stage(expected.stage, cliniko=1)
    if expected.amount is not None:
        numbers.total(cliniko=expected.amount)


def _count_place(
    ctx: SyncContext, page: DealPage, numbers: Numbers, record: Record, expected: Expected, theirs: set[str]
) -> set[str]:
    """Where the deal stands, by our names of the stages. One that a person moved elsewhere is explained."""
    label = _label(ctx, page.stream, record)
    if label is not None:
        numbers.stage(label, hubspot=1)
    if label == expected.stage:
        return set()
    if theirs & set(PLACE):
        numbers.stage(expected.stage, edited=-1)
        if label is not None:
            numbers.stage(label, edited=1)
        return set()
    return set(PLACE)


def _count_amount(numbers: Numbers, record: Record, expected: Expected, theirs: set[str]) -> set[str]:
    if expected.amount is None:
        return set()
    actual = _decimal(record.properties.get(AMOUNT))
    numbers.total(hubspot=actual)
    if actual == expected.amount:
        return set()
    if AMOUNT in theirs:
        numbers.total(edited=actual - expected.amount)
        return set()
    return {AMOUNT}


def _label(ctx: SyncContext, stream: str, record: Record) -> str | None:
    """The stage in our words; None for a deal that stands somewhere else."""
    known: dict[tuple[str, str], str] = ctx.memo.setdefault(f"stage_labels.{stream}", {})
    if not known:
        for label in LABELS[stream]:
            place = place_of(ctx, stream, label)
            known[place.pipeline, place.stage] = label
    return known.get((record.properties.get("pipeline") or "", record.properties.get("dealstage") or ""))


def _mend(
    ctx: SyncContext, page: DealPage, held: Mapping[str, Held], seen: Seen, wrong: Mapping[str, set[str]]
) -> set[str]:
    """Forget what was believed of lost values and places, and remember of left-over ones that they are ours to clear.
    The caller holds the identity lock and commits. Returns the records to be written again."""
    again = {*seen.lost, *seen.left_over, *wrong}
    fresh = ledger.by_cliniko(ctx.connection_id, page.kind, [held[i].link.cliniko_id for i in again])
    ctx.keeper.guard()
    work: set[str] = set()
    for hubspot_id in sorted(again):
        link, record = held[hubspot_id].link, seen.records[hubspot_id]
        current = fresh.get(link.cliniko_id)
        if current is None or _written(current) != _written(link):
            # Somebody wrote meanwhile: what we read no longer tells.
            continue
        lost = seen.lost.get(hubspot_id, set()) | wrong.get(hubspot_id, set())
        clear = {
            name: field_digest(ctx.digest_key, name, record.properties.get(name) or "")
            for name in seen.left_over.get(hubspot_id, set())
        }
        kept = {name: mark for name, mark in read_fields(link.fields).items() if name not in lost}
        row: dict[str, Any] = {
            "hub_id": ctx.hub_id,
            "connection_id": ctx.connection_id,
            "kind": page.kind,
            "cliniko_id": link.cliniko_id,
            "state": "linked",
            "fields": pack_fields({**kept, **clear}),
            "digest": None,
        }
        ledger.put([{**row, "pipeline": None, "stage": None} if lost & set(PLACE) else row])
        work.add(link.cliniko_id)
    return work


def _written(link: LinkRow) -> tuple[Any, ...]:
    return (link.state, link.hubspot_id, link.fields, link.pipeline, link.stage)


def _key(ctx: SyncContext, kind: str, cliniko_id: str) -> str:
    return f"{ctx.cliniko_account_id}:{kind}:{cliniko_id}"


def _decimal(text: str | None) -> Decimal:
    try:
        amount = Decimal(text or "0")
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() else Decimal(0)
