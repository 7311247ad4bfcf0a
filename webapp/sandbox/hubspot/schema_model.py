"""The property definitions and groups of one object type."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from webapp.sandbox.hubspot import defaults
from webapp.sandbox.hubspot.validation import stamp


class Schema:
    """`properties` and `groups` by name; archived properties stay in `properties` with archived=True."""

    def __init__(self, object_type: str, at: datetime) -> None:
        self.object_type = object_type
        group = "contactinformation" if object_type == "contacts" else "dealinformation"
        label = "Contact information" if object_type == "contacts" else "Deal information"
        self.groups: dict[str, dict[str, Any]] = {
            group: {"name": group, "label": label, "displayOrder": 0, "archived": False}
        }
        self.properties: dict[str, dict[str, Any]] = {}
        for row in defaults.default_properties(object_type):
            self.properties[row["name"]] = definition(row, group, at, hubspot_defined=True)

    def custom(self) -> list[dict[str, Any]]:
        return [p for p in self.properties.values() if not p["hubspotDefined"] and not p["archived"]]

    def live(self, name: str) -> dict[str, Any] | None:
        found = self.properties.get(name.lower())
        return None if found is None or found["archived"] else found


def definition(row: dict[str, Any], group: str, at: datetime, *, hubspot_defined: bool) -> dict[str, Any]:
    """A property in the shape HubSpot answers with."""
    moment = stamp(at)
    read_only = bool(row.get("readOnly"))
    options = [
        {
            "label": str(option["label"]),
            "value": str(option["value"]),
            "displayOrder": option.get("displayOrder", -1),
            "hidden": bool(option.get("hidden", False)),
            "description": option.get("description", ""),
        }
        for option in row.get("options") or ()
    ]
    made: dict[str, Any] = {
        "name": row["name"],
        "label": row["label"],
        "type": row["type"],
        "fieldType": row["fieldType"],
        "description": row.get("description") or "",
        "groupName": row.get("groupName") or group,
        "options": options,
        "displayOrder": row.get("displayOrder", -1),
        "calculated": False,
        "externalOptions": bool(row.get("externalOptions", False)),
        "hasUniqueValue": bool(row.get("hasUniqueValue", False)),
        "hidden": bool(row.get("hidden", False)),
        "hubspotDefined": hubspot_defined,
        "formField": bool(row.get("formField", False)),
        "dataSensitivity": row.get("dataSensitivity") or "non_sensitive",
        "archived": False,
        "createdAt": moment,
        "updatedAt": moment,
        "modificationMetadata": {
            "archivable": not hubspot_defined,
            "readOnlyDefinition": hubspot_defined,
            "readOnlyValue": read_only,
        },
    }
    for name in ("referencedObjectType", "calculationFormula", "showCurrencySymbol", "numberDisplayHint"):
        if name in row:
            made[name] = row[name]
    return made
