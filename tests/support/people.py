"""Short ways to put people on both sides of a clinic, and to look at what became of them."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from tests.support.clinic import Clinic
from webapp.extensions import db
from webapp.store import connections
from webapp.store.models_ledger import Link
from webapp.store.models_sync import Issue, Review, WorkItem


def add_patient(
    clinic: Clinic, first: str | None = "Ana", last: str | None = "Ruiz", email: str | None = None, **more: Any
) -> str:
    """A patient in Cliniko; returns the id."""
    row = {"first_name": first, "last_name": last, "email": email, **more}
    return str(clinic.account.put("patients", row)["id"])


def add_third_party(
    clinic: Clinic, first: str | None = None, last: str | None = None, email: str | None = None, **more: Any
) -> str:
    """A Cliniko contact; returns the id."""
    row = {"first_name": first, "last_name": last, "email": email, **more}
    return str(clinic.account.put("contacts", row)["id"])


def add_lead(clinic: Clinic, **properties: str) -> str:
    """A contact that a person made in HubSpot; returns the id."""
    return clinic.portal.create("contacts", properties).id


def phones(*numbers: str, kind: str = "Mobile") -> dict[str, Any]:
    """The phone numbers of a patient."""
    return {"patient_phone_numbers": [{"number": number, "phone_type": kind} for number in numbers]}


def edit(clinic: Clinic, patient_id: str, **changes: Any) -> None:
    clinic.account.edit("patients", patient_id, **changes)


def links(clinic: Clinic, kind: str = "patient") -> dict[str, Link]:
    """{Cliniko id: link}, fresh from the database."""
    db.session.rollback()
    query = select(Link).where(Link.hub_id == clinic.hub_id, Link.kind == kind)
    return {row.cliniko_id: row for row in db.session.scalars(query.execution_options(populate_existing=True))}


def states(clinic: Clinic, kind: str = "patient") -> dict[str, str]:
    return {cliniko_id: link.state for cliniko_id, link in links(clinic, kind).items()}


def rules(clinic: Clinic, kind: str = "patient") -> dict[str, str | None]:
    return {cliniko_id: link.rule for cliniko_id, link in links(clinic, kind).items()}


def open_reviews(clinic: Clinic) -> set[tuple[str, str, str]]:
    """(Cliniko id, HubSpot id, cause) of reviews that wait for a person."""
    return {(r.cliniko_id, r.hubspot_id, r.cause) for r in reviews(clinic) if r.state == "open"}


def reviews(clinic: Clinic) -> list[Review]:
    db.session.rollback()
    query = select(Review).where(Review.hub_id == clinic.hub_id)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def open_issues(clinic: Clinic) -> set[tuple[str, str, str]]:
    """(Cliniko id, cause, field) of open issues."""
    db.session.rollback()
    query = select(Issue).where(Issue.hub_id == clinic.hub_id, Issue.state == "open")
    return {(i.cliniko_id, i.cause, i.field) for i in db.session.scalars(query)}


def work_items(clinic: Clinic) -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(WorkItem.cliniko_id).where(WorkItem.hub_id == clinic.hub_id)))


def connection_id(clinic: Clinic) -> int:
    connection = connections.find_connection(clinic.hub_id)
    assert connection is not None
    return connection.id


def email_of(clinic: Clinic, patient_id: str) -> str | None:
    """`email` of the patient's contact."""
    contact = clinic.contact_of(patient_id)
    assert contact is not None, f"patient {patient_id} has no contact"
    return contact.get("email")


def keys(clinic: Clinic, name: str = "cliniko_patient_key") -> Counter[str]:
    """How many live contacts carry each of our keys."""
    return Counter(p[name] for p in clinic.contacts().values() if p.get(name))


def later(time_machine: Any, **step: float) -> None:
    """Move the clock of the application and of both services; it goes on from there."""
    time_machine.move_to(datetime.now(UTC) + timedelta(**step))
