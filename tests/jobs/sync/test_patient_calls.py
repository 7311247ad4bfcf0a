"""How many calls the patients stream makes, counted at the simulated services and printed (`-s` shows the table)."""

from datetime import UTC, datetime

import pytest

from jobs.mapping.emails import hubspot_email
from tests.support.clinic import Clinic
from tests.support.people import add_lead, add_patient, edit, later, links
from webapp.sandbox.cliniko.clinic import make_clinic

PEOPLE = 250


def counted(clinic: Clinic, what: str) -> tuple[int, int, int]:
    """(calls to Cliniko, calls to HubSpot's records, writes among these) of one cycle; printed."""
    clinic.clear_calls()
    result = clinic.cycle("patients")["patients"]
    assert result.outcome == "done"
    searches = len(clinic.hubspot_calls("/search"))
    found = (
        len(clinic.cliniko_calls("/v1/")),
        len(clinic.hubspot_calls("/crm/objects")) - searches,
        len(clinic.hubspot_writes()),
    )
    print(f"\n{what:<44} Cliniko {found[0]:>3}   HubSpot {found[1]:>3}, of these writes {found[2]:>3}", end="")
    assert searches <= 1, "one search for switches in a cycle, none for people"
    return found


def pages(number: int) -> int:
    return -(-number // 100)


@pytest.fixture
def full(clinic: Clinic) -> Clinic:
    """A clinic with families, archived and merged patients, of whom HubSpot knows some."""
    make_clinic(clinic.account, patients=PEOPLE, appointments=0, invoices=0, now=datetime.now(UTC))
    rows = [row for row in clinic.account.tables["patients"].values() if row["email"]]
    seen: set[str] = set()
    for row in rows[: PEOPLE // 2]:
        if (address := hubspot_email(row["email"])) and address not in seen:
            add_lead(clinic, email=address, firstname=row["first_name"], lastname=row["last_name"])
            seen.add(address)
    return clinic


def test_calls_of_a_first_sync_of_a_second_one_and_of_edits(full):
    sources = len(full.account.tables["referral_sources"])
    cliniko, hubspot, writes = counted(full, f"{PEOPLE} patients, seen for the first time")
    # Patients are read twice (known, then matched); reference lists once.
    assert cliniko <= 2 * pages(PEOPLE) + pages(sources) + 2
    assert hubspot <= 5 * pages(PEOPLE)
    assert writes <= 2 * pages(PEOPLE)
    assert counted(full, "the same again")[1:] == (0, 0)

    linked = [row for row in links(full).values() if row.state == "linked"]
    for link in linked[:100]:
        edit(full, link.cliniko_id, city="Perth", occupation="Baker")
    assert counted(full, "100 of them edited")[1:] == (1, 1)
    assert {full.contacts()[link.hubspot_id]["city"] for link in linked[:100]} == {"Perth"}


def test_calls_of_an_idle_cycle(clinic, time_machine):
    for number in range(20):
        add_patient(clinic, "Ana", f"No {number}")
    clinic.cycle("patients")
    later(time_machine, hours=1)
    clinic.cycle("patients")
    assert counted(clinic, "an idle cycle") == (3, 0, 0)  # patients by two time columns, and referral sources
    for number in range(20, 120):
        add_patient(clinic, "Ana", f"No {number}")
    cliniko, hubspot, writes = counted(clinic, "100 new patients without an address")
    assert (cliniko, hubspot, writes) == (3, 2, 1)


def test_one_page_and_one_write_for_a_hundred_edits(clinic, time_machine):
    ids = [add_patient(clinic, "Ana", f"No {number}", f"p{number}@example.com") for number in range(130)]
    clinic.cycle("patients")
    later(time_machine, hours=1)
    clinic.cycle("patients")
    for one in ids[:100]:
        edit(clinic, one, city="Perth")
    assert counted(clinic, "100 edited, an hour later") == (3, 1, 1)


@pytest.mark.timeout(300)
def test_5000_patients_in_steady_state(clinic):
    for number in range(5000):
        add_patient(clinic, "Ana", f"No {number}", f"p{number}@example.com")
    counted(clinic, "5,000 patients, seen for the first time")
    assert len(clinic.contacts()) == 5000
    # A setting has everything read once more; nobody has a preferred name.
    clinic.set("use_preferred_first_name", "on")
    assert counted(clinic, "5,000 patients, read once more") == (52, 0, 0)
