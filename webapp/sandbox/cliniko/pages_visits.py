"""Pages about appointments and invoices, with what a receptionist does to them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from markupsafe import Markup
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from webapp.sandbox.cliniko import actions
from webapp.sandbox.cliniko.frame import asked, button, counted, cut, local, missing, page
from webapp.sandbox.cliniko.render import STATUSES, full_name
from webapp.sandbox.cliniko.table import Row
from webapp.sandbox.page import cells, join, pager, search_form, table

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.model import ClinikoAccount

_ARRIVALS: dict[str, bool | None] = {"arrived": True, "did-not-arrive": False, "no-arrival": None}
_DAYS = {"later": 1, "earlier": -1}
_INVOICE = {"paid": 20, "closed": 30, "reopened": 10}


def appointments(account: ClinikoAccount, request: Request) -> Response:
    """One line per patient and appointment: from today on, then the past backwards (`q` searches names and ids)."""
    words, number = asked(request)
    rows = account.tables["attendees"]
    found = [n for n in rows.ids() if not words or words in _visit_words(account, rows[n])]
    starts = {n: (_booking(account, rows[n]) or {}).get("starts_at") or "" for n in found}
    today = account.stamp()[:10]
    ahead = sorted((n for n in found if starts[n] >= today), key=starts.__getitem__)
    past = sorted((n for n in found if starts[n] < today), key=starts.__getitem__, reverse=True)
    found = [*ahead, *past]
    shown = [_visit(account, rows[n]) for n in cut(found, number)]
    heads = ("Start", "Patient", "Type", "With", "State", "Change")
    body = Markup("{}<p>{}</p>{}{}").format(
        search_form(words), counted(found, "appointment"), table(heads, shown), pager(words, number, len(found))
    )
    return page(f"Appointments of {account.name}", body, account=account)


def _booking(account: ClinikoAccount, attendee: Row) -> Row | None:
    number = int(attendee.get("booking_id") or 0)
    tables = account.tables
    return tables["individual_appointments"].get(number) or tables["group_appointments"].get(number)


def _name(account: ClinikoAccount, resource: str, id: str | None) -> str:
    row = account.tables[resource].get(int(id or 0))
    if row is None:
        return ""
    return str(row.get("name") or full_name(row))


def _visit_words(account: ClinikoAccount, attendee: Row) -> str:
    patient = attendee.get("patient_id")
    return f"{_name(account, 'patients', patient)} {patient} {attendee['id']} {attendee.get('booking_id')}".lower()


def _visit(account: ClinikoAccount, attendee: Row) -> Markup:
    booked = _booking(account, attendee) or {}
    patient = attendee.get("patient_id")
    name = _name(account, "patients", patient)
    link = Markup('<a href="/accounts/{}/patients/{}">{}</a>').format(account.id, patient, name)
    kind = _name(account, "appointment_types", booked.get("appointment_type_id"))
    group = "max_attendees" in booked
    values = (
        local(account, booked.get("starts_at")),
        link,
        f"{kind} (group)" if group else kind,
        _name(account, "practitioners", booked.get("practitioner_id")),
        _state(attendee, booked),
        _visit_buttons(account, attendee, booked, name),
    )
    return Markup("<tr>{}</tr>").format(cells(values))


def _state(attendee: Row, booked: Row) -> str:
    if attendee.get("archived_at") or booked.get("archived_at"):
        return "Removed"
    if attendee.get("cancelled_at"):
        return "Cancelled"
    return {True: "Arrived", False: "Did not arrive", None: "Booked"}[attendee.get("arrived")]


def _visit_buttons(account: ClinikoAccount, attendee: Row, booked: Row, name: str) -> Markup:
    if not booked or attendee.get("archived_at") or booked.get("archived_at"):
        return Markup("")
    one = f"/accounts/{account.id}/attendees/{attendee['id']}"
    whole = f"/accounts/{account.id}/appointments/{booked['id']}"
    if attendee.get("cancelled_at"):
        return button(f"{one}/uncancel", "Un-cancel", name)
    arrival = [("arrived", "Arrived"), ("did-not-arrive", "Did not arrive"), ("no-arrival", "Clear")]
    held = attendee.get("arrived")
    shown = [button(f"{one}/{action}", label, name) for action, label in arrival if _ARRIVALS[action] is not held]
    shown += [button(f"{one}/cancel", "Cancel", name)]
    shown += [button(f"{whole}/{action}", f"A day {action}", name) for action in _DAYS]
    shown += [button(f"{whole}/archive", "Remove", name)]
    return join(shown)


def invoices(account: ClinikoAccount, request: Request) -> Response:
    """Invoices, newest first (`q` searches number, id and patient)."""
    words, number = asked(request)
    rows = account.tables["invoices"]
    found = [n for n in reversed(rows.ids()) if not words or words in _invoice_words(account, rows[n])]
    shown = [_invoice(account, rows[n]) for n in cut(found, number)]
    heads = ("Number", "Issued", "Patient", "Total", "State", "Change")
    body = Markup("{}<p>{}</p>{}{}").format(
        search_form(words), counted(found, "invoice"), table(heads, shown), pager(words, number, len(found))
    )
    return page(f"Invoices of {account.name}", body, account=account)


def _invoice_words(account: ClinikoAccount, row: Row) -> str:
    patient = row.get("patient_id")
    return f"{row.get('number')} {row['id']} {patient} {_name(account, 'patients', patient)}".lower()


def _invoice(account: ClinikoAccount, row: Row) -> Markup:
    name = _name(account, "patients", row.get("patient_id"))
    at = f"/accounts/{account.id}/invoices/{row['id']}"
    status = int(row.get("status") or 10)
    gone = row.get("archived_at") or row.get("deleted_at")
    labels = {"paid": "Paid", "closed": "Closed", "reopened": "Reopen"}
    offered = [] if gone else [action for action, target in _INVOICE.items() if target != status]
    buttons = [button(f"{at}/{action}", labels[action], f"invoice {row.get('number')}") for action in offered]
    values = (
        row.get("number"),
        row.get("issue_date"),
        name,
        f"{account.currency_symbol}{Decimal(row.get('total_amount') or 0):,.2f}",
        "Removed" if gone else STATUSES.get(status, ""),
        join(buttons),
    )
    return Markup("<tr>{}</tr>").format(cells(values))


def act(account: ClinikoAccount, request: Request, what: str, id: str, action: str) -> Response:
    try:
        if what == "invoices":
            actions.set_invoice(account, id, _INVOICE[action])
        elif what == "appointments" and action == "archive":
            actions.archive(account, actions.kind_of(account, id), id)
        elif what == "appointments":
            actions.move(account, id, _DAYS[action])
        elif action == "cancel":
            actions.cancel(account, "attendees", id)
        elif action == "uncancel":
            actions.uncancel(account, "attendees", id)
        else:
            actions.set_arrival(account, id, _ARRIVALS[action])
    except KeyError:
        return missing()
    listed = "invoices" if what == "invoices" else "appointments"
    return redirect(request.referrer or f"/accounts/{account.id}/{listed}")
