"""What travels through an execution of a deals stream: a visit or an invoice, its mapped values and its link."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jobs.mapping.catalogue import PIPELINES
from jobs.mapping.records_deals import MappedDeal
from jobs.sync import causes
from jobs.sync.context import NotYet, SyncContext
from jobs.sync.sending import Target
from webapp.store.ledger import LinkRow

KEY_PROPERTY = "cliniko_key"
TARGET = Target("deals", KEY_PROPERTY)
# Where a deal stands: sent together or not at all, and remembered in columns of their own.
PLACE = ("pipeline", "dealstage")


@dataclass(frozen=True)
class Place:
    """A pipeline and one of its stages, by HubSpot's ids."""

    pipeline: str
    stage: str


@dataclass
class DealItem:
    """One visit or invoice. `values` are the mapped values that the account has properties for.

    `contact_id` is the HubSpot contact of its patient, None while there is none; `waits_for` then says why.
    """

    kind: str
    cliniko_id: str
    key: str
    patient_id: str | None
    practitioner_id: str | None
    mapped: MappedDeal[Any]
    # When the record, or one that it is made from, last changed in Cliniko.
    updated_at: datetime | None
    in_scope: bool
    practitioner_email: str | None = None
    values: dict[str, str] = field(default_factory=dict)
    place: Place | None = None
    digest: bytes = b""
    link: LinkRow | None = None
    contact_id: str | None = None
    waits_for: str | None = None

    @property
    def trace_id(self) -> str:
        return f"{self.kind}-{self.cliniko_id}"


@dataclass
class DealWrite:
    """One input for HubSpot and what is known of its outcome."""

    item: DealItem
    create: bool
    hubspot_id: str | None
    # What both sides last agreed on, before this write.
    agreed: dict[str, bytes]
    properties: dict[str, str]
    # Where the deal stands after this write, as far as it is ours to say.
    place: Place
    # {property: (cause, the API's own words)} of what HubSpot refused while it took the rest.
    refusals: dict[str, tuple[str, str]] = field(default_factory=dict)
    attempts: int = 0

    @property
    def trace_id(self) -> str:
        return self.item.trace_id

    @property
    def key(self) -> str:
        return self.item.key


def place_of(ctx: SyncContext, stream: str, stage_label: str) -> Place:
    """Where the account keeps deals of this stage. Raises NotYet while it has no pipeline for them."""
    known = ctx.pipelines.get(stream)
    if known is None:
        raise NotYet(causes.NO_PIPELINE, 900)
    pipeline, stages = known
    stage_id = _stage_ids(stream)[stage_label]
    return Place(pipeline, stages.get(stage_id, stage_id))


def _stage_ids(stream: str) -> Mapping[str, str]:
    ours = next(item for item in PIPELINES if item.stream == stream)
    return {stage.label: stage.id for stage in ours.stages}
