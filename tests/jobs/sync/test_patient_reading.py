"""Reading Cliniko without holes: its order, equal times, edits during a walk, and what moves no time stamp."""

import pytest

from jobs.sync import engine
from tests.support.people import add_patient, edit, later, states
from webapp.sandbox.cliniko import actions
from webapp.store import streams

TIE = "2026-01-01T00:00:00Z"


@pytest.fixture(params=[True, False], ids=["by id", "by pages"])
def order(clinic, request) -> bool:
    """Whether Cliniko keeps to `sort=id`. If not, pages are followed and read twice."""
    clinic.account.switches.honours_id_sort = request.param
    return request.param


def shuffled(clinic, number: int) -> list[str]:
    """Patients whose ids are not in the order of their creation."""
    ids = [str(1000 + (n * 37) % number) for n in range(number)]
    for place, one in enumerate(ids):
        created = f"2026-01-01T00:{place // 60:02}:{place % 60:02}Z"
        add_patient(clinic, "Ana", f"No {one}", id=one, created_at=created, updated_at=created)
    return ids


def begin(clinic, executions: int) -> None:
    streams.request_run(clinic.hub_id, ["patients"])
    for _ in range(executions):
        assert engine.run_execution(clinic.hub_id, "patients").outcome == "more"


@pytest.mark.usefixtures("order")
def test_everybody_is_read(clinic):
    ids = shuffled(clinic, 230)
    assert clinic.cycle("patients")["patients"].outcome == "done"
    assert states(clinic) == dict.fromkeys(ids, "linked")
    assert len(clinic.contacts()) == 230


@pytest.mark.usefixtures("order")
def test_equal_times_over_several_pages(clinic):
    ids = [add_patient(clinic, "Ana", f"No {n}", created_at=TIE, updated_at=TIE) for n in range(210)]
    clinic.cycle("patients")
    for one in ids:
        edit(clinic, one, city="Perth", updated_at=clinic.account.stamp()[:17] + "00Z")
    clinic.cycle("patients")
    assert [contact["city"] for contact in clinic.contacts().values()] == ["Perth"] * 210


def test_edits_during_a_walk(clinic, order):
    """A record that changes behind the walk is written by the next one, one before it by this one; nobody falls out."""
    ids = sorted(shuffled(clinic, 210), key=int)
    begin(clinic, 7 if not order else 5)  # known, referrals, and the first page of changes
    edit(clinic, ids[5], city="Perth")
    edit(clinic, ids[150], city="Hobart")
    added = add_patient(clinic, "New", "Patient")
    actions.archive(clinic.account, "patients", ids[205])
    assert clinic.until_done("patients").outcome == "done"
    assert set(states(clinic)) == {*ids, added}
    clinic.cycle("patients")
    assert clinic.contact_of(ids[5])["city"] == "Perth"
    assert clinic.contact_of(ids[150])["city"] == "Hobart"
    assert clinic.contact_of(added)["firstname"] == "New"
    late = clinic.contact_of(ids[205])
    assert late is None or late["cliniko_patient_status"] == "Archived"
    assert len(clinic.contacts()) == 211 - (late is None)


def test_a_request_during_a_cycle_is_answered_by_another_one(clinic):
    ids = shuffled(clinic, 110)
    begin(clinic, 5)
    streams.request_run(clinic.hub_id, ["patients"])
    edit(clinic, ids[0], city="Perth")
    assert clinic.until_done("patients").outcome == "done"
    state = streams.get_stream(clinic.hub_id, "patients")
    assert (state.state, state.cycle_no, state.next_run_at <= state.last_success_at) == ("idle", 1, True)


@pytest.mark.parametrize("moves", [True, False], ids=["archiving moves the time", "archiving moves no time"])
def test_archiving_is_seen_by_its_own_column(clinic, moves, time_machine):
    clinic.account.switches.touch_on_archive = moves
    ana, ben = add_patient(clinic, "Ana"), add_patient(clinic, "Ben")
    clinic.cycle("patients")
    later(time_machine, hours=1)
    clinic.cycle("patients")
    actions.archive(clinic.account, "patients", ana)
    clinic.cycle("patients")
    assert clinic.contact_of(ana)["cliniko_patient_status"] == "Archived"
    assert clinic.contact_of(ben)["cliniko_patient_status"] == "Active"
    clinic.clear_calls()
    clinic.cycle("patients")
    assert not clinic.hubspot_writes()


def test_a_list_that_is_empty_means_nothing(clinic):
    ids = shuffled(clinic, 5)
    clinic.cycle("patients")
    rows = [dict(clinic.account.get("patients", one)) for one in ids]
    for one in ids:
        clinic.account.remove("patients", one)
    clinic.clear_calls()
    assert clinic.cycle("patients")["patients"].outcome == "done"
    assert (states(clinic), len(clinic.contacts())) == (dict.fromkeys(ids, "linked"), 5)
    for row in rows:
        clinic.account.put("patients", row)
    clinic.cycle("patients")
    assert not clinic.hubspot_writes()
