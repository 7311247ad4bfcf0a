"""Links between deals and contacts, in batches. HubSpot's own type of link, which may be set twice without harm.

https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from webapp.clients.hubspot.client import HubSpotClient, unexpected

T = TypeVar("T")

MAX_PAIRS = 500
MAX_READ = 1000


@dataclass(frozen=True, slots=True)
class Pair:
    """A deal and a contact, by record id."""

    deal_id: str
    contact_id: str


def associate(client: HubSpotClient, pairs: Sequence[Pair]) -> set[Pair]:
    """Link each deal with its contact; returns the pairs that HubSpot confirmed. Raises ApiError."""
    confirmed: set[Pair] = set()
    for part in _parts(pairs, MAX_PAIRS):
        path = client.path("crm/associations", "deals", "contacts", "batch/associate/default")
        inputs = [{"from": {"id": pair.deal_id}, "to": {"id": pair.contact_id}} for pair in part]
        answer = client.request("POST", path, {"inputs": inputs}, safe=True)
        for item in _results(answer):
            ends = {_id(item.get("from")), _id(item.get("to"))}
            # The answer may name each link from both sides.
            confirmed |= {pair for pair in part if {pair.deal_id, pair.contact_id} == ends}
    return confirmed


def dissociate(client: HubSpotClient, pairs: Sequence[Pair]) -> None:
    """Take the links away; one that is not there is no error. Raises ApiError."""
    for part in _parts(pairs, MAX_PAIRS):
        path = client.path("crm/associations", "deals", "contacts", "batch/archive")
        inputs = [{"from": {"id": pair.deal_id}, "to": [{"id": pair.contact_id}]} for pair in part]
        client.request("POST", path, {"inputs": inputs}, safe=True)


def contacts_of(client: HubSpotClient, deal_ids: Sequence[str]) -> dict[str, list[str]]:
    """{deal: contacts linked with it}; a deal without any is left out. Raises ApiError."""
    found: dict[str, list[str]] = {}
    for part in _parts(list(dict.fromkeys(deal_ids)), MAX_READ):
        path = client.path("crm/associations", "deals", "contacts", "batch/read")
        answer = client.request("POST", path, {"inputs": [{"id": i} for i in part]}, safe=True, writes=False)
        for item in _results(answer):
            targets = item.get("to")
            linked = [str(t["toObjectId"]) for t in targets or [] if isinstance(t, Mapping) and "toObjectId" in t]
            found[_id(item.get("from"))] = linked
    return found


def _results(answer: object) -> Iterable[Mapping[str, Any]]:
    rows = answer.get("results") if isinstance(answer, Mapping) else None
    if not isinstance(rows, list):
        raise unexpected("associations")
    return [row for row in rows if isinstance(row, Mapping)]


def _id(end: object) -> str:
    return str(end.get("id", "")) if isinstance(end, Mapping) else ""


def _parts(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
