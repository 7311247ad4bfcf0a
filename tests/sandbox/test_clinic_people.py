"""Patients, contacts, staff and prices of the seeded clinic: all the trouble of real lists, in the stated shares."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from zoneinfo import ZoneInfo

import phonenumbers
import pytest

from tests.support.made_clinic import clinic, near, rows
from webapp.sandbox.cliniko import ClinikoAccount
from webapp.sandbox.cliniko.clinic import Summary
from webapp.sandbox.cliniko.clinic.contacts import CONTACT_SHARES
from webapp.sandbox.cliniko.clinic.people import PATIENT_SHARES

EMAIL = re.compile(r"[A-Z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Z0-9.-]+\.[A-Z]{2,63}", re.IGNORECASE)


@pytest.fixture
def account() -> ClinikoAccount:
    return clinic()[0]


@pytest.fixture
def summary() -> Summary:
    return clinic()[1]


# Patients


def test_patients_have_every_trait_in_the_stated_share(account: ClinikoAccount, summary: Summary) -> None:
    patients, traits = rows(account, "patients"), summary.traits["patients"]
    count = len(patients)
    for trait, share in PATIENT_SHARES.items():
        assert near(len(traits[trait]), share, count), trait
    at_all = {
        "no_email": PATIENT_SHARES["no_email"] + PATIENT_SHARES["sparse"],
        "no_birth_date": PATIENT_SHARES["no_birth_date"] + PATIENT_SHARES["sparse"],
    }
    assert near(sum(not row["email"] for row in patients), at_all["no_email"], count)
    assert near(sum(not row["date_of_birth"] for row in patients), at_all["no_birth_date"], count)
    invalid = {row["id"] for row in patients if row["email"] and not EMAIL.fullmatch(row["email"].strip())}
    assert invalid <= set(traits["invalid_email"])
    assert invalid
    assert near(sum(bool(row["merged_at"]) for row in patients), PATIENT_SHARES["merged"], count)
    archived = sum(bool(row["archived_at"]) and not row["merged_at"] for row in patients)
    assert near(archived, PATIENT_SHARES["archived"] + len(traits["doubles_archived"]) / count, count)
    assert near(sum(bool(row["concession_type_id"]) for row in patients), PATIENT_SHARES["concession"], count)
    abroad = sum(row["country"] not in ("Australia", "New Zealand", "", None) for row in patients)
    assert near(abroad, PATIENT_SHARES["foreign"], count)
    assert sum(row["date_of_birth"] is not None and row["date_of_birth"].endswith("-02-29") for row in patients) >= 1
    assert {type(row["email"]) for row in patients if not row["email"]} == {str, type(None)}, 'both "" and null'
    assert any("country_code" not in row for row in patients), "older records lack newer fields"


def test_the_hostile_names_cover_every_class(account: ClinikoAccount, summary: Summary) -> None:
    names = [account.get("patients", number) for number in summary.traits["patients"]["hostile_name"]]
    everything = "\n".join(f"{row['first_name']} {row['last_name']}" for row in names if row)
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in everything}
    assert {"ARABIC", "CJK", "CYRILLIC", "GREEK", "HEBREW", "DEVANAGARI", "THAI"} <= scripts
    for text_of_class in (
        "'",
        "<script>",
        "=HYPERLINK",
        "\u202e",
        "\u200f",
        "🌻",
        "\u200b",
        "é",
        "DROP TABLE",
        "A" * 255,
    ):
        assert text_of_class in everything, text_of_class


def test_families_share_an_address_in_every_known_way(account: ClinikoAccount, summary: Summary) -> None:
    def family(kind: str):
        for group in summary.families[kind]:
            yield [row for number in group if (row := account.get("patients", number))]

    kinds = {"father_and_son", "parent_and_children", "twins", "changed_surname", "double"}
    assert set(summary.families) == kinds
    for kind in kinds:
        for people in family(kind):
            assert len({row["email"].strip().casefold() for row in people}) == 1
    spellings = [{row["email"] for row in people} for kind in kinds for people in family(kind)]
    assert any(len(spelling) > 1 for spelling in spellings), "the same address with other capitals"

    def named(row: dict) -> tuple[str, str]:
        return row["first_name"], row["last_name"]

    known = [p for p in family("father_and_son") if all(row["date_of_birth"] for row in p)]
    assert all(len({named(row) for row in people}) == 1 for people in known)
    assert any(len({row["date_of_birth"] for row in people}) == 2 for people in known)
    for people in family("twins"):
        assert len({row["first_name"] for row in people}) == 2
        assert len({row["last_name"] for row in people}) == 1
    assert any(len({row["date_of_birth"] for row in people}) == 1 for people in family("twins"))
    for people in family("changed_surname"):
        assert len({row["first_name"] for row in people}) == 1
        assert len({row["last_name"] for row in people}) == 2
    assert any(
        len(people) == 4 and len({row["last_name"] for row in people}) == 2 for people in family("parent_and_children")
    )
    doubles = list(family("double"))
    assert all(len({named(row) for row in people}) == 1 for people in doubles)
    assert {sum(bool(row["archived_at"]) for row in people) for people in doubles} >= {0, 1}


def test_merges_form_chains_that_end_at_somebody(account: ClinikoAccount, summary: Summary) -> None:
    merged = [row for row in rows(account, "patients") if row["merged_at"]]
    lengths = Counter()
    for row in merged:
        assert row["archived_at"] == row["merged_at"]
        length = 0
        while row["merged_with_patient_id"]:
            row = account.get("patients", row["merged_with_patient_id"])
            length += 1
            assert length < 5
        assert not row["archived_at"]
        lengths[length] += 1
    assert lengths[1] and lengths[2]
    assert lengths[2] == len(summary.traits["patients"]["merge_chain"])
    losers = {row["id"] for row in merged}
    assert not losers & {row["patient_id"] for row in rows(account, "attendees")}, "visits moved to the survivor"


def test_dozens_share_one_second(account: ClinikoAccount) -> None:
    seconds = Counter(row["updated_at"] for row in rows(account, "patients"))
    big = [many for many in seconds.values() if many >= 24]
    assert len(big) >= 3
    assert sum(big) >= PATIENT_SHARES["same_second"] * 1000


def test_phones_are_of_every_kind_and_mostly_valid(account: ClinikoAccount, summary: Summary) -> None:
    odd = set(summary.traits["patients"]["odd_phone"])
    kinds, numbers = Counter(), Counter()
    for row in rows(account, "patients"):
        numbers[len(row["patient_phone_numbers"])] += 1
        for phone in row["patient_phone_numbers"]:
            kinds[phone["phone_type"]] += 1
            if row["id"] not in odd:
                assert phonenumbers.is_valid_number(phonenumbers.parse("+" + phone["normalized_number"])), phone
    assert set(kinds) == {"Mobile", "Home", "Work", "Fax", "Other"}
    assert numbers[0] and max(numbers) == 7
    typed = {account.get("patients", number)["patient_phone_numbers"][0]["number"] for number in odd}
    assert len(typed) >= 16
    assert "" in typed and "ask at front desk" in typed


def test_referrals_name_types_subcategories_and_referrers(account: ClinikoAccount) -> None:
    sources = rows(account, "referral_sources")
    assert near(len(sources), 0.45, 1000)
    assert len({row["patient_id"] for row in sources}) == len(sources)
    types = account.tables["referral_source_types"]
    for row in sources:
        kind = types[int(row["referral_source_type_id"])]
        if row["subcategory"]:
            assert row["subcategory"] in kind["subcategories"]
        if row["referrer"]:
            assert row["referrer"]["type"] == kind["referrer_type"]
    assert {row["referrer"]["type"] for row in sources if row["referrer"]} == {"Patient", "Contact"}
    assert any(row["subcategory"] for row in sources)


# Contacts, staff, prices


def test_contacts_hold_doctors_payers_companies_and_patients(account: ClinikoAccount, summary: Summary) -> None:
    contacts, traits = rows(account, "contacts"), summary.traits["contacts"]
    for trait in ("also_patient", "company", "doctor", "payer", "archived"):
        assert near(len(traits[trait]), CONTACT_SHARES[trait], len(contacts), 0.35), trait
    assert {row["type_code"] for row in contacts} == {0, 1, 2}
    assert {row["doctor_type"] for row in contacts} >= {"general_practitioner", "specialist", None}
    company = [account.get("contacts", number) for number in traits["company"]]
    assert all(row["company_name"] and not row["first_name"] and not row["last_name"] for row in company)
    patients = {(row["first_name"], row["last_name"], row["email"]) for row in rows(account, "patients")}
    for number in traits["also_patient"]:
        row = account.get("contacts", number)
        assert (row["first_name"], row["last_name"], row["email"]) in patients


def test_staff_and_places(account: ClinikoAccount, summary: Summary) -> None:
    users, practitioners = rows(account, "users"), rows(account, "practitioners")
    assert account.get("users", summary.administrator_id)["role"] == "administrator"
    assert account.get("users", summary.receptionist_id)["role"] == "receptionist"
    assert any(not row["active"] for row in users)
    assert {row["active"] for row in practitioners} == {True, False}
    assert any(row["active"] and row["user_id"] is None for row in practitioners)
    emails = {row["email"] for row in users}
    assert set(summary.practitioner_emails) < emails
    assert all(EMAIL.fullmatch(email) for email in emails)
    zones = [ZoneInfo(row["time_zone_identifier"]) for row in rows(account, "businesses")]
    assert [zone.key for zone in zones] == ["Australia/Melbourne", "Pacific/Auckland", "Pacific/Honolulu"]


def test_prices_cover_every_shape(account: ClinikoAccount) -> None:
    types, items = rows(account, "appointment_types"), rows(account, "billable_items")
    lines = defaultdict(list)
    for row in rows(account, "appointment_type_billable_items"):
        lines[row["appointment_type_id"]].append(row)
    sizes = Counter(len(lines[row["id"]]) for row in types)
    assert sizes[0] >= 2 and sizes[1] and sizes[2]
    assert any(row["billable_item_id"] and not lines[row["id"]] for row in types), "the old single link"
    assert any(not row["billable_item_id"] and not lines[row["id"]] for row in types), "a type without a price"
    every = [line for listed in lines.values() for line in listed]
    assert {line["is_monetary_discount"] for line in every} == {True, False, None}
    assert any(line["quantity"] != "1.0" for line in every)
    assert {bool(row["tax_id"]) for row in items} == {True, False}
    assert {row["max_attendees"] > 1 for row in types} == {True, False}
    prices = [row["price"] for row in rows(account, "concession_prices")]
    assert None in prices and "0.0" in prices and "70.5" in prices
