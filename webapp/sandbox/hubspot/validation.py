"""Turns what a caller wrote into what HubSpot stores, or says why it refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from webapp.sandbox.hubspot.errors import HubSpotError, problem, property_errors

if TYPE_CHECKING:
    from webapp.sandbox.hubspot.portal import Portal

_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}")
_MAX_TEXT = 65_536


class Refused(ValueError):
    """A single value that does not fit its property: carries HubSpot's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def stamp(at: datetime) -> str:
    """A moment as HubSpot writes it: 2026-01-31T09:30:00.000Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def valid_email(value: str) -> bool:
    return bool(_EMAIL.fullmatch(value)) and ".." not in value and not value.startswith(".") and ".@" not in value


def check_properties(
    portal: Portal, object_type: str, raw: Mapping[str, Any], *, page_edit: bool = False
) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """The values to store and the warnings about those that were tidied up; raises one HubSpotError naming all
    refused properties.
    """
    values: dict[str, str] = {}
    problems: list[dict[str, Any]] = []
    warnings: list[dict[str, Any]] = []
    definitions = portal.schema[object_type].properties
    for name, given in raw.items():
        key = name.lower()
        definition = definitions.get(key)
        if definition is None or definition.get("archived"):
            problems.append(problem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'))
            continue
        if definition["modificationMetadata"]["readOnlyValue"]:
            if key == "hs_object_id":
                continue
            problems.append(problem(name, "READ_ONLY_VALUE", f'"{name}" is a read only property'))
            continue
        text = "" if given is None else _as_text(given)
        try:
            stored = normalise(portal, object_type, definition, text)
        except Refused as refused:
            problems.append(problem(name, refused.code, str(refused)))
            continue
        if definition["type"] == "date" and stored != text:
            warnings.append(_normalised(name, text, stored))
        values[key] = stored
    if problems:
        raise property_errors(problems)
    return values, warnings


def _as_text(given: Any) -> str:
    if isinstance(given, bool):
        return "true" if given else "false"
    return str(given)


def _normalised(name: str, raw: str, stored: str) -> dict[str, Any]:
    context = {"propertyName": [name], "rawValue": [raw], "normalizedValue": [stored]}
    return {
        "category": "PROPERTY_VALUE_NORMALIZED",
        "message": f"The value of {name} was normalized.",
        "context": context,
    }


def normalise(portal: Portal, object_type: str, definition: Mapping[str, Any], text: str) -> str:
    """The stored form of one value; "" clears. Raises Refused."""
    name, kind = definition["name"], definition["type"]
    if text == "":
        return ""
    if len(text) > _MAX_TEXT:
        raise Refused("INVALID_STRING", f"{name} is longer than {_MAX_TEXT} characters")
    if name == "email":
        text = text.strip().lower()
        if not valid_email(text):
            raise Refused("INVALID_EMAIL", f"Email address {text} is invalid")
        return text
    if name == "hs_additional_emails":
        return ";".join(part.strip().lower() for part in text.split(";") if part.strip())
    if name == "pipeline" and object_type == "deals":
        if text not in portal.pipelines:
            raise Refused("INVALID_OPTION", f"{text} was not one of the allowed options: pipeline does not exist")
        return text
    if name == "dealstage":
        if portal.stage_pipeline(text) is None:
            raise Refused("INVALID_OPTION", f"{text} was not one of the allowed options: stage does not exist")
        return text
    if name == "hubspot_owner_id" and text not in portal.owners:
        raise Refused("INVALID_OWNER_ID", f"Owner {text} does not exist")
    if kind == "number":
        return _number(name, text)
    if kind == "date":
        return _date(name, text)
    if kind == "datetime":
        return _datetime(name, text)
    if kind == "bool":
        if text.lower() not in ("true", "false"):
            raise Refused("INVALID_BOOLEAN", f"{text} was not one of the allowed options: [true, false]")
        return text.lower()
    if kind == "enumeration" and not definition.get("externalOptions"):
        return _options(definition, text)
    return text


def _number(name: str, text: str) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Refused("INVALID_LONG", f"{text} was not a valid number.") from None
    if not number.is_finite():
        raise Refused("INVALID_LONG", f"{text} was not a valid number.")
    return text


def _moment(name: str, text: str) -> datetime:
    try:
        if re.fullmatch(r"-?\d+", text):
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except (ValueError, OverflowError, OSError):
        raise Refused("INVALID_DATE", f"{text} was not a valid date for {name}.") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _date(name: str, text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 10 else _moment(name, text).date().isoformat()
    except ValueError as error:
        if isinstance(error, Refused):
            raise
        raise Refused("INVALID_DATE", f"{text} was not a valid date for {name}.") from None


def _datetime(name: str, text: str) -> str:
    return stamp(_moment(name, text))


def _options(definition: Mapping[str, Any], text: str) -> str:
    allowed = [option["value"] for option in definition["options"]]
    parts = text.split(";") if definition["fieldType"] == "checkbox" else [text]
    wrong = [part for part in parts if part and part not in allowed]
    if wrong:
        raise Refused("INVALID_OPTION", f"{wrong[0]} was not one of the allowed options: {allowed}")
    return text


def require(portal: Portal, object_type: str, values: Mapping[str, str]) -> None:
    """Refuse a new record that lacks a property the portal's admin made required, or any identity at all."""
    missing = [name for name in portal.required[object_type] if not values.get(name)]
    if missing:
        raise HubSpotError(
            400,
            "VALIDATION_ERROR",
            "Some required properties were not set.",
            errors=[
                {
                    "message": "Required property missing",
                    "code": "MISSING_REQUIRED_PROPERTY",
                    "context": {"propertyName": missing},
                }
            ],
        )
