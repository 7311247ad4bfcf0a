"""When streams run: spread over the interval, due, requested, waiting, stopped."""

import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from webapp.clock import now
from webapp.extensions import db
from webapp.store import accounts, connections, streams
from webapp.store.models_sync import StreamState
from webapp.store.settings import set_setting

NAMES = ("patients", "contacts", "appointments", "invoices")
NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)


@given(
    hub_id=st.integers(1, 2**53),
    stream=st.sampled_from(NAMES),
    interval=st.integers(5, 60),
    after=st.floats(1.5e9, 2.5e9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)
def test_the_next_slot_is_the_accounts_own_place_in_the_interval(hub_id, stream, interval, after):
    slot = streams.next_slot(hub_id, stream, interval, after)
    length = timedelta(minutes=interval)
    assert after < slot <= after + length
    assert slot.microsecond == 0
    assert streams.next_slot(hub_id, stream, interval, slot) == slot + length
    assert streams.next_slot(hub_id, stream, interval, slot - timedelta(seconds=1)) == slot


@pytest.mark.parametrize("interval", [5, 15, 60])
def test_accounts_and_streams_do_not_start_together(interval):
    """4,000 accounts of four streams: no minute holds much more than its share, and no account starts all at once."""
    hubs = range(20_000_000, 20_004_000)
    slots = {(hub, name): streams.next_slot(hub, name, interval, NOON) for hub in hubs for name in NAMES}
    per_minute = Counter(int((slot - NOON).total_seconds() - 1) // 60 for slot in slots.values())
    share = len(slots) / interval
    assert set(per_minute) == set(range(interval))
    assert max(per_minute.values()) < 1.25 * share and min(per_minute.values()) > 0.75 * share
    together = sum(len({slots[hub, name] for name in NAMES}) == 1 for hub in hubs)
    assert together <= 1


def test_a_cycle_that_took_long_does_not_drift(hub):
    """The place stays the same whatever a cycle takes; a missed place is not made up for twice."""
    streams.ensure_streams(hub, ["patients"])
    with time_machine.travel(NOON, tick=False) as clock:
        places = set()
        for minutes in (1, 14, 16, 31, 2):
            streams.open_cycle(hub, "patients")
            clock.shift(timedelta(minutes=minutes))
            streams.close_cycle(hub, "patients")
            slot = streams.get_stream(hub, "patients").next_run_at
            assert now() < slot <= now() + timedelta(minutes=15)
            places.add(int(slot.timestamp()) % 900)
    assert len(places) == 1


def test_the_interval_of_the_account_counts(hub):
    streams.ensure_streams(hub, ["patients"])
    set_setting(hub, "interval_minutes", "60")
    with time_machine.travel(NOON, tick=False):
        slots = set()
        for _ in range(3):
            streams.open_cycle(hub, "patients")
            streams.close_cycle(hub, "patients")
            slots.add(streams.get_stream(hub, "patients").next_run_at)
        assert slots == {streams.next_slot(hub, "patients", 60, NOON)}


def test_a_cycle_from_begin_to_end(hub, engine):
    streams.ensure_streams(hub, ["patients"])
    with time_machine.travel(NOON, tick=False) as clock:
        assert streams.open_cycle(hub, "patients").cycle_no == 1
        streams.add_counts(hub, "patients", {"read": 100, "created": 7})
        db.session.commit()
        clock.shift(timedelta(seconds=20))
        assert streams.open_cycle(hub, "patients").cycle_no == 1, "the next execution belongs to the same cycle"
        streams.add_counts(hub, "patients", {"read": 30})
        streams.close_cycle(hub, "patients")
        state = streams.get_stream(hub, "patients")
        assert (state.state, state.counts, state.finished_at) == ("idle", {"read": 130, "created": 7}, now())
        (run,) = streams.last_runs(hub)
        assert (run.cycle_no, run.counts, run.started_at, run.finished_at) == (
            1,
            {"read": 130, "created": 7},
            NOON,
            now(),
        )
        assert streams.open_cycle(hub, "patients").cycle_no == 2
        assert streams.get_stream(hub, "patients").counts == {}


def test_what_is_due(make_account, connect, engine):
    for hub_id in (1, 2, 3, 4):
        make_account(hub_id)
        streams.ensure_streams(hub_id, ["patients"])
    for hub_id in (1, 2, 3):
        connect(hub_id)
    accounts.set_status(2, "paused")
    connections.mark_key_revoked(3)
    assert streams.due_streams(now()) == [(1, "patients")], "not paused, not revoked, not unconnected"
    accounts.set_status(1, "uninstalled")
    assert streams.due_streams(now()) == []


def test_due_by_state(hub, connect, engine):
    connect(hub)
    streams.ensure_streams(hub, NAMES)
    with time_machine.travel(now(), tick=False) as clock:
        streams.open_cycle(hub, "patients")
        streams.wait(hub, "contacts", now() + timedelta(minutes=5), "rate_limited")
        streams.stop(hub, "appointments", "list_forbidden")
        streams.open_cycle(hub, "invoices")
        streams.close_cycle(hub, "invoices")
        assert streams.due_streams(now()) == [(hub, "patients")], "a cycle under way is always due"
        clock.shift(timedelta(minutes=5))
        assert set(streams.due_streams(now())) >= {(hub, "patients"), (hub, "contacts")}
        clock.shift(timedelta(minutes=15))
        assert set(streams.due_streams(now())) == {(hub, "patients"), (hub, "contacts"), (hub, "invoices")}


def test_waiting_counts_failures_until_one_goes_through(hub, engine):
    streams.ensure_streams(hub, ["patients"])
    for number in (1, 2, 3):
        streams.wait(hub, "patients", now(), "unavailable")
        state = streams.get_stream(hub, "patients")
        assert (state.failures, state.cause, state.state) == (number, "unavailable", "waiting")
    streams.clear_failures(hub, "patients")
    db.session.commit()
    assert streams.get_stream(hub, "patients").failures == 0


def test_a_request_makes_a_stream_due_whatever_held_it_up(hub, connect):
    connect(hub)
    streams.ensure_streams(hub, NAMES)
    streams.stop(hub, "patients", "our_fault")
    streams.wait(hub, "contacts", now() + timedelta(days=1), "unavailable")
    assert sorted(streams.request_run(hub, ["patients", "contacts"])) == ["contacts", "patients"]
    assert set(streams.due_streams(now())) >= {(hub, "patients"), (hub, "contacts")}
    assert streams.get_stream(hub, "patients").cause is None


def test_a_request_leaves_alone_what_is_switched_off(hub, connect):
    connect(hub)
    streams.ensure_streams(hub, ["patients", "contacts"])
    set_setting(hub, "sync_contacts", "off")
    assert streams.request_run(hub, ["patients", "contacts"]) == ["patients"]
    streams.stop(hub, None, "uninstalled")
    found = {state.stream: state.state for state in streams.stream_states(hub)}
    assert found == {"patients": "stopped", "contacts": "off"}


def test_a_request_during_a_run_gives_one_more_run(hub, engine):
    streams.ensure_streams(hub, ["patients"])
    with time_machine.travel(NOON, tick=False):
        streams.open_cycle(hub, "patients")
        streams.request_run(hub, ["patients"])
        assert streams.get_stream(hub, "patients").state == "running"
        streams.close_cycle(hub, "patients")
        assert streams.get_stream(hub, "patients").next_run_at == NOON
        streams.open_cycle(hub, "patients")
        streams.close_cycle(hub, "patients")
        assert streams.get_stream(hub, "patients").next_run_at > NOON, "one more, not for ever"


def test_a_request_at_the_very_end_of_a_run_is_not_lost(app, hub, engine):
    """The cycle ends while the request is being written: the one waits for the other."""
    streams.ensure_streams(hub, ["patients"])
    streams.open_cycle(hub, "patients")
    db.session.remove()
    with time_machine.travel(NOON, tick=False):
        with db.engine.connect() as other:
            row = StreamState.hub_id == hub
            other.execute(sa.update(StreamState).where(row).values(requested=False))
            thread = threading.Thread(target=_close, args=(app, hub))
            thread.start()
            time.sleep(0.3)
            other.execute(sa.update(StreamState).where(row).values(requested=True))
            other.commit()
        thread.join(40)
        assert streams.get_stream(hub, "patients").next_run_at == NOON


def _close(app, hub_id: int) -> None:
    with app.app_context():
        streams.close_cycle(hub_id, "patients")
        db.session.remove()


def test_making_rows_twice_changes_nothing(hub, at_once, engine):
    streams.ensure_streams(hub, ["patients"])
    streams.open_cycle(hub, "patients")
    results = at_once(*[lambda: streams.ensure_streams(hub, NAMES)] * 3)
    assert results == [None] * 3
    assert {state.stream: state.state for state in streams.stream_states(hub)} == {
        "patients": "running",
        "contacts": "idle",
        "appointments": "idle",
        "invoices": "idle",
    }
