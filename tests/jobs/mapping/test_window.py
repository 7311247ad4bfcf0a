from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.mapping.window import (
    Window,
    edge_kept,
    in_scope,
    invoice_in_scope,
    invoice_scope,
    newly_entered,
    scope,
)

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MOMENTS = st.timedeltas(timedelta(0), 36_500 * DAY).map(lambda span: datetime(2000, 1, 1, tzinfo=UTC) + span)
FORWARD = st.integers(1, 730)


@pytest.mark.parametrize(
    ("completed", "start"),
    [
        (None, NOW - 7 * DAY),
        (NOW - DAY / 96, NOW - DAY / 96 - 7 * DAY),
        (NOW - 30 * DAY, NOW - 37 * DAY),
        # A clock that was ahead.
        (NOW + DAY, NOW - 7 * DAY),
    ],
)
def test_scope(completed, start):
    assert scope(NOW, completed, 45) == Window(start, NOW + 45 * DAY)


@pytest.mark.parametrize(
    ("starts", "inside"),
    [
        (NOW - 7 * DAY, True),
        (NOW - 7 * DAY - timedelta(seconds=1), False),
        (NOW, True),
        (NOW + 45 * DAY, True),
        (NOW + 45 * DAY + timedelta(seconds=1), False),
        (None, False),
    ],
)
def test_in_scope(starts, inside):
    window = scope(NOW, None, 45)
    assert in_scope(window, starts) is inside
    assert in_scope(window, starts, linked=True)


def test_summer_time_moves_no_edge():
    """Sydney's clocks went forward on 4 October 2026; the window is counted in hours, not in local days."""
    sydney = datetime(2026, 9, 20, 9, 0, tzinfo=ZoneInfo("Australia/Sydney"))
    window = scope(sydney, None, 45)
    assert window == scope(sydney.astimezone(UTC), None, 45)
    assert window.end - window.start == 52 * DAY
    assert window.end.astimezone(ZoneInfo("Australia/Sydney")).hour == 10


def test_a_time_without_a_zone_is_refused():
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 (naive on purpose)
    for call in (
        lambda: scope(naive, None, 1),
        lambda: scope(NOW, naive, 1),
        lambda: newly_entered(naive, NOW, 1),
        lambda: edge_kept(naive, NOW, 1),
        lambda: invoice_scope(naive, 1),
    ):
        with pytest.raises(ValueError, match="zone"):
            call()


@pytest.mark.parametrize(
    ("edge", "forward", "entered"),
    [
        (None, 45, Window(NOW - 7 * DAY, NOW + 45 * DAY)),
        (NOW + 45 * DAY, 45, None),
        (NOW + 45 * DAY - DAY / 96, 45, Window(NOW + 45 * DAY - DAY / 96, NOW + 45 * DAY)),
        # The setting grew.
        (NOW + 45 * DAY, 90, Window(NOW + 45 * DAY, NOW + 90 * DAY)),
        # The setting shrank: nothing is removed and nothing entered.
        (NOW + 45 * DAY, 10, None),
        # The service stood still for a hundred days.
        (NOW - 55 * DAY, 45, Window(NOW - 55 * DAY, NOW + 45 * DAY)),
    ],
)
def test_newly_entered(edge, forward, entered):
    assert newly_entered(edge, NOW, forward) == entered


def test_the_edge_is_drawn_back_when_the_setting_shrinks():
    """45 days, then 10, then time passes: what was booked beyond the 10 days meanwhile is found when it comes near."""
    edge = edge_kept(NOW + 45 * DAY, NOW, 10)
    assert edge == NOW + 10 * DAY
    booked_meanwhile = NOW + 30 * DAY
    assert not in_scope(scope(NOW, None, 10), booked_meanwhile)
    later = NOW + 25 * DAY
    entered = newly_entered(edge, later, 10)
    assert entered is not None
    assert booked_meanwhile in entered


def test_the_edge_is_not_drawn_forward():
    assert edge_kept(NOW + DAY, NOW, 45) == NOW + DAY
    assert edge_kept(None, NOW, 45) is None


@given(
    st.lists(st.tuples(st.floats(0.01, 80), FORWARD, st.booleans()), min_size=1, max_size=12),
    st.lists(st.tuples(st.floats(-30, 900), st.floats(0, 900)), max_size=12),
)
def test_whatever_is_in_scope_after_a_cycle_has_been_looked_at(cycles, visits):
    """Cycles at any distance, with any changes of the setting, some cut off before their scan ended. A visit is seen
    when it is booked while in scope, or when a scan that ended passes over it. Each cycle that ends has seen all."""
    now, edge, completed = NOW, None, None
    appointments = [(NOW + timedelta(days=starts), NOW + timedelta(days=booked)) for starts, booked in visits]
    seen: set[int] = set()
    read_until = None
    for days, forward, ends in cycles:
        now += timedelta(days=days)
        edge = edge_kept(edge, now, forward)
        window = scope(now, completed, forward)
        entered = newly_entered(edge, now, forward)
        if not ends:
            continue
        for number, (starts, booked) in enumerate(appointments):
            changed = booked <= now and (read_until is None or booked > read_until)
            if changed and in_scope(window, starts):
                seen.add(number)
            if entered is not None and booked <= now and starts in entered:
                seen.add(number)
        edge = entered.end if entered is not None else edge
        read_until = completed = now
        for number, (starts, booked) in enumerate(appointments):
            if booked <= now and in_scope(scope(now, None, forward), starts):
                assert number in seen


@given(MOMENTS, MOMENTS, FORWARD)
def test_an_edge_is_reached_once(edge, now, forward):
    entered = newly_entered(edge, now, forward)
    after = entered.end if entered else edge
    assert newly_entered(after, now, forward) is None
    assert entered is None or (entered.start == edge and entered.end == scope(now, None, forward).end)


@given(MOMENTS, st.none() | MOMENTS, FORWARD, MOMENTS)
def test_a_wider_scope_holds_the_narrower_one(now, completed, forward, starts):
    if in_scope(scope(now, completed, forward), starts):
        assert in_scope(scope(now, completed, forward + 1), starts)
    if in_scope(scope(now, None, forward), starts):
        assert in_scope(scope(now, completed, forward), starts)


def test_the_ends_of_the_calendar():
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert scope(first, None, 45).start == first
    assert scope(last, None, 45).end == last
    assert invoice_scope(first, 365) == date.min


@pytest.mark.parametrize(
    ("issued", "inside"),
    [
        (date(2025, 11, 23), True),
        (date(2025, 11, 22), False),
        (date(2026, 11, 23), True),
        (date(2026, 11, 24), True),
        (None, True),
    ],
)
def test_invoice_scope(issued, inside):
    first = invoice_scope(NOW, 365)
    assert first == date(2025, 11, 23)
    assert invoice_in_scope(first, issued) is inside
    assert invoice_in_scope(first, issued, linked=True)


@given(MOMENTS, st.integers(1, 3650))
def test_an_invoice_of_today_is_in_scope(now, back):
    assert invoice_in_scope(invoice_scope(now, back), now.date())
    assert not invoice_in_scope(invoice_scope(now, back), now.date() - timedelta(days=back + 1))
