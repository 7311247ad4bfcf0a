"""`sync reconcile`, and the night: who runs it, where it waits in the queue, and how it goes on."""

import json
from datetime import datetime, timedelta

import pytest
import time_machine

from jobs.queues import LOW, get_queue
from jobs.sync import reconcile, reconcile_report
from jobs.tasks.connect import start_streams
from jobs.tasks.dispatch import dispatch
from jobs.tasks.housekeeping import housekeeping
from tests.jobs.sync.proven import Proven
from tests.support import proving
from webapp.cli.sync_reconcile import DIFFERENCES, EXPLAINED
from webapp.clock import now
from webapp.extensions import db
from webapp.store import accounts, leases, proofs, streams

KINDS = {value for name, value in vars(reconcile_report).items() if name.isupper() and isinstance(value, str)}


@pytest.fixture
def practice(clinic) -> Proven:
    return Proven(clinic)


@pytest.fixture
def run(app, practice):
    runner = app.test_cli_runner()
    return lambda *more: runner.invoke(args=["sync", "reconcile", str(practice.clinic.hub_id), *more])


def rows(output: str) -> list[list[str]]:
    return [line.split("\t") for line in output.splitlines()]


def test_a_clinic_in_sync(run, practice):
    result = run()
    assert result.exit_code == 0, result.output
    shown = rows(result.stdout)
    for line in (["Patients", "2", "2", ""], ["  Booked", "2", "2", ""], ["  total", "1,304.50", "1,304.50", ""]):
        assert line in shown
    assert shown[-1][0].startswith("Both sides agree. ") and "calls to Cliniko" in shown[-1][0]
    assert practice.written() == []


def test_what_was_found_is_repaired_here(run, practice):
    practice.edit("patients", practice.bo, touch=False, first_name="Bob")
    practice.portal.update("deals", practice.deal_id(practice.paid, "invoice"), {"amount": "1000"})
    result = run()
    assert result.exit_code == 0, result.output
    assert "Found 1: changed in Cliniko.\nRepaired 1.\n" in result.stdout
    assert "Left as they are 1: changed by people in HubSpot.\n" in result.stdout
    assert ["  total", "1,304.50", "1,099.95", "-204.55 by people in HubSpot"] in rows(result.stdout)
    assert practice.contact(practice.bo)["firstname"] == "Bob"


def test_one_json_object(run, practice):
    practice.edit("invoices", practice.open, touch=False, total_amount="50.0")
    result = run("--json")
    assert result.exit_code == 0 and result.stderr == ""
    report = json.loads(result.stdout)
    assert report["hub_id"] == practice.clinic.hub_id and report["agree"] and report["found"] == {"changed": 1}
    assert report["totals"]["invoices"]["hubspot"] == "1254.55"


def test_something_is_left(run, practice):
    key = practice.contact(practice.ana)["cliniko_patient_key"]
    practice.portal.update("contacts", practice.contact_id(practice.ana), {"cliniko_patient_key": ""})
    practice.portal.create("contacts", {"firstname": "Zoe", "cliniko_patient_key": key})
    result = run()
    assert result.exit_code == 1
    assert "Still different 1: whose key another HubSpot record carries.\n" in result.stderr
    assert "Both sides differ." in result.stderr


def test_it_takes_over_where_another_has_stopped(run, practice):
    practice.edit("patients", practice.bo, touch=False, first_name="Bob")
    proving.begin(practice.clinic)
    for _ in range(5):
        proving.step(practice.clinic)
    first = proofs.under_way(practice.clinic.hub_id)
    assert run().exit_code == 0
    done = proofs.last(practice.clinic.hub_id)
    assert first is not None and done is not None and done.started_at == first.started_at


def test_it_cannot_run(run, app, practice):
    accounts.set_status(practice.clinic.hub_id, "paused")
    result = run()
    assert result.exit_code == 1 and result.stderr.startswith("Not compared. Syncing is paused.")
    runner = app.test_cli_runner()
    assert runner.invoke(args=["sync", "reconcile", "999"]).exit_code == 1


def test_while_another_process_holds_it(run, practice, monkeypatch):
    monkeypatch.setattr("webapp.cli.sync_reconcile.BUSY_PATIENCE", 0.5)
    lease = leases.acquire(practice.clinic.hub_id, reconcile.STREAM, "somebody")
    result = run("--json")
    assert lease is not None and result.exit_code == 1
    assert json.loads(result.stdout) == {"error": result.stderr.strip()} and "goes on by itself" in result.stderr


def test_every_kind_of_difference_has_words():
    phases = {reconcile_report.FIND, reconcile_report.REMOVE, reconcile_report.REPAIR, reconcile_report.VERIFY}
    assert set(DIFFERENCES) | set(EXPLAINED) == KINDS - phases
    assert not any("!" in words for words in (*DIFFERENCES.values(), *EXPLAINED.values()))


def planned(practice: Proven) -> tuple[str, int, datetime] | None:
    """(state, cycles, next run) of the account's reconcile. Leaves no transaction open: a task needs the database."""
    state = streams.get_stream(practice.clinic.hub_id, reconcile.STREAM)
    found = (state.state, state.cycle_no, state.next_run_at) if state is not None else None
    db.session.rollback()
    return found


def test_it_runs_at_night_behind_everything_else(practice):
    hub_id = practice.clinic.hub_id
    start_streams(hub_id)
    state, cycles, turn = planned(practice)
    assert (state, cycles) == ("idle", 0)
    queue = get_queue(LOW)
    queue.empty()
    dispatch()
    assert queue.get_job_ids() == [], "not by day"
    with time_machine.travel(turn + timedelta(seconds=1), tick=True):
        dispatch()
        assert queue.get_job_ids() == [f"sync-{hub_id}-reconcile-0"]
        for _ in range(100):
            if proving.step(practice.clinic):
                break
        state, cycles, turn = planned(practice)
        assert (state, cycles) == ("idle", 1)
        assert now() + timedelta(hours=20) < turn < now() + timedelta(hours=28)
        queue.empty()
        dispatch()
        assert queue.get_job_ids() == [], "once a night"


def test_housekeeping_plans_it_for_accounts_that_have_none(practice):
    assert planned(practice) is None
    housekeeping()
    _, _, turn = planned(practice)
    assert turn > now()
    for _ in range(32):
        proofs.begin(practice.clinic.hub_id, {})
        proofs.save(practice.clinic.hub_id, {}, finished=True)
        db.session.commit()
    housekeeping()
    assert proofs.prune() == 0
