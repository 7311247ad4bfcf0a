"""Writing what stands in the calendar: individual and group appointments, their attendees, cancellations."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from webapp.sandbox.cliniko import actions, bodies
from webapp.sandbox.cliniko.checks import INVALID, Body, Errors, Wrong, record_id, whole
from webapp.sandbox.cliniko.errors import invalid
from webapp.sandbox.cliniko.lists import find
from webapp.sandbox.cliniko.records import created, updated, writable
from webapp.sandbox.cliniko.render import group_patients
from webapp.sandbox.cliniko.resources import BOOKINGS
from webapp.sandbox.cliniko.routing import Answer, Route
from webapp.sandbox.cliniko.table import Row

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.api import Call
    from webapp.sandbox.cliniko.model import ClinikoAccount

_BODIES: dict[str, Body] = {"individual_appointments": bodies.INDIVIDUAL, "group_appointments": bodies.GROUP}
_STEPS = {"Daily": 1, "Weekly": 7}


def create(call: Call, resource: str) -> Answer:
    values = _values(call, resource, None)
    status, shown = created(call, resource, values)
    repeats = [call.account.put(resource, row) for row in _series(values, shown["id"])]
    if resource == "individual_appointments":
        for number in [shown["id"], *(row["id"] for row in repeats)]:
            attendee = {"booking_id": number, "patient_id": values["patient_id"], "arrived": None}
            call.account.put("attendees", {**attendee, "patient_case_id": values.get("patient_case_id")})
    return status, shown


def _series(values: dict[str, Any], head: str) -> list[dict[str, Any]]:
    """The later appointments of a repeating one, each with an id of its own."""
    rule = values.get("repeat_rule") or {}
    made = []
    for turn in range(1, (rule.get("number_of_repeats") or 0) + 1):
        steps = turn * (rule.get("repeating_interval") or 1)
        moved = {name: _repeated(values[name], rule["repeat_type"], steps) for name in ("starts_at", "ends_at")}
        made.append({**values, **moved, "repeated_from_id": head})
    return made


def _repeated(stamp: str, kind: str, steps: int) -> str:
    start = datetime.fromisoformat(stamp)
    if kind in _STEPS:
        later = start + timedelta(days=steps * _STEPS[kind])
    else:
        month = start.month - 1 + steps
        day = min(start.day, 28)
        later = start.replace(year=start.year + month // 12, month=month % 12 + 1, day=day)
    return f"{later:%Y-%m-%dT%H:%M:%SZ}"


def update(call: Call, resource: str, number: int) -> Answer:
    row = writable(call, resource, number)
    values = _values(call, resource, row)
    if resource == "individual_appointments" and (shared := values.keys() & {"patient_id", "patient_case_id"}):
        for attendee in call.account.tables["attendees"].rows("booking_id", row["id"]):
            call.account.edit("attendees", attendee["id"], **{name: values[name] for name in shared})
    return updated(call, resource, row, values)


def _values(call: Call, resource: str, row: Row | None) -> dict[str, Any]:
    sent, errors = call.body(), Errors()
    values = _BODIES[resource].collect(call.account, sent, errors, creating=row is None)
    if "repeat_rule" in sent:
        try:
            values["repeat_rule"] = _rule(sent["repeat_rule"])
        except Wrong as wrong:
            errors["repeat_rule"] = str(wrong)
    if errors:
        raise invalid(errors)
    merged = {**(row or {}), **values}
    kind = call.account.tables["appointment_types"][int(merged["appointment_type_id"])]
    if row is None or ("ends_at" in values and values["ends_at"] is None):
        values["ends_at"] = values.get("ends_at") or _end(merged["starts_at"], kind)
    elif "starts_at" in values and "ends_at" not in values:
        length = datetime.fromisoformat(row["ends_at"]) - datetime.fromisoformat(row["starts_at"])
        values["ends_at"] = f"{datetime.fromisoformat(values['starts_at']) + length:%Y-%m-%dT%H:%M:%SZ}"
    if {**merged, **values}["ends_at"] <= merged["starts_at"]:
        raise invalid({"ends_at": "must be after the start"})
    if resource == "group_appointments" and row is None and values.get("max_attendees") is None:
        values["max_attendees"] = max(2, int(kind.get("max_attendees") or 2))
    return values


def _end(starts_at: str, kind: Row) -> str:
    minutes = int(kind.get("duration_in_minutes") or 30)
    return f"{datetime.fromisoformat(starts_at) + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def _rule(value: Any) -> dict[str, Any]:
    if not value:
        return {}
    if not isinstance(value, dict) or value.get("repeat_type") not in ("Daily", "Weekly", "Monthly"):
        raise Wrong(INVALID)
    return {
        "repeat_type": value["repeat_type"],
        "number_of_repeats": whole(1, 51)(value.get("number_of_repeats")) or 1,
        "repeating_interval": whole(1, 100)(value.get("repeating_interval")) or 1,
    }


def cancel(call: Call, resource: str, number: int) -> Answer:
    """Cancel an individual appointment, or one attendee of a group; nothing is answered."""
    account = call.account
    row = find(call, resource, number)
    sent = bodies.CANCELLATION.read(account, call.body(), creating=True)
    if resource == "attendees" and int(row.get("booking_id") or 0) not in account.tables["group_appointments"]:
        raise invalid({"booking": "is not a group appointment"})
    targets = [row]
    if resource == "individual_appointments" and sent.get("apply_to_repeats"):
        targets += _later_ones(account, row)
    for target in targets:
        note = sent.get("cancellation_note")
        actions.cancel(account, resource, target["id"], sent["cancellation_reason"], note)
    return 204, None


def _later_ones(account: ClinikoAccount, row: Row) -> list[Row]:
    """The rest of the series, from this appointment on."""
    head = row.get("repeated_from_id") or row["id"]
    series = account.tables["individual_appointments"].rows("repeated_from_id", head)
    return [one for one in series if one["starts_at"] > row["starts_at"] and not one.get("cancelled_at")]


def create_attendee(call: Call) -> Answer:
    sent, errors, account = call.body(), Errors(), call.account
    values = bodies.ATTENDEE.collect(account, sent, errors, creating=True)
    try:
        values["booking_id"] = record_id(account, "group_appointments")(sent.get("booking_id"))
    except Wrong as wrong:
        errors["appointment_id"] = str(wrong)
    if "appointment_id" not in errors and values["booking_id"] is None:
        errors["appointment_id"] = None  # named after the column, and without a reason
    if errors:
        raise invalid(errors)
    group = account.tables["group_appointments"][int(values["booking_id"])]
    taking_part = group_patients(account, group)
    if len(taking_part) >= int(group.get("max_attendees") or 2):
        raise invalid({"appointment": "is full"})
    if values["patient_id"] in taking_part:
        raise invalid({"patient": "has already been taken"})
    status, shown = created(call, "attendees", values)
    if account.switches.touch_parent_on_attendee:
        account.edit("group_appointments", group["id"])
    return status, shown


def update_attendee(call: Call, number: int) -> Answer:
    account = call.account
    row = writable(call, "attendees", number)
    values = bodies.ATTENDEE.read(account, {**call.body(), "patient_id": row["patient_id"]}, creating=False)
    arrived = values.pop("arrived", row.get("arrived"))
    if arrived is not row.get("arrived"):
        actions.set_arrival(account, row["id"], arrived)
    return updated(call, "attendees", row, values)


def conflicts(call: Call, resource: str, number: int) -> Answer:
    """Whether the practitioner has something else at the same time."""
    row = find(call, resource, number)
    return 200, {"conflicts": {"exist": any(_overlaps(row, other) for other in _same_day(call.account, row))}}


def _same_day(account: ClinikoAccount, row: Row) -> list[Row]:
    practitioner = str(row.get("practitioner_id"))
    return [other for name in BOOKINGS for other in account.tables[name].rows("practitioner_id", practitioner)]


def _overlaps(row: Row, other: Row) -> bool:
    gone = other.get("archived_at") or other.get("deleted_at") or other.get("cancelled_at")
    apart = other["ends_at"] <= row["starts_at"] or other["starts_at"] >= row["ends_at"]
    return other["id"] != row["id"] and not gone and not apart


_ONE = "/<int:number>"
ROUTES = [
    *(Route("POST", f"/{name}", create, name, {"resource": name}) for name in _BODIES),
    *(Route("PATCH", f"/{name}{_ONE}", update, name, {"resource": name}) for name in _BODIES),
    *(Route("GET", f"/{name}{_ONE}/conflicts", conflicts, name, {"resource": name}) for name in _BODIES),
    *(
        Route("PATCH", f"/{name}{_ONE}/cancel", cancel, name, {"resource": name})
        for name in ("individual_appointments", "attendees")
    ),
    Route("POST", "/attendees", create_attendee, "attendees"),
    Route("PATCH", f"/attendees{_ONE}", update_attendee, "attendees"),
]
