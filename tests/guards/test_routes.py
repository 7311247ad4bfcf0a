"""How a visitor of each route is recognised. A route that is not in the list fails, and the list is tried out."""

from dataclasses import replace

import pytest
from flask import session
from flask_wtf.csrf import generate_csrf

from tests.support.rows import MOMENT
from webapp.extensions import csrf
from webapp.store import accounts

OPEN = "open"  # tells nothing about any account
INSTALL = "install"  # a one-time state or grant, bound to the browser that began
TENANT = "tenant"  # a browser that is signed in to one account and may do everything there
STAFF = "staff"  # a browser that is signed in to one account, also for the reviews and issues only
LINK = "link"  # a token that works once, made for a request that HubSpot signed
OPERATOR = "operator"  # the operator's bearer token
SIGNED = "signed"  # HubSpot's signature over the request

PROTECTION = {
    "static": OPEN,
    "health.healthz": OPEN,
    "health.readyz": OPEN,
    "health.prometheus": OPERATOR,
    "install.start": INSTALL,
    "install.callback": INSTALL,
    "install.confirm": INSTALL,
    "connect.onboarding": TENANT,
    "connect.enter_key": TENANT,
    "connect.confirm_replacement": TENANT,
    "connect.prepare": TENANT,
    "connect.start": TENANT,
    "dashboard.landing": OPEN,
    "dashboard.dashboard": TENANT,
    "dashboard.sync_now": TENANT,
    "dashboard.pause": TENANT,
    "dashboard.resume": TENANT,
    "dashboard.issue_list": STAFF,
    "dashboard.retry_issues": STAFF,
    "account.account_page": TENANT,
    "account.links_file": TENANT,
    "account.disconnect": TENANT,
    "account.erase": TENANT,
    "activity.activity_page": TENANT,
    "activity.activity_file": TENANT,
    "people.people_page": TENANT,
    "people.find": TENANT,
    "people.sync_now": TENANT,
    "people.unlink": TENANT,
    "people.undo": TENANT,
    "review.review_page": STAFF,
    "review.review_list": STAFF,
    "review.decide": STAFF,
    "review.undo": STAFF,
    "settings.settings_page": TENANT,
    "settings.save": TENANT,
    "settings.choose_owner": TENANT,
    "settings.read_owners": TENANT,
    # Signing out changes nothing but the visitor's own cookie.
    "dashboard.leave": OPEN,
    "webhooks.receive": SIGNED,
    "card.contact": SIGNED,
    "card.sync": SIGNED,
    "card.push": SIGNED,
    "card.unlink": SIGNED,
    "card.account": SIGNED,
    "card.signin_link": SIGNED,
    "signin.use_link": LINK,
}

# A POST without our token in its form, and why that is safe. Anything signed by HubSpot comes from no browser of ours.
FROM_HUBSPOT = "signed by HubSpot, so that it comes from no browser and no session stands behind it"
WITHOUT_CSRF: dict[str, str] = {
    "webhooks.receive": FROM_HUBSPOT,
    "card.sync": FROM_HUBSPOT,
    "card.push": FROM_HUBSPOT,
    "card.unlink": FROM_HUBSPOT,
    "card.signin_link": FROM_HUBSPOT,
}

# Values for the parts of an address, by the name of the part.
PARTS = {"filename": "app.css"}


def routes(app, *protections):
    """(endpoint, address, method) of every route, or of those with one of these protections."""
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if protections and PROTECTION[rule.endpoint] not in protections:
            continue
        values = {name: PARTS.get(name, "1") for name in rule.arguments}
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            yield rule.endpoint, adapter.build(rule.endpoint, values, method), method


@pytest.fixture
def settings(settings):
    return replace(settings, operator_token="the-operator-token")


@pytest.fixture
def with_token(app, client):
    """Sends a form with a valid CSRF token from a browser that is not signed in."""

    with app.test_request_context():
        token, raw = generate_csrf(), session["csrf_token"]

    def send(address, method, **kwargs):
        with client.session_transaction() as stored:
            stored["csrf_token"] = raw
        return client.open(address, method=method, headers={"X-CSRFToken": token}, **kwargs)

    return send


def test_every_route_states_its_protection(app):
    present = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert present - set(PROTECTION) == set(), "say here how a visitor of these routes is recognised"
    assert set(PROTECTION) - present == set(), "these routes are gone"


def test_tenant_routes_let_nobody_else_in(app, with_token):
    tried = 0
    for endpoint, address, method in routes(app, TENANT, STAFF):
        answer = with_token(address, method)
        if method == "GET":
            assert (answer.status_code, answer.location) == (302, "/"), endpoint
            assert with_token(address, method, query_string={"hub_id": "20000001"}).status_code == 302, endpoint
        else:
            assert answer.status_code == 401, endpoint
        tried += 1
    assert tried == sum(protection in (TENANT, STAFF) for protection in PROTECTION.values())


def test_tenant_routes_ask_a_fragment_to_sign_in(app, client):
    """Part of a page must not be answered with a redirect, which would put the start page inside the dashboard."""
    for endpoint, address, method in routes(app, TENANT, STAFF):
        if method == "GET":
            assert client.get(address, headers={"X-Fragment": "1"}).status_code == 401, endpoint


