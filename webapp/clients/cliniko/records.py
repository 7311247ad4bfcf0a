"""Cliniko records with only the fields that CRMConnect uses. Every other field is dropped while reading.

Ids are text, times aware UTC, days `date`; a blank ("" or null) is None. Links are kept raw; the `…_id` properties
read them. Treatment notes, alerts, Medicare and DVA numbers and free-text notes have no field here on purpose.
"""

from datetime import date, datetime
from typing import Any

import msgspec

from webapp.clients.cliniko.decode import link_id, link_resource

__all__ = [
    "Account",
    "Business",
    "ConcessionType",
    "Contact",
    "Patient",
    "Phone",
    "Practitioner",
    "ReferralSource",
    "ReferralSourceType",
    "User",
    "link_id",
]


class Phone(msgspec.Struct, frozen=True, kw_only=True):
    """One phone entry. `phone_type`: Mobile, Home, Work, Fax or Other; `normalized_number` is read-only."""

    number: str | None = None
    normalized_number: str | None = None
    phone_type: str | None = None


class Patient(msgspec.Struct, frozen=True, kw_only=True):
    """A patient."""

    id: str
    first_name: str | None = None
    last_name: str | None = None
    preferred_first_name: str | None = None
    title: str | None = None
    email: str | None = None
    patient_phone_numbers: tuple[Phone, ...] = ()
    date_of_birth: date | None = None
    address_1: str | None = None
    address_2: str | None = None
    address_3: str | None = None
    city: str | None = None
    state: str | None = None
    post_code: str | None = None
    country: str | None = None
    country_code: str | None = None
    time_zone: str | None = None
    gender_identity: str | None = None
    pronouns: Any = None
    occupation: str | None = None
    accepted_email_marketing: bool | None = None
    accepted_sms_marketing: bool | None = None
    accepted_privacy_policy: bool | None = None
    concession_type: Any = None
    archived_at: datetime | None = None
    deleted_at: datetime | None = None
    merged_at: datetime | None = None
    merged_with_patient: Any = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def concession_type_id(self) -> str | None:
        return link_id(self.concession_type, "concession_types")

    @property
    def merged_into_id(self) -> str | None:
        """The patient that survived a merge; this one is archived."""
        return link_id(self.merged_with_patient, "patients")


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A third party: a doctor, a payer, a supplier. `type_code` 1 is a doctor."""

    id: str
    first_name: str | None = None
    last_name: str | None = None
    preferred_name: str | None = None
    company_name: str | None = None
    title: str | None = None
    email: str | None = None
    phone_numbers: tuple[Phone, ...] = ()
    doctor_type: str | None = None
    type: str | None = None
    type_code: int | None = None
    occupation: str | None = None
    address_1: str | None = None
    address_2: str | None = None
    address_3: str | None = None
    city: str | None = None
    state: str | None = None
    post_code: str | None = None
    country: str | None = None
    country_code: str | None = None
    archived_at: datetime | None = None
    deleted_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class ReferralSource(msgspec.Struct, frozen=True, kw_only=True):
    """How one patient found the clinic. The free-text notes are not read."""

    id: str
    subcategory: str | None = None
    patient: Any = None
    referral_source_type: Any = None
    referrer: Any = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def patient_id(self) -> str | None:
        return link_id(self.patient, "patients")

    @property
    def referral_source_type_id(self) -> str | None:
        return link_id(self.referral_source_type, "referral_source_types")

    @property
    def referrer_id(self) -> str | None:
        return link_id(self.referrer)

    @property
    def referrer_kind(self) -> str | None:
        """`patients` or `contacts`."""
        return link_resource(self.referrer)


class ReferralSourceType(msgspec.Struct, frozen=True, kw_only=True):
    """A way of being referred. `referrer_type`: Patient, Contact or None."""

    id: str
    name: str | None = None
    referrer_type: str | None = None
    subcategories: tuple[str, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None


class ConcessionType(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of reduced price."""

    id: str
    name: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person who signs in to Cliniko. `role`: see Cliniko's roles, lower case."""

    id: str
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    role: str | None = None
    active: bool | None = None
    user_active: bool | None = None
    time_zone: str | None = None
    time_zone_identifier: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Practitioner(msgspec.Struct, frozen=True, kw_only=True):
    """A practitioner; the email is on the user behind it."""

    id: str
    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None
    label: str | None = None
    display_name: str | None = None
    designation: str | None = None
    active: bool | None = None
    user: Any = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def user_id(self) -> str | None:
        return link_id(self.user, "users")


class Business(msgspec.Struct, frozen=True, kw_only=True):
    """A location of the clinic. `time_zone_identifier` is an IANA name, `time_zone` a label."""

    id: str
    business_name: str | None = None
    display_name: str | None = None
    label: str | None = None
    city: str | None = None
    state: str | None = None
    post_code: str | None = None
    country: str | None = None
    country_code: str | None = None
    time_zone: str | None = None
    time_zone_identifier: str | None = None
    archived_at: datetime | None = None
    deleted_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The Cliniko account behind a key. `country_code` is ISO 3166, two letters; there is no currency code."""

    id: str
    name: str | None = None
    country: str | None = None
    country_code: str | None = None
    subdomain: str | None = None
    currency_symbol: str | None = None
    time_zone: str | None = None
