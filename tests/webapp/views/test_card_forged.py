"""Requests that HubSpot did not sign as they are, or about somebody else's contact: none of them does anything."""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import time_machine
from sqlalchemy import func, select

from tests.webapp.views.card_tools import APP_ID, CLERK, Card, asker, minutes, new_key, send, signed
from tests.webapp.views.conftest import HUB
from webapp.clock import now
from webapp.extensions import db, get_redis
from webapp.sandbox.hubspot.webhooks import signature_v3
from webapp.store import accounts, ledger, pushes
from webapp.store.models_account import SigninLink
from webapp.store.models_hooks import PushRequest

OTHER = HUB + 1
CONTACT = "501"


@pytest.fixture
def both(make_account, connect_account):
    """Two accounts; contact 501 is linked in the second one only."""
    for hub_id, cliniko_id in ((HUB, "77"), (OTHER, "88")):
        connection = connect_account(make_account(hub_id), cliniko_id=cliniko_id)
        accounts.save_provisioning(hub_id, {})
    row = {"hub_id": OTHER, "connection_id": connection.id, "kind": "patient", "cliniko_id": "4411", "state": "linked"}
    ledger.put([{**row, "hubspot_id": CONTACT, "rule": "key", "synced_at": now()}])
    db.session.commit()
    return connection


@pytest.fixture
def nothing_happens(both):
    """Whatever a test does: nothing is stored, nothing is put on the queue."""
    yield
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(PushRequest)) == 0
    assert db.session.scalar(select(func.count()).select_from(SigninLink)) == 0
    assert get_redis().llen("rq:queue:push") == 0


PATHS = [
    ("GET", f"/card/contacts/{CONTACT}", None),
    ("POST", f"/card/contacts/{CONTACT}/sync", {}),
    ("POST", f"/card/contacts/{CONTACT}/push", {"target": "patient"}),
    ("POST", f"/card/contacts/{CONTACT}/unlink", {"restoreFields": True, "moveDeals": True}),
    ("GET", "/card/account", None),
    ("POST", "/card/signin-link", {"page": "review"}),
]


def request_for(method, path, body, who=None, at=None):
    content = None if body is None else {"idempotencyKey": new_key(), **body}
    return signed(who or asker(OTHER), method, path, content, at)


def fault(answer) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def test_a_contact_of_another_account_is_a_contact_that_is_not_linked(client, both):
    theirs, ours = Card(client, OTHER, CONTACT).look(), Card(client, HUB, CONTACT).look()
    assert (theirs["state"], theirs["patient"]["id"]) == ("linked", "4411")
    assert (ours["state"], ours["patient"], ours["sync"]) == ("not_linked", None, None)
    assert ours["actions"] == Card(client, HUB, "999").look()["actions"]


def test_nobody_unlinks_a_contact_of_another_account(client, both, nothing_happens):
    assert Card(client, HUB, CONTACT).press("unlink")["state"] == "not_linked"


def test_what_is_pressed_is_pressed_in_ones_own_account(client, both):
    assert Card(client, HUB, CONTACT).press("push")["state"] == "working"
    assert pushes.last_for(OTHER, CONTACT) is None
    asked = pushes.last_for(HUB, CONTACT)
    assert asked is not None and asked.hub_id == HUB
    # And what one account does is no business of the other.
    assert Card(client, OTHER, CONTACT).look()["work"] is None


def test_unsigned(client, nothing_happens):
    for one in PATHS:
        request = request_for(*one)
        for missing in ("X-HubSpot-Signature-v3", "X-HubSpot-Request-Timestamp"):
            assert fault(send(client, request, headers={missing: ""})) == (401, "signature_missing"), one


def test_a_replay_after_five_minutes(client, nothing_happens):
    for one in PATHS:
        request = request_for(*one)
        for later in (5.1, 60, 60 * 24 * 365, -1.1):
            with time_machine.travel(now() + minutes(later)):
                assert fault(send(client, request)) == (401, "signature_expired"), (one, later)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"portalId={OTHER}", f"portalId={HUB}"),
        (f"userId={CLERK}", "userId=77"),
        (f"appId={APP_ID}", "appId=1"),
        ("userEmail=", "userEmail=x"),
        ("%40", "@x"),
        ("userId", "userid"),
    ],
)
def test_a_changed_query(client, nothing_happens, old, new):
    for one in PATHS:
        request = request_for(*one)
        changed = request.url.replace(old, new)
        assert changed != request.url
        assert fault(send(client, request, url=changed)) == (401, "signature_invalid"), one


@pytest.mark.parametrize(
    "added", [f"&portalId={HUB}", f"&userId={CLERK}", "&x=1", "&", f"&portal%49d={HUB}", "&userEmail="]
)
def test_a_longer_query(client, nothing_happens, added):
    for one in PATHS:
        request = request_for(*one)
        assert fault(send(client, request, url=request.url + added)) == (401, "signature_invalid"), one


