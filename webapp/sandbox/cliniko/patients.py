"""Writing patients and contacts, and a patient's referral source."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from webapp.sandbox.cliniko import bodies, customfields, referrals
from webapp.sandbox.cliniko.checks import INVALID, Errors, Wrong, id_list
from webapp.sandbox.cliniko.countries import country_changes
from webapp.sandbox.cliniko.errors import invalid
from webapp.sandbox.cliniko.lists import find
from webapp.sandbox.cliniko.records import created, updated, writable
from webapp.sandbox.cliniko.render import normalized, render
from webapp.sandbox.cliniko.routing import Answer, Route
from webapp.sandbox.cliniko.settings import setting
from webapp.sandbox.cliniko.table import Row

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.api import Call
    from webapp.sandbox.cliniko.model import ClinikoAccount

_PRONOUNS = ("nominative", "accusative", "pronominal_possessive", "predicative_possessive", "reflexive")


def create(call: Call) -> Answer:
    values = _patient(call, None)
    defaults = {
        "accepted_email_marketing": setting(call.account, "email", "patient_accept_email_marketing_by_default"),
        "accepted_sms_marketing": setting(call.account, "sms", "patient_accept_sms_marketing_by_default"),
        "reminder_type": setting(call.account, "reminders", "default_reminder_type"),
        "receives_confirmation_emails": True,
    }
    status, shown = created(call, "patients", {**defaults, **values})
    if text := values.get("referral_source"):
        referrals.write_text(call.account, shown["id"], text)
    return status, shown


def update(call: Call, number: int) -> Answer:
    row = writable(call, "patients", number)
    values = _patient(call, row)
    if (values.get("referral_source") or "") != (row.get("referral_source") or "") and "referral_source" in values:
        referrals.write_text(call.account, row["id"], values["referral_source"] or "")
    return updated(call, "patients", row, values)


def _patient(call: Call, row: Row | None) -> dict[str, Any]:
    sent, errors = call.body(), Errors()
    account = call.account
    values = bodies.PATIENT.collect(account, sent, errors, creating=row is None)
    values |= country_changes(sent, errors, by_name=True)
    _try(sent, "pronouns", values, errors, _pronouns)
    _try(sent, "custom_fields", values, errors, lambda value: _custom_fields(account, row, value))
    for name in ("reminders_communication_channels", "follow_ups_communication_channels"):
        _try(sent, name, values, errors, _channels)
    if errors:
        raise invalid(errors)
    if (unsubscribe := values.pop("unsubscribe_sms_marketing", None)) is not None:
        values["accepted_sms_marketing"] = not unsubscribe
    return _with_phones(account, row, values, "patient_phone_numbers")


def _try(sent: dict[str, Any], name: str, values: dict[str, Any], errors: Errors, check: Callable[[Any], Any]) -> None:
    if name in sent:
        try:
            values[name] = check(sent[name])
        except Wrong as wrong:
            errors[name] = str(wrong)


def _pronouns(value: Any) -> dict[str, str] | None:
    """All five forms, or none."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Wrong(INVALID)
    forms = {name: value.get(name) for name in _PRONOUNS}
    if not all(isinstance(form, str) and form.strip() for form in forms.values()):
        raise Wrong(INVALID)
    return {name: str(form) for name, form in forms.items()}


def _channels(value: Any) -> list[int]:
    numbers = [int(item) for item in id_list(value) or []]
    if not set(numbers) <= {1, 2}:
        raise Wrong(INVALID)
    return numbers


def _custom_fields(account: ClinikoAccount, row: Row | None, value: Any) -> Any:
    definition = account.settings.get("patient_custom_fields_definition")
    stored = row.get("custom_fields") if row is not None else None
    return customfields.read(value, definition, stored, replace=account.switches.custom_fields_replace)


def _with_phones(account: ClinikoAccount, row: Row | None, values: dict[str, Any], name: str) -> dict[str, Any]:
    """A list of numbers takes the place of the old one, or is merged into it where the switch says so."""
    if name in values and row is not None and not account.switches.phones_replace:
        country = row.get("country_code") or account.country_code
        sent = {(p["phone_type"], normalized(p["number"], country)) for p in values[name]}
        kept = [
            phone
            for phone in row.get(name) or []
            if (phone.get("phone_type"), normalized(phone.get("number"), country)) not in sent
        ]
        values[name] = [*kept, *values[name]]
    return values


def create_contact(call: Call) -> Answer:
    return created(call, "contacts", _contact(call, None))


def update_contact(call: Call, number: int) -> Answer:
    row = writable(call, "contacts", number)
    return updated(call, "contacts", row, _contact(call, row))


def _contact(call: Call, row: Row | None) -> dict[str, Any]:
    sent, errors = call.body(), Errors()
    values = bodies.CONTACT.collect(call.account, sent, errors, creating=row is None)
    values |= country_changes(sent, errors, by_name=False)
    if errors:
        raise invalid(errors)
    if values.get("type_code", 0) is None:
        values["type_code"] = 0
    return _with_phones(call.account, row, values, "phone_numbers")


def referral_source(call: Call, number: int) -> Answer:
    """How a patient came to the clinic; 404 while nothing is recorded."""
    row = referrals.of_patient(call.account, find(call, "patients", number)["id"])
    return 200, render(call.account, "referral_sources", row, call.base)


def update_referral_source(call: Call, number: int) -> Answer:
    patient = writable(call, "patients", number)
    row = referrals.write(call.account, patient["id"], call.body())
    return 200, render(call.account, "referral_sources", row, call.base)


_SOURCE = "/patients/<int:number>/referral_source"
ROUTES = [
    Route("POST", "/patients", create, "patients"),
    Route("PATCH", "/patients/<int:number>", update, "patients"),
    Route("POST", "/contacts", create_contact, "contacts"),
    Route("PATCH", "/contacts/<int:number>", update_contact, "contacts"),
    Route("GET", _SOURCE, referral_source, "referral_sources"),
    Route("PATCH", _SOURCE, update_referral_source, "referral_sources"),
]
