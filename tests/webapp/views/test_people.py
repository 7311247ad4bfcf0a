"""Finding a person by name, email or number, and the buttons beside them."""

import re

import pytest

from tests.webapp.views.conftest import HUB
from webapp.clock import now
from webapp.extensions import db
from webapp.store import accounts, activity, issues, ledger, pushes
from webapp.store.activity import Line


@pytest.fixture
def ready(make_account, connect_account, signed_in):
    """A connected and prepared account, signed in."""
    hub_id = make_account()
    connection = connect_account(hub_id)
    accounts.save_provisioning(hub_id, {})
    signed_in(hub_id)
    return connection


@pytest.fixture
def ana(ready, add_person):
    """A patient in step with a contact, who has deals."""
    add_person(ready, "100", "Ana-María Ruiz", email="Ana@x.example", born="2012-05-06")
    link(ready, "patient", "100", "501", rule="email_and_names", synced_at=now())
    link(ready, "individual_appointment", "7", "901", patient_id="100")
    link(ready, "attendee", "8", "902", patient_id="100")
    link(ready, "invoice", "9", "903", patient_id="100")
    return "100"


def link(connection, kind, cliniko_id, hubspot_id, state="linked", **more):
    row = {"hub_id": connection.hub_id, "connection_id": connection.id, "kind": kind, "cliniko_id": cliniko_id}
    ledger.put([{**row, "state": state, "hubspot_id": hubspot_id, **more}])
    db.session.commit()


def look(client, token, q) -> str:
    return client.post("/people", data={"csrf_token": token(client, "/people"), "q": q}).text


def press(client, token, what, cliniko_id="100", kind="patient", **more):
    page = client.get(f"/people?q={cliniko_id}").text
    key = re.search(r'name="key" value="(\w+)"', page)
    form = {"csrf_token": token(client, "/people"), "key": key[1] if key else "", **more}
    return client.post(f"/people/{kind}/{cliniko_id}/{what}", data=form, follow_redirects=True).text


@pytest.mark.parametrize(
    "q", ["Ana", "ruiz", "RUIZ ana", "maria  ruiz", "Ana-Maria", "ana@X.example ", " ANA@x.EXAMPLE", "100", "501"]
)
def test_found_by_name_email_or_number(client, ana, token, q):
    page = look(client, token, q)
    assert "Ana-María Ruiz" in page and "1 found" in page
    assert client.get("/people", query_string={"q": q}).text.count("Ana-María Ruiz") == page.count("Ana-María Ruiz")


@pytest.mark.parametrize(
    "q", ["Ru", "Bea", "Ana Bea", "other@x.example", "999", "@", "%", "*", "\0", "9" * 400, "'; --"]
)
def test_nobody_else_is_found(client, ana, token, q):
    assert "Ana-María" not in look(client, token, q)


def test_all_that_we_know_is_said(client, ready, ana, add_issue, token):
    issues.open_reviews(
        [{"hub_id": HUB, "connection_id": ready.id, "kind": "patient", "cliniko_id": "100", "hubspot_id": "502",
          "cause": "shared_email"}]
    )  # fmt: skip
    page = look(client, token, "100")
    assert "● In sync" in re.sub(r"<[^>]+>", "", page)
    assert "Last synced" in page and "2 appointments · 1 invoice" in page and "Matched by email and name." in page
    assert "1 to decide" in page and "born 6 May 2012" in page
    assert 'href="https://harbour.au1.cliniko.com/patients/100"' in page and "/record/0-1/501" in page
    add_issue(ready, "100", "Ana-María Ruiz")
    page = look(client, token, "100")
    assert "1 issue<" in page and "Needs you" in page


def test_empty_pages_say_what_to_do(client, make_account, signed_in, connect_account, token):
    signed_in(make_account())
    assert "Connect Cliniko" in client.get("/people").text
    connect_account(HUB)
    assert "Whole words of a name" in client.get("/people").text
    assert "Nobody found" in look(client, token, "Bea")


def test_only_so_many_are_shown(client, ready, add_person, token, monkeypatch):
    monkeypatch.setattr("webapp.views.people.MOST", 3)
    for number in range(5):
        add_person(ready, str(number), "Ana Smith")
    page = look(client, token, "smith")
    assert page.count("<h2>Ana Smith</h2>") == 3 and "Type more of the name" in page


