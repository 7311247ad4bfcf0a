"""Pure rules of a cursor: which window a walk reads, and when it moves. No I/O.

A walk reads `column >= window start - overlap`, ordered by id, 100 at a time, always after the last id. The lower bound
never moves during a walk, so a record edited meanwhile cannot slip past. The window moves to the walk's own start,
taken from the server's clock, only when the walk has ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

OVERLAP = timedelta(minutes=5)


@dataclass(frozen=True)
class CursorState:
    """`next_page` is set only while Cliniko does not keep `sort=id`: pages are then followed and the window is repeated
    once, because a page walk can miss a record that moves."""

    window_start: datetime | None = None
    run_start: datetime | None = None
    last_id: str | None = None
    next_page: int | None = None
    pass_no: int = 1
    finished: bool = False


def lower_bound(state: CursorState) -> datetime | None:
    """The oldest change this walk must see; None reads from the beginning."""
    return None if state.window_start is None else state.window_start - OVERLAP


def is_ordered(ids: Sequence[str], after: str | None) -> bool:
    """Are these ids strictly ascending as numbers, and all beyond `after`?"""
    previous = int(after) if after is not None else -1
    for text in ids:
        number = int(text)
        if number <= previous:
            return False
        previous = number
    return True


def advance(state: CursorState, ids: Sequence[str], *, has_next: bool, server_time: datetime) -> CursorState:
    """The state after a page whose records are all taken care of.

    `ids` in the order they came; `has_next` whether Cliniko announced a further page; `server_time` of this answer.
    """
    state = replace(state, run_start=state.run_start or server_time)
    if state.next_page is None:
        if is_ordered(ids, state.last_id):
            if has_next and ids:
                return replace(state, last_id=ids[-1])
            return _end(state)
        # Not in order of id: this was page 1 of some other order. After a first page go on to page 2, else start over.
        if state.last_id is None:
            return replace(state, next_page=2 if has_next else 1, pass_no=1 if has_next else 2)
        return replace(state, last_id=None, next_page=1, pass_no=1)
    if has_next:
        return replace(state, next_page=state.next_page + 1)
    if state.pass_no == 1:
        return replace(state, next_page=1, pass_no=2)
    return _end(state)


def _end(state: CursorState) -> CursorState:
    return CursorState(window_start=state.run_start, finished=True)
