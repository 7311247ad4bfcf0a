"""The shapes that go into and come out of HubSpot's object calls."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class WriteInput:
    """One record to write. `id` is the record id, or the value of `id_property`; `trace_id` is unique per call."""

    trace_id: str
    id: str
    properties: dict[str, str] = field(repr=False)
    id_property: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One record. A requested property without a value is None, an undefined one is absent; `new` after an upsert.

    `history` maps a property to its earlier values, newest first, where that was asked for.
    """

    id: str
    properties: dict[str, str | None] = field(default_factory=dict, repr=False)
    trace_id: str | None = None
    new: bool | None = None
    archived: bool = False
    history: dict[str, list[dict[str, Any]]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class BatchError:
    """A refused part of a batch. `holder_id` is the record that already holds a unique value.

    `message` is HubSpot's text and may hold values.
    """

    message: str = field(repr=False)
    category: str
    trace_ids: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    property_names: tuple[str, ...] = ()
    holder_id: str | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch. Results are in no order, and an input may be in neither list: account for each."""

    results: list[Record]
    errors: list[BatchError]


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of a search or of a list. `after` is None on the last page."""

    records: list[Record]
    after: str | None = None
    total: int | None = None

    @property
    def results(self) -> list[Record]:
        return self.records
