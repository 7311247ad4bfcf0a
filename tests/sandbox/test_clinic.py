"""The seeded clinic: the same from the same seed, with all the trouble of a real one in the stated shares."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import phonenumbers
import pytest

from webapp.clients.cliniko import decode
from webapp.clients.cliniko.records import Contact, Patient
from webapp.sandbox.cliniko import ClinikoAccount, ClinikoSandbox
from webapp.sandbox.cliniko.clinic import PRIVATE_MARK, Summary, make_clinic
from webapp.sandbox.cliniko.clinic.bookings import APPOINTMENT_SHARES
from webapp.sandbox.cliniko.clinic.calendar import changes
from webapp.sandbox.cliniko.clinic.classes import CLASS_SHARES
from webapp.sandbox.cliniko.clinic.contacts import CONTACT_SHARES
from webapp.sandbox.cliniko.clinic.money import INVOICE_SHARES, priced, text
from webapp.sandbox.cliniko.clinic.people import PATIENT_SHARES

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
EMAIL = re.compile(r"[A-Z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Z0-9.-]+\.[A-Z]{2,63}", re.IGNORECASE)
TARGETS = {
    "patient_id": "patients",
    "merged_with_patient_id": "patients",
    "referring_doctor_id": "contacts",
    "contact_id": "contacts",
    "concession_type_id": "concession_types",
    "practitioner_id": "practitioners",
    "business_id": "businesses",
    "appointment_type_id": "appointment_types",
    "patient_case_id": "patient_cases",
    "billable_item_id": "billable_items",
    "tax_id": "taxes",
    "user_id": "users",
    "referral_source_type_id": "referral_source_types",
    "invoice_id": "invoices",
}
BOOKINGS = ("individual_appointments", "group_appointments", "unavailable_blocks")


def make(seed: int = 1, now: datetime = NOW, **sizes: int) -> tuple[ClinikoAccount, Summary]:
    account = ClinikoAccount(id="1")
    return account, make_clinic(account, seed=seed, now=now, **sizes)


def digest(account: ClinikoAccount) -> str:
    plain = json.dumps({name: list(table.values()) for name, table in account.tables.items()}, sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


@pytest.fixture(scope="module")
def clinic() -> tuple[ClinikoAccount, Summary]:
    return make(patients=1000)


@pytest.fixture(scope="module")
def account(clinic) -> ClinikoAccount:
    return clinic[0]


@pytest.fixture(scope="module")
def summary(clinic) -> Summary:
    return clinic[1]


def rows(account: ClinikoAccount, resource: str) -> list[dict]:
    return list(account.tables[resource].values())


def near(found: int, share: float, of: int, slack: float = 0.25) -> bool:
    """Within a quarter of the stated share, or one record."""
    return abs(found - share * of) <= max(1, slack * share * of)


# Determinism


def test_the_same_seed_and_moment_make_the_same_clinic_in_any_process() -> None:
    here = digest(make(seed=7, patients=150)[0])
    code = (
        "from datetime import UTC, datetime\n"
        "from tests.sandbox import test_clinic as t\n"
        "print(t.digest(t.make(seed=7, patients=150)[0]))\n"
    )
    for hash_seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": "Pacific/Auckland"},
        )
        assert run.stdout.strip() == here


def test_another_seed_or_moment_makes_another_clinic() -> None:
    first = digest(make(seed=1, patients=60)[0])
    assert first != digest(make(seed=2, patients=60)[0])
    assert first != digest(make(seed=1, patients=60, now=NOW + timedelta(days=1))[0])


def test_more_invoices_do_not_change_the_patients() -> None:
    few, many = make(patients=80, invoices=5)[0], make(patients=80, invoices=90)[0]
    for resource in ("patients", "individual_appointments"):
        assert rows(few, resource) == rows(many, resource)


# Sizes


@pytest.mark.parametrize("patients", [0, 1, 2, 7, 49, 50, 51])
def test_any_size_works(patients: int) -> None:
    account, summary = make(patients=patients, contacts=3, appointments=4 * patients, invoices=3 * patients)
    assert summary.counts["patients"] == len(account.tables["patients"]) == patients
    assert summary.individual_appointments + summary.group_attendees == 4 * patients
    assert summary.counts["invoices"] == 3 * patients


def test_without_patients_there_is_nothing_to_book_or_bill() -> None:
    account, _ = make(patients=0, appointments=10, invoices=10)
    for resource in ("individual_appointments", "group_appointments", "attendees", "invoices"):
        assert not account.tables[resource]
    assert account.tables["practitioners"]


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="less than no"):
        make(patients=-1)
    with pytest.raises(ValueError, match="time zone"):
        make(patients=1, now=datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_large_clinic_is_made_quickly_and_stays_small() -> None:
    code = (
        "import resource, time\n"
        "from tests.sandbox.test_clinic import make\n"
        "start = time.monotonic()\n"
        "account, summary = make(patients=5000, appointments=20000, invoices=8000)\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "sizes = {name: len(table) for name, table in account.tables.items()}\n"
        "print(time.monotonic() - start, peak, sizes['patients'], summary.individual_appointments,\n"
        "      summary.group_attendees, sizes['attendees'], sizes['invoices'])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, megabytes, *sizes = run.stdout.split()
    assert [int(size) for size in sizes] == [5000, 18000, 2000, 20000, 8000]
    assert float(seconds) < 20, "takes about 2 s on an idle machine"
    assert int(megabytes) < 300


# Form of the rows


def test_every_row_has_the_form_of_the_api(account: ClinikoAccount) -> None:
    end = f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    for resource, table in account.tables.items():
        assert table, resource
        for number, row in table.items():
            assert row["id"] == str(number)
            for name, value in row.items():
                if name.endswith("_at") and value is not None:
                    assert STAMP.fullmatch(value), (resource, name, value)
                    if name not in ("starts_at", "ends_at"):
                        assert value <= end, f"{resource}.{name} lies in the future"
                if name.endswith("_id") and value is not None and name != "old_reference_id":
                    assert isinstance(value, str)
                    assert value.isdigit()
            assert row["created_at"] <= row["updated_at"]


def test_every_relation_points_at_a_row(account: ClinikoAccount) -> None:
    bookings = {number for name in BOOKINGS for number in account.tables[name]}
    for resource, table in account.tables.items():
        for row in table.values():
            for name, value in row.items():
                if value is None or not name.endswith("_id") or name == "old_reference_id":
                    continue
                if name in ("booking_id", "appointment_id"):
                    assert int(value) in bookings
                elif name == "repeated_from_id":
                    assert account.get(resource, value)
                else:
                    assert account.get(TARGETS[name], value), (resource, name)
    for row in rows(account, "referral_sources"):
        if row["referrer"]:
            assert account.get(f"{row['referrer']['type'].lower()}s", row["referrer"]["id"])
            assert row["referrer"]["id"] != row["patient_id"] or row["referrer"]["type"] == "Contact"


def test_ids_are_short_and_long_and_grow_with_the_time(account: ClinikoAccount) -> None:
    patients = sorted(account.tables["patients"])
    assert len(str(patients[0])) < 6
    assert len(str(patients[-1])) >= 18
    assert sorted(map(str, patients)) != [str(number) for number in patients], "text order must be a trap"
    for resource in ("patients", "contacts", "individual_appointments", "attendees", "invoices"):
        made = [account.tables[resource][number]["created_at"] for number in sorted(account.tables[resource])]
        assert made == sorted(made), resource
    shared = [number for name in BOOKINGS for number in account.tables[name]]
    assert len(shared) == len(set(shared))
    assert set(account.tables["patients"]) & set(account.tables["contacts"]), "ids are unique per resource only"


def test_private_text_is_marked_wherever_cliniko_keeps_some(account: ClinikoAccount) -> None:
    for resource, name in (
        ("patients", "notes"),
        ("patients", "appointment_notes"),
        ("contacts", "notes"),
        ("individual_appointments", "notes"),
        ("individual_appointments", "telehealth_url"),
        ("attendees", "notes"),
        ("patient_cases", "notes"),
        ("invoices", "notes"),
        ("invoices", "online_payment_url"),
        ("referral_sources", "notes"),
        ("unavailable_blocks", "notes"),
    ):
        assert any(PRIVATE_MARK in (row.get(name) or "") for row in rows(account, resource)), (resource, name)


def test_the_clients_can_read_every_person_over_http(account: ClinikoAccount, summary: Summary) -> None:
    from werkzeug.test import Client

    sandbox = ClinikoSandbox(limits_on=False)
    sandbox.accounts[account.id] = account
    key = sandbox.add_key(account, summary.administrator_id)
    browser = Client(sandbox.app)
    for resource, kind in (("patients", Patient), ("contacts", Contact)):
        seen = 0
        for page in range(1, 12):
            answer = browser.get(
                f"/v1/{resource}?per_page=100&page={page}&q[]=archived_at:*",
                auth=(key, ""),
                headers={"User-Agent": "Test (test@example.com)"},
            )
            read, bad = decode.read_all(kind, answer.json[resource])
            assert not bad
            seen += len(read)
        hidden = sum(1 for row in rows(account, resource) if row["deleted_at"] and resource == "contacts")
        assert seen == len(account.tables[resource]) - hidden


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


# Appointments


def test_individual_appointments_in_the_stated_shares(account: ClinikoAccount, summary: Summary) -> None:
    listed, traits = rows(account, "individual_appointments"), summary.traits["individual_appointments"]
    assert len(listed) == summary.individual_appointments == 3600
    now, edge = f"{NOW:%Y-%m-%dT%H:%M:%SZ}", f"{NOW + timedelta(days=45):%Y-%m-%dT%H:%M:%SZ}"
    when = Counter("past" if r["starts_at"] < now else "soon" if r["starts_at"] < edge else "later" for r in listed)
    for name in ("past", "soon", "later"):
        assert near(when[name], APPOINTMENT_SHARES[name], len(listed)), name
    for name in ("cancelled", "archived", "online", "series", "midnight", "summer_time", "same_second"):
        assert near(len(traits[name]), APPOINTMENT_SHARES[name], len(listed)), name
    assert {row.get("cancellation_reason") for row in listed} == {None, 10, 20, 30, 31, 40, 50, 60}
    for row in listed:
        assert (row["cancelled_at"] is None) == ("cancellation_reason" not in row)
        assert ("booking_ip_address" in row) == ("online_booking_policy_accepted" in row)
        assert row["starts_at"] < row["ends_at"]
    arrivals = Counter((row["patient_arrived"], row["did_not_arrive"]) for row in listed)
    assert set(arrivals) == {(True, False), (False, True), (False, False), (None, None)}
    over = [r for r in listed if r["starts_at"] < now and not r["cancelled_at"] and not r["archived_at"]]
    assert near(sum(r["patient_arrived"] is True for r in over), APPOINTMENT_SHARES["arrived"], len(over))
    assert near(sum(r["did_not_arrive"] is True for r in over), APPOINTMENT_SHARES["did_not_arrive"], len(over))
    assert not any(row["patient_arrived"] or row["did_not_arrive"] for row in listed if row["starts_at"] > now)
    assert any(r["archived_at"] and r["archived_at"] > r["updated_at"] for r in listed)


def test_every_individual_appointment_has_one_attendee_that_agrees(account: ClinikoAccount) -> None:
    seats = defaultdict(list)
    for row in rows(account, "attendees"):
        seats[row["booking_id"]].append(row)
    later = 0
    for appointment in rows(account, "individual_appointments"):
        (seat,) = seats[appointment["id"]]
        for name in ("patient_id", "patient_case_id", "archived_at", "cancelled_at", "deleted_at", "created_at"):
            assert seat[name] == appointment[name], name
        assert seat["arrived"] == (appointment["patient_arrived"] or (False if appointment["did_not_arrive"] else None))
        assert seat.get("cancellation_reason") == appointment.get("cancellation_reason")
        later += seat["updated_at"] > appointment["updated_at"]
    assert later, "some arrivals were noted without touching the appointment"
    assert not any(block["id"] in seats for block in rows(account, "unavailable_blocks"))


def test_series_midnights_and_summer_time(account: ClinikoAccount, summary: Summary) -> None:
    zones = {row["id"]: ZoneInfo(row["time_zone_identifier"]) for row in rows(account, "businesses")}

    def local(row: dict) -> datetime:
        return datetime.fromisoformat(row["starts_at"]).astimezone(zones[row["business_id"]])

    def of(trait: str) -> list[dict]:
        numbers = summary.traits["individual_appointments"][trait]
        return [row for number in numbers if (row := account.get("individual_appointments", number))]

    series = defaultdict(list)
    for row in of("series"):
        series[row["repeated_from_id"] or row["id"]].append(row)
    for head, repeats in series.items():
        assert len({row["created_at"] for row in repeats}) == 1
        assert len({row["patient_id"] for row in repeats}) == 1
        assert len({local(row).time() for row in repeats}) == 1, "the same clock time on both sides of summer time"
        assert min(repeats, key=lambda row: row["starts_at"])["id"] == head
        assert all(row["repeat_rule"]["number_of_repeats"] == len(repeats) - 1 for row in repeats)
    assert max(map(len, series.values())) >= 8
    assert all(local(row).time() == time(0) for row in of("midnight"))
    assert any(row["starts_at"][:10] != local(row).date().isoformat() for row in of("midnight"))
    odd = of("summer_time")
    for row in odd:
        days = changes(zones[row["business_id"]], NOW.year)
        assert local(row).date() in days or local(row).date() - timedelta(days=1) in days
    assert len({local(row).date() for row in odd}) >= 4
    assert any(local(row).fold for row in odd), "within the hour that comes twice"


def test_days_on_which_the_clock_changes() -> None:
    assert date(2026, 10, 4) in changes(ZoneInfo("Australia/Melbourne"), 2026)
    assert date(2026, 4, 5) in changes(ZoneInfo("Australia/Melbourne"), 2026)
    assert changes(ZoneInfo("Pacific/Honolulu"), 2026) == ()


def test_classes_and_who_is_in_them(account: ClinikoAccount, summary: Summary) -> None:
    classes = account.tables["group_appointments"]
    seats = [row for row in rows(account, "attendees") if int(row["booking_id"]) in classes]
    assert len(seats) == summary.group_attendees == 400
    assert near(sum(bool(row["cancelled_at"]) for row in seats), CLASS_SHARES["attendee_cancelled"], 400, 0.5)
    assert near(sum(bool(row["archived_at"]) for row in seats), CLASS_SHARES["attendee_archived"], 400, 0.7)
    assert {row["arrived"] for row in seats} == {True, False, None}
    of_class = defaultdict(list)
    for row in seats:
        of_class[int(row["booking_id"])].append(row["patient_id"])
    for number, row in classes.items():
        assert len(of_class[number]) == len(set(of_class[number])) <= row["max_attendees"]
        assert account.get("appointment_types", row["appointment_type_id"])["max_attendees"] == row["max_attendees"]
    assert any(not of_class[number] for number in classes), "a class that nobody is in"
    assert any(row["archived_at"] for row in classes.values())


def test_cases_have_both_flags_sessions_and_ends(account: ClinikoAccount) -> None:
    cases = rows(account, "patient_cases")
    flags = {(row["include_cancelled_attendees"], row["include_dna_attendees"]) for row in cases}
    assert len(flags) == 9
    assert {row["closed"] for row in cases} == {True, False}
    assert all(bool(row["closed_at"]) == row["closed"] for row in cases)
    assert {row["max_sessions"] for row in cases} >= {None, 1, 10, 200}
    assert any(row["archived_at"] for row in cases) and any(row["expiry_date"] is None for row in cases)
    used = Counter(row["patient_case_id"] for row in rows(account, "attendees") if row["patient_case_id"])
    assert any(case["max_sessions"] and used[case["id"]] > case["max_sessions"] for case in cases)
    patients = {case["id"]: case["patient_id"] for case in cases}
    for row in rows(account, "attendees"):
        if row["patient_case_id"]:
            assert patients[row["patient_case_id"]] == row["patient_id"]


# Invoices


def test_invoices_add_up_to_the_cent(account: ClinikoAccount, summary: Summary) -> None:
    items = defaultdict(list)
    for row in rows(account, "invoice_items"):
        items[row["invoice_id"]].append(row)
    kept = Decimal(0)
    for invoice in rows(account, "invoices"):
        listed = items[invoice["id"]]
        assert listed
        total = sum(Decimal(item["total_including_tax"]) for item in listed)
        net = sum(Decimal(item["net_price"]) for item in listed).quantize(Decimal("0.01"), ROUND_HALF_UP)
        assert Decimal(invoice["total_amount"]) == total
        assert Decimal(invoice["net_amount"]) == net
        assert Decimal(invoice["net_amount"]) + Decimal(invoice["tax_amount"]) == total
        assert total == total.quantize(Decimal("0.01"))
        assert (total < 0) <= (invoice["status"] == 40)
        if not invoice["archived_at"] and not invoice["deleted_at"]:
            kept += total
    assert kept == summary.invoice_total
    assert any(row["is_monetary_discount"] for row in rows(account, "invoice_items"))
    assert any(row["tax_rate"] is None for row in rows(account, "invoice_items"))
    assert any(row["billable_item_id"] is None for row in rows(account, "invoice_items"))
    assert {type(row["quantity"]) for row in rows(account, "invoice_items")} == {int, str}


def test_invoices_in_the_stated_shares(account: ClinikoAccount, summary: Summary) -> None:
    invoices, traits = rows(account, "invoices"), summary.traits["invoices"]
    assert len(invoices) == 1600
    status = Counter(row["status"] for row in invoices)
    for name, code in (("open", 10), ("paid", 20), ("closed", 30), ("open_credit", 40)):
        assert near(status[code], INVOICE_SHARES[name], 1600), name
    assert near(sum(bool(row["archived_at"]) for row in invoices), INVOICE_SHARES["archived"], 1600)
    assert near(sum(bool(row["deleted_at"]) for row in invoices), INVOICE_SHARES["deleted"], 1600)
    alone = [row for row in invoices if row["appointment_id"] is None]
    assert near(len(alone), INVOICE_SHARES["no_appointment"], 1600)
    assert {row["practitioner_id"] is None for row in alone} == {True, False}
    assert len(traits["several"]) >= INVOICE_SHARES["several"] * 1600
    assert all(bool(row["closed_at"]) == (row["status"] in (20, 30)) for row in invoices)
    numbers = sorted(row["number"] for row in invoices)
    assert numbers == list(range(numbers[0], numbers[0] + 1600))
    a_year_ago = (NOW - timedelta(days=365)).date().isoformat()
    assert {row["issue_date"] < a_year_ago for row in invoices} == {True, False}
    seats = {(row["booking_id"], row["patient_id"]) for row in rows(account, "attendees")}
    assert all((row["appointment_id"], row["patient_id"]) in seats for row in invoices if row["appointment_id"])


def test_the_worked_example_of_an_item() -> None:
    made = priced("Initial consultation", Decimal(1), Decimal("100.0"), Decimal("10.0"), None, Decimal("20"))
    assert made["discount_percentage"] == "18.1818"
    assert made["net_price"] == "81.818"
    assert made["total_including_tax"] == "90.0"
    assert made["discounted_amount"] == "20.0"
    assert made["tax_amount"] == "10.0", "the rate, as Cliniko prints it"
    assert [text(Decimal(value)) for value in ("0", "100", "1E+3", "2367.180")] == ["0.0", "100.0", "1000.0", "2367.18"]
