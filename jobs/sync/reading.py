"""Reading one page of a polled list at its cursor. The cursor is moved by the caller, with what the page caused."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from jobs.sync import cursor as rules
from jobs.sync.context import SyncContext
from jobs.sync.cursor import CursorState
from webapp.clients.cliniko import filters
from webapp.clients.cliniko.client import Page
from webapp.clock import now
from webapp.store import cursors
from webapp.store.models_sync import Cursor


class Lister(Protocol):
    """A function of webapp.clients.cliniko.resources that returns one page of a list."""

    def __call__(self, client: Any, *, q: Sequence[str], page: int, sort: str) -> Page[Any]: ...


@dataclass(frozen=True)
class PolledList:
    """One list followed by one time column. `name` is the cursor's name; `column` None reads the whole list once."""

    name: str
    lister: Lister
    column: str | None
    reveals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Slice:
    """One page: its readable records, the ids of unreadable ones with the reason, and how to move the cursor."""

    records: list[Any]
    bad: list[tuple[str, str]]
    finished: bool
    commit: Callable[[], None]


def read_next(ctx: SyncContext, polled: PolledList, extra: Sequence[str] = ()) -> Slice:
    """Read the next page of this list, under `extra` conditions that stay the same for a whole walk.

    Raises the client's errors; nothing is changed before `commit` is called."""
    state = _state(cursors.load(ctx.connection_id, ctx.hub_id, polled.name))
    conditions = [*extra, *(filters.reveal(column) for column in polled.reveals if column != polled.column)]
    bound = rules.lower_bound(state)
    if polled.column is not None:
        if bound is not None:
            conditions.append(filters.since(polled.column, bound))
        elif polled.column in polled.reveals:
            conditions.append(filters.reveal(polled.column))
    if state.next_page is None and state.last_id is not None:
        conditions.append(filters.after_id(state.last_id))
    page = polled.lister(ctx.cliniko, q=conditions, page=state.next_page or 1, sort="id")
    ctx.count("cliniko_reads")
    ids = [*(record.id for record in page.records), *(bad_id for bad_id, _ in page.bad if bad_id)]
    # Where an unreadable record stood is not known: only its id counts, where the others came in order.
    in_order = rules.is_ordered([record.id for record in page.records], state.last_id)
    ordered = sorted(ids, key=int) if page.bad and in_order else ids
    after = rules.advance(state, ordered, has_next=page.next_page is not None, server_time=page.server_time)

    def commit() -> None:
        _store(cursors.load(ctx.connection_id, ctx.hub_id, polled.name), after, ctx.cycle_no)

    return Slice(page.records, list(page.bad), after.finished, commit)


def begin_from_now(ctx: SyncContext, polled: PolledList, window: Cursor) -> None:
    """A second time column of a list that has just been read in full needs no past: start where that walk started.

    The caller commits."""
    cursor = cursors.load(ctx.connection_id, ctx.hub_id, polled.name)
    cursor.window_start = window.window_start
    cursor.done_cycle, cursor.done_at = ctx.cycle_no, now()


def _state(cursor: Cursor) -> CursorState:
    return CursorState(cursor.window_start, cursor.run_start, cursor.last_id, cursor.next_page, cursor.pass_no)


def _store(cursor: Cursor, state: CursorState, cycle_no: int) -> None:
    cursor.window_start, cursor.run_start = state.window_start, state.run_start
    cursor.last_id, cursor.next_page, cursor.pass_no = state.last_id, state.next_page, state.pass_no
    if state.finished:
        cursor.done_cycle, cursor.done_at = cycle_no, now()
