"""The Cliniko connection of an account: same account, another account, back again, revoked, attempts."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine

from tests.webapp.store import twins
from tests.webapp.store.conftest import HUB
from webapp.clock import now
from webapp.extensions import db
from webapp.store import (
    accounts,
    connections,
    cursors,
    housekeeping,
    issues,
    leases,
    ledger,
    people,
    proofs,
    streams,
)
from webapp.store.base import Base
from webapp.store.connections import OtherClinikoAccount
from webapp.store.leases import LeaseLost
from webapp.store.models_account import Connection
from webapp.store.settings import set_setting


def fill(connection_id: int, hub_id: int = HUB) -> None:
    """A link, an index row, a cursor, an issue, a review and a work item."""
    ledger.put(
        [
            {
                "hub_id": hub_id,
                "connection_id": connection_id,
                "kind": "patient",
                "cliniko_id": "1",
                "state": "linked",
                "hubspot_id": "501",
                "digest": b"d" * 16,
            }
        ]
    )
    person = {
        "hub_id": hub_id,
        "connection_id": connection_id,
        "kind": "patient",
        "cliniko_id": "1",
        "email_hmac": b"e" * 16,
        "digest": b"d" * 16,
        "display": "{}",
        "archived": False,
    }
    people.save([person], {"1": [b"t" * 16]})
    cursors.load(connection_id, hub_id, "patients").window_start = now()
    issues.open_issue(hub_id, connection_id, "patients", "patient", "1", "refused")
    issues.open_reviews(
        [
            {
                "hub_id": hub_id,
                "connection_id": connection_id,
                "kind": "patient",
                "cliniko_id": "1",
                "hubspot_id": "501",
                "cause": "shared_email",
            }
        ]
    )
    issues.add_work(hub_id, connection_id, "patient", ["1"], "asked")
    db.session.commit()


def known(connection_id: int) -> tuple[int, int, int]:
    """How many links, index rows and cursors there are."""
    links = ledger.by_cliniko(connection_id, "patient", ["1"])
    return (
        len(links),
        len(people.sharing(connection_id, "patient", [b"e" * 16])),
        len(cursors.all_of(connection_id)),
    )


def test_a_first_connection(hub, connect):
    assert connections.find_connection(hub) is None
    connect(hub)
    found = connections.find_connection(hub)
    assert (found.status, found.api_key, found.cliniko_account_id) == ("active", "key-of-77-au1", "77")
    assert (found.account_name, found.country_code, found.access) == ("Clinic 77", "AU", {"patients": "ok"})


def test_a_new_key_of_the_same_account_keeps_everything(hub, connect):
    first = connect(hub)
    fill(first)
    connections.mark_key_revoked(hub)
    assert connections.find_connection(hub).status == "key_revoked"
    second = connect(hub, api_key="fresh-au2", shard="au2", cliniko_user_id="6", role="receptionist", access={})
    assert second == first
    found = connections.find_connection(hub)
    assert (found.status, found.api_key, found.shard, found.role) == ("active", "fresh-au2", "au2", "receptionist")
    assert known(first) == (1, 1, 1)
    assert ledger.by_cliniko(first, "patient", ["1"])["1"].state == "linked"
    assert (issues.count_open(hub), sum(issues.count_reviews(hub).values())) == ({"patients": 1}, 1)


@pytest.mark.parametrize("revoked", [False, True])
def test_another_account_is_refused_and_changes_nothing(hub, connect, revoked):
    first = connect(hub)
    fill(first)
    if revoked:
        connections.mark_key_revoked(hub)
    before = twins.rows_of(hub)
    with pytest.raises(OtherClinikoAccount) as refusal:
        connect(hub, "88")
    db.session.rollback()
    assert (refusal.value.connected, refusal.value.offered) == ("Clinic 77", "Clinic 88")
    assert "key-of" not in str(refusal.value)
    assert twins.rows_of(hub) == before


def test_another_account_takes_the_place_when_that_was_confirmed(hub, connect, engine):
    first = connect(hub)
    fill(first)
    second = connect(hub, "88", replace=True)
    assert second != first
    assert connections.find_connection(hub).id == second
    assert accounts.get_account(hub).replaced_cliniko_ids == ["77"]
    old = db.session.get(Connection, first)
    assert (old.status, old.api_key) == ("replaced", None)
    # Its HubSpot record is free for a patient of the new account.
    row = {"hub_id": hub, "connection_id": second, "kind": "patient", "cliniko_id": "9", "hubspot_id": "501"}
    assert ledger.reserve([{**row, "rule": "email", "shared_email": False, "cliniko_updated_at": None}]) == {
        ("patient", "9")
    }


def test_nothing_of_the_account_before_is_counted_retried_or_kept(hub, connect):
    first = connect(hub)
    fill(first)
    connect(hub, "88", replace=True)
    assert known(first) == (0, 0, 0)
    assert issues.count_open(hub) == {}
    assert issues.list_reviews(hub) == []
    assert issues.count_work(hub) == {}
    assert ledger.counts(hub) == {}
    assert issues.retry_now(hub) == 0


def test_whoever_still_works_for_the_account_before_stops(hub, connect, engine):
    connect(hub)
    held = leases.acquire(hub, "patients", "a worker")
    connect(hub, "88", replace=True)
    with pytest.raises(LeaseLost):
        leases.guard(held)
    assert leases.acquire(hub, "patients", "the next").fence > held.fence


def test_a_key_of_the_same_account_stops_nobody(hub, connect):
    connect(hub)
    held = leases.acquire(hub, "patients", "a worker")
    connect(hub)
    leases.guard(held)


def test_every_stream_begins_again_for_another_account(hub, connect):
    connect(hub)
    streams.ensure_streams(hub, ["patients", "contacts", "history"])
    streams.open_cycle(hub, "patients")
    streams.close_cycle(hub, "patients")
    proofs.plan(hub)
    streams.open_cycle(hub, "history")
    streams.finish_for_good(hub, "history")
    set_setting(hub, "sync_contacts", "off")
    connect(hub, "88", replace=True)
    found = {state.stream: (state.state, state.last_success_at) for state in streams.stream_states(hub)}
    assert found == {
        "patients": ("idle", None),
        "contacts": ("off", None),
        "history": ("idle", None),
        "reconcile": ("idle", None),
    }
    assert set(streams.due_streams(now())) == {(hub, "patients"), (hub, "history")}, "the reconcile waits for its night"
    assert streams.open_cycle(hub, "patients").cycle_no == 2


def test_every_table_of_a_connection_is_known_to_the_replacement(app, connect):
    twins.seed(twins.OURS)
    db.session.commit()
    connect(twins.OURS, "88", replace=True)
    left = {
        table.name
        for table in Base.metadata.sorted_tables
        if "connection_id" in table.c
        and db.session.scalar(sa.select(sa.func.count()).where(table.c.connection_id == twins.NUMBERS[twins.OURS]))
    }
    assert left == set()


def test_going_back_begins_like_a_first_connection(hub, connect):
    """What is in HubSpot still carries the first account's keys; the first cycle finds it by them."""
    first = connect(hub)
    fill(first)
    connect(hub, "88", replace=True)
    again = connect(hub, "77", replace=True)
    assert again == first
    assert accounts.get_account(hub).replaced_cliniko_ids == ["88"]
    assert known(first) == (0, 0, 0)
    found = connections.find_connection(hub)
    assert (found.status, found.cliniko_account_id, found.api_key) == ("active", "77", "key-of-77-au1")


