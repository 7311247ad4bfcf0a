"""What a fresh HubSpot portal already contains: its own properties, the default deal pipeline, quotas by tier."""

from __future__ import annotations

from typing import Any

OBJECT_TYPES = {"contacts": "0-1", "deals": "0-3"}
OBJECT_NAMES = {
    "0-1": "contacts",
    "contacts": "contacts",
    "contact": "contacts",
    "0-3": "deals",
    "deals": "deals",
    "deal": "deals",
}
LABELS = {"contacts": ("Contact", "Contacts"), "deals": ("Deal", "Deals")}
# Properties a read returns when it names none.
SHOWN = {
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    "deals": (
        "amount",
        "closedate",
        "createdate",
        "dealname",
        "dealstage",
        "hs_lastmodifieddate",
        "hs_object_id",
        "pipeline",
    ),
}
MODIFIED = {"contacts": "lastmodifieddate", "deals": "hs_lastmodifieddate"}

PIPELINE_CAPS = {"free": 1, "starter": 2, "professional": 15, "enterprise": 100}
# (custom properties per object type, custom properties in all)
PROPERTY_CAPS = {"free": (10, 10), "starter": (1000, 10000), "professional": (1000, 10000), "enterprise": (1000, 10000)}
RECORD_CAPS = {
    "free": {"contacts": 1_000_000, "deals": 1_000_000},
    "starter": {"contacts": 15_000_000, "deals": 15_000_000},
    "professional": {"contacts": 15_000_000, "deals": 15_000_000},
    "enterprise": {"contacts": 15_000_000, "deals": 15_000_000},
}
UNIQUE_PROPERTY_CAP = 10

# name, label, type, fieldType
_CONTACT = """
email|Email|string|text
firstname|First Name|string|text
lastname|Last Name|string|text
phone|Phone Number|string|phonenumber
mobilephone|Mobile Phone Number|string|phonenumber
fax|Fax Number|string|text
address|Street Address|string|text
city|City|string|text
state|State/Region|string|text
zip|Postal Code|string|text
country|Country/Region|string|text
date_of_birth|Date of birth|string|text
gender|Gender|string|text
salutation|Salutation|string|text
jobtitle|Job Title|string|text
company|Company Name|string|text
website|Website URL|string|text
hs_timezone|Time Zone|string|text
message|Message|string|textarea
"""
_DEAL = """
dealname|Deal Name|string|text
amount|Amount|number|number
closedate|Close Date|datetime|date
description|Deal Description|string|textarea
closed_lost_reason|Closed Lost Reason|string|textarea
closed_won_reason|Closed Won Reason|string|textarea
hs_priority|Priority|string|text
"""
_LIFECYCLE = (
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing Qualified Lead"),
    ("salesqualifiedlead", "Sales Qualified Lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("evangelist", "Evangelist"),
    ("other", "Other"),
)
LIFECYCLE_ORDER = [value for value, _ in _LIFECYCLE]
CURRENCIES = ("AUD", "NZD", "GBP", "USD", "EUR", "CAD", "ZAR", "SGD")


def options(pairs: Any) -> list[dict[str, Any]]:
    return [
        {"label": label, "value": value, "displayOrder": order, "hidden": False, "description": ""}
        for order, (value, label) in enumerate(pairs)
    ]


def default_properties(object_type: str) -> list[dict[str, Any]]:
    """The properties HubSpot itself defines, as keyword dicts: name, label, type, fieldType, readOnly, options..."""
    rows: list[dict[str, Any]] = []
    for line in (_CONTACT if object_type == "contacts" else _DEAL).strip().splitlines():
        name, label, kind, field_type = line.split("|")
        rows.append({"name": name, "label": label, "type": kind, "fieldType": field_type})
    rows[0]["hasUniqueValue"] = rows[0]["name"] == "email"
    rows.append(
        {
            "name": "hubspot_owner_id",
            "label": "Contact owner" if object_type == "contacts" else "Deal owner",
            "type": "enumeration",
            "fieldType": "select",
            "externalOptions": True,
            "referencedObjectType": "OWNER",
        }
    )
    stamps = [("createdate", "Create Date"), ("hs_createdate", "Object create date/time")]
    stamps.append((MODIFIED[object_type], "Last Modified Date"))
    for name, label in stamps:
        rows.append({"name": name, "label": label, "type": "datetime", "fieldType": "date", "readOnly": True})
    rows.append(
        {"name": "hs_object_id", "label": "Record ID", "type": "number", "fieldType": "number", "readOnly": True}
    )
    merged = {"name": "hs_merged_object_ids", "label": "Merged record IDs", "type": "enumeration"}
    rows.append({**merged, "fieldType": "checkbox", "readOnly": True})
    if object_type == "contacts":
        rows.extend(
            [
                {
                    "name": "hs_additional_emails",
                    "label": "Additional email addresses",
                    "type": "enumeration",
                    "fieldType": "checkbox",
                    "externalOptions": True,
                },
                {
                    "name": "lifecyclestage",
                    "label": "Lifecycle Stage",
                    "type": "enumeration",
                    "fieldType": "radio",
                    "options": options(_LIFECYCLE),
                },
                {
                    "name": "hs_calculated_merged_vids",
                    "label": "Merged vids with timestamps",
                    "type": "enumeration",
                    "fieldType": "checkbox",
                    "readOnly": True,
                },
            ]
        )
    else:
        rows.extend(
            [
                {"name": "pipeline", "label": "Pipeline", "type": "enumeration", "fieldType": "select"},
                {"name": "dealstage", "label": "Deal Stage", "type": "enumeration", "fieldType": "radio"},
                {
                    "name": "deal_currency_code",
                    "label": "Currency",
                    "type": "enumeration",
                    "fieldType": "select",
                    "options": options((code, code) for code in CURRENCIES),
                },
                {
                    "name": "hs_is_closed",
                    "label": "Is Deal Closed?",
                    "type": "bool",
                    "fieldType": "booleancheckbox",
                    "readOnly": True,
                    "options": options((("true", "True"), ("false", "False"))),
                },
                {
                    "name": "num_associated_contacts",
                    "label": "Number of Associated Contacts",
                    "type": "number",
                    "fieldType": "number",
                    "readOnly": True,
                },
            ]
        )
    return rows


DEFAULT_STAGES = (
    ("appointmentscheduled", "Appointment Scheduled", "0.2"),
    ("qualifiedtobuy", "Qualified To Buy", "0.4"),
    ("presentationscheduled", "Presentation Scheduled", "0.6"),
    ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
    ("contractsent", "Contract Sent", "0.9"),
    ("closedwon", "Closed Won", "1.0"),
    ("closedlost", "Closed Lost", "0.0"),
)
