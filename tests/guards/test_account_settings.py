"""Every account setting has a parser and one documented line, and that line tells the truth."""

import json
import re
from dataclasses import asdict, fields
from typing import Any

import pytest

from tests.guards.tables import rows
from webapp.store.models_account import AccountSetting
from webapp.store.settings import PARSERS, REREADS, AccountSettings, BadSetting, parse_setting

NAMES = [item.name for item in fields(AccountSettings)]
DEFAULTS = asdict(AccountSettings())
TABLE = rows("docs/settings.md", "Of one account")
LINES = {cells[0]: cells[1:] for cells in TABLE}
STREAMS = ("patients", "contacts", "appointments", "invoices")

# The product's own list of names and defaults.
PROMISED: dict[str, Any] = {
    "interval_minutes": 15,
    "sync_patients": True,
    "sync_contacts": True,
    "sync_appointments": True,
    "sync_invoices": True,
    "individual_appointments_days_forward": 45,
    "invoice_days_back": 365,
    "use_preferred_first_name": False,
    "add_amount_to_appointments": False,
    "prices_include_tax": False,
    "deal_currency": None,
    "appointment_deal_owner": "practitioner",
    "invoice_deal_owner": "practitioner",
    "practitioner_owners": {},
    "appointment_pipeline": None,
    "invoice_pipeline": None,
    "appointment_stages": {},
    "invoice_stages": {},
    "hold_doubtful_matches": False,
    "match_by_phone": False,
    "recreate_deleted_contacts": False,
    "push_enabled": True,
    "include_appointment_type": True,
    "include_case_name": True,
    "alert_email": None,
    "alert_webhook": None,
    "retention_days": 30,
}


def shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value in (None, {}) else str(value)


def test_names_and_defaults_are_those_promised():
    assert DEFAULTS == PROMISED


def test_every_setting_has_a_parser_and_every_parser_a_setting():
    assert set(PARSERS) == set(NAMES)


def test_every_setting_has_one_documented_line():
    assert [cells[0] for cells in TABLE] == NAMES
    assert all(len(cells) == 5 and all(cells) for cells in TABLE)


@pytest.mark.parametrize("name", NAMES)
def test_the_line_tells_default_and_what_a_change_rewrites(name):
    default, _, _, rewrites = LINES[name]
    assert default == shown(DEFAULTS[name])
    expected = ", ".join(stream for stream in STREAMS if stream in REREADS.get(name, ()))
    assert rewrites == (expected or "nothing")


@pytest.mark.parametrize("name", NAMES)
def test_the_line_tells_what_is_allowed(name):
    allowed = LINES[name][1]
    bounds = re.fullmatch(r"(\d+) to (\d+)", allowed)
    if bounds:
        low, high = map(int, bounds.groups())
        assert (parse_setting(name, str(low)), parse_setting(name, str(high))) == (low, high)
        for outside in (low - 1, high + 1):
            with pytest.raises(BadSetting, match=f"^{name}: use a whole number from {low} to {high}"):
                parse_setting(name, str(outside))
        return
    samples = {
        "on, off": ("on", True),
        "currency code": ("nzd", "NZD"),
        "practitioner, contact, none, owner id": ("contact", "contact"),
        "map": ('{"1": "2"}', {"1": "2"}),
        "pipeline id": ("default", "default"),
        "email address": ("owner@clinic.example", "owner@clinic.example"),
        "https address": ("https://hooks.clinic.example/a", "https://hooks.clinic.example/a"),
    }
    text, value = samples[allowed]
    assert parse_setting(name, text) == value
    for word in allowed.split(", ") if allowed.count(",") else ():
        assert parse_setting(name, "4711" if word == "owner id" else word) is not None


def test_a_reread_names_settings_and_streams_that_exist():
    assert set(REREADS) <= set(NAMES)
    assert {stream for streams in REREADS.values() for stream in streams} <= set(STREAMS)


def test_values_and_names_fit_their_columns():
    longest = AccountSetting.__table__.c.name.type.length
    assert all(len(name) <= longest for name in NAMES)
    assert json.loads(json.dumps(DEFAULTS)) == DEFAULTS