def test_a_replacement_touches_no_other_account(make_account, connect):
    make_account(1)
    make_account(2)
    mine, other = connect(1), connect(2)
    fill(mine, 1)
    fill(other, 2)
    before = twins.rows_of(2)
    connect(1, "88", replace=True)
    assert twins.rows_of(2) == before


def test_one_cliniko_account_may_belong_to_two_portals(make_account, connect):
    make_account(1)
    make_account(2)
    assert connect(1) != connect(2)


@pytest.mark.parametrize(
    ("cause", "starts"),
    [("key_revoked", True), ("list_forbidden", True), ("missing_scopes", False)],
)
def test_a_new_key_starts_what_waited_for_one(hub, connect, cause, starts):
    connect(hub)
    streams.ensure_streams(hub, ["patients"])
    streams.stop(hub, "patients", cause)
    connect(hub)
    assert (streams.get_stream(hub, "patients").state == "idle") is starts


def test_two_saves_at_once_make_one_connection(hub, connect, at_once, engine):
    results = at_once(*([connect] * 3))
    assert len({str(result) for result in results}) == 1, results
    assert db.session.query(Connection).count() == 1


def test_what_a_key_may_read_is_kept(connection_id, hub):
    connections.save_access(connection_id, {"patients": "ok", "contacts": "forbidden"})
    db.session.commit()
    assert connections.find_connection(hub).access == {"patients": "ok", "contacts": "forbidden"}


def test_an_attempt_keeps_the_key_until_it_was_checked(hub):
    attempt = connections.start_attempt(hub, "secret-au1")
    assert (attempt.state, attempt.api_key, attempt.replace) == ("checking", "secret-au1", False)
    connections.finish_attempt(hub, attempt.id, "connected", None, {"role": "administrator"})
    done = connections.get_attempt(hub, attempt.id)
    assert (done.state, done.api_key, done.report) == ("connected", None, {"role": "administrator"})


def test_an_attempt_that_waits_for_a_confirmation_keeps_its_key(hub):
    attempt = connections.start_attempt(hub, "secret-au1")
    connections.finish_attempt(hub, attempt.id, "needs_confirmation", None, None)
    assert connections.get_attempt(hub, attempt.id).api_key == "secret-au1"


def test_an_attempt_of_another_account_is_as_good_as_none(make_account):
    make_account(1)
    make_account(2)
    attempt = connections.start_attempt(1, "secret-au1")
    assert connections.get_attempt(2, attempt.id) is None
    connections.finish_attempt(2, attempt.id, "refused", "no", None)
    assert connections.get_attempt(1, attempt.id).state == "checking"


def test_keys_that_somebody_left_behind_are_forgotten_after_a_day(hub, engine):
    with time_machine.travel(now(), tick=False) as clock:
        old = connections.start_attempt(hub, "secret-au1").id
        clock.shift(timedelta(hours=23))
        young = connections.start_attempt(hub, "secret-au1").id
        clock.shift(timedelta(hours=2))
        assert housekeeping.prune(now())["connection_attempt"] == 1
    assert connections.get_attempt(hub, old) is None
    assert connections.get_attempt(hub, young) is not None
