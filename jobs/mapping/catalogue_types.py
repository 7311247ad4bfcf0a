"""The shapes of what we create in a HubSpot account."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

CONTACTS: Literal["contacts"] = "contacts"
DEALS: Literal["deals"] = "deals"
ObjectType = Literal["contacts", "deals"]


class SyncStatus(StrEnum):
    """Every value of `cliniko_sync_status`."""

    SYNCED = "Synced"
    SENT = "Sent to Cliniko"
    NOT_SENT = "Not sent to Cliniko"
    REVIEW = "Waiting for review"
    ATTENTION = "Needs attention"
    UNLINKED = "Unlinked"


class PatientStatus(StrEnum):
    """Every value of `cliniko_patient_status`."""

    ACTIVE = "Active"
    ARCHIVED = "Archived"
    MERGED = "Merged"


class AppointmentStatus(StrEnum):
    """Every value of `cliniko_appointment_status`."""

    BOOKED = "Booked"
    ARRIVED = "Arrived"
    DID_NOT_ARRIVE = "Did Not Arrive"
    CANCELLED = "Cancelled"


class InvoiceStatus(StrEnum):
    """Every value of `cliniko_invoice_status`."""

    OPEN = "Open"
    PAID = "Paid"
    CLOSED = "Closed"
    OPEN_CREDIT = "Open Credit"


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a yes/no or drop-down property."""

    value: str
    label: str


YES_NO = (Option("true", "Yes"), Option("false", "No"))


@dataclass(frozen=True, slots=True)
class Group:
    """A property group, shown as a heading on the HubSpot record."""

    object_type: ObjectType
    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Property:
    """One property. `essential` ones come first where the account allows few; `unique` can never be changed later."""

    object_type: ObjectType
    group: str
    name: str
    label: str
    type: str
    field_type: str
    description: str
    essential: bool = False
    unique: bool = False
    options: tuple[Option, ...] = ()
    form_field: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """A pipeline stage; probability "1.0" is won and "0.0" is lost."""

    id: str
    label: str
    probability: str
    order: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One of our deal pipelines and the stream that fills it."""

    id: str
    label: str
    stream: str
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the properties of one group, so that a table of them reads as one line each."""

    group: Group

    def _make(
        self,
        name: str,
        label: str,
        kind: tuple[str, str],
        options: tuple[Option, ...],
        text: str,
        *,
        essential: bool = False,
        unique: bool = False,
        form_field: bool = False,
    ) -> Property:
        return Property(
            object_type=self.group.object_type,
            group=self.group.name,
            name=name,
            label=label,
            type=kind[0],
            field_type=kind[1],
            description=text,
            essential=essential,
            unique=unique,
            form_field=form_field,
            options=options,
        )

    def text(self, name: str, label: str, text: str, **flags: bool) -> Property:
        return self._make(name, label, ("string", "text"), (), text, **flags)

    def long_text(self, name: str, label: str, text: str, **flags: bool) -> Property:
        return self._make(name, label, ("string", "textarea"), (), text, **flags)

    def number(self, name: str, label: str, text: str, **flags: bool) -> Property:
        return self._make(name, label, ("number", "number"), (), text, **flags)

    def day(self, name: str, label: str, text: str, **flags: bool) -> Property:
        return self._make(name, label, ("date", "date"), (), text, **flags)

    def moment(self, name: str, label: str, text: str, **flags: bool) -> Property:
        return self._make(name, label, ("datetime", "date"), (), text, **flags)

    def yes_no(self, name: str, label: str, text: str, **flags: bool) -> Property:
        return self._make(name, label, ("bool", "booleancheckbox"), YES_NO, text, **flags)

    def choice(self, name: str, label: str, text: str, values: type[StrEnum], **flags: bool) -> Property:
        options = tuple(Option(value, value) for value in values)
        return self._make(name, label, ("enumeration", "select"), options, text, **flags)
