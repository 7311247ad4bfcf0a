"""Lists of the simulated Cliniko: pages, order, what is hidden, nested lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.sandbox.conftest import names, patients
from webapp.sandbox.cliniko import ClinikoAccount, actions

Visit = Callable[..., dict[str, Any]]


def test_pages_of_fifty_with_links_that_keep_the_filters(account: ClinikoAccount, api: httpx.Client) -> None:
    patients(account, *(f"P{n}" for n in range(120)))
    first = api.get("/patients", params={"q[]": ["last_name:=Ruiz", "first_name:~~P%"], "sort": "id"}).json()
    assert len(first["patients"]) == 50
    assert first["total_entries"] == 120
    assert "previous" not in first["links"]
    following = first["links"]["next"]
    assert following.startswith(str(api.base_url))
    assert "q%5B%5D=first_name%3A~~P%25" in following
    assert parse_qs(urlsplit(following).query)["q[]"] == ["last_name:=Ruiz", "first_name:~~P%"]
    seen = [row["first_name"] for row in first["patients"]]
    page = first
    while "next" in page["links"]:
        page = api.get(page["links"]["next"]).json()
        assert "previous" in page["links"]
        seen += [row["first_name"] for row in page["patients"]]
    assert seen == [f"P{n}" for n in range(120)]
    assert api.get("/patients", params={"page": 9}).json()["patients"] == []
    assert len(api.get("/patients", params={"per_page": 100}).json()["patients"]) == 100
    assert len(api.get("/patients", params={"per_page": 1000}).json()["patients"]) == 100
    account.switches.clamp_per_page = False
    assert api.get("/patients", params={"per_page": 101}).status_code == 400


def test_an_empty_list(api: httpx.Client) -> None:
    body = api.get("/patients").json()
    assert body == {"patients": [], "total_entries": 0, "links": {"self": f"{api.base_url}patients?page=1"}}


def test_the_order_is_by_creation_unless_asked_otherwise(account: ClinikoAccount, api: httpx.Client) -> None:
    for number, created, updated, last in ((1, 3, 5, "B"), (2, 1, 4, "A"), (3, 2, 4, "B"), (40, 4, 6, "A")):
        times = {"created_at": f"2020-01-0{created}T00:00:00Z", "updated_at": f"2020-02-0{updated}T00:00:00Z"}
        account.put("patients", {"id": str(number), "first_name": str(number), "last_name": last, **times})
    assert names(api) == ["2", "3", "1", "40"]
    assert names(api, order="desc") == ["40", "1", "3", "2"]
    assert names(api, sort="id") == ["1", "2", "3", "40"], "ids are numbers, not texts"
    assert names(api, sort="id:desc") == ["40", "3", "2", "1"]
    assert names(api, sort="id", order="desc") == ["40", "3", "2", "1"]
    assert names(api, sort="updated_at:asc,id:desc") == ["3", "2", "1", "40"]
    assert names(api, sort="last_name,updated_at:desc") == ["40", "2", "1", "3"]
    assert names(api, sort="date_of_birth,id") == ["1", "2", "3", "40"], "all of them have none"
    account.switches.honours_id_sort = False
    assert names(api, sort="id") == ["2", "3", "1", "40"]
    assert names(api, "id:>1", sort="id") == ["2", "3", "40"]
    for bad in ("merged_at", "id:up"):
        assert api.get("/patients", params={"sort": bad}).status_code == 400


def test_archived_records_show_only_when_asked_for(account: ClinikoAccount, api: httpx.Client) -> None:
    (old, _) = patients(account, "Old", "New")
    actions.archive(account, "patients", old["id"])
    assert names(api) == ["New"]
    assert names(api, "archived_at:*") == ["Old", "New"]
    assert names(api, "archived_at:?") == ["Old"]
    assert names(api, "archived_at:>=2026-11-23T04:00:00Z") == ["Old"]
    assert names(api, "archived_at:>2026-11-23T04:00:00Z") == []
    one = f"/patients/{old['id']}"
    assert api.get(one).status_code == 404
    assert api.get(one, params={"q[]": "archived_at:*"}).json()["archived_at"] == "2026-11-23T04:00:00Z"
    assert api.get(one, params={"q[]": "archived_at:!?"}).status_code == 404
    assert api.get(one, params={"q[]": "first_name:=Old"}).status_code == 400


def test_each_reason_to_hide_has_its_own_reveal(account: ClinikoAccount, api: httpx.Client, visit: Visit) -> None:
    account.switches.archived_and_deleted_together = True
    one = visit(patients(account, "An")[0]["id"])
    actions.cancel(account, "individual_appointments", one["id"])
    actions.archive(account, "individual_appointments", one["id"])
    reveals = ["archived_at:*", "deleted_at:*", "cancelled_at:*"]
    for resource, path in (("individual_appointments", one["id"]), ("attendees", None), ("bookings", one["id"])):
        for wanted in (reveals, reveals[:2], reveals[1:], reveals[:1], []):
            total = api.get(f"/{resource}", params={"q[]": wanted}).json()["total_entries"]
            assert total == (1 if wanted == reveals else 0), (resource, wanted)
            if path:
                status = api.get(f"/{resource}/{path}", params={"q[]": wanted}).status_code
                assert status == (200 if wanted == reveals else 404)
    account.switches.reveals_independent = False
    assert api.get("/attendees", params={"q[]": "archived_at:*"}).json()["total_entries"] == 1


def test_bookings_are_the_union_of_what_stands_in_the_calendar(
    account: ClinikoAccount, api: httpx.Client, visit: Visit
) -> None:
    ana, bo = (row["id"] for row in patients(account, "Ana", "Bo"))
    single = visit(ana)["id"]
    times = {"starts_at": "2026-12-02T01:00:00Z", "ends_at": "2026-12-02T02:00:00Z"}
    where = {"practitioner_id": "31", "business_id": "21"}
    group = account.put("group_appointments", {**times, **where, "appointment_type_id": "42", "max_attendees": 5})["id"]
    block = account.put("unavailable_blocks", {**times, **where})["id"]
    gone = account.put("attendees", {"booking_id": group, "patient_id": ana})
    account.put("attendees", {"booking_id": group, "patient_id": bo})

    def ids(*conditions: str, **params: str) -> list[str]:
        return [
            row["id"] for row in api.get("/bookings", params={"q[]": list(conditions), **params}).json()["bookings"]
        ]

    assert ids(sort="id") == [single, group, block]
    assert ids("practitioner_id:=31", sort="starts_at:desc,id:desc") == [block, group, single]
    assert ids(f"patient_ids:~{ana}") == [single, group]
    account.edit("attendees", gone["id"], cancelled_at=account.stamp())
    assert ids(f"patient_ids:~{ana}") == [single]
    assert ids("appointment_type_id:=42") == [group]
    assert ids("did_not_arrive:=true") == []
    shown = {row["id"]: row for row in api.get("/bookings").json()["bookings"]}
    assert shown[single]["links"]["self"].endswith(f"/bookings/{single}")
    assert shown[single]["attendees"]["links"]["self"].endswith(f"/individual_appointments/{single}/attendees")
    assert shown[group]["patient_ids"] == [bo]
    assert "max_attendees" in shown[group] and "patient" not in shown[group]
    assert "appointment_type" not in shown[block] and "attendees" not in shown[block]
    assert api.get(f"/bookings/{block}").json()["conflicts"]["links"]["self"].endswith("/conflicts")
    group_list = api.get("/group_appointments", params={"q[]": f"patient_ids:~{bo}"}).json()
    assert [row["id"] for row in group_list["group_appointments"]] == [group]


def test_lists_below_another_record(account: ClinikoAccount, api: httpx.Client, visit: Visit) -> None:
    ana, bo = (row["id"] for row in patients(account, "Ana", "Bo"))
    case = account.put("patient_cases", {"name": "Knee", "patient_id": ana})["id"]
    closed = account.put("patient_cases", {"name": "Old", "patient_id": ana, "closed": True})["id"]
    one, other = visit(ana)["id"], visit(bo)["id"]
    attendee = account.tables["attendees"].rows("booking_id", one)[0]["id"]
    account.edit("attendees", attendee, patient_case_id=case)
    made = {"appointment_id": one, "patient_id": ana, "practitioner_id": "31"}
    invoice = account.put("invoices", {"number": 1, **made})["id"]
    account.put("invoices", {"number": 2, "patient_id": bo, "appointment_id": other, "practitioner_id": "31"})
    item = account.put("invoice_items", {"name": "Visit", "invoice_id": invoice})["id"]
    account.put("practitioners", {"id": "32", "active": False, "user_id": "11"})
    account.edit("appointment_types", "42", practitioner_ids=["32"])
    expected = {
        f"individual_appointments/{one}/attendees": [attendee],
        f"patient_cases/{case}/attendees": [attendee],
        f"patient_cases/{case}/bookings": [one],
        f"patient_cases/{case}/invoices": [invoice],
        f"appointments/{one}/invoices": [invoice],
        f"attendees/{attendee}/invoices": [invoice],
        f"patients/{ana}/invoices": [invoice],
        f"invoices/{invoice}/invoice_items": [item],
        "practitioners": ["31"],
        "practitioners/inactive": ["32"],
        "practitioners/31/appointment_types": ["41"],
        "practitioners/32/appointment_types": ["41", "42"],
        "appointment_types/42/practitioners": [],
        "appointment_types/42/practitioners/inactive": ["32"],
        "businesses/21/practitioners": ["31"],
        "patient_cases/active": [case],
        "patient_cases": [case, closed],
    }
    for path, ids in expected.items():
        body = api.get(f"/{path}", params={"sort": "id"}).json()
        key = "practitioners" if "inactive" in path else "patient_cases" if "active" in path else path.split("/")[-1]
        assert [row["id"] for row in body[key]] == ids, path
        assert body["links"]["self"].startswith(f"{api.base_url}{path}?page=1")
    assert api.get("/practitioners/31/invoices").json()["total_entries"] == 2
    assert api.get("/practitioners/32").status_code == 200, "a former practitioner can still be read"
    for parent in (
        "patients/9/invoices",
        "appointments/9/invoices",
        "attendees/9/invoices",
        "patient_cases/9/bookings",
    ):
        assert api.get(f"/{parent}").status_code == 404
    filtered = api.get("/attendees", params={"q[]": [f"appointment_id:={one}"]}).json()
    assert [row["id"] for row in filtered["attendees"]] == [attendee]


def test_users_can_leave_out_those_who_left(account: ClinikoAccount, api: httpx.Client) -> None:
    account.put("users", {"id": "12", "first_name": "Gone", "user_active": False})
    assert api.get("/users").json()["total_entries"] == 2
    account.switches.users_list_inactive = False
    assert [row["id"] for row in api.get("/users").json()["users"]] == ["11"]
