"""What people do to deals in HubSpot, and what the sync does with it: places, deletions, associations, two people."""

import pytest

from jobs.sync import hooks
from jobs.sync.contexts import running
from jobs.sync.provisioning_account import provision_account
from jobs.sync.provisioning_types import PipelineChoice, PipelineMode
from tests.jobs.sync.practice import DAY, Practice, text
from webapp.clock import now
from webapp.sandbox.cliniko import actions
from webapp.sandbox.hubspot.portal import make_stage
from webapp.sandbox.hubspot.support import Fault
from webapp.store import issues

MAPPED = {
    "cliniko_appt_booked": "planned",
    "cliniko_appt_arrived": "seen",
    "cliniko_appt_did_not_arrive": "lost",
    "cliniko_appt_cancelled": "lost",
}


@pytest.fixture
def practice(clinic) -> Practice:
    return Practice(clinic)


def own_pipeline(practice: Practice, pipeline: str, *stages: str) -> None:
    """A deal pipeline that the customer made."""
    at = "2026-01-01T00:00:00.000Z"
    made = {s: make_stage(s, s.title(), place, "0.5", at) for place, s in enumerate(stages)}
    shell = {"id": pipeline, "label": pipeline.title(), "displayOrder": 5, "archived": False}
    practice.portal.pipelines[pipeline] = {**shell, "createdAt": at, "updatedAt": at, "stages": made}


def place(practice: Practice, visit: str) -> tuple[str, str]:
    deal = practice.deal(visit)
    assert deal is not None
    return deal["pipeline"], deal["dealstage"]


def test_a_deal_that_a_person_moved_to_another_pipeline_stays_there(practice):
    own_pipeline(practice, "sales", "lead", "won")
    ana = practice.patient("Ana")
    visit, other = practice.appointment(ana, now() + DAY), practice.appointment(ana, now() + DAY)
    practice.sync()
    deal = practice.deal(visit)
    assert deal is not None
    practice.portal.update("deals", deal["id"], {"pipeline": "sales", "dealstage": "won"})
    for number in (visit, other):
        actions.cancel(practice.account, "individual_appointments", number, reason=30)
    practice.clinic.clear_calls()
    practice.sync("appointments")
    assert len(practice.clinic.hubspot_calls("deals/batch/read")) == 1, "one look for both"
    assert place(practice, visit) == ("sales", "won")
    assert (practice.deal(visit) or {})["cliniko_cancellation_reason"] == "Sick", "its properties stay up to date"
    assert place(practice, other) == ("cliniko_appointments", "cliniko_appt_cancelled")
    actions.uncancel(practice.account, "individual_appointments", visit)
    practice.sync("appointments")
    assert place(practice, visit) == ("sales", "won")
    assert "cliniko_cancellation_reason" not in (practice.deal(visit) or {})


def test_a_stage_that_a_person_chose_stays_until_cliniko_changes_it(practice):
    visit = practice.appointment(practice.patient(), now() + DAY)
    practice.sync()
    deal = practice.deal(visit)
    assert deal is not None
    practice.portal.update("deals", deal["id"], {"dealstage": "cliniko_appt_arrived"})
    practice.edit("individual_appointments", visit, starts_at=text(now() + 2 * DAY), ends_at=text(now() + 3 * DAY))
    practice.sync("appointments")
    assert practice.stage(visit) == "arrived"
    practice.arrive(visit, False)
    practice.sync("appointments")
    assert practice.stage(visit) == "did_not_arrive"


def test_names_and_order_of_stages_are_the_customers(practice):
    ours = practice.portal.pipelines["cliniko_appointments"]
    ours["label"] = "Visits"
    for number, stage in enumerate(reversed(list(ours["stages"].values()))):
        stage["label"], stage["displayOrder"] = f"Step {number}", number
    visit = practice.appointment(practice.patient(), now() + DAY)
    practice.sync()
    practice.arrive(visit, True)
    practice.sync("appointments")
    assert practice.stage(visit) == "arrived"
    assert [stage["label"] for stage in ours["stages"].values()] == ["Step 3", "Step 2", "Step 1", "Step 0"]


