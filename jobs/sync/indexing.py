"""The identity index: HMACs by which people are recognised, from the Cliniko records of one page."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from jobs.mapping import identity
from jobs.sync import tags
from jobs.sync.context import SyncContext
from webapp.store import people


@dataclass(frozen=True)
class Known:
    """The normalised identity of one Cliniko record, in memory only."""

    cliniko_id: str
    email: str | None
    first: str | None
    preferred: str | None
    last: str | None
    birth: date | None
    phones: tuple[str, ...]
    archived: bool
    merged_into: str | None
    concession_id: str | None = None

    @property
    def first_names(self) -> frozenset[str]:
        return frozenset(name for name in (self.first, self.preferred) if name)


def known_patient(patient: Any, country_code: str | None) -> Known:
    """From a decoded patient."""
    return Known(
        cliniko_id=patient.id,
        email=identity.email_key(patient.email),
        first=identity.name_key(patient.first_name),
        preferred=identity.name_key(patient.preferred_first_name),
        last=identity.name_key(patient.last_name),
        birth=patient.date_of_birth,
        phones=tuple(identity.phone_keys(patient.patient_phone_numbers, patient.country_code, country_code)),
        archived=patient.archived_at is not None or patient.deleted_at is not None,
        merged_into=patient.merged_into_id,
        concession_id=patient.concession_type_id,
    )


def known_contact(contact: Any, country_code: str | None) -> Known:
    """From a decoded Cliniko contact. A company without names goes by its own name, as in HubSpot."""
    nameless = not (contact.first_name or contact.last_name)
    return Known(
        cliniko_id=contact.id,
        email=identity.email_key(contact.email),
        first=identity.name_key(contact.first_name),
        preferred=identity.name_key(contact.preferred_name),
        last=identity.name_key(contact.company_name if nameless else contact.last_name),
        birth=None,
        phones=tuple(identity.phone_keys(contact.phone_numbers, contact.country_code, country_code)),
        archived=contact.archived_at is not None or contact.deleted_at is not None,
        merged_into=None,
    )


def index(ctx: SyncContext, kind: str, records: Sequence[Any], known: Sequence[Known]) -> set[str]:
    """Write what changed of these people; the caller commits. Returns the ids of those whose deals say something else
    now: they go by another name, were merged into somebody, or pay another price."""
    stored = people.digests(ctx.connection_id, kind, [k.cliniko_id for k in known])
    rows: dict[str, dict[str, Any]] = {}
    terms: dict[str, Collection[bytes]] = {}
    for record, person in zip(records, known, strict=True):
        display = _display(record)
        digest = tags.tag(ctx.digest_key, "index", f"{person!r}{display}")
        before = stored.get(person.cliniko_id)
        if before is not None and before.digest == digest:
            continue
        rows[person.cliniko_id] = _row(ctx, kind, person, digest, display)
        words = {word for name in (record.first_name, record.last_name) for word in identity.name_words(name)}
        terms[person.cliniko_id] = {
            *(tags.tag(ctx.digest_key, "phone", phone) for phone in person.phones),
            *(tags.tag(ctx.digest_key, "word", word) for word in words),
        }
    renamed = _renamed(ctx, kind, {i: row for i, row in rows.items() if i in stored}, stored)
    people.save(list(rows.values()), terms)
    return renamed


def _renamed(
    ctx: SyncContext, kind: str, rows: Mapping[str, Mapping[str, Any]], stored: Mapping[str, people.IndexedAs]
) -> set[str]:
    shown = people.display_rows(ctx.hub_id, ctx.connection_id, kind, rows)
    found: set[str] = set()
    for cliniko_id, row in rows.items():
        before = stored[cliniko_id]
        priced = ctx.settings.add_amount_to_appointments and before.concession_id != row["concession_id"]
        if priced or before.merged_into != row["merged_into"] or _names(shown[cliniko_id]) != _names(row["display"]):
            found.add(cliniko_id)
    return found


def _names(display: str) -> tuple[Any, Any]:
    """As they stand on deals, to the letter."""
    values = json.loads(display)
    return values.get("name"), values.get("called")


def _row(ctx: SyncContext, kind: str, person: Known, digest: bytes, display: str) -> dict[str, Any]:
    key = ctx.digest_key
    return {
        "connection_id": ctx.connection_id,
        "kind": kind,
        "cliniko_id": person.cliniko_id,
        "hub_id": ctx.hub_id,
        "email_hmac": tags.optional(key, "email", person.email),
        "first_hmac": tags.optional(key, "name", person.first),
        "preferred_hmac": tags.optional(key, "name", person.preferred),
        "last_hmac": tags.optional(key, "name", person.last),
        "birth_hmac": tags.birth(key, person.birth),
        "archived": person.archived,
        "merged_into": person.merged_into,
        "concession_id": person.concession_id,
        "digest": digest,
        "display": display,
    }


def _display(record: Any) -> str:
    """What a page shows of a person: name, email, birth date. Stored encrypted."""
    name = " ".join(part for part in (record.first_name, record.last_name) if part)
    name = name or getattr(record, "company_name", None) or ""
    born = getattr(record, "date_of_birth", None)
    preferred = getattr(record, "preferred_first_name", None)
    called = " ".join(part for part in (preferred, record.last_name) if part) if preferred else name
    return json.dumps(
        {
            "name": name,
            "called": called,
            "first": record.first_name or "",
            "last": record.last_name or getattr(record, "company_name", None) or "",
            "email": record.email or "",
            "birth_date": born.isoformat() if born else "",
        }
    )
