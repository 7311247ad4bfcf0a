"""Reads what a HubSpot account has and what it may have. Nothing is changed here."""

from jobs.mapping.catalogue import OBJECT_TYPES
from jobs.sync.provisioning_types import (
    Limits,
    Portal,
    PortalOption,
    PortalPipeline,
    PortalProperty,
    PortalStage,
    Room,
)
from webapp.clients.errors import Forbidden, NotFound
from webapp.clients.hubspot import account, schema
from webapp.clients.hubspot.account import PropertyUsage, Usage
from webapp.clients.hubspot.client import HubSpotClient


def read_portal(client: HubSpotClient) -> Portal:
    """Groups, properties and deal pipelines as they are now; five calls. Raises the client's errors."""
    return Portal(
        groups={kind: frozenset(group.name for group in schema.list_groups(client, kind)) for kind in OBJECT_TYPES},
        properties={
            kind: {item.name: _property(item) for item in schema.list_properties(client, kind)} for kind in OBJECT_TYPES
        },
        pipelines=tuple(_pipeline(item) for item in schema.list_pipelines(client, "deals")),
    )


def read_limits(client: HubSpotClient) -> Limits:
    """What the account's plan allows. A limit that HubSpot does not tell counts as unknown, never as none."""
    properties = _custom_properties(client)
    return Limits(
        properties=_room(properties.overall),
        properties_by_type={kind: _room(usage) for kind, usage in properties.by_type.items()},
        deal_pipelines=_room(_deal_pipelines(client)),
        records={kind: _room(usage) for kind, usage in _records(client).items()},
    )


def _custom_properties(client: HubSpotClient) -> PropertyUsage:
    try:
        return account.custom_property_limits(client)
    except (Forbidden, NotFound):
        return PropertyUsage(Usage(), {})


def _deal_pipelines(client: HubSpotClient) -> Usage:
    try:
        return account.deal_pipeline_limit(client)
    except (Forbidden, NotFound):
        return Usage()


def _records(client: HubSpotClient) -> dict[str, Usage]:
    try:
        return account.record_limits(client)
    except (Forbidden, NotFound):
        return {}


def _room(usage: Usage) -> Room:
    return Room(usage.limit, usage.used)


def _property(item: schema.PropertyInfo) -> PortalProperty:
    return PortalProperty(
        name=item.name,
        label=item.label,
        type=item.type,
        field_type=item.field_type,
        unique=item.unique,
        options=tuple(PortalOption(str(option.get("value", "")), option) for option in item.options),
    )


def _pipeline(item: schema.PipelineInfo) -> PortalPipeline:
    stages = tuple(PortalStage(stage.id, stage.label, stage.order) for stage in item.stages)
    return PortalPipeline(item.id, item.label, item.order, stages)
