"""Every state of the card, and what goes with it, from nothing but what is stored."""

import json
import re
from datetime import timedelta

import msgspec
import pytest
import time_machine

from jobs.sync import push_words
from tests.guards.source import ROOT
from tests.webapp.views.card_tools import Card, asker, send, signed
from tests.webapp.views.card_world import (
    BUTTON,
    CONTACT,
    NO_BUTTON,
    NOW,
    PATIENT,
    PRIVATE,
    World,
    make_world,
    without_times,
)
from tests.webapp.views.conftest import HUB
from webapp.clients.errors import FieldError, Rejected
from webapp.clock import now
from webapp.extensions import db
from webapp.store import accounts, connections, issues, pushes, settings, streams


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def world(make_account, connect_account) -> World:
    return make_world(make_account, connect_account)


@pytest.fixture
def card(client) -> Card:
    return Card(client, HUB, CONTACT)


def test_an_account_that_never_was_here(card):
    reason = {"allowed": False, "reason": "CRMConnect is not installed in this HubSpot account."}
    answer = card.look()
    assert answer["now"] == "2026-11-24T02:45:00Z"
    assert without_times(answer) == {
        "state": "uninstalled",
        "actions": {"sync": reason, "push": reason, "unlink": reason},
    }


def test_an_account_that_left_tells_nothing_of_its_links(card, world):
    world.link()
    accounts.set_status(HUB, "uninstalled")
    answer = card.look()
    assert answer["state"] == "uninstalled" and answer["patient"] is None


def test_without_the_permission_for_contacts(card, world):
    account = accounts.get_account(HUB)
    account.scopes = ["oauth", "crm.objects.contacts.read"]
    db.session.commit()
    world.link()
    answer = card.look()
    assert (answer["state"], answer["code"], answer["patient"]) == ("not_allowed", "missing_scopes", None)
    assert answer["message"] and answer["remedy"]


def test_cliniko_is_not_connected(card, make_account):
    make_account()
    answer = card.look()
    assert (answer["state"], answer["message"]) == ("not_connected", None)
    assert answer["timeZone"] == "Australia/Melbourne"


def test_hubspot_is_not_prepared(card, make_account, connect_account):
    connect_account(make_account())
    answer = card.look()
    assert (answer["state"], answer["message"]) == (
        "not_connected",
        "Cliniko is connected, but HubSpot is not prepared yet.",
    )


def test_the_key_is_refused_and_the_link_stays_visible(card, world):
    world.link()
    connections.mark_key_revoked(HUB)
    answer = card.look()
    assert (answer["state"], answer["patient"]["id"]) == ("reconnect_needed", PATIENT)
    assert not any(one["allowed"] for one in answer["actions"].values())


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("by_person", "Somebody paused it in CRMConnect. Nothing is lost."),
        ("by_operator", "The operator of CRMConnect paused it. Nothing is lost."),
        (None, None),
    ],
)
def test_paused(card, world, reason, words):
    world.link()
    accounts.set_status(HUB, "paused", reason)
    answer = card.look()
    assert (answer["state"], answer["message"], answer["patient"]["id"]) == ("paused", words, PATIENT)
    assert answer["actions"]["sync"] == {"allowed": False, "reason": "Syncing is paused."}


def test_not_linked(card, world):
    assert without_times(card.look()) == {
        "state": "not_linked",
        "timeZone": "Australia/Melbourne",
        "actions": {"sync": BUTTON, "push": BUTTON, "unlink": NO_BUTTON},
    }


def test_linked_to_a_patient(card, world):
    packed = msgspec.msgpack.encode(dict.fromkeys(("email", "phone", "cliniko_title", "company", "firstname"), b"x"))
    world.link(fields=packed)
    answer = card.look()
    assert without_times(answer) == {
        "state": "linked",
        "timeZone": "Australia/Melbourne",
        "patient": {
            "id": PATIENT,
            "url": f"https://harbour.au1.cliniko.com/patients/{PATIENT}",
            "status": "active",
            "rule": "email_and_names",
            "syncedAt": "2026-11-24T02:42:00Z",
            "nextVisitAt": None,
            "lastVisitAt": None,
            "visitsKnown": False,
            "unlink": {"fields": ["Company name", "First name", "Email", "Phone number"], "deals": 0},
        },
        "sync": {"status": "Synced", "message": None, "at": "2026-11-24T02:42:00Z"},
        "actions": {"sync": BUTTON, "push": BUTTON, "unlink": BUTTON},
    }


def test_linked_to_a_contact_in_cliniko(card, world):
    world.link("contact", "5512", rule="new", synced_at=None)
    answer = card.look()
    assert answer["state"] == "linked" and answer["patient"] is None and answer["sync"] is None
    assert answer["clinikoContact"] == {
        "id": "5512",
        "url": "https://harbour.au1.cliniko.com/contacts/5512",
        "rule": "new",
        "syncedAt": None,
    }
    assert answer["actions"]["unlink"] == NO_BUTTON


