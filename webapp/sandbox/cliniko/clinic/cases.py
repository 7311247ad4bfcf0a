"""Patient cases: a referral with a number of sessions, an insurer's claim, a course of treatment."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from webapp.sandbox.cliniko.clinic.draws import DAY, PRIVATE_MARK, Draws, Row, between, chosen, moment, stamp
from webapp.sandbox.cliniko.clinic.people import People

CASE_SHARE = 0.12  # of the patients
_NAMES = ("Knee", "Lower back", "Care plan 2026", "Work injury “Ladder”", "Shoulder <left>", "=1+1", "背中")


@dataclass(frozen=True)
class Case:
    """A case and the seconds between which visits belong to it."""

    row: Row
    first: int
    last: int


class Cases:
    """The rows, and the cases of each patient by the patient's index."""

    def __init__(self, rows: list[Row], of_patient: dict[int, list[Case]]) -> None:
        self.rows = rows
        self._of_patient = of_patient

    def case_of(self, chance: random.Random, patient: int, starts: int) -> str | None:
        """The case that a visit belongs to; staff forget to choose it now and then."""
        for case in self._of_patient.get(patient, ()):
            if case.first <= starts <= case.last and chance.random() < 0.85:
                return str(case.row["id"])
        return None


def make_cases(draws: Draws, people: People, patient_ids: Sequence[str], doctor_ids: Sequence[str]) -> Cases:
    chance = draws.stream("cases")
    kept = [person.index for person in people.everyone if person.merged_into is None]
    begun: list[tuple[int, int]] = []
    for patient in chosen(chance, kept, CASE_SHARE):
        for _ in range(chance.choice((1, 1, 1, 2))):
            begun.append((between(chance, people.everyone[patient].created, draws.now - DAY), patient))
    rows: list[Row] = []
    of_patient: dict[int, list[Case]] = {}
    for number, (created, patient) in enumerate(sorted(begun)):
        length = chance.choice((90, 180, 365, None))
        last = created + (length or 3650) * DAY
        row = _row(chance, draws, number, created, length, patient_ids[patient], doctor_ids)
        rows.append(row)
        of_patient.setdefault(patient, []).append(Case(row, created - 7 * DAY, last))
    return Cases(rows, of_patient)


def _row(
    chance: random.Random,
    draws: Draws,
    number: int,
    created: int,
    length: int | None,
    patient_id: str,
    doctor_ids: Sequence[str],
) -> Row:
    issued = moment(created).date()
    closed = number % 5 == 2
    ended = between(chance, created, draws.now)
    archived = stamp(ended) if number % 23 == 11 else None
    referral = number % 3 == 0
    # Both flags take all their values in all combinations.
    yes_no = (True, False, None)
    return {
        "id": draws.new_id("patient_cases", created),
        "archived_at": archived,
        "closed": closed,
        "closed_at": stamp(ended) if closed else None,
        "contact_id": chance.choice(doctor_ids) if referral and doctor_ids else None,
        "created_at": stamp(created),
        "expiry_date": (issued + timedelta(days=length)).isoformat() if length else None,
        "include_cancelled_attendees": yes_no[number % 3],
        "include_dna_attendees": yes_no[number // 3 % 3],
        "issue_date": issued.isoformat() if number % 7 else None,
        "max_invoiceable_amount": chance.choice((None, None, "500.0", "1250.75")),
        "max_sessions": chance.choice((None, 1, 5, 10, 12, 200)),
        "name": _NAMES[number % len(_NAMES)],
        "notes": f"Referral letter on file. {PRIVATE_MARK}" if number % 4 == 0 else None,
        "patient_id": patient_id,
        "referral": referral,
        "referral_type": chance.choice(("medicare", "dva", None)) if referral else None,
        "updated_at": stamp(ended if closed or archived else created),
    }
