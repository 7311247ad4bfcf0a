"""Group appointments and who is in them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from webapp.sandbox.cliniko.clinic.booking_rows import CANCELLATION_REASONS, class_attendee_row
from webapp.sandbox.cliniko.clinic.bookings import Picker
from webapp.sandbox.cliniko.clinic.calendar import Calendar, lead
from webapp.sandbox.cliniko.clinic.cases import Cases
from webapp.sandbox.cliniko.clinic.draws import DAY, HOUR, PRIVATE_MARK, Draws, Row, between, chosen, stamp
from webapp.sandbox.cliniko.clinic.people import People
from webapp.sandbox.cliniko.clinic.services import GROUP_WEIGHTS, Services

CLASS_SHARES = {
    "archived": 0.03,  # of the group appointments; their attendees stay as they were
    "empty": 0.03,  # group appointments that nobody is in, on top
    "attendee_cancelled": 0.08,
    "attendee_archived": 0.03,
    "arrived": 0.75,  # of the past attendees who were neither
    "did_not_arrive": 0.10,
}


@dataclass(slots=True)
class Place:
    """One patient's place in a class; times are seconds since 1970."""

    patient: int
    created: int
    updated: int
    cancelled: int | None = None
    reason: int = 0
    archived: int | None = None
    arrived: bool | None = None
    online: bool = False


@dataclass(slots=True)
class Lesson:
    """One class before it becomes rows."""

    starts: int
    created: int
    business: int
    practitioner: str
    kind: Row
    places: list[Place] = field(default_factory=list)


@dataclass
class Classes:
    """Rows of group appointments; attendees (without ids yet) with the group appointment each belongs to."""

    appointments: list[Row]
    attendees: list[tuple[Row, Row]]


def make_classes(
    draws: Draws,
    count: int,
    picker: Picker,
    services: Services,
    cases: Cases,
    patient_ids: Sequence[str],
) -> Classes:
    """Classes that hold `count` attendees together, and some that hold none."""
    chance = draws.stream("classes")
    lessons = _plan(chance, draws, count if patient_ids else 0, picker, services)
    appointments: list[Row] = []
    attendees: list[tuple[Row, Row]] = []
    lessons.sort(key=lambda lesson: (lesson.created, lesson.starts))
    archived = set(chosen(chance, range(len(lessons)), CLASS_SHARES["archived"], few=10))
    for number, lesson in enumerate(lessons):
        booking_id = draws.new_id("group_appointments", lesson.created)
        removed = between(chance, lesson.created, draws.now) if number in archived else None
        row = _row(chance, lesson, booking_id, picker.staff.businesses[lesson.business]["id"], removed)
        appointments.append(row)
        for place in lesson.places:
            case = cases.case_of(chance, place.patient, lesson.starts)
            attendee = class_attendee_row(chance, place, booking_id, patient_ids[place.patient], case)
            attendees.append((attendee, row))
    return Classes(appointments, attendees)


def _plan(chance: random.Random, draws: Draws, count: int, picker: Picker, services: Services) -> list[Lesson]:
    lessons = []
    left = count
    while left:
        lesson = _lesson(chance, draws, picker, services)
        size = min(left, chance.randint(1, lesson.kind["max_attendees"]))
        members = {picker.patient(chance, lesson.starts) for _ in range(size)}
        lesson.places = [_place(chance, draws.now, lesson, picker.people, member) for member in sorted(members)]
        left -= len(members)
        lessons.append(lesson)
    empty = max(1, round(len(lessons) * CLASS_SHARES["empty"])) if count else 0
    return lessons + [_lesson(chance, draws, picker, services) for _ in range(empty)]


def _lesson(chance: random.Random, draws: Draws, picker: Picker, services: Services) -> Lesson:
    calendar = Calendar(draws.now)
    business = picker.business(chance)
    time_of = chance.choices((calendar.past, calendar.soon, calendar.later), (0.7, 0.25, 0.05))[0]
    starts = time_of(chance, picker.zone(business))
    kind = chance.choices(services.group, GROUP_WEIGHTS)[0]
    created = min(draws.now, starts - between(chance, DAY, 90 * DAY))
    return Lesson(starts, created, business, picker.practitioner(chance, starts), kind)


def _place(chance: random.Random, now: int, lesson: Lesson, people: People, patient: int) -> Place:
    created = max(lesson.created, lead(chance, lesson.starts, people.everyone[patient].created, now))
    place = Place(patient, created, created, online=chance.random() < 0.2)
    luck = chance.random()
    if luck < CLASS_SHARES["attendee_cancelled"]:
        place.cancelled = place.updated = between(chance, created, min(now, max(lesson.starts, created)))
        place.reason = chance.randrange(len(CANCELLATION_REASONS))
    elif luck < CLASS_SHARES["attendee_cancelled"] + CLASS_SHARES["attendee_archived"]:
        place.archived = place.updated = between(chance, created, now)
    elif lesson.starts < now:
        mark = chance.random()
        if mark < CLASS_SHARES["arrived"] + CLASS_SHARES["did_not_arrive"]:
            place.arrived = mark < CLASS_SHARES["arrived"]
            place.updated = max(created, min(now, lesson.starts + between(chance, 0, 2 * HOUR)))
    return place


def _row(chance: random.Random, lesson: Lesson, booking_id: str, business_id: str, archived: int | None) -> Row:
    return {
        "id": booking_id,
        "appointment_type_id": lesson.kind["id"],
        "archived_at": None if archived is None else stamp(archived),
        "business_id": business_id,
        "created_at": stamp(lesson.created),
        "deleted_at": None,
        "ends_at": stamp(lesson.starts + lesson.kind["duration_in_minutes"] * 60),
        "max_attendees": lesson.kind["max_attendees"],
        "notes": f"Bring mats. {PRIVATE_MARK}" if chance.random() < 0.2 else None,
        "practitioner_id": lesson.practitioner,
        "repeat_rule": {},
        "repeated_from_id": None,
        "starts_at": stamp(lesson.starts),
        "telehealth_url": None,
        "updated_at": stamp(lesson.created if archived is None else archived),
    }
