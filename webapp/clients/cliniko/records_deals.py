"""Cliniko's appointments, invoices and price lists, with only the fields that become part of a deal.

As in `records`: what has no field here is dropped while reading. Notes of every kind, cancellation notes, secret links
and postal text have none. Of the address that an online booking came from only "there was one" is kept.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from webapp.clients.cliniko.decode import link_id, link_resource

# One id space: an invoice links to `/appointments/ID`, an attendee to `/bookings/ID`, older answers to the exact kind.
_APPOINTMENT_PATHS = frozenset({"appointments", "bookings", "individual_appointments", "group_appointments"})

BookingKind = Literal["individual", "group", "block"]


class IndividualAppointment(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment of one patient. Its attendee knows better than `did_not_arrive` and `patient_arrived`."""

    id: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    patient: Any = None
    practitioner: Any = None
    business: Any = None
    appointment_type: Any = None
    patient_case: Any = None
    cancelled_at: datetime | None = None
    cancellation_reason: int | None = None
    cancellation_reason_description: str | None = None
    did_not_arrive: bool | None = None
    patient_arrived: bool | None = None
    online_booking_policy_accepted: bool | None = None
    came_from_address: Any = msgspec.field(default=None, name="booking_ip_address")
    archived_at: datetime | None = None
    deleted_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "came_from_address", self.came_from_address is not None)

    @property
    def patient_id(self) -> str | None:
        return link_id(self.patient, "patients")

    @property
    def practitioner_id(self) -> str | None:
        return link_id(self.practitioner, "practitioners")

    @property
    def business_id(self) -> str | None:
        return link_id(self.business, "businesses")

    @property
    def appointment_type_id(self) -> str | None:
        return link_id(self.appointment_type, "appointment_types")

    @property
    def patient_case_id(self) -> str | None:
        return link_id(self.patient_case, "patient_cases")

    @property
    def booked_online(self) -> bool:
        return bool(self.came_from_address) or self.online_booking_policy_accepted is True


class GroupAppointment(msgspec.Struct, frozen=True, kw_only=True):
    """A class. Patients, arrival and cancellation are on its attendees."""

    id: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    practitioner: Any = None
    business: Any = None
    appointment_type: Any = None
    archived_at: datetime | None = None
    deleted_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def practitioner_id(self) -> str | None:
        return link_id(self.practitioner, "practitioners")

    @property
    def business_id(self) -> str | None:
        return link_id(self.business, "businesses")

    @property
    def appointment_type_id(self) -> str | None:
        return link_id(self.appointment_type, "appointment_types")


class Attendee(msgspec.Struct, frozen=True, kw_only=True):
    """One patient at one appointment. `arrived`: true came, false did not, None nobody has said."""

    id: str
    arrived: bool | None = None
    booking: Any = None
    patient: Any = None
    patient_case: Any = None
    cancelled_at: datetime | None = None
    cancellation_reason: int | None = None
    cancellation_reason_description: str | None = None
    online_booking_policy_accepted: bool | None = None
    came_from_address: Any = msgspec.field(default=None, name="booking_ip_address")
    archived_at: datetime | None = None
    deleted_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "came_from_address", self.came_from_address is not None)

    @property
    def booking_id(self) -> str | None:
        """The id of the appointment, individual or group; both share one id space."""
        return _appointment_id(self.booking)

    @property
    def patient_id(self) -> str | None:
        return link_id(self.patient, "patients")

    @property
    def patient_case_id(self) -> str | None:
        return link_id(self.patient_case, "patient_cases")

    @property
    def booked_online(self) -> bool:
        return bool(self.came_from_address) or self.online_booking_policy_accepted is True


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """Any entry of the calendar: only which kind it is."""

    id: str
    patient: Any = None
    max_attendees: int | None = None
    attendees: Any = None
    archived_at: datetime | None = None
    deleted_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def kind(self) -> BookingKind:
        """`block` is busy time of the staff. The link to the attendees names the kind where nothing else does."""
        links = self.attendees.get("links") if isinstance(self.attendees, Mapping) else None
        address = links.get("self") if isinstance(links, Mapping) else None
        path = address if isinstance(address, str) else ""
        if link_id(self.patient, "patients") is not None or "/individual_appointments/" in path:
            return "individual"
        return "group" if self.max_attendees is not None or "/group_appointments/" in path else "block"


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice. `status`: 10 open, 20 paid, 30 closed, 40 open credit. `number` is what is printed on it."""

    id: str
    number: str | None = None
    issue_date: date | None = None
    status: int | None = None
    status_description: str | None = None
    closed_at: datetime | None = None
    net_amount: Decimal | None = None
    tax_amount: Decimal | None = None
    discounted_amount: Decimal | None = None
    total_amount: Decimal | None = None
    appointment: Any = None
    business: Any = None
    patient: Any = None
    practitioner: Any = None
    archived_at: datetime | None = None
    deleted_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def appointment_id(self) -> str | None:
        """None for a sale of products or an invoice made by hand."""
        return _appointment_id(self.appointment)

    @property
    def business_id(self) -> str | None:
        return link_id(self.business, "businesses")

    @property
    def patient_id(self) -> str | None:
        return link_id(self.patient, "patients")

    @property
    def practitioner_id(self) -> str | None:
        return link_id(self.practitioner, "practitioners")


class AppointmentType(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of appointment. The single billable item is the old form of the list of them."""

    id: str
    name: str | None = None
    max_attendees: int | None = None
    billable_item: Any = None
    archived_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def billable_item_id(self) -> str | None:
        return link_id(self.billable_item, "billable_items")