@pytest.mark.parametrize("state", ["reserved", "held", "closed", "unlinked", "excluded"])
def test_other_links_are_none(card, world, state):
    world.link(state=state)
    assert card.look()["state"] == "not_linked"


def test_visits_are_times_and_nothing_else(card, world):
    world.link()
    for number, days, status in (
        (1, -20, "arrived"),
        (2, -3, "booked"),
        (3, -1, "did_not_arrive"),
        (4, 1, "cancelled"),
    ):
        world.visit(number, NOW + timedelta(days=days), status)
    world.visit(5, NOW + timedelta(days=2))
    world.visit(6, NOW + timedelta(days=9))
    world.visit(7, NOW + timedelta(hours=1), "removed")
    world.visit(8, NOW + timedelta(hours=2), kind="group_appointment")
    world.visit(9, NOW + timedelta(hours=3), patient_id="another")
    db.session.get(streams.StreamState, (HUB, "history")).state = "finished"
    db.session.commit()
    patient = card.look()["patient"]
    assert (patient["nextVisitAt"], patient["lastVisitAt"]) == ("2026-11-26T02:45:00Z", "2026-11-21T02:45:00Z")
    assert patient["visitsKnown"] is True
    assert set(patient) == {
        *("id", "url", "status", "rule", "syncedAt", "nextVisitAt", "lastVisitAt", "visitsKnown", "unlink")
    }


def test_deals_that_would_move(card, world):
    world.link()
    for number, contact, state in (
        (1, CONTACT, "linked"),
        (2, CONTACT, "linked"),
        (3, "9", "linked"),
        (4, None, "waiting"),
    ):
        world.link(
            "invoice", str(number), f"90{number}", state=state, patient_id=PATIENT, contact_id=contact, rule="new"
        )
    assert card.look()["patient"]["unlink"]["deals"] == 2


@pytest.mark.parametrize("status", ["archived", "merged"])
def test_a_patient_who_is_not_active_cannot_be_changed(card, world, status):
    world.link(cliniko_status=status)
    answer = card.look()
    assert answer["patient"]["status"] == status
    assert not answer["actions"]["push"]["allowed"] and status in answer["actions"]["push"]["reason"]
    assert answer["actions"]["sync"] == BUTTON


def test_an_issue_of_the_linked_record(card, world):
    world.link()
    issues.open_issue(HUB, world.connection_id, "patients", "patient", PATIENT, "email_refused", detail="ana@x.example")
    issues.open_issue(HUB, world.connection_id, "patients", "patient", "another", "refused")
    db.session.commit()
    sync = card.look()["sync"]
    assert sync["status"] == "Needs attention"
    assert sync["message"].startswith("HubSpot refuses the email address.")


@pytest.mark.parametrize(
    ("cause", "shown"),
    [
        ("doubtful_match", "doubtful_match"),
        ("email_withheld", "email_withheld"),
        ("another_person", "another_person"),
        ("merged_in_hubspot", "merged_in_hubspot"),
        ("push_candidates", "several_patients"),
    ],
)
def test_a_decision_waits(card, world, cause, shown):
    world.review(cause)
    answer = card.look()
    assert answer["state"] == "review"
    assert answer["review"] == {"count": 1, "cause": shown, "url": "http://localhost:5000/review"}
    assert answer["actions"]["push"] == BUTTON


def test_several_patients_share_the_email(card, world):
    world.know("1", "2", "3")
    world.know("4", merged_into="1")
    world.review("shared_email", "2")
    answer = card.look()
    assert answer["state"] == "shared_email"
    assert answer["shared"] == {"patients": 3}
    assert answer["review"]["count"] == 1


def test_a_linked_patient_whose_email_another_contact_has(card, world):
    world.know(PATIENT, "2")
    world.link(shared_email=True)
    world.review("email_withheld", PATIENT, "900")
    answer = card.look()
    assert answer["state"] == "linked"
    assert answer["shared"] == {"patients": 2}
    assert (answer["review"]["count"], answer["review"]["cause"]) == (1, "email_withheld")


@pytest.mark.parametrize("state", ["later", "open"])
def test_decisions_of_others_and_decided_ones_do_not_count(card, world, state):
    world.review("shared_email", "1", "502")
    world.review("shared_email", "2", CONTACT)
    for review in issues.list_reviews(HUB):
        review.state = state if review.hubspot_id == CONTACT else "open"
    db.session.commit()
    assert card.look()["review"]["count"] == 1
    issues.close_reviews(world.connection_id, "patient", ["2"], ["shared_email"])
    db.session.commit()
    assert card.look()["state"] == "not_linked"


def test_unlinked_before_and_linked_again(card, world):
    world.end(world.ask("unlink"), "unlinked", "Unlinked.", status="Unlinked")
    assert card.look()["sync"]["status"] == "Unlinked"
    world.link()
    assert card.look()["sync"]["status"] == "Synced"


