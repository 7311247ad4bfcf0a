"""What was lost or changed in HubSpot: our own losses are written again, what people did there stays."""

import pytest

from jobs.sync import unlinking
from jobs.sync.contexts import running
from tests.jobs.sync.practice import DAY, text
from tests.jobs.sync.proven import Proven
from tests.support import proving
from tests.support.people import connection_id, links
from webapp.clock import now
from webapp.extensions import db
from webapp.sandbox.cliniko import actions
from webapp.sandbox.hubspot import associations
from webapp.store import issues
from webapp.store.comparing import drop_links


@pytest.fixture
def practice(clinic) -> Proven:
    return Proven(clinic)


def test_edits_in_hubspot_stay(practice):
    portal = practice.portal
    ana, visit, paid = (
        practice.contact_id(practice.ana),
        practice.deal_id(practice.visit),
        practice.deal_id(practice.paid, "invoice"),
    )
    portal.update("contacts", ana, {"firstname": "Anita", "phone": "+61 2 5550 1234", "cliniko_title": "Dr"})
    portal.update("deals", visit, {"dealname": "Ana's first visit", "dealstage": "cliniko_appt_arrived"})
    portal.update("deals", paid, {"amount": "1000"})
    report = practice.prove()
    assert report["agree"] and report["found"] == {} and practice.written() == []
    assert report["kept"] == {"left_out": 1, "edited_in_hubspot": 3, "moved_in_hubspot": 1}
    assert report["totals"]["invoices"] == {"cliniko": "1304.50", "hubspot": "1099.95", "edited": "-204.55"}
    assert report["stages"]["appointments"]["Booked"] == {"cliniko": 2, "hubspot": 1, "edited": -1}
    assert report["stages"]["appointments"]["Arrived"] == {"cliniko": 1, "hubspot": 2, "edited": 1}
    assert practice.contact(practice.ana)["firstname"] == "Anita"


def test_a_deal_in_another_pipeline_stays_there(practice):
    deal = practice.deal_id(practice.visit)
    practice.portal.update("deals", deal, {"pipeline": "default", "dealstage": "closedwon"})
    report = practice.prove()
    assert report["agree"] and report["kept"]["moved_in_hubspot"] == 1 and practice.written() == []
    assert report["stages"]["appointments"]["Booked"] == {"cliniko": 2, "hubspot": 1, "edited": -1}


def test_values_that_did_not_arrive(practice):
    practice.edit("patients", practice.ana, first_name="Anna", occupation="Baker")
    practice.edit("individual_appointments", practice.visit, cancelled_at=practice.account.stamp())
    practice.edit("invoices", practice.open, total_amount="150.0")
    practice.settle()
    ana = practice.contact_id(practice.ana)
    practice.take_back("contacts", ana, firstname="Ana", cliniko_occupation="")
    booked = {"dealstage": "cliniko_appt_booked", "cliniko_appointment_status": "Booked"}
    practice.take_back("deals", practice.deal_id(practice.visit), **booked)
    practice.take_back("deals", practice.deal_id(practice.open, "invoice"), amount="99.95")
    practice.take_back("contacts", ana, cliniko_appointments_cancelled="0")
    report = practice.prove()
    assert report["agree"] and report["found"] == {"lost_values": 3, "stage": 1}
    contact = practice.contact(practice.ana)
    assert (contact["firstname"], contact["cliniko_occupation"]) == ("Anna", "Baker")
    assert contact["cliniko_appointments_cancelled"] == "1"
    assert practice.stage(practice.visit) == "cancelled"
    assert report["totals"]["invoices"]["hubspot"] == "1354.55"


def test_a_clearing_that_did_not_arrive(practice):
    practice.edit("patients", practice.ana, address_1="1 Pier St", occupation="Baker", title="Dr")
    practice.settle()
    practice.edit("patients", practice.ana, address_1="", occupation="", title="")
    practice.settle()
    ana = practice.contact_id(practice.ana)
    practice.take_back("contacts", ana, address="1 Pier St", cliniko_occupation="Baker")
    practice.portal.update("contacts", ana, {"city": "Perth", "cliniko_title": "Prof"})
    report = practice.prove()
    assert report["agree"] and report["found"] == {"lost_values": 1}
    contact = practice.contact(practice.ana)
    assert "address" not in contact and "cliniko_occupation" not in contact
    assert (contact["city"], contact["cliniko_title"]) == ("Perth", "Prof"), (
        "what Cliniko leaves blank is others' to fill"
    )


