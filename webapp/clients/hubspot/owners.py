"""The people who can own records in a HubSpot account.

https://developers.hubspot.com/docs/api-reference/crm-owners-v3/guide
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from webapp.clients.hubspot.client import HubSpotClient, unexpected

PER_PAGE = 500


class Owner(msgspec.Struct, frozen=True):
    """A user, active or deactivated (`archived`)."""

    id: str
    email: str | None = None
    name: str = ""
    archived: bool = False


def list_owners(client: HubSpotClient) -> list[Owner]:
    """Every owner, the deactivated ones too. Raises ApiError."""
    return [*_pages(client, archived=False), *_pages(client, archived=True)]


def _pages(client: HubSpotClient, *, archived: bool) -> list[Owner]:
    found: list[Owner] = []
    after: str | None = None
    while True:
        params: dict[str, str | int] = {"limit": PER_PAGE, "archived": "true" if archived else "false"}
        if after is not None:
            params["after"] = after
        answer = client.request("GET", client.path("crm/owners"), params=params)
        rows = answer.get("results") if isinstance(answer, Mapping) else None
        if not isinstance(answer, Mapping) or not isinstance(rows, list):
            raise unexpected("owners")
        found.extend(_owner(row, archived) for row in rows if isinstance(row, Mapping) and row.get("id"))
        paging = answer.get("paging")
        following = paging.get("next") if isinstance(paging, Mapping) else None
        after = following.get("after") if isinstance(following, Mapping) else None
        if not after:
            return found


def _owner(row: Mapping[str, Any], archived: bool) -> Owner:
    email = row.get("email")
    names = (row.get("firstName"), row.get("lastName"))
    return Owner(
        id=str(row["id"]),
        email=email if isinstance(email, str) and email else None,
        name=" ".join(name for name in names if isinstance(name, str) and name),
        archived=archived or row.get("archived") is True,
    )
