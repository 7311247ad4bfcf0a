"""The account's settings, in full and public, and the user behind the key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webapp.sandbox.cliniko.render import render
from webapp.sandbox.cliniko.routing import Answer, Route

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.api import Call
    from webapp.sandbox.cliniko.model import ClinikoAccount

# Parts that only a role with access to the settings sees.
_PRIVATE = ("integrations", "patient_privacy", "sms", "email", "documents_and_printing", "wait_list")


def answer(account: ClinikoAccount, base: str) -> dict[str, Any]:
    """All settings: what an account starts with, under whatever `account.settings` says otherwise."""
    start: dict[str, Any] = {
        "terminology": {"patient": "patient", "titles": ["Mr", "Mrs", "Ms", "Miss", "Mx", "Dr"]},
        "account": {
            "id": account.id,
            "name": account.name,
            "country": account.country,
            "country_code": account.country_code,
            "currency_symbol": account.currency_symbol,
            "subdomain": account.subdomain,
            "time_zone_support": True,
            "email_from": f"reception@{account.subdomain}.example",
        },
        "calendar": {
            "start_hour": 7,
            "end_hour": 20,
            "timeslot_height_in_pixels": 15,
            "timeslot_size_in_minutes": 15,
            "show_current_time_indicator": True,
            "multiple_appointments_gap": False,
        },
        "online_bookings": {
            "enabled": True,
            "logo_url": None,
            "policy": None,
            "min_hours_advance_required_to_book": 2,
            "min_hours_notice_for_patient_cancellation": 24,
            "max_appointments_per_day_segment": 5,
            "require_patient_address": False,
            "show_appointment_duration": True,
            "show_prices": False,
        },
        "online_payments": {"activated": False},
        "patient_custom_fields_definition": {"sections": []},
        "reminders": {"default_reminder_type": "SMS & Email"},
        "documents_and_printing": {"logo_url": None, "logo_height": 0},
        "email": {"patient_accept_email_marketing_by_default": False},
        "sms": {"patient_accept_sms_marketing_by_default": False, "replies_supported": True},
        "integrations": {name: {"enabled": False} for name in ("mail_chimp", "xero", "medipass")},
        "patient_privacy": {"requires_hipaa_compliance": False, "anonymise_appointments_on_deletion": False},
        "wait_list": {"default_wait_list_expiry_period": 30},
    }
    return {**_over(start, account.settings), "links": {"self": f"{base}/settings"}}


def _over(start: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    merged = dict(start)
    for name, value in other.items():
        below = merged.get(name)
        merged[name] = _over(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged


def setting(account: ClinikoAccount, part: str, name: str) -> Any:
    return (answer(account, "").get(part) or {}).get(name)


def full(call: Call) -> Answer:
    return 200, answer(call.account, call.base)


def public(call: Call) -> Answer:
    shown = {name: part for name, part in answer(call.account, call.base).items() if name not in _PRIVATE}
    return 200, {**shown, "links": {"self": f"{call.base}/settings/public"}}


def own_user(call: Call) -> Answer:
    return 200, render(call.account, "users", call.user, call.base)


ROUTES = [
    Route("GET", "/settings", full, "settings"),
    Route("GET", "/settings/public", public),
    Route("GET", "/user", own_user),
]
