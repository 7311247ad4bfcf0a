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

    def search(self, ctx: SyncContext, conditions: Sequence[str]) -> list[Any]:
        """Records that fit, archived ones too."""
        hidden = [filters.reveal(column) for column in self.lists.updated.reveals]
        ctx.count("cliniko_reads")
        return list(self.lists.updated.lister(ctx.cliniko, q=[*conditions, *hidden], page=1, sort="id").records)


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
