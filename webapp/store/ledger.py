"""Links: read them in bulk, reserve before a HubSpot write, record after it. Always within one account."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, literal, select, update
from sqlalchemy.exc import IntegrityError

from webapp.clock import now
from webapp.extensions import db

from .base import UtcDateTime
from .models_ledger import Link
from .models_sync import WorkItem
from .models_visits import Visit
from .sql import chunks, insert_from, table_of, upsert

# States in which a link holds its HubSpot record.
HOLDING = ("reserved", "linked")

# What a reservation overwrites of a link that is there already.
_RESERVATION = (
    "hubspot_id",
    "rule",
    "shared_email",
    "cliniko_updated_at",
    "state",
    "digest",
    "fields",
    "email_hmac",
    "withheld_hmac",
)


@dataclass(frozen=True)
class LinkRow:
    """A link as plain values, which a commit or rollback cannot expire."""

    cliniko_id: str
    hubspot_id: str | None
    state: str
    rule: str | None
    digest: bytes | None
    fields: bytes | None
    email_hmac: bytes | None
    withheld_hmac: bytes | None
    shared_email: bool
    cliniko_updated_at: datetime | None
    unlinked_at: datetime | None
    kind: str
    connection_id: int
    patient_id: str | None = None
    contact_id: str | None = None
    pipeline: str | None = None
    stage: str | None = None


_COLUMNS = tuple(getattr(Link, name) for name in LinkRow.__dataclass_fields__)


def by_cliniko(connection_id: int, kind: str, cliniko_ids: Collection[str]) -> dict[str, LinkRow]:
    """Links by Cliniko id, whatever their state."""
    found: dict[str, LinkRow] = {}
    for part in chunks(sorted(set(cliniko_ids))):
        query = select(*_COLUMNS).where(
            Link.connection_id == connection_id, Link.kind == kind, Link.cliniko_id.in_(part)
        )
        for row in db.session.execute(query):
            found[row.cliniko_id] = LinkRow(*row)
    return found


def by_hubspot(hub_id: int, kind: str, hubspot_ids: Collection[str]) -> dict[str, LinkRow]:
    """Links by HubSpot id, whatever their state."""
    found: dict[str, LinkRow] = {}
    for part in chunks(sorted(set(hubspot_ids))):
        query = select(*_COLUMNS).where(Link.hub_id == hub_id, Link.kind == kind, Link.hubspot_id.in_(part))
        for row in db.session.execute(query):
            found[str(row.hubspot_id)] = LinkRow(*row)
    return found


def by_email(hub_id: int, hmacs: Collection[bytes]) -> dict[bytes, list[LinkRow]]:
    """Links whose HubSpot contact holds one of these addresses because we wrote it there."""
    found: dict[bytes, list[LinkRow]] = {}
    for part in chunks(sorted(set(hmacs))):
        query = select(*_COLUMNS).where(Link.hub_id == hub_id, Link.email_hmac.in_(part), Link.state.in_(HOLDING))
        for row in db.session.execute(query):
            found.setdefault(bytes(row.email_hmac), []).append(LinkRow(*row))
    return found


def waiting_for_email(hub_id: int, hmacs: Collection[bytes]) -> list[LinkRow]:
    """Links from which one of these addresses is withheld because another contact holds it."""
    found: list[LinkRow] = []
    for part in chunks(sorted(set(hmacs))):
        query = select(*_COLUMNS).where(Link.hub_id == hub_id, Link.withheld_hmac.in_(part))
        found.extend(LinkRow(*row) for row in db.session.execute(query))
    return found


def speak_for(hub_id: int, kind: str, hubspot_ids: Collection[str]) -> None:
    """The addresses of these contacts are another record's from now on: links of this kind hold none and wait for none.
    The caller commits."""
    for part in chunks(sorted(set(hubspot_ids))):
        db.session.execute(
            update(Link)
            .where(Link.hub_id == hub_id, Link.kind == kind, Link.hubspot_id.in_(part))
            .values(email_hmac=None, withheld_hmac=None, shared_email=False)
        )


def reserve(rows: Sequence[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Insert or renew reservations before a HubSpot write and commit. Rows: hub_id, connection_id, kind, cliniko_id,
    hubspot_id (None = to be created), rule, shared_email, cliniko_updated_at.

    Returns the (kind, cliniko_id) that are reserved; one that lost a race for its HubSpot record is left out."""
    if not rows:
        return set()
    prepared = [
        {
            "cliniko_status": "active",
            **row,
            "state": "reserved",
            "digest": None,
            "fields": None,
            "email_hmac": None,
            "withheld_hmac": None,
            "created_at": now(),
        }
        for row in rows
    ]
    # One order for everybody, so that two writers never wait for each other.
    prepared.sort(key=lambda r: (r["hubspot_id"] or "", r["cliniko_id"]))
    done = prepared if _reserved(prepared) else [row for row in prepared if _reserved([row])]
    db.session.commit()
    return {(str(r["kind"]), str(r["cliniko_id"])) for r in done}


