"""What a person does in Cliniko: archive, merge, cancel, mark arrivals, move, settle invoices.

The API does some of it too. The account's switches say what each of these leaves untouched.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from webapp.sandbox.cliniko.render import STATUSES, booking
from webapp.sandbox.cliniko.resources import BOOKINGS, RESOURCES
from webapp.sandbox.cliniko.table import Row

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.model import ClinikoAccount

REASONS = {
    10: "Feeling Better",
    20: "Condition Worse",
    30: "Sick",
    31: "COVID-19 related",
    40: "Away",
    50: "Other",
    60: "Work",
}
_NOT_CANCELLED: dict[str, Any] = {
    "cancelled_at": None,
    "cancellation_reason": None,
    "cancellation_reason_description": "",
    "cancellation_note": None,
}


def archive(account: ClinikoAccount, resource: str, id: str) -> Row:
    """Archive a record; an appointment takes its attendees along, an invoice its items."""
    with account.lock:
        now = account.stamp()
        for kind, number in [(resource, id), *_parts(account, resource, id)]:
            changes = {"archived_at": now}
            if account.switches.archived_and_deleted_together and "deleted_at" in RESOURCES[kind].fields:
                changes["deleted_at"] = now
            row = account.tables[kind][int(number)]
            if not row.get("archived_at"):
                account.edit(kind, number, touch=account.switches.touch_on_archive, **changes)
        return account.tables[resource][int(id)]


def unarchive(account: ClinikoAccount, resource: str, id: str) -> Row:
    return account.edit(resource, id, touch=account.switches.touch_on_archive, archived_at=None, deleted_at=None)


def _parts(account: ClinikoAccount, resource: str, id: str) -> list[tuple[str, str]]:
    if resource in BOOKINGS:
        return [("attendees", row["id"]) for row in account.tables["attendees"].rows("booking_id", id)]
    if resource == "invoices":
        return [("invoice_items", row["id"]) for row in account.tables["invoice_items"].rows("invoice_id", id)]
    return []


def merge_patients(account: ClinikoAccount, loser: str, survivor: str) -> Row:
    """Archive `loser` in favour of `survivor`, who takes over everything that was the loser's."""
    with account.lock:
        both = [account.tables["patients"][int(id)] for id in (loser, survivor)]
        if both[0] is both[1] or any(row.get("merged_at") for row in both):
            raise ValueError("a patient is merged once, and into another one that is not merged")
        for resource in ("individual_appointments", "attendees", "invoices", "patient_cases"):
            for row in account.tables[resource].rows("patient_id", loser):
                touch = account.switches.touch_children_on_merge
                account.edit(resource, row["id"], touch=touch, patient_id=str(survivor))
        _merge_referral(account, loser, survivor)
        account.edit("patients", survivor)
        archive(account, "patients", loser)
        return account.edit("patients", loser, merged_at=account.stamp(), merged_with_patient_id=str(survivor))


def _merge_referral(account: ClinikoAccount, loser: str, survivor: str) -> None:
    """The survivor keeps its own referral source, or takes the loser's."""
    sources = account.tables["referral_sources"]
    kept = sources.rows("patient_id", survivor)
    for row in sources.rows("patient_id", loser):
        if not kept:
            touch = account.switches.touch_children_on_merge
            account.edit("referral_sources", row["id"], touch=touch, patient_id=str(survivor))


def cancel(account: ClinikoAccount, resource: str, id: str, reason: int = 50, note: str | None = None) -> Row:
    """Cancel an individual appointment or one attendee; each takes the other along."""
    changes = {
        "cancelled_at": account.stamp(),
        "cancellation_reason": reason,
        "cancellation_reason_description": REASONS[reason],
        "cancellation_note": note,
    }
    return _change_pair(account, resource, id, changes, account.switches.touch_on_cancel)


def uncancel(account: ClinikoAccount, resource: str, id: str) -> Row:
    return _change_pair(account, resource, id, _NOT_CANCELLED, account.switches.touch_on_cancel)


def _change_pair(account: ClinikoAccount, resource: str, id: str, changes: dict[str, Any], touch: bool) -> Row:
    with account.lock:
        row = account.edit(resource, id, touch=touch, **changes)
        if resource == "individual_appointments":
            for attendee in account.tables["attendees"].rows("booking_id", row["id"]):
                account.edit("attendees", attendee["id"], touch=touch, **changes)
        elif (parent := row.get("booking_id")) and int(parent) in account.tables["individual_appointments"]:
            account.edit("individual_appointments", parent, touch=touch, **changes)
        return row


def set_arrival(account: ClinikoAccount, attendee_id: str, arrived: bool | None) -> Row:
    """True arrived, False did not arrive, None unknown; an individual appointment shows it in two fields."""
    with account.lock:
        row = account.edit("attendees", attendee_id, arrived=arrived)
        parent = booking(account, row.get("booking_id"))
        if parent is not None:
            changes: dict[str, Any] = {}
            if int(parent["id"]) in account.tables["individual_appointments"]:
                # Un-ticking either box leaves both empty rather than false.
                shown = (None, None) if arrived is None else (arrived, not arrived)
                changes = {"patient_arrived": shown[0], "did_not_arrive": shown[1]}
            account.edit(
                kind_of(account, parent["id"]), parent["id"], touch=account.switches.touch_parent_on_attendee, **changes
            )
        return row


def kind_of(account: ClinikoAccount, booking_id: str) -> str:
    """Which table holds this booking. Raises KeyError when none does."""
    for name in BOOKINGS:
        if int(booking_id) in account.tables[name]:
            return name
    raise KeyError(booking_id)


def move(account: ClinikoAccount, booking_id: str, days: int) -> Row:
    """Put an appointment on another day; its id stays."""
    with account.lock:
        kind = kind_of(account, booking_id)
        row = account.tables[kind][int(booking_id)]
        changes: dict[str, Any] = {name: _later(row[name], days) for name in ("starts_at", "ends_at") if row.get(name)}
        return account.edit(kind, booking_id, **changes)


def _later(stamp: str, days: int) -> str:
    return f"{datetime.fromisoformat(stamp) + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


def set_invoice(account: ClinikoAccount, invoice_id: str, status: int) -> Row:
    """10 open, 20 paid, 30 closed, 40 open credit. Paid and closed ones have a closing time."""
    with account.lock:
        closed = account.stamp() if status in (20, 30) else None
        row = account.edit("invoices", invoice_id, status=status, status_description=STATUSES[status], closed_at=closed)
        touch = account.switches.touch_parent_on_invoice
        parent = row.get("appointment_id")
        if parent and int(parent) in account.tables["individual_appointments"]:
            account.edit("individual_appointments", parent, touch=touch, invoice_status=status)
        for attendee in account.tables["attendees"].rows("booking_id", parent or ""):
            if attendee.get("patient_id") == row.get("patient_id"):
                account.edit("attendees", attendee["id"], touch=touch, invoice_status=status)
        return row
