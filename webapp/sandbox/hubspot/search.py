"""Search, with an index that may lag behind (https://developers.hubspot.com/docs/api-reference/search)."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from webapp.sandbox.hubspot import associations
from webapp.sandbox.hubspot.api import VERSIONS, Call, Reply, Route
from webapp.sandbox.hubspot.errors import bad_request, problem
from webapp.sandbox.hubspot.objects import render
from webapp.sandbox.hubspot.records import Record
from webapp.sandbox.hubspot.validation import Refused, normalise

if TYPE_CHECKING:
    from webapp.sandbox.hubspot.portal import Portal

MOST_RESULTS = 10_000
_FREE_TEXT = ("email", "firstname", "lastname", "phone", "mobilephone", "company", "dealname", "hs_object_id")
Match = Callable[[Record, dict[str, str]], bool]


def search(call: Call, obj: str) -> Reply:
    if len(call.request.get_data()) > 3000:
        raise bad_request("The request body is longer than 3,000 characters")
    body = call.json()
    limit, after = body.get("limit") or 10, int(body.get("after") or 0)
    if not isinstance(limit, int) or not 1 <= limit <= 200:
        raise bad_request("limit must be between 1 and 200")
    if after + limit > MOST_RESULTS:
        raise bad_request("Paging past 10,000 results is not possible: narrow the search")
    groups = [_group(call.portal, obj, group) for group in _checked_groups(body)]
    words = str(body.get("query") or "").lower().split()
    hits: list[tuple[Record, dict[str, str]]] = []
    for record in call.portal.stores[obj]:
        seen = None if record.archived else record.searchable(call.now)
        if seen is None or (groups and not any(all(test(record, seen) for test in group) for group in groups)):
            continue
        text = " ".join(seen.get(name, "") for name in _FREE_TEXT).lower()
        if all(word in text for word in words):
            hits.append((record, seen))
    _sort(call.portal, obj, hits, body.get("sorts") or [])
    page = hits[after : after + limit]
    results = [_shown(call.portal, obj, record, seen, body.get("properties") or []) for record, seen in page]
    answer: dict[str, Any] = {"total": len(hits), "results": results}
    if len(hits) > after + limit:
        answer["paging"] = {"next": {"after": str(after + limit)}}
    return 200, answer


def _shown(portal: Portal, obj: str, record: Record, seen: dict[str, str], names: list[str]) -> dict[str, Any]:
    as_indexed = Record(record.id, record.created_at, record.updated_at, seen)
    return render(portal, obj, as_indexed, names)


def _checked_groups(body: dict[str, Any]) -> list[list[dict[str, Any]]]:
    groups = [list(group.get("filters") or []) for group in body.get("filterGroups") or []]
    if len(groups) > 5 or any(len(group) > 6 for group in groups) or sum(map(len, groups)) > 18:
        raise bad_request("Too many filters: at most 5 groups of 6, 18 in total")
    return groups


def _group(portal: Portal, obj: str, filters: list[dict[str, Any]]) -> list[Match]:
    return [_filter(portal, obj, one) for one in filters]


def _filter(portal: Portal, obj: str, wanted: dict[str, Any]) -> Match:
    name, operator = str(wanted.get("propertyName") or "").lower(), wanted.get("operator")
    if name.startswith("associations."):
        return _association(portal, obj, wanted)
    definition = portal.schema[obj].live(name)
    if definition is None:
        detail = problem(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        raise bad_request("There was a problem with the request.", errors=[detail])
    if operator == "HAS_PROPERTY":
        return lambda record, seen: bool(seen.get(name))
    if operator == "NOT_HAS_PROPERTY":
        return lambda record, seen: not seen.get(name)
    if operator in ("IN", "NOT_IN"):
        return _membership(definition, wanted, negative=operator == "NOT_IN")
    value = wanted.get("value")
    if value is None:
        raise bad_request(f"A value is needed for operator {operator}")
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        return _token(name, str(value), negative=operator == "NOT_CONTAINS_TOKEN")
    key = _key(portal, obj, definition)
    left = key(str(value))
    if operator == "BETWEEN":
        right = key(str(wanted.get("highValue")))
        return lambda record, seen: bool(seen.get(name)) and left <= key(seen[name]) <= right
    tests: dict[Any, Callable[[Any], bool]] = {
        "EQ": lambda found: found == left,
        "LT": lambda found: found < left,
        "LTE": lambda found: found <= left,
        "GT": lambda found: found > left,
        "GTE": lambda found: found >= left,
    }
    if operator == "NEQ":
        return lambda record, seen: not seen.get(name) or key(seen[name]) != left
    if operator not in tests:
        raise bad_request(f"Operator {operator} is not known")
    test = tests[operator]
    return lambda record, seen: bool(seen.get(name)) and test(key(seen[name]))


def _membership(definition: dict[str, Any], wanted: dict[str, Any], *, negative: bool) -> Match:
    # String values of IN are compared as given with lower-cased content: an upper-case value finds nothing.
    name, values = definition["name"], {str(value) for value in wanted.get("values") or []}
    if not values:
        raise bad_request("IN needs a list of values")
    return lambda record, seen: (seen.get(name, "").lower() in values) != negative


def _token(name: str, value: str, *, negative: bool) -> Match:
    pattern = re.escape(value.lower()).replace(r"\*", ".*")
    whole = re.compile(rf"(?:^|[^a-z0-9]){pattern}(?:$|[^a-z0-9])")
    return lambda record, seen: bool(whole.search(seen.get(name, "").lower())) != negative


def _association(portal: Portal, obj: str, wanted: dict[str, Any]) -> Match:
    operator = wanted.get("operator")
    if operator not in ("EQ", "IN"):
        raise bad_request("associations.* allows EQ and IN")
    ids = {str(value) for value in (wanted.get("values") or [wanted.get("value")])}
    return lambda record, seen: bool(ids & set(associations.linked(portal, obj, record.id)))


def _key(portal: Portal, obj: str, definition: dict[str, Any]) -> Callable[[str], Any]:
    """What two values of this property are compared by."""
    if definition["type"] == "number":

        def number(text: str) -> Decimal:
            try:
                return Decimal(text)
            except InvalidOperation:
                raise bad_request(f"{text} is not a number") from None

        return number
    if definition["type"] in ("date", "datetime"):

        def moment(text: str) -> str:
            try:
                return normalise(portal, obj, definition, text)
            except Refused as refused:
                raise bad_request(str(refused)) from None

        return moment
    return str.lower


def _sort(portal: Portal, obj: str, hits: list[tuple[Record, dict[str, str]]], sorts: list[Any]) -> None:
    hits.sort(key=lambda hit: int(hit[0].id))
    if len(sorts) > 1:
        raise bad_request("Only one sort is possible")
    for wanted in sorts:
        name = wanted if isinstance(wanted, str) else str(wanted.get("propertyName"))
        direction = "ASCENDING" if isinstance(wanted, str) else wanted.get("direction", "ASCENDING")
        definition = portal.schema[obj].live(name)
        if definition is None:
            raise bad_request(f'Property "{name}" does not exist')
        key = _key(portal, obj, definition)
        set_ones = [hit for hit in hits if hit[1].get(name)]
        unset = [hit for hit in hits if not hit[1].get(name)]
        set_ones.sort(key=lambda hit: key(hit[1][name]), reverse=direction == "DESCENDING")
        hits[:] = set_ones + unset


ROUTES = [Route("POST", f"/crm/objects/{VERSIONS}/<obj>/search", search, ("crm.objects.{obj}.read",), search=True)]
