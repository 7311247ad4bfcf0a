"""The card's endpoints: the shared requests are understood, clicks are stored and handed over, faults have words."""

import contextlib
import http.client
import json
import re
import socket
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from rq.job import Job
from rq.serializers import JSONSerializer

from jobs.queues import PUSH, get_queue
from tests.guards.source import ROOT
from tests.support.engines import settings_for
from tests.support.waiting import until
from tests.webapp.views.card_tools import CLERK, Card, asker, new_key, send, signed
from tests.webapp.views.conftest import HUB
from webapp.extensions import db
from webapp.sandbox.hubspot.relay import SignedRequest
from webapp.sandbox.hubspot.webhooks import signature_v3
from webapp.security.card_identity import read_asker
from webapp.store import accounts, connections, ledger, pushes, settings

VECTORS = json.loads((ROOT / "tests" / "vectors" / "card_requests.json").read_text(encoding="utf-8"))
REQUESTS = {one["name"]: one for one in VECTORS["requests"]}


@pytest.fixture
def ready(make_account, connect_account):
    """A connected and prepared account."""
    hub_id = make_account()
    connection = connect_account(hub_id)
    accounts.save_provisioning(hub_id, {})
    return connection


@pytest.fixture
def card(client, ready) -> Card:
    return Card(client, HUB)


def jobs() -> list[Job]:
    queue = get_queue(PUSH)
    return [Job.fetch(i, connection=queue.connection, serializer=JSONSerializer) for i in queue.get_job_ids()]


def vector(one: dict[str, Any]) -> SignedRequest:
    headers = {"X-HubSpot-Signature-v3": one["signature"], "X-HubSpot-Request-Timestamp": one["timestamp"]}
    if one["body"]:
        headers["Content-Type"] = "application/json"
    return SignedRequest(one["method"], one["wireUrl"], one["body"].encode(), headers)


def moment(milliseconds: int):
    return time_machine.travel(milliseconds / 1000, tick=False)


class TestSharedVectors:
    """The very requests that the card's own tests check."""

    @pytest.fixture
    def settings(self, settings):
        return replace(
            settings,
            public_url=VECTORS["baseUrl"],
            hubspot_client_secret=VECTORS["secret"],
            hubspot_app_id=str(VECTORS["appId"]),
        )

    @pytest.mark.parametrize("name", REQUESTS)
    def test_each_is_understood(self, client, name):
        one = REQUESTS[name]
        with moment(VECTORS["now"]):
            answer = send(client, vector(one))
        # Nobody installed the app in account 123: that is a state, not a fault.
        assert (answer.status_code, answer.get_json()["state"]) == (200, "uninstalled"), answer.text

    @pytest.mark.parametrize("name", REQUESTS)
    def test_who_asks_is_read_from_it(self, name):
        who = REQUESTS[name]["who"]
        found = read_asker(urlsplit(REQUESTS[name]["wireUrl"]).query, str(VECTORS["appId"]))
        assert (found.user_id, found.hub_id, found.email) == (who["userId"], who["portalId"], who["userEmail"])
        assert who["userEmail"] not in repr(found)

    @pytest.mark.parametrize("one", VECTORS["accepted"], ids=lambda one: one["name"])
    def test_old_and_early_ones_within_the_limits(self, client, one):
        with moment(one["now"]):
            assert send(client, vector(REQUESTS[one["request"]])).status_code == 200

    @pytest.mark.parametrize("one", VECTORS["refused"], ids=lambda one: one["name"])
    def test_what_is_refused(self, client, one):
        with moment(one["now"]):
            answer = send(client, vector(one))
        assert (answer.status_code, answer.get_json()["code"]) == (one["status"], one["code"])


@pytest.mark.parametrize(
    ("action", "body", "what", "options"),
    [
        ("sync", {}, "sync", {}),
        ("push", {"target": "patient"}, "patient", {}),
        ("push", {"target": "contact"}, "contact", {}),
    ],
)
def test_a_click_is_stored_and_handed_over(card, action, body, what, options):
    key = new_key()
    answer = card.press(action, key, **body)
    assert answer["state"] == "working"
    assert answer["work"] | {"startedAt": None} == {
        "key": key,
        "action": action,
        "status": "waiting",
        "startedAt": None,
        "finishedAt": None,
        "message": None,
        "remedy": None,
    }
    asked = pushes.by_key(HUB, key)
    assert asked is not None
    assert (asked.what, asked.hubspot_id, asked.options, asked.asked_by) == (what, "501", options, f"person {CLERK}")
    (job,) = jobs()
    assert (job.func_name, job.args) == ("jobs.tasks.push.carry_out", [HUB])


