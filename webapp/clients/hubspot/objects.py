"""Records of HubSpot: batch reads and writes, single reads, search. At most 100 inputs per call.

https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from webapp.clients.hubspot.client import HubSpotClient

MAX_BATCH = 100


@dataclass(frozen=True, slots=True)
class WriteInput:
    """One record to write. `id` is the record id, or the value of `id_property`; `trace_id` is ours, unique per call."""

    trace_id: str
    id: str
    properties: dict[str, str] = field(repr=False)
    id_property: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One record. A requested property without a value is None, an undefined one is absent; `new` after an upsert."""

    id: str
    properties: dict[str, str | None] = field(default_factory=dict, repr=False)
    trace_id: str | None = None
    new: bool | None = None
    archived: bool = False


@dataclass(frozen=True, slots=True)
class BatchError:
    """A refused part of a batch. `holder_id` is the record that already holds a unique value. `message` may hold values."""

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
