"""Our own client against the simulated Cliniko: reading, walking, writing, each refusal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from webapp.clients.budget import Budget
from webapp.clients.cliniko import filters, resources
from webapp.clients.cliniko.client import ClinikoClient
from webapp.clients.errors import Forbidden, NeedsReconnect, NotFound, Rejected, Throttled, Unavailable
from webapp.sandbox.cliniko import ClinikoAccount, ClinikoSandbox, actions
from webapp.sandbox.support import Fault


@pytest.fixture
def client(cliniko: ClinikoSandbox, full: ClinikoAccount, base: str, valkey: redis.Redis) -> Iterator[ClinikoClient]:
    budget = Budget(valkey, "cliniko-sandbox-test", 1000, 60, 1.0, service="cliniko")
    key = cliniko.add_key(full, "11")
    with ClinikoClient(
        key, base_url=f"{base}/v1", contact_email="team@crmconnect.example", budget=budget, sleep=lambda seconds: None
    ) as made:
        yield made


def test_our_client_reads_every_list(cliniko: ClinikoSandbox, full: ClinikoAccount, client: ClinikoClient) -> None:
    assert set(resources.probe_lists(client).values()) == {"ok"}
    patient = resources.list_patients(client).records[0]
    assert (patient.first_name, patient.concession_type_id) == (
        "Ana",
        next(iter(full.tables["concession_types"].values()))["id"],
    )
    source = resources.list_referral_sources(client).records[0]
    assert (source.patient_id, source.referrer_kind) == (patient.id, "contacts")
    assert resources.list_practitioners(client).records[0].user_id == "11"
    assert resources.get_user(client).role == "administrator"
    assert resources.get_account(client).id == full.id
    cliniko.clock.advance(3600)
    page = resources.list_patients(client, q=[filters.since("updated_at", cliniko.clock.now())])
    assert page.records == []
    assert page.server_time == cliniko.clock.now(), "the server's clock starts a run"


def test_our_client_walks_by_id_and_by_page(full: ClinikoAccount, client: ClinikoClient) -> None:
    for number in range(7):
        full.put("patients", {"first_name": str(number), "last_name": "X"})
    last, walked = "0", []
    while page := resources.list_patients(client, q=[filters.after_id(last)], per_page=3).records:
        walked += [patient.id for patient in page]
        last = page[-1].id
    paged, number = [], 1
    while number:
        found = resources.list_patients(client, page=number, per_page=3)
        paged += [patient.id for patient in found.records]
        number = found.next_page or 0
    assert walked == paged == [str(n) for n in full.tables["patients"].ids()]


def test_our_client_finds_archived_and_writes(full: ClinikoAccount, client: ClinikoClient) -> None:
    made = resources.create_patient(client, {"first_name": "Bo", "last_name": "Lee"})
    actions.archive(full, "patients", made.id)
    assert resources.get_patient(client, made.id).archived_at is not None
    with pytest.raises(NotFound):
        resources.get_patient(client, "9")
    with pytest.raises(NotFound):
        resources.update_patient(client, made.id, {"city": "X"})
    with pytest.raises(Rejected) as refused:
        resources.create_patient(client, {"first_name": "Bo", "last_name": "", "email": "no"})
    assert {problem.field for problem in refused.value.errors} == {"last_name", "email"}
    contact = resources.create_contact(client, {"last_name": "Who", "country_code": "NZ"})
    assert resources.update_contact(client, contact.id, {"type_code": 1}).type == "Doctor"


def test_our_client_understands_each_refusal(
    cliniko: ClinikoSandbox, full: ClinikoAccount, client: ClinikoClient
) -> None:
    full.forbidden.add("users")
    assert resources.probe_lists(client)["users"] == "forbidden"
    with pytest.raises(Forbidden):
        resources.list_users(client)
    cliniko.faults.add(Fault("GET /v1/patients", times=9, status=503))
    with pytest.raises(Unavailable):
        resources.list_patients(client)
    cliniko.faults.clear()
    cliniko.faults.add(Fault("POST /v1/patients", kind="reset", when="after"))
    with pytest.raises(Unavailable) as lost:
        resources.create_patient(client, {"first_name": "Once", "last_name": "Only"})
    assert lost.value.maybe_applied
    found = resources.list_patients(client, q=[filters.equals("first_name", "Once")])
    assert found.total == 1, "it had its effect although no answer came"
    cliniko.faults.add(Fault("GET /v1/patients", kind="truncate", times=9))
    with pytest.raises(Unavailable):
        resources.list_patients(client)
    cliniko.faults.clear()
    full.keys.clear()
    with pytest.raises(NeedsReconnect):
        resources.get_user(client)


def test_our_client_is_throttled(cliniko: ClinikoSandbox, client: ClinikoClient) -> None:
    cliniko.limits_on = True
    cliniko.limits.per_minute = 1
    resources.get_user(client)
    with pytest.raises(Throttled):
        resources.get_user(client)
