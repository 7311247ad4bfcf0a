"""The dashboard says what the last proof found, in one line."""

import re
from datetime import UTC, datetime

import pytest
import time_machine

from tests.webapp.views.conftest import HUB
from webapp.extensions import db
from webapp.store import proofs, streams

# 02:10 in Melbourne.
NIGHT = datetime(2026, 11, 24, 15, 10, tzinfo=UTC)
SUMS = {"cliniko": "1204331.50", "hubspot": "1204331.50", "edited": "0.00"}


@pytest.fixture
def shown(client, make_account, connect_account, signed_in):
    connect_account(make_account())
    streams.ensure_streams(HUB, ["patients"])

    def text(report: dict | None, hub_id: int = HUB) -> str | None:
        with time_machine.travel(NIGHT, tick=False):
            signed_in(HUB)
            if report is not None:
                proofs.begin(hub_id, {})
                proofs.save(hub_id, {"streams": {"patients": {}}, "left": {}, **report}, finished=True)
                db.session.commit()
            page = re.sub(r"<[^>]+>", "", client.get("/dashboard").text)
        found = re.search(r"Last proof: .*", page)
        return found and re.sub(r"\s+", " ", found[0]).strip()

    return text


def test_before_the_first_there_is_none(shown):
    assert shown(None) is None
    assert shown({"agree": True, "streams": {}}) is None


def test_both_sides_agree(shown):
    line = "Last proof: 02:10 · both sides agree · invoices 1,204,331.50 = 1,204,331.50"
    assert shown({"agree": True, "totals": {"invoices": SUMS}}) == line


def test_without_invoices(shown):
    assert shown({"agree": True, "totals": {}}) == "Last proof: 02:10 · both sides agree"


@pytest.mark.parametrize(
    ("left", "words"),
    [
        ({"doubled": 1}, "1 difference is left and is tried again by itself"),
        ({"doubled": 1, "stage": 1300}, "1,301 differences are left and are tried again by themselves"),
    ],
)
def test_what_is_left(shown, left, words):
    sums = {**SUMS, "hubspot": "1204331.40"}
    line = f"Last proof: 02:10 · {words} · invoices 1,204,331.50 in Cliniko, 1,204,331.40 in HubSpot"
    assert shown({"agree": False, "left": left, "totals": {"invoices": sums}}) == line


def test_amounts_that_people_changed(shown):
    sums = {"cliniko": "100.00", "hubspot": "90.00", "edited": "-10.00"}
    line = "invoices 100.00 in Cliniko, 90.00 in HubSpot with amounts that people changed there"
    assert shown({"agree": True, "totals": {"invoices": sums}}) == f"Last proof: 02:10 · both sides agree · {line}"


def test_the_newest_counts_and_only_ones_own(shown, make_account):
    make_account(HUB + 1, "other.example")
    shown({"agree": True, "totals": {"invoices": SUMS}})
    shown({"agree": False, "left": {"stage": 9}}, HUB + 1)
    assert "both sides agree" in shown(None)
    assert "1 difference is left" in shown({"agree": False, "left": {"stage": 1}})
