"""An account whose stored state the card shows, and what its answers have in common."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.webapp.views.card_tools import new_key
from tests.webapp.views.conftest import HUB
from webapp.extensions import db
from webapp.store import accounts, issues, ledger, people, pushes, streams, visits

CONTACT = "501"
PATIENT = "836447193021061"
NOW = datetime(2026, 11, 24, 2, 45, tzinfo=UTC)
MAIL = b"m" * 16
# What no answer may hold, wherever it is stored.
PRIVATE = ("Ana", "Ruiz", "ana@x.example", "1990-02-03", "Acupuncture")
NO_BUTTON = {"allowed": False, "reason": None}
BUTTON = {"allowed": True, "reason": None}


class World:
    """An account that is connected and prepared; `link` and the like put things into the store."""

    def __init__(self, connection: Any) -> None:
        self.connection_id = connection.id

    def link(self, kind: str = "patient", cliniko_id: str = PATIENT, hubspot_id: str = CONTACT, **values: Any) -> None:
        row = {
            "hub_id": HUB,
            "connection_id": self.connection_id,
            "kind": kind,
            "cliniko_id": cliniko_id,
            "hubspot_id": hubspot_id,
            "state": "linked",
            "rule": "email_and_names",
            "synced_at": NOW - timedelta(minutes=3),
            **values,
        }
        ledger.put([row])
        db.session.commit()

    def know(self, *patient_ids: str, merged_into: str | None = None) -> None:
        """Patients with the same address, in the identity index."""
        rows = [
            {
                "connection_id": self.connection_id,
                "kind": "patient",
                "cliniko_id": patient,
                "hub_id": HUB,
                "email_hmac": MAIL,
                "first_hmac": None,
                "preferred_hmac": None,
                "last_hmac": None,
                "birth_hmac": None,
                "archived": False,
                "merged_into": merged_into,
                "digest": b"d" * 16,
                "display": '{"name": "Ana Ruiz", "email": "ana@x.example", "birth_date": "1990-02-03"}',
            }
            for patient in patient_ids
        ]
        people.save(rows, {})
        db.session.commit()

    def review(self, cause: str, cliniko_id: str = PATIENT, hubspot_id: str = CONTACT) -> None:
        row = {
            "hub_id": HUB,
            "connection_id": self.connection_id,
            "kind": "patient",
            "cliniko_id": cliniko_id,
            "hubspot_id": hubspot_id,
            "cause": cause,
        }
        issues.open_reviews([row])
        db.session.commit()

    def visit(self, number: int, start: datetime, status: str = "booked", **values: Any) -> None:
        row = {
            "connection_id": self.connection_id,
            "kind": "individual_appointment",
            "cliniko_id": str(number),
            "hub_id": HUB,
            "patient_id": PATIENT,
            "booking_id": None,
            "starts_at": start,
            "ends_at": start + timedelta(minutes=30),
            "status": status,
            "type_id": "9",
            "practitioner_id": "1",
            "business_id": "1",
            "case_id": None,
            **values,
        }
        visits.save_visits([row])
        db.session.commit()

    def ask(self, what: str = "sync", **values: Any) -> Any:
        asked = pushes.ask_once(HUB, what, CONTACT, new_key(), b"d" * 16, "person 78")
        for name, value in values.items():
            setattr(asked, name, value)
        db.session.commit()
        return asked

    def end(self, asked: Any, result: str, message: str = "", **outcome: Any) -> None:
        told = {"status": None, "message": message or None, "remedy": None, "failed": False, **outcome}
        pushes.finish(asked.id, HUB, result, message, told)
        db.session.commit()


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "now" and value is not None}


def make_world(make_account: Any, connect_account: Any) -> World:
    """An account that is connected and prepared, with the means to put things into its store."""
    hub_id = make_account()
    connection = connect_account(hub_id)
    accounts.save_provisioning(hub_id, {})
    streams.ensure_streams(hub_id, ["patients", "contacts", "appointments", "invoices", "history"])
    return World(connection)
