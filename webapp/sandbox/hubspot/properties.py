"""Property groups and properties (https://developers.hubspot.com/docs/api-reference/crm-properties-v3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from webapp.sandbox.hubspot import defaults
from webapp.sandbox.hubspot.api import VERSIONS, Call, Reply, Route
from webapp.sandbox.hubspot.errors import HubSpotError, bad_request, not_found
from webapp.sandbox.hubspot.schema_model import definition
from webapp.sandbox.hubspot.validation import stamp

if TYPE_CHECKING:
    from webapp.sandbox.hubspot.portal import Portal

_FIELD_TYPES = {
    "string": {"text", "textarea", "html", "phonenumber", "file", "calculation_equation"},
    "phone_number": {"phonenumber"},
    "number": {"number", "calculation_equation"},
    "date": {"date"},
    "datetime": {"date"},
    "enumeration": {"select", "radio", "checkbox", "booleancheckbox"},
    "bool": {"booleancheckbox", "calculation_equation"},
}


def property_caps(portal: Portal) -> tuple[int, int]:
    """(per object type, in all)"""
    if portal.property_cap is not None:
        return portal.property_cap, portal.property_cap
    return defaults.PROPERTY_CAPS[portal.tier]


def create_one(portal: Portal, obj: str, wanted: dict[str, Any]) -> dict[str, Any]:
    schema = portal.schema[obj]
    for name in ("name", "label", "type", "fieldType", "groupName"):
        if not wanted.get(name):
            raise bad_request(f"Invalid input JSON: Some required fields were not set: [{name}]")
    name = str(wanted["name"])
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,99}", name):
        raise bad_request(f"Property name {name} is invalid: lower-case letters, digits and underscores only")
    if wanted["fieldType"] not in _FIELD_TYPES.get(wanted["type"], set()):
        raise bad_request(f"Field type {wanted['fieldType']} is not allowed for type {wanted['type']}")
    if wanted["groupName"] not in schema.groups:
        raise bad_request(f"Property group {wanted['groupName']} does not exist")
    _check_options(wanted)
    existing = schema.properties.get(name)
    if existing is not None and not existing["archived"]:
        raise HubSpotError(
            409,
            "OBJECT_ALREADY_EXISTS",
            f'A property named "{name}" already exists',
            sub_category="Properties.PROPERTY_WITH_NAME_EXISTS",
        )
    _check_label(portal, obj, name, str(wanted["label"]))
    _check_caps(portal, obj, wanted)
    made = definition(wanted, wanted["groupName"], portal.now(), hubspot_defined=False)
    schema.properties[name] = made
    if made["hasUniqueValue"]:
        portal.stores[obj].watch_unique(name)
    return made


def _check_options(wanted: dict[str, Any]) -> None:
    values = [str(option.get("value")) for option in wanted.get("options") or ()]
    if wanted["type"] == "bool" and sorted(values) != ["false", "true"]:
        raise bad_request(
            "INVALID_BOOLEAN_OPTION: a bool property needs exactly the options true and false",
            errors=[{"message": "Boolean options must be true and false", "code": "INVALID_BOOLEAN_OPTION"}],
        )
    if len(set(values)) != len(values):
        raise bad_request("Property option values must be unique")


def _check_label(portal: Portal, obj: str, name: str, label: str) -> None:
    for other in portal.schema[obj].properties.values():
        if other["name"] != name and not other["archived"] and other["label"].lower() == label.lower():
            raise bad_request(f'NON_UNIQUE_PROPERTY_LABEL: A property with the label "{label}" already exists')


def _check_caps(portal: Portal, obj: str, wanted: dict[str, Any]) -> None:
    per_object, overall = property_caps(portal)
    used = len(portal.schema[obj].custom())
    if used >= per_object or sum(len(schema.custom()) for schema in portal.schema.values()) >= overall:
        raise bad_request(
            f"You have reached your limit of {min(per_object, overall)} custom properties.",
            sub_category="Properties.PROPERTY_LIMIT_REACHED",
        )
    unique = [p for p in portal.schema[obj].custom() if p["hasUniqueValue"]]
    if wanted.get("hasUniqueValue") and len(unique) >= defaults.UNIQUE_PROPERTY_CAP:
        raise bad_request(f"You have reached your limit of {defaults.UNIQUE_PROPERTY_CAP} unique properties.")


def _definition(call: Call, obj: str, name: str) -> dict[str, Any]:
    found = call.portal.schema[obj].live(name)
    if found is None:
        raise not_found(f'Property "{name}" does not exist')
    return shown(call.portal, obj, found)


def shown(portal: Portal, obj: str, found: dict[str, Any]) -> dict[str, Any]:
    """A definition, with the options HubSpot derives from the account's pipelines."""
    if obj == "deals" and found["name"] == "pipeline":
        return {**found, "options": defaults.options((p["id"], p["label"]) for p in portal.pipelines.values())}
    if obj == "deals" and found["name"] == "dealstage":
        stages = [(s["id"], s["label"]) for p in portal.pipelines.values() for s in p["stages"].values()]
        return {**found, "options": defaults.options(stages)}
    return found


def list_all(call: Call, obj: str) -> Reply:
    archived = call.request.args.get("archived") == "true"
    sensitivity = call.request.args.get("dataSensitivity", "non_sensitive")
    found = [
        shown(call.portal, obj, p)
        for p in call.portal.schema[obj].properties.values()
        if p["archived"] == archived and p["dataSensitivity"] == sensitivity
    ]
    return 200, {"results": found}


def read(call: Call, obj: str, name: str) -> Reply:
    return 200, _definition(call, obj, name)


