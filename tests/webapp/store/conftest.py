"""Accounts and connections without HubSpot and Cliniko, and threads that work at the same moment."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from webapp.clock import now
from webapp.extensions import db
from webapp.store import accounts, connections

HUB = 20_000_001


@pytest.fixture
def make_account(app):
    def make(hub_id: int = HUB, **values: Any) -> int:
        given = {
            "access_token": "access",
            "refresh_token": "refresh",
            "token_expires_at": now() + timedelta(minutes=30),
            "scopes": ["crm.objects.contacts.read"],
            **values,
        }
        accounts.save_install(hub_id, **given)
        return hub_id

    return make


@pytest.fixture
def connect(app):
    """Stores a checked key; returns the connection's number."""

    def save(hub_id: int = HUB, cliniko_id: str = "77", replace: bool = False, **values: Any) -> int:
        given = {
            "api_key": f"key-of-{cliniko_id}-au1",
            "shard": "au1",
            "cliniko_user_id": "5",
            "role": "administrator",
            "account_name": f"Clinic {cliniko_id}",
            "subdomain": "clinic",
            "country_code": "AU",
            "access": {"patients": "ok"},
            **values,
        }
        return connections.save_connection(hub_id, cliniko_account_id=cliniko_id, replace=replace, **given).id

    return save


@pytest.fixture
def hub(make_account) -> int:
    return make_account()


@pytest.fixture
def connection_id(hub, connect) -> int:
    return connect(hub)


@pytest.fixture
def at_once(app):
    """Runs functions in threads that start together, each with a session of its own; their results in order."""

    def run(*functions: Callable[[], Any]) -> list[Any]:
        gate = threading.Barrier(len(functions))
        results: list[Any] = [None] * len(functions)

        def work(place: int, function: Callable[[], Any]) -> None:
            with app.app_context():
                try:
                    gate.wait(30)
                    results[place] = function()
                except BaseException as error:  # shown to the test, which says what it expects
                    results[place] = error
                finally:
                    db.session.remove()

        db.session.remove()
        threads = [threading.Thread(target=work, args=one) for one in enumerate(functions)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads), "a thread waits for ever"
        return results

    return run


def in_a_while(**length: float) -> datetime:
    return now() + timedelta(**length)
