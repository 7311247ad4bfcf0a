"""What HubSpot says of an account and of its limits.

https://developers.hubspot.com/docs/api-reference/account-account-info-v3/guide
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webapp.clients.hubspot.client import HubSpotClient, unexpected

# HubSpot's numbers of the two kinds of record that we use.
OBJECT_TYPE_IDS = {"0-1": "contacts", "0-3": "deals"}


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """`ui_domain` is the host of HubSpot's own pages for this account, `currency` an ISO 4217 code."""

    hub_id: int
    account_type: str | None
    time_zone: str | None
    currency: str | None
    ui_domain: str | None


@dataclass(frozen=True, slots=True)
class Usage:
    """A limit and what is used of it; None where HubSpot did not say."""

    limit: int | None = None
    used: int | None = None


@dataclass(frozen=True, slots=True)
class PropertyUsage:
    """Custom properties in all, and by object type."""

    overall: Usage
    by_type: dict[str, Usage]


def details(client: HubSpotClient) -> AccountDetails:
    """Name, zone and currency of the account. Raises ApiError."""
    data = client.request("GET", client.path("account-info", "details"))
    if not isinstance(data, Mapping):
        raise unexpected("account")
    return AccountDetails(
        hub_id=_whole(data.get("portalId")) or client.hub_id,
        account_type=_text(data.get("accountType")),
        time_zone=_text(data.get("timeZone")),
        currency=_text(data.get("companyCurrency")),
        ui_domain=_text(data.get("uiDomain")),
    )


def custom_property_limits(client: HubSpotClient) -> PropertyUsage:
    """How many custom properties the account may have. Raises ApiError."""
    data = _limits(client, "custom-properties")
    overall = Usage(_whole(data.get("overallLimit")), _whole(data.get("overallUsage")))
    return PropertyUsage(overall, dict(_by_type(data.get("byObjectType"))))


def deal_pipeline_limit(client: HubSpotClient) -> Usage:
    """How many deal pipelines the account may have; `used` may leave out the default one. Raises ApiError."""
    data = _limits(client, "pipelines")
    return dict(_by_type(data.get("hubspotDefinedObjectTypes"))).get("deals", Usage())


def record_limits(client: HubSpotClient) -> dict[str, Usage]:
    """How many contacts and deals the account may hold. Raises ApiError."""
    data = _limits(client, "records")
    return dict(_by_type(data.get("hubspotDefinedObjectTypes")))


def uninstall(client: HubSpotClient) -> None:
    """Remove our app from the account; HubSpot tells its admins by mail. Raises ApiError."""
    client.request("DELETE", client.path("appinstalls", "external-install"))


def _limits(client: HubSpotClient, what: str) -> Mapping[str, Any]:
    data = client.request("GET", client.path("crm/limits", what))
    if not isinstance(data, Mapping):
        raise unexpected("limits")
    return data


def _by_type(items: object) -> Iterator[tuple[str, Usage]]:
    for item in items if isinstance(items, list) else []:
        if isinstance(item, Mapping):
            kind = OBJECT_TYPE_IDS.get(str(item.get("objectTypeId")))
            if kind is not None:
                yield kind, Usage(_whole(item.get("limit")), _whole(item.get("usage")))


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
