"""The identity index: what is known of who is who, as HMACs. Read in bulk, written only where something changed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select

from webapp.extensions import db

from .models_ledger import ErasedPerson, NeverMatch, Person, PersonTerm, Referral
from .sql import chunks, upsert

# Longer chains of merged patients do not happen; a circle must end.
MAX_MERGES = 20


@dataclass(frozen=True)
class KnownPerson:
    """One row of the index without its encrypted display."""

    cliniko_id: str
    email: bytes | None
    first: bytes | None
    preferred: bytes | None
    last: bytes | None
    birth: bytes | None
    archived: bool
    merged: bool


_COLUMNS = (
    Person.cliniko_id,
    Person.email_hmac,
    Person.first_hmac,
    Person.preferred_hmac,
    Person.last_hmac,
    Person.birth_hmac,
    Person.archived,
    Person.merged_into,
)


@dataclass(frozen=True)
class IndexedAs:
    """What tells whether a person's row has to be written again, and whether deals have to be."""

    digest: bytes
    merged_into: str | None
    concession_id: str | None


def digests(connection_id: int, kind: str, cliniko_ids: Collection[str]) -> dict[str, IndexedAs]:
    """{Cliniko id: how the person is indexed}."""
    found: dict[str, IndexedAs] = {}
    for part in chunks(sorted(set(cliniko_ids))):
        rows = db.session.execute(
            select(Person.cliniko_id, Person.digest, Person.merged_into, Person.concession_id).where(
                Person.connection_id == connection_id, Person.kind == kind, Person.cliniko_id.in_(part)
            )
        )
        for cliniko_id, digest, merged, concession in rows:
            found[cliniko_id] = IndexedAs(bytes(digest), merged, concession)
    return found


def merged_into(connection_id: int, patient_ids: Collection[str]) -> dict[str, str]:
    """{merged patient: the patient that survived}, one step of the chain."""
    found: dict[str, str] = {}
    for part in chunks(sorted(set(patient_ids))):
        rows = db.session.execute(
            select(Person.cliniko_id, Person.merged_into).where(
                Person.connection_id == connection_id,
                Person.kind == "patient",
                Person.cliniko_id.in_(part),
                Person.merged_into.is_not(None),
            )
        )
        found.update((cliniko_id, survivor) for cliniko_id, survivor in rows if survivor)
    return found


def merged_from(connection_id: int, patient_id: str) -> list[str]:
    """Patients that were merged into this one, through all steps of the chain."""
    found: list[str] = []
    latest = {patient_id}
    for _ in range(MAX_MERGES):
        rows = db.session.scalars(
            select(Person.cliniko_id).where(
                Person.connection_id == connection_id, Person.kind == "patient", Person.merged_into.in_(latest)
            )
        )
        latest = set(rows) - {patient_id, *found}
        if not latest:
            break
        found += sorted(latest)
    return found


def survivors(connection_id: int, patient_ids: Collection[str]) -> dict[str, str]:
    """{patient: the patient that remains after all merges}."""
    found = {patient: patient for patient in patient_ids}
    for _ in range(MAX_MERGES):
        steps = merged_into(connection_id, set(found.values()))
        if not steps:
            break
        found = {patient: steps.get(now, now) for patient, now in found.items()}
    return found


def concessions(connection_id: int, patient_ids: Collection[str]) -> dict[str, str]:
    """{patient: concession type} of those who have one."""
    found: dict[str, str] = {}
    for part in chunks(sorted(set(patient_ids))):
        rows = db.session.execute(
            select(Person.cliniko_id, Person.concession_id).where(
                Person.connection_id == connection_id,
                Person.kind == "patient",
                Person.cliniko_id.in_(part),
                Person.concession_id.is_not(None),
            )
        )
        found.update((cliniko_id, concession) for cliniko_id, concession in rows if concession)
    return found


def sharing(connection_id: int, kind: str, emails: Collection[bytes]) -> dict[bytes, list[KnownPerson]]:
    """Everybody known under each of these addresses."""
    found: dict[bytes, list[KnownPerson]] = {}
    for part in chunks(sorted(set(emails))):
        query = select(*_COLUMNS).where(
            Person.connection_id == connection_id, Person.kind == kind, Person.email_hmac.in_(part)
        )
        for row in db.session.execute(query):
            person = KnownPerson(*row[:7], merged=row[7] is not None)
            if person.email is not None:
                found.setdefault(bytes(person.email), []).append(person)
    return found


def born(connection_id: int, kind: str, birth: bytes, last: bytes) -> set[str]:
    """Cliniko ids of the people with this birth date and last name, merged ones too."""
    query = select(Person.cliniko_id).where(
        Person.connection_id == connection_id,
        Person.kind == kind,
        Person.birth_hmac == birth,
        Person.last_hmac == last,
    )
    return set(db.session.scalars(query))


