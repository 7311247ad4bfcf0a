"""A simulated HubSpot that answers writes with success and then forgets some of them, as if they had never happened."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.wrappers import Request, Response

from webapp.sandbox.hubspot import HubSpotSandbox, associations
from webapp.sandbox.hubspot.portal import Portal
from webapp.sandbox.hubspot.records import Record, Records

_WRITE = re.compile(r"^/crm/objects/[^/]+/(contacts|deals)/batch/(update|upsert)$")
_LINK = re.compile(r"^/crm/associations/[^/]+/deals/contacts/batch/associate/default$")

Before = dict[str, tuple[dict[str, str], dict[str, int]]]


class ForgetfulHubSpot(HubSpotSandbox):
    """`share` of the single records and links that a write names are forgotten after the answer; `forgot` counts."""

    def __init__(self, seed: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.share = 0.0
        self.forgot = 0
        self.chance = random.Random(seed)

    @property
    def app(self) -> Any:
        return self._forgetting

    def _forgetting(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        inner = super().app
        path = environ.get("PATH_INFO", "")
        written, linked = _WRITE.match(path), _LINK.match(path)
        if self.share <= 0 or not (written or linked):
            answer: Iterable[bytes] = inner(environ, start_response)
            return answer
        with self.lock:
            portal = next(iter(self.portals.values()))
            before = _states(portal.stores[written[1]]) if written else {}
            response = Response.from_app(inner, Request(environ).environ)
            body = json.loads(response.get_data() or b"{}")
            if written:
                for result in body.get("results", ()):
                    self._maybe(lambda i=result["id"]: _undo(portal, portal.stores[written[1]], i, before))
            else:
                for deal, contact in {(r["from"]["id"], r["to"]["id"]) for r in body.get("results", ())}:
                    if portal.deals.get(deal) is not None:
                        self._maybe(lambda d=deal, c=contact: _unlink(portal, d, c))
        return response(environ, start_response)

    def _maybe(self, forget: Callable[[], bool]) -> None:
        if self.chance.random() < self.share and forget():
            self.forgot += 1


def _states(records: Records) -> Before:
    return {
        record.id: (dict(record.properties), {name: len(versions) for name, versions in record.history.items()})
        for record in records
    }


def _undo(portal: Portal, records: Records, record_id: str, before: Before) -> bool:
    """Put the record back as it was; a new one was never there."""
    record = records.by_id.get(record_id)
    if record is None:
        return False
    if record_id not in before:
        records.unindex(record)
        del records.by_id[record_id]
        associations.forget(portal, records.object_type, record_id)
        return True
    properties, lengths = before[record_id]
    if _taken(records, record, properties):
        return False
    records.unindex(record)
    record.properties = dict(properties)
    record.history = {name: record.history[name][:length] for name, length in lengths.items()}
    records.index(record)
    return True


def _taken(records: Records, record: Record, properties: dict[str, str]) -> bool:
    """Has another record taken a unique value that this one would get back?"""
    for name, values in records.unique.items():
        holder = values.get(properties.get(name, ""))
        if properties.get(name) and holder not in (None, record.id):
            return True
    return False


def _unlink(portal: Portal, deal: str, contact: str) -> bool:
    associations.unlink(portal, "deals", deal, "contacts", contact)
    return True