def test_nothing_is_started_that_may_not_be(card, ready):
    settings.set_setting(HUB, "push_enabled", "off")
    answer = card.press("push")
    assert answer["state"] == "not_linked"
    assert answer["actions"]["push"] == {
        "allowed": False,
        "reason": "Sending to Cliniko is switched off for your clinic.",
    }
    accounts.set_status(HUB, "paused", "by_person")
    assert card.press("sync")["state"] == "paused"
    assert card.press("unlink")["state"] == "paused"
    connections.mark_key_revoked(HUB)
    assert card.press("sync")["state"] == "reconnect_needed"
    accounts.set_status(HUB, "uninstalled")
    assert card.press("sync")["state"] == "uninstalled"
    assert jobs() == [] and pushes.due(HUB) == []


def test_nobody_is_unlinked_who_is_not_linked(card):
    assert card.press("unlink")["state"] == "not_linked"
    assert pushes.due(HUB) == []


KEY = "5f0c6d3e-0d5b-4c4e-9b1f-000000000001"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("sync", b""),
        ("sync", b"{"),
        ("sync", b"\xff"),
        ("sync", b"[]"),
        ("sync", b"[" * 16_000),
        ("sync", b"null"),
        ("sync", b"{}"),
        ("sync", b'{"idempotencyKey": 5}'),
        ("sync", b'{"idempotencyKey": "short"}'),
        ("sync", f'{{"idempotencyKey": "{"a" * 65}"}}'.encode()),
        ("sync", b'{"idempotencyKey": "with space 1"}'),
        ("sync", b'{"idempotencyKey": "a-key-and-a-line\\n"}'),
        ("sync", f'{{"idempotencyKey": "{KEY}", "hubId": 1}}'.encode()),
        ("push", f'{{"idempotencyKey": "{KEY}"}}'.encode()),
        ("push", f'{{"idempotencyKey": "{KEY}", "target": "everybody"}}'.encode()),
        ("unlink", f'{{"idempotencyKey": "{KEY}", "restoreFields": true}}'.encode()),
        ("unlink", f'{{"idempotencyKey": "{KEY}", "restoreFields": 1, "moveDeals": true}}'.encode()),
    ],
)
def test_a_body_of_another_shape(client, ready, path, content):
    address = f"/card/contacts/501/{path}"
    stamped = signed(asker(HUB), "POST", address, {"x": 1})
    # Signed anew over the bytes that are sent.
    stamp = stamped.headers["X-HubSpot-Request-Timestamp"]
    headers = {"X-HubSpot-Signature-v3": signature_v3("client-secret", "POST", stamped.url, content, stamp)}
    answer = send(client, stamped, content=content, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "body_invalid")
    assert pushes.due(HUB) == []


def test_every_fault_has_a_code_a_sentence_and_a_reference(client, ready):
    who = asker(HUB)
    big = {"idempotencyKey": new_key(), "x": "y" * 17_000}
    found = {
        "not_found": send(client, signed(who, "GET", "/card/elsewhere")),
        "method_not_allowed": send(client, signed(who, "GET", "/card/contacts/501/push")),
        "too_large": send(client, signed(who, "POST", "/card/contacts/501/sync", big)),
        "signature_missing": client.get("/card/account"),
        "body_invalid": send(client, signed(who, "POST", "/card/contacts/501/sync", {})),
    }
    status = {
        "not_found": 404,
        "method_not_allowed": 405,
        "too_large": 413,
        "signature_missing": 401,
        "body_invalid": 400,
    }
    for code, answer in found.items():
        body = answer.get_json()
        assert set(body) == {"code", "message", "reference"}, code
        assert (answer.status_code, body["code"]) == (status[code], code)
        assert body["message"].endswith(".") and re.fullmatch(r"[0-9a-f]{12}", body["reference"])


