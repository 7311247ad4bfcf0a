"""The shapes that the mapping of appointments and invoices reads and returns.

As in `records`, the Cliniko side is a set of protocols: a field that is not listed does not exist for mapping.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from jobs.mapping.records import Problem

Moment = datetime | str | None
Money = Decimal | str | int | float | None
Stage_co = TypeVar("Stage_co", bound=StrEnum, covariant=True)


class Removable(Protocol):
    """A record that Cliniko hides instead of deleting; either column may tell it."""

    @property
    def archived_at(self) -> Moment: ...
    @property
    def deleted_at(self) -> Moment: ...


class Cancellable(Protocol):
    """How a visit was called off. The free-text note is not listed."""

    @property
    def cancelled_at(self) -> Moment: ...
    @property
    def cancellation_reason(self) -> int | None: ...
    @property
    def cancellation_reason_description(self) -> str | None: ...


class GroupRecord(Removable, Protocol):
    """Every field of a group appointment that may reach HubSpot."""

    @property
    def id(self) -> str: ...
    @property
    def starts_at(self) -> Moment: ...
    @property
    def ends_at(self) -> Moment: ...


class AppointmentRecord(GroupRecord, Cancellable, Protocol):
    """Every field of an individual appointment that may reach HubSpot."""

    @property
    def did_not_arrive(self) -> bool | None: ...
    @property
    def patient_arrived(self) -> bool | None: ...
    @property
    def booked_online(self) -> bool: ...
    @property
    def patient_case_id(self) -> str | None: ...


class AttendeeRecord(Removable, Cancellable, Protocol):
    """Every field of an attendee that may reach HubSpot. `arrived` is true, false, or None while nobody has said."""

    @property
    def id(self) -> str: ...
    @property
    def arrived(self) -> bool | None: ...
    @property
    def booked_online(self) -> bool: ...
    @property
    def patient_case_id(self) -> str | None: ...


class CaseRecord(Protocol):
    """Every field of a patient case that may reach HubSpot, and the two flags that say what a session is."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str | None: ...
    @property
    def issue_date(self) -> date | str | None: ...
    @property
    def expiry_date(self) -> date | str | None: ...
    @property
    def closed(self) -> bool | None: ...
    @property
    def closed_at(self) -> Moment: ...
    @property
    def max_sessions(self) -> int | None: ...
    @property
    def max_invoiceable_amount(self) -> Money: ...
    @property
    def referral(self) -> bool | None: ...
    @property
    def include_cancelled_attendees(self) -> bool | None: ...
    @property
    def include_dna_attendees(self) -> bool | None: ...


class InvoiceRecord(Removable, Protocol):
    """Every field of an invoice that may reach HubSpot."""

    @property
    def id(self) -> str: ...
    @property
    def number(self) -> str | int | None: ...
    @property
    def issue_date(self) -> date | str | None: ...
    @property
    def status(self) -> int | None: ...
    @property
    def status_description(self) -> str | None: ...
    @property
    def closed_at(self) -> Moment: ...
    @property
    def net_amount(self) -> Money: ...
    @property
    def tax_amount(self) -> Money: ...
    @property
    def discounted_amount(self) -> Money: ...
    @property
    def total_amount(self) -> Money: ...
    @property
    def appointment_id(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class DealContext:
    """What mapping a deal needs of the account: its Cliniko address and its choices."""

    cliniko_account_id: str
    subdomain: str | None = None
    shard: str | None = None
    deal_currency: str | None = None
    include_appointment_type: bool = True
    include_case_name: bool = True


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """What belongs to one visit and stands in other records: names, the clinic's zone (IANA), price and case.

    `amount` is None while amounts are switched off or the price is not known, `case_sessions_used` when not known.
    """

    patient_name: str | None = field(default=None, repr=False)
    type_name: str | None = field(default=None, repr=False)
    practitioner_name: str | None = None
    practitioner_email: str | None = None
    business_name: str | None = None
    time_zone: str | None = None
    amount: Decimal | None = None
    case: CaseRecord | None = field(default=None, repr=False)
    case_sessions_used: int | None = None


@dataclass(frozen=True, slots=True)
class InvoiceFacts:
    """What belongs to one invoice and stands in other records. `time_zone` (IANA) is the business's."""

    patient_name: str | None = field(default=None, repr=False)
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class MappedDeal(Generic[Stage_co]):
    """HubSpot deal property → value in the form HubSpot stores; "" is blank. Every listed property is always present.

    Pipeline and stage are not among the values: they are sent only when `stage` changes, to where the account keeps it.
    """

    values: dict[str, str]
    stage: Stage_co
    problems: tuple[Problem, ...] = ()
