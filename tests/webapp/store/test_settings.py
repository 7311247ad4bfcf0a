"""Every parser: what it takes, what it refuses and how it says so, and what a change sets in motion."""

import json
from dataclasses import asdict, fields
from typing import Any

import pytest

from webapp.extensions import db
from webapp.store import streams
from webapp.store.models_account import AccountSetting
from webapp.store.settings import (
    PARSERS,
    REREADS,
    AccountSettings,
    BadSetting,
    get_settings,
    parse_setting,
    set_setting,
)

SWITCHES = [item.name for item in fields(AccountSettings) if isinstance(item.default, bool)]
ON = ["on", "ON", " yes ", "true", "1", True, 1]
OFF = ["off", "No", "false ", "0", False, 0]
NO_SWITCH = ["", "maybe", "2", "onn", "null", "on off", None, 2, [], {}]

NUMBERS = {
    "interval_minutes": (5, 60),
    "individual_appointments_days_forward": (1, 730),
    "invoice_days_back": (1, 3650),
    "retention_days": (1, 365),
}
NO_NUMBER = ["", " ", "ten", "1.5", "5e1", "1_0", "٣٠", "0x10", "--5", None, True, [], {}, 10.5]

OWNERS = ("appointment_deal_owner", "invoice_deal_owner")
MAPS = ("practitioner_owners", "appointment_stages", "invoice_stages")
PIPELINES = ("appointment_pipeline", "invoice_pipeline")

GOOD: list[tuple[str, Any, Any]] = [
    *((name, raw, True) for name in SWITCHES for raw in ON),
    *((name, raw, False) for name in SWITCHES for raw in OFF),
    *((name, str(number), number) for name, bounds in NUMBERS.items() for number in bounds),
    *((name, f" {low} ", low) for name, (low, _) in NUMBERS.items()),
    *((name, high, high) for name, (_, high) in NUMBERS.items()),
    *(
        (name, raw, value)
        for name in OWNERS
        for raw, value in (("Contact", "contact"), (" none", "none"), ("0042", "0042"))
    ),
    *((name, raw, raw.lower()) for name in OWNERS for raw in ("practitioner", "1234567890123456789")),
    *((name, '{"12": "345", "13": 7}', {"12": "345", "13": "7"}) for name in MAPS),
    *((name, {"a": "b"}, {"a": "b"}) for name in MAPS),
    *((name, raw, {}) for name in MAPS for raw in ("{}", "")),
    *((name, raw, None) for name in PIPELINES for raw in ("", "  ", None)),
    *(
        (name, raw, raw.strip())
        for name in PIPELINES
        for raw in ("default", " 12345 ", "a-b_c.d", "d7c1-44", "x" * 100)
    ),
    ("deal_currency", "aud", "AUD"),
    ("deal_currency", "", None),
    ("deal_currency", None, None),
    ("alert_email", " owner@clinic.example ", "owner@clinic.example"),
    ("alert_email", "o'neil+alerts@sub.clinic.example", "o'neil+alerts@sub.clinic.example"),
    ("alert_email", "", None),
    ("alert_webhook", "https://hooks.clinic.example/a?b=c", "https://hooks.clinic.example/a?b=c"),
    ("alert_webhook", "", None),
]

BAD: list[tuple[str, Any]] = [
    *((name, raw) for name in SWITCHES for raw in NO_SWITCH),
    *((name, raw) for name in NUMBERS for raw in NO_NUMBER),
    *((name, str(number)) for name, (low, high) in NUMBERS.items() for number in (low - 1, high + 1, -low, 10**30)),
    *((name, raw) for name in OWNERS for raw in ("", "nobody", "-1", "1.5", "1" * 20, "12 34", "１２", None, [])),
    *(
        (name, raw)
        for name in MAPS
        for raw in (
            "[]",
            "12",
            "no json",
            '{"a": null}',
            '{"a": {"b": "c"}}',
            '{"a": [1]}',
            '{"a": true}',
            '{"a": 1.5}',
            None,
        )
    ),
    *((name, raw) for name in PIPELINES for raw in ("a b", "a/b", "x" * 101, "a\nb", "ü", "<b>")),
    *(("deal_currency", raw) for raw in ("dollars", "A", "AUDD", "A1D", "ÄÖÜ", "A D", "AU\nD")),
    *(
        ("alert_email", raw)
        for raw in (
            "nobody",
            "a@b",
            "a b@c.example",
            "a@b@c.example",
            "a@c.example, b@c.example",
            "a@c.example\nBcc: x@y.example",
        )
    ),
    *(
        ("alert_webhook", raw)
        for raw in (
            "http://clinic.example/",
            "ftp://clinic.example/",
            "clinic.example",
            "https://",
            "https:///path",
            "javascript:alert(1)",
            "https://user:secret@clinic.example/",
            "https://127.0.0.1/",
            "https://localhost/",
            "https://10.0.0.5/",
            "https://[::1]/",
            "https://169.254.169.254/latest",
            "https://intranet/",
            "https://clinic.example:port/",
            "https://clinic .example/",
            "https://clinic.example/\r\nX: y",
        )
    ),
]