def test_a_stage_that_was_deleted_is_said_and_made_up_for_after_the_repair(practice):
    ana = practice.patient()
    visit, fine = practice.appointment(ana, now() + DAY), practice.appointment(ana, now() + DAY)
    practice.sync()
    del practice.portal.pipelines["cliniko_appointments"]["stages"]["cliniko_appt_cancelled"]
    new = practice.appointment(ana, now() + DAY, created_at=text(now()))
    actions.cancel(practice.account, "individual_appointments", visit, reason=30)
    actions.cancel(practice.account, "individual_appointments", new)
    practice.arrive(fine, True)
    practice.sync("appointments")
    assert practice.stage(fine) == "arrived"
    assert practice.stage(visit) == "booked"
    assert (practice.deal(visit) or {})["cliniko_cancellation_reason"] == "Sick", "everything else is written"
    assert practice.deal(new) is None, "it would land in a pipeline of somebody else's"
    open_issues = {(i.cliniko_id, i.cause) for i in issues.list_issues(practice.clinic.hub_id)}
    assert open_issues == {(visit, "stage_missing"), (new, "stage_missing")}
    provision_account(practice.clinic.hub_id)
    practice.sync("appointments")
    assert (practice.stage(visit), practice.stage(new)) == ("cancelled", "cancelled")
    assert issues.count_open(practice.clinic.hub_id) == {}


def test_a_pipeline_of_the_customers_own(clinics):
    clinic = clinics.make(provision=False)
    practice = Practice(clinic)
    own_pipeline(practice, "visits", "planned", "seen", "lost")
    clinic.set("appointment_pipeline", "visits")
    clinic.set("appointment_stages", MAPPED)
    provision_account(clinic.hub_id)
    ana = practice.patient()
    visit, bill = practice.appointment(ana, now() + DAY), practice.invoice(ana)
    practice.sync()
    assert place(practice, visit) == ("visits", "planned")
    assert (practice.deal(bill, "invoice") or {})["pipeline"] == "cliniko_invoices"
    for arrived, stage in ((True, "seen"), (False, "lost"), (None, "planned")):
        practice.arrive(visit, arrived)
        practice.sync("appointments")
        assert place(practice, visit) == ("visits", stage)
    assert "cliniko_appointments" not in practice.portal.pipelines


def test_our_stages_in_the_default_pipeline(clinics):
    clinic = clinics.make(provision=False)
    practice = Practice(clinic)
    provision_account(clinic.hub_id, PipelineChoice(PipelineMode.DEFAULT_STAGES))
    ana = practice.patient()
    visit, bill = practice.appointment(ana, now() + DAY), practice.invoice(ana, status=20)
    practice.sync()
    practice.arrive(visit, True)
    practice.sync()
    stages = practice.portal.pipelines["default"]["stages"]
    shown = []
    for deal in (practice.deal(visit), practice.deal(bill, "invoice")):
        assert deal is not None and deal["pipeline"] == "default"
        shown.append(stages[deal["dealstage"]]["label"])
    assert shown == ["Appointment: Arrived", "Invoice: Paid"]


def test_a_change_of_pipeline_takes_the_deals_along(practice):
    own_pipeline(practice, "visits", "planned", "seen", "lost")
    own_pipeline(practice, "sales", "lead", "won")
    ana = practice.patient()
    visit, moved = practice.appointment(ana, now() + DAY), practice.appointment(ana, now() + DAY)
    practice.sync()
    deal = practice.deal(moved)
    assert deal is not None
    practice.portal.update("deals", deal["id"], {"pipeline": "sales", "dealstage": "won"})
    practice.clinic.set("appointment_pipeline", "visits")
    practice.clinic.set("appointment_stages", MAPPED)
    practice.sync("appointments")
    assert place(practice, visit) == ("cliniko_appointments", "cliniko_appt_booked"), "not prepared yet"
    provision_account(practice.clinic.hub_id)
    practice.sync("appointments")
    assert (place(practice, visit), place(practice, moved)) == (("visits", "planned"), ("sales", "won"))
    practice.clinic.set("appointment_pipeline", "")
    provision_account(practice.clinic.hub_id)
    practice.sync("appointments")
    assert place(practice, visit) == ("cliniko_appointments", "cliniko_appt_booked")


