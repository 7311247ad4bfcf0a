"""Visits as Cliniko stores them: one row for the appointment, one for the patient's place in it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from webapp.sandbox.cliniko.clinic.draws import HOUR, PRIVATE_MARK, Row, between, stamp

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.clinic.bookings import Visit
    from webapp.sandbox.cliniko.clinic.classes import Place

CANCELLATION_REASONS = (
    (10, "Feeling Better"),
    (20, "Condition Worse"),
    (30, "Sick"),
    (31, "COVID-19 related"),
    (40, "Away"),
    (50, "Other"),
    (60, "Work"),
)

_NOTE = f"Needs the big towel. {PRIVATE_MARK}"
_VIDEO = f"https://video.example/{PRIVATE_MARK}/"


def _happened(visit: Visit | Place) -> Row:
    """Whether, when and why somebody cancelled, and whether the patient booked online; empty for most.

    What a row does not hold is shown as null, so that hundreds of thousands of rows stay small.
    """
    row: Row = {}
    if visit.cancelled is not None:
        row["cancellation_reason"], row["cancellation_reason_description"] = CANCELLATION_REASONS[visit.reason]
        if row["cancellation_reason"] == 50:
            row["cancellation_note"] = f"Called at 8. {PRIVATE_MARK}"
    if visit.online:
        row["booking_ip_address"] = f"203.0.113.{visit.created % 254 + 1}"
        row["online_booking_policy_accepted"] = True
    return row


def appointment_row(
    chance: random.Random,
    visit: Visit,
    appointment_id: str,
    patient_id: str,
    business_id: str,
    case_id: str | None,
    head: str | None,
) -> Row:
    created = stamp(visit.created)
    archived = None if visit.archived is None else stamp(visit.archived)
    # Nobody said anything yet: both false; somebody took a tick back: both null.
    unknown = None if visit.arrived is None and chance.random() < 0.2 else False
    row = {
        "id": appointment_id,
        "appointment_type_id": visit.type_id,
        "archived_at": archived,
        "business_id": business_id,
        "cancelled_at": None if visit.cancelled is None else stamp(visit.cancelled),
        "created_at": created,
        "deleted_at": archived if visit.archived and visit.archived % 2 else None,
        "did_not_arrive": unknown if visit.arrived is None else not visit.arrived,
        "ends_at": stamp(visit.starts + visit.minutes * 60),
        "patient_arrived": unknown if visit.arrived is None else visit.arrived,
        "patient_case_id": case_id,
        "patient_id": patient_id,
        "practitioner_id": visit.practitioner,
        "starts_at": stamp(visit.starts),
        "updated_at": created if visit.updated == visit.created else stamp(visit.updated),
        **_happened(visit),
    }
    if head is not None:
        row["repeat_rule"] = {"repeat_type": "Weekly", "number_of_repeats": visit.repeats, "repeating_interval": 1}
        row["repeated_from_id"] = head if head != appointment_id else None
    if chance.random() < 0.1:
        row["notes"] = _NOTE
    if visit.arrived and chance.random() < 0.3:
        row["treatment_note_status"] = 90
    if visit.minutes == 15:
        row["telehealth_url"] = _VIDEO + appointment_id
    return row


_SHARED = (
    "archived_at",
    "cancelled_at",
    "created_at",
    "deleted_at",
    "patient_case_id",
    "patient_id",
    "booking_ip_address",
    "online_booking_policy_accepted",
    "cancellation_reason",
    "cancellation_reason_description",
    "cancellation_note",
    "telehealth_url",
    "treatment_note_status",
)


def attendee_row(chance: random.Random, visit: Visit, appointment: Row, now: int) -> Row:
    """The one attendee of an individual appointment; the arrival may have been noted after the last change of it."""
    row = {name: appointment[name] for name in _SHARED if name in appointment}
    row |= {"arrived": visit.arrived, "booking_id": appointment["id"], "updated_at": appointment["updated_at"]}
    if visit.arrived is not None and chance.random() < 0.2:
        row["updated_at"] = stamp(between(chance, visit.updated, min(now, visit.updated + 3 * HOUR)))
    if visit.starts > now and chance.random() < 0.2:
        row["cancellation_url"] = f"https://cancel.example/{PRIVATE_MARK}"
    return row


def class_attendee_row(chance: random.Random, place: Place, booking_id: str, patient_id: str, case: str | None) -> Row:
    """One patient's place in a class."""
    archived = None if place.archived is None else stamp(place.archived)
    row: Row = {
        "archived_at": archived,
        "arrived": place.arrived,
        "booking_id": booking_id,
        "cancelled_at": None if place.cancelled is None else stamp(place.cancelled),
        "created_at": stamp(place.created),
        "deleted_at": archived if place.created % 2 else None,
        "patient_case_id": case,
        "patient_id": patient_id,
        "updated_at": stamp(place.updated),
        **_happened(place),
    }
    if chance.random() < 0.1:
        row["notes"] = _NOTE
    return row
