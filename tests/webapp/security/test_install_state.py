"""The memories of an install: bound to one browser, usable once, gone after ten minutes, unreadable in Redis."""

from datetime import timedelta

import pytest
from flask import session

from webapp.clients.hubspot.oauth import TokenSet
from webapp.clock import now
from webapp.security import install_state
from webapp.security.install_state import PendingInstall


@pytest.fixture
def browser(app):
    """Runs a function in a request of one browser, or of another."""
    cookies: dict[str, dict] = {}

    def visit(function, *args, who: str = "first"):
        with app.test_request_context("/"):
            session.update(cookies.get(who, {}))
            result = function(*args)
            cookies[who] = dict(session)
        return result

    return visit


@pytest.fixture
def grant() -> PendingInstall:
    tokens = TokenSet(
        "the-access-token", "na1-the-refresh-token", now() + timedelta(minutes=30), 20_000_001, ("a", "b")
    )
    return PendingInstall(tokens, "clinic.example", "https://app.hubspot.com/back")


def test_a_state_is_good_once_for_its_browser(browser):
    state = browser(install_state.new_state, "own")
    assert browser(install_state.take_state, state, "own") is True
    assert browser(install_state.take_state, state, "own") is False


def test_a_state_of_another_browser_is_worth_nothing(browser):
    state = browser(install_state.new_state, "own")
    browser(install_state.new_state, "own", who="second")
    assert browser(install_state.take_state, state, "own", who="second") is False
    assert browser(install_state.take_state, state, "own") is False, "a try uses it up"


def test_a_browser_without_a_start_has_no_state(browser):
    state = browser(install_state.new_state, "own")
    assert browser(install_state.take_state, state, "own", who="stranger") is False


@pytest.mark.parametrize("state", ["", "made-up", "x" * 10_000, "ä"])
def test_a_made_up_state_is_refused(browser, state):
    browser(install_state.new_state, "own")
    assert browser(install_state.take_state, state, "own") is False


def test_a_state_of_one_kind_of_start_is_not_good_for_another(browser):
    state = browser(install_state.new_state, "own")
    assert browser(install_state.take_state, state, "marketplace") is False


def test_two_starts_of_one_browser_both_work(browser):
    first, second = browser(install_state.new_state, "own"), browser(install_state.new_state, "own")
    assert first != second
    assert browser(install_state.take_state, second, "own") and browser(install_state.take_state, first, "own")


def test_a_grant_waits_for_its_browser_and_is_taken_once(browser, grant):
    name = browser(install_state.hold, grant)
    assert browser(install_state.take_pending, name) == grant
    assert browser(install_state.take_pending, name) is None


def test_a_grant_is_not_for_another_browser(browser, grant):
    name = browser(install_state.hold, grant)
    browser(install_state.new_state, "own", who="second")
    assert browser(install_state.take_pending, name, who="second") is None
    assert browser(install_state.take_pending, name) is None


def test_what_lies_in_redis_gives_nothing_away_and_goes_after_ten_minutes(browser, grant, valkey):
    names = [browser(install_state.new_state, "own"), browser(install_state.hold, grant)]
    keys = valkey.keys("*")
    assert len(keys) == 2
    for key in keys:
        assert 0 < valkey.ttl(key) <= 600
        stored = key + valkey.get(key)
        for secret in (*names, "the-access-token", "na1-the-refresh-token", "clinic.example"):
            assert secret.encode() not in stored
