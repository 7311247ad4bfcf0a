"""`accounts` and `settings` on the command line."""

import json

import pytest

from tests.webapp.views.conftest import HUB
from webapp.store import accounts
from webapp.store.settings import get_settings


@pytest.fixture
def run(app):
    runner = app.test_cli_runner()
    return lambda *args, **kwargs: runner.invoke(args=list(args), **kwargs)


def test_list_and_show(run, make_account, connect_account):
    connect_account(make_account())
    listed = json.loads(run("accounts", "list", "--json").stdout)
    assert [row["hub_id"] for row in listed["accounts"]] == [HUB]
    shown = run("accounts", "show", str(HUB), "--json")
    assert json.loads(shown.stdout)["cliniko_account"] == "Harbour Physio"
    assert "MS0x-au1" not in shown.stdout and "refresh" not in shown.stdout


def test_unknown_account_fails_in_one_line(run):
    for command in (("accounts", "show"), ("accounts", "pause"), ("accounts", "purge"), ("settings", "show")):
        result = run(*command, "999")
        assert result.exit_code == 1 and result.stderr.strip().count("\n") == 0 and "999" in result.stderr


def test_pause_and_resume(run, make_account):
    make_account()
    assert run("accounts", "pause", str(HUB)).exit_code == 0
    assert accounts.get_account(HUB).status == "paused"
    assert run("accounts", "resume", str(HUB)).exit_code == 0
    assert accounts.get_account(HUB).status == "active"


def test_purge_asks_for_the_number(run, make_account, connect_account):
    connect_account(make_account())
    assert run("accounts", "purge", str(HUB), input="1\n").exit_code == 1
    assert accounts.get_account(HUB).status == "active"
    assert run("accounts", "purge", str(HUB), input=f"{HUB}\n").exit_code == 0
    assert accounts.get_account(HUB).status == "uninstalled"


def test_connect_refuses_what_is_no_key_and_does_not_repeat_it(run, make_account):
    make_account()
    result = run("accounts", "connect-cliniko", str(HUB), input="not a key\n")
    assert result.exit_code == 1 and "not a Cliniko API key" in result.stderr
    assert "not a key" not in result.stdout + result.stderr.replace("That is not a Cliniko", "")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("interval_minutes", "30", "4"),
        ("individual_appointments_days_forward", "730", "731"),
        ("use_preferred_first_name", "on", "maybe"),
        ("deal_currency", "aud", "dollars"),
        ("alert_email", "a@b.example", "nobody"),
        ("retention_days", "1", "0"),
    ],
)
def test_set_validates(run, make_account, name, good, bad):
    make_account()
    before = getattr(get_settings(HUB), name)
    refused = run("settings", "set", str(HUB), name, bad)
    assert refused.exit_code == 1 and name in refused.stderr and getattr(get_settings(HUB), name) == before
    assert run("settings", "set", str(HUB), name, good).exit_code == 0
    shown = json.loads(run("settings", "show", str(HUB), "--json").stdout)
    assert shown["settings"][name] == getattr(get_settings(HUB), name) != before


def test_unknown_setting(run, make_account):
    make_account()
    result = run("settings", "set", str(HUB), "colour", "red")
    assert result.exit_code == 1 and "not a setting" in result.stderr
