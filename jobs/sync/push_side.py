"""What differs between pushing a patient and pushing a Cliniko contact. Everything else is the same engine."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.mapping import push
from jobs.sync import contacts, patients
from jobs.sync.context import SyncContext
from jobs.sync.people_steps import PeopleLists
from webapp.clients.cliniko import filters, resources
from webapp.clients.cliniko.client import ClinikoClient

Fields = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Names:
    """A patient's or contact's names in one shape."""

    first_name: str | None
    last_name: str | None
    preferred_first_name: str | None


@dataclass(frozen=True)
class Side:
    """One kind of record: its switch, the HubSpot properties that are pushed, and its calls."""

    kind: str
    switch: str
    properties: tuple[str, ...]
    lists: PeopleLists
    fields: Fields
    get: Callable[[ClinikoClient, str], Any]
    create: Callable[[ClinikoClient, Mapping[str, Any]], Any]
    update: Callable[[ClinikoClient, str, Mapping[str, Any]], Any]

    @property
    def has_birth(self) -> bool:
        """Only patients have a birth date."""
        return self.kind == "patient"

    @staticmethod
    def named(record: Any) -> Names:
        """Its names; Cliniko calls the preferred one differently."""
        preferred = getattr(record, "preferred_first_name", None) or getattr(record, "preferred_name", None)
        return Names(record.first_name, record.last_name, preferred)

    def as_contact(self, record: Any) -> dict[str, str | None]:
        """What tells who somebody is, under HubSpot's names."""
        born = record.date_of_birth if self.has_birth else None
        return {
            "email": record.email,
            "firstname": record.first_name,
            "lastname": record.last_name,
            push.BIRTH: born.isoformat() if born else None,
        }

    def phones(self, record: Any) -> Sequence[Any]:
        """Its numbers; Cliniko names them differently."""
        numbers: Sequence[Any] = record.patient_phone_numbers if self.kind == "patient" else record.phone_numbers
        return numbers

    def countries(self, ctx: SyncContext, record: Any | None) -> tuple[str | None, ...]:
        """In which countries its numbers are read, the first that fits."""
        return (getattr(record, "country_code", None), ctx.country_code)

    def map_one(self, ctx: SyncContext, record: Any) -> dict[str, str]:
        """The record's values in HubSpot's form."""
        return self.lists.map_all(ctx, [record])[0].values

    def search(self, ctx: SyncContext, conditions: Sequence[str], pages: int = 5) -> list[Any]:
        """Records that fit, archived ones too; at most this many pages of 100."""
        hidden = [filters.reveal(column) for column in self.lists.updated.reveals]
        found: list[Any] = []
        number: int | None = 1
        while number is not None and number <= pages:
            page = self.lists.updated.lister(ctx.cliniko, q=[*conditions, *hidden], page=number, sort="id")
            ctx.count("cliniko_reads")
            found += page.records
            number = page.next_page
        return found


PATIENT = Side(
    "patient",
    "update_cliniko_patient",
    push.PATIENT_PROPERTIES,
    patients.LISTS,
    push.patient_fields,
    resources.get_patient,
    resources.create_patient,
    resources.update_patient,
)
CONTACT = Side(
    "contact",
    "update_cliniko_contact",
    push.CONTACT_PROPERTIES,
    contacts.LISTS,
    push.contact_fields,
    resources.get_contact,
    resources.create_contact,
    resources.update_contact,
)
SIDES = {side.kind: side for side in (PATIENT, CONTACT)}
