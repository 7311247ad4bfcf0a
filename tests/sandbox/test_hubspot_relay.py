"""The simulated relay: its requests are those that the card's tests and the app's tests share, and it asks again as
HubSpot does."""

import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.guards.source import ROOT
from tests.support.http_stub import Hang, Reply, Reset, clogged_url, refusing_url, serving
from webapp.sandbox.hubspot.relay import Asker, Relayed, carry, sign

VECTORS = json.loads((ROOT / "tests" / "vectors" / "card_requests.json").read_text(encoding="utf-8"))
REQUESTS = {one["name"]: one for one in VECTORS["requests"]}


def made(one: dict[str, Any], url: str | None = None):
    who = one["who"]
    asker = Asker(who["userId"], who["portalId"], who["userEmail"], who["appId"])
    body = json.loads(one["body"]) if one["body"] else None
    return sign(VECTORS["secret"], asker, one["method"], url or one["url"], body, one["timestamp"])


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_the_shared_one_byte_for_byte(name):
    one = REQUESTS[name]
    request = made(one)
    assert request.url == one["wireUrl"]
    assert request.content == one["body"].encode()
    assert request.headers["X-HubSpot-Request-Timestamp"] == one["timestamp"]
    assert request.headers["X-HubSpot-Signature-v3"] == one["signature"]


@pytest.mark.parametrize("name", REQUESTS)
def test_it_arrives_as_it_was_signed(name):
    """The address as the other side reads it from the wire, not as a library writes it anew."""
    one = REQUESTS[name]
    with serving() as stub:
        stub.answer(Reply(json={"state": "linked"}))
        heard = carry(made(one, stub.url + urlsplit(one["url"]).path))
        (seen,) = stub.seen
    wire = urlsplit(one["wireUrl"])
    assert seen.target == f"{wire.path}?{wire.query}"
    assert (seen.method, seen.body) == (one["method"], one["body"].encode())
    assert ("content-type" in seen.headers) == bool(one["body"])
    assert heard == Relayed(200, {"state": "linked"})


def test_parameters_of_the_card_itself_come_first():
    request = sign("s", Asker(1, 2, "a@b.c", 3), "GET", "https://app.example.com/card/account?x=1", None, "5")
    assert request.url.endswith("/card/account?x=1&userId=1&portalId=2&userEmail=a%40b.c&appId=3")


@pytest.mark.parametrize("status", [500, 503])
def test_it_asks_once_more_after_5xx(status):
    with serving() as stub:
        stub.answer(Reply(status), Reply(json={"state": "working"}))
        heard = carry(made(REQUESTS["push_patient"], f"{stub.url}/card/contacts/4242/push"))
        seen = [(one.target, one.body, one.headers["x-hubspot-signature-v3"]) for one in stub.seen]
    assert heard == Relayed(200, {"state": "working"})
    assert len(seen) == 2 and seen[0] == seen[1]


def test_a_connection_that_breaks_off_may_have_carried_the_request():
    with serving() as stub:
        stub.answer(Reset("after_reading"), Reply(json={"state": "working"}))
        assert carry(made(REQUESTS["push_patient"], f"{stub.url}/card/contacts/4242/push")) == Relayed(0)
        assert len(stub.seen) == 1


def test_it_asks_no_third_time():
    with serving() as stub:
        stub.answer(Reply(500), Reply(502), Reply(json={}))
        assert carry(made(REQUESTS["contact"], f"{stub.url}/card/contacts/4242")) == Relayed(502)
        assert (len(stub.seen), stub.left) == (2, 1)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 413])
def test_other_answers_are_told_without_their_text_and_not_repeated(status):
    with serving() as stub:
        stub.answer(Reply(status, json={"code": "key_reused"}, headers={"Location": "/elsewhere"}))
        heard = carry(made(REQUESTS["sync"], f"{stub.url}/card/contacts/4242/sync"))
        assert heard == Relayed(status) and not heard.fine
        assert len(stub.seen) == 1


@pytest.mark.parametrize("body", ["", "<html>", "{"])
def test_an_answer_that_is_no_json_is_no_answer(body):
    with serving() as stub:
        stub.answer(Reply(body=body))
        assert not carry(made(REQUESTS["account"], f"{stub.url}/card/account")).fine


def test_nobody_there():
    for address in (refusing_url, clogged_url):
        with address() as url:
            began = time.monotonic()
            assert carry(made(REQUESTS["contact"], f"{url}/card/contacts/4242"), timeout=1.0) == Relayed(0)
            assert time.monotonic() - began < 2.5


def test_the_time_is_for_both_tries_together():
    with serving() as stub:
        stub.answer(Reply(500, delay=1.5), Hang(9, applied=True))
        began = time.monotonic()
        assert carry(made(REQUESTS["sync"], f"{stub.url}/card/contacts/4242/sync"), timeout=3.0) == Relayed(0)
        assert time.monotonic() - began < 4.4  # 4.5 s if each try had the whole time
        assert len(stub.seen) == 2
