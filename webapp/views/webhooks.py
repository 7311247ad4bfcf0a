"""HubSpot's webhook events: verify, store, hand over, answer at once.

https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import redis
import structlog
from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue

from jobs.queues import PUSH, enqueue_again
from webapp.config import current_settings
from webapp.extensions import csrf
from webapp.security.signed import signed_by_hubspot
from webapp.store import hooks

blueprint = Blueprint("webhooks", __name__)
# HubSpot signs its requests; there is no browser and no session behind them.
csrf.exempt(blueprint)

log = structlog.get_logger()

HANDLE = "jobs.tasks.hooks.handle_events"
ERASURE = "privacyDeletion"
SWITCHES = frozenset({"update_cliniko_patient", "update_cliniko_contact", "unlink_cliniko_patient"})
# A change of these may free an address, or make two people who share one tell apart.
IDENTITY = frozenset({"email", "hs_additional_emails", "firstname", "lastname"})
KINDS = frozenset({"propertyChange", "deletion", "merge", "restore", "privacyDeletion"})
_OBJECTS = {"0-1": "contact", "0-3": "deal", "contact": "contact", "deal": "deal"}
# What has more digits is no id of HubSpot's, and no number of a database's either.
_MOST_DIGITS = 18
# Names of the records that took part in a merge, besides the list of those that were merged away.
_PARTS = ("primaryObjectId", "objectId")


@blueprint.post("/webhooks/hubspot")
@signed_by_hubspot
def receive() -> ResponseReturnValue:
    """Up to 100 events, of any accounts. What is not for us is answered with 200 all the same: anything else would be
    delivered again."""
    try:
        events = msgspec.json.decode(request.get_data())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        abort(400)
    if not isinstance(events, list):
        abort(400)
    rows = list(_rows(events))
    installed = hooks.known_accounts({row["hub_id"] for row in rows}) if rows else {}
    # A person is erased also while their data only waits for its end.
    kept = [r for r in rows if installed.get(r["hub_id"]) or (r["hub_id"] in installed and r["kind"] == ERASURE)]
    if kept:
        hooks.store(kept)
        _hand_over({row["hub_id"] for row in kept})
    return jsonify(received=len(events), kept=len(kept))


def _hand_over(hub_ids: set[int]) -> None:
    for hub_id in sorted(hub_ids):
        try:
            enqueue_again(PUSH, HANDLE, hub_id, job_id=f"hooks-{hub_id}")
        except redis.RedisError as error:
            # The events are stored; the dispatcher takes them up when the queue is back.
            log.warning("events_wait_for_queue", hub_id=hub_id, error=type(error).__name__)


def _rows(events: list[Any]) -> Iterator[dict[str, Any]]:
    """Events that concern us, without any value of a person. Our own echoes are dropped."""
    app_id = current_settings().hubspot_app_id
    for event in events:
        if not isinstance(event, Mapping):
            continue
        if event.get("changeSource") == "INTEGRATION" and str(event.get("sourceId")) == app_id:
            continue
        row = _row(event)
        if row is not None:
            yield row


def _row(event: Mapping[str, Any]) -> dict[str, Any] | None:
    prefix, _, kind = str(event.get("subscriptionType", "")).partition(".")
    named = (event.get("objectTypeId") or event.get("objectType")) if prefix == "object" else prefix
    object_type = _OBJECTS.get(str(named).lower())
    hub_id, object_id = _number(event.get("portalId")), _number(event.get("objectId"))
    survivor = _number(event.get("newObjectId")) or _number(event.get("primaryObjectId"))
    if kind not in KINDS or object_type is None or hub_id is None or object_id is None:
        return None
    name = event.get("propertyName")
    name = name if isinstance(name, str) else None
    on = name in SWITCHES and str(event.get("propertyValue")).lower() == "true"
    if kind == "propertyChange" and not on and name not in IDENTITY:
        return None
    return {
        "hub_id": hub_id,
        "mark": _mark(event),
        "kind": kind,
        "object_type": object_type,
        "object_id": str(object_id),
        "property_name": name if kind == "propertyChange" else None,
        "switched_on": on,
        "merged_ids": _merged(event) if kind == "merge" else [],
        "survivor_id": str(survivor) if survivor is not None else None,
        "occurred_at": _moment(event.get("occurredAt")),
    }


def _merged(event: Mapping[str, Any]) -> list[str]:
    """Every id under which a record took part: the survivor may have a new one."""
    listed = event.get("mergedObjectIds")
    parts = [*(listed if isinstance(listed, list) else []), *(event.get(name) for name in _PARTS)]
    return list(dict.fromkeys(str(number) for number in map(_number, parts) if number is not None))


def _mark(event: Mapping[str, Any]) -> bytes:
    """Tells repeated deliveries apart. An event id alone is not unique."""
    names = ("portalId", "subscriptionId", "subscriptionType", "objectId", "propertyName", "eventId", "occurredAt")
    text = "\x1f".join(str(event.get(name)) for name in names)
    return hashlib.sha256(text.encode()).digest()[:16]


def _number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    if isinstance(value, int):
        return value if 0 < value < 10**_MOST_DIGITS else None
    usable = value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS
    return int(value) or None if usable else None


def _moment(value: object) -> datetime:
    """`occurredAt` in epoch milliseconds; what cannot be one counts as long ago, so that order harms nothing."""
    number = _number(value)
    if number is None or number > 4_102_444_800_000:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return datetime.fromtimestamp(number / 1000, UTC)
