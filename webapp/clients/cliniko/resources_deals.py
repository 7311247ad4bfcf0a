"""The Cliniko lists behind appointment and invoice deals. Reading only; nothing clinical has a function here."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from webapp.clients.cliniko.client import ClinikoClient, Page
from webapp.clients.cliniko.records_deals import (
    AppointmentType,
    AppointmentTypeBillableItem,
    Attendee,
    BillableItem,
    Booking,
    ConcessionPrice,
    GroupAppointment,
    IndividualAppointment,
    Invoice,
    PatientCase,
    Tax,
)

# The time columns by which each list leaves records out; `filters.reveal` of all of them shows everything.
HIDDEN_BY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "individual_appointments": ("archived_at", "cancelled_at", "deleted_at"),
        "group_appointments": ("archived_at", "deleted_at"),
        "attendees": ("archived_at", "cancelled_at", "deleted_at"),
        "bookings": ("archived_at", "cancelled_at", "deleted_at"),
        "invoices": ("archived_at", "deleted_at"),
        "appointment_types": ("archived_at",),
        "appointment_type_billable_items": (),
        "billable_items": ("archived_at",),
        "taxes": (),
        "concession_prices": (),
        "patient_cases": ("archived_at",),
    }
)


def list_individual_appointments(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[IndividualAppointment]:
    """Appointments of one patient each."""
    path = "/individual_appointments"
    return client.page(path, "individual_appointments", IndividualAppointment, q, sort, page, per_page)


def list_group_appointments(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[GroupAppointment]:
    """Classes; who takes part is in the attendees."""
    return client.page("/group_appointments", "group_appointments", GroupAppointment, q, sort, page, per_page)


def list_attendees(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[Attendee]:
    """Patients at appointments of both kinds; `filters.id_in(ids, "booking_id")` reads those of some appointments."""
    return client.page("/attendees", "attendees", Attendee, q, sort, page, per_page)


def list_bookings(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[Booking]:
    """All entries of the calendar, to learn which kind an attendee's booking is."""
    return client.page("/bookings", "bookings", Booking, q, sort, page, per_page)


def list_invoices(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[Invoice]:
    """Invoices; a scheduler's key may not."""
    return client.page("/invoices", "invoices", Invoice, q, sort, page, per_page)


def list_appointment_types(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[AppointmentType]:
    """Kinds of appointments; old appointments still point at archived ones."""
    return client.page("/appointment_types", "appointment_types", AppointmentType, q, sort, page, per_page)


def list_appointment_type_billable_items(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[AppointmentTypeBillableItem]:
    """What every kind of appointment is billed for, in bulk."""
    path = "/appointment_type_billable_items"
    return client.page(path, "appointment_type_billable_items", AppointmentTypeBillableItem, q, sort, page, per_page)


def list_billable_items(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[BillableItem]:
    """Prices."""
    return client.page("/billable_items", "billable_items", BillableItem, q, sort, page, per_page)


def list_taxes(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[Tax]:
    """Taxes with their rates."""
    return client.page("/taxes", "taxes", Tax, q, sort, page, per_page)


def list_concession_prices(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[ConcessionPrice]:
    """Reduced prices by billable item and concession type."""
    return client.page("/concession_prices", "concession_prices", ConcessionPrice, q, sort, page, per_page)


def list_patient_cases(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[PatientCase]:
    """Cases of all patients; `filters.id_in(ids)` reads the ones that some appointments belong to."""
    return client.page("/patient_cases", "patient_cases", PatientCase, q, sort, page, per_page)
