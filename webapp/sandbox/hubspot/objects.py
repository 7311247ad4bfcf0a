"""Contacts and deals one at a time (https://developers.hubspot.com/docs/api-reference/crm-contacts-v3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from webapp.sandbox.hubspot import associations, defaults, merging
from webapp.sandbox.hubspot.api import VERSIONS, Call, Reply, Route
from webapp.sandbox.hubspot.errors import bad_request, not_found
from webapp.sandbox.hubspot.records import Record
from webapp.sandbox.hubspot.validation import stamp
from webapp.sandbox.hubspot.writes import Transaction

if TYPE_CHECKING:
    from webapp.sandbox.hubspot.portal import Portal


def render(
    portal: Portal, obj: str, record: Record, names: Iterable[str] = (), history: Iterable[str] = ()
) -> dict[str, Any]:
    """A record as HubSpot shows it: asked properties only, unset ones null, undefined ones left out."""
    schema = portal.schema[obj]
    wanted = [name for name in names if name] or defaults.SHOWN[obj]
    properties: dict[str, str | None] = {}
    for name in (*wanted, "hs_object_id", "createdate", defaults.MODIFIED[obj]):
        if schema.live(name) is not None:
            properties[name.lower()] = record.properties.get(name.lower())
    shown: dict[str, Any] = {
        "id": record.id,
        "properties": properties,
        "createdAt": stamp(record.created_at),
        "updatedAt": stamp(record.updated_at),
        "archived": record.archived,
        "url": f"https://{portal.ui_domain}/contacts/{portal.hub_id}/record/{defaults.OBJECT_TYPES[obj]}/{record.id}",
    }
    if record.archived_at:
        shown["archivedAt"] = stamp(record.archived_at)
    asked = [name for name in history if name]
    if asked:
        shown["propertiesWithHistory"] = {name: versions(record, name) for name in asked}
    return shown


def versions(record: Record, name: str) -> list[dict[str, Any]]:
    """Newest first, as HubSpot lists them."""
    shown = []
    for version in reversed(record.history.get(name.lower(), [])):
        one: dict[str, Any] = {
            "value": version.value,
            "timestamp": stamp(version.at),
            "sourceType": version.source.type,
            "sourceId": version.source.id,
        }
        if version.source.id.startswith("userId:"):
            one["updatedByUserId"] = int(version.source.id.removeprefix("userId:"))
        shown.append(one)
    return shown


def written(portal: Portal, obj: str, record: Record, warnings: list[dict[str, Any]]) -> dict[str, Any]:
    """A record as a write answers with it: every property that has a value."""
    shown = render(portal, obj, record, sorted(record.properties))
    if warnings:
        shown["warnings"] = warnings
    return shown


def find(call: Call, obj: str, record_id: str, id_property: str | None, *, archived: bool = False) -> Record | None:
    store = call.portal.stores[obj]
    if not id_property or id_property == "hs_object_id":
        return store.get(record_id, archived=archived)
    unique_property(call, obj, id_property)
    return store.find(id_property, record_id, secondary=call.portal.secondary_lookup)


def unique_property(call: Call, obj: str, name: str) -> None:
    definition = call.portal.schema[obj].live(name)
    if definition is None:
        raise bad_request(f'Property "{name}" does not exist')
    if not definition["hasUniqueValue"]:
        type_id = defaults.OBJECT_TYPES[obj]
        raise bad_request(f"Unable to perform update/upsert by non-unique {type_id} property {name}")


def asked(call: Call, name: str = "properties") -> list[str]:
    return [part.strip() for value in call.request.args.getlist(name) for part in value.split(",") if part.strip()]


def read(call: Call, obj: str, record_id: str) -> Reply:
    archived = call.request.args.get("archived") == "true"
    record = find(call, obj, record_id, call.request.args.get("idProperty"), archived=archived)
    if record is None:
        raise not_found("Object not found.  objectId are usually numeric.")
    shown = render(call.portal, obj, record, asked(call), asked(call, "propertiesWithHistory"))
    linked = associations.shown(call.portal, obj, record.id, asked(call, "associations"))
    return 200, shown | ({"associations": linked} if linked else {})


def list_all(call: Call, obj: str) -> Reply:
    archived = call.request.args.get("archived") == "true"
    limit = call.number("limit", 10, 100)
    after = call.number("after", 0, 10**18)
    names, linked_to = asked(call), asked(call, "associations")
    found = [r for r in call.portal.stores[obj] if r.archived == archived and int(r.id) > after]
    found.sort(key=lambda record: int(record.id))
    results = []
    for record in found[:limit]:
        shown = render(call.portal, obj, record, names, asked(call, "propertiesWithHistory"))
        linked = associations.shown(call.portal, obj, record.id, linked_to)
        results.append(shown | ({"associations": linked} if linked else {}))
    body: dict[str, Any] = {"results": results}
    if len(found) > limit:
        body["paging"] = {"next": {"after": results[-1]["id"], "link": f"?after={results[-1]['id']}"}}
    return 200, body


def properties_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise bad_request('Invalid input JSON: field "properties" must be an object')
    return properties


def create(call: Call, obj: str) -> Reply:
    body = call.json()
    with Transaction(call.portal, call.source) as work:
        record, warnings = work.create(obj, properties_of(body))
        associations.link_inline(call.portal, obj, record.id, body.get("associations") or [])
    return 201, written(call.portal, obj, record, warnings)


def update(call: Call, obj: str, record_id: str) -> Reply:
    record = find(call, obj, record_id, call.request.args.get("idProperty"))
    if record is None:
        raise not_found("Object not found.  objectId are usually numeric.")
    with Transaction(call.portal, call.source) as work:
        record, warnings = work.update(obj, record, properties_of(call.json()))
    return 200, written(call.portal, obj, record, warnings)


def archive(call: Call, obj: str, record_id: str) -> Reply:
    with Transaction(call.portal, call.source) as work:
        work.archive(obj, record_id)
    return 204, None


def merge(call: Call, obj: str) -> Reply:
    body = call.json()
    with Transaction(call.portal, call.source) as work:
        record = merging.merge(work, obj, str(body.get("primaryObjectId", "")), str(body.get("objectIdToMerge", "")))
    return 200, written(call.portal, obj, record, [])


def gdpr_delete(call: Call, obj: str) -> Reply:
    body = call.json()
    id_property = body.get("idProperty")
    given = str(body.get("objectId", ""))
    record = find(call, obj, given, id_property)
    with Transaction(call.portal, call.source) as work:
        if record is not None:
            merging.privacy_delete(work, record.id)
        elif id_property == "email":
            call.portal.erased_emails.add(given.strip().lower())
        else:
            raise not_found(f"Contact {given} was not found")
    return 204, None


_BASE = f"/crm/objects/{VERSIONS}/<obj>"
_READ = ("crm.objects.{obj}.read",)
_WRITE = ("crm.objects.{obj}.write",)
ROUTES = [
    Route("GET", _BASE, list_all, _READ),
    Route("POST", _BASE, create, _WRITE),
    Route("POST", f"{_BASE}/merge", merge, _WRITE),
    Route("POST", f"{_BASE}/gdpr-delete", gdpr_delete, _WRITE),
    Route("GET", f"{_BASE}/<record_id>", read, _READ),
    Route("PATCH", f"{_BASE}/<record_id>", update, _WRITE),
    Route("DELETE", f"{_BASE}/<record_id>", archive, _WRITE),
]