class AppointmentTypeBillableItem(msgspec.Struct, frozen=True, kw_only=True):
    """What an appointment of a type is billed for, how often and with which discount."""

    id: str
    appointment_type: Any = None
    billable_item: Any = None
    quantity: Decimal | None = None
    discount_percentage: Decimal | None = None
    discounted_amount: Decimal | None = None
    is_monetary_discount: bool | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def appointment_type_id(self) -> str | None:
        return link_id(self.appointment_type, "appointment_types")

    @property
    def billable_item_id(self) -> str | None:
        return link_id(self.billable_item, "billable_items")


class BillableItem(msgspec.Struct, frozen=True, kw_only=True):
    """The price of a service. Without a tax link it is not taxed."""

    id: str
    price: Decimal | None = None
    tax: Any = None
    archived_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def tax_id(self) -> str | None:
        return link_id(self.tax, "taxes")


class Tax(msgspec.Struct, frozen=True, kw_only=True):
    """A tax. `rate` is per cent; Cliniko's `amount` repeats the rate and is not money, so it is not read."""

    id: str
    rate: Decimal | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class ConcessionPrice(msgspec.Struct, frozen=True, kw_only=True):
    """The price of a billable item for patients of one concession type; None leaves the ordinary price."""

    id: str
    price: Decimal | None = None
    billable_item: Any = None
    concession_type: Any = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def billable_item_id(self) -> str | None:
        return link_id(self.billable_item, "billable_items")

    @property
    def concession_type_id(self) -> str | None:
        return link_id(self.concession_type, "concession_types")


class PatientCase(msgspec.Struct, frozen=True, kw_only=True):
    """A course of treatment with its limits. Its notes and the kind of referral are not read."""

    id: str
    name: str | None = None
    issue_date: date | None = None
    expiry_date: date | None = None
    closed: bool | None = None
    closed_at: datetime | None = None
    max_sessions: int | None = None
    max_invoiceable_amount: Decimal | None = None
    referral: bool | None = None
    include_cancelled_attendees: bool | None = None
    include_dna_attendees: bool | None = None
    patient: Any = None
    attendees_listed: Any = msgspec.field(default=None, name="attendee_ids")
    archived_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def patient_id(self) -> str | None:
        return link_id(self.patient, "patients")

    @property
    def attendee_ids(self) -> tuple[str, ...]:
        """Old answers have numbers where new ones have text."""
        listed = self.attendees_listed if isinstance(self.attendees_listed, list | tuple) else ()
        return tuple(str(item) for item in listed if not isinstance(item, bool) and str(item).isdecimal())


def _appointment_id(value: object) -> str | None:
    return link_id(value) if link_resource(value) in _APPOINTMENT_PATHS else None
