"""Records of HubSpot: batch reads and writes, single reads, search. At most 100 inputs per call.

A batch that HubSpot refuses as a whole raises Rejected; refused inputs of an accepted batch are in `errors`. Every
function raises ValueError above the limits and ApiError otherwise.
https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from webapp.clients.hubspot.client import HubSpotClient, segment, unexpected
from webapp.clients.hubspot.errors_parse import batch_error
from webapp.clients.hubspot.shapes import BatchError, BatchResult, Record, SearchPage, WriteInput

__all__ = [
    "BatchError",
    "BatchResult",
    "Record",
    "SearchPage",
    "WriteInput",
    "batch_archive",
    "batch_create",
    "batch_read",
    "batch_update",
    "batch_upsert",
    "list_page",
    "merge",
    "read_batch",
    "read_one",
    "search",
]

MAX_BATCH = 100
MAX_SEARCH_PAGE = 200
T = TypeVar("T")


def batch_read(
    client: HubSpotClient,
    object_type: str,
    ids: Sequence[str],
    properties: Sequence[str],
    id_property: str | None = None,
    *,
    archived: bool = False,
    history: Sequence[str] = (),
) -> BatchResult:
    """Read by record id, or by a unique property. Ids that do not exist come back in `errors` (OBJECT_NOT_FOUND)."""
    unique = _at_most(list(dict.fromkeys(ids)))
    if not unique:
        return BatchResult([], [])
    body: dict[str, Any] = {
        "properties": list(properties),
        "propertiesWithHistory": list(history),
        "inputs": [{"id": identifier} for identifier in unique],
    }
    if id_property is not None:
        body["idProperty"] = id_property
    params = {"archived": "true"} if archived else None
    return _batch(client, object_type, "read", body, safe=True, writes=False, params=params)


def batch_update(client: HubSpotClient, object_type: str, inputs: Sequence[WriteInput]) -> BatchResult:
    """Update by record id (or each input's `id_property`). Raises Rejected for the batch as a whole."""
    return _write(client, object_type, "update", inputs, safe=True)


def batch_upsert(
    client: HubSpotClient, object_type: str, inputs: Sequence[WriteInput], id_property: str
) -> BatchResult:
    """Create or update by a unique property; the key is put among the properties too. Safe to repeat."""
    keyed = [WriteInput(i.trace_id, i.id, {**i.properties, id_property: i.id}, id_property) for i in inputs]
    return _write(client, object_type, "upsert", keyed, safe=True)


def batch_create(client: HubSpotClient, object_type: str, inputs: Sequence[WriteInput]) -> BatchResult:
    """Create without a key. Never repeated by itself: after a Retryable with `maybe_applied` look first."""
    sent = _at_most(inputs)
    if not sent:
        return BatchResult([], [])
    body = {"inputs": [{"objectWriteTraceId": i.trace_id, "properties": i.properties} for i in sent]}
    return _batch(client, object_type, "create", body, safe=False, writes=True)


def batch_archive(client: HubSpotClient, object_type: str, ids: Sequence[str]) -> None:
    """Move records to the recycle bin. Those already there are no error."""
    sent = _at_most(list(dict.fromkeys(ids)))
    if sent:
        path = client.path("crm/objects", segment(object_type), "batch/archive")
        client.request("POST", path, {"inputs": [{"id": i} for i in sent]}, safe=True)


def read_one(
    client: HubSpotClient,
    object_type: str,
    id: str,
    properties: Sequence[str],
    id_property: str | None = None,
    *,
    properties_with_history: Sequence[str] = (),
) -> Record:
    """One record. The id of a merged record answers with the survivor: compare ids. Raises NotFound."""
    params: dict[str, str | int | Sequence[str]] = {"properties": ",".join(properties)} if properties else {}
    if properties_with_history:
        params["propertiesWithHistory"] = ",".join(properties_with_history)
    if id_property is not None:
        params["idProperty"] = id_property
    kind = segment(object_type)
    shown = client.path("crm/objects", kind, "{value}") if id_property is not None else None
    answer = client.request("GET", client.path("crm/objects", kind, segment(id)), params=params, shown=shown)
    return _record(answer)


def list_page(
    client: HubSpotClient, object_type: str, properties: Sequence[str], after: str | None = None
) -> SearchPage:
    """The next hundred of all live records. Unlike a search it leaves out nothing that was written a moment ago."""
    params: dict[str, str | int | Sequence[str]] = {"limit": MAX_BATCH, "properties": ",".join(properties)}
    if after is not None:
        params["after"] = after
    return _page(client.request("GET", client.path("crm/objects", segment(object_type)), params=params), "list")


def search(
    client: HubSpotClient,
    object_type: str,
    filter_groups: Sequence[Mapping[str, Any]],
    properties: Sequence[str],
    sorts: Sequence[Mapping[str, str]] | None = None,
    limit: int = 100,
    after: str | None = None,
) -> SearchPage:
    """One page of a search. The index lags behind writes by seconds or more: never search to find out what exists."""
    if not 1 <= limit <= MAX_SEARCH_PAGE:
        raise ValueError(f"a search page holds 1 to {MAX_SEARCH_PAGE} records")
    body: dict[str, Any] = {"filterGroups": list(filter_groups), "properties": list(properties), "limit": limit}
    if sorts:
        body["sorts"] = list(sorts)
    if after is not None:
        body["after"] = after
    path = client.path("crm/objects", segment(object_type), "search")
    answer = client.request("POST", path, body, safe=True, writes=False, search=True)
    return _page(answer, "search")


def merge(client: HubSpotClient, object_type: str, primary_id: str, merged_id: str) -> Record:
    """Merge two records; the answer is the survivor, possibly under a new id. Cannot be undone, never repeated."""
    path = client.path("crm/objects", segment(object_type), "merge")
    body = {"primaryObjectId": primary_id, "objectIdToMerge": merged_id}
    return _record(client.request("POST", path, body, safe=False), wrote=True)


def _write(
    client: HubSpotClient, object_type: str, action: str, inputs: Sequence[WriteInput], *, safe: bool
) -> BatchResult:
    sent = _at_most(inputs)
    if not sent:
        return BatchResult([], [])
    return _batch(client, object_type, action, {"inputs": [_input(i) for i in sent]}, safe=safe, writes=True)


def _input(item: WriteInput) -> dict[str, Any]:
    # Without a trace id on every input one bad record would refuse the whole batch.
    body: dict[str, Any] = {"id": item.id, "objectWriteTraceId": item.trace_id, "properties": item.properties}
    if item.id_property is not None:
        body["idProperty"] = item.id_property
    return body


def _batch(
    client: HubSpotClient,
    object_type: str,
    action: str,
    body: Mapping[str, Any],
    *,
    safe: bool,
    writes: bool,
    params: Mapping[str, str] | None = None,
) -> BatchResult:
    path = client.path("crm/objects", segment(object_type), f"batch/{action}")
    return read_batch(client.request("POST", path, body, dict(params or {}), safe=safe, writes=writes), wrote=writes)


def read_batch(answer: object, *, wrote: bool = False) -> BatchResult:
    """A batch answer: 200 or 201 hold results only, 207 holds errors too. Raises Unavailable for another shape."""
    if not isinstance(answer, Mapping) or not isinstance(answer.get("results"), list):
        raise unexpected("batch", wrote=wrote)
    errors = answer.get("errors")
    return BatchResult(
        results=[_record(item, wrote=wrote) for item in answer["results"]],
        errors=[batch_error(e) for e in errors if isinstance(e, Mapping)] if isinstance(errors, list) else [],
    )


def _page(answer: object, what: str) -> SearchPage:
    if not isinstance(answer, Mapping) or not isinstance(answer.get("results"), list):
        raise unexpected(what)
    following = _inside(_inside(answer.get("paging")).get("next")).get("after")
    total = answer.get("total")
    return SearchPage(
        records=[_record(item) for item in answer["results"]],
        after=None if following is None else str(following),
        total=total if isinstance(total, int) else None,
    )


def _record(raw: object, *, wrote: bool = False) -> Record:
    identifier = raw.get("id") if isinstance(raw, Mapping) else None
    if not isinstance(raw, Mapping) or not isinstance(identifier, str | int):
        raise unexpected("record", wrote=wrote)
    properties = _inside(raw.get("properties"))
    trace = raw.get("objectWriteTraceId")
    new = raw.get("new")
    return Record(
        id=str(identifier),
        properties={str(name): None if value is None else str(value) for name, value in properties.items()},
        trace_id=trace if isinstance(trace, str) and trace else None,
        new=new if isinstance(new, bool) else None,
        archived=raw.get("archived") is True,
        history=_inside(raw.get("propertiesWithHistory")),
    )


def _inside(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _at_most(items: Sequence[T]) -> Sequence[T]:
    if len(items) > MAX_BATCH:
        raise ValueError(f"at most {MAX_BATCH} per call")
    return items
