"""Activity: what is listed, the filters, the file, and that no value is in either."""

import csv
import io
import re
import tracemalloc
from datetime import timedelta

import pytest
import time_machine

from tests.webapp.views.conftest import HUB
from webapp.clock import now
from webapp.csv_lines import cell
from webapp.extensions import db
from webapp.store import accounts, activity, ledger
from webapp.store.activity import Line


@pytest.fixture
def ready(make_account, connect_account, signed_in):
    """A connected and prepared account, signed in."""
    hub_id = make_account()
    connection = connect_account(hub_id)
    accounts.save_provisioning(hub_id, {})
    signed_in(hub_id)
    return connection


def note(*lines: Line, hub_id: int = HUB, actor: str = "patients") -> None:
    activity.note(hub_id, actor, lines)
    db.session.commit()


def file_rows(client, **query) -> list[dict[str, str]]:
    answer = client.get("/activity.csv", query_string=query)
    assert answer.content_type == "text/csv; charset=utf-8" and "attachment" in answer.headers["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def shown(client, **query) -> list[str]:
    """Numbers of the HubSpot records listed, in order."""
    page = client.get("/activity", query_string=query).text
    return re.findall(r'aria-label="(\d+) in HubSpot', page)


def test_empty_page_says_so(client, ready):
    assert "Nothing here yet" in client.get("/activity").text
    assert "Nothing found" in client.get("/activity?record=1").text
    assert file_rows(client) == []


def test_a_line_says_who_did_what_to_whom(client, ready, add_person):
    add_person(ready, "100", "Ana Ruiz")
    note(Line("updated", "patient", "100", "501", ("phone", "city")))
    note(Line("created", "patient", "100", "501", target="cliniko", result="refused"), actor="person 77")
    page = client.get("/activity").text
    assert "Ana Ruiz" in page and "city, phone" in page and "Updated in HubSpot" in page and "Sync of patients" in page
    assert "Created in Cliniko" in page and "HubSpot user 77" in page and "▲ refused" in page
    assert 'href="https://harbour.au1.cliniko.com/patients/100"' in page and "/record/0-1/501" in page


def test_a_deal_goes_by_the_name_of_its_patient(client, ready, add_person):
    add_person(ready, "100", "Ana Ruiz")
    row = {"hub_id": HUB, "connection_id": ready.id, "kind": "invoice", "cliniko_id": "9", "state": "linked"}
    ledger.put([{**row, "hubspot_id": "901", "patient_id": "100"}])
    note(Line("created", "invoice", "9", "901"))
    page = client.get("/activity").text
    assert "Ana Ruiz" in page and "/record/0-3/901" in page


def test_filters(client, ready):
    with time_machine.travel(now() - timedelta(days=3), tick=False):
        note(Line("created", "patient", "1", "501"))
    note(Line("updated", "patient", "1", "501"), Line("updated", "contact", "2", "502"))
    assert shown(client) == ["502", "501", "501"]
    assert shown(client, record="1") == ["501", "501"] and shown(client, record="502") == ["502"]
    assert shown(client, action="created") == ["501"] and shown(client, kind="contact") == ["502"]
    assert shown(client, since=(now() - timedelta(days=1)).date().isoformat()) == ["502", "501"]
    assert shown(client, record="1", action="updated") == ["501"]
    assert [row["action"] for row in file_rows(client, record="1", action="created")] == ["created"]


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "0000-00-00", "<b>", "9999999-1-1"])
def test_a_day_that_is_none_is_said_beside_the_field_and_kept(client, ready, day):
    note(Line("created", "patient", "1", "501"))
    page = client.get("/activity", query_string={"since": day}).text
    assert "Choose a day" in page and 'aria-invalid="true"' in page and "<b>" not in page
    assert "501" not in page and file_rows(client, since=day) == []


@pytest.mark.parametrize("query", [{"action": "x' OR 1"}, {"kind": "x"}, {"before": "x"}, {"before": "9" * 40}])
def test_made_up_filters_are_none(client, ready, query):
    note(Line("created", "patient", "1", "501"))
    assert shown(client, **query) == ["501"]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_time(client, ready, day):
    assert client.get("/activity", query_string={"since": day}).status_code == 200


def test_pages_follow_each_other_without_gap(client, ready, monkeypatch):
    monkeypatch.setattr("webapp.views.activity.PER_PAGE", 2)
    note(*(Line("updated", "patient", str(n), str(500 + n)) for n in range(5)))
    seen, path = [], "/activity?kind=patient"
    while path:
        page = client.get(path).text
        seen += re.findall(r'aria-label="(\d+) in HubSpot', page)
        path = (re.findall(r'rel="next" href="([^"]+)"', page) or [""])[0].replace("&amp;", "&")
        assert not path or "kind=patient" in path
    assert seen == ["504", "503", "502", "501", "500"]


def test_another_accounts_lines_are_in_neither(client, ready, make_account, connect_account, add_person):
    other = connect_account(make_account(HUB + 1, "other.example"), "Other clinic", "88")
    add_person(other, "100", "Foreign Person")
    note(Line("created", "patient", "100", "777"), hub_id=HUB + 1)
    note(Line("created", "patient", "100", "501"))
    page = client.get("/activity", query_string={"record": "100"}).text
    assert "777" not in page and "Foreign Person" not in page
    assert [row["hubspot_id"] for row in file_rows(client)] == ["501"]


def test_staff_sees_neither(client, ready):
    with client.session_transaction() as session:
        session["role"] = "staff"
    assert client.get("/activity").status_code == 403 and client.get("/activity.csv").status_code == 403


def test_hostile_names_are_text(client, ready, add_person):
    add_person(ready, "100", "<script>alert(1)</script>")
    note(Line("updated", "patient", "100", "501", ("<img src=x>",)), actor="<b>me</b>")
    page = client.get("/activity").text
    assert "<script>alert" not in page and "<img" not in page and "<b>" not in page and "&lt;script&gt;alert(1)" in page


def test_no_name_is_in_the_file(client, ready, add_person):
    add_person(ready, "100", "Ana Ruiz", email="ana@x.example")
    note(Line("updated", "patient", "100", "501", ("email",)))
    text = client.get("/activity.csv").get_data(as_text=True)
    assert "100" in text and "Ana" not in text and "ana@" not in text


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(client, ready, first):
    assert cell(f"{first}1+1") == f"'{first}1+1" and cell("a=1") == "a=1" and cell(None) == ""
    note(Line("updated", "patient", "100", "501", (f"{first}cmd",)), actor=f"{first}HYPERLINK(1)")
    (row,) = file_rows(client)
    assert row["who"] == f"'{first}HYPERLINK(1)" and row["fields"].startswith("'")


def test_a_large_file_is_never_whole_in_memory(client, ready):
    note(*(Line("updated", "patient", str(n), str(n), ("phone", "city", "email")) for n in range(20_000)))
    tracemalloc.start()
    answer = client.get("/activity.csv", buffered=False)
    lines = sum(chunk.count(b"\n") for chunk in answer.iter_encoded())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lines == 20_001 and peak < 12_000_000
