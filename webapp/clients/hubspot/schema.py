"""Property groups, properties, pipelines and stages. A pipeline is never PUT: that would purge stages left out.

https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
https://developers.hubspot.com/docs/api-reference/crm-pipelines-v3/guide
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from webapp.clients.hubspot.client import HubSpotClient, segment, unexpected

MAX_BATCH = 50


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """A property group."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class PropertyInfo:
    """A property as the account has it; `options` are the choices as HubSpot returned them."""

    name: str
    label: str
    type: str
    field_type: str
    group: str
    unique: bool
    archived: bool = False
    options: tuple[dict[str, Any], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class StageInfo:
    """A stage; `probability` as HubSpot prints it."""

    id: str
    label: str
    order: int
    probability: str | None = None


@dataclass(frozen=True, slots=True)
class PipelineInfo:
    """A deal pipeline with its stages in order."""

    id: str
    label: str
    order: int
    stages: tuple[StageInfo, ...]


def list_groups(client: HubSpotClient, object_type: str) -> list[GroupInfo]:
    """All property groups. Raises ApiError."""
    rows = _results(client.request("GET", client.path("crm/properties", segment(object_type), "groups")), "groups")
    return [GroupInfo(str(row.get("name")), str(row.get("label", ""))) for row in rows if not row.get("archived")]


def create_group(client: HubSpotClient, object_type: str, *, name: str, label: str) -> None:
    """Create a group. Raises Rejected with status 409 when it exists."""
    body = {"name": name, "label": label, "displayOrder": -1}
    # Repeated after a lost answer, HubSpot says that it exists, which the caller takes for done.
    client.request("POST", client.path("crm/properties", segment(object_type), "groups"), body, safe=True)


def list_properties(client: HubSpotClient, object_type: str) -> list[PropertyInfo]:
    """All properties that are not archived, in one answer. Raises ApiError."""
    rows = _results(client.request("GET", client.path("crm/properties", segment(object_type))), "properties")
    return [_property(row) for row in rows if not row.get("archived")]


def create_properties(
    client: HubSpotClient, object_type: str, definitions: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Create up to 50 properties in one call; returns those that HubSpot made. Raises Rejected for the whole batch."""
    if not definitions:
        return []
    if len(definitions) > MAX_BATCH:
        raise ValueError(f"at most {MAX_BATCH} properties in one call")
    path = client.path("crm/properties", segment(object_type), "batch/create")
    answer = client.request("POST", path, {"inputs": [dict(item) for item in definitions]}, safe=True)
    return _results(answer, "properties")


def create_property(client: HubSpotClient, object_type: str, definition: Mapping[str, Any]) -> None:
    """Create one property. An archived one of this name comes back. Raises Rejected (409: it exists)."""
    client.request("POST", client.path("crm/properties", segment(object_type)), dict(definition), safe=True)


def update_property(client: HubSpotClient, object_type: str, name: str, changes: Mapping[str, Any]) -> None:
    """Change a property. `options` replaces the whole list: send all of them. Raises ApiError."""
    path = client.path("crm/properties", segment(object_type), segment(name))
    client.request("PATCH", path, dict(changes), safe=True)


def list_pipelines(client: HubSpotClient, object_type: str) -> list[PipelineInfo]:
    """All pipelines that are not archived, in the account's order. Raises ApiError."""
    rows = _results(client.request("GET", client.path("crm/pipelines", segment(object_type))), "pipelines")
    found = [_pipeline(row) for row in rows if not row.get("archived")]
    return sorted(found, key=lambda item: item.order)


def create_pipeline(client: HubSpotClient, object_type: str, definition: Mapping[str, Any]) -> PipelineInfo:
    """Create a pipeline with its stages. Repeated only when it was never sent. Raises Rejected."""
    answer = client.request("POST", client.path("crm/pipelines", segment(object_type)), dict(definition), safe=False)
    if not isinstance(answer, Mapping):
        raise unexpected("pipeline", wrote=True)
    return _pipeline(answer)


def create_stage(client: HubSpotClient, object_type: str, pipeline_id: str, definition: Mapping[str, Any]) -> None:
    """Add a stage to a pipeline; the others stay as they are. Raises Rejected."""
    path = client.path("crm/pipelines", segment(object_type), segment(pipeline_id), "stages")
    client.request("POST", path, dict(definition), safe=False)


def _results(answer: object, what: str) -> list[dict[str, Any]]:
    rows = answer.get("results") if isinstance(answer, Mapping) else None
    if not isinstance(rows, list):
        raise unexpected(what)
    return [row for row in rows if isinstance(row, dict)]


def _property(row: Mapping[str, Any]) -> PropertyInfo:
    options = row.get("options")
    return PropertyInfo(
        name=str(row.get("name")),
        label=str(row.get("label", "")),
        type=str(row.get("type", "")),
        field_type=str(row.get("fieldType", "")),
        group=str(row.get("groupName", "")),
        unique=row.get("hasUniqueValue") is True,
        archived=row.get("archived") is True,
        options=tuple(item for item in options if isinstance(item, dict)) if isinstance(options, list) else (),
    )


def _pipeline(row: Mapping[str, Any]) -> PipelineInfo:
    rows = row.get("stages")
    stages = [_stage(item) for item in rows if isinstance(item, Mapping)] if isinstance(rows, list) else []
    return PipelineInfo(
        id=str(row.get("id") or row.get("pipelineId")),
        label=str(row.get("label", "")),
        order=_order(row),
        stages=tuple(sorted(stages, key=lambda stage: stage.order)),
    )


def _stage(row: Mapping[str, Any]) -> StageInfo:
    metadata = row.get("metadata")
    probability = metadata.get("probability") if isinstance(metadata, Mapping) else None
    return StageInfo(
        id=str(row.get("id") or row.get("stageId")),
        label=str(row.get("label", "")),
        order=_order(row),
        probability=None if probability is None else str(probability),
    )


def _order(row: Mapping[str, Any]) -> int:
    value = row.get("displayOrder")
    return value if isinstance(value, int) else 0
