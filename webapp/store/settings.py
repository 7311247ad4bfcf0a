"""Per-account settings: names, defaults, validation, and which streams re-read everything after a change."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select, update

from webapp.clients.urls import is_private
from webapp.clock import now
from webapp.extensions import db

from . import summaries
from .accounts import get_account
from .models_account import AccountSetting
from .models_sync import StreamState
from .sql import upsert
from .stream_rows import add_rows


class BadSetting(ValueError):
    """A setting name or value that is not accepted; the message names the setting and the remedy."""


@dataclass(frozen=True)
class AccountSettings:
    """All choices of one account. Defaults are the product's."""

    interval_minutes: int = 15
    sync_patients: bool = True
    sync_contacts: bool = True
    sync_appointments: bool = True
    sync_invoices: bool = True
    individual_appointments_days_forward: int = 45
    invoice_days_back: int = 365
    use_preferred_first_name: bool = False
    add_amount_to_appointments: bool = False
    prices_include_tax: bool = False
    deal_currency: str | None = None
    appointment_deal_owner: str = "practitioner"
    invoice_deal_owner: str = "practitioner"
    practitioner_owners: dict[str, str] = field(default_factory=dict)
    appointment_pipeline: str | None = None
    invoice_pipeline: str | None = None
    appointment_stages: dict[str, str] = field(default_factory=dict)
    invoice_stages: dict[str, str] = field(default_factory=dict)
    hold_doubtful_matches: bool = False
    match_by_phone: bool = False
    recreate_deleted_contacts: bool = False
    push_enabled: bool = True
    include_appointment_type: bool = True
    include_case_name: bool = True
    alert_email: str | None = None
    alert_webhook: str | None = None
    retention_days: int = 30


def _bool(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower()
    if word in ("on", "true", "yes", "1"):
        return True
    if word in ("off", "false", "no", "0"):
        return False
    raise ValueError("use on or off")


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def parse(raw: Any) -> int:
        text = str(raw).strip()
        number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else low - 1
        if not low <= number <= high:
            raise ValueError(f"use a whole number from {low} to {high}")
        return number

    return parse


def _owner(raw: Any) -> str:
    word = "" if raw is None else str(raw).strip().lower()
    if word in ("practitioner", "contact", "none") or re.fullmatch(r"[0-9]{1,19}", word):
        return word
    raise ValueError("use practitioner, contact, none or the id of a HubSpot owner")


def _text_map(raw: Any) -> dict[str, str]:
    try:
        value = json.loads(raw.strip() or "{}") if isinstance(raw, str) else raw
    except ValueError:
        value = None
    if not isinstance(value, dict) or not all(type(v) in (str, int) for v in value.values()):
        raise ValueError('use JSON of the form {"id": "id"}')
    return {str(k): str(v) for k, v in value.items()}


def _optional(parse: Callable[[str], str]) -> Callable[[Any], str | None]:
    def wrapped(raw: Any) -> str | None:
        text = "" if raw is None else str(raw).strip()
        return parse(text) if text else None

    return wrapped


def _currency(text: str) -> str:
    if re.fullmatch(r"[A-Za-z]{3}", text):
        return text.upper()
    raise ValueError("use a three-letter currency code such as AUD")


def _email(text: str) -> str:
    if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,63}", text):
        return text
    raise ValueError("use one email address such as owner@clinic.example")


