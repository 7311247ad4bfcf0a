"""Review: what is shown of both sides, who may decide, what a decision starts, and taking it back."""

import re

import pytest

from tests.webapp.views.conftest import HUB
from webapp.clock import now
from webapp.extensions import db
from webapp.store import accounts, issues, ledger, pushes, reviews
from webapp.store.decisions import DECISIONS
from webapp.views import review_words


@pytest.fixture
def ready(make_account, connect_account, signed_in):
    """A connected and prepared account, signed in."""
    hub_id = make_account()
    connection = connect_account(hub_id)
    accounts.save_provisioning(hub_id, {})
    signed_in(hub_id)
    return connection


@pytest.fixture
def ask(add_person):
    """Opens a review about a named patient and a contact."""

    def add(connection, cliniko_id="100", hubspot_id="501", cause="shared_email", name="Ana Ruiz", **person) -> int:
        add_person(connection, cliniko_id, name, **person)
        row = {
            "hub_id": connection.hub_id,
            "connection_id": connection.id,
            "kind": "patient",
            "cliniko_id": cliniko_id,
            "hubspot_id": hubspot_id,
            "cause": cause,
        }
        issues.open_reviews([row])
        db.session.commit()
        found = issues.list_reviews(connection.hub_id)
        return next(r.id for r in found if (r.cliniko_id, r.cause, r.hubspot_id) == (cliniko_id, cause, hubspot_id))

    return add


def press(client, token, number, decision):
    form = {"csrf_token": token(client, "/review"), "decision": decision}
    return client.post(f"/review/{number}/decide", data=form)


def take_back(client, token):
    return client.post("/review/undo", data={"csrf_token": token(client, "/review")}, follow_redirects=True).text


def state(number, hub_id=HUB):
    db.session.rollback()
    return issues.get_review(hub_id, number).state


def link(connection, cliniko_id="100", hubspot_id="501"):
    ledger.put(
        [
            {
                "hub_id": connection.hub_id,
                "connection_id": connection.id,
                "kind": "patient",
                "cliniko_id": cliniko_id,
                "state": "linked",
                "hubspot_id": hubspot_id,
                "rule": "email_and_names",
            }
        ]
    )
    db.session.commit()


def test_every_question_and_every_answer_has_words():
    assert set(review_words.QUESTIONS) == set(DECISIONS)
    for cause, decisions in DECISIONS.items():
        answers = [review_words.answer(cause, decision) for decision in decisions]
        assert len({answer.key for answer in answers}) == len(answers), f"{cause}: two buttons with one key"
        for text in [a.effect for a in answers] + [a.done for a in answers] + [review_words.question(cause).why]:
            assert text.endswith(".") and "!" not in text
    assert set(review_words.SPECIAL) <= {(cause, word) for cause, words in DECISIONS.items() for word in words}


def test_empty_page_and_list_say_so(client, ready):
    assert "Nothing to decide" in client.get("/review").text
    assert "Nothing to decide" in client.get("/review/list").text
    assert "Nothing was put off" in client.get("/review/list?later=1").text


def test_both_sides_are_shown_with_links_and_what_differs(client, ready, ask, add_person):
    add_person(ready, "7", "Bea Ruiz", email="ruiz@x.example", born="1980-02-03")
    link(ready, "7")
    ask(ready, name="Ana Ruiz", email="ruiz@x.example", born="2012-05-06")
    page = client.get("/review").text
    assert "Ana Ruiz" in page and "6 May 2012" in page and "Bea Ruiz" in page and "3 Feb 1980" in page
    assert page.count("≠ differs") == 2 and page.count(">same<") == 1
    assert 'href="https://harbour.au1.cliniko.com/patients/100"' in page
    assert re.search(r'href="http://127[^"]+/contacts/20000001/record/0-1/501"', page)
    assert "perhaps a family that shares an address" in page
    for key in "lsd":
        assert f'data-key="{key}"' in page


def test_each_cause_offers_its_own_buttons(client, ready, ask):
    for place, (cause, decisions) in enumerate(DECISIONS.items()):
        number = ask(ready, str(place), str(500 + place), cause)
        page = client.get(f"/review?id={number}").text
        assert set(re.findall(r'name="decision" value="(\w+)"', page)) == set(decisions), cause


def test_nobody_to_link_with_means_no_link_button(client, ready, ask, token):
    number = ask(ready, hubspot_id="")
    assert 'value="linked"' not in client.get("/review").text
    press(client, token, number, "linked")
    assert state(number) == "open"


def test_decision_is_stored_and_handed_over(client, ready, ask, token, queued):
    number = ask(ready)
    answer = press(client, token, number, "linked")
    assert answer.status_code == 302 and state(number) == "linked"
    (request,) = pushes.due(HUB)
    assert (request.what, request.hubspot_id, request.options) == ("review", "501", {"review": number})
    assert [job.func_name for job in queued()] == ["jobs.tasks.push.carry_out"]


def test_decide_later_asks_for_nothing_and_comes_last(client, ready, ask, token, queued):
    first, second = ask(ready), ask(ready, "101", "502", name="Bo Li")
    assert press(client, token, first, "later").location == f"/review?id={second}"
    assert queued() == [] and pushes.due(HUB) == []
    assert "Bo Li" in client.get("/review").text
    page = client.get(f"/review?id={first}").text
    assert "put off" in page and 'value="later"' not in page
    assert reviews.beside(HUB, second) == (None, first) and reviews.beside(HUB, first) == (second, None)
    assert "Ana Ruiz" in client.get("/review/list?later=1").text and "Ana Ruiz" not in client.get("/review/list").text


