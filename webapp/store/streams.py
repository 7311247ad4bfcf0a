"""When each stream of an account runs, and how its present cycle is doing."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update

from webapp.clock import now
from webapp.extensions import db

from .models_account import Account, Connection
from .models_sync import Run, StreamState
from .settings import get_settings
from .sql import upsert
from .stream_rows import add_rows

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def next_slot(hub_id: int, stream: str, interval_minutes: int, after: datetime) -> datetime:
    """The next moment after `after` at which this stream is due. Each (account, stream) has its own place in the
    interval, so that accounts do not start together."""
    interval = interval_minutes * 60
    place = int.from_bytes(hashlib.sha256(f"{hub_id}:{stream}".encode()).digest()[:4], "big") % interval
    seconds = int((after - _EPOCH).total_seconds())
    wait = (place - seconds) % interval
    return after.replace(microsecond=0) + timedelta(seconds=wait or interval)


def ensure_streams(hub_id: int, streams: Sequence[str]) -> None:
    """Make the rows of these streams, due at once; existing rows stay as they are."""
    add_rows(hub_id, streams)
    db.session.commit()


def stream_states(hub_id: int) -> list[StreamState]:
    return list(
        db.session.scalars(select(StreamState).where(StreamState.hub_id == hub_id).order_by(StreamState.stream))
    )


def get_stream(hub_id: int, stream: str) -> StreamState | None:
    return db.session.get(StreamState, (hub_id, stream), populate_existing=True)


def request_run(hub_id: int, streams: Sequence[str]) -> list[str]:
    """Ask for a run now. A stream that is running runs once more afterwards. Returns the streams that can run."""
    ensure_streams(hub_id, streams)
    moment = now()
    known: list[str] = []
    rows = select(StreamState).where(StreamState.hub_id == hub_id, StreamState.stream.in_(streams))
    # Locked, so that the request is not lost when the cycle under way ends at this very moment.
    for state in db.session.scalars(rows.order_by(StreamState.stream).with_for_update()):
        if state.state == "off":
            continue
        known.append(state.stream)
        if state.state == "running":
            state.requested = True
        elif state.state != "finished":
            state.state, state.cause, state.wait_until, state.next_run_at = "idle", None, None, moment
    db.session.commit()
    return known


def due_streams(moment: datetime) -> list[tuple[int, str]]:
    """(hub_id, stream) of active, connected accounts whose stream is due or whose open cycle goes on."""
    rows = db.session.execute(
        select(StreamState.hub_id, StreamState.stream)
        .join(Account, Account.hub_id == StreamState.hub_id)
        .join(Connection, Connection.hub_id == StreamState.hub_id)
        .where(
            Account.status == "active",
            Connection.status == "active",
            or_(
                StreamState.state.in_(("idle",)) & (StreamState.next_run_at <= moment),
                StreamState.state.in_(("waiting",)) & (StreamState.wait_until <= moment),
                StreamState.state == "running",
            ),
        )
        .order_by(StreamState.next_run_at)
    )
    return [(int(hub_id), stream) for hub_id, stream in rows]


def open_cycle(hub_id: int, stream: str) -> StreamState:
    """Begin a cycle, or go on with the one that is open; the caller holds the stream's lease. Commits."""
    state = _locked(hub_id, stream)
    assert state is not None, "ensure_streams runs before a cycle"
    moment = now()
    if state.started_at is None or state.finished_at is not None:
        state.cycle_no += 1
        state.started_at, state.finished_at, state.counts = moment, None, {}
        state.requested = False
    if state.state != "off":
        state.state = "running"
    state.wait_until, state.cause = None, None
    state.progress_at = moment
    db.session.commit()
    return state


def add_counts(hub_id: int, stream: str, counts: Mapping[str, int]) -> None:
    """Add to the counts of the open cycle; the caller commits."""
    state = get_stream(hub_id, stream)
    assert state is not None
    merged = dict(state.counts)
    for name, number in counts.items():
        merged[name] = merged.get(name, 0) + number
    state.counts = merged
    state.progress_at = now()