@pytest.mark.parametrize(
    "own",
    [
        f"portalId={HUB}",
        f"portal%49d={HUB}",
        f"%70ortalId={HUB}",
        "userId=77",
        "userEmail=owner@clinic.example",
        f"appId={APP_ID}",
        "portalId",
        "portalId=",
        "&".join(f"x{number}=1" for number in range(60)),
    ],
)
def test_a_parameter_that_the_card_itself_sent(client, nothing_happens, own):
    """HubSpot signs it along with its own, so the signature is right; but which of the two is HubSpot's?"""
    for method, path, body in PATHS:
        assert fault(send(client, request_for(method, f"{path}?{own}", body))) == (400, "parameters_invalid"), path


def test_other_parameters_of_the_card_mean_nothing(client, both):
    request = request_for("GET", f"/card/contacts/{CONTACT}?portalid={HUB}&portal={HUB}&x=%00", None)
    assert send(client, request).get_json()["patient"]["id"] == "4411"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user_id", "0"),
        ("user_id", "-77"),
        ("user_id", "7.7"),
        ("user_id", "٧٧"),
        ("portal_id", "20000001 "),
        ("portal_id", "0x1312d01"),
        ("portal_id", "1" * 19),
        ("portal_id", ""),
        ("app_id", "4242a"),
    ],
)
def test_ids_that_are_no_numbers(client, nothing_happens, name, value):
    for one in PATHS:
        request = request_for(*one, replace(asker(OTHER), **{name: value}))
        assert fault(send(client, request)) == (400, "parameters_invalid"), one


def test_another_app(client, nothing_happens):
    for one in PATHS:
        for app_id in (4243, 42, 424242):
            request = request_for(*one, replace(asker(OTHER), app_id=app_id))
            assert fault(send(client, request)) == (403, "wrong_app"), one


def test_another_body_under_the_same_signature(client, nothing_happens):
    for one in PATHS:
        request = request_for(*one)
        for content in (request.content + b" ", request.content.replace(b"5f0c", b"5f0d"), b"{}"):
            if content != request.content:
                assert fault(send(client, request, content=content)) == (401, "signature_invalid"), one


def test_another_path_or_method_under_the_same_signature(client, nothing_happens):
    look = request_for("GET", f"/card/contacts/{CONTACT}", None)
    for path in (
        "/card/contacts/502",
        f"/card/contacts/{CONTACT}/",
        f"/card/contacts/%35{CONTACT[1:]}",
        "/card/account",
    ):
        changed = look.url.replace(f"/card/contacts/{CONTACT}", path)
        assert fault(send(client, look, url=changed)) == (401, "signature_invalid")
    sync = request_for("POST", f"/card/contacts/{CONTACT}/sync", {})
    for action in ("push", "unlink"):
        assert fault(send(client, sync, url=sync.url.replace("/sync", f"/{action}"))) == (401, "signature_invalid")


def test_the_secret_of_another_app(client, nothing_happens):
    request = request_for("GET", "/card/account", None)
    stamp = request.headers["X-HubSpot-Request-Timestamp"]
    for secret in ("", "client-id", "client-secret ", "another"):
        wrong = signature_v3(secret, "GET", request.url, b"", stamp)
        assert fault(send(client, request, headers={"X-HubSpot-Signature-v3": wrong})) == (401, "signature_invalid")


def test_signed_for_another_address_of_the_service(client, nothing_happens):
    request = request_for("GET", "/card/account", None)
    stamp = request.headers["X-HubSpot-Request-Timestamp"]
    for origin in ("http://localhost", "https://localhost:5000", "http://evil.example"):
        parts = urlsplit(request.url)
        wrong = signature_v3("client-secret", "GET", f"{origin}{parts.path}?{parts.query}", b"", stamp)
        headers = {"X-HubSpot-Signature-v3": wrong, "Host": urlsplit(origin).netloc, "X-Forwarded-Host": "evil.example"}
        assert fault(send(client, request, headers=headers)) == (401, "signature_invalid")


def test_a_browser_that_is_signed_in_is_nobody_here(client, both, signed_in, nothing_happens):
    signed_in(OTHER)
    assert fault(client.get(f"/card/contacts/{CONTACT}?portalId={OTHER}")) == (401, "signature_missing")


def test_headers_and_cookies_do_not_say_which_account(client, both):
    request = signed(asker(HUB), "GET", f"/card/contacts/{CONTACT}")
    answer = send(client, request, headers={"X-HubSpot-Portal-Id": str(OTHER), "Cookie": f"portalId={OTHER}"})
    assert answer.get_json()["state"] == "not_linked"
    assert "Set-Cookie" not in answer.headers
