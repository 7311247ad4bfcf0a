"""Who owns a deal in HubSpot: every rule, and what is missing for it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from tests.jobs.sync.practice import DAY, HOUR, Practice, text
from webapp.clock import now
from webapp.store.connections import find_connection


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 2, 3, 0, tzinfo=UTC), tick=True) as moved:
        yield moved


@pytest.fixture
def practice(clock, clinic) -> Practice:
    return Practice(clinic)


def owner(practice: Practice, record: str, kind: str = "individual_appointment") -> str | None:
    deal = practice.deal(record, kind)
    assert deal is not None
    return deal.get("hubspot_owner_id")


def therapist(practice: Practice, email: str | None, *, active: bool = True) -> str:
    """Another practitioner, with a Cliniko user where there is an email."""
    user = practice.put("users", email=email, role="practitioner") if email else None
    return practice.put("practitioners", display_name="Tane", user_id=user, active=active)


def test_by_the_email_of_the_practitioner(practice):
    left = practice.portal.add_owner("left@clinic.example", "Lea", "Left", archived=True)
    former = practice.portal.add_owner("former@clinic.example", "Fo", "Mer")
    ana = practice.patient()
    by_email = practice.appointment(ana, now() + DAY)
    wanted = {
        by_email: practice.owner,
        practice.appointment(
            ana, now() + DAY, practitioner_id=therapist(practice, "FORMER@clinic.example ", active=False)
        ): former,
        practice.appointment(ana, now() + DAY, practitioner_id=therapist(practice, "left@clinic.example")): None,
        practice.appointment(ana, now() + DAY, practitioner_id=therapist(practice, "nobody@clinic.example")): None,
        practice.appointment(ana, now() + DAY, practitioner_id=therapist(practice, None)): None,
    }
    bill = practice.invoice(ana)
    practice.sync()
    assert {visit: owner(practice, visit) for visit in wanted} == wanted
    assert owner(practice, bill, "invoice") == practice.owner
    assert left not in {deal.get("hubspot_owner_id") for deal in practice.clinic.deals().values()}


def test_the_map_made_by_hand_goes_first(practice):
    other = practice.portal.add_owner("reception@clinic.example", "Re", "Ception")
    left = practice.portal.add_owner("left@clinic.example", "Lea", "Left", archived=True)
    tane = therapist(practice, None)
    ana = practice.patient()
    mine = practice.appointment(ana, now() + DAY)
    his = practice.appointment(ana, now() + DAY, practitioner_id=tane)
    practice.sync()
    assert (owner(practice, mine), owner(practice, his)) == (practice.owner, None)
    practice.clinic.set("practitioner_owners", {practice.practitioner: other, tane: left})
    practice.sync()
    assert (owner(practice, mine), owner(practice, his)) == (other, None), "a deactivated owner never"
    practice.clinic.set("practitioner_owners", {tane: other})
    practice.sync()
    assert (owner(practice, mine), owner(practice, his)) == (practice.owner, other)


def test_each_pipeline_has_a_rule_of_its_own(practice):
    boss = practice.portal.add_owner("boss@clinic.example", "Bo", "Ss")
    practice.clinic.set("appointment_deal_owner", boss)
    practice.clinic.set("invoice_deal_owner", "none")
    ana = practice.patient()
    visit, bill = practice.appointment(ana, now() + DAY), practice.invoice(ana)
    practice.sync()
    assert (owner(practice, visit), owner(practice, bill, "invoice")) == (boss, None)
    practice.clinic.set("appointment_deal_owner", "999")
    practice.clinic.set("invoice_deal_owner", boss)
    practice.sync()
    assert (owner(practice, visit), owner(practice, bill, "invoice")) == (boss, boss), (
        "an owner that is none changes nothing"
    )


def test_the_owner_of_the_contact(practice):
    boss = practice.portal.add_owner("boss@clinic.example", "Bo", "Ss")
    practice.clinic.set("appointment_deal_owner", "contact")
    practice.portal.create(
        "contacts", {"email": "ana@x.example", "firstname": "Ana", "lastname": "Ruiz", "hubspot_owner_id": boss}
    )
    ana, bo = practice.patient("Ana", email="ana@x.example"), practice.patient("Bo")
    visits = [practice.appointment(p, now() + DAY) for p in (ana, bo)]
    practice.sync()
    assert [owner(practice, v) for v in visits] == [boss, None]


def test_a_person_who_takes_over_a_deal_keeps_it(practice):
    boss = practice.portal.add_owner("boss@clinic.example", "Bo", "Ss")
    visit = practice.appointment(practice.patient(), now() + DAY)
    practice.sync()
    deal = practice.deal(visit)
    assert deal is not None
    practice.portal.update("deals", deal["id"], {"hubspot_owner_id": boss})
    practice.arrive(visit, True)
    practice.sync("appointments")
    assert (practice.stage(visit), owner(practice, visit)) == ("arrived", boss)


def test_a_key_that_may_not_read_users_gives_no_owner_and_says_so(practice):
    practice.account.forbidden.add("users")
    ana = practice.patient()
    visit = practice.appointment(ana, now() + DAY)
    practice.sync()
    deal = practice.deal(visit)
    assert deal is not None
    assert (owner(practice, visit), deal["cliniko_practitioner"]) == (None, "Pia Physio")
    assert "cliniko_practitioner_email" not in deal
    connection = find_connection(practice.clinic.hub_id)
    assert connection is not None and connection.access["users"] == "forbidden"
    practice.clinic.clear_calls()
    practice.arrive(visit, True)
    practice.sync()
    assert practice.clinic.cliniko_calls("/users") == [], "asked once, not with every cycle"
    practice.clinic.set("practitioner_owners", {practice.practitioner: practice.owner})
    practice.sync()
    assert owner(practice, visit) == practice.owner


def test_what_changes_behind_owners_is_noticed_within_the_hour(clock, practice):
    tane = therapist(practice, "tane@clinic.example")
    ana = practice.patient()
    his, mine = practice.appointment(ana, now() + DAY, practitioner_id=tane), practice.appointment(ana, now() + DAY)
    bill = practice.invoice(ana, practitioner_id=tane)
    practice.sync()
    assert (owner(practice, his), owner(practice, bill, "invoice")) == (None, None)
    new = practice.portal.add_owner("tane@clinic.example", "Tane", "Parata")
    clock.shift(HOUR * 1.1)
    practice.clinic.clear_calls()
    practice.sync()
    practice.sync()
    assert (owner(practice, his), owner(practice, bill, "invoice")) == (new, new)
    assert owner(practice, mine) == practice.owner
    assert len(practice.clinic.hubspot_calls("deals/batch/update")) == 2, "his deals alone, one call of each stream"
    practice.edit("practitioners", practice.practitioner, display_name="Dr Pia")
    practice.edit("businesses", practice.place, display_name="Wharf")
    clock.shift(HOUR * 1.1)
    practice.sync()
    practice.sync()
    deal, contact = practice.deal(mine), practice.clinic.contact_of(ana)
    assert deal is not None and contact is not None
    assert (deal["cliniko_practitioner"], deal["cliniko_business"]) == ("Dr Pia", "Wharf")
    assert contact["cliniko_next_appointment_location"] == "Wharf"
    practice.edit("businesses", practice.place, updated_at=text(now()))
    clock.shift(HOUR * 1.1)
    practice.clinic.clear_calls()
    practice.sync()
    practice.sync()
    assert practice.written() == []
    assert not any(
        "id:=" in str(call.query) or "id%3A%3D" in call.query for call in practice.clinic.cliniko.calls.items
    )