def create(call: Call, obj: str) -> Reply:
    return 201, create_one(call.portal, obj, call.json())


def update(call: Call, obj: str, name: str) -> Reply:
    found = call.portal.schema[obj].live(name)
    if found is None:
        raise not_found(f'Property "{name}" does not exist')
    body = call.json()
    names = ("label", "description", "groupName", "displayOrder", "hidden", "formField", "options", "type", "fieldType")
    changed: dict[str, Any] = {name: body[name] for name in names if name in body}
    if found["hubspotDefined"] and set(changed) - {"options", "groupName", "displayOrder", "hidden"}:
        raise bad_request(f"{name} is defined by HubSpot and cannot be changed")
    if changed.get("groupName", found["groupName"]) not in call.portal.schema[obj].groups:
        raise bad_request(f"Property group {changed['groupName']} does not exist")
    _check_options({**found, **changed})
    _check_label(call.portal, obj, name, str(changed.get("label", found["label"])))
    updated = definition({**found, **changed}, found["groupName"], call.now, hubspot_defined=found["hubspotDefined"])
    found.update({**updated, "createdAt": found["createdAt"]})
    return 200, found


def archive_one(portal: Portal, obj: str, name: str) -> None:
    found = portal.schema[obj].live(name)
    if found is None:
        return
    if found["hubspotDefined"]:
        raise bad_request(f"{name} is defined by HubSpot and cannot be archived")
    found["archived"], found["archivedAt"] = True, stamp(portal.now())
    portal.stores[obj].unique.pop(name, None)


def archive(call: Call, obj: str, name: str) -> Reply:
    archive_one(call.portal, obj, name)
    return 204, None


def _batch(call: Call, results: list[Any], errors: list[Any], ok: int) -> Reply:
    at = stamp(call.now)
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return (207 if errors else ok), body


def batch_create(call: Call, obj: str) -> Reply:
    results, errors = [], []
    for wanted in call.inputs(100):
        try:
            results.append(create_one(call.portal, obj, wanted))
        except HubSpotError as error:
            errors.append(error.batch_error(name=[str(wanted.get("name"))]) | _sub_category(error))
    return _batch(call, results, errors, 201)


def _sub_category(error: HubSpotError) -> dict[str, Any]:
    return {"subCategory": {"name": error.sub_category}} if error.sub_category else {}


def batch_read(call: Call, obj: str) -> Reply:
    results, errors = [], []
    for wanted in call.inputs(100):
        try:
            results.append(_definition(call, obj, str(wanted.get("name"))))
        except HubSpotError as error:
            errors.append(error.batch_error(name=[str(wanted.get("name"))]))
    return _batch(call, results, errors, 200)


def batch_archive(call: Call, obj: str) -> Reply:
    for wanted in call.inputs(100):
        archive_one(call.portal, obj, str(wanted.get("name")))
    return 204, None


def groups(call: Call, obj: str) -> Reply:
    return 200, {"results": list(call.portal.schema[obj].groups.values())}


def _group(call: Call, obj: str, name: str) -> dict[str, Any]:
    found = call.portal.schema[obj].groups.get(name)
    if found is None:
        raise not_found(f'Property group "{name}" does not exist')
    return found


def read_group(call: Call, obj: str, name: str) -> Reply:
    return 200, _group(call, obj, name)


def create_group(call: Call, obj: str) -> Reply:
    body = call.json()
    name, label = body.get("name"), body.get("label")
    if not name or not label:
        raise bad_request("Invalid input JSON: Some required fields were not set: [name, label]")
    known = call.portal.schema[obj].groups
    if name in known:
        raise HubSpotError(409, "OBJECT_ALREADY_EXISTS", f'A property group named "{name}" already exists')
    known[name] = {"name": name, "label": label, "displayOrder": body.get("displayOrder", -1), "archived": False}
    return 201, known[name]


def update_group(call: Call, obj: str, name: str) -> Reply:
    found, body = _group(call, obj, name), call.json()
    found.update({key: body[key] for key in ("label", "displayOrder") if key in body})
    return 200, found


def delete_group(call: Call, obj: str, name: str) -> Reply:
    schema = call.portal.schema[obj]
    if any(p["groupName"] == name and not p["archived"] for p in schema.properties.values()):
        raise bad_request(
            f"Group {name} still has properties", sub_category="PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES"
        )
    schema.groups.pop(name, None)
    return 204, None


_BASE = f"/crm/properties/{VERSIONS}/<obj>"
_READ = ("crm.schemas.{obj}.read", "crm.objects.{obj}.read")
_WRITE = ("crm.schemas.{obj}.write",)
ROUTES = [
    Route("GET", _BASE, list_all, _READ),
    Route("POST", _BASE, create, _WRITE),
    Route("GET", f"{_BASE}/groups", groups, _READ),
    Route("POST", f"{_BASE}/groups", create_group, _WRITE),
    Route("GET", f"{_BASE}/groups/<name>", read_group, _READ),
    Route("PATCH", f"{_BASE}/groups/<name>", update_group, _WRITE),
    Route("DELETE", f"{_BASE}/groups/<name>", delete_group, _WRITE),
    Route("POST", f"{_BASE}/batch/create", batch_create, _WRITE),
    Route("POST", f"{_BASE}/batch/read", batch_read, _READ),
    Route("POST", f"{_BASE}/batch/archive", batch_archive, _WRITE),
    Route("GET", f"{_BASE}/<name>", read, _READ),
    Route("PATCH", f"{_BASE}/<name>", update, _WRITE),
    Route("DELETE", f"{_BASE}/<name>", archive, _WRITE),
]