@pytest.mark.parametrize("decision", ["", "create", "closed", "open", "<script>"])
def test_an_answer_that_the_question_does_not_have_changes_nothing(client, ready, ask, token, queued, decision):
    number = ask(ready)
    press(client, token, number, decision)
    assert state(number) == "open" and queued() == []


def test_decided_twice_counts_once(client, ready, ask, token):
    number = ask(ready)
    press(client, token, number, "separate")
    press(client, token, number, "linked")
    assert state(number) == "separate" and len(pushes.due(HUB)) == 1


def test_undo_before_it_was_carried_out_stops_it(client, ready, ask, token):
    number = ask(ready)
    press(client, token, number, "linked")
    assert "Taken back" in take_back(client, token)
    assert state(number) == "open" and pushes.due(HUB) == []
    assert "no decision to take back" in take_back(client, token)


def test_undo_of_a_link_that_was_made_unlinks_again(client, ready, ask, token, queued):
    number = ask(ready)
    press(client, token, number, "linked")
    carried_out()
    link(ready)
    assert "unlinked again" in take_back(client, token)
    (request,) = pushes.due(HUB)
    assert (request.what, request.hubspot_id) == ("unlink", "501") and state(number) == "open"


def test_undo_of_what_cannot_be_turned_round_says_so(client, ready, ask, token):
    number = ask(ready, cause="another_person")
    press(client, token, number, "create")
    carried_out()
    assert "cannot be taken back" in take_back(client, token)
    assert state(number) == "create" and pushes.due(HUB) == []


@pytest.mark.parametrize("decision", ["separate", "later"])
def test_undo_asks_again(client, ready, ask, token, decision):
    number = ask(ready)
    press(client, token, number, decision)
    carried_out()
    assert "Taken back" in take_back(client, token)
    assert state(number) == "open"


def test_undo_does_not_touch_what_somebody_decided_otherwise(client, ready, ask, token):
    number = ask(ready)
    press(client, token, number, "later")
    issues.decide(HUB, number, "separate", "person 9")
    assert "otherwise meanwhile" in take_back(client, token)
    assert state(number) == "separate"


def carried_out():
    """As the job leaves it."""
    for request in pushes.due(HUB):
        pushes.begin(request.id, HUB, now())
        pushes.finish(request.id, HUB, "done", "Done.")
    db.session.commit()


def test_another_accounts_review_is_invisible_and_cannot_be_decided(
    client, ready, make_account, connect_account, ask, token, queued
):
    other = connect_account(make_account(HUB + 1, "other.example"), "Other clinic", "88")
    foreign = ask(other, "900", "777", name="Foreign Person")
    ask(ready)
    for path in ("/review", f"/review?id={foreign}", "/review/list"):
        page = client.get(path).text
        assert "Foreign Person" not in page and "777" not in page
    press(client, token, foreign, "linked")
    assert state(foreign, HUB + 1) == "open" and queued() == []
    with client.session_transaction() as session:
        session["last_decision"] = [foreign, "open"]
    take_back(client, token)
    assert state(foreign, HUB + 1) == "open"


def test_staff_may_decide_and_is_named(client, ready, ask, token):
    with client.session_transaction() as session:
        session["role"], session["user_id"] = "staff", 78
    number = ask(ready)
    page = client.get("/review").text
    assert "Ana Ruiz" in page and ">Dashboard<" not in page
    press(client, token, number, "separate")
    assert issues.get_review(HUB, number).decided_by == "person 78"


def test_hostile_names_are_text(client, ready, ask):
    ask(ready, name="<script>alert(1)</script>", email="<img src=x onerror=alert(2)>")
    for path in ("/review", "/review/list"):
        page = client.get(path).text
        assert "<script>alert" not in page and "<img" not in page and "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("value", ["0", "-1", "x", "9" * 30, "٣"])
def test_a_made_up_number_shows_what_waits(client, ready, ask, value):
    ask(ready)
    assert "Ana Ruiz" in client.get("/review", query_string={"id": value}).text
    assert client.get("/review/list", query_string={"after": value}).status_code == 200


def test_the_list_goes_on_page_by_page(client, ready, ask, monkeypatch):
    for place in range(5):
        ask(ready, str(100 + place), str(500 + place), name=f"Person Nr{place}x")
    monkeypatch.setattr("webapp.views.review.PER_PAGE", 2)
    seen, path = [], "/review/list"
    while path:
        page = client.get(path).text
        seen += re.findall(r"Person Nr(\d)x</a>", page)
        path = (re.findall(r'<a rel="next" href="([^"]+)"', page) or [None])[0]
    assert seen == list("01234")


def test_the_bar_counts_what_waits(client, ready, ask, monkeypatch):
    ask(ready)
    ask(ready, "101", "502")
    page = client.get("/review").text
    assert re.search(r'Review <span class="count"[^>]*>2</span>', page)
    monkeypatch.setattr("webapp.views.nav.MOST", 2)
    assert ">1+</span>" in client.get("/review").text
