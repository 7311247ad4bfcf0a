"""The shapes that mapping reads and returns.

The Cliniko side is a set of protocols: mapping names every field it may read, and nothing else of a record exists for
it. Treatment notes, alerts, Medicare numbers and the like are not listed, so they cannot leave Cliniko by this path.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Protocol


class Phone(Protocol):
    """One Cliniko phone entry; `phone_type` is Mobile, Home, Work, Fax or Other."""

    @property
    def number(self) -> str | None: ...
    @property
    def normalized_number(self) -> str | None: ...
    @property
    def phone_type(self) -> str | None: ...


class Named(Protocol):
    """What name matching reads of a patient or contact."""

    @property
    def first_name(self) -> str | None: ...
    @property
    def preferred_first_name(self) -> str | None: ...
    @property
    def last_name(self) -> str | None: ...


class Addressed(Protocol):
    """The postal address, in the same words for patients and contacts."""

    @property
    def address_1(self) -> str | None: ...
    @property
    def address_2(self) -> str | None: ...
    @property
    def address_3(self) -> str | None: ...
    @property
    def city(self) -> str | None: ...
    @property
    def state(self) -> str | None: ...
    @property
    def post_code(self) -> str | None: ...
    @property
    def country(self) -> str | None: ...
    @property
    def country_code(self) -> str | None: ...


class PatientRecord(Named, Addressed, Protocol):
    """Every field of a Cliniko patient that may reach HubSpot. `pronouns` is an object or a mapping of cases."""

    @property
    def id(self) -> str: ...
    @property
    def email(self) -> str | None: ...
    @property
    def title(self) -> str | None: ...
    @property
    def gender_identity(self) -> str | None: ...
    @property
    def pronouns(self) -> object | None: ...
    @property
    def date_of_birth(self) -> date | str | None: ...
    @property
    def patient_phone_numbers(self) -> Sequence[Phone] | None: ...
    @property
    def time_zone(self) -> str | None: ...
    @property
    def occupation(self) -> str | None: ...
    @property
    def accepted_email_marketing(self) -> bool | None: ...
    @property
    def accepted_sms_marketing(self) -> bool | None: ...
    @property
    def accepted_privacy_policy(self) -> bool | None: ...
    @property
    def created_at(self) -> datetime | str | None: ...
    @property
    def archived_at(self) -> datetime | str | None: ...
    @property
    def deleted_at(self) -> datetime | str | None: ...
    @property
    def merged_at(self) -> datetime | str | None: ...
    @property
    def merged_into_id(self) -> str | None: ...


class ContactRecord(Addressed, Protocol):
    """Every field of a Cliniko contact (a doctor, a payer) that may reach HubSpot."""

    @property
    def id(self) -> str: ...
    @property
    def first_name(self) -> str | None: ...
    @property
    def last_name(self) -> str | None: ...
    @property
    def preferred_name(self) -> str | None: ...
    @property
    def company_name(self) -> str | None: ...
    @property
    def email(self) -> str | None: ...
    @property
    def doctor_type(self) -> str | None: ...
    @property
    def type_code(self) -> int | None: ...
    @property
    def phone_numbers(self) -> Sequence[Phone] | None: ...


@dataclass(frozen=True, slots=True)
class ReferralText:
    """How a patient found the clinic: the type's name and, where chosen, its subcategory. Never who referred them."""

    type_name: str | None
    subcategory: str | None = None


@dataclass(frozen=True, slots=True)
class MapContext:
    """What mapping needs besides the record. `country_code` is the Cliniko account's (ISO 3166, two letters)."""

    cliniko_account_id: str
    subdomain: str | None = None
    shard: str | None = None
    country_code: str | None = None
    use_preferred_first_name: bool = False
    referral: ReferralText | None = None
    concession_name: str | None = None

    def for_record(self, referral: ReferralText | None = None, concession_name: str | None = None) -> "MapContext":
        """The same account with the facts that belong to one patient."""
        return replace(self, referral=referral, concession_name=concession_name)


@dataclass(frozen=True, slots=True)
class Problem:
    """A value that could not be used. `field` is the HubSpot property; the message holds no value of the patient."""

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class MappedRecord:
    """HubSpot property → value in the form HubSpot stores; "" is blank. Every listed property is always present."""

    values: dict[str, str]
    problems: tuple[Problem, ...] = field(default=())
