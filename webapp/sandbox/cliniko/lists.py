"""Reading: lists with filters, order and pages, and single records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from webapp.sandbox.cliniko import query
from webapp.sandbox.cliniko.errors import bad_filter, not_found
from webapp.sandbox.cliniko.query import Condition
from webapp.sandbox.cliniko.render import render, takes_part
from webapp.sandbox.cliniko.resource import ARRAY
from webapp.sandbox.cliniko.resources import BOOKINGS, RESOURCES
from webapp.sandbox.cliniko.routing import Answer
from webapp.sandbox.cliniko.table import Row, Table

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.api import Call
    from webapp.sandbox.cliniko.model import ClinikoAccount

PER_PAGE, MOST = 50, 100
_REVEALS = ("archived_at", "deleted_at", "cancelled_at")


def tables(account: ClinikoAccount, resource: str) -> list[Table]:
    return [account.tables[name] for name in (BOOKINGS if resource == "bookings" else (resource,))]


def listing(call: Call, resource: str, extra: Sequence[Condition] = ()) -> Answer:
    """One page of the rows that fit the caller's filters and `extra`."""
    account = call.account
    conditions = [*extra, *_conditions(call, resource)]
    hidden = _hidden(account, resource, conditions)
    where = tables(account, resource)
    numbers: list[int] = []
    for table in where:
        numbers += query.select(table, conditions, hidden, account.switches.strings_ignore_case)
    if len(where) > 1:
        numbers.sort()
    found = query.order(
        numbers,
        lambda number: _row(where, number),
        _sort(call, resource),
        len(where) == 1 and where[0].created_in_id_order(),
    )
    page, size = _paging(call)
    shown = [render(account, resource, _row(where, n), call.base) for n in found[(page - 1) * size : page * size]]
    return 200, {resource: shown, "total_entries": len(found), "links": _links(call, page, size, len(found))}


def _row(where: Sequence[Table], number: int) -> Row:
    return next(table[number] for table in where if number in table)


def _conditions(call: Call, resource: str) -> list[Condition]:
    args = call.request.args
    parsed = query.parse(chain(args.getlist("q[]"), args.getlist("q")), RESOURCES[resource].filters)
    return [_elsewhere(call.account, resource, condition) for condition in parsed]


def _elsewhere(account: ClinikoAccount, resource: str, condition: Condition) -> Condition:
    """Conditions on what is not a column of the row itself."""
    if resource == "attendees" and condition.field == "appointment_id":
        return replace(condition, field="booking_id")
    if condition.field == "patient_ids":
        attendees = account.tables["attendees"].rows("patient_id", condition.value)
        taking_part = {int(row["booking_id"]) for row in attendees if takes_part(row)}
        own = account.tables["individual_appointments"].matching("patient_id", [condition.value])
        return replace(condition, among=frozenset(taking_part | own))
    return condition


def _hidden(account: ClinikoAccount, resource: str, conditions: Sequence[Condition]) -> list[str]:
    revealed = {condition.field for condition in conditions if condition.field in _REVEALS}
    if revealed and not account.switches.reveals_independent:
        return []
    return [name for name in RESOURCES[resource].hides if name not in revealed]


def _sort(call: Call, resource: str) -> list[tuple[str, bool]]:
    """(column, descending) pairs; creation time when nothing (or nothing that is honoured) was asked for."""
    filters = RESOURCES[resource].filters
    descending = call.request.args.get("order") == "desc"
    wanted = []
    for part in filter(None, call.request.args.get("sort", "").split(",")):
        column, _, direction = part.strip().partition(":")
        if filters.get(column) in (None, ARRAY) or direction not in ("", "asc", "desc"):
            raise bad_filter("This column is not sortable.")
        if column != "id" or call.account.switches.honours_id_sort:
            wanted.append((column, direction == "desc" if direction else descending))
    return wanted or [("created_at", descending and "sort" not in call.request.args)]


def _paging(call: Call) -> tuple[int, int]:
    page = call.request.args.get("page", 1, type=int)
    size = call.request.args.get("per_page", PER_PAGE, type=int)
    if size > MOST and not call.account.switches.clamp_per_page:
        raise bad_filter("per_page must be between 1 and 100.")
    return max(1, page), min(MOST, size) if size > 0 else PER_PAGE


def _links(call: Call, page: int, size: int, total: int) -> dict[str, str]:
    """Whole addresses with every parameter percent-encoded, the way Cliniko prints them."""
    kept = [(name, value) for name, value in call.request.args.items(multi=True) if name != "page"]
    path = call.base + call.request.path.removeprefix("/v1").rstrip("/")

    def at(number: int) -> str:
        return f"{path}?{urlencode([('page', number), *kept])}"

    links = {"self": at(page)}
    if page > 1:
        links["previous"] = at(page - 1)
    if page * size < total:
        links["next"] = at(page + 1)
    return links


def find(call: Call, resource: str, number: int) -> Row:
    """A record as the caller may see it: hidden ones only with a reveal filter, else the 404."""
    account = call.account
    row = next((table[number] for table in tables(account, resource) if number in table), None)
    hides = RESOURCES[resource].hides
    reveals = {name: kind for name, kind in RESOURCES[resource].filters.items() if name in hides}
    conditions = query.parse(call.request.args.getlist("q[]"), reveals)
    if row is None or any(row.get(name) for name in _hidden(account, resource, conditions)):
        raise not_found()
    one = Table()
    one[number] = row
    if not query.select(one, conditions, (), ignore_case=True):
        raise not_found()
    return row


def show(call: Call, resource: str, number: int) -> Answer:
    return 200, render(call.account, resource, find(call, resource, number), call.base)
