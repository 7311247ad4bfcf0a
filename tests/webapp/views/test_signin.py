"""The link from HubSpot to our pages: for one use, five minutes, one account, and no further than one may go."""

import re
import threading
from urllib.parse import urlsplit

import pytest
import time_machine
from sqlalchemy import select

from tests.webapp.views.card_tools import CLERK, OWNER, PUBLIC, asker, minutes, new_key, send, signed
from tests.webapp.views.conftest import HUB
from webapp.clock import now
from webapp.extensions import db
from webapp.store import accounts, housekeeping
from webapp.store.models_account import SigninLink

OTHER = HUB + 1


@pytest.fixture
def account(make_account, connect_account):
    """Installed by the owner, with a second account beside it."""
    for hub_id in (OTHER, HUB):
        make_account(hub_id, f"clinic{hub_id}.example")
        accounts.get_account(hub_id).installed_by = str(OWNER)
        connect_account(hub_id, cliniko_id=str(hub_id))
        accounts.save_provisioning(hub_id, {})
    return HUB


@pytest.fixture
def link(client, account):
    """Asks for a link as HubSpot's relay does."""

    def ask(page="review", user_id=CLERK, hub_id=HUB, key=None):
        body = {"idempotencyKey": key or new_key(), "page": page}
        answer = send(client, signed(asker(hub_id, user_id), "POST", "/card/signin-link", body))
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    return ask


def path_of(answer) -> str:
    assert answer["url"].startswith(f"{PUBLIC}/signin/")
    return urlsplit(answer["url"]).path


@pytest.mark.parametrize("page", ["dashboard", "onboarding", "review"])
def test_who_installed_the_app_gets_everywhere(app, link, page):
    answer = link(page, OWNER)
    assert answer["state"] == "ready" and answer["message"] is None
    browser = app.test_client()
    assert browser.get(path_of(answer)).location == f"/{page}"
    shown = browser.get("/dashboard")
    assert shown.status_code == 200 and f"clinic{HUB}.example" in shown.text
    with browser.session_transaction() as session:
        assert (session["hub_id"], session["role"], session["user_id"]) == (HUB, "full", OWNER)


def test_others_get_to_the_reviews_and_issues_only(app, link):
    browser = app.test_client()
    assert browser.get(path_of(link("review"))).location == "/review"
    assert browser.get("/issues").status_code == 200
    page = browser.get("/issues").text
    assert 'href="/issues"' in page and 'href="/dashboard"' not in page and 'href="/onboarding"' not in page
    for path in ("/dashboard", "/onboarding"):
        refused = browser.get(path)
        assert refused.status_code == 403 and "This is not allowed" in refused.text
        assert browser.get(path, headers={"X-Fragment": "1"}).status_code == 403
    assert browser.get("/").location == "/issues"


@pytest.mark.parametrize("page", ["dashboard", "onboarding"])
def test_others_are_told_why_not(link, page):
    answer = link(page)
    assert (answer["state"], answer["url"], answer["expiresAt"]) == ("not_allowed", None, None)
    assert answer["message"] == "Only the person who installed CRMConnect can open this page from here."
    assert answer["remedy"]
    assert db.session.scalar(select(SigninLink.id)) is None


def test_where_nobody_knows_who_installed_it_nobody_is_that_person(link):
    accounts.get_account(HUB).installed_by = None
    db.session.commit()
    assert link("dashboard", OWNER)["state"] == "not_allowed"


def test_who_installed_it_elsewhere_is_somebody_else_here(link):
    accounts.get_account(OTHER).installed_by = "99"
    db.session.commit()
    assert link("dashboard", OWNER, OTHER)["state"] == "not_allowed"
    assert link("dashboard", OWNER, HUB)["state"] == "ready"


def test_it_works_once(app, link):
    path = path_of(link("dashboard", OWNER))
    first, second = app.test_client(), app.test_client()
    assert first.get(path).status_code == 302
    again = second.get(path)
    assert again.status_code == 410 and "works once" in again.text
    assert second.get("/dashboard").location == "/"
    # The one who used it stays where they are.
    assert first.get(path).status_code == 410
    assert first.get("/dashboard").status_code == 200


def test_it_works_for_five_minutes(app, link):
    answer = link("dashboard", OWNER)
    moment = now()
    assert answer["expiresAt"] > answer["now"]
    with time_machine.travel(moment + minutes(5.1)):
        assert app.test_client().get(path_of(answer)).status_code == 410
    with time_machine.travel(moment + minutes(4.5)):
        assert app.test_client().get(path_of(answer)).status_code == 302