def close_cycle(hub_id: int, stream: str, next_run_at: datetime | None = None) -> None:
    """The cycle read and wrote everything: keep its history, plan the next, by the account's interval unless told
    otherwise. Commits."""
    state = _locked(hub_id, stream)
    assert state is not None
    moment = now()
    _keep_history(state, "finished", moment)
    state.finished_at = state.last_success_at = state.progress_at = moment
    state.failures, state.cause = 0, None
    if state.state not in ("finished", "off"):
        state.state = "idle"
    if state.requested:
        state.next_run_at, state.requested = moment, False
    else:
        interval = get_settings(hub_id).interval_minutes
        state.next_run_at = next_run_at or next_slot(hub_id, stream, interval, moment)
    db.session.commit()


def wait(hub_id: int, stream: str, until: datetime, cause: str) -> None:
    """The open cycle goes on later; nothing is lost. Commits."""
    db.session.execute(
        update(StreamState)
        .where(StreamState.hub_id == hub_id, StreamState.stream == stream, StreamState.state != "off")
        .values(state="waiting", wait_until=until, cause=cause, failures=StreamState.failures + 1)
    )
    db.session.commit()


def stop(hub_id: int, stream: str | None, cause: str) -> None:
    """Stop one stream, or all of an account, until a person acts. Those that are off or finished stay so. Commits."""
    query = update(StreamState).where(StreamState.hub_id == hub_id, StreamState.state.not_in(("off", "finished")))
    if stream is not None:
        query = query.where(StreamState.stream == stream)
    db.session.execute(query.values(state="stopped", cause=cause))
    db.session.commit()


def clear_failures(hub_id: int, stream: str) -> None:
    """An execution went through; the caller commits."""
    db.session.execute(
        update(StreamState).where(StreamState.hub_id == hub_id, StreamState.stream == stream).values(failures=0)
    )


def finish_for_good(hub_id: int, stream: str) -> None:
    """There is nothing left for this stream to do, ever; the caller commits."""
    db.session.execute(
        update(StreamState).where(StreamState.hub_id == hub_id, StreamState.stream == stream).values(state="finished")
    )


def ask_reread(hub_id: int, names: Sequence[str]) -> None:
    """In their next cycle these streams read everything once more, because what is written has changed. Commits."""
    db.session.execute(
        update(StreamState).where(StreamState.hub_id == hub_id, StreamState.stream.in_(list(names))).values(reread=True)
    )
    db.session.commit()


def take_reread(hub_id: int, stream: str) -> None:
    """The full re-read that a setting asked for has been planned in the cursors; the caller commits."""
    db.session.execute(
        update(StreamState).where(StreamState.hub_id == hub_id, StreamState.stream == stream).values(reread=False)
    )


def last_runs(hub_id: int, stream: str | None = None, limit: int = 20) -> list[Run]:
    query = select(Run).where(Run.hub_id == hub_id)
    if stream is not None:
        query = query.where(Run.stream == stream)
    return list(db.session.scalars(query.order_by(Run.finished_at.desc(), Run.id.desc()).limit(limit)))


def _locked(hub_id: int, stream: str) -> StreamState | None:
    """The row as it is now, which nobody else changes until the commit."""
    return db.session.get(StreamState, (hub_id, stream), populate_existing=True, with_for_update=True)


def _keep_history(state: StreamState, outcome: str, moment: datetime) -> None:
    row: dict[str, Any] = {
        "hub_id": state.hub_id,
        "stream": state.stream,
        "cycle_no": state.cycle_no,
        "outcome": outcome,
        "started_at": state.started_at,
        "finished_at": moment,
        "counts": dict(state.counts),
    }
    upsert(Run, [row], keys=["hub_id", "stream", "cycle_no"])
