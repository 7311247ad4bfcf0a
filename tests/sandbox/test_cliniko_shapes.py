"""Each resource shows what Cliniko shows: compared with one published record of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from webapp.sandbox.cliniko import ClinikoAccount

EXAMPLES = Path(__file__).parents[3] / "shared" / "facts" / "cliniko-examples"
# Relations are left out while there is none, so they may be in one of the two only.
OPTIONAL = {
    "patients": {"concession_type", "referring_doctor", "latest_booking", "merged_with_patient"},
    "individual_appointments": {"patient_case", "repeated_from"},
    "group_appointments": {"repeated_from"},
    "bookings": {"repeated_from"},
    "attendees": {"patient_case"},
    "invoices": {"appointment", "practitioner"},
    "invoice_items": {"billable_item", "product"},
    "billable_items": {"tax"},
    # Products and note templates are not part of the sandbox; the concession type is missing in the example.
    "appointment_types": {"billable_item", "product", "treatment_note_template"},
    "practitioners": {"default_appointment_type"},
    "patient_cases": {"contact"},
    "concession_prices": {"concession_type"},
}


RESOURCES = (
    *("patients", "contacts", "referral_sources", "referral_source_types", "patient_cases"),
    *("individual_appointments", "group_appointments", "attendees", "bookings", "invoices", "invoice_items"),
    *("billable_items", "taxes", "concession_types", "concession_prices"),
    *("appointment_types", "appointment_type_billable_items", "practitioners", "users", "businesses"),
)


def _values_fit(expected: Any, shown: Any) -> bool:
    """Same kind of value: both links, both lists, both texts, and so on; null and "" stand for any empty value."""
    if expected in (None, "", {}, []) or shown in (None, "", {}, []):
        return True
    if isinstance(expected, dict):
        return isinstance(shown, dict) and ("links" in expected) is ("links" in shown)
    return type(expected) is type(shown)


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_record_has_the_keys_of_the_published_one(full: ClinikoAccount, api: httpx.Client, resource: str) -> None:
    if not EXAMPLES.is_dir():
        pytest.skip("the published examples are not beside this checkout")
    expected = json.loads((EXAMPLES / f"{resource}.json").read_text())
    rows = api.get(f"/{resource}").json()[resource]
    # The published booking is a class.
    shown = rows[-1] if resource == "bookings" else rows[0]
    optional = OPTIONAL.get(resource, set())
    assert shown.keys() - optional == expected.keys() - optional
    unlike = [name for name in expected.keys() & shown.keys() if not _values_fit(expected[name], shown[name])]
    assert unlike == []


def test_the_envelope_has_the_published_form(full: ClinikoAccount, api: httpx.Client) -> None:
    if not EXAMPLES.is_dir():
        pytest.skip("the published examples are not beside this checkout")
    expected = json.loads((EXAMPLES / "list_envelope_middle_page.json").read_text())
    for number in range(4):
        full.put("patients", {"first_name": str(number), "last_name": "X"})
    shown = api.get("/patients", params={"page": 2, "per_page": 2, "sort": "updated_at:asc"}).json()
    assert shown.keys() == expected.keys()
    assert shown["links"].keys() == expected["links"].keys()
    for name, address in expected["links"].items():
        query = address.partition("?")[2].replace("per_page=100", "per_page=2")
        assert shown["links"][name] == f"{api.base_url}patients?{query}"


@pytest.mark.parametrize("absent", ["missing", "null", "empty"])
def test_absent_relations_take_three_shapes(full: ClinikoAccount, api: httpx.Client, absent: str) -> None:
    full.switches.absent_relation = absent
    patient = api.get("/patients").json()["patients"][0]
    case = api.get("/attendees").json()["attendees"][0]
    for row, name in ((patient, "merged_with_patient"), (patient, "referring_doctor"), (case, "patient_case")):
        assert (name in row) is (absent != "missing")
        if absent != "missing":
            assert row[name] == (None if absent == "null" else {})


def test_links_lead_back_to_the_records(full: ClinikoAccount, api: httpx.Client) -> None:
    for resource in RESOURCES:
        for row in api.get(f"/{resource}").json()[resource]:
            again = api.get(row["links"]["self"])
            assert again.status_code == 200, row["links"]["self"]
            assert again.json()["id"] == row["id"]


def test_settings_conflicts_and_errors_have_the_published_form(full: ClinikoAccount, api: httpx.Client) -> None:
    if not EXAMPLES.is_dir():
        pytest.skip("the published examples are not beside this checkout")
    settings = json.loads((EXAMPLES / "settings.json").read_text())
    shown = api.get("/settings/public").json()
    assert settings.keys() <= shown.keys()
    # The time zone and the administrator were printed once and are gone from the newer description.
    assert settings["account"].keys() - {"time_zone", "admin"} <= shown["account"].keys()
    assert settings["calendar"].keys() == shown["calendar"].keys()
    number = next(iter(full.tables["individual_appointments"]))
    conflicts = api.get(f"/individual_appointments/{number}/conflicts").json()
    assert conflicts.keys() == json.loads((EXAMPLES / "conflicts.json").read_text()).keys()
    errors = json.loads((EXAMPLES / "errors.json").read_text())
    assert api.post("/patients", json={}).json() == errors["422"]
    refused = api.get("/patients", params={"q[]": "merged_at:?"})
    assert refused.json() == errors["400_unfilterable_column"]
    denied = api.get("/patients", auth=("nobody-au1", ""))
    assert denied.text.strip() == errors["401_body_is_plain_text"]
