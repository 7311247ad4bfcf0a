"""Stored rows as the API shows them: link objects, derived values, and the shapes of absent relations."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from webapp.sandbox.cliniko.resource import Resource
from webapp.sandbox.cliniko.resources import BOOKINGS, RESOURCES
from webapp.sandbox.cliniko.table import Row

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.model import ClinikoAccount

Shown = dict[str, Any]
_CALLING = {"AU": "61", "NZ": "64", "GB": "44", "IE": "353", "ZA": "27", "US": "1", "CA": "1"}
STATUSES = {10: "Open", 20: "Paid", 30: "Closed", 40: "Open credit"}
CONTACT_TYPES = {0: "Standard", 1: "Doctor", 2: "3rd Party Payer"}


def link(address: str) -> Shown:
    return {"links": {"self": address}}


def render(account: ClinikoAccount, resource: str, row: Row, base: str) -> Shown:
    """One record; `base` is the address of the API, ending in /v1."""
    if resource == "bookings":
        kind = next(name for name in BOOKINGS if int(row["id"]) in account.tables[name])
        return {**render(account, kind, row, base), **link(f"{base}/bookings/{row['id']}")}
    described = RESOURCES[resource]
    shown: Shown = {"id": row["id"]}
    for name, default in described.fields.items():
        shown[name] = row.get(name, default)
    shown["created_at"], shown["updated_at"] = row["created_at"], row["updated_at"]
    _relations(account, described, row, base, shown)
    for name, path in described.collections.items():
        shown[name] = link(f"{base}/{path.format(id=row['id'])}")
    shown["links"] = {"self": f"{base}/{resource}/{row['id']}"}
    if derive := _DERIVED.get(resource):
        derive(account, row, base, shown)
    return shown


def _relations(account: ClinikoAccount, described: Resource, row: Row, base: str, shown: Shown) -> None:
    absent = account.switches.absent_relation
    for name, target in described.links.items():
        held = row.get(f"{name}_id")
        if held:
            shown[name] = link(f"{base}/{target}/{held}")
        elif absent != "missing":
            shown[name] = None if absent == "null" else {}


def full_name(row: Row) -> str:
    return f"{row.get('first_name') or ''} {row.get('last_name') or ''}".strip()


def _phones(phones: Any, country: str) -> list[Shown]:
    return [{"normalized_number": normalized(phone.get("number"), country), **phone} for phone in phones or []]


def normalized(number: Any, country: str) -> str:
    """Digits with the country's calling code in front."""
    text = str(number or "")
    digits = re.sub(r"\D", "", text)
    if text.lstrip().startswith("+") or not digits:
        return digits
    code = _CALLING.get(country, "61")
    if digits.startswith("0"):
        return code + digits.lstrip("0")
    return digits if digits.startswith(code) and len(digits) > 9 else code + digits


def _patient(account: ClinikoAccount, row: Row, base: str, shown: Shown) -> None:
    shown["label"] = row.get("label") or full_name(row)
    country = row.get("country_code") or account.country_code
    shown["patient_phone_numbers"] = _phones(row.get("patient_phone_numbers"), country)
    if "latest_booking_id" not in row and (latest := latest_booking(account, row["id"])):
        shown["latest_booking"] = link(f"{base}/bookings/{latest}")


def latest_booking(account: ClinikoAccount, patient_id: str) -> str | None:
    """The booking of this patient that starts last."""
    starts = []
    for attendee in account.tables["attendees"].rows("patient_id", patient_id):
        found = booking(account, attendee.get("booking_id"))
        if found is not None and not attendee.get("archived_at"):
            starts.append((found.get("starts_at") or "", found["id"]))
    return max(starts)[1] if starts else None


def booking(account: ClinikoAccount, number: str | None) -> Row | None:
    """The appointment or block with this number, whichever kind it is."""
    if not number:
        return None
    return next((row for name in BOOKINGS if (row := account.tables[name].get(int(number)))), None)


def _contact(account: ClinikoAccount, row: Row, base: str, shown: Shown) -> None:
    shown["type"] = CONTACT_TYPES.get(shown["type_code"] or 0)
    shown["phone_numbers"] = _phones(row.get("phone_numbers"), row.get("country_code") or account.country_code)


