"""Where a visit stands: booked, arrived, did not arrive or cancelled, from an appointment and its attendee.

Nothing remembers an earlier state, so a visit that is un-cancelled or un-ticked in Cliniko simply goes back.
"""

from dataclasses import dataclass

from jobs.mapping.catalogue_types import AppointmentStatus
from jobs.mapping.records_deals import (
    AppointmentRecord,
    AttendeeRecord,
    Cancellable,
    GroupRecord,
    Moment,
    Removable,
)
from jobs.mapping.text import clean_text

REMOVED_REASON = "Removed in Cliniko"

# Cliniko's codes, for answers that leave the description out.
_REASONS = {
    10: "Feeling better",
    20: "Condition worse",
    30: "Sick",
    31: "COVID-19 related",
    40: "Away",
    50: "Other",
    60: "Work",
}


@dataclass(frozen=True, slots=True)
class VisitState:
    """`status` is the stage of the deal. A removed visit is cancelled too, and counts nowhere as a session."""

    status: AppointmentStatus
    removed: bool = False
    cancelled_at: Moment = None
    reason: str = ""


def appointment_state(appointment: AppointmentRecord, attendee: AttendeeRecord | None) -> VisitState:
    """An individual appointment. Of its attendee only arrival and cancellation count, and only while it is there:
    an attendee that was taken away says nothing about an appointment that was not."""
    attendee = live(attendee)
    if is_removed(appointment):
        return _removed(_first(appointment.cancelled_at, appointment.archived_at, appointment.deleted_at))
    for side in (appointment, attendee):
        if side is not None and side.cancelled_at:
            return _cancelled(side, appointment, attendee)
    arrived = attendee.arrived if attendee is not None else None
    if arrived is None:
        # Both of the appointment's own marks are false or missing until somebody says something.
        arrived = False if appointment.did_not_arrive else True if appointment.patient_arrived else None
    return _attended(arrived)


def attendee_state(attendee: AttendeeRecord, group: GroupRecord | None = None) -> VisitState:
    """One patient's place in a group appointment, which goes when the whole appointment goes."""
    if is_removed(attendee) or (group is not None and is_removed(group)):
        moments = [attendee.cancelled_at, attendee.archived_at, attendee.deleted_at]
        return _removed(_first(*moments, *((group.archived_at, group.deleted_at) if group is not None else ())))
    if attendee.cancelled_at:
        return _cancelled(attendee, attendee)
    return _attended(attendee.arrived)


def is_removed(record: Removable) -> bool:
    """Archived or deleted in Cliniko: it is not documented whether both columns are set."""
    return bool(record.archived_at or record.deleted_at)


def live(attendee: AttendeeRecord | None) -> AttendeeRecord | None:
    """The attendee unless it was removed."""
    return None if attendee is None or is_removed(attendee) else attendee


def appointment_case_id(appointment: AppointmentRecord, attendee: AttendeeRecord | None) -> str | None:
    """The patient case of an individual appointment: its attendee knows first."""
    attendee = live(attendee)
    return (attendee.patient_case_id if attendee is not None else None) or appointment.patient_case_id


def _attended(arrived: bool | None) -> VisitState:
    if arrived is None:
        return VisitState(AppointmentStatus.BOOKED)
    return VisitState(AppointmentStatus.ARRIVED if arrived else AppointmentStatus.DID_NOT_ARRIVE)


def _removed(moment: Moment) -> VisitState:
    return VisitState(AppointmentStatus.CANCELLED, True, moment, REMOVED_REASON)


def _cancelled(cancelled: Cancellable, *sides: Cancellable | None) -> VisitState:
    """The reason may stand on the other side of the pair."""
    reasons = (_reason(side) for side in (cancelled, *sides) if side is not None)
    reason = next((text for text in reasons if text), "")
    return VisitState(AppointmentStatus.CANCELLED, False, cancelled.cancelled_at, reason)


def _reason(side: Cancellable) -> str:
    code = side.cancellation_reason
    return clean_text(side.cancellation_reason_description) or ("" if code is None else _REASONS.get(code, ""))


def _first(*moments: Moment) -> Moment:
    return next((moment for moment in moments if moment), None)
