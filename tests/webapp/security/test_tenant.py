"""Whose pages these are: the session names one account, and an account that left lets nobody in."""

import pytest
from flask import session
from werkzeug.exceptions import Forbidden, Unauthorized

from tests.webapp.store import twins
from webapp.extensions import db
from webapp.security import tenant
from webapp.store import accounts


@pytest.fixture
def account(app) -> int:
    twins.seed(twins.OURS)
    db.session.commit()
    return twins.OURS


def test_signing_in_drops_what_the_session_held(app, account):
    """Else somebody could plant a token or an attempt in a browser before its owner signs in."""
    with app.test_request_context("/"):
        session.update(hub_id=1, csrf_token="planted", cliniko_attempt="planted", install_browser="planted")
        tenant.sign_in(account)
        assert dict(session) == {"hub_id": account, "role": tenant.FULL}
        assert tenant.the_account().hub_id == account
        tenant.sign_out()
        assert dict(session) == {}


@pytest.mark.parametrize("held", [{}, {"hub_id": None}, {"hub_id": "20000002"}, {"hub_id": 1.5}, {"hub_id": 404}])
def test_without_a_known_account_nobody_is_in(app, account, held):
    with app.test_request_context("/"):
        session.update(held)
        assert tenant.current_account() is None
        with pytest.raises(Unauthorized):
            tenant.the_account()


@pytest.mark.parametrize(("status", "inside"), [("active", True), ("paused", True), ("uninstalled", False)])
def test_the_status_of_the_account_decides(app, account, status, inside):
    accounts.set_status(account, status)
    with app.test_request_context("/"):
        session["hub_id"] = account
        assert (tenant.current_account() is not None) is inside


def test_a_purged_account_lets_nobody_in(app, account):
    accounts.purge_account(account)
    with app.test_request_context("/"):
        session["hub_id"] = account
        assert tenant.current_account() is None


@pytest.mark.parametrize(
    ("method", "headers", "code"),
    [("GET", {}, 302), ("HEAD", {}, 401), ("POST", {}, 401), ("GET", {"X-Fragment": "1"}, 401)],
)
def test_a_page_sends_strangers_to_the_start_and_anything_else_is_refused(app, account, method, headers, code):
    view = tenant.signed_in(lambda: "the page")
    with app.test_request_context("/dashboard", method=method, headers=headers):
        if code == 302:
            assert view().location == "/"
        else:
            with pytest.raises(Unauthorized):
                view()
        session["hub_id"] = account
        assert view() == "the page"


@pytest.mark.parametrize(
    ("role", "full", "staff"),
    [(tenant.FULL, True, True), (tenant.STAFF, False, True), ("owner", False, True), (None, False, True)],
)
def test_whoever_is_no_owner_sees_the_pages_for_everybody_only(app, account, role, full, staff):
    with app.test_request_context("/dashboard"):
        session.update(hub_id=account, role=role)
        for guard, allowed in ((tenant.signed_in, full), (tenant.signed_in_staff, staff)):
            view = guard(lambda: "the page")
            if allowed:
                assert view() == "the page"
            else:
                with pytest.raises(Forbidden):
                    view()


def test_a_person_is_named_by_hubspots_number_only(app, account):
    with app.test_request_context("/"):
        tenant.sign_in(account)
        assert tenant.current_user() == "person"
        tenant.sign_in(account, tenant.STAFF, 4711)
        assert (tenant.current_user(), tenant.current_role()) == ("person 4711", tenant.STAFF)
        session["user_id"] = "<b>Ana</b>"
        assert tenant.current_user() == "person"
