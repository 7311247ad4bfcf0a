"""Installing through a simulated HubSpot: the three shapes, and the ways in which others may abuse them."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.webapp.views.conftest import CALLBACK, HUB
from webapp.security.redirects import hubspot_return_url, with_params
from webapp.store import accounts, ledger


def consent(url: str, hub_id: int = HUB, choice: str = "connect") -> str:
    """Agrees on HubSpot's consent page; returns the path and query that HubSpot sends the browser back to."""
    answer = httpx.post(url, data={"choice": choice, "portal": str(hub_id)})
    assert answer.status_code == 302, answer.text
    return path_of(answer.headers["Location"])


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def hub_of(client) -> int | None:
    with client.session_transaction() as session:
        return session.get("hub_id")


def test_own_start_saves_the_account_and_signs_in(app, client):
    begun = client.get("/oauth/install")
    back = client.get(consent(begun.location))
    assert back.status_code == 302 and back.location == "/onboarding"
    assert hub_of(client) == HUB
    account = accounts.get_account(HUB)
    assert account.status == "active" and account.refresh_token and account.time_zone
    assert client.get("/onboarding").status_code == 200


def test_preselected_account_is_named_in_the_address(app, client):
    assert urlsplit(client.get(f"/oauth/install?hub_id={HUB}").location).path == f"/oauth/{HUB}/authorize"
    assert urlsplit(client.get("/oauth/install?hub_id=../x").location).path == "/oauth/authorize"


def test_declined_consent_says_so_and_stores_nothing(app, client):
    back = client.get(consent(client.get("/oauth/install").location, choice="cancel"))
    assert back.status_code == 400 and "did not agree" in back.text
    assert accounts.list_accounts() == [] and hub_of(client) is None


def test_reinstall_keeps_links_and_digest_key(app, client, make_account, connect_account):
    connection = connect_account(make_account())
    key = accounts.get_account(HUB).digest_key
    ledger.reserve([_link(connection)])
    from webapp.extensions import db

    db.session.commit()
    accounts.set_status(HUB, "uninstalled")
    client.get(consent(client.get("/oauth/install").location))
    assert accounts.get_account(HUB).status == "active"
    assert accounts.get_account(HUB).digest_key == key
    assert sum(ledger.counts(HUB).values()) == 1


def test_marketplace_with_sign_in(app, client, hubspot_url):
    authorize = httpx.get(f"{hubspot_url}/marketplace/{HUB}/4242?signin=yes").headers["Location"]
    sent_back = client.get(path_of(authorize))
    assert sent_back.status_code == 302 and "state=" in sent_back.location and "signin=yes" in sent_back.location
    finalize = httpx.get(sent_back.location).headers["Location"]
    done = client.get(path_of(finalize))
    assert done.status_code == 302 and done.location.startswith(hubspot_url)
    assert "Installation finished" in httpx.get(done.location).text
    assert hub_of(client) == HUB and accounts.get_account(HUB).refresh_token


def test_marketplace_without_state_waits_for_a_person(app, client, hubspot_url, token):
    sent = path_of(httpx.get(f"{hubspot_url}/marketplace/{HUB}/4242").headers["Location"])
    page = client.get(sent)
    assert page.status_code == 200 and "Is this your HubSpot account?" in page.text and str(HUB) in page.text
    assert accounts.list_accounts() == [] and hub_of(client) is None, "attached before anybody agreed"
    form = dict(re.findall(r'name="(csrf_token|pending)" value="([^"]+)"', page.text))
    done = client.post("/oauth/confirm", data={**form, "answer": "yes"})
    assert done.status_code == 200 and f"{hubspot_url}/marketplace/{HUB}/4242" in done.text
    assert hub_of(client) == HUB and accounts.get_account(HUB).refresh_token
    again = client.post("/oauth/confirm", data={**form, "answer": "yes"})
    assert again.status_code == 400, "a grant is taken once"


def test_somebody_elses_grant_does_not_replace_the_session(app, client, hubspot_url, make_account, signed_in):
    signed_in(make_account(HUB + 1))
    page = client.get(path_of(httpx.get(f"{hubspot_url}/marketplace/{HUB}/4242").headers["Location"]))
    assert hub_of(client) == HUB + 1
    form = dict(re.findall(r'name="(csrf_token|pending)" value="([^"]+)"', page.text))
    refused = client.post("/oauth/confirm", data={**form, "answer": "no"})
    assert refused.status_code == 200 and "Nothing was connected" in refused.text
    assert hub_of(client) == HUB + 1 and accounts.find_account(HUB) is None


