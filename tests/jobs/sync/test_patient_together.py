"""Several executions of one account at once, on both engines: one of them works, and nobody is made twice."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import current_app

from jobs.sync import engine
from tests.support.clinic import Clinic
from tests.support.people import add_patient, add_third_party, edit, keys, links, states
from webapp.extensions import db
from webapp.sandbox.support import Fault
from webapp.store import leases, streams

pytestmark = pytest.mark.usefixtures("engine")


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run these in threads of their own, each like a process: with its own context and session. Raises what they do."""
    app = current_app._get_current_object()
    start = threading.Barrier(len(jobs))
    # This test's own session must not stand in their way.
    db.session.remove()

    def work(job: Callable[[], Any]) -> Any:
        with app.app_context():
            start.wait(timeout=30)
            return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result(timeout=100) for future in [pool.submit(work, job) for job in jobs]]


def run(clinic: Clinic, stream: str) -> Callable[[], list[str]]:
    """Executions of one stream until it is done, as a worker makes them; a busy one is tried again."""

    def until_done() -> list[str]:
        outcomes: list[str] = []
        while not outcomes or outcomes[-1] in ("more", "busy"):
            outcomes.append(engine.run_execution(clinic.hub_id, stream).outcome)
            if outcomes[-1] == "busy":
                threading.Event().wait(0.02)
        return outcomes

    return until_done


def crowd(clinic: Clinic, number: int) -> list[str]:
    return [add_patient(clinic, "Ana", f"No {n}", f"p{n // 2}@example.com") for n in range(number)]


def test_one_stream_twice(clinic):
    ids = crowd(clinic, 120)
    streams.request_run(clinic.hub_id, ["patients"])
    for outcomes in at_once(run(clinic, "patients"), run(clinic, "patients")):
        assert set(outcomes) <= {"more", "busy", "done"}
    assert states(clinic) == dict.fromkeys(ids, "linked")
    assert keys(clinic) == {f"{clinic.account.id}:{one}": 1 for one in ids}
    assert len(clinic.contacts()) == len(ids)
    clinic.clear_calls()
    clinic.cycle("patients")
    assert not clinic.hubspot_writes()


def test_patients_and_contacts_at_the_same_time(clinic):
    people = [("Ana", f"No {n}", f"p{n}@example.com") for n in range(60)]
    patients = [add_patient(clinic, *person) for person in people]
    clinic.cycle("patients")
    third = [add_third_party(clinic, *person) for person in people]
    for one in patients:
        edit(clinic, one, city="Perth")
    more = crowd(clinic, 60)
    streams.request_run(clinic.hub_id, ["patients", "contacts"])
    at_once(run(clinic, "patients"), run(clinic, "contacts"))
    assert set(states(clinic).values()) == set(states(clinic, "contact").values()) == {"linked"}
    # Whoever is both is one contact that carries both keys.
    ledger, others = links(clinic), links(clinic, "contact")
    assert [ledger[one].hubspot_id for one in patients] == [others[one].hubspot_id for one in third]
    assert len(clinic.contacts()) == len(patients) + len(more)
    assert set(keys(clinic).values()) == set(keys(clinic, "cliniko_contact_key").values()) == {1}


def test_who_lost_the_lease_writes_nothing_any_more(clinic):
    """An execution hangs at HubSpot, another one takes over and finishes; then the first one wakes up."""
    ids = crowd(clinic, 4)
    streams.request_run(clinic.hub_id, ["patients"])
    clinic.hubspot.faults.add(Fault("POST .*/batch/upsert", kind="slow", when="after", delay=1.5))
    arrived = threading.Event()

    def first() -> str:
        outcome = "more"
        while outcome == "more":
            arrived.set()
            outcome = engine.run_execution(clinic.hub_id, "patients").outcome
        return outcome

    def second() -> str:
        arrived.wait(30)
        # Until the slow write has had its effect, and is not answered yet.
        while not len(clinic.portal.contacts):
            threading.Event().wait(0.02)
        leases.break_all(clinic.hub_id)
        db.session.commit()
        return run(clinic, "patients")()[-1]

    assert at_once(first, second) == ["busy", "done"]
    assert states(clinic) == dict.fromkeys(ids, "linked")
    assert keys(clinic) == {f"{clinic.account.id}:{one}": 1 for one in ids}
    assert len(clinic.contacts()) == len(ids)
