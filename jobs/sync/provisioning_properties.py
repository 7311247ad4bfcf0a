"""Creating and repairing property groups and properties. Safe to repeat, and when two runs meet."""

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from jobs.mapping.catalogue import Group, ObjectType, Property
from jobs.sync.provisioning_compare import missing_options
from jobs.sync.provisioning_types import Portal, PortalProperty
from webapp.clients.errors import Rejected
from webapp.clients.hubspot import schema
from webapp.clients.hubspot.client import HubSpotClient

BATCH = 50
LABEL_SUFFIX = " (Cliniko)"

_LABEL_TAKEN = re.compile(r"NON_UNIQUE_PROPERTY_LABEL|label.{0,120}(already|unique|exists)", re.IGNORECASE | re.DOTALL)
_AT_LIMIT = re.compile(r"\blimit\b|\bmaximum\b|quota", re.IGNORECASE)


@dataclass(slots=True)
class Done:
    """What a step created and repaired (names), and what it has to say."""

    created: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    at_limit: bool = False


def create_groups(client: HubSpotClient, groups: list[Group], done: Done) -> None:
    for group in groups:
        try:
            schema.create_group(client, group.object_type, name=group.name, label=group.label)
        except Rejected as error:
            if not already_exists(error):
                raise
        done.created.append(group.name)


def create_properties(client: HubSpotClient, object_type: ObjectType, wanted: list[Property], done: Done) -> None:
    """In batches, as that is one call; what a batch did not take is tried alone, where HubSpot says what is wrong."""
    remaining, done.at_limit = iter(wanted), False
    while chunk := list(islice(remaining, BATCH)):
        try:
            made = schema.create_properties(client, object_type, [definition(item) for item in chunk])
        except Rejected:
            made = []
        names = {str(item["name"]) for item in made}
        done.created.extend(item.name for item in chunk if item.name in names)
        for item in chunk:
            if item.name not in names and not done.at_limit:
                _create_one(client, item, done)


def repair_properties(client: HubSpotClient, portal: Portal, ours: tuple[Property, ...], done: Done) -> None:
    """Give back our type and add our missing choices. Labels, order, groups and added choices are the customer's."""
    for item in ours:
        theirs = portal.properties[item.object_type].get(item.name)
        changes = _repair(item, theirs) if theirs else {}
        if not changes:
            continue
        try:
            schema.update_property(client, item.object_type, item.name, changes)
        except Rejected as error:
            done.messages.append(f"HubSpot refused to repair the property “{item.label}”: {reason(error)}")
        else:
            done.repaired.append(item.name)


def definition(item: Property, label: str | None = None) -> dict[str, Any]:
    """The property as HubSpot's create call takes it."""
    body: dict[str, Any] = {
        "name": item.name,
        "label": label or item.label,
        "type": item.type,
        "fieldType": item.field_type,
        "groupName": item.group,
        "description": item.description,
        "hasUniqueValue": item.unique,
        "formField": item.form_field,
    }
    if item.options:
        body["options"] = [_option(number, item, option.value) for number, option in enumerate(item.options)]
    return body


def already_exists(error: Rejected) -> bool:
    return error.status == 409


def reason(error: Rejected) -> str:
    """HubSpot's own words, short enough for a report. Definitions hold no patient's data."""
    return " ".join((error.detail or "no reason given").split())[:200]


def full_text(error: Rejected) -> str:
    """All that HubSpot said, for telling one refusal from another."""
    parts = [error.detail or "", error.category or ""]
    for item in error.errors:
        parts += [item.code or "", item.message or ""]
    return " ".join(parts)


def _create_one(client: HubSpotClient, item: Property, done: Done) -> None:
    for label in (item.label, item.label + LABEL_SUFFIX):
        try:
            schema.create_property(client, item.object_type, definition(item, label))
        except Rejected as error:
            text = full_text(error)
            if _LABEL_TAKEN.search(text) and label == item.label:
                continue
            if already_exists(error):
                return
            if _AT_LIMIT.search(text) and "unique" not in text.lower():
                done.at_limit = True
            else:
                done.messages.append(f"HubSpot refused the property “{item.label}”: {reason(error)}")
            return
        done.created.append(item.name)
        if label != item.label:
            done.messages.append(f"Another property is called “{item.label}”, so ours is called “{label}”.")
        return


def _repair(ours: Property, theirs: PortalProperty) -> dict[str, Any]:
    if theirs.type != ours.type:
        fields = definition(ours)
        return {key: fields[key] for key in ("type", "fieldType", "options") if key in fields}
    lacking = missing_options(ours, theirs)
    if not lacking:
        return {}
    # HubSpot replaces the whole list, so everything that is there is sent back with ours at the end.
    kept = [option.raw for option in theirs.options]
    return {"options": kept + [_option(len(kept) + number, ours, value) for number, value in enumerate(lacking)]}


def _option(order: int, item: Property, value: str) -> dict[str, Any]:
    label = next(option.label for option in item.options if option.value == value)
    return {"label": label, "value": value, "displayOrder": order, "hidden": False}
