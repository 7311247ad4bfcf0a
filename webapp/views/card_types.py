"""The shapes of the card's API, as docs/card-api.md has them: what comes in, and what goes out."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Key = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9-]{8,64}\Z")]


class SyncBody(Struct, rename="camel", forbid_unknown_fields=True):
    idempotency_key: Key


class PushBody(Struct, rename="camel", forbid_unknown_fields=True):
    idempotency_key: Key
    target: Literal["patient", "contact"]


class UnlinkBody(Struct, rename="camel", forbid_unknown_fields=True):
    idempotency_key: Key
    restore_fields: bool
    move_deals: bool


class SigninBody(Struct, rename="camel", forbid_unknown_fields=True):
    idempotency_key: Key
    page: Literal["dashboard", "onboarding", "review"]


class UnlinkPreview(Struct, rename="camel"):
    fields: list[str]
    deals: int


class PatientBlock(Struct, rename="camel"):
    id: str
    url: str | None
    status: str
    rule: str | None
    synced_at: datetime | None
    next_visit_at: datetime | None
    last_visit_at: datetime | None
    visits_known: bool
    unlink: UnlinkPreview


class ContactBlock(Struct, rename="camel"):
    id: str
    url: str | None
    rule: str | None
    synced_at: datetime | None


class SyncBlock(Struct, rename="camel"):
    status: str
    message: str | None
    at: datetime | None


class WorkBlock(Struct, rename="camel"):
    key: str | None
    action: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    message: str | None
    remedy: str | None


class WaitBlock(Struct, rename="camel"):
    service: str
    seconds: int


class SharedBlock(Struct, rename="camel"):
    patients: int


class ReviewBlock(Struct, rename="camel"):
    count: int
    cause: str
    url: str


class Permission(Struct, rename="camel"):
    allowed: bool
    reason: str | None = None


class CardAnswer(Struct, rename="camel"):
    state: str
    now: datetime
    time_zone: str | None = None
    message: str | None = None
    remedy: str | None = None
    code: str | None = None
    patient: PatientBlock | None = None
    cliniko_contact: ContactBlock | None = None
    sync: SyncBlock | None = None
    work: WorkBlock | None = None
    wait: WaitBlock | None = None
    shared: SharedBlock | None = None
    review: ReviewBlock | None = None
    actions: dict[str, Permission] = {}


class ClinikoBlock(Struct, rename="camel"):
    name: str | None
    address: str | None
    connected_at: datetime


class StreamBlock(Struct, rename="camel"):
    name: str
    on: bool
    status: str
    last_run_at: datetime | None
    records: int
    issues: int
    message: str | None = None
    remedy: str | None = None


class AccountAnswer(Struct, rename="camel"):
    state: str
    now: datetime
    time_zone: str | None = None
    message: str | None = None
    remedy: str | None = None
    code: str | None = None
    interval_minutes: int | None = None
    cliniko: ClinikoBlock | None = None
    streams: list[StreamBlock] = []
    reviews: int = 0
    issues: int = 0


class SigninAnswer(Struct, rename="camel"):
    state: str
    now: datetime
    url: str | None = None
    expires_at: datetime | None = None
    message: str | None = None
    remedy: str | None = None
