"""The Cliniko lists and records that CRMConnect uses, and no others: nothing clinical has a function here."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from webapp.clients.cliniko import decode, filters
from webapp.clients.cliniko.client import ClinikoClient, Page
from webapp.clients.cliniko.records import (
    Account,
    Business,
    ConcessionType,
    Contact,
    Patient,
    Practitioner,
    ReferralSource,
    ReferralSourceType,
    User,
)
from webapp.clients.errors import Forbidden, NotFound, Unavailable

Access = Literal["ok", "forbidden"]


class _Settings(msgspec.Struct, frozen=True):
    """The public settings; only the account part is read."""

    account: Any = None


def list_patients(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[Patient]:
    """Patients; archived and merged ones need `filters.reveal("archived_at")`."""
    return client.page("/patients", "patients", Patient, q, sort, page, per_page)


def list_contacts(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[Contact]:
    """Third parties; hidden ones need reveals of archived_at and deleted_at."""
    return client.page("/contacts", "contacts", Contact, q, sort, page, per_page)


def list_referral_sources(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[ReferralSource]:
    """The referral source of every patient who has one, in bulk."""
    return client.page("/referral_sources", "referral_sources", ReferralSource, q, sort, page, per_page)


def list_referral_source_types(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[ReferralSourceType]:
    """The ways of being referred that this clinic has."""
    path = "/referral_source_types"
    return client.page(path, "referral_source_types", ReferralSourceType, q, sort, page, per_page)


def list_concession_types(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[ConcessionType]:
    """Kinds of reduced prices."""
    return client.page("/concession_types", "concession_types", ConcessionType, q, sort, page, per_page)


def list_practitioners(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[Practitioner]:
    """Active practitioners."""
    return client.page("/practitioners", "practitioners", Practitioner, q, sort, page, per_page)


def list_inactive_practitioners(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[Practitioner]:
    """Former practitioners; old appointments still point at them."""
    return client.page("/practitioners/inactive", "practitioners", Practitioner, q, sort, page, per_page)


def list_users(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[User]:
    """Users with their emails; only an administrator's key may."""
    return client.page("/users", "users", User, q, sort, page, per_page)


def list_businesses(
    client: ClinikoClient, *, q: Sequence[str] = (), page: int = 1, sort: str | None = "id", per_page: int = 100
) -> Page[Business]:
    """Locations."""
    return client.page("/businesses", "businesses", Business, q, sort, page, per_page)


def get_user(client: ClinikoClient) -> User:
    """The user that the key belongs to; every role may. The cheapest check of a key."""
    return client.get("/user", None, User)


def get_account(client: ClinikoClient) -> Account:
    """The Cliniko account of the key; every role may."""
    settings = client.get("/settings/public", None, _Settings)
    try:
        return decode.read(Account, settings.account)
    except decode.Unreadable as error:
        raise Unavailable("cliniko", category=str(error)) from None


def get_patient(client: ClinikoClient, patient_id: str) -> Patient:
    """One patient, archived or not. Raises NotFound only when there is none under either view."""
    path = f"/patients/{_digits(patient_id)}"
    try:
        return client.get(path, None, Patient)
    except NotFound:
        return client.get(path, {"q[]": [filters.reveal("archived_at")]}, Patient)


def get_contact(client: ClinikoClient, contact_id: str) -> Contact:
    """One contact, archived or not. Raises NotFound only when there is none under either view."""
    path = f"/contacts/{_digits(contact_id)}"
    try:
        return client.get(path, None, Contact)
    except NotFound:
        return client.get(path, {"q[]": [filters.reveal("archived_at"), filters.reveal("deleted_at")]}, Contact)


def create_patient(client: ClinikoClient, fields: Mapping[str, Any]) -> Patient:
    """Create a patient. After a Retryable with `maybe_applied`, search before trying again."""
    return client.post("/patients", fields, Patient)


def update_patient(client: ClinikoClient, patient_id: str, fields: Mapping[str, Any]) -> Patient:
    """Change the given fields. A phone array replaces the whole list: send all numbers."""
    return client.patch(f"/patients/{_digits(patient_id)}", fields, Patient)


def get_referral_source(client: ClinikoClient, patient_id: str) -> ReferralSource | None:
    """How this patient found the clinic; None when nothing is recorded."""
    try:
        return client.get(f"/patients/{_digits(patient_id)}/referral_source", None, ReferralSource)
    except NotFound:
        return None


def update_referral_source(client: ClinikoClient, patient_id: str, fields: Mapping[str, Any]) -> ReferralSource:
    """Set how this patient found the clinic; `referral_source_type_id`, and a subcategory that the type has."""
    return client.patch(f"/patients/{_digits(patient_id)}/referral_source", fields, ReferralSource)


def create_contact(client: ClinikoClient, fields: Mapping[str, Any]) -> Contact:
    """Create a contact. After a Retryable with `maybe_applied`, search before trying again."""
    return client.post("/contacts", fields, Contact)


def update_contact(client: ClinikoClient, contact_id: str, fields: Mapping[str, Any]) -> Contact:
    """Change the given fields of a contact."""
    return client.patch(f"/contacts/{_digits(contact_id)}", fields, Contact)


_PROBED: dict[str, Callable[..., Page[Any]]] = {
    "patients": list_patients,
    "contacts": list_contacts,
    "referral_sources": list_referral_sources,
    "referral_source_types": list_referral_source_types,
    "concession_types": list_concession_types,
    "practitioners": list_practitioners,
    "users": list_users,
    "businesses": list_businesses,
}
# Read through their lists only, so that a missing permission is known before it matters.
_PROBED_UNTYPED = (
    "individual_appointments",
    "group_appointments",
    "attendees",
    "bookings",
    "invoices",
    "appointment_types",
    "appointment_type_billable_items",
    "billable_items",
    "concession_prices",
    "taxes",
    "patient_cases",
)


class _Row(msgspec.Struct, frozen=True):
    id: str


def probe_lists(client: ClinikoClient) -> dict[str, Access]:
    """Which lists the key may read: one call each, one record per call. Raises ApiError for other failures."""
    found: dict[str, Access] = {}
    for name, lister in _PROBED.items():
        found[name] = _probe(lambda lister=lister: lister(client, per_page=1))  # type: ignore[misc]
    for name in _PROBED_UNTYPED:
        found[name] = _probe(lambda name=name: client.page(f"/{name}", name, _Row, per_page=1))  # type: ignore[misc]
    return found


def _probe(ask: Callable[[], object]) -> Access:
    try:
        ask()
    except Forbidden:
        return "forbidden"
    return "ok"


def _digits(record_id: str) -> str:
    if not (record_id.isascii() and record_id.isdigit()):
        raise ValueError("a Cliniko id is digits only")
    return record_id
