"""Leases under real concurrency: never two holders, whatever the engine; expiry, fencing, heartbeat."""

import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from datetime import timedelta

import pytest
import time_machine

from tests.conftest import ENGINES
from tests.guards.source import ROOT
from tests.support.engines import settings_for
from tests.webapp.store.conftest import HUB
from webapp import create_app
from webapp.clock import now
from webapp.extensions import db
from webapp.store import accounts, leases, ledger
from webapp.store.leases import TTL, LeaseLost

STREAM = "patients"


def test_one_holder_at_a_time(hub, engine):
    held = leases.acquire(hub, STREAM, "first")
    assert held is not None and held.fence == 1
    assert leases.acquire(hub, STREAM, "second") is None
    assert leases.acquire(hub, STREAM, "first") is None, "the same name is another execution"
    assert leases.holder(hub, STREAM) == (True, 1)
    leases.release(held)
    assert leases.holder(hub, STREAM) == (False, 1)
    assert leases.acquire(hub, STREAM, "second").fence == 2


def test_names_and_accounts_are_apart(make_account):
    make_account(1)
    make_account(2)
    assert all(leases.acquire(hub, name, "me") for hub in (1, 2) for name in ("patients", "contacts", leases.IDENTITY))


def test_nobody_holds_what_nobody_took(hub):
    assert leases.holder(hub, STREAM) == (False, 0)
    assert leases.holder(404, STREAM) == (False, 0)


def test_an_expired_lease_is_taken_over_and_its_holder_is_refused(hub, engine):
    with time_machine.travel(now(), tick=False) as clock:
        slow = leases.acquire(hub, STREAM, "slow")
        clock.shift(TTL - timedelta(milliseconds=1))
        assert leases.holder(hub, STREAM) == (True, 1)
        assert leases.acquire(hub, STREAM, "quick") is None
        clock.shift(timedelta(milliseconds=2))
        assert leases.holder(hub, STREAM) == (False, 1)
        quick = leases.acquire(hub, STREAM, "quick")
        assert quick is not None and quick.fence == 2
        with pytest.raises(LeaseLost, match=STREAM):
            leases.guard(slow)
        assert leases.renew(slow) is False
        leases.guard(quick)
        db.session.commit()
        leases.release(slow)
        assert leases.holder(hub, STREAM) == (True, 2), "giving back a lost lease harms nobody"


def test_a_lease_of_the_same_owner_name_is_told_apart_by_its_number(hub):
    with time_machine.travel(now(), tick=False) as clock:
        first = leases.acquire(hub, STREAM, "same")
        clock.shift(TTL + timedelta(seconds=1))
        second = leases.acquire(hub, STREAM, "same")
    with pytest.raises(LeaseLost):
        leases.guard(first)
    leases.guard(second)


def test_a_heartbeat_keeps_it(hub, engine):
    with time_machine.travel(now(), tick=False) as clock:
        held = leases.acquire(hub, STREAM, "steady")
        for _ in range(5):
            clock.shift(TTL * 0.9)
            assert leases.renew(held) is True
        assert leases.acquire(hub, STREAM, "other") is None
        clock.shift(TTL * 1.1)
        assert leases.acquire(hub, STREAM, "other").fence == 2


def test_a_heartbeat_comes_from_another_thread(hub, at_once, engine):
    held = leases.acquire(hub, STREAM, "me")
    assert at_once(lambda: leases.renew(held), lambda: leases.renew(held)) == [True, True]


def test_a_guarded_write_that_comes_too_late_leaves_nothing(hub, connection_id, engine):
    with time_machine.travel(now(), tick=False) as clock:
        slow = leases.acquire(hub, STREAM, "slow")
        clock.shift(TTL + timedelta(seconds=1))
        assert leases.acquire(hub, STREAM, "quick") is not None
        ledger.put([link(hub, connection_id, "1", "501", state="linked")])
        with pytest.raises(LeaseLost):
            leases.guard(slow)
        db.session.commit()
    assert ledger.by_cliniko(connection_id, "patient", ["1"]) == {}


