"""The contacts stream: third parties such as doctors and payers. Its siblings have the same names."""

from collections.abc import Sequence
from typing import Any

from jobs.mapping.contact import contact_own_property_names, map_contact
from jobs.mapping.records import MapContext, MappedRecord
from jobs.sync import causes, indexing, people_steps
from jobs.sync.context import NotYet, SyncContext
from jobs.sync.items import PersonKind
from jobs.sync.people_steps import PeopleLists
from jobs.sync.reading import PolledList
from webapp.clients.cliniko import resources
from webapp.store import cursors, streams

STREAM = "contacts"
SPEC = PersonKind(
    "contact",
    STREAM,
    "cliniko_contact_key",
    indexing.known_contact,
    yields_to="patient",
    own_properties=frozenset(contact_own_property_names()),
)
HIDDEN = ("archived_at", "deleted_at")

INDEX = PolledList("contacts.index", resources.list_contacts, None, HIDDEN)
UPDATED = PolledList("contacts.updated_at", resources.list_contacts, "updated_at", HIDDEN)
ARCHIVED = PolledList("contacts.archived_at", resources.list_contacts, "archived_at", HIDDEN)
DELETED = PolledList("contacts.deleted_at", resources.list_contacts, "deleted_at", HIDDEN)


def run_step(ctx: SyncContext) -> bool:
    """One execution: at most 100 records of the list whose turn it is. True when the cycle has nothing left to do."""
    patients = streams.get_stream(ctx.hub_id, "patients")
    if ctx.settings.sync_patients and patients is not None and patients.last_success_at is None:
        # An address that a patient and a doctor share belongs to the patient.
        raise NotYet(causes.AFTER_PATIENTS, 15)
    return people_steps.run_step(ctx, LISTS, cursors.all_of(ctx.connection_id))


def on_reread(ctx: SyncContext) -> None:
    """A setting asked for a full re-read: plan it and tick it off; the caller commits."""
    people_steps.start_over(ctx, LISTS)
    streams.take_reread(ctx.hub_id, STREAM)


def map_all(ctx: SyncContext, contacts: Sequence[Any]) -> list[MappedRecord]:
    """The mapped values of these contacts."""
    context = MapContext(
        cliniko_account_id=ctx.cliniko_account_id,
        subdomain=ctx.subdomain,
        shard=ctx.shard,
        country_code=ctx.country_code,
        use_preferred_first_name=ctx.settings.use_preferred_first_name,
    )
    return [map_contact(contact, context=context) for contact in contacts]


LISTS = PeopleLists(SPEC, INDEX, UPDATED, (ARCHIVED, DELETED), map_all)
