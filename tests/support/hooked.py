"""A clinic whose HubSpot delivers signed webhooks to the real application; the jobs behind them run when a test says
so."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread
from typing import Any

from flask import current_app
from sqlalchemy import select

from jobs.tasks.hooks import handle_events
from jobs.tasks.push import carry_out
from tests.support.clinic import Clinic
from tests.support.people import links
from tests.support.serving import served
from webapp.clock import now
from webapp.extensions import db
from webapp.sandbox.hubspot.records import Source
from webapp.store.models_hooks import Activity, HookEvent, PushIntent, PushRequest

PATIENT, CONTACT, UNLINK = "update_cliniko_patient", "update_cliniko_contact", "unlink_cliniko_patient"
WORKFLOW = Source("AUTOMATION_PLATFORM", "enrollmentId:1")
DEAL_EVENTS = [
    {"id": 2001 + n, "active": True, "subscriptionType": f"object.{kind}", "objectType": "deal"}
    for n, kind in enumerate(("deletion", "merge", "restore"))
]


@contextmanager
def hooked(app: Any, clinic: Clinic) -> Iterator["Hooked"]:
    """The application at an address of its own, which HubSpot knows."""
    with served(app) as url:
        app.config["CRMCONNECT"] = replace(app.config["CRMCONNECT"], public_url=url)
        listener = clinic.hubspot.apps[4242]
        listener.webhook_url = f"{url}/webhooks/hubspot"
        listener.subscriptions += DEAL_EVENTS
        yield Hooked(clinic)
        listener.webhook_url = None
        clinic.portal.flush_webhooks()


class Hooked:
    """What a person in HubSpot does, and what comes of it."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic, self.portal, self.hub_id = clinic, clinic.portal, clinic.hub_id

    def set(self, contact_id: str, switch: str = PATIENT, source: Source | None = None, **also: Any) -> None:
        """Set a switch to Yes, and perhaps other properties, as a person at the keyboard (or as `source`)."""
        db.session.rollback()  # SQLite lets nobody else write while a reading is open
        if also:
            self.portal.update("contacts", contact_id, also, source)
        self.portal.update("contacts", contact_id, {switch: "true"}, source)

    def deliver(self) -> None:
        """Deliver what HubSpot has to say, and do the jobs that follow."""
        db.session.rollback()
        assert self.portal.flush_webhooks()
        assert not self.clinic.hubspot.webhooks.failed
        handle_events(self.hub_id)
        carry_out(self.hub_id)
        # Our own writes are events too.
        assert self.portal.flush_webhooks()

    def cycle(self, *streams: str) -> None:
        """One whole cycle that gets through, and what it tells HubSpot's other listeners."""
        for name, result in self.clinic.cycle(*(streams or ("patients",))).items():
            assert result.outcome == "done", (name, result)
        self.deliver()

    def push(self, contact_id: str, switch: str = PATIENT, source: Source | None = None, **also: Any) -> str | None:
        """Set a switch and let it be carried out; returns how that ended."""
        self.set(contact_id, switch, source, **also)
        self.deliver()
        return self.results()[-1]

    def in_background(self, what: Callable[[], object]) -> Thread:
        """Do it in a thread with an application context of its own."""
        app = current_app._get_current_object()

        def work() -> None:
            with app.app_context():
                what()

        thread = Thread(target=work)
        thread.start()
        return thread

    def retry_now(self) -> None:
        """Let open requests be due, whatever they wait for."""
        for request in self.requests():
            if request.state == "open":
                request.retry_at = now()
        db.session.commit()
        carry_out(self.hub_id)
        assert self.portal.flush_webhooks()

    def contact(self, contact_id: str) -> dict[str, str]:
        record = self.portal.contacts.get(contact_id)
        assert record is not None
        return record.properties

    def patient(self, patient_id: str) -> dict[str, Any]:
        row = self.clinic.account.get("patients", patient_id)
        assert row is not None
        return row

    def patients(self) -> list[dict[str, Any]]:
        return list(self.clinic.account.tables["patients"].values())

    def contact_of(self, patient_id: str) -> str:
        """The linked contact's id."""
        found = links(self.clinic)[patient_id].hubspot_id
        assert found
        return found

    def requests(self) -> list[PushRequest]:
        db.session.rollback()
        query = select(PushRequest).where(PushRequest.hub_id == self.hub_id).order_by(PushRequest.id)
        return list(db.session.scalars(query.execution_options(populate_existing=True)))

    def results(self) -> list[str | None]:
        return [request.result for request in self.requests()]

    def events(self) -> list[HookEvent]:
        db.session.rollback()
        query = select(HookEvent).where(HookEvent.hub_id == self.hub_id).order_by(HookEvent.id)
        return list(db.session.scalars(query.execution_options(populate_existing=True)))

    def intents(self) -> list[PushIntent]:
        db.session.rollback()
        query = select(PushIntent).where(PushIntent.hub_id == self.hub_id)
        return list(db.session.scalars(query.execution_options(populate_existing=True)))

    def activity(self) -> list[Activity]:
        db.session.rollback()
        query = select(Activity).where(Activity.hub_id == self.hub_id).order_by(Activity.id)
        return list(db.session.scalars(query))

    def cliniko_writes(self) -> list[tuple[str, str]]:
        return [(c.method, c.path) for c in self.clinic.cliniko_calls() if c.method != "GET"]

    def quiet_cycles(self, number: int = 5, *streams: str) -> None:
        """Cycles (of the people streams, unless others are named) that must not write anything on either side."""
        self.clinic.clear_calls()
        for _ in range(number):
            for name, result in self.clinic.cycle(*(streams or ("patients", "contacts"))).items():
                assert result.outcome == "done", (name, result)
            self.deliver()
        assert self.cliniko_writes() == []
        assert [(c.method, c.path) for c in self.clinic.hubspot_writes()] == []
