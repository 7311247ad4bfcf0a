"""The steps that the patients and contacts streams share. What differs between them is in `PeopleLists`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.mapping.records import MappedRecord
from jobs.sync import cursor as rules
from jobs.sync import indexing, people
from jobs.sync.context import SyncContext
from jobs.sync.items import PersonKind
from jobs.sync.reading import PolledList, begin_from_now, read_next
from webapp.clients.cliniko import filters
from webapp.clock import now
from webapp.extensions import db
from webapp.store import cursors, issues
from webapp.store.models_sync import Cursor

MapAll = Callable[[SyncContext, Sequence[Any]], list[MappedRecord]]


@dataclass(frozen=True)
class PeopleLists:
    """One people stream: the list that fills the identity index, the list of changes, and the lists of time columns
    that may move without `updated_at`."""

    spec: PersonKind
    index: PolledList
    updated: PolledList
    others: tuple[PolledList, ...]
    map_all: MapAll


def run_step(ctx: SyncContext, lists: PeopleLists, places: dict[str, Cursor]) -> bool:
    """One execution: at most 100 records of the list whose turn it is. True when the cycle has nothing left to do."""
    if not indexed(places, lists):
        index_step(ctx, lists)
        return False
    for polled in (lists.updated, *lists.others):
        if not done(ctx, places, polled):
            walk_step(ctx, lists, polled)
            return False
    return due_step(ctx, lists)


def done(ctx: SyncContext, places: dict[str, Cursor], polled: PolledList) -> bool:
    """Has this list been read to its end in the present cycle?"""
    place = places.get(polled.name)
    return place is not None and place.done_cycle >= ctx.cycle_no


def indexed(places: dict[str, Cursor], lists: PeopleLists) -> bool:
    """Is everybody known, so that a decision does not depend on the order of pages?"""
    place = places.get(lists.index.name)
    return place is not None and place.window_start is not None


def start_over(ctx: SyncContext, lists: PeopleLists) -> None:
    """Read everything once more, because a setting changed what is written; the caller commits."""
    cursors.restart(ctx.connection_id, lists.updated.name)


def index_step(ctx: SyncContext, lists: PeopleLists) -> None:
    """Before the first match: one page of the whole list into the identity index."""
    page = read_next(ctx, lists.index)
    records, known = people.present(ctx, lists.spec, page.records)
    ctx.keeper.guard()
    indexing.index(ctx, lists.spec.kind, records, known)
    page.commit()
    ctx.count("indexed", len(known))
    db.session.commit()


def walk_step(ctx: SyncContext, lists: PeopleLists, polled: PolledList) -> None:
    """One page of changes. Archiving may leave `updated_at` alone, so it is followed by its own column; the first walk
    by `updated_at` saw everything, so the others begin where that began."""
    place = cursors.load(ctx.connection_id, ctx.hub_id, polled.name)
    if polled != lists.updated and rules.lower_bound(rules.CursorState(place.window_start)) is None:
        ctx.keeper.guard()
        begin_from_now(ctx, polled, cursors.load(ctx.connection_id, ctx.hub_id, lists.updated.name))
        db.session.commit()
        return
    page = read_next(ctx, polled)
    people.process_page(
        ctx,
        lists.spec,
        page.records,
        lambda records: lists.map_all(ctx, records),
        bad=page.bad,
        commit_cursor=page.commit,
    )


def due_step(ctx: SyncContext, lists: PeopleLists) -> bool:
    """Issues whose time has come and work items, ≤ 50 ids in one call. True when none is left."""
    ids = people.due_ids(ctx, lists.spec, now())
    if not ids:
        return True
    read_by_id(ctx, lists, ids)
    return False


def read_by_id(ctx: SyncContext, lists: PeopleLists, ids: Sequence[str], *, needed: bool = False) -> None:
    """Read ≤ 50 people by their ids and take care of them. `needed`: a deal waits for them, so that archived ones get a
    contact as well."""
    conditions = [filters.id_in(list(ids)), *(filters.reveal(column) for column in lists.updated.reveals)]
    page = lists.updated.lister(ctx.cliniko, q=conditions, page=1, sort="id")
    ctx.count("cliniko_reads")
    missing = set(ids) - {record.id for record in page.records} - {bad_id for bad_id, _ in page.bad}

    def settle() -> None:
        issues.postpone(ctx.connection_id, lists.spec.kind, missing)
        issues.worked_off(ctx.connection_id, lists.spec.kind, ids, ctx.began)

    people.process_page(
        ctx,
        lists.spec,
        page.records,
        lambda records: lists.map_all(ctx, records),
        bad=page.bad,
        forced=True,
        needed=needed,
        commit_cursor=settle,
    )