def _individual(account: ClinikoAccount, row: Row, base: str, shown: Shown) -> None:
    patient = account.tables["patients"].get(int(row.get("patient_id") or 0))
    if patient is not None:
        shown["patient_name"] = full_name(patient)
    if "invoice_status" not in row:
        shown["invoice_status"] = invoice_status(account, row["id"], row.get("patient_id"))
    _repeats("individual_appointments")(account, row, base, shown)


def _group(account: ClinikoAccount, row: Row, base: str, shown: Shown) -> None:
    shown["patient_ids"] = group_patients(account, row)
    _repeats("group_appointments")(account, row, base, shown)


def group_patients(account: ClinikoAccount, row: Row) -> list[str]:
    """The patients who take part now."""
    attendees = account.tables["attendees"].rows("booking_id", row["id"])
    return [attendee["patient_id"] for attendee in attendees if takes_part(attendee)]


def takes_part(attendee: Row) -> bool:
    return not attendee.get("archived_at") and not attendee.get("cancelled_at")


def _repeats(resource: str) -> Callable[[ClinikoAccount, Row, str, Shown], None]:
    def derive(account: ClinikoAccount, row: Row, base: str, shown: Shown) -> None:
        if row.get("repeat_rule") and not row.get("repeated_from_id"):
            shown["repeats"] = link(f"{base}/{resource}?q[]=repeated_from_id:={row['id']}")

    return derive


def _attendee(account: ClinikoAccount, row: Row, base: str, shown: Shown) -> None:
    if "invoice_status" not in row:
        shown["invoice_status"] = invoice_status(account, row.get("booking_id"), row.get("patient_id"))


def invoice_status(account: ClinikoAccount, booking_id: str | None, patient_id: str | None) -> int | None:
    """The status of the newest invoice of this patient for this booking."""
    if not booking_id:
        return None
    for invoice in reversed(account.tables["invoices"].rows("appointment_id", booking_id)):
        gone = invoice.get("archived_at") or invoice.get("deleted_at")
        if not gone and invoice.get("patient_id") in (patient_id, None):
            return int(invoice.get("status") or 10)
    return None


def _invoice(account: ClinikoAccount, row: Row, base: str, shown: Shown) -> None:
    shown["status_description"] = STATUSES.get(shown["status"], "Open")


def _tax(account: ClinikoAccount, row: Row, base: str, shown: Shown) -> None:
    shown["amount"] = shown["rate"]  # a duplicate that is no money, kept by the API for old callers


def _practitioner(account: ClinikoAccount, row: Row, base: str, shown: Shown) -> None:
    shown["label"] = row.get("label") or full_name(row)


def _case(account: ClinikoAccount, row: Row, base: str, shown: Shown) -> None:
    if "attendee_ids" not in row:
        shown["attendee_ids"] = [a["id"] for a in account.tables["attendees"].rows("patient_case_id", row["id"])]
    shown["closed"] = bool(row.get("closed") or row.get("closed_at"))


def _referral(account: ClinikoAccount, row: Row, base: str, shown: Shown) -> None:
    referrer = row.get("referrer")
    shown["referrer"] = shown["referrer_type"] = None
    if referrer:
        kind = "Contact" if referrer["type"].lower().startswith("contact") else "Patient"
        shown["referrer_type"] = kind
        shown["referrer"] = link(f"{base}/{kind.lower()}s/{referrer['id']}")
    shown["links"] = {"self": f"{base}/patients/{row['patient_id']}/referral_source"}


def _referral_type(account: ClinikoAccount, row: Row, base: str, shown: Shown) -> None:
    if kind := row.get("referrer_type"):
        shown["referrers"] = link(f"{base}/{kind.lower()}s")


_DERIVED: dict[str, Callable[[ClinikoAccount, Row, str, Shown], None]] = {
    "patients": _patient,
    "contacts": _contact,
    "individual_appointments": _individual,
    "group_appointments": _group,
    "unavailable_blocks": _repeats("unavailable_blocks"),
    "attendees": _attendee,
    "invoices": _invoice,
    "taxes": _tax,
    "practitioners": _practitioner,
    "patient_cases": _case,
    "referral_sources": _referral,
    "referral_source_types": _referral_type,
}
