"""One page of people (patients, third-party contacts): index, skip the unchanged, write the rest, move the cursor."""

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Any

from jobs.mapping.digest import record_digest
from jobs.mapping.records import MappedRecord
from jobs.sync import erased, indexing, merging, tags, visit_index, writing
from jobs.sync.context import SyncContext
from jobs.sync.indexing import Known
from jobs.sync.items import Item, PersonKind
from webapp.clock import now
from webapp.extensions import db
from webapp.store import issues, ledger, pushes

# Links in these states may still become a contact; the others are written as what they are.
_LINKED = "linked"
# A push that is under way has ended after this time, or is tried again.
PUSH_TAKES = timedelta(minutes=1)


def process_page(
    ctx: SyncContext,
    spec: PersonKind,
    records: Sequence[Any],
    map_all: Callable[[Sequence[Any]], list[MappedRecord]],
    *,
    bad: Sequence[tuple[str, str]] = (),
    forced: bool = False,
    needed: bool = False,
    commit_cursor: Callable[[], None] = lambda: None,
) -> None:
    """Take care of these records. The cursor moves in the last transaction, when everything before it is stored.

    `forced` looks at every record even when its digest is the stored one (retries, work items); `needed` says that a
    deal waits for these people's contacts."""
    records, known = present(ctx, spec, records)
    ctx.keeper.guard()
    renamed = indexing.index(ctx, spec.kind, records, known)
    if renamed and spec.kind == "patient":
        _rename_deals(ctx, renamed)
    db.session.commit()
    links = ledger.by_cliniko(ctx.connection_id, spec.kind, [k.cliniko_id for k in known])
    items: list[Item] = []
    for record, person, mapped in zip(records, known, map_all(records), strict=True):
        values, digest = as_written(ctx, person, mapped)
        link = links.get(person.cliniko_id)
        item = Item(record, person, mapped, values, digest, link, forced, needed)
        if not forced and _unchanged(ctx, item):
            ctx.count("unchanged")
            continue
        items.append(item)
    ctx.count("read", len(records))
    if items:
        with ctx.keeper.identity_lock():
            _refresh_links(ctx, spec, items)
            items = merging.settle_merged(ctx, spec, items)
            changes = [i for i in items if i.link is not None and i.link.state == _LINKED]
            new = [i for i in items if i.link is None or i.link.state != _LINKED]
            new = _leave_to_push(ctx, spec, new)
            writing.write_people(ctx, spec, changes, new)
    ctx.keeper.guard()
    writing.open_unreadable(ctx, spec, bad)
    commit_cursor()
    db.session.commit()


def as_written(ctx: SyncContext, person: Known, mapped: MappedRecord) -> tuple[dict[str, str], bytes]:
    """The values that the account has properties for, and the digest by which an unchanged record is recognised."""
    values = {name: value for name, value in mapped.values.items() if name in ctx.writable}
    # Archived or merged decides whether there is a contact at all, also where the account has no property for it.
    return values, record_digest(ctx.digest_key, values, f"{ctx.salt}|{person.archived:d}{person.merged_into or ''}")


def present(ctx: SyncContext, spec: PersonKind, records: Sequence[Any]) -> tuple[Sequence[Any], list[Known]]:
    """These records and who they are, without people who were erased for good: of them nothing is kept again."""
    known = [spec.known(record, ctx.country_code) for record in records]
    gone = erased.erased_ids(ctx, spec.kind, known)
    if not gone:
        return records, known
    ctx.count("left_out", len(gone))
    kept = [(r, k) for r, k in zip(records, known, strict=True) if k.cliniko_id not in gone]
    return [r for r, _ in kept], [k for _, k in kept]


def _leave_to_push(ctx: SyncContext, spec: PersonKind, new: Sequence[Item]) -> list[Item]:
    """Somebody whom a push is creating in Cliniko at this moment already has a contact: look again in a minute."""
    marks = {
        tags.whole_person(ctx.digest_key, i.known.email, i.known.first, i.known.last, i.known.birth): i.cliniko_id
        for i in new
    }
    held = {marks[mark] for mark in pushes.intended(ctx.connection_id, spec.kind, list(marks))}
    if held:
        ctx.keeper.guard()
        issues.add_work(ctx.hub_id, ctx.connection_id, spec.kind, held, "push", now() + PUSH_TAKES)
        ctx.commit()
    return [i for i in new if i.cliniko_id not in held]


def _rename_deals(ctx: SyncContext, patient_ids: Collection[str]) -> None:
    """Deals carry their patient's name, and go to the survivor of a merge; the caller commits."""
    visit_index.follow_merges(ctx, patient_ids)
    for kind, ids in ledger.deals_of(ctx.connection_id, patient_ids).items():
        issues.add_work(ctx.hub_id, ctx.connection_id, kind, ids, "renamed")


def _unchanged(ctx: SyncContext, item: Item) -> bool:
    link = item.link
    if link is None or link.digest is None or bytes(link.digest) != item.digest:
        return False
    if link.state == "held":
        # What waits for a review stops waiting when the account no longer holds doubtful matches.
        return ctx.settings.hold_doubtful_matches or link.rule != "held"
    # The digest does not count after an unlink: a later change in Cliniko makes a contact of its own.
    return link.state in ("linked", "excluded", "closed")


def _refresh_links(ctx: SyncContext, spec: PersonKind, items: Sequence[Item]) -> None:
    """Another writer may have been here before we got the lock."""
    links = ledger.by_cliniko(ctx.connection_id, spec.kind, [i.cliniko_id for i in items])
    for item in items:
        item.link = links.get(item.cliniko_id)


def due_ids(ctx: SyncContext, spec: PersonKind, moment: Any) -> list[str]:
    """Records to read again by id: ≤ 50, the longest id list that Cliniko is known to take."""
    return issues.due(ctx.connection_id, spec.kind, moment, limit=50)