@pytest.mark.parametrize(("name", "raw", "value"), GOOD)
def test_what_a_parser_takes(name, raw, value):
    parsed = parse_setting(name, raw)
    assert parsed == value and type(parsed) is type(value)
    assert json.loads(json.dumps(parsed)) == parsed


@pytest.mark.parametrize(("name", "raw"), BAD)
def test_what_a_parser_refuses_names_the_setting_and_the_remedy(name, raw):
    with pytest.raises(BadSetting) as refusal:
        parse_setting(name, raw)
    message = str(refusal.value)
    assert message.startswith(f"{name}: use ") and message.endswith(".") and "\n" not in message
    if isinstance(raw, str) and len(raw) > 9:
        assert raw not in message


def test_every_setting_was_tried_both_ways():
    assert {name for name, *_ in GOOD} == {name for name, _ in BAD} == set(PARSERS)


@pytest.mark.parametrize("name", ["colour", "", "interval_minutes ", "__class__"])
def test_an_unknown_name_is_no_setting(name):
    with pytest.raises(BadSetting, match="is not a setting"):
        parse_setting(name, "on")


@pytest.mark.parametrize(("name", "value"), asdict(AccountSettings()).items())
def test_every_default_is_acceptable(name, value):
    assert parse_setting(name, value) == value


def test_defaults_hold_until_something_is_set(hub):
    assert get_settings(hub) == AccountSettings()
    assert get_settings(404) == AccountSettings()


def test_every_setting_can_be_stored_and_read_on_both_engines(hub, engine):
    wanted = {name: (raw, value) for name, raw, value in GOOD}
    for name, (raw, _) in wanted.items():
        set_setting(hub, name, raw)
    db.session.expire_all()
    assert asdict(get_settings(hub)) == {name: value for name, (_, value) in wanted.items()}


def test_a_value_can_be_changed_and_cleared(hub, engine):
    for raw, value in (("AUD", "AUD"), ("nzd", "NZD"), ("", None)):
        assert set_setting(hub, "deal_currency", raw) == value
        assert get_settings(hub).deal_currency == value


def test_a_refused_value_changes_nothing(hub):
    set_setting(hub, "interval_minutes", "30")
    with pytest.raises(BadSetting):
        set_setting(hub, "interval_minutes", "4")
    assert get_settings(hub).interval_minutes == 30


def test_settings_belong_to_one_account(make_account):
    make_account(1)
    make_account(2)
    set_setting(1, "interval_minutes", "30")
    assert (get_settings(1).interval_minutes, get_settings(2).interval_minutes) == (30, 15)


def test_a_setting_of_an_older_version_is_ignored(hub):
    db.session.add(AccountSetting(hub_id=hub, name="gone", value=1, updated_at=streams.now()))
    db.session.commit()
    assert get_settings(hub) == AccountSettings()


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_a_change_has_exactly_the_streams_read_everything_again_that_it_concerns(hub, name):
    every = ["patients", "contacts", "appointments", "invoices"]
    streams.ensure_streams(hub, every)
    before = getattr(get_settings(hub), name)
    other = next(value for made, _, value in GOOD if made == name and value != before)
    set_setting(hub, name, before)
    assert not any(state.reread for state in streams.stream_states(hub)), "nothing changed"
    set_setting(hub, name, other)
    asked = [state.stream for state in streams.stream_states(hub) if state.reread]
    assert sorted(asked) == sorted(REREADS.get(name, ()))


def test_a_stream_that_is_switched_off_is_not_due(hub, connect, engine):
    connect(hub)
    streams.ensure_streams(hub, ["patients", "contacts"])
    moment = streams.now()
    assert set(streams.due_streams(moment)) == {(hub, "patients"), (hub, "contacts")}
    set_setting(hub, "sync_contacts", "off")
    assert streams.due_streams(moment) == [(hub, "patients")]
    set_setting(hub, "sync_contacts", "on")
    assert set(streams.due_streams(streams.now())) == {(hub, "patients"), (hub, "contacts")}


def test_a_stream_switched_on_later_begins_by_itself(hub, connect):
    """Nobody presses a button for it; an account whose first sync has not begun still waits for that."""
    connect(hub)
    set_setting(hub, "sync_contacts", "off")
    set_setting(hub, "sync_contacts", "on")
    assert streams.stream_states(hub) == []
    streams.ensure_streams(hub, ["patients"])
    set_setting(hub, "sync_contacts", "off")
    set_setting(hub, "sync_contacts", "on")
    assert (hub, "contacts") in streams.due_streams(streams.now())
