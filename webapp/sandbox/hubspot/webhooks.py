"""Webhook events: collected per app, signed, delivered by a background thread, repeated when refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx

from webapp.sandbox.hubspot import defaults
from webapp.sandbox.hubspot.records import Source

if TYPE_CHECKING:
    from webapp.sandbox.hubspot.portal import App, Portal
    from webapp.sandbox.hubspot.sandbox import HubSpotSandbox

log = logging.getLogger(__name__)
BATCH = 100
_UNAVAILABLE = {"hs_lastmodifieddate", "num_unique_conversion_events", "lastmodifieddate"}


def signature_v1(secret: str, raw: bytes) -> str:
    return hashlib.sha256(secret.encode() + raw).hexdigest()


def signature_v3(secret: str, method: str, uri: str, raw: bytes, timestamp: str) -> str:
    """Base64 HMAC-SHA256 over method + uri + body + epoch milliseconds."""
    path, mark, query = uri.partition("?")
    for code in ("%3A", "%2F", "%3F", "%40", "%21", "%24", "%27", "%28", "%29", "%2A", "%2C", "%3B"):
        path, query = path.replace(code, unquote(code)), query.replace(code, unquote(code))
    message = f"{method}{path}{mark}{query}".encode() + raw + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


class Webhooks:
    """`max_attempts` counts the first delivery too; `retry_seconds` is the real pause before the next one."""

    def __init__(self, sandbox: HubSpotSandbox) -> None:
        self.sandbox = sandbox
        self.max_attempts = 11
        self.retry_seconds = 0.05
        self.timeout_seconds = 5.0
        self.failed: list[dict[str, Any]] = []
        self.delivered = 0
        self._queue: deque[tuple[App, list[dict[str, Any]]]] = deque()
        self._changed = threading.Condition()
        self._busy = 0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def publish(self, portal: Portal, source: Source, happened: list[dict[str, Any]]) -> None:
        """Queue what the installed apps subscribed to."""
        for app in self.sandbox.apps.values():
            if not app.webhook_url or app.app_id not in portal.installs:
                continue
            events = [
                self._event(app, portal, source, one, subscription)
                for one in happened
                for subscription in app.subscriptions
                if subscription.get("active", True) and _matches(subscription, one)
            ]
            for start in range(0, len(events), BATCH):
                self._enqueue(app, events[start : start + BATCH])

    def _event(
        self, app: App, portal: Portal, source: Source, happened: dict[str, Any], subscription: dict[str, Any]
    ) -> dict[str, Any]:
        self.sandbox.next_event_id += 1
        event = {
            "eventId": self.sandbox.next_event_id,
            "subscriptionId": subscription["id"],
            "portalId": portal.hub_id,
            "appId": app.app_id,
            "occurredAt": int(portal.now().timestamp() * 1000),
            "subscriptionType": subscription["subscriptionType"],
            "attemptNumber": 0,
            "objectId": happened["objectId"],
            "changeSource": source.type,
            "sourceId": source.id,
        }
        if subscription["subscriptionType"].startswith("object."):
            event["objectTypeId"] = defaults.OBJECT_TYPES[happened["objectType"]]
        event |= {key: value for key, value in happened.items() if key not in ("kind", "objectType", "objectId")}
        if happened["kind"] == "propertyChange":
            event["isSensitive"] = False
        return event

    def _enqueue(self, app: App, events: list[dict[str, Any]]) -> None:
        with self._changed:
            self._queue.append((app, events))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hubspot-webhooks", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._busy, timeout)

    def stop(self) -> None:
        """End the delivery thread; what is still queued is dropped."""
        self._stopping.set()
        with self._changed:
            self._queue.clear()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(self.timeout_seconds + 1)

    def _run(self) -> None:
        with httpx.Client(timeout=self.timeout_seconds) as client:
            while not self._stopping.is_set():
                with self._changed:
                    self._changed.wait_for(lambda: bool(self._queue) or self._stopping.is_set())
                    if not self._queue:
                        continue
                    app, events = self._queue.popleft()
                    self._busy += 1
                try:
                    self._deliver(client.post, app, events)
                finally:
                    with self._changed:
                        self._busy -= 1
                        self._changed.notify_all()

    def _deliver(self, post: Callable[..., httpx.Response], app: App, events: list[dict[str, Any]]) -> None:
        for attempt in range(self.max_attempts):
            if attempt and self._stopping.wait(self.retry_seconds):
                return
            if self._send(post, app, [{**event, "attemptNumber": attempt} for event in events]):
                self.delivered += len(events)
                return
        self.failed.extend(events)

    def _send(self, post: Callable[..., httpx.Response], app: App, events: list[dict[str, Any]]) -> bool:
        url = str(app.webhook_url)
        raw = json.dumps(events, separators=(",", ":"), ensure_ascii=False).encode()
        timestamp = str(int(self.sandbox.clock.now().timestamp() * 1000))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "HubSpot Connect 2.0 (simulated)",
            "X-HubSpot-Signature-Version": "v1",
            "X-HubSpot-Signature": signature_v1(app.client_secret, raw),
            "X-HubSpot-Signature-v3": signature_v3(app.client_secret, "POST", url, raw, timestamp),
            "X-HubSpot-Request-Timestamp": timestamp,
        }
        try:
            return post(url, content=raw, headers=headers).is_success
        except httpx.HTTPError as error:
            log.info("webhook delivery failed: %s", type(error).__name__)
            return False


def _matches(subscription: dict[str, Any], happened: dict[str, Any]) -> bool:
    prefix, _, kind = subscription["subscriptionType"].partition(".")
    if kind != happened["kind"]:
        return False
    wanted = subscription.get("objectType", "contact") if prefix == "object" else prefix
    if defaults.OBJECT_NAMES.get(wanted) != happened["objectType"]:
        return False
    if kind != "propertyChange":
        return True
    name = subscription.get("propertyName")
    return happened["propertyName"] not in _UNAVAILABLE and (not name or name == happened["propertyName"])
