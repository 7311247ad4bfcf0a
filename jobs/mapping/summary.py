"""The visit summary on a contact, from what the ledger knows of the patient's visits and paid invoices.

Completed means: the patient arrived, or the appointment is over and was neither cancelled nor marked as missed. Many
clinics never tick arrivals, and to a practice manager a visit that simply took place was a visit. Next is the first one
that has not started and is still on. The four counts are by stage, so that they add up to all visits and agree with the
deals: a past visit that nobody marked is counted under booked, where its deal is.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from jobs.mapping.catalogue_types import AppointmentStatus
from jobs.mapping.dates import hubspot_datetime
from jobs.mapping.money import money_text
from jobs.mapping.text import clean_text

_PROPERTIES = (
    "cliniko_next_appointment_at",
    "cliniko_next_appointment_type",
    "cliniko_next_appointment_practitioner",
    "cliniko_next_appointment_location",
    "cliniko_last_appointment_at",
    "cliniko_last_appointment_type",
    "cliniko_last_appointment_practitioner",
    "cliniko_appointments_booked",
    "cliniko_appointments_arrived",
    "cliniko_appointments_did_not_arrive",
    "cliniko_appointments_cancelled",
    "cliniko_lifetime_value",
)
_STILL_ON = (AppointmentStatus.BOOKED, AppointmentStatus.ARRIVED)


@dataclass(frozen=True, slots=True)
class Visit:
    """One appointment of the patient: times (aware), stage and the names behind its ids."""

    starts_at: datetime
    ends_at: datetime | None
    stage: AppointmentStatus
    type_name: str = field(default="", repr=False)
    practitioner_name: str = ""
    business_name: str = ""

    @property
    def over_at(self) -> datetime:
        """An end before the start is a mistake; the start counts then."""
        return max(self.ends_at or self.starts_at, self.starts_at)


def summary_property_names() -> tuple[str, ...]:
    """Every HubSpot property that `summarise` returns."""
    return _PROPERTIES


def summarise(
    visits: Sequence[Visit],
    paid: Iterable[Decimal] | None,
    now: datetime,
    *,
    include_appointment_type: bool = True,
) -> dict[str, str]:
    """All summary properties. `paid` are the totals of paid invoices, None while invoices are not known.

    Of a patient without any visit and any paid invoice nothing is said at all, so that people who never came are not
    written about.
    """
    totals = None if paid is None else list(paid)
    if not visits and not totals:
        return dict.fromkeys(_PROPERTIES, "")
    upcoming, last = next_visit(visits, now), last_visit(visits, now)
    stages = Counter(visit.stage for visit in visits)
    return {
        "cliniko_next_appointment_at": hubspot_datetime(upcoming and upcoming.starts_at),
        "cliniko_next_appointment_type": _type(upcoming, include_appointment_type),
        "cliniko_next_appointment_practitioner": clean_text(upcoming and upcoming.practitioner_name),
        "cliniko_next_appointment_location": clean_text(upcoming and upcoming.business_name),
        "cliniko_last_appointment_at": hubspot_datetime(last and last.starts_at),
        "cliniko_last_appointment_type": _type(last, include_appointment_type),
        "cliniko_last_appointment_practitioner": clean_text(last and last.practitioner_name),
        "cliniko_appointments_booked": str(stages[AppointmentStatus.BOOKED]),
        "cliniko_appointments_arrived": str(stages[AppointmentStatus.ARRIVED]),
        "cliniko_appointments_did_not_arrive": str(stages[AppointmentStatus.DID_NOT_ARRIVE]),
        "cliniko_appointments_cancelled": str(stages[AppointmentStatus.CANCELLED]),
        "cliniko_lifetime_value": "" if totals is None else money_text(sum(totals, Decimal(0))),
    }


def next_visit(visits: Iterable[Visit], now: datetime) -> Visit | None:
    """The first visit that is still on and has not started."""
    return min((v for v in visits if v.stage in _STILL_ON and v.starts_at > now), key=_order, default=None)


def last_visit(visits: Iterable[Visit], now: datetime) -> Visit | None:
    """The latest completed visit. An arrival ticked early counts from the start of the visit."""
    return max((v for v in visits if _completed(v, now)), key=_order, default=None)


def next_change_at(visits: Sequence[Visit], now: datetime) -> datetime | None:
    """The moment at which the passing of time alone changes the summary; None when it never does."""
    before = _shown(visits, now)
    moments = {m for v in visits if v.stage in _STILL_ON for m in (v.starts_at, v.over_at) if m > now}
    # The start of the next visit always changes something, so this ends after the few visits going on now.
    return next((m for m in sorted(moments) if _shown(visits, m) != before), None)


def _shown(visits: Sequence[Visit], now: datetime) -> tuple[object, ...]:
    upcoming, last = next_visit(visits, now), last_visit(visits, now)
    return (
        upcoming and (upcoming.starts_at, upcoming.type_name, upcoming.practitioner_name, upcoming.business_name),
        last and (last.starts_at, last.type_name, last.practitioner_name),
    )


def _completed(visit: Visit, now: datetime) -> bool:
    if visit.stage is AppointmentStatus.ARRIVED:
        return visit.starts_at <= now
    return visit.stage is AppointmentStatus.BOOKED and visit.over_at <= now


def _order(visit: Visit) -> tuple[datetime, datetime, str, str, str]:
    # Beyond the times only so that the order in which visits are read never decides.
    return visit.starts_at, visit.over_at, visit.type_name, visit.practitioner_name, visit.business_name


def _type(visit: Visit | None, include: bool) -> str:
    return clean_text(visit.type_name) if visit is not None and include else ""
