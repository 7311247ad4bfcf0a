"""HubSpot's OAuth calls: what is sent, what each refusal means, and where secrets never go."""

from datetime import timedelta

import httpx
import pytest

from tests.support.http_stub import BAD_GATEWAY_PAGE, Hang, Reply, clogged_url, refusing_url, serving
from tests.webapp.clients.conftest import HUB
from webapp.clients.errors import NeedsReconnect, OurFault, Rejected, Throttled, Unavailable
from webapp.clients.hubspot import oauth
from webapp.clients.hubspot.oauth import SCOPES, TokenSet
from webapp.clock import now

BACK = "http://localhost:5000/oauth/callback"


@pytest.fixture
def settings(stub, api_settings, clock):
    return api_settings(stub.url)


@pytest.fixture
def live(sandbox_url, api_settings):
    return api_settings(sandbox_url)


def code_for(sandbox, portal) -> str:
    return sandbox.tokens.new_code(next(iter(sandbox.apps.values())), portal, BACK)


def test_the_address_to_install_at(settings):
    made = httpx.URL(oauth.authorize_url(settings, "st+a te&x=1", BACK))
    assert made.path == "/oauth/authorize"
    assert dict(made.params) == {
        "response_type": "code",
        "client_id": "client-id",
        "redirect_uri": BACK,
        "scope": " ".join(SCOPES),
        "state": "st+a te&x=1",
    }
    assert "+" not in str(made), "HubSpot's own clients write a space as %20"
    assert "secret" not in str(made)


def test_a_code_becomes_tokens_once(sandbox, portal, live):
    code = code_for(sandbox, portal)
    tokens = oauth.exchange_code(live, code, BACK)
    assert (tokens.hub_id, tokens.scopes, tokens.user_id) == (HUB, SCOPES, portal.user_id)
    assert tokens.refresh_token == portal.installs[4242].refresh_token
    assert timedelta(minutes=29) < tokens.expires_at - now() <= timedelta(minutes=30)
    with pytest.raises(Rejected) as raised:
        oauth.exchange_code(live, code, BACK)
    assert raised.value.category == "BAD_AUTH_CODE"


def test_a_code_for_another_address_is_a_mistake_of_ours(sandbox, portal, live):
    with pytest.raises(OurFault) as raised:
        oauth.exchange_code(live, code_for(sandbox, portal), "http://localhost:5000/elsewhere")
    assert raised.value.category == "BAD_REDIRECT_URI"


def test_introspection_and_revocation(sandbox, portal, live):
    tokens = oauth.exchange_code(live, code_for(sandbox, portal), BACK)
    about = oauth.introspect(live, tokens.access_token)
    assert (about["active"], about["hub_id"], about["user"]) == (True, HUB, "admin@clinic.example")
    assert oauth.introspect(live, "no-token") == {"active": False}
    oauth.revoke(live, tokens.refresh_token)
    with pytest.raises(NeedsReconnect):
        oauth.refresh(live, tokens.refresh_token)


def test_everything_travels_in_the_body(stub, settings):
    stub.always(Reply(json={"access_token": "a", "refresh_token": "r", "hub_id": HUB}))
    oauth.exchange_code(settings, "the code+&", BACK)
    oauth.refresh(settings, "the refresh+&")
    oauth.introspect(settings, "tok+en", "refresh_token")
    oauth.revoke(settings, "tok+en")
    us = {"client_id": "client-id", "client_secret": "client-secret"}
    assert [seen.form for seen in stub.seen] == [
        {"grant_type": "authorization_code", "code": "the code+&", "redirect_uri": BACK, **us},
        {"grant_type": "refresh_token", "refresh_token": "the refresh+&", **us},
        {"token": "tok+en", "token_type_hint": "refresh_token", **us},
        {"token": "tok+en", "token_type_hint": "refresh_token", **us},
    ]
    ends = ("token", "token", "token/introspect", "token/revoke")
    assert [seen.target for seen in stub.seen] == [f"/oauth/2026-09/{end}" for end in ends]
    assert {seen.headers["content-type"] for seen in stub.seen} == {"application/x-www-form-urlencoded"}


def test_the_version_is_the_one_setting(stub, api_settings):
    stub.answer(Reply(json={"active": False}))
    oauth.introspect(api_settings(stub.url, hubspot_api_version="2027-03"), "x")
    assert stub.seen[0].path == "/oauth/2027-03/token/introspect"
    with pytest.raises(ValueError, match="HUBSPOT_API_VERSION"):
        oauth.introspect(api_settings(stub.url, hubspot_api_version="v1"), "x")


