"""Calls, counted at the two services: what changes, what is new and what is idle costs as many as promised."""

from collections import Counter
from datetime import timedelta

import pytest

from tests.jobs.sync.practice import DAY, HOUR, Practice
from webapp.clock import now
from webapp.sandbox.cliniko import actions

HUNDRED = 100
UPDATE, UPSERT, READ = (f"deals/batch/{what}" for what in ("update", "upsert", "read"))
ASSOCIATE, SUMMARIES = "batch/associate/default", "contacts/batch/update"
# Lists that are polled, by time column, in a cycle of both deal streams.
POLLS = Counter(
    {
        f"{name} {column}": 1
        for name, columns in {
            "individual_appointments": ("starts_at", "updated_at", "archived_at", "cancelled_at", "deleted_at"),
            "group_appointments": ("starts_at", "updated_at", "archived_at", "deleted_at"),
            "attendees": ("updated_at", "archived_at", "cancelled_at", "deleted_at"),
            "patient_cases": ("updated_at", "archived_at"),
            "invoices": ("updated_at", "archived_at", "deleted_at"),
        }.items()
        for column in columns
    }
)


@pytest.fixture
def practice(clinic) -> Practice:
    """In sync, with one visit, so that the reference lists are known; what is entered from now on is new."""
    made = Practice(clinic)
    patient = made.patient()
    made.appointment(patient, now() + DAY)
    made.lesson_at(now() + DAY, patient)
    made.sync()
    made.age = timedelta()
    return made


def costs(practice: Practice, what: str, *streams: str) -> tuple[Counter[str], Counter[str]]:
    """One cycle of the deal streams: calls to HubSpot by path, and to Cliniko beyond the polled lists."""
    practice.clinic.clear_calls()
    practice.sync(*(streams or ("appointments", "invoices")))
    hubspot = Counter(path.partition("/2026-09/")[2] for path in practice.at_hubspot())
    hubspot = Counter({path.removeprefix("deals/contacts/"): number for path, number in hubspot.items()})
    cliniko = practice.polls()
    extra = Counter({name: number - POLLS[name] for name, number in cliniko.items() if number > POLLS[name]})
    print(f"\n{what}: HubSpot {dict(hubspot)}, Cliniko {sum(cliniko.values())} calls, beyond the polled {dict(extra)}")
    return hubspot, extra


def test_idle(practice):
    ana = practice.patient()
    for number in range(3):
        practice.appointment(ana, now() + number * DAY, practice.case(ana))
        practice.invoice(ana)
    practice.lesson_at(now() + DAY, ana, *practice.patients(3))
    practice.sync()
    practice.sync()
    # All of it changed within the overlap of the next walk, and is read again, but nothing behind it is.
    hubspot, extra = costs(practice, "idle")
    assert (hubspot, extra) == (Counter(), Counter())
    assert practice.polls() == POLLS


def test_a_hundred_new_appointments(practice):
    people = practice.patients(HUNDRED)
    practice.sync()
    for number, patient in enumerate(people):
        practice.appointment(patient, now() + DAY + number * HOUR / 2)
    hubspot, extra = costs(practice, "100 new appointments")
    assert hubspot == Counter({UPSERT: 1, ASSOCIATE: 1, SUMMARIES: 1})
    assert extra == Counter({"attendees": 2})
    assert len(practice.clinic.deals()) == HUNDRED + 2


def test_a_hundred_appointments_of_patients_nobody_synced(practice):
    practice.sync()
    for patient in practice.patients(HUNDRED):
        practice.appointment(patient, now() + DAY)
    hubspot, extra = costs(practice, "100 new appointments of 100 unknown patients")
    people = sum(number for path, number in hubspot.items() if path.startswith("contacts/")) - 1
    assert people <= 2 * 5, "at most five for each fifty, and one for the summaries"
    assert (hubspot[UPSERT], hubspot[ASSOCIATE], extra["patients"]) == (1, 1, 2)