@pytest.mark.parametrize("value", ["20000001", 20_000_001.0, True, None, [20_000_001], 999])
def test_a_session_with_anything_but_a_known_account_lets_nobody_in(app, client, value):
    with client.session_transaction() as session:
        session["hub_id"] = value
    for endpoint, address, method in routes(app, TENANT, STAFF):
        if method == "GET":
            assert client.get(address).location == "/", endpoint


@pytest.mark.parametrize("role", ["staff", "owner", "", None, 1, ["full"]])
def test_whoever_may_not_do_everything_sees_reviews_and_issues_only(app, client, with_token, role):
    """Any role but the full one, also a made-up one, is the small one."""
    accounts.save_install(20_000_001, access_token="a", refresh_token="b", token_expires_at=MOMENT, scopes=[])
    with client.session_transaction() as stored:
        stored["hub_id"], stored["role"] = 20_000_001, role
    for endpoint, address, method in routes(app, TENANT):
        assert with_token(address, method).status_code == 403, endpoint
    for endpoint, address, method in routes(app, STAFF):
        assert with_token(address, method).status_code in (200, 302), endpoint
        assert with_token(address, method).location != "/", endpoint


def test_a_link_that_nobody_made_signs_nobody_in(app, client):
    for endpoint, address, method in routes(app, LINK):
        answer = client.open(address, method=method)
        assert answer.status_code == 410, endpoint
        assert client.get("/dashboard").location == "/", endpoint


def test_a_forged_cookie_lets_nobody_in(client):
    client.set_cookie("crmconnect", "eyJodWJfaWQiOjIwMDAwMDAxfQ.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb")
    assert client.get("/dashboard").location == "/"


def test_install_routes_do_nothing_without_a_start_of_this_browser(app, with_token):
    answers = {endpoint: with_token(address, method) for endpoint, address, method in routes(app, INSTALL)}
    assert answers["install.start"].status_code == 302
    assert answers["install.start"].location.startswith("https://app.hubspot.com/")
    assert answers["install.callback"].status_code == 400
    assert answers["install.confirm"].status_code == 400


def test_operator_routes_want_the_token(app, client):
    for endpoint, address, method in routes(app, OPERATOR):
        for offered in (
            None,
            "",
            "Bearer",
            "Bearer ",
            "Bearer wrong",
            "Basic the-operator-token",
            "the-operator-token",
        ):
            headers = {} if offered is None else {"Authorization": offered}
            assert client.open(address, method=method, headers=headers).status_code == 401, (endpoint, offered)
        right = client.open(address, method=method, headers={"Authorization": "Bearer the-operator-token"})
        assert right.status_code == 200, endpoint


def test_operator_routes_are_closed_where_no_token_is_set(app, client):
    app.config["CRMCONNECT"] = replace(app.config["CRMCONNECT"], operator_token=None)
    for endpoint, address, method in routes(app, OPERATOR):
        for offered in ("Bearer ", "Bearer None", "Bearer the-operator-token"):
            answer = client.open(address, method=method, headers={"Authorization": offered})
            assert answer.status_code == 404, (endpoint, offered)


def test_signed_routes_want_the_signature(app, client):
    for endpoint, address, method in routes(app, SIGNED):
        assert client.open(address, method=method, json={}).status_code == 401, endpoint


def test_open_routes_name_no_account(app, client):
    for endpoint, address, method in routes(app, OPEN):
        if method == "GET":
            with client.get(address) as answer:
                assert answer.status_code == 200, endpoint
                assert "Set-Cookie" not in answer.headers, endpoint


def test_every_change_wants_a_csrf_token(app, client):
    tried = 0
    for endpoint, address, method in routes(app):
        if method == "GET" or endpoint in WITHOUT_CSRF:
            continue
        for headers in ({}, {"X-CSRFToken": "made-up"}):
            answer = client.open(address, method=method, headers=headers)
            assert answer.status_code == 400, endpoint
            assert "open for too long" in answer.get_data(as_text=True), endpoint
        tried += 1
    assert tried == sum(rule.methods is not None and "POST" in rule.methods for rule in app.url_map.iter_rules()) - len(
        WITHOUT_CSRF
    )


def test_csrf_is_left_off_only_with_a_reason(app):
    changing = {rule.endpoint for rule in app.url_map.iter_rules() if rule.methods and "POST" in rule.methods}
    exempt = {
        endpoint
        for endpoint, view in app.view_functions.items()
        if f"{view.__module__}.{view.__name__}" in csrf._exempt_views
        or app.blueprints.get(endpoint.partition(".")[0]) in csrf._exempt_blueprints
    }
    assert exempt & changing == set(WITHOUT_CSRF)
    assert {PROTECTION[endpoint] for endpoint in exempt} == {SIGNED}
    assert all(len(reason) > 20 for reason in WITHOUT_CSRF.values())
    assert app.config.get("WTF_CSRF_ENABLED", True) and app.config.get("WTF_CSRF_CHECK_DEFAULT", True)


def test_a_change_is_never_a_get(app):
    """What a link or an image can call changes nothing; an install is bound by its state."""
    words = ("sync", "pause", "resume", "retry", "prepare", "confirm", "sign-out", "unlink", "push", "purge", "delete")
    wrong = [
        str(rule)
        for rule in app.url_map.iter_rules()
        if rule.methods and "GET" in rule.methods and any(word in rule.rule for word in words)
    ]
    assert wrong == []