@pytest.mark.parametrize("contact", ["0x1f5", "501%20", "-501", "501.0", "9" * 19, "9" * 60, "../account"])
def test_a_contact_that_is_no_number_is_not_there(client, ready, contact):
    answer = send(client, signed(asker(HUB), "GET", f"/card/contacts/{contact}"))
    assert answer.status_code == 404 and answer.get_json()["code"] == "not_found"


def test_a_trailing_slash_is_no_redirect(client, ready):
    assert send(client, signed(asker(HUB), "GET", "/card/contacts/501/")).status_code == 200


def test_our_own_mistake_tells_nothing_of_it(client, ready):
    """What is stored of the link cannot be read: nothing that the card could show truthfully."""
    row = {"hub_id": HUB, "connection_id": ready.id, "kind": "patient", "cliniko_id": "1", "hubspot_id": "501"}
    ledger.put([{**row, "state": "linked", "fields": b"\xc1 Ana Ruiz"}])
    db.session.commit()
    answer = send(client, signed(asker(HUB), "GET", "/card/contacts/501"))
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal")
    assert "Ana" not in answer.text


def test_without_database_it_is_unavailable(app, client, ready):
    with db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE account RENAME TO gone")
    answer = send(client, signed(asker(HUB), "GET", "/card/contacts/501"))
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")


def test_without_queue_the_click_is_stored_and_done_once_all_the_same(app, client, card):
    working = app.extensions.pop("redis", None)
    fine = app.config["CRMCONNECT"]
    app.config["CRMCONNECT"] = replace(fine, redis_url="redis://127.0.0.1:1/0")
    request = card.click("sync")
    answer = send(client, request)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    app.extensions.pop("redis").close()
    app.config["CRMCONNECT"] = fine
    if working is not None:
        app.extensions["redis"] = working
    # The relay asks again, and the dispatcher finds what nobody was told of.
    assert send(client, request).get_json()["state"] == "working"
    assert len(pushes.due(HUB)) == 1


def test_it_works_behind_gunicorn(database_url, valkey_url, tmp_path, make_account, connect_account, hubspot_url):
    """The raw address comes from another place there, and an encoded email must not be decoded on the way."""
    make_account()
    connect_account(HUB)
    accounts.save_provisioning(HUB, {})
    made = settings_for(database_url, valkey_url, tmp_path)
    environ = {
        "SECRET_KEY": made.secret_key,
        "ENCRYPTION_KEYS": ",".join(made.encryption_keys),
        "PUBLIC_URL": made.public_url,
        "HUBSPOT_CLIENT_ID": made.hubspot_client_id,
        "HUBSPOT_CLIENT_SECRET": made.hubspot_client_secret,
        "HUBSPOT_APP_ID": made.hubspot_app_id,
        "CLINIKO_CONTACT_EMAIL": made.cliniko_contact_email,
        "DATABASE_URL": database_url,
        "REDIS_URL": valkey_url,
        "VAR_DIR": str(tmp_path),
        "PATH": "/usr/bin:/bin",
    }
    address = tmp_path / "web.sock"
    command = [sys.executable, "-m", "gunicorn", "--bind", f"unix:{address}", "--no-control-socket", "wsgi:app"]
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
    try:
        until(address.exists, within=60)
        for method, path, body in (
            ("GET", "/card/contacts/501", None),
            ("POST", "/card/contacts/501/sync", {"idempotencyKey": new_key()}),
        ):
            who = replace(asker(HUB), email="mary.o'brien&co+desk@clinic.example")
            request = signed(who, method, path, body)
            parts = urlsplit(request.url)
            with _connected(address) as connection:
                connection.request(method, f"{parts.path}?{parts.query}", request.content, request.headers)
                answer = connection.getresponse()
                assert answer.status == 200, answer.read()
                assert json.loads(answer.read())["state"] == ("working" if body else "not_linked")
    finally:
        process.terminate()
        process.wait(20)


def _connected(address):
    connection = http.client.HTTPConnection("localhost", timeout=20)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(address))
    return contextlib.closing(connection)


def test_it_is_quick(card):
    """Our own time, without the network: well under 100 ms."""
    card.look()
    began = time.perf_counter()
    for _ in range(10):
        card.look()
    assert (time.perf_counter() - began) / 10 < 0.1
