"""The dashboard's numbers, gathered from the store in a handful of queries."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from webapp.clients.counter import CallCounter
from webapp.clock import now
from webapp.extensions import get_redis
from webapp.store import connections, issues, ledger, people, streams
from webapp.store.models_account import Account, Connection
from webapp.store.models_sync import Issue, Run, StreamState
from webapp.views.proof_line import ProofLine, proof_line
from webapp.views.words import SHAPES, STREAMS, Words, issue_words, stream_words

# The record kind behind each stream, as the ledger names it.
KINDS = {
    "patients": ("patient",),
    "contacts": ("contact",),
    "appointments": ("individual_appointment", "attendee"),
    "invoices": ("invoice",),
}
# The smallest daily allowance of calls that HubSpot gives an account.
SMALLEST_DAILY_CALLS = 250_000


@dataclass(frozen=True)
class StreamRow:
    """One line of the table."""

    name: str
    label: str
    look: str
    shape: str
    word: str
    words: Words | None
    linked: int
    waiting: int
    left_out: int
    needs_you: int
    last: Run | None
    written: int
    next_run_at: datetime | None
    counts: dict[str, int]


@dataclass(frozen=True)
class IssueRow:
    """One record that could not be synced, with its name when we hold it."""

    id: int
    who: str
    what: str
    cliniko_id: str
    words: Words
    detail: str | None
    retry_at: datetime | None
    last_seen_at: datetime


@dataclass(frozen=True)
class Overview:
    """All that the dashboard shows."""

    look: str
    shape: str
    headline: str
    rows: list[StreamRow]
    reviews: int
    issues: int
    last_checked: datetime | None
    next_run: datetime | None
    working: bool
    hubspot_calls: int
    cliniko_calls: int
    budget_percent: float
    proof: ProofLine | None


def overview(account: Account) -> Overview:
    """Everything about one account."""
    hub_id = account.hub_id
    connection = connections.find_connection(hub_id)
    open_issues, links = issues.count_open(hub_id), ledger.counts(hub_id)
    work = issues.count_work(hub_id)
    states = [state for state in streams.stream_states(hub_id) if state.stream in STREAMS and state.state != "off"]
    rows = [_row(account, state, open_issues, links, work) for state in states]
    rows.sort(key=lambda row: list(STREAMS).index(row.name) if row.name in STREAMS else len(STREAMS))
    reviews, total = sum(issues.count_reviews(hub_id).values()), sum(open_issues.values())
    look, headline = _headline(account, connection, rows)
    counter, today = CallCounter(get_redis(), hub_id), now().date()
    hubspot_calls = counter.read("hubspot", today)
    ended = [row.last.finished_at for row in rows if row.last]
    planned = [row.next_run_at for row in rows if row.next_run_at]
    return Overview(
        look=look,
        shape=SHAPES[look][0],
        headline=headline,
        rows=rows,
        reviews=reviews,
        issues=total,
        last_checked=max(ended) if ended else None,
        next_run=min(planned) if planned and account.status == "active" else None,
        working=any(row.look == "working" for row in rows),
        hubspot_calls=hubspot_calls,
        cliniko_calls=counter.read("cliniko", today),
        budget_percent=round(100 * hubspot_calls / SMALLEST_DAILY_CALLS, 1),
        proof=proof_line(hub_id),
    )


def issue_rows(account: Account, limit: int = 200) -> list[IssueRow]:
    """Open issues, newest first, with the person's name where we hold it."""
    found = issues.list_issues(account.hub_id, limit=limit)
    names = _names(account.hub_id, found)
    return [
        IssueRow(
            id=issue.id,
            who=names.get((issue.connection_id, issue.kind, issue.cliniko_id), ""),
            what=issue.kind.replace("_", " "),
            cliniko_id=issue.cliniko_id,
            words=issue_words(issue.cause, issue.field),
            detail=issue.detail,
            retry_at=issue.retry_at,
            last_seen_at=issue.last_seen_at,
        )
        for issue in found
    ]


def _row(
    account: Account,
    state: StreamState,
    open_issues: dict[str, int],
    links: dict[tuple[str, str], int],
    work: dict[str, int],
) -> StreamRow:
    kinds = KINDS.get(state.stream, (state.stream,))
    needs = open_issues.get(state.stream, 0)
    look = _look(account, state, needs)
    runs = streams.last_runs(account.hub_id, state.stream, limit=1)
    last = runs[0] if runs else None
    shape, word = SHAPES[look]
    return StreamRow(
        name=state.stream,
        label=STREAMS.get(state.stream, state.stream.capitalize()),
        look=look,
        shape=shape,
        word=word,
        words=stream_words(state.cause) if look in ("stopped", "waiting") else None,
        linked=_sum(links, kinds, ("linked",)),
        waiting=_sum(links, kinds, ("reserved", "held", "waiting")) + sum(work.get(kind, 0) for kind in kinds),
        left_out=_sum(links, kinds, ("excluded", "closed", "unlinked")),
        needs_you=needs,
        last=last,
        written=sum(int((last.counts if last else {}).get(name, 0)) for name in ("created", "linked", "updated")),
        next_run_at=_next(state) if account.status == "active" else None,
        counts=state.counts,
    )


def _look(account: Account, state: StreamState, needs: int) -> str:
    if account.status == "paused":
        return "paused"
    if state.state in ("stopped", "waiting"):
        return state.state
    if state.state == "running":
        return "working"
    if state.last_success_at is None:
        return "new"
    return "needs" if needs else "ok"


def _next(state: StreamState) -> datetime | None:
    if state.state == "waiting":
        return state.wait_until
    return state.next_run_at if state.state == "idle" else None


def _headline(account: Account, connection: Connection | None, rows: list[StreamRow]) -> tuple[str, str]:
    if account.status == "paused":
        return "paused", "Paused. Nothing is read or written until you resume."
    if connection is None:
        return "needs", "Cliniko is not connected yet."
    if connection.status != "active":
        return "stopped", "Stopped: Cliniko no longer accepts the API key."
    looks = {row.look for row in rows}
    if looks == {"stopped"}:
        return "stopped", "Stopped. The table says why and what to do."
    if "stopped" in looks:
        names = " and ".join(row.label for row in rows if row.look == "stopped")
        return "stopped", f"{names} stopped, the rest goes on. The table says why and what to do."
    if "working" in looks:
        return "working", "Working. You can leave this page, it goes on by itself."
    if "waiting" in looks:
        return "waiting", "Waiting for a moment, then it goes on by itself."
    if not rows or looks == {"new"}:
        return "new", "Nothing has been synced yet."
    if "needs" in looks:
        return "needs", "Most is in sync."
    return "ok", "Everything is in sync."


def _names(hub_id: int, found: Collection[Issue]) -> dict[tuple[int, str, str], str]:
    groups: dict[tuple[int, str], list[str]] = {}
    for issue in found:
        groups.setdefault((issue.connection_id, issue.kind), []).append(issue.cliniko_id)
    names: dict[tuple[int, str, str], str] = {}
    for (connection_id, kind), ids in groups.items():
        for cliniko_id, raw in people.display_rows(hub_id, connection_id, kind, ids).items():
            names[connection_id, kind, cliniko_id] = json.loads(raw).get("name") or ""
    return names


def _sum(links: dict[tuple[str, str], int], kinds: Collection[str], states: Collection[str]) -> int:
    return sum(links.get((kind, state), 0) for kind in kinds for state in states)
