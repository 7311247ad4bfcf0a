"""Appointments, attendees, invoices and cases as Cliniko sends them, read by the client's own reader."""

from typing import Any

from jobs.mapping.records_deals import DealContext
from webapp.clients.cliniko.decode import read
from webapp.clients.cliniko.records_deals import (
    Attendee,
    GroupAppointment,
    IndividualAppointment,
    Invoice,
    PatientCase,
)

CONTEXT = DealContext("77", "clinic", "au1", "AUD")
DONE = "2016-07-22T15:10:08Z"


def link(path: str) -> dict[str, Any]:
    return {"links": {"self": f"https://api.au1.cliniko.com/v1/{path}"}}


def appointment(**fields: Any) -> IndividualAppointment:
    raw = {
        "id": "1",
        "starts_at": "2016-07-21T03:45:00Z",
        "ends_at": "2016-07-21T04:30:00Z",
        "appointment_type": link("appointment_types/2"),
        "business": link("businesses/1"),
        "practitioner": link("practitioners/1"),
        "patient": link("patients/82"),
        "did_not_arrive": False,
        "patient_arrived": False,
        "cancellation_reason_description": "",
    }
    return read(IndividualAppointment, {**raw, **fields})


def group(**fields: Any) -> GroupAppointment:
    raw = {
        "id": "7",
        "starts_at": "2016-07-13T03:45:00Z",
        "ends_at": "2016-07-13T04:15:00Z",
        "appointment_type": link("appointment_types/7"),
        "business": link("businesses/1"),
        "practitioner": link("practitioners/1"),
        "max_attendees": 13,
        "patient_ids": ["48"],
    }
    return read(GroupAppointment, {**raw, **fields})


def attendee(**fields: Any) -> Attendee:
    raw = {"id": "31", "arrived": None, "booking": link("bookings/1"), "patient": link("patients/82")}
    return read(Attendee, {**raw, **fields})


def invoice(**fields: Any) -> Invoice:
    raw = {
        "id": "108",
        "number": 104,
        "issue_date": "2015-04-02",
        "status": 10,
        "status_description": "Open",
        "net_amount": "50.0",
        "tax_amount": "5.0",
        "discounted_amount": "0.0",
        "total_amount": "55.0",
        "closed_at": None,
        "appointment": link("appointments/70644"),
        "patient": link("patients/1593"),
    }
    return read(Invoice, {**raw, **fields})


def case(**fields: Any) -> PatientCase:
    raw = {
        "id": "566562806174843905",
        "name": "Knee",
        "issue_date": "2021-02-18",
        "expiry_date": "2022-02-17",
        "closed": False,
        "max_sessions": 12,
        "max_invoiceable_amount": "1250.5",
        "referral": False,
    }
    return read(PatientCase, {**raw, **fields})
