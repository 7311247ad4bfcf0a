"""Everything that was written, newest first. Names of fields, never values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.security.tenant import signed_in, the_account
from webapp.store import activity, connections, ledger
from webapp.store.models_account import Account, Connection
from webapp.store.models_hooks import Activity
from webapp.views.activity_words import ACTIONS, TARGETS, action_words, actor_words
from webapp.views.csv_file import csv_answer
from webapp.views.showing import KIND_WORDS, cliniko_url, hubspot_url, kind_words, persons, whole_number
from webapp.views.times import zone_of

blueprint = Blueprint("activity", __name__)

PER_PAGE = 50
_PEOPLE = ("patient", "contact")
HEADER = ("when", "who", "where", "action", "kind", "cliniko_id", "hubspot_id", "fields", "result")


@dataclass(frozen=True)
class Filter:
    """What was chosen, as typed, and as the store takes it."""

    record: str
    action: str
    kind: str
    day: str
    since: datetime | None
    problem: str

    @property
    def chosen(self) -> dict[str, Any]:
        """For the addresses of the next page and of the file."""
        values = {"record": self.record, "action": self.action, "kind": self.kind, "since": self.day}
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    at: datetime
    who: str
    what: str
    where: str
    kind: str
    name: str
    cliniko_id: str
    cliniko_url: str
    hubspot_id: str
    hubspot_url: str
    fields: str
    result: str


@blueprint.get("/activity")
@signed_in
def activity_page() -> ResponseReturnValue:
    """A page of the list; `before` goes on where the last one ended."""
    account = the_account()
    chosen = _filter(account)
    found = _search(account, chosen, whole_number(request.args.get("before")))
    rows = found[:PER_PAGE]
    older = url_for(".activity_page", before=rows[-1].id, **chosen.chosen) if len(found) > PER_PAGE else ""
    return render_template(
        "activity/activity.html",
        account=account,
        rows=_rows(account, rows),
        chosen=chosen,
        older=older,
        newest=url_for(".activity_page", **chosen.chosen) if "before" in request.args else "",
        export=url_for(".activity_file", **chosen.chosen),
        actions=ACTIONS,
        kinds=KIND_WORDS,
    )


@blueprint.get("/activity.csv")
@signed_in
def activity_file() -> ResponseReturnValue:
    """The same lines, all of them, as a file."""
    account = the_account()
    chosen = _filter(account)
    return csv_answer(f"activity-{account.hub_id}", HEADER, _lines(account.hub_id, chosen))


def _lines(hub_id: int, chosen: Filter) -> Iterator[Sequence[object]]:
    if chosen.problem:
        return
    lines = activity.export(
        hub_id,
        record=chosen.record or None,
        actions=[chosen.action] if chosen.action else (),
        kinds=[chosen.kind] if chosen.kind else (),
        since=chosen.since,
    )
    for line in lines:
        yield (line["at"], line["actor"], line["target"], line["action"], line["kind"], line["cliniko_id"],
               line["hubspot_id"], line["fields"], line["result"])  # fmt: skip


def _filter(account: Account) -> Filter:
    def given(name: str) -> str:
        return request.args.get(name, "").strip()[:60]

    day, problem, since = given("since"), "", None
    if day:
        try:
            first = date.fromisoformat(day)
            since = datetime(first.year, first.month, first.day, tzinfo=zone_of(account.time_zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            problem = "Choose a day, such as 2026-11-24."
    action, kind = given("action"), given("kind")
    return Filter(
        given("record"), action if action in ACTIONS else "", kind if kind in KIND_WORDS else "", day, since, problem
    )


def _search(account: Account, chosen: Filter, before_id: int | None) -> list[Activity]:
    if chosen.problem:
        return []
    return activity.search(
        account.hub_id,
        record=chosen.record or None,
        actions=[chosen.action] if chosen.action else (),
        kinds=[chosen.kind] if chosen.kind else (),
        since=chosen.since,
        before_id=before_id,
        limit=PER_PAGE + 1,
    )


def _rows(account: Account, found: Sequence[Activity]) -> list[Row]:
    connection = connections.find_connection(account.hub_id)
    names = _names(account.hub_id, connection, found)
    return [
        Row(
            at=line.at,
            who=actor_words(line.actor),
            what=action_words(line.action),
            where=TARGETS.get(line.target, line.target),
            kind=kind_words(line.kind),
            name=names.get((line.kind, line.cliniko_id or ""), ""),
            cliniko_id=line.cliniko_id or "",
            cliniko_url=cliniko_url(connection, line.kind, line.cliniko_id),
            hubspot_id=line.hubspot_id or "",
            hubspot_url=hubspot_url(account, line.kind, line.hubspot_id),
            fields=", ".join(line.fields),
            result="" if line.result == "ok" else line.result.replace("_", " "),
        )
        for line in found
    ]


def _names(hub_id: int, connection: Connection | None, found: Sequence[Activity]) -> dict[tuple[str, str], str]:
    """{(kind, Cliniko id): whose record it is}, as far as we hold names: people's own, and the patient of a deal."""
    if connection is None:
        return {}
    whose: dict[tuple[str, str], tuple[str, str]] = {}
    deals: dict[str, set[str]] = {}
    for line in found:
        if line.cliniko_id and line.kind in _PEOPLE:
            whose[line.kind, line.cliniko_id] = (line.kind, line.cliniko_id)
        elif line.cliniko_id:
            deals.setdefault(line.kind, set()).add(line.cliniko_id)
    for kind, ids in deals.items():
        for cliniko_id, link in ledger.by_cliniko(connection.id, kind, ids).items():
            if link.patient_id:
                whose[kind, cliniko_id] = ("patient", link.patient_id)
    known = persons(hub_id, [(connection.id, kind, cliniko_id) for kind, cliniko_id in set(whose.values())])
    return {
        record: known[connection.id, kind, cliniko_id].name
        for record, (kind, cliniko_id) in whose.items()
        if (connection.id, kind, cliniko_id) in known
    }
