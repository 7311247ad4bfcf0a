"""Owners, account details, quotas, uninstalling oneself."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from webapp.sandbox.hubspot import defaults
from webapp.sandbox.hubspot.api import VERSIONS, Call, Reply, Route
from webapp.sandbox.hubspot.errors import not_found
from webapp.sandbox.hubspot.pipelines import pipeline_cap
from webapp.sandbox.hubspot.properties import property_caps


def owners(call: Call) -> Reply:
    archived = call.request.args.get("archived") == "true"
    email = call.request.args.get("email", "").strip().lower()
    limit, after = call.number("limit", 100, 500), call.number("after", 0, 10**9)
    found = [
        owner
        for owner in call.portal.owners.values()
        if owner["archived"] == archived and (not email or owner["email"].lower() == email)
    ]
    body: dict[str, Any] = {"results": found[after : after + limit]}
    if len(found) > after + limit:
        body["paging"] = {"next": {"after": str(after + limit)}}
    return 200, body


def owner(call: Call, owner_id: str) -> Reply:
    by_user = call.request.args.get("idProperty", "id") == "userId"
    archived = call.request.args.get("archived") == "true"
    for found in call.portal.owners.values():
        if str(found.get("userId") if by_user else found["id"]) == owner_id and found["archived"] == archived:
            return 200, found
    raise not_found(f"Owner {owner_id} does not exist")


def details(call: Call) -> Reply:
    portal = call.portal
    offset = call.now.astimezone(UTC).astimezone(ZoneInfo(portal.time_zone)).utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset else 0
    sign = "-" if minutes < 0 else "+"
    return 200, {
        "portalId": portal.hub_id,
        "accountType": portal.account_type,
        "timeZone": portal.time_zone,
        "companyCurrency": portal.currency,
        "additionalCurrencies": portal.additional_currencies,
        "utcOffset": f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}",
        "utcOffsetMilliseconds": minutes * 60_000,
        "uiDomain": portal.ui_domain,
        "dataHostingLocation": portal.hosting,
    }


def _usage(obj: str, limit: int, usage: int) -> dict[str, Any]:
    singular, plural = defaults.LABELS[obj]
    return {
        "objectTypeId": defaults.OBJECT_TYPES[obj],
        "limit": limit,
        "usage": usage,
        "percentage": round(usage * 100 / limit, 2) if limit else 100.0,
        "singularLabel": singular,
        "pluralLabel": plural,
    }


_NO_CUSTOM: dict[str, Any] = {"overallLimit": 0, "overallUsage": 0, "overallPercentage": 0.0, "byObjectType": []}


def custom_properties(call: Call) -> Reply:
    each, overall = property_caps(call.portal)
    used = {obj: len(schema.custom()) for obj, schema in call.portal.schema.items()}
    total = sum(used.values())
    return 200, {
        "overallLimit": overall,
        "overallUsage": total,
        "overallPercentage": round(total * 100 / overall, 2) if overall else 100.0,
        "byObjectType": [_usage(obj, each, count) for obj, count in used.items()],
    }


def pipelines(call: Call) -> Reply:
    # The default pipeline is not counted as used.
    used = len([pipeline for pipeline in call.portal.pipelines if pipeline != "default"])
    deals = _usage("deals", pipeline_cap(call.portal), used)
    return 200, {"hubspotDefinedObjectTypes": [deals], "customObjectTypes": _NO_CUSTOM}


def records(call: Call) -> Reply:
    counts = [_usage(obj, call.portal.record_caps[obj], len(store)) for obj, store in call.portal.stores.items()]
    return 200, {"hubspotDefinedObjectTypes": counts, "customObjectTypes": _NO_CUSTOM}


def uninstall(call: Call) -> Reply:
    call.portal.uninstall(call.app)
    return 204, None


_ANY_READ = ("crm.objects.contacts.read", "crm.objects.deals.read")
ROUTES = [
    Route("GET", f"/crm/owners/{VERSIONS}", owners, ("crm.objects.owners.read",)),
    Route("GET", f"/crm/owners/{VERSIONS}/<owner_id>", owner, ("crm.objects.owners.read",)),
    Route("GET", f"/account-info/{VERSIONS}/details", details, ("oauth",)),
    Route("GET", f"/crm/limits/{VERSIONS}/custom-properties", custom_properties, _ANY_READ),
    Route("GET", f"/crm/limits/{VERSIONS}/pipelines", pipelines, _ANY_READ),
    Route("GET", f"/crm/limits/{VERSIONS}/records", records, _ANY_READ),
    Route("DELETE", f"/appinstalls/{VERSIONS}/external-install", uninstall, ("oauth",)),
]
