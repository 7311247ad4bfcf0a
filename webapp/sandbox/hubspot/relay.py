"""HubSpot's relay: carries what a card asks to the app's own service, as hubspot.fetch does.

The browser of the person never talks to the app. HubSpot's servers do: they append who asks, sign the whole, wait up to
15 seconds in all, and ask once more by themselves when the connection fails or the app answers 5xx.
https://developers.hubspot.com/docs/apps/developer-platform/add-features/ui-extensions/fetching-data
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from webapp.sandbox.hubspot.webhooks import signature_v3

TIMEOUT_SECONDS = 15.0
MOST_BYTES = 1024 * 1024
_FROM_OUTSIDE = (httpx.ConnectError, httpx.ConnectTimeout)


@dataclass(frozen=True)
class Asker:
    """The user who looks at the card, in which account, through which app."""

    user_id: int
    portal_id: int
    email: str
    app_id: int


@dataclass(frozen=True)
class SignedRequest:
    """One request as it goes over the wire."""

    method: str
    url: str
    content: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Relayed:
    """What the card hears. Anything but a JSON answer with 2xx is `status` alone; 0 is no answer at all."""

    status: int
    answer: Any = None

    @property
    def fine(self) -> bool:
        return 200 <= self.status < 300 and self.answer is not None


def sign(
    secret: str, asker: Asker, method: str, url: str, body: Mapping[str, Any] | None, timestamp: str
) -> SignedRequest:
    """The request with HubSpot's four parameters at the end of its query, and its signature."""
    added = {
        "userId": str(asker.user_id),
        "portalId": str(asker.portal_id),
        "userEmail": asker.email,
        "appId": str(asker.app_id),
    }
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in added.items())
    address = f"{url}{'&' if '?' in url else '?'}{query}"
    content = b"" if body is None else json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    headers = {
        "Accept": "application/json",
        "User-Agent": "HubSpot Connect 2.0 (simulated)",
        "X-HubSpot-Signature-v3": signature_v3(secret, method, address, content, timestamp),
        "X-HubSpot-Request-Timestamp": timestamp,
    }
    if body is not None:
        headers["Content-Type"] = "application/json"
    return SignedRequest(method, address, content, headers)


def carry(request: SignedRequest, timeout: float = TIMEOUT_SECONDS) -> Relayed:
    """Send it, and once more after a failed connection or a 5xx, while there is time."""
    deadline = time.monotonic() + timeout
    heard = Relayed(0)
    with httpx.Client(follow_redirects=False) as client:
        for _ in range(2):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            try:
                heard = _heard(
                    client.request(
                        request.method, request.url, content=request.content, headers=request.headers, timeout=left
                    )
                )
            except _FROM_OUTSIDE:
                heard = Relayed(0)
                continue
            except httpx.HTTPError:
                # It may have arrived, and took too long or broke off: HubSpot does not ask again.
                return Relayed(0)
            if heard.status < 500:
                break
    return heard


def _heard(response: httpx.Response) -> Relayed:
    if not response.is_success or len(response.content) > MOST_BYTES:
        return Relayed(response.status_code if not response.is_success else 0)
    try:
        return Relayed(response.status_code, response.json())
    except ValueError:
        return Relayed(response.status_code)
