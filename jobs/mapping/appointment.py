"""A Cliniko appointment as the properties of a HubSpot deal: an individual one, or one attendee of a group one."""

from jobs.mapping.case import case_property_names, case_values
from jobs.mapping.catalogue_types import AppointmentStatus
from jobs.mapping.dates import hubspot_datetime
from jobs.mapping.money import money_text
from jobs.mapping.patient import yes_no
from jobs.mapping.records import Problem
from jobs.mapping.records_deals import (
    AppointmentRecord,
    AttendeeRecord,
    DealContext,
    GroupRecord,
    MappedDeal,
    VisitFacts,
)
from jobs.mapping.text import clean_text
from jobs.mapping.urls import record_url
from jobs.mapping.visits import VisitState, appointment_case_id, appointment_state, attendee_state
from jobs.mapping.zones import local_text

_PROPERTIES = (
    "cliniko_key",
    "dealname",
    "closedate",
    "amount",
    "deal_currency_code",
    "cliniko_appointment_id",
    "cliniko_appointment_url",
    "cliniko_appointment_status",
    "cliniko_appointment_type",
    "cliniko_appointment_starts_at",
    "cliniko_appointment_ends_at",
    "cliniko_appointment_local_time",
    "cliniko_appointment_booked_online",
    "cliniko_cancelled_at",
    "cliniko_cancellation_reason",
    "cliniko_practitioner",
    "cliniko_practitioner_email",
    "cliniko_business",
    *case_property_names(),
)


def appointment_property_names() -> tuple[str, ...]:
    """Every HubSpot property that `map_appointment` and `map_attendee` return."""
    return _PROPERTIES


def appointment_key(cliniko_account_id: str, appointment_id: str) -> str:
    """The unique key of an individual appointment's deal."""
    return f"{cliniko_account_id}:individual_appointment:{appointment_id}"


def attendee_key(cliniko_account_id: str, attendee_id: str) -> str:
    """The unique key of the deal of one patient at a group appointment."""
    return f"{cliniko_account_id}:attendee:{attendee_id}"


def map_appointment(
    appointment: AppointmentRecord, attendee: AttendeeRecord | None, *, facts: VisitFacts, context: DealContext
) -> MappedDeal[AppointmentStatus]:
    """An individual appointment. Its attendee feeds arrival, cancellation and case, and may be missing."""
    return _deal(
        appointment_key(context.cliniko_account_id, appointment.id),
        appointment,
        appointment_state(appointment, attendee),
        appointment_case_id(appointment, attendee),
        appointment.booked_online or (attendee is not None and attendee.booked_online),
        facts,
        context,
    )


def map_attendee(
    attendee: AttendeeRecord, group: GroupRecord, *, facts: VisitFacts, context: DealContext
) -> MappedDeal[AppointmentStatus]:
    """One patient at a group appointment."""
    return _deal(
        attendee_key(context.cliniko_account_id, attendee.id),
        group,
        attendee_state(attendee, group),
        attendee.patient_case_id,
        attendee.booked_online,
        facts,
        context,
    )


def _deal(
    key: str,
    visit: GroupRecord,
    state: VisitState,
    case_id: str | None,
    booked_online: bool,
    facts: VisitFacts,
    context: DealContext,
) -> MappedDeal[AppointmentStatus]:
    starts, local = hubspot_datetime(visit.starts_at), local_text(visit.starts_at, facts.time_zone)
    kind = clean_text(facts.type_name) if context.include_appointment_type else ""
    name = (kind or "Appointment", clean_text(facts.patient_name), local)
    values = {
        "cliniko_key": key,
        "dealname": clean_text(" | ".join(part for part in name if part)),
        "closedate": starts,
        "amount": money_text(facts.amount),
        "deal_currency_code": clean_text(context.deal_currency),
        "cliniko_appointment_id": visit.id,
        "cliniko_appointment_url": record_url(context.subdomain, context.shard, "appointments", visit.id),
        "cliniko_appointment_status": state.status.value,
        "cliniko_appointment_type": kind,
        "cliniko_appointment_starts_at": starts,
        "cliniko_appointment_ends_at": hubspot_datetime(visit.ends_at),
        "cliniko_appointment_local_time": local,
        "cliniko_appointment_booked_online": yes_no(booked_online),
        "cliniko_cancelled_at": hubspot_datetime(state.cancelled_at),
        "cliniko_cancellation_reason": state.reason,
        "cliniko_practitioner": clean_text(facts.practitioner_name),
        "cliniko_practitioner_email": clean_text(facts.practitioner_email),
        "cliniko_business": clean_text(facts.business_name),
        **case_values(case_id, facts.case, facts.case_sessions_used, include_name=context.include_case_name),
    }
    return MappedDeal(values, state.status, () if starts else (_no_start(),))


def _no_start() -> Problem:
    return Problem(
        "cliniko_appointment_starts_at",
        "NO_START",
        "This appointment has no readable start time, so its deal has no close date. Correct it in Cliniko.",
    )
