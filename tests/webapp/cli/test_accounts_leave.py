"""`accounts disconnect` and `accounts activity`."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from tests.webapp.views.conftest import HUB, hubspot, hubspot_url, make_account, settings  # noqa: F401  # fixtures
from webapp.csv_lines import cell, csv_chunks
from webapp.extensions import db
from webapp.store import accounts, activity
from webapp.store.activity import Line


@pytest.fixture
def run(app):
    runner = app.test_cli_runner()
    return lambda *args: runner.invoke(args=["accounts", *map(str, args)])


@pytest.fixture
def noted(app, make_account):  # noqa: F811
    """An account with three lines."""
    make_account()
    lines = [Line("updated", "patient", str(n), str(500 + n), ("city", "email")) for n in range(3)]
    activity.note(HUB, '=cmd|"/c calc"!A1', lines)
    db.session.commit()


def test_disconnect_removes_the_app_and_says_so(run, hubspot, make_account):  # noqa: F811
    portal = hubspot.portals[HUB]
    account = accounts.get_account(make_account())
    account.access_token, account.refresh_token = hubspot.access_token(portal), portal.installs[4242].refresh_token
    db.session.commit()
    assert json.loads(run("disconnect", HUB, "--json").stdout) == {"hub_id": HUB, "status": "uninstalled"}
    assert portal.installs == {} and accounts.get_account(HUB).status_reason == "disconnected"
    again = run("disconnect", HUB)
    assert again.exit_code == 1 and "is uninstalled" in again.stderr


def test_activity_as_one_json_object(run, noted):
    answer = json.loads(run("activity", HUB, "--json").stdout)
    assert answer["hub_id"] == HUB and [line["cliniko_id"] for line in answer["activity"]] == ["2", "1", "0"]
    assert answer["activity"][0]["fields"] == "city, email"
    assert len(json.loads(run("activity", HUB, "--json", "--limit", 2).stdout)["activity"]) == 2
    only = json.loads(run("activity", HUB, "--json", "--record", 501).stdout)["activity"]
    assert [line["cliniko_id"] for line in only] == ["1"]


def test_activity_as_csv_without_formulas(run, noted):
    header, *rows = csv.reader(io.StringIO(run("activity", HUB, "--csv").stdout))
    assert header[:2] == ["at", "actor"] and len(rows) == 3
    assert {row[1] for row in rows} == {'\'=cmd|"/c calc"!A1'}


def test_activity_as_a_table_and_one_form_only(run, noted):
    assert "patient" in run("activity", HUB).stdout
    assert run("activity", HUB, "--csv", "--json").exit_code == 1


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@A1",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\u00a0=1",
        "\ufeff=1",
        "\t",
        "＝1",
        "－1",
        "=HYPERLINK()",
    ],
)
def test_what_a_spreadsheet_would_run_is_text(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", ""),
        ("a=1", "a=1"),
        ("ana@x.example", "ana@x.example"),
        (12, "12"),
        (datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
    ],
)
def test_other_cells_are_left_alone(value, text):
    assert cell(value) == text


def test_a_large_file_comes_in_pieces():
    pieces = csv_chunks(("n",), ([n] for n in range(1000)))
    assert next(pieces).count("\n") == 201
    assert sum(piece.count("\n") for piece in pieces) == 800
