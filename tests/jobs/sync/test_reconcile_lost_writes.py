"""HubSpot takes writes and forgets some: after a reconcile it holds what it holds where nothing was forgotten."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.support.clinic import Clinic, Clinics
from tests.support.forgetful import ForgetfulHubSpot
from tests.support.proving import both_sides, differences, prove
from webapp.clients.hubspot.oauth import SCOPES
from webapp.sandbox.cliniko import actions
from webapp.sandbox.cliniko.clinic import make_clinic


@pytest.fixture
def hubspot() -> Iterator[ForgetfulHubSpot]:
    sandbox = ForgetfulHubSpot(limits_on=False)
    sandbox.register_app("client-id", "client-secret", 4242, ["http://localhost:5000/oauth/callback"], SCOPES)
    yield sandbox
    sandbox.close()


@pytest.fixture
def clinic(clinics: Clinics) -> Clinic:
    clinic = clinics.make()
    make_clinic(clinic.account, seed=3, patients=80, appointments=200, invoices=80, now=datetime.now(UTC))
    return clinic


def cycles(clinic: Clinic, number: int) -> None:
    for _ in range(number):
        for name, result in clinic.cycle().items():
            assert result.outcome == "done", (name, result)


def twin_of(clinic: Clinic) -> Clinic:
    """The same Cliniko account in another HubSpot account, where nothing is forgotten."""
    portal = clinic.hubspot.add_portal(tier="enterprise")
    twin = Clinic(clinic.cliniko, clinic.hubspot, clinic.account, portal, clinic.key)
    twin.connect()
    return twin


def a_busy_day(clinic: Clinic, chance: random.Random) -> None:
    """Staff change a good part of everything, and clear some of it."""
    account = clinic.account
    for number in chance.sample(sorted(account.tables["patients"]), 40):
        values = {"occupation": chance.choice(["Baker", "", None]), "city": chance.choice(["Perth", ""])}
        account.edit("patients", number, **values, first_name=chance.choice(["Kim", "Lou", "Max"]))
    booked = [n for n, row in account.tables["individual_appointments"].items() if not row.get("archived_at")]
    for number in chance.sample(booked, 50):
        if account.tables["individual_appointments"][number].get("cancelled_at"):
            actions.uncancel(account, "individual_appointments", str(number))
        else:
            actions.cancel(account, "individual_appointments", str(number), chance.choice([10, 40, 60]))
    for number in chance.sample(sorted(account.tables["invoices"]), 30):
        actions.set_invoice(account, str(number), chance.choice([10, 20, 30, 40]))


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_from_the_first_sync_on(clinic, hubspot, share):
    hubspot.share = share
    cycles(clinic, 3)
    hubspot.share = 0
    assert hubspot.forgot > 0
    report = prove(clinic)
    twin = twin_of(clinic)
    cycles(twin, 3)
    assert differences(both_sides(clinic), both_sides(twin)) == {}
    assert report["agree"] and sum(report["found"].values()) >= 0.8 * hubspot.forgot
    clinic.clear_calls()
    assert prove(clinic)["found"] == {} and clinic.hubspot_writes() == []


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_of_a_busy_day(clinic, hubspot, share):
    twin = twin_of(clinic)
    cycles(clinic, 3)
    cycles(twin, 3)
    assert prove(clinic)["found"] == {}
    a_busy_day(clinic, random.Random(share))
    hubspot.share = share
    cycles(clinic, 2)
    hubspot.share = 0
    assert hubspot.forgot > 0
    cycles(twin, 2)
    assert differences(both_sides(clinic), both_sides(twin)) != {}
    report = prove(clinic)
    assert differences(both_sides(clinic), both_sides(twin)) == {}
    assert report["agree"] and report["found"].keys() <= {"lost_values", "stage", "association", "lost_record"}
