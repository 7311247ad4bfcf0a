"""Puts a whole clinic into an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from webapp.sandbox.cliniko.clinic.bookings import Picker, make_appointments, unavailable_blocks
from webapp.sandbox.cliniko.clinic.cases import make_cases
from webapp.sandbox.cliniko.clinic.classes import make_classes
from webapp.sandbox.cliniko.clinic.contacts import contact_rows
from webapp.sandbox.cliniko.clinic.draws import DAY, Draws, Row
from webapp.sandbox.cliniko.clinic.money import Billable, make_invoices
from webapp.sandbox.cliniko.clinic.patients import (
    concession_types,
    patient_rows,
    referral_source_types,
    referral_sources,
)
from webapp.sandbox.cliniko.clinic.people import YEARS_OF_HISTORY, make_people
from webapp.sandbox.cliniko.clinic.services import make_services
from webapp.sandbox.cliniko.clinic.staff import make_staff

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.model import ClinikoAccount

GROUP_SHARE = 0.1


@dataclass
class Summary:
    """What was made. `counts` by resource; `traits` by resource and trait the ids of the records that have it;
    `families` by kind the patients' ids, one list for each family."""

    seed: int
    counts: dict[str, int] = field(default_factory=dict)
    individual_appointments: int = 0
    group_attendees: int = 0
    traits: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    families: dict[str, list[list[str]]] = field(default_factory=dict)
    invoice_total: Decimal = Decimal(0)
    administrator_id: str = ""
    receptionist_id: str = ""
    practitioner_emails: list[str] = field(default_factory=list)


def make_clinic(
    account: ClinikoAccount,
    *,
    seed: int = 1,
    patients: int = 1000,
    contacts: int | None = None,
    appointments: int | None = None,
    invoices: int | None = None,
    now: datetime,
) -> Summary:
    """Fill an account with a clinic as of `now`. The same seed, numbers and moment give the same clinic.

    `appointments` counts individual appointments and places in classes (one in ten) together. Left out, there are a
    twentieth as many contacts as patients (at least 20), four appointments and 1.6 invoices per patient.
    """
    contacts = max(20, patients // 20) if contacts is None else contacts
    appointments = patients * 4 if appointments is None else appointments
    invoices = patients * 8 // 5 if invoices is None else invoices
    if min(patients, contacts, appointments, invoices) < 0:
        raise ValueError("a clinic cannot have less than no records")
    draws = Draws(account, seed, now)
    start = draws.now - (YEARS_OF_HISTORY * 365 + 1) * DAY
    made: dict[str, list[Row]] = {}

    staff = make_staff(draws, start)
    made["concession_types"] = concession_types(draws, start)
    concessions = {row["id"]: row["name"] for row in made["concession_types"]}
    services = make_services(draws, start, list(concessions))
    for business in staff.businesses:
        business["appointment_type_ids"] = [row["id"] for row in services.types]
    made |= {"users": staff.users, "practitioners": staff.practitioners, "businesses": staff.businesses}
    made |= {"taxes": services.taxes, "billable_items": services.items, "appointment_types": services.types}
    made |= {"appointment_type_billable_items": services.joins, "concession_prices": services.concession_prices}
    made["referral_source_types"] = referral_source_types(draws, start)

    people = make_people(draws, patients)
    made["contacts"], contact_traits = contact_rows(draws, people, contacts)
    contact_ids = [row["id"] for row in made["contacts"]]
    doctor_ids = [contact_ids[index] for index in sorted(contact_traits["doctor"])]
    made["patients"] = patient_rows(draws, people, list(concessions), doctor_ids)
    patient_ids = [row["id"] for row in made["patients"]]
    made["referral_sources"] = referral_sources(draws, people, patient_ids, contact_ids, made["referral_source_types"])

    cases = make_cases(draws, people, patient_ids, doctor_ids)
    picker = Picker(draws, people, staff)
    in_groups = round(appointments * GROUP_SHARE)
    single = make_appointments(draws, appointments - in_groups, picker, services, cases, patient_ids)
    classes = make_classes(draws, in_groups, picker, services, cases, patient_ids)
    made["patient_cases"] = cases.rows
    made["individual_appointments"], made["group_appointments"] = single.appointments, classes.appointments
    made["unavailable_blocks"] = unavailable_blocks(draws, 3 + appointments // 40, picker)
    made["attendees"] = _attendees(draws, [*single.attendees, *(attendee for attendee, _ in classes.attendees)])

    visits = [Billable(row, seat) for row, seat in zip(single.appointments, single.attendees, strict=True)]
    visits += [Billable(row, seat) for seat, row in classes.attendees]
    known = {row["id"]: row for row in made["patients"]}
    bills = make_invoices(draws, invoices, _billable(visits), known, staff, services, concessions)
    made["invoices"], made["invoice_items"] = bills.invoices, bills.items

    summary = Summary(seed, {name: len(rows) for name, rows in made.items()})
    summary.individual_appointments = len(single.appointments)
    summary.group_attendees = len(classes.attendees)
    summary.traits = {
        "patients": _named(people.traits, patient_ids),
        "contacts": _named(contact_traits, contact_ids),
        "individual_appointments": single.traits,
        "invoices": bills.traits,
    }
    summary.families = {
        kind: [[patient_ids[index] for index in group] for group in groups] for kind, groups in people.families.items()
    }
    kept = [row for row in bills.invoices if not row["archived_at"] and not row["deleted_at"]]
    summary.invoice_total = sum((Decimal(row["total_amount"]) for row in kept), Decimal(0))
    summary.administrator_id, summary.receptionist_id = staff.users[0]["id"], staff.users[1]["id"]
    with_practice = {row["user_id"] for row in staff.practitioners if row["active"]}
    summary.practitioner_emails = [row["email"] for row in staff.users if row["id"] in with_practice]
    del visits, known, kept, single, classes, bills
    for name in list(made):
        _put(account, name, made.pop(name))
    return summary


def _named(traits: dict[str, list[int]], ids: Sequence[str]) -> dict[str, list[str]]:
    return {trait: [ids[index] for index in sorted(members)] for trait, members in traits.items()}


def _attendees(draws: Draws, rows: list[Row]) -> list[Row]:
    """Numbered in the order they were made."""
    rows.sort(key=lambda row: (row["created_at"], int(row["booking_id"])))
    for row in rows:
        moment_made = int(datetime.fromisoformat(row["created_at"]).timestamp())
        row["id"] = draws.new_id("attendees", moment_made)
    return rows


def _billable(visits: list[Billable]) -> list[Billable]:
    """Visits that took place, and cancelled ones (a fee); nothing that was removed."""
    return [
        visit
        for visit in visits
        if not visit.attendee["archived_at"]
        and not visit.appointment["archived_at"]
        and (visit.attendee["arrived"] or visit.attendee["cancelled_at"])
    ]


def _put(account: ClinikoAccount, resource: str, rows: list[Row]) -> None:
    """Give each row away before the next is stored, so that a large clinic is in memory once."""
    rows.reverse()
    while rows:
        account.put(resource, rows.pop())