def _web_address(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    plain = text.isascii() and text.isprintable() and " " not in text
    # Whoever may change a setting must not reach into the network that the service runs in.
    if plain and parts.scheme == "https" and host and parts.username is None and not is_private(host):
        return text
    raise ValueError("use a public address that starts with https://")


def _identifier(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", text):
        return text
    raise ValueError("use the id of a HubSpot pipeline")


PARSERS: dict[str, Callable[[Any], Any]] = {
    "interval_minutes": _whole(5, 60),
    "individual_appointments_days_forward": _whole(1, 730),
    "invoice_days_back": _whole(1, 3650),
    "retention_days": _whole(1, 365),
    "deal_currency": _optional(_currency),
    "appointment_deal_owner": _owner,
    "invoice_deal_owner": _owner,
    "practitioner_owners": _text_map,
    "appointment_stages": _text_map,
    "invoice_stages": _text_map,
    "appointment_pipeline": _optional(_identifier),
    "invoice_pipeline": _optional(_identifier),
    "alert_email": _optional(_email),
    "alert_webhook": _optional(_web_address),
    **{f.name: _bool for f in fields(AccountSettings) if isinstance(f.default, bool)},
}

# A change of these rewrites linked records, so the streams named here read everything once more.
REREADS: dict[str, tuple[str, ...]] = {
    "use_preferred_first_name": ("patients", "contacts", "appointments", "invoices"),
    "hold_doubtful_matches": ("patients", "contacts"),
    "match_by_phone": ("patients", "contacts"),
    "recreate_deleted_contacts": ("patients", "contacts"),
    "add_amount_to_appointments": ("appointments",),
    "prices_include_tax": ("appointments",),
    "appointment_deal_owner": ("appointments",),
    "practitioner_owners": ("appointments", "invoices"),
    "appointment_pipeline": ("appointments",),
    "appointment_stages": ("appointments",),
    "include_appointment_type": ("appointments",),
    "include_case_name": ("appointments",),
    "deal_currency": ("appointments", "invoices"),
    "invoice_deal_owner": ("invoices",),
    "invoice_days_back": ("invoices",),
    "invoice_pipeline": ("invoices",),
    "invoice_stages": ("invoices",),
}
# A change of these changes the visit summary on contacts, whichever stream writes it.
RESUMMARISES = frozenset({"include_appointment_type", "sync_invoices"})


def parse_setting(name: str, raw: Any) -> Any:
    """The validated value, or BadSetting."""
    parser = PARSERS.get(name)
    if parser is None:
        raise BadSetting(f"{name} is not a setting. Run `settings show` for the names.")
    try:
        return parser(raw)
    except ValueError as problem:
        raise BadSetting(f"{name}: {problem}.") from None


def get_settings(hub_id: int) -> AccountSettings:
    rows = db.session.scalars(select(AccountSetting).where(AccountSetting.hub_id == hub_id))
    known = {f.name for f in fields(AccountSettings)}
    return AccountSettings(**{row.name: row.value for row in rows if row.name in known})


def set_setting(hub_id: int, name: str, raw: Any) -> Any:
    """Validate and store one setting; returns its value. Streams that must rewrite records are told to re-read."""
    get_account(hub_id)
    value = parse_setting(name, raw)
    before = getattr(get_settings(hub_id), name)
    upsert(
        AccountSetting, [{"hub_id": hub_id, "name": name, "value": value, "updated_at": now()}], keys=["hub_id", "name"]
    )
    if value != before:
        for stream in REREADS.get(name, ()):
            db.session.execute(
                update(StreamState)
                .where(StreamState.hub_id == hub_id, StreamState.stream == stream)
                .values(reread=True)
            )
        if name in RESUMMARISES:
            summaries.touch_all(hub_id)
        if name.startswith("sync_"):
            _switch(hub_id, name.removeprefix("sync_"), bool(value))
    db.session.commit()
    return value


def _switch(hub_id: int, stream: str, on: bool) -> None:
    """A stream that is switched off rests where it is; switched on again it goes on from there. One that never ran
    begins by itself, unless the account's first sync is still to come."""
    query = update(StreamState).where(StreamState.hub_id == hub_id, StreamState.stream == stream)
    if on:
        if db.session.scalar(select(StreamState.stream).where(StreamState.hub_id == hub_id).limit(1)) is not None:
            add_rows(hub_id, [stream])
        db.session.execute(query.where(StreamState.state == "off").values(state="idle", next_run_at=now()))
    else:
        db.session.execute(query.values(state="off"))