def known(connection_id: int, kind: str, cliniko_ids: Collection[str]) -> dict[str, KnownPerson]:
    """What the index knows of these people."""
    found: dict[str, KnownPerson] = {}
    for part in chunks(sorted(set(cliniko_ids))):
        query = select(*_COLUMNS).where(
            Person.connection_id == connection_id, Person.kind == kind, Person.cliniko_id.in_(part)
        )
        for row in db.session.execute(query):
            found[row[0]] = KnownPerson(*row[:7], merged=row[7] is not None)
    return found


def save(people: Sequence[Mapping[str, Any]], terms: Mapping[str, Collection[bytes]]) -> None:
    """Write changed people and replace their terms. `terms` is {Cliniko id: HMACs}; the caller commits."""
    if not people:
        return
    upsert(Person, [dict(p) for p in people], keys=["connection_id", "kind", "cliniko_id"])
    first = people[0]
    for part in chunks(sorted(terms)):
        db.session.execute(
            delete(PersonTerm).where(
                PersonTerm.connection_id == first["connection_id"],
                PersonTerm.kind == first["kind"],
                PersonTerm.cliniko_id.in_(part),
            )
        )
    rows = [
        {
            "connection_id": first["connection_id"],
            "kind": first["kind"],
            "cliniko_id": cliniko_id,
            "term": term,
            "hub_id": first["hub_id"],
        }
        for cliniko_id, found in terms.items()
        for term in sorted(set(found))
    ]
    for piece in chunks(rows, 2000):
        upsert(PersonTerm, list(piece), keys=["connection_id", "kind", "cliniko_id", "term"], update=[])


def with_term(connection_id: int, kind: str, terms: Collection[bytes]) -> dict[bytes, set[str]]:
    """{term: Cliniko ids that carry it}."""
    found: dict[bytes, set[str]] = {}
    for part in chunks(sorted(set(terms))):
        rows = db.session.execute(
            select(PersonTerm.term, PersonTerm.cliniko_id).where(
                PersonTerm.connection_id == connection_id, PersonTerm.kind == kind, PersonTerm.term.in_(part)
            )
        )
        for term, cliniko_id in rows:
            found.setdefault(bytes(term), set()).add(cliniko_id)
    return found


def display_rows(hub_id: int, connection_id: int, kind: str, cliniko_ids: Collection[str]) -> dict[str, str]:
    """{Cliniko id: display JSON} for people a page shows; decrypted here and nowhere stored."""
    found: dict[str, str] = {}
    for part in chunks(sorted(set(cliniko_ids))):
        rows = db.session.execute(
            select(Person.cliniko_id, Person.display).where(
                Person.hub_id == hub_id,
                Person.connection_id == connection_id,
                Person.kind == kind,
                Person.cliniko_id.in_(part),
            )
        )
        found.update((cliniko_id, display) for cliniko_id, display in rows)
    return found


def referrals(connection_id: int, patient_ids: Collection[str]) -> dict[str, Referral]:
    found: dict[str, Referral] = {}
    for part in chunks(sorted(set(patient_ids))):
        query = select(Referral).where(Referral.connection_id == connection_id, Referral.patient_id.in_(part))
        for referral in db.session.scalars(query.execution_options(populate_existing=True)):
            found[referral.patient_id] = referral
    return found


def save_referrals(rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert or overwrite; the caller commits."""
    upsert(Referral, [dict(r) for r in rows], keys=["connection_id", "patient_id"])


def save_referral_choice(
    hub_id: int, connection_id: int, patient_id: str, type_id: str, subcategory: str | None, digest: bytes
) -> None:
    """A push wrote this patient's referral source: it is known without reading it again. The caller commits."""
    row = {
        "connection_id": connection_id,
        "patient_id": patient_id,
        "hub_id": hub_id,
        "type_id": type_id,
        "subcategory": subcategory,
        "digest": digest,
    }
    upsert(Referral, [row], keys=["connection_id", "patient_id"])


def never_matched(hub_id: int, cliniko_hmacs: Collection[bytes]) -> set[tuple[bytes, bytes]]:
    """Pairs (Cliniko HMAC, HubSpot HMAC) that a person broke."""
    found: set[tuple[bytes, bytes]] = set()
    for part in chunks(sorted(set(cliniko_hmacs))):
        rows = db.session.execute(
            select(NeverMatch.cliniko_hmac, NeverMatch.hubspot_hmac).where(
                NeverMatch.hub_id == hub_id, NeverMatch.cliniko_hmac.in_(part)
            )
        )
        found.update((bytes(a), bytes(b)) for a, b in rows)
    return found


def any_erased(hub_id: int) -> bool:
    """Has anybody of this account been erased?"""
    return db.session.scalar(select(ErasedPerson.hub_id).where(ErasedPerson.hub_id == hub_id).limit(1)) is not None


def erased(hub_id: int, memories: Collection[bytes]) -> set[bytes]:
    """Those of these memories that belong to an erased person."""
    found: set[bytes] = set()
    for part in chunks(sorted(set(memories))):
        rows = db.session.scalars(
            select(ErasedPerson.memory_hmac).where(ErasedPerson.hub_id == hub_id, ErasedPerson.memory_hmac.in_(part))
        )
        found.update(bytes(m) for m in rows)
    return found
