"""Filters of the simulated Cliniko: operators by type, columns, indexes, speed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import names, patients
from webapp.sandbox.cliniko import ClinikoAccount, ClinikoSandbox, actions

Visit = Callable[..., dict[str, Any]]

FILTERS = [
    ("id:>2", "Cy Di"),
    ("id:>=2", "Bo Cy Di"),
    ("id:<2", "An"),
    ("id:<=2", "An Bo"),
    ("id:=1,3,99", "An Cy"),
    ("id:!=3", "An Bo Di"),
    ("created_at:>2020-01-02T00:00:00Z", "Cy Di"),
    ("created_at:>=2020-01-02T00:00:00Z", "Bo Cy Di"),
    ("created_at:<2020-01-02T00:00:00Z", "An"),
    ("created_at:<=2020-01-02T00:00:00Z", "An Bo"),
    ("created_at:?", "An Bo Cy Di"),
    ("created_at:*", "An Bo Cy Di"),
    ("created_at:!?", ""),
    ("date_of_birth:=1990-05-01", "An"),
    ("date_of_birth:=****-05-**", "An Bo"),
    ("date_of_birth:>=1990-05-01", "An Bo"),
    ("date_of_birth:<1991-01-01", "An"),
    ("date_of_birth:?", "An Bo"),
    ("date_of_birth:!?", "Cy Di"),
    ("email:=AN@x.example", "An"),
    ("email:!=an@x.example", "Bo Cy Di"),
    ("email:~X.EX", "An Bo"),
    ("email:~~b%@%", "Bo"),
    ("email:?", "An Bo"),
    ("email:!?", "Cy Di"),
]


@pytest.mark.parametrize(("condition", "expected"), FILTERS)
def test_each_operator_by_type(account: ClinikoAccount, api: httpx.Client, condition: str, expected: str) -> None:
    people = (
        ("An", "1990-05-01", "an@x.example"),
        ("Bo", "1991-05-31", "bo@x.example"),
        ("Cy", None, ""),
        ("Di", None, None),
    )
    for number, (name, born, email) in enumerate(people, start=1):
        row = {"id": str(number), "first_name": name, "last_name": "R", "date_of_birth": born, "email": email}
        account.put("patients", {**row, "created_at": f"2020-01-0{number}T00:00:00Z"})
    assert names(api, condition) == expected.split()


def test_conditions_are_all_to_hold_and_case_can_matter(account: ClinikoAccount, api: httpx.Client) -> None:
    patients(account, "An", "Bo", email="Same@x.example")
    assert names(api, "first_name:=an", "email:=same@x.example") == ["An"]
    account.switches.strings_ignore_case = False
    assert names(api, "first_name:=an", "email:=same@x.example") == []
    assert names(api, "email:=Same@x.example") == ["An", "Bo"]


@pytest.mark.parametrize(
    ("path", "condition"),
    [
        ("/patients", "merged_at:?"),
        ("/patients", "deleted_at:*"),
        ("/patients", "patient_phone_numbers:~04"),
        ("/users", "email:=a@b.example"),
        ("/practitioners", "active:=true"),
        ("/referral_sources", "patient_id:=1"),
        ("/group_appointments", "cancelled_at:*"),
    ],
)
def test_a_column_that_cannot_be_searched(api: httpx.Client, path: str, condition: str) -> None:
    answer = api.get(path, params={"q[]": condition})
    assert (answer.status_code, answer.json()) == (400, {"message": "This column is not searchable."})


@pytest.mark.parametrize(
    "condition",
    [
        "updated_at:=2020-01-01T00:00:00Z",
        "updated_at:>2020-01-01",
        "updated_at:>2020-01-01T00:00:00+10:00",
        "id:~1",
        "id:=1.5",
        "id:>",
        "first_name:>A",
        "date_of_birth:>****-01-01",
        "updated_at:*now",
        "first_name",
    ],
)
def test_an_operator_or_value_that_does_not_fit(api: httpx.Client, condition: str) -> None:
    assert api.get("/patients", params={"q[]": condition}).status_code == 400


def test_other_types_of_columns(account: ClinikoAccount, api: httpx.Client, visit: Visit) -> None:
    for status, number, day in ((10, 1, "2026-01-01"), (20, 2, "2026-02-01")):
        account.put("invoices", {"status": status, "number": number, "issue_date": day, "patient_id": "7"})

    def numbers(condition: str) -> list[int]:
        found = api.get("/invoices", params={"q[]": condition}).json()["invoices"]
        return [row["number"] for row in found]

    assert numbers("status:=20") == [2]
    assert numbers("status:!=20") == [1]
    assert numbers("number:>=2") == [2]
    assert numbers("patient_id:=7,8") == [1, 2]
    assert numbers("patient_id:!=7") == []
    assert numbers("appointment_id:!?") == [1, 2]
    assert numbers("issue_date:>2026-01-15") == [2]
    prices = [account.put("concession_prices", {"price": price})["id"] for price in ("9.50", "12.0")]
    found = api.get("/concession_prices", params={"q[]": "price:>9.6"}).json()["concession_prices"]
    assert [row["id"] for row in found] == prices[1:]
    types = api.get("/appointment_types", params={"q[]": "show_in_online_bookings:=true"}).json()
    assert types["total_entries"] == 0, "what is not stored does not match"
    account.edit("businesses", "21", appointment_type_ids=["41"])
    for wanted, total in (("41", 1), ("42", 0)):
        found = api.get("/businesses", params={"q[]": f"appointment_type_ids:~{wanted}"}).json()
        assert found["total_entries"] == total


def test_indexes_follow_every_change(account: ClinikoAccount, api: httpx.Client, cliniko: ClinikoSandbox) -> None:
    rows = patients(account, "An", "Bo", "Cy")
    since = ["updated_at:>2026-11-23T04:00:00Z"]
    assert names(api, *since, "archived_at:*") == []
    assert names(api, "archived_at:?") == []
    cliniko.clock.advance(60)
    account.edit("patients", rows[1]["id"], last_name="Lee")
    account.edit("patients", rows[2]["id"], touch=False, last_name="Lee")
    assert names(api, *since) == ["Bo"]
    assert names(api, *since, f"id:>{rows[1]['id']}") == []
    actions.archive(account, "patients", rows[0]["id"])
    assert names(api, *since) == ["Bo"]
    assert names(api, "archived_at:?") == ["An"]
    actions.unarchive(account, "patients", rows[0]["id"])
    assert names(api, "archived_at:?") == []
    early = account.put(
        "patients", {"id": "5", "first_name": "Ed", "last_name": "L", "created_at": "2011-01-01T00:00:00Z"}
    )
    assert names(api) == ["Ed", "An", "Bo", "Cy"]
    assert names(api, *since) == ["An", "Bo"]
    account.remove("patients", early["id"])
    account.put("patients", {**rows[1], "updated_at": "2026-11-24T00:00:00Z"})
    assert names(api, "updated_at:>2026-11-23T12:00:00Z") == ["Bo"]
    assert names(api) == ["An", "Bo", "Cy"]


def test_a_page_of_many_thousand_rows_is_quick(account: ClinikoAccount, api: httpx.Client) -> None:
    for number in range(50_000):
        day, hour = divmod(number % 600, 24)
        moment = f"2026-10-{1 + day:02d}T{hour:02d}:00:00Z"
        row = {"first_name": f"P{number}", "last_name": "R", "created_at": "2020-01-01T00:00:00Z", "updated_at": moment}
        account.put("patients", {**row, "archived_at": None if number % 10 else moment})
    last, walked, times = "0", 0, []
    while walked < 3_000:
        wanted = ["updated_at:>=2026-10-03T00:00:00Z", "archived_at:*", f"id:>{last}"]
        started = time.process_time()
        page = api.get("/patients", params={"q[]": wanted, "sort": "id", "per_page": 100}).json()["patients"]
        times.append(time.process_time() - started)
        assert len(page) == 100
        assert all(row["updated_at"] >= "2026-10-03" for row in page)
        last, walked = page[-1]["id"], walked + len(page)
    # Processor time of both ends, reading the JSON included; the first request builds the index.
    assert sorted(times)[len(times) // 2] < 0.05
    started = time.process_time()
    assert api.get("/patients", params={"q[]": "updated_at:>=2026-12-01T00:00:00Z"}).json()["total_entries"] == 0
    assert time.process_time() - started < 0.05