def _reserved(rows: list[dict[str, Any]]) -> bool:
    """Are all of these reserved now, or none? A savepoint, because rolling back the whole transaction would give up the
    lease that the caller has locked in it."""
    try:
        with db.session.begin_nested():
            upsert(Link, rows, keys=["connection_id", "kind", "cliniko_id"], update=_RESERVATION)
    except IntegrityError:
        return False
    return True


def put(rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert or overwrite links by (connection, kind, Cliniko id); rows of one shape go in one statement.

    Every row has hub_id, connection_id, kind, cliniko_id and state; columns it leaves out stay as they are. The caller
    commits."""
    defaults = {"created_at": now(), "shared_email": False, "cliniko_status": "active"}
    by_shape: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        by_shape.setdefault(tuple(row), []).append({**defaults, **row})
    for shape, same in by_shape.items():
        upsert(Link, same, keys=["connection_id", "kind", "cliniko_id"], update=shape)


def looked_at(connection_id: int, changes: Sequence[tuple[str, str, datetime]]) -> None:
    """(kind, Cliniko id, time of change) of linked records whose change made no difference; the caller commits."""
    if not changes:
        return
    table = table_of(Link)
    statement = (
        update(table)
        .where(
            table.c.connection_id == connection_id,
            table.c.kind == bindparam("of_kind"),
            table.c.cliniko_id == bindparam("of_id"),
            table.c.state == "linked",
        )
        .values(cliniko_updated_at=bindparam("changed_at", type_=UtcDateTime()))
    )
    rows = [{"of_kind": kind, "of_id": cliniko_id, "changed_at": moment} for kind, cliniko_id, moment in changes]
    db.session.connection().execute(statement, rows)


def deals_to_wake(connection_id: int, contacts: Mapping[str, str]) -> list[tuple[str, str]]:
    """(kind, Cliniko id) of deals whose patient now has this contact: those that waited for one, and those that are
    associated with another. `contacts` is {patient id: HubSpot contact id}."""
    found: list[tuple[str, str]] = []
    for part in chunks(sorted(contacts)):
        query = select(Link.kind, Link.cliniko_id, Link.patient_id, Link.contact_id, Link.state).where(
            Link.connection_id == connection_id,
            Link.patient_id.in_(part),
            Link.state.in_(("waiting", "linked")),
        )
        for kind, cliniko_id, patient_id, contact_id, state in db.session.execute(query):
            if state == "waiting" or contact_id != contacts.get(patient_id or ""):
                found.append((kind, cliniko_id))
    return found


def deals_of(
    connection_id: int, patient_ids: Collection[str], states: Sequence[str] = ("linked",)
) -> dict[str, list[str]]:
    """{kind: Cliniko ids} of the deals of these patients whose link is in one of these states."""
    found: dict[str, list[str]] = {}
    for part in chunks(sorted(set(patient_ids))):
        rows = db.session.execute(
            select(Link.kind, Link.cliniko_id).where(
                Link.connection_id == connection_id, Link.patient_id.in_(part), Link.state.in_(list(states))
            )
        )
        for kind, cliniko_id in rows:
            found.setdefault(kind, []).append(cliniko_id)
    return found


def contact_merged(connection_id: int, patient_id: str, survivor: str) -> None:
    """HubSpot merged the contact of this patient's deals: they are associated with the survivor now. The caller
    commits."""
    db.session.execute(
        update(Link)
        .where(Link.connection_id == connection_id, Link.patient_id == patient_id, Link.contact_id.is_not(None))
        .values(contact_id=survivor)
    )


def forget_contact(connection_id: int, patient_id: str) -> None:
    """The contact of this patient's deals is gone, and their association with it; the caller commits."""
    db.session.execute(
        update(Link).where(Link.connection_id == connection_id, Link.patient_id == patient_id).values(contact_id=None)
    )


def waiting_causes(hub_id: int) -> dict[tuple[str, str], int]:
    """{(kind, cause): deals that wait for their patient's contact}."""
    rows = db.session.execute(
        select(Link.kind, Link.rule, func.count())
        .where(Link.hub_id == hub_id, Link.state == "waiting")
        .group_by(Link.kind, Link.rule)
    )
    return {(kind, cause or "unknown"): int(number) for kind, cause, number in rows}


def reread_linked(hub_id: int, connection_id: int, kinds: Sequence[str], moment: datetime) -> None:
    """Have every linked or waiting record of these kinds read again; one statement, whatever their number. The caller
    commits."""
    source = select(
        Link.connection_id,
        Link.kind,
        Link.cliniko_id,
        Link.hub_id,
        literal("setting").label("reason"),
        literal(moment, UtcDateTime()).label("due_at"),
    ).where(
        Link.hub_id == hub_id,
        Link.connection_id == connection_id,
        Link.kind.in_(list(kinds)),
        Link.state.in_(("linked", "waiting")),
    )
    insert_from(WorkItem, source, keys=["connection_id", "kind", "cliniko_id"])


def reread_pointing(
    hub_id: int,
    connection_id: int,
    kinds: Sequence[str],
    column: str,
    ids: Collection[str],
    moment: datetime,
) -> None:
    """Have the linked and waiting deals of visits read again that point at one of these records (`column` of the visit:
    type_id, practitioner_id, business_id); the caller commits."""
    for part in chunks(sorted(set(ids))):
        _reread_visits(hub_id, connection_id, kinds, "list", moment, getattr(Visit, column).in_(part))


def reread_with_case(hub_id: int, connection_id: int, kinds: Sequence[str], moment: datetime) -> None:
    """The same of all visits that belong to a case; the caller commits."""
    _reread_visits(hub_id, connection_id, kinds, "case", moment, Visit.case_id.is_not(None))


def _reread_visits(
    hub_id: int, connection_id: int, kinds: Sequence[str], reason: str, moment: datetime, which: ColumnElement[bool]
) -> None:
    source = (
        select(
            Link.connection_id,
            Link.kind,
            Link.cliniko_id,
            Link.hub_id,
            literal(reason).label("reason"),
            literal(moment, UtcDateTime()).label("due_at"),
        )
        .join(
            Visit,
            and_(
                Visit.connection_id == Link.connection_id,
                Visit.kind == Link.kind,
                Visit.cliniko_id == Link.cliniko_id,
            ),
        )
        .where(
            Link.hub_id == hub_id,
            Link.connection_id == connection_id,
            Link.kind.in_(list(kinds)),
            Link.state.in_(("linked", "waiting")),
            which,
        )
    )
    insert_from(WorkItem, source, keys=["connection_id", "kind", "cliniko_id"])


def drop_reservations(connection_id: int, kind: str, cliniko_ids: Collection[str]) -> None:
    """Forget reservations whose write certainly did not happen; the caller commits."""
    for part in chunks(sorted(set(cliniko_ids))):
        db.session.execute(
            delete(Link).where(
                Link.connection_id == connection_id,
                Link.kind == kind,
                Link.cliniko_id.in_(part),
                Link.state == "reserved",
            )
        )


def counts(hub_id: int) -> dict[tuple[str, str], int]:
    """{(kind, state): links}."""
    table = table_of(Link)
    rows = db.session.execute(
        select(table.c.kind, table.c.state, func.count())
        .where(table.c.hub_id == hub_id)
        .group_by(table.c.kind, table.c.state)
    )
    return {(kind, state): int(number) for kind, state, number in rows}


def counts_by_rule(hub_id: int, kind: str) -> dict[str, int]:
    """Linked records by the rule that linked them."""
    rows = db.session.execute(
        select(Link.rule, func.count())
        .where(and_(Link.hub_id == hub_id, Link.kind == kind, Link.state == "linked"))
        .group_by(Link.rule)
    )
    return {rule or "unknown": int(number) for rule, number in rows}
