"""Proofs: which is under way and which is last, how many are kept, and when at night the next one is made."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine

from webapp.extensions import db
from webapp.store import accounts, comparing, connections, ledger, proofs, streams, visits
from webapp.store.models_hooks import Proof

HUB = 20_000_001
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ZONES = ["Australia/Sydney", "Europe/London", "America/St_Johns", "Pacific/Kiritimati", None, "Mars/Base"]


def install(hub_id: int, zone: str | None = "Australia/Sydney") -> None:
    accounts.save_install(hub_id, access_token="a", refresh_token="r", token_expires_at=NOON, scopes=(), time_zone=zone)
    connections.save_connection(
        hub_id,
        api_key="MS0x-au1",
        shard="au1",
        cliniko_account_id=str(hub_id),
        cliniko_user_id="5",
        role="administrator",
        account_name="Harbour",
        subdomain="harbour",
        country_code="AU",
        access={},
    )


def make(hub_id: int, report: dict, *, finished: bool = True) -> None:
    proofs.begin(hub_id, {})
    proofs.save(hub_id, report, finished=finished)
    db.session.commit()


def test_one_is_under_way_and_one_is_last(app):
    install(HUB)
    install(HUB + 1)
    assert proofs.under_way(HUB) is None and proofs.last(HUB) is None
    make(HUB, {"number": 1})
    make(HUB, {"number": 2}, finished=False)
    make(HUB + 1, {"number": 3})
    assert (proofs.last(HUB).report, proofs.under_way(HUB).report) == ({"number": 1}, {"number": 2})
    make(HUB, {"number": 4})
    assert proofs.last(HUB).report == {"number": 4} and proofs.under_way(HUB) is None, "a half one was dropped"
    assert db.session.query(Proof).count() == 3


def test_thirty_of_each_account_are_kept(app):
    install(HUB)
    install(HUB + 1)
    for number in range(33):
        make(HUB, {"number": number})
    make(HUB + 1, {"number": 0})
    assert proofs.prune() == 3 and proofs.prune() == 0
    kept = sorted(p.report["number"] for p in db.session.query(Proof).filter_by(hub_id=HUB))
    assert kept == list(range(3, 33)) and proofs.last(HUB + 1) is not None


@pytest.mark.parametrize("zone", ZONES)
def test_the_night_is_the_accounts_own(zone):
    clock = ZoneInfo(zone) if zone and zone != "Mars/Base" else UTC
    turn = proofs.next_night(HUB, zone, NOON)
    local = turn.astimezone(clock)
    assert NOON < turn <= NOON + timedelta(days=1) and 2 <= local.hour < 5
    again = proofs.next_night(HUB, zone, turn)
    assert again - turn == timedelta(days=1) and proofs.next_night(HUB, zone, turn - timedelta(seconds=1)) == turn


def test_accounts_are_spread_over_the_night():
    turns = [proofs.next_night(hub_id, "UTC", NOON) for hub_id in range(HUB, HUB + 300)]
    hours = [sum(1 for turn in turns if turn.hour == hour) for hour in (2, 3, 4)]
    assert sum(hours) == 300 and min(hours) > 60


@pytest.mark.parametrize("day", [datetime(2026, 4, 4, 12, tzinfo=UTC), datetime(2026, 10, 3, 12, tzinfo=UTC)])
def test_one_turn_a_night_when_clocks_change(day):
    """In Sydney clocks go back at three on 5 April and forward at two on 4 October."""
    for hub_id in range(HUB, HUB + 50):
        turns = [proofs.next_night(hub_id, "Australia/Sydney", day)]
        while len(turns) < 4:
            turns.append(proofs.next_night(hub_id, "Australia/Sydney", turns[-1]))
        days = [turn.astimezone(ZoneInfo("Australia/Sydney")).date() for turn in turns]
        assert [b - a for a, b in itertools.pairwise(days)] == [timedelta(days=1)] * 3


def test_planning(app):
    install(HUB)
    assert proofs.unplanned() == []
    with time_machine.travel(NOON, tick=False):
        streams.ensure_streams(HUB, ["patients"])
        assert proofs.unplanned() == [HUB]
        proofs.plan(HUB)
        state = streams.get_stream(HUB, proofs.RECONCILE)
        assert (state.state, state.next_run_at) == ("idle", proofs.next_night(HUB, "Australia/Sydney", NOON))
    with time_machine.travel(NOON + timedelta(hours=2), tick=False):
        proofs.plan(HUB)
        planned = proofs.next_night(HUB, "Australia/Sydney", NOON)
        assert streams.get_stream(HUB, proofs.RECONCILE).next_run_at == planned and proofs.unplanned() == []
        streams.stop(HUB, None, "key_revoked")
        assert proofs.unplanned() == [], "the whole account stands still"
        streams.request_run(HUB, ["patients"])
        assert proofs.unplanned() == [HUB]
        proofs.plan(HUB)
        assert streams.get_stream(HUB, proofs.RECONCILE).state == "idle" and proofs.unplanned() == []
        accounts.set_status(HUB, "paused")
        assert proofs.unplanned() == []


def test_a_cycle_may_be_planned_for_another_time(app):
    install(HUB)
    streams.ensure_streams(HUB, [proofs.RECONCILE])
    streams.open_cycle(HUB, proofs.RECONCILE)
    streams.close_cycle(HUB, proofs.RECONCILE, NOON)
    assert streams.get_stream(HUB, proofs.RECONCILE).next_run_at == NOON


IDS = ["1", "9", "10", "82", "99", "100", "1234", "836447129235883061", "1936447129235883061"]
EDGES = [None, "9", "50", "99", "100", "836447129235883060", "836447129235883061", "1936447129235883061"]


def test_ranges_of_ids_are_ranges_of_numbers(app, engine):
    install(HUB)
    connection = connections.find_connection(HUB).id
    base = {"hub_id": HUB, "connection_id": connection}
    ledger.put([{**base, "kind": "invoice", "cliniko_id": i, "hubspot_id": i, "state": "linked"} for i in IDS])
    visits.save_visits([{**base, "kind": "attendee", "cliniko_id": i, "status": "booked"} for i in IDS])
    visits.save_visits([{**base, "kind": "attendee", "cliniko_id": "83", "status": "removed"}])
    visits.save_bills([{**base, "cliniko_id": i, "total": Decimal(1), "removed": i == "82"} for i in IDS])
    db.session.commit()
    for low, high in itertools.product(EDGES, EDGES):
        wanted = {i for i in IDS if (low is None or int(i) > int(low)) and (high is None or int(i) <= int(high))}
        assert comparing.links_between(connection, "invoice", low, high) == wanted, (low, high)
        assert comparing.visits_between(connection, "attendee", low, high) == wanted
        assert comparing.bills_between(connection, low, high) == wanted - {"82"}
        assert comparing.links_between(connection, "patient", low, high) == set()
