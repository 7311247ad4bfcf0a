"""The simulated HubSpot over real HTTP: tokens, batches, schema, pipelines, search."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from werkzeug.serving import make_server

from webapp.sandbox.hubspot import HubSpotSandbox, Portal

SCOPES = ["oauth"] + [
    f"crm.{k}.{o}.{v}" for k in ("objects", "schemas") for o in ("contacts", "deals") for v in ("read", "write")
]
OBJECTS = "/crm/objects/2026-09/contacts"
BACK = "http://localhost/back"
CLIENT = {"client_id": "cid", "client_secret": "secret"}


@pytest.fixture
def sandbox() -> Iterator[HubSpotSandbox]:
    made = HubSpotSandbox()
    made.clock.set(datetime(2026, 10, 1, tzinfo=UTC))
    made.register_app("cid", "secret", 77, [BACK], SCOPES)
    yield made
    made.close()


@pytest.fixture
def portal(sandbox: HubSpotSandbox) -> Portal:
    return sandbox.add_portal(123, tier="starter")


@pytest.fixture
def url(sandbox: HubSpotSandbox) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, sandbox.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def api(sandbox: HubSpotSandbox, portal: Portal, url: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {sandbox.access_token(portal)}"}
    with httpx.Client(base_url=url, headers=headers) as client:
        yield client


def make_key(api: httpx.Client) -> None:
    body = {"name": "cliniko_patient_key", "label": "Key", "type": "string", "fieldType": "text"}
    body |= {"groupName": "contactinformation", "hasUniqueValue": True}
    assert api.post("/crm/properties/2026-09/contacts", json=body).status_code == 201


def test_oauth_from_connect_to_expiry(sandbox: HubSpotSandbox, portal: Portal, url: str) -> None:
    query = {"client_id": "cid", "redirect_uri": BACK, "scope": " ".join(SCOPES), "state": "s1"}
    assert httpx.post(f"{url}/oauth/authorize", params={**query, "scope": "oauth"}).status_code == 400
    sent = httpx.post(f"{url}/oauth/123/authorize", params=query, data={"choice": "connect"})
    found = httpx.URL(sent.headers["location"]).params
    assert found["state"] == "s1"
    form = {**CLIENT, "grant_type": "authorization_code", "code": found["code"], "redirect_uri": BACK}
    grant = httpx.post(f"{url}/oauth/2026-09/token", data=form).json()
    assert grant["hub_id"] == 123
    assert httpx.post(f"{url}/oauth/2026-09/token", data=form).json()["status"] == "BAD_AUTH_CODE"
    bearer = {"Authorization": f"Bearer {grant['access_token']}"}
    assert httpx.get(f"{url}/account-info/2026-09/details", headers=bearer).json()["portalId"] == 123
    sandbox.clock.advance(1801)
    assert (
        httpx.get(f"{url}/account-info/2026-09/details", headers=bearer).json()["category"] == "EXPIRED_AUTHENTICATION"
    )
    again = {**CLIENT, "grant_type": "refresh_token", "refresh_token": grant["refresh_token"]}
    assert httpx.post(f"{url}/oauth/2026-09/token", data=again).status_code == 200
    portal.uninstall()
    assert httpx.post(f"{url}/oauth/2026-09/token", data=again).json()["status"] == "BAD_REFRESH_TOKEN"


def test_trace_ids_decide_between_partial_success_and_nothing(api: httpx.Client, portal: Portal) -> None:
    make_key(api)
    good = {"id": "a:1", "idProperty": "cliniko_patient_key", "properties": {"email": "A@B.example"}}
    bad = {"id": "a:2", "idProperty": "cliniko_patient_key", "properties": {"email": "a@b.example", "firstname": "X"}}
    assert api.post(f"{OBJECTS}/batch/upsert", json={"inputs": [good, bad]}).status_code == 400
    assert len(portal.contacts) == 0
    traced = [{**good, "objectWriteTraceId": "t1"}, {**bad, "objectWriteTraceId": "t2"}]
    sent = api.post(f"{OBJECTS}/batch/upsert", json={"inputs": traced})
    assert sent.status_code == 207
    body = sent.json()
    assert body["results"][0]["properties"]["email"] == "a@b.example"
    assert body["results"][0]["new"] is True
    assert body["errors"][0]["context"]["objectWriteTraceId"] == ["t2"]
    assert f"{body['results'][0]['id']} already has that value." in body["errors"][0]["message"]
    one = {"properties": {"email": "a@b.example"}}
    assert api.post(OBJECTS, json=one).json()["message"].startswith("Contact already exists. Existing ID: ")


def test_batch_limits_and_merged_records(api: httpx.Client, portal: Portal) -> None:
    too_many = {"inputs": [{"id": str(n), "properties": {}} for n in range(101)]}
    assert api.post(f"{OBJECTS}/batch/update", json=too_many).status_code == 400
    one = portal.create("contacts", {"email": "one@x.example"})
    two = portal.create("contacts", {"email": "two@x.example"})
    survivor = portal.merge("contacts", one.id, two.id)
    sent = api.post(f"{OBJECTS}/batch/update", json={"inputs": [{"id": two.id, "properties": {"city": "Hobart"}}]})
    assert (sent.status_code, sent.json()["results"]) == (200, [])
    found = api.get(f"{OBJECTS}/{two.id}", params={"properties": "hs_additional_emails"}).json()
    assert found["id"] == survivor.id
    assert found["properties"]["hs_additional_emails"] == "two@x.example"


def test_pipeline_cap_and_ids(api: httpx.Client) -> None:
    stages = [{"stageId": "st_a", "label": "A", "displayOrder": 0, "metadata": {"probability": "1"}}]
    body = {"pipelineId": "p1", "label": "P1", "displayOrder": 1, "stages": stages}
    made = api.post("/crm/pipelines/2026-09/deals", json=body).json()
    assert (made["id"], made["stages"][0]["metadata"]["probability"]) == ("p1", "1.0")
    refused = api.post("/crm/pipelines/2026-09/deals", json={**body, "pipelineId": "p2", "label": "P2"})
    assert "reached your limit of 2 deal pipelines" in refused.text


def test_search_lags_by_the_clock(api: httpx.Client, portal: Portal, sandbox: HubSpotSandbox) -> None:
    sandbox.search_lag_seconds = 5
    portal.create("contacts", {"email": "late@x.example"})
    group = [{"filters": [{"propertyName": "email", "operator": "EQ", "value": "late@x.example"}]}]
    assert api.post(f"{OBJECTS}/search", json={"filterGroups": group}).json()["total"] == 0
    sandbox.clock.advance(6)
    assert api.post(f"{OBJECTS}/search", json={"filterGroups": group}).json()["total"] == 1


def test_rate_limit(api: httpx.Client) -> None:
    answers = [api.get("/account-info/2026-09/details") for _ in range(111)]
    assert [a.status_code for a in answers] == [200] * 110 + [429]
    assert answers[-1].json()["policyName"] == "TEN_SECONDLY_ROLLING"


def test_state_survives_saving(sandbox: HubSpotSandbox, portal: Portal, tmp_path) -> None:
    made = portal.create("contacts", {"email": "kept@x.example"})
    sandbox.save(tmp_path / "state.json")
    other = HubSpotSandbox()
    other.load(tmp_path / "state.json")
    assert other.portals[123].contacts.find("email", "kept@x.example").id == made.id


def test_a_hundred_upserts_stay_quick(api: httpx.Client, portal: Portal) -> None:
    make_key(api)
    body = {
        "inputs": [
            {"id": f"k:{n}", "idProperty": "cliniko_patient_key", "properties": {"firstname": "N"}} for n in range(100)
        ]
    }
    started = time.perf_counter()
    assert api.post(f"{OBJECTS}/batch/upsert", json=body).status_code == 200
    assert time.perf_counter() - started < 1
    assert len(portal.contacts) == 100


def test_a_person_edits_a_contact_and_uninstalls_on_the_pages(portal: Portal, api: httpx.Client) -> None:
    made = portal.create("contacts", {"email": "page@x.example", "firstname": "<b>Ann"})
    listed = api.get("/portals/123", params={"q": "page@"})
    assert "Simulated HubSpot" in listed.text
    assert "&lt;b&gt;Ann" in listed.text
    path = f"/portals/123/contacts/{made.id}"
    assert api.post(path, data={"city": "Perth"}).status_code == 302
    assert made.history["city"][-1].source.type == "CRM_UI"
    assert api.post(path, data={"email": "not an address"}).status_code == 400
    assert api.post("/portals/123/apps/77/uninstall").status_code == 302
    assert api.get("/account-info/2026-09/details").status_code == 401


def test_an_install_from_the_marketplace(sandbox: HubSpotSandbox, portal: Portal, url: str) -> None:
    sandbox.apps[77].install_url = BACK
    plain = httpx.URL(httpx.get(f"{url}/marketplace/123/77").headers["location"]).params
    assert set(plain) == {"code", "returnUrl"}
    first = httpx.URL(httpx.get(f"{url}/marketplace/123/77?signin=yes").headers["location"]).params
    assert first["step"] == "authorize"
    last = httpx.URL(httpx.get(f"{first['returnUrl']}&state=s9").headers["location"]).params
    assert (last["step"], last["state"]) == ("finalize", "s9")
    form = {**CLIENT, "grant_type": "authorization_code", "code": last["code"], "redirect_uri": BACK}
    assert httpx.post(f"{url}/oauth/2026-09/token", data=form).status_code == 200
    assert "finished" in httpx.get(last["returnUrl"]).text


def test_control_endpoints_and_faults(api: httpx.Client, portal: Portal) -> None:
    body = {"portal": 123, "properties": {"email": "c@x.example"}}
    assert api.post("/_sandbox/contacts", json=body).status_code == 201
    assert api.get("/_sandbox/counts").json()["123"]["contacts"] == 1
    lost = {"match": "POST .*/contacts$", "status": 502, "when": "after"}
    assert api.post("/_sandbox/faults", json=[lost]).status_code == 204
    assert api.post(OBJECTS, json={"properties": {"email": "d@x.example"}}).status_code == 502
    assert len(portal.contacts) == 2
    assert [call["status"] for call in api.get("/_sandbox/calls").json()["calls"]] == [502]
