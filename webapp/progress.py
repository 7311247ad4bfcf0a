"""How far a long step has come, kept in Redis for the page that watches it. Losing it loses nothing but the display."""

import json
import time
from typing import Any

from webapp.extensions import get_redis

KEEP_SECONDS = 3600
# A step that says nothing for this long lost its worker.
SILENT_SECONDS = 180


def report(hub_id: int, name: str, **values: Any) -> None:
    """Remember the newest state of a step. Values are plain numbers and words, never of a person."""
    get_redis().set(_key(hub_id, name), json.dumps({**values, "at": time.time()}), ex=KEEP_SECONDS)


def read(hub_id: int, name: str) -> dict[str, Any] | None:
    """The newest state of a step, or None."""
    raw = get_redis().get(_key(hub_id, name))
    if not raw:
        return None
    values: dict[str, Any] = json.loads(raw)
    if values.get("state") == "working" and time.time() - values["at"] > SILENT_SECONDS:
        values = {**values, "state": "failed", "text": "This did not come to an end. Try again."}
    return values


def _key(hub_id: int, name: str) -> str:
    return f"crmconnect:progress:{hub_id}:{name}"