def test_a_review_that_was_decided_is_not_waited_for(card, world):
    world.review("another_person")
    world.end(world.ask("patient"), "another_person", "Decide.", status="Waiting for review", failed=True)
    assert card.look()["sync"]["status"] == "Waiting for review"
    issues.close_reviews(world.connection_id, "patient", [PATIENT], ["another_person"])
    db.session.commit()
    assert card.look()["sync"] is None


def test_streams_that_are_off_find_nobody(card, world):
    settings.set_setting(HUB, "sync_patients", "off")
    assert card.look()["actions"]["sync"] == BUTTON
    settings.set_setting(HUB, "sync_contacts", "off")
    assert not card.look()["actions"]["sync"]["allowed"]
    world.link()
    assert card.look()["actions"]["sync"] == BUTTON


def test_no_answer_holds_anything_of_a_person(card, world):
    """Everything that is stored about the person, and not a word of it in the answer."""
    world.know(PATIENT, "2")
    world.link(shared_email=True)
    world.review("email_withheld")
    world.visit(1, NOW + timedelta(days=1))
    issues.open_issue(HUB, world.connection_id, "patients", "patient", PATIENT, "refused", detail="Ana Ruiz: no")
    asked = world.ask("patient")
    message = "Cliniko did not accept this. Email: ana@x.example is taken."
    pushes.finish(asked.id, HUB, "refused", message, {"status": "Needs attention", "message": None, "failed": True})
    db.session.commit()
    text = json.dumps(card.look())
    assert not [word for word in PRIVATE if word in text]


def test_the_words_of_pushes_and_syncs_for_the_card_quote_nothing():
    """Cliniko's own words may quote a value: the card gets the names of the fields instead."""
    error = Rejected("cliniko", errors=(FieldError("email", None, "ana@x.example has already been taken"),))
    said = push_words.refused(error)
    assert "ana@x.example" in said.message
    told = push_words.outcome(said)
    assert told is not None and told["failed"] is True
    assert "ana@x.example" not in json.dumps(told)
    assert told["message"] == "Cliniko did not accept: Email."


def test_the_account_for_the_settings_page(client, world):
    connections.save_access(world.connection_id, {})
    world.link()
    world.link("individual_appointment", "1", "901")
    world.link("attendee", "1", "902")
    settings.set_setting(HUB, "sync_invoices", "off")
    issues.open_issue(HUB, world.connection_id, "patients", "patient", "5", "refused")
    db.session.commit()
    world.review("shared_email")
    for stream in ("patients", "appointments"):
        streams.open_cycle(HUB, stream)
        streams.close_cycle(HUB, stream)
    streams.open_cycle(HUB, "contacts")
    streams.stop(HUB, "appointments", "list_forbidden")
    answer = send(client, signed(asker(HUB), "GET", "/card/account")).get_json()
    assert answer["cliniko"] == {
        "name": "Harbour Physio",
        "address": "harbour.au1.cliniko.com",
        "connectedAt": "2026-11-24T02:45:00Z",
    }
    told = {one["name"]: (one["on"], one["status"], one["records"], one["issues"]) for one in answer["streams"]}
    assert told == {
        "patients": (True, "needs_you", 1, 1),
        "contacts": (True, "working", 0, 0),
        "appointments": (True, "stopped", 2, 0),
        "invoices": (False, "not_run", 0, 0),
    }
    assert answer["streams"][2]["message"] == "The Cliniko user of the API key may not read this list."
    assert (answer["state"], answer["intervalMinutes"], answer["reviews"], answer["issues"]) == ("connected", 15, 1, 1)


@pytest.mark.parametrize(
    ("make", "state"),
    [
        (lambda: None, "not_connected"),
        (lambda: accounts.set_status(HUB, "uninstalled"), "uninstalled"),
    ],
)
def test_states_of_the_account(client, make_account, make, state):
    make_account()
    make()
    answer = send(client, signed(asker(HUB), "GET", "/card/account")).get_json()
    assert (answer["state"], answer["streams"]) == (state, [])


def test_states_of_a_connected_account(client, world):
    def state() -> str:
        return send(client, signed(asker(HUB), "GET", "/card/account")).get_json()["state"]

    assert state() == "connected"
    accounts.set_status(HUB, "paused", "by_person")
    assert state() == "paused"
    connections.mark_key_revoked(HUB)
    assert state() == "reconnect_needed"


def test_every_key_of_the_contract_is_in_the_answers(card, client, world):
    """The names in docs/card-api.md, whose examples the card's own decoder reads in its tests."""
    world.link()
    world.link("contact", "5512")
    world.ask("sync")
    world.review("email_withheld")
    text = (ROOT / "docs" / "card-api.md").read_text(encoding="utf-8")
    wanted: dict[str, set[str]] = {}
    for kind, body in re.findall(r"```json (card|account)\n(.*?)```", text, re.DOTALL):
        wanted.setdefault(kind, set()).update(json.loads(body))
    given = {"card": set(card.look())}
    given["account"] = set(send(client, signed(asker(HUB), "GET", "/card/account")).get_json())
    assert wanted == given
    assert now() == NOW
