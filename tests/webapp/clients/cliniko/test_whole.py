"""The Cliniko client against the simulated Cliniko: keys and roles, walks, writes, faults, limits."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.webapp.clients.conftest import SHORT
from webapp.clients.cliniko import filters, resources
from webapp.clients.cliniko.client import ClinikoClient
from webapp.clients.errors import Forbidden, NeedsReconnect, NotFound, Rejected, Unavailable
from webapp.clock import now
from webapp.sandbox.cliniko import ClinikoAccount, ClinikoSandbox
from webapp.sandbox.serving import sandbox_server
from webapp.sandbox.support import Fault


@pytest.fixture
def service(clock) -> ClinikoSandbox:
    return ClinikoSandbox()


@pytest.fixture
def url(service: ClinikoSandbox) -> Iterator[str]:
    server = sandbox_server(service.app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def clinic(service: ClinikoSandbox) -> ClinikoAccount:
    made = service.add_account(shard="au2")
    for number, role in (("11", "administrator"), ("12", "scheduler"), ("13", "bookkeeper")):
        made.put("users", {"id": number, "first_name": "Ann", "role": role, "email": f"{role}@c.example"})
    return made


@pytest.fixture
def make(service, clinic, url, make_cliniko, make_budget):
    def make(user: str = "11", per_minute: int = 150, **options) -> ClinikoClient:
        budget = make_budget(f"whole:{user}", limit=per_minute, service="cliniko", max_wait=options.pop("max_wait", 90))
        return make_cliniko(service.add_key(clinic, user), url=url, budget=budget, timeout=SHORT, **options)

    return make


def people(clinic: ClinikoAccount, count: int, **values) -> list[str]:
    rows = [{"first_name": f"P{n}", "last_name": "Ruiz", **values} for n in range(count)]
    return [str(clinic.put("patients", row)["id"]) for row in rows]


def walk(client: ClinikoClient, *conditions: str, per_page: int = 100) -> list[str]:
    """Every id, page by page, each page after the last id of the one before."""
    ids: list[str] = []
    while True:
        q = [*conditions, *([filters.after_id(ids[-1])] if ids else [])]
        page = resources.list_patients(client, q=q, per_page=per_page)
        assert page.bad == []
        ids += [patient.id for patient in page.records]
        if page.next_page is None:
            return ids


def test_whose_key_it_is(make, clinic):
    client = make()
    user, account = resources.get_user(client), resources.get_account(client)
    assert (user.id, user.role) == ("11", "administrator")
    assert (account.id, account.name, account.country_code) == (clinic.id, clinic.name, "AU")


def test_an_old_key_without_a_suffix_works_too(service, clinic, url, make_cliniko):
    assert resources.get_user(make_cliniko(service.add_key(clinic, "11", shard=""), url=url)).id == "11"


def test_what_a_role_may_not_read_is_found_by_name(make, clinic):
    assert set(resources.probe_lists(make()).values()) == {"ok"}
    scheduler = resources.probe_lists(make("12"))
    assert {"users", "invoices"} <= {name for name, access in scheduler.items() if access == "forbidden"}
    assert scheduler["patients"] == "ok"
    clinic.forbidden.add("contacts")
    assert resources.probe_lists(make())["contacts"] == "forbidden"
    with pytest.raises(Forbidden):
        resources.list_users(make("12"))


def test_a_revoked_key_is_noticed_at_once(service, clinic, url, make_cliniko):
    key = service.add_key(clinic, "11")
    client = make_cliniko(key, url=url)
    resources.get_user(client)
    service.revoke_key(key)
    with pytest.raises(NeedsReconnect):
        resources.list_patients(client)


def test_a_walk_reads_everyone_once_in_order(make, clinic, service):
    ids = people(clinic, 250)
    assert walk(make()) == sorted(ids, key=int)
    assert service.calls.count("GET", "/v1/patients$") == 3


def test_small_old_ids_come_before_long_new_ones(make, clinic):
    people(clinic, 3)
    for number in ("9", "10", "100"):
        clinic.put("patients", {"id": number, "first_name": "Old", "last_name": "Ruiz"})
    assert walk(make(), per_page=2)[:3] == ["9", "10", "100"]


def test_the_archived_show_when_asked_for(make, clinic):
    shown, hidden = people(clinic, 2)
    clinic.edit("patients", hidden, archived_at=clinic.stamp())
    client = make()
    assert walk(client) == [shown]
    assert walk(client, filters.reveal("archived_at")) == [shown, hidden]
    assert walk(client, filters.since("archived_at", now() - timedelta(minutes=5))) == [hidden]
    assert resources.get_patient(client, hidden).archived_at is not None
    with pytest.raises(NotFound):
        resources.get_patient(client, "404")


def test_filters_find_who_they_say(make, clinic):
    people(clinic, 3)
    ana = clinic.put("patients", {"first_name": "Ana", "last_name": "O'Neil Ng", "email": "ana+x&y@x.example"})["id"]
    client = make()
    assert walk(client, filters.equals("email", "ana+x&y@x.example")) == [ana]
    assert walk(client, filters.equals("last_name", "O'Neil Ng")) == [ana]
    assert walk(client, filters.id_in([ana, "404"])) == [ana]
    assert walk(client, filters.since("updated_at", now() + timedelta(hours=1))) == []
    with pytest.raises(Rejected) as raised:
        walk(client, filters.equals("shoe_size", "42"))
    assert raised.value.status == 400


def test_writing_patients_and_contacts(make, clinic):
    client = make()
    phones = [{"phone_type": "Mobile", "number": "0400 000 000"}, {"phone_type": "Home", "number": "03 9000 0000"}]
    made = resources.create_patient(
        client,
        {"first_name": "Ana", "last_name": "Ruiz", "date_of_birth": "1990-05-01", "patient_phone_numbers": phones},
    )
    assert [phone.phone_type for phone in made.patient_phone_numbers] == ["Mobile", "Home"]
    changed = resources.update_patient(client, made.id, {"first_name": "Anna"})
    assert (changed.first_name, changed.last_name, changed.date_of_birth) == ("Anna", "Ruiz", made.date_of_birth)
    doctor = resources.create_contact(client, {"first_name": "Doc", "last_name": "Lee"})
    assert resources.update_contact(client, doctor.id, {"email": "doc@x.example"}).email == "doc@x.example"
    assert resources.get_contact(client, doctor.id).email == "doc@x.example"
    with pytest.raises(Rejected) as raised:
        resources.create_patient(client, {"first_name": "", "email": "no address"})
    assert {"last_name", "email"} <= {error.field for error in raised.value.errors}
    assert "no address" not in str(raised.value)


@pytest.mark.parametrize("kind", ["status", "reset", "truncate"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_create_whose_answer_was_lost_is_never_doubled(make, clinic, service, kind, when):
    service.faults.add(Fault("POST /v1/patients", times=3, status=502, kind=kind, when=when))
    with pytest.raises(Unavailable) as raised:
        resources.create_patient(make(), {"first_name": "Ana", "last_name": "Ruiz"})
    assert raised.value.maybe_applied is True
    assert service.calls.count("POST") == 1
    took_effect = when == "after" or kind == "truncate"
    assert len(clinic.tables["patients"]) == took_effect


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_change_that_timed_out_is_not_sent_again(make, clinic, service, when):
    (patient,) = people(clinic, 1)
    service.faults.add(Fault("PATCH /v1/patients", times=3, when=when, delay=1.5, status=504))
    with pytest.raises(Unavailable) as raised:
        resources.update_patient(make(), patient, {"first_name": "New"})
    assert (raised.value.category, raised.value.maybe_applied) == ("ReadTimeout", True)
    assert clinic.get("patients", patient)["first_name"] == ("New" if when == "after" else "P0")


@pytest.mark.parametrize("kind", ["status", "reset", "truncate"])
def test_a_walk_survives_faults(make, clinic, service, kind):
    ids = people(clinic, 120)
    service.faults.add(Fault("GET /v1/patients", times=3, status=503, kind=kind))
    assert walk(make()) == ids


def test_our_pace_keeps_us_below_the_limit(make, clinic, service, sleeper):
    client = make(per_minute=150)
    for _ in range(320):
        resources.get_user(client)
    assert {call.status for call in service.calls.items} == {200}
    assert 100 < sum(sleeper.waits) < 130


def test_above_the_limit_we_wait_until_it_resets(make, service, sleeper):
    client = make(per_minute=1000)
    for _ in range(205):
        resources.get_user(client)
    statuses = [call.status for call in service.calls.items]
    assert statuses.count(429) == 1 and statuses.count(200) == 205
    assert 0 < sum(sleeper.waits) <= 61
