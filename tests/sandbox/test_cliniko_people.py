"""Contacts, custom fields and referral sources in the simulated Cliniko."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import errors
from webapp.sandbox.cliniko import ClinikoAccount, ClinikoSandbox

HOME = {"number": "(02) 9999 1111", "phone_type": "Home"}


@pytest.mark.parametrize("together", [False, True])
def test_archiving_may_also_set_the_deletion_time(account: ClinikoAccount, api: httpx.Client, together: bool) -> None:
    account.switches.archived_and_deleted_together = together
    made = account.put("contacts", {"last_name": "Who"})["id"]
    assert api.post(f"/contacts/{made}/archive").status_code == 204
    assert bool(account.get("contacts", made).get("deleted_at")) is together
    reveals = ["archived_at:*", "deleted_at:*"]
    assert api.get(f"/contacts/{made}", params={"q[]": reveals}).status_code == 200
    assert api.get(f"/contacts/{made}", params={"q[]": reveals[:1]}).status_code == (404 if together else 200)
    patient = account.put("patients", {"first_name": "A", "last_name": "B"})["id"]
    api.post(f"/patients/{patient}/archive")
    shown = api.get(f"/patients/{patient}", params={"q[]": "archived_at:*"})
    assert (shown.status_code, bool(shown.json()["deleted_at"])) == (200, together)


def test_contacts_have_other_keys_than_patients(account: ClinikoAccount, api: httpx.Client) -> None:
    sent = {"last_name": "Who", "type_code": 1, "country_code": "NZ", "country": "Ireland", "phone_numbers": [HOME]}
    answer = api.post("/contacts", json={**sent, "doctor_type": "specialist", "email": "not an address"})
    made = answer.json()
    assert answer.status_code == 201
    assert (made["type"], made["country"], made["email"]) == ("Doctor", "New Zealand", "not an address")
    assert made["phone_numbers"][0]["normalized_number"] == "64299991111"
    changed = api.patch(
        f"/contacts/{made['id']}", json={"doctor_type": None, "type_code": 2, "country": "Ireland"}
    ).json()
    assert (changed["doctor_type"], changed["type"]) == (None, "3rd Party Payer")
    assert changed["country"] == "New Zealand", "a contact's country is set by its code only"
    refused = {"type_code": 7, "doctor_type": "surgeon", "country_code": "XX", "email": "x" * 256}
    assert errors(api.patch(f"/contacts/{made['id']}", json=refused)).keys() == refused.keys()
    assert api.post("/contacts", json={}).status_code == 201, "no field is required"
    assert api.patch("/contacts/9", json={}).status_code == 404


def test_custom_fields_are_known_by_their_tokens(account: ClinikoAccount, api: httpx.Client, ana: str) -> None:
    options = [{"name": "Great", "token": "o1"}, {"name": "Super", "token": "o2"}]
    fields = [
        {"name": "Provider", "type": "radiobuttons", "token": "f1", "options": options, "other": {"enabled": True}},
        {"name": "Policy", "type": "text", "token": "f2"},
        {"name": "Since", "type": "date", "token": "f3"},
    ]
    sections = [{"name": "Cover", "token": "s1", "fields": fields}, {"name": "More", "token": "s2", "fields": []}]
    account.settings = {"patient_custom_fields_definition": {"sections": sections}}

    def patch(*fields: dict[str, Any], token: str = "s1") -> httpx.Response:
        return api.patch(f"/patients/{ana}", json={"custom_fields": {"sections": [{"token": token, "fields": fields}]}})

    chosen = {"token": "f1", "name": "Other name", "options": [{"token": "o1"}, {"token": "o2", "selected": True}]}
    shown = patch(chosen, {"token": "f2", "value": "ABC"}).json()["custom_fields"]["sections"]
    assert shown[0]["name"] == "Cover"
    assert shown[0]["fields"][0]["name"] == "Provider"
    assert shown[0]["fields"][0]["options"] == [options[0], {**options[1], "selected": True}]
    assert shown[0]["fields"][1] == {"name": "Policy", "type": "text", "token": "f2", "value": "ABC"}
    both = [{**option, "selected": True} for option in options]
    other = {"token": "f1", "other": {"selected": True, "value": "Mine"}}
    assert patch(other).json()["custom_fields"]["sections"][0]["fields"][0]["other"]["value"] == "Mine"
    for bad in (
        {"token": "f9"},
        {"token": "f2", "value": ""},
        {"token": "f3", "value": "yesterday"},
        {"token": "f1", "value": "x"},
        {"token": "f1", "options": both},
        {"token": "f1", "options": both[:1], "other": {"selected": True}},
        {"token": "f1", "other": {"value": "not selected"}},
    ):
        assert errors(patch(bad)).keys() == {"custom_fields"}
    assert [s["token"] for s in patch(token="s2").json()["custom_fields"]["sections"]] == ["s2"]
    account.switches.custom_fields_replace = False
    assert [s["token"] for s in patch().json()["custom_fields"]["sections"]] == ["s2", "s1"]
    assert api.patch(f"/patients/{ana}", json={"custom_fields": None}).json()["custom_fields"] is None


def test_a_referral_source_is_a_record_of_its_own(
    cliniko: ClinikoSandbox, account: ClinikoAccount, api: httpx.Client, ana: str
) -> None:
    web = account.put("referral_source_types", {"name": "Internet", "subcategories": ["Search", "Map"]})["id"]
    friend = account.put("referral_source_types", {"name": "Client", "referrer_type": "Patient"})["id"]
    at = f"/patients/{ana}/referral_source"
    assert api.get(at).status_code == 404
    assert errors(api.patch(at, json={"notes": "x"})) == {"referral_source_type": "can’t be blank"}
    assert errors(api.patch(at, json={"referral_source_type_id": web, "subcategory": "Radio"})).keys() == {
        "subcategory"
    }
    cliniko.clock.advance(60)
    made = api.patch(at, json={"referral_source_type_id": web, "subcategory": "Map", "notes": "saw it"}).json()
    assert (made["subcategory"], made["referrer"], made["referrer_type"]) == ("Map", None, None)
    assert made["links"]["self"].endswith(at)
    assert api.get(at).json() == made == api.get("/referral_sources").json()["referral_sources"][0]
    patient = api.get(f"/patients/{ana}").json()
    assert (patient["referral_source"], patient["updated_at"]) == ("saw it", "2026-11-23T04:00:00Z")
    bo = account.put("patients", {"first_name": "Bo", "last_name": "Lee"})["id"]
    assert errors(api.patch(at, json={"referral_source_type_id": friend, "referrer_id": "9"})).keys() == {"referrer"}
    account.switches.touch_patient_on_referral = True
    moved = api.patch(at, json={"referral_source_type_id": friend, "referrer_id": bo}).json()
    assert moved["subcategory"] is None, "a subcategory belongs to its type"
    assert (moved["referrer_type"], moved["notes"]) == ("Patient", "saw it")
    assert moved["referrer"]["links"]["self"].endswith(f"/v1/patients/{bo}")
    assert api.get(f"/patients/{ana}").json()["updated_at"] == "2026-11-23T04:01:00Z"
    assert api.get(f"/referral_source_types/{friend}").json()["referrers"]["links"]["self"].endswith("/v1/patients")


def test_the_text_on_the_patient_is_the_note_of_the_source(
    account: ClinikoAccount, api: httpx.Client, ana: str
) -> None:
    shown = api.patch(f"/patients/{ana}", json={"referral_source": "a neighbour"}).json()
    assert shown["referral_source"] == "a neighbour"
    source = api.get(f"/patients/{ana}/referral_source").json()
    kind = api.get(source["referral_source_type"]["links"]["self"]).json()
    assert (source["notes"], kind["name"]) == ("a neighbour", "Other")
    api.patch(f"/patients/{ana}", json={"referral_source": "a poster"})
    assert api.get(f"/patients/{ana}/referral_source").json()["notes"] == "a poster"
    made = api.post("/patients", json={"first_name": "B", "last_name": "C", "referral_source": "radio"}).json()
    assert api.get(f"/patients/{made['id']}/referral_source").json()["notes"] == "radio"
    assert len(account.tables["referral_source_types"]) == 1, "one type Other for all of them"
