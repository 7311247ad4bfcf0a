"""`sync run` when it cannot go on: one plain sentence with the remedy, and exit code 1."""

import json
import signal
from datetime import timedelta

import pytest

from webapp.clients.hubspot.oauth import SCOPES
from webapp.clock import now
from webapp.extensions import db
from webapp.store import accounts, connections, leases, streams
from webapp.store.settings import set_setting

HUB = 20_000_001


@pytest.fixture
def run(app):
    runner = app.test_cli_runner()
    return lambda *arguments: runner.invoke(args=["sync", "run", *map(str, arguments)])


@pytest.fixture
def account(app):
    return accounts.save_install(
        HUB,
        access_token="access",
        refresh_token="refresh",
        token_expires_at=now() + timedelta(minutes=30),
        scopes=SCOPES,
    )


@pytest.fixture
def connection(account):
    return connections.save_connection(
        HUB,
        api_key="MS0x-au1",
        shard="au1",
        cliniko_account_id="77",
        cliniko_user_id="5",
        role="administrator",
        account_name="Harbour Physio",
        subdomain="harbour",
        country_code="AU",
        access={},
    )


def test_an_unknown_account(run):
    result = run(999)
    assert result.exit_code == 1 and "999" in result.stderr and result.stderr.count("\n") == 1


def test_an_unknown_stream_is_listed_against(run, account):
    result = run(HUB, "--stream", "patient")
    assert result.exit_code == 2 and "patients" in result.stderr


@pytest.mark.parametrize("arguments", [(), ("--until-idle",), ("--stream", "patients")])
def test_without_cliniko(run, account, arguments):
    result = run(HUB, *arguments)
    assert result.exit_code == 1
    assert f"Patients: stopped, nothing was due. Cliniko is not connected. Connect it with: accounts connect-cliniko {HUB}" in result.stderr  # fmt: skip # noqa: E501


def test_without_preparation(run, connection):
    result = run(HUB)
    assert result.exit_code == 1 and f"provision run {HUB}" in result.stderr


def test_paused(run, connection):
    accounts.set_status(HUB, "paused", "by_person")
    result = run(HUB)
    assert result.exit_code == 1 and f"accounts resume {HUB}" in result.stderr


def test_uninstalled(run, connection):
    accounts.set_status(HUB, "uninstalled")
    result = run(HUB)
    assert result.exit_code == 1 and "Install CRMConnect again" in result.stderr


def test_a_revoked_key(run, connection):
    connections.mark_key_revoked(HUB)
    result = run(HUB)
    assert result.exit_code == 1 and f"accounts connect-cliniko {HUB}" in result.stderr


def test_switched_off_streams_stay_off(run, connection):
    set_setting(HUB, "sync_patients", "off")
    refused = run(HUB, "--stream", "patients")
    assert refused.exit_code == 1 and f"settings set {HUB} sync_patients on" in refused.stderr
    assert "patients" not in json.loads(run(HUB, "--json").stdout)["streams"]
    for name in ("sync_contacts", "sync_appointments", "sync_invoices"):
        set_setting(HUB, name, "off")
    nothing = run(HUB)
    assert nothing.exit_code == 1 and "Every stream is switched off" in nothing.stderr
    assert streams.get_stream(HUB, "patients") is None


def test_json_is_one_object_with_the_reason(run, connection):
    result = run(HUB, "--stream", "patients", "--json")
    assert result.exit_code == 1 and not result.stderr
    shown = json.loads(result.stdout)
    assert shown["hub_id"] == HUB and shown["outcome"] == "stopped"
    assert shown["calls"] == {"cliniko": 0, "hubspot": 0}
    stream = shown["streams"]["patients"]
    assert stream["cause"] == "not_provisioned" and "provision run" in stream["message"] and stream["counts"] == {}


def test_a_stream_that_another_process_runs(run, connection, monkeypatch):
    accounts.save_provisioning(HUB, {"contact_properties": []})
    monkeypatch.setattr("webapp.cli.sync_loop.BUSY_PATIENCE", 0.5)
    streams.ensure_streams(HUB, ["patients"])
    assert leases.acquire(HUB, "patients", "somebody else") is not None
    result = run(HUB, "--stream", "patients")
    assert result.exit_code == 1
    assert "not finished" in result.stderr and "Another process is syncing this account" in result.stderr


def test_a_cycle_that_another_process_ends_counts(run, connection, monkeypatch):
    accounts.save_provisioning(HUB, {"contact_properties": []})
    streams.ensure_streams(HUB, ["patients"])
    leases.acquire(HUB, "patients", "somebody else")

    def other_ends(seconds):
        streams.open_cycle(HUB, "patients")
        streams.close_cycle(HUB, "patients")

    monkeypatch.setattr("webapp.cli.sync_loop.time.sleep", other_ends)
    result = run(HUB, "--stream", "patients")
    assert result.exit_code == 0 and "Patients: in sync." in result.stdout


def test_an_error_of_ours_repeats_no_value(run, connection, monkeypatch):
    accounts.save_provisioning(HUB, {"contact_properties": []})

    def broken(hub_id, stream):
        raise RuntimeError("Ana Ruiz, ana@x.example")

    monkeypatch.setattr("webapp.cli.sync_loop.engine.run_execution", broken)
    result = run(HUB)
    assert result.exit_code == 1 and "RuntimeError at " in result.stderr and "Ana" not in result.output
    db.session.rollback()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_gives_the_stream_back(run, connection, monkeypatch, signum):
    # A worker that ran in this process leaves its handlers behind.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    accounts.save_provisioning(HUB, {"contact_properties": []})

    def interrupted(context):
        signal.raise_signal(signum)

    monkeypatch.setattr("jobs.sync.engine._step", interrupted)
    result = run(HUB)
    assert (
        result.exit_code == 1 and result.stderr.strip() == "Stopped. Nothing is lost: the next run goes on from here."
    )
    assert leases.holder(HUB, "patients")[0] is False
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
