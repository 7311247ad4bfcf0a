"""Creating, changing and archiving records that need no rule of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webapp.sandbox.cliniko import actions, bodies
from webapp.sandbox.cliniko.checks import Body, Errors
from webapp.sandbox.cliniko.countries import country_changes
from webapp.sandbox.cliniko.errors import BLANK, invalid, not_found
from webapp.sandbox.cliniko.lists import find
from webapp.sandbox.cliniko.render import render
from webapp.sandbox.cliniko.resources import RESOURCES
from webapp.sandbox.cliniko.routing import Answer, Route
from webapp.sandbox.cliniko.table import Row

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.api import Call

SIMPLE: dict[str, Body] = {
    "billable_items": bodies.BILLABLE_ITEM,
    "taxes": bodies.TAX,
    "concession_types": bodies.CONCESSION_TYPE,
    "appointment_types": bodies.APPOINTMENT_TYPE,
    "appointment_type_billable_items": bodies.TYPE_ITEM,
    "businesses": bodies.BUSINESS,
    "patient_cases": bodies.CASE,
}


def created(call: Call, resource: str, values: dict[str, Any]) -> Answer:
    """Store a new row and answer with it and its address."""
    row = call.account.put(resource, values)
    shown = render(call.account, resource, row, call.base)
    call.headers["Location"] = shown["links"]["self"]
    return 201, shown


def updated(call: Call, resource: str, row: Row, values: dict[str, Any]) -> Answer:
    """Store what differs; a write that changes nothing does not move updated_at."""
    defaults = RESOURCES[resource].fields
    changes = {name: value for name, value in values.items() if row.get(name, defaults.get(name)) != value}
    if changes:
        call.account.edit(resource, row["id"], **changes)
    return 200, render(call.account, resource, row, call.base)


def writable(call: Call, resource: str, number: int) -> Row:
    """The record to change. An archived one cannot be found, unless the account's switch says otherwise."""
    if call.account.switches.patch_archived and number in call.account.tables[resource]:
        return call.account.tables[resource][number]
    return find(call, resource, number)


def create(call: Call, resource: str) -> Answer:
    return created(call, resource, _values(call, resource, None))


def update(call: Call, resource: str, number: int) -> Answer:
    row = writable(call, resource, number)
    return updated(call, resource, row, _values(call, resource, row))


def _values(call: Call, resource: str, row: Row | None) -> dict[str, Any]:
    sent, errors = call.body(), Errors()
    values = SIMPLE[resource].collect(call.account, sent, errors, creating=row is None)
    if resource == "businesses":
        values |= country_changes(sent, errors, by_name=False)
    elif resource == "taxes":
        values = _rate(values, errors, creating=row is None)
    elif resource == "patient_cases" and "closed" in values:
        closed_before = row.get("closed_at") if row is not None else None
        values["closed_at"] = (closed_before or call.account.stamp()) if values["closed"] else None
    if errors:
        raise invalid(errors)
    return values


def _rate(values: dict[str, Any], errors: Errors, *, creating: bool) -> dict[str, Any]:
    """`amount` is the older name of `rate`."""
    older = values.pop("amount", None)
    if values.get("rate") is None:
        values.pop("rate", None)
        if older is not None:
            values["rate"] = older
        elif creating:
            errors["rate"] = BLANK
    return values


def archive(call: Call, resource: str, number: int) -> Answer:
    actions.archive(call.account, resource, find(call, resource, number)["id"])
    return 204, None


def unarchive(call: Call, resource: str, number: int) -> Answer:
    row = call.account.tables[resource].get(number)
    if row is None:
        raise not_found()
    if row.get("merged_at"):
        raise invalid({"base": "A merged record cannot be restored"})
    if row.get("archived_at"):
        actions.unarchive(call.account, resource, row["id"])
    return 200, render(call.account, resource, row, call.base)


def remove(call: Call, resource: str, number: int) -> Answer:
    """The few records that are really deleted."""
    call.account.remove(resource, find(call, resource, number)["id"])
    return 204, None


_ARCHIVED = (
    "patients",
    "contacts",
    "individual_appointments",
    "group_appointments",
    "attendees",
    "billable_items",
    "appointment_types",
    "businesses",
    "patient_cases",
)
_REMOVED = ("taxes", "appointment_type_billable_items")
_ONE = "/<int:number>"

ROUTES = [
    *(Route("POST", f"/{name}", create, name, {"resource": name}) for name in SIMPLE),
    *(Route("PATCH", f"/{name}{_ONE}", update, name, {"resource": name}) for name in SIMPLE),
    *(Route("POST", f"/{name}{_ONE}/archive", archive, name, {"resource": name}) for name in _ARCHIVED),
    # The older verb for the same.
    *(Route("DELETE", f"/{name}{_ONE}", archive, name, {"resource": name}) for name in _ARCHIVED[:-1]),
    *(Route("DELETE", f"/{name}{_ONE}", remove, name, {"resource": name}) for name in _REMOVED),
    *(
        Route("POST", f"/{name}{_ONE}/unarchive", unarchive, name, {"resource": name})
        for name in ("patients", "businesses")
    ),
]
