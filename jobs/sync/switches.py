"""The properties by which people ask for something, and what HubSpot's history says of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jobs.sync.context import SyncContext
from jobs.sync.verifying import written_at
from webapp.clients.hubspot import objects
from webapp.clock import now
from webapp.store import pushes

UNLINK = "unlink_cliniko_patient"
# What each of them asks for.
SWITCHES: Mapping[str, str] = {
    "update_cliniko_patient": "patient",
    "update_cliniko_contact": "contact",
    UNLINK: "unlink",
}
History = Sequence[Mapping[str, Any]]


def find_switches(ctx: SyncContext) -> int:
    """Switches that no webhook reported: one search in each cycle of the patients stream. Returns how many are on."""
    present = [name for name in SWITCHES if name in ctx.writable]
    if not present:
        return 0
    groups = [{"filters": [{"propertyName": name, "operator": "EQ", "value": "true"}]} for name in present]
    page = objects.search(ctx.hubspot, "contacts", groups, ["lastmodifieddate", *present], limit=200)
    ctx.count("hubspot_calls")
    ctx.keeper.guard()
    for record in page.records:
        # The index lags: the request itself reads the contact and looks whether the switch is still on.
        at = written_at({"timestamp": record.properties.get("lastmodifieddate")}) or now()
        for name in present:
            what = SWITCHES[name]
            if record.properties.get(name) != "true" or pushes.is_open(ctx.hub_id, what, record.id):
                continue
            # One that has ended and is on all the same could not be set back then.
            pushes.ask(ctx.hub_id, what, record.id, now() if pushes.is_known(ctx.hub_id, what, record.id, at) else at)
    ctx.commit()
    return len(page.records)


def switched_on_at(history: History) -> datetime | None:
    """The newest time at which the switch was set to Yes."""
    times = [written_at(entry) for entry in history if str(entry.get("value")).lower() == "true"]
    return max((moment for moment in times if moment is not None), default=None)
