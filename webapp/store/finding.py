"""Finding people for a page: by HMACs of what was typed, and all that a page says of those found, in few queries."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select

from webapp.extensions import db

from .models_hooks import Activity, PushRequest
from .models_ledger import Link, Person, PersonTerm
from .models_sync import Issue, Review
from .sql import chunks

KINDS = ("patient", "contact")


@dataclass(frozen=True)
class Found:
    """One Cliniko record of a person, with its link."""

    kind: str
    cliniko_id: str
    display: str | None = field(default=None, repr=False)
    archived: bool = False
    merged_into: str | None = None
    state: str | None = None
    hubspot_id: str | None = None
    rule: str | None = None
    synced_at: datetime | None = None
    unlinked_at: datetime | None = None


def with_email(hub_id: int, connection_id: int, mark: bytes, limit: int = 51) -> list[tuple[str, str]]:
    """(kind, Cliniko id) of people with this address."""
    query = select(Person.kind, Person.cliniko_id).where(
        Person.hub_id == hub_id,
        Person.connection_id == connection_id,
        Person.kind.in_(KINDS),
        Person.email_hmac == mark,
    )
    return [(kind, i) for kind, i in db.session.execute(query.order_by(Person.kind.desc()).limit(limit))]


def with_terms(hub_id: int, connection_id: int, terms: Collection[bytes], limit: int = 51) -> list[tuple[str, str]]:
    """(kind, Cliniko id) of people who carry all of these terms. However many carry one, no more than `limit` come."""
    wanted = sorted(set(terms))
    if not wanted:
        return []
    query = (
        select(PersonTerm.kind, PersonTerm.cliniko_id)
        .where(
            PersonTerm.hub_id == hub_id,
            PersonTerm.connection_id == connection_id,
            PersonTerm.kind.in_(KINDS),
            PersonTerm.term.in_(wanted),
        )
        .group_by(PersonTerm.kind, PersonTerm.cliniko_id)
        .having(func.count() == len(wanted))
    )
    return [(kind, i) for kind, i in db.session.execute(query.order_by(PersonTerm.kind.desc()).limit(limit))]


def with_number(hub_id: int, connection_id: int, number: str) -> list[tuple[str, str]]:
    """(kind, Cliniko id) of people with this number, at Cliniko or at HubSpot."""
    known = select(Person.kind, Person.cliniko_id).where(
        Person.hub_id == hub_id,
        Person.connection_id == connection_id,
        Person.kind.in_(KINDS),
        Person.cliniko_id == number,
    )
    linked = select(Link.kind, Link.cliniko_id).where(
        Link.hub_id == hub_id, Link.connection_id == connection_id, Link.kind.in_(KINDS), Link.cliniko_id == number
    )
    theirs = select(Link.kind, Link.cliniko_id).where(
        Link.hub_id == hub_id, Link.connection_id == connection_id, Link.kind.in_(KINDS), Link.hubspot_id == number
    )
    found = [(kind, i) for query in (known, linked, theirs) for kind, i in db.session.execute(query)]
    return list(dict.fromkeys(found))


def describe(hub_id: int, connection_id: int, records: Collection[tuple[str, str]]) -> list[Found]:
    """These records in the same order, as far as anything is known of them."""
    ids = sorted({cliniko_id for _, cliniko_id in records})
    shown: dict[tuple[str, str], tuple[str, bool, str | None]] = {}
    links: dict[tuple[str, str], tuple[str, str | None, str | None, datetime | None, datetime | None]] = {}
    for part in chunks(ids):
        persons = select(Person.kind, Person.cliniko_id, Person.display, Person.archived, Person.merged_into).where(
            Person.hub_id == hub_id,
            Person.connection_id == connection_id,
            Person.kind.in_(KINDS),
            Person.cliniko_id.in_(part),
        )
        for kind, cliniko_id, display, archived, merged in db.session.execute(persons):
            shown[kind, cliniko_id] = (display, archived, merged)
        rows = select(
            Link.kind, Link.cliniko_id, Link.state, Link.hubspot_id, Link.rule, Link.synced_at, Link.unlinked_at
        ).where(
            Link.hub_id == hub_id,
            Link.connection_id == connection_id,
            Link.kind.in_(KINDS),
            Link.cliniko_id.in_(part),
        )
        for kind, cliniko_id, state, hubspot_id, rule, synced, unlinked in db.session.execute(rows):
            links[kind, cliniko_id] = (state, hubspot_id, rule, synced, unlinked)
    return [
        Found(*record, *shown.get(record, (None, False, None)), *links.get(record, (None, None, None, None, None)))
        for record in records
        if record in shown or record in links
    ]


def count_issues(hub_id: int, connection_id: int, cliniko_ids: Collection[str]) -> dict[tuple[str, str], int]:
    """{(kind, Cliniko id): open issues}."""
    return _counted(Issue, hub_id, connection_id, cliniko_ids, ("open",))


def count_reviews(hub_id: int, connection_id: int, cliniko_ids: Collection[str]) -> dict[tuple[str, str], int]:
    """{(kind, Cliniko id): decisions that wait}."""
    return _counted(Review, hub_id, connection_id, cliniko_ids, ("open", "later"))


def count_deals(hub_id: int, connection_id: int, patient_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """{patient: {kind: deals in HubSpot}}."""
    found: dict[str, dict[str, int]] = {}
    for part in chunks(sorted(set(patient_ids))):
        rows = db.session.execute(
            select(Link.patient_id, Link.kind, func.count())
            .where(
                Link.hub_id == hub_id,
                Link.connection_id == connection_id,
                Link.patient_id.in_(part),
                Link.state == "linked",
            )
            .group_by(Link.patient_id, Link.kind)
        )
        for patient_id, kind, number in rows:
            found.setdefault(str(patient_id), {})[kind] = int(number)
    return found


def former_contacts(hub_id: int, patient_ids: Collection[str]) -> dict[str, str]:
    """{patient: HubSpot contact that the last unlink took from them}, as long as the activity list remembers."""
    found: dict[str, str] = {}
    for part in chunks(sorted(set(patient_ids))):
        rows = db.session.execute(
            select(Activity.cliniko_id, Activity.hubspot_id)
            .where(
                Activity.hub_id == hub_id,
                Activity.kind == "patient",
                Activity.action == "unlinked",
                Activity.cliniko_id.in_(part),
                Activity.hubspot_id.is_not(None),
            )
            .order_by(Activity.id.desc())
            .limit(20 * len(part))
        )
        for patient_id, hubspot_id in rows:
            found.setdefault(str(patient_id), str(hubspot_id))
    return found


def under_way(hub_id: int, hubspot_ids: Collection[str]) -> dict[str, str]:
    """{HubSpot contact: what was asked for and is not done yet}."""
    found: dict[str, str] = {}
    for part in chunks(sorted(set(hubspot_ids))):
        rows = db.session.execute(
            select(PushRequest.hubspot_id, PushRequest.what)
            .where(
                PushRequest.hub_id == hub_id,
                PushRequest.hubspot_id.in_(part),
                PushRequest.state == "open",
                PushRequest.what.in_(("sync", "unlink", "undo", "patient", "contact")),
            )
            .order_by(PushRequest.id)
        )
        found.update((hubspot_id, what) for hubspot_id, what in rows)
    return found


def _counted(
    model: type[Issue] | type[Review],
    hub_id: int,
    connection_id: int,
    cliniko_ids: Collection[str],
    states: Collection[str],
) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for part in chunks(sorted(set(cliniko_ids))):
        rows = db.session.execute(
            select(model.kind, model.cliniko_id, func.count())
            .where(
                model.hub_id == hub_id,
                model.connection_id == connection_id,
                model.kind.in_(KINDS),
                model.cliniko_id.in_(part),
                model.state.in_(list(states)),
            )
            .group_by(model.kind, model.cliniko_id)
        )
        found.update({(kind, cliniko_id): int(number) for kind, cliniko_id, number in rows})
    return found