def test_records_that_never_were(practice):
    for object_type, number in (
        ("contacts", practice.contact_id(practice.bo)),
        ("deals", practice.deal_id(practice.visit)),
        ("deals", practice.deal_id(practice.open, "invoice")),
    ):
        practice.never_made(object_type, number)
    report = practice.prove()
    assert report["agree"] and report["found"]["lost_record"] == 3
    assert practice.contact(practice.bo)["lastname"] == "Ruiz"
    assert practice.patients_of(practice.visit) == [practice.ana]
    assert practice.patients_of(practice.open, "invoice") == [practice.bo]
    assert practice.patients_of(practice.seat, "attendee") == [practice.bo]


def test_what_a_proof_has_seen_and_is_nowhere_now_was_deleted(practice):
    """HubSpot forgets a contact for good when somebody asks for it: that is nothing to make again."""
    assert practice.prove()["agree"]
    practice.never_made("contacts", practice.contact_id(practice.bo))
    report = practice.prove()
    assert report["agree"] and practice.clinic.contact_of(practice.bo) is None
    assert links(practice.clinic)[practice.bo].state == "closed"


def test_what_people_deleted_stays_deleted(practice):
    practice.portal.delete("contacts", practice.contact_id(practice.bo))
    for record, kind in ((practice.visit, "individual_appointment"), (practice.paid, "invoice")):
        practice.portal.delete("deals", practice.deal_id(record, kind))
    report = practice.prove()
    assert report["agree"] and report["found"] == {"deleted": 3}
    assert report["kept"]["deleted_in_hubspot"] == 3
    assert practice.clinic.contact_of(practice.bo) is None
    assert practice.deal(practice.visit) is None and practice.deal(practice.paid, "invoice") is None
    practice.settle()
    assert practice.prove()["found"] == {} and practice.deal(practice.visit) is None
    actions.cancel(practice.account, "individual_appointments", practice.visit)
    practice.settle()
    assert practice.stage(practice.visit) == "cancelled", "it comes back with its record"


def test_what_people_restored_goes_on(practice):
    contact, deal = practice.contact_id(practice.bo), practice.deal_id(practice.visit)
    practice.portal.delete("contacts", contact)
    practice.portal.delete("deals", deal)
    assert practice.prove()["agree"]
    practice.portal.restore("contacts", contact)
    practice.portal.restore("deals", deal)
    report = practice.prove()
    assert report["agree"] and report["found"]["restored"] == 2
    assert links(practice.clinic)[practice.bo].state == "linked"
    assert practice.patients_of(practice.seat, "attendee") == [practice.bo]


def test_contacts_that_people_merged(practice):
    kept = practice.portal.create("contacts", {"firstname": "Bo", "lastname": "Ruiz"}).id
    practice.portal.merge("contacts", kept, practice.contact_id(practice.bo))
    report = practice.prove()
    assert report["agree"] and report["found"]["merged_in_hubspot"] == 1
    assert links(practice.clinic)[practice.bo].hubspot_id == practice.contact_id(practice.bo)
    assert practice.patients_of(practice.seat, "attendee") == [practice.bo]


def test_associations(practice):
    deal, contact = practice.deal_id(practice.visit), practice.contact_id(practice.ana)
    friend = practice.portal.create("contacts", {"firstname": "Friend"}).id
    associations.link(practice.portal, "deals", deal, "contacts", friend)
    associations.unlink(practice.portal, "deals", deal, "contacts", contact)
    report = practice.prove()
    assert report["agree"] and report["found"] == {"association": 1}
    assert set(practice.clinic.contacts_of_deal(deal)) == {friend, contact}


def test_keys_that_were_cleared(practice):
    contact, deal = practice.contact_id(practice.ana), practice.deal_id(practice.visit)
    practice.portal.update("contacts", contact, {"cliniko_patient_key": ""})
    practice.portal.update("deals", deal, {"cliniko_key": ""})
    report = practice.prove()
    assert report["agree"] and report["found"] == {"lost_values": 2}
    assert practice.contact_id(practice.ana) == contact and practice.deal_id(practice.visit) == deal


