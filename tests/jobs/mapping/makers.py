"""Patients and contacts for mapping tests: plain records with every field that mapping may read."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class PhoneEntry:
    number: str | None
    phone_type: str | None = "Mobile"
    normalized_number: str | None = None


@dataclass
class PatientEntry:
    id: str = "82"
    first_name: str | None = "Zoë"
    preferred_first_name: str | None = None
    last_name: str | None = "O'Brien"
    title: str | None = None
    email: str | None = None
    patient_phone_numbers: list[PhoneEntry] | None = field(default_factory=list)
    date_of_birth: Any = None
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
    created_at: Any = None
    archived_at: Any = None
    deleted_at: Any = None
    merged_at: Any = None
    merged_into_id: str | None = None


@dataclass
class ContactEntry:
    id: str = "9"
    first_name: str | None = None
    last_name: str | None = None
    preferred_name: str | None = None
    company_name: str | None = None
    email: str | None = None
    doctor_type: str | None = None
    type_code: int | None = None
    phone_numbers: list[PhoneEntry] | None = None
    address_1: str | None = None
    address_2: str | None = None
    address_3: str | None = None
    city: str | None = None
    state: str | None = None
    post_code: str | None = None
    country: str | None = None
    country_code: str | None = None