def test_of_two_at_the_same_moment_one_gets_in(app, link, engine):
    path = path_of(link("dashboard", OWNER))
    # A request of this thread shares its session, which may still be reading.
    db.session.rollback()
    gate, answers = threading.Barrier(6), []

    def use() -> None:
        with app.test_client() as browser:
            gate.wait()
            answers.append(browser.get(path).status_code)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [302, 410, 410, 410, 410, 410]


def test_it_leads_into_its_own_account_and_out_of_any_other(app, link, signed_in):
    browser = signed_in(OTHER, app.test_client())
    assert f"clinic{OTHER}.example" in browser.get("/dashboard").text
    browser.get(path_of(link("dashboard", OWNER)))
    page = browser.get("/dashboard").text
    assert f"clinic{HUB}.example" in page and f"clinic{OTHER}.example" not in page


def test_a_small_link_makes_a_signed_in_browser_small(app, link, signed_in):
    """What the session held before is dropped, the right to everything included."""
    browser = signed_in(HUB, app.test_client())
    browser.get(path_of(link("review")))
    assert browser.get("/dashboard").status_code == 403


def test_a_link_into_an_account_that_left_meanwhile(app, link):
    answer = link("dashboard", OWNER)
    accounts.set_status(HUB, "uninstalled")
    assert app.test_client().get(path_of(answer)).status_code == 410
    assert link("dashboard", OWNER) | {"now": ""} == {
        "state": "uninstalled",
        "now": "",
        "url": None,
        "expiresAt": None,
        "message": None,
        "remedy": None,
    }


def test_the_same_click_gets_the_same_link(app, link):
    key = new_key()
    first, second = link("review", key=key), link("review", key=key)
    assert (first["url"], first["expiresAt"]) == (second["url"], second["expiresAt"])
    assert app.test_client().get(path_of(second)).status_code == 302
    # Also when it is used up: a repeat starts nothing.
    assert link("review", key=key)["url"] == first["url"]
    assert app.test_client().get(path_of(first)).status_code == 410


def test_the_same_key_of_another_person_or_page_is_refused(client, link):
    key = new_key()
    link("review", CLERK, key=key)
    for user_id, page in ((OWNER, "review"), (OWNER, "dashboard")):
        body = {"idempotencyKey": key, "page": page}
        answer = send(client, signed(asker(HUB, user_id), "POST", "/card/signin-link", body))
        assert (answer.status_code, answer.get_json()["code"]) == (409, "key_reused")


def test_links_differ_in_everything_that_they_are_for(link):
    key = new_key()
    urls = [
        link("review", key=key)["url"],
        link("review", key=key, hub_id=OTHER)["url"],
        link("review", key=new_key())["url"],
        link("dashboard", OWNER, key=new_key())["url"],
    ]
    assert len(set(urls)) == 4
    assert all(re.fullmatch(rf"{PUBLIC}/signin/[0-9a-f]{{64}}", url) for url in urls)


def test_the_token_is_not_kept(app, link, settings):
    token = path_of(link("review")).rsplit("/", 1)[1]
    row = db.session.scalar(select(SigninLink))
    assert (row.hub_id, row.user_id, row.page, row.role) == (HUB, CLERK, "review", "staff")
    assert row.token_hash not in (token.encode(), bytes.fromhex(token))
    db.session.commit()
    path = settings.database_url.removeprefix("sqlite:///")
    for end in ("", "-wal"):
        with open(f"{path}{end}", "rb") as file:
            data = file.read()
        assert token.encode() not in data and bytes.fromhex(token) not in data


@pytest.mark.parametrize("token", ["x", "0" * 64, "..", "%00", "%ED%A0%80", "a" * 5000])
def test_made_up_tokens(client, account, token):
    answer = client.get(f"/signin/{token}")
    assert answer.status_code in (404, 410)
    assert client.get("/dashboard").location == "/"


def test_old_links_are_forgotten(link):
    link("review")
    assert housekeeping.prune(now() + minutes(60))["signin_link"] == 0
    assert housekeeping.prune(now() + minutes(60 * 25))["signin_link"] == 1


def test_a_purge_takes_links_along(link):
    link("review")
    assert accounts.purge_account(HUB)["signin_link"] == 1
