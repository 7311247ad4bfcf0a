"""A small clinic in the simulated Cliniko, served over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from webapp.sandbox.cliniko import ClinikoAccount, ClinikoSandbox
from webapp.sandbox.serving import sandbox_server

START = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
CALLER = {"User-Agent": "CRMConnect (team@crmconnect.example)", "Accept": "application/json"}


@pytest.fixture
def cliniko() -> Iterator[ClinikoSandbox]:
    made = ClinikoSandbox(limits_on=False)
    made.clock.set(START)
    yield made
    made.close()


@pytest.fixture
def account(cliniko: ClinikoSandbox) -> ClinikoAccount:
    """An account with an administrator, one practitioner and what an appointment needs; no patients yet."""
    made = cliniko.add_account()
    put = made.put
    put(
        "users",
        {"id": "11", "first_name": "Ann", "last_name": "Admin", "role": "administrator", "email": "ann@c.example"},
    )
    put("businesses", {"id": "21", "business_name": "Harbour", "time_zone_identifier": "Australia/Sydney"})
    put("practitioners", {"id": "31", "first_name": "Pia", "last_name": "Lee", "user_id": "11", "active": True})
    put("appointment_types", {"id": "41", "name": "First visit", "duration_in_minutes": 45, "max_attendees": 1})
    put("appointment_types", {"id": "42", "name": "Pilates", "duration_in_minutes": 60, "max_attendees": 2})
    return made


@pytest.fixture
def base(cliniko: ClinikoSandbox) -> Iterator[str]:
    server = sandbox_server(cliniko.app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def connect(base: str) -> Iterator[Callable[..., httpx.Client]]:
    """Clients for an API key; closed afterwards."""
    opened: list[httpx.Client] = []

    def make(key: str, headers: dict[str, str] = CALLER) -> httpx.Client:
        client = httpx.Client(base_url=f"{base}/v1", auth=(key, ""), headers=headers)
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def api(cliniko: ClinikoSandbox, account: ClinikoAccount, connect: Callable[..., httpx.Client]) -> httpx.Client:
    """The API with the administrator's key."""
    return connect(cliniko.add_key(account, "11"))


@pytest.fixture
def visit(account: ClinikoAccount) -> Callable[..., dict[str, Any]]:
    """Book a patient: an individual appointment with its attendee; answers the appointment's row."""

    def make(patient_id: str, starts_at: str = "2026-12-01T01:00:00Z", **values: Any) -> dict[str, Any]:
        relations = {
            "patient_id": patient_id,
            "practitioner_id": "31",
            "business_id": "21",
            "appointment_type_id": "41",
        }
        times = {"starts_at": starts_at, "ends_at": starts_at[:11] + "02:00:00Z"}
        row = account.put("individual_appointments", {**relations, **times, **values})
        account.put("attendees", {"booking_id": row["id"], "patient_id": patient_id, "arrived": None})
        return row

    return make


def names(api: httpx.Client, *conditions: str, path: str = "/patients", **params: Any) -> list[str]:
    answer = api.get(path, params={"q[]": list(conditions), **params})
    assert answer.status_code == 200, answer.text
    return [row["first_name"] for row in answer.json()[path.split("/")[1]]]


def patients(account: ClinikoAccount, *first_names: str, **values: Any) -> list[dict[str, Any]]:
    return [account.put("patients", {"first_name": name, "last_name": "Ruiz", **values}) for name in first_names]


@pytest.fixture
def ana(account: ClinikoAccount) -> str:
    return str(account.put("patients", {"first_name": "Ana", "last_name": "Ruiz", "email": "ana@x.example"})["id"])


def errors(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert body["message"] == "Validation Failed"
    found: dict[str, Any] = body["errors"]
    return found


@pytest.fixture
def full(account: ClinikoAccount, visit: Callable[..., dict[str, Any]]) -> ClinikoAccount:
    """One record of everything."""
    put = account.put
    tax = put("taxes", {"name": "GST", "rate": "10.0"})["id"]
    item = put("billable_items", {"name": "Visit", "price": "80.0", "tax_id": tax})["id"]
    concession = put("concession_types", {"name": "Student"})["id"]
    put("concession_prices", {"price": "50.0", "billable_item_id": item, "concession_type_id": concession})
    put("appointment_type_billable_items", {"appointment_type_id": "41", "billable_item_id": item})
    doctor = put("contacts", {"last_name": "Who", "type_code": 1})["id"]
    phones = [{"number": "0412 345 678", "phone_type": "Mobile"}]
    patient = put(
        "patients",
        {"first_name": "Ana", "last_name": "Ruiz", "concession_type_id": concession, "patient_phone_numbers": phones},
    )["id"]
    put("patient_cases", {"name": "Knee", "patient_id": patient, "contact_id": doctor})
    row = visit(patient)
    put("group_appointments", {**row, "id": None, "appointment_type_id": "42", "max_attendees": 5})
    links = {"patient_id": patient, "business_id": "21", "practitioner_id": "31", "appointment_id": row["id"]}
    invoice = put("invoices", {"number": 1, "issue_date": "2026-11-23", "total_amount": "88.0", **links})["id"]
    put("invoice_items", {"invoice_id": invoice, "billable_item_id": item})
    kind = put("referral_source_types", {"name": "Doctor", "referrer_type": "Contact"})["id"]
    referrer = {"type": "Contact", "id": doctor}
    put("referral_sources", {"patient_id": patient, "referral_source_type_id": kind, "referrer": referrer})
    return account