def test_an_account_id_that_the_answer_lacks_is_asked_for(stub, settings):
    without = Reply(json={"access_token": "a", "refresh_token": "r"})
    stub.answer(without, Reply(json={"active": True, "hub_id": "4503599627370497"}))
    assert oauth.exchange_code(settings, "code", BACK).hub_id == 4503599627370497
    stub.answer(without, Reply(json={"active": False}))
    with pytest.raises(Unavailable):
        oauth.exchange_code(settings, "code", BACK)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": "invalid_grant", "status": "BAD_REFRESH_TOKEN"}, NeedsReconnect),
        ({"error": "invalid_grant"}, NeedsReconnect),
        ({"error": "invalid_grant", "status": "error"}, NeedsReconnect),
        ({"status": "BAD_REFRESH_TOKEN"}, NeedsReconnect),
        ({"status": "BAD_HUB", "error": "access_denied"}, NeedsReconnect),
        ({"status": "BAD_HUB"}, NeedsReconnect),
        ({"error": "invalid_client"}, OurFault),
        ({"error": "invalid_client", "status": "BAD_CLIENT_SECRET"}, OurFault),
        ({"error": "invalid_client", "status": "BAD_REFRESH_TOKEN"}, OurFault),
        ({"status": "BAD_CLIENT_ID"}, OurFault),
        ({"error": "invalid_grant", "status": "BAD_REDIRECT_URI"}, OurFault),
        ({"status": "BAD_GRANT_TYPE"}, OurFault),
        ({"status": "BAD_SCOPES", "error": "invalid_scope"}, OurFault),
        ({"error": "something_new"}, OurFault),
        ({"status": "error", "category": "VALIDATION_ERROR"}, OurFault),
        ({"status": "BAD_AUTH_CODE", "error": "invalid_grant"}, Rejected),
        ({}, Unavailable),
        ([], Unavailable),
        ({"message": "no word of what is wrong"}, Unavailable),
        ({"error": 5, "status": None}, Unavailable),
    ],
)
@pytest.mark.parametrize("status", [400, 401])
def test_what_a_refused_refresh_means(stub, settings, body, error, status):
    stub.answer(Reply(status, json=body))
    with pytest.raises(error) as raised:
        oauth.refresh(settings, "refresh-marker")
    assert type(raised.value) is error
    assert raised.value.status == status


@pytest.mark.parametrize("status", [500, 503, 526])
@pytest.mark.parametrize("body", [BAD_GATEWAY_PAGE, '{"error": "invalid_grant", "status": "BAD_REFRESH_TOKEN"}'])
def test_a_fault_of_the_service_means_nothing_else(stub, settings, status, body):
    stub.answer(Reply(status, body=body))
    with pytest.raises(Unavailable):
        oauth.refresh(settings, "refresh-marker")


@pytest.mark.parametrize(
    ("headers", "seconds"), [({}, 10), ({"Retry-After": "120"}, 120), ({"Retry-After": "999999"}, 86_400)]
)
@pytest.mark.parametrize("status", [423, 429, 477])
def test_a_limit_says_when_to_come_back(stub, settings, status, headers, seconds):
    stub.answer(Reply(status, json={"status": "error", "message": "slow down"}, headers=headers))
    with pytest.raises(Throttled) as raised:
        oauth.refresh(settings, "refresh-marker")
    assert abs((raised.value.retry_at - now()).total_seconds() - seconds) < 2


def test_ways_to_fail_on_the_way(stub, settings, api_settings, monkeypatch):
    monkeypatch.setattr(oauth, "TIMEOUT", httpx.Timeout(0.15))
    answers = [
        (Hang(2, applied=True), "ReadTimeout"),
        (Reply(json={"access_token": "a"}, cut=3), "RemoteProtocolError"),
        (Reply(body="no gzip", headers={"Content-Encoding": "gzip"}), "DecodingError"),
        (Reply(body="{"), "unreadable_body"),
        (Reply(204), "unreadable_body"),
    ]
    for answer, category in answers:
        stub.answer(answer)
        with pytest.raises(Unavailable) as raised:
            oauth.refresh(settings, "refresh-marker")
        assert (raised.value.category, raised.value.maybe_applied) == (category, True)
    for address in (refusing_url, clogged_url):
        with address() as url, pytest.raises(Unavailable) as raised:
            oauth.refresh(api_settings(url), "refresh-marker")
        assert raised.value.maybe_applied is False


def test_a_redirect_does_not_carry_the_secret_along(stub, settings):
    with serving() as elsewhere:
        stub.answer(Reply(307, headers={"Location": f"{elsewhere.url}/oauth/2026-09/token"}))
        with pytest.raises(Unavailable):
            oauth.refresh(settings, "refresh-marker")
        assert elsewhere.seen == []


def test_tokens_do_not_show_themselves():
    tokens = TokenSet("access-marker", "refresh-marker", now(), HUB)
    assert "marker" not in repr(tokens) and "marker" not in str(tokens)
