"""Patients and third-party contacts: every one in Cliniko against the ledger, every linked one against its contact."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from jobs.mapping.digest import field_digest
from jobs.mapping.records import MappedRecord
from jobs.mapping.summary import summary_property_names
from jobs.sync import causes, people, reconcile_doubles, reconcile_lists, reconcile_vanished
from jobs.sync.context import SyncContext
from jobs.sync.indexing import Known
from jobs.sync.items import PersonKind, pack_fields, read_fields
from jobs.sync.people_steps import PeopleLists
from jobs.sync.reconcile_fields import Held, Seen, look
from jobs.sync.reconcile_lists import WalkedList
from jobs.sync.reconcile_report import (
    CHANGED,
    DOUBLED,
    EDITED,
    HELD,
    KEPT_DELETED,
    LEFT_OUT,
    LOST_VALUES,
    STATUS,
    STORED,
    UNFINISHED,
    UNKNOWN,
    UNLINKED,
    Numbers,
    Report,
)
from jobs.sync.verifying import NEVER_COMPARED
from webapp.clock import now
from webapp.store import comparing, ledger
from webapp.store import people as index
from webapp.store.ledger import LinkRow

_SUMMARY = frozenset(summary_property_names())
# Kept by rules of its own.
_FLAG = "cliniko_shared_email"


@dataclass
class Page:
    """People of one page whom Cliniko has: links and mapped values by Cliniko id."""

    links: dict[str, LinkRow] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


def step(ctx: SyncContext, report: Report, which: WalkedList, lists: PeopleLists) -> None:
    """One page of people."""
    spec = lists.spec

    def linked(low: str | None, high: str | None) -> set[str]:
        return comparing.links_between(ctx.connection_id, spec.kind, low, high)

    found = reconcile_lists.look(ctx, report, which, linked, linked)
    # Their contacts stay as they are; it is only told.
    found.gone = set()
    records, known = people.present(ctx, spec, found.records)
    page = _against_ledger(ctx, spec, records, known, lists.map_all(ctx, records))
    since = reconcile_lists.covered_until(ctx, which.name)
    lately = {record.id for record in records if reconcile_lists.changed_since(since, record)}
    different = reconcile_lists.differ(found.numbers, page.kinds, lately)
    _count_kept(found.numbers, page.links)
    held = _held(ctx, spec, page, found.departed, page.kinds.keys() & lately)
    links = {hubspot_id: one.link for hubspot_id, one in held.items()}
    seen = look(ctx, report, "contacts", held, [spec.key_property])
    lost = reconcile_vanished.take_care(ctx, report, found.numbers, "contacts", spec.kind, links, seen)
    closed = page.links.values()
    lost |= reconcile_vanished.never_there(ctx, report, found.numbers, "contacts", spec.kind, closed)
    keys = {hubspot_id: ctx.unique_key(link.cliniko_id) for hubspot_id, link in links.items()}
    doubled = reconcile_doubles.find(ctx, "contacts", spec.key_property, keys, held, seen)
    _count(ctx, found.numbers, spec, different, page, held, seen, lost, doubled)
    mends = bool(seen.lost or seen.left_over) and report.repairs
    with ctx.keeper.identity_lock() if mends else nullcontext():
        work = {*different, *lost}
        if mends:
            work |= _mend(ctx, spec, held, seen)
        if report.repairs:
            reconcile_doubles.tell(ctx, spec.stream, spec.kind, spec.key_property, doubled)
        ctx.count("read", len(records))
        reconcile_lists.end_page(ctx, report, found, {spec.kind: sorted(work)})


def _against_ledger(
    ctx: SyncContext,
    spec: PersonKind,
    records: Sequence[Any],
    known: Sequence[Known],
    mapped: Sequence[MappedRecord],
) -> Page:
    """What Cliniko says against what was last taken over."""
    ids = [person.cliniko_id for person in known]
    page = Page(links=ledger.by_cliniko(ctx.connection_id, spec.kind, ids))
    indexed = index.known(ctx.connection_id, spec.kind, ids)
    for record, person, one in zip(records, known, mapped, strict=True):
        values, digest = people.as_written(ctx, person, one)
        page.values[person.cliniko_id] = values
        kind = _kind(ctx, page.links.get(person.cliniko_id), digest, record)
        before = indexed.get(person.cliniko_id)
        if kind == CHANGED and before is not None:
            status = (person.archived, person.merged_into is not None)
            kind = kind if (before.archived, before.merged) == status else STATUS
        if kind is not None:
            page.kinds[person.cliniko_id] = kind
    return page


def _kind(ctx: SyncContext, link: LinkRow | None, digest: bytes, record: Any) -> str | None:
    """How a record differs, or None. An unlinked person and one whose contact somebody deleted stay as they are."""
    if link is None:
        return UNKNOWN
    same = link.digest is not None and bytes(link.digest) == digest
    if link.state == "reserved" or (link.state == "linked" and link.digest is None):
        return UNFINISHED
    if link.state == "unlinked" or (link.state == "held" and link.rule == causes.MERGED_IN_HUBSPOT):
        return None
    if link.state == "closed":
        since = link.cliniko_updated_at
        newer = bool(since and record.updated_at and record.updated_at > since)
        return CHANGED if newer and ctx.settings.recreate_deleted_contacts else None
    return None if same else CHANGED


def _count_kept(numbers: Numbers, links: Mapping[str, LinkRow]) -> None:
    words = {"closed": KEPT_DELETED, "unlinked": UNLINKED, "held": HELD, "excluded": LEFT_OUT}
    for link in links.values():
        if link.state in words:
            numbers.keep(words[link.state])


def _held(ctx: SyncContext, spec: PersonKind, page: Page, departed: set[str], moving: set[str]) -> dict[str, Held]:
    """{HubSpot id: what should be there} of linked people, but for those that are changing at this moment."""
    links = {**page.links, **ledger.by_cliniko(ctx.connection_id, spec.kind, departed)}
    linked = {
        str(link.hubspot_id): link
        for i, link in links.items()
        if link.state == "linked" and link.hubspot_id and i not in moving
    }
    others = ledger.by_hubspot(ctx.hub_id, spec.yields_to, linked) if spec.yields_to else {}
    summaries = comparing.summaries_of(ctx.connection_id, [link.cliniko_id for link in linked.values()])
    held: dict[str, Held] = {}
    for hubspot_id, link in linked.items():
        agreed = {name: mark for name, mark in read_fields(link.fields).items() if name not in NEVER_COMPARED}
        values = page.values.get(link.cliniko_id, {}) if link.digest is not None else {}
        blank = {name for name, value in values.items() if value == ""} - {_FLAG}
        if hubspot_id in others and others[hubspot_id].state in ledger.HOLDING:
            # The patient's stream speaks for the rest of this contact.
            agreed = {name: mark for name, mark in agreed.items() if name in spec.own_properties}
            blank &= spec.own_properties
        summary = summaries.get(link.cliniko_id) if spec.kind == "patient" else None
        if summary is not None and summary.contact_id == hubspot_id and not _due(summary):
            written = read_fields(summary.fields)
            agreed |= written
            blank |= (_SUMMARY & ctx.writable) - written.keys()
        held[hubspot_id] = Held(link, agreed, frozenset(blank))
    return held


def _due(summary: comparing.WrittenSummary) -> bool:
    """Is it about to be written anyway?"""
    return summary.due_at is not None and summary.due_at <= now()


def _count(
    ctx: SyncContext,
    numbers: Numbers,
    spec: PersonKind,
    different: Mapping[str, str],
    page: Page,
    held: Mapping[str, Held],
    seen: Seen,
    lost: set[str],
    doubled: Mapping[str, str],
) -> None:
    """Both sides, and what HubSpot holds otherwise than we believed."""
    numbers.sides(cliniko=len(lost) + sum(1 for kind in different.values() if kind == UNKNOWN))
    for hubspot_id, record in seen.records.items():
        cliniko_id = held[hubspot_id].link.cliniko_id
        if cliniko_id in page.values:
            has_key = record.properties.get(spec.key_property) == ctx.unique_key(cliniko_id)
            numbers.sides(cliniko=1, hubspot=int(has_key))
    numbers.differ(LOST_VALUES, len({*seen.lost, *seen.left_over}))
    numbers.differ(DOUBLED, len(doubled))
    numbers.keep(EDITED, len(seen.theirs))
    numbers.keep(STORED, len(seen.stored))
    numbers.store_differently([f"contacts.{name}" for names in seen.stored.values() for name in names])


def _mend(ctx: SyncContext, spec: PersonKind, held: Mapping[str, Held], seen: Seen) -> set[str]:
    """Forget what was believed of lost values, and remember of left-over ones that they are ours to clear. The caller
    holds the identity lock and commits. Returns whom their stream has to write again."""
    again = {*seen.lost, *seen.left_over}
    fresh = ledger.by_cliniko(ctx.connection_id, spec.kind, [held[i].link.cliniko_id for i in again])
    ctx.keeper.guard()
    work: set[str] = set()
    for hubspot_id in sorted(again):
        link, record = held[hubspot_id].link, seen.records[hubspot_id]
        current = fresh.get(link.cliniko_id)
        if current is None or (current.hubspot_id, current.fields) != (link.hubspot_id, link.fields):
            # Somebody wrote meanwhile: what we read no longer tells.
            continue
        lost, left = seen.lost.get(hubspot_id, set()), seen.left_over.get(hubspot_id, set())
        clear = {name: field_digest(ctx.digest_key, name, record.properties.get(name) or "") for name in left}
        _mend_summary(ctx, link, lost & _SUMMARY, {n: mark for n, mark in clear.items() if n in _SUMMARY})
        if (lost | left) - _SUMMARY:
            kept = {n: mark for n, mark in read_fields(link.fields).items() if n not in lost}
            kept |= {n: mark for n, mark in clear.items() if n not in _SUMMARY}
            row = {
                "hub_id": ctx.hub_id,
                "connection_id": ctx.connection_id,
                "kind": spec.kind,
                "cliniko_id": link.cliniko_id,
                "state": "linked",
                "fields": pack_fields(kept),
                "digest": None,
            }
            ledger.put([{**row, "email_hmac": None} if "email" in lost else row])
            work.add(link.cliniko_id)
    return work


def _mend_summary(ctx: SyncContext, link: LinkRow, lost: set[str], clear: Mapping[str, bytes]) -> None:
    if not lost and not clear:
        return
    summary = comparing.summaries_of(ctx.connection_id, [link.cliniko_id]).get(link.cliniko_id)
    if summary is not None and summary.contact_id == link.hubspot_id:
        kept = {name: mark for name, mark in read_fields(summary.fields).items() if name not in lost}
        comparing.save_summary(ctx.connection_id, link.cliniko_id, pack_fields({**kept, **clear}), now())
