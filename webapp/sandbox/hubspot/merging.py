"""Merging two records into one, and erasing a contact for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webapp.sandbox.hubspot import associations
from webapp.sandbox.hubspot.errors import bad_request, not_found
from webapp.sandbox.hubspot.records import Record, Version, split_emails
from webapp.sandbox.hubspot.validation import stamp

if TYPE_CHECKING:
    from webapp.sandbox.hubspot.writes import Transaction

_OWN = ("hs_object_id", "createdate", "hs_createdate", "lastmodifieddate", "hs_lastmodifieddate")


def merge(work: Transaction, obj: str, primary_id: str, merged_id: str) -> Record:
    """The primary's values win, the other fills its gaps. The survivor gets a new id, unless the portal preserves
    the primary's; old ids lead to the survivor. A merge cannot be undone.
    """
    portal, store = work.portal, work.store(obj)
    primary, other = store.get(primary_id), store.get(merged_id)
    if primary is None or other is None:
        raise not_found(f"No {obj} found with id {merged_id if primary else primary_id}")
    if primary is other:
        raise bad_request("Cannot merge a record with itself")
    store.unindex(primary)
    store.unindex(other)
    values = {name: value for name, value in other.properties.items() if name not in _OWN}
    moved = len([name for name in values if name not in primary.properties])
    values |= {name: value for name, value in primary.properties.items() if name not in _OWN}
    emails = []
    for record in (primary, other):
        emails += [record.properties.get("email", ""), *split_emails(record.properties.get("hs_additional_emails"))]
    secondary = list(dict.fromkeys(email for email in emails if email and email != values.get("email")))
    values.pop("hs_additional_emails", None)
    if secondary:
        values["hs_additional_emails"] = ";".join(secondary)
    former = [part for record in (primary, other) for part in _merged_ids(record)]
    survivor = Record(primary.id if portal.preserve_primary_id else store.allocate(), primary.created_at, work.now)
    gone = [record.id for record in (primary, other) if record.id != survivor.id]
    values["hs_merged_object_ids"] = ";".join(dict.fromkeys([*former, *gone]))
    if obj == "contacts":
        at = int(work.now.timestamp() * 1000)
        values["hs_calculated_merged_vids"] = ";".join(f"{old}:{at}" for old in gone)
    moment = stamp(primary.created_at)
    values |= {"hs_object_id": survivor.id, "createdate": moment, "hs_createdate": moment}
    values["lastmodifieddate" if obj == "contacts" else "hs_lastmodifieddate"] = stamp(work.now)
    survivor.properties = values
    survivor.history = {name: list(versions) for name, versions in primary.history.items()}
    for name, value in values.items():
        kept = survivor.history.setdefault(name, [])
        if not kept or kept[-1].value != value:
            kept.append(Version(value, work.now, work.source))
    for old in gone:
        store.by_id.pop(old, None)
        store.aliases[old] = survivor.id
        associations.move(portal, obj, old, survivor.id)
    store.by_id[survivor.id] = survivor
    store.index(survivor)
    work.event(
        "merge",
        obj,
        survivor.id,
        primaryObjectId=int(primary.id),
        mergedObjectIds=[int(other.id)],
        newObjectId=int(survivor.id),
        numberOfPropertiesMoved=moved,
    )
    return survivor


def _merged_ids(record: Record) -> list[str]:
    return [part for part in record.properties.get("hs_merged_object_ids", "").split(";") if part]


def privacy_delete(work: Transaction, contact_id: str) -> None:
    """Removes a contact and its content; the address cannot come back."""
    store = work.store("contacts")
    record = store.get(contact_id) or store.get(contact_id, archived=True)
    if record is None:
        raise not_found(f"Contact {contact_id} was not found")
    addresses = [record.properties.get("email", ""), *split_emails(record.properties.get("hs_additional_emails"))]
    work.portal.erased_emails.update(address for address in addresses if address)
    store.unindex(record)
    store.by_id.pop(record.id)
    associations.forget(work.portal, "contacts", record.id)
    work.event("privacyDeletion", "contacts", record.id)