def test_sync_now_asks_once_for_each_click(client, ana, token, queued):
    page = client.get("/people?q=100").text
    form = {"csrf_token": token(client, "/people"), "key": re.search(r'name="key" value="(\w+)"', page)[1]}
    for _ in range(3):
        client.post("/people/patient/100/sync", data=form)
    (request,) = pushes.due(HUB)
    assert (request.what, request.hubspot_id, request.asked_by) == ("sync", "501", "dashboard")
    assert {job.func_name for job in queued()} == {"jobs.tasks.push.carry_out"}
    assert "Sync asked for" in client.get("/people?q=100").text


def test_sync_of_somebody_without_a_contact_reads_the_record(client, ready, add_person, token, queued):
    add_person(ready, "100", "Ana Ruiz")
    assert "Not in HubSpot yet" in client.get("/people?q=100").text
    press(client, token, "sync")
    assert pushes.due(HUB) == [] and issues.due(ready.id, "patient", now()) == ["100"]
    assert [job.func_name for job in queued()] == ["jobs.tasks.connect.start_streams"]


@pytest.mark.parametrize("clean_up", [True, False])
def test_unlink_asks_first_and_says_whom(client, ana, token, clean_up):
    page = client.get("/people?q=100").text
    assert "Unlink Ana-María Ruiz from HubSpot contact 501?" in page and 'name="clean_up"' in page
    page = press(client, token, "unlink", **({"clean_up": "1"} if clean_up else {}))
    assert "Ana-María Ruiz is being unlinked." in page and "Unlink asked for" in page
    (request,) = pushes.due(HUB)
    assert (request.what, request.hubspot_id) == ("unlink", "501")
    assert request.options == {"restore_fields": clean_up, "move_deals": True}


def test_undo_names_the_contact_and_asks_for_it(client, ready, ana, token):
    link(ready, "patient", "100", None, state="unlinked", unlinked_at=now())
    assert "Undo the unlink" not in client.get("/people?q=100").text
    activity.note(HUB, "person 7", [Line("unlinked", "patient", "100", "501")])
    db.session.commit()
    page = client.get("/people?q=100").text
    assert "Undo the unlink" in page and "HubSpot contact 501" in page and "Unlink Ana" not in page
    assert "being linked again" in press(client, token, "undo")
    (request,) = pushes.due(HUB)
    assert (request.what, request.hubspot_id, request.options) == ("undo", "501", {"cliniko_id": "100"})


def test_what_does_not_fit_the_state_is_refused(client, ready, ana, token):
    assert "no unlink to undo" in press(client, token, "undo")
    link(ready, "patient", "100", None, state="unlinked", unlinked_at=now())
    assert "not linked any more" in press(client, token, "unlink")
    assert "do not know this record" in press(client, token, "unlink", "999")
    assert "do not know this record" in press(client, token, "sync", "7", kind="invoice")
    assert pushes.due(HUB) == []


def test_the_person_who_asked_is_remembered(client, ana, token):
    with client.session_transaction() as session:
        session["user_id"] = 78
    press(client, token, "sync")
    assert pushes.due(HUB)[0].asked_by == "person 78"


def test_another_accounts_person_is_neither_found_nor_touched(
    client, ready, make_account, connect_account, add_person, token, queued
):
    other = connect_account(make_account(HUB + 1, "other.example"), "Other clinic", "88")
    add_person(other, "900", "Foreign Person", email="f@x.example")
    link(other, "patient", "900", "777")
    for q in ("Foreign", "f@x.example", "900", "777"):
        assert "Foreign Person" not in look(client, token, q)
    for what in ("sync", "unlink", "undo"):
        assert "do not know this record" in press(client, token, what, "900")
    assert pushes.due(HUB + 1) == [] and pushes.due(HUB) == [] and queued() == []


def test_staff_may_not_look_for_people(client, ana):
    with client.session_transaction() as session:
        session["role"] = "staff"
    assert client.get("/people?q=100").status_code == 403


def test_hostile_names_and_questions_are_text(client, ready, add_person, token):
    add_person(ready, "100", "<script>alert(1)</script>", email="<img src=x>@x.example")
    link(ready, "patient", "100", "501")
    page = client.get("/people?q=100").text
    assert "<script>alert" not in page and "<img" not in page and "&lt;script&gt;alert(1)" in page
    assert '"><b>' not in look(client, token, '"><b>x</b>')


def test_a_name_does_not_go_into_an_address(client, ana, token):
    page = client.get("/people").text
    assert re.search(r'<form method="post" action="/people" class="filter"', page)
    assert 'action="/people"' in client.get("/dashboard").text
