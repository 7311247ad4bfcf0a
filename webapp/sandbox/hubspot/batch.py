"""Contacts and deals up to a hundred at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from webapp.sandbox.hubspot import associations
from webapp.sandbox.hubspot.api import VERSIONS, Call, Reply, Route
from webapp.sandbox.hubspot.errors import HubSpotError, bad_request, not_found
from webapp.sandbox.hubspot.objects import find, properties_of, render, unique_property, written
from webapp.sandbox.hubspot.validation import stamp
from webapp.sandbox.hubspot.writes import Transaction

MOST = 100
One = Callable[[Transaction, dict[str, Any]], "dict[str, Any] | None"]


def _answer(call: Call, results: list[dict[str, Any]], errors: list[dict[str, Any]]) -> dict[str, Any]:
    call.sandbox.random.shuffle(results)
    at = stamp(call.now)
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return body


def _refuse_duplicates(call: Call, ids: list[str]) -> None:
    twice = [found for found, count in Counter(ids).items() if count > 1]
    if twice:
        listed = ", ".join(twice)
        raise bad_request(f"Duplicate IDs found in batch input: [{listed}]. IDs must be unique", context={"ids": twice})


def _traced(inputs: list[dict[str, Any]]) -> bool:
    """Partial success needs a trace id on every input, each its own."""
    traces = [item.get("objectWriteTraceId") for item in inputs]
    return bool(traces) and all(traces) and len(set(traces)) == len(traces)


def _write(call: Call, inputs: list[dict[str, Any]], one: One, ok: int, *, partial: bool = True) -> Reply:
    """Runs `one` for each input: all or nothing, or with trace ids each for itself (207 when some were refused)."""
    traced = partial and _traced(inputs)
    results: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    with Transaction(call.portal, call.source) as work:
        for item in inputs:
            mark = work.mark()
            try:
                made = one(work, item)
            except HubSpotError as error:
                if not traced:
                    raise
                work.rollback(*mark)
                context = {"objectWriteTraceId": [str(item["objectWriteTraceId"])]}
                if item.get("id"):
                    context["ids"] = [str(item["id"])]
                errors.append(error.batch_error(**context))
                continue
            if made is not None:
                if item.get("objectWriteTraceId"):
                    made["objectWriteTraceId"] = str(item["objectWriteTraceId"])
                results.append(made)
    return (207 if errors else ok), _answer(call, results, errors)


def create(call: Call, obj: str) -> Reply:
    def one(work: Transaction, item: dict[str, Any]) -> dict[str, Any]:
        record, warnings = work.create(obj, properties_of(item))
        associations.link_inline(call.portal, obj, record.id, item.get("associations") or [])
        return written(call.portal, obj, record, warnings)

    return _write(call, call.inputs(MOST), one, 201)


def update(call: Call, obj: str) -> Reply:
    inputs = call.inputs(MOST)
    ids = [_id_of(item) for item in inputs]
    _refuse_duplicates(call, ids)
    for name in {item["idProperty"] for item in inputs if item.get("idProperty")}:
        if name == "email":
            raise bad_request("Unable to perform update/upsert by non-unique 0-1 property email")
        unique_property(call, obj, name)

    def one(work: Transaction, item: dict[str, Any]) -> dict[str, Any] | None:
        given = _id_of(item)
        if not item.get("idProperty") and given in call.portal.stores[obj].aliases:
            return None  # HubSpot says nothing at all about a record that was merged away
        record = find(call, obj, given, item.get("idProperty"))
        if record is None:
            raise not_found(f"Could not get some {obj.upper()} objects, they may be deleted or not exist. ids: {given}")
        record, warnings = work.update(obj, record, properties_of(item))
        return written(call.portal, obj, record, warnings)

    return _write(call, inputs, one, 200)


def upsert(call: Call, obj: str) -> Reply:
    """By a unique property. By e-mail HubSpot offers no partial upsert: one bad input rejects them all."""
    inputs = call.inputs(MOST)
    _refuse_duplicates(call, [_id_of(item).strip().lower() for item in inputs])
    names = {item.get("idProperty") for item in inputs}
    if None in names or len(names) > 1:
        raise bad_request("idProperty is needed, the same for every input of an upsert")
    for name in names:
        unique_property(call, obj, str(name))

    def one(work: Transaction, item: dict[str, Any]) -> dict[str, Any]:
        name, key = item["idProperty"], _id_of(item)
        properties = properties_of(item)
        record = call.portal.stores[obj].find(name, key)
        if record is None:
            record, warnings = work.create(obj, {**properties, name: properties.get(name, key)}, upsert=True)
            return written(call.portal, obj, record, warnings) | {"new": True}
        if name == "email" and record.properties.get("email") != key.strip().lower():
            # Matched by a secondary address: the primary one stays.
            properties = {given: value for given, value in properties.items() if given != "email"}
        record, warnings = work.update(obj, record, properties)
        return written(call.portal, obj, record, warnings) | {"new": False}

    return _write(call, inputs, one, 200, partial=names != {"email"})


def read(call: Call, obj: str) -> Reply:
    body = call.json()
    inputs = call.inputs(MOST)
    history = body.get("propertiesWithHistory") or []
    if history and len(inputs) > 50:
        raise bad_request("The maximum number of inputs supported in a batch request with property history is 50")
    id_property = body.get("idProperty")
    archived = call.request.args.get("archived") == "true"
    results: dict[str, dict[str, Any]] = {}
    missing: list[str] = []
    for item in inputs:
        given = _id_of(item)
        record = find(call, obj, given, id_property, archived=archived)
        if record is None:
            missing.append(given)
        else:
            results[record.id] = render(call.portal, obj, record, body.get("properties") or [], history)
    errors = []
    if missing:
        gone = not_found(f"Could not get some {obj.upper()} objects, they may be deleted or not exist.")
        errors.append(gone.batch_error(ids=missing))
    return (207 if errors else 200), _answer(call, list(results.values()), errors)


def archive(call: Call, obj: str) -> Reply:
    inputs = call.inputs(MOST)
    with Transaction(call.portal, call.source) as work:
        for item in inputs:
            work.archive(obj, _id_of(item))
    return 204, None


def _id_of(item: dict[str, Any]) -> str:
    given = item.get("id")
    if given is None or given == "":
        raise bad_request('Invalid input JSON: field "id" is missing')
    return str(given)


_BASE = f"/crm/objects/{VERSIONS}/<obj>/batch"
_READ = ("crm.objects.{obj}.read",)
_WRITE = ("crm.objects.{obj}.write",)
ROUTES = [
    Route("POST", f"{_BASE}/create", create, _WRITE),
    Route("POST", f"{_BASE}/update", update, _WRITE),
    Route("POST", f"{_BASE}/upsert", upsert, _WRITE),
    Route("POST", f"{_BASE}/read", read, _READ),
    Route("POST", f"{_BASE}/archive", archive, _WRITE),
]
