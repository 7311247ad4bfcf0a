"""Appointments, classes, attendees, cancellations, merges and prices in the simulated Cliniko."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import errors, patients
from webapp.sandbox.cliniko import ClinikoAccount, ClinikoSandbox, actions

Visit = Callable[..., dict[str, Any]]
SLOT = {"starts_at": "2026-12-01T01:00:00Z", "practitioner_id": "31", "business_id": "21", "appointment_type_id": "41"}
START, LATER = "2026-11-23T04:00:00Z", "2026-11-23T04:01:00Z"


def attendee_of(account: ClinikoAccount, booking_id: str) -> dict[str, Any]:
    (row,) = account.tables["attendees"].rows("booking_id", booking_id)
    return row


def test_booking_an_appointment_makes_its_attendee(account: ClinikoAccount, api: httpx.Client, ana: str) -> None:
    case = account.put("patient_cases", {"name": "Knee", "patient_id": ana})["id"]
    answer = api.post("/individual_appointments", json={**SLOT, "patient_id": ana, "patient_case_id": case})
    made = answer.json()
    assert answer.status_code == 201
    assert made["ends_at"] == "2026-12-01T01:45:00Z", "the length comes from the type"
    assert made["patient_name"] == "Ana Ruiz"
    assert (made["did_not_arrive"], made["patient_arrived"], made["cancelled_at"]) == (False, False, None)
    (attendee,) = api.get(made["attendees"]["links"]["self"]).json()["attendees"]
    assert attendee["booking"]["links"]["self"].endswith(f"/bookings/{made['id']}")
    assert attendee["patient_case"] == made["patient_case"]
    assert attendee["arrived"] is None
    assert api.get(f"/patients/{ana}").json()["latest_booking"]["links"]["self"].endswith(f"/bookings/{made['id']}")
    assert api.get(f"/patient_cases/{case}").json()["attendee_ids"] == [attendee["id"]]


def test_what_a_booking_lacks_is_named_after_the_attribute(api: httpx.Client, account: ClinikoAccount) -> None:
    missing = errors(api.post("/individual_appointments", json={}))
    assert missing == dict.fromkeys(
        ["starts_at", "patient", "practitioner", "business", "appointment_type"], "can’t be blank"
    )
    wrong = {**SLOT, "patient_id": "9", "practitioner_id": "9", "starts_at": "soon"}
    assert errors(api.post("/individual_appointments", json=wrong)) == {
        "starts_at": "is not a valid time",
        "patient": "must exist",
        "practitioner": "must exist",
    }
    assert "patient" not in errors(api.post("/group_appointments", json={}))
    (ana,) = patients(account, "Ana")
    backwards = {**SLOT, "patient_id": ana["id"], "ends_at": "2026-12-01T00:00:00Z"}
    assert errors(api.post("/individual_appointments", json=backwards)).keys() == {"ends_at"}


def test_a_series_is_made_at_once(account: ClinikoAccount, api: httpx.Client, ana: str) -> None:
    rule = {"repeat_type": "Weekly", "number_of_repeats": 3, "repeating_interval": 2}
    head = api.post("/individual_appointments", json={**SLOT, "patient_id": ana, "repeat_rule": rule}).json()
    assert head["repeats"]["links"]["self"].endswith(f"?q[]=repeated_from_id:={head['id']}")
    found = api.get("/individual_appointments", params={"q[]": f"repeated_from_id:={head['id']}"}).json()
    rest = found["individual_appointments"]
    starts = [row["starts_at"][:10] for row in rest]
    assert starts == ["2026-12-15", "2026-12-29", "2027-01-12"]
    assert {row["created_at"] for row in rest} == {START}
    assert all(row["repeated_from"]["links"]["self"] == head["links"]["self"] for row in rest)
    assert len(account.tables["attendees"]) == 4
    body = {"cancellation_reason": 40, "apply_to_repeats": True}
    second = rest[1]["id"]
    assert api.patch(f"/individual_appointments/{second}/cancel", json=body).status_code == 204
    left = api.get("/individual_appointments").json()["individual_appointments"]
    assert [row["starts_at"][:10] for row in left] == ["2026-12-01", "2026-12-15"]
    monthly = {"repeat_type": "Monthly", "number_of_repeats": 1}
    again = api.post("/individual_appointments", json={**SLOT, "patient_id": ana, "repeat_rule": monthly}).json()
    (one,) = account.tables["individual_appointments"].rows("repeated_from_id", again["id"])
    assert one["starts_at"] == "2027-01-01T01:00:00Z"
    bad = {**SLOT, "patient_id": ana, "repeat_rule": {"repeat_type": "Yearly"}}
    assert errors(api.post("/individual_appointments", json=bad)).keys() == {"repeat_rule"}


def test_moving_an_appointment_keeps_its_id_and_length(
    cliniko: ClinikoSandbox, account: ClinikoAccount, api: httpx.Client, ana: str, visit: Visit
) -> None:
    row = visit(ana)
    (bo,) = patients(account, "Bo")
    cliniko.clock.advance(60)
    at = f"/individual_appointments/{row['id']}"
    moved = api.patch(at, json={"starts_at": "2026-12-02T11:00:00+10:00"}).json()
    assert (moved["id"], moved["starts_at"], moved["ends_at"]) == (
        row["id"],
        "2026-12-02T01:00:00Z",
        "2026-12-02T02:00:00Z",
    )
    assert moved["updated_at"] == LATER
    assert api.patch(at, json={"ends_at": None}).json()["ends_at"] == "2026-12-02T01:45:00Z"
    shown = api.patch(at, json={"patient_id": bo["id"]}).json()
    assert shown["patient_name"] == "Bo Ruiz"
    assert attendee_of(account, row["id"])["patient_id"] == bo["id"], "the attendee goes with its appointment"
    assert errors(api.patch(at, json={"patient_id": None})) == {"patient": "can’t be blank"}


@pytest.mark.parametrize("touch", [True, False])
def test_cancelling_and_taking_it_back(
    cliniko: ClinikoSandbox, account: ClinikoAccount, api: httpx.Client, ana: str, visit: Visit, touch: bool
) -> None:
    account.switches.touch_on_cancel = touch
    row = visit(ana)
    at = f"/individual_appointments/{row['id']}"
    cliniko.clock.advance(60)
    assert errors(api.patch(f"{at}/cancel", json={})) == {"cancellation_reason": "can’t be blank"}
    assert errors(api.patch(f"{at}/cancel", json={"cancellation_reason": 11})).keys() == {"cancellation_reason"}
    done = api.patch(f"{at}/cancel", json={"cancellation_reason": 30, "cancellation_note": "flu"})
    assert (done.status_code, done.content) == (204, b"")
    assert api.get(at).status_code == 404
    assert api.patch(f"{at}/cancel", json={"cancellation_reason": 30}).status_code == 404
    shown = api.get(at, params={"q[]": "cancelled_at:*"}).json()
    assert (shown["cancellation_reason"], shown["cancellation_reason_description"]) == (30, "Sick")
    assert (shown["cancellation_note"], shown["cancelled_at"]) == ("flu", LATER)
    assert shown["updated_at"] == (LATER if touch else START)
    assert attendee_of(account, row["id"])["cancelled_at"] == LATER
    found = api.get("/attendees", params={"q[]": "cancelled_at:>=2026-11-23T04:01:00Z"}).json()
    assert found["total_entries"] == 1
    actions.uncancel(account, "individual_appointments", row["id"])
    back = api.get(at).json()
    assert (back["cancelled_at"], back["cancellation_reason"]) == (None, None)
    assert back["cancellation_reason_description"] == ""
    assert attendee_of(account, row["id"])["cancelled_at"] is None


@pytest.mark.parametrize("touch", [True, False])
def test_arrival_lives_on_the_attendee(
    cliniko: ClinikoSandbox, account: ClinikoAccount, api: httpx.Client, ana: str, visit: Visit, touch: bool
) -> None:
    account.switches.touch_parent_on_attendee = touch
    row = visit(ana)
    attendee = attendee_of(account, row["id"])["id"]
    shown_as = {True: (True, False), False: (False, True), None: (None, None)}
    for turn, (arrived, expected) in enumerate(shown_as.items(), 1):
        cliniko.clock.set(cliniko.clock.now().replace(minute=turn))
        shown = api.patch(f"/attendees/{attendee}", json={"arrived": arrived}).json()
        assert (shown["arrived"], shown["updated_at"]) == (arrived, f"2026-11-23T04:0{turn}:00Z")
        parent = api.get(f"/individual_appointments/{row['id']}").json()
        assert (parent["patient_arrived"], parent["did_not_arrive"]) == expected
        assert parent["updated_at"] == (shown["updated_at"] if touch else START)
    ignored = api.patch(f"/individual_appointments/{row['id']}", json={"patient_arrived": True}).json()
    assert ignored["patient_arrived"] is None
    assert errors(api.patch(f"/attendees/{attendee}", json={"arrived": "late"})) == {"arrived": "is invalid"}


def test_a_class_and_who_takes_part(account: ClinikoAccount, api: httpx.Client) -> None:
    ana, bo, cy = (row["id"] for row in patients(account, "Ana", "Bo", "Cy"))
    group = api.post("/group_appointments", json={**SLOT, "appointment_type_id": "42"}).json()
    assert (group["max_attendees"], group["patient_ids"]) == (2, [])
    assert {"patient", "patient_name", "cancelled_at", "did_not_arrive"}.isdisjoint(group)
    assert errors(api.post("/attendees", json={})) == {"patient": "can’t be blank", "appointment_id": None}
    nowhere = {"booking_id": "9", "patient_id": ana}
    assert errors(api.post("/attendees", json=nowhere)) == {"appointment_id": "must exist"}
    made = [api.post("/attendees", json={"booking_id": group["id"], "patient_id": who}) for who in (ana, bo)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert errors(api.post("/attendees", json={"booking_id": group["id"], "patient_id": cy})).keys() == {"appointment"}
    at = f"/group_appointments/{group['id']}"
    assert api.get(at).json()["patient_ids"] == [ana, bo]
    first = made[0].json()["id"]
    assert api.patch(f"/attendees/{first}/cancel", json={"cancellation_reason": 50}).status_code == 204
    assert api.get(at).json()["patient_ids"] == [bo]
    assert api.get(at).json()["updated_at"] == START
    doubled = api.post("/attendees", json={"booking_id": group["id"], "patient_id": bo})
    assert errors(doubled) == {"patient": "has already been taken"}
    assert api.patch(f"{at}/cancel", json={"cancellation_reason": 50}).status_code in (404, 405), (
        "a class has no cancel"
    )
    assert errors(api.patch(at, json={"max_attendees": 100})).keys() == {"max_attendees"}
    assert api.post(f"{at}/archive").status_code == 204
    assert api.get("/attendees").json()["total_entries"] == 0, "its attendees go with it"


def test_an_attendee_of_an_individual_appointment_is_not_cancelled_alone(
    account: ClinikoAccount, api: httpx.Client, ana: str, visit: Visit
) -> None:
    attendee = attendee_of(account, visit(ana)["id"])["id"]
    assert errors(api.patch(f"/attendees/{attendee}/cancel", json={"cancellation_reason": 50})).keys() == {"booking"}


def test_conflicts(account: ClinikoAccount, api: httpx.Client, ana: str, visit: Visit) -> None:
    row, other = visit(ana), visit(ana)
    at = f"/individual_appointments/{row['id']}/conflicts"
    assert api.get(at).json() == {"conflicts": {"exist": True}}
    actions.move(account, other["id"], 1)
    assert api.get(at).json() == {"conflicts": {"exist": False}}


@pytest.mark.parametrize("touch", [True, False])
def test_a_merge_moves_what_was_the_losers(
    cliniko: ClinikoSandbox, account: ClinikoAccount, api: httpx.Client, ana: str, visit: Visit, touch: bool
) -> None:
    account.switches.touch_children_on_merge = touch
    (anna,) = patients(account, "Anna")
    row = visit(ana)
    invoice = account.put("invoices", {"number": 1, "patient_id": ana, "appointment_id": row["id"]})["id"]
    account.put("referral_sources", {"patient_id": ana, "notes": "friend"})
    cliniko.clock.advance(60)
    actions.merge_patients(account, ana, anna["id"])
    moved = LATER if touch else START
    survivor = f"/v1/patients/{anna['id']}"
    found = [
        api.get(f"/individual_appointments/{row['id']}").json(),
        api.get(f"/attendees/{attendee_of(account, row['id'])['id']}").json(),
        api.get(f"/invoices/{invoice}").json(),
        api.get("/referral_sources").json()["referral_sources"][0],
    ]
    assert all(one["patient"]["links"]["self"].endswith(survivor) for one in found)
    assert [one["updated_at"] for one in found] == [moved] * 4
    assert found[0]["patient_name"] == "Anna Ruiz"
    loser = api.get(f"/patients/{ana}", params={"q[]": "archived_at:*"}).json()
    assert loser["merged_with_patient"]["links"]["self"].endswith(survivor)
    assert loser["updated_at"] == LATER
    assert api.get(f"/patients/{ana}").status_code == 404


@pytest.mark.parametrize("touch", [True, False])
def test_an_invoice_is_settled_and_reopened(
    cliniko: ClinikoSandbox, account: ClinikoAccount, api: httpx.Client, ana: str, visit: Visit, touch: bool
) -> None:
    account.switches.touch_parent_on_invoice = touch
    row = visit(ana)
    invoice = account.put("invoices", {"number": 7, "patient_id": ana, "appointment_id": row["id"], "status": 10})["id"]
    at = f"/individual_appointments/{row['id']}"
    assert api.get(at).json()["invoice_status"] == 10, "known from the invoice"
    for turn, (status, words, closed) in enumerate(((20, "Paid", True), (30, "Closed", True), (10, "Open", False)), 1):
        cliniko.clock.set(cliniko.clock.now().replace(minute=turn))
        actions.set_invoice(account, invoice, status)
        shown = api.get(f"/invoices/{invoice}").json()
        assert (shown["status"], shown["status_description"], bool(shown["closed_at"])) == (status, words, closed)
        parent = api.get(at).json()
        assert parent["invoice_status"] == status
        assert api.get(parent["attendees"]["links"]["self"]).json()["attendees"][0]["invoice_status"] == status
        assert parent["updated_at"] == (shown["updated_at"] if touch else START)
    actions.archive(account, "invoices", invoice)
    assert api.get("/invoices").json()["total_entries"] == 0


def test_prices_types_cases_and_places_can_be_written(account: ClinikoAccount, api: httpx.Client, ana: str) -> None:
    tax = api.post("/taxes", json={"name": "GST", "rate": 10}).json()
    assert (tax["rate"], tax["amount"]) == ("10.0", "10.0")
    assert api.patch(f"/taxes/{tax['id']}", json={"amount": "12.5"}).json()["rate"] == "12.5"
    assert errors(api.post("/taxes", json={"name": "X"})).keys() == {"rate"}
    visit = {"name": "Visit", "price": "80", "item_type": "Service", "tax_id": tax["id"]}
    item = api.post("/billable_items", json=visit)
    assert (item.status_code, item.json()["price"]) == (201, "80.0")
    assert item.json()["tax"]["links"]["self"].endswith(f"/v1/taxes/{tax['id']}")
    assert errors(api.post("/billable_items", json={"price": "free"})).keys() == {"name", "price", "item_type"}
    kind = {"name": "Review", "duration_in_minutes": 20, "max_attendees": 1}
    made = api.post("/appointment_types", json={**kind, "billable_item_id": item.json()["id"], "color": "#fff"}).json()
    assert made["billable_item"]["links"]["self"] == item.json()["links"]["self"]
    join = {"appointment_type_id": made["id"], "billable_item_id": item.json()["id"], "quantity": 2}
    joined = api.post("/appointment_type_billable_items", json=join).json()
    listed = api.get(made["appointment_type_billable_items"]["links"]["self"]).json()
    assert [row["id"] for row in listed["appointment_type_billable_items"]] == [joined["id"]]
    assert joined["quantity"] == "2.0"
    assert api.delete(f"/appointment_type_billable_items/{joined['id']}").status_code == 204
    assert api.get(f"/appointment_type_billable_items/{joined['id']}").status_code == 404
    assert api.delete(f"/taxes/{tax['id']}").status_code == 204
    assert "rate" not in api.get(f"/taxes/{tax['id']}").json()
    assert api.post("/concession_types", json={"name": "Student"}).status_code == 201
    place = api.post("/businesses", json={"business_name": "North", "country_code": "NZ"}).json()
    assert place["country"] == "New Zealand"
    assert api.post(f"/businesses/{place['id']}/archive").status_code == 204
    assert api.post(f"/businesses/{place['id']}/unarchive").json()["archived_at"] is None
    assert errors(api.post("/patient_cases", json={})) == {"name": "can’t be blank", "patient": "can’t be blank"}
    case = api.post("/patient_cases", json={"name": "Knee", "patient_id": ana, "max_sessions": 5}).json()
    assert (case["closed"], case["closed_at"]) == (False, None)
    assert errors(api.patch(f"/patient_cases/{case['id']}", json={"max_sessions": 0})).keys() == {"max_sessions"}
    closed = api.patch(f"/patient_cases/{case['id']}", json={"closed": True}).json()
    assert (closed["closed"], closed["closed_at"]) == (True, START)
    assert api.get("/patient_cases/active").json()["total_entries"] == 0
    assert api.patch(f"/patient_cases/{case['id']}", json={"closed": False}).json()["closed_at"] is None
