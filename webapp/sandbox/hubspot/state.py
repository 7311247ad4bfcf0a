"""The sandbox as plain JSON data, and back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from webapp.sandbox.hubspot.portal import App, Install, Portal
from webapp.sandbox.hubspot.records import Records
from webapp.sandbox.hubspot.tokens import Access

if TYPE_CHECKING:
    from webapp.sandbox.hubspot.sandbox import HubSpotSandbox

_PLAIN = [
    "name",
    "tier",
    "currency",
    "additional_currencies",
    "time_zone",
    "ui_domain",
    "hosting",
    "account_type",
    "user_email",
    "user_id",
    "secondary_lookup",
    "preserve_primary_id",
    "required",
    "pipeline_cap",
    "property_cap",
    "record_caps",
    "pipelines",
    "owners",
]


def dump(sandbox: HubSpotSandbox) -> dict[str, Any]:
    return {
        "apps": [asdict(app) for app in sandbox.apps.values()],
        "portals": [_dump_portal(portal) for portal in sandbox.portals.values()],
        "access": {
            token: [access.app_id, access.hub_id, access.expires_at.isoformat()]
            for token, access in sandbox.tokens.access.items()
        },
        "next_event_id": sandbox.next_event_id,
    }


def _dump_portal(portal: Portal) -> dict[str, Any]:
    return {
        "hub_id": portal.hub_id,
        "plain": {name: getattr(portal, name) for name in _PLAIN},
        "stores": {name: store.to_dict() for name, store in portal.stores.items()},
        "schema": {name: [s.groups, s.properties] for name, s in portal.schema.items()},
        "associations": {deal: list(contacts) for deal, contacts in portal.associations.items()},
        "installs": [asdict(install) for install in portal.installs.values()],
        "erased_emails": sorted(portal.erased_emails),
    }


def restore(sandbox: HubSpotSandbox, data: dict[str, Any]) -> None:
    sandbox.apps.clear()
    for raw in data["apps"]:
        tuples = {name: tuple(raw[name]) for name in ("redirect_uris", "scopes", "optional_scopes")}
        app = App(**{**raw, **tuples})
        sandbox.apps[app.app_id] = app
    sandbox.portals.clear()
    for raw in data["portals"]:
        sandbox.portals[raw["hub_id"]] = _restore_portal(sandbox, raw)
    sandbox.tokens.access = {
        token: Access(app_id, hub_id, datetime.fromisoformat(expires))
        for token, (app_id, hub_id, expires) in data["access"].items()
    }
    sandbox.next_event_id = data["next_event_id"]


def _restore_portal(sandbox: HubSpotSandbox, raw: dict[str, Any]) -> Portal:
    portal = Portal(sandbox, raw["hub_id"])
    for name, value in raw["plain"].items():
        setattr(portal, name, value)
    portal.stores = {name: Records.from_dict(store) for name, store in raw["stores"].items()}
    for name, (groups, properties) in raw["schema"].items():
        portal.schema[name].groups, portal.schema[name].properties = groups, properties
    for deal, contacts in raw["associations"].items():
        for contact in contacts:
            portal.associations.setdefault(deal, {})[contact] = None
            portal.contact_deals.setdefault(contact, {})[deal] = None
    for item in raw["installs"]:
        install = Install(**{**item, "scopes": tuple(item["scopes"])})
        portal.installs[install.app_id] = install
    portal.erased_emails = set(raw["erased_emails"])
    return portal
