"""Links between contacts and deals (https://developers.hubspot.com/docs/api-reference/crm-associations-v4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from webapp.sandbox.hubspot import defaults
from webapp.sandbox.hubspot.api import VERSIONS, Call, Reply, Route, object_type
from webapp.sandbox.hubspot.errors import HubSpotError, bad_request, not_found
from webapp.sandbox.hubspot.validation import stamp

if TYPE_CHECKING:
    from webapp.sandbox.hubspot.portal import Portal

TYPE_IDS = {("deals", "contacts"): 3, ("contacts", "deals"): 4}
_TYPE_NAMES = {("deals", "contacts"): "deal_to_contact", ("contacts", "deals"): "contact_to_deal"}


def side(portal: Portal, obj: str) -> dict[str, dict[str, None]]:
    return portal.associations if obj == "deals" else portal.contact_deals


def linked(portal: Portal, obj: str, record_id: str) -> list[str]:
    """Ids of the live records linked to this one, on the other side."""
    other = portal.stores["contacts" if obj == "deals" else "deals"]
    return [found for found in side(portal, obj).get(record_id, {}) if other.get(found) is not None]


def link(portal: Portal, from_obj: str, from_id: str, to_obj: str, to_id: str) -> None:
    """Links two existing records both ways; nothing changes when they already are."""
    _spec(from_obj, to_obj)
    for obj, record_id in ((from_obj, from_id), (to_obj, to_id)):
        if portal.stores[obj].get(record_id) is None:
            raise bad_request(f"{obj} {record_id} is not valid: the record does not exist", context={"id": [record_id]})
    from_id, to_id = portal.stores[from_obj].survivor(from_id), portal.stores[to_obj].survivor(to_id)
    side(portal, from_obj).setdefault(from_id, {})[to_id] = None
    side(portal, to_obj).setdefault(to_id, {})[from_id] = None


def unlink(portal: Portal, from_obj: str, from_id: str, to_obj: str, to_id: str) -> None:
    side(portal, from_obj).get(from_id, {}).pop(to_id, None)
    side(portal, to_obj).get(to_id, {}).pop(from_id, None)


def forget(portal: Portal, obj: str, record_id: str) -> None:
    other = "contacts" if obj == "deals" else "deals"
    for found in side(portal, obj).pop(record_id, {}):
        side(portal, other).get(found, {}).pop(record_id, None)


def move(portal: Portal, obj: str, old: str, new: str) -> None:
    """The links of a merged-away record pass to the survivor."""
    other = "contacts" if obj == "deals" else "deals"
    for found in list(side(portal, obj).get(old, {})):
        side(portal, obj).setdefault(new, {})[found] = None
        side(portal, other).setdefault(found, {})[new] = None
    forget(portal, obj, old)


def link_inline(portal: Portal, obj: str, record_id: str, wanted: Iterable[dict[str, Any]]) -> None:
    """The `associations` of a create call."""
    other = "contacts" if obj == "deals" else "deals"
    for item in wanted:
        for kind in item.get("types") or []:
            if kind.get("associationTypeId") != TYPE_IDS[(obj, other)]:
                raise bad_request(f"association type id {kind.get('associationTypeId')} doesn't exist between {obj}")
        link(portal, obj, record_id, other, str((item.get("to") or {}).get("id", "")))


def shown(portal: Portal, obj: str, record_id: str, asked: Iterable[str]) -> dict[str, Any]:
    """The `associations` part of a read record."""
    result: dict[str, Any] = {}
    for name in asked:
        other = defaults.OBJECT_NAMES.get(name)
        if other is None or other == obj:
            continue
        ids = linked(portal, obj, record_id)
        if ids:
            result[other] = {"results": [{"id": found, "type": _TYPE_NAMES[(obj, other)]} for found in ids]}
    return result


def _spec(from_obj: str, to_obj: str) -> dict[str, Any]:
    type_id = TYPE_IDS.get((from_obj, to_obj))
    if type_id is None:
        raise bad_request(f"No association types exist between {from_obj} and {to_obj}")
    return {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}


def _complete(call: Call, results: list[Any], errors: list[Any] | None = None) -> dict[str, Any]:
    at = stamp(call.now)
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at}
    return body | ({"numErrors": len(errors), "errors": errors} if errors else {})


def _ends(item: dict[str, Any]) -> tuple[str, str]:
    ends = item.get("from"), item.get("to")
    if not all(isinstance(end, dict) and end.get("id") for end in ends):
        raise bad_request('Invalid input JSON: "from" and "to" need an id')
    return str(ends[0]["id"]), str(ends[1]["id"])  # type: ignore[index]  # checked just above


def put_default(call: Call, obj: str, record_id: str, to: str, to_id: str) -> Reply:
    other = object_type(to)
    link(call.portal, obj, record_id, other, to_id)
    back = {"from": {"id": to_id}, "to": {"id": record_id}, "associationSpec": _spec(other, obj)}
    there = {"from": {"id": record_id}, "to": {"id": to_id}, "associationSpec": _spec(obj, other)}
    return 200, _complete(call, [there, back])


def batch_default(call: Call, obj: str, to: str) -> Reply:
    return _batch_link(call, obj, object_type(to), 2000, lambda from_id, to_id, spec: _default(from_id, to_id, spec))


def _default(from_id: str, to_id: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"from": {"id": from_id}, "to": {"id": to_id}, "associationSpec": spec}


def batch_create(call: Call, obj: str, to: str) -> Reply:
    other = object_type(to)
    kinds = call.inputs(2000)
    for item in kinds:
        for kind in item.get("types") or [{}]:
            if kind.get("associationTypeId") != TYPE_IDS.get((obj, other)):
                raise bad_request(f"association type id {kind.get('associationTypeId')} doesn't exist between {obj}")
    type_id, to_type = defaults.OBJECT_TYPES[obj], defaults.OBJECT_TYPES[other]

    def labels(from_id: str, to_id: str, spec: dict[str, Any]) -> dict[str, Any]:
        ids = {"fromObjectTypeId": type_id, "toObjectTypeId": to_type, "labels": []}
        return {**ids, "fromObjectId": from_id, "toObjectId": to_id}

    status, body = _batch_link(call, obj, other, 2000, labels)
    return (201 if status == 200 else status), body


def _batch_link(call: Call, obj: str, other: str, most: int, make: Any) -> Reply:
    spec = _spec(obj, other)
    results, errors = [], []
    for item in call.inputs(most):
        from_id, to_id = _ends(item)
        try:
            link(call.portal, obj, from_id, other, to_id)
        except HubSpotError as error:
            errors.append(error.batch_error(fromObjectId=[from_id], toObjectId=[to_id]))
        else:
            results.append(make(from_id, to_id, spec))
    return (207 if errors else 200), _complete(call, results, errors)


def _with_label(obj: str, other: str, found: str) -> dict[str, Any]:
    kind = {"category": "HUBSPOT_DEFINED", "typeId": TYPE_IDS[(obj, other)], "label": None}
    return {"toObjectId": found, "associationTypes": [kind]}


def batch_read(call: Call, obj: str, to: str) -> Reply:
    other = object_type(to)
    _spec(obj, other)
    results, errors = [], []
    for item in call.inputs(1000):
        record_id = str(item.get("id", ""))
        ids = linked(call.portal, obj, call.portal.stores[obj].survivor(record_id))
        if ids:
            results.append({"from": {"id": record_id}, "to": [_with_label(obj, other, found) for found in ids]})
        else:
            missing = not_found(f"No {other} is associated with {obj} {record_id}.")
            missing.sub_category = "crm.associations.NO_ASSOCIATIONS_FOUND"
            errors.append(missing.batch_error(fromObjectId=[record_id]))
    return (207 if errors else 200), _complete(call, results, errors)


def batch_archive(call: Call, obj: str, to: str) -> Reply:
    other = object_type(to)
    for item in call.inputs(2000):
        for end in item.get("to") or []:
            unlink(call.portal, obj, str((item.get("from") or {}).get("id")), other, str(end.get("id")))
    return 204, None


def list_for(call: Call, obj: str, record_id: str, to: str) -> Reply:
    other = object_type(to)
    _spec(obj, other)
    limit, after = call.number("limit", 500, 500), call.number("after", 0, 10**9)
    ids = linked(call.portal, obj, call.portal.stores[obj].survivor(record_id))
    body: dict[str, Any] = {"results": [_with_label(obj, other, found) for found in ids[after : after + limit]]}
    if len(ids) > after + limit:
        body["paging"] = {"next": {"after": str(after + limit)}}
    return 200, body


def remove(call: Call, obj: str, record_id: str, to: str, to_id: str) -> Reply:
    unlink(call.portal, obj, record_id, object_type(to), to_id)
    return 204, None


def labels(call: Call, obj: str, to: str) -> Reply:
    spec = _spec(obj, object_type(to))
    return 200, {"results": [{"category": "HUBSPOT_DEFINED", "typeId": spec["associationTypeId"], "label": None}]}


_ONE = f"/crm/objects/{VERSIONS}/<obj>/<record_id>/associations"
_MANY = f"/crm/associations/{VERSIONS}/<obj>/<to>"
_READ = ("crm.objects.{obj}.read",)
_WRITE = ("crm.objects.{obj}.write",)
ROUTES = [
    Route("PUT", f"{_ONE}/default/<to>/<to_id>", put_default, _WRITE),
    Route("GET", f"{_ONE}/<to>", list_for, _READ),
    Route("DELETE", f"{_ONE}/<to>/<to_id>", remove, _WRITE),
    Route("POST", f"{_MANY}/batch/associate/default", batch_default, _WRITE),
    Route("POST", f"{_MANY}/batch/create", batch_create, _WRITE),
    Route("POST", f"{_MANY}/batch/read", batch_read, _READ),
    Route("POST", f"{_MANY}/batch/archive", batch_archive, _WRITE),
    Route("GET", f"{_MANY}/labels", labels, _READ),
]
