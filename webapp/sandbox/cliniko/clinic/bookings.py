"""Individual appointments, each with its one attendee, and the time that staff block."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from webapp.sandbox.cliniko.clinic.booking_rows import CANCELLATION_REASONS, appointment_row, attendee_row
from webapp.sandbox.cliniko.clinic.calendar import Calendar, lead
from webapp.sandbox.cliniko.clinic.cases import Cases
from webapp.sandbox.cliniko.clinic.draws import DAY, HOUR, PRIVATE_MARK, Draws, Row, between, chosen, stamp
from webapp.sandbox.cliniko.clinic.people import People
from webapp.sandbox.cliniko.clinic.services import INDIVIDUAL_WEIGHTS, Services
from webapp.sandbox.cliniko.clinic.staff import Staff

# What part of the individual appointments; the first three say when, and series move a few of them on.
APPOINTMENT_SHARES = {
    "past": 0.80,
    "soon": 0.15,  # within 45 days
    "later": 0.05,
    "cancelled": 0.08,
    "archived": 0.02,
    "online": 0.10,
    "series": 0.06,
    "midnight": 0.01,
    "summer_time": 0.01,
    "same_second": 0.10,
    "arrived": 0.80,  # of the past ones that were neither cancelled nor archived
    "did_not_arrive": 0.08,  # of the same; nobody marked the rest
}
SERIES_LENGTH = (4, 12)


@dataclass(slots=True)
class Visit:
    """One appointment of one patient before it becomes rows; times are seconds since 1970."""

    starts: int
    minutes: int
    created: int
    patient: int
    business: int
    practitioner: str
    type_id: str
    series: int | None = None
    repeats: int = 0
    updated: int = 0
    cancelled: int | None = None
    reason: int = 0
    archived: int | None = None
    arrived: bool | None = None
    online: bool = False
    odd: str | None = None
    same_second: bool = False

    def traits(self) -> list[str]:
        listed = {
            "cancelled": self.cancelled is not None,
            "archived": self.archived is not None,
            "online": self.online,
            "series": self.series is not None,
            "same_second": self.same_second,
            self.odd or "": self.odd is not None,
        }
        return [name for name, has in listed.items() if has]


@dataclass
class Bookings:
    """Rows of appointments and of their attendees (without ids yet), pair by pair in the same order."""

    appointments: list[Row]
    attendees: list[Row]
    traits: dict[str, list[str]]


class Picker:
    """Draws the patient, the place and the practitioner of a visit."""

    def __init__(self, draws: Draws, people: People, staff: Staff) -> None:
        self.now = draws.now
        self.people, self.staff = people, staff
        self._since = [person.created for person in people.everyone]
        self._places = range(len(staff.businesses))

    def business(self, chance: random.Random) -> int:
        return chance.choices(self._places, self.staff.business_shares)[0]

    def zone(self, business: int) -> ZoneInfo:
        return self.staff.zones[business]

    def practitioner(self, chance: random.Random, starts: int) -> str:
        """Those who left work only in what is long past."""
        return chance.choice(self.staff.active if starts > self.now - 365 * DAY else self.staff.everyone)

    def patient(self, chance: random.Random, starts: int) -> int:
        """Somebody known by then. Regulars come often, one in ten never; the archived have no visits ahead."""
        known = max(1, bisect_right(self._since, starts))
        index = int(known * chance.random())
        if chance.random() < 0.4:
            index -= index % 5
        if index % 10 == 3:
            index -= 1
        index = self.people.survivor(index)
        if starts > self.now and self.people.everyone[index].archived is not None:
            free = (i for i in range(index, index + 50) if i < known and self.people.everyone[i].archived is None)
            return next(free, index)
        return index


def make_appointments(
    draws: Draws,
    count: int,
    picker: Picker,
    services: Services,
    cases: Cases,
    patient_ids: Sequence[str],
) -> Bookings:
    chance = draws.stream("appointments")
    visits = _plan(chance, draws, count, picker, services) if patient_ids else []
    _happen(chance, draws.now, visits)
    appointments, attendees = [], []
    traits: dict[str, list[str]] = {}
    heads: dict[int, str] = {}
    for visit in visits:
        appointment_id = draws.new_id("individual_appointments", visit.created)
        head = heads.setdefault(visit.series, appointment_id) if visit.series is not None else None
        case = cases.case_of(chance, visit.patient, visit.starts)
        place = picker.staff.businesses[visit.business]["id"]
        row = appointment_row(chance, visit, appointment_id, patient_ids[visit.patient], place, case, head)
        appointments.append(row)
        attendees.append(attendee_row(chance, visit, row, draws.now))
        for trait in visit.traits():
            traits.setdefault(trait, []).append(appointment_id)
    return Bookings(appointments, attendees, traits)


def _plan(chance: random.Random, draws: Draws, count: int, picker: Picker, services: Services) -> list[Visit]:
    calendar = Calendar(draws.now)
    types = services.individual
    when = ("past", "soon", "later")
    weights = [APPOINTMENT_SHARES[name] for name in when]
    visits: list[Visit] = []
    in_series = round(count * APPOINTMENT_SHARES["series"])
    while len(visits) < count:
        business = picker.business(chance)
        zone = picker.zone(business)
        starts = getattr(calendar, chance.choices(when, weights)[0])(chance, zone)
        kind = chance.choices(types, INDIVIDUAL_WEIGHTS)[0]
        length = min(chance.randint(*SERIES_LENGTH), count - len(visits)) if len(visits) < in_series else 1
        patient = picker.patient(chance, starts)
        created = lead(chance, starts, picker.people.everyone[patient].created, draws.now)
        who = picker.practitioner(chance, starts)
        series = len(visits) if length > 1 else None
        for week in range(length):
            at = calendar.next_week(zone, starts, week) if week else starts
            visits.append(
                Visit(at, kind["duration_in_minutes"], created, patient, business, who, kind["id"], series, length - 1)
            )
    _odd_times(chance, calendar, picker, visits[in_series + SERIES_LENGTH[1] :])
    return visits


def _odd_times(chance: random.Random, calendar: Calendar, picker: Picker, visits: list[Visit]) -> None:
    rest = list(visits)
    for trait in ("midnight", "summer_time"):
        picked = chosen(chance, range(len(rest)), APPOINTMENT_SHARES[trait])
        for number, place in enumerate(picked):
            visit = rest[place]
            # The first two businesses have summer time.
            visit.business, visit.odd = number % 2, trait
            zone = picker.zone(visit.business)
            if trait == "midnight":
                visit.starts = calendar.midnight(chance, zone)
            else:
                visit.starts = calendar.summer_time(chance, zone, number // 2)
            visit.patient = picker.patient(chance, visit.starts)
            visit.created = lead(chance, visit.starts, picker.people.everyone[visit.patient].created, calendar.now)
        taken = set(picked)
        rest = [visit for place, visit in enumerate(rest) if place not in taken]


def _happen(chance: random.Random, now: int, visits: list[Visit]) -> None:
    """What became of each visit; sorts them by when they were entered."""
    visits.sort(key=lambda visit: (visit.created, visit.starts))
    anyone = range(len(visits))
    picked = {
        name: set(chosen(chance, anyone, APPOINTMENT_SHARES[name])) for name in ("cancelled", "archived", "online")
    }
    for index, visit in enumerate(visits):
        visit.online = index in picked["online"]
        visit.updated = visit.created
        if index in picked["cancelled"]:
            visit.cancelled = visit.updated = between(chance, visit.created, min(now, max(visit.starts, visit.created)))
            visit.reason = chance.randrange(len(CANCELLATION_REASONS))
        if index in picked["archived"]:
            visit.archived = between(chance, max(visit.created, visit.cancelled or 0), now)
            if chance.random() < 0.7:  # the rest stands for archiving that does not move updated_at
                visit.updated = visit.archived
        if visit.starts < now and visit.cancelled is None and visit.archived is None:
            luck = chance.random()
            if luck < APPOINTMENT_SHARES["arrived"]:
                visit.arrived = True
            elif luck < APPOINTMENT_SHARES["arrived"] + APPOINTMENT_SHARES["did_not_arrive"]:
                visit.arrived = False
            if visit.arrived is not None:
                ends = visit.starts + visit.minutes * 60
                visit.updated = max(visit.created, min(now, between(chance, ends, ends + 2 * HOUR)))
    ahead = [visit for visit in visits if visit.updated == visit.created and visit.starts > now]
    same = chosen(chance, ahead, min(1.0, APPOINTMENT_SHARES["same_second"] * len(visits) / max(len(ahead), 1)))
    for at in range(0, len(same), 40):
        moved = between(chance, max(visit.created for visit in same[at : at + 40]), now)
        for visit in same[at : at + 40]:
            visit.updated, visit.same_second = moved, True


def unavailable_blocks(draws: Draws, count: int, picker: Picker) -> list[Row]:
    """Holidays, lunch, training: bookings without a patient."""
    chance = draws.stream("blocks")
    calendar = Calendar(draws.now)
    planned = []
    for _ in range(count):
        business = picker.business(chance)
        time_of = chance.choice((calendar.past, calendar.soon, calendar.later))
        starts = time_of(chance, picker.zone(business))
        planned.append((min(draws.now, starts - between(chance, HOUR, 60 * DAY)), starts, business))
    rows = []
    for created, starts, business in sorted(planned):
        archived = stamp(between(chance, created, draws.now)) if chance.random() < 0.05 else None
        rows.append(
            {
                "id": draws.new_id("unavailable_blocks", created),
                "archived_at": archived,
                "business_id": picker.staff.businesses[business]["id"],
                "created_at": stamp(created),
                "deleted_at": archived,
                "ends_at": stamp(starts + chance.choice((1800, 3600, 8 * HOUR))),
                "notes": f"Dentist {PRIVATE_MARK}" if chance.random() < 0.3 else None,
                "practitioner_id": picker.practitioner(chance, starts),
                "repeat_rule": {},
                "repeated_from_id": None,
                "starts_at": stamp(starts),
                "updated_at": archived or stamp(created),
            }
        )
    return rows
