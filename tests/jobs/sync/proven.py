"""A practice with a bit of everything, in sync and with its whole history known, for the tests of the reconcile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.jobs.sync.practice import DAY, Practice, text
from tests.support.clinic import Clinic
from tests.support.proving import prove
from webapp.clock import now
from webapp.sandbox.hubspot.records import Record, Source


class Proven(Practice):
    """Ana has a visit in three days, one that she came to, and a paid invoice; Bo a class and an open invoice; Cy is a
    doctor; Di is archived."""

    def __init__(self, clinic: Clinic, **more: Any) -> None:
        super().__init__(clinic, **more)
        self.ana, self.bo = self.patient("Ana"), self.patient("Bo")
        self.di = self.patient("Di", archived_at=text(now() - DAY))
        self.cy = self.put("contacts", first_name="Cy", last_name="Doc", email="cy@doctors.example", type_code=1)
        self.visit = self.appointment(self.ana, now() + 3 * DAY)
        self.came = self.appointment(self.ana, now() - 2 * DAY, patient_arrived=True, did_not_arrive=False)
        self.edit("attendees", self.attendees(self.came)[0], touch=False, arrived=True)
        self.old = self.appointment(self.ana, now() - 300 * DAY)
        self.lesson = self.lesson_at(now() + 4 * DAY, self.bo)
        self.seat = self.attendees(self.lesson)[0]
        self.paid = self.invoice(self.ana, "1204.55", status=20, closed_at=text(now() - DAY))
        self.open = self.invoice(self.bo, "99.95")
        self.settle()

    def settle(self) -> None:
        """Everything that the streams have to do."""
        for _ in range(3):
            self.sync()
        self.clinic.clear_calls()

    def prove(self) -> dict[str, Any]:
        self.clinic.clear_calls()
        return prove(self.clinic)

    def contact_id(self, patient: str) -> str:
        key = f"{self.account.id}:{patient}"
        return next(i for i, p in self.clinic.contacts().items() if p.get("cliniko_patient_key") == key)

    def contact(self, patient: str) -> dict[str, str]:
        found = self.clinic.contact_of(patient)
        assert found is not None
        return found

    def deal_id(self, record: str, kind: str = "individual_appointment") -> str:
        deal = self.deal(record, kind)
        assert deal is not None
        return deal["id"]

    def take_back(self, object_type: str, record_id: str, **values: str) -> None:
        """Put values as they were before our last write, in the record and in its history, as if that never was."""
        records = self.portal.stores[object_type]
        record = records.by_id[record_id]
        records.unindex(record)
        for name, value in values.items():
            versions = record.history[name]
            while versions and versions[-1].value != value:
                versions.pop()
            if value:
                record.properties[name] = value
            else:
                record.properties.pop(name, None)
        records.index(record)

    def never_made(self, object_type: str, record_id: str) -> Record:
        """The record was never there, not even to be deleted."""
        from webapp.sandbox.hubspot import associations

        records = self.portal.stores[object_type]
        record = records.by_id.pop(record_id)
        records.unindex(record)
        associations.forget(self.portal, object_type, record_id)
        return record

    def person(self) -> Source:
        return self.portal.ui_source()

    def later(self, days: float = 1) -> None:
        """As if the last look at everything had been some days ago."""
        self.clinic.cliniko.clock.advance(timedelta(days=days).total_seconds())
