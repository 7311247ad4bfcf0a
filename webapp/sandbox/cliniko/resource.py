"""How a resource is described: fields, links to other records, collections, filters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MOMENT, DATE, NUMBER, STRING, FLAG, ARRAY = "date-time", "date", "number", "string", "boolean", "array"
Filters = dict[str, str]


@dataclass(frozen=True)
class Resource:
    """`fields` holds what is shown for a row without that value; `links` the resource a relation points at.

    `hides` are the time columns that take a record out of lists unless a filter on that column asks for it.
    """

    name: str
    fields: dict[str, Any]
    filters: Filters
    links: dict[str, str] = field(default_factory=dict)
    collections: dict[str, str] = field(default_factory=dict)

    @property
    def hides(self) -> tuple[str, ...]:
        return tuple(name for name in ("archived_at", "deleted_at", "cancelled_at") if name in self.filters)


def none(names: str, *, blank: str = "", **others: Any) -> dict[str, Any]:
    """Fields shown as null, as "" (`blank`), or as given."""
    return {**dict.fromkeys(names.split()), **dict.fromkeys(blank.split(), ""), **others}


def filters(times: str = "", *, strings: str = "", numbers: str = "", **others: str) -> Filters:
    return {
        "id": NUMBER,
        **dict.fromkeys(["created_at", "updated_at", *times.split()], MOMENT),
        **dict.fromkeys(strings.split(), STRING),
        **dict.fromkeys(numbers.split(), NUMBER),
        **others,
    }
