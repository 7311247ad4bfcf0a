"""Both services over real sockets in this process: seeded, installable, with a state that outlives them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.waiting import until
from webapp.clients.hubspot import oauth
from webapp.sandbox.http_server import HttpServer
from webapp.sandbox.keeping import BadState, FolderInUse
from webapp.sandbox.server import SCOPES, PortTaken, Sandbox
from webapp.sandbox.support import Fault

AGENT = {"User-Agent": "Test (test@example.com)"}
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


def cliniko(s: Sandbox) -> httpx.Client:
    return httpx.Client(base_url=s.cliniko_url, auth=(s.api_key, ""), headers=AGENT)


def rename(s: Sandbox, name: str) -> str:
    """Change the first patient over HTTP; returns the id."""
    patient = str(next(iter(s.account.tables["patients"])))
    with cliniko(s) as api:
        answer = api.patch(f"/patients/{patient}", json={"first_name": name})
        assert answer.status_code == 200, answer.text
    return patient


def test_both_services_answer_and_are_gone_afterwards() -> None:
    before = set(threading.enumerate())
    with Sandbox(patients=60, now=NOW) as s:
        with cliniko(s) as api:
            user = api.get("/user").json()
            assert user["role"] == "administrator"
            assert api.get("/patients", params={"q[]": "archived_at:*"}).json()["total_entries"] == 60
            assert api.get("/settings/public").json()["account"]["id"] == s.account.id
        token = s.hubspot.access_token(s.portal)
        details = httpx.get(
            f"{s.hubspot_url}/account-info/2026-09/details", headers={"Authorization": f"Bearer {token}"}
        )
        assert details.json()["portalId"] == s.portal.hub_id
        owners = {owner["email"]: owner["archived"] for owner in s.portal.owners.values()}
        named = [owners[email] for email in s.summary.practitioner_emails if email in owners]
        assert len(named) == len(s.summary.practitioner_emails) - 1, "one practitioner is no owner"
        assert sorted(named) == [False] * (len(named) - 1) + [True]
        addresses = s.cliniko_url, s.hubspot_url
    for address in addresses:
        with pytest.raises(httpx.ConnectError):
            httpx.get(address)
    until(lambda: set(threading.enumerate()) <= before)
    s.stop()


def test_the_app_can_be_installed_and_hears_of_changes() -> None:
    heard: list[Any] = []

    def listen(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        heard.extend(json.loads(environ["wsgi.input"].read()))
        start_response("204 No Content", [])
        return []

    listener = HttpServer(listen)
    listener.start()
    try:
        with Sandbox(patients=5, now=NOW, public_url=listener.url) as s:
            back = f"{listener.url}/oauth/callback"
            query = {"client_id": "client-id", "redirect_uri": back, "scope": " ".join(oauth.SCOPES), "state": "st"}
            form = {"choice": "connect", "portal": str(s.portal.hub_id)}
            sent = httpx.post(f"{s.hubspot_url}/oauth/authorize", params=query, data=form)
            code = httpx.URL(sent.headers["location"]).params["code"]
            grant = {
                "grant_type": "authorization_code",
                "client_id": "client-id",
                "client_secret": "client-secret",
                "redirect_uri": back,
                "code": code,
            }
            assert httpx.post(f"{s.hubspot_url}/oauth/2026-09/token", data=grant).json()["hub_id"] == s.portal.hub_id
            s.portal.create("contacts", {"email": "new@example.com"})
            assert s.portal.flush_webhooks()
            until(lambda: heard)
            assert heard[0]["portalId"] == s.portal.hub_id
    finally:
        listener.stop()


def test_the_scopes_are_those_the_product_asks_for() -> None:
    assert set(SCOPES) == set(oauth.SCOPES)


def test_latency_limits_and_faults() -> None:
    with Sandbox(patients=5, now=NOW, latency_ms=80) as s, cliniko(s) as api:
        began = time.monotonic()
        api.get("/user")
        assert time.monotonic() - began >= 0.08
        s.cliniko.limits.per_minute = 3
        assert [api.get("/user").status_code for _ in range(4)][-1] == 429
    with Sandbox(patients=5, now=NOW, limits=False) as s, cliniko(s) as api:
        s.cliniko.limits.per_minute = 3
        assert {api.get("/user").status_code for _ in range(6)} == {200}
        s.cliniko.faults.add(Fault("GET /v1/user", kind="reset"))
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            api.get("/user")
        assert api.get("/user").status_code == 200


def test_one_clock_moves_both_services() -> None:
    with Sandbox(patients=5, now=NOW) as s, cliniko(s) as api:
        s.clock.set(datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC))
        assert api.get("/user").headers["date"] == "Wed, 02 Jan 2030 03:04:05 GMT"
        assert s.portal.now().year == 2030


def test_hubspot_can_know_some_people_from_before() -> None:
    with Sandbox(patients=200, now=NOW, hubspot_contacts=40) as s:
        contacts = [record.properties for record in s.portal.contacts]
    assert len(contacts) == 40
    patients = {
        str(row["email"]).strip().lower(): (row["first_name"], row["last_name"])
        for row in s.account.tables["patients"].values()
    }
    known = [contact for contact in contacts if contact["email"] in patients]
    assert 30 <= len(known) < 40
    same = [c for c in known if patients[c["email"]] == (c.get("firstname"), c.get("lastname"))]
    assert len(same) >= 20
    assert any(not contact.get("firstname") for contact in known)
    assert any(contact.get("firstname") == "Sasha" for contact in known)


def test_examples_come_with_the_clinic_on_request() -> None:
    with Sandbox(patients=100, now=NOW, examples=True) as s, cliniko(s) as api:
        assert api.get("/patients/1").json()["last_name"] == "Patientman"
        assert len(s.account.tables["patients"]) == 107


# State


def test_state_outlives_the_sandbox(tmp_path: Path) -> None:
    with Sandbox(patients=30, now=NOW, data=tmp_path) as first:
        assert not first.kept
        patient, key = rename(first, "Changed"), first.api_key
        contact = first.portal.create("contacts", {"email": "kept@example.com"}).id
    with Sandbox(patients=500, data=tmp_path, public_url="https://moved.example") as second:
        assert second.kept
        assert second.summary is None
        assert second.api_key == key
        assert len(second.account.tables["patients"]) == 30
        assert second.account.get("patients", patient)["first_name"] == "Changed"
        assert second.portal.contacts.get(contact).properties["email"] == "kept@example.com"
        assert second.hubspot_app.webhook_url == "https://moved.example/webhooks/hubspot", "the app may have moved"
    with Sandbox(patients=7, now=NOW, data=tmp_path, reset=True) as third:
        assert not third.kept
        assert len(third.account.tables["patients"]) == 7
        assert third.api_key != key


def test_state_is_written_while_it_runs_when_something_changed(tmp_path: Path) -> None:
    file = tmp_path / "cliniko.json"
    with Sandbox(patients=10, now=NOW, data=tmp_path, save_every=0.1) as s:
        first = file.stat().st_mtime_ns
        with cliniko(s) as api:
            api.get("/patients")
        time.sleep(0.4)
        assert file.stat().st_mtime_ns == first, "reading changes nothing"
        rename(s, "Written-early")
        until(lambda: "Written-early" in file.read_text())
        assert not list(tmp_path.glob("*.new"))
        assert {path.name for path in tmp_path.iterdir()} == {"cliniko.json", "hubspot.json", "lock"}


def test_a_folder_that_cannot_be_written_is_said_once_and_serving_goes_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    s = Sandbox(patients=10, now=NOW, data=tmp_path, save_every=0.05).start()
    (tmp_path / "cliniko.new").mkdir()  # stands in for a full disk
    rename(s, "Unsaved")
    time.sleep(0.5)
    assert capfd.readouterr().err.count("cannot write") == 1
    (tmp_path / "cliniko.new").rmdir()
    until(lambda: "Unsaved" in (tmp_path / "cliniko.json").read_text())
    s.stop()


def test_one_folder_one_sandbox_and_one_port_one_sandbox(tmp_path: Path) -> None:
    with Sandbox(patients=1, now=NOW, data=tmp_path) as s:
        with pytest.raises(FolderInUse):
            Sandbox(patients=1, now=NOW, data=tmp_path).start()
        port = int(s.hubspot_url.rpartition(":")[2])
        free = Sandbox(patients=1, now=NOW, hubspot_port=port)
        with pytest.raises(PortTaken, match=str(port)):
            free.start()
        with pytest.raises(httpx.ConnectError):
            httpx.get(free.cliniko_url)


def test_state_that_cannot_be_read_is_refused_and_left_alone(tmp_path: Path) -> None:
    Sandbox(patients=1, now=NOW, data=tmp_path).start().stop()
    (tmp_path / "cliniko.json").write_text("{ not json")
    with pytest.raises(BadState, match=r"cliniko\.json"):
        Sandbox(data=tmp_path).start()
    assert (tmp_path / "cliniko.json").read_text() == "{ not json"
    with Sandbox(patients=1, now=NOW, data=tmp_path, reset=True) as s:
        assert not s.kept
