"""Asks the card's API as HubSpot's relay does, of the application under test."""

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient

from webapp.clock import now
from webapp.sandbox.hubspot.relay import Asker, SignedRequest, sign

PUBLIC = "http://localhost:5000"
SECRET = "client-secret"
APP_ID = 4242
OWNER, CLERK = 77, 78
_numbers = itertools.count(1)


def new_key() -> str:
    """As the card makes one for each click."""
    return f"5f0c6d3e-0d5b-4c4e-9b1f-{next(_numbers):012}"


def asker(hub_id: int, user_id: int = CLERK) -> Asker:
    return Asker(user_id, hub_id, f"user{user_id}+desk@clinic.example", APP_ID)


def signed(
    who: Asker, method: str, path: str, body: dict[str, Any] | None = None, at: datetime | None = None
) -> SignedRequest:
    stamp = str(int((at or now()).timestamp() * 1000))
    return sign(SECRET, who, method, PUBLIC + path, body, stamp)


def send(client: FlaskClient, request: SignedRequest, **changed: Any):
    """To the application, with the address exactly as it is on the wire."""
    parts = urlsplit(changed.pop("url", request.url))
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    headers = {name: value for name, value in {**request.headers, **changed.pop("headers", {})}.items() if value}
    return client.open(
        parts.path,
        method=changed.pop("method", request.method),
        query_string=parts.query,
        data=changed.pop("content", request.content),
        headers=headers,
        environ_overrides={"RAW_URI": target, "REQUEST_URI": target},
    )


class Card:
    """The card of one contact, in one account."""

    def __init__(self, client: FlaskClient, hub_id: int, contact_id: str = "501", user_id: int = CLERK) -> None:
        self.client, self.who = client, asker(hub_id, user_id)
        self.path = f"/card/contacts/{contact_id}"

    def look(self) -> dict[str, Any]:
        return self._fine(signed(self.who, "GET", self.path))

    def press(self, action: str, key: str | None = None, **body: Any) -> dict[str, Any]:
        return self._fine(self.click(action, key, **body))

    def click(self, action: str, key: str | None = None, **body: Any) -> SignedRequest:
        """The request alone, to be sent as often as one likes."""
        defaults: dict[str, Callable[[], dict[str, Any]]] = {
            "sync": dict,
            "push": lambda: {"target": "patient"},
            "unlink": lambda: {"restoreFields": False, "moveDeals": True},
        }
        content = {"idempotencyKey": key or new_key(), **defaults[action](), **body}
        return signed(self.who, "POST", f"{self.path}/{action}", content)

    def _fine(self, request: SignedRequest) -> dict[str, Any]:
        answer = send(self.client, request)
        assert answer.status_code == 200, answer.text
        assert answer.content_type == "application/json"
        return answer.get_json()


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
