"""A small practice in a simulated Cliniko: its staff, prices, people and calendar, entered as a person would."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from tests.support.clinic import Clinic
from webapp.clock import now
from webapp.sandbox.cliniko import actions
from webapp.store import visits

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
DEALS = ("appointments", "invoices")


def text(moment: datetime) -> str:
    """As Cliniko prints it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


class Practice:
    """One location, one practitioner with a HubSpot user of the same email, one type of appointment, one of class."""

    def __init__(self, clinic: Clinic, *, zone: str = "Australia/Sydney", email: str = "pia@clinic.example") -> None:
        self.clinic, self.account, self.portal = clinic, clinic.account, clinic.portal
        self.age = DAY
        self.portal_user = next(iter(self.portal.owners))
        self.owner = self.portal.add_owner(email, "Pia", "Physio")
        self.user = self.put("users", email=email, first_name="Pia", last_name="Physio", role="practitioner")
        names = {"first_name": "Pia", "last_name": "Physio", "display_name": "Pia Physio"}
        self.practitioner = self.put("practitioners", user_id=self.user, active=True, **names)
        self.place = self.put("businesses", business_name="Harbour", display_name="Harbour", time_zone_identifier=zone)
        self.kind = self.put("appointment_types", name="Massage", duration_in_minutes=30)
        self.lesson = self.put("appointment_types", name="Pilates", duration_in_minutes=60, max_attendees=12)
        self.people = 0

    def put(self, resource: str, **fields: Any) -> str:
        """Enter a record, `age` ago; returns its id."""
        fields.setdefault("created_at", text(now() - self.age))
        return str(self.account.put(resource, fields)["id"])

    def row(self, resource: str, number: str) -> dict[str, Any]:
        row = self.account.get(resource, number)
        assert row is not None
        return row

    def edit(self, resource: str, number: str, *, touch: bool = True, **changes: Any) -> None:
        self.account.edit(resource, number, touch=touch, **changes)

    def patient(self, first: str = "", last: str = "Ruiz", **fields: Any) -> str:
        self.people += 1
        first = first or f"Ana{self.people}"
        fields.setdefault("email", f"p{self.people}@people.example")
        return self.put("patients", first_name=first, last_name=last, **fields)

    def patients(self, number: int) -> list[str]:
        return [self.patient() for _ in range(number)]

    def appointment(self, patient: str, starts: datetime, case: str | None = None, **fields: Any) -> str:
        """An individual appointment with its one attendee."""
        row = {
            "starts_at": text(starts),
            "ends_at": text(starts + HOUR / 2),
            "appointment_type_id": self.kind,
            "practitioner_id": self.practitioner,
            "business_id": self.place,
            "patient_case_id": case,
            "patient_id": patient,
            **fields,
        }
        number = self.put("individual_appointments", **row)
        self.put("attendees", booking_id=number, patient_id=patient, patient_case_id=case, arrived=None)
        return number

    def lesson_at(self, starts: datetime, *patients: str, case: str | None = None, **fields: Any) -> str:
        """A class with these patients."""
        row = {
            "starts_at": text(starts),
            "ends_at": text(starts + HOUR),
            "appointment_type_id": self.lesson,
            "practitioner_id": self.practitioner,
            "business_id": self.place,
            "max_attendees": 12,
            **fields,
        }
        number = self.put("group_appointments", **row)
        for patient in patients:
            self.join(number, patient, case)
        return number

    def join(self, lesson: str, patient: str, case: str | None = None) -> str:
        return self.put("attendees", booking_id=lesson, patient_id=patient, patient_case_id=case, arrived=None)

    def attendees(self, booking: str) -> list[str]:
        return [str(row["id"]) for row in self.account.tables["attendees"].rows("booking_id", booking)]

    def invoice(self, patient: str | None, total: str = "110.0", *, status: int = 10, **fields: Any) -> str:
        row = {
            "patient_id": patient,
            "practitioner_id": self.practitioner,
            "business_id": self.place,
            "number": 1000 + len(self.account.tables["invoices"]),
            "issue_date": (now() - DAY).date().isoformat(),
            "net_amount": "100.0",
            "tax_amount": "10.0",
            "total_amount": total,
            "status": status,
            **fields,
        }
        return self.put("invoices", **row)

    def case(self, patient: str, **fields: Any) -> str:
        return self.put("patient_cases", patient_id=patient, **{"name": "Knee", "max_sessions": 10, **fields})

    def price(self, price: str, rate: str = "10.0", kind: str | None = None, **fields: Any) -> str:
        """A billable item of a type of appointment; returns its id."""
        tax = self.put("taxes", name="GST", rate=rate)
        item = self.put("billable_items", name="Visit", price=price, tax_id=tax)
        line = {"appointment_type_id": kind or self.kind, "billable_item_id": item, "quantity": "1.0", **fields}
        self.put("appointment_type_billable_items", **line)
        return item

    def arrive(self, booking: str, arrived: bool | None) -> None:
        actions.set_arrival(self.account, self.attendees(booking)[0], arrived)

    def sync(self, *names: str) -> None:
        """One whole cycle; every stream must get through."""
        for name, result in self.clinic.cycle(*names).items():
            assert result.outcome == "done", (name, result)

    def deal(self, record: str, kind: str = "individual_appointment") -> dict[str, str] | None:
        return self.clinic.deals().get(f"{self.account.id}:{kind}:{record}")

    def stage(self, record: str, kind: str = "individual_appointment") -> str | None:
        deal = self.deal(record, kind)
        return deal and deal["dealstage"].removeprefix("cliniko_appt_").removeprefix("cliniko_inv_")

    def patients_of(self, record: str, kind: str = "individual_appointment") -> list[str]:
        """The Cliniko patients whose contacts a deal is associated with."""
        deal = self.deal(record, kind)
        assert deal is not None
        contacts = self.clinic.contacts()
        there = [contacts[c] for c in self.clinic.contacts_of_deal(deal["id"]) if c in contacts]
        keys = [contact.get("cliniko_patient_key", "?:?") for contact in there]
        return [key.partition(":")[2] for key in keys]

    def polls(self) -> Counter[str]:
        """How often each list was asked for by each time column since calls were last cleared; what was asked for in
        another way (by id, as a whole) is named without a column."""
        found: Counter[str] = Counter()
        for call in self.clinic.cliniko.calls.items:
            since = re.search(r"(\w+):>=", unquote(call.query))
            found[f"{call.path.removeprefix('/v1/')} {since[1] if since else ''}".strip()] += 1
        return found

    def at_hubspot(self) -> list[str]:
        """Paths of the calls to HubSpot since they were last cleared, without tokens and without the one search for
        switches that no webhook reported."""
        return [c.path for c in self.clinic.hubspot_calls("/crm/") if not c.path.endswith("contacts/search")]

    def written(self) -> list[tuple[str, str]]:
        """(method, path) of the calls that wrote to HubSpot since they were last cleared."""
        return [(c.method, c.path) for c in self.clinic.hubspot_writes()]

    def known_visits(self, *patients: str) -> int:
        """How many visits of these patients the ledger knows."""
        from webapp.store.connections import find_connection

        connection = find_connection(self.clinic.hub_id)
        assert connection is not None
        return sum(len(found) for found in visits.of_patients(connection.id, patients).values())
