"""When a service fails, refuses the key or the app, or is slow: the stream waits or stops, and nothing is lost."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from jobs.sync import engine
from tests.support.people import add_lead, add_patient, edit, keys, later, links, states
from webapp.clients.cliniko.client import ClinikoClient
from webapp.clients.hubspot.client import HubSpotClient
from webapp.clients.hubspot.oauth import SCOPES
from webapp.clock import now
from webapp.sandbox.support import Fault
from webapp.store import accounts, connections, streams

SLOW = 0.6
FAULTS = {
    "500": Fault("", status=500),
    "html 502": Fault("", status=502, body="<html>Bad Gateway</html>", headers={"Content-Type": "text/html"}),
    "503 after the effect": Fault("", status=503, when="after"),
    "reset": Fault("", kind="reset"),
    "reset after the effect": Fault("", kind="reset", when="after"),
    "half an answer": Fault("", kind="truncate"),
    "time-out before the effect": Fault("", status=504, delay=SLOW),
    "time-out after the effect": Fault("", status=504, when="after", delay=SLOW),
}
CALLS = ("GET /v1/patients", "POST .*/batch/read", "POST .*/batch/update", "POST .*/batch/upsert")


@pytest.fixture
def impatient(monkeypatch):
    """Clients that give up soon, and repeat without a pause."""
    for client in (ClinikoClient, HubSpotClient):
        defaults = {**client.__init__.__kwdefaults__, "timeout": httpx.Timeout(SLOW / 2), "sleep": lambda seconds: None}
        monkeypatch.setattr(client.__init__, "__kwdefaults__", defaults)


def spoil(clinic, fault: Fault, *calls: str, times: int = 1) -> None:
    for call in calls:
        service = clinic.cliniko if "/v1/" in call else clinic.hubspot
        service.faults.add(replace(fault, match=call, times=times))


def household(clinic) -> list[str]:
    """Patients that are linked, created, and created without the shared address."""
    add_lead(clinic, email="p0@example.com", firstname="Ana", lastname="Ruiz 0")
    return [add_patient(clinic, "Ana", f"Ruiz {n}", f"p{min(n, 3)}@example.com") for n in range(5)]


def all_well(clinic, ids: list[str]) -> None:
    assert states(clinic) == dict.fromkeys(ids, "linked")
    assert keys(clinic) == {f"{clinic.account.id}:{one}": 1 for one in ids}
    before = clinic.contacts()
    assert len(before) == len(ids)
    assert clinic.cycle("patients")["patients"].outcome == "done"
    assert clinic.contacts() == before, "running again writes nothing, not even the time of a write"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_call_that_fails_is_repeated(clinic, fault):
    ids = household(clinic)
    spoil(clinic, fault, *CALLS)
    assert clinic.cycle("patients")["patients"].outcome == "done"
    all_well(clinic, ids)
    edit(clinic, ids[1], city="Perth")
    spoil(clinic, fault, "POST .*/batch/update")
    clinic.cycle("patients")
    assert clinic.contact_of(ids[1])["city"] == "Perth"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_service_that_keeps_failing_is_left_alone_for_a_while(clinic, fault):
    ids = household(clinic)
    spoil(clinic, fault, "POST .*/batch/upsert", times=4)
    result = clinic.cycle("patients")["patients"]
    assert (result.outcome, result.cause) == ("waiting", "unavailable")
    assert now() < result.until < now() + timedelta(minutes=1)
    state = streams.get_stream(clinic.hub_id, "patients")
    assert (state.state, state.cause, state.failures) == ("waiting", "unavailable", 1)
    assert clinic.until_done("patients").outcome == "done"
    all_well(clinic, ids)
    assert streams.get_stream(clinic.hub_id, "patients").failures == 0


@pytest.mark.parametrize("call", ["GET /v1/patients", "POST .*/batch/upsert"])
def test_a_limit_is_waited_for(clinic, time_machine, call):
    ids = household(clinic)
    reset = int((now() + timedelta(seconds=60)).timestamp())
    spoil(clinic, Fault("", status=429, headers={"X-RateLimit-Reset": str(reset), "Retry-After": "60"}), call)
    result = clinic.cycle("patients")["patients"]
    assert (result.outcome, result.cause) == ("waiting", "rate_limited")
    assert abs((result.until - now()).total_seconds() - 60) < 5
    # Whoever tries again before that is held back on our side.
    service = clinic.cliniko if "/v1/" in call else clinic.hubspot
    before = len(service.calls.items)
    assert clinic.until_done("patients").outcome == "waiting"
    assert len([c for c in service.calls.items[before:] if "/oauth/" not in c.path]) == 0
    later(time_machine, seconds=61)
    assert clinic.until_done("patients").outcome == "done"
    all_well(clinic, ids)


def test_a_short_limit_is_waited_for_in_place(clinic):
    ids = household(clinic)
    spoil(clinic, Fault("", status=429, headers={"Retry-After": "1"}), "POST .*/batch/upsert")
    assert clinic.cycle("patients")["patients"].outcome == "done"
    all_well(clinic, ids)


def test_a_key_that_is_revoked_stops_the_stream_until_there_is_a_new_one(clinic):
    ids = household(clinic)
    clinic.cycle("patients")
    clinic.cliniko.revoke_key(clinic.key)
    result = clinic.cycle("patients")["patients"]
    assert (result.outcome, result.cause) == ("stopped", "key_revoked")
    assert connections.find_connection(clinic.hub_id).status == "key_revoked"
    assert {s.stream: (s.state, s.cause) for s in streams.stream_states(clinic.hub_id)} == {
        "patients": ("stopped", "key_revoked")
    }
    clinic.clear_calls()
    assert clinic.until_done("patients").cause == "key_revoked"
    assert not clinic.cliniko_calls()
    clinic.key = clinic.cliniko.add_key(clinic.account, clinic.account.keys.get(clinic.key) or owner(clinic))
    clinic.connect(provision=False)
    assert streams.get_stream(clinic.hub_id, "patients").state == "idle"
    all_well(clinic, ids)


def owner(clinic) -> str:
    return next(row["id"] for row in clinic.account.tables["users"].values())


def test_a_portal_that_was_uninstalled_stops_at_once_and_goes_on_after_the_reinstall(clinic):
    ids = household(clinic)
    clinic.cycle("patients")
    clinic.portal.uninstall()
    edit(clinic, ids[2], city="Perth")
    result = clinic.cycle("patients")["patients"]
    assert (result.outcome, result.cause) == ("stopped", "uninstalled")
    account = accounts.get_account(clinic.hub_id)
    assert (account.status, account.access_token, account.refresh_token) == ("uninstalled", None, None)
    assert states(clinic) == dict.fromkeys(ids, "linked")
    clinic.connect(provision=False)
    assert clinic.cycle("patients")["patients"].outcome == "done"
    assert clinic.contact_of(ids[2])["city"] == "Perth"
    all_well(clinic, ids)


@pytest.mark.parametrize("how", ["refused", "expired"])
def test_a_token_that_ends_in_the_middle_is_renewed_once(clinic, time_machine, how):
    ids = household(clinic)
    streams.request_run(clinic.hub_id, ["patients"])
    for _ in range(2):
        assert engine.run_execution(clinic.hub_id, "patients").outcome == "more"
    if how == "refused":
        clinic.hubspot.tokens.access.clear()
    else:
        later(time_machine, minutes=31)
    clinic.clear_calls()
    assert clinic.until_done("patients").outcome == "done"
    assert len(clinic.hubspot_calls("/oauth/")) == 1
    assert [c.status for c in clinic.hubspot_calls("/crm/objects")].count(401) == (1 if how == "refused" else 0)
    all_well(clinic, ids)


def test_a_list_that_the_key_may_not_read(clinic):
    ids = household(clinic)
    clinic.account.forbidden |= {"referral_sources", "referral_source_types", "concession_types"}
    assert clinic.cycle("patients")["patients"].outcome == "done"
    assert connections.find_connection(clinic.hub_id).access["referral_sources"] == "forbidden"
    all_well(clinic, ids)
    clinic.account.forbidden.add("patients")
    result = clinic.cycle("patients")["patients"]
    assert (result.outcome, result.cause) == ("stopped", "list_forbidden")
    assert set(states(clinic).values()) == {"linked"}
    clinic.account.forbidden.clear()
    clinic.connect(provision=False)
    all_well(clinic, ids)


def test_a_scope_that_is_missing(clinic):
    household(clinic)
    install = next(iter(clinic.portal.installs.values()))
    install.scopes = tuple(scope for scope in SCOPES if scope != "crm.objects.contacts.write")
    result = clinic.cycle("patients")["patients"]
    assert (result.outcome, result.cause) == ("stopped", "missing_scopes")
    assert len(links(clinic)) == len([1 for state in states(clinic).values() if state == "reserved"])
