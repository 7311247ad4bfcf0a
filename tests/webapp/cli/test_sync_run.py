"""`sync run` against the simulated Cliniko and HubSpot over real HTTP."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from jobs.sync.connect import connect_cliniko
from jobs.sync.provisioning_account import provision_account
from tests.support.engines import settings_for
from tests.support.serving import served
from webapp.clients.hubspot.oauth import SCOPES
from webapp.clock import now
from webapp.sandbox.cliniko import ClinikoSandbox
from webapp.sandbox.cliniko.clinic import make_clinic
from webapp.sandbox.hubspot import HubSpotSandbox
from webapp.sandbox.support import Fault
from webapp.store import accounts, issues, streams
from webapp.store.settings import set_setting

HUB = 20_000_001
PATIENTS = 230


@pytest.fixture
def hubspot():
    sandbox = HubSpotSandbox()
    app = sandbox.register_app("client-id", "client-secret", 4242, ["http://localhost:5000/oauth/callback"], SCOPES)
    sandbox.add_portal(HUB).install(app)
    yield sandbox
    sandbox.close()


@pytest.fixture
def cliniko():
    sandbox = ClinikoSandbox()
    clinic = sandbox.add_account()
    made = make_clinic(clinic, patients=PATIENTS, appointments=0, invoices=0, now=datetime.now(UTC))
    sandbox.key = sandbox.add_key(clinic, made.administrator_id)
    return sandbox


@pytest.fixture
def settings(database_url, valkey_url, tmp_path, hubspot, cliniko):
    with served(hubspot.app) as hubspot_url, served(cliniko.app) as cliniko_url:
        yield settings_for(
            database_url,
            valkey_url,
            tmp_path,
            hubspot_api_url=hubspot_url,
            hubspot_app_url=hubspot_url,
            cliniko_api_url=f"{cliniko_url}/v1",
        )


@pytest.fixture
def run(app, hubspot, cliniko):
    portal = hubspot.portals[HUB]
    accounts.save_install(
        HUB,
        access_token=hubspot.access_token(portal),
        refresh_token=portal.installs[4242].refresh_token,
        token_expires_at=now() + timedelta(minutes=25),
        scopes=SCOPES,
    )
    connect_cliniko(HUB, cliniko.key)
    provision_account(HUB)
    runner = app.test_cli_runner()
    return lambda *arguments: runner.invoke(args=["sync", "run", str(HUB), *arguments])


def synced(hubspot) -> int:
    return sum(1 for contact in hubspot.portals[HUB].contacts if contact.properties.get("cliniko_patient_key"))


def test_a_first_sync_and_one_with_nothing_to_do(run, hubspot, cliniko):
    patients = cliniko.accounts["40001"].tables["patients"]
    here = sum(1 for number in patients.ids() if not patients[number]["archived_at"])
    first = run("--json")
    assert first.exit_code == 0, first.stderr
    shown = json.loads(first.stdout)
    assert shown["outcome"] == "done" and {"patients", "contacts"} <= set(shown["streams"])
    counts = shown["streams"]["patients"]["counts"]
    assert counts["indexed"] == PATIENTS and counts["read"] == PATIENTS
    assert counts["created"] + counts.get("issues", 0) >= here and synced(hubspot) == counts["created"]
    calls = {"cliniko": cliniko.calls.count(path="^/v1/"), "hubspot": hubspot.calls.count(path="^/crm/")}
    assert 0 < shown["calls"]["cliniko"] <= calls["cliniko"] and 0 < shown["calls"]["hubspot"] <= calls["hubspot"]
    hubspot.calls.clear()
    second = json.loads(run("--json").stdout)
    again = second["streams"]["patients"]["counts"]
    assert again.get("created", 0) == again.get("updated", 0) == 0
    # The one call asks HubSpot which contacts changed since; nothing is written or read per record.
    assert second["calls"]["hubspot"] == hubspot.calls.count() == hubspot.calls.count("POST", "/contacts/search$") <= 1


def test_text_says_what_was_done(run):
    result = run("--stream", "patients")
    assert result.exit_code == 0, result.stderr
    line, calls = result.stdout.splitlines()
    assert re.fullmatch(r"Patients: in sync\. 230 read, [\d,]+ created.*\.", line)
    assert re.fullmatch(r"\d+ calls to Cliniko, \d+ to HubSpot, \d+\.\d seconds\.", calls)
    assert "\x1b" not in result.output and "\r" not in result.output


def test_a_service_that_is_away_ends_the_run_with_a_time(run, cliniko):
    cliniko.faults.add(Fault(match="GET /v1/patients", times=100, status=503))
    result = run("--stream", "patients")
    assert result.exit_code == 1
    assert re.search(r"Patients: not finished, .*does not answer.*goes on after \d\d:\d\d:\d\d", result.stderr)
    state = streams.get_stream(HUB, "patients")
    assert state.state == "waiting" and state.cause == "unavailable"


def test_until_idle_goes_on_through_a_wait(run, hubspot, cliniko):
    cliniko.faults.add(Fault(match="GET /v1/patients", times=1, status=429, headers={"Retry-After": "2"}))
    cliniko.faults.add(Fault(match="GET /v1/contacts", times=4, status=503))
    result = run("--until-idle", "--json")
    assert result.exit_code == 0, result.output
    assert {stream["outcome"] for stream in json.loads(result.stdout)["streams"].values()} == {"done"}
    assert synced(hubspot) > 100


def test_until_idle_learns_the_history_and_leaves_nothing_to_do(run, hubspot, cliniko):
    clinic = next(iter(cliniko.accounts.values()))
    make_clinic(clinic, patients=20, appointments=80, invoices=30, seed=2, now=datetime.now(UTC))
    first = json.loads(run("--until-idle", "--json").stdout)
    assert first["outcome"] == "done" and first["streams"]["history"]["counts"]["read"] >= 80
    assert first["streams"]["appointments"]["cycles"] >= 2, "what the history changed is written after it"
    assert streams.get_stream(HUB, "history").state == "finished"
    assert any(contact.properties.get("cliniko_appointments_booked") for contact in hubspot.portals[HUB].contacts)
    hubspot.calls.clear()
    again = json.loads(run("--until-idle", "--json").stdout)
    assert "history" not in again["streams"] and again["outcome"] == "done"
    assert hubspot.calls.count(method="POST", path="batch/(update|upsert|create)") == 0


def test_until_idle_takes_up_what_came_due_meanwhile(run, hubspot, monkeypatch):
    from webapp.cli import sync_loop

    real, asked = sync_loop.engine.run_execution, []

    def asks_once_more(hub_id, stream):
        result = real(hub_id, stream)
        if result.outcome == "done" and not asked:
            asked.append(stream)
            streams.request_run(hub_id, [stream])
        return result

    monkeypatch.setattr(sync_loop.engine, "run_execution", asks_once_more)
    shown = json.loads(run("--stream", "patients", "--until-idle", "--json").stdout)
    assert shown["streams"]["patients"]["cycles"] == 2


def test_an_issue_whose_time_has_come_is_tried_again(run, hubspot):
    portal = hubspot.portals[HUB]
    portal.required["contacts"] = ["jobtitle"]
    first = json.loads(run("--stream", "patients", "--json").stdout)
    assert first["outcome"] == "done" and first["streams"]["patients"]["counts"]["issues"] >= 100
    assert synced(hubspot) == 0 and not sync_is_due()
    portal.required["contacts"] = []
    issues.retry_now(HUB)
    assert sync_is_due()
    assert run("--stream", "patients", "--until-idle").exit_code == 0
    assert synced(hubspot) > 100 and not sync_is_due()


def sync_is_due() -> bool:
    from webapp.cli.sync_loop import is_due

    return is_due(HUB, "patients")


def test_access_taken_away_in_the_middle_stops_with_the_remedy(run, cliniko):
    cliniko.revoke_key(cliniko.key)
    result = run()
    assert result.exit_code == 1 and f"accounts connect-cliniko {HUB}" in result.stderr
    assert "Enter a new one" in run("--stream", "patients").stderr


def test_only_the_asked_stream_runs(run, cliniko):
    set_setting(HUB, "sync_contacts", "off")
    cliniko.calls.clear()
    assert run("--stream", "patients").exit_code == 0
    assert cliniko.calls.count(path="^/v1/contacts$") == 0


def test_piped_progress_is_one_line_a_minute(run, monkeypatch):
    monkeypatch.setattr("webapp.cli.sync_progress.EVERY", 0.0)
    result = run("--stream", "patients")
    lines = [line for line in result.stderr.splitlines() if line]
    assert any(re.fullmatch(r"\d\d:\d\d Patients: \d+ known.*", line) for line in lines), result.stderr
    assert any(re.fullmatch(r"\d\d:\d\d Patients: 230 of 230 read, \d+ written.*", line) for line in lines)
    assert not any("{" in line or "\x1b" in line for line in lines)


def test_the_bar_on_a_terminal(monkeypatch):
    """The numbers beside the bar, before, during and while waiting."""
    from webapp.cli.sync_loop import StreamRun
    from webapp.cli.sync_progress import numbers, total

    run = StreamRun("patients", counts={"indexed": 1200}, seconds=3)
    assert numbers(run) == "1,200 known, 400 a second" and total(run) is None
    run.counts |= {"read": 300, "created": 250, "linked": 20}
    assert numbers(run) == "300 of 1,200 read, 270 written, 500 a second" and total(run) == 1200
    run.cause, run.until = "rate_limited", now() + timedelta(minutes=1)
    assert re.fullmatch(r"waiting until .*\d\d:\d\d:\d\d: Cliniko or HubSpot asked us to wait", numbers(run))
