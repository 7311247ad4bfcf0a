"""What a person does on the pages of the simulated Cliniko, and what another process does to it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import patients
from webapp.sandbox.cliniko import ClinikoAccount, ClinikoSandbox

Visit = Callable[..., dict[str, Any]]
Connect = Callable[..., httpx.Client]


@pytest.fixture
def web(base: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base, follow_redirects=True) as client:
        yield client


def fields(page: str) -> dict[str, str]:
    """The form of a patient as a browser would send it back."""
    found = re.findall(r'<input id="([^"]+)" name="[^"]+" value="([^"]*)">', page)
    return {name: unescape(value) for name, value in found}


def test_the_way_from_the_start_page_to_a_patient(account: ClinikoAccount, web: httpx.Client) -> None:
    (ana,) = patients(account, "<b>Ana")
    assert f"/accounts/{account.id}" in web.get("/").text
    listed = web.get(f"/accounts/{account.id}")
    assert "Simulated Cliniko" in listed.text
    assert "&lt;b&gt;Ana" in listed.text and "<b>Ana" not in listed.text
    page = web.get(f"/accounts/{account.id}/patients/{ana['id']}")
    assert fields(page.text)["first_name"] == "<b>Ana"
    for path in ("/accounts/9", "/accounts/9/patients/1", f"/accounts/{account.id}/patients/9", "/nowhere"):
        assert web.get(path).status_code == 404
    assert web.post(f"/accounts/{account.id}/patients/{ana['id']}/sing").status_code == 404


def test_a_person_changes_a_patient(cliniko: ClinikoSandbox, account: ClinikoAccount, web: httpx.Client) -> None:
    phones = [{"number": "02 1", "phone_type": "Home"}, {"number": "04 1", "phone_type": "Mobile"}]
    (ana,) = patients(account, "Ana", patient_phone_numbers=[*phones, {"number": "04 2", "phone_type": "Mobile"}])
    at = f"/accounts/{account.id}/patients/{ana['id']}"
    form = fields(web.get(at).text)
    assert (form["Home"], form["Mobile"]) == ("02 1", "04 1")
    cliniko.clock.advance(60)
    form |= {"first_name": "Anna", "email": "anna@x.example", "country_code": "nz", "Mobile": "04 9", "Home": ""}
    assert web.post(at, data=form).status_code == 200
    row = account.get("patients", ana["id"])
    assert row is not None
    assert (row["first_name"], row["email"], row["country"]) == ("Anna", "anna@x.example", "New Zealand")
    assert [phone["number"] for phone in row["patient_phone_numbers"]] == ["04 9", "04 2"]
    assert row["updated_at"] == "2026-11-23T04:01:00Z"
    refused = web.post(at, data={**form, "email": "no", "last_name": " "})
    assert refused.status_code == 400
    assert "is invalid" in refused.text and "can’t be blank" in refused.text
    assert fields(refused.text.replace("> is invalid", ">"))["email"] == "no", "what was typed is still there"
    assert row["email"] == "anna@x.example"


def test_a_person_adds_a_patient(account: ClinikoAccount, web: httpx.Client) -> None:
    at = f"/accounts/{account.id}/patients/new"
    form = fields(web.get(at).text)
    assert web.post(at, data=form).status_code == 400
    assert len(account.tables["patients"]) == 0
    saved = web.post(at, data={**form, "first_name": "Bo", "last_name": "Lee", "Mobile": "0412"})
    (row,) = account.tables["patients"].values()
    assert str(saved.url).endswith(f"/patients/{row['id']}")
    assert (row["first_name"], row["patient_phone_numbers"][0]["number"]) == ("Bo", "0412")


def test_archive_restore_and_merge(account: ClinikoAccount, web: httpx.Client) -> None:
    ana, anna = (row["id"] for row in patients(account, "Ana", "Anna"))
    at = f"/accounts/{account.id}/patients/{ana}"
    assert ">Restore<" in web.post(f"{at}/archive").text
    assert ">Archive<" in web.post(f"{at}/unarchive").text
    for survivor in ("", "9", ana, "x"):
        assert web.post(f"{at}/merge", data={"survivor": survivor}).status_code == 400
    merged = web.post(f"{at}/merge", data={"survivor": anna})
    assert str(merged.url).endswith(f"/patients/{anna}")
    page = web.get(at).text
    assert f"Merged into {anna}" in page
    assert ">Restore<" not in page


def test_the_front_desk_at_work(account: ClinikoAccount, web: httpx.Client, ana: str, visit: Visit) -> None:
    row = visit(ana)
    (attendee,) = account.tables["attendees"].values()
    listed = f"/accounts/{account.id}/appointments"
    page = web.get(listed).text
    assert "Tue 01 Dec 2026, 12:00" in page, "the clinic's time"
    assert "First visit" in page and "Pia Lee" in page and "Booked" in page
    one = f"/accounts/{account.id}/attendees/{attendee['id']}"
    whole = f"/accounts/{account.id}/appointments/{row['id']}"
    for action, shown in (
        ("arrived", "<td>Arrived</td>"),
        ("did-not-arrive", "<td>Did not arrive</td>"),
        ("no-arrival", "<td>Booked</td>"),
        ("cancel", "<td>Cancelled</td>"),
        ("uncancel", "<td>Booked</td>"),
    ):
        assert shown in web.post(f"{one}/{action}").text, action
    web.post(f"{whole}/later")
    assert row["starts_at"] == "2026-12-02T01:00:00Z"
    web.post(f"{whole}/earlier")
    assert row["starts_at"] == "2026-12-01T01:00:00Z"
    assert "<td>Removed</td>" in web.post(f"{whole}/archive").text
    for bad in (f"{one}/dance", f"{whole}/dance", "/accounts/9/attendees/1/cancel", f"{listed}/9/later"):
        assert web.post(bad).status_code == 404


def test_appointments_begin_with_today(account: ClinikoAccount, web: httpx.Client, ana: str, visit: Visit) -> None:
    for day in ("2026-11-20", "2026-11-30", "2026-11-23", "2026-11-22"):
        visit(ana, f"{day}T01:00:00Z")
    page = web.get(f"/accounts/{account.id}/appointments").text
    assert re.findall(r"(\d\d) Nov 2026", page) == ["23", "30", "22", "20"]


def test_classes_have_a_line_for_each_patient(account: ClinikoAccount, web: httpx.Client) -> None:
    times = {"starts_at": "2026-12-01T01:00:00Z", "ends_at": "2026-12-01T02:00:00Z"}
    group = account.put("group_appointments", {**times, "appointment_type_id": "42", "max_attendees": 5})
    for row in patients(account, "Ana", "Bo"):
        account.put("attendees", {"booking_id": group["id"], "patient_id": row["id"]})
    page = web.get(f"/accounts/{account.id}/appointments").text
    assert page.count("Pilates (group)") == 2
    assert "Ana Ruiz" in page and "Bo Ruiz" in page
    assert web.get(f"/accounts/{account.id}/appointments?q=bo").text.count("Pilates (group)") == 1


def test_the_office_settles_invoices(account: ClinikoAccount, web: httpx.Client, ana: str) -> None:
    row = account.put("invoices", {"number": 104, "patient_id": ana, "total_amount": "1088.5"})
    listed = f"/accounts/{account.id}/invoices"
    assert "$1,088.50" in web.get(listed).text
    for action, status in (("paid", 20), ("closed", 30), ("reopened", 10)):
        assert web.post(f"{listed}/{row['id']}/{action}").status_code == 200
        assert row["status"] == status
    assert web.post(f"{listed}/{row['id']}/burnt").status_code == 404
    assert web.post(f"{listed}/9/paid").status_code == 404
    assert "<p>1 invoice</p>" in web.get(f"{listed}?q=104").text
    assert "<p>0 invoices</p>" in web.get(f"{listed}?q=nobody").text


def test_links_into_the_web_app_find_their_account(
    cliniko: ClinikoSandbox, account: ClinikoAccount, web: httpx.Client, visit: Visit
) -> None:
    (ana,) = patients(account, "Ana")
    other = cliniko.add_account(subdomain="elsewhere", name="Elsewhere")
    other.put("patients", {"id": ana["id"], "first_name": "Olga", "last_name": "X"})
    row = visit(ana["id"])
    invoice = account.put("invoices", {"number": 5, "patient_id": ana["id"]})
    contact = account.put("contacts", {"last_name": "Who"})
    assert "Patient Ana Ruiz" in web.get(f"/patients/{ana['id']}").text
    there = web.get(f"/patients/{ana['id']}", headers={"Host": "elsewhere.au1.cliniko.com"}, follow_redirects=False)
    assert there.headers["location"] == f"/accounts/{other.id}/patients/{ana['id']}"
    assert "Contact Who" in web.get(f"/contacts/{contact['id']}").text
    for path in (f"/appointments/{row['id']}", f"/individual_appointments/{row['id']}", f"/invoices/{invoice['id']}"):
        assert "Ana Ruiz" in web.get(path).text
    assert web.get("/patients/9").status_code == 404


def test_ten_thousand_patients_are_shown_by_the_page(account: ClinikoAccount, web: httpx.Client) -> None:
    for number in range(10_000):
        row = account.put("patients", {"first_name": f"P{number}", "last_name": "R", "email": f"p{number}@x.example"})
        account.put("attendees", {"booking_id": "1", "patient_id": row["id"]})
        account.put("invoices", {"number": number, "patient_id": row["id"]})
    for what in ("patients", "appointments", "invoices"):
        started = time.process_time()
        page = web.get(f"/accounts/{account.id}/{what}", params={"page": 60}).text
        assert page.count("<tr>") == 101
        assert "page=59" in page and "page=61" in page
        assert time.process_time() - started < 1.0
    found = web.get(f"/accounts/{account.id}/patients", params={"q": "P9999@"}).text
    assert "<p>1 patient." in found
    assert "Next page" not in found


def test_another_process_steers_the_sandbox(account: ClinikoAccount, api: httpx.Client, web: httpx.Client) -> None:
    values = {"first_name": "Ana", "last_name": "Ruiz"}
    made = web.post("/_sandbox/create", json={"account": account.id, "resource": "patients", "values": values})
    assert made.status_code == 201
    body = {"account": account.id, "resource": "patients", "id": made.json()["id"], "changes": {"city": "Perth"}}
    assert web.post("/_sandbox/edit", json=body).json()["city"] == "Perth"
    assert api.get("/patients").json()["patients"][0]["city"] == "Perth"
    assert web.get("/_sandbox/counts").json()[account.id]["patients"] == 1
    assert web.get("/_sandbox/calls").json()["calls"] == [{"method": "GET", "path": "/v1/patients", "status": 200}]
    assert web.post("/_sandbox/faults", json=[{"match": "GET /v1/user", "status": 503}]).status_code == 204
    assert [api.get("/user").status_code for _ in range(2)] == [503, 200]
    assert web.post("/_sandbox/clear").status_code == 204
    assert web.get("/_sandbox/calls").json()["calls"] == []
    for path, wrong in (
        ("edit", {**body, "id": "9"}),
        ("edit", {**body, "account": "9"}),
        ("create", {"account": account.id, "resource": "wizards", "values": {}}),
        ("faults", [{"match": "x", "kind": "explode"}]),
        ("faults", {"match": "x"}),
    ):
        assert web.post(f"/_sandbox/{path}", json=wrong).status_code == 400
    assert web.post("/_sandbox/dance", json={}).status_code == 404
    assert web.get("/_sandbox/edit").status_code == 404


def test_what_is_saved_comes_back(
    cliniko: ClinikoSandbox,
    full: ClinikoAccount,
    api: httpx.Client,
    connect: Callable[..., httpx.Client],
    tmp_path: Path,
) -> None:
    full.forbidden.add("users")
    full.switches.absent_relation = "null"
    full.settings = {"terminology": {"patient": "client"}}
    key = cliniko.add_key(full, "11")
    paths = ("/patients", "/bookings", "/attendees", "/invoices", "/settings/public", "/users")
    before = [api.get(path).json() for path in paths]
    cliniko.save(tmp_path / "clinic.json")
    cliniko.accounts.clear()
    assert api.get("/patients").status_code == 401
    cliniko.load(tmp_path / "clinic.json")
    again = connect(key)
    assert [again.get(path).json() for path in paths] == before
    made = again.post("/patients", json={"first_name": "New", "last_name": "One"}).json()
    assert int(made["id"]) > max(int(row["id"]) for row in before[0]["patients"])