def test_many_threads_one_holder(hub, at_once, engine):
    for round_number in range(1, 6):
        results = at_once(*[lambda n=n: leases.acquire(hub, STREAM, f"thread-{n}") for n in range(8)])
        held = [result for result in results if result is not None]
        assert [one.fence for one in held] == [round_number], results
        leases.release(held[0])


def test_one_taker_of_an_expired_lease(hub, at_once, engine):
    leases.acquire(hub, STREAM, "gone", ttl=timedelta(seconds=-1))
    results = at_once(*[lambda n=n: leases.acquire(hub, STREAM, f"thread-{n}") for n in range(8)])
    assert [one.fence for one in results if one is not None] == [2], results


def test_a_first_lease_of_many_threads(hub, at_once, engine):
    """The row does not exist yet: making it and taking it must not fail for any of them."""
    results = at_once(*[lambda n=n: leases.acquire(hub, f"new-{n % 2}", f"thread-{n}") for n in range(8)])
    assert sorted(one.name for one in results if one is not None) == ["new-0", "new-1"], results


def test_processes_never_hold_it_together(engines, valkey_url, tmp_path):
    """Three processes, on both engines at once."""
    with ExitStack() as stack:
        urls = [stack.enter_context(engines.database(engine)) for engine in ENGINES]
        for url in urls:
            app = create_app(settings_for(url, valkey_url, tmp_path))
            with app.app_context():
                until = now() + timedelta(days=1)
                accounts.save_install(HUB, access_token="a", refresh_token="b", token_expires_at=until, scopes=[])
                db.session.remove()
                db.engine.dispose()
        command = [sys.executable, "-m", "tests.webapp.store.contender", str(tmp_path), "1.5", *urls]
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        started = [
            subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(3)
        ]
        wait_for(lambda: len(list(tmp_path.glob("ready-*"))) == 3)
        (tmp_path / "go").touch()
        outputs = [process.communicate(timeout=60)[0].split("\n") for process in started]
        assert [process.returncode for process in started] == [0, 0, 0]
    for number in range(len(urls)):
        fences = [[int(fence) for fence in output[number].split()] for output in outputs]
        assert all(one == sorted(set(one)) for one in fences)
        everything = sorted(fence for one in fences for fence in one)
        assert everything == list(range(1, len(everything) + 1)), "each number was held once"
        assert sum(bool(one) for one in fences) >= 2, "only one process ever got it"


def test_a_reservation_on_the_slow_path_is_still_fenced(app, hub, connection_id, engine):
    """One input of the batch loses its race. The lease, overdue but ours, stays locked until the rest is reserved."""
    ledger.put([link(hub, connection_id, "9", "501", state="linked")])
    db.session.commit()
    overdue = leases.acquire(hub, STREAM, "slow", ttl=timedelta(seconds=-1))
    leases.guard(overdue)
    taken: list[object] = []

    def take() -> None:
        with app.app_context():
            taken.append(leases.acquire(hub, STREAM, "quick"))
            db.session.remove()

    thread = threading.Thread(target=take)
    thread.start()
    time.sleep(0.3)
    reserved = ledger.reserve([link(hub, connection_id, "1", "501"), link(hub, connection_id, "2", "502")])
    thread.join(40)
    assert reserved == {("patient", "2")}
    assert taken == [None], "somebody else got the lease between two rows of our reservation"


def link(hub_id: int, connection_id: int, cliniko_id: str, hubspot_id: str, **values):
    return {
        "hub_id": hub_id,
        "connection_id": connection_id,
        "kind": "patient",
        "cliniko_id": cliniko_id,
        "hubspot_id": hubspot_id,
        "rule": "email",
        "shared_email": False,
        "cliniko_updated_at": None,
        **values,
    }


def wait_for(condition, within: float = 40) -> None:
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "the processes did not start"
        time.sleep(0.02)