def test_a_waiting_grant_belongs_to_the_browser_it_was_shown_to(app, client, hubspot_url):
    page = client.get(path_of(httpx.get(f"{hubspot_url}/marketplace/{HUB}/4242").headers["Location"]))
    pending = re.search(r'name="pending" value="([^"]+)"', page.text)[1]
    app.config["WTF_CSRF_ENABLED"] = False
    other = app.test_client()
    assert other.post("/oauth/confirm", data={"pending": pending, "answer": "yes"}).status_code == 400
    assert accounts.list_accounts() == []


def test_state_works_once_and_only_in_its_browser(app, client):
    back = consent(client.get("/oauth/install").location)
    thief = app.test_client()
    assert thief.get(back).status_code == 400
    assert client.get(back).status_code == 400, "the thief's try used it up"
    assert accounts.list_accounts() == []


def test_replayed_callback_is_refused(app, client):
    back = consent(client.get("/oauth/install").location)
    assert client.get(back).status_code == 302
    assert client.get(back).status_code == 400


def test_state_ends_after_ten_minutes(app, client, valkey):
    client.get("/oauth/install")
    (key,) = list(valkey.scan_iter("crmconnect:install:state:*"))
    assert 0 < valkey.ttl(key) <= 600


def test_a_marketplace_state_is_no_own_state(app, client, hubspot_url):
    sent_back = client.get(f"/oauth/callback?step=authorize&returnUrl={hubspot_url}/marketplace/{HUB}/4242")
    state = parse_qs(urlsplit(sent_back.location).query)["state"][0]
    assert client.get(f"/oauth/callback?code=abc&state={state}").status_code == 400


def test_session_is_new_after_sign_in(app, client):
    with client.session_transaction() as session:
        session["planted"] = "by somebody"
    client.get(consent(client.get("/oauth/install").location))
    with client.session_transaction() as session:
        assert session["hub_id"] == HUB and "planted" not in session


def test_code_without_state_or_return_address_is_refused(app, client):
    assert client.get("/oauth/callback?code=abc").status_code == 400
    assert accounts.list_accounts() == []


def test_used_code_goes_back_to_hubspot_with_an_error(app, client, hubspot_url):
    home = f"{hubspot_url}/marketplace/{HUB}/4242"
    answer = client.get("/oauth/callback", query_string={"code": "used", "returnUrl": f"{home}?a=1"})
    assert answer.status_code == 302 and answer.location == f"{home}?a=1&error=install_failed"


def test_missing_scopes_are_named(app, client, make_account, signed_in):
    account = accounts.get_account(make_account())
    account.scopes = [scope for scope in account.scopes if scope != "crm.objects.owners.read"]
    from webapp.extensions import db

    db.session.commit()
    page = signed_in(HUB).get("/onboarding").text
    assert "crm.objects.owners.read" in page and "Install again" in page
    assert "crm.objects.deals.read" not in page


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "https://hubspot.com.evil.example/",
        "https://nothubspot.com/",
        "http://app.hubspot.com/",
        "https://app.hubspot.com@evil.example/",
        "https://evil.example\\.hubspot.com/",
        "https://app.hubspot.com:8443/",
        "//evil.example",
        "javascript:alert(1)",
        "https://evil.example#.hubspot.com",
        "https://[hubspot.com",
        "http://127.0.0.1:1/",
        "",
    ],
)
def test_no_open_redirect(app, client, settings, address):
    assert hubspot_return_url(settings, address) is None
    answer = client.get("/oauth/callback", query_string={"step": "authorize", "returnUrl": address})
    assert answer.status_code == 400 and "Location" not in answer.headers


def test_return_addresses_of_hubspot_are_followed(settings):
    from dataclasses import replace

    real = replace(settings, hubspot_app_url="https://app.hubspot.com")
    for address in ("https://app.hubspot.com/x?y=1", "https://app-eu1.hubspot.com/x", "https://hubspot.com/"):
        assert hubspot_return_url(real, address) == address
    assert hubspot_return_url(real, settings.hubspot_app_url + "/x") is None, "loopback counts in the sandbox only"
    assert hubspot_return_url(settings, settings.hubspot_app_url + "/x")


def test_parameters_are_merged():
    merged = with_params("https://app.hubspot.com/a?b=1&state=old#part", state="n&w")
    assert merged == "https://app.hubspot.com/a?b=1&state=n%26w#part"


def test_redirect_uri_is_ours(app, client):
    query = parse_qs(urlsplit(client.get("/oauth/install").location).query)
    assert query["redirect_uri"] == [CALLBACK]


def _link(connection) -> dict[str, object]:
    return {
        "hub_id": connection.hub_id,
        "connection_id": connection.id,
        "kind": "patient",
        "cliniko_id": "1",
        "hubspot_id": "2",
    }
