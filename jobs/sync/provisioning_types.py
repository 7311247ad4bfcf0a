"""Plain data of provisioning: what an account looks like, what was asked for, what differs and what was done."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from jobs.mapping.catalogue import PIPELINES, Pipeline

PATIENT_KEY = "cliniko_patient_key"

# Told after each step: what is being done in plain words, steps done, steps in all.
Progress = Callable[[str, int, int], None]


class PipelineMode(StrEnum):
    """Where deals go.

    auto: our own pipelines when the account may have them, else contacts only (what an install without a person does).
    own: our own pipelines. default_stages: our stages inside the account's default pipeline. mapped: a pipeline that
    the customer chose. contacts_only: no deals at all.
    """

    AUTO = "auto"
    OWN = "own"
    DEFAULT_STAGES = "default_stages"
    MAPPED = "mapped"
    CONTACTS_ONLY = "contacts_only"


class PipelineSettings(Protocol):
    """The account settings that decide where deals go; a pipeline of None is our own."""

    @property
    def sync_appointments(self) -> bool: ...
    @property
    def sync_invoices(self) -> bool: ...
    @property
    def appointment_pipeline(self) -> str | None: ...
    @property
    def invoice_pipeline(self) -> str | None: ...
    @property
    def appointment_stages(self) -> Mapping[str, str]: ...
    @property
    def invoice_stages(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class PipelineTarget:
    """A customer's pipeline for one stream: its id, and our stage id → their stage id."""

    pipeline_id: str
    stages: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PipelineChoice:
    """Where the deals of which streams go. `targets` (by stream) is for the mapped mode."""

    mode: PipelineMode = PipelineMode.AUTO
    streams: tuple[str, ...] = ("appointments", "invoices")
    targets: Mapping[str, PipelineTarget] = field(default_factory=dict)

    @classmethod
    def from_settings(cls, settings: PipelineSettings) -> "PipelineChoice":
        """The choice that an account's settings amount to: mapped pipelines as set, our own otherwise."""
        streams: list[str] = []
        targets: dict[str, PipelineTarget] = {}
        if settings.sync_appointments:
            streams.append("appointments")
            if settings.appointment_pipeline:
                targets["appointments"] = PipelineTarget(settings.appointment_pipeline, settings.appointment_stages)
        if settings.sync_invoices:
            streams.append("invoices")
            if settings.invoice_pipeline:
                targets["invoices"] = PipelineTarget(settings.invoice_pipeline, settings.invoice_stages)
        if not streams:
            return cls(PipelineMode.CONTACTS_ONLY, ())
        return cls(PipelineMode.MAPPED if targets else PipelineMode.AUTO, tuple(streams), targets)

    def pipelines(self) -> tuple[Pipeline, ...]:
        """Those of our pipelines whose stream is asked for."""
        if self.mode is PipelineMode.CONTACTS_ONLY:
            return ()
        return tuple(item for item in PIPELINES if item.stream in self.streams)


@dataclass(frozen=True, slots=True)
class PortalOption:
    """A drop-down choice as the account has it; `raw` is sent back unchanged."""

    value: str
    raw: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PortalProperty:
    name: str
    label: str
    type: str
    field_type: str
    unique: bool
    options: tuple[PortalOption, ...] = ()


@dataclass(frozen=True, slots=True)
class PortalStage:
    id: str
    label: str
    order: int


@dataclass(frozen=True, slots=True)
class PortalPipeline:
    id: str
    label: str
    order: int
    stages: tuple[PortalStage, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """A limit of the account and how much of it is used; None where HubSpot did not say."""

    limit: int | None = None
    used: int | None = None

    @property
    def left(self) -> int | None:
        if self.limit is None or self.used is None:
            return None
        return max(self.limit - self.used, 0)


@dataclass(frozen=True, slots=True)
class Limits:
    """`properties` counts all custom properties; the mappings go by object type (contacts, deals)."""

    properties: Room = Room()
    properties_by_type: Mapping[str, Room] = field(default_factory=dict)
    deal_pipelines: Room = Room()
    records: Mapping[str, Room] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Portal:
    """What the account has now."""

    groups: Mapping[str, frozenset[str]]
    properties: Mapping[str, Mapping[str, PortalProperty]]
    pipelines: tuple[PortalPipeline, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as provisioned.

    what: property | pipeline | stage; problem: missing | type | unique | options.
    """

    what: str
    object_type: str
    name: str
    problem: str
    message: str


@dataclass(frozen=True, slots=True)
class Drift:
    """Everything that differs. What the customer added, renamed or moved is not drift."""

    differences: tuple[Difference, ...] = ()

    @property
    def clean(self) -> bool:
        return not self.differences

    def as_dict(self) -> dict[str, Any]:
        return {"clean": self.clean, "differences": [asdict(item) for item in self.differences]}


@dataclass(frozen=True, slots=True)
class PipelineOutcome:
    """Where one stream's deals go; a `pipeline_id` of None means no deals. stages: our id → the account's."""

    stream: str
    mode: PipelineMode
    pipeline_id: str | None
    stages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProvisionReport:
    """What a run did and what it left. `ok`: everything essential is there and the pipelines are as chosen.

    `usable_properties`, by object type: what the sync may write, ours and HubSpot's own.
    """

    ok: bool
    created: tuple[str, ...]
    repaired: tuple[str, ...]
    missing_properties: Mapping[str, tuple[str, ...]]
    usable_properties: Mapping[str, tuple[str, ...]]
    pipelines: tuple[PipelineOutcome, ...]
    drift: Drift
    limits: Limits
    messages: tuple[str, ...]

    @property
    def can_sync_patients(self) -> bool:
        """The patient key is there and unique: without it, records could be doubled."""
        spoiled = any(item.name == PATIENT_KEY for item in self.drift.differences)
        return PATIENT_KEY in self.usable_properties.get("contacts", ()) and not spoiled

    def as_dict(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "created": list(self.created),
            "repaired": list(self.repaired),
            "missing_properties": {key: list(names) for key, names in self.missing_properties.items()},
            "contact_properties": list(self.usable_properties.get("contacts", ())),
            "deal_properties": list(self.usable_properties.get("deals", ())),
            "pipelines": [
                {
                    "stream": item.stream,
                    "mode": item.mode.value,
                    "pipeline_id": item.pipeline_id,
                    "stages": dict(item.stages),
                }
                for item in self.pipelines
            ],
            "drift": self.drift.as_dict(),
            "limits": {
                "properties": asdict(self.limits.properties),
                "deal_pipelines": asdict(self.limits.deal_pipelines),
                "records": {key: asdict(room) for key, room in self.limits.records.items()},
            },
            "messages": list(self.messages),
        }
