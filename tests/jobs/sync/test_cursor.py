"""The cursor's rules: nothing is skipped, and the window moves only when a walk has ended."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.sync.cursor import OVERLAP, CursorState, advance, is_ordered, lower_bound

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def test_a_new_cursor_reads_from_the_beginning():
    assert lower_bound(CursorState()) is None


def test_the_window_overlaps_what_was_read():
    assert lower_bound(CursorState(window_start=NOON)) == NOON - OVERLAP


def test_the_window_stays_until_the_walk_ends():
    first = advance(CursorState(window_start=NOON), ["1", "2"], has_next=True, server_time=NOON + timedelta(hours=1))
    assert (first.window_start, first.last_id, first.finished) == (NOON, "2", False)
    last = advance(first, ["9"], has_next=False, server_time=NOON + timedelta(hours=2))
    assert last == CursorState(window_start=NOON + timedelta(hours=1), finished=True)


def test_ids_are_numbers_not_text():
    assert is_ordered(["9", "10", "836447129235883061"], "8")
    assert not is_ordered(["10", "9"], None)
    assert not is_ordered(["9"], "10")


def test_an_empty_page_ends_the_walk():
    assert advance(CursorState(), [], has_next=False, server_time=NOON).finished


def test_without_the_order_pages_are_followed_and_the_window_is_read_twice():
    state = advance(CursorState(), ["5", "2"], has_next=True, server_time=NOON)
    assert (state.next_page, state.pass_no) == (2, 1)
    state = advance(state, ["1"], has_next=False, server_time=NOON)
    assert (state.next_page, state.pass_no, state.finished) == (1, 2, False)
    state = advance(state, ["5", "2"], has_next=True, server_time=NOON)
    assert advance(state, ["1"], has_next=False, server_time=NOON).finished


def test_an_order_that_breaks_in_the_middle_starts_the_walk_again():
    state = advance(CursorState(last_id="50", run_start=NOON), ["60", "40"], has_next=True, server_time=NOON)
    assert (state.last_id, state.next_page, state.pass_no, state.run_start) == (None, 1, 1, NOON)


@given(st.sets(st.integers(1, 10**18), max_size=60), st.integers(1, 7))
def test_a_walk_sees_every_id_once(ids, size):
    everything = sorted(ids)
    state, seen = CursorState(), []
    for _ in range(len(everything) + 2):
        rest = [i for i in everything if state.last_id is None or i > int(state.last_id)]
        page, more = [str(i) for i in rest[:size]], len(rest) > size
        seen += page
        state = advance(state, page, has_next=more, server_time=NOON)
        if state.finished:
            break
    assert state.finished
    assert [int(i) for i in seen] == everything


@pytest.mark.parametrize("pages", [1, 2, 5])
def test_a_page_walk_reads_each_page_in_both_passes(pages):
    state, read = CursorState(), []
    for _ in range(3 * pages + 3):
        number = state.next_page or 1
        read.append(number)
        state = advance(state, ["9", "3"], has_next=number < pages, server_time=NOON)
        if state.finished:
            break
    assert state.finished
    assert all(read.count(number) == 2 for number in range(1, pages + 1))