def test_keys_on_two_records(practice):
    contact, deal = practice.contact_id(practice.ana), practice.deal_id(practice.visit)
    keys = (
        practice.contact(practice.ana)["cliniko_patient_key"],
        f"{practice.account.id}:individual_appointment:{practice.visit}",
    )
    practice.portal.update("contacts", contact, {"cliniko_patient_key": ""})
    practice.portal.update("deals", deal, {"cliniko_key": ""})
    other = practice.portal.create("contacts", {"firstname": "Zoe", "cliniko_patient_key": keys[0]}).id
    twin = practice.portal.create("deals", {"dealname": "?", "cliniko_key": keys[1]}).id
    report = practice.prove()
    assert not report["agree"] and report["left"] == {"doubled": 2}
    found = {(i.cliniko_id, i.cause, i.hubspot_id) for i in issues.list_issues(practice.clinic.hub_id)}
    assert found == {(practice.ana, "key_taken", other), (practice.visit, "key_taken", twin)}
    assert links(practice.clinic)[practice.ana].hubspot_id == contact, "two people are never mixed"
    assert practice.clinic.contacts()[other]["firstname"] == "Zoe"
    practice.portal.delete("contacts", other)
    practice.portal.delete("deals", twin)
    assert practice.prove()["agree"] and practice.contact_id(practice.ana) == contact


def test_keys_that_the_ledger_has_forgotten(practice):
    old = practice.appointment(practice.bo, now() + 2 * DAY, created_at=text(now()))
    practice.settle()
    contact, deal = practice.contact_id(practice.bo), practice.deal_id(old)
    practice.edit("individual_appointments", old, starts_at=text(now() - 60 * DAY), ends_at=text(now() - 60 * DAY))
    practice.settle()
    connection = connection_id(practice.clinic)
    drop_links(connection, "patient", [practice.bo])
    drop_links(connection, "individual_appointment", [old])
    db.session.commit()
    report = practice.prove()
    assert report["agree"] and report["found"]["key_without_link"] >= 1
    assert practice.contact_id(practice.bo) == contact and practice.deal_id(old) == deal
    assert links(practice.clinic, "individual_appointment")[old].hubspot_id == deal
    assert report["streams"]["appointments"] == {"cliniko": 4, "hubspot": 4}


def test_keys_of_another_cliniko_account_are_none_of_ours(practice):
    practice.portal.create("contacts", {"firstname": "Old", "cliniko_patient_key": "999:1"})
    practice.portal.create("deals", {"dealname": "Old", "cliniko_key": "999:invoice:1"})
    assert practice.prove()["agree"]


def test_unlinked_stays_unlinked(practice):
    contact = practice.contact_id(practice.ana)
    with running(practice.clinic.hub_id, "push") as ctx:
        assert unlinking.unlink(ctx, contact, actor="test") == "unlinked"
    practice.settle()
    report = practice.prove()
    assert report["agree"] and report["found"] == {} and report["kept"]["unlinked"] == 1
    assert practice.clinic.contact_of(practice.ana) is None
    assert links(practice.clinic)[practice.ana].state == "unlinked"
    assert practice.written() == []


def test_what_hubspot_keeps_in_its_own_way(practice):
    """HubSpot takes a value and shows another one: that is tried once and then accepted."""
    contact = practice.contact_id(practice.ana)

    def its_own_way() -> None:
        record = practice.portal.contacts.by_id[contact]
        record.properties["lastname"] = record.history["lastname"][-1].value = "RUIZ"

    practice.edit("patients", practice.ana, last_name="Ruiz-Lee")
    practice.settle()
    its_own_way()
    proving.begin(practice.clinic)
    while not proving.step(practice.clinic):
        if practice.contact(practice.ana)["lastname"] == "Ruiz-Lee":
            its_own_way()
    report = proving.report(practice.clinic)
    assert report["agree"] and report["stored_differently"] == ["contacts.lastname"]
    report = practice.prove()
    assert report["agree"] and report["found"] == {} and practice.written() == []
    assert report["kept"]["stored_differently"] == 1
