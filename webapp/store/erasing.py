"""Erases a person for good. What stays is in `ErasedPerson`: HMACs by which the person is recognised and left alone."""

from collections.abc import Collection

from sqlalchemy import delete, or_, select, update

from webapp.clock import now
from webapp.extensions import db

from .models_hooks import Activity, HookEvent, PushIntent, PushRequest
from .models_ledger import ErasedPerson, Link, Person, PersonTerm, Referral
from .models_sync import Issue, Review, WorkItem
from .models_visits import Bill, Visit, VisitSummary
from .sql import upsert


def remember(hub_id: int, memories: Collection[bytes]) -> None:
    """Recognise this person from now on; the caller commits."""
    rows = [{"hub_id": hub_id, "memory_hmac": memory, "created_at": now()} for memory in sorted(set(memories))]
    upsert(ErasedPerson, rows, keys=["hub_id", "memory_hmac"], update=[])


def deals_of(connection_id: int, patient_id: str) -> list[tuple[str, str, str | None]]:
    """(kind, Cliniko id, HubSpot id) of every deal of this patient, linked or waiting, and of visits and invoices that
    never became one."""
    found: dict[tuple[str, str], str | None] = {}
    visits = select(Visit.kind, Visit.cliniko_id).where(
        Visit.connection_id == connection_id, Visit.patient_id == patient_id
    )
    bills = select(Bill.cliniko_id).where(Bill.connection_id == connection_id, Bill.patient_id == patient_id)
    found.update(((kind, cliniko_id), None) for kind, cliniko_id in db.session.execute(visits))
    found.update((("invoice", cliniko_id), None) for cliniko_id in db.session.scalars(bills))
    links = select(Link.kind, Link.cliniko_id, Link.hubspot_id).where(
        Link.connection_id == connection_id, Link.patient_id == patient_id
    )
    found.update(((kind, cliniko_id), hubspot_id) for kind, cliniko_id, hubspot_id in db.session.execute(links))
    return [(kind, cliniko_id, hubspot_id) for (kind, cliniko_id), hubspot_id in found.items()]


def erase_person(hub_id: int, connection_id: int, kind: str, cliniko_id: str, hubspot_id: str | None) -> int:
    """Delete every row about one patient or contact and, for a patient, about its visits and invoices. The activity
    keeps that something happened, without saying to whom. The caller commits. Returns rows deleted."""
    deals = deals_of(connection_id, cliniko_id) if kind == "patient" else []
    deleted = 0
    # Who was held back because HubSpot merged their contact into this one is somebody else: no review will tell.
    held = select(Review.cliniko_id).where(
        Review.hub_id == hub_id, Review.hubspot_id == hubspot_id, Review.cause == "merged_in_hubspot"
    )
    db.session.execute(
        update(Link)
        .where(
            Link.connection_id == connection_id,
            Link.kind == kind,
            Link.state == "held",
            Link.cliniko_id.in_(held),
        )
        .values(state="closed")
        .execution_options(synchronize_session=False)
    )
    for model in (Person, PersonTerm, Issue, Review, WorkItem, Link):
        deleted += _delete(
            delete(model).where(
                model.connection_id == connection_id, model.kind == kind, model.cliniko_id == cliniko_id
            )
        )
    if kind == "patient":
        for owner in (Referral, VisitSummary, Visit, Bill):
            deleted += _delete(
                delete(owner).where(owner.connection_id == connection_id, owner.patient_id == cliniko_id)
            )
        for deal_kind, deal_id, _ in deals:
            for model in (Issue, WorkItem, Link):
                deleted += _delete(
                    delete(model).where(
                        model.connection_id == connection_id, model.kind == deal_kind, model.cliniko_id == deal_id
                    )
                )
    ids = {cliniko_id, *(d[1] for d in deals), *(d[2] for d in deals if d[2]), *([hubspot_id] if hubspot_id else [])}
    db.session.execute(
        update(Activity)
        .where(Activity.hub_id == hub_id, or_(Activity.cliniko_id.in_(ids), Activity.hubspot_id.in_(ids)))
        .values(cliniko_id=None, hubspot_id=None)
    )
    if hubspot_id is not None:
        deleted += forget_contact(hub_id, hubspot_id)
    return deleted


def forget_contact(hub_id: int, hubspot_id: str) -> int:
    """Requests, intents and events about one HubSpot contact; the caller commits."""
    return sum(
        _delete(statement)
        for statement in (
            delete(PushRequest).where(PushRequest.hub_id == hub_id, PushRequest.hubspot_id == hubspot_id),
            delete(PushIntent).where(PushIntent.hub_id == hub_id, PushIntent.hubspot_id == hubspot_id),
            delete(HookEvent).where(HookEvent.hub_id == hub_id, HookEvent.object_id == hubspot_id),
            delete(Review).where(Review.hub_id == hub_id, Review.hubspot_id == hubspot_id),
            delete(Issue).where(Issue.hub_id == hub_id, Issue.hubspot_id == hubspot_id),
        )
    )


def _delete(statement: object) -> int:
    return int(db.session.execute(statement).rowcount)  # type: ignore[call-overload]  # a DELETE of one of our tables
