"""One click is one request, however often and at whatever moment it arrives, on both engines."""

# The clinic's fixtures are taken over by their names.
# ruff: noqa: F401, F811

import threading
from dataclasses import replace

import pytest
import time_machine
from sqlalchemy import func, select

from jobs.sync import requests
from jobs.sync.contexts import running
from tests.jobs.sync.conftest import clinic, clinics, cliniko, hubspot, settings
from tests.support.people import add_lead, add_patient
from tests.webapp.views.card_tools import CLERK, OWNER, Card, new_key, send, signed
from webapp.clock import now
from webapp.extensions import db, get_redis
from webapp.store import pushes
from webapp.store.models_account import SigninLink
from webapp.store.models_hooks import PushRequest


def rows(model=PushRequest) -> int:
    db.session.rollback()
    return int(db.session.scalar(select(func.count()).select_from(model)) or 0)


def waiting() -> int:
    return int(get_redis().llen("rq:queue:push"))


def work(clinic) -> int:
    """What the worker does when it comes to it."""
    with running(clinic.hub_id, "push") as ctx:
        return requests.carry_out(ctx)


@pytest.fixture
def lead(clinic) -> str:
    clinic.cycle("patients", "contacts")
    return add_lead(clinic, firstname="Ana", lastname="Ruiz", email="ana@x.example")


@pytest.fixture
def card(client, clinic, lead) -> Card:
    return Card(client, clinic.hub_id, lead)


def test_a_repeated_push_creates_one_patient(card, clinic, engine):
    click = card.click("push")
    for _ in range(3):
        assert send(card.client, click).get_json()["state"] == "working"
    assert (rows(), waiting()) == (1, 1)
    assert work(clinic) == 1
    # The relay's own repeat, and a person's "Try again", may come when all is done.
    for _ in range(2):
        answer = send(card.client, click).get_json()
        assert (answer["state"], answer["work"]["status"]) == ("linked", "done")
    assert work(clinic) == 0
    assert rows() == 1
    assert len(clinic.account.tables["patients"]) == 1
    assert clinic.cliniko.calls.count("POST", "/patients$") == 1


def test_two_at_the_same_moment_are_one(app, card, clinic, engine):
    """Each on a connection of its own, through the unique key of the table."""
    click = card.click("push")
    gate, answers = threading.Barrier(6), []

    def press() -> None:
        with app.test_client() as browser:
            gate.wait()
            answers.append(send(browser, click))

    threads = [threading.Thread(target=press) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.get_json()["work"]["key"] for answer in answers} == {pushes.due(clinic.hub_id)[0].key}
    assert rows() == 1
    assert work(clinic) == 1
    assert clinic.cliniko.calls.count("POST", "/patients$") == 1


def test_two_links_at_the_same_moment_are_one(app, card, engine):
    body = {"idempotencyKey": new_key(), "page": "review"}
    request = signed(card.who, "POST", "/card/signin-link", body)
    gate, answers = threading.Barrier(4), []

    def ask() -> None:
        with app.test_client() as browser:
            gate.wait()
            answers.append(send(browser, request).get_json())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer["state"] for answer in answers} == {"ready"}
    assert len({answer["url"] for answer in answers}) == 1
    assert rows(SigninLink) == 1


def test_two_clicks_are_two(card, clinic, engine):
    card.press("sync")
    card.press("sync")
    assert rows() == 2
    assert work(clinic) == 2


def test_clicks_of_one_microsecond_are_two(card, clinic, engine):
    with time_machine.travel(now(), tick=False):
        assert card.press("sync")["state"] == "working"
        assert card.press("sync")["state"] == "working"
    assert rows() == 2


def test_a_key_that_came_with_another_request(client, clinic, card, engine):
    key = new_key()
    card.press("push", key)
    others = [
        card.click("push", key, target="contact"),
        card.click("sync", key),
        card.click("unlink", key),
        Card(client, clinic.hub_id, "999").click("push", key),
    ]
    for other in others:
        answer = send(client, other)
        assert (answer.status_code, answer.get_json()["code"]) == (409, "key_reused")
    assert rows() == 1
    # Another person at the same card, with the same click in hand, is the same click.
    assert Card(client, clinic.hub_id, card.path.rsplit("/", 1)[1], OWNER).press("push", key)["work"]["key"] == key


def test_the_same_key_in_another_account_is_another_click(client, clinic, clinics, card, engine):
    key = new_key()
    other = clinics.make()
    card.press("push", key)
    assert Card(client, other.hub_id, "501").press("sync", key)["work"]["key"] == key
    assert rows() == 2


def test_keys_of_clicks_and_of_links_do_not_mix(client, clinic, card, engine):
    first, second = new_key(), new_key()
    link = {"idempotencyKey": first, "page": "review"}
    assert send(client, signed(card.who, "POST", "/card/signin-link", link)).get_json()["state"] == "ready"
    assert send(client, card.click("sync", first)).status_code == 409
    card.press("sync", second)
    for body in ({"idempotencyKey": second, "page": "review"}, {"idempotencyKey": first, "page": "dashboard"}):
        who = replace(card.who, user_id=CLERK)
        answer = send(client, signed(who, "POST", "/card/signin-link", body))
        if body["idempotencyKey"] == second:
            assert answer.status_code == 409
        else:
            # Staff may not have the dashboard, whatever the key.
            assert answer.get_json()["state"] == "not_allowed"


def test_a_repeated_unlink_unlinks_once(client, clinic, engine):
    patient = add_patient(clinic, email="ana@x.example")
    clinic.cycle("patients")
    contact = next(iter(clinic.contacts()))
    card = Card(client, clinic.hub_id, contact)
    assert card.look()["patient"]["id"] == patient
    click = card.click("unlink")
    send(client, click)
    assert work(clinic) == 1
    writes = len(clinic.hubspot_writes())
    answer = send(client, click).get_json()
    assert (answer["state"], answer["sync"]["status"]) == ("not_linked", "Unlinked")
    assert work(clinic) == 0 and len(clinic.hubspot_writes()) == writes
