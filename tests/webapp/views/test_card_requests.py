"""What the card says about work that was asked for: under way, waiting, ended, and no news any more."""

from datetime import timedelta

import pytest
import time_machine

from tests.webapp.views.card_tools import Card, minutes
from tests.webapp.views.card_world import CONTACT, NOW, PATIENT, World, make_world
from tests.webapp.views.conftest import HUB
from webapp.extensions import db
from webapp.store import pushes, streams


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


@pytest.mark.parametrize(
    ("what", "action"), [("sync", "sync"), ("patient", "push"), ("contact", "push"), ("unlink", "unlink")]
)
def test_working(card, world, what, action):
    world.link()
    asked = world.ask(what)
    work = card.look()["work"]
    assert (work["key"], work["action"], work["status"]) == (asked.key, action, "waiting")
    pushes.begin(asked.id, HUB, NOW + timedelta(seconds=30))
    db.session.commit()
    answer = card.look()
    assert (answer["state"], answer["work"]["status"]) == ("working", "running")
    assert answer["patient"]["id"] == PATIENT


def test_somebody_elses_request_has_no_key(card, world):
    pushes.ask(HUB, "patient", CONTACT, NOW)
    db.session.commit()
    answer = card.look()
    assert (answer["state"], answer["work"]["key"]) == ("working", None)


def test_work_about_another_contact_is_none_of_ours(card, world):
    pushes.ask(HUB, "patient", "502", NOW)
    db.session.commit()
    assert card.look()["work"] is None


@pytest.mark.parametrize("service", ["hubspot", "cliniko"])
def test_asked_to_wait(card, world, service):
    asked = world.ask("patient")
    pushes.again(asked.id, HUB, NOW + timedelta(seconds=8.2), f"{service}_limit")
    db.session.commit()
    answer = card.look()
    assert (answer["state"], answer["wait"]) == ("rate_limited", {"service": service, "seconds": 9})
    assert not any(one["allowed"] for one in answer["actions"].values())
    with time_machine.travel(NOW + timedelta(seconds=9), tick=False):
        assert card.look()["state"] == "working"


def test_a_service_that_does_not_answer(card, world):
    asked = world.ask("patient")
    pushes.again(asked.id, HUB, NOW + timedelta(seconds=15), "cliniko_away")
    db.session.commit()
    assert card.look()["state"] == "working"
    pushes.again(asked.id, HUB, NOW + timedelta(seconds=60), "cliniko_away")
    db.session.commit()
    answer = card.look()
    assert (answer["state"], answer["code"]) == ("error", "unavailable")
    assert (answer["message"], answer["remedy"]) == ("Cliniko does not answer.", "It is tried again by itself.")


def test_a_stream_that_stopped(card, world):
    world.link()
    streams.stop(HUB, "patients", "list_forbidden")
    answer = card.look()
    assert (answer["state"], answer["code"]) == ("error", "list_forbidden")
    assert answer["message"] == "The Cliniko user of the API key may not read this list."
    assert answer["remedy"] and answer["patient"]["id"] == PATIENT


def test_how_it_ended_is_news_for_ten_minutes(card, world):
    asked = world.ask("patient")
    pushes.begin(asked.id, HUB, NOW)
    world.end(
        asked, "refused", "Cliniko did not accept: Email.", status="Needs attention", remedy="Correct it.", failed=True
    )
    answer = card.look()
    assert answer["state"] == "not_linked"
    assert answer["work"] == {
        "key": asked.key,
        "action": "push",
        "status": "failed",
        "startedAt": "2026-11-24T02:45:00Z",
        "finishedAt": "2026-11-24T02:45:00Z",
        "message": "Cliniko did not accept: Email.",
        "remedy": "Correct it.",
    }
    assert answer["sync"] == {
        "status": "Needs attention",
        "message": "Cliniko did not accept: Email.",
        "at": "2026-11-24T02:45:00Z",
    }
    with time_machine.travel(NOW + minutes(10.1), tick=False):
        answer = card.look()
        assert answer["work"] is None
        assert answer["sync"]["status"] == "Needs attention"


def test_work_that_is_done(card, world):
    world.link()
    world.end(world.ask("sync"), "synced", "In step with Cliniko.", status="Synced")
    answer = card.look()
    assert (answer["state"], answer["work"]["status"], answer["work"]["message"]) == (
        "linked",
        "done",
        "In step with Cliniko.",
    )


def test_an_open_request_comes_before_one_that_ended_later(card, world):
    first, second = world.ask("patient"), world.ask("sync")
    world.end(second, "synced", "In step with Cliniko.", status="Synced")
    answer = card.look()
    assert (answer["state"], answer["work"]["key"]) == ("working", first.key)


def test_a_switch_that_was_set_back_is_no_news(card, world):
    asked = world.ask("patient")
    pushes.finish(asked.id, HUB, "set_back", "", None)
    db.session.commit()
    assert card.look()["work"] is None