@pytest.mark.parametrize("told", [True, False], ids=["webhook", "unnoticed"])
def test_a_deleted_deal_comes_back_only_with_a_change_of_its_record(practice, told):
    ana = practice.patient("Ana")
    visit, bill = practice.appointment(ana, now() + DAY), practice.invoice(ana)
    practice.sync()
    gone = [practice.deal(visit), practice.deal(bill, "invoice")]
    for deal in gone:
        assert deal is not None
        practice.portal.delete("deals", deal["id"])
    if told:
        with running(practice.clinic.hub_id, "webhooks") as ctx:
            hooks.look_again_at_deals(ctx, {deal["id"] for deal in gone if deal})
    practice.sync()
    practice.clinic.set("deal_currency", "NZD")
    practice.edit("patients", ana, first_name="Anna")
    practice.sync()
    practice.sync()
    assert practice.clinic.deals() == {}, "a setting and a name are no change of the record"
    actions.cancel(practice.account, "individual_appointments", visit)
    actions.set_invoice(practice.account, bill, 20)
    practice.sync()
    assert (practice.stage(visit), practice.stage(bill, "invoice")) == ("cancelled", "paid")
    assert practice.patients_of(visit) == practice.patients_of(bill, "invoice") == [ana]
    deal = practice.deal(visit)
    assert deal is not None
    assert deal["dealname"].startswith("Massage | Anna Ruiz") and deal["deal_currency_code"] == "NZD"


def test_an_association_that_was_cut_short_is_repaired(practice):
    people = practice.patients(5)
    visits = [practice.appointment(p, now() + DAY) for p in people]
    practice.clinic.cycle("patients", "contacts")
    practice.clinic.hubspot.faults.add(Fault(match="POST .*batch/associate/default", times=9, status=502))
    assert practice.clinic.cycle("appointments")["appointments"].outcome == "waiting"
    assert [practice.patients_of(v) for v in visits] == [[]] * 5, "made, and not linked with anybody yet"
    practice.clinic.hubspot.faults.clear()
    practice.sync("appointments")
    assert [practice.patients_of(v) for v in visits] == [[p] for p in people]
    assert len(practice.clinic.deals()) == 5


def test_two_people_never_swap_their_deals(practice):
    """A family with one address, whose appointments change hands in one and the same cycle."""
    email = {"email": "fam@x.example"}
    family = [practice.patient(name, **email) for name in ("Ana", "Bo", "Cy")]
    visits = [practice.appointment(p, now() + n * DAY) for n, p in enumerate(family, 1)]
    bills = [practice.invoice(p) for p in family]
    practice.sync()
    for turn in (1, 2):
        for place_of, visit in enumerate(visits):
            whose = family[(place_of + turn) % 3]
            practice.edit("individual_appointments", visit, patient_id=whose)
            practice.edit("attendees", practice.attendees(visit)[0], patient_id=whose)
            practice.edit("invoices", bills[place_of], patient_id=whose)
        practice.sync()
        for place_of, (visit, bill) in enumerate(zip(visits, bills, strict=True)):
            whose = family[(place_of + turn) % 3]
            name = practice.row("patients", whose)["first_name"]
            for record, kind in ((visit, "individual_appointment"), (bill, "invoice")):
                deal = practice.deal(record, kind)
                assert deal is not None and f"| {name} Ruiz" in deal["dealname"]
                assert practice.patients_of(record, kind) == [whose]
