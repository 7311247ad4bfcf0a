"""Lists that start from another record, lists by state, and the routes of all that is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from webapp.sandbox.cliniko.errors import not_found
from webapp.sandbox.cliniko.lists import listing, show, tables
from webapp.sandbox.cliniko.query import Condition
from webapp.sandbox.cliniko.resource import NUMBER
from webapp.sandbox.cliniko.resources import RESOURCES
from webapp.sandbox.cliniko.routing import Answer, Route

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.api import Call


def nested(call: Call, resource: str, parent: str, column: str, number: int) -> Answer:
    """The rows of `resource` whose `column` is this record of `parent`, archived parents included."""
    if not any(number in table for table in tables(call.account, parent)):
        raise not_found()
    return listing(call, resource, [Condition(column, "=", str(number), NUMBER)])


def among(call: Call, resource: str, numbers: set[int]) -> Answer:
    return listing(call, resource, [Condition("id", "among", "", NUMBER, frozenset(numbers))])


def _staff(call: Call, *, working: bool) -> set[int]:
    rows = call.account.tables["practitioners"].items()
    return {number for number, row in rows if (row.get("active") is not False) is working}


def practitioners(call: Call, working: bool) -> Answer:
    return among(call, "practitioners", _staff(call, working=working))


def users(call: Call) -> Answer:
    rows = call.account.tables["users"].items()
    all_of_them = call.account.switches.users_list_inactive
    return among(call, "users", {number for number, row in rows if all_of_them or row.get("user_active") is not False})


def practitioners_of(call: Call, parent: str, working: bool, number: int) -> Answer:
    """Of an appointment type or a business; a row that names none belongs to all of them."""
    parent_row = call.account.tables[parent].get(number)
    if parent_row is None:
        raise not_found()
    staff = call.account.tables["practitioners"]
    if parent == "appointment_types":
        named = parent_row.get("practitioner_ids")
        here = set(staff) if named is None else {int(n) for n in named}
    else:
        here = {n for n, row in staff.items() if str(number) in row.get("business_ids", [str(number)])}
    return among(call, "practitioners", here & _staff(call, working=working))


def types_of_practitioner(call: Call, number: int) -> Answer:
    if number not in call.account.tables["practitioners"]:
        raise not_found()
    types = call.account.tables["appointment_types"].items()
    return among(
        call, "appointment_types", {n for n, row in types if str(number) in row.get("practitioner_ids", [str(number)])}
    )


def active_cases(call: Call) -> Answer:
    cases = call.account.tables["patient_cases"].items()
    return among(call, "patient_cases", {n for n, row in cases if not row.get("closed") and not row.get("closed_at")})


def invoices_of_attendee(call: Call, number: int) -> Answer:
    """Those of the same booking and patient."""
    attendee = call.account.tables["attendees"].get(number)
    if attendee is None:
        raise not_found()
    return _invoices(call, {(attendee.get("booking_id"), attendee.get("patient_id"))})


def of_case(call: Call, resource: str, number: int) -> Answer:
    """Bookings or invoices of one case, by way of its attendees."""
    if number not in call.account.tables["patient_cases"]:
        raise not_found()
    attendees = call.account.tables["attendees"].rows("patient_case_id", str(number))
    if resource == "bookings":
        return among(call, "bookings", {int(a["booking_id"]) for a in attendees})
    return _invoices(call, {(a.get("booking_id"), a.get("patient_id")) for a in attendees})


def _invoices(call: Call, pairs: set[tuple[str | None, str | None]]) -> Answer:
    """Invoices of these (booking, patient) pairs."""
    invoices = call.account.tables["invoices"]
    ids = invoices.matching("appointment_id", [booking for booking, _ in pairs if booking])
    return among(
        call, "invoices", {n for n in ids if (invoices[n]["appointment_id"], invoices[n].get("patient_id")) in pairs}
    )


# Read-only lists that are not simply "all rows of a table", or that have no single record.
_OTHERWISE = {"practitioners", "users", "unavailable_blocks"}
_NO_SINGLE = {"referral_sources"}
_OWN = [name for name in RESOURCES if name not in _OTHERWISE]
_SINGLE = [name for name in (*_OWN, "practitioners", "users") if name not in _NO_SINGLE]


def _get(path: str, shown: str, handler: Callable[..., Answer], **fixed: object) -> Route:
    return Route("GET", path, handler, shown, fixed)


def _children(path: str, resource: str, parent: str, column: str) -> Route:
    return _get(path, resource, nested, resource=resource, parent=parent, column=column)


ROUTES = [
    *(_get(f"/{name}", name, listing, resource=name) for name in _OWN),
    *(_get(f"/{name}/<int:number>", name, show, resource=name) for name in _SINGLE),
    _get("/users", "users", users),
    _get("/practitioners", "practitioners", practitioners, working=True),
    _get("/practitioners/inactive", "practitioners", practitioners, working=False),
    _get("/practitioners/<int:number>/appointment_types", "appointment_types", types_of_practitioner),
    *(
        _get(f"/{parent}/<int:number>/{end}", "practitioners", practitioners_of, parent=parent, working=working)
        for parent in ("appointment_types", "businesses")
        for end, working in (("practitioners", True), ("practitioners/inactive", False))
    ),
    _get("/patient_cases/active", "patient_cases", active_cases),
    _children("/group_appointments/<int:number>/attendees", "attendees", "group_appointments", "booking_id"),
    _children("/individual_appointments/<int:number>/attendees", "attendees", "individual_appointments", "booking_id"),
    _children("/patient_cases/<int:number>/attendees", "attendees", "patient_cases", "patient_case_id"),
    _children("/appointments/<int:number>/invoices", "invoices", "bookings", "appointment_id"),
    _children("/patients/<int:number>/invoices", "invoices", "patients", "patient_id"),
    _children("/practitioners/<int:number>/invoices", "invoices", "practitioners", "practitioner_id"),
    _children("/invoices/<int:number>/invoice_items", "invoice_items", "invoices", "invoice_id"),
    _get("/attendees/<int:number>/invoices", "invoices", invoices_of_attendee),
    _get("/patient_cases/<int:number>/bookings", "bookings", of_case, resource="bookings"),
    _get("/patient_cases/<int:number>/invoices", "invoices", of_case, resource="invoices"),
]