def test_a_hundred_changed_appointments(practice):
    visits = [practice.appointment(patient, now() + DAY) for patient in practice.patients(HUNDRED)]
    practice.sync()
    practice.sync()
    for visit in visits:
        actions.cancel(practice.account, "individual_appointments", visit)
    hubspot, extra = costs(practice, "100 cancelled appointments")
    assert hubspot == Counter({READ: 1, UPDATE: 1, SUMMARIES: 1}), "stages changed"
    assert extra == Counter({"attendees": 2})
    for visit in visits:
        actions.move(practice.account, visit, 1)
    hubspot, extra = costs(practice, "100 moved appointments")
    assert hubspot == Counter({UPDATE: 1}), "no stage changed, and a cancelled visit is in no summary"
    assert extra == Counter({"attendees": 2})


def test_a_hundred_arrivals(practice):
    """Only the attendees change: their appointments are the related records."""
    visits = [practice.appointment(patient, now() - HOUR) for patient in practice.patients(HUNDRED)]
    practice.sync()
    practice.sync()
    for visit in visits:
        practice.arrive(visit, True)
    hubspot, extra = costs(practice, "100 arrivals")
    assert hubspot == Counter({READ: 1, UPDATE: 1, SUMMARIES: 1})
    assert sum(extra.values()) == 2


def test_a_hundred_places_in_classes(practice):
    people = practice.patients(HUNDRED)
    practice.sync()
    lessons = [practice.lesson_at(now() + DAY) for _ in range(10)]
    for number, patient in enumerate(people):
        practice.join(lessons[number // 10], patient)
    hubspot, extra = costs(practice, "100 new places in 10 classes")
    assert hubspot == Counter({UPSERT: 1, ASSOCIATE: 1, SUMMARIES: 1})
    assert sum(extra.values()) <= 3, "the classes, and their attendees as one page"
    for lesson in lessons:
        actions.move(practice.account, lesson, 1)
    hubspot, extra = costs(practice, "10 moved classes of 100")
    assert hubspot == Counter({UPDATE: 1, SUMMARIES: 1})
    assert sum(extra.values()) <= 2


def test_a_hundred_changed_invoices(practice):
    bills = [practice.invoice(patient) for patient in practice.patients(HUNDRED)]
    practice.sync()
    practice.sync()
    for bill in bills:
        practice.edit("invoices", bill, total_amount="99.0")
    hubspot, extra = costs(practice, "100 changed invoices")
    assert (hubspot, extra) == (Counter({UPDATE: 1}), Counter()), "open ones are worth nothing yet"
    for bill in bills:
        actions.set_invoice(practice.account, bill, 20)
    hubspot, extra = costs(practice, "100 paid invoices")
    assert (hubspot, extra) == (Counter({READ: 1, UPDATE: 1, SUMMARIES: 1}), Counter())


def test_a_changed_case_of_many_visits(practice):
    ana = practice.patient()
    case = practice.case(ana)
    for number in range(60):
        practice.appointment(ana, now() + number * HOUR, case)
    practice.sync()
    practice.sync()
    practice.edit("patient_cases", case, name="Elbow")
    hubspot, extra = costs(practice, "a case of 60 visits")
    assert hubspot == Counter({UPDATE: 1})
    assert extra == Counter({"individual_appointments": 2, "attendees": 2, "patient_cases": 1})


def test_calls_grow_with_pages_and_never_with_records(practice):
    """Three hundred of everything, with the hundred before still in the overlap: at most three times a hundred."""

    def fill(number: int) -> None:
        for patient in practice.patients(number):
            practice.appointment(patient, now() + DAY, practice.case(patient))
            practice.lesson_at(now() + 2 * DAY, patient)
            practice.invoice(patient, status=20)

    def calls(number: int) -> tuple[int, int]:
        fill(number)
        practice.clinic.clear_calls()
        practice.sync()
        practice.sync()
        return len(practice.clinic.cliniko.calls.items), len(practice.clinic.hubspot.calls.items)

    idle, small, large = calls(0), calls(100), calls(300)
    print(f"\n100 of everything: {small} calls, 300: {large}, none: {idle}")
    assert large[0] <= 3 * small[0] and large[1] <= 3 * small[1]
    assert small[1] > 10 and max(large) < 300, "fewer calls than records of any one kind"
