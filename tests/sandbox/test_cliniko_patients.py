"""Writing patients in the simulated Cliniko."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import errors
from webapp.sandbox.cliniko import ClinikoAccount, ClinikoSandbox, actions

FORMS = {
    "nominative": "they",
    "accusative": "them",
    "pronominal_possessive": "their",
    "predicative_possessive": "theirs",
    "reflexive": "themself",
}
MOBILE = {"number": "0412 345 678", "phone_type": "Mobile"}
HOME = {"number": "(02) 9999 1111", "phone_type": "Home"}


def test_a_patient_is_created_from_two_names(account: ClinikoAccount, api: httpx.Client) -> None:
    answer = api.post("/patients", json={"first_name": "John", "last_name": "Snow"})
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == made["links"]["self"]
    assert 18 <= len(made["id"]) <= 19 and made["id"].isdigit()
    assert made["created_at"] == made["updated_at"] == "2026-11-23T04:00:00Z"
    assert made["label"] == "John Snow"
    assert api.get(f"/patients/{made['id']}").json() == made
    again = api.post("/patients", json={"first_name": "John", "last_name": "Snow"}).json()
    assert again["id"] != made["id"], "nothing is unique, a repeat makes a double"
    assert int(again["id"]) > int(made["id"])


def test_consent_follows_the_defaults_of_the_account(account: ClinikoAccount, api: httpx.Client) -> None:
    account.settings = {"email": {"patient_accept_email_marketing_by_default": True}}
    made = api.post("/patients", json={"first_name": "J", "last_name": "S"}).json()
    assert (made["accepted_email_marketing"], made["accepted_sms_marketing"]) == (True, False)
    told = {"first_name": "J", "last_name": "S", "accepted_email_marketing": False}
    assert api.post("/patients", json=told).json()["accepted_email_marketing"] is False


@pytest.mark.parametrize(
    ("sent", "refused"),
    [
        ({"first_name": ""}, {"first_name": "can’t be blank"}),
        ({"last_name": None}, {"last_name": "can’t be blank"}),
        ({"first_name": "x" * 256}, {"first_name": "is too long (maximum is 255 characters)"}),
        ({"first_name": {"a": 1}}, {"first_name": "is invalid"}),
        ({"email": "ana@@x.example"}, {"email": "is invalid"}),
        ({"email": "ana@localhost"}, {"email": "is invalid"}),
        ({"invoice_email": "nobody"}, {"invoice_email": "is invalid"}),
        ({"date_of_birth": "1990-02-30"}, {"date_of_birth": "is not a valid date"}),
        ({"date_of_birth": "30/02/1990"}, {"date_of_birth": "is not a valid date"}),
        ({"country_code": "XX"}, {"country_code": "is not included in the list"}),
        ({"country_code": "UK"}, {"country_code": "is not included in the list"}),
        ({"country": "Atlantis"}, {"country": "is not included in the list"}),
        ({"pronouns": {"nominative": "they"}}, {"pronouns": "is invalid"}),
        ({"pronouns": {**FORMS, "reflexive": " "}}, {"pronouns": "is invalid"}),
        ({"pronouns": "they/them"}, {"pronouns": "is invalid"}),
        ({"patient_phone_numbers": {"number": "1"}}, {"patient_phone_numbers": "is invalid"}),
        ({"patient_phone_numbers": [{"phone_type": "Home"}]}, {"patient_phone_numbers": "is invalid"}),
        (
            {"patient_phone_numbers": [{**HOME, "phone_type": "Pager"}]},
            {"patient_phone_numbers": "is not included in the list"},
        ),
        ({"reminder_type": "Letter"}, {"reminder_type": "is not included in the list"}),
        ({"reminders_communication_channels": [3]}, {"reminders_communication_channels": "is invalid"}),
        ({"accepted_privacy_policy": "perhaps"}, {"accepted_privacy_policy": "is invalid"}),
        ({"dva_card_number": "12"}, {"dva_card_number": "is invalid"}),
        ({"concession_type_id": "9"}, {"concession_type": "must exist"}),
        ({"referring_doctor_id": "x"}, {"referring_doctor": "must exist"}),
        ({"first_name": "", "email": "no", "country_code": "XX"}, {"first_name": "", "email": "", "country_code": ""}),
    ],
)
def test_what_is_refused_names_every_field_and_changes_nothing(
    account: ClinikoAccount, api: httpx.Client, ana: str, sent: dict[str, Any], refused: dict[str, str]
) -> None:
    before = api.get(f"/patients/{ana}").json()
    found = errors(api.patch(f"/patients/{ana}", json={"last_name": "Lee", **sent}))
    assert found.keys() == refused.keys()
    assert all(found[name] == text for name, text in refused.items() if text)
    assert api.get(f"/patients/{ana}").json() == before
    total = len(account.tables["patients"])
    assert errors(api.post("/patients", json={"first_name": "A", "last_name": "B", **sent})).keys() == refused.keys()
    assert len(account.tables["patients"]) == total


def test_only_what_changes_moves_the_time(cliniko: ClinikoSandbox, api: httpx.Client, ana: str) -> None:
    cliniko.clock.advance(60)
    same = api.patch(f"/patients/{ana}", json={"first_name": "Ana", "city": None}).json()
    assert same["updated_at"] == "2026-11-23T04:00:00Z"
    changed = api.patch(f"/patients/{ana}", json={"city": "Sydney", "email": ""}).json()
    assert changed["updated_at"] == "2026-11-23T04:01:00Z"
    assert (changed["city"], changed["email"], changed["last_name"]) == ("Sydney", "", "Ruiz")


def test_countries_by_code_or_name(api: httpx.Client, ana: str) -> None:
    def country(**sent: Any) -> tuple[str | None, str | None]:
        shown = api.patch(f"/patients/{ana}", json=sent).json()
        return shown["country"], shown["country_code"]

    assert country(country_code="nz") == ("New Zealand", "NZ")
    assert country(country="Ireland") == ("Ireland", "IE")
    assert country(country="Ireland", country_code="GB") == ("United Kingdom", "GB")
    assert country(country_code=None) == (None, None)


def test_relations_are_written_as_ids_and_link_objects_are_ignored(
    account: ClinikoAccount, api: httpx.Client, ana: str
) -> None:
    concession = account.put("concession_types", {"name": "Student"})["id"]
    doctor = account.put("contacts", {"last_name": "Who", "type_code": 1})["id"]
    link = {"links": {"self": f"{api.base_url}concession_types/{concession}"}}
    untouched = api.patch(f"/patients/{ana}", json={"concession_type": link, "no_such_field": 1, "gender": "F"}).json()
    assert "concession_type" not in untouched
    assert untouched["gender"] is None
    assert "no_such_field" not in untouched
    sent = {"concession_type_id": int(concession), "referring_doctor_id": doctor}
    shown = api.patch(f"/patients/{ana}", json=sent).json()
    assert shown["concession_type"] == link
    assert shown["referring_doctor"]["links"]["self"].endswith(f"/v1/contacts/{doctor}")
    assert "concession_type" not in api.patch(f"/patients/{ana}", json={"concession_type_id": None}).json()


def test_marketing_by_text_message_is_written_by_its_opposite(api: httpx.Client, ana: str) -> None:
    shown = api.patch(f"/patients/{ana}", json={"accepted_sms_marketing": True}).json()
    assert shown["accepted_sms_marketing"] is None
    for unsubscribe in (False, True):
        shown = api.patch(f"/patients/{ana}", json={"unsubscribe_sms_marketing": unsubscribe}).json()
        assert shown["accepted_sms_marketing"] is not unsubscribe
        assert "unsubscribe_sms_marketing" not in shown


def test_pronouns_are_all_five_or_none(api: httpx.Client, ana: str) -> None:
    assert api.patch(f"/patients/{ana}", json={"pronouns": {**FORMS, "more": "x"}}).json()["pronouns"] == FORMS
    assert api.patch(f"/patients/{ana}", json={"pronouns": None}).json()["pronouns"] is None


def test_a_list_of_phones_replaces_the_old_one(account: ClinikoAccount, api: httpx.Client, ana: str) -> None:
    def put(*phones: dict[str, str]) -> list[tuple[str, str, str]]:
        shown = api.patch(f"/patients/{ana}", json={"patient_phone_numbers": phones}).json()["patient_phone_numbers"]
        return [(phone["phone_type"], phone["number"], phone["normalized_number"]) for phone in shown]

    mobile, home = ("Mobile", "0412 345 678", "61412345678"), ("Home", "(02) 9999 1111", "61299991111")
    assert put({**MOBILE, "normalized_number": "1", "id": "9"}, HOME) == [mobile, home]
    assert put(HOME) == [home]
    account.switches.phones_replace = False
    assert put(MOBILE) == [home, mobile]
    assert put({"number": "02 9999 1111", "phone_type": "Home"}) == [mobile, ("Home", "02 9999 1111", "61299991111")]
    abroad = {"number": "+64 21 555 000", "phone_type": "Other"}
    assert put(abroad)[-1] == ("Other", "+64 21 555 000", "6421555000")
    account.switches.phones_replace = True
    assert put() == []


def test_archive_and_unarchive(cliniko: ClinikoSandbox, account: ClinikoAccount, api: httpx.Client, ana: str) -> None:
    cliniko.clock.advance(60)
    gone = api.post(f"/patients/{ana}/archive")
    assert (gone.status_code, gone.content) == (204, b"")
    assert account.get("patients", ana)["updated_at"] == "2026-11-23T04:01:00Z"
    assert api.post(f"/patients/{ana}/archive").status_code == 404
    assert api.patch(f"/patients/{ana}", json={"city": "X"}).status_code == 404
    account.switches.patch_archived = True
    assert api.patch(f"/patients/{ana}", json={"city": "X"}).json()["city"] == "X"
    account.switches.touch_on_archive = False
    cliniko.clock.advance(60)
    back = api.post(f"/patients/{ana}/unarchive")
    assert (back.status_code, back.json()["archived_at"]) == (200, None)
    assert back.json()["updated_at"] == "2026-11-23T04:01:00Z"
    assert api.delete(f"/patients/{ana}").status_code == 204
    assert account.get("patients", ana)["updated_at"] == "2026-11-23T04:01:00Z"
    assert api.post("/patients/9/unarchive").status_code == 404


def test_bodies_that_are_not_json(api: httpx.Client, ana: str) -> None:
    at = f"/patients/{ana}"
    assert api.patch(at, data={"first_name": "A"}).status_code == 500
    assert api.patch(at, content=b"{", headers={"Content-Type": "application/json"}).status_code == 500
    assert api.patch(at, json=["first_name"]).status_code == 500
    assert api.patch(at).status_code == 200


def test_a_merged_patient_stays_merged(account: ClinikoAccount, api: httpx.Client, ana: str) -> None:
    other = account.put("patients", {"first_name": "Anna", "last_name": "Ruiz"})["id"]
    actions.merge_patients(account, ana, other)
    assert errors(api.post(f"/patients/{ana}/unarchive")).keys() == {"base"}
    shown = api.get(f"/patients/{ana}", params={"q[]": "archived_at:*"}).json()
    assert shown["merged_with_patient"]["links"]["self"].endswith(f"/v1/patients/{other}")
    assert shown["merged_at"] == shown["archived_at"] == "2026-11-23T04:00:00Z"
    for loser, survivor in ((ana, other), (other, ana), (other, other)):
        with pytest.raises(ValueError, match="merged once"):
            actions.merge_patients(account, loser, survivor)
