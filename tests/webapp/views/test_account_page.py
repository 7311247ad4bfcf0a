"""The account page: reconnecting, the file of all links, and leaving only after one's own name was typed."""

import csv
import io
import tracemalloc

import pytest

from jobs.tasks.uninstall import erase
from tests.webapp.views.conftest import HUB
from webapp.clock import now
from webapp.extensions import db
from webapp.store import accounts, connections, ledger
from webapp.store.accounts import find_account


@pytest.fixture
def ready(make_account, connect_account, signed_in):
    """A connected and prepared account, signed in."""
    hub_id = make_account()
    connection = connect_account(hub_id)
    accounts.save_provisioning(hub_id, {})
    signed_in(hub_id)
    return connection


def link(connection, number, kind="patient", **more):
    row = {
        "hub_id": connection.hub_id,
        "connection_id": connection.id,
        "kind": kind,
        "cliniko_id": str(number),
        "hubspot_id": str(500 + number),
        "state": "linked",
        "rule": "new",
    }
    ledger.put([{**row, **more}])
    db.session.commit()


def file_rows(client):
    answer = client.get("/account/links.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def leave(client, token, how, typed):
    return client.post(f"/account/{how}", data={"csrf_token": token(client, "/account"), "typed": typed})


def test_page_says_how_both_sides_stand(client, ready):
    page = client.get("/account").text
    assert "clinic.example" in page and "Harbour Physio" in page and "● The API key works" in page
    assert 'href="/onboarding"' in page and "No links yet" in page
    connections.mark_key_revoked(HUB)
    assert "Enter a new key" in client.get("/account").text


def test_page_before_cliniko_is_connected(client, make_account, signed_in):
    signed_in(make_account())
    assert "Connect Cliniko" in client.get("/account").text and file_rows(client) == []


def test_the_file_holds_every_link_and_no_name(client, ready, add_person):
    add_person(ready, "1", "Ana Ruiz", email="ana@x.example")
    link(ready, 1, synced_at=now())
    link(ready, 2, kind="invoice")
    link(ready, 3, hubspot_id=None, state="held", rule="=cmd()")
    first, second, third = file_rows(client)
    assert (first["kind"], first["cliniko_id"], first["hubspot_id"], first["state"]) == (
        "patient",
        "1",
        "501",
        "linked",
    )
    assert first["cliniko_url"] == "https://harbour.au1.cliniko.com/patients/1"
    assert first["hubspot_url"].endswith("/contacts/20000001/record/0-1/501") and first["last_synced"]
    assert second["hubspot_url"].endswith("/record/0-3/502")
    assert third["hubspot_id"] == third["hubspot_url"] == "" and third["rule"] == "'=cmd()"
    assert "Ana" not in client.get("/account/links.csv").get_data(as_text=True)
    assert "3 pairs" in client.get("/account").text


def test_a_large_file_is_never_whole_in_memory(client, ready):
    row = {"hub_id": HUB, "connection_id": ready.id, "kind": "patient", "state": "linked", "rule": "new"}
    ledger.put([{**row, "cliniko_id": str(n), "hubspot_id": str(n)} for n in range(20_000)])
    db.session.commit()
    db.session.remove()
    tracemalloc.start()
    answer = client.get("/account/links.csv", buffered=False)
    lines = sum(chunk.count(b"\n") for chunk in answer.iter_encoded())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lines == 20_001 and peak < 12_000_000


@pytest.mark.parametrize("how", ["disconnect", "erase"])
@pytest.mark.parametrize("typed", ["", "yes", "clinic", "other.example", "20000001"])
def test_leaving_wants_the_name_typed(client, ready, token, queued, how, typed):
    answer = leave(client, token, how, typed)
    assert answer.status_code == 422 and "This is not clinic.example" in answer.text and queued() == []
    if typed:
        assert f'value="{typed}"' in answer.text
    assert accounts.get_account(HUB).status == "active" and client.get("/account").status_code == 200


def test_what_was_typed_is_text(client, ready, token):
    assert "<script>" not in leave(client, token, "erase", '"><script>alert(1)</script>').text


def test_disconnect_is_a_job_and_signs_out(client, ready, token, queued):
    assert leave(client, token, "disconnect", " Clinic.Example ").location == "/"
    (job,) = queued()
    assert (job.func_name, job.args) == ("jobs.tasks.uninstall.disconnect", [HUB])
    assert "being removed from HubSpot" in client.get("/").text and client.get("/account").location == "/"


def test_erase_stops_at_once_and_deletes_all(client, ready, token, queued, add_person):
    add_person(ready, "1", "Ana Ruiz")
    link(ready, 1)
    leave(client, token, "erase", "clinic.example")
    (job,) = queued()
    assert (job.func_name, job.args) == ("jobs.tasks.uninstall.erase", [HUB])
    db.session.rollback()
    assert find_account(HUB).status == "paused" and client.get("/account").location == "/"
    db.session.rollback()
    # HubSpot knows nothing of these tokens: what a person wants deleted is deleted all the same.
    erase(HUB)
    erase(HUB)
    db.session.rollback()
    account = find_account(HUB)
    assert (account.status, account.status_reason, account.access_token) == ("uninstalled", "purged", None)
    assert ledger.counts(HUB) == {} and connections.find_connection(HUB) is None


def test_an_account_without_a_domain_goes_by_its_number(client, make_account, signed_in, token, queued):
    signed_in(make_account(domain=""))
    assert leave(client, token, "erase", "20000001").location == "/" and len(queued()) == 1


def test_another_account_is_neither_shown_nor_ended(client, ready, make_account, connect_account, token, queued):
    other = connect_account(make_account(HUB + 1, "other.example"), "Other clinic", "88")
    link(other, 9)
    link(ready, 1)
    page = client.get("/account").text
    assert "Other clinic" not in page and "1 pair of" in page
    assert [row["cliniko_id"] for row in file_rows(client)] == ["1"]
    for how in ("disconnect", "erase"):
        data = {"csrf_token": token(client, "/account"), "typed": "other.example", "hub_id": str(HUB + 1)}
        assert client.post(f"/account/{how}", data=data).status_code == 422
    assert queued() == [] and accounts.get_account(HUB + 1).status == "active"


def test_staff_may_not_open_it(client, ready, token):
    form = token(client, "/account")
    with client.session_transaction() as session:
        session["role"] = "staff"
    assert client.get("/account").status_code == 403 and client.get("/account/links.csv").status_code == 403
    data = {"csrf_token": form, "typed": "clinic.example"}
    assert client.post("/account/erase", data=data).status_code == 403
    assert accounts.get_account(HUB).status == "active"
